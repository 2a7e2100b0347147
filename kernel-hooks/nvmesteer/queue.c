// SPDX-License-Identifier: GPL-2.0
/*
 * The hot half of a steer queue: slots, submission, completion, and ending
 * what is in flight. Creating and freeing queues is qsetup.c, lost commands
 * are timeout.c.
 */
#include "nvmesteer.h"
#include "steer_trace.h"

/**
 * nvme_steer_slot_get - take a slot
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
	q->free[q->nr_free++] = slot->index;
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/* Drop the reference for having hardware. */
void nvme_steer_queue_drop(struct nvme_steer_queue *q)
{
	bool last;

	spin_lock(&q->sq_lock);
	last = !--q->refs;
	spin_unlock(&q->sq_lock);
	if (last)
		queue_work(nvme_steer_wq, &q->free_work);
}

/*
 * Update a shadow doorbell; true when the register must be written too. The
 * barriers order the queue entries before the doorbell, and the doorbell
 * before the event index the controller wrote (NVMe 2.0, 5.8).
 */
static bool nvme_steer_need_mmio(u16 value, __le32 *db, __le32 *ei)
{
	u16 old, event;

	if (!db)
		return true;

	wmb();
	old = le32_to_cpu(*db);
	WRITE_ONCE(*db, cpu_to_le32(value));
	mb();
	event = le32_to_cpu(READ_ONCE(*ei));
	return (u16)(value - event - 1) < (u16)(value - old);
}

static void nvme_steer_arm_timer(struct nvme_steer_queue *q,
				 unsigned long deadline)
{
	lockdep_assert_held(&q->sq_lock);

	if (likely(q->timer_armed &&
		   !time_before(deadline, q->timer_expires)))
		return;

	q->timer_armed = true;
	q->timer_expires = deadline;
	mod_delayed_work(nvme_steer_wq, &q->timer,
			 max_t(long, deadline - jiffies, 0));
}

/**
 * nvme_steer_submit - hand a command to the controller
 * @slot: RESERVED; done, owner, timeout, usage and map are set. The
 *	controller's from now on: it ends through done(), possibly before this
 *	returns.
 * @cmd: complete but for the command id
 *
 * Return: 0, or -ENODEV: not live any more, the slot is the caller's as
 * before.
 */
int nvme_steer_submit(struct nvme_steer_slot *slot, struct nvme_command *cmd)
{
	struct nvme_steer_queue *q = slot->queue;

	slot->gen++;
	slot->aborted = false;
	slot->cancelled = false;
	cmd->common.command_id = nvme_steer_cid(slot);

	spin_lock(&q->sq_lock);
	if (unlikely(!q->live)) {
		spin_unlock(&q->sq_lock);
		return -ENODEV;
	}

	q->nr_reserved--;
	slot->deadline = jiffies + slot->timeout;
	nvme_steer_arm_timer(q, slot->deadline);
	/* pairs with the acquire of whoever looks for INFLIGHT slots */
	smp_store_release(&slot->state, NVME_STEER_SLOT_INFLIGHT);

	memcpy(&q->sq_cmds[q->sq_tail], cmd, sizeof(*cmd));
	if (++q->sq_tail == q->depth)
		q->sq_tail = 0;
	WRITE_ONCE(q->submitted, q->submitted + 1);
	if (nvme_steer_need_mmio(q->sq_tail, q->dbbuf_sq_db, q->dbbuf_sq_ei)) {
		writel(q->sq_tail, q->sq_db);
		q->sq_doorbells++;
	}
	spin_unlock(&q->sq_lock);
	return 0;
}

/* End a command: the caller moved the slot from INFLIGHT to DONE. */
static void nvme_steer_finish(struct nvme_steer_slot *slot)
{
	struct percpu_ref *usage = slot->usage;

	nvme_steer_unmap(slot);
	slot->done(slot);	/* the slot may be someone else's from here */
	percpu_ref_put(usage);
}

static void nvme_steer_handle_cqe(struct nvme_steer_queue *q,
				  struct nvme_completion *cqe)
{
	u16 cid = READ_ONCE(cqe->command_id);
	unsigned int index = cid & NVME_STEER_CID_MASK;
	struct nvme_steer_slot *slot = &q->slots[index];

	if (unlikely(index >= q->depth - 1 ||
		     smp_load_acquire(&slot->state) != NVME_STEER_SLOT_INFLIGHT ||
		     nvme_steer_cid(slot) != cid)) {
		nvme_steer_count(q->ctrl, NVME_STEER_EV_BAD_CID);
		pr_warn_ratelimited("nvme%d: steer queue %u: completion of command id %#x, which is not in flight\n",
				    q->ctrl->instance, q->number, cid);
		return;
	}

	slot->status = le16_to_cpu(cqe->status) >> 1;
	slot->result = le64_to_cpu(cqe->result.u64);
	slot->state = NVME_STEER_SLOT_DONE;
	if (likely(!slot->status))
		WRITE_ONCE(q->completed, q->completed + 1);
	else
		WRITE_ONCE(q->failed, q->failed + 1);
	trace_nvme_steer_complete(q, cid, slot->status);
	nvme_steer_finish(slot);
}

static unsigned int nvme_steer_reap(struct nvme_steer_queue *q, bool ring)
{
	unsigned int found = 0;

	lockdep_assert_held(&q->cq_lock);

	for (;;) {
		struct nvme_completion *cqe = &q->cqes[q->cq_head];

		if ((le16_to_cpu(READ_ONCE(cqe->status)) & 1) != q->cq_phase)
			break;
		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		nvme_steer_handle_cqe(q, cqe);
		if (++q->cq_head == q->depth) {
			q->cq_head = 0;
			q->cq_phase ^= 1;
		}
		found++;
	}

	if (found && ring &&
	    nvme_steer_need_mmio(q->cq_head, q->dbbuf_cq_db, q->dbbuf_cq_ei)) {
		writel(q->cq_head, q->cq_db);
		q->cq_doorbells++;
	}
	if (found && unlikely(waitqueue_active(&q->drained)))
		wake_up(&q->drained);
	return found;
}

/**
 * nvme_steer_poll - complete what the controller has completed
 * @q: the queue; a slot or its hardware reference is held
 *
 * Context: any but the queue's own interrupt handler.
 * Return: the number of completions found.
 */
unsigned int nvme_steer_poll(struct nvme_steer_queue *q)
{
	unsigned int found = 0;
	unsigned long flags;

	spin_lock_irqsave(&q->cq_lock, flags);
	if (q->cqes)
		found = nvme_steer_reap(q, true);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	return found;
}

irqreturn_t nvme_steer_irq(int irq, void *data)
{
	struct nvme_steer_queue *q = data;
	unsigned int found;

	spin_lock(&q->cq_lock);
	found = nvme_steer_reap(q, true);
	if (found)
		q->interrupts++;
	spin_unlock(&q->cq_lock);
	return found ? IRQ_HANDLED : IRQ_NONE;
}

/* From here on nothing is submitted and no submission doorbell is written. */
void nvme_steer_queue_stop(struct nvme_steer_queue *q)
{
	spin_lock(&q->sq_lock);
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
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&q->cq_lock, flags);
	if (q->cqes)
		nvme_steer_reap(q, false);
	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		if (smp_load_acquire(&slot->state) != NVME_STEER_SLOT_INFLIGHT)
			continue;
		slot->cancelled = true;
		slot->status = NVME_SC_HOST_ABORTED_CMD;
		slot->result = 0;
		slot->state = NVME_STEER_SLOT_DONE;
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
		nvme_steer_finish(slot);
	}
	spin_unlock_irqrestore(&q->cq_lock, flags);
	wake_up(&q->drained);
}
