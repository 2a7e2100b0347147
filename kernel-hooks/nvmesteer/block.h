/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block requests: the hooks they come by, and how they end, which is part of
 * reaping.
 */
#ifndef NVMESTEER_BLOCK_H
#define NVMESTEER_BLOCK_H

#include "path.h"
#include "queue.h"

/* Queues with numbers below this have a bit in struct nvme_steer_block. */
#define NVME_STEER_BITS		BITS_PER_LONG

/* The block layer looks after its requests: nobody reads theirs. */
#define NVME_STEER_NO_DEADLINE	0

bool nvme_steer_rq_hook(struct request *req, bool last);
struct rq_list nvme_steer_rqs_hook(struct rq_list list);
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
	unsigned long nr_free = q->nr_free;

	lockdep_assert_held(&q->sq_lock);

	q->nr_free = --nr_free;
	return &q->slots[q->free[nr_free]];
}

/* nvme_steer_write_request() while no policy chooses paths. */
static __always_inline void
nvme_steer_write_only(struct nvme_steer_queue *q, struct nvme_steer_slot *slot,
		      struct request *req, unsigned long deadline)
{
	struct nvme_request *nr = nvme_req(req);
	struct nvme_command *cmd = nr->cmd;
	unsigned long tail = q->sq_tail;
	u16 cid = nvme_steer_next_cid(slot);

	nvme_steer_assert_sq(q);

	cmd->common.command_id = cid;
	nr->steer = q->number;
	nr->steer_cid = cid;
	nvme_steer_take_only(slot, &(struct nvme_steer_io) {
		.done = NVME_STEER_IO_REQUEST,
		.owner = req,
	}, deadline);
	memcpy(&q->sq_cmds[tail], cmd, sizeof(*cmd));
	if (unlikely(++tail == q->depth))
		tail = 0;
	q->sq_tail = tail;
}

/* Write a request to a submission queue. */
static __always_inline void
nvme_steer_write_request(struct nvme_steer_queue *q,
			 struct nvme_steer_slot *slot, struct request *req,
			 unsigned long deadline)
{
	/* whoever carries it counts it */
	if (static_branch_unlikely(&nvme_steer_path_key)) {
		nvme_steer_path_moved(q, req, slot);
		nvme_steer_load_start(&q->ctrl->load, slot);
	}
	nvme_steer_write_only(q, slot, req, deadline);
}

/* Before they can end: who submitted them need not be who dispatches them. */
static __always_inline void
nvme_steer_count_requests(struct nvme_steer_ctrl *sc, unsigned int nr)
{
	struct nvme_steer_stats __percpu *stats = sc->stats;

	this_cpu_add(stats->events[NVME_STEER_EV_ROUTED], nr);
	this_cpu_add(stats->events[NVME_STEER_EV_BLOCK], nr);
}

/*
 * Under cq_lock: take the requests that have ended, linked by rq_next, which
 * are to be completed by nvme_steer_complete() once it is dropped. NULL: none.
 */
static __always_inline struct request *
nvme_steer_ended_requests(struct nvme_steer_queue *q)
{
	struct request *first = q->ended.head;

	lockdep_assert_held(&q->cq_lock);

	if (unlikely(first))
		rq_list_init(&q->ended);
	return first;
}

/*
 * nvme_try_complete_req() of a request that is polled for and has succeeded:
 * blk-mq completes such where they are found. The generation that is counted
 * there is of command ids of the driver's own queues. Where requests may be made
 * to fail it decides.
 */
static __always_inline bool nvme_steer_try_complete(struct request *req,
						    union nvme_result result)
{
	if (IS_ENABLED(CONFIG_FAULT_INJECTION))
		return nvme_try_complete_req(req, 0, result);
	nvme_req(req)->status = NVME_SC_SUCCESS;
	nvme_req(req)->result = result;
	WRITE_ONCE(req->state, MQ_RQ_COMPLETE);
	return false;
}

/*
 * A request's command has ended, under cq_lock, with @status and @result. Marks
 * it complete, which makes it the block layer's again; what is left to do then
 * goes to @iob, a batch, or where there is none, or it does not take it, to
 * whoever drops the lock. Its slot is given back. @polled: it succeeded, and is
 * polled for.
 */
static __always_inline void
nvme_steer_end_request(struct nvme_steer_queue *q, struct nvme_steer_slot *slot,
		       u16 status, union nvme_result result,
		       struct io_comp_batch *iob, bool polled)
{
	struct request *req = slot->io.owner;

	nvme_steer_give(q, slot);
	nvme_req(req)->steer = 0;
	if (polled ? nvme_steer_try_complete(req, result) :
		     nvme_try_complete_req(req, cpu_to_le16(status << 1),
					   result))
		return;
	if (!iob || !blk_mq_add_to_batch(req, iob, status, q->complete_batch))
		rq_list_add_tail(&q->ended, req);
}

/* Likewise of one that has failed or was cancelled. */
static inline void nvme_steer_fail_request(struct nvme_steer_queue *q,
					   struct nvme_steer_slot *slot,
					   struct io_comp_batch *iob)
{
	union nvme_result result = { .u64 = cpu_to_le64(slot->result) };

	if (slot->cancelled)
		nvme_req((struct request *)slot->io.owner)->flags |=
			NVME_REQ_CANCELLED;
	nvme_steer_end_request(q, slot, slot->status, result, iob, false);
}

#endif /* NVMESTEER_BLOCK_H */
