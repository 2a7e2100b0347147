// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that does wrong all the time, under load of four CPUs with and
 * without polling: duplicates, ids of others, errors, late answers, answers
 * that only come after the Abort, or never. Meanwhile the policy is replaced,
 * and the controller reset. Each command, of shares too, each group and each
 * copy ends once, the data is what it may be, and nothing is left.
 *
 * COUNT=   rounds (default 3)
 *
 * vm: --drives faults --cpus 4
 * timeout: 400
 */
#include "copy_load.h"
#include "fault.h"
#include "group_load.h"
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
	{ .what = FAULT_LATE, .every = 23, .ms = 20 },
	/* not answered in time */
	{ .what = FAULT_AFTER_ABORT, .every = 211, .ms = 20 },
	{ .what = FAULT_NEVER, .every = 311, .flags = FAULT_ABORTABLE },
	{ .what = FAULT_NEVER, .every = 997 },
};
#define LOUD_IN_TIME	5	/* of these */

/* What is under way meanwhile. */
enum load_kind { OF_COMMANDS, OF_SHARES, OF_GROUPS, OF_COPIES, OF_KINDS };

static const struct {
	const char *name;
	const char *policy;
	/* of commands or of groups or copies, between two events */
	unsigned int turn;
	unsigned int loud;	/* rules; copies have all of the default time */
} kinds[OF_KINDS] = {
	[OF_COMMANDS] = { "commands", "puppet", 1000, ARRAY_LEN(loud) },
	[OF_SHARES] = { "shares", "puppet_share", 1000, ARRAY_LEN(loud) },
	[OF_GROUPS] = { "groups", "puppet_once", 40, ARRAY_LEN(loud) },
	[OF_COPIES] = { "copies", "puppet_copy", 20, LOUD_IN_TIME },
};

static struct pt_ns ns;
static enum load_kind kind;
static struct steer_policy policy[2];
static unsigned int turn;	/* the policy attached is policy[turn & 1] */
static struct load load;
static struct group_load groups;
static struct copy_load copies;

/*
 * Those of groups and copies look at what they wrote as soon as one has failed,
 * by the block device: the driver's own queues are left alone then.
 */
static void set_rules(const struct fault_rule *rules, unsigned int nr)
{
	bool all = kind == OF_COMMANDS || kind == OF_SHARES;
	struct fault_rule rule;
	unsigned int i;

	fault_clear();
	for (i = 0; i < nr; i++) {
		rule = rules[i];
		rule.opcode = FAULT_ANY;
		rule.first_qid = all ? 1 : steer_reserve(ns.ctrl, "first_qid");
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
	bool ok;

	if (kind == OF_GROUPS)
		ok = group_load_wait(&groups, n, 30000);
	else if (kind == OF_COPIES)
		ok = copy_load_wait(&copies, n, COPY_RESET_MS);
	else
		ok = load_wait(&load, n, 30000);
	test_check(ok, "%s do not go on", kinds[kind].name);
}

static void load_policy(struct steer_policy *p, bool few)
{
	static const struct nvme_steer_share limit = { .depth = 6 };
	struct puppet_config config = configs[few];
	unsigned int q;
	int ret;

	for (q = 1; q <= 4 && kind == OF_SHARES; q++)
		config.share[q] = config.mode[q] ? 1 + q / 2 % 2 : 0;
	ret = steer_load(p, ns.ctrl, kinds[kind].policy, &config);
	test_check(!ret, "load: %s", strerror(-ret));
	for (q = 1; q <= 2 && kind == OF_SHARES; q++)
		steer_share(p, q, &limit);
	if (few)
		steer_answer(p, 1, 3);
	else
		steer_answer_spread(p, 1, 2, 3, 2);
	p->state->copy_route = 1;
}

static void replace(void)
{
	struct steer_policy *old = &policy[turn & 1], *new;
	int ret;

	new = &policy[++turn & 1];
	load_policy(new, turn & 1);
	/* while the controller is reset there are no queues to be had */
	test_check(test_wait(!(ret = steer_replace(old, new)), 30000),
		   "replace: %s", strerror(-ret));
}

static void begin_copies(bool may_fail)
{
	unsigned int i;

	memset(&copies, 0, sizeof(copies));
	for (i = 0; i < COPY_THREADS; i++)
		copies.to[i] = &ns;
	for (i = 0; i < COPY_SOURCES; i++)
		copies.from[i] = &ns;
	copies.from_mib = 7;
	copies.may_fail = may_fail;
	copies.may_be_refused = may_fail;
	copy_load_init(&copies);
}

static void begin_load(bool may_fail)
{
	if (kind == OF_GROUPS) {
		group_load_init(&groups, &ns);
		groups.may_be_cancelled = may_fail;
		groups.may_be_refused = true;
		groups.timeout_ms = may_fail ? 500 : 0;
	} else if (kind == OF_COPIES) {
		begin_copies(may_fail);
	} else {
		load_init(&load, &ns, 4, 8);
		load_mix(&load);
		load.may_fail = may_fail;
		load.timeout_ms = may_fail ? 500 : 0;
	}
}

static void start_load(void)
{
	if (kind == OF_GROUPS)
		group_load_start(&groups);
	else if (kind == OF_COPIES)
		copy_load_start(&copies);
	else
		load_start(&load);
}

static void stop_load(void)
{
	if (kind == OF_GROUPS)
		group_load_stop(&groups);
	else if (kind == OF_COPIES)
		copy_load_stop(&copies);
	else
		load_stop(&load);
}

static void verify_load(void)
{
	struct load_stats sum;

	if (kind == OF_GROUPS) {
		group_load_verify(&groups);
		group_load_print(&groups);
		return;
	}
	if (kind == OF_COPIES) {
		copy_load_verify(&copies, NULL);
		copy_load_print(&copies);
		return;
	}
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %ju commands: %ju good, %ju failed, %ju cancelled\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled);
	test_check(sum.submitted == sum.ended, "%ju commands, %ju ended",
		   sum.submitted, sum.ended);
	load_free(&load);
}

static void finish(unsigned int rules)
{
	stop_load();
	test_check(vm_wait_live(ns.ctrl, 30000), "not live");
	all_happened(rules);
	fault_clear();
	verify_load();
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
}

static void quiet_storm(unsigned long count)
{
	unsigned long i;
	uint64_t bad = steer_event(ns.ctrl, "bad_cid");

	test_step("what nobody notices: %s", kinds[kind].name);
	begin_load(false);
	set_rules(quiet, ARRAY_LEN(quiet));
	start_load();
	for (i = 0; i < count; i++) {
		goes_on(kinds[kind].turn);
		replace();
	}
	goes_on(kinds[kind].turn / 5);
	finish(ARRAY_LEN(quiet));
	test_check(steer_event(ns.ctrl, "bad_cid") > bad, "no event bad_cid");
}

static void loud_storm(unsigned long count)
{
	unsigned long i;
	int ret;

	test_step("errors, Aborts and resets: %s", kinds[kind].name);
	begin_load(true);
	set_rules(loud, kinds[kind].loud);
	start_load();
	for (i = 0; i < count; i++) {
		goes_on(kinds[kind].turn);
		replace();
		goes_on(kinds[kind].turn / 2);
		ret = vm_reset(ns.ctrl);
		test_check(!ret || ret == -EBUSY || ret == -EAGAIN,
			   "reset: %s", strerror(-ret));
	}
	goes_on(kinds[kind].turn / 2);
	finish(kinds[kind].loud);
}

int main(void)
{
	unsigned long count = test_env("COUNT", 3);
	uint64_t ejected;
	int ret;

	test_begin(170 * (count + 2) / 3);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	fault_open(&ns);
	ejected = steer_event(ns.ctrl, "ejected");
	fault_change(FAULT_CHANGE_COPY, 128);
	for (kind = 0; kind < OF_KINDS; kind++) {
		load_policy(&policy[turn & 1], turn & 1);
		ret = steer_attach(&policy[turn & 1]);
		test_check(!ret, "attach: %s", strerror(-ret));
		quiet_storm(count);
		loud_storm(count);
		test_check(steer_event(ns.ctrl, "ejected") == ejected,
			   "the policy was ejected");
		steer_detach(&policy[turn & 1]);
	}
	test_pass();
}
