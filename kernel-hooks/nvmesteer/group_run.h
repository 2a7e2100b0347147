/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command group that is being carried out: begun in group.c, read from the
 * application's array in group_read.c, sent and ended in group_round.c.
 */
#ifndef NVMESTEER_GROUP_RUN_H
#define NVMESTEER_GROUP_RUN_H

#include <linux/types.h>

#include <nvmesteer/group.h>

#include "keep.h"
#include "passthru.h"

/**
 * struct nvme_steer_run - a group that is being carried out
 * @ioucmd:	the uring_cmd, of @ring
 * @next:	in a struct nvme_steer_drain
 * @rcu:	to be freed
 * @queue:	that carries it; kept by @slots
 * @slots:	indices of this round's slots, or of the round before that, DONE,
 *		@nr_slots of them; all are RESERVED if @reserved
 * @left:	commands of this round that have not ended
 * @sent:	members that were sent, or could not be
 * @failed:	members that did not succeed; the first of them is @first and
 *		its status @status
 * @window:	most commands of a round
 * @expires:	@timeout is the application's: it bounds waiting for a share too
 * @mapped:	a command of this round is mapped for itself
 * @ready:	all commands are complete, as of @epoch
 * @rq:		the namespace's request queue; a reference if @holds_rq
 * @base:	address of the part of the registered buffer in use, its length
 *		@len, which starts @skip bytes into @bvec; a bio_vec but the
 *		first and the last has 1 << @shift bytes
 * @lba_shift:	of the namespace, with @ms, when the commands were checked; on
 *		the long way
 *
 * Belongs to whoever sends a round until its first command is in flight, then
 * to cq_lock: @left, @failed, @first and @status change under it; when @left is
 * 0 it belongs to whoever ends the round.
 */
struct nvme_steer_run {
	struct io_uring_cmd *ioucmd;
	struct io_ring_ctx *ring;
	union {
		struct nvme_steer_run *next;
		struct rcu_head rcu;
	};
	struct nvme_steer_queue *queue;
	u16 *slots;
	unsigned int nr_slots;
	unsigned int left;
	unsigned int nr;
	unsigned int sent;
	unsigned int failed;
	unsigned int first;
	int status;
	unsigned int window;
	u32 flags;
	u32 timeout;
	u32 epoch;
	bool mapped;
	bool ready;
	bool sgl;
	bool holds_rq;
	bool reserved;
	bool expires;
	u8 shift;
	u8 lba_shift;
	u16 ms;
	struct request_queue *rq;
	const struct bio_vec *bvec;
	size_t skip;
	u64 base;
	u64 len;
	struct nvme_steer_member members[];
};

/* Tell the application of a command that did not reach the controller. */
static inline void nvme_steer_member_status(struct nvme_steer_member *m,
					    int status)
{
	WRITE_ONCE(m->place->result, 0);
	WRITE_ONCE(m->place->status, status);
}

/* Where @offset bytes into the group's part of the buffer are. */
static __always_inline const struct bio_vec *
nvme_steer_run_bvec(const struct nvme_steer_run *run, u64 offset, size_t *skip)
{
	const struct bio_vec *bv = run->bvec;

	offset += run->skip;
	if (offset >= bv->bv_len) {
		offset -= bv->bv_len;
		bv += 1 + (offset >> run->shift);
		offset &= (1UL << run->shift) - 1;
	}
	*skip = offset;
	return bv;
}

/**
 * struct nvme_steer_reading - how far an array is read, and what was found
 * @array:	where it begins in the group's part of the buffer
 * @nr:		how many entries were read
 * @error:	of the first command that is refused; its index is @bad
 * @plain:	first word of a read or write that was allowed
 * @from:	@bytes from this address on are kept mapped at @dma
 * @shift:	of a logical block; @ms are bytes of its metadata
 * @align:	of data, a mask
 * @most:	bytes of a read or write
 * @write:	the file may be written to
 * @kept:	all data so far is kept mapped
 * @bare:	commands without data
 * @allowed:	opcodes
 */
struct nvme_steer_reading {
	u64 array;
	unsigned int nr;
	int error;
	unsigned int bad;
	u64 plain;
	u64 from;
	u64 bytes;
	u64 dma;
	u32 shift;
	u32 align;
	u32 nsid;
	u32 most;
	unsigned int bare;
	u16 ms;
	bool write;
	bool kept;
	struct nvme_ns *ns;
	struct nvme_steer_ctrl *sc;
	DECLARE_BITMAP(allowed, 256);
	struct nvme_steer_view view;
};

/*
 * Before the first word of the array is read, which begins at @array in the
 * group's part of the buffer.
 */
static __always_inline void
nvme_steer_read_begin(struct nvme_steer_run *run, struct nvme_steer_reading *r,
		      u64 array, struct nvme_ns *ns)
{
	const struct nvme_ns_head *head = ns->head;

	r->array = array;
	r->nr = 0;
	r->error = 0;
	r->ns = ns;
	r->nsid = head->ns_id;
	r->shift = head->lba_shift;
	r->ms = head->ms;
	r->most = head->ms ? 0 :
		  queue_max_hw_sectors(run->rq) << SECTOR_SHIFT;
	r->align = queue_dma_alignment(run->rq);
	r->write = run->ioucmd->file->f_mode & FMODE_WRITE;
	r->kept = true;
	r->bare = 0;
	r->plain = 0;
	r->bytes = 0;
	r->view.where = 0;
	bitmap_zero(r->allowed, 256);
}

/* group_read.c */
void nvme_steer_read_first(struct nvme_steer_run *run,
			   struct nvme_steer_reading *r);
void nvme_steer_read(struct nvme_steer_run *run, struct nvme_steer_reading *r);
bool nvme_steer_read_and_send(struct nvme_steer_run *run,
			      struct nvme_steer_reading *r,
			      struct nvme_steer_queue *q,
			      const struct nvme_steer_io *io);

/* group_round.c */
bool nvme_steer_group_short(struct nvme_steer_run *run,
			    struct nvme_steer_reading *r,
			    struct nvme_steer_queue *q);
int nvme_steer_round(struct nvme_steer_run *run, struct nvme_steer_ctrl *sc,
		     struct nvme_steer_queue *q, bool keep,
		     enum nvme_steer_event *why);
void nvme_steer_group_next(struct nvme_steer_run *run, unsigned int issue_flags);

void nvme_steer_group_done(struct nvme_steer_slot *slot,
			   struct nvme_steer_drain *drain);
void nvme_steer_round_done(struct nvme_steer_run *run,
			   struct nvme_steer_drain *drain);

/* A command of a round has ended, and is counted if it failed. Under cq_lock. */
static __always_inline void
nvme_steer_member_done(const struct nvme_steer_member *m, u64 result,
		       int status, struct nvme_steer_drain *drain)
{
	WRITE_ONCE(m->place->result, result);
	WRITE_ONCE(m->place->status, status);
	if (unlikely(!--m->run->left))
		nvme_steer_round_done(m->run, drain);
}

/*
 * The usage reference of a command that has not ended, and is no request. Under
 * cq_lock, or the slot is OWN.
 */
static inline struct percpu_ref *
nvme_steer_slot_usage(const struct nvme_steer_slot *slot)
{
	const struct nvme_steer_member *m = slot->io.owner;

	return slot->io.usage ?: &m->run->rq->q_usage_counter;
}

/* group.c */
void nvme_steer_run_free(struct nvme_steer_run *run);

#endif /* NVMESTEER_GROUP_RUN_H */
