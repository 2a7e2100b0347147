// SPDX-License-Identifier: GPL-2.0
/*
 * How much of a copy is under way at a time, and how long its pieces are, as
 * the controller sees it: the limits in the answer of a policy's copy(), and
 * the caller's. The controller holds each command until there are as many as
 * there may be; there are never more. By several Copies, by reading and writing,
 * and of NVMe Copy commands that programs send; by the driver's own path and by
 * a steer queue.
 *
 * vm: --drives faults --cpus 4
 */
#include "copy.h"
#include "copy_cmd.h"
#include "fault.h"
#include "steer.h"
#include "test.h"

#define BLOCKS	128		/* of a range of a Copy, which has 4 at most */
#define SOURCE	(1UL << 20)
#define TARGET	(8UL << 20)
#define AREA	(5UL << 20)

#define EMULATE	NVME_STEER_COPY_EMULATE
#define SPLIT	NVME_STEER_COPY_SPLIT

static const struct {
	unsigned int how, depth, kib;	/* the answer */
	unsigned int caller;		/* the depth of who copies, or 0 */
	bool command;			/* who sends an NVMe Copy command */
	/* what comes of it: commands at a time, KiB of each, and how often */
	unsigned int held, longest, pieces;
} cases[] = {
	{ EMULATE, 1, 16, 0, false, 1, 16, 4 },
	{ EMULATE, 2, 16, 0, false, 2, 16, 16 },
	{ EMULATE, 8, 16, 0, false, 8, 16, 16 },
	{ EMULATE, 8, 64, 0, false, 8, 64, 16 },
	/* as many as there are pieces */
	{ EMULATE, 64, 8, 0, false, 16, 8, 16 },
	{ EMULATE, 2, 16, 8, false, 2, 16, 16 },
	{ EMULATE, 8, 16, 2, false, 2, 16, 16 },
	{ EMULATE, 0, 16, 4, false, 4, 16, 16 },
	/* whole pages, and no more than a buffer holds */
	{ EMULATE, 4, 6, 0, false, 4, 4, 8 },
	{ EMULATE, 4, 1024, 0, false, 4, 256, 8 },
	{ EMULATE, 4, 0, 0, false, 4, 256, 16 },
	{ EMULATE, 2, 16, 0, true, 2, 16, 16 },
	{ SPLIT, 1, 16, 0, false, 1, 16, 4 },
	{ SPLIT, 2, 16, 0, false, 2, 16, 16 },
	{ SPLIT, 8, 16, 0, false, 8, 16, 16 },
	{ SPLIT, 8, 128, 0, false, 8, 128, 16 },
	{ SPLIT, 64, 8, 0, false, 16, 8, 16 },
	{ SPLIT, 2, 16, 8, false, 2, 16, 16 },
	{ SPLIT, 8, 16, 2, false, 2, 16, 16 },
	/* no more than four ranges */
	{ SPLIT, 4, 1024, 0, false, 4, 256, 8 },
	{ SPLIT, 4, 0, 0, false, 4, 256, 16 },
	{ SPLIT, 2, 16, 0, true, 2, 16, 16 },
};

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ },
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct copy copy;
static struct image src, dst;
static struct pt_ring ring;
static uint8_t list[COPY_CMD_RANGES * 32] __attribute__((aligned(4096)));

/* Commands that move data are held. */
static void hold(void)
{
	static const uint8_t opcodes[] = { PT_READ, PT_WRITE, PT_COPY };
	struct fault_rule rule = {
		.what = FAULT_NEVER, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1,
	};
	unsigned int i;

	fault_clear();
	for (i = 0; i < ARRAY_LEN(opcodes); i++) {
		rule.opcode = opcodes[i];
		fault_add(&rule);
	}
}

static unsigned int held(void)
{
	struct fault_counters c;

	fault_counters(&c);
	return c.held;
}

static void begin(unsigned int n)
{
	struct nvme_uring_cmd cmd;
	unsigned int ret;

	copy_begin(&copy, &dst, 512, 0);
	copy.cmd.depth = cases[n].caller;
	copy_add(&copy, &src, 512, (cases[n].longest << 10) * cases[n].pieces);
	if (cases[n].command) {
		copy_cmd(&copy, &cmd, list);
		pt_queue(&ring, ns.fd, &cmd, 0, 1);
	} else {
		copy_queue(&ring, &copy, 0, 1);
	}
	ret = pt_submit_only(&ring);
	test_check(ret == 1, "%u copies submitted", ret);
}

static void end(unsigned int n, const char *what)
{
	uint64_t result = 0;
	int res;

	res = pt_reap(&ring, NULL, &result);
	if (cases[n].command) {
		copy_cmd_ended(&copy, res, result);
		test_check(!res, "%s: it ended with %d", what, res);
	} else {
		copy_ended(&copy, res, result);
		copy_is_good(&copy, cases[n].how, what);
	}
	copy_model(&copy);
	image_check(&dst, what);
}

static void is_limited(unsigned int n, const struct fault_count *count,
		       const char *kind, const char *what)
{
	test_check(count->commands == cases[n].pieces &&
		   count->longest == cases[n].longest * 2,
		   "%s: %u %s of %u blocks at most, not %u of %u", what,
		   count->commands, kind, count->longest, cases[n].pieces,
		   cases[n].longest * 2);
}

static void one_case(unsigned int n, unsigned int route)
{
	bool emulate = cases[n].how == EMULATE;
	unsigned int waves = cases[n].pieces / cases[n].held, is, i;
	struct fault_counters c;
	char what[96];

	snprintf(what, sizeof(what),
		 "%s%s, depth %u, %u KiB, the caller's depth %u%s",
		 emulate ? "emulated" : "split",
		 cases[n].command ? " command" : "", cases[n].depth,
		 cases[n].kib, cases[n].caller, route ? ", steered" : "");
	image_refill(&dst, 0, dst.len);
	policy.state->copy_route = route;
	policy.state->copy_answer = NVME_STEER_COPY_WITH(cases[n].how,
							 cases[n].depth,
							 cases[n].kib);
	hold();
	begin(n);
	/* each wave is a command of each piece that is under way */
	for (i = 0; i < (emulate ? 2 * waves : waves); i++) {
		test_check(test_wait(held() >= cases[n].held, 20000),
			   "%s: %u commands at a time, not %u", what, held(),
			   cases[n].held);
		is = held();
		test_check(is == cases[n].held,
			   "%s: %u commands at a time, not %u", what, is,
			   cases[n].held);
		fault_change(FAULT_CHANGE_RELEASE, 0);
	}
	fault_counters(&c);
	fault_clear();
	end(n, what);
	test_check(c.most_held == cases[n].held,
		   "%s: %u commands at a time, not %u", what, c.most_held,
		   cases[n].held);
	if (emulate) {
		is_limited(n, &c.reads, "Reads", what);
		is_limited(n, &c.writes, "Writes", what);
	} else {
		is_limited(n, &c.copies, "Copies", what);
	}
}

int main(void)
{
	unsigned int n, route;

	test_begin(100);
	fault_open(&ns);
	fault_change(FAULT_CHANGE_COPY, BLOCKS);
	copy_init(&copy, 1);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	image_init(&src, &ns, SOURCE, AREA);
	image_init(&dst, &ns, TARGET, AREA);
	pt_ring_init(&ring, 8, 0);
	for (route = 0; route < 2; route++) {
		test_step("%s", route ? "a steer queue" : "the driver's path");
		for (n = 0; n < ARRAY_LEN(cases); n++)
			one_case(n, route);
	}
	fault_host_is_good("copies");
	test_pass();
}
