/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers of route() that hold for more than the command they were given for:
 * for the rest of a batch, for a ring (hold_ms), or for commands of a kind that
 * a ring or the block layer sends (hold_ms with hold_by).
 */
#ifndef NVMESTEER_HOLD_H
#define NVMESTEER_HOLD_H

#include <linux/blk-cgroup.h>
#include <linux/cgroup.h>
#include <linux/hash.h>

#include "block.h"
#include "route.h"

#define NVME_STEER_KINDS_BITS	3

/* In the place of a queue: the answer that holds is the driver's own path. */
#define NVME_STEER_HELD_OWN	((struct nvme_steer_queue *)ERR_PTR(-EALREADY))

/*
 * The last answer on a CPU, which alone reads and writes it, with preemption
 * disabled; the end of @policy clears that. It is written in tasks, and without
 * @policy meanwhile: an interrupt that dispatches a request finds all of it or
 * nothing. @policy and @ring are compared, never followed; @ring is not used
 * for block requests. It was given at @since, in jiffies. @polled keeps a new
 * ring from being taken for one of the other kind that was at its address.
 */
struct nvme_steer_answer {
	const struct nvme_steer_policy *policy;
	const struct io_ring_ctx *ring;
	unsigned long since;
	unsigned int queue;
	unsigned int polled;		/* IO_URING_F_IOPOLL, or 0; not requests' */
};

/*
 * Likewise of a policy with hold_by; whether it is polled for is in @kind.
 * Queue 0 is the driver's own path.
 */
struct nvme_steer_kind_answer {
	struct nvme_steer_answer last;
	struct nvme_steer_kind kind;
} __aligned(64);

/*
 * @last is rings', @block the requests' that are not polled for and that are.
 * @of_kind, of rings and of requests, has one for each hash: of two with the
 * same hash, the later one.
 */
struct nvme_steer_answers {
	struct nvme_steer_answer last;
	struct nvme_steer_answer block[2];
	struct nvme_steer_kind_answer of_kind[2][1 << NVME_STEER_KINDS_BITS];
};

/*
 * The queue that a batch goes to, where the policy needs to be asked only
 * once, or NULL. The batch holds it, and will ring its doorbell. Under RCU.
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_batch_queue(const struct nvme_steer_policy *p,
		       const struct io_ring_ctx *ring)
{
	struct nvme_steer_plug *plug = p->per_batch ? nvme_steer_plug() : NULL;

	if (!plug || plug->policy != p || plug->ring != ring)
		return NULL;
	return plug->cb.data;
}

/* Is it an answer of @p for @ring that is not older than @hold, jiffies? */
static __always_inline bool
nvme_steer_answer_holds(const struct nvme_steer_answer *last,
			const struct nvme_steer_policy *p,
			const struct io_ring_ctx *ring, u32 hold)
{
	return last->ring == ring && last->policy == p &&
	       jiffies - last->since < hold && !READ_ONCE(p->exit_kind);
}

/* Of NULL: @last is being written; of @p: it is whole. */
static __always_inline void
nvme_steer_answer_of(struct nvme_steer_answer *last,
		     const struct nvme_steer_policy *p)
{
	barrier();
	WRITE_ONCE(last->policy, p);
	barrier();
}

/*
 * The queue that the policy has named for a ring, where that still holds, or
 * NULL. In nvme_steer_enter().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_ring_queue(struct nvme_steer_ctrl *sc,
		      const struct nvme_steer_policy *p,
		      const struct io_ring_ctx *ring, unsigned int polled)
{
	const struct nvme_steer_answer *last;
	struct nvme_steer_queue *q = NULL;

	if (!p->hold)
		return NULL;
	if (!NVME_STEER_BARE)
		preempt_disable();
	last = &this_cpu_ptr(sc->answers)->last;
	if (last->polled == polled &&
	    nvme_steer_answer_holds(last, p, ring, p->hold))
		q = rcu_dereference(sc->queues[last->queue]);
	if (!NVME_STEER_BARE)
		preempt_enable();
	return nvme_steer_fits(q, polled) ? q : NULL;
}

/* Remember the answer for a batch that has begun; follows no pointer. */
static __always_inline void
nvme_steer_batch_remember(const struct nvme_steer_policy *p,
			  const struct io_ring_ctx *ring,
			  const struct nvme_steer_queue *q)
{
	struct nvme_steer_plug *plug = p->per_batch ? nvme_steer_plug() : NULL;

	if (plug && plug->cb.data == q) {
		plug->policy = p;
		plug->ring = ring;
	}
}

/*
 * Remember queue @number for a ring, or with NULL for block requests, of a
 * policy whose answers hold for that alone. In a task, in nvme_steer_enter().
 */
static __always_inline void
nvme_steer_ring_remember(struct nvme_steer_ctrl *sc,
			 const struct nvme_steer_policy *p,
			 const struct io_ring_ctx *ring, unsigned int polled,
			 unsigned int number)
{
	struct nvme_steer_answers *a;
	struct nvme_steer_answer *last;

	if (!NVME_STEER_BARE)
		preempt_disable();
	a = this_cpu_ptr(sc->answers);
	last = ring ? &a->last : &a->block[!!polled];
	nvme_steer_answer_of(last, NULL);
	last->ring = ring;
	last->since = jiffies;
	last->queue = number;
	last->polled = polled;
	nvme_steer_answer_of(last, p);
	if (!NVME_STEER_BARE)
		preempt_enable();
}

/* A command as far as @mask covers it. */
static __always_inline struct nvme_steer_kind
nvme_steer_make_kind(const struct nvme_steer_kind *mask, u32 flags, u16 ioprio,
		     u16 opcode, u32 len, u32 nsid,
		     const struct cgroup *cgroup)
{
	return (struct nvme_steer_kind) {
		.what = ((u64)flags << 32 | (u32)ioprio << 16 | opcode) &
			mask->what,
		.where = ((u64)len << 32 | nsid) & mask->where,
		.cgroup = (unsigned long)cgroup & mask->cgroup,
	};
}

/* The mask of what NVME_STEER_BY_* of @by name; @flags: those that FLAGS are. */
static inline struct nvme_steer_kind nvme_steer_kind_mask(u32 by, u32 flags)
{
	static const struct nvme_steer_kind all = { ~0ULL, ~0ULL, ~0ULL };

	return nvme_steer_make_kind(&all, by & NVME_STEER_BY_FLAGS ? flags : 0,
				    by & NVME_STEER_BY_IOPRIO ? U16_MAX : 0,
				    by & NVME_STEER_BY_OPCODE ? U16_MAX : 0,
				    by & NVME_STEER_BY_LEN ? U32_MAX : 0,
				    by & NVME_STEER_BY_NSID ? U32_MAX : 0,
				    by & NVME_STEER_BY_CGROUP ? (void *)~0UL :
								NULL);
}

/*
 * The cgroup that a bio is charged to, or NULL; without a bio the task's. Under
 * RCU.
 */
static __always_inline const struct cgroup *
nvme_steer_cgroup_of(const struct bio *bio)
{
	struct cgroup_subsys_state *css;

	if (!bio)
		return task_dfl_cgroup(current);
	css = bio_blkcg_css((struct bio *)bio);
	return css ? css->cgroup : NULL;
}

/* The kind of a task's command, by what the policy has been told of it. */
static __always_inline struct nvme_steer_kind
nvme_steer_kind(const struct nvme_steer_policy *p,
		const struct nvme_steer_cmd *c)
{
	return nvme_steer_make_kind(&p->kind, c->flags, c->ioprio, c->opcode,
				    c->len, c->nsid,
				    nvme_steer_cgroup_of(NULL));
}

static __always_inline bool
nvme_steer_same_kind(const struct nvme_steer_kind *a,
		     const struct nvme_steer_kind *b)
{
	return a->what == b->what && a->where == b->where &&
	       a->cgroup == b->cgroup;
}

/* Where the answer for a kind is. With preemption disabled. */
static __always_inline struct nvme_steer_kind_answer *
nvme_steer_kind_at(struct nvme_steer_ctrl *sc, const struct io_ring_ctx *ring,
		   const struct nvme_steer_kind *kind)
{
	u64 hash = hash_64(kind->what ^ kind->where ^ kind->cgroup ^
			   (unsigned long)ring, NVME_STEER_KINDS_BITS);

	return &this_cpu_ptr(sc->answers)->of_kind[!ring][hash];
}

/*
 * The queue that the policy has named for commands of a kind, where that still
 * holds, or NVME_STEER_HELD_OWN, which is counted; or NULL. @ring: NULL for a
 * block request. In nvme_steer_enter().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_kind_queue(struct nvme_steer_ctrl *sc,
		      const struct nvme_steer_policy *p,
		      const struct io_ring_ctx *ring,
		      const struct nvme_steer_kind *kind, bool polled)
{
	const struct nvme_steer_kind_answer *a;
	struct nvme_steer_queue *q = NULL;
	bool own = false;

	if (!NVME_STEER_BARE)
		preempt_disable();
	a = nvme_steer_kind_at(sc, ring, kind);
	if (likely(nvme_steer_same_kind(&a->kind, kind) &&
		   nvme_steer_answer_holds(&a->last, p, ring, p->hold_kind))) {
		q = rcu_dereference(sc->queues[a->last.queue]);
		own = !a->last.queue;
	}
	if (!NVME_STEER_BARE)
		preempt_enable();
	if (unlikely(own)) {
		nvme_steer_count(sc, NVME_STEER_EV_DEFAULT);
		return NVME_STEER_HELD_OWN;
	}
	return nvme_steer_fits(q, polled) ? q : NULL;
}

/* Likewise for commands of a kind, 0 for the driver's own path. */
static __always_inline void
nvme_steer_kind_remember(struct nvme_steer_ctrl *sc,
			 const struct nvme_steer_policy *p,
			 const struct io_ring_ctx *ring,
			 const struct nvme_steer_kind *kind,
			 unsigned int number)
{
	struct nvme_steer_kind_answer *a;

	if (!NVME_STEER_BARE)
		preempt_disable();
	a = nvme_steer_kind_at(sc, ring, kind);
	nvme_steer_answer_of(&a->last, NULL);
	a->last.ring = ring;
	a->last.since = jiffies;
	a->last.queue = number;
	a->kind = *kind;
	nvme_steer_answer_of(&a->last, p);
	if (!NVME_STEER_BARE)
		preempt_enable();
}

/*
 * The policy has answered: is there anything to remember? @ret: what
 * nvme_steer_route() returned.
 */
static __always_inline bool
nvme_steer_holds(const struct nvme_steer_route_args *args, int ret)
{
	const struct nvme_steer_policy *p = args->policy;

	if ((!p->hold && !p->hold_kind) || unlikely(!in_task()))
		return false;
	if (ret > 0)
		return !(args->answer & NVME_STEER_ONCE);
	return args->answer == NVME_STEER_DEFAULT && p->hold_kind;
}

/*
 * Remember an answer that holds as the policy wants it. @kind: of the command,
 * where it is for that; @q: the queue, where @ret, of nvme_steer_route(), says
 * so. In nvme_steer_enter().
 */
static __always_inline void
nvme_steer_remember(struct nvme_steer_ctrl *sc,
		    const struct nvme_steer_policy *p,
		    const struct io_ring_ctx *ring,
		    const struct nvme_steer_kind *kind, unsigned int polled,
		    int ret, const struct nvme_steer_queue *q)
{
	if (p->hold_kind)
		nvme_steer_kind_remember(sc, p, ring, kind,
					 ret > 0 ? q->number : 0);
	else
		nvme_steer_ring_remember(sc, p, ring, polled, q->number);
}

/* Can @q carry requests that are so polled for? */
static __always_inline bool
nvme_steer_suits(const struct nvme_steer_queue *q, bool polled)
{
	return (q->mode == NVME_STEER_POLL) == polled;
}

/*
 * The queue that the policy has named for block requests, where that still
 * holds, or NULL. @p has not begun to end. In nvme_steer_enter().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_held_queue(struct nvme_steer_ctrl *sc,
		      const struct nvme_steer_policy *p, bool polled)
{
	const struct nvme_steer_answer *last;
	struct nvme_steer_queue *q = NULL;

	if (!NVME_STEER_BARE)
		preempt_disable();
	last = &this_cpu_ptr(sc->answers)->block[polled];
	if (last->policy == p && jiffies - last->since < p->hold)
		q = rcu_dereference(sc->queues[last->queue]);
	if (!NVME_STEER_BARE)
		preempt_enable();
	return q;
}

/*
 * Likewise for those of a kind, where it is not the driver's own path: less than
 * nvme_steer_kind_queue().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_held_kind_queue(struct nvme_steer_ctrl *sc,
			   const struct nvme_steer_policy *p,
			   const struct nvme_steer_kind *kind)
{
	const struct nvme_steer_kind_answer *a;
	struct nvme_steer_queue *q = NULL;

	if (!NVME_STEER_BARE)
		preempt_disable();
	a = nvme_steer_kind_at(sc, NULL, kind);
	if (likely(nvme_steer_same_kind(&a->kind, kind) &&
		   a->last.policy == p &&
		   jiffies - a->last.since < p->hold_kind))
		q = rcu_dereference(sc->queues[a->last.queue]);
	if (!NVME_STEER_BARE)
		preempt_enable();
	return q;
}

#endif /* NVMESTEER_HOLD_H */
