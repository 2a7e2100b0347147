// SPDX-License-Identifier: GPL-2.0
/*
 * Copies as NVMe Copy commands; see copy_cmd.h.
 */
#include "copy_cmd.h"
#include "test.h"

void copy_cmd(struct copy *c, struct nvme_uring_cmd *cmd, void *list)
{
	const struct pt_ns *to = c->dst->ns;
	unsigned int i, format = 0;
	uint8_t *e = list;
	uint64_t slba;
	uint16_t nlb;

	test_check(c->nr && c->nr <= COPY_CMD_RANGES, "%u ranges in a command",
		   c->nr);
	memset(list, 0, c->nr * 32);
	for (i = 0; i < c->nr; i++)
		if (c->src[i]->ns->nsid != to->nsid)
			format = 2;
	for (i = 0; i < c->nr; i++, e += 32) {
		const struct pt_ns *ns = c->src[i]->ns;

		slba = c->range[i].offset >> ns->shift;
		nlb = (c->range[i].len >> ns->shift) - 1;
		if (format)
			memcpy(e, &ns->nsid, 4);
		memcpy(e + 8, &slba, 8);
		memcpy(e + 16, &nlb, 2);
	}
	pt_rw(cmd, to, PT_COPY, c->cmd.dst >> to->shift, 1, list, c->nr * 32);
	cmd->cdw12 = (c->nr - 1) | format << 8;
}

void copy_cmd_ended(struct copy *c, int res, uint32_t dw0)
{
	unsigned int i;

	test_check(!res || dw0 < c->nr, "DW0 is %u of %u ranges", dw0, c->nr);
	c->res = res;
	c->bytes = 0;
	c->path = NVME_STEER_COPY_SPLIT;
	for (i = 0; i < c->nr; i++) {
		bool done = !res || i < dw0;

		c->range[i].status = done ? 0 : i == dw0 ? res : -ECANCELED;
		c->range[i].done = done ? c->range[i].len : 0;
		c->bytes += c->range[i].done;
	}
}

void copy_cmd_ioctl(struct copy *c, const struct nvme_uring_cmd *cmd,
		    bool wide)
{
	struct nvme_passthru_cmd64 c64 = {
		.opcode = cmd->opcode, .nsid = cmd->nsid, .addr = cmd->addr,
		.data_len = cmd->data_len, .cdw10 = cmd->cdw10,
		.cdw11 = cmd->cdw11, .cdw12 = cmd->cdw12, .cdw13 = cmd->cdw13,
		.cdw14 = cmd->cdw14, .cdw15 = cmd->cdw15,
	};
	struct nvme_passthru_cmd c32 = {
		.opcode = cmd->opcode, .nsid = cmd->nsid, .addr = cmd->addr,
		.data_len = cmd->data_len, .cdw10 = cmd->cdw10,
		.cdw11 = cmd->cdw11, .cdw12 = cmd->cdw12, .cdw13 = cmd->cdw13,
		.cdw14 = cmd->cdw14, .cdw15 = cmd->cdw15,
	};
	int ret;

	ret = wide ? ioctl(c->dst->ns->fd, NVME_IOCTL_IO64_CMD, &c64) :
		     ioctl(c->dst->ns->fd, NVME_IOCTL_IO_CMD, &c32);
	copy_cmd_ended(c, ret < 0 ? -errno : ret, wide ? c64.result :
							 c32.result);
}

void copy_cmd_do(struct pt_ring *r, struct copy *c,
		 const struct nvme_uring_cmd *cmd)
{
	uint64_t result = 0;
	int ret;

	ret = pt_do(r, c->dst->ns->fd, cmd, 0, &result);
	copy_cmd_ended(c, ret, result);
}
