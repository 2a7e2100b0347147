// SPDX-License-Identifier: GPL-2.0
/*
 * The synchronous passthrough ioctl: one system call a command, which sleeps
 * until the command is done.
 */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "nvm.h"

static void one(struct bench *b, unsigned int slot)
{
	uint64_t slba = b->offset[slot] / b->dev->block;
	struct nvme_passthru_cmd64 cmd = {
		.opcode = b->row.write ? NVM_WRITE : NVM_READ,
		.nsid = b->dev->nsid,
		.addr = (uintptr_t)b->data.buffer +
			(uint64_t)slot * b->row.bytes,
		.data_len = b->row.bytes,
		.cdw10 = slba,
		.cdw11 = slba >> 32,
		.cdw12 = b->row.bytes / b->dev->block - 1,
	};
	int ret = ioctl(b->dev->ng_fd, NVME_IOCTL_IO64_CMD, &cmd);

	b->calls++;
	if (ret)
		die("NVME_IOCTL_IO64_CMD", ret < 0 ? errno : EIO);
}

static void ioctl_submit(struct bench *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		one(b, b->next[i]);
}

const struct kind kind_ioctl = {
	.name		= "ioctl",
	.help		= "NVME_IOCTL_IO64_CMD, which waits for each command",
	.no_ring	= true,
	.no_poll	= true,
	.submit		= ioctl_submit,
};
