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
void nvme_steer_short_copied(struct nvme_steer_slot *slot,
			     struct nvme_steer_drain *drain);

/* Write the reads to the submission queue. Under sq_lock. */
static __always_inline void
nvme_steer_short_reads(struct nvme_steer_copy_job *job,
		       struct nvme_steer_lane *lane, struct nvme_steer_queue *q,
		       struct nvme_steer_io *io, unsigned long deadline)
{
	const struct nvme_steer_side *side = &job->side[0];
	const struct nvme_steer_source *r = job->few;
	const u16 *free = q->free + q->nr_free;
	unsigned int i = 0;

	do {
		struct nvme_command *cmd = &q->sq_cmds[q->sq_tail];

		nvme_steer_rw(cmd, nvme_cmd_read, side, r->from, r->len,
			      job->cdw12 & NVME_STEER_COPY_LR_BIT);
		nvme_steer_buf_point(lane->buf, r->pos, r->len, cmd);
		nvme_steer_lane_write(lane, q, i, free[i], io, deadline);
		r++;
	} while (++i < job->nr);
}

/* Write the descriptors of a Copy of one namespace; their length in bytes. */
static __always_inline u32
nvme_steer_short_descs(const struct nvme_steer_copy_job *job,
		       const struct nvme_steer_copy_buf *buf)
{
	const struct nvme_steer_side *side = &job->side[0];
	u32 size = nvme_steer_desc_size(job), len = job->nr * size, i;
	u8 *list = page_address(buf->page);

	for (i = 0; i < job->nr; i++, list += size)
		nvme_steer_write_desc(job, list, size, i, side,
				      job->range[i].from, job->range[i].len);
	nvme_steer_descs_written(buf, len);
	return len;
}

/* Write the Copy to the submission queue. Under sq_lock. */
static __always_inline void
nvme_steer_short_offload(struct nvme_steer_copy_job *job,
			 struct nvme_steer_lane *lane,
			 struct nvme_steer_queue *q, u32 descs,
			 struct nvme_steer_io *io, unsigned long deadline)
{
	struct nvme_command *cmd = &q->sq_cmds[q->sq_tail];

	nvme_steer_make_copy(job, 0, descs, cmd);
	nvme_steer_buf_point(lane->buf, 0, descs, cmd);
	nvme_steer_lane_write(lane, q, 0, q->free[q->nr_free], io, deadline);
}

/* nvme_steer_short_copy() for one of both ways, which is known here. */
static __always_inline bool
nvme_steer_short_begin(struct nvme_steer_copy_job *job,
		       struct nvme_steer_queue *q, const bool emulate)
{
	struct nvme_steer_side *side = &job->side[0];
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_lane *lane = job->few_lanes;
	unsigned long deadline = jiffies + job->timeout;
	struct nvme_steer_stats __percpu *stats = job->sc->stats;
	unsigned int nr = emulate ? job->nr : 1;
	bool polled = q->mode == NVME_STEER_POLL;
	struct nvme_steer_io io = {
		.done = emulate ? nvme_steer_short_read :
				  nvme_steer_short_copied,
		.usage = usage,
		.timeout = job->timeout,
	};
	struct nvme_steer_copy_buf *buf;
	unsigned long flags = 0;
	u32 descs = 0;

	buf = nvme_steer_buf_get(job->sc, !emulate, 0);
	if (unlikely(IS_ERR(buf)))
		return false;
	if (unlikely((emulate && buf->size < job->len) ||
		     !nvme_steer_use(usage)))
		goto put_buf;
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms))
		goto put;
	if (!emulate)
		descs = nvme_steer_short_descs(job, buf);
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
	if (emulate)
		atomic_set(&lane->left, nr);
	lane->buf = buf;
	q->nr_free -= nr;
	/* one for the job, which may have to go on by the lane's way */
	q->refs += nr + 1;
	nvme_steer_arm_timer(q, deadline);
	if (emulate)
		nvme_steer_short_reads(job, lane, q, &io, deadline);
	else
		nvme_steer_short_offload(job, lane, q, descs, &io, deadline);
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
	if (job->nr_sides > 1 || q->shared ||
	    (job->can & NVME_STEER_COPY_ORDERED) ||
	    NVME_STEER_COPY_KIB(job->answer) || nvme_steer_buf_wanted())
		return false;
	if (job->how == NVME_STEER_COPY_EMULATE)
		return job->nr <= NVME_STEER_COPY_READS &&
		       job->len <= job->side[0].max &&
		       nvme_steer_short_begin(job, q, true);
	return job->how == NVME_STEER_COPY_OFFLOAD &&
	       nvme_steer_short_begin(job, q, false);
}

#endif /* NVMESTEER_COPY_SHORT_H */
