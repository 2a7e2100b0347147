// SPDX-License-Identifier: GPL-2.0
/*
 * A process with four threads on four CPUs and commands in flight on polled
 * and interrupt steer queues is killed with SIGKILL, again and again. Its
 * commands end, their memory is given back, the blocks hold the old data or
 * the new, and the queues go on for the next process.
 *
 * One of the threads has a submission thread that polls. None of its commands
 * may go down the driver's own path: there Linux 6.12 leaves completions to
 * task work, which such a ring does not run any more when it ends, and polls
 * for ever. So its queues are never full.
 *
 * COUNT=   kills (default 10; the figure to show is 50)
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
		.depth = { [2] = 8, [4] = 64 },
	};
	unsigned long i, count = test_env("COUNT", 10);
	struct steer_queues before, after;
	struct steer_queue b, a;
	struct steer_policy policy;
	struct load_stats sum;
	struct load load;
	struct pt_ns ns;
	uint64_t start;

	test_begin(60 + 2 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.thread[2].mode = PT_SQPOLL;
	load.thread[3].mode = PT_IOPOLL | PT_SQPOLL;

	test_step("%lu kills under load", count);
	steer_queues(ns.ctrl, &before);
	start = test_now_ms();
	for (i = 0; i < count; i++) {
		load_start_child(&load);
		test_check(load_wait(&load, 40 + 13 * (i % 8), 20000),
			   "no I/O for 20 s before kill %lu", i);
		load_kill(&load);
		test_check(steer_wait_idle(ns.ctrl, 10000),
			   "commands in flight 10 s after kill %lu", i);
		load_verify(&load);
	}

	steer_queues(ns.ctrl, &after);
	steer_total(&before, &b);
	steer_total(&after, &a);
	load_sum(&load, &sum);
	printf("# %lu kills in %ju ms: %ju commands made, %ju reached the controller, %ju completions were seen\n",
	       count, test_now_ms() - start, sum.submitted,
	       a.submitted - b.submitted, sum.ended);
	test_check(!sum.failed && !sum.cancelled && !sum.refused,
		   "commands failed");
	test_check(a.submitted - b.submitted == a.completed - b.completed,
		   "not every command completed");
	test_check(a.submitted - b.submitted <= sum.submitted &&
		   a.completed - b.completed >= sum.ended,
		   "more or fewer commands than were submitted");

	test_step("clean run afterwards");
	load_clear(&load);
	load_start(&load);
	test_check(load_wait(&load, 400, 20000), "no I/O afterwards");
	load_stop(&load);
	load_verify(&load);
	steer_queues(ns.ctrl, &before);
	load_match(&load, &after, &before);
	test_pass();
}
