/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command groups under which other things happen: threads, each on a CPU and
 * with a ring of its own, that write blocks of their own in several groups at
 * a time. Every group ends exactly once; its status, its count and its first
 * failure are what its array says; and each block holds what was written last,
 * or where that did not end well maybe what was before.
 */
#ifndef GROUP_LOAD_H
#define GROUP_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "group.h"
#include "steer.h"

#define GROUP_THREADS	4
#define GROUPS		3	/* of a thread at a time; one has a window */
#define GROUP_NR	40	/* commands of a group */
#define GROUP_BLOCKS	(GROUPS * GROUP_NR)

struct group_stats {
	uint64_t groups;	/* that ended */
	uint64_t good;		/* commands, by their status: 0 */
	uint64_t failed;	/* an NVMe status */
	uint64_t cancelled;	/* -EINTR */
	uint64_t unsent;	/* of a group of which some were sent */
	uint64_t refused;	/* groups; nothing of them was sent */
};

struct group_load;

struct group_thread {
	struct group_load *load;
	unsigned int nr;
	pthread_t thread;
	struct group_stats stats;
	uint64_t is[GROUP_BLOCKS];	/* generation a block holds */
	uint64_t maybe[GROUP_BLOCKS];	/* or this one, unless 0 */
};

struct group_load {
	struct pt_ns *ns;
	uint64_t first;		/* block where the area begins */
	uint64_t gen;		/* before the next run's first */
	uint64_t guard;		/* of the initial contents, and between threads */
	uint32_t timeout_ms;	/* of each command, 0 for the default */
	bool may_be_cancelled;	/* -EINTR, an NVMe status, or not sent */
	bool may_be_refused;	/* no policy, or not one queue */
	bool any_errno;		/* and by the policy, with any */
	bool may_vanish;	/* a thread ends with the first failure */
	atomic_bool stop;
	atomic_bool hold;
	atomic_uint held;	/* threads that wait, nothing in flight */
	atomic_ulong progress;	/* groups ended */
	atomic_uint gone;	/* threads that ended by themselves */
	struct group_thread thread[GROUP_THREADS];
};

/* Interrupts, IOPOLL, SQPOLL, IOPOLL. */
void group_load_init(struct group_load *l, struct pt_ns *ns);
void group_load_start(struct group_load *l);
/* Wait for @n more groups; false when @ms was not enough. */
bool group_load_wait(struct group_load *l, unsigned long n, unsigned int ms);
/* Let no thread begin anew, and wait until none has anything in flight. */
void group_load_hold(struct group_load *l);
void group_load_go_on(struct group_load *l);
void group_load_stop(struct group_load *l);
/* All blocks by the block device; what is found is what is known. */
void group_load_verify(struct group_load *l);
void group_load_sum(const struct group_load *l, struct group_stats *sum);
void group_load_print(const struct group_load *l);
/* Print, and compare with what the queues counted between @before and @after. */
void group_load_match(const struct group_load *l,
		      const struct steer_queues *before,
		      const struct steer_queues *after);

#endif /* GROUP_LOAD_H */
