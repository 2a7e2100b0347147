// SPDX-License-Identifier: GPL-2.0
/*
 * Policies made at random from BPF instructions (lib/any_policy.h) take turns
 * under load. Each operation is a program that reads what it is given, calls
 * kfuncs in any order, decides, repeats, and answers anything; settings and
 * shares are at random too. The verifier is asked about each program, and so
 * what it lets through is what is tried: an interpreter that reads its program
 * from a map would be one program, whose calls and their order the verifier saw
 * once. Policies replace each other, are detached, attached again, switched off,
 * and eject themselves, on three controllers, one after the other.
 *
 * Meanwhile passthrough, polled and not, groups, copies and block requests go on
 * and are verified, with two paths and one. A policy may refuse what is no block
 * request; nothing else may happen to a command. In the end each has ended once,
 * data is what the model says, nothing is in flight, pinned or attached, and the
 * module has as many references as before, and can be unloaded.
 *
 * SEED=      a number (default: another each time; printed). It decides what the
 *            policies are and what is done with them, each by its own number
 * FROM=      the policy to begin with (default 0)
 * SECONDS=   how long (default 8; longer on a kernel that is slow), and up to
 *            ten times that until there was some of everything
 *
 * vm: --cpus 4
 */
#include <bpf/bpf.h>
#include <sys/resource.h>

#include "block_load.h"
#include "copy_load.h"
#include "group_load.h"
#include "lib/any.h"
#include "lib/any_policy.h"
#include "load.h"
#include "pins.h"
#include "test.h"

#define CTRLS		3
#define POOL		4
#define WAIT_MS		60000

static struct pt_ns plain, second, head;
static struct load load, head_load;
static struct group_load groups;
static struct copy_load copies;
static struct block_load block, head_block;

/* A controller, and what is attached to it. */
static struct site {
	int ctrl;
	int map[POOL];		/* of policies, the last few; -1 for none */
	int link;		/* likewise */
} sites[CTRLS];

static const volatile struct any_done *done;
static struct any_counts counts;
static unsigned long attached, replaced, errors;
static uint64_t steered, ejected;	/* before */

static const char *const ends[] = {
	"unload", "replaced", "off", "error", "answers", "stall", "slow",
};
static unsigned long ended[ARRAY_LEN(ends)];

/* -------------------------------------------------------------------- loads */

static void start(void)
{
	pt_open(&plain, PT_WANT_PLAIN);
	pt_open(&second, PT_WANT_SECOND);
	pt_open(&head, PT_WANT_HEAD);
	load_init(&load, &plain, 2, 8);
	load_init(&head_load, &head, 2, 8);
	load_mix(&load);
	load_mix(&head_load);
	load.may_fail = head_load.may_fail = true;
	group_load_init(&groups, &second);
	groups.may_be_refused = groups.any_errno = true;
	/* the rest of one whose queue goes away is not sent */
	groups.may_be_cancelled = true;
	copies.to[0] = copies.to[1] = copies.to[2] = copies.to[3] = &plain;
	copies.from[0] = copies.from[1] = copies.from[2] = &plain;
	copies.from[3] = &second;
	copies.may_be_refused = true;
	copy_load_init(&copies);
	load_start(&load);
	load_start(&head_load);
	group_load_start(&groups);
	copy_load_start(&copies);
	block_load_start(&block, &second, 32768);
	block_load_start(&head_block, &head, head.nr_blocks / 2);
	/* this thread has to get to a policy now and then */
	test_check(!setpriority(PRIO_PROCESS, 0, -19), "setpriority");
}

static void stop(void)
{
	load_stop(&load);
	load_stop(&head_load);
	group_load_stop(&groups);
	copy_load_stop(&copies);
	block_load_stop(&block);
	block_load_stop(&head_block);
}

static void verify(void)
{
	struct load_stats a, b;
	struct group_stats g;
	struct copy_stats c;

	load_verify(&load);
	load_verify(&head_load);
	group_load_verify(&groups);
	copy_load_verify(&copies, NULL);
	load_sum(&load, &a);
	load_sum(&head_load, &b);
	printf("# commands: %ju good, %ju refused; with two paths: %ju good, %ju refused\n",
	       a.good, a.refused + a.cancelled, b.good, b.refused + b.cancelled);
	group_load_sum(&groups, &g);
	group_load_print(&groups);
	copy_load_sum(&copies, &c);
	copy_load_print(&copies);
	printf("# block requests: %lu; with two paths: %lu\n",
	       (unsigned long)block.done, (unsigned long)head_block.done);
	test_check(a.good + a.refused + a.cancelled == a.submitted &&
		   b.good + b.refused + b.cancelled == b.submitted,
		   "a command failed, the last with %d and %d", a.last_errno,
		   b.last_errno);
	test_check(!g.failed && !g.cancelled && !c.failed && !c.cancelled,
		   "commands of groups or copies failed");
}

/* Some of them, whatever the policies are. */
static void goes_on(uint64_t *rng, unsigned long nr)
{
	bool ok;

	switch (below(rng, 6)) {
	case 0:
		ok = group_load_wait(&groups, 1, WAIT_MS);
		break;
	case 1:
		ok = copy_load_wait(&copies, 1, WAIT_MS);
		break;
	case 2:
		ok = block_load_wait(&block, 16, WAIT_MS);
		break;
	case 3:
		ok = block_load_wait(&head_block, 16, WAIT_MS);
		break;
	case 4:
		ok = load_wait(&load, 64, WAIT_MS);
		break;
	default:
		ok = load_wait(&head_load, 64, WAIT_MS);
	}
	test_check(ok, "no I/O goes on under policy %lu", nr);
}

/* ----------------------------------------------------------------- policies */

/* How the one that was attached last ended, unless it has not. */
static void note_end(const struct site *s)
{
	char kind[32];
	unsigned int i;

	if (!steer_state_is(s->ctrl, "ended") ||
	    !steer_exit(s->ctrl, "kind", kind, sizeof(kind)))
		return;
	for (i = 0; i < ARRAY_LEN(ends); i++)
		if (!strcmp(kind, ends[i]))
			break;
	test_check(i < ARRAY_LEN(ends), "a policy of nvme%d ended by '%s'",
		   s->ctrl, kind);
	ended[i]++;
}

static void detach(struct site *s)
{
	if (s->link >= 0)
		close(s->link);
	s->link = -1;
}

static void drop(struct site *s)
{
	unsigned int i;

	detach(s);
	for (i = 0; i < POOL; i++)
		if (s->map[i] >= 0)
			close(s->map[i]);
}

/* One policy for another, or the same again; or none, when it does not want to. */
static void swap(struct site *s, int map, bool at_once)
{
	note_end(s);
	if (at_once && s->link >= 0 && !bpf_link_update(s->link, map, NULL)) {
		replaced++;
		return;
	}
	detach(s);
	s->link = bpf_link_create(map, 0, BPF_STRUCT_OPS, NULL);
	if (s->link < 0)
		errors++;
	else
		attached++;
}

static struct site *a_site(uint64_t *rng)
{
	return &sites[below(rng, CTRLS)];
}

static void step(unsigned long nr)
{
	uint64_t seed = test_seed() << 24 ^ nr;
	uint64_t rng = (seed + 1) * 0xd1342543de82ef95ULL | 1;
	struct site *s = a_site(&rng);
	unsigned int i = below(&rng, POOL), turns;
	int map;

	if (getenv("VERBOSE"))
		printf("# policy %lu: nvme%d\n", nr, s->ctrl);
	map = any_policy(seed, s->ctrl, &counts);
	if (map >= 0 && s->map[i] >= 0)
		close(s->map[i]);	/* what is attached stays so */
	if (map >= 0)
		s->map[i] = map;
	for (turns = 1 + below(&rng, 6); turns; turns--) {
		if (s->map[i] >= 0)
			swap(s, s->map[i], !rarely(&rng, 3));
		goes_on(&rng, nr);
		if (rarely(&rng, 20))
			test_write(steer_path(s->ctrl, "off"), "1");
		s = a_site(&rng);
		i = below(&rng, POOL);
	}
}

static unsigned long sum(const unsigned long *n)
{
	unsigned long all = 0;
	unsigned int i;

	for (i = 0; i < RAW_OPS; i++)
		all += n[i];
	return all;
}

/* An event of all three. */
static uint64_t event(const char *name)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < CTRLS; i++)
		n += steer_event(sites[i].ctrl, name);
	return n;
}

/* Of what there were too few yet to tell anything, or NULL. */
static const char *lacking(void)
{
	unsigned int i;

	/* minutes would do for a few policies there: it is for its reports */
	if (test_slow() > 1)
		return done->calls[RAW_ROUTE] && attached + replaced >= 4 ?
		       NULL : "policies on a kernel that checks itself";
	for (i = 0; i < RAW_OPS; i++)
		if (!done->calls[i] || !counts.programs[i])
			return raw_op_names[i];
	for (i = 0; i < ANY_KFUNCS; i++)
		if (!done->kfuncs[i])
			return any_kfunc_names[i];
	if (sum(counts.refused) < 10)
		return "programs refused";
	if (attached < 10 || replaced < 10)
		return "policies attached and replaced";
	if (event("routed") - steered < 1000)
		return "commands on steer queues";
	if (event("ejected") - ejected < 3)
		return "policies ejected";
	return NULL;
}

static void print(void)
{
	unsigned int i;

	printf("# %lu policies made of %lu programs, %lu programs refused, %lu settings; %lu times attached, %lu times not, %lu times one replaced another\n",
	       counts.policies, sum(counts.programs), sum(counts.refused),
	       counts.unfit, attached, errors, replaced);
	printf("# %ju commands went by steer queues, %ju policies were ejected; of those looked at ended by",
	       event("routed") - steered, event("ejected") - ejected);
	for (i = 0; i < ARRAY_LEN(ends); i++)
		printf(" %s %lu", ends[i], ended[i]);
	printf("\n# operation: loaded, refused, calls\n");
	for (i = 0; i < RAW_OPS; i++)
		printf("#   %s: %lu, %lu, %ju\n", raw_op_names[i],
		       counts.programs[i], counts.refused[i],
		       (uintmax_t)done->calls[i]);
	printf("# calls of kfuncs:");
	for (i = 0; i < ANY_KFUNCS; i++)
		printf(" %s %ju", any_kfunc_names[i], (uintmax_t)done->kfuncs[i]);
	printf("\n");
}

static void nothing_left(unsigned long refs, long pins)
{
	struct steer_queues qs;
	unsigned int i;

	test_step("what is left");
	for (i = 0; i < CTRLS; i++)
		drop(&sites[i]);
	for (i = 0; i < CTRLS; i++) {
		test_check(steer_wait_idle(sites[i].ctrl, 20000),
			   "nvme%d: commands are in flight", sites[i].ctrl);
		/* each queue's sum is checked in it */
		steer_queues(sites[i].ctrl, &qs);
		test_check(test_wait(!steer_reserve(sites[i].ctrl, "used"),
				     20000), "nvme%d: queues are left",
			   sites[i].ctrl);
	}
	any_policy_exit();
	raw_exit();
	test_check(test_wait(steer_references() == refs, 20000),
		   "nvmesteer has %lu references, it had %lu", steer_references(),
		   refs);
	test_check(test_wait(pins_now() <= pins, 20000),
		   "%ld pages are still pinned", pins_now() - pins);
	steer_reload();
}

int main(void)
{
	unsigned long seconds = test_env("SECONDS", 8);
	unsigned long nr = test_env("FROM", 0);
	uint64_t until, most;
	unsigned long refs;
	long pins;
	unsigned int i;

	test_begin(90 + 11 * seconds);
	printf("# SEED=%ju\n", test_seed());
	refs = steer_references();
	raw_init();
	done = any_policy_init();
	pins = pins_now();
	start();
	for (i = 0; i < CTRLS; i++)
		sites[i] = (struct site) {
			.ctrl = !i ? plain.ctrl : i == 1 ? head.ctrl : head.ctrl2,
			.map = { -1, -1, -1, -1 }, .link = -1,
		};

	steered = event("routed");
	ejected = event("ejected");
	test_step("policies of all kinds");
	until = test_now_ms() + seconds * 1000 * test_slow();
	most = until + 9 * seconds * 1000 * test_slow();
	while (test_now_ms() < until || (lacking() && test_now_ms() < most))
		step(nr++);
	print();
	stop();
	verify();
	test_check(!lacking(), "not enough to tell: %s", lacking());
	nothing_left(refs, pins);
	test_pass();
}
