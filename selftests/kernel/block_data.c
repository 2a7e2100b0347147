// SPDX-License-Identifier: GPL-2.0
/*
 * Block requests of every kind on steer queues: each is carried there, what is
 * written is what the driver's own path reads afterwards, what is read is what
 * it wrote, and the neighbours stay as they were. Reads and writes of all sizes
 * and alignments, of many segments, in batches, polled for and not; discards,
 * Write Zeroes, flushes, forced unit access, and the passthrough commands of
 * ioctls; namespaces with 512 B and 4 KiB blocks, with metadata, and behind a
 * multipath head.
 *
 * vm: --cpus 2
 * timeout: 300
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define AREA	8192		/* blocks that a step may change */
#define GUARD	16

static struct pt_ns ns;
static struct steer_policy policy[2];
static unsigned int nr_ctrls;
static uint64_t gen = 1000;
static uint8_t *buf, *seen;

static void answer(int irq, int irq_count, int poll, int poll_count)
{
	unsigned int i;

	for (i = 0; i < nr_ctrls; i++)
		steer_answer_block(&policy[i], irq, irq_count, poll,
				   poll_count);
}

/* Block requests taken on all controllers of the namespace. */
static uint64_t taken(void)
{
	uint64_t n = steer_event(ns.ctrl, "block");

	return ns.ctrl2 < 0 ? n : n + steer_event(ns.ctrl2, "block");
}

static uint64_t ops(uint8_t opcode)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < nr_ctrls; i++)
		n += ((volatile struct puppet_state *)
		      policy[i].state)->block_ops[opcode];
	return n;
}

/* By the driver's own path, whatever the answers are now. */
static void own_write(uint64_t slba, uint32_t nlb, uint64_t g)
{
	answer(0, 1, 0, 1);
	pt_block_write(&ns, slba, nlb, g);
}

static void own_check(uint64_t slba, uint32_t nlb, uint64_t g)
{
	answer(0, 1, 0, 1);
	pt_block_check(&ns, slba, nlb, g);
}

/* Nothing but what the driver's path writes, at once for all. */
static void prepare(uint64_t g)
{
	uint32_t at, n = ns.max_bytes / ns.block;

	for (at = 0; at < AREA; at += n)
		own_write(at, n < AREA - at ? n : AREA - at, g);
}

/* One request of O_DIRECT, @skip bytes into a page. */
static void rw(bool write, uint64_t slba, uint32_t nlb, size_t skip)
{
	uint64_t was = taken(), old = gen++, now = gen++;
	size_t len = (size_t)nlb * ns.block;
	off_t at = slba * ns.block;
	ssize_t ret;

	own_write(slba - GUARD, nlb + 2 * GUARD, old);
	pt_fill(&ns, buf + skip, slba, nlb, now);
	if (!write)
		memset(buf + skip, 0xa5, len);
	answer(1, 3, 0, 1);
	ret = write ? pwrite(ns.block_fd, buf + skip, len, at) :
		      pread(ns.block_fd, buf + skip, len, at);
	test_check(ret == (ssize_t)len, "%s of %u blocks at %zu: %zd, %s",
		   write ? "write" : "read", nlb, skip, ret, strerror(errno));
	test_check(taken() > was, "%s of %u blocks was not steered",
		   write ? "write" : "read", nlb);
	own_check(slba, nlb, write ? now : old);
	if (!write)
		test_check(pt_differs(&ns, buf + skip, slba, nlb, old) < 0,
			   "read of %u blocks at %zu is wrong", nlb, skip);
	own_check(slba - GUARD, GUARD, old);
	own_check(slba + nlb, GUARD, old);
}

static void sizes(void)
{
	uint32_t most = ns.max_bytes / ns.block, page = 4096 / ns.block;
	uint32_t nlb[] = { 1, 2, 3, page, page + 1, 2 * page, 2 * page + 1,
			   16 * page, 17 * page, 32 * page, most, 2 * most };
	unsigned int i;

	test_step("%s: sizes and alignments", ns.name);
	for (i = 0; i < ARRAY_LEN(nlb); i++) {
		rw(true, 64 + i, nlb[i], 0);
		rw(false, 64 + i, nlb[i], 0);
		rw(true, 64 + i, nlb[i], 512);
		rw(false, 64 + i, nlb[i], 512 * 3);
	}
}

/* A request of many pieces, none of them next to another. */
static void vectors(void)
{
	uint32_t per = 4096 / ns.block, i, n = 32;
	uint64_t was, now = gen++;
	struct iovec iov[32];
	ssize_t ret;

	test_step("%s: many segments", ns.name);
	for (i = 0; i < n; i++) {
		iov[i].iov_base = buf + 8192 * i;
		iov[i].iov_len = 4096;
		pt_fill(&ns, iov[i].iov_base, 128 + i * per, per, now);
	}
	answer(2, 1, 0, 1);
	was = taken();
	ret = pwritev(ns.block_fd, iov, n, 128 * ns.block);
	test_check(ret == 4096 * (ssize_t)n && taken() > was,
		   "pwritev: %zd, %s", ret, strerror(errno));
	own_check(128, n * per, now);
	memset(buf, 0, 8192 * n);
	answer(2, 1, 0, 1);
	was = taken();
	ret = preadv(ns.block_fd, iov, n, 128 * ns.block);
	test_check(ret == 4096 * (ssize_t)n && taken() > was,
		   "preadv: %zd, %s", ret, strerror(errno));
	for (i = 0; i < n; i++)
		test_check(pt_differs(&ns, iov[i].iov_base, 128 + i * per, per,
				      now) < 0, "segment %u is wrong", i);
}

/* @n requests that do not touch, submitted at once, and all of them right. */
static void batch(bool polled, bool write, unsigned int n, int first,
		  int count)
{
	uint32_t per = 4096 / ns.block;
	uint64_t was, old = gen++, now = gen++, slba;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	unsigned int i, done = 0;
	int ret;

	ret = io_uring_queue_init(n, &ring, polled ? IORING_SETUP_IOPOLL : 0);
	test_check(!ret, "io_uring_queue_init: %s", strerror(-ret));
	own_write(256, 3 * per * n, old);
	for (i = 0; i < n; i++) {
		slba = 256 + 3 * per * i + per;
		memset(buf + 4096 * i, 0xa5, 4096);
		if (write)
			pt_fill(&ns, buf + 4096 * i, slba, per, now);
		sqe = io_uring_get_sqe(&ring);
		if (write)
			io_uring_prep_write(sqe, ns.block_fd, buf + 4096 * i,
					    4096, slba * ns.block);
		else
			io_uring_prep_read(sqe, ns.block_fd, buf + 4096 * i,
					   4096, slba * ns.block);
	}
	answer(polled ? 0 : first, polled ? 1 : count, polled ? first : 0,
	       polled ? count : 1);
	was = taken();
	ret = io_uring_submit(&ring);
	test_check(ret == (int)n, "io_uring_submit: %d", ret);
	while (done < n) {
		ret = io_uring_wait_cqe(&ring, &cqe);
		test_check(!ret && cqe->res == 4096, "request %u: %d, %d",
			   done, ret, cqe ? cqe->res : 0);
		io_uring_cqe_seen(&ring, cqe);
		done++;
	}
	test_check(taken() - was == n, "%ju of %u requests were steered",
		   taken() - was, n);
	for (i = 0; i < n; i++) {
		slba = 256 + 3 * per * i + per;
		own_check(slba - per, per, old);
		own_check(slba, per, write ? now : old);
		own_check(slba + per, per, old);
		if (!write)
			test_check(pt_differs(&ns, buf + 4096 * i, slba, per,
					      old) < 0,
				   "request %u read something else", i);
	}
	io_uring_queue_exit(&ring);
}

static void batches(void)
{
	unsigned int polled, write;

	for (polled = 0; polled < 2; polled++) {
		int first = polled ? 4 : 1, count = polled ? 2 : 3;

		test_step("%s: batches, %s", ns.name,
			  polled ? "polled for" : "interrupts");
		for (write = 0; write < 2; write++) {
			batch(polled, write, 1, first, 1);
			batch(polled, write, 2, first, count);
			batch(polled, write, 32, first, 1);
			batch(polled, write, 32, first, count);
			batch(polled, write, 64, first, count);
		}
	}
}

static bool is_zero(uint64_t slba, uint32_t nlb)
{
	size_t i, len = (size_t)nlb * ns.block;

	answer(0, 1, 0, 1);
	pt_block_read(&ns, seen, slba, nlb);
	for (i = 0; i < len; i++)
		if (seen[i])
			return false;
	return true;
}

static void zeroes(unsigned long request, const char *what, uint8_t opcode)
{
	uint32_t per = 4096 / ns.block, nlb = 64 * per;
	uint64_t old = gen++, range[2], was, asked = ops(opcode);
	uint64_t slba = 512;
	bool zero = true;

	test_step("%s: %s", ns.name, what);
	own_write(slba - per, nlb + 2 * per, old);
	range[0] = slba * ns.block;
	range[1] = (uint64_t)nlb * ns.block;
	if (request == BLKDISCARD) {
		/* it need not do anything; what it does, it does here too */
		answer(0, 1, 0, 1);
		zero = !ioctl(ns.block_fd, request, range) &&
		       is_zero(slba, nlb);
		own_write(slba - per, nlb + 2 * per, old);
	}
	answer(1, 1, 0, 1);
	was = taken();
	if (ioctl(ns.block_fd, request, range)) {
		test_check(errno == EOPNOTSUPP, "%s: %s", what,
			   strerror(errno));
		printf("# %s: no %s here\n", ns.name, what);
		return;
	}
	if (ops(opcode) == asked) {
		/* the block layer did it by other means */
		printf("# %s: %s is not opcode %#x here\n", ns.name, what,
		       opcode);
		test_check(request != BLKDISCARD, "no discard was seen");
	}
	test_check(taken() > was, "%s was not steered", what);
	if (zero)
		test_check(is_zero(slba, nlb), "not zero after %s", what);
	else
		own_check(slba, nlb, old);
	own_check(slba - per, per, old);
	own_check(slba + nlb, per, old);
}

static void flushes(void)
{
	struct iovec iov = { .iov_base = buf, .iov_len = ns.block };
	uint64_t was = taken(), asked = ops(PT_FLUSH), now = gen++;
	ssize_t ret;

	test_step("%s: flush and forced unit access", ns.name);
	answer(3, 1, 0, 1);
	test_check(!fsync(ns.block_fd), "fsync: %s", strerror(errno));
	if (ops(PT_FLUSH) == asked)
		printf("# %s: no volatile write cache\n", ns.name);
	else
		test_check(taken() > was, "a flush was not steered");
	pt_fill(&ns, buf, 40, 1, now);
	was = taken();
	ret = pwritev2(ns.block_fd, &iov, 1, 40 * ns.block, RWF_DSYNC);
	test_check(ret == (ssize_t)ns.block && taken() > was,
		   "RWF_DSYNC: %zd, %s", ret, strerror(errno));
	own_check(40, 1, now);
}

/* A passthrough command of an ioctl is a request as well. */
static void ioctls(void)
{
	struct nvme_passthru_cmd cmd = {
		.opcode = PT_WRITE, .nsid = ns.nsid, .addr = (uintptr_t)buf,
		.data_len = 4 * ns.block, .cdw10 = 33, .cdw12 = 3,
	};
	uint64_t old = gen++, now = gen++, was;
	uint8_t meta[4 * 64] = { };
	int ret;

	test_step("%s: passthrough by ioctl", ns.name);
	if (ns.ms) {
		cmd.metadata = (uintptr_t)meta;
		cmd.metadata_len = 4 * ns.ms;
	}
	own_write(32, 8, old);
	pt_fill(&ns, buf, 33, 4, now);
	answer(2, 1, 0, 1);
	was = taken();
	ret = ioctl(ns.fd, NVME_IOCTL_IO_CMD, &cmd);
	test_check(!ret && taken() == was + 1, "write: %d, %s", ret,
		   strerror(errno));
	if (!ns.ms) {
		own_check(33, 4, now);
		own_check(32, 1, old);
		own_check(37, 3, old);
	}
	cmd.opcode = PT_READ;
	memset(buf, 0, 4 * ns.block);
	answer(2, 1, 0, 1);
	was = taken();
	ret = ioctl(ns.fd, NVME_IOCTL_IO_CMD, &cmd);
	test_check(!ret && taken() == was + 1, "read: %d, %s", ret,
		   strerror(errno));
	test_check(pt_differs(&ns, buf, 33, 4, now) < 0, "read something else");
	/* beyond the end: the device's own status */
	cmd.cdw10 = ns.nr_blocks;
	cmd.cdw11 = ns.nr_blocks >> 32;
	ret = ioctl(ns.fd, NVME_IOCTL_IO_CMD, &cmd);
	test_check((ret & 0x7ff) == PT_SC_LBA_RANGE,
		   "read beyond the end: %#x", ret);
}

/* What must not happen; other tests have had their own of these. */
static uint64_t bad_events(int ctrl)
{
	return steer_event(ctrl, "bad_cid") + steer_event(ctrl, "bad_answer") +
	       steer_event(ctrl, "timeout");
}

static void namespace(unsigned int want, const char *what)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL,
			  [5] = NVME_STEER_POLL },
		.depth = { [2] = 128, [5] = 128 },
	};
	struct steer_queues qs;
	struct steer_queue sum;
	uint64_t bad[2];
	unsigned int i;

	if (!pt_try_open(&ns, want) || ns.block_fd < 0) {
		printf("# no namespace %s with a block device\n", what);
		return;
	}
	nr_ctrls = ns.ctrl2 < 0 ? 1 : 2;
	for (i = 0; i < nr_ctrls; i++) {
		steer_puppet_block(&policy[i], i ? ns.ctrl2 : ns.ctrl,
				   &config);
		bad[i] = bad_events(policy[i].ctrl);
	}
	prepare(gen++);
	sizes();
	vectors();
	batches();
	zeroes(BLKDISCARD, "discard", PT_DSM);
	zeroes(BLKZEROOUT, "Write Zeroes", PT_WRITE_ZEROES);
	flushes();
	ioctls();
	for (i = 0; i < nr_ctrls; i++) {
		steer_queues(policy[i].ctrl, &qs);
		steer_total(&qs, &sum);
		test_check(sum.submitted == sum.completed + sum.failed,
			   "%ju submitted, %ju completed, %ju failed",
			   sum.submitted, sum.completed, sum.failed);
		test_check(bad_events(policy[i].ctrl) == bad[i],
			   "a bad command id, answer or a timeout");
		steer_detach(&policy[i]);
	}
	pt_close(&ns);
}

int main(void)
{
	test_begin(280);
	buf = test_alloc(8 << 20);
	seen = test_alloc(8 << 20);
	namespace(PT_WANT_PLAIN, "of 512 B blocks");
	namespace(PT_WANT_4K, "of 4 KiB blocks");
	namespace(PT_WANT_SEPARATE, "with separate metadata");
	namespace(PT_WANT_HEAD, "with two paths");
	test_pass();
}
