/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of a steer queue is part of the way of every command: taking a slot,
 * handing the command to the controller, finding it complete, giving the slot
 * back. The rest is queue.c.
 */
#ifndef NVMESTEER_QUEUE_H
#define NVMESTEER_QUEUE_H

#include "nvmesteer.h"
#include "share.h"

/* Of nvme_steer_slot.aborted, 0 before the command has expired. */
enum {
	NVME_STEER_ABORT_DUE = 1,	/* its Abort is to be sent */
	NVME_STEER_ABORT_SENT,		/* or was, or the driver sees to it */
};

/* Under sq_lock, or of a shared queue under the arbiter's. */
#define nvme_steer_assert_sq(q) \
	lockdep_assert((q)->shared || lockdep_is_held(&(q)->sq_lock))

/*
 * Has a namespace other blocks than a command was checked by? Then it would name
 * others than it should, and move more data than its buffer holds. A usage
 * reference is held, which keeps the namespace as it is: it is formatted while
 * it is frozen.
 */
static __always_inline bool
nvme_steer_formatted(const struct nvme_ns_head *head, u8 lba_shift, u16 ms)
{
	return unlikely(head->lba_shift != lba_shift || head->ms != ms);
}

/*
 * Update a shadow doorbell; true when the register must be written too. The
 * barriers order the queue entries before the doorbell, and the doorbell
 * before the event index the controller wrote (NVMe 2.0, 5.8).
 */
static __always_inline bool nvme_steer_shadow(u16 value, __le32 *db, __le32 *ei)
{
	u16 old, event;

	wmb();
	old = le32_to_cpu(*db);
	WRITE_ONCE(*db, cpu_to_le32(value));
	mb();
	event = le32_to_cpu(READ_ONCE(*ei));
	return (u16)(value - event - 1) < (u16)(value - old);
}

/* Tell the controller of the new tail. */
static __always_inline void nvme_steer_ring_sq(struct nvme_steer_queue *q)
{
	u16 tail = q->sq_tail;

	nvme_steer_assert_sq(q);

	q->sq_rung = tail;
	if (!q->dbbuf_sq_db ||
	    nvme_steer_shadow(tail, q->dbbuf_sq_db, q->dbbuf_sq_ei)) {
		writel(tail, q->sq_db);
		q->sq_doorbells++;
	}
}

/* Tell the controller of the new head. */
static __always_inline void nvme_steer_ring_cq(struct nvme_steer_queue *q)
{
	lockdep_assert_held(&q->cq_lock);

	q->cq_owed = 0;
	if (likely(!q->dbbuf_cq_db) ||
	    nvme_steer_shadow(q->cq_head, q->dbbuf_cq_db, q->dbbuf_cq_ei)) {
		writel(q->cq_head, q->cq_db);
		q->cq_doorbells++;
	}
}

/* Has the controller completed anything? For certain only under cq_lock. */
static __always_inline bool
nvme_steer_cqe_pending(const struct nvme_steer_queue *q)
{
	const struct nvme_completion *cqe = READ_ONCE(q->cqes);

	if (!cqe)
		return false;
	cqe += READ_ONCE(q->cq_head);
	return (le16_to_cpu(READ_ONCE(cqe->status)) & 1) ==
	       READ_ONCE(q->cq_phase);
}

/* Have the timer look no later than @deadline. */
static __always_inline void nvme_steer_arm_timer(struct nvme_steer_queue *q,
						 unsigned long deadline)
{
	lockdep_assert_held(&q->sq_lock);

	if (unlikely(!q->timer_armed ||
		     time_before(deadline, q->timer_expires)))
		nvme_steer_set_timer(q, deadline);
}

/* nvme_steer_take() while no policy chooses paths. */
static __always_inline void
nvme_steer_take_only(struct nvme_steer_slot *slot,
		     const struct nvme_steer_io *io, unsigned long deadline)
{
	slot->io = *io;
	slot->aborted = 0;
	slot->cancelled = false;
	slot->deadline = deadline;
	/* pairs with the acquire of whoever looks for INFLIGHT slots */
	smp_store_release(&slot->state, NVME_STEER_SLOT_INFLIGHT);
}

/* The command with the slot's id is in the queue; the timer runs, or will. */
static __always_inline void
nvme_steer_take(struct nvme_steer_slot *slot, const struct nvme_steer_io *io,
		unsigned long deadline)
{
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_load_start(&slot->queue->ctrl->load, slot);
	nvme_steer_take_only(slot, io, deadline);
}

/* Likewise by a slot whose command has succeeded, of the same file. */
static __always_inline void
nvme_steer_take_again(struct nvme_steer_slot *slot,
		      void (*done)(struct nvme_steer_slot *slot,
				   struct nvme_steer_drain *drain),
		      unsigned long deadline)
{
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_load_start(&slot->queue->ctrl->load, slot);
	slot->io.done = done;
	slot->aborted = 0;
	slot->deadline = deadline;
	smp_store_release(&slot->state, NVME_STEER_SLOT_INFLIGHT);
}

/* The entry at the tail of the submission queue is written. */
static __always_inline void nvme_steer_advance(struct nvme_steer_queue *q)
{
	u16 tail = q->sq_tail + 1;

	nvme_steer_assert_sq(q);

	q->sq_tail = likely(tail != q->depth) ? tail : 0;
}

/* Write a command to the submission queue; the timer is armed, or will be. */
static __always_inline void
nvme_steer_write(struct nvme_steer_queue *q, struct nvme_steer_slot *slot,
		 const struct nvme_steer_io *io, struct nvme_command *cmd,
		 unsigned long deadline)
{
	cmd->common.command_id = nvme_steer_next_cid(slot);
	nvme_steer_take(slot, io, deadline);
	memcpy(&q->sq_cmds[q->sq_tail], cmd, sizeof(*cmd));
	nvme_steer_advance(q);
}

/*
 * Is a batch under way, or can one begin, at the end of which the queue is rung
 * for? Under sq_lock.
 */
static __always_inline bool nvme_steer_collects(struct nvme_steer_queue *q)
{
	struct nvme_steer_plug *plug = nvme_steer_plug();

	lockdep_assert_held(&q->sq_lock);

	return likely(plug && plug->cb.data == q) ||
	       (current->plug && nvme_steer_plug_queue(q));
}

/* Ring the doorbell, unless there is a batch: that does so at its end. */
static __always_inline void nvme_steer_ring_soon(struct nvme_steer_queue *q)
{
	if (!nvme_steer_collects(q))
		nvme_steer_ring_sq(q);
}

/* Are there @nr free slots? Under sq_lock. */
static __always_inline bool nvme_steer_has_free(struct nvme_steer_queue *q,
						unsigned int nr)
{
	lockdep_assert_held(&q->sq_lock);

	return likely(q->nr_free >= nr) || nvme_steer_collected(q) >= nr;
}

/*
 * Take back the slots of block requests that have ended. Under sq_lock, and of
 * a shared queue the arbiter's; the queue has one reference more than those.
 */
static __always_inline void nvme_steer_collect(struct nvme_steer_queue *q)
{
	/* pairs with the release in nvme_steer_give() */
	unsigned int head = smp_load_acquire(&q->given_head);
	unsigned int tail = q->given_tail;
	u16 *free;

	lockdep_assert_held(&q->sq_lock);

	if (head == tail)
		return;
	q->refs -= head - tail;
	free = q->free + q->nr_free;
	q->nr_free += head - tail;
	do {
		*free++ = q->given[tail & q->given_mask];
	} while (++tail != head);
	q->given_tail = tail;
}

/* Give a slot back, DONE, and not to be touched afterwards. Under cq_lock. */
static __always_inline void nvme_steer_give(struct nvme_steer_queue *q,
					    const struct nvme_steer_slot *slot)
{
	unsigned int head = q->given_head;

	lockdep_assert_held(&q->cq_lock);

	q->given[head & q->given_mask] = slot->cid & NVME_STEER_CID_MASK;
	smp_store_release(&q->given_head, head + 1);
}

/* The slot in flight that an entry is for, or NULL. */
static __always_inline struct nvme_steer_slot *
nvme_steer_cid_slot(struct nvme_steer_queue *q, unsigned int cid,
		    unsigned long nr_slots)
{
	unsigned long index = cid & NVME_STEER_CID_MASK;
	struct nvme_steer_slot *slot = &q->slots[index];

	if (unlikely(index >= nr_slots ||
		     smp_load_acquire(&slot->state) !=
			     NVME_STEER_SLOT_INFLIGHT ||
		     nvme_steer_cid(slot) != cid))
		return NULL;
	return slot;
}

/*
 * Take sq_lock, to be given back with nvme_steer_unlock(), and a slot. False
 * without one: the queue is not live, or none is free. In nvme_steer_enter().
 */
static __always_inline bool nvme_steer_begin(struct nvme_steer_queue *q,
					     struct nvme_steer_slot **slot)
{
	unsigned long nr_free;

	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live))
		return false;
	nr_free = q->nr_free;
	if (unlikely(!nr_free)) {
		nr_free = nvme_steer_collected(q);
		if (!nr_free)
			return false;
	}
	q->nr_free = --nr_free;
	q->refs++;
	*slot = &q->slots[q->free[nr_free]];
	return true;
}

/**
 * nvme_steer_slots_put - give slots back
 * @slot: the first, DONE; all of one queue, linked by next, and not to be
 *	touched afterwards
 *
 * Context: task; not from an interrupt.
 */
static __always_inline void nvme_steer_slots_put(struct nvme_steer_slot *slot)
{
	struct nvme_steer_queue *q = slot->queue;
	unsigned int nr;
	u16 *free;
	bool last;

	nvme_steer_enter();
	nvme_steer_lock(&q->sq_lock);
	nr = q->nr_free;
	free = q->free + nr;
	q->refs += nr;
	for (;;) {
		*free++ = slot->cid & NVME_STEER_CID_MASK;
		slot = slot->next;
		/* most often; gcc would align the loop, which costs more */
		if (likely(!slot))
			break;
	}
	nr = free - q->free;
	q->nr_free = nr;
	q->refs -= nr;
	nvme_steer_freed(q);
	last = !q->refs;
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_leave();
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/**
 * struct nvme_steer_writer - commands being written to a submission queue
 * @slots:	the queue's
 * @first:	of the ring's entries, @end behind the last one
 * @at:		where the next command is written
 * @free:	behind the index of the next command's slot, on the free list
 *
 * What is written is behind the tail, and its slots are free still: neither
 * the controller nor anybody here sees any of it until the commit, and to take
 * all of it back is to forget it. sq_lock is held from begin to the end.
 */
struct nvme_steer_writer {
	struct nvme_steer_slot *slots;
	struct nvme_command *first;
	struct nvme_command *end;
	struct nvme_command *at;
	const u16 *free;
};

/* The next command's id; its entry is @at. */
static __always_inline u16 nvme_steer_write_id(struct nvme_steer_writer *w)
{
	return nvme_steer_next_cid(&w->slots[*--w->free]);
}

/* It is written. */
static __always_inline void nvme_steer_write_next(struct nvme_steer_writer *w)
{
	if (unlikely(++w->at == w->end))
		w->at = w->first;
}

/*
 * Begin to write up to @nr commands to @q. In nvme_steer_enter(), until the
 * end. Returns whether the queue is live and has slots for them; then sq_lock
 * is held, until nvme_steer_write_commit() or nvme_steer_write_undo().
 */
static __always_inline bool
nvme_steer_write_begin(struct nvme_steer_writer *w, struct nvme_steer_queue *q,
		       unsigned int nr)
{
	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live || !nvme_steer_has_free(q, nr))) {
		nvme_steer_unlock(&q->sq_lock);
		return false;
	}
	w->slots = q->slots;
	w->first = q->sq_cmds;
	w->end = q->sq_cmds + q->depth;
	w->at = q->sq_cmds + q->sq_tail;
	w->free = q->free + q->nr_free;
	return true;
}

static inline void nvme_steer_write_undo(struct nvme_steer_queue *q)
{
	nvme_steer_unlock(&q->sq_lock);
}

void nvme_steer_write_commit(struct nvme_steer_queue *q, u16 tail,
			     const struct nvme_steer_io *io,
			     struct nvme_steer_member *m, unsigned int nr,
			     u16 *taken);

#endif /* NVMESTEER_QUEUE_H */
