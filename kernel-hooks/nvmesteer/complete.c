// SPDX-License-Identifier: GPL-2.0
/*
 * How commands end: read from the completion queue, by a poller or an
 * interrupt, and told to io_uring, on the spot in the poller of their ring, or
 * in their task.
 */
#include <linux/blkdev.h>
#include <linux/module.h>

#include "block.h"
#include "group_run.h"
#include "passthru.h"
#include "path.h"
#include "steer_trace.h"

/**
 * nvme_steer_tell - have what became of a uring_cmd told by its own side
 * @ioucmd: not the caller's any more afterwards
 * @tell: what completes it, called once, in task context with its ring's
 *	uring_lock held unless @issue_flags say otherwise
 *
 * That is its task, or of a ring that polls whoever polls next: a ring that is
 * closed polls until nothing of it is left, and if it is the submission
 * thread's runs no task work meanwhile.
 *
 * Context: any.
 */
void nvme_steer_tell(struct io_uring_cmd *ioucmd, nvme_steer_tell_fn tell)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(ioucmd);

	if (cmd_to_io_kiocb(ioucmd)->ctx->flags & IORING_SETUP_IOPOLL) {
		pdu->tell = tell;
		/* the poller's from here; pairs with nvme_steer_iopoll_hook() */
		smp_store_release(&pdu->queue, NULL);
	} else {
		io_uring_cmd_do_in_task_lazy(ioucmd, tell);
	}
}

/* Tell io_uring of a command that has ended; its slot is still the caller's. */
static void nvme_steer_passthru_end(struct nvme_steer_slot *slot,
				    unsigned int issue_flags)
{
	int status = likely(!slot->cancelled) ? slot->status : -EINTR;

	nvme_steer_release_pages(&slot->map);
	io_uring_cmd_done(slot->io.owner, status, slot->result, issue_flags);
}

static void nvme_steer_passthru_one(struct io_uring_cmd *ioucmd,
				    unsigned int issue_flags)
{
	struct nvme_steer_slot *slot = nvme_steer_pdu(ioucmd)->slot;

	nvme_steer_passthru_end(slot, issue_flags);
	nvme_steer_slot_put(slot);
}

/* Likewise of several, linked by next, of one ring and task. */
static void nvme_steer_passthru_several(struct io_uring_cmd *ioucmd,
					unsigned int issue_flags)
{
	struct nvme_steer_slot *first = nvme_steer_pdu(ioucmd)->slot, *slot;

	for (slot = first; slot; slot = slot->next)
		nvme_steer_passthru_end(slot, issue_flags);
	nvme_steer_slots_put(first);
}

/* Under cq_lock: leave it to whoever drains, or to its ring. */
void nvme_steer_passthru_done(struct nvme_steer_slot *slot,
			      struct nvme_steer_drain *drain)
{
	struct io_uring_cmd *ioucmd = slot->io.owner;

	lockdep_assert_held(&slot->queue->cq_lock);

	if (drain && nvme_steer_drain_take(drain, slot))
		return;
	nvme_steer_pdu(ioucmd)->slot = slot;
	nvme_steer_tell(ioucmd, nvme_steer_passthru_one);
}

/*
 * Is a forced wake-up of the task for these completions of any use? Not if it
 * waits for more, nor if it polls.
 */
static bool nvme_steer_is_waiting(struct io_ring_ctx *ctx, unsigned int n)
{
	if (ctx->flags & IORING_SETUP_IOPOLL)
		return false;
	/* -1 when it does not wait */
	return !(ctx->flags & IORING_SETUP_DEFER_TASKRUN) ||
	       atomic_read(&ctx->cq_wait_nr) <= (int)n;
}

/*
 * Tell the task of @n commands, linked by next, of one ring and task. As one
 * task work where it wakes the task: io_uring counts a lazy one as a single
 * completion, however many it brings, so that would wake too late.
 */
static void nvme_steer_passthru_tell_ring(struct nvme_steer_slot *first,
					  unsigned int n)
{
	struct nvme_steer_slot *slot, *next;

	if (n > 1 &&
	    nvme_steer_is_waiting(cmd_to_io_kiocb(first->io.owner)->ctx, n)) {
		nvme_steer_pdu(first->io.owner)->slot = first;
		io_uring_cmd_complete_in_task(first->io.owner,
					      nvme_steer_passthru_several);
		return;
	}
	for (slot = first; slot; slot = next) {
		/* the slot may be someone else's once its task knows */
		next = slot->next;
		nvme_steer_pdu(slot->io.owner)->slot = slot;
		nvme_steer_tell(slot->io.owner, nvme_steer_passthru_one);
	}
}

static bool nvme_steer_same_ring(const struct nvme_steer_slot *a,
				 const struct nvme_steer_slot *b)
{
	const struct io_kiocb *x = cmd_to_io_kiocb(a->io.owner);
	const struct io_kiocb *y = cmd_to_io_kiocb(b->io.owner);

	return x->ctx == y->ctx && x->task == y->task;
}

/**
 * nvme_steer_passthru_tell - tell tasks of commands that were gathered
 * @drain: the commands; nobody polled for them
 *
 * Context: any.
 */
void nvme_steer_passthru_tell(struct nvme_steer_drain *drain)
{
	struct nvme_steer_slot *first, *last, *next;
	unsigned int n;

	*drain->last = NULL;
	for (first = drain->first; first; first = next) {
		n = 1;
		for (last = first; (next = last->next); last = next, n++)
			if (!nvme_steer_same_ring(first, next))
				break;
		last->next = NULL;
		nvme_steer_passthru_tell_ring(first, n);
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
	else if (unlikely(q->shared))
		nvme_steer_shared_ring(q);
	spin_unlock(&q->sq_lock);
}

/*
 * Commands that have succeeded and are not counted yet: the last of those that
 * were found, without @before. Counting them together, and dropping their
 * references together, costs once. Mostly all hold the same reference.
 */
struct nvme_steer_ended {
	struct percpu_ref *usage;	/* NULL: none. If there are none: any */
	unsigned int before;
};

/* Under cq_lock. */
static __always_inline void nvme_steer_ended_count(struct nvme_steer_queue *q,
						   struct nvme_steer_ended *ended,
						   unsigned int found)
{
	unsigned long nr = found - ended->before;
	unsigned long __percpu *count;

	lockdep_assert_held(&q->cq_lock);

	if (unlikely(!nr))
		return;
	ended->before = found;
	WRITE_ONCE(q->completed, q->completed + nr);
	/* percpu_ref_put_many(), which need not name RCU here */
	if (!ended->usage)
		;
	else if (NVME_STEER_BARE && likely(__ref_is_percpu(ended->usage, &count)))
		this_cpu_sub(*count, nr);
	else
		percpu_ref_put_many(ended->usage, nr);
}

/* Commands with another reference come now; @found were before them. */
static noinline struct nvme_steer_ended
nvme_steer_ended_switch(struct nvme_steer_queue *q,
			struct nvme_steer_ended ended,
			struct percpu_ref *usage, unsigned int found)
{
	nvme_steer_ended_count(q, &ended, found);
	ended.usage = usage;
	q->cq_usage = usage;
	return ended;
}

/*
 * A request's command has succeeded, and is counted. @polled: it is one that is
 * polled for. Under cq_lock.
 */
static __always_inline void
nvme_steer_request_done(struct nvme_steer_queue *q,
			struct nvme_steer_slot *slot, union nvme_result result,
			struct io_comp_batch *iob, bool polled)
{
	slot->state = NVME_STEER_SLOT_DONE;
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_load_end(&q->ctrl->load, slot, true);
	trace_nvme_steer_complete(q, nvme_steer_cid(slot), 0);
	/* it may be told of at once, on another CPU */
	data_race(q->completed++);
	nvme_steer_end_request(q, slot, 0, result, iob, polled);
}

/* A completion that none was waiting for. */
static noinline void nvme_steer_bad_cqe(struct nvme_steer_queue *q, u16 cid)
{
	nvme_steer_count(q->ctrl, NVME_STEER_EV_BAD_CID);
	pr_warn_ratelimited("nvme%d: steer queue %u: completion of command id %#x, which is not in flight\n",
			    q->ctrl->instance, q->number, cid);
}

/* The entry is the one that comes after @found others. */
static __always_inline void
nvme_steer_handle_cqe(struct nvme_steer_queue *q, struct nvme_completion *cqe,
		      unsigned int status, unsigned long nr_slots,
		      struct nvme_steer_drain *drain, struct io_comp_batch *iob,
		      struct nvme_steer_ended *ended, unsigned int found)
{
	unsigned int cid = READ_ONCE(cqe->command_id);
	struct nvme_steer_slot *slot = nvme_steer_cid_slot(q, cid, nr_slots);

	if (unlikely(!slot)) {
		ended->before++;
		nvme_steer_bad_cqe(q, cid);
		return;
	}

	/* where nobody drains, most are requests */
	if (!drain && slot->io.done == NVME_STEER_IO_REQUEST &&
	    likely(!status)) {
		if (!q->shared)
			WRITE_ONCE(q->requests, true);
		nvme_steer_request_done(q, slot, cqe->result, iob, false);
		ended->before++;
		return;
	}
	slot->status = status;
	slot->result = le64_to_cpu(cqe->result.u64);
	slot->state = NVME_STEER_SLOT_DONE;
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_load_end(&q->ctrl->load, slot, !status);
	trace_nvme_steer_complete(q, cid, status);
	if (unlikely(status)) {
		WRITE_ONCE(q->failed, q->failed + 1);
		ended->before++;
		nvme_steer_cmd_failed(q, slot, drain, iob);
		return;
	}

	if (unlikely(slot->io.usage != ended->usage))
		*ended = nvme_steer_ended_switch(q, *ended, slot->io.usage,
						 found);
	if (unlikely(slot->map.mapped))
		nvme_steer_unmap(slot);
	if (likely(slot->io.done == nvme_steer_passthru_done && drain &&
		   nvme_steer_drain_take(drain, slot)))
		return;
	/* where somebody drains, few are; else it was one above */
	if (drain && slot->io.done == NVME_STEER_IO_REQUEST) {
		data_race(q->completed++);
		ended->before++;
		nvme_steer_end_request(q, slot, 0, cqe->result, iob, false);
		return;
	}
	/* who is told here and now may look at the counters */
	if (!drain)
		nvme_steer_ended_count(q, ended, found + 1);
	/* the slot may be someone else's from here */
	if (slot->io.done == nvme_steer_group_done)
		nvme_steer_member_done(slot->io.owner, slot->result, 0, drain);
	else
		slot->io.done(slot, drain);
}

/*
 * So many entries were read. The doorbell of a completion queue is written when
 * as many were as it has more than the submission queue: before it could ever
 * be full.
 */
static __always_inline void nvme_steer_reaped(struct nvme_steer_queue *q,
					      unsigned int found, bool ring)
{
	q->cq_owed += found;
	if (ring && q->cq_owed > q->cq_room)
		nvme_steer_ring_cq(q);
	/* it is waited for only once it was stopped, and not without end */
	if (unlikely(!data_race(q->live)) && waitqueue_active(&q->drained))
		wake_up(&q->drained);
}

/* @limit: at most so many, 0 for all there are; @iob: for requests, or NULL */
static __always_inline unsigned int
nvme_steer_do_reap_any(struct nvme_steer_queue *q,
		       struct nvme_steer_drain *drain,
		       struct io_comp_batch *iob, bool ring, unsigned int limit)
{
	struct nvme_steer_ended ended = { .usage = q->cq_usage };
	struct nvme_completion *cqe = q->cqes + q->cq_head;
	struct nvme_completion *end = q->cqes + q->cq_depth;
	unsigned int found = 0, phase = q->cq_phase;
	unsigned long nr_slots = q->depth - 1;

	lockdep_assert_held(&q->cq_lock);

	for (;;) {
		unsigned int status = le16_to_cpu(READ_ONCE(cqe->status));

		if ((status & 1) != phase)
			break;
		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		nvme_steer_handle_cqe(q, cqe, status >> 1, nr_slots, drain,
				      iob, &ended, found);
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
	nvme_steer_ended_count(q, &ended, found);
	nvme_steer_reaped(q, found, ring);
	return found;
}

/* Likewise of a queue of a share: what is found makes room for others. */
static noinline unsigned int
nvme_steer_reap_shared(struct nvme_steer_queue *q,
		       struct nvme_steer_drain *drain,
		       struct io_comp_batch *iob, bool ring, unsigned int limit)
{
	unsigned int found = nvme_steer_shared_find(q, limit);

	if (!found)
		return 0;
	found = nvme_steer_do_reap_any(q, drain, iob, ring, found);
	if (q->given_head != READ_ONCE(q->given_tail) &&
	    unlikely(nvme_steer_shared_wanted(q)))
		nvme_steer_shared_reaped(q);
	return found;
}

static __always_inline unsigned int
nvme_steer_do_reap(struct nvme_steer_queue *q, struct nvme_steer_drain *drain,
		   struct io_comp_batch *iob, bool ring, unsigned int limit)
{
	if (static_branch_unlikely(&nvme_steer_share_key) && q->shared)
		return nvme_steer_reap_shared(q, drain, iob, ring, limit);
	return nvme_steer_do_reap_any(q, drain, iob, ring, limit);
}

/**
 * nvme_steer_reap - complete what the controller has completed
 * @q: the queue; under cq_lock
 * @drain: as for nvme_steer_poll()
 * @ring: the controller is told of it, if need be
 *
 * Return: the number of completions found.
 */
unsigned int nvme_steer_reap(struct nvme_steer_queue *q,
			     struct nvme_steer_drain *drain, bool ring)
{
	return nvme_steer_do_reap(q, drain, NULL, ring, 0);
}

/* Likewise at most @limit, or all with 0, and the controller is told. */
unsigned int nvme_steer_reap_some(struct nvme_steer_queue *q,
				  struct nvme_steer_drain *drain,
				  unsigned int limit)
{
	return nvme_steer_do_reap(q, drain, NULL, true, limit);
}

/* The end of polling, where requests have ended. Drops cq_lock. */
static noinline void nvme_steer_unlock_ended(struct nvme_steer_queue *q)
{
	struct request *ended = nvme_steer_ended_requests(q);

	nvme_steer_unlock(&q->cq_lock);
	nvme_steer_complete(q, ended);
}

static __always_inline void
nvme_steer_unlock_complete(struct nvme_steer_queue *q)
{
	if (unlikely(q->ended.head))
		nvme_steer_unlock_ended(q);
	else
		nvme_steer_unlock(&q->cq_lock);
}

/* nvme_steer_poll() of a queue in polled mode. */
static __always_inline unsigned int
nvme_steer_poll_polled(struct nvme_steer_queue *q,
		       struct nvme_steer_drain *drain)
{
	unsigned int found = 0;

	nvme_steer_flush(q);
	nvme_steer_enter();
	/* of a lock class of its own: no interrupt handler takes it */
	nvme_steer_lock(&q->cq_lock);
	if (unlikely(!q->cqes))
		;
	else if (static_branch_unlikely(&nvme_steer_batch_key) && drain)
		found = nvme_steer_gather_poll(q, drain);
	else
		found = nvme_steer_do_reap(q, drain, NULL, true, 0);
	nvme_steer_unlock_complete(q);
	nvme_steer_leave();
	return found;
}

/* An entry that is not a request's which has succeeded. */
static noinline void nvme_steer_reap_other(struct nvme_steer_queue *q,
					   struct nvme_completion *cqe,
					   unsigned int status,
					   struct io_comp_batch *iob)
{
	struct nvme_steer_ended ended = { .usage = q->cq_usage };

	WRITE_ONCE(q->requests, false);
	nvme_steer_handle_cqe(q, cqe, status, q->depth - 1, NULL, iob, &ended,
			      0);
	nvme_steer_ended_count(q, &ended, 1);
}

/*
 * nvme_steer_do_reap_any() for whoever polls for requests, and finds little
 * else. Few variables, so that they are in registers.
 */
static __always_inline unsigned int
nvme_steer_reap_requests(struct nvme_steer_queue *q, struct io_comp_batch *iob,
			 bool polled)
{
	unsigned int found = 0, head = q->cq_head, phase = q->cq_phase;
	struct nvme_completion *cqe;
	struct nvme_steer_slot *slot;
	unsigned int status;

	lockdep_assert_held(&q->cq_lock);

	for (;;) {
		cqe = &q->cqes[head];
		status = le16_to_cpu(READ_ONCE(cqe->status));
		if ((status & 1) != phase)
			break;
		/* the rest of the entry is valid once the phase tag is */
		dma_rmb();
		slot = nvme_steer_cid_slot(q, READ_ONCE(cqe->command_id),
					   q->depth - 1);
		if (likely(status < 2 && slot &&
			   slot->io.done == NVME_STEER_IO_REQUEST))
			nvme_steer_request_done(q, slot, cqe->result, iob,
						polled);
		else
			nvme_steer_reap_other(q, cqe, status >> 1, iob);
		if (unlikely(++head == q->cq_depth)) {
			head = 0;
			phase ^= 1;
		}
		found++;
	}
	if (unlikely(!found))
		return 0;
	q->cq_head = head;
	q->cq_phase = phase;
	nvme_steer_reaped(q, found, true);
	return found;
}

/* Poll a queue, if there is one and it has anything. In nvme_steer_enter(). */
static __always_inline int nvme_steer_poll_number(struct nvme_steer_ctrl *sc,
						  unsigned int n,
						  struct io_comp_batch *iob)
{
	struct nvme_steer_queue *q = rcu_dereference(sc->queues[n]);
	unsigned int found = 0;

	/* the number may be another queue's meanwhile */
	if (!q || q->mode != NVME_STEER_POLL || !nvme_steer_cqe_pending(q))
		return 0;
	nvme_steer_lock(&q->cq_lock);
	if (unlikely(!q->cqes))
		;
	else if (static_branch_unlikely(&nvme_steer_share_key) && q->shared)
		found = nvme_steer_reap_shared(q, NULL, iob, true, 0);
	else
		found = nvme_steer_reap_requests(q, iob, true);
	nvme_steer_unlock_complete(q);
	return found;
}

/* Likewise several: those without a bit of their own, and others. */
static noinline int nvme_steer_poll_numbers(struct nvme_steer_ctrl *sc,
					    unsigned long numbers,
					    struct io_comp_batch *iob)
{
	unsigned int n;
	int found = 0;

	for_each_set_bit(n, &numbers, NVME_STEER_BITS)
		if (n)
			found += nvme_steer_poll_number(sc, n, iob);
	if (numbers & 1)
		for (n = NVME_STEER_BITS; n <= NVME_STEER_MAX_QUEUES; n++)
			found += nvme_steer_poll_number(sc, n, iob);
	return found;
}

/**
 * nvme_steer_poll_hook - poll for requests of a hardware queue
 * @ctrl: the controller
 * @hctx: the hardware queue
 * @iob: for what is found, or NULL
 *
 * The hook poll of struct nvme_steer_hooks. No array is in its frame.
 */
__no_stack_protector
int nvme_steer_poll_hook(struct nvme_ctrl *ctrl, struct blk_mq_hw_ctx *hctx,
			 struct io_comp_batch *iob)
{
	struct nvme_steer_ctrl *sc;
	unsigned long numbers;
	int found = 0;

	nvme_steer_enter();
	sc = rcu_dereference(ctrl->steer);
	if (unlikely(!sc))
		goto leave;
	numbers = READ_ONCE(sc->block.polled[hctx->queue_num %
					     NVME_STEER_HCTXS]);
	/* most often all are on one queue */
	if (unlikely((numbers & (numbers - 1)) || (numbers & 1)))
		found = nvme_steer_poll_numbers(sc, numbers, iob);
	else if (likely(numbers))
		found = nvme_steer_poll_number(sc, __ffs(numbers), iob);
leave:
	nvme_steer_leave();
	return found;
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
	struct request *ended;
	unsigned int found = 0;
	unsigned long flags;

	if (q->mode == NVME_STEER_POLL)
		return nvme_steer_poll_polled(q, drain);

	nvme_steer_flush(q);
	spin_lock_irqsave(&q->cq_lock, flags);
	/* a gathering's timer will find nothing, and end it */
	if (q->cqes)
		found = nvme_steer_reap(q, drain, true);
	ended = nvme_steer_ended_requests(q);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	if (unlikely(ended))
		nvme_steer_complete(q, ended);
	return found;
}

/* @requests: looks for those; of a queue that is not shared. */
static __always_inline irqreturn_t nvme_steer_do_irq(struct nvme_steer_queue *q,
						     bool requests)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct request *ended;
	unsigned int found;

	/* nothing preempts an interrupt; where that may be, these are others */
	nvme_steer_lock(&q->cq_lock);
	found = requests ? nvme_steer_reap_requests(q, &iob, false) :
			   nvme_steer_do_reap(q, NULL, &iob, true, 0);
	if (found)
		q->interrupts++;
	ended = nvme_steer_ended_requests(q);
	nvme_steer_unlock(&q->cq_lock);
	if (!rq_list_empty(&iob.req_list))
		q->complete_batch(&iob);
	if (unlikely(ended))
		nvme_steer_complete(q, ended);
	return found ? IRQ_HANDLED : IRQ_NONE;
}

/* No array is in its frame, nor in the next one's. */
__no_stack_protector
static noinline irqreturn_t nvme_steer_irq_requests(struct nvme_steer_queue *q)
{
	return nvme_steer_do_irq(q, true);
}

__no_stack_protector
static noinline irqreturn_t nvme_steer_irq_any(struct nvme_steer_queue *q)
{
	return nvme_steer_do_irq(q, false);
}

/* A queue's interrupt handler. */
irqreturn_t nvme_steer_irq(int irq, void *data)
{
	struct nvme_steer_queue *q = data;

	if (static_branch_unlikely(&nvme_steer_batch_key))
		return nvme_steer_gather_irq(q);
	/* either finds all that there is */
	if (READ_ONCE(q->requests))
		return nvme_steer_irq_requests(q);
	return nvme_steer_irq_any(q);
}

/* Finish what a round of polling left to the poller. */
static void nvme_steer_passthru_finish(struct nvme_steer_drain *drain)
{
	struct nvme_steer_slot *slot;

	*drain->last = NULL;
	slot = drain->first;
	if (!slot)
		return;
	do
		nvme_steer_passthru_end(slot, 0);
	while ((slot = slot->next));
	nvme_steer_slots_put(drain->first);
}

/*
 * Poll for a command; the hook iopoll of struct nvme_steer_hooks.
 *
 * Completes all that is ready on the queue, of whichever ring: commands of the
 * ring that polls, whose uring_lock is held, on the spot, others as
 * nvme_steer_tell() says. Whatever became of the command polled for, it is not
 * told yet, so its slot keeps the queue. No array is in its frame.
 */
__no_stack_protector
int nvme_steer_iopoll_hook(struct io_uring_cmd *ioucmd,
		struct io_comp_batch *iob, unsigned int poll_flags)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(ioucmd);
	struct nvme_steer_queue *q = smp_load_acquire(&pdu->queue);
	struct nvme_steer_drain drain nvme_steer_uninitialized;

	if (IS_ERR_OR_NULL(q)) {
		if (!q)
			pdu->tell(ioucmd, 0);
		return 0;
	}
	drain.ring = cmd_to_io_kiocb(ioucmd)->ctx;
	drain.last = &drain.first;
	drain.runs = NULL;
	drain.jobs = NULL;
	if (likely(q->mode == NVME_STEER_POLL))
		nvme_steer_poll_polled(q, &drain);
	else
		nvme_steer_poll(q, &drain);
	nvme_steer_passthru_finish(&drain);
	if (drain.runs)
		nvme_steer_group_finish(&drain);
	if (unlikely(drain.jobs))
		nvme_steer_copy_finish(&drain);
	return 0;
}
