// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a copy: what of it the controller could do, what the policy
 * says to that, and how it begins. How it ends is copy_end.c.
 */
#include <linux/module.h>

#include "copy_short.h"
#include "hold.h"
#include "passthru.h"
#include "steer_trace.h"

/* Bits of nvme_steer_copy_ns.formats: of one namespace, of several. */
#define NVME_STEER_FORMAT_CROSS		2

static __always_inline void nvme_steer_side_init(struct nvme_steer_side *side,
						 struct nvme_ns *ns)
{
	const struct nvme_ns_head *head = ns->head;
	u8 shift = head->lba_shift;

	side->ns = ns;
	side->q = NULL;
	side->nsid = head->ns_id;
	side->shift = shift;
	side->ms = head->ms;
	side->mask = (1ULL << shift) - 1;
	side->max = min_t(u64, (u64)queue_max_hw_sectors(ns->queue) <<
			  SECTOR_SHIFT, NVME_STEER_COPY_DATA);
}

/**
 * nvme_steer_job_side - make a namespace part of a job
 * @job: not started; the first one is its destination
 * @ns: with a reference, which becomes the job's, also on error
 *
 * By the path of a namespace that is part of it already, if it is of several.
 *
 * Return: its index; -E2BIG, there are too many.
 */
int nvme_steer_job_side(struct nvme_steer_copy_job *job, struct nvme_ns *ns)
{
	unsigned int i;

	for (i = 0; i < job->nr_sides; i++) {
		if (job->side[i].ns->head == ns->head) {
			nvme_put_ns(ns);
			return i;
		}
	}
	if (i == NVME_STEER_COPY_MAX_NAMESPACES) {
		nvme_put_ns(ns);
		return -E2BIG;
	}
	if (!i)
		job->sc = nvme_steer_ctrl_get(ns->ctrl);
	nvme_steer_side_init(&job->side[job->nr_sides++], ns);
	return i;
}

/* Do two stretches of a namespace have a byte in common? */
static bool nvme_steer_overlaps(u64 a, u64 a_len, u64 b, u64 b_len)
{
	return a < b + b_len && b < a + a_len;
}

/*
 * Look at the ranges: lengths, where they belong, overlaps. Return: 0; -EINVAL.
 */
static int nvme_steer_job_measure(struct nvme_steer_copy_job *job)
{
	const struct nvme_steer_side *to = &job->side[0], *from;
	u64 pos = 0, longest = 0, mask = to->mask, low = U64_MAX, high = 0;
	struct nvme_steer_source *r;

	for (r = job->range; r < job->range + job->nr; r++) {
		from = &job->side[r->side];
		if (unlikely(!r->len || ((r->len | r->from) & from->mask) ||
			     (r->len & mask) || r->from + r->len < r->from ||
			     pos + r->len < pos))
			return -EINVAL;
		r->pos = pos;
		r->down = false;
		pos += r->len;
		longest = max(longest, r->len);
		low = min(low, r->from);
		high = max(high, r->from + r->len);
	}
	if (unlikely((job->to & mask) || job->to + pos < job->to))
		return -EINVAL;
	job->len = pos;
	job->longest = longest;
	if (likely(!nvme_steer_overlaps(low, high - low, job->to, pos)))
		return 0;
	for (r = job->range; r < job->range + job->nr; r++) {
		if (likely(!nvme_steer_overlaps(r->from, r->len, job->to,
						pos)) ||
		    job->side[r->side].ns->head != to->ns->head)
			continue;
		job->overlap = true;
		r->down = r->from < job->to + r->pos &&
			  nvme_steer_overlaps(r->from, r->len,
					      job->to + r->pos, r->len);
	}
	return 0;
}

/* Are blocks of both namespaces the same, metadata included? */
static bool nvme_steer_same_blocks(const struct nvme_ns_head *a,
				   const struct nvme_ns_head *b)
{
	return a == b ||
	       (a->lba_shift == b->lba_shift && a->ms == b->ms &&
		a->pi_type == b->pi_type &&
		(!a->ms || a->guard_type == b->guard_type) &&
		!((a->features ^ b->features) & NVME_NS_EXT_LBAS));
}

/* Why the controller could not copy from a namespace: NVME_STEER_COPY_WHY_* */
static __always_inline int
nvme_steer_side_why(const struct nvme_steer_copy_job *job,
		    const struct nvme_steer_side *from, bool plain)
{
	const struct nvme_steer_side *to = &job->side[0];
	const struct nvme_steer_copy_ns *l = &job->limits;

	if (!l->formats)
		return NVME_STEER_COPY_WHY_NO_COPY;
	if (l->max_bytes <= to->mask)
		return NVME_STEER_COPY_WHY_CAP;
	if (from->ns->ctrl != to->ns->ctrl)
		return NVME_STEER_COPY_WHY_CTRL;
	if (!(l->formats & BIT(job->format)) ||
	    (!plain && job->sopt && !(job->format & NVME_STEER_FORMAT_CROSS)) ||
	    (from != to && !(job->format & NVME_STEER_FORMAT_CROSS)) ||
	    !nvme_steer_same_blocks(from->ns->head, to->ns->head))
		return NVME_STEER_COPY_WHY_FORMAT;
	if ((plain || !job->raw) && to->ns->head->pi_type)
		return NVME_STEER_COPY_WHY_METADATA;
	if (!plain && !job->raw && job->overlap)
		return NVME_STEER_COPY_WHY_LIMITS;
	return NVME_STEER_COPY_WHY_NONE;
}

/*
 * Find what can be done. @nr: of sides; one is the destination and all sources.
 * @plain: neither an NVMe Copy nor with overlaps.
 * Return: NVME_STEER_COPY_WHY_* of why it is not one Copy command, 0 if it is.
 */
static __always_inline int nvme_steer_job_can(struct nvme_steer_copy_job *job,
					      unsigned int nr, bool plain)
{
	struct nvme_steer_side *to = &job->side[0], *side;
	struct nvme_steer_side *end = to + nr;
	const struct nvme_steer_copy_ns *l = &job->limits;
	const struct nvme_ns_head *head = to->ns->head;
	bool metadata = false, some = false, all = true;
	int no, why = NVME_STEER_COPY_WHY_NONE;
	u32 can = 0;

	/*
	 * One of several namespaces needs a format for that, if there is one;
	 * it has the options of the source, too.
	 */
	job->format = nvme_steer_wide_guards(head);
	if (!plain && job->sopt &&
	    l->formats & BIT(job->format + NVME_STEER_FORMAT_CROSS))
		job->format |= NVME_STEER_FORMAT_CROSS;
	for (side = to + 1; side < end; side++) {
		can |= NVME_STEER_COPY_CROSS_NS;
		if (side->ns->ctrl != to->ns->ctrl)
			can |= NVME_STEER_COPY_CROSS_CTRL;
		else if (l->formats & BIT((job->format & 1) +
					  NVME_STEER_FORMAT_CROSS))
			job->format |= NVME_STEER_FORMAT_CROSS;
	}
	for (side = to; side < end; side++) {
		no = nvme_steer_side_why(job, side, plain);
		side->offload = !no;
		metadata |= side->ns->head->ms;
		/* the destination may be no source at all */
		if (side == to && nr > 1 && !job->own)
			continue;
		some |= !no;
		all &= !no;
		if (!why)
			why = no;
	}
	if (!metadata)
		can |= NVME_STEER_COPY_CAN_EMULATE;
	if (job->flags & NVME_STEER_COPY_F_FUA)
		can |= NVME_STEER_COPY_FUA;
	if ((!plain && job->overlap) || head->ids.csi == NVME_CSI_ZNS)
		can |= NVME_STEER_COPY_ORDERED;
	if (!why && (job->nr > l->msrc ||
		     job->longest > (u64)l->mssrl << l->lba_shift ||
		     job->len > (u64)l->mcl << l->lba_shift))
		why = NVME_STEER_COPY_WHY_LIMITS;
	if (!why && job->len > l->max_bytes)
		why = NVME_STEER_COPY_WHY_CAP;
	if (!why)
		can |= NVME_STEER_COPY_CAN_OFFLOAD;
	/*
	 * In pieces: not where that would change the outcome, nor where each
	 * needs tags of its own.
	 */
	job->most = min((u64)l->mcl << l->lba_shift, l->max_bytes & ~to->mask);
	if (some && (plain || !job->overlap) && !head->pi_type && (all || !metadata))
		can |= NVME_STEER_COPY_CAN_SPLIT;
	job->all = all;
	job->can = can;
	return why;
}

/*
 * Ask where its commands go. In nvme_steer_enter(). Return: 0, or -errno:
 * refused.
 */
static noinline int nvme_steer_job_route(struct nvme_steer_copy_job *job,
					 struct nvme_steer_policy *p,
					 const struct nvme_steer_copy_how *how,
					 struct io_ring_ctx *ring,
					 struct nvme_steer_queue **q)
{
	struct nvme_steer_side *to = &job->side[0];
	struct nvme_ctrl *nvme = to->ns->ctrl;
	struct nvme_steer_route_args args nvme_steer_uninitialized;
	int ret;

	args.cmd.source = NVME_STEER_SRC_COPY;
	args.cmd.flags = NVME_STEER_CMD_WRITE | NVME_STEER_CMD_RANGE |
			 (nvme_steer_job_polled(how) ? NVME_STEER_CMD_POLLED :
						       0) |
			 (how->sleep ? 0 : NVME_STEER_CMD_NOWAIT);
	args.cmd.opcode = NVME_STEER_COPY;
	args.cmd.ioprio = current->io_context ? current->io_context->ioprio : 0;
	args.cmd.nsid = to->nsid;
	args.cmd.len = min_t(u64, job->len, U32_MAX);
	args.cmd.nlb = min_t(u64, job->len >> to->shift, U32_MAX);
	args.cmd.slba = job->to >> to->shift;
	args.cmd.ctrl = nvme->instance;
	args.cmd.dev_node = nvme->numa_node;
	args.policy = p;
	args.ring = ring;
	*q = NULL;
	ret = nvme_steer_route(job->sc, &args, q);
	if (ret > 0 && ring && p->copies_only && p->hold &&
	    nvme_steer_holds(&args, ret))
		nvme_steer_ring_remember(job->sc, p, ring,
					 how->issue_flags & IO_URING_F_IOPOLL,
					 (*q)->number);
	return ret;
}

/* The queue that was named for copies of its ring, where that holds, or NULL. */
static __always_inline struct nvme_steer_queue *
nvme_steer_job_held(const struct nvme_steer_copy_job *job,
		    const struct nvme_steer_policy *p,
		    const struct nvme_steer_copy_how *how,
		    const struct io_ring_ctx *ring)
{
	if (!ring || !p->copies_only)
		return NULL;
	return nvme_steer_ring_queue(job->sc, p, ring,
				     how->issue_flags & IO_URING_F_IOPOLL);
}

/* Have its commands go to a queue, if that is live. In nvme_steer_enter(). */
static void nvme_steer_job_hold(struct nvme_steer_copy_job *job,
				struct nvme_steer_queue *q)
{
	struct nvme_steer_side *side;

	spin_lock(&q->sq_lock);
	if (likely(nvme_steer_is_open(q))) {
		q->refs++;
		job->q = q;
	}
	spin_unlock(&q->sq_lock);
	if (unlikely(!job->q))
		return;
	for (side = job->side; side < job->side + job->nr_sides; side++)
		if (side->ns->ctrl == job->side[0].ns->ctrl)
			side->q = q;
	nvme_steer_count(job->sc, NVME_STEER_EV_ROUTED);
}

/* Ask how. In nvme_steer_enter(). Return: an answer, or -errno: refused. */
static __always_inline int
nvme_steer_job_ask(struct nvme_steer_copy_job *job, struct nvme_steer_policy *p,
		   const struct nvme_steer_queue *q)
{
	const struct nvme_steer_side *to = &job->side[0];
	struct nvme_steer_copier *c = &job->sc->copier;
	u32 class = nvme_steer_size_class(job->len);
	struct nvme_steer_copy cp nvme_steer_uninitialized;

	cp.ctrl = to->ns->ctrl->instance;
	cp.nsid = to->nsid;
	cp.flags = job->can;
	cp.ranges = job->nr;
	cp.len = job->len;
	cp.slba = job->to >> to->shift;
	cp.lba_size = 1U << to->shift;
	cp.mssrl = job->limits.mssrl;
	cp.mcl = job->limits.mcl;
	cp.msrc = job->limits.msrc;
	cp.copies = atomic_read(&c->copies);
	cp.size_class = class;
	cp.offload_ns = READ_ONCE(c->cost[0][class].ns);
	cp.emulate_ns = READ_ONCE(c->cost[1][class].ns);
	cp.offloads = READ_ONCE(c->cost[0][class].nr);
	cp.emulates = READ_ONCE(c->cost[1][class].nr);
	if (likely(q)) {
		cp.queue = q->number;
		cp.queue_depth = q->depth - 1;
		cp.queue_inflight = nvme_steer_queue_inflight(q);
	} else {
		cp.queue = 0;
		cp.queue_depth = 0;
		cp.queue_inflight = 0;
	}
	job->class = class;
	return nvme_steer_ask_copy(job->sc, p, &cp);
}

/*
 * What is done, given what was answered, or the caller wants, and what can be.
 * @why: why it is not one Copy command. Return: 0; -EOPNOTSUPP.
 */
static int nvme_steer_job_choose(struct nvme_steer_copy_job *job, int why)
{
	u32 can = job->can, want = NVME_STEER_COPY_HOW(job->answer);
	u32 caller = job->flags & (NVME_STEER_COPY_F_OFFLOAD |
				   NVME_STEER_COPY_F_EMULATE);

	if (caller) {
		want = caller & NVME_STEER_COPY_F_OFFLOAD ?
		       NVME_STEER_COPY_OFFLOAD : NVME_STEER_COPY_EMULATE;
		if (caller & NVME_STEER_COPY_F_OFFLOAD)
			can &= ~NVME_STEER_COPY_CAN_EMULATE;
	}
	if (want == NVME_STEER_COPY_EMULATE) {
		why = NVME_STEER_COPY_WHY_NONE;
		if (!(can & NVME_STEER_COPY_CAN_EMULATE)) {
			why = NVME_STEER_COPY_WHY_METADATA;
			want = NVME_STEER_COPY_OFFLOAD;
		}
	}
	if (want == NVME_STEER_COPY_SPLIT &&
	    (can & NVME_STEER_COPY_CAN_SPLIT))
		why = NVME_STEER_COPY_WHY_NONE;
	else if (want == NVME_STEER_COPY_EMULATE)
		;
	else if (can & NVME_STEER_COPY_CAN_OFFLOAD)
		want = NVME_STEER_COPY_OFFLOAD;
	else if (can & NVME_STEER_COPY_CAN_SPLIT)
		want = NVME_STEER_COPY_SPLIT;
	else if (can & NVME_STEER_COPY_CAN_EMULATE)
		want = NVME_STEER_COPY_EMULATE;
	else
		goto cannot;

	/* without the other half only what is all the controller's */
	if (want == NVME_STEER_COPY_SPLIT && !job->all &&
	    !(can & NVME_STEER_COPY_CAN_EMULATE))
		goto cannot;
	if (caller && want != NVME_STEER_COPY_HOW(job->answer) &&
	    why != NVME_STEER_COPY_WHY_METADATA)
		why = NVME_STEER_COPY_WHY_CALLER;
	job->how = want;
	job->why = why;
	return 0;
cannot:
	job->why = why;
	return -EOPNOTSUPP;
}

/* How many pieces there are, about. */
static u64 nvme_steer_job_pieces(const struct nvme_steer_copy_job *job)
{
	if (job->how == NVME_STEER_COPY_OFFLOAD)
		return 1;
	if (job->how == NVME_STEER_COPY_EMULATE && job->len <= job->chunk)
		return DIV_ROUND_UP(job->nr, NVME_STEER_COPY_READS);
	if (job->how == NVME_STEER_COPY_EMULATE)
		return max(div64_u64(job->len - 1, job->chunk) + 1,
			   (u64)DIV_ROUND_UP(job->nr, NVME_STEER_COPY_READS));
	return max(div64_u64(job->len - 1, job->most) + 1,
		   (u64)DIV_ROUND_UP(job->nr, job->limits.msrc));
}

/* Limits of pieces, and the lanes that carry them out. */
static void nvme_steer_job_lanes(struct nvme_steer_copy_job *job,
				 unsigned int depth)
{
	u64 chunk = (u64)NVME_STEER_COPY_KIB(job->answer) << 10;
	unsigned int i, most = NVME_STEER_COPY_DEPTH(job->answer);

	if (!most)
		most = NVME_STEER_COPY_LANES;
	if (depth)
		most = min(most, depth);
	if (job->can & NVME_STEER_COPY_ORDERED)
		most = 1;
	job->chunk = NVME_STEER_COPY_DATA;
	if (chunk) {
		/* whole blocks, of whatever namespace */
		chunk = max(round_down(chunk, PAGE_SIZE), job->side[0].mask + 1);
		job->chunk = min(chunk, job->chunk);
		if (job->how == NVME_STEER_COPY_SPLIT)
			job->most = min(job->most, chunk);
	}
	if (most > 1)
		most = min_t(u64, nvme_steer_job_pieces(job), most);
	job->nr_lanes = most;
	if (most <= NVME_STEER_FEW_LANES)
		return;
	job->lanes = kvmalloc_array(most, sizeof(*job->lanes), GFP_KERNEL);
	if (!job->lanes) {
		job->lanes = job->few_lanes;
		job->nr_lanes = NVME_STEER_FEW_LANES;
		return;
	}
	for (i = 0; i < most; i++)
		nvme_steer_lane_construct(&job->lanes[i], job);
}

/* The least that each of the namespaces can take. */
static int nvme_steer_job_limits(struct nvme_steer_copy_job *job, bool sleep)
{
	struct nvme_steer_side *to = &job->side[0];
	struct nvme_steer_copy_ns limits;
	unsigned int i;
	int ret;

	ret = nvme_steer_copy_limits(job->sc, to->ns, sleep, &job->limits);
	for (i = 1; i < job->nr_sides && !ret; i++) {
		if (job->side[i].ns->ctrl != to->ns->ctrl)
			continue;
		ret = nvme_steer_copy_limits(job->sc, job->side[i].ns, sleep,
					     &limits);
		job->limits.mssrl = min(job->limits.mssrl, limits.mssrl);
	}
	if (!job->limits.mssrl)
		job->limits.formats = 0;
	return ret;
}

/*
 * Ask all that is to be asked, and decide how it is done. @why: it is not one
 * Copy command. In nvme_steer_enter(). Return: 0, with the queue to be used,
 * or NULL, in @q; or -errno.
 */
static __always_inline int
nvme_steer_job_decide(struct nvme_steer_copy_job *job,
		      struct nvme_steer_policy *p,
		      const struct nvme_steer_copy_how *how, int why,
		      struct nvme_steer_queue **q)
{
	struct io_ring_ctx *ring = how->ioucmd ?
				   cmd_to_io_kiocb(how->ioucmd)->ctx : NULL;
	int ret = 0;

	job->policy = p;
	if (!job->timeout)
		job->timeout = p->timeout;
	*q = nvme_steer_job_held(job, p, how, ring);
	if (!*q)
		ret = nvme_steer_job_route(job, p, how, ring, q);
	if (ret >= 0)
		ret = nvme_steer_job_ask(job, p, *q);
	job->answer = ret;
	if (unlikely(ret < 0)) {
		job->why = NVME_STEER_COPY_WHY_NONE;
		return ret;
	}
	return nvme_steer_job_choose(job, why);
}

/*
 * Is its time to be taken? Of those that nobody is told of one in eight, once
 * there were some: it costs more than all else of a small copy's statistics.
 */
static __always_inline bool
nvme_steer_job_timed(const struct nvme_steer_copy_job *job,
		     const struct nvme_steer_policy *p)
{
	bool emulate = job->how == NVME_STEER_COPY_EMULATE;
	struct nvme_steer_copier *c = &job->sc->copier;
	u32 nr;

	if (nvme_steer_job_tells(job, p) || trace_nvme_steer_copy_enabled() ||
	    READ_ONCE(c->cost[emulate][job->class].nr) <
	    NVME_STEER_COPY_ALL_TIMED)
		return true;
	nr = READ_ONCE(c->untimed) + 1;
	WRITE_ONCE(c->untimed, nr);
	return !(nr & 7);
}

/* It is under way from here on, by one lane. */
static __always_inline void
nvme_steer_job_begin(struct nvme_steer_copy_job *job,
		     const struct nvme_steer_policy *p,
		     const struct nvme_steer_copy_how *how,
		     struct nvme_steer_queue *q)
{
	struct nvme_steer_pdu *pdu;

	if (how->ioucmd) {
		pdu = nvme_steer_pdu(how->ioucmd);
		pdu->req = NULL;
		pdu->queue = q;
		pdu->job = job;
	}
	atomic_inc(&job->sc->copier.copies);
	job->started = nvme_steer_job_timed(job, p) ? ktime_get_ns() : 0;
	atomic_set(&job->running, 1);
}

/* Begin with it, by the way of lanes. */
static noinline void nvme_steer_job_lanes_start(struct nvme_steer_copy_job *job,
						unsigned int depth)
{
	unsigned int i;

	nvme_steer_job_lanes(job, depth);
	atomic_set(&job->running, job->nr_lanes);
	if (likely(job->nr_lanes == 1)) {
		nvme_steer_lane_start(job->lanes);
		return;
	}
	/* one for us: the job must not end before all are started */
	atomic_inc(&job->running);
	for (i = 0; i < job->nr_lanes; i++)
		nvme_steer_lane_start(&job->lanes[i]);
	nvme_steer_job_put(job, NULL);
}

/* No queue keeps its controller. In nvme_steer_enter(). Return: 0; -ENODEV. */
static noinline int nvme_steer_job_keep(struct nvme_steer_copy_job *job)
{
	if (!kref_get_unless_zero(&job->sc->ref)) {
		atomic_dec(&job->sc->copier.copies);
		return -ENODEV;
	}
	__module_get(THIS_MODULE);
	job->lent = false;
	return 0;
}

/*
 * Ask, and begin. @why: it is not one Copy command. In nvme_steer_enter(),
 * which it leaves. Returns as nvme_steer_job_start() does.
 */
static __always_inline int
nvme_steer_job_run(struct nvme_steer_copy_job *job,
		   const struct nvme_steer_copy_how *how, int why)
{
	struct nvme_steer_policy *p = rcu_dereference(job->sc->policy);
	struct nvme_steer_queue *q;
	int ret;

	ret = p ? nvme_steer_job_decide(job, p, how, why, &q) : -ENOTTY;
	if (unlikely(ret)) {
		if (p)
			nvme_steer_job_refused(job, ret);
		nvme_steer_leave();
		return ret;
	}
	nvme_steer_job_begin(job, p, how, q);
	if (q && nvme_steer_short_copy(job, q)) {
		nvme_steer_leave();
		return 0;
	}
	if (q)
		nvme_steer_job_hold(job, q);
	if (unlikely(job->lent && !job->q))
		ret = nvme_steer_job_keep(job);
	nvme_steer_leave();
	if (unlikely(ret))
		return ret;
	if (how->ioucmd && !job->q)
		nvme_steer_pdu(how->ioucmd)->queue = NVME_STEER_NO_QUEUE;
	nvme_steer_job_lanes_start(job, how->depth);
	return 0;
}

/**
 * nvme_steer_job_start - carry out a copy
 * @job: filled in: sides, ranges, @to, @flags, @done
 * @how: who asks for it
 *
 * Context: task; sleeps for more than memory only if @how says so.
 * Return: 0: it ends through job->done(), maybe before this returns. Else
 * nothing has happened but that it was counted as refused, unless -EAGAIN or
 * -ENOTTY, and the job is the caller's: -ENOTTY (no policy is
 * attached), -EINVAL (lengths), -EAGAIN (it takes a caller who may sleep),
 * -EOPNOTSUPP, -EIO, -ENOMEM, -ENODEV, or any errno of the policy.
 */
int nvme_steer_job_start(struct nvme_steer_copy_job *job,
			 const struct nvme_steer_copy_how *how)
{
	int ret, why;

	if (!job->sc)
		return -ENOTTY;
	ret = nvme_steer_job_measure(job);
	if (!ret)
		ret = nvme_steer_job_limits(job, how->sleep);
	if (unlikely(ret)) {
		/* or it is tried again by who may sleep */
		if (ret != -EAGAIN)
			nvme_steer_job_refused(job, ret);
		return ret;
	}
	why = nvme_steer_job_can(job, job->nr_sides, false);
	nvme_steer_enter();
	return nvme_steer_job_run(job, how, why);
}

/**
 * nvme_steer_job_start_own - carry out a copy that is within one namespace
 * @job: filled in but for its side, @lent, with its ranges measured: no
 *	overlap, and no longer than NVME_STEER_COPY_DATA
 * @ns: the namespace, not held yet
 * @bits: of all its numbers that are to be multiples of a block
 * @how: who asks for it, who cannot sleep
 *
 * No array is in its frame.
 *
 * Context: task.
 * Return: as nvme_steer_job_start(); or 1, it must be done that way, from its
 * beginning, and nothing has happened.
 */
__no_stack_protector
int nvme_steer_job_start_own(struct nvme_steer_copy_job *job,
			     struct nvme_ns *ns, u64 bits,
			     const struct nvme_steer_copy_how *how)
{
	unsigned int first = ns->head->ns_id - 1;
	struct nvme_steer_side *side = &job->side[0];
	const struct nvme_steer_copy_ns *l;
	struct nvme_steer_ctrl *sc;

	nvme_steer_enter();
	sc = rcu_dereference(ns->ctrl->steer);
	if (unlikely(!sc || first >= NVME_STEER_COPY_FIRST))
		goto other;
	l = rcu_dereference(sc->copier.first[first]);
	if (unlikely(!nvme_steer_limits_hold(sc, ns, l)))
		goto other;
	/* its block size is looked at again before anything is sent */
	nvme_steer_side_init(side, ns);
	if (unlikely((bits & side->mask) || !kref_get_unless_zero(&ns->kref)))
		goto other;
	job->nr_sides = 1;
	job->own = true;
	job->sc = sc;
	job->limits = *l;
	return nvme_steer_job_run(job, how, nvme_steer_job_can(job, 1, true));
other:
	nvme_steer_leave();
	return 1;
}

/**
 * nvme_steer_job_stop - begin no more pieces of a copy
 * @job: started, and not freed yet
 *
 * Context: any.
 */
void nvme_steer_job_stop(struct nvme_steer_copy_job *job)
{
	WRITE_ONCE(job->stopped, true);
	WRITE_ONCE(job->stop, true);
}
