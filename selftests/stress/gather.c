// SPDX-License-Identifier: GPL-2.0
/*
 * Completions are gathered for as long as may be, on a queue that four CPUs
 * share and on a shallow one, while everything happens to them that can:
 * resets, policies that come and go and are replaced by one that gathers or
 * does not, CPUs that go offline with an interrupt and its timer, submitters
 * that are killed. Every command ends once, with its data.
 *
 * COUNT=   rounds (default 5)
 *
 * vm: --cpus 4
 */
#include <bpf/libbpf.h>

#include "machine.h"
#include "load.h"
#include "test.h"
#include "vm.h"

static struct pt_ns ns;
static struct load load;
static struct steer_policy p[2];
static unsigned int now_attached;

static void unload(void *arg)
{
	steer_detach(arg);
}

static void answers(struct steer_policy *policy)
{
	steer_answer_spread(policy, 1, 2, 1, 2);
	policy->state->gather = NVME_STEER_GATHER(12, 10000);
}

static void goes_on(const char *after)
{
	test_check(load_wait(&load, 300, 20000), "no I/O after %s", after);
}

static void reset(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/reset_controller",
		 ns.ctrl);
	test_check(!test_write(path, "1"), "cannot reset");
	test_check(vm_wait_live(ns.ctrl, 20000), "not live after a reset");
	goes_on("a reset");
}

static void replace(void)
{
	int ret;

	now_attached = !now_attached;
	ret = bpf_link__update_map(p[0].link, p[now_attached].ops);
	test_check(!ret, "cannot replace: %s", strerror(-ret));
	goes_on("a replacement");
}

static void come_and_go(void)
{
	int ret;

	steer_unlink(&p[0]);
	now_attached = 0;
	/* its end may still be going on */
	test_check(test_wait(!(ret = steer_attach(&p[0])), 10000),
		   "cannot attach again: %s", strerror(-ret));
	goes_on("another attachment");
}

static void hotplug(unsigned int cpu)
{
	machine_cpu(cpu, false);
	goes_on("a CPU went offline");
	machine_cpu(cpu, true);
	goes_on("it came back");
}

static void shapes(unsigned int even, unsigned int odd)
{
	unsigned int t;

	for (t = 0; t < load.threads; t++) {
		load.thread[t].mode = t & 1 ? odd : even;
		load.thread[t].how = PT_FIXED | PT_VEC;
	}
}

static void churn(unsigned long count)
{
	unsigned long i;

	load.may_fail = true;
	load_start(&load);
	goes_on("the start");
	for (i = 0; i < count; i++) {
		test_step("round %lu", i);
		replace();
		reset();
		replace();
		come_and_go();
		hotplug(1 + i % 3);
	}
	load_stop(&load);
	load_verify(&load);
	load_clear(&load);
	load.may_fail = false;
}

static void kills(unsigned long count)
{
	unsigned long i;

	test_step("%lu kills", count);
	for (i = 0; i < count; i++) {
		load_start_child(&load);
		test_check(load_wait(&load, 100 + 13 * (i % 8), 20000),
			   "no I/O before kill %lu", i);
		load_kill(&load);
		test_check(steer_wait_idle(ns.ctrl, 10000),
			   "commands in flight after kill %lu", i);
		load_verify(&load);
	}
	load_clear(&load);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ },
		.depth = { [2] = 8 },
	};
	unsigned long count = test_env("COUNT", 5);
	struct steer_queues before, after;
	uint64_t gathered, late;
	int ret;

	test_begin(100 + 20 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_batch(&p[0], ns.ctrl, &config);
	answers(&p[0]);
	/* the same queues, and no batch() */
	ret = steer_load(&p[1], ns.ctrl, "puppet", &config);
	test_check(!ret, "load: %s", strerror(-ret));
	test_at_end(unload, &p[1]);
	steer_answer_spread(&p[1], 1, 2, 1, 2);
	load_init(&load, &ns, 4, 8);
	gathered = steer_event(ns.ctrl, "gather");
	late = steer_event(ns.ctrl, "late_reap");

	shapes(0, PT_IOPOLL);
	churn(count);
	shapes(0, PT_SQPOLL);
	kills(count);

	test_step("a clean run afterwards");
	steer_queues(ns.ctrl, &before);
	load_start(&load);
	goes_on("all that");
	load_stop(&load);
	load_verify(&load);
	steer_queues(ns.ctrl, &after);
	load_match(&load, &before, &after);
	gathered = steer_event(ns.ctrl, "gather") - gathered;
	late = steer_event(ns.ctrl, "late_reap") - late;
	printf("# %ju gatherings, %ju completions found late\n", gathered,
	       late);
	test_check(gathered > 100, "hardly anything was gathered");
	test_check(!late, "completions were found by the timeout");
	test_check(!p[0].state->batch_odd, "batch() was asked what cannot be");
	test_pass();
}
