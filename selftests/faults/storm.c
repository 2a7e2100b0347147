// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that does wrong all the time, under load of four CPUs with and
 * without polling: duplicates, ids of others, errors, late answers, answers
 * that only come after the Abort, or never. Meanwhile the policy is replaced,
 * and the controller reset. Each command ends once, the data
 * is what it may be, and nothing is left.
 *
 * COUNT=   rounds (default 3)
 *
 * vm: --drives faults --cpus 4
 */
#include "fault.h"
#include "load.h"
#include "test.h"
#include "vm.h"

static const struct puppet_config configs[2] = {
	{ .mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		    [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL } },
	{ .mode = { [1] = NVME_STEER_IRQ, [3] = NVME_STEER_POLL } },
};

/* What nobody but the driver may notice. */
static const struct fault_rule quiet[] = {
	{ .what = FAULT_TWICE, .every = 5 },
	{ .what = FAULT_OLD_CID, .every = 7 },
	{ .what = FAULT_XOR_CID, .every = 9, .value = 0xfff },
	{ .what = FAULT_XOR_CID, .every = 11, .value = 0x1000 },
	{ .what = FAULT_SQID, .every = 13, .value = 0xffff },
	{ .what = FAULT_INTERRUPT, .every = 17, .ms = 2 },
	{ .what = FAULT_LATE, .every = 23, .ms = 5 },
};

/* What makes commands fail, and the controller be reset. */
static const struct fault_rule loud[] = {
	{ .what = FAULT_TWICE, .every = 5 },
	{ .what = FAULT_OLD_CID, .every = 7 },
	{ .what = FAULT_STATUS, .every = 19, .value = 0x281 },
	{ .what = FAULT_STATUS, .every = 29, .value = 0x4006,
	  .flags = FAULT_DONE },
	{ .what = FAULT_AFTER_ABORT, .every = 211, .ms = 20 },
	{ .what = FAULT_NEVER, .every = 311, .flags = FAULT_ABORTABLE },
	{ .what = FAULT_NEVER, .every = 997 },
	{ .what = FAULT_LATE, .every = 23, .ms = 20 },
};

static struct pt_ns ns;
static struct steer_policy policy[2];
static unsigned int turn;	/* the policy attached is policy[turn & 1] */
static struct load load;

static void set_rules(const struct fault_rule *rules, unsigned int nr)
{
	struct fault_rule rule;
	unsigned int i;

	fault_clear();
	for (i = 0; i < nr; i++) {
		rule = rules[i];
		rule.opcode = FAULT_ANY;
		rule.first_qid = 1;
		rule.last_qid = FAULT_QUEUES - 1;
		fault_add(&rule);
	}
}

/* Each rule has applied. */
static void all_happened(unsigned int nr)
{
	struct fault_counters counters;
	unsigned int i;

	fault_counters(&counters);
	printf("#");
	for (i = 0; i < nr; i++) {
		printf(" %u", counters.done[i]);
		test_check(counters.done[i], "rule %u has never applied", i);
	}
	printf(" faults, %u resets, %u Aborts\n", counters.resets,
	       counters.aborts);
	fault_host_is_good("storm");
}

static void goes_on(unsigned long n)
{
	test_check(load_wait(&load, n, 30000), "no command ended for 30 s");
}

static void replace(void)
{
	struct steer_policy *old = &policy[turn & 1], *new;
	int ret;

	new = &policy[++turn & 1];
	ret = steer_load(new, ns.ctrl, "puppet", &configs[turn & 1]);
	test_check(!ret, "load: %s", strerror(-ret));
	if (turn & 1)
		steer_answer(new, 1, 3);
	else
		steer_answer_spread(new, 1, 2, 3, 2);
	/* while the controller is reset there are no queues to be had */
	test_check(test_wait(!(ret = steer_replace(old, new)), 30000),
		   "replace: %s", strerror(-ret));
}

static void begin(bool may_fail, const struct fault_rule *rules,
		  unsigned int nr)
{
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.may_fail = may_fail;
	load.timeout_ms = may_fail ? 500 : 0;
	set_rules(rules, nr);
	load_start(&load);
}

static void finish(unsigned int rules)
{
	struct load_stats sum;

	load_stop(&load);
	test_check(vm_wait_live(ns.ctrl, 30000), "not live");
	all_happened(rules);
	fault_clear();
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %ju commands: %ju good, %ju failed, %ju cancelled\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled);
	test_check(sum.submitted == sum.ended, "%ju commands, %ju ended",
		   sum.submitted, sum.ended);
	load_free(&load);
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 3);
	uint64_t ejected;
	int ret;

	test_begin(170 * (count + 2) / 3);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	fault_open(&ns);
	ejected = steer_event(ns.ctrl, "ejected");
	steer_puppet(&policy[0], ns.ctrl, &configs[0]);
	steer_answer_spread(&policy[0], 1, 2, 3, 2);

	test_step("what nobody notices");
	begin(false, quiet, ARRAY_LEN(quiet));
	for (i = 0; i < count; i++) {
		goes_on(1000);
		replace();
	}
	goes_on(200);
	finish(ARRAY_LEN(quiet));
	test_check(steer_event(ns.ctrl, "bad_cid"), "no event bad_cid");

	test_step("errors, Aborts and resets");
	begin(true, loud, ARRAY_LEN(loud));
	for (i = 0; i < count; i++) {
		goes_on(1000);
		replace();
		goes_on(500);
		ret = vm_reset(ns.ctrl);
		test_check(!ret || ret == -EBUSY || ret == -EAGAIN,
			   "reset: %s", strerror(-ret));
	}
	goes_on(500);
	finish(ARRAY_LEN(loud));
	test_check(steer_event(ns.ctrl, "ejected") == ejected,
		   "the policy was ejected");
	steer_detach(&policy[turn & 1]);
	test_pass();
}
