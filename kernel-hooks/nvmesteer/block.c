// SPDX-License-Identifier: GPL-2.0
/*
 * Block requests on steer queues. The driver offers them built, mapped and
 * started, and here they get another submission queue, and a command id of its:
 * everything else stays as it is. They end the way the driver ends them, by its
 * own functions, and it is the block layer that times them out and counts them.
 *
 * A request is blk-mq's until it is taken, and again from when it was marked
 * complete, under cq_lock: the driver's reset, which ends whatever is in flight
 * after our queues were cancelled, does not see it then, and waits until it is
 * gone. In between it belongs to its slot. What marking it complete leaves to
 * be done is done without the lock: the end of a bio is anybody's code.
 */
#include <linux/blk-cgroup.h>
#include <linux/cgroup.h>

#include "block.h"
#include "hold.h"

/* What a policy is told of a request. */
static void nvme_steer_fill_request(struct nvme_steer_cmd *c,
				    struct request *req)
{
	const struct nvme_command *cmd = nvme_req(req)->cmd;
	const struct nvme_ctrl *ctrl = nvme_req(req)->ctrl;
	struct nvme_ns *ns = req->q->queuedata;
	u8 opcode = cmd->common.opcode;
	u32 flags = opcode & 1 ? NVME_STEER_CMD_WRITE : 0;

	flags |= nvme_steer_opf_flags(req->cmd_flags);
	if (unlikely(blk_rq_is_passthrough(req)))
		flags |= NVME_STEER_CMD_DRV;

	c->slba = 0;
	c->nlb = 0;
	if (likely(nvme_steer_names_blocks(opcode))) {
		flags |= NVME_STEER_CMD_RANGE;
		c->slba = le64_to_cpu(cmd->rw.slba);
		c->nlb = le16_to_cpu(cmd->rw.length) + 1;
	} else if (req_op(req) == REQ_OP_DISCARD) {
		flags |= NVME_STEER_CMD_DISCARD;
		if (blk_rq_nr_discard_segments(req) == 1) {
			flags |= NVME_STEER_CMD_RANGE;
			c->slba = nvme_sect_to_lba(ns->head, blk_rq_pos(req));
			c->nlb = blk_rq_bytes(req) >> ns->head->lba_shift;
		}
	}
	c->source = NVME_STEER_SRC_BLOCK;
	c->flags = flags;
	c->opcode = opcode;
	c->ioprio = req_get_ioprio(req);
	c->nsid = le32_to_cpu(cmd->common.nsid);
	c->len = nvme_steer_request_len(req);
	c->ctrl = ctrl->instance;
	c->dev_node = ctrl->numa_node;
}

static u64 nvme_steer_cgroup_above(const struct cgroup *cgroup, u32 up)
{
	if (up > cgroup->level)
		return 0;
	return cgroup_id(cgroup->ancestors[cgroup->level - up]);
}

/**
 * nvme_steer_bio_cgroup - the cgroup that a bio is charged to
 * @bio: the bio, or NULL: the task's
 * @up: so many levels above that one
 *
 * Context: under RCU.
 * Return: its id, or 0 where there is none.
 */
u64 nvme_steer_bio_cgroup(const struct bio *bio, u32 up)
{
	const struct cgroup *cgroup = nvme_steer_cgroup_of(bio);

	return cgroup ? nvme_steer_cgroup_above(cgroup, up) : 0;
}

/* Likewise of a request, or with NULL of a uring_cmd. A flush has no bio. */
u64 nvme_steer_block_cgroup(struct request *req, u32 up)
{
	if (!req || blk_rq_is_passthrough(req))
		return nvme_steer_bio_cgroup(NULL, up);
	return req->bio ? nvme_steer_bio_cgroup(req->bio, up) : 0;
}

/* Likewise itself, or NULL. Under RCU. */
static const struct cgroup *nvme_steer_request_cgroup(struct request *req)
{
	if (blk_rq_is_passthrough(req))
		return nvme_steer_cgroup_of(NULL);
	return req->bio ? nvme_steer_cgroup_of(req->bio) : NULL;
}

/* Likewise as far as it matters to the policy; flags as they are. */
static __always_inline struct nvme_steer_kind
nvme_steer_make_request_kind(const struct nvme_steer_policy *p,
			     struct request *req, const struct cgroup *cgroup)
{
	const struct nvme_common_command *cmd = &nvme_req(req)->cmd->common;

	return nvme_steer_make_kind(&p->kind_block,
				    (__force u32)req->cmd_flags,
				    req_get_ioprio(req), cmd->opcode,
				    nvme_steer_request_len(req),
				    le32_to_cpu(cmd->nsid), cgroup);
}

static __always_inline struct nvme_steer_kind
nvme_steer_request_kind(const struct nvme_steer_policy *p, struct request *req)
{
	return nvme_steer_make_request_kind(p, req, p->kind_block.cgroup ?
					    nvme_steer_request_cgroup(req) :
					    NULL);
}

/* Ask about a request. The queue, NULL or an ERR_PTR, as the next one's. */
static noinline struct nvme_steer_queue *
nvme_steer_ask_request(struct nvme_steer_ctrl *sc, struct nvme_steer_policy *p,
		       struct request *req, bool polled,
		       const struct nvme_steer_kind *kind)
{
	struct nvme_steer_route_args args nvme_steer_uninitialized;
	struct nvme_steer_queue *q;
	int ret;

	nvme_steer_fill_request(&args.cmd, req);
	args.req = req;
	args.policy = p;
	ret = nvme_steer_route(sc, &args, &q);
	if (nvme_steer_holds(&args, ret))
		nvme_steer_remember(sc, p, NULL, kind, polled, ret, q);
	if (unlikely(ret <= 0))
		return ret ? ERR_PTR(ret) : NULL;
	return q;
}

/*
 * The queue for a request, remembered or asked for; NULL, the driver's own; or
 * an ERR_PTR, refused. @kind: of the request, where the policy's answers hold
 * for that. In nvme_steer_enter().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_request_queue(struct nvme_steer_ctrl *sc,
			 struct nvme_steer_policy *p, struct request *req,
			 const struct nvme_steer_kind *kind)
{
	bool polled = req->cmd_flags & REQ_POLLED;
	struct nvme_steer_queue *q;

	q = p->hold_kind ? nvme_steer_kind_queue(sc, p, NULL, kind, polled) :
			   nvme_steer_held_queue(sc, p, polled);
	if (unlikely(q == NVME_STEER_HELD_OWN))
		return NULL;
	if (unlikely(!q)) {
		q = nvme_steer_ask_request(sc, p, req, polled, kind);
		if (IS_ERR_OR_NULL(q))
			return q;
	}
	/* nobody waits for an interrupt of a request that is polled for */
	if (likely(nvme_steer_suits(q, polled)))
		return q;
	nvme_steer_count(sc, NVME_STEER_EV_BAD_MODE);
	return NULL;
}

/* Likewise for one request alone. */
static __always_inline struct nvme_steer_queue *
nvme_steer_lone_queue(struct nvme_steer_ctrl *sc, struct nvme_steer_policy *p,
		      struct request *req)
{
	struct nvme_steer_kind kind nvme_steer_uninitialized;

	if (p->hold_kind)
		kind = nvme_steer_request_kind(p, req);
	return nvme_steer_request_queue(sc, p, req, &kind);
}

/* The policy to ask about requests of a controller, or NULL. Under RCU. */
static __always_inline struct nvme_steer_policy *
nvme_steer_block_policy(const struct nvme_steer_ctrl *sc)
{
	return likely(sc) ? rcu_dereference(sc->block_policy) : NULL;
}

/* Was the policy asked about it before? Then it is the driver's. */
static __always_inline bool nvme_steer_is_own(struct request *req)
{
	return nvme_req(req)->flags & NVME_REQ_STEER_OWN;
}

static noinline void nvme_steer_set_polled(struct nvme_steer_queue *q,
					   unsigned int hctx)
{
	unsigned long *polled = &q->ctrl->block.polled[hctx % NVME_STEER_HCTXS];
	unsigned int bit = q->number < NVME_STEER_BITS ? q->number : 0;

	q->polled_by = hctx;
	if (!test_bit(bit, polled)) {
		set_bit(bit, polled);
		set_bit(NVME_STEER_WANTS_POLL, &q->ctrl->nvme->steer_wants);
	}
}

/* Requests of this hardware queue are to be looked for there. Under sq_lock. */
static __always_inline void nvme_steer_note_polled(struct nvme_steer_queue *q,
						   const struct request *req)
{
	unsigned int hctx = req->mq_hctx->queue_num;

	if (unlikely(q->polled_by != hctx))
		nvme_steer_set_polled(q, hctx);
}

/*
 * Send requests to a queue of a share, where they may have to wait. Drops
 * sq_lock.
 */
static noinline unsigned int nvme_steer_share_requests(struct nvme_steer_queue *q,
						       struct rq_list *list,
						       struct rq_list *left)
{
	struct request *req;
	unsigned int nr;

	if (q->mode == NVME_STEER_POLL)
		nvme_steer_note_polled(q, list->head);
	nr = nvme_steer_shared_requests(q, list, left);
	nvme_steer_unlock(&q->sq_lock);
	while ((req = rq_list_pop(list))) {
		if (!nvme_steer_is_own(req))
			nvme_steer_count(q->ctrl, NVME_STEER_EV_QUEUE_DOWN);
		rq_list_add_tail(left, req);
	}
	return nr;
}

/* Likewise of one, to be rung for. */
static noinline bool nvme_steer_share_request(struct nvme_steer_queue *q,
					      struct request *req)
{
	struct rq_list list = { }, left = { };
	struct nvme_steer_slot *slot;

	slot = nvme_steer_shared_request_begin(q, req);
	if (unlikely(!slot)) {
		rq_list_add_tail(&list, req);
		return nvme_steer_share_requests(q, &list, &left);
	}
	if (q->mode == NVME_STEER_POLL)
		nvme_steer_note_polled(q, req);
	nvme_steer_write_request(q, slot, req, NVME_STEER_NO_DEADLINE);
	WRITE_ONCE(q->submitted, q->submitted + 1);
	nvme_steer_count_requests(q->ctrl, 1);
	nvme_steer_ring_sq(q);
	nvme_steer_unlock(&q->sq_lock);
	return true;
}

/* It cannot take one more. Drops sq_lock. */
static noinline bool nvme_steer_send_none(struct nvme_steer_queue *q,
					  struct request *req)
{
	enum nvme_steer_event why = q->live ? NVME_STEER_EV_QUEUE_FULL :
					      NVME_STEER_EV_QUEUE_DOWN;

	if (!q->live && q->shared)
		return nvme_steer_share_request(q, req);
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_count(q->ctrl, why);
	return false;
}

/* Send a request to @q. In nvme_steer_enter(). False: it cannot take it. */
static __always_inline bool
nvme_steer_send_request(struct nvme_steer_ctrl *sc, struct nvme_steer_queue *q,
			struct request *req, bool ring)
{
	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live || !nvme_steer_has_free(q, 1)))
		return nvme_steer_send_none(q, req);
	if (q->mode == NVME_STEER_POLL)
		nvme_steer_note_polled(q, req);
	nvme_steer_count_requests(sc, 1);
	q->refs++;
	data_race(q->submitted++);
	nvme_steer_write_request(q, nvme_steer_pop_slot(q), req,
				 NVME_STEER_NO_DEADLINE);
	if (likely(ring))
		nvme_steer_ring_sq(q);
	nvme_steer_unlock(&q->sq_lock);
	return true;
}

/*
 * Send requests of one hardware queue to @q, as many as it has room for.
 * @list: the requests; @left: gets those that are the driver's; @ring: ring for
 * all that is written. In nvme_steer_enter(). Returns how many were sent; where
 * that is none nothing was rung for.
 */
static __always_inline unsigned int
nvme_steer_send_requests(struct nvme_steer_ctrl *sc, struct nvme_steer_queue *q,
			 struct rq_list *list, struct rq_list *left, bool ring)
{
	unsigned long deadline = NVME_STEER_NO_DEADLINE;
	enum nvme_steer_event why = NVME_STEER_EV_QUEUE_DOWN;
	unsigned int nr = 0;
	struct request *req;

	nvme_steer_lock(&q->sq_lock);
	if (unlikely(!q->live)) {
		if (q->shared)
			return nvme_steer_share_requests(q, list, left);
		goto unlock;
	}
	why = NVME_STEER_EV_QUEUE_FULL;
	if (q->mode == NVME_STEER_POLL)
		nvme_steer_note_polled(q, list->head);
	while (nvme_steer_has_free(q, 1) && (req = rq_list_pop(list))) {
		if (unlikely(nvme_steer_is_own(req))) {
			rq_list_add_tail(left, req);
			continue;
		}
		nvme_steer_write_request(q, nvme_steer_pop_slot(q), req,
					 deadline);
		nr++;
	}
	if (unlikely(!nr))
		goto unlock;
	q->refs += nr;
	WRITE_ONCE(q->submitted, q->submitted + nr);
	nvme_steer_count_requests(sc, nr);
	if (ring)
		nvme_steer_ring_sq(q);
unlock:
	nvme_steer_unlock(&q->sq_lock);
	while (unlikely((req = rq_list_pop(list)))) {
		if (!nvme_steer_is_own(req))
			nvme_steer_count(sc, why);
		rq_list_add_tail(left, req);
	}
	return nr;
}

static void nvme_steer_ring_queues(struct nvme_steer_ctrl *sc,
				   unsigned long numbers)
{
	struct nvme_steer_queue *q;
	unsigned int n;

	for_each_set_bit(n, &numbers, NVME_STEER_BITS) {
		q = rcu_dereference(sc->queues[n]);
		if (!q)
			continue;	/* rung for when it was stopped */
		spin_lock(&q->sq_lock);
		if (q->live && q->sq_rung != q->sq_tail)
			nvme_steer_ring_sq(q);
		spin_unlock(&q->sq_lock);
	}
}

/**
 * nvme_steer_ring_owed - ring for requests that were not the last ones
 * @sc: the controller
 *
 * Context: under RCU.
 */
void nvme_steer_ring_owed(struct nvme_steer_ctrl *sc)
{
	unsigned long owed;

	lockdep_assert_in_rcu_reader();

	if (likely(!READ_ONCE(sc->block.owed)))
		return;
	/* a request is written before its queue is in here */
	owed = xchg(&sc->block.owed, 0);
	nvme_steer_ring_queues(sc, owed);
}

/* The hook commit. */
void nvme_steer_commit_hook(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc;

	nvme_steer_enter();
	sc = rcu_dereference(ctrl->steer);
	if (sc)
		nvme_steer_ring_owed(sc);
	nvme_steer_leave();
}

/*
 * End a request that the policy refuses. Not in nvme_steer_enter(): its bios
 * end here.
 */
static void nvme_steer_refuse(struct request *req)
{
	nvme_req(req)->status = NVME_SC_OP_DENIED | NVME_STATUS_DNR;
	blk_mq_complete_request(req);
}

/**
 * nvme_steer_rq_hook - take a request
 * @req: built, mapped and started
 * @last: ring for it, and for those before it
 *
 * The hook rq of struct nvme_steer_hooks.
 */
bool nvme_steer_rq_hook(struct request *req, bool last)
{
	struct nvme_steer_policy *p;
	struct nvme_steer_queue *q;
	struct nvme_steer_ctrl *sc;
	bool taken = false, soon;

	nvme_steer_enter();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	p = nvme_steer_block_policy(sc);
	if (unlikely(!p) || unlikely(nvme_steer_is_own(req)))
		goto ring;
	q = nvme_steer_lone_queue(sc, p, req);
	if (likely(!IS_ERR_OR_NULL(q))) {
		soon = last || q->number >= NVME_STEER_BITS;
		taken = nvme_steer_send_request(sc, q, req, soon);
		if (!soon && taken)
			set_bit(q->number, &sc->block.owed);
	} else if (q) {
		if (last)
			nvme_steer_ring_owed(sc);
		nvme_steer_leave();
		nvme_steer_refuse(req);
		return true;
	}
ring:
	if (last && sc)
		nvme_steer_ring_owed(sc);
	nvme_steer_leave();
	return taken;
}

/* The queue for a request, where that is easily remembered, or NULL. */
static __always_inline struct nvme_steer_queue *
nvme_steer_remembered(struct nvme_steer_ctrl *sc, struct nvme_steer_policy *p,
		      struct request *req)
{
	struct nvme_steer_kind kind nvme_steer_uninitialized;

	if (!p->hold_kind)
		return nvme_steer_held_queue(sc, p,
					     req->cmd_flags & REQ_POLLED);
	if (unlikely(p->kind_block.cgroup))
		return NULL;
	kind = nvme_steer_make_request_kind(p, req, NULL);
	return nvme_steer_held_kind_queue(sc, p, &kind);
}

/* Is @q known to carry what is polled for as @req is? Under sq_lock. */
static __always_inline bool nvme_steer_takes(const struct nvme_steer_queue *q,
					     const struct request *req)
{
	return req->cmd_flags & REQ_POLLED ?
		       q->polled_by == req->mq_hctx->queue_num :
		       q->mode != NVME_STEER_POLL;
}

/*
 * Take a request where nothing is in the way of that: its queue is remembered,
 * free, and has room. Calls nothing, so as to keep nothing on the stack. False:
 * nothing was done.
 */
static nvme_steer_inline bool nvme_steer_take_quickly(struct request *req)
{
	struct nvme_steer_policy *p;
	struct nvme_steer_queue *q;
	struct nvme_steer_ctrl *sc;

	if (static_branch_unlikely(&nvme_steer_path_key))
		return false;
	nvme_steer_enter();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	p = nvme_steer_block_policy(sc);
	if (unlikely(!p) || unlikely(nvme_steer_is_own(req)) ||
	    unlikely(READ_ONCE(sc->block.owed)))
		goto leave;
	q = nvme_steer_remembered(sc, p, req);
	if (unlikely(!q) || unlikely(!nvme_steer_trylock(&q->sq_lock)))
		goto leave;
	if (unlikely(!q->live || !q->nr_free || !nvme_steer_takes(q, req)))
		goto unlock;
	nvme_steer_count_requests(sc, 1);
	q->refs++;
	data_race(q->submitted++);
	nvme_steer_write_only(q, nvme_steer_pop_slot(q), req,
			      NVME_STEER_NO_DEADLINE);
	nvme_steer_ring_sq(q);
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_leave();
	return true;
unlock:
	nvme_steer_unlock(&q->sq_lock);
leave:
	nvme_steer_leave();
	return false;
}

/*
 * Ask about each request of a batch, and send those together that go to the same
 * queue one after the other; the doorbells are written in the end, once a queue.
 */
static void nvme_steer_send_each(struct nvme_steer_ctrl *sc,
				 struct nvme_steer_policy *p,
				 struct rq_list *list, struct rq_list *left,
				 struct rq_list *refused)
{
	struct nvme_steer_queue *q, *run_q = NULL;
	struct rq_list run = { };
	unsigned long owed = 0;
	struct request *req;
	bool soon;

	while ((req = rq_list_pop(list))) {
		q = likely(!nvme_steer_is_own(req)) ?
		    nvme_steer_lone_queue(sc, p, req) : NULL;
		if (unlikely(IS_ERR_OR_NULL(q))) {
			rq_list_add_tail(q ? refused : left, req);
			continue;
		}
		if (run_q && run_q != q) {
			soon = run_q->number >= NVME_STEER_BITS;
			if (nvme_steer_send_requests(sc, run_q, &run, left,
						     soon) && !soon)
				owed |= BIT(run_q->number);
		}
		run_q = q;
		rq_list_add_tail(&run, req);
	}
	if (!run_q)
		return;
	if (nvme_steer_send_requests(sc, run_q, &run, left, true) &&
	    run_q->number < NVME_STEER_BITS)
		owed &= ~BIT(run_q->number);
	if (owed)
		nvme_steer_ring_queues(sc, owed);
}

/* Are all requests behind @req of its @kind, by the policy's measure? */
static __always_inline bool
nvme_steer_one_kind(const struct nvme_steer_policy *p, struct request *req,
		    const struct nvme_steer_kind *kind)
{
	struct nvme_steer_kind next nvme_steer_uninitialized;

	while ((req = req->rq_next)) {
		next = nvme_steer_request_kind(p, req);
		if (!nvme_steer_same_kind(&next, kind))
			return false;
	}
	return true;
}

/* Likewise of several, with the policy asked once or for each. */
static noinline struct rq_list nvme_steer_take_requests(struct rq_list list)
{
	struct request *req = rq_list_peek(&list);
	struct rq_list left = { }, refused = { };
	struct nvme_steer_kind kind nvme_steer_uninitialized;
	struct nvme_steer_queue *q = NULL;
	struct nvme_steer_policy *p;
	struct nvme_steer_ctrl *sc;
	bool one;

	nvme_steer_enter();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	p = nvme_steer_block_policy(sc);
	if (unlikely(!p)) {
		nvme_steer_leave();
		return list;
	}
	one = p->per_batch;
	if (p->hold_kind) {
		kind = nvme_steer_request_kind(p, req);
		one = one || nvme_steer_one_kind(p, req, &kind);
	}
	/* all of a batch are polled for, or none */
	if (one && likely(!nvme_steer_is_own(req))) {
		q = nvme_steer_request_queue(sc, p, req, &kind);
		if (unlikely(IS_ERR_OR_NULL(q))) {
			req = rq_list_pop(&list);
			rq_list_add_tail(q ? &refused : &left, req);
			q = NULL;
		}
	}
	if (likely(q))
		nvme_steer_send_requests(sc, q, &list, &left, true);
	else
		nvme_steer_send_each(sc, p, &list, &left, &refused);
	nvme_steer_leave();
	while (unlikely((req = rq_list_pop(&refused))))
		nvme_steer_refuse(req);
	return left;
}

static noinline struct rq_list nvme_steer_take_alone(struct request *req)
{
	struct rq_list list = { .head = req, .tail = req };

	if (nvme_steer_rq_hook(req, true))
		rq_list_init(&list);
	return list;
}

/**
 * nvme_steer_rqs_hook - take requests of a batch
 * @list: of one hardware queue
 *
 * The hook rqs of struct nvme_steer_hooks. Returns those that are left to the
 * driver.
 */
struct rq_list nvme_steer_rqs_hook(struct rq_list list)
{
	if (unlikely(list.head->rq_next))
		return nvme_steer_take_requests(list);
	if (likely(nvme_steer_take_quickly(list.head)))
		return (struct rq_list) { };
	return nvme_steer_take_alone(list.head);
}

/**
 * nvme_steer_complete - complete requests, as the driver does
 * @q: the queue they were on
 * @req: the first, of nvme_steer_ended_requests()
 *
 * Context: any; no lock of ours is held.
 */
void nvme_steer_complete(struct nvme_steer_queue *q, struct request *req)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct request *next;

	for (; req; req = next) {
		next = req->rq_next;
		if (!blk_mq_add_to_batch(req, &iob, nvme_req(req)->status !=
					 NVME_SC_SUCCESS, q->complete_batch))
			req->q->mq_ops->complete(req);
	}
	if (!rq_list_empty(&iob.req_list))
		q->complete_batch(&iob);
}

/* The queue of that number, published or being freed; with a reference. */
static struct nvme_steer_queue *
nvme_steer_queue_get(struct nvme_steer_ctrl *sc, unsigned int number, u16 *qid)
{
	struct nvme_steer_queue *q, *found = NULL;

	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry) {
		if (q->number == number) {
			spin_lock(&q->sq_lock);
			q->refs++;
			spin_unlock(&q->sq_lock);
			*qid = q->qid;
			found = q;
			break;
		}
	}
	mutex_unlock(&sc->state_lock);
	return found;
}

/* The command of a request was not answered in time. False: it has ended. */
static bool nvme_steer_mark_late(struct nvme_steer_queue *q, u16 cid)
{
	unsigned int index = cid & NVME_STEER_CID_MASK;
	struct nvme_steer_slot *slot = &q->slots[index];
	bool late;

	spin_lock_irq(&q->cq_lock);
	late = index < q->depth - 1 && nvme_steer_cid(slot) == cid &&
	       smp_load_acquire(&slot->state) == NVME_STEER_SLOT_INFLIGHT;
	/* the driver sends the Abort */
	if (late)
		slot->aborted = NVME_STEER_ABORT_SENT;
	spin_unlock_irq(&q->cq_lock);
	return late;
}

/**
 * nvme_steer_timeout_hook - a request was not answered in time
 * @req: the request, which may end meanwhile but not be used anew
 * @sqid: gets the id of the queue it is on, 0 if it waits and has no deadline
 * @cid: gets its command id there
 *
 * The hook timeout of struct nvme_steer_hooks. Looks for it once more; the rest
 * is done by the driver.
 */
bool nvme_steer_timeout_hook(struct request *req, u16 *sqid, u16 *cid)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_get(nvme_req(req)->ctrl);
	struct nvme_steer_queue *q;

	if (!sc)
		return false;
	q = nvme_steer_queue_get(sc, nvme_req(req)->steer, sqid);
	if (q) {
		*cid = nvme_req(req)->steer_cid;
		nvme_steer_poll(q, NULL);
		if (nvme_steer_shared_waits(q, req)) {
			*sqid = 0;
			/* whoever has sent it sleeps, and cannot be killed */
			if (nvme_req(req)->flags & NVME_REQ_USERCMD)
				nvme_steer_queue_expire(q, req);
		} else {
			nvme_steer_count(sc, nvme_steer_mark_late(q, *cid) ?
					     NVME_STEER_EV_TIMEOUT :
					     NVME_STEER_EV_LATE_REAP);
		}
		nvme_steer_queue_drop(q);
	}
	nvme_steer_ctrl_put(sc);
	return q;
}
