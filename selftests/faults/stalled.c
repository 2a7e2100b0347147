// SPDX-License-Identifier: GPL-2.0
/*
 * A steer queue gets nowhere with whatever was sent to it, polled for or not:
 * passthrough commands, block requests, command groups, copies by reads and
 * writes and by Copy, and all of a policy that took them over. The policy is
 * ejected for it, and nothing else happens to them: they end well when the
 * controller answers after all, without a reset; and where it does not, the way
 * they do on the driver's own path.
 *
 * vm: --drives faults --cpus 4
 * timeout: 300
 */
#include "cell.h"
#include "copy.h"
#include "test.h"
#include "vm.h"

#define STALL_MS	1000	/* the policy is ejected then, ... */
#define COMMAND_MS	2000	/* ... once the commands have had their time */
#define COPY_STALL_MS	2000	/* those of a copy have that of its policy */
#define COPY_BLOCKS	128	/* of a range of a Copy */

static struct pt_ns *ns;

/* All ways, steered and not. */
static void commands(void)
{
	unsigned int stall_ms = STALL_MS * test_slow();
	int own, own_block, own_block_polled, ret;
	enum cell_way way;

	/* the stock driver may crash where passthrough is polled for: cell.h */
	own = cell_stalls(CELL_DRIVER, 0, false);
	own_block = cell_stalls(CELL_DRIVER_BLOCK, 0, false);
	own_block_polled = cell_stalls(CELL_DRIVER_BLOCK_POLLED, 0, false);
	test_check(own, "without an answer commands ended well");
	test_check(!own_block && !own_block_polled,
		   "block requests are not tried again");
	for (way = CELL_FIRST_STEERED; way < CELL_WAYS; way++) {
		cell_stalls(way, stall_ms, true);
		ret = cell_stalls(way, stall_ms, false);
		test_check(ret == (cell_is_block(way) ? own_block : own),
			   "they ended with %d, on the driver's path with %d",
			   ret, own);
	}
}

/* ------------------------------------------------------------------- copies */

static struct image from, to;

static void poll_ring(void *arg)
{
	struct pt_ring *r = arg;

	io_uring_get_events(&r->uring);
	test_check(!io_uring_cq_ready(&r->uring), "the copy ended");
}

static void hold_up(unsigned int queue)
{
	struct fault_rule rule = {
		.what = FAULT_NEVER, .opcode = FAULT_ANY,
		.first_qid = 1, .last_qid = FAULT_QUEUES - 1,
	};
	struct steer_queues qs;

	if (queue) {
		steer_queues(ns->ctrl, &qs);
		rule.first_qid = rule.last_qid = qs.q[queue].qid;
	}
	fault_clear();
	fault_add(&rule);
}

/* It says what became of the data, and nothing else has happened. */
static void check_copy(struct copy *c, bool answered)
{
	struct fault_counters counters;

	test_check(vm_wait_live(ns->ctrl, 20000), "not live");
	fault_counters(&counters);
	test_check(!counters.resets == answered,
		   "the controller was reset %u times", counters.resets);
	fault_host_is_good("a copy");
	fault_clear();
	if (answered) {
		copy_is_good(c, 0, "answered at last");
		copy_model(c);
	} else {
		copy_check_report(c, "reset");
	}
	image_check(&to, "a copy");
	image_check(&from, "what was copied");
}

/* A copy by queue @queue, or 0: the driver's own path. */
static int copy_stalls(unsigned int queue, unsigned int how, bool answered)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
		.timeout_ms = COPY_STALL_MS * test_slow(),
	};
	struct steer_policy policy;
	struct pt_ring ring;
	uint64_t result;
	struct copy c;
	int ret;

	test_step("copy by %s, queue %u: %s",
		  how == NVME_STEER_COPY_F_EMULATE ? "reads and writes" :
						     "Copy",
		  queue, answered ? "answered at last" : "reset");
	pt_ring_init(&ring, 8, queue == 2 ? PT_IOPOLL : 0);
	steer_puppet_copy(&policy, ns->ctrl, &config);
	policy.state->copy_route = queue;
	image_init(&from, ns, 8 << 20, 1 << 18);
	image_init(&to, ns, 9 << 20, 1 << 18);
	copy_init(&c, 4);
	copy_begin(&c, &to, 512, how);
	copy_add(&c, &from, 0, COPY_BLOCKS * ns->block);
	copy_add(&c, &from, 100 * 1024, 512);
	copy_add(&c, &from, 150 * 1024, COPY_BLOCKS * ns->block);
	hold_up(queue);
	copy_queue(&ring, &c, 0, 0);
	test_check(pt_submit_only(&ring) == 1, "submit");
	test_check(test_wait(fault_done(0), 20000), "nothing is in flight");
	if (queue)
		cell_ejected(ns->ctrl, queue, "copy", poll_ring, &ring);
	if (answered)
		fault_change(FAULT_CHANGE_RELEASE, 0);
	ret = pt_reap(&ring, NULL, &result);
	copy_ended(&c, ret, result);
	check_copy(&c, answered);
	steer_detach(&policy);
	test_check(test_wait(!steer_reserve(ns->ctrl, "used"), 20000),
		   "queues are left");
	test_check(steer_wait_idle(ns->ctrl, 5000), "commands left in flight");
	pt_ring_exit(&ring);
	image_free(&from);
	image_free(&to);
	copy_free(&c);
	return ret;
}

static void copies(unsigned int how)
{
	int own = copy_stalls(0, how, false), ret;
	unsigned int queue;

	test_check(own, "without an answer a copy ended well");
	for (queue = 1; queue <= 2; queue++) {
		copy_stalls(queue, how, true);
		ret = copy_stalls(queue, how, false);
		test_check(ret == own,
			   "it ended with %d, on the driver's path with %d",
			   ret, own);
	}
}

int main(void)
{
	test_begin(280);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	ns = cell_open(COMMAND_MS * test_slow());
	commands();
	fault_change(FAULT_CHANGE_COPY, COPY_BLOCKS);
	copies(NVME_STEER_COPY_F_EMULATE);
	copies(NVME_STEER_COPY_F_OFFLOAD);
	test_pass();
}
