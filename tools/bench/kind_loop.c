// SPDX-License-Identifier: GPL-2.0
/*
 * Copies as programs make them without help: all ranges are read with one
 * system call, and once all are there, written with another. If that takes more
 * than MAX_BATCH commands, window by window, each through the same buffer. By
 * io_uring passthrough, and on the block device with O_DIRECT.
 */
#include <linux/nvme_ioctl.h>
#include <sys/param.h>

#include "bench.h"
#include "nvm.h"
#include "ring.h"

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
		step = bytes < LOOP_BYTES ? bytes : LOOP_BYTES;
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
		for (i = 0; i < b->window.ranges; i++)
			n += together(b, fill, false, b->base + b->window.from[i],
				      (size_t)i * bytes, bytes);
	} else if (b->row.merge) {
		n = together(b, fill, true, b->base + b->window.to, 0,
			     b->window.total);
	} else {
		for (i = 0; i < b->window.ranges; i++)
			n += together(b, fill, true,
				      b->base + b->window.to + (size_t)i * bytes,
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

/* What begins at range @first of the copy. */
static void open_window(struct bench *b, unsigned int first)
{
	unsigned int most = MAX_BATCH / howmany(b->row.bytes, LOOP_BYTES);
	struct window *w = &b->window;

	w->ranges = MIN(b->row.ranges - first, most);
	w->total = (size_t)w->ranges * b->row.bytes;
	w->from = b->copies.from + first;
	w->to = b->copies.to + (uint64_t)first * b->row.bytes;
	b->part = 0;
}

static bool loop_next(struct bench *b)
{
	unsigned int done = b->window.from - b->copies.from + b->window.ranges;

	if (!b->part++)
		return true;
	open_window(b, done % b->row.ranges);
	return done < b->row.ranges;
}

static void open_on(struct bench *b, const int *fd)
{
	int ret = io_uring_register_files(&b->ring, fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
	open_window(b, 0);
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
	.open		= loop_open,
	.submit		= loop_submit,
	.next		= loop_next,
};

const struct kind kind_blockloop = {
	.name		= "blockloop",
	.help		= "likewise, io_uring on the block device, O_DIRECT",
	.no_clock	= true,
	.copies		= true,
	.buffered	= true,
	.open		= blockloop_open,
	.submit		= blockloop_submit,
	.next		= loop_next,
};
