// SPDX-License-Identifier: GPL-2.0
/*
 * The namespace, in memory, and the commands of the NVM command set. What they
 * move is described by PRP entries.
 */
#include <string.h>

#include "controller.h"

enum {
	FLUSH = 0x00, WRITE = 0x01, READ = 0x02, COMPARE = 0x05,
	WRITE_ZEROES = 0x08, DSM = 0x09, COPY = 0x19,
};

/* In CDW12 of a Read, a Write, and a Copy. */
#define FUA	(1U << 30)

/* LBA formats: the block size's logarithm, bytes of metadata, its guards. */
static const struct {
	uint8_t shift, metadata, guards;
} formats[] = {
	[FAULT_FORMAT_512] = { .shift = 9 },
	[FAULT_FORMAT_4K] = { .shift = 12 },
	[FAULT_FORMAT_GUARD64] = { .shift = 9, .metadata = 16, .guards = 2 },
};
#define NR_FORMATS	(sizeof(formats) / sizeof(formats[0]))

/* Where the next piece of the data is; a walk over PRP entries. */
struct walk {
	struct controller *c;
	const struct command *cmd;
	uint64_t list;		/* address of the next entry, or 0 */
	size_t left;		/* bytes, with the piece that comes */
	bool begun;
};

/*
 * The piece's memory and length; NULL where an entry names none. The first page
 * is none: an entry that was not written is zero.
 */
static void *next_piece(struct walk *w, size_t *len)
{
	uint64_t address = w->cmd->prp1, *entry;

	if (w->begun && !w->list) {
		/* the second: an address, or that of a list */
		address = w->cmd->prp2;
		if (w->left > PAGE_SIZE)
			w->list = address;
	}
	if (w->list) {
		entry = dma_at(w->c, w->list, sizeof(*entry));
		/* the last of a page names the next page of the list */
		if (entry && w->left > PAGE_SIZE &&
		    !((w->list + sizeof(*entry)) & (PAGE_SIZE - 1))) {
			w->list = *entry;
			entry = dma_at(w->c, w->list, sizeof(*entry));
		}
		if (!entry)
			return NULL;
		address = *entry;
		w->list += sizeof(*entry);
	}
	if (address < PAGE_SIZE || (w->begun && address & (PAGE_SIZE - 1)))
		return NULL;
	w->begun = true;
	*len = PAGE_SIZE - (address & (PAGE_SIZE - 1));
	if (*len > w->left)
		*len = w->left;
	w->left -= *len;
	return dma_at(w->c, address, *len);
}

uint32_t dma_prp(struct controller *c, const struct command *cmd, void *data,
		 size_t len, bool to_host)
{
	struct walk w = { .c = c, .cmd = cmd, .left = len };
	size_t piece;
	void *at;

	for (; w.left; data = (uint8_t *)data + piece) {
		at = next_piece(&w, &piece);
		if (!at) {
			host_error(c, "opcode %#x: data is not in memory",
				   cmd->opcode);
			return SC_DATA_TRANSFER;
		}
		if (to_host)
			memcpy(at, data, piece);
		else
			memcpy(data, at, piece);
	}
	return 0;
}

static bool in_range(const struct controller *c, uint64_t slba, uint64_t nlb)
{
	return slba < c->nr_blocks && nlb <= c->nr_blocks - slba;
}

bool nvm_format(struct controller *c, unsigned int format)
{
	if (format >= NR_FORMATS)
		return false;
	c->format = format;
	c->block_shift = formats[format].shift;
	c->nr_blocks = NAMESPACE_SIZE >> c->block_shift;
	memset(c->blocks, 0, NAMESPACE_SIZE);
	return true;
}

static uint32_t deallocate(struct controller *c, const struct command *cmd)
{
	struct { uint32_t attributes, nlb; uint64_t slba; } range[256];
	unsigned int i, n = (cmd->cdw10 & 0xff) + 1;
	uint32_t status;

	status = dma_prp(c, cmd, range, n * sizeof(range[0]), false);
	for (i = 0; !status && i < n; i++) {
		if (!in_range(c, range[i].slba, range[i].nlb))
			status = SC_LBA_RANGE | SC_DNR;
		else if (cmd->cdw11 & 4)
			memset(c->blocks + (range[i].slba << c->block_shift), 0,
			       (size_t)range[i].nlb << c->block_shift);
	}
	return status;
}

#define COPY_RANGES	4

struct copy_range {
	uint32_t snsid;		/* format 2h */
	uint32_t rsvd;
	uint64_t slba;
	uint16_t nlb;		/* counted from 0 */
	uint16_t rsvd2[2];
	uint16_t sopt;		/* format 2h */
	uint16_t rest[4];
};

#define SOPT_FAST_ONLY	0x8000

static uint64_t first_block(const struct command *cmd)
{
	return cmd->cdw10 | (uint64_t)cmd->cdw11 << 32;
}

/* The source ranges of a Copy; how many, or 0 where that is not to be had. */
static unsigned int copy_ranges(struct controller *c,
				const struct command *cmd,
				struct copy_range *range)
{
	unsigned int n = (cmd->cdw12 & 0xff) + 1;

	if (n > COPY_RANGES || dma_prp(c, cmd, range, n * sizeof(*range),
				       false))
		return 0;
	return n;
}

/* Formats 0h, and 2h as long as that is enabled. */
static bool copy_format(const struct controller *c, const struct command *cmd)
{
	unsigned int format = cmd->cdw12 >> 8 & 0xf;

	return !format || (format == 2 && c->behaviour[4] & 1 << 2);
}

/* What format 2h says of a range. No copy of this controller is a fast one. */
static uint32_t copy_check_source(const struct command *cmd,
				  const struct copy_range *range)
{
	if (!(cmd->cdw12 >> 8 & 2))
		return 0;
	if (range->snsid != 1)
		return SC_INVALID_NS | SC_DNR;
	return range->sopt & SOPT_FAST_ONLY ? SC_FAST_COPY | SC_DNR : 0;
}

/*
 * Nothing is copied of a command that is wrong anywhere. MCL is what ranges of
 * MSSRL, and as many as MSRC allows, come to.
 */
static uint32_t copy_check(const struct controller *c,
			   const struct command *cmd,
			   const struct copy_range *range, unsigned int n)
{
	uint32_t status = 0;
	uint64_t nlb = 0;
	unsigned int i;

	for (i = 0; i < n && !status; i++) {
		status = copy_check_source(cmd, &range[i]);
		if (range[i].nlb >= c->copy_blocks)
			return SC_SIZE_LIMIT | SC_DNR;
		if (!in_range(c, range[i].slba, range[i].nlb + 1UL))
			return SC_LBA_RANGE | SC_DNR;
		nlb += range[i].nlb + 1UL;
	}
	if (!in_range(c, first_block(cmd), nlb))
		return SC_LBA_RANGE | SC_DNR;
	return status;
}

/* A Copy, or of one that is right only its first ranges. */
static uint32_t copy(struct controller *c, const struct command *cmd,
		     unsigned int most)
{
	uint64_t to = first_block(cmd), nlb;
	struct copy_range range[COPY_RANGES];
	unsigned int i, n = (cmd->cdw12 & 0xff) + 1;
	uint32_t status;

	if (!c->copy_blocks || n > COPY_RANGES)
		return SC_SIZE_LIMIT | SC_DNR;
	if (!copy_format(c, cmd))
		return SC_INVALID_FIELD | SC_DNR;
	if (!copy_ranges(c, cmd, range))
		return SC_DATA_TRANSFER;
	status = copy_check(c, cmd, range, n);
	for (i = 0; !status && i < n && i < most; i++, to += nlb) {
		nlb = range[i].nlb + 1UL;
		memmove(c->blocks + (to << c->block_shift),
			c->blocks + (range[i].slba << c->block_shift),
			nlb << c->block_shift);
	}
	return status;
}

void nvm_part(struct controller *c, const struct command *cmd,
	      unsigned int most)
{
	if (cmd->opcode == COPY)
		copy(c, cmd, most);
}

static bool overlap(uint64_t a, uint64_t a_nlb, uint64_t b, uint64_t b_nlb)
{
	return a < b + b_nlb && b < a + a_nlb;
}

bool nvm_touches(struct controller *c, const struct command *cmd,
		 uint64_t slba, uint64_t nlb)
{
	struct copy_range range[COPY_RANGES];
	uint64_t to = first_block(cmd);
	unsigned int i, n;
	bool any = false;

	if (cmd->opcode != COPY)
		return overlap(slba, nlb, to, (cmd->cdw12 & 0xffff) + 1);
	n = copy_ranges(c, cmd, range);
	for (i = 0; i < n; to += range[i++].nlb + 1UL)
		any |= overlap(slba, nlb, to, range[i].nlb + 1UL) ||
		       overlap(slba, nlb, range[i].slba, range[i].nlb + 1UL);
	return any;
}

void nvm_count(struct controller *c, const struct command *cmd)
{
	uint32_t nlb = (cmd->cdw12 & 0xffff) + 1;
	struct copy_range range[COPY_RANGES];
	struct fault_count *count;
	unsigned int i, n;

	switch (cmd->opcode) {
	case READ:
		count = &c->counters.reads;
		break;
	case WRITE:
		count = &c->counters.writes;
		break;
	case COPY:
		count = &c->counters.copies;
		n = copy_ranges(c, cmd, range);
		for (i = 0, nlb = 0; i < n; i++)
			nlb += range[i].nlb + 1U;
		break;
	default:
		return;
	}
	count->commands++;
	count->fua += !!(cmd->cdw12 & FUA);
	if (nlb > count->longest)
		count->longest = nlb;
}

void nvm_arrived(struct controller *c, unsigned int qid,
		 const struct command *cmd)
{
	struct fault_arrivals *a = &c->arrivals;
	uint64_t n = a->nr++;

	if (n >= FAULT_ARRIVALS)
		return;
	a->command[n].slba = first_block(cmd);
	a->command[n].opcode = cmd->opcode;
	a->command[n].qid = qid;
}

uint32_t nvm_command(struct controller *c, const struct command *cmd)
{
	uint64_t slba = first_block(cmd), nlb = (cmd->cdw12 & 0xffff) + 1;
	static uint8_t other[MAX_TRANSFER];
	size_t len = nlb << c->block_shift;
	uint8_t *data;
	uint32_t status;

	if (cmd->nsid != 1 && !(cmd->opcode == FLUSH && cmd->nsid == ~0U))
		return SC_INVALID_NS | SC_DNR;
	if (cmd->opcode == FLUSH)
		return 0;
	if (c->read_only && (cmd->opcode == WRITE || cmd->opcode == DSM ||
			     cmd->opcode == WRITE_ZEROES ||
			     cmd->opcode == COPY))
		return SC_WRITE_PROTECTED | SC_DNR;
	if (cmd->opcode == DSM)
		return deallocate(c, cmd);
	if (cmd->opcode == COPY)
		return copy(c, cmd, COPY_RANGES);
	if (cmd->opcode != READ && cmd->opcode != WRITE &&
	    cmd->opcode != COMPARE && cmd->opcode != WRITE_ZEROES)
		return SC_INVALID_OPCODE | SC_DNR;
	if (!in_range(c, slba, nlb))
		return SC_LBA_RANGE | SC_DNR;
	data = c->blocks + (slba << c->block_shift);
	if (cmd->opcode == WRITE_ZEROES) {
		memset(data, 0, len);
		return 0;
	}
	if (len > MAX_TRANSFER)
		return SC_INVALID_FIELD | SC_DNR;
	if (cmd->opcode != COMPARE)
		return dma_prp(c, cmd, data, len, cmd->opcode == READ);
	status = dma_prp(c, cmd, other, len, false);
	if (!status && memcmp(data, other, len))
		status = SC_COMPARE_FAILED;
	return status;
}

uint32_t nvm_identify(struct controller *c, void *page)
{
	uint8_t *ns = page;
	unsigned int i;
	uint32_t most;

	memcpy(ns, &c->nr_blocks, 8);
	memcpy(ns + 8, &c->nr_blocks, 8);
	memcpy(ns + 16, &c->nr_blocks, 8);
	ns[25] = NR_FORMATS - 1;
	ns[30] = !!c->id;		/* NMIC: shared */
	ns[33] = 1;			/* deallocated blocks read as zeroes */
	memcpy(ns + 104, "nvmesteerfaults", 16);	/* NGUID */
	memcpy(ns + 74, &c->copy_blocks, 2);	/* MSSRL */
	most = COPY_RANGES * c->copy_blocks;
	memcpy(ns + 76, &most, 4);	/* MCL */
	ns[80] = COPY_RANGES - 1;	/* MSRC */
	ns[99] = c->read_only;		/* NSATTR */
	ns[26] = c->format;		/* FLBAS: metadata is apart from data */
	ns[27] = 1 << 1;		/* which there may be */
	for (i = 0; i < NR_FORMATS; i++) {
		ns[128 + 4 * i] = formats[i].metadata;
		ns[128 + 4 * i + 2] = formats[i].shift;
	}
	return 0;
}

void nvm_identify_guards(void *page)
{
	uint32_t *elbaf = (uint32_t *)((uint8_t *)page + 12);
	unsigned int i;

	for (i = 0; i < NR_FORMATS; i++)
		elbaf[i] = formats[i].guards << 7;
}
