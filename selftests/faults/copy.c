// SPDX-License-Identifier: GPL-2.0
/*
 * Copies whose reads and writes the controller answers twice, under ids that
 * are not theirs, late, with errors, not at all, or stops at: by the queues of
 * a policy, and by the driver's own path, which is the measure. Each copy ends
 * once; one that says it is done has copied all, and of one that does not, the
 * ranges say the truth. Copies go well afterwards.
 *
 * vm: --drives faults --cpus 4
 */
#include "copy.h"
#include "fault.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define AREA	(2UL << 20)	/* several commands of the largest size */
#define SOURCE	(1UL << 20)
#define TARGET	(4UL << 20)

#define FAILS	(1U << 0)	/* the copy fails */
#define RESETS	(1U << 1)	/* the controller is reset */
#define STALLS	(1U << 2)	/* nothing ends for longer than a queue may */

static const struct {
	const char *name;
	unsigned int flags;
	struct fault_rule rule;
} faults[] = {
	{ "twice", 0, { .what = FAULT_TWICE, .every = 2 } },
	{ "id of none", 0, { .what = FAULT_XOR_CID, .value = 0xfff } },
	{ "another generation", 0, { .what = FAULT_XOR_CID, .value = 0x1000 } },
	{ "no interrupt", STALLS, { .what = FAULT_NO_INTERRUPT, .skip = 1,
			       .count = 1 } },
	{ "late", 0, { .what = FAULT_LATE, .ms = 20, .every = 3 } },
	{ "late, after the Abort", STALLS, { .what = FAULT_AFTER_ABORT, .ms = 20,
					.skip = 1, .count = 1 } },
	{ "status", FAILS, { .what = FAULT_STATUS, .value = 0x4006,
			     .skip = 1, .count = 1 } },
	{ "status, and done", FAILS, { .what = FAULT_STATUS, .value = 0x4006,
				       .skip = 1, .count = 1,
				       .flags = FAULT_DONE } },
	{ "ended by the Abort", FAILS | STALLS, { .what = FAULT_NEVER, .skip = 1,
					 .count = 1,
					 .flags = FAULT_ABORTABLE } },
	{ "never", FAILS | RESETS | STALLS, { .what = FAULT_NEVER, .skip = 1,
				     .count = 1 } },
	{ "fatal", FAILS | RESETS | STALLS, { .what = FAULT_FATAL, .skip = 1,
				     .count = 1 } },
};

static const struct { const char *name; int route; unsigned int mode; } ways[] = {
	{ "driver", 0, 0 }, { "driver,polled", 0, PT_IOPOLL },
	{ "steer", 1, 0 }, { "steer,polled", 2, PT_IOPOLL },
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct copy copy;
static struct image src, dst;
static struct pt_ring ring;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static void one_copy(void)
{
	copy_begin(&copy, &dst, 512, 0);
	copy_add(&copy, &src, 0, 1000 * 512);
	copy_add(&copy, &src, 1050 * 512, 512);
	copy_add(&copy, &src, 1100 * 512, 2900 * 512);
	copy_do(&ring, &copy);
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

/* What became of one that went wrong: its status or errno. */
static int one(unsigned int f, unsigned int w, uint8_t opcode)
{
	struct fault_counters counters;
	struct fault_rule rule = faults[f].rule;
	const char *name = faults[f].name;
	struct steer_queues qs;
	int res;

	test_step("%s, %s: %s", name, opcode == PT_READ ? "reading" : "writing",
		  ways[w].name);
	pt_ring_init(&ring, 8, ways[w].mode);
	image_init(&src, &ns, SOURCE, AREA);
	image_init(&dst, &ns, TARGET, AREA);
	policy.state->copy_route = ways[w].route;
	rule.opcode = opcode;
	rule.first_qid = 1;
	rule.last_qid = FAULT_QUEUES - 1;
	if (ways[w].route) {
		steer_queues(ns.ctrl, &qs);
		rule.first_qid = rule.last_qid = qs.q[ways[w].route].qid;
	}
	fault_clear();
	fault_add(&rule);
	one_copy();
	res = copy.res;
	test_check(!res == !(faults[f].flags & FAILS), "it ended with %d", res);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	fault_counters(&counters);
	test_check(counters.done[0], "no fault has happened");
	test_check(!counters.resets == !(faults[f].flags & RESETS),
		   "the controller was reset %u times", counters.resets);
	fault_host_is_good(name);
	fault_clear();
	if (res) {
		copy_check_report(&copy, name);
	} else {
		copy_is_good(&copy, 0, name);
		copy_model(&copy);
		image_check(&dst, name);
	}
	image_check(&src, name);

	attach_again(faults[f].flags & STALLS);
	policy.state->copy_route = ways[w].route;
	test_check(!ways[w].route ||
		   test_wait(steer_queue_live(ns.ctrl, ways[w].route), 20000),
		   "the queue is not back");
	image_refill(&dst, 0, dst.len);
	one_copy();
	copy_is_good(&copy, 0, "afterwards");
	copy_model(&copy);
	image_check(&dst, "afterwards");
	image_free(&src);
	image_free(&dst);
	pt_ring_exit(&ring);
	return res;
}

int main(void)
{
	int res[ARRAY_LEN(faults)][ARRAY_LEN(ways)][2];
	unsigned int f, w, i;

	test_begin(170);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	/* of commands on either path, from when the policy is attached */
	test_set_file("/sys/module/nvme_core/parameters/io_timeout", "1");
	fault_open(&ns);
	copy_init(&copy, 8);
	steer_puppet_copy(&policy, ns.ctrl, &config);

	for (w = 0; w < ARRAY_LEN(ways); w++)
		for (f = 0; f < ARRAY_LEN(faults); f++)
			for (i = 0; i < 2; i++)
				res[f][w][i] = one(f, w, i ? PT_WRITE : PT_READ);

	printf("# how a copy has ended, fault when reading/when writing\n# %-24s",
	       "fault");
	for (w = 0; w < ARRAY_LEN(ways); w++)
		printf(" %-15s", ways[w].name);
	for (f = 0; f < ARRAY_LEN(faults); f++) {
		printf("\n# %-24s", faults[f].name);
		for (w = 0; w < ARRAY_LEN(ways); w++) {
			printf(" %6d/%-8d", res[f][w][0], res[f][w][1]);
			for (i = 0; i < 2; i++)
				test_check(res[f][w][i] == res[f][0][i],
					   "%s: %s ended with %d, %s with %d",
					   faults[f].name, ways[w].name,
					   res[f][w][i], ways[0].name,
					   res[f][0][i]);
		}
	}
	printf("\n# %zu cells\n", 2 * ARRAY_LEN(faults) * ARRAY_LEN(ways));
	copy_free(&copy);
	test_pass();
}
