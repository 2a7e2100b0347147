// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the array of a command group: each word once, into a copy that is
 * what is checked and sent. Commands that are like the one before, with data
 * in the same kept page, are let through on a few comparisons.
 */
#include "group_run.h"

/*
 * What the checks need to know, and what they find out: @plain is the first
 * word of a read or write that was allowed; the @bytes at address @from are
 * kept mapped at @dma.
 */
struct nvme_steer_reading {
	u64 plain;
	u64 from;
	u64 bytes;
	u64 dma;
	u32 shift;		/* of a logical block */
	u32 align;
	u32 nsid;
	u32 most;		/* bytes of a read or write */
	bool write;		/* the file may be written to */
	bool kept;		/* all data so far is kept mapped */
	struct nvme_ns *ns;
	struct nvme_steer_ctrl *sc;
	DECLARE_BITMAP(allowed, 256);	/* opcodes */
	struct nvme_steer_view view;
};

/*
 * May the caller send it? The driver's answer depends on the opcode only, so
 * it is asked once for each.
 */
static int nvme_steer_member_allowed(struct nvme_steer_member *m,
				     struct nvme_steer_reading *r)
{
	struct nvme_command *cmd = &m->cmd;
	u8 opcode = cmd->common.opcode;
	int ret;

	if (cmd->common.flags || cmd->common.command_id ||
	    le32_to_cpu(cmd->common.nsid) != r->nsid)
		return -EINVAL;
	if (test_bit(opcode, r->allowed))
		return 0;
	ret = nvme_steer_cmd_allowed(r->ns, cmd, r->write);
	if (!ret)
		__set_bit(opcode, r->allowed);
	return ret;
}

/*
 * Find the page that data is in. Returns whether it is in one, within what the
 * group may use, and kept mapped.
 */
static noinline bool nvme_steer_member_page(struct nvme_steer_run *run,
					    u64 addr, u32 len,
					    struct nvme_steer_reading *r)
{
	u64 offset = addr - run->base, left = run->len - offset, dma;
	const struct bio_vec *bv;
	size_t skip, bytes;

	if (unlikely(offset > run->len || len > left))
		return false;
	bv = nvme_steer_run_bvec(run, offset, &skip);
	bytes = bv->bv_len - skip;
	if (unlikely(len > bytes || bv->bv_offset + bv->bv_len > PAGE_SIZE))
		return false;
	if (unlikely(!nvme_steer_view_page(&r->view, bv, &dma)) &&
	    (!nvme_steer_view_at(r->sc, bv, &r->view) ||
	     !nvme_steer_view_page(&r->view, bv, &dma)))
		return false;
	r->from = addr;
	r->bytes = min(bytes, left);
	r->dma = dma + skip;
	return true;
}

/* Any other command than a plain read or write. Returns 0 or -errno. */
static noinline int nvme_steer_member_other(struct nvme_steer_run *run,
					    struct nvme_steer_member *m,
					    struct nvme_steer_reading *r)
{
	struct nvme_steer_passthru pt = {
		.ns = r->ns,
		.ioucmd = run->ioucmd,
		.cmd = &m->cmd,
	};
	u8 opcode = m->cmd.common.opcode;
	enum nvme_steer_event why;
	int ret;

	if ((opcode & 3) == 3)
		return -EOPNOTSUPP;
	if (!(opcode & 3) && m->len)
		return -EINVAL;
	ret = nvme_steer_check(&pt, m->len, &why);
	if (ret > 0)
		return why == NVME_STEER_EV_METADATA ? -EOPNOTSUPP : -EINVAL;
	if (!pt.bounded)
		m->flags = 0;
	return ret;
}

/*
 * Check a command of the copy that is not as the one before. Returns 0 or
 * -errno; 1 when its data is in the page that was found.
 */
static noinline int nvme_steer_member_check(struct nvme_steer_run *run,
					    struct nvme_steer_member *m,
					    struct nvme_steer_reading *r)
{
	u8 opcode = m->cmd.common.opcode;
	u64 offset;
	bool plain;
	int ret;

	ret = nvme_steer_member_allowed(m, r);
	if (ret)
		return ret;
	plain = (opcode == nvme_cmd_read || opcode == nvme_cmd_write) &&
		m->len && m->len <= r->most &&
		m->len == (u64)nvme_steer_nlb(&m->cmd) << r->shift;
	if (!plain) {
		ret = nvme_steer_member_other(run, m, r);
		if (ret || !m->len)
			return ret;
	}

	if (((u32)m->addr | m->len) & r->align)
		return -EINVAL;
	offset = m->addr - run->base;
	if (offset > run->len || m->len > run->len - offset)
		return -EFAULT;

	if (!(m->flags & NVME_STEER_MEMBER_BOUNDED) ||
	    !nvme_steer_member_page(run, m->addr, m->len, r)) {
		r->kept = false;
		return 0;
	}
	/* then blocks and pages leave little to check of the next one */
	if (plain && r->shift <= PAGE_SHIFT && r->align < 1U << r->shift)
		r->plain = le64_to_cpu(*(__le64 *)&m->cmd);
	return 1;
}

/*
 * Copy the array and check it; the copy is what is checked and sent. An entry
 * does not cross a page, because its address is a multiple of its size. Under
 * RCU, for the mappings that are found.
 *
 * Return: 0, or -errno with the index of the command that is why.
 */
int nvme_steer_group_read(struct nvme_steer_run *run, u64 array,
			  struct nvme_ns *ns, struct nvme_steer_ctrl *sc,
			  unsigned int *bad)
{
	struct nvme_steer_member *m = run->members, *end = m + run->nr;
	struct nvme_steer_reading r nvme_steer_uninitialized;
	int ret = 0;

	BUILD_BUG_ON(IS_ENABLED(CONFIG_HIGHMEM));
	BUILD_BUG_ON(sizeof(*m->place) != sizeof(m->cmd));

	r.ns = ns;
	r.sc = sc;
	r.nsid = ns->head->ns_id;
	r.shift = ns->head->lba_shift;
	r.most = ns->head->ms ? 0 :
		 queue_max_hw_sectors(run->rq) << SECTOR_SHIFT;
	r.align = queue_dma_alignment(run->rq);
	r.write = run->ioucmd->file->f_mode & FMODE_WRITE;
	r.kept = true;
	r.plain = 0;
	r.bytes = 0;
	r.view.where = 0;
	bitmap_zero(r.allowed, 256);

	while (m < end) {
		size_t skip;
		const struct bio_vec *bv = nvme_steer_run_bvec(run, array,
							       &skip);
		const u64 *from = page_address(bv->bv_page) + bv->bv_offset +
				  skip;
		const void *last = (void *)from + (bv->bv_len - skip);

		array += bv->bv_len - skip;
		for (; m < end && (void *)from < last; m++) {
			__le64 *to = (__le64 *)&m->cmd;
			u64 word0, word6, addr, at;
			u32 len;
			int err;

			/* each word is read once, by these loads */
			word0 = READ_ONCE(from[0]);
			to[0] = (__force __le64)word0;
			to[1] = (__force __le64)READ_ONCE(from[1]);
			to[2] = 0;
			to[4] = 0;
			to[5] = (__force __le64)READ_ONCE(from[5]);
			word6 = READ_ONCE(from[6]);
			to[6] = (__force __le64)word6;
			to[7] = (__force __le64)READ_ONCE(from[7]);
			m->run = run;
			m->place = (struct nvme_steer_group_cmd *)from;
			m->addr = addr = READ_ONCE(from[3]);
			m->len = len = READ_ONCE(from[4]);
			m->flags = NVME_STEER_MEMBER_BOUNDED;
			from += sizeof(*m->place) / sizeof(*from);

			/* one as the one before, and in the same page? */
			if (likely(word0 == r.plain && !(addr & r.align) &&
				   len == ((u32)(u16)word6 + 1) << r.shift)) {
				at = addr - r.from;
				if (likely(at < r.bytes &&
					   len <= r.bytes - at)) {
					to[3] = cpu_to_le64(r.dma + at);
					continue;
				}
				if (likely(nvme_steer_member_page(run, addr,
								  len, &r))) {
					to[3] = cpu_to_le64(r.dma);
					continue;
				}
			}
			to[3] = 0;
			err = nvme_steer_member_check(run, m, &r);
			if (likely(err > 0)) {
				to[3] = cpu_to_le64(r.dma + (addr - r.from));
			} else if (unlikely(err && !ret)) {
				/* the rest is copied, to tell it */
				ret = err;
				*bad = m - run->members;
			}
		}
	}
	run->ready = r.kept && !ret;
	return ret;
}
