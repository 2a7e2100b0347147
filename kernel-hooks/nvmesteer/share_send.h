/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sending a command of a share the moment it comes, which most can be: its
 * share has nothing that waits, and there is room. What takes more than a
 * glance to decide, rates for instance, share.c is asked; what has to wait goes
 * the way of share_queue.c.
 */
#ifndef NVMESTEER_SHARE_SEND_H
#define NVMESTEER_SHARE_SEND_H

#include <linux/blkdev.h>

#include "queue.h"
#include "share.h"

/* What a command counts for besides its data, bytes. */
#define NVME_STEER_SHARE_COST	4096

/* Where the map says 0. */
#define NVME_STEER_SHARE_WEIGHT	100

/*
 * When a command came that a task sends now, monotonic, ns: of a batch all at
 * once, as blk_time_get_ns() has it. The task begins anew when it was away.
 */
static __always_inline u64 nvme_steer_batch_time(void)
{
	struct blk_plug *plug = current->plug;
	u64 now;

	if (!plug)
		return ktime_get_ns();
	now = READ_ONCE(plug->cur_ktime);
	if (unlikely(!now)) {
		now = ktime_get_ns();
		WRITE_ONCE(plug->cur_ktime, now);
		/* whoever preempts the task clears both */
		barrier();
		current->flags |= PF_BLOCK_TS;
	}
	return now;
}

/* Has a share as many commands at the controller as it may? */
static __always_inline bool
nvme_steer_share_is_full(const struct nvme_steer_share_state *s)
{
	/* of none, 0, it is what no number is above */
	return s->inflight > READ_ONCE(s->limit->depth) - 1;
}

/* Has it a rate, or had it one when that was looked at last? */
static __always_inline bool
nvme_steer_share_is_rated(const struct nvme_steer_share_state *s)
{
	return READ_ONCE(s->limit->iops) | READ_ONCE(s->limit->bps) | s->rated;
}

/* What @nr commands with @bytes of data are to a share, in virtual time. */
static __always_inline u64
nvme_steer_share_cost(const struct nvme_steer_share_state *s, unsigned int nr,
		      u64 bytes)
{
	u64 cost = (bytes + (u64)nr * NVME_STEER_SHARE_COST) << 10;
	u32 weight = READ_ONCE(s->limit->weight);

	return div_u64(cost, weight ?: NVME_STEER_SHARE_WEIGHT) + nr;
}

/* @nr commands with @bytes of data are sent. */
static __always_inline void
nvme_steer_share_add(struct nvme_steer_share_state *s, unsigned int nr,
		     u64 bytes)
{
	s->inflight += nr;
	if (unlikely(s->inflight > s->peak))
		s->peak = s->inflight;
	s->commands += nr;
	s->bytes += bytes;
}

/* How many more may it have? At least one that is not full. */
static __always_inline unsigned int
nvme_steer_share_left(const struct nvme_steer_share_state *s)
{
	unsigned int depth = READ_ONCE(s->limit->depth) ?: UINT_MAX;

	return depth > s->inflight ? depth - s->inflight : 0;
}

/*
 * How many commands may be sent now for which only depths need be looked at?
 * They are to be charged for together, under the same hold of the arbiter's
 * lock. The queue is live.
 */
static __always_inline unsigned int
nvme_steer_share_room(const struct nvme_steer_shared *sh)
{
	const struct nvme_steer_arbiter *arb = sh->arb;
	const struct nvme_steer_share_state *all = &arb->share[0];
	const struct nvme_steer_share_state *s = sh->state;

	if (unlikely(s->waiting || arb->cap ||
		     nvme_steer_share_is_rated(all) ||
		     nvme_steer_share_is_rated(s)))
		return 0;
	return min(nvme_steer_share_left(all), nvme_steer_share_left(s));
}

/* Charge for @nr commands with @bytes of data, of which the last has @last. */
static __always_inline void nvme_steer_share_sent(struct nvme_steer_shared *sh,
						  unsigned int nr, u64 bytes,
						  u32 last)
{
	struct nvme_steer_arbiter *arb = sh->arb;
	struct nvme_steer_share_state *s = sh->state;

	/* as if they were one after the other */
	s->vtime = max(s->vtime, arb->vnow) +
		   nvme_steer_share_cost(s, nr - 1, bytes - last);
	arb->vnow = s->vtime;
	s->vtime += nvme_steer_share_cost(s, 1, last);
	nvme_steer_share_add(&arb->share[0], nr, bytes);
	nvme_steer_share_add(s, nr, bytes);
	sh->inflight += nr;
}

/*
 * May a command with @len bytes of data be sent, before it has a slot? Under
 * the arbiter's lock; the queue is live. If so it is charged for.
 */
static __always_inline bool nvme_steer_share_claim(struct nvme_steer_shared *sh,
						   u32 len)
{
	struct nvme_steer_arbiter *arb = sh->arb;
	struct nvme_steer_share_state *all = &arb->share[0];
	struct nvme_steer_share_state *s = sh->state;
	u64 vtime;

	if (unlikely(s->waiting || nvme_steer_share_is_full(all) ||
		     nvme_steer_share_is_full(s)))
		return false;
	if (unlikely(arb->cap || nvme_steer_share_is_rated(all) ||
		     nvme_steer_share_is_rated(s)) &&
	    !nvme_steer_share_ask(sh, len))
		return false;
	vtime = max(s->vtime, arb->vnow);
	arb->vnow = vtime;
	s->vtime = vtime + nvme_steer_share_cost(s, 1, len);
	nvme_steer_share_add(all, 1, len);
	nvme_steer_share_add(s, 1, len);
	sh->inflight++;
	return true;
}

/* The command of slot @index came @now, and is sent. */
static __always_inline void nvme_steer_share_stamp(struct nvme_steer_shared *sh,
						   u16 index, u64 now)
{
	sh->slot[index].since = now;
	sh->slot[index].sent = now;
}

#endif /* NVMESTEER_SHARE_SEND_H */
