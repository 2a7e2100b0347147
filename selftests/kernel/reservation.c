// SPDX-License-Identifier: GPL-2.0
/*
 * nvme.steer_queues is applied at a controller reset: it grows and shrinks
 * what is reserved, never beyond half of what the controller grants unless
 * forced; a queue beyond the reservation is lost, which is told, and commands
 * for it take the driver's own path; it comes back with the reservation.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define PARAM	"/sys/module/nvme/parameters/steer_queues"
#define FORCE	"/sys/module/nvme/parameters/steer_queues_force"

static struct pt_ns ns;

static void reset(void *arg)
{
	int ret = vm_reset(ns.ctrl);

	test_check(!ret, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
}

static unsigned int reserve(unsigned int asked, bool force)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", asked);
	test_check(!test_write(PARAM, text), "cannot write %s", PARAM);
	test_check(!test_write(FORCE, force ? "1" : "0"), "cannot write %s",
		   FORCE);
	reset(NULL);
	test_check(steer_reserve(ns.ctrl, "asked") == (asked > 255 ? 255 :
						       asked), "asked");
	return steer_reserve(ns.ctrl, "granted");
}

static void one_read(int expected_queue)
{
	uint8_t *buf = test_alloc(4096);
	struct steer_queues before, after;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	int ret;

	pt_ring_init(&ring, 8, 0);
	pt_rw(&cmd, &ns, PT_READ, 64, 1, buf, ns.block);
	steer_queues(ns.ctrl, &before);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	steer_queues(ns.ctrl, &after);
	test_check(!ret, "read: %d", ret);
	test_check(after.q[expected_queue].completed ==
		   before.q[expected_queue].completed + 1,
		   "the command is not on queue %d", expected_queue);
	pt_ring_exit(&ring);
	free(buf);
}

static void queue_state(int n, const char *state)
{
	struct steer_queues qs;

	test_check(test_wait(({
		steer_queues(ns.ctrl, &qs);
		!strcmp(qs.q[n].state, state);
	}), 5000), "queue %d is '%s', not '%s'", n, qs.q[n].state, state);
}

int main(void)
{
	struct puppet_config config = { .mode = { [6] = NVME_STEER_IRQ } };
	struct steer_policy policy;
	unsigned int granted;
	uint64_t lost, down;

	test_begin(90);
	pt_open(&ns, PT_WANT_PLAIN);
	test_at_end(reset, NULL);
	test_set_file(FORCE, "0");
	test_set_file(PARAM, "8");

	test_step("grow, shrink, none");
	granted = reserve(4, false);
	test_check(granted == 4, "granted %u of 4", granted);
	granted = reserve(12, false);
	test_check(granted == 12, "granted %u of 12", granted);
	granted = reserve(0, false);
	test_check(!granted, "granted %u of 0", granted);
	test_check(test_write(steer_path(ns.ctrl, "queue_add"),
			      "0 poll 16") < 0, "a queue out of nothing");

	test_step("half at most, unless forced");
	granted = reserve(200, false);
	printf("#   %u of 200\n", granted);
	test_check(granted && granted <= 16, "granted %u of 200", granted);
	granted = reserve(24, true);
	printf("#   %u of 24, forced\n", granted);
	test_check(granted > 16, "granted %u of 24, forced", granted);
	test_check(!test_write(steer_path(ns.ctrl, "queue_add"),
			       "24 poll 16") || granted < 24, "queue 24");
	test_write(steer_path(ns.ctrl, "queue_remove"), "24");

	test_step("a queue beyond the reservation");
	granted = reserve(8, false);
	test_check(granted == 8, "granted %u of 8", granted);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 6, 6);
	one_read(6);
	lost = steer_event(ns.ctrl, "queue_lost");
	down = steer_event(ns.ctrl, "queue_down");
	reserve(4, false);
	queue_state(6, "lost");
	test_check(steer_event(ns.ctrl, "queue_lost") == lost + 1, "no event");
	one_read(0);
	/* more than once where the reset was not through yet */
	test_check(steer_event(ns.ctrl, "queue_down") > down, "no event");
	reserve(8, false);
	queue_state(6, "live");
	one_read(6);
	test_pass();
}
