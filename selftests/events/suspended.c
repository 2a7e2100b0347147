// SPDX-License-Identifier: GPL-2.0
/*
 * The machine suspends to idle and resumes, as far as devices are concerned
 * (/sys/power/pm_test), while commands are in flight, by each way, and under
 * load of four CPUs: the driver lets them end, shuts the controller down, and
 * starts it again. Commands that were in flight end well, those that come
 * meanwhile wait, the policy stays attached and its queues come back. Copies go
 * well afterwards.
 *
 * COUNT=   suspends under load (default 3)
 *
 * vm: --drives faults --cpus 4 --suspend
 */
#include "cell.h"
#include "lib/copies.h"
#include "load.h"
#include "test.h"
#include "vm.h"

#define MS		200
/* also when nobody polls, as long as all tasks are frozen, somebody looks then */
#define TIMEOUT_MS	1000

static struct pt_ns *ns;

static void suspend(void)
{
	int ret = test_write("/sys/power/state", "freeze");

	test_check(!ret, "suspending: %s", strerror(-ret));
}

static void no_pm_test(void *arg)
{
	test_write("/sys/power/pm_test", "none");
}

static void stopped(void)
{
	struct fault_counters counters;

	fault_counters(&counters);
	test_check(counters.resets, "the controller was not shut down");
	test_check(!counters.aborts, "%u commands were aborted",
		   counters.aborts);
}

static void each(enum cell_way way)
{
	/* as cell.h says, the stock driver may crash then */
	if (way != CELL_DRIVER_POLLED)
		cell_during(way, MS, suspend, stopped);
}

static void under_load(unsigned long count, bool steered)
{
	struct load_stats sum;
	struct load load;
	unsigned long i;
	unsigned int t;

	test_step("under load, %s", steered ? "steered" : "the driver's own path");
	fault_clear();
	load_init(&load, ns, 4, 8);
	load_mix(&load);
	for (t = 0; t < load.threads; t++) {
		/* see each() */
		if (!steered)
			load.thread[t].mode = 0;
		/*
		 * Pieces that cannot be described to the controller go the
		 * driver's own way, where io-wq may misread their addresses on
		 * kernels with the x32 ABI: they end with EFAULT.
		 */
		load.thread[t].how &= ~PT_VEC;
	}
	load_start(&load);
	for (i = 0; i < count; i++) {
		test_check(load_wait(&load, 300, 30000), "no I/O for 30 s");
		suspend();
	}
	test_check(load_wait(&load, 300, 30000), "no I/O for 30 s");
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %ju commands\n", sum.submitted);
	test_check(sum.submitted == sum.good, "%ju of %ju commands went well",
		   sum.good, sum.submitted);
	load_free(&load);
	test_check(steer_wait_idle(ns->ctrl, 5000), "commands left in flight");
	fault_host_is_good("under load");
}

static void copies(unsigned int mode)
{
	int ret;

	test_step("a copy%s", mode ? ", polled" : "");
	ret = copies_during(ns, mode, MS, suspend, true);
	test_check(!ret, "it ended with %d", ret);
	copies_work(ns, "after resuming");
}

int main(void)
{
	unsigned long count = test_env("COUNT", 3);

	test_begin(110 + 20 * count);
	if (!test_exists("/sys/power/pm_test"))
		test_skip("this kernel cannot try a suspend: no CONFIG_PM_DEBUG");
	ns = cell_open(TIMEOUT_MS);
	test_check(!test_write("/sys/power/pm_test", "devices"), "no pm_test");
	test_at_end(no_pm_test, NULL);
	test_set_file("/sys/module/suspend/parameters/pm_test_delay", "0");
	under_load(count, false);
	cell_each_way(0, each);
	under_load(count, true);
	copies(0);
	copies(PT_IOPOLL);
	cell_policy_stays();
	test_pass();
}
