// SPDX-License-Identifier: GPL-2.0
/*
 * Two commands submitted at once on a ring that polls: the first leaves the
 * submission doorbell to the second, and is not lost when the second comes to
 * nothing. So of a queue of a share. All data is verified.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"

#define PAIRS	100
#define FIRST	4096	/* block */

static struct pt_ns ns;
static struct steer_policy policy;
static uint8_t *buf;
static uint64_t gen;

static void put(struct pt_ring *r, unsigned int slot, unsigned int block,
		uint8_t opcode)
{
	uint8_t *at = buf + slot * ns.block;
	struct nvme_uring_cmd cmd;

	memset(at, 0xa5, ns.block);
	pt_rw(&cmd, &ns, opcode, FIRST + block, 1, at, ns.block);
	pt_queue(r, ns.fd, &cmd, PT_FIXED, slot);
}

static void right(unsigned int slot, unsigned int block)
{
	test_check(pt_block_is(&ns, buf + slot * ns.block, FIRST + block, gen),
		   "block %u was read wrong", FIRST + block);
}

/* Both complete; @second is what the second ends with. */
static void reap_two(struct pt_ring *r, int second)
{
	unsigned int seen = 0, i;
	uint64_t tag;
	int ret;

	for (i = 0; i < 2; i++) {
		ret = pt_reap(r, &tag, NULL);
		test_check(tag < 2 && !(seen & 1U << tag), "completion of %ju",
			   tag);
		test_check(ret == (tag ? second : 0), "command %ju ended with %d",
			   tag, ret);
		seen |= 1U << tag;
	}
}

static uint64_t doorbells(void)
{
	struct steer_queues now;

	steer_queues(ns.ctrl, &now);
	return now.q[1].sq_doorbells;
}

static void pairs(struct pt_ring *r)
{
	uint64_t before = doorbells(), rung;
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		put(r, 0, i % 61, PT_READ);
		put(r, 1, (i + 7) % 61, PT_READ);
		test_check(pt_submit_only(r) == 2, "submit");
		reap_two(r, 0);
		right(0, i % 61);
		right(1, (i + 7) % 61);
	}
	rung = doorbells() - before;
	printf("# %ju doorbells for %u pairs\n", rung, PAIRS);
	/* a controller with shadow doorbells may need none */
	test_check(rung <= PAIRS, "%ju doorbells for %u pairs", rung, PAIRS);
}

/* Two are in the ring, one is submitted: it does not wait for the other. */
static void one_of_two(struct pt_ring *r)
{
	struct io_uring_sq *sq = &r->uring.sq;
	struct steer_queues now;
	uint64_t before;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		steer_queues(ns.ctrl, &now);
		before = now.q[1].sq_doorbells;
		put(r, 0, i, PT_READ);
		put(r, 1, i + 1, PT_READ);
		__atomic_store_n(sq->ktail, sq->sqe_tail, __ATOMIC_RELEASE);
		sq->sqe_head = sq->sqe_tail;
		test_check(io_uring_enter(r->uring.ring_fd, 1, 0, 0, NULL) == 1,
			   "submit");
		test_check(doorbells() > before, "one command was left waiting");
		test_check(io_uring_enter(r->uring.ring_fd, 1, 0, 0, NULL) == 1,
			   "submit");
		reap_two(r, 0);
		right(0, i);
		right(1, i + 1);
	}
}

/* The second is refused by io_uring, by the driver, or by the controller. */
static void second_fails(struct pt_ring *r)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		put(r, 0, i, PT_READ);
		put(r, 1, 0, PT_READ);
		sqe = &r->uring.sq.sqes[2 * ((r->uring.sq.sqe_tail - 1) &
					     r->uring.sq.ring_mask)];
		sqe->personality = 999;
		test_check(pt_submit_only(r) == 2, "submit");
		reap_two(r, -EINVAL);
		right(0, i);

		put(r, 0, i, PT_READ);
		put(r, 1, 0, PT_READ);
		sqe = &r->uring.sq.sqes[2 * ((r->uring.sq.sqe_tail - 1) &
					     r->uring.sq.ring_mask)];
		((struct nvme_uring_cmd *)sqe->cmd)->flags = 1;
		test_check(pt_submit_only(r) == 2, "submit");
		reap_two(r, -EINVAL);
		right(0, i);

		put(r, 0, i, PT_READ);
		put(r, 1, ns.nr_blocks - FIRST, PT_READ);
		test_check(pt_submit_only(r) == 2, "submit");
		/* which is not to be tried again */
		reap_two(r, 0x4000 | PT_SC_LBA_RANGE);
		right(0, i);
	}
}

/* A ring that ends, and a process that does, with both under way. */
static void gone(void)
{
	struct iovec iov = { .iov_base = buf, .iov_len = 2 * ns.block };
	struct pt_ring r;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		pt_ring_init(&r, 8, PT_IOPOLL);
		test_check(!io_uring_register_buffers(&r.uring, &iov, 1),
			   "cannot register a buffer");
		put(&r, 0, i, PT_READ);
		put(&r, 1, i, PT_READ);
		test_check(pt_submit_only(&r) == 2, "submit");
		pt_ring_exit(&r);
	}
}

/* @shared: the queue belongs to a share, which has no limits. */
static void run(bool shared)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_POLL }, .share = { [1] = shared },
	};
	struct steer_queues before, after;
	struct iovec iov;
	struct pt_ring r;
	unsigned int i;

	(shared ? steer_puppet_share_once : steer_puppet_once)(&policy, ns.ctrl,
							       &config);
	steer_answer(&policy, 1, 1);

	pt_ring_init(&r, 8, PT_IOPOLL);
	iov = (struct iovec){ .iov_base = buf, .iov_len = 2 * ns.block };
	test_check(!io_uring_register_buffers(&r.uring, &iov, 1),
		   "cannot register a buffer");
	/* the buffer is kept from now on */
	for (i = 0; i < 5; i++) {
		put(&r, 0, i, PT_READ);
		test_check(pt_submit_only(&r) == 1, "submit");
		test_check(!pt_reap(&r, NULL, NULL), "read");
		right(0, i);
	}

	steer_queues(ns.ctrl, &before);
	test_step("pairs%s", shared ? ", of a share" : "");
	pairs(&r);
	test_step("one of two");
	one_of_two(&r);
	test_step("the second fails");
	second_fails(&r);
	test_step("the ring goes");
	gone();
	pt_ring_exit(&r);

	test_check(steer_wait_idle(ns.ctrl, 5000),
		   "commands are left in flight");
	steer_queues(ns.ctrl, &after);
	test_check(after.q[1].completed > before.q[1].completed + 2 * PAIRS,
		   "the queue was not used");
	steer_detach(&policy);
}

int main(void)
{
	test_begin(90);
	pt_open(&ns, PT_WANT_PLAIN);
	buf = aligned_alloc(4096, 4096);
	test_check(buf, "no memory");
	pt_block_write(&ns, FIRST, 64, ++gen);
	run(false);
	run(true);
	test_pass();
}
