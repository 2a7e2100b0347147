// SPDX-License-Identifier: GPL-2.0
/*
 * Commands, groups and copies that nobody would send; see any.h.
 */
#include "any.h"
#include "test.h"

uint64_t any_first(const struct pt_ns *ns)
{
	return ns->nr_blocks / 2;
}

static uint64_t any_address(struct any *a)
{
	const struct any_places *p = a->at;
	uint64_t *rng = &a->rng;

	switch (below(rng, 60)) {
	case 0:
		return 0;
	case 1:
		return 0xffff888000100000 + ANY_PAGE * below(rng, 65536);
	case 2:
		return next(rng) | 1ULL << 63;
	case 3:
		return (1ULL << 47) - ANY_PAGE * (1 + below(rng, 4));
	case 4:
		return (uintptr_t)p->read_only + 512 * below(rng, 16);
	case 5:
		return (uintptr_t)p->none;
	case 6:
		return (uintptr_t)p->file + 512 * below(rng, 8);
	case 7:
		return (uintptr_t)p->data + below(rng, ANY_PAGES * ANY_PAGE);
	case 8:
		return (uintptr_t)p->data + 4 * below(rng, ANY_PAGES * ANY_PAGE / 4);
	default:
		return (uintptr_t)p->data + 512 * below(rng, ANY_PAGES * ANY_PAGE / 512);
	}
}

static uint8_t any_opcode(uint64_t *rng)
{
	static const uint8_t known[] = {
		PT_READ, PT_WRITE, PT_READ, PT_WRITE, PT_READ, PT_WRITE,
		PT_COMPARE, PT_WRITE_ZEROES, PT_VERIFY, PT_FLUSH,
	};
	uint8_t opcode = next(rng) >> 32;

	if (!rarely(rng, 12))
		return known[below(rng, ARRAY_LEN(known))];
	/* its data names blocks to be lost */
	return opcode == PT_DSM ? PT_READ : opcode;
}

static bool only_reads(uint8_t opcode)
{
	return opcode == PT_FLUSH || opcode == PT_READ ||
	       opcode == PT_COMPARE || opcode == PT_VERIFY;
}

static uint64_t any_block(struct any *a, uint8_t opcode)
{
	uint64_t from = only_reads(opcode) ? 0 : any_first(a->ns);
	uint64_t *rng = &a->rng;

	if (rarely(rng, 32))
		return from + (next(rng) >> below(rng, 32) & ~(1ULL << 63));
	return from + below(rng, a->ns->nr_blocks - from);
}

static uint32_t any_length(struct any *a, uint32_t nlb)
{
	uint64_t *rng = &a->rng;

	switch (below(rng, 50)) {
	case 0:
		return below(rng, 64 * 1024);
	case 1:
		return next(rng);
	case 2:
		return 0;
	default:
		return nlb * a->ns->block;
	}
}

void any_command(struct any *a, struct nvme_uring_cmd *cmd)
{
	uint64_t *rng = &a->rng, slba;
	uint32_t nlb = rarely(rng, 20) ? below(rng, 65536) : below(rng, 32);

	memset(cmd, 0, sizeof(*cmd));
	cmd->opcode = any_opcode(rng);
	slba = any_block(a, cmd->opcode);
	cmd->nsid = a->ns->nsid;
	cmd->addr = any_address(a);
	cmd->data_len = any_length(a, nlb + 1);
	cmd->cdw10 = slba;
	cmd->cdw11 = slba >> 32;
	cmd->cdw12 = nlb;
	if (rarely(rng, 50))
		cmd->nsid = next(rng) >> below(rng, 64);
	if (rarely(rng, 50))
		cmd->cdw12 |= next(rng) & 0xffff0000;
	if (rarely(rng, 32))
		cmd->flags = next(rng);
	if (rarely(rng, 32))
		cmd->rsvd1 = next(rng);
	if (rarely(rng, 50)) {
		cmd->metadata = any_address(a);
		cmd->metadata_len = any_length(a, 1);
	}
	if (rarely(rng, 16)) {
		cmd->cdw2 = next(rng);
		cmd->cdw3 = next(rng);
		cmd->cdw13 = next(rng);
		cmd->cdw14 = next(rng);
		cmd->cdw15 = next(rng);
	}
	if (rarely(rng, 2000))
		cmd->timeout_ms = 1 + below(rng, 50);
	else if (rarely(rng, 32))
		cmd->timeout_ms = 60000 + below(rng, 1U << 31);
}

void any_group(struct any *a, struct nvme_steer_group *g, unsigned int slot)
{
	struct nvme_steer_group_cmd *c;
	uint64_t *rng = &a->rng;
	struct nvme_uring_cmd cmd;
	unsigned int i;

	memset(g, 0, sizeof(*g));
	/* room for 16 a slot; more are somebody else's, as they come */
	c = (void *)(a->at->still + (slot % ANY_SLOTS) * 16 * sizeof(*c));
	g->cmds = (uintptr_t)c;
	g->nr = 1 + below(rng, 16);
	g->base = (uintptr_t)a->at->still;
	g->len = ANY_PAGES * ANY_PAGE;
	g->window = rarely(rng, 4) ? below(rng, 8) : 0;
	g->flags = below(rng, 2);
	for (i = 0; i < g->nr; i++) {
		any_command(a, &cmd);
		memset(&c[i], 0, sizeof(c[i]));
		c[i].opcode = cmd.opcode;
		c[i].nsid = cmd.nsid;
		c[i].addr = rarely(rng, 16) ? cmd.addr :
			(uintptr_t)a->at->still + ANY_PAGES * ANY_PAGE / 2 +
			512 * below(rng, 128);
		c[i].data_len = cmd.data_len;
		c[i].cdw10 = cmd.cdw10;
		c[i].cdw11 = cmd.cdw11;
		c[i].cdw12 = cmd.cdw12;
		c[i].flags = cmd.flags;
		c[i].cdw13 = cmd.cdw13;
	}
	if (rarely(rng, 16))
		g->nr = next(rng) >> below(rng, 64);
	if (rarely(rng, 32))
		g->cmds = any_address(a);
	if (rarely(rng, 32))
		g->base = any_address(a);
	if (rarely(rng, 32))
		g->len = next(rng) >> below(rng, 64);
	if (rarely(rng, 32))
		g->flags = next(rng);
	if (rarely(rng, 64))
		g->rsvd[0] = 1;
}

void any_copy(struct any *a, struct nvme_steer_copy_cmd *c, unsigned int slot)
{
	struct nvme_steer_copy_range *range;
	uint64_t *rng = &a->rng;
	unsigned int i;

	memset(c, 0, sizeof(*c));
	range = (void *)(a->at->still + ANY_PAGES * ANY_PAGE / 4 +
			 (slot % ANY_SLOTS) * 8 * sizeof(*range));
	c->ranges = (uintptr_t)range;
	c->nr = 1 + below(rng, 8);
	c->dst = any_block(a, PT_WRITE) * a->ns->block;
	c->dst_fd = -1;
	c->depth = below(rng, 66);
	c->flags = rarely(rng, 4) ? below(rng, 8) : 0;
	for (i = 0; i < c->nr; i++) {
		range[i].fd = rarely(rng, 16) ? (int)next(rng) : -1;
		range[i].offset = any_block(a, PT_READ) * a->ns->block;
		range[i].len = (1 + below(rng, 64)) * a->ns->block;
		if (rarely(rng, 32))
			range[i].offset += below(rng, 512);
		if (rarely(rng, 32))
			range[i].len = next(rng) >> below(rng, 64);
	}
	if (rarely(rng, 32))
		c->nr = next(rng) >> below(rng, 64);
	if (rarely(rng, 32))
		c->ranges = any_address(a);
	if (rarely(rng, 32))
		c->flags = next(rng);
	if (rarely(rng, 32))
		c->dst_fd = below(rng, 64);
	if (rarely(rng, 64))
		c->rsvd[1] = 1;
}
