// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the array of a command group: each word once, into a copy that is
 * what is checked and sent. The copy is a member's, or where nothing stands in
 * the way the submission queue's entry itself, behind the tail that the
 * controller knows. Commands that are like the one before, with data in the
 * same kept page, are let through on a few comparisons.
 */
#include "copy.h"
#include "group_run.h"
#include "queue.h"

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
	/* a Copy could read what the caller may not: copy_nvme.c looks at it */
	if (!ret && opcode == NVME_STEER_COPY)
		ret = -EOPNOTSUPP;
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
 * Where entries of the array are that are in the same page as the one at
 * @array, up to @last. An entry does not cross a page, because its address is a
 * multiple of its size.
 */
static __always_inline const u64 *
nvme_steer_read_at(const struct nvme_steer_run *run, u64 array,
		   const u64 **last)
{
	const struct bio_vec *bv;
	const u64 *from;
	size_t skip;

	bv = nvme_steer_run_bvec(run, array, &skip);
	from = page_address(bv->bv_page) + bv->bv_offset + skip;
	*last = (const void *)from + (bv->bv_len - skip);
	return from;
}

#define NVME_STEER_ENTRY	(sizeof(struct nvme_steer_group_cmd) / \
				 sizeof(u64))

/* What an entry says that decides what else is looked at. */
struct nvme_steer_entry {
	u64 word0;
	u64 addr;
	u32 len;
	u32 cdw12;
};

/*
 * Read an entry; all words but the first and the data pointer go to @to. Each
 * is read once, by these loads.
 */
static __always_inline struct nvme_steer_entry
nvme_steer_read_entry(const u64 *from, __le64 *to)
{
	struct nvme_steer_entry e;
	u64 word6;

	e.word0 = READ_ONCE(from[0]);
	to[1] = (__force __le64)READ_ONCE(from[1]);
	to[2] = 0;
	e.addr = READ_ONCE(from[3]);
	e.len = READ_ONCE(from[4]);
	to[4] = 0;
	to[5] = (__force __le64)READ_ONCE(from[5]);
	word6 = READ_ONCE(from[6]);
	e.cdw12 = word6;
	to[6] = (__force __le64)word6;
	to[7] = (__force __le64)READ_ONCE(from[7]);
	return e;
}

/*
 * Is the command as the one before, with data in the same page, or in another
 * one that is kept? Then r->dma + *@at is its address.
 */
static __always_inline bool
nvme_steer_read_same(struct nvme_steer_run *run, struct nvme_steer_reading *r,
		     const struct nvme_steer_entry *e, u64 *at)
{
	u64 end;

	if (unlikely(e->word0 != r->plain || (e->addr & r->align) ||
		     e->len != ((e->cdw12 & 0xffff) + 1) << r->shift))
		return false;
	*at = e->addr - r->from;
	if (likely(!check_add_overflow(*at, (u64)e->len, &end) &&
		   end <= r->bytes))
		return true;
	*at = 0;
	return nvme_steer_member_page(run, e->addr, e->len, r);
}

/* Check a command of which all but the data pointer is in the copy. */
static noinline void nvme_steer_read_other(struct nvme_steer_run *run,
					   struct nvme_steer_reading *r,
					   struct nvme_steer_member *m)
{
	int ret;

	m->cmd.common.dptr.prp1 = 0;
	ret = nvme_steer_member_check(run, m, r);
	if (likely(ret > 0)) {
		m->cmd.common.dptr.prp1 =
			cpu_to_le64(r->dma + (m->addr - r->from));
	} else if (!ret) {
		r->bare += !m->len;
	} else if (!r->error) {
		r->error = ret;
		r->bad = m - run->members;
	}
}

/* Copy an entry of the array to a member. */
static __always_inline struct nvme_steer_entry
nvme_steer_read_member(const u64 *from, struct nvme_steer_member *m)
{
	__le64 *to = (__le64 *)&m->cmd;
	struct nvme_steer_entry e = nvme_steer_read_entry(from, to);

	to[0] = (__force __le64)e.word0;
	m->place = (struct nvme_steer_group_cmd *)from;
	m->addr = e.addr;
	m->len = e.len;
	m->flags = NVME_STEER_MEMBER_BOUNDED;
	return e;
}

/* As nvme_steer_read(), the first entry. */
void nvme_steer_read_first(struct nvme_steer_run *run,
			   struct nvme_steer_reading *r)
{
	const u64 *last;

	BUILD_BUG_ON(IS_ENABLED(CONFIG_HIGHMEM));
	BUILD_BUG_ON(sizeof(struct nvme_steer_group_cmd) !=
		     sizeof(struct nvme_command));

	nvme_steer_read_member(nvme_steer_read_at(run, r->array, &last),
			       run->members);
	nvme_steer_read_other(run, r, run->members);
	r->nr = 1;
}

/**
 * nvme_steer_read - copy the rest of the array and check it
 * @run: the group; gets the copies
 * @r: the reading; says what is wrong, if anything is
 *
 * The rest of the array is copied also when a command is refused, to tell it.
 * Context: under RCU, for the mappings that are found.
 */
void nvme_steer_read(struct nvme_steer_run *run, struct nvme_steer_reading *r)
{
	struct nvme_steer_member *m = run->members + r->nr;
	struct nvme_steer_member *end = run->members + run->nr;
	u64 array = r->array + r->nr * sizeof(*m->place);

	lockdep_assert_in_rcu_reader();

	while (m < end) {
		const u64 *last, *from = nvme_steer_read_at(run, array, &last);

		array += (const void *)last - (const void *)from;
		for (; m < end && from < last; m++) {
			struct nvme_steer_entry e;
			u64 at;

			e = nvme_steer_read_member(from, m);
			from += NVME_STEER_ENTRY;
			if (likely(nvme_steer_read_same(run, r, &e, &at)))
				m->cmd.common.dptr.prp1 =
					cpu_to_le64(r->dma + at);
			else
				nvme_steer_read_other(run, r, m);
		}
	}
	r->nr = run->nr;
	run->ready = r->kept && !r->error;
}

/*
 * The entries behind the tail of @q up to member @last's are not sent: copy
 * them to the members, as nvme_steer_read() would have. Under sq_lock.
 */
static void nvme_steer_read_back(struct nvme_steer_run *run,
				 struct nvme_steer_reading *r,
				 struct nvme_steer_queue *q,
				 struct nvme_steer_member *last,
				 const struct nvme_steer_entry *e)
{
	struct nvme_steer_member *m = run->members;
	unsigned int tail = q->sq_tail;

	lockdep_assert_held(&q->sq_lock);

	while (m++ < last) {
		if (++tail == q->depth)
			tail = 0;
		m->cmd = q->sq_cmds[tail];
		m->cmd.common.command_id = 0;
		m->len = nvme_steer_nlb(&m->cmd) << r->shift;
		m->flags = NVME_STEER_MEMBER_BOUNDED;
	}
	*(__le64 *)&last->cmd = (__force __le64)e->word0;
	last->len = e->len;
}

/**
 * nvme_steer_read_and_send - read the array to the submission queue and send it
 * @run: the group, of which the first command was read, and is plain
 * @r: the reading
 * @q: the queue
 * @io: of the commands
 *
 * In nvme_steer_enter().
 *
 * Return: whether all commands were like the first one and are sent, and the
 * group is not the caller's any more. If not, nothing has happened, but some
 * more of the array may be read, and checked.
 */
bool nvme_steer_read_and_send(struct nvme_steer_run *run,
			      struct nvme_steer_reading *r,
			      struct nvme_steer_queue *q,
			      const struct nvme_steer_io *io)
{
	struct nvme_steer_member *m = run->members, *end = m + run->nr;
	struct nvme_steer_writer w nvme_steer_uninitialized;
	struct nvme_steer_entry e nvme_steer_uninitialized;
	u64 array = r->array + sizeof(*m->place);

	if (unlikely(!nvme_steer_write_begin(&w, q, run->nr)))
		return false;
	*w.at = m->cmd;
	w.at->common.command_id = nvme_steer_write_id(&w);
	nvme_steer_write_next(&w);

	for (m++; m < end;) {
		const u64 *last, *from = nvme_steer_read_at(run, array, &last);

		array += (const void *)last - (const void *)from;
		if (last - from > (end - m) * NVME_STEER_ENTRY)
			last = from + (end - m) * NVME_STEER_ENTRY;
		for (; from < last; m++) {
			__le64 *to = (__le64 *)w.at;
			u64 at;

			e = nvme_steer_read_entry(from, to);
			m->place = (struct nvme_steer_group_cmd *)from;
			m->addr = e.addr;
			from += NVME_STEER_ENTRY;
			if (unlikely(!nvme_steer_read_same(run, r, &e, &at)))
				goto undo;
			/* the command id of one that is plain is zero */
			to[0] = cpu_to_le64(e.word0 |
					    (u32)nvme_steer_write_id(&w) << 16);
			to[3] = cpu_to_le64(r->dma + at);
			nvme_steer_write_next(&w);
		}
	}
	nvme_steer_write_commit(q, w.at - w.first, io, run->members, run->nr,
				run->slots);
	return true;
undo:
	nvme_steer_read_back(run, r, q, m, &e);
	nvme_steer_write_undo(q);
	nvme_steer_read_other(run, r, m);
	r->nr = m - run->members + 1;
	return false;
}
