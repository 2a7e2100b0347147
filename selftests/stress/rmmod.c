// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer.ko is not unloaded while a policy is attached or a queue exists,
 * and the log says what keeps it; afterwards it goes at once and without
 * trace, under I/O that does not notice, and comes back.
 *
 * COUNT=   rounds (default 3)
 *
 * vm: --cpus 4
 */

#include "load.h"
#include "test.h"
#include "vm.h"

static struct pt_ns ns;

/* Who keeps it loaded was said when that began. */
static bool log_says(const char *text)
{
	return !test_sh("dmesg | tail -n 2000 | grep -q '%s'", text);
}

static void refused(const char *why)
{
	int ret = steer_rmmod();

	test_check(ret == -EWOULDBLOCK || ret == -EBUSY,
		   "rmmod while %s: %d", why, ret);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 3);
	struct steer_policy policy;
	struct load_stats sum;
	struct load load;
	int ret;

	test_begin(100);
	pt_open(&ns, PT_WANT_PLAIN);
	if (!test_exists("/sys/module/nvmesteer/refcnt"))
		test_skip("nvmesteer is not a loaded module");
	test_at_end(steer_modprobe, NULL);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load_start(&load);

	for (i = 0; i < count; i++) {
		test_step("round %lu", i);
		steer_puppet(&policy, ns.ctrl, &config);
		steer_answer(&policy, 1, 2);
		test_check(load_wait(&load, 50, 20000), "no I/O");
		refused("a policy is attached");
		test_check(log_says("stays loaded while it is"),
			   "the log does not name the policy");
		steer_detach(&policy);

		ret = test_write(steer_path(ns.ctrl, "queue_add"), "3 irq 0");
		test_check(!ret, "queue_add: %s", strerror(-ret));
		refused("a queue exists");
		test_check(log_says("stays loaded while it exists"),
			   "the log does not name the queue");
		ret = test_write(steer_path(ns.ctrl, "queue_remove"), "3");
		test_check(!ret, "queue_remove: %s", strerror(-ret));

		test_check(test_wait(!(ret = steer_rmmod()), 10000), "rmmod: %s",
			   strerror(-ret));
		test_check(!test_exists("/sys/module/nvmesteer") &&
			   !test_exists("%s", steer_path(ns.ctrl, "state")),
			   "something is left in sysfs");
		test_check(load_wait(&load, 50, 20000),
			   "no I/O without the module");
		test_check(!test_sh("modprobe nvmesteer"), "modprobe");
		test_check(test_exists("%s", steer_path(ns.ctrl, "state")),
			   "no steer directory");
	}
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu times unloaded and loaded under %ju commands\n", count,
	       sum.submitted);
	test_pass();
}
