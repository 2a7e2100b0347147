// SPDX-License-Identifier: GPL-2.0
/*
 * Copies as programs make them without help: all ranges are read with one
 * system call, and once all are there, written with another. By io_uring
 * passthrough, and on the block device with O_DIRECT.
 */
#include <linux/nvme_ioctl.h>

#include "bench.h"
#include "nvm.h"
#include "ring.h"

/* The most that the driver takes in a command, of pages that lie apart. */
#define MOST	(512U << 10)

static void passthru(struct bench *b, bool write, uint64_t at, size_t in,
		     unsigned int bytes)
{
	struct io_uring_sqe *sqe = ring__sqe(b, 2 * sizeof(*sqe));
	unsigned int block = b->dev->block;
	struct nvme_uring_cmd *cmd;

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_URING_CMD_IO;
	sqe->user_data = ring__tag(0, 0);
	if (b->row.fixed)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;

	cmd = (struct nvme_uring_cmd *)sqe->cmd;
	cmd->opcode = write ? NVM_WRITE : NVM_READ;
	cmd->nsid = b->dev->nsid;
	cmd->addr = (uintptr_t)b->data.buffer + in;
	cmd->data_len = bytes;
	cmd->cdw10 = at / block;
	cmd->cdw11 = at / block >> 32;
	cmd->cdw12 = bytes / block - 1;
}

static void block(struct bench *b, bool write, uint64_t at, size_t in,
		  unsigned int bytes)
{
	struct io_uring_sqe *sqe = ring__sqe(b, sizeof(*sqe));

	if (b->row.fixed)
		sqe->opcode = write ? IORING_OP_WRITE_FIXED :
				      IORING_OP_READ_FIXED;
	else
		sqe->opcode = write ? IORING_OP_WRITE : IORING_OP_READ;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->addr = (uintptr_t)b->data.buffer + in;
	sqe->len = bytes;
	sqe->off = at;
	sqe->user_data = ring__tag(0, bytes);
}

typedef void fill_t(struct bench *b, bool write, uint64_t at, size_t in,
		    unsigned int bytes);

/* @bytes that lie together on the device, in as few commands as can be. */
static inline unsigned int together(struct bench *b, fill_t *fill, bool write,
				    uint64_t at, size_t in, size_t bytes)
{
	unsigned int n = 0, step;

	for (; bytes; bytes -= step, at += step, in += step, n++) {
		step = bytes < MOST ? bytes : MOST;
		fill(b, write, at, in, step);
	}
	return n;
}

static inline void part(struct bench *b, fill_t *fill, unsigned int copies)
{
	unsigned int i, n = 0, bytes = b->row.bytes;

	if (copies != 1)
		usage_error("a loop makes one copy at a time");

	if (!b->part) {
		for (i = 0; i < b->row.ranges; i++)
			n += together(b, fill, false, copies__from(b, 0, i),
				      (size_t)i * bytes, bytes);
	} else if (b->row.merge) {
		n = together(b, fill, true, copies__to(b, 0), 0,
			     b->copies.total);
	} else {
		for (i = 0; i < b->row.ranges; i++)
			n += together(b, fill, true,
				      copies__to(b, 0) + (size_t)i * bytes,
				      (size_t)i * bytes, bytes);
	}
	if (b->row.wait)
		b->min_complete = n;
	ring__submit(b, n);
	b->left = n;
	b->commands += n;
}

static void loop_submit(struct bench *b, unsigned int n)
{
	part(b, passthru, n);
}

static void blockloop_submit(struct bench *b, unsigned int n)
{
	part(b, block, n);
}

static void open_on(struct bench *b, const int *fd)
{
	int ret = io_uring_register_files(&b->ring, fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
	if (b->row.ranges * ((b->row.bytes + MOST - 1) / MOST) > MAX_BATCH)
		usage_error("a loop reads at most %u times 512k", MAX_BATCH);
}

static void loop_open(struct bench *b)
{
	open_on(b, &b->dev->ng_fd);
}

static void blockloop_open(struct bench *b)
{
	open_on(b, &b->dev->block_fd);
}

const struct kind kind_loop = {
	.name		= "loop",
	.help		= "copies by reading and writing, io_uring passthrough",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.no_clock	= true,
	.copies		= true,
	.buffered	= true,
	.parts		= 2,
	.open		= loop_open,
	.submit		= loop_submit,
};

const struct kind kind_blockloop = {
	.name		= "blockloop",
	.help		= "likewise, io_uring on the block device, O_DIRECT",
	.no_clock	= true,
	.copies		= true,
	.buffered	= true,
	.parts		= 2,
	.open		= blockloop_open,
	.submit		= blockloop_submit,
};
