// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a copy: what of it the controller could do, what the policy
 * says to that, and, when its lanes have ended, how far it got.
 */
#include <linux/module.h>

#include "copy.h"
#include "passthru.h"
#include "route.h"
#include "steer_trace.h"

/* Bits of nvme_steer_copy_ns.formats: of one namespace, of several. */
#define NVME_STEER_FORMAT_CROSS		2

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
	struct nvme_steer_side *side;
	unsigned int i;

	for (i = 0; i < job->nr_sides; i++) {
		if (job->side[i].ns->head == ns->head) {
			nvme_put_ns(ns);
			return i;
		}
	}
	if (i == NVME_STEER_COPY_SIDES) {
		nvme_put_ns(ns);
		return -E2BIG;
	}
	if (!i)
		job->sc = nvme_steer_ctrl_get(ns->ctrl);
	side = &job->side[job->nr_sides++];
	side->ns = ns;
	side->q = NULL;
	side->nsid = ns->head->ns_id;
	side->shift = ns->head->lba_shift;
	side->ms = ns->head->ms;
	side->mask = (1ULL << side->shift) - 1;
	side->max = min_t(u64, (u64)queue_max_hw_sectors(ns->queue) <<
			  SECTOR_SHIFT, NVME_STEER_COPY_DATA);
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
		a->pi_type == b->pi_type && a->guard_type == b->guard_type &&
		!((a->features ^ b->features) & NVME_NS_EXT_LBAS));
}

/* Why the controller could not copy from a namespace: NVME_STEER_COPY_WHY_* */
static int nvme_steer_side_why(const struct nvme_steer_copy_job *job,
			       const struct nvme_steer_side *from)
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
	    (from != to && !(job->format & NVME_STEER_FORMAT_CROSS)) ||
	    !nvme_steer_same_blocks(from->ns->head, to->ns->head))
		return NVME_STEER_COPY_WHY_FORMAT;
	if (!job->raw && to->ns->head->pi_type)
		return NVME_STEER_COPY_WHY_METADATA;
	if (!job->raw && job->overlap)
		return NVME_STEER_COPY_WHY_LIMITS;
	return NVME_STEER_COPY_WHY_NONE;
}

/*
 * Find what can be done. Return: NVME_STEER_COPY_WHY_* of why it is not one
 * Copy command, 0 if it is.
 */
static int nvme_steer_job_can(struct nvme_steer_copy_job *job)
{
	struct nvme_steer_side *to = &job->side[0], *side;
	struct nvme_steer_side *end = to + job->nr_sides;
	const struct nvme_steer_copy_ns *l = &job->limits;
	const struct nvme_ns_head *head = to->ns->head;
	bool metadata = false, some = false, all = true;
	int no, why = NVME_STEER_COPY_WHY_NONE;
	u32 can = 0;

	/* one of several namespaces needs a format for that, if there is one */
	job->format = head->guard_type == NVME_NVM_NS_16B_GUARD ? 0 : 1;
	for (side = to + 1; side < end; side++) {
		can |= NVME_STEER_COPY_CROSS_NS;
		if (side->ns->ctrl != to->ns->ctrl)
			can |= NVME_STEER_COPY_CROSS_CTRL;
		else if (l->formats & BIT((job->format & 1) +
					  NVME_STEER_FORMAT_CROSS))
			job->format |= NVME_STEER_FORMAT_CROSS;
	}
	for (side = to; side < end; side++) {
		no = nvme_steer_side_why(job, side);
		side->offload = !no;
		metadata |= side->ns->head->ms;
		/* the destination may be no source at all */
		if (side == to && !job->own)
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
	if (job->overlap || head->ids.csi == NVME_CSI_ZNS)
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
	if (some && !job->overlap && !head->pi_type && (all || !metadata))
		can |= NVME_STEER_COPY_CAN_SPLIT;
	job->all = all;
	job->can = can;
	return why;
}

/* What copies of the size have taken lately; see nvme_steer_copy. */
static u32 nvme_steer_size_class(u64 len)
{
	return min(fls64(len >> 13), NVME_STEER_COPY_CLASSES - 1);
}

static void nvme_steer_job_learn(struct nvme_steer_copy_job *job, u64 ns)
{
	struct nvme_steer_copier *c = &job->sc->copier;
	bool emulated = job->path == NVME_STEER_COPY_EMULATE;
	struct nvme_steer_copy_cost *cost =
		&c->cost[emulated][nvme_steer_size_class(job->len)];
	u64 mean = READ_ONCE(cost->ns);
	u32 nr = READ_ONCE(cost->nr);

	if (job->status || job->path == NVME_STEER_COPY_HYBRID)
		return;
	/* the first few weigh as much as each other, then an eighth */
	if (nr < 8)
		mean += div_s64((s64)(ns - mean), nr + 1);
	else
		mean += (s64)(ns - mean) / 8;
	WRITE_ONCE(cost->ns, mean);
	if (nr < 255)
		WRITE_ONCE(cost->nr, nr + 1);
}

/*
 * Ask where its commands go. In nvme_steer_enter(). Return: 0, or -errno:
 * refused.
 */
static int nvme_steer_job_route(struct nvme_steer_copy_job *job,
				struct nvme_steer_policy *p,
				const struct nvme_steer_copy_how *how)
{
	struct nvme_steer_side *to = &job->side[0];
	struct nvme_ctrl *nvme = to->ns->ctrl;
	struct nvme_steer_route_args args = { };
	struct nvme_steer_queue *q;
	unsigned int i;
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
	args.ring = how->ioucmd ? cmd_to_io_kiocb(how->ioucmd)->ctx : NULL;
	ret = nvme_steer_route(job->sc, &args, &q);
	if (ret <= 0)
		return ret;

	spin_lock(&q->sq_lock);
	if (likely(q->live)) {
		q->refs++;
		job->q = q;
	}
	spin_unlock(&q->sq_lock);
	if (unlikely(!job->q))
		return 0;
	for (i = 0; i < job->nr_sides; i++)
		if (job->side[i].ns->ctrl == nvme)
			job->side[i].q = q;
	nvme_steer_count(job->sc, NVME_STEER_EV_ROUTED);
	return 0;
}

/* Ask how. In nvme_steer_enter(). Return: an answer, or -errno: refused. */
static int nvme_steer_job_ask(struct nvme_steer_copy_job *job,
			      struct nvme_steer_policy *p)
{
	const struct nvme_steer_side *to = &job->side[0];
	struct nvme_steer_copier *c = &job->sc->copier;
	u32 class = nvme_steer_size_class(job->len);
	struct nvme_steer_copy cp = {
		.ctrl = to->ns->ctrl->instance,
		.nsid = to->nsid,
		.flags = job->can,
		.ranges = job->nr,
		.len = job->len,
		.slba = job->to >> to->shift,
		.lba_size = 1U << to->shift,
		.mssrl = job->limits.mssrl,
		.mcl = job->limits.mcl,
		.msrc = job->limits.msrc,
		.copies = atomic_read(&c->copies),
		.size_class = class,
		.offload_ns = READ_ONCE(c->cost[0][class].ns),
		.emulate_ns = READ_ONCE(c->cost[1][class].ns),
		.offloads = READ_ONCE(c->cost[0][class].nr),
		.emulates = READ_ONCE(c->cost[1][class].nr),
	};

	if (job->q) {
		cp.queue = job->q->number;
		cp.queue_depth = job->q->depth - 1;
		cp.queue_inflight = nvme_steer_queue_inflight(job->q);
	}
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
		return -EOPNOTSUPP;

	/* without the other half only what is all the controller's */
	if (want == NVME_STEER_COPY_SPLIT && !job->all &&
	    !(can & NVME_STEER_COPY_CAN_EMULATE))
		return -EOPNOTSUPP;
	if (caller && want != NVME_STEER_COPY_HOW(job->answer))
		why = NVME_STEER_COPY_WHY_CALLER;
	job->how = want;
	job->why = why;
	return 0;
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

/* The lane whose piece failed at the lowest place, in a job that has ended. */
static const struct nvme_steer_lane *
nvme_steer_job_failed(const struct nvme_steer_copy_job *job)
{
	const struct nvme_steer_lane *first = NULL, *lane;

	for (lane = job->lanes; lane < job->lanes + job->nr_lanes; lane++)
		if (lane->failed_status &&
		    (!first || lane->failed_pos < first->failed_pos))
			first = lane;
	return first;
}

/**
 * nvme_steer_range_report - what became of a range
 * @job: has ended
 * @i: the range
 * @done: gets the bytes copied, from its beginning
 *
 * Return: 0, an NVMe status, or -errno, as in struct nvme_steer_copy_range.
 */
int nvme_steer_range_report(const struct nvme_steer_copy_job *job, u32 i,
			    u64 *done)
{
	const struct nvme_steer_source *r = &job->range[i];
	u64 end = r->pos + r->len, upto = end;
	const struct nvme_steer_lane *lane;
	int status = 0;

	/* what no lane took; a range that is moved downwards is whole or not */
	if (job->pos < upto) {
		upto = r->down ? r->pos : max(job->pos, r->pos);
		status = job->stopped ? -EINTR : -ECANCELED;
	}
	for (lane = job->lanes; lane < job->lanes + job->nr_lanes; lane++) {
		if (!lane->failed_status || lane->failed_pos >= end ||
		    lane->pos + lane->len <= r->pos ||
		    lane->failed_pos > upto)
			continue;
		upto = max(lane->failed_pos, r->pos);
		/* it failed in a range before this one */
		status = lane->failed_pos < r->pos ? -ECANCELED :
						     lane->failed_status;
	}
	*done = upto - r->pos;
	return status;
}

static void nvme_steer_count_bytes(struct nvme_steer_ctrl *sc,
				   enum nvme_steer_event ev, u64 bytes)
{
	this_cpu_add(sc->stats->events[ev], bytes);
}

static void nvme_steer_job_count(const struct nvme_steer_copy_job *job,
				 u64 offloaded, u64 emulated)
{
	static const u8 paths[] = {
		[NVME_STEER_COPY_OFFLOAD]	= NVME_STEER_EV_COPY_OFFLOADED,
		[NVME_STEER_COPY_SPLIT]		= NVME_STEER_EV_COPY_SPLIT,
		[NVME_STEER_COPY_EMULATE]	= NVME_STEER_EV_COPY_EMULATED,
		[NVME_STEER_COPY_HYBRID]	= NVME_STEER_EV_COPY_HYBRID,
	};
	static const u8 whys[] = {
		[NVME_STEER_COPY_WHY_NO_COPY]	= NVME_STEER_EV_COPY_NO_COPY,
		[NVME_STEER_COPY_WHY_LIMITS]	= NVME_STEER_EV_COPY_LIMITS,
		[NVME_STEER_COPY_WHY_CAP]	= NVME_STEER_EV_COPY_CAP,
		[NVME_STEER_COPY_WHY_FORMAT]	= NVME_STEER_EV_COPY_FORMAT,
		[NVME_STEER_COPY_WHY_CTRL]	= NVME_STEER_EV_COPY_CTRL,
		[NVME_STEER_COPY_WHY_DEVICE]	= NVME_STEER_EV_COPY_DEVICE,
		[NVME_STEER_COPY_WHY_METADATA]	= NVME_STEER_EV_COPY_METADATA,
		[NVME_STEER_COPY_WHY_CALLER]	= 0,
	};
	struct nvme_steer_ctrl *sc = job->sc;

	nvme_steer_count(sc, job->status ? NVME_STEER_EV_COPY_FAILED :
					   paths[job->path]);
	if (whys[job->why])
		nvme_steer_count(sc, whys[job->why]);
	if (offloaded)
		nvme_steer_count_bytes(sc, NVME_STEER_EV_COPY_OFFLOADED_BYTES,
				       offloaded);
	if (emulated)
		nvme_steer_count_bytes(sc, NVME_STEER_EV_COPY_EMULATED_BYTES,
				       emulated);
}

/* How it ended. */
static void nvme_steer_job_settle(struct nvme_steer_copy_job *job)
{
	const struct nvme_steer_lane *failed = nvme_steer_job_failed(job), *lane;
	u64 offloaded = 0, emulated = 0;
	unsigned int copies = 0;

	for (lane = job->lanes; lane < job->lanes + job->nr_lanes; lane++) {
		offloaded += lane->offloaded;
		emulated += lane->emulated;
		copies += lane->copies;
	}
	job->copied = job->pos;
	job->status = 0;
	if (unlikely(failed)) {
		job->copied = failed->failed_pos;
		job->status = failed->failed_status;
	} else if (job->pos < job->len) {
		job->status = -EINTR;
	}
	if (offloaded && emulated)
		job->path = NVME_STEER_COPY_HYBRID;
	else if (emulated || job->how == NVME_STEER_COPY_EMULATE)
		job->path = NVME_STEER_COPY_EMULATE;
	else
		job->path = copies > 1 || job->how == NVME_STEER_COPY_SPLIT ?
			    NVME_STEER_COPY_SPLIT : NVME_STEER_COPY_OFFLOAD;
	nvme_steer_job_count(job, offloaded, emulated);
}

/* What became of it, for the policy and for tracing. */
static noinline void nvme_steer_job_tell(struct nvme_steer_copy_job *job,
					 struct nvme_steer_policy *p, u64 ns)
{
	const struct nvme_steer_side *to = &job->side[0];
	struct nvme_steer_copied ev = {
		.ctrl = to->ns->ctrl->instance,
		.nsid = to->nsid,
		.answer = job->answer,
		.path = job->path,
		.why = job->why,
		.status = job->status,
		.ranges = job->nr,
		.size_class = nvme_steer_size_class(job->len),
		.len = job->len,
		.done = job->copied,
		.ns = ns,
		.flags = job->can,
	};

	trace_nvme_steer_copy(job->sc, job->to >> to->shift, &ev);
	if (p)
		nvme_steer_call(p, NVME_STEER_CALL_COPIED, &ev);
}

/* Tell the policy, if it is the one that was asked and wants to know. */
static void nvme_steer_job_feedback(struct nvme_steer_copy_job *job, u64 ns)
{
	struct nvme_steer_policy *p;

	nvme_steer_enter();
	p = rcu_dereference(job->sc->policy);
	if (p != job->policy || !p->copied || READ_ONCE(p->exit_kind))
		p = NULL;
	if (p || trace_nvme_steer_copy_enabled())
		nvme_steer_job_tell(job, p, ns);
	nvme_steer_leave();
}

/* All lanes of a job have ended. */
static void nvme_steer_job_end(struct nvme_steer_copy_job *job,
			       struct nvme_steer_drain *drain)
{
	u64 ns = ktime_get_ns() - job->started;

	nvme_steer_job_settle(job);
	nvme_steer_job_learn(job, ns);
	nvme_steer_job_feedback(job, ns);
	atomic_dec(&job->sc->copier.copies);
	job->done(job, drain);
}

/**
 * nvme_steer_job_put - a lane of a copy has ended
 * @job: the job; may be gone afterwards
 * @drain: as in struct nvme_steer_io
 *
 * Context: any; cq_lock may be held.
 */
void nvme_steer_job_put(struct nvme_steer_copy_job *job,
			struct nvme_steer_drain *drain)
{
	if (atomic_dec_and_test(&job->running))
		nvme_steer_job_end(job, drain);
}

/**
 * nvme_steer_job_start - carry out a copy
 * @job: filled in: sides, ranges, @to, @flags, @done
 * @how: who asks for it
 *
 * Context: task; sleeps for more than memory only if @how says so.
 * Return: 0: it ends through job->done(), maybe before this returns. Else
 * nothing has happened and the job is the caller's: -ENOTTY (no policy is
 * attached), -EINVAL (lengths), -EAGAIN (it takes a caller who may sleep),
 * -EOPNOTSUPP, -EIO, -ENOMEM, -ENODEV, or any errno of the policy.
 */
int nvme_steer_job_start(struct nvme_steer_copy_job *job,
			 const struct nvme_steer_copy_how *how)
{
	struct nvme_steer_ctrl *sc = job->sc;
	struct nvme_steer_policy *p;
	unsigned int i;
	int ret, why;

	if (!sc)
		return -ENOTTY;
	ret = nvme_steer_job_measure(job);
	if (!ret)
		ret = nvme_steer_job_limits(job, how->sleep);
	if (ret)
		return ret;
	why = nvme_steer_job_can(job);

	nvme_steer_enter();
	p = rcu_dereference(sc->policy);
	ret = -ENOTTY;
	if (p) {
		job->policy = p;
		if (!job->timeout)
			job->timeout = p->timeout;
		ret = nvme_steer_job_route(job, p, how);
	}
	if (!ret) {
		ret = nvme_steer_job_ask(job, p);
		job->answer = ret;
	}
	nvme_steer_leave();
	if (ret < 0)
		return ret;
	ret = nvme_steer_job_choose(job, why);
	if (ret)
		return ret;
	nvme_steer_job_lanes(job, how->depth);

	if (how->ioucmd) {
		nvme_steer_pdu(how->ioucmd)->req = NULL;
		nvme_steer_pdu(how->ioucmd)->queue = job->q ?:
						     NVME_STEER_NO_QUEUE;
		nvme_steer_pdu(how->ioucmd)->job = job;
	}
	atomic_inc(&sc->copier.copies);
	job->started = ktime_get_ns();
	atomic_set(&job->running, job->nr_lanes);
	if (likely(job->nr_lanes == 1)) {
		nvme_steer_lane_start(job->lanes);
		return 0;
	}
	/* one for us: the job must not end before all are started */
	atomic_inc(&job->running);
	for (i = 0; i < job->nr_lanes; i++)
		nvme_steer_lane_start(&job->lanes[i]);
	nvme_steer_job_put(job, NULL);
	return 0;
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
