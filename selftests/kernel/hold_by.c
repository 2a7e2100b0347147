// SPDX-License-Identifier: GPL-2.0
/*
 * A policy with hold_by: its answer for a command holds for those that are
 * equal to it in what hold_by names, and for no others; for passthrough on the
 * short way and on the long one, for the commands of a group, and for block
 * requests one by one and in batches. So does the driver's own path; but not
 * what is answered for one command only. When the time is over, and of another
 * policy, it is asked anew. All data is verified.
 *
 * vm: --cpus 2
 * timeout: 200
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/uio.h>

#include "group.h"
#include "kinds.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define HOLD_MS	kinds_hold_ms()
#define FIRST	4096	/* block */
#define BATCH	16
#define GEN	3

static struct pt_ns ns, second;
static struct steer_policy policy;
static struct pt_ring ring;
static uint8_t *buf;
static struct iovec vec;
static bool has_second, has_nowait;

/* One command by passthrough, on the long way if it is a vector's. */
static void pass(uint32_t by, bool other, bool vector)
{
	const struct pt_ns *n = other && by == NVME_STEER_BY_NSID ? &second :
								    &ns;
	uint32_t nlb = 1 + (other && by == NVME_STEER_BY_LEN);
	uint8_t op = other && by == NVME_STEER_BY_OPCODE ? PT_WRITE : PT_READ;
	unsigned int how = PT_FIXED;
	struct nvme_uring_cmd cmd;
	int ret;

	if (other && by == NVME_STEER_BY_FLAGS)
		how = 0;
	vec.iov_len = nlb * ns.block;
	if (op == PT_WRITE)
		pt_fill(n, buf, FIRST, nlb, GEN);
	else
		memset(buf, 0xa5, nlb * ns.block);
	if (vector)
		pt_rw(&cmd, n, op, FIRST, nlb, &vec, 1);
	else
		pt_rw(&cmd, n, op, FIRST, nlb, buf, nlb * ns.block);
	ret = pt_do(&ring, n->fd, &cmd, vector ? PT_VEC : how, NULL);
	test_check(!ret, "a command ended with %d", ret);
	test_check(pt_differs(n, buf, FIRST, nlb, GEN) < 0, "other data");
}

/* One block request. */
static void request(uint32_t by, bool other)
{
	const struct pt_ns *n = other && by == NVME_STEER_BY_NSID ? &second :
								    &ns;
	uint32_t nlb = 1 + (other && by == NVME_STEER_BY_LEN);
	struct iovec iov = { .iov_base = buf, .iov_len = nlb * ns.block };
	off_t at = (off_t)FIRST * ns.block;
	ssize_t ret;

	if (other && by == NVME_STEER_BY_OPCODE) {
		pt_fill(n, buf, FIRST, nlb, GEN);
		ret = pwritev2(n->block_fd, &iov, 1, at, 0);
	} else {
		memset(buf, 0xa5, nlb * ns.block);
		ret = preadv2(n->block_fd, &iov, 1, at,
			      other && by == NVME_STEER_BY_FLAGS ? RWF_NOWAIT :
								   0);
	}
	test_check(ret == (ssize_t)iov.iov_len, "I/O: %zd, %s", ret,
		   strerror(errno));
	test_check(pt_differs(n, buf, FIRST, nlb, GEN) < 0, "other data");
}

enum entry { SHORT, LONG, BLOCK, NR_ENTRIES };

static const char *const entry_name[NR_ENTRIES] = {
	"short way", "long way", "block request",
};

/* Calls of route() for one command. */
static uint64_t asked(unsigned int entry, uint32_t by, bool other)
{
	volatile struct puppet_state *s = policy.state;
	uint64_t was = s->calls + s->block_calls;

	if (entry == BLOCK)
		request(by, other);
	else
		pass(by, other, entry == LONG);
	return s->calls + s->block_calls - was;
}

static void attach(uint32_t by)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL },
		.hold_ms = HOLD_MS,
		.hold_by = by,
	};

	steer_puppet_block(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 3);
	steer_answer_block(&policy, 1, 1, 3, 1);
}

static bool can(unsigned int entry, uint32_t by)
{
	switch (by) {
	case NVME_STEER_BY_NSID:
		return has_second;
	case NVME_STEER_BY_FLAGS:
		/* a vector of ours is always the same */
		return entry == SHORT || (entry == BLOCK && has_nowait);
	}
	return true;
}

static const struct kinds kinds = { entry_name, NR_ENTRIES, asked, can };

/* Four commands: how often was it asked, and that they went to queue @n. */
static uint64_t asked_four(enum entry entry, unsigned int n)
{
	struct steer_queues before, after;
	uint64_t calls = 0, own, was;
	unsigned int i;

	was = steer_event(ns.ctrl, "default");
	steer_queues(ns.ctrl, &before);
	for (i = 0; i < 4; i++)
		calls += asked(entry, 0, false);
	steer_queues(ns.ctrl, &after);
	own = steer_event(ns.ctrl, "default") - was;
	test_check(n ? after.q[n].submitted - before.q[n].submitted == 4 :
		       own == 4, "%s: %ju on queue %u, %ju left to the driver",
		   entry_name[entry],
		   n ? after.q[n].submitted - before.q[n].submitted : 0, n, own);
	return calls;
}

/* The driver's own path holds; what is for one command only does not. */
static void own_and_once(void)
{
	unsigned int i, try, wanted, queue;
	uint64_t calls, start;
	enum entry entry;

	test_step("the driver's own path, and answers for one command only");
	for (i = 0; i < 4; i++) {
		int once = i & 1 ? NVME_STEER_ONCE : 0;

		attach(NVME_STEER_BY_OPCODE);
		queue = i & 2;
		wanted = once ? 4 : 1;
		steer_answer(&policy, once | queue / 2, once | (queue ? 3 : 0));
		steer_answer_block(&policy, once | queue / 2, 1,
				   once | (queue ? 3 : 0), 1);
		for (entry = 0; entry < NR_ENTRIES; entry++) {
			for (try = 0; try < 10; try++) {
				kinds_expire();
				start = test_now_ms();
				calls = asked_four(entry, !queue ? 0 :
						   entry == BLOCK ? 1 : 3);
				if (test_now_ms() - start < HOLD_MS / 2)
					break;
			}
			test_check(calls == wanted,
				   "%s, %s%s: asked %ju times about four",
				   entry_name[entry],
				   queue ? "a queue" : "the driver's",
				   once ? ", once" : "", calls);
		}
		steer_detach(&policy);
	}
}

/* The short way and the long one are told the same. */
static void both_ways(void)
{
	unsigned int i;
	uint64_t calls, start;

	test_step("what was asked on one way holds on the other");
	attach(NVME_STEER_BY_OPCODE | NVME_STEER_BY_LEN | NVME_STEER_BY_NSID);
	for (i = 0; i < 10; i++) {
		start = test_now_ms();
		calls = asked(SHORT, 0, false) + asked(LONG, 0, false);
		if (calls == 1 || test_now_ms() - start < HOLD_MS / 2)
			break;
		kinds_expire();
	}
	test_check(calls == 1, "asked %ju times", calls);
	steer_detach(&policy);
}

/* @total requests at once, every @nth a write; how often was it asked? */
static uint64_t batch(unsigned int total, unsigned int nth, bool polled)
{
	volatile struct puppet_state *s = policy.state;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring uring;
	unsigned int i;
	uint64_t was;
	int ret;

	ret = io_uring_queue_init(total, &uring,
				  polled ? IORING_SETUP_IOPOLL : 0);
	test_check(!ret, "io_uring_queue_init: %s", strerror(-ret));
	for (i = 0; i < total; i++) {
		uint8_t *at = buf + i * ns.block;
		/* none touches another, and so none are merged */
		uint64_t lba = FIRST + 2 * i;

		sqe = io_uring_get_sqe(&uring);
		if (nth && !(i % nth)) {
			pt_fill(&ns, at, lba, 1, GEN + 1);
			io_uring_prep_write(sqe, ns.block_fd, at, ns.block,
					    lba * ns.block);
		} else {
			memset(at, 0xa5, ns.block);
			io_uring_prep_read(sqe, ns.block_fd, at, ns.block,
					   lba * ns.block);
		}
		io_uring_sqe_set_data64(sqe, i);
	}
	was = s->block_calls;
	ret = io_uring_submit(&uring);
	test_check(ret == (int)total, "submitted %d", ret);
	for (i = 0; i < total; i++) {
		ret = io_uring_wait_cqe(&uring, &cqe);
		test_check(!ret && cqe->res == (int)ns.block, "request: %d",
			   ret ?: cqe->res);
		io_uring_cqe_seen(&uring, cqe);
	}
	io_uring_queue_exit(&uring);
	for (i = 0; i < total; i++)
		test_check(pt_block_is(&ns, buf + i * ns.block, FIRST + 2 * i,
				       nth && !(i % nth) ? GEN + 1 : GEN),
			   "request %u: other data", i);
	return s->block_calls - was;
}

/* Reads and writes go to queues of their own, however they are mixed. */
static void batches(void)
{
	struct steer_queues before, after;
	unsigned int i, nth, writes, q;
	uint64_t calls, start;

	test_step("batches of block requests");
	attach(NVME_STEER_BY_OPCODE);
	policy.state->block_write = 2;
	for (nth = 0; nth < 4; nth++) {
		writes = nth ? (BATCH + nth - 1) / nth : 0;
		pt_block_write(&ns, FIRST, 2 * BATCH, GEN);
		steer_queues(ns.ctrl, &before);
		start = test_now_ms();
		for (i = calls = 0; i < 8; i++) {
			calls += batch(BATCH, nth, false);
			if (nth)
				pt_block_write(&ns, FIRST, 2 * BATCH, GEN);
		}
		steer_queues(ns.ctrl, &after);
		for (q = 1; q <= 2; q++) {
			uint64_t wanted = 8 * (q == 2 ? writes : BATCH - writes);
			uint64_t got = after.q[q].submitted -
				       before.q[q].submitted;

			/* queue 2 has what the test wrote itself as well */
			test_check(q == 2 && nth ? got >= wanted :
						   got == wanted,
				   "every %u a write: %ju on queue %u, not %ju",
				   nth, got, q, wanted);
		}
		if (!nth)
			test_check(after.q[1].sq_doorbells -
				   before.q[1].sq_doorbells <= 8,
				   "%ju doorbells for 8 batches",
				   after.q[1].sq_doorbells -
				   before.q[1].sq_doorbells);
		/* two kinds, on two CPUs */
		test_check(calls <= 4 + 4 * (test_now_ms() - start) /
			   (HOLD_MS / 2),
			   "every %u a write: asked %ju times", nth, calls);
	}

	test_step("polled for, and not");
	pt_block_write(&ns, FIRST, 2 * BATCH, GEN);
	policy.state->block_write = 0;
	steer_queues(ns.ctrl, &before);
	for (i = 0; i < 8; i++) {
		batch(BATCH, 0, false);
		batch(BATCH, 0, true);
	}
	steer_queues(ns.ctrl, &after);
	for (q = 1; q <= 3; q += 2)
		test_check(after.q[q].submitted - before.q[q].submitted ==
			   8 * BATCH, "%ju on queue %u",
			   after.q[q].submitted - before.q[q].submitted, q);
	steer_detach(&policy);
}

/* Of a group one command of each kind is asked about. */
static void group(void)
{
	struct nvme_steer_group g;
	struct pt_ring polled;
	uint64_t calls, start;
	struct arena a;
	unsigned int i, try;

	test_step("a group of two kinds");
	attach(NVME_STEER_BY_LEN);
	arena_init(&a, BATCH, 2 * BATCH * ns.block);
	group_ring_init(&polled, PT_IOPOLL, &a);
	steer_answer(&policy, 1, 3);
	pt_block_write(&ns, FIRST, 2 * BATCH, GEN);
	for (try = 0; try < 10; try++) {
		start = test_now_ms();
		calls = policy.state->calls;
		g = group_whole(&a, BATCH);
		for (i = 0; i < BATCH; i++)
			group_set(&ns, &a.cmds[i], PT_READ, FIRST + 2 * i,
				  1 + i % 2, a.data + 2 * i * ns.block);
		group_good(&polled, &ns, &g, PT_FIXED, "of two kinds");
		calls = policy.state->calls - calls;
		for (i = 0; i < BATCH; i++)
			test_check(pt_differs(&ns, a.data + 2 * i * ns.block,
					      FIRST + 2 * i, 1 + i % 2, GEN) < 0,
				   "a group brought other data");
		if (test_now_ms() - start < HOLD_MS / 2)
			break;
		kinds_expire();
	}
	/* of two kinds with one hash the other one is forgotten */
	test_check(calls == 2 || calls == BATCH, "asked %ju times", calls);
	pt_ring_exit(&polled);
	arena_free(&a);
	steer_detach(&policy);
}

static void other_policy(void)
{
	enum entry entry;

	test_step("another policy");
	for (entry = 0; entry < NR_ENTRIES; entry++) {
		attach(NVME_STEER_BY_LEN);
		asked(entry, 0, false);
		steer_detach(&policy);
		attach(NVME_STEER_BY_LEN);
		test_check(asked(entry, 0, false) == 1, "%s: not asked",
			   entry_name[entry]);
		steer_detach(&policy);
	}
}

/* What takes part in each of it, or a word about it. */
static void look(void)
{
	struct iovec iov = { .iov_base = buf, .iov_len = ns.block };

	has_second = pt_try_open(&second, PT_WANT_SECOND);
	if (has_second)
		pt_block_write(&second, FIRST, 2, GEN);
	else
		printf("# no second namespace here\n");
	kinds_begin();
	has_nowait = preadv2(ns.block_fd, &iov, 1, 0, RWF_NOWAIT) ==
		     (ssize_t)ns.block;
	if (!has_nowait)
		printf("# no RWF_NOWAIT here\n");
}

int main(void)
{
	struct iovec iov = { .iov_len = 2 * BATCH * 512 };
	const uint32_t *by;
	unsigned int nr;
	cpu_set_t set;
	int ret;

	test_begin(180);
	/* answers are a CPU's */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	test_check(!sched_setaffinity(0, sizeof(set), &set), "affinity");
	pt_open(&ns, PT_WANT_PLAIN);
	buf = test_alloc(iov.iov_len);
	vec.iov_base = iov.iov_base = buf;
	pt_block_write(&ns, FIRST, 2 * BATCH, GEN);
	pt_ring_init(&ring, 8, PT_IOPOLL);
	ret = io_uring_register_buffers(&ring.uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));
	look();

	test_step("each that is named, and nothing else");
	for (nr = kinds_policies(&by); nr--; by++) {
		/* nothing is another thing: it holds by the ring alone */
		if (!*by)
			continue;
		attach(*by);
		kinds_check(&kinds, *by);
		steer_detach(&policy);
	}
	own_and_once();
	both_ways();
	batches();
	group();
	other_policy();
	pt_ring_exit(&ring);
	test_pass();
}
