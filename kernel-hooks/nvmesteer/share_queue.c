// SPDX-License-Identifier: GPL-2.0
/*
 * What is different about a queue that belongs to a share: submission, which
 * may end in waiting; completion, which makes room; and the end of what waits.
 * Whether a command may be sent is share.c's.
 *
 * A block request for which there is no slot waits behind those that have one.
 * It gets the slot of whichever command ends next: from the free list, by
 * whoever gives a slot back there, or from given[], by whoever has put it
 * there. Neither can miss it, because both are done under the arbiter's lock.
 */
#include <linux/blk-mq.h>
#include <linux/slab.h>

#include "block.h"
#include "passthru.h"
#include "path.h"
#include "share.h"

/* nvme_request.steer_cid of a request that has no slot: no slot's. */
#define NVME_STEER_CID_BEHIND	U16_MAX

/**
 * nvme_steer_shared_alloc - make a queue belong to a share
 * @q: not published
 * @share: its number
 *
 * Context: process, under ctrl->queue_lock; the controller has an arbiter.
 * Return: 0 or -ENOMEM.
 */
int nvme_steer_shared_alloc(struct nvme_steer_queue *q, unsigned int share)
{
	struct nvme_steer_shared *sh;

	sh = kvzalloc(struct_size(sh, slot, q->depth - 1), GFP_KERNEL);
	if (!sh)
		return -ENOMEM;
	sh->queue = q;
	sh->arb = q->ctrl->arb;
	sh->share = share;
	sh->last = NVME_STEER_NO_SLOT;
	INIT_LIST_HEAD(&sh->entry);
	INIT_LIST_HEAD(&sh->ring);
	init_waitqueue_head(&sh->room);
	q->shared = sh;
	static_branch_inc(&nvme_steer_share_key);
	return 0;
}

void nvme_steer_shared_free(struct nvme_steer_queue *q)
{
	if (!q->shared)
		return;
	kvfree(q->shared);
	static_branch_dec(&nvme_steer_share_key);
}

/*
 * The controller knows the queue, or does not any more: then what waits stays
 * where it is until it is cancelled.
 */
void nvme_steer_shared_live(struct nvme_steer_queue *q, bool live)
{
	struct nvme_steer_shared *sh = q->shared;

	if (!sh)
		return;
	spin_lock(&q->sq_lock);
	spin_lock_irq(&sh->arb->lock);
	WRITE_ONCE(sh->live, live);
	if (!live) {
		nvme_steer_share_unlist(sh);
		list_del_init(&sh->ring);
	}
	spin_unlock_irq(&sh->arb->lock);
	spin_unlock(&q->sq_lock);
	wake_up_all(&sh->room);
}

/* ---------------------------------------------------------------- submission */

/* Give a request the slot @index and send it, or have it wait. */
static void nvme_steer_shared_request(struct nvme_steer_shared *sh, u16 index,
				      struct request *req, u64 since)
{
	struct nvme_steer_slot *slot = &sh->queue->slots[index];
	struct nvme_steer_waiting *w = &sh->slot[index];
	struct nvme_request *nr = nvme_req(req);
	u16 cid = nvme_steer_next_cid(slot);

	nr->cmd->common.command_id = cid;
	nr->steer_cid = cid;
	slot->io = (struct nvme_steer_io) {
		.done = NVME_STEER_IO_REQUEST,
		.owner = req,
	};
	/* never: the block layer looks after its requests */
	slot->deadline = jiffies + MAX_JIFFY_OFFSET;
	w->cmd = *nr->cmd;
	w->len = blk_rq_nr_phys_segments(req) ? blk_rq_payload_bytes(req) : 0;
	w->since = since;
	w->expires = false;
	nvme_steer_share_put(sh, index, false);
}

/* Give the slot @index, which is on no list, to the first request behind. */
static void nvme_steer_shared_fill(struct nvme_steer_shared *sh, u16 index)
{
	struct request *req = rq_list_pop(&sh->behind);

	sh->nr_behind--;
	nvme_steer_shared_request(sh, index, req,
				  req->start_time_ns ?: ktime_get_ns());
}

/**
 * nvme_steer_shared_requests - take block requests
 * @q: the queue
 * @list: the requests
 * @left: gets those that are the driver's own
 *
 * Context: in nvme_steer_enter().
 * Return: how many were taken: all that are not left, or none, and @list is as
 * it was, where the queue is not open.
 */
unsigned int nvme_steer_shared_requests(struct nvme_steer_queue *q,
					struct rq_list *list,
					struct rq_list *left)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_ctrl *sc = q->ctrl;
	u64 now = ktime_get_ns();
	struct request *req;
	unsigned int nr = 0;
	unsigned long flags;

	nvme_steer_lock(&q->sq_lock);
	spin_lock_irqsave(&sh->arb->lock, flags);
	if (!sh->live || sh->closing)
		goto unlock;
	nvme_steer_collect(q);
	while ((req = rq_list_pop(list))) {
		if (unlikely(nvme_req(req)->flags & NVME_REQ_STEER_OWN)) {
			rq_list_add_tail(left, req);
			continue;
		}
		nr++;
		WRITE_ONCE(q->submitted, q->submitted + 1);
		this_cpu_inc(sc->stats->events[NVME_STEER_EV_ROUTED]);
		this_cpu_inc(sc->stats->events[NVME_STEER_EV_BLOCK]);
		nvme_req(req)->steer = q->number;
		/* its time begins when it is sent */
		if (static_branch_unlikely(&nvme_steer_path_key))
			nvme_steer_path_moved(q, req, NULL);
		if (likely(q->nr_free && !sh->nr_behind)) {
			q->refs++;
			nvme_steer_shared_request(sh, q->free[--q->nr_free],
						  req, now);
		} else {
			nvme_req(req)->steer_cid = NVME_STEER_CID_BEHIND;
			rq_list_add_tail(&sh->behind, req);
			sh->nr_behind++;
		}
	}
	nvme_steer_share_look(sh->arb);
unlock:
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	nvme_steer_unlock(&q->sq_lock);
	return nr;
}

/**
 * nvme_steer_shared_submit - hand the command of a slot to the arbiter
 * @slot: of a shared queue that is open, under its sq_lock; told of the command
 * @io: as for nvme_steer_submit()
 * @cmd: likewise
 * @ring: ring for it; the caller does not collect commands
 *
 * Context: any.
 */
void nvme_steer_shared_submit(struct nvme_steer_slot *slot,
			      const struct nvme_steer_io *io,
			      const struct nvme_command *cmd, bool ring)
{
	unsigned long deadline = jiffies + io->timeout, flags;
	u16 index = nvme_steer_slot_index(slot);
	struct nvme_steer_queue *q = slot->queue;
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_waiting *w = &sh->slot[index];

	nvme_steer_arm_timer(q, deadline);
	slot->io = *io;
	slot->deadline = deadline;
	w->cmd = *cmd;
	w->cmd.common.command_id = nvme_steer_next_cid(slot);
	w->since = ktime_get_ns();
	WRITE_ONCE(q->submitted, q->submitted + 1);
	spin_lock_irqsave(&sh->arb->lock, flags);
	nvme_steer_share_put(sh, index, ring);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
}

/* Ring for commands that are sent and were not rung for. */
void nvme_steer_shared_ring(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;

	spin_lock_irqsave(&sh->arb->lock, flags);
	list_del_init(&sh->ring);
	if (sh->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
}

/* Take back what has come back. Under sq_lock. */
void nvme_steer_shared_collect(struct nvme_steer_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->shared->arb->lock, flags);
	nvme_steer_collect(q);
	spin_unlock_irqrestore(&q->shared->arb->lock, flags);
}

/* Slots were put on the free list, or may have been. Under sq_lock. */
void nvme_steer_shared_freed(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;

	spin_lock_irqsave(&sh->arb->lock, flags);
	nvme_steer_collect(q);
	while (sh->nr_behind && sh->live && q->nr_free) {
		q->refs++;
		nvme_steer_shared_fill(sh, q->free[--q->nr_free]);
	}
	nvme_steer_share_look(sh->arb);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	if (wq_has_sleeper(&sh->room) && q->nr_free)
		wake_up(&sh->room);
}

/**
 * nvme_steer_shared_close - let all that waits go, whatever the limits
 * @q: not published any more; what comes late finds it closed
 */
void nvme_steer_shared_close(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_arbiter *arb;

	if (!sh)
		return;
	arb = sh->arb;
	spin_lock(&q->sq_lock);
	spin_lock_irq(&arb->lock);
	WRITE_ONCE(sh->closing, true);
	nvme_steer_share_flush(sh);
	spin_unlock_irq(&arb->lock);
	nvme_steer_shared_freed(q);
	spin_unlock(&q->sq_lock);
	wake_up_all(&sh->room);
}

static bool nvme_steer_shared_has_room(struct nvme_steer_queue *q)
{
	return !nvme_steer_is_open(q) || READ_ONCE(q->nr_free) ||
	       READ_ONCE(q->given_head) != READ_ONCE(q->given_tail);
}

/**
 * nvme_steer_shared_room - wait for a slot, or for the end of the queue
 * @q: the queue, which the caller has a reference of
 *
 * Context: io-wq; may sleep.
 * Return: 0, and there may be one; or -EINTR, the caller is to end.
 */
int nvme_steer_shared_room(struct nvme_steer_queue *q)
{
	long ret;

	ret = wait_event_interruptible_timeout(q->shared->room,
				nvme_steer_shared_has_room(q), HZ);
	return ret < 0 ? -EINTR : 0;
}

/* ---------------------------------------------------------------- completion */

/**
 * nvme_steer_shared_find - account for what the controller has completed
 * @q: the queue, under cq_lock
 * @limit: at most so many, 0 for all there are
 *
 * Return: how many completions there are to reap now.
 */
unsigned int nvme_steer_shared_find(struct nvme_steer_queue *q,
				    unsigned int limit)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned int head = q->cq_head, found = 0;
	struct nvme_steer_slot *slot;
	u8 phase = q->cq_phase;
	unsigned long flags;
	u64 now;

	lockdep_assert_held(&q->cq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	now = ktime_get_ns();
	for (;;) {
		struct nvme_completion *cqe = &q->cqes[head];
		u16 cid;

		if ((le16_to_cpu(READ_ONCE(cqe->status)) & 1) != phase)
			break;
		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		cid = READ_ONCE(cqe->command_id);
		slot = &q->slots[cid & NVME_STEER_CID_MASK];
		if ((cid & NVME_STEER_CID_MASK) < q->depth - 1 &&
		    slot->state == NVME_STEER_SLOT_INFLIGHT &&
		    nvme_steer_cid(slot) == cid)
			nvme_steer_share_ended(sh, cid & NVME_STEER_CID_MASK,
					       now);
		if (++head == q->cq_depth) {
			head = 0;
			phase ^= 1;
		}
		found++;
		if (found == limit)
			break;
	}
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	return found;
}

/* What was found is reaped: send what there is room for. Under cq_lock. */
void nvme_steer_shared_reaped(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;
	bool room;

	lockdep_assert_held(&q->cq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	/* their references go from one request to the other */
	while (sh->nr_behind && sh->live && q->given_tail != q->given_head)
		nvme_steer_shared_fill(sh, q->given[q->given_tail++ &
						    q->given_mask]);
	nvme_steer_share_look(sh->arb);
	room = q->given_tail != q->given_head;
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	if (wq_has_sleeper(&sh->room) && room)
		wake_up(&sh->room);
}

/* ---------------------------------------------------------- the end of waiting */

/**
 * nvme_steer_shared_cancel - nothing waits any more, nothing is at the device
 * @q: the queue, not live; under cq_lock
 *
 * What waits in slots is as if it were in flight from here on; requests behind
 * are ended as cancelled.
 */
void nvme_steer_shared_cancel(struct nvme_steer_queue *q)
{
	union nvme_result result = { };
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_share_state *s;
	struct request *req;
	unsigned long flags;

	if (!sh)
		return;
	lockdep_assert_held(&q->cq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	s = &sh->arb->share[sh->share];
	for (; sh->nr; sh->nr--) {
		smp_store_release(&q->slots[sh->first].state,
				  NVME_STEER_SLOT_INFLIGHT);
		sh->first = sh->slot[sh->first].next;
	}
	sh->last = NVME_STEER_NO_SLOT;
	s->inflight -= sh->inflight;
	sh->arb->share[0].inflight -= sh->inflight;
	sh->inflight = 0;
	while ((req = rq_list_pop(&sh->behind))) {
		nvme_req(req)->flags |= NVME_REQ_CANCELLED;
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
		if (!nvme_try_complete_req(req,
				cpu_to_le16(NVME_SC_HOST_ABORTED_CMD << 1),
				result))
			rq_list_add_tail(&q->ended, req);
	}
	sh->nr_behind = 0;
	/* what waits on other queues */
	nvme_steer_share_look(sh->arb);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
}

/* Is nobody left who waits for a passthrough command? */
static bool nvme_steer_is_dead(const struct nvme_steer_slot *slot)
{
	const struct io_kiocb *req;

	if (slot->io.done != nvme_steer_passthru_done)
		return false;
	req = cmd_to_io_kiocb(slot->io.owner);
	return (req->task->flags & PF_EXITING) ||
	       (req->task->io_uring &&
		atomic_read(&req->task->io_uring->in_cancel)) ||
	       percpu_ref_is_dying(&req->ctx->refs);
}

/**
 * nvme_steer_shared_expired - a command that is not to wait any longer
 * @q: the queue, under cq_lock
 * @dead: is set when that is because its application is gone
 *
 * Return: its slot, WAITING and on no list any more, or NULL.
 */
struct nvme_steer_slot *nvme_steer_shared_expired(struct nvme_steer_queue *q,
						  bool *dead)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_slot *found = NULL;
	u16 index, before = NVME_STEER_NO_SLOT;
	unsigned long flags;
	unsigned int n;

	lockdep_assert_held(&q->cq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	index = sh->first;
	/* where it is not live it is about to be cancelled */
	for (n = 0; n < sh->nr && sh->live && !found; n++) {
		struct nvme_steer_slot *slot = &q->slots[index];

		*dead = nvme_steer_is_dead(slot);
		if (*dead || (sh->slot[index].expires &&
			      time_after_eq(jiffies, slot->deadline))) {
			found = slot;
			nvme_steer_share_remove(sh, before, index);
		} else {
			before = index;
			index = sh->slot[index].next;
		}
	}
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	return found;
}

/* Does a request wait still, and has no deadline therefore? */
bool nvme_steer_shared_waits(struct nvme_steer_queue *q, struct request *req)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_slot *slot;
	unsigned long flags;
	u16 cid, index;
	bool waits;

	if (!sh)
		return false;
	spin_lock_irqsave(&sh->arb->lock, flags);
	cid = nvme_req(req)->steer_cid;
	index = cid & NVME_STEER_CID_MASK;
	slot = &q->slots[index];
	waits = blk_mq_rq_state(req) == MQ_RQ_IN_FLIGHT &&
		(cid == NVME_STEER_CID_BEHIND ||
		 (index < q->depth - 1 && slot->io.owner == req &&
		  slot->state == NVME_STEER_SLOT_WAITING));
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	return waits;
}
