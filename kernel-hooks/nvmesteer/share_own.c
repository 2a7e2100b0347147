// SPDX-License-Identifier: GPL-2.0
/*
 * What waits for its share and cannot go on waiting goes down the driver's own
 * path. All that waits on a queue that gets nowhere, when the watchdog has
 * ejected the policy: on that queue it would wait for an Abort or a reset with
 * those that are there. And a block request that waits behind others, for a
 * slot, while its namespace is being frozen.
 *
 * A block request goes back to the driver, which has built it, and is sent by
 * the queue that it would have taken. Any other command keeps its slot, with all
 * that it names mapped, and is carried by a request of its own, without data as
 * the block layer sees it.
 */
#include <linux/blk-mq.h>

#include "block.h"
#include "group_run.h"
#include "share.h"

/* How long requests for the commands of a queue are waited for, ticks. */
#define NVME_STEER_OWN_TRIES	HZ

/* A command has ended, with what is noted in its slot. Process context. */
static void nvme_steer_own_done(struct nvme_steer_slot *slot)
{
	struct nvme_steer_queue *q = slot->queue;

	spin_lock_irq(&q->cq_lock);
	nvme_steer_own_end(q, slot);
	/* the queue may be gone once the lock is */
	wake_up(&q->drained);
	spin_unlock_irq(&q->cq_lock);
}

/* Tell of those that have ended. */
void nvme_steer_own_work(struct work_struct *work)
{
	struct nvme_steer_shared *sh =
		container_of(work, struct nvme_steer_shared, own_work);
	struct nvme_steer_slot *slot, *next;

	spin_lock_irq(&sh->arb->lock);
	slot = sh->own;
	sh->own = NULL;
	spin_unlock_irq(&sh->arb->lock);
	for (; slot; slot = next) {
		next = slot->next;
		nvme_steer_own_done(slot);
	}
}

static void nvme_steer_own_cancelled(struct nvme_steer_slot *slot)
{
	slot->cancelled = true;
	slot->status = NVME_SC_HOST_ABORTED_CMD;
	slot->result = 0;
}

/* The request has ended, maybe in an interrupt, where cq_lock may be held. */
static enum rq_end_io_ret nvme_steer_own_end_io(struct request *req,
						blk_status_t err)
{
	struct nvme_steer_slot *slot = req->end_io_data;
	struct nvme_steer_shared *sh = slot->queue->shared;
	unsigned long flags;

	slot->cancelled = false;
	slot->status = nvme_req(req)->status;
	slot->result = le64_to_cpu(nvme_req(req)->result.u64);
	if ((nvme_req(req)->flags & NVME_REQ_CANCELLED) ||
	    (err && !slot->status))
		nvme_steer_own_cancelled(slot);
	/* the namespace may be gone once the slot's owner knows */
	blk_mq_free_request(req);
	spin_lock_irqsave(&sh->arb->lock, flags);
	slot->next = sh->own;
	sh->own = slot;
	/* the work waits for the lock, and the queue for the work */
	queue_work(nvme_steer_wq, &sh->own_work);
	spin_unlock_irqrestore(&sh->arb->lock, flags);
	return RQ_END_IO_NONE;
}

/*
 * A request to carry the command of a slot, or NULL: there is none to be had
 * within @tries ticks.
 */
static struct request *nvme_steer_own_request(struct nvme_steer_slot *slot,
					      struct nvme_command *cmd,
					      unsigned int *tries)
{
	struct percpu_ref *usage = nvme_steer_slot_usage(slot);
	struct request_queue *rq = container_of(usage, struct request_queue,
						q_usage_counter);
	struct request *req;

	for (;;) {
		/* who has frozen the namespace waits for this command */
		req = blk_mq_alloc_request(rq, nvme_req_op(cmd),
					   BLK_MQ_REQ_NOWAIT);
		if (!IS_ERR(req))
			return req;
		if (!*tries || percpu_ref_is_dying(usage))
			return NULL;
		--*tries;
		schedule_timeout_uninterruptible(1);
	}
}

/* Send the command of a slot, which is OWN. False: it cannot be. */
static bool nvme_steer_own_send(struct nvme_steer_slot *slot,
				unsigned int *tries)
{
	struct nvme_steer_shared *sh = slot->queue->shared;
	struct nvme_command *cmd = &sh->slot[nvme_steer_slot_index(slot)].cmd;
	u8 flags = cmd->common.flags;
	struct request *req;

	req = nvme_steer_own_request(slot, cmd, tries);
	if (!req)
		return false;
	nvme_init_request(req, cmd);
	/* how its data is named was decided when it was mapped */
	nvme_req(req)->cmd->common.flags = flags;
	nvme_req(req)->flags |= NVME_REQ_STEER_OWN;
	nvme_req(req)->result.u64 = 0;
	req->timeout = slot->io.timeout;
	req->end_io = nvme_steer_own_end_io;
	req->end_io_data = slot;
	blk_execute_rq_nowait(req, false);
	return true;
}

/* No request for it: it goes where it would have gone, or ends. */
static void nvme_steer_own_failed(struct nvme_steer_slot *slot)
{
	struct nvme_steer_queue *q = slot->queue;
	bool sent;

	spin_lock_irq(&q->shared->arb->lock);
	sent = nvme_steer_share_resend(q->shared, nvme_steer_slot_index(slot));
	spin_unlock_irq(&q->shared->arb->lock);
	if (!sent) {
		nvme_steer_own_cancelled(slot);
		nvme_steer_own_done(slot);
	}
}

/* Requests of no list any more are nobody's. Under the locks that end them. */
static void nvme_steer_own_requests(struct nvme_steer_queue *q,
				    const struct rq_list *requests)
{
	struct request *req;

	lockdep_assert_held(&q->cq_lock);
	lockdep_assert_held(&q->shared->arb->lock);

	for (req = requests->head; req; req = req->rq_next) {
		nvme_req(req)->steer = 0;
		WRITE_ONCE(q->cancelled, q->cancelled + 1);
	}
}

/* They are sent by the driver at once, as long as the controller is up. */
static void nvme_steer_own_send_requests(struct nvme_steer_ctrl *sc,
					 struct rq_list *requests)
{
	struct request *req;

	lockdep_assert_held(&sc->state_lock);

	while ((req = rq_list_pop(requests))) {
		WRITE_ONCE(req->deadline, jiffies + READ_ONCE(req->timeout));
		sc->res.send(req);
	}
}

/*
 * Take what waits, which is not to be sent to the queue. Requests are nobody's
 * then; all other commands keep their slots, which are OWN, and the caller's.
 * What comes late finds the queue closed.
 */
static void nvme_steer_own_collect(struct nvme_steer_queue *q,
				   struct rq_list *requests)
{
	struct nvme_steer_shared *sh = q->shared;
	struct nvme_steer_slot *slot;
	struct request *req;

	spin_lock(&q->sq_lock);
	spin_lock_irq(&sh->arb->lock);
	WRITE_ONCE(sh->closing, true);
	spin_unlock_irq(&sh->arb->lock);
	spin_unlock(&q->sq_lock);

	spin_lock_irq(&q->cq_lock);
	spin_lock(&sh->arb->lock);
	while (sh->nr) {
		slot = &q->slots[sh->first];
		nvme_steer_share_remove(sh, NVME_STEER_NO_SLOT, sh->first);
		if (slot->io.done != NVME_STEER_IO_REQUEST) {
			smp_store_release(&slot->state, NVME_STEER_SLOT_OWN);
			continue;
		}
		rq_list_add_tail(requests, slot->io.owner);
		slot->state = NVME_STEER_SLOT_DONE;
		nvme_steer_give(q, slot);
	}
	while ((req = rq_list_pop(&sh->behind)))
		rq_list_add_tail(requests, req);
	WRITE_ONCE(sh->nr_behind, 0);
	nvme_steer_own_requests(q, requests);
	spin_unlock(&sh->arb->lock);
	spin_unlock_irq(&q->cq_lock);
	wake_up_all(&sh->room);
}

/* Take what waits, while the controller is up; slots are marked OWN. */
static void nvme_steer_own_take(struct nvme_steer_queue *q)
{
	struct rq_list requests = { };

	nvme_steer_own_collect(q, &requests);
	nvme_steer_own_send_requests(q->ctrl, &requests);
}

/* All that waits on a queue. */
static void nvme_steer_own_queue(struct nvme_steer_queue *q)
{
	unsigned int i, tries = NVME_STEER_OWN_TRIES;

	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		if (READ_ONCE(slot->state) == NVME_STEER_SLOT_OWN &&
		    !nvme_steer_own_send(slot, &tries))
			nvme_steer_own_failed(slot);
	}
}

/**
 * nvme_steer_share_rescue - have what waits where nothing ends sent elsewhere
 * @p: a policy that ends because of a stall, and is not asked any more; its
 *	limits hold still
 *
 * Context: process, under its controller's policy_lock.
 */
void nvme_steer_share_rescue(struct nvme_steer_policy *p)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_queue *q;
	unsigned int n;
	bool taken;

	lockdep_assert_held(&sc->policy_lock);

	mutex_lock(&sc->queue_lock);
	nvme_steer_for_each_queue(sc, q, n) {
		if (q->owner != p || !q->shared)
			continue;
		mutex_lock(&sc->state_lock);
		/* while it is down, whoever took it down ends the commands */
		taken = sc->up && q->started && q->progress.looks;
		if (taken)
			nvme_steer_own_take(q);
		mutex_unlock(&sc->state_lock);
		if (taken)
			nvme_steer_own_queue(q);
	}
	mutex_unlock(&sc->queue_lock);
}

/**
 * nvme_steer_share_unfreeze_behind - send requests behind whose namespace is
 *	being frozen, or removed, elsewhere
 * @q: a queue of a share
 *
 * They have no slot, and those who have may not be of that namespace: whoever
 * freezes it would wait for a share that it has nothing to do with.
 *
 * Context: process, under the controller's state_lock.
 */
void nvme_steer_share_unfreeze_behind(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	struct rq_list behind = { }, requests = { };
	struct request *req;

	lockdep_assert_held(&q->ctrl->state_lock);

	/* while it is down, whoever took it down ends them */
	if (!q->ctrl->up || !READ_ONCE(sh->nr_behind))
		return;
	spin_lock_irq(&q->cq_lock);
	spin_lock(&sh->arb->lock);
	while ((req = rq_list_pop(&sh->behind))) {
		if (!percpu_ref_is_dying(&req->q->q_usage_counter)) {
			rq_list_add_tail(&behind, req);
			continue;
		}
		WRITE_ONCE(sh->nr_behind, sh->nr_behind - 1);
		rq_list_add_tail(&requests, req);
	}
	sh->behind = behind;
	nvme_steer_own_requests(q, &requests);
	spin_unlock(&sh->arb->lock);
	spin_unlock_irq(&q->cq_lock);
	nvme_steer_own_send_requests(q->ctrl, &requests);
}
