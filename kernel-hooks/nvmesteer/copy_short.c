// SPDX-License-Identifier: GPL-2.0
/*
 * The short way of a copy within one namespace by one queue and in one piece,
 * which most are that the controller does, and most small ones that the kernel
 * reads and writes. It is a lane's way with nothing left to decide: its slots
 * stay its own until its caller was told, and the write takes that of the read
 * that ended last. Whatever is out of the ordinary is left to the lane, which
 * goes on from where it is. How it begins is copy_short.h.
 */
#include "copy_short.h"

/*
 * Make a lane what it would be had it come here by itself: all reads of its
 * piece are sent, or its Copy.
 */
static noinline void nvme_steer_short_leave(struct nvme_steer_lane *lane)
{
	struct nvme_steer_copy_job *job = lane->job;

	job->chunk = NVME_STEER_COPY_DATA;
	job->at.range = job->nr;
	job->pos = job->len;
	nvme_steer_lane_clear(lane);
	lane->offload = job->how != NVME_STEER_COPY_EMULATE;
	lane->state = lane->offload ? NVME_STEER_LANE_COPY :
				      NVME_STEER_LANE_READ;
	lane->bad = NVME_STEER_COPY_READS;
	lane->status = 0;
	lane->read_status = 0;
	lane->part = job->len;
	lane->sent = job->len;
	lane->first = 0;
	lane->reads = 0;
	lane->at = (struct nvme_steer_cursor) { };
	lane->pos = 0;
	lane->len = job->len;
	lane->gone = 0;
	if (lane->offload) {
		lane->list = lane->buf;
		lane->buf = NULL;
		atomic_set(&lane->left, 1);
	}
}

/* Its Copy has ended. Under cq_lock. */
void nvme_steer_short_copied(struct nvme_steer_slot *slot,
			     struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane_cmd *cmd = slot->io.owner;
	struct nvme_steer_lane *lane = cmd->lane;

	lockdep_assert_held(&slot->queue->cq_lock);

	if (unlikely(slot->status || slot->cancelled)) {
		nvme_steer_short_leave(lane);
		nvme_steer_lane_done(slot, drain);
		return;
	}
	nvme_steer_buf_put(lane->buf);
	nvme_steer_job_whole(lane->job, NVME_STEER_COPY_OFFLOAD, drain);
}

static void nvme_steer_short_wrote(struct nvme_steer_slot *slot,
				   struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane_cmd *cmd = slot->io.owner;
	struct nvme_steer_lane *lane = cmd->lane;

	if (unlikely(slot->status || slot->cancelled)) {
		nvme_steer_short_leave(lane);
		lane->state = NVME_STEER_LANE_WRITE;
		lane->good = lane->part;
		atomic_set(&lane->left, 1);
		nvme_steer_lane_done(slot, drain);
		return;
	}
	nvme_steer_buf_put(lane->buf);
	nvme_steer_job_whole(lane->job, NVME_STEER_COPY_EMULATE, drain);
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

	lockdep_assert_held(&q->cq_lock);

	if (job->flags & NVME_STEER_COPY_F_FUA)
		cdw12 |= NVME_STEER_COPY_FUA_BIT;
	if (unlikely(!nvme_steer_use(usage)))
		return false;
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms))
		goto put;
	if (unlikely(!nvme_steer_trylock(&q->sq_lock)))
		goto put;
	if (unlikely(!q->live))
		goto unlock;
	nvme_steer_arm_timer(q, deadline);
	cmd = &q->sq_cmds[q->sq_tail];
	nvme_steer_rw(cmd, nvme_cmd_write, side, job->to, job->len, cdw12);
	nvme_steer_buf_point(lane->buf, 0, job->len, cmd);
	cmd->common.command_id = nvme_steer_next_cid(slot);
	nvme_steer_take_again(slot, nvme_steer_short_wrote, deadline);
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
void nvme_steer_short_read(struct nvme_steer_slot *slot,
			   struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane_cmd *cmd = slot->io.owner;
	struct nvme_steer_lane *lane = cmd->lane;
	bool sent;

	lockdep_assert_held(&slot->queue->cq_lock);

	if (unlikely(slot->status || slot->cancelled)) {
		if (lane->state == NVME_STEER_LANE_SHORT)
			nvme_steer_short_leave(lane);
		nvme_steer_lane_done(slot, drain);
		return;
	}
	if (!atomic_dec_and_test(&lane->left))
		return;
	if (likely(lane->state == NVME_STEER_LANE_SHORT)) {
		nvme_steer_enter();
		sent = nvme_steer_short_write(lane, slot);
		nvme_steer_leave();
		if (likely(sent))
			return;
		nvme_steer_short_leave(lane);
	}
	nvme_steer_lane_resume(lane, drain);
}
