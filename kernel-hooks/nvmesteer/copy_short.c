// SPDX-License-Identifier: GPL-2.0
/*
 * The short way of a copy: one that is read and written by the kernel, by one
 * queue and in one piece, which most small ones are. It is a lane's way with
 * nothing left to decide: the slots of its reads stay its own until its caller
 * was told, and the write takes the one that came free last. Whatever is out of
 * the ordinary is left to the lane, which goes on from where it is.
 */
#include "copy_send.h"

static void nvme_steer_short_wrote(struct nvme_steer_slot *slot,
				   struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane_cmd *cmd = slot->io.owner;
	struct nvme_steer_lane *lane = cmd->lane;

	if (unlikely(slot->status || slot->cancelled)) {
		nvme_steer_lane_done(slot, drain);
		return;
	}
	nvme_steer_buf_put(lane->buf);
	nvme_steer_job_emulated(lane->job, drain);
}

/*
 * Write what was read, by the slot of a read that has ended. Under cq_lock,
 * hence sq_lock only if it is free. Returns whether it was sent.
 */
static __always_inline bool nvme_steer_short_write(struct nvme_steer_lane *lane,
						   struct nvme_steer_slot *slot)
{
	const struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_side *side = &job->side[0];
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_queue *q = slot->queue;
	unsigned long deadline = jiffies + job->timeout;
	struct nvme_command *cmd;
	u32 cdw12 = job->cdw12 & NVME_STEER_COPY_LR_BIT;

	if (job->flags & NVME_STEER_COPY_F_FUA)
		cdw12 |= NVME_STEER_COPY_FUA_BIT;
	if (unlikely(!percpu_ref_tryget_live_rcu(usage)))
		return false;
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms))
		goto put;
	if (unlikely(!nvme_steer_trylock(&q->sq_lock)))
		goto put;
	if (unlikely(!q->live))
		goto unlock;
	lane->state = NVME_STEER_LANE_WRITE;
	lane->good = lane->part;
	lane->read_status = 0;
	atomic_set(&lane->left, 1);
	nvme_steer_arm_timer(q, deadline);
	cmd = &q->sq_cmds[q->sq_tail];
	nvme_steer_rw(cmd, nvme_cmd_write, side, job->to, lane->good, cdw12);
	nvme_steer_buf_point(lane->buf, 0, lane->good, cmd);
	cmd->common.command_id = nvme_steer_next_cid(slot);
	nvme_steer_take(slot, &(struct nvme_steer_io) {
		.done = nvme_steer_short_wrote,
		.owner = &lane->cmd[0],
		.usage = usage,
		.timeout = job->timeout,
	}, deadline);
	nvme_steer_advance(q);
	WRITE_ONCE(q->submitted, q->submitted + 1);
	nvme_steer_ring_sq(q);
	nvme_steer_unlock(&q->sq_lock);
	return true;
unlock:
	nvme_steer_unlock(&q->sq_lock);
put:
	percpu_ref_put(usage);
	return false;
}

/* Under cq_lock. */
static void nvme_steer_short_read(struct nvme_steer_slot *slot,
				  struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane_cmd *cmd = slot->io.owner;
	struct nvme_steer_lane *lane = cmd->lane;
	bool sent = false;

	if (unlikely(slot->status || slot->cancelled)) {
		nvme_steer_lane_done(slot, drain);
		return;
	}
	if (!atomic_dec_and_test(&lane->left))
		return;
	nvme_steer_enter();
	if (likely(!lane->status))
		sent = nvme_steer_short_write(lane, slot);
	nvme_steer_leave();
	if (unlikely(!sent))
		nvme_steer_lane_resume(lane, drain);
}

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

/* The lane of a job, with all reads of its piece sent, and none of it ended. */
static __always_inline void
nvme_steer_short_lane(struct nvme_steer_copy_job *job,
		      struct nvme_steer_lane *lane, struct nvme_steer_queue *q)
{
	lane->state = NVME_STEER_LANE_READ;
	lane->offload = false;
	lane->turn = false;
	lane->nr_slots = job->nr;
	lane->slots_q = q;
	atomic_set(&lane->left, job->nr);
	lane->bad = NVME_STEER_COPY_READS;
	lane->status = 0;
	lane->failed_status = 0;
	lane->part = job->len;
	lane->sent = job->len;
	lane->first = 0;
	lane->reads = 0;
	lane->at = (struct nvme_steer_cursor) { };
	lane->pos = 0;
	lane->len = job->len;
	lane->gone = 0;
	lane->offloaded = 0;
	lane->emulated = 0;
	lane->copies = 0;
	lane->list = NULL;
}

/**
 * nvme_steer_short_copy - carry out a copy the short way, if that is possible
 * @job: all is decided about it, and it is counted as having one lane
 * @q: its queue, live a moment ago
 *
 * Context: task, in nvme_steer_enter().
 * Return: whether it was begun; then it is not the caller's any more.
 */
bool nvme_steer_short_copy(struct nvme_steer_copy_job *job,
			   struct nvme_steer_queue *q)
{
	struct nvme_steer_side *side = &job->side[0];
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_lane *lane = job->few_lanes;
	unsigned long deadline = jiffies + job->timeout;
	struct nvme_steer_stats __percpu *stats = job->sc->stats;
	unsigned int nr = job->nr;
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
	if (q->mode != NVME_STEER_POLL)
		local_irq_save(flags);
	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live || !nvme_steer_has_free(q, nr)))
		goto unlock;
	if (nr > 1)
		percpu_ref_get_many(usage, nr - 1);
	job->q = q;
	side->q = q;
	job->chunk = NVME_STEER_COPY_DATA;
	job->at.range = nr;
	job->pos = job->len;
	nvme_steer_short_lane(job, lane, q);
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
	if (q->mode != NVME_STEER_POLL)
		local_irq_restore(flags);
	this_cpu_inc(stats->events[NVME_STEER_EV_ROUTED]);
	return true;
unlock:
	nvme_steer_unlock(&q->sq_lock);
	if (q->mode != NVME_STEER_POLL)
		local_irq_restore(flags);
put:
	percpu_ref_put(usage);
put_buf:
	nvme_steer_buf_put(buf);
	return false;
}
