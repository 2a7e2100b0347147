/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The beginning of the short way of a copy; see copy_short.c. A header, because
 * it is part of the way of every small copy.
 */
#ifndef NVMESTEER_COPY_SHORT_H
#define NVMESTEER_COPY_SHORT_H

#include "copy_send.h"

void nvme_steer_short_read(struct nvme_steer_slot *slot,
			   struct nvme_steer_drain *drain);

/* Write the reads to the submission queue. Under sq_lock. */
static __always_inline void
nvme_steer_short_reads(struct nvme_steer_copy_job *job,
		       struct nvme_steer_lane *lane, struct nvme_steer_queue *q,
		       const struct nvme_steer_io *with, unsigned long deadline)
{
	const struct nvme_steer_side *side = &job->side[0];
	const struct nvme_steer_source *r = job->few;
	const u16 *free = q->free + q->nr_free;
	struct nvme_steer_io io = *with;
	unsigned int i = 0;

	do {
		struct nvme_command *cmd = &q->sq_cmds[q->sq_tail];
		struct nvme_steer_slot *slot = &q->slots[free[i]];

		lane->slots[i] = free[i];
		nvme_steer_rw(cmd, nvme_cmd_read, side, r->from, r->len,
			      job->cdw12 & NVME_STEER_COPY_LR_BIT);
		nvme_steer_buf_point(lane->buf, r->pos, r->len, cmd);
		cmd->common.command_id = nvme_steer_next_cid(slot);
		io.owner = &lane->cmd[i];
		nvme_steer_take(slot, &io, deadline);
		nvme_steer_advance(q);
		r++;
	} while (++i < job->nr);
}

/**
 * nvme_steer_short_copy - carry out a copy the short way, if that is possible
 * @job: all is decided about it, and it is counted as having one lane
 * @q: its queue, live a moment ago
 *
 * Context: task, in nvme_steer_enter().
 * Return: whether it was begun; then it is not the caller's any more.
 */
static __always_inline bool
nvme_steer_short_copy(struct nvme_steer_copy_job *job,
		      struct nvme_steer_queue *q)
{
	struct nvme_steer_side *side = &job->side[0];
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_lane *lane = job->few_lanes;
	unsigned long deadline = jiffies + job->timeout;
	struct nvme_steer_stats __percpu *stats = job->sc->stats;
	unsigned int nr = job->nr;
	bool polled = q->mode == NVME_STEER_POLL;
	struct nvme_steer_copy_buf *buf;
	unsigned long flags = 0;

	if (job->how != NVME_STEER_COPY_EMULATE || nr > NVME_STEER_COPY_READS ||
	    job->nr_sides > 1 || job->len > side->max || q->shared ||
	    (job->can & NVME_STEER_COPY_ORDERED) ||
	    NVME_STEER_COPY_KIB(job->answer) || nvme_steer_buf_wanted())
		return false;
	buf = nvme_steer_buf_get(job->sc, false, 0);
	if (unlikely(IS_ERR(buf)))
		return false;
	if (unlikely(buf->size < job->len ||
		     !percpu_ref_tryget_live_rcu(usage)))
		goto put_buf;
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms))
		goto put;
	/* see nvme_steer_lane_lock() */
	if (!polled)
		local_irq_save(flags);
	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live || !nvme_steer_has_free(q, nr)))
		goto unlock;
	if (nr > 1)
		percpu_ref_get_many(usage, nr - 1);
	job->q = q;
	side->q = q;
	lane->state = NVME_STEER_LANE_SHORT;
	lane->slots_q = q;
	lane->nr_slots = nr;
	atomic_set(&lane->left, nr);
	lane->buf = buf;
	q->nr_free -= nr;
	/* one for the job, which may have to go on by the lane's way */
	q->refs += nr + 1;
	nvme_steer_arm_timer(q, deadline);
	nvme_steer_short_reads(job, lane, q, &(struct nvme_steer_io) {
		.done = nvme_steer_short_read,
		.usage = usage,
		.timeout = job->timeout,
	}, deadline);
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_ring_sq(q);
	nvme_steer_unlock(&q->sq_lock);
	if (!polled)
		local_irq_restore(flags);
	/* job and queue may be gone */
	this_cpu_inc(stats->events[NVME_STEER_EV_ROUTED]);
	return true;
unlock:
	nvme_steer_unlock(&q->sq_lock);
	if (!polled)
		local_irq_restore(flags);
put:
	percpu_ref_put(usage);
put_buf:
	nvme_steer_buf_put(buf);
	return false;
}

#endif /* NVMESTEER_COPY_SHORT_H */
