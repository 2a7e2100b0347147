/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a block request ends. A header, because it is part of reaping.
 */
#ifndef NVMESTEER_BLOCK_H
#define NVMESTEER_BLOCK_H

#include "queue.h"

/*
 * A request's command has ended, under cq_lock. Marks it complete, which makes
 * it the block layer's again; what is left to do then goes to @iob, a batch, or
 * where there is none, or it does not take it, to whoever drops the lock. Its
 * slot is given back.
 */
static __always_inline void
nvme_steer_end_request(struct nvme_steer_queue *q, struct nvme_steer_slot *slot,
		       struct io_comp_batch *iob)
{
	union nvme_result result = { .u64 = cpu_to_le64(slot->result) };
	struct request *req = slot->io.owner;
	u16 status = slot->status;

	if (unlikely(slot->cancelled))
		nvme_req(req)->flags |= NVME_REQ_CANCELLED;
	nvme_steer_give(q, slot);
	if (nvme_try_complete_req(req, cpu_to_le16(status << 1), result))
		return;
	if (!iob || !blk_mq_add_to_batch(req, iob, status, q->complete_batch))
		rq_list_add_tail(&q->ended, req);
}

#endif /* NVMESTEER_BLOCK_H */
