/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block requests: the hooks they come by, and how they end, which is part of
 * reaping.
 */
#ifndef NVMESTEER_BLOCK_H
#define NVMESTEER_BLOCK_H

#include "path.h"
#include "queue.h"

/* Never: the block layer looks after its requests. */
#define NVME_STEER_NO_DEADLINE	(jiffies + MAX_JIFFY_OFFSET)

bool nvme_steer_rq_hook(struct request *req, bool last);
void nvme_steer_rqs_hook(struct rq_list *list);
void nvme_steer_commit_hook(struct nvme_ctrl *ctrl);
int nvme_steer_poll_hook(struct nvme_ctrl *ctrl, struct blk_mq_hw_ctx *hctx,
			 struct io_comp_batch *iob);
bool nvme_steer_timeout_hook(struct request *req, u16 *sqid, u16 *cid);
void nvme_steer_complete(struct nvme_steer_queue *q, struct request *req);
void nvme_steer_ring_owed(struct nvme_steer_ctrl *sc);
u64 nvme_steer_block_cgroup(struct request *req, u32 up);
u64 nvme_steer_bio_cgroup(const struct bio *bio, u32 up);

#define NVME_STEER_FLAG(opf, req, flag)	((opf) & (__force u32)(req) ? (flag) : 0)

/* What a policy is told of the flags of a request or a bio. */
static __always_inline u32 nvme_steer_opf_flags(blk_opf_t flags)
{
	u32 opf = (__force u32)flags;

	return NVME_STEER_FLAG(opf, REQ_SYNC, NVME_STEER_CMD_SYNC) |
	       NVME_STEER_FLAG(opf, REQ_META, NVME_STEER_CMD_FSMETA) |
	       NVME_STEER_FLAG(opf, REQ_PRIO, NVME_STEER_CMD_PRIO) |
	       NVME_STEER_FLAG(opf, REQ_IDLE, NVME_STEER_CMD_IDLE) |
	       NVME_STEER_FLAG(opf, REQ_FUA, NVME_STEER_CMD_FUA) |
	       NVME_STEER_FLAG(opf, REQ_RAHEAD, NVME_STEER_CMD_RAHEAD) |
	       NVME_STEER_FLAG(opf, REQ_BACKGROUND,
			       NVME_STEER_CMD_BACKGROUND) |
	       NVME_STEER_FLAG(opf, REQ_INTEGRITY, NVME_STEER_CMD_META) |
	       NVME_STEER_FLAG(opf, REQ_NOWAIT, NVME_STEER_CMD_NOWAIT) |
	       NVME_STEER_FLAG(opf, REQ_POLLED, NVME_STEER_CMD_POLLED);
}

/* What of a request's flags that comes from; its operation says the rest. */
#define NVME_STEER_OPF_MASK	((__force u32)(REQ_OP_MASK | REQ_SYNC |	\
				 REQ_META | REQ_PRIO | REQ_IDLE | REQ_FUA | \
				 REQ_RAHEAD | REQ_BACKGROUND | REQ_INTEGRITY | \
				 REQ_NOWAIT | REQ_POLLED))

/* Bytes of data. */
static __always_inline u32 nvme_steer_request_len(struct request *req)
{
	return blk_rq_nr_phys_segments(req) ? blk_rq_payload_bytes(req) : 0;
}

/* The last of the free slots, of which there are some. Under sq_lock. */
static __always_inline struct nvme_steer_slot *
nvme_steer_pop_slot(struct nvme_steer_queue *q)
{
	return &q->slots[q->free[--q->nr_free]];
}

/* Write a request to a submission queue. */
static __always_inline void
nvme_steer_write_request(struct nvme_steer_queue *q,
			 struct nvme_steer_slot *slot, struct request *req,
			 unsigned long deadline)
{
	struct nvme_request *nr = nvme_req(req);
	struct nvme_command *cmd = nr->cmd;
	u16 cid = nvme_steer_next_cid(slot);

	/* whoever carries it counts it */
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_path_moved(q, req, slot);
	cmd->common.command_id = cid;
	nr->steer = q->number;
	nr->steer_cid = cid;
	nvme_steer_take(slot, &(struct nvme_steer_io) {
		.done = NVME_STEER_IO_REQUEST,
		.owner = req,
	}, deadline);
	memcpy(&q->sq_cmds[q->sq_tail], cmd, sizeof(*cmd));
	nvme_steer_advance(q);
}

/* Before they can end: who submitted them need not be who dispatches them. */
static __always_inline void
nvme_steer_count_requests(struct nvme_steer_ctrl *sc, unsigned int nr)
{
	this_cpu_add(sc->stats->events[NVME_STEER_EV_ROUTED], nr);
	this_cpu_add(sc->stats->events[NVME_STEER_EV_BLOCK], nr);
}

/*
 * Under cq_lock: take the requests that have ended, linked by rq_next, which
 * are to be completed by nvme_steer_complete() once it is dropped. NULL: none.
 */
static __always_inline struct request *
nvme_steer_ended_requests(struct nvme_steer_queue *q)
{
	struct request *first = q->ended.head;

	if (unlikely(first))
		rq_list_init(&q->ended);
	return first;
}

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
	nvme_req(req)->steer = 0;
	if (nvme_try_complete_req(req, cpu_to_le16(status << 1), result))
		return;
	if (!iob || !blk_mq_add_to_batch(req, iob, status, q->complete_batch))
		rq_list_add_tail(&q->ended, req);
}

#endif /* NVMESTEER_BLOCK_H */
