// SPDX-License-Identifier: GPL-2.0
/*
 * Commands other than read and write go through steer queues too: flush, write
 * zeroes, compare, verify, discard (DSM) and copy; with the effect they
 * should have, and with the status the driver's own path gives, good or not,
 * in which case the queue counts them as failed.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"

static struct pt_ns ns;
static struct steer_policy policy;
static struct pt_ring ring;
static int queue;
static uint64_t gen = 10;

/* Through the queue under test; it must have been carried and counted there. */
static int steered(struct nvme_uring_cmd *cmd)
{
	struct steer_queues before, after;
	struct steer_queue *b, *a;
	unsigned int saw;
	int ret;

	policy.state->copy_route = queue;
	steer_queues(ns.ctrl, &before);
	ret = pt_do(&ring, ns.fd, cmd, 0, NULL);
	steer_queues(ns.ctrl, &after);
	b = &before.q[queue];
	a = &after.q[queue];
	test_check(a->submitted - b->submitted == 1,
		   "opcode %#x did not go to queue %d", cmd->opcode, queue);
	test_check(a->completed - b->completed == !ret &&
		   a->failed - b->failed == (ret > 0),
		   "opcode %#x ended with %d and was counted otherwise",
		   cmd->opcode, ret);
	saw = cmd->opcode == PT_COPY ? policy.state->copy_opcode :
				       policy.state->opcode;
	test_check(saw == cmd->opcode, "the policy saw opcode %#x", saw);
	return ret;
}

/* By the driver's own path. */
static int stock(struct nvme_uring_cmd *cmd)
{
	int ret;

	policy.state->copy_route = NVME_STEER_DEFAULT;
	steer_answer(&policy, NVME_STEER_DEFAULT, NVME_STEER_DEFAULT);
	ret = pt_do(&ring, ns.fd, cmd, 0, NULL);
	steer_answer(&policy, queue, queue);
	return ret;
}

static void both_fail(struct nvme_uring_cmd *cmd, int expected,
		      const char *what)
{
	int s = steered(cmd), d = stock(cmd);

	test_check(s == d, "%s: %#x steered, %#x by the driver", what, s, d);
	test_check(s > 0 && (!expected || (s & 0x7ff) == expected),
		   "%s: ended with %#x", what, s);
}

static void flush(void)
{
	struct nvme_uring_cmd cmd = { .opcode = PT_FLUSH, .nsid = ns.nsid };
	int ret = steered(&cmd);

	test_check(!ret, "flush: %#x", ret);
	test_check(!(policy.state->flags & NVME_STEER_CMD_RANGE) &&
		   !policy.state->len, "the policy saw blocks in a flush");
}

static bool zeroes(uint64_t slba, uint32_t nlb)
{
	uint8_t *buf = test_alloc(nlb << ns.shift);
	size_t i;

	pt_block_read(&ns, buf, slba, nlb);
	for (i = 0; i < nlb << ns.shift; i++)
		if (buf[i])
			return false;
	free(buf);
	return true;
}

static void write_zeroes(void)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_block_write(&ns, 100, 24, gen);
	pt_rw(&cmd, &ns, PT_WRITE_ZEROES, 108, 8, NULL, 0);
	ret = steered(&cmd);
	test_check(!ret, "write zeroes: %#x", ret);
	test_check(policy.state->slba == 108 && policy.state->nlb == 8 &&
		   policy.state->flags & NVME_STEER_CMD_RANGE,
		   "the policy saw other blocks");
	test_check(zeroes(108, 8), "the blocks are not zero");
	pt_block_check(&ns, 100, 8, gen);
	pt_block_check(&ns, 116, 8, gen);

	pt_rw(&cmd, &ns, PT_WRITE_ZEROES, ns.nr_blocks, 8, NULL, 0);
	both_fail(&cmd, PT_SC_LBA_RANGE, "write zeroes beyond the end");
}

static void compare(void)
{
	uint8_t *buf = test_alloc(32 << ns.shift);
	struct nvme_uring_cmd cmd;
	int ret;

	pt_block_write(&ns, 100, 32, gen);
	pt_fill(&ns, buf, 100, 32, gen);
	pt_rw(&cmd, &ns, PT_COMPARE, 100, 32, buf, 32 << ns.shift);
	ret = steered(&cmd);
	test_check(!ret, "compare with the same: %#x", ret);
	buf[31 << ns.shift] ^= 1;
	both_fail(&cmd, PT_SC_COMPARE_FAILED, "compare with another");
	free(buf);
}

static void verify(void)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_rw(&cmd, &ns, PT_VERIFY, 100, 16, NULL, 0);
	ret = steered(&cmd);
	test_check(ret == stock(&cmd), "verify: %#x steered", ret);
	pt_rw(&cmd, &ns, PT_VERIFY, ns.nr_blocks - 1, 2, NULL, 0);
	both_fail(&cmd, 0, "verify beyond the end");
}

static void discard(void)
{
	struct { uint32_t attr, nlb; uint64_t slba; } *range;
	struct nvme_uring_cmd cmd = {
		.opcode = PT_DSM, .nsid = ns.nsid, .cdw11 = 4,
	};
	int ret;

	range = test_alloc(4096);
	range[0].nlb = 8;
	range[0].slba = 108;
	cmd.addr = (uintptr_t)range;
	cmd.data_len = sizeof(*range);
	pt_block_write(&ns, 100, 24, gen);
	ret = steered(&cmd);
	test_check(!ret, "discard: %#x", ret);
	pt_block_check(&ns, 100, 8, gen);
	pt_block_check(&ns, 116, 8, gen);
	range[0].slba = ns.nr_blocks;
	ret = steered(&cmd);
	test_check(ret == stock(&cmd), "discard beyond the end: %#x", ret);
	free(range);
}

static void copy(void)
{
	struct {
		uint8_t rsvd0[8];
		uint64_t slba;
		uint16_t nlb;
		uint8_t rsvd18[14];
	} *range = test_alloc(4096);
	struct nvme_uring_cmd cmd = {
		.opcode = PT_COPY, .nsid = ns.nsid, .cdw10 = 1000,
		.cdw12 = 1, .addr = (uintptr_t)range,
		.data_len = 2 * sizeof(*range),
	};
	uint8_t *buf = test_alloc(32 << ns.shift);
	int ret;

	pt_block_write(&ns, 100, 48, gen);
	pt_block_write(&ns, 990, 40, gen + 1);
	range[0].slba = 100;
	range[0].nlb = 15;
	range[1].slba = 132;
	range[1].nlb = 7;
	ret = steered(&cmd);
	if (ret && ret == stock(&cmd)) {
		printf("# the drive does not copy (%#x)\n", ret);
		return;
	}
	test_check(!ret, "copy: %#x", ret);
	pt_block_read(&ns, buf, 1000, 24);
	test_check(pt_differs(&ns, buf, 100, 16, gen) < 0 &&
		   pt_differs(&ns, buf + (16 << ns.shift), 132, 8, gen) < 0,
		   "the copy is not one");
	pt_block_check(&ns, 990, 10, gen + 1);
	pt_block_check(&ns, 1024, 6, gen + 1);
	range[1].slba = ns.nr_blocks;
	/* refused before anything is sent */
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check((ret & 0x7ff) == 0x80 && ret == stock(&cmd),
		   "copy from beyond the end: %#x", ret);
	free(range);
	free(buf);
}

static void out_of_range(void)
{
	uint8_t *buf = test_alloc(8 << ns.shift);
	struct nvme_uring_cmd cmd;

	pt_rw(&cmd, &ns, PT_READ, ns.nr_blocks - 4, 8, buf, 8 << ns.shift);
	both_fail(&cmd, PT_SC_LBA_RANGE, "read beyond the end");
	pt_rw(&cmd, &ns, PT_WRITE, ns.nr_blocks, 8, buf, 8 << ns.shift);
	both_fail(&cmd, PT_SC_LBA_RANGE, "write beyond the end");
	cmd.opcode = 0x7d;
	both_fail(&cmd, 0, "an opcode that does not exist");
	free(buf);
}

static void all(unsigned int mode, int q)
{
	test_step("%s ring on queue %d", pt_mode_name(mode), q);
	queue = q;
	steer_answer(&policy, q, q);
	pt_ring_init(&ring, 8, mode);
	flush();
	write_zeroes();
	compare();
	verify();
	discard();
	copy();
	out_of_range();
	gen += 10;
	pt_ring_exit(&ring);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	test_begin(60);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&policy, ns.ctrl, &config);
	all(0, 1);
	all(PT_IOPOLL, 2);
	all(PT_SQPOLL, 1);
	test_pass();
}
