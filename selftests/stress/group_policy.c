// SPDX-License-Identifier: GPL-2.0
/*
 * Policies come and go under command groups of four CPUs: replaced by another
 * that takes queues over, and unloaded and attached again. No command is lost;
 * a group that finds no policy or no queue is refused in whole.
 *
 * COUNT=   of each (default 10)
 *
 * vm: --cpus 4
 */
#include <bpf/libbpf.h>

#include "group_load.h"
#include "test.h"

static struct group_load load;

static void unload(void *arg)
{
	steer_detach(arg);
}

int main(void)
{
	/* 1 and 3 stay, the others come and go */
	struct puppet_config configs[2] = {
		{ .mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			    [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL } },
		{ .mode = { [1] = NVME_STEER_IRQ, [3] = NVME_STEER_POLL,
			    [5] = NVME_STEER_POLL } },
	};
	unsigned long i, count = test_env("COUNT", 10);
	struct group_stats sum, gone;
	struct steer_policy p[2];
	struct pt_ns ns;
	uint64_t calls;
	int ret;

	test_begin(60 + 5 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_once(&p[0], ns.ctrl, &configs[0]);
	steer_answer_spread(&p[0], 1, 2, 3, 2);
	ret = steer_load(&p[1], ns.ctrl, "puppet_once", &configs[1]);
	test_check(!ret, "load: %s", strerror(-ret));
	test_at_end(unload, &p[1]);
	group_load_init(&load, &ns);
	/* what is left of a group whose queue goes is not sent */
	load.may_be_cancelled = true;
	group_load_start(&load);

	test_step("%lu replacements", count);
	for (i = 0; i < 2 * ((count + 1) / 2); i++) {
		test_check(group_load_wait(&load, 12, 20000),
			   "no group ended for 20 s");
		if (!(i & 1))
			steer_answer(&p[1], 1, i & 2 ? 3 : 5);
		calls = p[~i & 1].state->calls;
		ret = bpf_link__update_map(p[0].link, p[~i & 1].ops);
		test_check(!ret, "replacement %lu: %s", i, strerror(-ret));
		test_check(test_wait(p[~i & 1].state->calls > calls, 20000),
			   "policy %lu is not asked", ~i & 1);
	}
	group_load_sum(&load, &sum);
	test_check(!sum.refused && !sum.cancelled && !sum.failed,
		   "a replacement was noticed");

	test_step("%lu times no policy", count);
	load.may_be_refused = true;
	for (i = 0; i < count; i++) {
		test_check(group_load_wait(&load, 12, 20000),
			   "no group ended for 20 s");
		group_load_sum(&load, &gone);
		steer_unlink(&p[0]);
		test_check(test_wait(({
			group_load_sum(&load, &sum);
			sum.refused > gone.refused;
		}), 20000), "no group was refused");
		ret = steer_attach(&p[0]);
		test_check(!ret, "attach: %s", strerror(-ret));
		group_load_sum(&load, &gone);
		test_check(test_wait(({
			group_load_sum(&load, &sum);
			sum.good > gone.good;
		}), 20000), "no group ends well");
	}
	group_load_stop(&load);
	group_load_verify(&load);
	group_load_print(&load);
	group_load_sum(&load, &sum);
	test_check(!sum.cancelled && !sum.failed, "commands failed");
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	test_pass();
}
