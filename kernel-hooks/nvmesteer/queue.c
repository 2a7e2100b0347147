// SPDX-License-Identifier: GPL-2.0
/*
 * The hot half of a steer queue: slots and submission. Completion is
 * complete.c, creating and freeing queues qsetup.c, lost commands are
 * timeout.c.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "group_run.h"
#include "queue.h"
#include "steer_trace.h"

/*
 * A batch that has ended is left here for the next one that begins on the CPU,
 * whichever task's and queue's that is. Exchanged by one instruction, in task
 * context; what is left is freed with the module.
 */
static DEFINE_PER_CPU(struct nvme_steer_plug *, nvme_steer_spare_plug);

void nvme_steer_plug_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree(per_cpu(nvme_steer_spare_plug, cpu));
}

/* The end of a batch. */
void nvme_steer_unplug(struct blk_plug_cb *cb, bool from_schedule)
{
	struct nvme_steer_plug *plug = container_of(cb, struct nvme_steer_plug,
						    cb);
	struct nvme_steer_queue *q = cb->data;
	bool last;

	/* while the queue is held, which holds the module */
	plug = this_cpu_xchg(nvme_steer_spare_plug, plug);
	if (unlikely(plug))
		kfree(plug);

	spin_lock(&q->sq_lock);
	if (q->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
	else if (unlikely(q->shared))
		nvme_steer_shared_ring(q);
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/*
 * Begin a batch, or find it again; false where there is none to be had. Does
 * what blk_check_plugged() would, which allocates and clears one each time.
 */
bool nvme_steer_plug_queue(struct nvme_steer_queue *q)
{
	struct blk_plug *block = current->plug;
	struct nvme_steer_plug *plug;
	struct blk_plug_cb *cb;

	lockdep_assert_held(&q->sq_lock);

	if (!block)
		return false;
	list_for_each_entry(cb, &block->cb_list, list)
		if (cb->callback == nvme_steer_unplug && cb->data == q)
			return true;

	plug = this_cpu_xchg(nvme_steer_spare_plug, NULL);
	if (unlikely(!plug)) {
		plug = kmalloc(sizeof(*plug), GFP_ATOMIC);
		if (!plug)
			return false;
		plug->cb.callback = nvme_steer_unplug;
	}
	plug->cb.data = q;
	plug->policy = NULL;
	q->refs++;
	list_add(&plug->cb.list, &block->cb_list);
	return true;
}

/* Take back what has come back. Returns how many slots are free then. */
unsigned int nvme_steer_collected(struct nvme_steer_queue *q)
{
	if (unlikely(q->shared))
		nvme_steer_shared_collect(q);
	else
		nvme_steer_collect(q);
	return q->nr_free;
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
	if (unlikely(!nvme_steer_is_open(q))) {
		slot = ERR_PTR(-ENODEV);
	} else if (likely(nvme_steer_has_free(q, 1))) {
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
 * @slot: RESERVED; its map is set, and of a shared queue it is told
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
	} else if (nvme_steer_is_open(q)) {
		q->nr_reserved--;
		nvme_steer_shared_submit(slot, io, cmd,
					 !nvme_steer_collects(q));
		ret = 0;
	}
	spin_unlock(&q->sq_lock);
	return ret;
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
	nvme_steer_unlock(&q->sq_lock);
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
	nvme_steer_freed(q);
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
	if (unlikely(!nvme_steer_is_open(q))) {
		ret = -ENODEV;
		goto unlock;
	}
	nvme_steer_indices_free(q, index, had, reserved);
	if (unlikely(!nvme_steer_has_free(q, 1))) {
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

/* nvme_steer_submit_members() of a shared queue. */
static int nvme_steer_share_members(struct nvme_steer_queue *q,
				    const u16 *index, unsigned int got,
				    const struct nvme_steer_io *io,
				    struct nvme_steer_member *m,
				    unsigned int nr)
{
	struct nvme_steer_io own = *io;
	unsigned int i;
	bool ring;

	if (unlikely(!nvme_steer_is_open(q)))
		return -ENODEV;
	ring = !nvme_steer_collects(q);
	q->nr_reserved -= nr;
	for (i = 0; i < nr; i++, m++) {
		while (unlikely(m->flags & NVME_STEER_MEMBER_SKIP))
			m++;
		own.owner = m;
		nvme_steer_shared_tell(&q->slots[index[i]], m->len,
				       m->run->expires);
		nvme_steer_shared_submit(&q->slots[index[i]], &own, &m->cmd,
					 ring);
	}
	nvme_steer_indices_free(q, index + nr, got - nr, true);
	return 0;
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
	if (unlikely(!q->live)) {
		if (q->shared)
			ret = nvme_steer_share_members(q, index, got, io, m,
						       nr);
		goto unlock;
	}
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

	nvme_steer_enter();
	nvme_steer_lock(&q->sq_lock);
	nvme_steer_indices_free(q, index, nr, reserved);
	last = !q->refs;
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_leave();
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/**
 * nvme_steer_slot_put - give a slot back
 * @slot: RESERVED or DONE; not to be touched afterwards
 *
 * Context: task; not from an interrupt.
 */
void nvme_steer_slot_put(struct nvme_steer_slot *slot)
{
	struct nvme_steer_queue *q = slot->queue;
	bool last;

	spin_lock(&q->sq_lock);
	if (slot->state == NVME_STEER_SLOT_RESERVED)
		q->nr_reserved--;
	slot->state = NVME_STEER_SLOT_FREE;
	q->free[q->nr_free++] = slot->cid & NVME_STEER_CID_MASK;
	q->refs--;
	nvme_steer_freed(q);
	last = !q->refs;
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/* Drop a reference: of the hardware, or of a plugged submitter. */
void nvme_steer_queue_drop(struct nvme_steer_queue *q)
{
	bool last;

	spin_lock(&q->sq_lock);
	/* nobody else may come by for these any more */
	nvme_steer_collected(q);
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (last)
		queue_work(nvme_steer_wq, &q->free_work);
}

/*
 * From here on no completion doorbell is written, whoever still looks: what is
 * in flight has room without.
 */
void nvme_steer_queue_mute(struct nvme_steer_queue *q)
{
	spin_lock_irq(&q->cq_lock);
	q->cq_room = UINT_MAX;
	spin_unlock_irq(&q->cq_lock);
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
