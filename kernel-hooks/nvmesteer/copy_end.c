// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a copy: how far it got, and who is to know.
 */
#include "copy.h"
#include "route.h"
#include "steer_trace.h"

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

	/* then lanes need not have said anything, see copy_short.c */
	if (likely(!job->status)) {
		*done = r->len;
		return 0;
	}
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

static __always_inline void
nvme_steer_job_learn(struct nvme_steer_copy_job *job, u64 ns)
{
	struct nvme_steer_copier *c = &job->sc->copier;
	bool emulated = job->path == NVME_STEER_COPY_EMULATE;
	struct nvme_steer_copy_cost *cost =
		&c->cost[emulated][job->class];
	u64 mean;
	u32 nr = READ_ONCE(cost->nr);

	if (!job->started)
		goto count;
	mean = READ_ONCE(cost->ns);
	/* the first few weigh as much as each other, then an eighth */
	if (nr < NVME_STEER_COPY_ALL_TIMED)
		mean += div_s64((s64)(ns - mean), nr + 1);
	else
		mean += (s64)(ns - mean) / 8;
	WRITE_ONCE(cost->ns, mean);
count:
	if (nr < 255)
		WRITE_ONCE(cost->nr, nr + 1);
}

/* @bytes: that were copied, by its path or up to where it failed. */
static __always_inline void
nvme_steer_job_count(const struct nvme_steer_copy_job *job, u64 bytes)
{
	static const struct nvme_steer_path_events {
		u8 copies, bytes;
	} paths[] = {
		[NVME_STEER_COPY_OFFLOAD] = {
			NVME_STEER_EV_COPY_OFFLOADED,
			NVME_STEER_EV_COPY_OFFLOADED_BYTES,
		},
		[NVME_STEER_COPY_SPLIT] = {
			NVME_STEER_EV_COPY_SPLIT,
			NVME_STEER_EV_COPY_SPLIT_BYTES,
		},
		[NVME_STEER_COPY_EMULATE] = {
			NVME_STEER_EV_COPY_EMULATED,
			NVME_STEER_EV_COPY_EMULATED_BYTES,
		},
		[NVME_STEER_COPY_HYBRID] = {
			NVME_STEER_EV_COPY_HYBRID,
			NVME_STEER_EV_COPY_HYBRID_BYTES,
		},
	}, failed = {
		NVME_STEER_EV_COPY_FAILED, NVME_STEER_EV_COPY_FAILED_BYTES,
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
	const struct nvme_steer_path_events *ev = likely(!job->status) ?
						  &paths[job->path] : &failed;
	struct nvme_steer_ctrl *sc = job->sc;

	nvme_steer_count(sc, ev->copies);
	this_cpu_add(sc->stats->events[ev->bytes], bytes);
	if (whys[job->why])
		nvme_steer_count(sc, whys[job->why]);
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
	nvme_steer_job_count(job, offloaded + emulated);
}

/* What became of it, for the policy, unless that is NULL, and for tracing. */
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

/**
 * nvme_steer_job_refused - a copy is not done, and nothing of it was
 * @job: not started, and with nothing else to be done but to free it
 * @status: -errno, or an NVMe status
 *
 * Counted and traced, where it is known whose destination it was. Its policy
 * is not told: it knows, or was not asked.
 *
 * Context: task; the controller is held, or in nvme_steer_enter().
 */
void nvme_steer_job_refused(struct nvme_steer_copy_job *job, int status)
{
	if (!job->nr_sides || !job->sc)
		return;
	nvme_steer_count(job->sc, NVME_STEER_EV_COPY_REFUSED);
	if (!trace_nvme_steer_copy_enabled())
		return;
	job->path = NVME_STEER_COPY_DEFAULT;
	job->status = status;
	job->copied = 0;
	nvme_steer_job_tell(job, NULL, 0);
}

/* Tell the policy, if it is the one that was asked and wants to know. */
static void nvme_steer_job_feedback(struct nvme_steer_copy_job *job, u64 ns)
{
	struct nvme_steer_policy *p;

	nvme_steer_enter();
	p = rcu_dereference(job->sc->policy);
	if (p != job->policy || !nvme_steer_job_tells(job, p) ||
	    READ_ONCE(p->exit_kind))
		p = NULL;
	if (p || trace_nvme_steer_copy_enabled())
		nvme_steer_job_tell(job, p, ns);
	nvme_steer_leave();
}

/* A job has ended, and been counted. @learn: what its path costs, from it. */
static __always_inline void nvme_steer_job_end(struct nvme_steer_copy_job *job,
					       bool learn,
					       struct nvme_steer_drain *drain)
{
	bool timed = job->started;
	u64 ns = unlikely(timed) ? ktime_get_ns() - job->started : 0;

	if (learn)
		nvme_steer_job_learn(job, ns);
	if (unlikely(timed))
		nvme_steer_job_feedback(job, ns);
	atomic_dec(&job->sc->copier.copies);
	job->done(job, drain);
}

/**
 * nvme_steer_job_whole - all of a copy was done one way, without an error
 * @job: of one lane; may be gone afterwards
 * @path: NVME_STEER_COPY_OFFLOAD or NVME_STEER_COPY_EMULATE
 * @drain: as in struct nvme_steer_io
 *
 * What a job's end is otherwise, in fewer instructions.
 *
 * Context: any; cq_lock may be held.
 */
void nvme_steer_job_whole(struct nvme_steer_copy_job *job, u8 path,
			  struct nvme_steer_drain *drain)
{
	job->copied = job->len;
	job->status = 0;
	job->path = path;
	nvme_steer_job_count(job, job->len);
	nvme_steer_job_end(job, true, drain);
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
	if (!atomic_dec_and_test(&job->running))
		return;
	nvme_steer_job_settle(job);
	nvme_steer_job_end(job, !job->status &&
				job->path != NVME_STEER_COPY_HYBRID, drain);
}
