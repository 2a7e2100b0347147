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
#include "copy.h"
#include "group_run.h"
#include "passthru.h"
#include "share_send.h"

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

	lockdep_assert_held(&q->ctrl->queue_lock);

	sh = kvzalloc(struct_size(sh, slot, q->depth - 1), GFP_KERNEL);
	if (!sh)
		return -ENOMEM;
	sh->queue = q;
	sh->arb = q->ctrl->arb;
	sh->share = share;
	sh->state = &sh->arb->share[share];
	sh->last = NVME_STEER_NO_SLOT;
	INIT_LIST_HEAD(&sh->entry);
	INIT_LIST_HEAD(&sh->ring);
	init_waitqueue_head(&sh->room);
	INIT_WORK(&sh->own_work, nvme_steer_own_work);
	q->shared = sh;
	static_branch_inc(&nvme_steer_share_key);
	return 0;
}

void nvme_steer_shared_free(struct nvme_steer_queue *q)
{
	if (!q->shared)
		return;
	cancel_work_sync(&q->shared->own_work);
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
	slot->deadline = NVME_STEER_NO_DEADLINE;
	w->cmd = *nr->cmd;
	w->len = nvme_steer_request_len(req);
	w->since = since;
	w->expires = false;
	nvme_steer_share_put(sh, index, false);
}

/* Give the slot @index, which is on no list, to the first request behind. */
static void nvme_steer_shared_fill(struct nvme_steer_shared *sh, u16 index)
{
	struct request *req = rq_list_pop(&sh->behind);

	WRITE_ONCE(sh->nr_behind, sh->nr_behind - 1);
	nvme_steer_shared_request(sh, index, req,
				  req->start_time_ns ?: ktime_get_ns());
}

/*
 * Give free slots to requests behind, if there are any. Under sq_lock and the
 * arbiter's.
 */
static void nvme_steer_shared_refill(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;

	lockdep_assert_held(&q->sq_lock);
	lockdep_assert_held(&sh->arb->lock);

	nvme_steer_collect(q);
	while (sh->nr_behind && sh->live && q->nr_free) {
		q->refs++;
		nvme_steer_shared_fill(sh, q->free[--q->nr_free]);
	}
}

/* A request that cannot be sent at once waits, in a slot or behind others. */
static noinline void nvme_steer_shared_later(struct nvme_steer_shared *sh,
					     struct request *req, u64 now)
{
	struct nvme_steer_queue *q = sh->queue;

	nvme_req(req)->steer = q->number;
	/* its time begins when it is sent */
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_path_moved(q, req, NULL);
	if (q->nr_free && !sh->nr_behind) {
		q->refs++;
		nvme_steer_shared_request(sh, q->free[--q->nr_free], req, now);
	} else {
		nvme_req(req)->steer_cid = NVME_STEER_CID_BEHIND;
		rq_list_add_tail(&sh->behind, req);
		WRITE_ONCE(sh->nr_behind, sh->nr_behind + 1);
	}
}

/* Send a request that came @now, which has a free slot and is charged for. */
static __always_inline void nvme_steer_shared_write(struct nvme_steer_shared *sh,
						    struct request *req,
						    u64 now)
{
	struct nvme_steer_queue *q = sh->queue;

	q->refs++;
	nvme_steer_share_stamp(sh, q->free[q->nr_free - 1], now);
	nvme_steer_write_request(q, nvme_steer_pop_slot(q), req,
				 NVME_STEER_NO_DEADLINE);
}

/**
 * nvme_steer_shared_requests - take block requests
 * @q: the queue, whose sq_lock is held
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
	struct nvme_steer_arbiter *arb = sh->arb;
	u64 now = ktime_get_ns();
	unsigned int nr = 0, sent = 0, room;
	struct request *req;
	unsigned long flags;
	u64 bytes = 0;
	u32 len = 0;

	lockdep_assert_held(&q->sq_lock);

	flags = nvme_steer_lock_irqsave(&arb->lock);
	if (unlikely(!sh->live || sh->closing))
		goto unlock;
	room = likely(!sh->nr_behind) ? nvme_steer_share_room(sh) : 0;
	while ((req = rq_list_pop(list))) {
		if (unlikely(nvme_req(req)->flags & NVME_REQ_STEER_OWN)) {
			rq_list_add_tail(left, req);
			continue;
		}
		nr++;
		if (unlikely(!q->nr_free))
			nvme_steer_collect(q);
		if (likely(sent < room && q->nr_free)) {
			len = nvme_steer_request_len(req);
			bytes += len;
			sent++;
			nvme_steer_shared_write(sh, req, now);
			continue;
		}
		if (sent)
			nvme_steer_share_sent(sh, sent, bytes, len);
		sent = room = 0;
		/* others may have to go first, or there are rates */
		if (q->nr_free && !sh->nr_behind &&
		    nvme_steer_share_claim(sh, nvme_steer_request_len(req)))
			nvme_steer_shared_write(sh, req, now);
		else
			nvme_steer_shared_later(sh, req, now);
	}
	if (sent)
		nvme_steer_share_sent(sh, sent, bytes, len);
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_count_requests(q->ctrl, nr);
	if (unlikely(sh->nr_behind)) {
		/* whoever gives a slot back sees them, or they see the slot */
		smp_mb();
		nvme_steer_shared_refill(q);
	}
	if (unlikely(arb->waiting || !list_empty(&arb->ring)))
		nvme_steer_share_look(arb);
	if (q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
unlock:
	nvme_steer_unlock_irqrestore(&arb->lock, flags);
	return nr;
}

/*
 * A slot for a command that came @now, if it need not wait; it is charged for.
 * Or NULL. Under sq_lock and the arbiter's.
 */
static __always_inline struct nvme_steer_slot *
nvme_steer_shared_slot(struct nvme_steer_shared *sh, u32 len, u64 now)
{
	struct nvme_steer_queue *q = sh->queue;
	u16 index;

	lockdep_assert_held(&q->sq_lock);
	lockdep_assert_held(&sh->arb->lock);

	if (unlikely(!sh->live || sh->closing || sh->nr_behind || !q->nr_free ||
		     !nvme_steer_share_claim(sh, len)))
		return NULL;
	/* the caller rings for all that is written, or its batch does */
	if (unlikely(!list_empty(&sh->ring)))
		list_del_init(&sh->ring);
	index = q->free[--q->nr_free];
	q->refs++;
	nvme_steer_share_stamp(sh, index, now);
	return &q->slots[index];
}

/**
 * nvme_steer_shared_begin - nvme_steer_begin() of a queue of a share
 * @q: the queue, whose sq_lock is held
 * @len: of the command's data, bytes
 *
 * Context: task, in nvme_steer_enter(), with interrupts on.
 * Return: a slot, for a command that is to be written and rung for before
 * sq_lock is dropped, unless a batch rings: it need not wait, and is charged
 * for. Or NULL.
 */
struct nvme_steer_slot *nvme_steer_shared_begin(struct nvme_steer_queue *q,
						u32 len)
{
	struct nvme_steer_shared *sh = q->shared;
	u64 now = nvme_steer_batch_time();
	struct nvme_steer_slot *slot;

	lockdep_assert_held(&q->sq_lock);

	nvme_steer_lock_irq(&sh->arb->lock);
	slot = nvme_steer_shared_slot(sh, len, now);
	nvme_steer_unlock_irq(&sh->arb->lock);
	return slot;
}

/**
 * nvme_steer_shared_request_begin - likewise for a block request
 * @q: the queue, whose sq_lock is held
 * @req: the request
 *
 * Context: in nvme_steer_enter().
 * Return: as nvme_steer_shared_begin().
 */
struct nvme_steer_slot *
nvme_steer_shared_request_begin(struct nvme_steer_queue *q, struct request *req)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_slot *slot;
	unsigned long flags;
	u64 now;

	lockdep_assert_held(&q->sq_lock);

	/* it was started a moment ago */
	now = req->rq_flags & RQF_STATS ? req->io_start_time_ns :
					  ktime_get_ns();
	flags = nvme_steer_lock_irqsave(&sh->arb->lock);
	slot = nvme_steer_shared_slot(sh, nvme_steer_request_len(req), now);
	nvme_steer_unlock_irqrestore(&sh->arb->lock, flags);
	return slot;
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

	lockdep_assert_held(&q->sq_lock);

	spin_lock_irqsave(&q->shared->arb->lock, flags);
	nvme_steer_collect(q);
	spin_unlock_irqrestore(&q->shared->arb->lock, flags);
}

/* Slots were put on the free list, or may have been. Under sq_lock. */
void nvme_steer_shared_freed(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;

	lockdep_assert_held(&q->sq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	nvme_steer_shared_refill(q);
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
 * Context: io-wq or a copy's work; sleeps a second at most.
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

static __always_inline unsigned int nvme_steer_share_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(div_u64(ns, NSEC_PER_USEC)),
		     NVME_STEER_SHARE_BUCKETS - 1);
}

/* The command of a slot, still INFLIGHT, was found complete @now. */
static __always_inline void
nvme_steer_shared_measure(struct nvme_steer_shared *sh,
			  struct nvme_steer_waiting *w, u64 now)
{
	struct nvme_steer_share_state *s = sh->state;
	u64 wait = w->sent - w->since;
	u32 target;

	if (likely(!wait))
		s->wait[0]++;
	else
		s->wait[nvme_steer_share_bucket(wait)]++;
	s->device[nvme_steer_share_bucket(now - w->sent)]++;
	target = READ_ONCE(s->limit->latency_us);
	if (target) {
		sh->arb->timed = true;
		s->ended++;
		if (now - w->since > target * (u64)NSEC_PER_USEC) {
			s->late++;
			s->missed++;
		}
	}
	w->sent = 0;
}

/**
 * nvme_steer_shared_find - account for what the controller has completed
 * @q: the queue, under cq_lock
 * @limit: at most so many, 0 for all there are
 *
 * What is found makes room for others, which are sent. A walk of its own, so
 * that the arbiter's lock is taken once, and not held where commands are told
 * of.
 *
 * Return: how many completions there are to reap now.
 */
unsigned int nvme_steer_shared_find(struct nvme_steer_queue *q,
				    unsigned int limit)
{
	struct nvme_completion *cqe = q->cqes + q->cq_head;
	struct nvme_completion *end = q->cqes + q->cq_depth;
	unsigned int found = 0, nr = 0, phase = q->cq_phase;
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;
	u64 now;

	lockdep_assert_held(&q->cq_lock);

	if ((le16_to_cpu(READ_ONCE(cqe->status)) & 1) != phase)
		return 0;
	flags = nvme_steer_lock_irqsave(&sh->arb->lock);
	/* not before the lock: what is found was sent before that */
	now = ktime_get_ns();
	do {
		unsigned int cid, index;
		struct nvme_steer_slot *slot;

		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		cid = READ_ONCE(cqe->command_id);
		index = cid & NVME_STEER_CID_MASK;
		slot = &q->slots[index];
		/* it may be named twice by a broken device */
		if (likely(index < q->depth - 1 &&
			   smp_load_acquire(&slot->state) ==
				   NVME_STEER_SLOT_INFLIGHT &&
			   nvme_steer_cid(slot) == cid &&
			   sh->slot[index].sent)) {
			nvme_steer_shared_measure(sh, &sh->slot[index], now);
			nr++;
		}
		if (unlikely(++cqe == end)) {
			cqe = q->cqes;
			phase ^= 1;
		}
	} while (++found != limit &&
		 (le16_to_cpu(READ_ONCE(cqe->status)) & 1) == phase);
	nvme_steer_share_ended(sh, nr, now);
	nvme_steer_unlock_irqrestore(&sh->arb->lock, flags);
	return found;
}

/**
 * nvme_steer_shared_reaped - requests have given slots back
 * @q: the queue, under cq_lock
 *
 * Whoever is first in line gets them.
 */
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

/* A request behind ends with @status. Under cq_lock and the arbiter's. */
static void nvme_steer_shared_end_behind(struct nvme_steer_queue *q,
					 struct request *req, u16 status)
{
	union nvme_result result = { };

	nvme_req(req)->steer = 0;
	if (!nvme_try_complete_req(req, cpu_to_le16(status << 1), result))
		rq_list_add_tail(&q->ended, req);
}

/**
 * nvme_steer_shared_cancel - nothing waits any more, nothing is at the device
 * @q: the queue, not live; under cq_lock
 *
 * What waits in slots is as if it were in flight from here on; requests behind
 * are ended as cancelled.
 */
void nvme_steer_shared_cancel(struct nvme_steer_queue *q)
{
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
		nvme_steer_shared_end_behind(q, req, NVME_SC_HOST_ABORTED_CMD);
	}
	sh->nr_behind = 0;
	/* what waits on other queues */
	nvme_steer_share_look(sh->arb);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
}

/*
 * Is nobody left who waits for a command that an application has sent? Its
 * uring_cmd ends after it, and has the task and the ring until then.
 */
static bool nvme_steer_is_dead(const struct nvme_steer_slot *slot)
{
	const struct nvme_steer_lane_cmd *cmd;
	const struct nvme_steer_member *m;
	const struct io_kiocb *req;

	if (slot->io.done == NVME_STEER_IO_REQUEST)
		return false;
	if (slot->io.done == nvme_steer_passthru_done) {
		req = cmd_to_io_kiocb(slot->io.owner);
	} else if (slot->io.done == nvme_steer_group_done) {
		m = slot->io.owner;
		req = cmd_to_io_kiocb(m->run->ioucmd);
	} else {
		cmd = slot->io.owner;
		return nvme_steer_job_orphaned(cmd->lane->job);
	}
	return nvme_steer_is_left(req->task, req->ctx);
}

/**
 * nvme_steer_shared_give_up - a request behind is not to wait any longer
 * @q: the queue, of a share, under cq_lock; it may be dead to the controller
 * @req: the request, which may have got a slot, or not wait at all
 */
void nvme_steer_shared_give_up(struct nvme_steer_queue *q, struct request *req)
{
	struct nvme_steer_shared *sh = q->shared;
	struct rq_list behind = { };
	struct request *other;
	unsigned long flags;

	lockdep_assert_held(&q->cq_lock);

	spin_lock_irqsave(&sh->arb->lock, flags);
	while ((other = rq_list_pop(&sh->behind))) {
		if (other != req) {
			rq_list_add_tail(&behind, other);
			continue;
		}
		WRITE_ONCE(sh->nr_behind, sh->nr_behind - 1);
		WRITE_ONCE(q->failed, q->failed + 1);
		nvme_steer_shared_end_behind(q, req, NVME_SC_ABORT_REQ);
	}
	sh->behind = behind;
	spin_unlock_irqrestore(&sh->arb->lock, flags);
}

/**
 * nvme_steer_shared_expired - a command that is not to wait any longer
 * @q: the queue, under cq_lock
 * @req: a request whose time is over, or NULL
 * @dead: is set when that is because its application is gone
 *
 * Return: its slot, WAITING and on no list any more, or NULL.
 */
struct nvme_steer_slot *nvme_steer_shared_expired(struct nvme_steer_queue *q,
						  const struct request *req,
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
		if (*dead || (req && slot->io.owner == req) ||
		    (sh->slot[index].expires &&
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

/* Does a request wait, in a slot or behind? Under the arbiter's lock. */
static bool nvme_steer_shared_has(struct nvme_steer_queue *q,
				  struct request *req)
{
	u16 cid = nvme_req(req)->steer_cid, index = cid & NVME_STEER_CID_MASK;
	const struct nvme_steer_slot *slot = &q->slots[index];

	lockdep_assert_held(&q->shared->arb->lock);

	return nvme_req(req)->steer == q->number &&
	       blk_mq_rq_state(req) == MQ_RQ_IN_FLIGHT &&
	       (cid == NVME_STEER_CID_BEHIND ||
		(index < q->depth - 1 && slot->io.owner == req &&
		 slot->state == NVME_STEER_SLOT_WAITING));
}

/* Does a request wait still, and has no deadline therefore? */
bool nvme_steer_shared_waits(struct nvme_steer_queue *q, struct request *req)
{
	struct nvme_steer_shared *sh = q->shared;
	unsigned long flags;
	bool waits;

	if (!sh)
		return false;
	spin_lock_irqsave(&sh->arb->lock, flags);
	waits = nvme_steer_shared_has(q, req);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	return waits;
}
