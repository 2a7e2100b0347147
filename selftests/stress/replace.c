// SPDX-License-Identifier: GPL-2.0
/*
 * The policy is replaced by another again and again (bpf_link_update), while
 * four CPUs write and verify: no command is lost, doubled or refused, none
 * goes without a policy, and a queue of the same shape in both is taken over
 * as it is, commands in flight included.
 *
 * COUNT=   replacements (default 50; the figure to show is 200)
 *
 * vm: --cpus 4
 */
#include <bpf/libbpf.h>

#include "load.h"
#include "test.h"

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
	unsigned long i, count = test_env("COUNT", 50);
	struct steer_queues after, qs;
	struct load_stats sum;
	struct steer_policy p[2];
	struct load load;
	struct pt_ns ns;
	uint64_t start, kept = 0, calls;
	char word[64];
	int ret;

	test_begin(60 + 2 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&p[0], ns.ctrl, &configs[0]);
	steer_answer_spread(&p[0], 1, 2, 3, 2);
	ret = steer_load(&p[1], ns.ctrl, "puppet", &configs[1]);
	test_check(!ret, "load: %s", strerror(-ret));
	test_at_end(unload, &p[1]);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);

	test_step("%lu replacements under load", count);
	start = test_now_ms();
	load_start(&load);
	for (i = 0; i < count; i++) {
		test_check(load_wait(&load, 20, 20000),
			   "no I/O for 20 s before replacement %lu", i);
		/* in turn the one and the other, on the same link */
		if (!(i & 1))
			steer_answer(&p[1], 1, i & 2 ? 3 : 5);
		calls = p[(i + 1) & 1].state->calls;
		ret = bpf_link__update_map(p[0].link, p[(i + 1) & 1].ops);
		test_check(!ret, "replacement %lu: %s", i, strerror(-ret));
		steer_queues(ns.ctrl, &qs);
		test_check(qs.q[1].present && qs.q[3].present,
			   "queues 1 and 3 did not stay");
		test_check(qs.q[1].submitted >= kept, "queue 1 is a new one");
		kept = qs.q[1].submitted;
		test_check(qs.q[2].present == (i & 1) &&
			   qs.q[4].present == (i & 1) &&
			   qs.q[5].present == !(i & 1),
			   "the wrong queues after replacement %lu", i);
		test_check(test_wait(p[(i + 1) & 1].state->calls > calls,
				     20000), "policy %lu is not asked", i);
	}
	load_stop(&load);
	load_verify(&load);
	steer_queues(ns.ctrl, &after);
	load_sum(&load, &sum);
	printf("# %lu replacements in %ju ms, %ju commands, each ended once\n",
	       count, test_now_ms() - start, sum.submitted);
	test_check(!sum.failed && !sum.cancelled && !sum.refused,
		   "commands failed");
	test_check(!after.q[0].inflight && !after.q[1].inflight &&
		   !after.q[3].inflight, "commands in flight");
	calls = p[0].state->calls + p[1].state->calls;
	test_check(calls == sum.submitted,
		   "the policies were asked %ju times for %ju commands", calls,
		   sum.submitted);
	test_check(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "replaced"), "exit kind is '%s'", word);
	test_pass();
}
