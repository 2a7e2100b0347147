// SPDX-License-Identifier: GPL-2.0
/*
 * The controller is reset with command groups of four CPUs in flight, which a
 * slow drive holds: each group ends once, with a status for each command that
 * is true, those the device held end as cancelled, and the queues count the
 * same. A group that was not sent in whole says of the rest that it was not.
 *
 * COUNT=   resets (default 6)
 *
 * vm: --cpus 4
 */
#include "group_load.h"
#include "test.h"
#include "vm.h"

static struct group_load load;
static struct steer_queues qs;
static struct pt_ns ns;

static uint64_t inflight(void)
{
	struct steer_queue sum;

	if (steer_read_queues(ns.ctrl, &qs))
		return 0;
	steer_total(&qs, &sum);
	return sum.inflight;
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 6);
	struct group_stats sum;
	struct steer_policy policy;
	struct steer_queues before;
	int ret;

	test_begin(60 + 10 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_once(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	group_load_init(&load, &ns);
	load.may_be_cancelled = true;
	load.may_be_refused = true;
	steer_queues(ns.ctrl, &before);
	group_load_start(&load);
	for (i = 0; i < count; i++) {
		test_step("reset %lu", i);
		test_check(group_load_wait(&load, 20, 20000),
			   "no group ended for 20 s");
		group_load_hold(&load);
		vm_throttle(ns.name, 4);
		group_load_go_on(&load);
		/* nearly all of two groups of each thread */
		test_check(test_wait(inflight() >= 7 * GROUP_NR, 20000),
			   "%ju commands in flight", inflight());
		ret = vm_reset(ns.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		vm_throttle(ns.name, 0);
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		test_check(group_load_wait(&load, 20, 20000),
			   "no group ended after the reset");
	}
	group_load_stop(&load);
	/* a drive that is disabled may end some of what it holds, and says so */
	group_load_sum(&load, &sum);
	printf("#   %ju commands cancelled by %lu resets\n", sum.cancelled,
	       count);
	test_check(sum.cancelled >= count * GROUP_NR / 2,
		   "%ju commands cancelled by the resets", sum.cancelled);
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	steer_queues(ns.ctrl, &qs);
	group_load_verify(&load);
	group_load_match(&load, &before, &qs);
	test_pass();
}
