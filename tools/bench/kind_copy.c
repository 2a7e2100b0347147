// SPDX-License-Identifier: GPL-2.0
/*
 * Copies by nvmesteer: one SQE for all ranges, on whatever path the policy
 * decides, or the row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/types.h>
#include <nvmesteer/abi.h>
#include <nvmesteer/copy.h>

#include "bench.h"
#include "ring.h"

static struct nvme_steer_copy_range *array(const struct bench *b,
					   unsigned int slot)
{
	return (struct nvme_steer_copy_range *)(b->data.buffer +
		slot * b->row.kind->extra);
}

static void fill(struct bench *b, unsigned int slot)
{
	struct io_uring_sqe *sqe = ring__sqe(b, 2 * sizeof(*sqe));
	struct nvme_steer_copy_range *range = array(b, slot);
	struct nvme_steer_copy_cmd *cmd;
	unsigned int i, n = b->row.ranges;

	for (i = 0; i < n; i++) {
		range[i].fd = -1;
		range[i].offset = copies__from(b, slot, i);
		range[i].len = b->row.bytes;
	}
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
	sqe->user_data = ring__tag(slot, 0);

	cmd = (struct nvme_steer_copy_cmd *)sqe->cmd;
	cmd->ranges = (uintptr_t)range;
	cmd->nr = n;
	if (b->row.how == NVME_STEER_COPY_OFFLOAD)
		cmd->flags = NVME_STEER_COPY_F_OFFLOAD;
	else if (b->row.how == NVME_STEER_COPY_EMULATE)
		cmd->flags = NVME_STEER_COPY_F_EMULATE;
	cmd->dst = copies__to(b, slot);
	cmd->dst_fd = -1;
}

static void copy_submit(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fill(b, b->next[i]);
	ring__submit(b, n);
}

static void copy_took(struct bench *b, const struct io_uring_cqe *cqe)
{
	unsigned int i, slot = cqe->user_data >> 32, path;
	const struct nvme_steer_copy_range *range = array(b, slot);

	path = NVME_STEER_COPIED_PATH(cqe->big_cqe[0]);
	if (!path || path >= MAX_PATHS)
		die("the path of a copy", EPROTO);
	if (NVME_STEER_COPIED_BYTES(cqe->big_cqe[0]) != b->copies.total)
		die("what a copy copied", EPROTO);
	for (i = 0; i < b->row.ranges; i++)
		if (range[i].status || range[i].done != b->row.bytes)
			die("a range of a copy", EPROTO);
	b->path[slot] = path;
	b->paths[path]++;
}

static void copy_open(struct bench *b)
{
	int ret = io_uring_register_files(&b->ring, &b->dev->ng_fd, 1);

	if (ret)
		die("io_uring_register_files", -ret);
	if (b->row.how && b->row.how != NVME_STEER_COPY_OFFLOAD &&
	    b->row.how != NVME_STEER_COPY_EMULATE)
		usage_error("how is offload or emulate");
}

const struct kind kind_copy = {
	.name		= "copy",
	.help		= "copies by nvmesteer; steered only",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.copies		= true,
	.extra		= MAX_RANGES * sizeof(struct nvme_steer_copy_range),
	.open		= copy_open,
	.submit		= copy_submit,
	.took		= copy_took,
};
