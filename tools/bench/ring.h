/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of a ring's use that is measured, inline so that it costs every
 * kind the same: taking an SQE, and the raw system call. liburing only sets
 * rings up; its io_uring_submit() would poll on a ring that polls.
 */
#ifndef RING_H
#define RING_H

#include <errno.h>
#include <string.h>

#include "bench.h"

static inline struct io_uring_sqe *ring__sqe(struct bench *b, size_t size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

	if (!sqe)
		die("io_uring_get_sqe", EBUSY);
	memset(sqe, 0, size);
	return sqe;
}

/* What comes back: the slot, and the result that means success. */
static inline uint64_t ring__tag(unsigned int slot, unsigned int result)
{
	return (uint64_t)slot << 32 | result;
}

/* bench.c: say what is wrong with a completion that is there, and exit. */
void ring__failed(struct bench *b) __attribute__((noreturn));

static inline void ring__submit(struct bench *b, unsigned int n)
{
	int ret;

	b->ring.sq.sqe_head = b->ring.sq.sqe_tail;
	io_uring_smp_store_release(b->ring.sq.ktail, b->ring.sq.sqe_tail);
	ret = io_uring_enter(b->ring.ring_fd, n, b->min_complete,
			     b->min_complete ? IORING_ENTER_GETEVENTS : 0,
			     NULL);
	b->calls++;
	if (ret != (int)n)
		die("io_uring_enter (submit)", ret < 0 ? -ret : EIO);
}

/* Take @n completions, or with @wait unset as many of them as there are. */
static inline unsigned int ring__reap(struct bench *b, unsigned int n,
				      bool wait)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	bool bad = false;
	int ret;

	if (io_uring_cq_ready(&b->ring) < n) {
		ret = io_uring_enter(b->ring.ring_fd, 0, wait ? n : 0,
				     IORING_ENTER_GETEVENTS, NULL);
		b->calls++;
		if (ret < 0)
			die("io_uring_enter (reap)", -ret);
	}
	io_uring_for_each_cqe(&b->ring, head, cqe) {
		if (seen == n)
			break;
		if (cqe->res != (int32_t)cqe->user_data)
			bad = true;
		seen++;
	}
	if (bad)
		ring__failed(b);
	io_uring_cq_advance(&b->ring, seen);
	return seen;
}

/* The completion that was taken @n before the next one. */
static inline const struct io_uring_cqe *ring__taken(const struct bench *b,
						     unsigned int n)
{
	const struct io_uring_cq *cq = &b->ring.cq;

	return &cq->cqes[((*cq->khead - n) & cq->ring_mask) <<
			 !!(b->ring.flags & IORING_SETUP_CQE32)];
}

#endif /* RING_H */
