// SPDX-License-Identifier: GPL-2.0
/*
 * The hot half of a steer queue: slots, submission, completion, and ending
 * what is in flight. Creating and freeing queues is qsetup.c, lost commands
 * are timeout.c.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "queue.h"
#include "steer_trace.h"

/*
 * Update a shadow doorbell; true when the register must be written too. The
 * barriers order the queue entries before the doorbell, and the doorbell
 * before the event index the controller wrote (NVMe 2.0, 5.8).
 */
bool nvme_steer_shadow(u16 value, __le32 *db, __le32 *ei)
{
	u16 old, event;

	wmb();
	old = le32_to_cpu(*db);
	WRITE_ONCE(*db, cpu_to_le32(value));
	mb();
	event = le32_to_cpu(READ_ONCE(*ei));
	return (u16)(value - event - 1) < (u16)(value - old);
}

static void nvme_steer_ring_cq(struct nvme_steer_queue *q)
{
	lockdep_assert_held(&q->cq_lock);

	q->cq_owed = 0;
	if (likely(!q->dbbuf_cq_db) ||
	    nvme_steer_shadow(q->cq_head, q->dbbuf_cq_db, q->dbbuf_cq_ei)) {
		writel(q->cq_head, q->cq_db);
		q->cq_doorbells++;
	}
}

/* Ring for commands whose submitter is still collecting. */
static void nvme_steer_flush(struct nvme_steer_queue *q)
{
	if (likely(READ_ONCE(q->sq_rung) == READ_ONCE(q->sq_tail)))
		return;
	spin_lock(&q->sq_lock);
	if (q->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
	spin_unlock(&q->sq_lock);
}

/* The end of a batch. */
void nvme_steer_unplug(struct blk_plug_cb *cb, bool from_schedule)
{
	struct nvme_steer_queue *q = cb->data;
	bool last;

	spin_lock(&q->sq_lock);
	if (q->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
	kfree(container_of(cb, struct nvme_steer_plug, cb));
}

/* Begin a batch, or find it again; false where there is none to be had. */
bool nvme_steer_plug_queue(struct nvme_steer_queue *q)
{
	struct nvme_steer_plug *plug;
	struct blk_plug_cb *cb;

	lockdep_assert_held(&q->sq_lock);

	cb = blk_check_plugged(nvme_steer_unplug, q, sizeof(*plug));
	if (!cb)
		return false;
	plug = container_of(cb, struct nvme_steer_plug, cb);
	if (!plug->held)
		q->refs++;
	plug->held = true;
	return true;
}

/* Have the timer look at @deadline. */
void nvme_steer_set_timer(struct nvme_steer_queue *q, unsigned long deadline)
{
	lockdep_assert_held(&q->sq_lock);

	q->timer_armed = true;
	q->timer_expires = deadline;
	mod_delayed_work(nvme_steer_wq, &q->timer,
			 max_t(long, deadline - jiffies, 0));
}

/**
 * nvme_steer_slot_get - take a slot, for a command that is not ready yet
 * @q: the queue; under RCU, or otherwise known to have hardware
 *
 * Return: the slot, which keeps @q from being freed, or an ERR_PTR: -ENODEV
 * (not live), -EBUSY (all taken).
 */
struct nvme_steer_slot *nvme_steer_slot_get(struct nvme_steer_queue *q)
{
	struct nvme_steer_slot *slot = ERR_PTR(-EBUSY);

	spin_lock(&q->sq_lock);
	if (unlikely(!q->live)) {
		slot = ERR_PTR(-ENODEV);
	} else if (likely(q->nr_free)) {
		slot = &q->slots[q->free[--q->nr_free]];
		slot->state = NVME_STEER_SLOT_RESERVED;
		q->nr_reserved++;
		q->refs++;
	}
	spin_unlock(&q->sq_lock);
	return slot;
}

/**
 * nvme_steer_submit - hand the command of a slot to the controller
 * @slot: RESERVED; its map is set
 * @io: whose command it is
 * @cmd: complete but for the command id. The controller's from now on: it
 *	ends through io->done(), possibly before this returns.
 *
 * Return: 0, or -ENODEV: not live any more, the slot is the caller's as
 * before.
 */
int nvme_steer_submit(struct nvme_steer_slot *slot,
		      const struct nvme_steer_io *io, struct nvme_command *cmd)
{
	unsigned long deadline = jiffies + io->timeout;
	struct nvme_steer_queue *q = slot->queue;
	int ret = -ENODEV;

	spin_lock(&q->sq_lock);
	if (likely(q->live)) {
		q->nr_reserved--;
		nvme_steer_arm_timer(q, deadline);
		nvme_steer_write(q, slot, io, cmd, deadline);
		WRITE_ONCE(q->submitted, q->submitted + 1);
		nvme_steer_ring_soon(q);
		ret = 0;
	}
	spin_unlock(&q->sq_lock);
	return ret;
}

static __always_inline void nvme_steer_slots_free(struct nvme_steer_queue *q,
						  struct nvme_steer_slot *slot)
{
	u16 *free = q->free + q->nr_free;
	unsigned int nr, reserved = 0;

	lockdep_assert_held(&q->sq_lock);

	for (; slot; slot = slot->next) {
		if (unlikely(slot->state == NVME_STEER_SLOT_RESERVED))
			reserved++;
		slot->state = NVME_STEER_SLOT_FREE;
		*free++ = slot->cid & NVME_STEER_CID_MASK;
	}
	nr = free - (q->free + q->nr_free);
	q->nr_free += nr;
	q->nr_reserved -= reserved;
	q->refs -= nr;
}

/**
 * nvme_steer_write_commit - hand all that was written to the controller
 * @q: the queue; sq_lock is held since nvme_steer_write_begin(), until here
 * @tail: behind what was written
 * @io: as for nvme_steer_submit(), but the owner is the member
 * @m: the members, in the order they were written
 * @nr: how many
 * @taken: gets the indices of their slots
 */
void nvme_steer_write_commit(struct nvme_steer_queue *q, u16 tail,
			     const struct nvme_steer_io *io,
			     struct nvme_steer_member *m, unsigned int nr,
			     u16 *taken)
{
	unsigned long deadline = jiffies + io->timeout;
	const u16 *free = q->free + q->nr_free;
	struct nvme_steer_slot *slots = q->slots;
	struct nvme_steer_io own = *io;
	struct nvme_steer_member *end;

	lockdep_assert_held(&q->sq_lock);

	nvme_steer_arm_timer(q, deadline);
	for (end = m + nr; m < end; m++) {
		own.owner = m;
		nvme_steer_take(&slots[*taken++ = *--free], &own, deadline);
	}
	q->nr_free -= nr;
	q->refs += nr;
	q->sq_tail = tail;
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_ring_soon(q);
	spin_unlock(&q->sq_lock);
}

/* Slots of a group, by their indices: all RESERVED, or all DONE. */
static void nvme_steer_indices_free(struct nvme_steer_queue *q,
				    const u16 *index, unsigned int nr,
				    bool reserved)
{
	u16 *free = q->free + q->nr_free;

	lockdep_assert_held(&q->sq_lock);

	if (unlikely(reserved))
		q->nr_reserved -= nr;
	q->nr_free += nr;
	q->refs -= nr;
	for (; nr >= 4; nr -= 4, index += 4, free += 4)
		memcpy(free, index, 4 * sizeof(*free));
	while (nr--)
		*free++ = *index++;
}

/**
 * nvme_steer_slots_get - take several slots, for commands not ready yet
 * @q: the queue; under RCU, or otherwise known to have hardware
 * @index: of slots to give back before, @had of them; gets those of what was
 *	taken
 * @reserved: those to give back are RESERVED, not DONE
 * @nr: how many to take at most, and how many were
 *
 * Return: 0; -ENODEV (not live) or -EBUSY (all taken), and nothing has
 * happened.
 */
int nvme_steer_slots_get(struct nvme_steer_queue *q, u16 *index,
			 unsigned int had, bool reserved, unsigned int *nr)
{
	unsigned int i;
	int ret = 0;

	spin_lock(&q->sq_lock);
	if (unlikely(!q->live)) {
		ret = -ENODEV;
		goto unlock;
	}
	nvme_steer_indices_free(q, index, had, reserved);
	if (unlikely(!q->nr_free)) {
		ret = -EBUSY;
		goto unlock;
	}
	*nr = min(*nr, (unsigned int)q->nr_free);
	for (i = 0; i < *nr; i++) {
		index[i] = q->free[--q->nr_free];
		q->slots[index[i]].state = NVME_STEER_SLOT_RESERVED;
	}
	q->nr_reserved += *nr;
	q->refs += *nr;
unlock:
	spin_unlock(&q->sq_lock);
	return ret;
}

/**
 * nvme_steer_submit_members - hand commands of a group to the controller
 * @q: the queue
 * @index: of slots, RESERVED, in the order of the commands, @got of them;
 *	those that are not needed are given back
 * @io: as for nvme_steer_submit(), but the owner is the member
 * @m: the commands, of which those that are to be skipped do not count
 * @nr: how many
 *
 * Return: 0, or -ENODEV: not live any more, the slots are the caller's as
 * before.
 */
int nvme_steer_submit_members(struct nvme_steer_queue *q, const u16 *index,
			      unsigned int got, const struct nvme_steer_io *io,
			      struct nvme_steer_member *m, unsigned int nr)
{
	unsigned long deadline = jiffies + io->timeout;
	struct nvme_steer_io own = *io;
	unsigned int i;
	int ret = -ENODEV;

	spin_lock(&q->sq_lock);
	if (unlikely(!q->live))
		goto unlock;
	q->nr_reserved -= nr;
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_arm_timer(q, deadline);
	for (i = 0; i < nr; i++, m++) {
		while (unlikely(m->flags & NVME_STEER_MEMBER_SKIP))
			m++;
		own.owner = m;
		nvme_steer_write(q, &q->slots[index[i]], &own, &m->cmd,
				 deadline);
	}
	nvme_steer_indices_free(q, index + nr, got - nr, true);
	nvme_steer_ring_soon(q);
	ret = 0;
unlock:
	spin_unlock(&q->sq_lock);
	return ret;
}

/**
 * nvme_steer_indices_put - give slots of a group back
 * @q: the queue; not to be touched afterwards
 * @index: of the slots, all RESERVED or all DONE, @nr of them
 * @reserved: which of the two
 *
 * Context: task; not from an interrupt.
 */
void nvme_steer_indices_put(struct nvme_steer_queue *q, const u16 *index,
			    unsigned int nr, bool reserved)
{
	bool last;

	spin_lock(&q->sq_lock);
	nvme_steer_indices_free(q, index, nr, reserved);
	last = !q->refs;
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/**
 * nvme_steer_slots_put - give slots back
 * @slot: the first, RESERVED or DONE; all of one queue, linked by next, and
 *	not to be touched afterwards
 *
 * Context: task; not from an interrupt.
 */
void nvme_steer_slots_put(struct nvme_steer_slot *slot)
{
	struct nvme_steer_queue *q = slot->queue;
	bool last;

	nvme_steer_enter();
	nvme_steer_lock(&q->sq_lock);
	nvme_steer_slots_free(q, slot);
	last = !q->refs;
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_leave();
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

void nvme_steer_slot_put(struct nvme_steer_slot *slot)
{
	slot->next = NULL;
	nvme_steer_slots_put(slot);
}

/* Drop a reference: of the hardware, or of a plugged submitter. */
void nvme_steer_queue_drop(struct nvme_steer_queue *q)
{
	bool last;

	spin_lock(&q->sq_lock);
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (last)
		queue_work(nvme_steer_wq, &q->free_work);
}

/* References of ended commands, dropped together: mostly they are of one. */
struct nvme_steer_usage {
	struct percpu_ref *ref;
	unsigned long nr;
};

/* Under cq_lock. */
static __always_inline void nvme_steer_usage_put(struct nvme_steer_usage *usage)
{
	unsigned long __percpu *count;

	if (unlikely(!usage->ref))
		return;
	/* percpu_ref_put_many(), which need not name RCU here */
	if (NVME_STEER_BARE && likely(__ref_is_percpu(usage->ref, &count)))
		this_cpu_sub(*count, usage->nr);
	else
		percpu_ref_put_many(usage->ref, usage->nr);
}

/* End a command: the caller moved the slot from INFLIGHT to DONE. */
static __always_inline void
nvme_steer_finish(struct nvme_steer_slot *slot, struct nvme_steer_drain *drain,
		  struct nvme_steer_usage *usage)
{
	if (unlikely(slot->io.usage != usage->ref)) {
		nvme_steer_usage_put(usage);
		usage->ref = slot->io.usage;
		usage->nr = 0;
	}
	usage->nr++;

	if (slot->map.mapped)
		nvme_steer_unmap(slot);
	/* the slot may be someone else's from here */
	if (unlikely(slot->io.done != nvme_steer_passthru_done || !drain ||
		     !nvme_steer_drain_take(drain, slot)))
		slot->io.done(slot, drain);
}

static __always_inline void
nvme_steer_handle_cqe(struct nvme_steer_queue *q, struct nvme_completion *cqe,
		      u16 status, unsigned long nr_slots,
		      struct nvme_steer_drain *drain,
		      struct nvme_steer_usage *usage)
{
	u16 cid = READ_ONCE(cqe->command_id);
	unsigned long index = cid & NVME_STEER_CID_MASK;
	struct nvme_steer_slot *slot = &q->slots[index];

	if (unlikely(index >= nr_slots ||
		     smp_load_acquire(&slot->state) != NVME_STEER_SLOT_INFLIGHT ||
		     nvme_steer_cid(slot) != cid)) {
		nvme_steer_count(q->ctrl, NVME_STEER_EV_BAD_CID);
		pr_warn_ratelimited("nvme%d: steer queue %u: completion of command id %#x, which is not in flight\n",
				    q->ctrl->instance, q->number, cid);
		return;
	}

	slot->status = status;
	slot->result = le64_to_cpu(cqe->result.u64);
	slot->state = NVME_STEER_SLOT_DONE;
	if (likely(!status))
		WRITE_ONCE(q->completed, q->completed + 1);
	else
		WRITE_ONCE(q->failed, q->failed + 1);
	trace_nvme_steer_complete(q, cid, status);
	nvme_steer_finish(slot, drain, usage);
}

/*
 * The doorbell of a polled queue, which has no interrupt to be cleared by it,
 * is written once a quarter of the queue was read. A controller that finds no
 * room for a completion until then has left that many others to be read.
 * @limit: at most so many, 0 for all there are
 */
static __always_inline unsigned int
nvme_steer_do_reap(struct nvme_steer_queue *q, struct nvme_steer_drain *drain,
		   bool ring, unsigned int limit)
{
	struct nvme_steer_usage usage = { };
	struct nvme_completion *cqe = q->cqes + q->cq_head;
	struct nvme_completion *end = q->cqes + q->depth;
	unsigned int found = 0, phase = q->cq_phase;
	unsigned long nr_slots = q->depth - 1;

	lockdep_assert_held(&q->cq_lock);

	for (;;) {
		u16 status = le16_to_cpu(READ_ONCE(cqe->status));

		if ((status & 1) != phase)
			break;
		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		nvme_steer_handle_cqe(q, cqe, status >> 1, nr_slots, drain,
				      &usage);
		if (unlikely(++cqe == end)) {
			cqe = q->cqes;
			phase ^= 1;
		}
		found++;
		if (limit && found == limit)
			break;
	}

	if (!found)
		return 0;
	q->cq_head = cqe - q->cqes;
	q->cq_phase = phase;
	nvme_steer_usage_put(&usage);
	q->cq_owed += found;
	if (ring && (q->mode != NVME_STEER_POLL || q->cq_owed >= q->depth / 4))
		nvme_steer_ring_cq(q);
	if (unlikely(waitqueue_active(&q->drained)))
		wake_up(&q->drained);
	return found;
}

static unsigned int nvme_steer_reap(struct nvme_steer_queue *q,
				    struct nvme_steer_drain *drain, bool ring)
{
	return nvme_steer_do_reap(q, drain, ring, 0);
}

/**
 * nvme_steer_reap_some - complete some of what the controller has completed
 * @q: the queue; under cq_lock
 * @drain: as for nvme_steer_poll()
 * @limit: at most so many, 0 for all there are
 *
 * Return: the number of completions found.
 */
unsigned int nvme_steer_reap_some(struct nvme_steer_queue *q,
				  struct nvme_steer_drain *drain,
				  unsigned int limit)
{
	return nvme_steer_do_reap(q, drain, true, limit);
}

/**
 * nvme_steer_poll - complete what the controller has completed
 * @q: the queue; a slot or its hardware reference is held
 * @drain: gets what the caller is to finish, or NULL
 *
 * Context: any but the queue's own interrupt handler.
 * Return: the number of completions found.
 */
unsigned int nvme_steer_poll(struct nvme_steer_queue *q,
			     struct nvme_steer_drain *drain)
{
	unsigned int found = 0;
	unsigned long flags;

	nvme_steer_flush(q);
	if (q->mode == NVME_STEER_POLL) {
		/* of a lock class of its own: no interrupt handler takes it */
		nvme_steer_enter();
		nvme_steer_lock(&q->cq_lock);
		if (!q->cqes)
			;
		else if (static_branch_unlikely(&nvme_steer_batch_key) && drain)
			found = nvme_steer_gather_poll(q, drain);
		else
			found = nvme_steer_do_reap(q, drain, true, 0);
		nvme_steer_unlock(&q->cq_lock);
		nvme_steer_leave();
		return found;
	}
	spin_lock_irqsave(&q->cq_lock, flags);
	/* a gathering's timer will find nothing, and end it */
	if (q->cqes)
		found = nvme_steer_reap(q, drain, true);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	return found;
}

irqreturn_t nvme_steer_irq(int irq, void *data)
{
	struct nvme_steer_queue *q = data;
	unsigned int found;

	if (static_branch_unlikely(&nvme_steer_batch_key))
		return nvme_steer_gather_irq(q);

	spin_lock(&q->cq_lock);
	found = nvme_steer_reap(q, NULL, true);
	if (found)
		q->interrupts++;
	spin_unlock(&q->cq_lock);
	return found ? IRQ_HANDLED : IRQ_NONE;
}

/* From here on nothing is submitted and no submission doorbell is written. */
void nvme_steer_queue_stop(struct nvme_steer_queue *q)
{
	spin_lock(&q->sq_lock);
	if (q->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
	q->live = false;
	spin_unlock(&q->sq_lock);
}

/**
 * nvme_steer_queue_cancel - end everything in flight
 * @q: stopped, its interrupt freed, and the controller can do no more DMA
 *
 * What the controller had completed ends with its status, the rest as
 * cancelled.
 */
void nvme_steer_queue_cancel(struct nvme_steer_queue *q)
{
	struct nvme_steer_usage usage = { };
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&q->cq_lock, flags);
	if (q->cqes)
		nvme_steer_reap(q, NULL, false);
	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		if (smp_load_acquire(&slot->state) != NVME_STEER_SLOT_INFLIGHT)
			continue;
		slot->cancelled = true;
		slot->status = NVME_SC_HOST_ABORTED_CMD;
		slot->result = 0;
		slot->state = NVME_STEER_SLOT_DONE;
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
		nvme_steer_finish(slot, NULL, &usage);
	}
	nvme_steer_usage_put(&usage);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	wake_up(&q->drained);
}
