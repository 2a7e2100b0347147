// SPDX-License-Identifier: GPL-2.0
/*
 * The ends of a copy's commands, and those of its commands that go down the
 * driver's own path, as requests, because there is no queue or it cannot take
 * them now. To a steer queue they go by copy_send.h.
 */
#include <linux/blk-mq.h>
#include <linux/module.h>

#include "copy_send.h"
#include "passthru.h"

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
	unsigned long flags;
	bool last;

	if (!lane->nr_slots)
		return true;
	if (!nvme_steer_lane_lock(q, &flags))
		return false;
	last = nvme_steer_lane_free_slots(lane);
	spin_unlock_irqrestore(&q->sq_lock, flags);
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
	return true;
}

/* Under cq_lock. */
void nvme_steer_lane_done(struct nvme_steer_slot *slot,
				 struct nvme_steer_drain *drain)
{
	int status = likely(!slot->cancelled) ? slot->status : -EINTR;

	lockdep_assert_held(&slot->queue->cq_lock);

	nvme_steer_lane_ended(slot->io.owner, status, slot->result, drain);
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
	nvme_steer_end(req);
	return nvme_steer_lane_end_io(req, err);
}

/* Is it a command of a copy? Any context. */
bool nvme_steer_lane_owns(const struct request *req)
{
	return req->end_io == nvme_steer_lane_end_counted;
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
			     const struct nvme_steer_side *side, unsigned int i,
			     struct nvme_command *cmd,
			     struct nvme_steer_copy_buf *buf, u32 offset,
			     u32 len)
{
	struct request *req;
	int ret;

	req = blk_mq_alloc_request(side->ns->queue, nvme_req_op(cmd), 0);
	if (IS_ERR(req))
		return PTR_ERR(req);
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms)) {
		blk_mq_free_request(req);
		return -ESTALE;
	}
	nvme_init_request(req, cmd);
	/* of a Copy that is never answered it would be the last command's */
	nvme_req(req)->result.u64 = 0;
	req->timeout = lane->job->timeout;
	ret = blk_rq_map_kern(side->ns->queue, req,
			      page_address(buf->page) + offset, len, GFP_NOIO);
	if (ret) {
		blk_mq_free_request(req);
		return ret;
	}
	req->end_io = nvme_steer_start(req) ? nvme_steer_lane_end_counted :
					      nvme_steer_lane_end_io;
	req->end_io_data = &lane->cmd[i];
	blk_execute_rq_nowait(req, false);
	return 0;
}
