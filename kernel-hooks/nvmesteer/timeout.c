// SPDX-License-Identifier: GPL-2.0
/*
 * Commands the controller does not answer: look whether it has after all,
 * then abort, then reset the controller, or disable one that is being removed,
 * as the driver's own nvme_timeout() does. One delayed work a queue, armed only
 * while commands are in flight.
 */
#include "group_run.h"
#include "queue.h"

static bool nvme_steer_expired(struct nvme_steer_slot *slot)
{
	return smp_load_acquire(&slot->state) == NVME_STEER_SLOT_INFLIGHT &&
	       slot->io.done != NVME_STEER_IO_REQUEST &&
	       time_after_eq(jiffies, slot->deadline);
}

/*
 * When to look at a command; false when there is none. One that waits for its
 * share may have all its time when it is sent.
 */
static bool nvme_steer_deadline(const struct nvme_steer_queue *q,
				struct nvme_steer_slot *slot,
				unsigned long *deadline)
{
	u8 state = smp_load_acquire(&slot->state);

	if (state != NVME_STEER_SLOT_INFLIGHT &&
	    state != NVME_STEER_SLOT_WAITING)
		return false;
	*deadline = slot->deadline;
	if (state == NVME_STEER_SLOT_WAITING &&
	    !q->shared->slot[nvme_steer_slot_index(slot)].expires)
		*deadline = jiffies + slot->io.timeout;
	/* the block layer looks after its requests */
	return slot->io.done != NVME_STEER_IO_REQUEST;
}

/* When the next command in flight expires; false when none is in flight. */
static bool nvme_steer_next_deadline(struct nvme_steer_queue *q,
				     unsigned long *next)
{
	unsigned long deadline;
	bool any = false;
	unsigned int i;

	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		if (!nvme_steer_deadline(q, slot, &deadline))
			continue;
		if (!any || time_before(deadline, *next))
			*next = deadline;
		any = true;
	}
	return any;
}

static void nvme_steer_rearm(struct nvme_steer_queue *q)
{
	unsigned long next;

	spin_lock(&q->sq_lock);
	q->timer_armed = nvme_steer_next_deadline(q, &next);
	if (q->timer_armed) {
		/* an expired one that only a reset can end: look again soon */
		next = time_after(next, jiffies + HZ / 10) ?
			next : jiffies + HZ / 10;
		q->timer_expires = next;
		mod_delayed_work(nvme_steer_wq, &q->timer, next - jiffies);
	}
	spin_unlock(&q->sq_lock);
}

/*
 * Is the controller beyond help by an Abort? Reads a register, so only while
 * it is up: under state_lock.
 */
static bool nvme_steer_ctrl_fatal(struct nvme_steer_ctrl *sc)
{
	u32 csts;

	lockdep_assert_held(&sc->state_lock);

	return sc->nvme->ops->reg_read32(sc->nvme, NVME_REG_CSTS, &csts) ||
	       (csts & NVME_CSTS_CFS);
}

/*
 * The Abort of a command is to be sent: its id. Without @room for one the
 * command is as before it expired, and asks again when it does.
 */
static bool nvme_steer_claim_abort(struct nvme_steer_queue *q,
				   struct nvme_steer_slot *slot, bool room,
				   u16 *cid)
{
	bool due;

	spin_lock_irq(&q->cq_lock);
	due = smp_load_acquire(&slot->state) == NVME_STEER_SLOT_INFLIGHT &&
	      slot->aborted == NVME_STEER_ABORT_DUE;
	if (due) {
		*cid = nvme_steer_cid(slot);
		slot->aborted = room ? NVME_STEER_ABORT_SENT : 0;
	}
	spin_unlock_irq(&q->cq_lock);
	return due && room;
}

static void nvme_steer_abort(struct nvme_steer_queue *q, u16 cid)
{
	struct nvme_ctrl *nvme = q->ctrl->nvme;
	struct nvme_command cmd = { };
	int ret;

	cmd.abort.opcode = nvme_admin_abort_cmd;
	cmd.abort.cid = cid;
	cmd.abort.sqid = cpu_to_le16(q->qid);
	nvme_steer_count(q->ctrl, NVME_STEER_EV_ABORT);
	ret = nvme_submit_sync_cmd(nvme->admin_q, &cmd, NULL, 0);
	dev_warn(nvme->device, "steer queue %u: Abort status: %d\n",
		 q->number, ret);
}

/*
 * Does the controller stand still because it was told to? It activates firmware,
 * or somebody is about to reset it, and has not come to down() yet. As in
 * nvme_timeout(), commands get all their time once more.
 */
static bool nvme_steer_paused(const struct nvme_steer_ctrl *sc)
{
	enum nvme_ctrl_state state = nvme_ctrl_state(sc->nvme);

	return state == NVME_CTRL_RESETTING || state == NVME_CTRL_CONNECTING;
}

/*
 * A command that a reset is about to end needs no Abort, and one that is sent
 * late in the reset would be rung for at a controller that is disabled. Between
 * here and there a reset has much to do, so this is looked at without a lock, as
 * nvme_timeout() does.
 */
static bool nvme_steer_takes_aborts(const struct nvme_steer_ctrl *sc)
{
	return READ_ONCE(sc->up) && !nvme_steer_paused(sc);
}

/*
 * Send the Aborts that are due, one after the other, and wait for each answer.
 * Apart from the timeout work, which must go on: on an admin queue that is dead
 * as well the answer never comes, and the next expiry resets the controller.
 */
void nvme_steer_abort_work(struct work_struct *work)
{
	struct nvme_steer_queue *q =
		container_of(work, struct nvme_steer_queue, abort_work);
	atomic_t *limit = &q->ctrl->nvme->abort_limit;
	bool room = atomic_dec_return(limit) >= 0;
	unsigned int i;
	u16 cid;

	for (i = 0; i < q->depth - 1; i++) {
		room = room && nvme_steer_takes_aborts(q->ctrl);
		if (nvme_steer_claim_abort(q, &q->slots[i], room, &cid))
			nvme_steer_abort(q, cid);
	}
	atomic_inc(limit);
}

/*
 * Claim an expired command for another round. Under cq_lock it cannot end, so
 * its slot is not taken again under us; after that, an Abort that comes too
 * late names a generation the controller does not know.
 */
static bool nvme_steer_claim_expired(struct nvme_steer_queue *q,
				     struct nvme_steer_slot *slot,
				     bool paused, u16 *cid, bool *again)
{
	bool expired;

	spin_lock_irq(&q->cq_lock);
	expired = nvme_steer_expired(slot);
	if (expired) {
		*cid = nvme_steer_cid(slot);
		*again = slot->aborted;
		if (!*again && !paused)
			slot->aborted = NVME_STEER_ABORT_DUE;
		slot->deadline = jiffies + slot->io.timeout;
	}
	spin_unlock_irq(&q->cq_lock);
	return expired;
}

static void nvme_steer_expire(struct nvme_steer_queue *q,
			      struct nvme_steer_slot *slot, bool fatal,
			      bool paused)
{
	struct nvme_steer_ctrl *sc = q->ctrl;
	bool again;
	u16 cid;

	if (!nvme_steer_claim_expired(q, slot, paused, &cid, &again) || paused)
		return;
	nvme_steer_count(sc, NVME_STEER_EV_TIMEOUT);
	if (fatal || again) {
		dev_warn(sc->nvme->device,
			 "steer queue %u (qid %u): command id %#x timed out, resetting the controller\n",
			 q->number, q->qid, cid);
		if (!nvme_reset_ctrl(sc->nvme))
			nvme_steer_count(sc, NVME_STEER_EV_RESET);
		return;
	}

	dev_warn(sc->nvme->device,
		 "steer queue %u (qid %u): command id %#x timed out, aborting it\n",
		 q->number, q->qid, cid);
	queue_work(nvme_steer_wq, &q->abort_work);
}

/*
 * A controller that is being removed is not reset any more. It is disabled, as
 * in nvme_timeout(), which ends the command; else the removal would wait for it
 * for ever. It cannot get further meanwhile: the namespace is kept in use.
 */
static void nvme_steer_expire_removed(struct nvme_steer_queue *q,
				      struct nvme_steer_slot *slot)
{
	struct nvme_ctrl *nvme = q->ctrl->nvme;
	struct percpu_ref *usage = NULL;
	u16 cid = 0;

	spin_lock_irq(&q->cq_lock);
	if (nvme_steer_expired(slot)) {
		cid = nvme_steer_cid(slot);
		usage = nvme_steer_slot_usage(slot);
		percpu_ref_get(usage);
	}
	spin_unlock_irq(&q->cq_lock);
	if (!usage)
		return;
	nvme_steer_count(q->ctrl, NVME_STEER_EV_TIMEOUT);
	dev_warn(nvme->device,
		 "steer queue %u (qid %u): command id %#x timed out, disabling the controller\n",
		 q->number, q->qid, cid);
	nvme->ops->steer_disable(nvme);
	percpu_ref_put(usage);
}

void nvme_steer_timeout_work(struct work_struct *work)
{
	struct nvme_steer_queue *q =
		container_of(work, struct nvme_steer_queue, timer.work);
	struct nvme_steer_ctrl *sc = q->ctrl;
	bool any = false, up, fatal = false, paused, removed, held;
	unsigned int i, found;

	nvme_steer_queue_expire(q, NULL);
	for (i = 0; i < q->depth - 1 && !any; i++)
		any = nvme_steer_expired(&q->slots[i]);
	if (!any)
		goto rearm;

	mutex_lock(&sc->state_lock);
	up = sc->up && q->started;
	paused = nvme_steer_paused(sc);
	removed = nvme_state_terminal(sc->nvme);
	if (up && !paused)
		fatal = nvme_steer_ctrl_fatal(sc);
	mutex_unlock(&sc->state_lock);

	/* While it is down, whoever took it down ends the commands. */
	if (!up)
		goto rearm;

	/* what is held back to be delivered together is not late */
	held = READ_ONCE(q->gather.held);
	found = nvme_steer_poll(q, NULL);
	for (; found && !held; found--)
		nvme_steer_count(sc, NVME_STEER_EV_LATE_REAP);

	for (i = 0; i < q->depth - 1; i++) {
		if (!nvme_steer_expired(&q->slots[i]))
			continue;
		if (removed)
			nvme_steer_expire_removed(q, &q->slots[i]);
		else
			nvme_steer_expire(q, &q->slots[i], fatal, paused);
	}
rearm:
	nvme_steer_rearm(q);
}
