// SPDX-License-Identifier: GPL-2.0
/*
 * Sending the commands that a copy becomes: straight to a steer queue, or as
 * requests down the driver's own path, where there is no queue or it cannot
 * take them now.
 */
#include <linux/blk-mq.h>
#include <linux/module.h>

#include "copy.h"
#include "passthru.h"
#include "queue.h"
#include "steer_trace.h"

/*
 * Take sq_lock. In an interrupt, which may have come to a task that holds it,
 * only if it is free; cq_lock may be held.
 */
static bool nvme_steer_lane_lock(struct nvme_steer_queue *q)
{
	if (in_task()) {
		spin_lock(&q->sq_lock);
		return true;
	}
	return spin_trylock(&q->sq_lock);
}

/* Give back the slots of the last round. Under sq_lock of their queue. */
static bool nvme_steer_lane_free_slots(struct nvme_steer_lane *lane)
{
	struct nvme_steer_queue *q = lane->slots_q;
	unsigned int i;

	lockdep_assert_held(&q->sq_lock);

	for (i = 0; i < lane->nr_slots; i++)
		q->free[q->nr_free + i] = lane->slots[i];
	q->nr_free += lane->nr_slots;
	q->refs -= lane->nr_slots;
	lane->nr_slots = 0;
	return !q->refs;
}

/**
 * nvme_steer_lane_put_slots - give back the slots of the last round
 * @lane: nothing of it is in flight
 *
 * Context: any.
 * Return: false when that must be tried again, by a task.
 */
bool nvme_steer_lane_put_slots(struct nvme_steer_lane *lane)
{
	struct nvme_steer_queue *q = lane->slots_q;
	bool last;

	if (!lane->nr_slots)
		return true;
	if (!nvme_steer_lane_lock(q))
		return false;
	last = nvme_steer_lane_free_slots(lane);
	spin_unlock(&q->sq_lock);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
	return true;
}

/* Under cq_lock. */
static void nvme_steer_lane_done(struct nvme_steer_slot *slot,
				 struct nvme_steer_drain *drain)
{
	int status = likely(!slot->cancelled) ? slot->status : -EINTR;

	nvme_steer_lane_ended(slot->io.owner, status, slot->result, drain);
}

/**
 * nvme_steer_lane_send - send commands of a lane to a steer queue
 * @lane: nothing of it is in flight
 * @side: the namespace, which has a queue
 * @nr: commands that are left to send
 * @fill: makes the next one, all but its command id; called as often as there
 *	is room for a command, with sq_lock held
 *
 * The slots of the round before are given back for that.
 *
 * Context: any.
 * Return: how many were sent, and the lane is not the caller's any more;
 * -EAGAIN (somebody holds the lock, in an interrupt; the namespace is frozen),
 * -EBUSY (no free slots), -ENODEV (the queue is not live).
 */
int nvme_steer_lane_send(struct nvme_steer_lane *lane,
			 struct nvme_steer_side *side, unsigned int nr,
			 void (*fill)(struct nvme_steer_lane *lane,
				      struct nvme_command *cmd))
{
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_queue *q = side->q;
	unsigned long deadline = jiffies + lane->job->timeout;
	struct nvme_steer_io io = {
		.done = nvme_steer_lane_done,
		.usage = usage,
		.timeout = lane->job->timeout,
	};
	unsigned int i;
	int ret = nr;

	if (unlikely(lane->nr_slots && lane->slots_q != q &&
		     !nvme_steer_lane_put_slots(lane)))
		return -EAGAIN;
	nvme_steer_enter();
	if (unlikely(!percpu_ref_tryget_live_rcu(usage))) {
		nvme_steer_leave();
		return -EAGAIN;
	}
	if (unlikely(!nvme_steer_lane_lock(q))) {
		ret = -EAGAIN;
		goto put;
	}
	if (unlikely(!q->live)) {
		ret = -ENODEV;
		goto unlock;
	}
	/* the job keeps the queue besides its slots */
	if (lane->nr_slots)
		nvme_steer_lane_free_slots(lane);
	nr = min(nr, (unsigned int)q->nr_free);
	if (unlikely(!nr)) {
		ret = -EBUSY;
		goto unlock;
	}
	ret = nr;
	if (nr > 1)
		percpu_ref_get_many(usage, nr - 1);
	lane->slots_q = q;
	lane->nr_slots = nr;
	atomic_set(&lane->left, nr);
	nvme_steer_arm_timer(q, deadline);
	q->nr_free -= nr;
	q->refs += nr;
	for (i = 0; i < nr; i++) {
		struct nvme_command *cmd = &q->sq_cmds[q->sq_tail];
		u16 index = q->free[q->nr_free + nr - 1 - i];
		struct nvme_steer_slot *slot = &q->slots[index];

		lane->slots[i] = index;
		*cmd = (struct nvme_command) { };
		fill(lane, cmd);
		cmd->common.command_id = nvme_steer_next_cid(slot);
		io.owner = &lane->cmd[i];
		nvme_steer_take(slot, &io, deadline);
		nvme_steer_advance(q);
	}
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_ring_sq(q);
	spin_unlock(&q->sq_lock);
	nvme_steer_leave();
	return ret;
unlock:
	spin_unlock(&q->sq_lock);
put:
	percpu_ref_put(usage);
	nvme_steer_leave();
	return ret;
}

static enum rq_end_io_ret nvme_steer_lane_end_io(struct request *req,
						 blk_status_t err)
{
	struct nvme_steer_lane_cmd *cmd = req->end_io_data;
	int status = nvme_req(req)->status;
	u64 result = le64_to_cpu(nvme_req(req)->result.u64);

	if (nvme_req(req)->flags & NVME_REQ_CANCELLED)
		status = -EINTR;
	else if (err && !status)
		status = blk_status_to_errno(err);
	/* the queue may be gone once the lane knows */
	blk_mq_free_request(req);
	nvme_steer_lane_ended(cmd, status, result, NULL);
	return RQ_END_IO_NONE;
}

/* Likewise, of one whose start was counted. */
static enum rq_end_io_ret nvme_steer_lane_end_counted(struct request *req,
						      blk_status_t err)
{
	nvme_steer_end_hook(req);
	return nvme_steer_lane_end_io(req, err);
}

/**
 * nvme_steer_lane_send_own - send a command down the driver's own path
 * @lane: lane->left counts the command already
 * @side: the namespace
 * @i: which of the lane's commands it is
 * @cmd: the command, but for its data pointer
 * @buf: its data, @len bytes from @offset on
 *
 * Context: process; waits while the namespace is frozen.
 * Return: 0, or -errno with nothing sent.
 */
int nvme_steer_lane_send_own(struct nvme_steer_lane *lane,
			     struct nvme_steer_side *side, unsigned int i,
			     struct nvme_command *cmd,
			     struct nvme_steer_copy_buf *buf, u32 offset,
			     u32 len)
{
	struct request *req;
	int ret;

	req = blk_mq_alloc_request(side->ns->queue, nvme_req_op(cmd), 0);
	if (IS_ERR(req))
		return PTR_ERR(req);
	nvme_init_request(req, cmd);
	req->timeout = lane->job->timeout;
	ret = blk_rq_map_kern(side->ns->queue, req,
			      page_address(buf->page) + offset, len, GFP_NOIO);
	if (ret) {
		blk_mq_free_request(req);
		return ret;
	}
	req->end_io = nvme_steer_start_hook(req) ? nvme_steer_lane_end_counted :
						   nvme_steer_lane_end_io;
	req->end_io_data = &lane->cmd[i];
	blk_execute_rq_nowait(req, false);
	return 0;
}
