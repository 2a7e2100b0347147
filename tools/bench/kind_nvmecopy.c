// SPDX-License-Identifier: GPL-2.0
/*
 * One NVMe Copy command by io_uring passthrough, for all ranges: within the
 * controller's limits only.
 */
#include <linux/nvme_ioctl.h>

#include "bench.h"
#include "nvm.h"
#include "ring.h"

static void fill(struct bench *b, unsigned int slot)
{
	struct io_uring_sqe *sqe = ring__sqe(b, 2 * sizeof(*sqe));
	struct nvm_copy_range *range = (struct nvm_copy_range *)
		(b->data.buffer + slot * b->row.kind->extra);
	unsigned int i, n = b->row.ranges, block = b->dev->block;
	uint64_t to = copies__to(b, slot) / block;
	struct nvme_uring_cmd *cmd;

	for (i = 0; i < n; i++) {
		range[i] = (struct nvm_copy_range){
			.slba = copies__from(b, slot, i) / block,
			.nlb = b->row.bytes / block - 1,
		};
	}
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_URING_CMD_IO;
	sqe->user_data = ring__tag(slot, 0);
	if (b->row.fixed)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;

	cmd = (struct nvme_uring_cmd *)sqe->cmd;
	cmd->opcode = NVM_COPY;
	cmd->nsid = b->dev->nsid;
	cmd->addr = (uintptr_t)range;
	cmd->data_len = n * sizeof(*range);
	cmd->cdw10 = to;
	cmd->cdw11 = to >> 32;
	cmd->cdw12 = n - 1;
	b->commands++;
}

static void nvmecopy_submit(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fill(b, b->next[i]);
	ring__submit(b, n);
}

static void nvmecopy_open(struct bench *b)
{
	int ret = io_uring_register_files(&b->ring, &b->dev->ng_fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
}

const struct kind kind_nvmecopy = {
	.name		= "nvmecopy",
	.help		= "NVMe Copy commands by io_uring passthrough",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.copies		= true,
	.extra		= MAX_RANGES * sizeof(struct nvm_copy_range),
	.open		= nvmecopy_open,
	.submit		= nvmecopy_submit,
};
