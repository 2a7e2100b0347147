// SPDX-License-Identifier: GPL-2.0
/*
 * Applications that stopped in the middle of polling (SIGSTOP) hold up nobody:
 * a queue with their commands is removed, a policy unloaded, the controller
 * reset; when they go on, they get their completions, and all data is right.
 *
 * vm: --cpus 4
 */
#include <signal.h>

#include "load.h"
#include "test.h"
#include "vm.h"

static struct pt_ns ns;
static struct load load;

/* Run the submitters for a while, and stop them with commands in flight. */
static void stop_them(void)
{
	test_check(load_wait(&load, 100, 20000), "no I/O for 20 s");
	test_check(!kill(load.pid, SIGSTOP), "cannot stop the child");
}

static void go_on(void)
{
	test_check(!kill(load.pid, SIGCONT), "cannot continue the child");
	test_check(load_wait(&load, 100, 20000),
		   "no I/O for 20 s after SIGCONT");
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_POLL, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 4);
	struct steer_policy p;
	struct load_stats sum;
	uint64_t start;
	unsigned int t;
	int ret;

	test_begin(100);
	pt_open(&ns, PT_WANT_PLAIN);
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers",
		      "1000000");
	load_init(&load, &ns, 4, 16);
	load.may_fail = true;
	for (t = 0; t < 4; t++)
		load.thread[t].mode = PT_IOPOLL;
	load_start_child(&load);
	steer_puppet(&p, ns.ctrl, NULL);

	test_step("removal of their queue");
	for (i = 0; i < count; i++) {
		ret = test_write(steer_path(ns.ctrl, "queue_add"),
				 "3 poll 0");
		test_check(!ret, "queue_add: %s", strerror(-ret));
		steer_answer(&p, 0, 3);
		stop_them();
		start = test_now_ms();
		ret = test_write(steer_path(ns.ctrl, "queue_remove"), "3");
		test_check(!ret, "queue_remove: %s", strerror(-ret));
		test_check(test_now_ms() - start < 10000, "took %ju ms",
			   test_now_ms() - start);
		go_on();
	}
	steer_detach(&p);

	test_step("unload of the policy");
	for (i = 0; i < count; i++) {
		steer_puppet(&p, ns.ctrl, &config);
		steer_answer_spread(&p, 0, 0, 1, 2);
		stop_them();
		start = test_now_ms();
		steer_detach(&p);
		test_check(test_now_ms() - start < 10000, "took %ju ms",
			   test_now_ms() - start);
		test_check(!steer_reserve(ns.ctrl, "used"), "queues are left");
		go_on();
	}

	test_step("controller reset");
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer_spread(&p, 0, 0, 1, 2);
	for (i = 0; i < count; i++) {
		stop_them();
		ret = vm_reset(ns.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		go_on();
	}

	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled, sum.refused);
	test_pass();
}
