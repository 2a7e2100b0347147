// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring reads and writes of the block device with O_DIRECT: the path that
 * passthrough competes with.
 */
#include "bench.h"
#include "ring.h"

static void fill(struct bench *b, unsigned int slot)
{
	struct io_uring_sqe *sqe = ring__sqe(b, sizeof(*sqe));

	if (b->row.fixed)
		sqe->opcode = b->row.write ? IORING_OP_WRITE_FIXED :
					     IORING_OP_READ_FIXED;
	else
		sqe->opcode = b->row.write ? IORING_OP_WRITE : IORING_OP_READ;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->addr = (uintptr_t)b->data.buffer + (uint64_t)slot * b->row.bytes;
	sqe->len = b->row.bytes;
	sqe->off = b->offset[slot];
	sqe->user_data = ring__tag(slot, b->row.bytes);
}

static void block_submit(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fill(b, b->next[i]);
	ring__submit(b, n);
}

static void block_open(struct bench *b)
{
	int ret = io_uring_register_files(&b->ring, &b->dev->block_fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
}

const struct kind kind_block = {
	.name	= "block",
	.help	= "io_uring on the block device, O_DIRECT",
	.open	= block_open,
	.submit	= block_submit,
};
