/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers of path() that hold for more than the command they were given for
 * (path_hold_ms). They name a controller by number, and are looked up among the
 * head's paths each time.
 */
#ifndef NVMESTEER_PATH_HOLD_H
#define NVMESTEER_PATH_HOLD_H

#include "hold.h"
#include "path.h"

#define NVME_STEER_PATH_ANSWERS_BITS	3

/*
 * An answer for commands of a kind, on a CPU, given at @since, in jiffies.
 * @head and @ring are compared, never followed; @ring is NULL for what is not of
 * one. @answer has its flags with it, and holds for @more commands when its time
 * is over, the last of which came at @late. All zero where there is none.
 */
struct nvme_steer_path_answer {
	const struct nvme_ns_head *head;
	const struct io_ring_ctx *ring;
	struct nvme_steer_kind kind;
	unsigned long since;
	unsigned long late;
	int answer;
	u32 more;
};

/*
 * Those of a policy: one for each hash, the later one of two that have the same.
 * Its CPU alone reads and writes them, in a task, with preemption disabled. They
 * are freed with the policy.
 */
struct nvme_steer_path_answers {
	struct nvme_steer_path_answer of_kind[1 << NVME_STEER_PATH_ANSWERS_BITS];
};

/* The kind of a command by what the policy is told of it. */
static __always_inline struct nvme_steer_kind
nvme_steer_path_kind(const struct nvme_steer_policy *p,
		     const struct nvme_steer_path *path, const struct bio *bio)
{
	return nvme_steer_make_kind(&p->path_kind, path->flags, path->ioprio,
				    path->opcode, path->len, path->nsid,
				    nvme_steer_cgroup_of(bio));
}

static __always_inline const struct io_ring_ctx *
nvme_steer_path_ring(struct io_uring_cmd *ioucmd)
{
	return ioucmd ? cmd_to_io_kiocb(ioucmd)->ctx : NULL;
}

/* Where the answer for a kind is. With preemption disabled. */
static __always_inline struct nvme_steer_path_answer *
nvme_steer_path_answer_at(const struct nvme_steer_policy *p,
			  const struct nvme_ns_head *head,
			  const struct io_ring_ctx *ring,
			  const struct nvme_steer_kind *kind)
{
	u64 hash = hash_64(kind->what ^ kind->where ^ kind->cgroup ^
			   (unsigned long)ring ^ (unsigned long)head,
			   NVME_STEER_PATH_ANSWERS_BITS);

	return &this_cpu_ptr(p->path_answers)->of_kind[hash];
}

/* Does an answer for a command hold, as far as time goes? Counts the command. */
static __always_inline bool
nvme_steer_path_holds(const struct nvme_steer_policy *p,
		      struct nvme_steer_path_answer *a)
{
	unsigned long now = jiffies, age = now - a->since;

	if (likely(age < p->path_hold))
		return true;
	if (!a->more || now - a->late < p->path_hold ||
	    age >= NVME_STEER_HOLD_MORE_TIMES * p->path_hold)
		return false;
	a->more--;
	a->late = now;
	return true;
}

/*
 * What the policy has answered for such a command, if that still holds, or 0.
 * In a task, in nvme_steer_enter().
 */
static __always_inline int
nvme_steer_path_held(const struct nvme_steer_policy *p,
		     const struct nvme_ns_head *head,
		     const struct io_ring_ctx *ring,
		     const struct nvme_steer_kind *kind)
{
	struct nvme_steer_path_answer *a;
	int answer = 0;

	if (!NVME_STEER_BARE)
		preempt_disable();
	a = nvme_steer_path_answer_at(p, head, ring, kind);
	if (likely(a->head == head && a->ring == ring &&
		   a->kind.cgroup == kind->cgroup &&
		   (!p->path_looks || nvme_steer_same_kind(&a->kind, kind)) &&
		   nvme_steer_path_holds(p, a)))
		answer = a->answer;
	if (!NVME_STEER_BARE)
		preempt_enable();
	return answer;
}

/* Remember an answer that named a usable path. Likewise. */
static inline void
nvme_steer_path_remember(const struct nvme_steer_policy *p,
			 const struct nvme_ns_head *head,
			 const struct io_ring_ctx *ring,
			 const struct nvme_steer_kind *kind, int answer)
{
	unsigned long now = jiffies;

	if (!NVME_STEER_BARE)
		preempt_disable();
	*nvme_steer_path_answer_at(p, head, ring, kind) =
		(struct nvme_steer_path_answer) {
			.head = head,
			.ring = ring,
			.kind = *kind,
			.since = now,
			.late = now,
			.answer = answer,
			.more = p->path_more,
		};
	if (!NVME_STEER_BARE)
		preempt_enable();
}

#endif /* NVMESTEER_PATH_HOLD_H */
