// SPDX-License-Identifier: GPL-2.0
/*
 * Commands wait for their shares, on polled and interrupt queues, with slots and
 * behind full queues, or are all sent at once, while the controller is reset, the
 * policy is replaced, switched off, ejected and attached again, limits change,
 * and processes are killed. Passthrough of four threads and block requests of two
 * processes: no command is lost or ends twice, no block request fails, nothing
 * is left waiting, and data is what was written.
 *
 * COUNT=   rounds of each (default 4)
 *
 * vm: --cpus 4
 * timeout: 400
 */
#include <signal.h>
#include <sys/wait.h>

#include "load.h"
#include "test.h"
#include "vm.h"

#define WRITERS	2
#define AREA	256	/* blocks of a writer */

static struct pt_ns ns;
static struct load load;
static struct steer_policy policy;
static pid_t writers[WRITERS];

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	.depth = { [2] = 8, [4] = 8 },
	.share = { [1] = 1, [2] = 2, [3] = 2, [4] = 1 },
};

/* Less than what is asked for, and another each time; or none. */
static void limits(struct steer_policy *p)
{
	static unsigned int n;
	struct nvme_steer_share all = { .depth = 2 + n % 3 };
	struct nvme_steer_share a = { .weight = 300, .depth = 1 + n % 2 };
	struct nvme_steer_share b = { .iops = n % 4 ? 4000 : 0,
				      .latency_us = n % 5 ? 0 : 200 };

	if (n++ % 2)
		all = a = b = (struct nvme_steer_share){ };
	steer_share(p, 0, &all);
	steer_share(p, 1, &a);
	steer_share(p, 2, &b);
	steer_answer_spread(p, 1, 2, 3, 2);
	steer_answer_block(p, 1, 2, 3, 2);
}

static void writer(unsigned int w)
{
	uint64_t gen;

	for (gen = w + 1;; gen += WRITERS) {
		pt_block_write(&ns, 65536 + w * AREA, AREA, gen);
		pt_block_check(&ns, 65536 + w * AREA, AREA, gen);
	}
}

static void kill_writers(void *arg)
{
	unsigned int w;

	for (w = 0; w < WRITERS; w++)
		if (writers[w] > 0)
			kill(writers[w], SIGKILL);
}

static void goes_on(const char *what, unsigned long i)
{
	uint64_t block = steer_event(ns.ctrl, "block");
	unsigned int w;

	test_check(load_wait(&load, 60, 30000), "no I/O for 30 s: %s, round %lu",
		   what, i);
	test_check(test_wait(steer_event(ns.ctrl, "block") > block + 4, 30000),
		   "no block I/O for 30 s: %s, round %lu", what, i);
	for (w = 0; w < WRITERS; w++)
		test_check(!waitpid(writers[w], NULL, WNOHANG),
			   "a writer has ended: %s, round %lu", what, i);
}

static void attach(void)
{
	int ret = steer_load(&policy, ns.ctrl, "puppet_share", &config);

	test_check(!ret, "load: %s", strerror(-ret));
	limits(&policy);
	test_wait((ret = steer_attach(&policy)) != -EBUSY, 5000);
	test_check(!ret, "attach: %s", strerror(-ret));
}

static void reset(void)
{
	int ret;

	limits(&policy);
	ret = vm_reset(ns.ctrl);
	test_check(!ret || ret == -EBUSY, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ns.ctrl, 20000), "not live after 20 s");
}

static void replace(void)
{
	struct steer_policy next;
	int ret = steer_load(&next, ns.ctrl, "puppet_share", &config);

	test_check(!ret, "load: %s", strerror(-ret));
	limits(&next);
	ret = steer_replace(&policy, &next);
	test_check(!ret, "replace: %s", strerror(-ret));
	policy = next;
}

static void end_and_attach(unsigned long i)
{
	switch (i % 3) {
	case 0:
		break;
	case 1:
		test_check(!test_write(steer_path(ns.ctrl, "off"), "1"), "off");
		break;
	case 2:
		policy.state->error = 5;
		test_check(test_wait(policy.state->exits, 20000),
			   "not ejected");
		break;
	}
	steer_detach(&policy);
	test_check(load_wait(&load, 60, 30000), "no I/O without a policy");
	attach();
}

static void both_at_once(unsigned long i)
{
	limits(&policy);
	vm_reset(ns.ctrl);
	if (i % 2) {
		vm_wait_live(ns.ctrl, 20000);
		test_wait(steer_reserve(ns.ctrl, "used") == 4, 5000);
		replace();
	} else {
		steer_detach(&policy);
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		test_wait(steer_reserve(ns.ctrl, "granted"), 5000);
		attach();
	}
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 4);
	uint64_t waits, timeouts, bad;
	struct load_stats sum;
	unsigned int w;

	test_begin(100 + 40 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	timeouts = steer_event(ns.ctrl, "timeout");
	bad = steer_event(ns.ctrl, "bad_cid");
	for (w = 0; w < WRITERS; w++) {
		writers[w] = fork();
		if (!writers[w])
			writer(w);
	}
	test_at_end(kill_writers, NULL);
	attach();
	load_init(&load, &ns, 4, 16);
	load_mix(&load);
	load.may_fail = true;
	load_start(&load);
	waits = steer_share_word(ns.ctrl, 1, "waits");

	test_step("%lu limits", count);
	for (i = 0; i < count; i++) {
		limits(&policy);
		goes_on("limits", i);
	}
	test_step("%lu resets", count);
	for (i = 0; i < count; i++) {
		reset();
		goes_on("reset", i);
	}
	test_step("%lu replacements", count);
	for (i = 0; i < count; i++) {
		replace();
		goes_on("replacement", i);
	}
	test_step("%lu ends", count);
	for (i = 0; i < count; i++) {
		end_and_attach(i);
		goes_on("end", i);
	}
	test_step("%lu resets while it is replaced or ends", count);
	for (i = 0; i < count; i++) {
		both_at_once(i);
		goes_on("both", i);
	}
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %ju commands, %ju of them cancelled, %ju have waited\n",
	       sum.submitted, sum.cancelled,
	       steer_share_word(ns.ctrl, 1, "waits") - waits);

	for (w = 0; w < WRITERS; w++)
		test_check(!waitpid(writers[w], NULL, WNOHANG),
			   "a writer has ended");
	kill_writers(NULL);
	for (w = 0; w < WRITERS; w++) {
		waitpid(writers[w], NULL, 0);
		writers[w] = 0;
	}

	test_step("%lu kills", count);
	load_clear(&load);
	for (i = 0; i < count; i++) {
		load_start_child(&load);
		test_check(load_wait(&load, 40 + 13 * (i % 8), 30000),
			   "no I/O for 30 s before kill %lu", i);
		load_kill(&load);
		test_check(steer_wait_idle(ns.ctrl, 20000),
			   "commands in flight 20 s after kill %lu", i);
		load_verify(&load);
	}
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
	for (i = 0; i < 3; i++)
		test_check(!steer_share_word(ns.ctrl, i, "inflight") &&
			   !steer_share_word(ns.ctrl, i, "waiting"),
			   "share %lu has something left", i);
	test_check(steer_event(ns.ctrl, "bad_cid") == bad &&
		   steer_event(ns.ctrl, "timeout") == timeouts,
		   "a bad command id or a timeout");

	test_step("the module goes and comes");
	steer_detach(&policy);
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 10000),
		   "queues are left");
	steer_reload();
	test_pass();
}
