// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups: one SQE submits the whole batch, one CQE ends it. The array
 * is behind the data, in the same registered buffer.
 */
#include <sys/ioctl.h>

#include <linux/types.h>
#include <nvmesteer/group.h>

#include "bench.h"
#include "nvm.h"
#include "ring.h"

static struct nvme_steer_group_cmd *array(struct bench *b)
{
	return (struct nvme_steer_group_cmd *)(b->data.buffer + b->data.room);
}

static void fill(struct bench *b, struct nvme_steer_group_cmd *cmds,
		 unsigned int n)
{
	uint32_t bytes = b->row.bytes, nsid = b->dev->nsid;
	unsigned int i, shift = __builtin_ctz(b->dev->block);
	uint8_t opcode = b->row.write ? NVM_WRITE : NVM_READ;
	uintptr_t buffer = (uintptr_t)b->data.buffer;

	for (i = 0; i < n; i++) {
		unsigned int slot = b->next[i];
		uint64_t slba = b->offset[slot] >> shift;
		struct nvme_steer_group_cmd *c = &cmds[i];

		/* all but what the kernel writes */
		c->opcode = opcode;
		c->flags = 0;
		c->rsvd = 0;
		c->nsid = nsid;
		c->cdw2 = 0;
		c->cdw3 = 0;
		c->addr = buffer + (uint64_t)slot * bytes;
		c->data_len = bytes;
		c->cdw10 = slba;
		c->cdw11 = slba >> 32;
		c->cdw12 = (bytes >> shift) - 1;
		c->cdw13 = 0;
		c->cdw14 = 0;
		c->cdw15 = 0;
	}
}

static void group_submit(struct bench *b, unsigned int n)
{
	struct io_uring_sqe *sqe = ring__sqe(b, 2 * sizeof(*sqe));
	struct nvme_steer_group_cmd *cmds = array(b);
	struct nvme_steer_group *group;

	fill(b, cmds, n);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_STEER_URING_CMD_GROUP;
	sqe->user_data = ring__tag(b->next[0], 0);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;

	group = (struct nvme_steer_group *)sqe->cmd;
	group->cmds = (uintptr_t)cmds;
	group->nr = n;
	group->base = (uintptr_t)b->data.buffer;
	group->len = b->data.room + b->row.kind->extra;
	ring__submit(b, 1);
}

static void group_open(struct bench *b)
{
	int ret = io_uring_register_files(&b->ring, &b->dev->ng_fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
}

const struct kind kind_group = {
	.name		= "group",
	.help		= "command groups: one SQE and one CQE a batch; steered only",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.one_completion	= true,
	.no_clock	= true,
	.extra		= MAX_BATCH * sizeof(struct nvme_steer_group_cmd),
	.open		= group_open,
	.submit		= group_submit,
};
