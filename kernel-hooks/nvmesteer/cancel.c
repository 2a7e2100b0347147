// SPDX-License-Identifier: GPL-2.0
/*
 * How commands end that have no completion, or not that of success: failed, ended
 * by the driver's own path, cancelled with their queue, or not to wait any longer.
 */
#include <linux/blkdev.h>

#include "block.h"
#include "passthru.h"
#include "path.h"
#include "share.h"

/**
 * nvme_steer_cmd_failed - end a command that is counted already
 * @q: its queue, under cq_lock
 * @slot: the caller moved it from INFLIGHT, WAITING or OWN to DONE, and its
 *	status and so on are set
 * @drain: as for nvme_steer_poll(), or NULL
 * @iob: a request may be left to this, or NULL
 */
noinline void nvme_steer_cmd_failed(struct nvme_steer_queue *q,
				    struct nvme_steer_slot *slot,
				    struct nvme_steer_drain *drain,
				    struct io_comp_batch *iob)
{
	lockdep_assert_held(&q->cq_lock);

	if (slot->map.mapped)
		nvme_steer_unmap(slot);
	if (slot->io.usage)
		percpu_ref_put(slot->io.usage);
	if (slot->io.done == NVME_STEER_IO_REQUEST)
		nvme_steer_fail_request(q, slot, iob);
	else if (!nvme_steer_try_again(slot))
		slot->io.done(slot, drain);
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
	struct request *requests;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&q->cq_lock, flags);
	if (q->cqes)
		nvme_steer_reap(q, NULL, false);
	nvme_steer_shared_cancel(q);
	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		if (smp_load_acquire(&slot->state) != NVME_STEER_SLOT_INFLIGHT)
			continue;
		slot->cancelled = true;
		slot->status = NVME_SC_HOST_ABORTED_CMD;
		slot->result = 0;
		slot->state = NVME_STEER_SLOT_DONE;
		nvme_steer_load_end(&q->ctrl->load, slot, false);
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
		nvme_steer_cmd_failed(q, slot, NULL, NULL);
	}
	requests = nvme_steer_ended_requests(q);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	if (requests)
		nvme_steer_complete(q, requests);
	wake_up(&q->drained);
}

/**
 * nvme_steer_own_end - end a command that the driver's own path has carried
 * @q: its queue, under cq_lock
 * @slot: OWN; its status and so on are set
 */
void nvme_steer_own_end(struct nvme_steer_queue *q, struct nvme_steer_slot *slot)
{
	lockdep_assert_held(&q->cq_lock);

	slot->state = NVME_STEER_SLOT_DONE;
	if (slot->cancelled)
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
	else if (slot->status)
		WRITE_ONCE(q->failed, q->failed + 1);
	else
		WRITE_ONCE(q->completed, q->completed + 1);
	nvme_steer_cmd_failed(q, slot, NULL, NULL);
}

/**
 * nvme_steer_queue_expire - end what is not to wait any longer
 * @q: the queue, which need not belong to a share; it is not freed meanwhile
 * @req: a request that may wait there, and whose time is over; or NULL
 *
 * Context: process.
 */
void nvme_steer_queue_expire(struct nvme_steer_queue *q, struct request *req)
{
	struct nvme_steer_slot *slot;
	struct request *ended;
	bool dead;

	if (!q->shared)
		return;
	spin_lock_irq(&q->cq_lock);
	if (req)
		nvme_steer_shared_give_up(q, req);
	while ((slot = nvme_steer_shared_expired(q, req, &dead))) {
		slot->cancelled = dead;
		slot->status = dead ? NVME_SC_HOST_ABORTED_CMD :
				      NVME_SC_ABORT_REQ;
		slot->result = 0;
		slot->state = NVME_STEER_SLOT_DONE;
		if (dead)
			WRITE_ONCE(q->cancelled, q->cancelled + 1);
		else
			WRITE_ONCE(q->failed, q->failed + 1);
		nvme_steer_cmd_failed(q, slot, NULL, NULL);
	}
	if (req && nvme_steer_shared_wanted(q))
		nvme_steer_shared_reaped(q);
	ended = nvme_steer_ended_requests(q);
	spin_unlock_irq(&q->cq_lock);
	if (ended)
		nvme_steer_complete(q, ended);
	wake_up(&q->drained);
}
