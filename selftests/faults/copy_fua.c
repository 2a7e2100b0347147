// SPDX-License-Identifier: GPL-2.0
/*
 * Force Unit Access, as the controller sees it: each Write and each Copy of a
 * copy that asks for it has the bit, and none of a copy that does not, nor any
 * Read. By one Copy and by several, by reading and writing in one go and in
 * many pieces, where the controller refuses the Copy, and of NVMe Copy commands
 * that programs send; by the driver's own path and by steer queues, by rings
 * that poll and that do not.
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
#define TARGET	(4UL << 20)
#define AREA	(2UL << 20)
#define FUA	(1U << 30)	/* in CDW12 of a Copy */

struct part {
	size_t at, len;
};

static const struct part one[] = { { 0, 4096 } };
static const struct part three[] = {
	{ 0, 512 }, { 4096, 8192 }, { 65536, 1024 },
};
/* more than one Copy can do, and than one buffer holds */
static const struct part many[] = {
	{ 0, 1000 * 512 }, { 1050 * 512, 512 }, { 1100 * 512, 2000 * 512 },
};

#define WRITES	(1U << 0)	/* there must be some of these ... */
#define COPIES	(1U << 1)	/* ... and of these, or must not */
#define REFUSED	(1U << 2)	/* the controller refuses the Copies */
#define COMMAND	(1U << 3)	/* it is an NVMe Copy command */

static const struct {
	const char *name;
	const struct part *range;
	unsigned int nr;
	int answer;		/* of the policy */
	unsigned int path;	/* or 0: it does not say */
	unsigned int flags;
} copies[] = {
	{ "one Copy", one, 1, NVME_STEER_COPY_OFFLOAD,
	  NVME_STEER_COPY_OFFLOAD, COPIES },
	{ "one Copy, three ranges", three, 3, NVME_STEER_COPY_OFFLOAD,
	  NVME_STEER_COPY_OFFLOAD, COPIES },
	/* a limit: not the short way */
	{ "one Copy by a lane", three, 3,
	  NVME_STEER_COPY_WITH(NVME_STEER_COPY_OFFLOAD, 1, 1024),
	  NVME_STEER_COPY_OFFLOAD, COPIES },
	{ "several Copies", many, 3, NVME_STEER_COPY_SPLIT,
	  NVME_STEER_COPY_SPLIT, COPIES },
	{ "written in one go", one, 1, NVME_STEER_COPY_EMULATE,
	  NVME_STEER_COPY_EMULATE, WRITES },
	{ "three ranges written in one go", three, 3, NVME_STEER_COPY_EMULATE,
	  NVME_STEER_COPY_EMULATE, WRITES },
	{ "written by a lane", three, 3,
	  NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE, 1, 1024),
	  NVME_STEER_COPY_EMULATE, WRITES },
	{ "written in pieces", many, 3, NVME_STEER_COPY_EMULATE,
	  NVME_STEER_COPY_EMULATE, WRITES },
	{ "refused, and written", three, 3, NVME_STEER_COPY_OFFLOAD,
	  NVME_STEER_COPY_EMULATE, COPIES | WRITES | REFUSED },
	{ "several refused, and written", many, 3, NVME_STEER_COPY_SPLIT,
	  NVME_STEER_COPY_EMULATE, COPIES | WRITES | REFUSED },
	{ "a command, one Copy", three, 3, NVME_STEER_COPY_OFFLOAD, 0,
	  COPIES | COMMAND },
	{ "a command, several Copies", many, 3, NVME_STEER_COPY_SPLIT, 0,
	  COPIES | COMMAND },
	{ "a command, written", three, 3, NVME_STEER_COPY_EMULATE, 0,
	  WRITES | COMMAND },
	{ "a command, written in pieces", many, 3, NVME_STEER_COPY_EMULATE, 0,
	  WRITES | COMMAND },
};

static const struct { const char *name; int route; unsigned int mode; } ways[] = {
	{ "driver", 0, 0 }, { "driver,polled", 0, PT_IOPOLL },
	{ "steer", 1, 0 }, { "steer,polled", 2, PT_IOPOLL },
};

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct copy copy;
static struct image src, dst;
static struct pt_ring rings[ARRAY_LEN(ways)];
static uint8_t list[COPY_CMD_RANGES * 32] __attribute__((aligned(4096)));

/* The controller takes no Copy for what it is. */
static void refuse(void)
{
	struct fault_rule rule = {
		.what = FAULT_STATUS, .value = 0x4002, .opcode = PT_COPY,
		.first_qid = 1, .last_qid = FAULT_QUEUES - 1,
	};

	fault_add(&rule);
}

static void carry_out(unsigned int n, struct pt_ring *r, bool fua)
{
	struct nvme_uring_cmd cmd;
	unsigned int i;

	copy_begin(&copy, &dst, 512,
		   fua && !(copies[n].flags & COMMAND) ?
			   NVME_STEER_COPY_F_FUA : 0);
	for (i = 0; i < copies[n].nr; i++)
		copy_add(&copy, &src, copies[n].range[i].at,
			 copies[n].range[i].len);
	if (!(copies[n].flags & COMMAND)) {
		copy_do(r, &copy);
		return;
	}
	copy_cmd(&copy, &cmd, list);
	if (fua)
		cmd.cdw12 |= FUA;
	copy_cmd_do(r, &copy, &cmd);
}

static void sent(unsigned int n, unsigned int w, bool fua, const char *what)
{
	unsigned int writes, own;
	struct fault_counters c;
	struct steer_queues qs;

	fault_counters(&c);
	writes = c.writes.commands + c.copies.commands;
	test_check(!c.writes.commands == !(copies[n].flags & WRITES) &&
		   !c.copies.commands == !(copies[n].flags & COPIES),
		   "%s: %u Writes, %u Copies", what, c.writes.commands,
		   c.copies.commands);
	test_check(c.writes.fua + c.copies.fua == (fua ? writes : 0),
		   "%s: %u of %u Writes and %u of %u Copies have FUA", what,
		   c.writes.fua, c.writes.commands, c.copies.fua,
		   c.copies.commands);
	test_check(!c.reads.fua, "%s: %u Reads have FUA", what, c.reads.fua);
	if (!ways[w].route)
		return;
	steer_queues(ns.ctrl, &qs);
	own = c.commands[qs.q[ways[w].route].qid];
	test_check(own == c.reads.commands + writes,
		   "%s: %u commands came by the queue, and %u Reads and %u others at all",
		   what, own, c.reads.commands, writes);
}

static void one_copy(unsigned int n, unsigned int w, bool fua)
{
	char what[96];

	snprintf(what, sizeof(what), "%s, %s, %s FUA", copies[n].name,
		 ways[w].name, fua ? "with" : "without");
	image_refill(&dst, 0, dst.len);
	policy.state->copy_route = ways[w].route;
	policy.state->copy_answer = copies[n].answer;
	fault_clear();
	if (copies[n].flags & REFUSED)
		refuse();
	carry_out(n, &rings[w], fua);
	sent(n, w, fua, what);
	fault_clear();
	if (copies[n].flags & COMMAND)
		test_check(!copy.res, "%s: %d", what, copy.res);
	else
		copy_is_good(&copy, copies[n].path, what);
	copy_model(&copy);
	image_check(&dst, what);
}

int main(void)
{
	unsigned int n, w;

	test_begin(100);
	fault_open(&ns);
	fault_change(FAULT_CHANGE_COPY, BLOCKS);
	copy_init(&copy, 4);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	image_init(&src, &ns, SOURCE, AREA);
	image_init(&dst, &ns, TARGET, AREA);
	for (w = 0; w < ARRAY_LEN(ways); w++) {
		test_step("%s", ways[w].name);
		pt_ring_init(&rings[w], 8, ways[w].mode);
		for (n = 0; n < ARRAY_LEN(copies); n++) {
			one_copy(n, w, true);
			one_copy(n, w, false);
		}
		pt_ring_exit(&rings[w]);
	}
	fault_host_is_good("copies");
	test_pass();
}
