// SPDX-License-Identifier: GPL-2.0
/*
 * The rounds of a command group: sending, and what comes of it.
 *
 * A round is as many of the group's commands as it got slots. It ends when all
 * of them have ended; who finds that, under cq_lock, is the only one to know
 * the group, and leaves it to its ring's poller or to its task: they send the
 * next round, or tell io_uring.
 */
#include <linux/blkdev.h>

#include "group_run.h"
#include "queue.h"

static void nvme_steer_member_failed(struct nvme_steer_run *run,
				     const struct nvme_steer_member *m,
				     int status)
{
	unsigned int index = m - run->members;

	if (!run->failed++ || index < run->first) {
		run->first = index;
		run->status = status;
	}
}

static struct nvme_steer_slot *
nvme_steer_run_slot(const struct nvme_steer_run *run, unsigned int i)
{
	return &run->queue->slots[run->slots[i]];
}

/* ------------------------------------------------------------------ sending */

/*
 * Name the data of a round by mappings that are kept, as of @epoch; @used is
 * by how many. Returns whether that was possible for all that are not mapped
 * for themselves. Under RCU.
 */
static bool nvme_steer_round_kept(struct nvme_steer_run *run,
				  struct nvme_steer_ctrl *sc, unsigned int nr,
				  u32 *epoch, unsigned int *used)
{
	struct nvme_steer_member *m = run->members + run->sent;
	struct nvme_steer_member *end = m + nr;
	struct iov_iter iter nvme_steer_uninitialized;
	struct nvme_steer_dptr dptr;

	*epoch = 0;
	*used = 0;
	for (; m < end; m++) {
		u32 kept;

		if (unlikely(!m->len || (m->flags & (NVME_STEER_MEMBER_MAPPED |
						     NVME_STEER_MEMBER_SKIP))))
			continue;
		if (unlikely(!(m->flags & NVME_STEER_MEMBER_BOUNDED)))
			return false;
		m->cmd.common.flags = 0;
		iter.bvec = nvme_steer_run_bvec(run, m->addr - run->base,
						&iter.iov_offset);
		iter.count = m->len;
		kept = nvme_steer_keep_epoch(sc);
		if (unlikely(!nvme_steer_kept(sc, iter.bvec, iter.iov_offset,
					      iter.count, &dptr)))
			return false;
		nvme_steer_set_dptr(&m->cmd, &dptr);
		/* the first is the oldest */
		if (!*epoch)
			*epoch = kept;
		++*used;
	}
	return true;
}

static int nvme_steer_member_map(struct nvme_steer_run *run,
				 struct nvme_steer_ctrl *sc,
				 struct nvme_steer_member *m,
				 struct nvme_steer_slot *slot, bool keep)
{
	bool bounded = m->flags & NVME_STEER_MEMBER_BOUNDED;
	bool write = m->cmd.common.opcode & 1;
	enum nvme_steer_event why;
	struct iov_iter iter;
	int ret;

	ret = io_uring_cmd_import_fixed(m->addr, m->len,
					write ? ITER_SOURCE : ITER_DEST,
					&iter, run->ioucmd);
	if (ret)
		return ret;
	if (keep && bounded)
		nvme_steer_keep(sc, &iter, m->addr);
	m->cmd.common.flags = 0;
	ret = nvme_steer_map_data(slot, &m->cmd, &iter,
				  write ? DMA_TO_DEVICE : DMA_FROM_DEVICE,
				  !bounded && run->sgl, &why);
	if (ret) {
		nvme_steer_count(sc, why);
		return ret;
	}
	m->flags |= NVME_STEER_MEMBER_MAPPED;
	run->mapped = true;
	nvme_steer_count(sc, NVME_STEER_EV_MAPPED);
	return 0;
}

/*
 * Map what is not kept, each for itself; the slots are RESERVED. One that cannot
 * be mapped has failed. Returns how many commands the round has then.
 */
static unsigned int nvme_steer_round_map(struct nvme_steer_run *run,
					 struct nvme_steer_ctrl *sc,
					 unsigned int nr, bool keep)
{
	struct nvme_steer_member *m = run->members + run->sent;
	struct iov_iter iter = { };
	struct nvme_steer_dptr dptr;
	unsigned int i, left = 0;
	bool kept;
	int ret;

	for (i = 0; i < nr; i++, m++) {
		if (m->flags & NVME_STEER_MEMBER_SKIP)
			continue;
		ret = 0;
		if (m->len && !(m->flags & NVME_STEER_MEMBER_MAPPED)) {
			iter.bvec = nvme_steer_run_bvec(run,
							m->addr - run->base,
							&iter.iov_offset);
			iter.count = m->len;
			rcu_read_lock();
			kept = (m->flags & NVME_STEER_MEMBER_BOUNDED) &&
			       nvme_steer_kept(sc, iter.bvec, iter.iov_offset,
					       iter.count, &dptr);
			if (kept)
				nvme_steer_set_dptr(&m->cmd, &dptr);
			rcu_read_unlock();
			if (!kept)
				ret = nvme_steer_member_map(run, sc, m,
						nvme_steer_run_slot(run, left),
						keep);
		}
		if (ret) {
			m->flags |= NVME_STEER_MEMBER_SKIP;
			nvme_steer_member_status(m, ret);
			nvme_steer_member_failed(run, m, ret);
			if (run->flags & NVME_STEER_GROUP_STOP)
				return i + 1;
		} else {
			left++;
		}
	}
	return nr;
}

static unsigned int nvme_steer_round_skipped(const struct nvme_steer_run *run,
					     unsigned int nr)
{
	unsigned int i, skipped = 0;

	for (i = 0; i < nr; i++)
		if (run->members[run->sent + i].flags & NVME_STEER_MEMBER_SKIP)
			skipped++;
	return skipped;
}

/* Give up what was mapped for a round that is not sent. */
static void nvme_steer_round_unmap(struct nvme_steer_run *run)
{
	struct nvme_steer_slot *slot;
	unsigned int i;

	for (i = 0; i < run->nr_slots && run->mapped; i++) {
		slot = nvme_steer_run_slot(run, i);
		nvme_steer_unmap(slot);
		nvme_steer_release_pages(&slot->map);
	}
	run->mapped = false;
}

/* Send what is complete. As nvme_steer_read_and_send(). */
static bool nvme_steer_send_copies(struct nvme_steer_run *run,
				   struct nvme_steer_queue *q,
				   const struct nvme_steer_io *io)
{
	struct nvme_steer_writer w nvme_steer_uninitialized;
	struct nvme_steer_member *m = run->members;

	if (unlikely(!nvme_steer_write_begin(&w, q, run->nr)))
		return false;
	for (; m < run->members + run->nr; m++) {
		*w.at = m->cmd;
		w.at->common.command_id = nvme_steer_write_id(&w);
		nvme_steer_write_next(&w);
	}
	nvme_steer_write_commit(q, w.at - w.first, io, run->members, run->nr,
				run->slots);
	return true;
}

/*
 * The short way: there are slots for all commands, and all are complete, or
 * only the first one was read and the rest is read on the way. Anything else
 * has another try on the long way. Returns whether the group was sent, and is
 * not the caller's any more. In nvme_steer_enter().
 */
bool nvme_steer_group_short(struct nvme_steer_run *run,
			    struct nvme_steer_reading *r,
			    struct nvme_steer_queue *q)
{
	struct nvme_steer_io io nvme_steer_uninitialized;
	struct nvme_steer_ctrl *sc = r->sc;
	unsigned int nr = run->nr;

	io.done = nvme_steer_group_done;
	io.usage = NULL;
	io.timeout = run->timeout;
	io.kept = run->epoch;
	if (unlikely(!nvme_steer_use(&run->rq->q_usage_counter)))
		return false;
	if (nvme_steer_formatted(r->ns->head, r->shift, r->ms))
		goto put;
	run->queue = q;
	run->nr_slots = nr;
	run->left = nr;
	run->sent = nr;
	if (likely(r->nr < nr ? nvme_steer_read_and_send(run, r, q, &io) :
				nvme_steer_send_copies(run, q, &io))) {
		this_cpu_add(sc->stats->events[NVME_STEER_EV_ROUTED], nr);
		this_cpu_add(sc->stats->events[NVME_STEER_EV_KEPT],
			     nr - r->bare);
		return true;
	}
	run->nr_slots = 0;
	run->sent = 0;
put:
	percpu_ref_put(&run->rq->q_usage_counter);
	return false;
}

/*
 * Send as many commands as there are slots for. Under RCU, which is dropped;
 * the slots of the round before, if any, are given back for that, and keep
 * @q until then.
 *
 * Return: 0, and the run is not the caller's any more; 1 when none of the
 * round could be sent; or -errno, with the event that says why. In both cases
 * the slots of the run, if it has any, go on keeping @q.
 */
int nvme_steer_round(struct nvme_steer_run *run, struct nvme_steer_ctrl *sc,
		     struct nvme_steer_queue *q, bool keep,
		     enum nvme_steer_event *why)
	__releases(RCU)
{
	unsigned int got = min(run->window, run->nr - run->sent), nr, left;
	struct nvme_steer_io io = {
		.done = nvme_steer_group_done,
		.timeout = run->timeout,
	};
	const struct nvme_ns *ns;
	unsigned int kept;
	int ret;

	lockdep_assert_in_rcu_reader();

	*why = NVME_STEER_EV_FROZEN;
	if (unlikely(!nvme_steer_use(&run->rq->q_usage_counter))) {
		nvme_steer_count(sc, *why);
		rcu_read_unlock();
		return -EAGAIN;
	}
	ns = run->rq->queuedata;
	if (nvme_steer_formatted(ns->head, run->lba_shift, run->ms)) {
		nvme_steer_count(sc, *why);
		percpu_ref_put(&run->rq->q_usage_counter);
		rcu_read_unlock();
		return -EAGAIN;
	}
	ret = nvme_steer_slots_get(q, run->slots, run->nr_slots,
				   run->reserved, &got);
	if (unlikely(ret)) {
		*why = ret == -EBUSY ? NVME_STEER_EV_QUEUE_FULL :
				       NVME_STEER_EV_QUEUE_DOWN;
		nvme_steer_count(sc, *why);
		percpu_ref_put(&run->rq->q_usage_counter);
		rcu_read_unlock();
		return ret;
	}
	run->queue = q;
	run->nr_slots = got;
	run->reserved = true;
	/* the namespace may go once nothing of it is in flight */
	if (unlikely(run->sent + got < run->nr && !run->holds_rq))
		run->holds_rq = blk_get_queue(run->rq);

	nr = left = got;
	while (unlikely(!nvme_steer_round_kept(run, sc, nr, &io.kept, &kept))) {
		rcu_read_unlock();
		nr = nvme_steer_round_map(run, sc, nr, keep);
		left = nr - nvme_steer_round_skipped(run, nr);
		rcu_read_lock();
	}
	run->left = left;
	run->sent += nr;
	if (likely(left)) {
		/* as they are when the round ends */
		run->nr_slots = left;
		run->reserved = false;
		ret = nvme_steer_submit_members(q, run->slots, got, &io,
						&run->members[run->sent - nr],
						left);
		if (likely(!ret)) {
			this_cpu_add(sc->stats->events[NVME_STEER_EV_ROUTED],
				     left);
			this_cpu_add(sc->stats->events[NVME_STEER_EV_KEPT],
				     kept);
			rcu_read_unlock();
			return 0;
		}
		run->nr_slots = got;
		run->reserved = true;
		*why = NVME_STEER_EV_QUEUE_DOWN;
		nvme_steer_count(sc, *why);
		run->sent -= nr;
	} else {
		ret = 1;
	}
	percpu_ref_put(&run->rq->q_usage_counter);
	rcu_read_unlock();
	nvme_steer_round_unmap(run);
	return ret;
}

/* ------------------------------------------------------------------- ending */

/* All that was sent has ended, and @why nothing more is, if anything is left. */
static void nvme_steer_group_end(struct nvme_steer_run *run, int why,
				 unsigned int issue_flags)
{
	unsigned int i;

	for (i = run->sent; unlikely(i < run->nr); i++)
		nvme_steer_member_status(&run->members[i], why);
	if (unlikely(!run->failed && run->sent < run->nr)) {
		run->first = run->sent;
		run->status = why;
	}
	io_uring_cmd_done(run->ioucmd, run->status, (u64)run->first << 32 |
			  (run->sent - run->failed), issue_flags);
	/* the last slot may keep the module */
	nvme_steer_indices_put(run->queue, run->slots, run->nr_slots,
			       run->reserved);
	nvme_steer_run_free(run);
}

/* A round has ended: send the next, or end the group. */
void nvme_steer_group_next(struct nvme_steer_run *run, unsigned int issue_flags)
{
	struct nvme_steer_queue *q = run->queue;
	bool stop = run->failed && (run->flags & NVME_STEER_GROUP_STOP);
	enum nvme_steer_event why;
	int ret = 1;

	if (unlikely(run->mapped))
		nvme_steer_round_unmap(run);
	if (unlikely(issue_flags & IO_URING_F_TASK_DEAD))
		stop = true;
	while (unlikely(run->sent < run->nr && !stop && ret > 0)) {
		ret = -ENODEV;
		if (!run->holds_rq)
			break;
		rcu_read_lock();
		ret = nvme_steer_round(run, q->ctrl, q, false, &why);
		if (!ret)
			return;
		stop = run->failed && (run->flags & NVME_STEER_GROUP_STOP);
	}
	nvme_steer_group_end(run, stop ? -ECANCELED : -EAGAIN, issue_flags);
}

static void nvme_steer_group_tell(struct io_uring_cmd *ioucmd,
				  unsigned int issue_flags)
{
	struct nvme_steer_run *run = nvme_steer_pdu(ioucmd)->run;

	/* to be polled again, if there is another round */
	nvme_steer_pdu(ioucmd)->queue = run->queue;
	nvme_steer_group_next(run, issue_flags);
}

/* A round has ended: leave it to whoever drains, or to its ring. */
void nvme_steer_round_done(struct nvme_steer_run *run,
			   struct nvme_steer_drain *drain)
{
	percpu_ref_put(&run->rq->q_usage_counter);
	if (drain && run->ring == drain->ring) {
		run->next = drain->runs;
		drain->runs = run;
		return;
	}
	nvme_steer_pdu(run->ioucmd)->run = run;
	nvme_steer_tell(run->ioucmd, nvme_steer_group_tell);
}

/* Under cq_lock. One that has succeeded may end without this. */
void nvme_steer_group_done(struct nvme_steer_slot *slot,
			   struct nvme_steer_drain *drain)
{
	const struct nvme_steer_member *m = slot->io.owner;
	int status = slot->status;

	lockdep_assert_held(&slot->queue->cq_lock);

	if (unlikely(status)) {
		if (slot->cancelled)
			status = -EINTR;
		nvme_steer_member_failed(m->run, m, status);
	}
	nvme_steer_member_done(m, slot->result, status, drain);
}

/**
 * nvme_steer_group_finish - finish what a round of polling left to the poller
 * @drain: its groups
 *
 * Context: task, uring_lock of drain->ring is held.
 */
void nvme_steer_group_finish(struct nvme_steer_drain *drain)
{
	struct nvme_steer_run *run, *next;

	for (run = drain->runs; run; run = next) {
		next = run->next;
		nvme_steer_group_next(run, 0);
	}
}
