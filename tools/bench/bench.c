// SPDX-License-Identifier: GPL-2.0
/*
 * A row's ring: made for the row, with the buffers registered if it asks for
 * that, and closed after it; and what is said when one of its commands failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "ring.h"

static void open_ring(struct bench *b)
{
	unsigned int flags = IORING_SETUP_SINGLE_ISSUER |
			     IORING_SETUP_DEFER_TASKRUN |
			     b->row.kind->ring_flags;
	int ret;

	if (b->row.poll)
		flags |= IORING_SETUP_IOPOLL;
	ret = io_uring_queue_init(MAX_BATCH, &b->ring, flags);
	if (ret)
		die("io_uring_queue_init", -ret);
	b->has_ring = true;
}

static void register_buffer(struct bench *b)
{
	struct iovec iov = {
		.iov_base = b->data.buffer,
		.iov_len = row__room(&b->row),
	};
	int ret = io_uring_register_buffers(&b->ring, &iov, 1);

	if (ret)
		die("io_uring_register_buffers", -ret);
}

void bench__open(struct bench *b, struct device *dev, const struct row *row)
{
	bench__open_at(b, dev, row, 0);
}

void bench__open_at(struct bench *b, struct device *dev,
		    const struct row *row, uint64_t base)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->dev = dev;
	b->row = *row;
	b->base = base;
	b->min_complete = row->wait ? row->batch : 0;
	b->nr_slots = row->depth;
	for (i = 0; i < b->nr_slots; i++) {
		b->next[i] = i;
		b->offset[i] = base + (uint64_t)i * row->bytes;
	}
	data__open(b);
	if (!row->kind->no_ring) {
		open_ring(b);
		if (row->fixed && !row->kind->no_data)
			register_buffer(b);
	}
	if (row->kind->open)
		row->kind->open(b);
}

void bench__close(struct bench *b)
{
	if (b->has_ring) {
		/* or the device is in use until a worker has done it */
		io_uring_unregister_files(&b->ring);
		io_uring_queue_exit(&b->ring);
	}
	data__close(b);
}

void ring__failed(struct bench *b)
{
	struct io_uring_cqe *cqe;
	unsigned int head;

	io_uring_for_each_cqe(&b->ring, head, cqe) {
		if (cqe->res == (int32_t)cqe->user_data)
			continue;
		if (cqe->res < 0)
			die(b->row.text, -cqe->res);
		fprintf(stderr,
			"nvmesteer-bench: %s: a command ended with 0x%x, not 0x%x\n",
			b->row.text, cqe->res, (int32_t)cqe->user_data);
		exit(1);
	}
	abort();
}
