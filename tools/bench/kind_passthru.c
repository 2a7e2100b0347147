// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring passthrough (/dev/ngXnY): on the driver's own path, or steered,
 * as the attached policy decides.
 */
#include <linux/nvme_ioctl.h>

#include "bench.h"
#include "nvm.h"
#include "ring.h"

static void fill(struct bench *b, unsigned int slot)
{
	struct io_uring_sqe *sqe = ring__sqe(b, 2 * sizeof(*sqe));
	uint64_t slba = b->offset[slot] / b->dev->block;
	struct nvme_uring_cmd *cmd;

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_URING_CMD_IO;
	sqe->user_data = ring__tag(slot, 0);
	if (b->row.fixed)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;

	cmd = (struct nvme_uring_cmd *)sqe->cmd;
	cmd->opcode = b->row.write ? NVM_WRITE : NVM_READ;
	cmd->nsid = b->dev->nsid;
	cmd->addr = (uintptr_t)b->data.buffer + (uint64_t)slot * b->row.bytes;
	cmd->data_len = b->row.bytes;
	cmd->cdw10 = slba;
	cmd->cdw11 = slba >> 32;
	cmd->cdw12 = b->row.bytes / b->dev->block - 1;
}

static void passthru_submit(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fill(b, b->next[i]);
	ring__submit(b, n);
}

static void passthru_open(struct bench *b)
{
	int ret = io_uring_register_files(&b->ring, &b->dev->ng_fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
}

const struct kind kind_passthru = {
	.name		= "passthru",
	.help		= "io_uring passthrough, on whatever path it takes",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.open		= passthru_open,
	.submit		= passthru_submit,
};
