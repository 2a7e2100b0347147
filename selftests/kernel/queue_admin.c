// SPDX-License-Identifier: GPL-2.0
/*
 * Queues are added and removed by sysfs while four CPUs write and verify
 * through them: what is on a queue that goes finishes there, what the policy
 * sends to one that is gone takes the driver's own path. And each mistake has
 * its errno.
 *
 * COUNT=   rounds (default 6)
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"

static struct pt_ns ns;
static struct steer_policy policy;

static int add(const char *text)
{
	return test_write(steer_path(ns.ctrl, "queue_add"), text);
}

static int remove_queue(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return test_write(steer_path(ns.ctrl, "queue_remove"), text);
}

static void mistakes(void)
{
	unsigned int granted = steer_reserve(ns.ctrl, "granted"), n;
	unsigned int max = steer_reserve(ns.ctrl, "max_depth");
	char text[64];
	int ret;

	test_step("mistakes");
	static const char * const bad[] = {
		"", "x", "1", "1 poll", "1 poll x", "1 both 16", "-1 poll 16",
		"1 poll 1", "1 poll 16 x",
	};
	for (n = 0; n < ARRAY_LEN(bad); n++) {
		ret = add(bad[n]);
		test_check(ret == -EINVAL || !*bad[n],
			   "queue_add '%s': %d", bad[n], ret);
	}
	snprintf(text, sizeof(text), "1 poll %u", max + 1);
	test_check(add(text) == -EINVAL, "deeper than possible");
	snprintf(text, sizeof(text), "%u poll 16", granted + 1);
	test_check(add(text) == -ERANGE, "beyond the reservation");
	test_check(remove_queue(1) == -ENOENT, "removed a queue that is not");
	test_check(remove_queue(300) == -ENOENT, "removed queue 300");

	for (n = 1; n <= granted; n++)
		test_check(!add("0 irq 16"), "queue %u", n);
	test_check(steer_reserve(ns.ctrl, "used") == granted, "used");
	test_check(add("0 poll 16") == -ENOSPC, "one more than there are");
	test_check(add("1 irq 16") == -EEXIST, "the same twice");
	for (n = 1; n <= granted; n++)
		test_check(!remove_queue(n), "remove %u", n);
	test_check(!steer_reserve(ns.ctrl, "used") &&
		   !steer_reserve(ns.ctrl, "vectors_used"), "still used");
}

static void owned(void)
{
	struct puppet_config config = { .mode = { [2] = NVME_STEER_IRQ } };
	struct steer_policy p;
	struct steer_queues qs;

	test_step("whose queue");
	test_check(!add("2 irq 0"), "cannot add");
	steer_queues(ns.ctrl, &qs);
	test_check(!strcmp(qs.q[2].owner, "admin"), "owner '%s'",
		   qs.q[2].owner);
	test_check(!steer_load(&p, ns.ctrl, "puppet", &config), "load");
	test_check(!steer_attach(&p), "attach");
	steer_detach(&p);
	steer_queues(ns.ctrl, &qs);
	test_check(qs.q[2].present, "a queue made by hand went with a policy");
	test_check(!remove_queue(2), "cannot remove");

	test_check(!steer_load(&p, ns.ctrl, "puppet", &config), "load");
	test_check(!steer_attach(&p), "attach");
	steer_queues(ns.ctrl, &qs);
	test_check(!strcmp(qs.q[2].owner, "policy"), "owner '%s'",
		   qs.q[2].owner);
	test_check(remove_queue(2) == -EPERM, "removed a policy's queue");
	steer_detach(&p);
	steer_queues(ns.ctrl, &qs);
	test_check(!qs.q[2].present, "the policy's queue stays");
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 6);
	struct load_stats sum;
	struct load load;
	char text[32];
	unsigned int n;

	test_begin(100);
	pt_open(&ns, PT_WANT_PLAIN);
	mistakes();
	owned();

	test_step("%lu rounds under load", count);
	/* the policy goes on choosing queues that are gone: that is the test */
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers",
		      "1000000");
	steer_puppet(&policy, ns.ctrl, NULL);
	steer_answer_spread(&policy, 1, 3, 4, 3);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load_start(&load);
	for (i = 0; i < count; i++) {
		for (n = 1; n <= 6; n++) {
			snprintf(text, sizeof(text), "%u %s %u", n,
				 n < 4 ? "irq" : "poll", n & 1 ? 0 : 16);
			test_check(!add(text), "add %s", text);
			test_check(load_wait(&load, 10, 20000), "no I/O");
		}
		for (n = 6; n >= 1; n--) {
			test_check(!remove_queue(n), "remove %u", n);
			test_check(load_wait(&load, 10, 20000), "no I/O");
		}
	}
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu queues came and went under %ju commands\n", 6 * count,
	       sum.submitted);
	test_check(sum.good == sum.submitted, "commands failed");
	test_check(!steer_event(ns.ctrl, "bad_cid"), "a bad command id");
	test_check(!steer_reserve(ns.ctrl, "used"), "a queue is left");
	test_pass();
}
