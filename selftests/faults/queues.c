// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that does not create a queue, does not delete one, does not
 * answer when asked, or grants fewer than asked: when a policy is attached and
 * detached, and in a reset. A policy whose queue cannot be had is refused; a
 * queue that a reset does not bring back is lost, and its commands take the
 * driver's own path; what the controller refuses to forget is not made again
 * before a reset. Commands go well all the time, and the host deletes no queue
 * that is not there, nor one that is in use.
 *
 * vm: --drives faults --cpus 4
 */
#include "fault.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define CREATE_SQ	0x01
#define CREATE_CQ	0x05
#define DELETE_SQ	0x00
#define DELETE_CQ	0x04
#define SET_FEATURES	0x09
#define INTERNAL	0x006
#define TOO_LARGE	0x4102		/* Invalid Queue Size, DNR */

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static struct pt_ns ns;
static struct steer_policy policy;

static void reset(void)
{
	int ret = vm_reset(ns.ctrl);

	test_check(!ret, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
}

/* A write and a read; they are carried by @queue, 0 is the driver's. */
static bool one_round(int queue, uint64_t gen)
{
	struct steer_queues before, after;
	uint8_t *buf = test_alloc(4096);
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	int i, ret;

	pt_ring_init(&ring, 8, queue == 2 ? PT_IOPOLL : 0);
	steer_queues(ns.ctrl, &before);
	for (i = 0; i < 2; i++) {
		pt_fill(&ns, buf, 64, 8, gen);
		if (i)
			memset(buf, 0, 4096);
		pt_rw(&cmd, &ns, i ? PT_READ : PT_WRITE, 64, 8, buf, 4096);
		ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
		test_check(!ret, "%s: %d", i ? "read" : "write", ret);
	}
	test_check(pt_differs(&ns, buf, 64, 8, gen) < 0, "wrong data");
	steer_queues(ns.ctrl, &after);
	pt_ring_exit(&ring);
	free(buf);
	return after.q[queue].completed - before.q[queue].completed >= 2;
}

static void carries(int queue)
{
	static uint64_t gen;

	test_check(test_wait(one_round(queue, ++gen), 10000),
		   "queue %d does not carry the commands", queue);
}

static void queue_state(int n, const char *state)
{
	struct steer_queues qs;

	test_check(test_wait(({
		steer_queues(ns.ctrl, &qs);
		!strcmp(qs.q[n].state, state);
	}), 10000), "queue %d is '%s', not '%s'", n, qs.q[n].state, state);
}

static unsigned int rule(uint16_t opcode, uint16_t what, uint32_t value,
			 uint32_t skip)
{
	struct fault_rule rule = {
		.what = what, .opcode = opcode, .value = value, .skip = skip,
		.count = 1,
	};

	fault_clear();
	return fault_add(&rule);
}

static void happened(const char *what, unsigned int times)
{
	test_check(fault_done(0) == times, "%s: %u times, not %u", what,
		   fault_done(0), times);
	fault_host_is_good(what);
	fault_clear();
}

static int try_attach(void)
{
	int ret = steer_load(&policy, ns.ctrl, "puppet", &config);

	test_check(!ret, "cannot load the policy: %d", ret);
	return steer_attach(&policy);
}

static void attach(void)
{
	int ret = try_attach();

	test_check(!ret, "cannot attach: %s", strerror(-ret));
	steer_answer(&policy, 1, 2);
	carries(1);
	carries(2);
}

static void refused(const char *what, uint16_t opcode, uint16_t fault,
		    uint32_t value, uint32_t skip)
{
	struct steer_queues qs;
	int ret;

	test_step("attach: %s", what);
	rule(opcode, fault, value, skip);
	ret = try_attach();
	test_check(ret, "it was attached");
	printf("#   %s\n", strerrorname_np(-ret));
	test_check(fault == FAULT_NEVER || ret == -EIO, "%s, not EIO",
		   strerrorname_np(-ret));
	steer_detach(&policy);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	steer_queues(ns.ctrl, &qs);
	test_check(!qs.q[1].present && !qs.q[2].present, "a queue is left");
	happened(what, 1);
	attach();
	steer_detach(&policy);
	fault_host_is_good(what);
}

static void not_deleted(const char *what, uint16_t opcode, uint16_t fault,
			uint32_t value)
{
	int ret;

	test_step("detach: %s", what);
	attach();
	rule(opcode, fault, value, 0);
	steer_detach(&policy);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	happened(what, 1);
	if (fault == FAULT_STATUS) {
		/* its identifier is taken until a reset */
		ret = try_attach();
		test_check(ret == -EIO, "attached again: %d", ret);
		steer_detach(&policy);
		fault_clear();
		reset();
	}
	attach();
	steer_detach(&policy);
	fault_host_is_good(what);
}

/* @queue: the one that is not brought back; the driver's come first. */
static void lost(const char *what, uint16_t opcode, int queue)
{
	uint64_t lost = steer_event(ns.ctrl, "queue_lost");
	unsigned int first = steer_reserve(ns.ctrl, "first_qid");
	int other = 3 - queue;

	test_step("reset: %s", what);
	rule(opcode, FAULT_STATUS, INTERNAL, first - 1 + queue - 1);
	reset();
	queue_state(queue, "lost");
	happened(what, 1);
	test_check(steer_event(ns.ctrl, "queue_lost") == lost + 1,
		   "no event queue_lost");
	queue_state(other, "live");
	carries(other);
	test_check(!one_round(queue, 7), "a queue that is lost carries commands");
	reset();
	queue_state(queue, "live");
	carries(queue);
	fault_host_is_good(what);
}

static void granted(unsigned int most)
{
	struct fault_rule grant = {
		.what = FAULT_GRANT, .opcode = SET_FEATURES, .value = most,
	};
	unsigned int got;

	test_step("reset: %u granted", most);
	fault_clear();
	fault_add(&grant);
	reset();
	got = steer_reserve(ns.ctrl, "granted");
	printf("#   %u of %u\n", got, most);
	test_check(got <= most / 2, "%u of %u for steering", got, most);
	queue_state(1, got >= 1 ? "live" : "lost");
	queue_state(2, got >= 2 ? "live" : "lost");
	one_round(1, 11);
	one_round(2, 12);
	test_check(fault_done(0), "nothing was asked for");
	fault_host_is_good("few queues");
	fault_clear();
	reset();
	test_check(steer_reserve(ns.ctrl, "granted") == 8, "not 8 again");
	carries(1);
	carries(2);
	fault_host_is_good("few queues");
}

/* The driver does with the queues it got; steering is where it was. */
static void driver_without(uint16_t opcode)
{
	test_step("reset: the driver does not get its third queue (%#x)",
		  opcode);
	rule(opcode, FAULT_STATUS, INTERNAL, 2);
	reset();
	test_check(fault_done(0) == 1, "the fault did not happen");
	fault_host_is_good("a queue of the driver's");
	carries(1);
	carries(2);
	fault_clear();
	reset();
	carries(1);
	fault_host_is_good("a queue of the driver's");
}

int main(void)
{
	test_begin(170);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	fault_open(&ns);

	refused("Create CQ", CREATE_CQ, FAULT_STATUS, TOO_LARGE, 0);
	refused("Create SQ", CREATE_SQ, FAULT_STATUS, INTERNAL, 0);
	refused("Create CQ of the second", CREATE_CQ, FAULT_STATUS, INTERNAL, 1);
	refused("Create SQ of the second", CREATE_SQ, FAULT_STATUS, INTERNAL, 1);
	refused("Create CQ not answered", CREATE_CQ, FAULT_NEVER, 0, 0);
	refused("Create SQ not answered", CREATE_SQ, FAULT_NEVER, 0, 1);
	not_deleted("Delete SQ", DELETE_SQ, FAULT_STATUS, INTERNAL);
	not_deleted("Delete CQ", DELETE_CQ, FAULT_STATUS, INTERNAL);
	not_deleted("Delete SQ not answered", DELETE_SQ, FAULT_NEVER, 0);

	attach();
	lost("Create CQ", CREATE_CQ, 1);
	lost("Create SQ", CREATE_SQ, 2);
	granted(6);
	granted(2);
	granted(1);
	driver_without(CREATE_CQ);
	driver_without(CREATE_SQ);
	steer_detach(&policy);
	test_pass();
}
