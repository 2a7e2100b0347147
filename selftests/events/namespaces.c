// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace is detached from its controller and attached again, while a
 * policy steers both it and its neighbour: passthrough commands, command
 * groups, block requests and copies. All that went to it ends, with errors at
 * most; what goes to the neighbour all ends well, with the right data (commands
 * of groups may have to be sent again, as the contract says). When it is back
 * its blocks hold what they may, and it is steered as before.
 *
 * vm: --cpus 4
 */
#include "block_load.h"
#include "copy_load.h"
#include "group_load.h"
#include "load.h"
#include "machine.h"
#include "test.h"

#define WAIT_MS		45000
#define BLOCK_FIRST	65536		/* block where block requests go */
#define SOURCES_MIB	60		/* of copies to the one that goes */

struct side {
	struct pt_ns ns;
	bool goes;
	struct load load;
	struct group_load group;
	struct block_load block;
	struct copy_load copy;
};

static struct side stays, goes;
static struct steer_policy policy;

/* What is under way. */
struct kind {
	const char *name;
	void (*init)(struct side *s);
	/* it stays from now on: nothing may fail */
	void (*is_back)(struct side *s);
	void (*start)(struct side *s);
	/* @n more have ended */
	bool (*goes_on)(struct side *s, unsigned long n);
	/* all who submit have learned that the namespace is gone */
	bool (*is_gone)(struct side *s);
	void (*stop)(struct side *s);
	void (*verify)(struct side *s);
};

/* ------------------------------------------------------------- passthrough */

static void load__init(struct side *s)
{
	load_init(&s->load, &s->ns, 2, 8);
	load_mix(&s->load);
	s->load.may_fail = s->load.may_vanish = s->goes;
}

static void load__is_back(struct side *s)
{
	s->load.may_fail = s->load.may_vanish = false;
}

static void load__start(struct side *s)
{
	load_start(&s->load);
}

static bool load__goes_on(struct side *s, unsigned long n)
{
	return load_wait(&s->load, n, WAIT_MS);
}

static bool load__is_gone(struct side *s)
{
	return atomic_load(&s->load.shared->gone) == s->load.threads;
}

static void load__stop(struct side *s)
{
	load_stop(&s->load);
}

static void load__verify(struct side *s)
{
	load_verify(&s->load);
}

/* ------------------------------------------------------------------ groups */

static void group__init(struct side *s)
{
	group_load_init(&s->group, &s->ns);
	/*
	 * Where the driver looks at a namespace it freezes that, which ends
	 * commands of a group unsent; verify() sees that nothing else does.
	 */
	s->group.may_be_cancelled = true;
	s->group.may_be_refused = s->group.may_vanish = s->goes;
}

static void group__is_back(struct side *s)
{
	s->group.may_be_refused = s->group.may_vanish = false;
}

static void group__start(struct side *s)
{
	group_load_start(&s->group);
}

static bool group__goes_on(struct side *s, unsigned long n)
{
	return group_load_wait(&s->group, n, WAIT_MS);
}

static bool group__is_gone(struct side *s)
{
	return s->group.gone == GROUP_THREADS;
}

static void group__stop(struct side *s)
{
	group_load_stop(&s->group);
}

static void group__verify(struct side *s)
{
	struct group_stats sum;

	group_load_verify(&s->group);
	group_load_sum(&s->group, &sum);
	test_check(s->goes || (sum.good && !sum.failed && !sum.cancelled &&
			       !sum.refused),
		   "ng%s: %ju commands of groups failed, %ju were cancelled, %ju groups refused",
		   s->ns.name, sum.failed, sum.cancelled, sum.refused);
}

/* ---------------------------------------------------------- block requests */

static void block__init(struct side *s)
{
	s->block.may_vanish = s->goes;
}

static void block__is_back(struct side *s)
{
	s->block.may_vanish = false;
}

static void block__start(struct side *s)
{
	block_load_start(&s->block, &s->ns, BLOCK_FIRST);
}

static bool block__goes_on(struct side *s, unsigned long n)
{
	return block_load_wait(&s->block, n, WAIT_MS);
}

static bool block__is_gone(struct side *s)
{
	return atomic_load(&s->block.gone) == BLOCK_LOAD_THREADS;
}

static void block__stop(struct side *s)
{
	block_load_stop(&s->block);
}

/* Its threads compare what they read. */
static void block__verify(struct side *s)
{
	(void)s;
}

/* ------------------------------------------------------------------ copies */

static void copy__init(struct side *s)
{
	unsigned int i;

	memset(&s->copy, 0, sizeof(s->copy));
	for (i = 0; i < COPY_THREADS; i++)
		s->copy.to[i] = &s->ns;
	/* to what goes from its neighbour as well, but not the reverse */
	for (i = 0; i < COPY_SOURCES; i++)
		s->copy.from[i] = i & 1 ? &stays.ns : &s->ns;
	s->copy.from_mib = s->goes ? SOURCES_MIB : 0;
	s->copy.may_fail = s->copy.may_be_refused = s->goes;
	s->copy.may_vanish = s->goes ? &s->ns : NULL;
	copy_load_init(&s->copy);
}

static void copy__is_back(struct side *s)
{
	s->copy.may_fail = s->copy.may_be_refused = false;
	s->copy.may_vanish = NULL;
}

static void copy__start(struct side *s)
{
	copy_load_start(&s->copy);
}

static bool copy__goes_on(struct side *s, unsigned long n)
{
	return copy_load_wait(&s->copy, n, WAIT_MS);
}

static bool copy__is_gone(struct side *s)
{
	return atomic_load(&s->copy.shared->gone) == COPY_THREADS;
}

static void copy__stop(struct side *s)
{
	copy_load_stop(&s->copy);
}

static void copy__verify(struct side *s)
{
	copy_load_verify(&s->copy, NULL);
}

/* -------------------------------------------------------------------------- */

#define KIND(what, text) { \
	.name = text, .init = what##__init, .is_back = what##__is_back, \
	.start = what##__start, .goes_on = what##__goes_on, \
	.is_gone = what##__is_gone, .stop = what##__stop, \
	.verify = what##__verify, \
}

static const struct kind kinds[] = {
	KIND(load, "passthrough"),
	KIND(group, "command groups"),
	KIND(block, "block requests"),
	KIND(copy, "copies"),
};

#define MANY	100UL

/* Copies and groups are larger, and fewer. */
static unsigned long some(const struct kind *k)
{
	return k == &kinds[1] || k == &kinds[3] ? MANY / 10 : MANY;
}

static void go_on(const struct kind *k, struct side *s, const char *when)
{
	test_check(k->goes_on(s, some(k)), "%s to ng%s %s: none ended for %u s",
		   k->name, s->ns.name, when, WAIT_MS / 1000);
}

static uint64_t carried(void)
{
	struct steer_queues qs;

	steer_queues(stays.ns.ctrl, &qs);
	return qs.q[1].completed + qs.q[2].completed;
}

static void detach(const struct kind *k)
{
	test_step("%s while ng%s is detached", k->name, goes.ns.name);
	machine_namespace(goes.ns.ctrl, goes.ns.nsid, false);
	test_check(test_wait(k->is_gone(&goes), WAIT_MS),
		   "not all who submit learned of it");
	k->stop(&goes);
	pt_close(&goes.ns);
	go_on(k, &stays, "once its neighbour is gone");
}

static void attach(const struct kind *k)
{
	char name[16];
	int ret;

	test_step("%s while it is attached", k->name);
	snprintf(name, sizeof(name), "%s", goes.ns.name);
	machine_namespace(stays.ns.ctrl, goes.ns.nsid, true);
	/* its block device comes after the other */
	test_check(test_wait(test_exists("/dev/nvme%s", name), WAIT_MS),
		   "no nvme%s", name);
	ret = pt_open_name(&goes.ns, name);
	test_check(!ret && goes.ns.block_fd >= 0, "cannot open ng%s: %d", name,
		   ret);
	go_on(k, &stays, "once its neighbour is back");
	k->stop(&stays);
	k->verify(&stays);
	k->verify(&goes);
}

static void is_steered(const struct kind *k)
{
	uint64_t before = carried();

	test_step("%s afterwards", k->name);
	k->is_back(&goes);
	k->start(&goes);
	go_on(k, &goes, "afterwards");
	k->stop(&goes);
	/* a block's first write counts for two in a load of block requests */
	test_check(carried() >= before + some(k) / 2,
		   "the policy's queues carried %ju commands of %s",
		   carried() - before, k->name);
	k->verify(&goes);
	test_check(steer_state_is(stays.ns.ctrl, "attached"),
		   "the policy was ended");
	test_check(steer_wait_idle(stays.ns.ctrl, 5000),
		   "commands left in flight");
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct copy_events copies;
	unsigned int i;

	test_begin(170);
	pt_open(&stays.ns, PT_WANT_PLAIN);
	pt_open(&goes.ns, PT_WANT_SECOND);
	goes.goes = true;
	steer_puppet_block(&policy, stays.ns.ctrl, &config);
	steer_answer(&policy, 1, 2);
	steer_answer_block(&policy, 1, 1, 2, 1);
	policy.state->copy_route = 1;
	copy_events(stays.ns.ctrl, &copies);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		test_step("%s", k->name);
		k->init(&stays);
		k->init(&goes);
		k->start(&stays);
		k->start(&goes);
		go_on(k, &stays, "at first");
		go_on(k, &goes, "at first");
		detach(k);
		attach(k);
		is_steered(k);
	}
	copy_events_since(stays.ns.ctrl, &copies);
	test_check(copies.offloaded + copies.split && copies.emulated,
		   "copies were %ju by Copy, %ju by reads and writes",
		   copies.offloaded + copies.split, copies.emulated);
	test_pass();
}
