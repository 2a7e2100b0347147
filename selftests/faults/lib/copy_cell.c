// SPDX-License-Identifier: GPL-2.0
/*
 * Faults by ways, of copies; see copy_cell.h.
 */
#include "copy_cell.h"
#include "fault.h"
#include "test.h"
#include "vm.h"

#define SOURCE	(1UL << 20)
#define TARGET	(4UL << 20)
#define AREA	(2UL << 20)
#define AT	512		/* where it is copied to in the target */
#define FAULTS	11

#define FAILS	(1U << 0)	/* the copy fails */
#define RESETS	(1U << 1)	/* the controller is reset */
#define STALLS	(1U << 2)	/* nothing ends for longer than a queue may */
#define ONE	(1U << 3)	/* one command is hit */

static const struct {
	const char *name;
	unsigned int flags;
	struct fault_rule rule;
} faults[FAULTS] = {
	{ "twice", 0, { .what = FAULT_TWICE, .every = 2 } },
	{ "id of none", 0, { .what = FAULT_XOR_CID, .value = 0xfff } },
	{ "another generation", 0, { .what = FAULT_XOR_CID, .value = 0x1000 } },
	{ "no interrupt", ONE | STALLS, { .what = FAULT_NO_INTERRUPT } },
	{ "late", 0, { .what = FAULT_LATE, .ms = 20, .every = 3 } },
	{ "late, after the Abort", ONE | STALLS, { .what = FAULT_AFTER_ABORT,
						   .ms = 20 } },
	{ "status", ONE | FAILS, { .what = FAULT_STATUS, .value = 0x4006 } },
	{ "status, and done", ONE | FAILS, { .what = FAULT_STATUS,
					     .value = 0x4006,
					     .flags = FAULT_DONE } },
	{ "ended by the Abort", ONE | FAILS | STALLS, {
					.what = FAULT_NEVER, .part = 1,
					.flags = FAULT_ABORTABLE } },
	{ "never", ONE | FAILS | RESETS | STALLS, { .what = FAULT_NEVER,
						    .part = 1 } },
	{ "fatal", ONE | FAILS | RESETS | STALLS, { .what = FAULT_FATAL,
						    .part = 1 } },
};

static const struct { const char *name; int route; unsigned int mode; } ways[] = {
	{ "driver", 0, 0 }, { "driver,polled", 0, PT_IOPOLL },
	{ "steer", 1, 0 }, { "steer,polled", 2, PT_IOPOLL },
};
#define WAYS	ARRAY_LEN(ways)

static struct pt_ns ns;
static struct steer_policy policy;
static struct copy copy;
static struct image src, dst;
static struct pt_ring ring;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static void one_copy(const struct copy_shape *s)
{
	unsigned int i;

	copy_begin(&copy, &dst, AT, 0);
	for (i = 0; i < s->nr; i++)
		copy_add(&copy, &src, s->range[i].at, s->range[i].len);
	copy_do(&ring, &copy);
}

static void good_copy(const struct copy_shape *s, const char *what)
{
	one_copy(s);
	copy_is_good(&copy, s->path, what);
	copy_model(&copy);
	image_check(&dst, what);
}

/*
 * The watchdog may have ended the policy, whose only queue in use has stalled
 * while the drive answered admin commands: then it is attached anew. Any other
 * end fails the test.
 */
static void attach_again(bool may_stall)
{
	volatile struct puppet_state *state = policy.state;
	char kind[32];

	if (!state->exits)
		return;
	test_check(steer_exit(ns.ctrl, "kind", kind, sizeof(kind)),
		   "the policy ended, and nothing says why");
	test_check(may_stall && !strcmp(kind, "stall"),
		   "the policy's end is '%s'", kind);
	steer_detach(&policy);
	steer_puppet_copy(&policy, ns.ctrl, &config);
}

static void begin_cell(unsigned int w)
{
	pt_ring_init(&ring, 8, ways[w].mode);
	image_init(&src, &ns, SOURCE, AREA);
	image_init(&dst, &ns, TARGET, AREA);
	policy.state->copy_route = ways[w].route;
}

/* The rule applies to the queues that the way has. */
static void hit(const struct copy_shape *s, unsigned int w,
		struct fault_rule *rule)
{
	struct steer_queues qs;

	rule->opcode = s->opcode;
	rule->first_qid = 1;
	rule->last_qid = FAULT_QUEUES - 1;
	if (ways[w].route) {
		steer_queues(ns.ctrl, &qs);
		rule->first_qid = rule->last_qid = qs.q[ways[w].route].qid;
	}
	fault_clear();
	fault_add(rule);
}

/* It goes well again. */
static void end_cell(const struct copy_shape *s, unsigned int w,
		     bool may_stall)
{
	attach_again(may_stall);
	policy.state->copy_route = ways[w].route;
	test_check(!ways[w].route ||
		   test_wait(steer_queue_live(ns.ctrl, ways[w].route), 20000),
		   "the queue is not back");
	image_refill(&dst, 0, dst.len);
	good_copy(s, "afterwards");
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	image_free(&src);
	image_free(&dst);
	pt_ring_exit(&ring);
}

/* What became of one that went wrong: its status or errno. */
static int one_cell(unsigned int f, unsigned int w, const struct copy_shape *s)
{
	unsigned int flags = faults[f].flags;
	struct fault_rule rule = faults[f].rule;
	const char *name = faults[f].name;
	struct fault_counters counters;
	int res;

	test_step("%s, %s: %s", name, s->name, ways[w].name);
	begin_cell(w);
	if (flags & ONE) {
		rule.skip = s->skip;
		rule.count = 1;
	}
	hit(s, w, &rule);
	one_copy(s);
	res = copy.res;
	test_check(!res == !(flags & FAILS), "it ended with %d", res);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	fault_counters(&counters);
	test_check(counters.done[0], "no fault has happened");
	test_check(!counters.resets == !(flags & RESETS),
		   "the controller was reset %u times", counters.resets);
	fault_host_is_good(name);
	fault_clear();
	if (res) {
		copy_check_report(&copy, name);
	} else {
		copy_is_good(&copy, s->path, name);
		copy_model(&copy);
		image_check(&dst, name);
	}
	image_check(&src, name);
	end_cell(s, w, flags & STALLS);
	return res;
}

void copy_cells_open(unsigned int blocks)
{
	struct copy_limits is;

	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	/* of commands on either path, from when the policy is attached */
	test_set_file("/sys/module/nvme_core/parameters/io_timeout", "1");
	fault_open(&ns);
	fault_change(FAULT_CHANGE_COPY, blocks);
	copy_init(&copy, 8);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	copy_limits(&ns, &is);
	test_check(is.mssrl == blocks, "a Copy has ranges of %u blocks, not %u",
		   is.mssrl, blocks);
}

static void print_table(const struct copy_shape *shapes, unsigned int nr,
			int res[][FAULTS][WAYS])
{
	unsigned int f, w, i;

	for (i = 0; i < nr; i++) {
		printf("# how a copy has ended: %s\n# %-24s", shapes[i].name,
		       "fault");
		for (w = 0; w < WAYS; w++)
			printf(" %-13s", ways[w].name);
		for (f = 0; f < FAULTS; f++) {
			printf("\n# %-24s", faults[f].name);
			for (w = 0; w < WAYS; w++)
				printf(" %-13d", res[i][f][w]);
		}
		printf("\n");
	}
	printf("# %zu cells\n", nr * FAULTS * WAYS);
}

void copy_cells(const struct copy_shape *shapes, unsigned int nr)
{
	int (*res)[FAULTS][WAYS] = calloc(nr, sizeof(*res));
	unsigned int f, w, i;

	for (i = 0; i < nr; i++)
		for (w = 0; w < WAYS; w++)
			for (f = 0; f < FAULTS; f++)
				res[i][f][w] = one_cell(f, w, &shapes[i]);
	print_table(shapes, nr, res);
	for (i = 0; i < nr; i++)
		for (f = 0; f < FAULTS; f++)
			for (w = 0; w < WAYS; w++)
				test_check(res[i][f][w] == res[i][f][0],
					   "%s, %s: %s ended with %d, %s with %d",
					   faults[f].name, shapes[i].name,
					   ways[w].name, res[i][f][w],
					   ways[0].name, res[i][f][0]);
	free(res);
}

static void one_part(const struct copy_shape *s, unsigned int w,
		     unsigned int part)
{
	struct fault_rule rule = {
		.what = FAULT_STATUS, .value = 0x4281, .part = part,
		.count = 1,
	};
	size_t bytes = 0;
	unsigned int i;

	test_step("%u ranges of %s: %s", part, s->name, ways[w].name);
	for (i = 0; i < part; i++)
		bytes += s->range[i].len;
	begin_cell(w);
	hit(s, w, &rule);
	one_copy(s);
	test_check(copy.res == 0x4281, "it ended with %d", copy.res);
	test_check(copy.bytes == bytes, "%ju bytes, not %zu, are copied",
		   copy.bytes, bytes);
	copy_check_report(&copy, "in part");
	fault_clear();
	end_cell(s, w, false);
}

void copy_cells_part(const struct copy_shape *shape)
{
	unsigned int w, part;

	for (w = 0; w < WAYS; w++)
		for (part = 0; part < shape->nr; part++)
			one_part(shape, w, part);
}

void copy_cells_close(void)
{
	copy_free(&copy);
	fault_host_is_good("copies");
}
