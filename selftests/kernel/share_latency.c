// SPDX-License-Identifier: GPL-2.0
/*
 * The policy latency on a drive that is the bottleneck: under a flood of 128
 * commands in the background the foreground's 99th percentile is at most twice
 * what it is alone, by passthrough and by the block device; without the policy
 * it is far more. When the foreground ends, the background has all of the drive
 * again.
 *
 * The emulator and the machine under it may hold a guest up at any time, so
 * each gets some tries.
 *
 * vm: --cpus 4
 * timeout: 500
 */
#include <linux/ioprio.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "tenant.h"
#include "test.h"
#include "vm.h"

#define IOPS	150	/* of the drive */
#define COUNT	300	/* commands to measure by */
#define TRIES	6

static struct pt_ns ns;
static pid_t flood;

static void clean_up(void *arg)
{
	if (flood > 0)
		kill(flood, SIGKILL);
	test_sh("nvmesteer unload nvme%d >/dev/null 2>&1", ns.ctrl);
}

static void flood_begin(bool block)
{
	struct tenant t = {
		.ns = &ns, .block = block, .depth = 128, .nlb = 8,
		.first = 32768, .sleeps = true,
	};

	flood = fork();
	if (flood)
		return;
	tenant_init(&t, 0);
	for (;;)
		tenants_run(&t, 1, 1000, 0);
}

static void flood_end(void)
{
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	flood = 0;
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
}

static void foreground(bool on)
{
	int prio = on ? IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 4) : 0;

	test_check(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, prio),
		   "ioprio_set: %s", strerror(errno));
}

/* Its 99th percentile of @count commands, with a flood or alone. */
static unsigned int p99(bool block, bool flooded, unsigned int count)
{
	struct tenant t = {
		.ns = &ns, .block = block, .depth = 4, .nlb = 8, .sleeps = true,
	};
	unsigned int us;

	vm_throttle(ns.name, IOPS);
	if (flooded)
		flood_begin(block);
	foreground(true);
	tenant_init(&t, 0);
	tenants_run(&t, 1, count / 2, 0);
	tenants_run(&t, 1, count, 0);
	us = tenant_p99(&t, count);
	tenant_exit(&t);
	foreground(false);
	if (flooded)
		printf("#   background: at most %ju at a time now\n",
		       steer_share_word(ns.ctrl, 2, "cap"));
	vm_throttle(ns.name, 0);
	if (flooded)
		flood_end();
	return us;
}

static void protect(const char *what, bool block)
{
	unsigned int alone, with, i;

	test_step("%s", what);
	for (i = 0; i < TRIES; i++) {
		alone = p99(block, false, COUNT);
		with = p99(block, true, COUNT);
		printf("#   99th percentile %u us alone, %u us with a flood\n",
		       alone, with);
		if (with <= 2 * alone)
			return;
	}
	test_fail("the 99th percentile is %u us instead of %u us", with, alone);
}

int main(void)
{
	unsigned int alone, with;

	test_begin(480);
	pt_open(&ns, PT_WANT_PLAIN);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to make a drive slow");
	test_at_end(clean_up, NULL);
	test_step("without a policy");
	/* few get through */
	alone = p99(false, false, COUNT / 10);
	with = p99(false, true, COUNT / 10);
	printf("#   99th percentile %u us alone, %u us with a flood\n", alone,
	       with);
	test_check(with > 4 * alone, "the flood is none");

	test_check(!test_sh("nvmesteer load --dev nvme%d --block --set target_us=45000 latency",
			    ns.ctrl), "load");
	protect("passthrough", false);
	protect("block requests", true);

	test_step("without a foreground");
	flood_begin(false);
	test_check(test_wait(steer_share_word(ns.ctrl, 2, "inflight") > 8 ||
			     !steer_share_word(ns.ctrl, 2, "cap"), 20000),
		   "the background has %ju commands still",
		   steer_share_word(ns.ctrl, 2, "cap"));
	flood_end();
	test_pass();
}
