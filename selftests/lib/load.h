/* SPDX-License-Identifier: GPL-2.0 */
/*
 * I/O under which other things happen: threads, each on a CPU and with a ring
 * of its own, that write and read back blocks of their own and know at any
 * moment what each block may hold. Every command carries a tag and must end
 * exactly once. A command may fail, when the test says so, and then a block
 * holds the old data or the new, and from the next read on stays the same.
 *
 * What is known of the blocks is in shared memory, so that it survives when
 * the threads run in a process that is killed.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "pt.h"
#include "steer.h"

#define LOAD_THREADS	8
#define LOAD_DEPTH	16
#define LOAD_BLOCKS	64	/* of a slot; the one after it is a guard */

struct load_block {
	uint64_t is;		/* generation it holds */
	uint64_t maybe;		/* or this one, unless 0 */
};

struct load_stats {
	uint64_t submitted;	/* entries given to the ring */
	uint64_t ended;		/* completions seen */
	uint64_t good;		/* of these: status 0 */
	uint64_t failed;	/* an NVMe status */
	uint64_t cancelled;	/* -EINTR: ended by the host, maybe not done */
	uint64_t refused;	/* another errno: never reached the device */
	int last_errno;
};

struct load_shared {
	atomic_bool stop;
	atomic_ulong progress;	/* completions of all threads */
	atomic_uint gone;	/* threads that ended since the device is gone */
	uint64_t gen;		/* of the initial contents */
	struct load_stats stats[LOAD_THREADS];
	struct load_block blocks[LOAD_THREADS][LOAD_DEPTH][LOAD_BLOCKS];
};

struct load_thread {
	unsigned int mode;	/* of the ring: PT_IOPOLL, PT_SQPOLL */
	unsigned int how;	/* ways to give buffers: PT_FIXED, PT_VEC */
	/* the rest is load.c's */
	struct load *load;
	unsigned int nr;
	pthread_t thread;
};

struct load {
	struct pt_ns *ns;
	unsigned int threads;
	unsigned int depth;
	uint64_t first;		/* block where the area begins */
	bool may_fail;		/* commands may be cancelled or refused */
	bool may_vanish;	/* the device may go away: a thread just ends */
	uint32_t timeout_ms;	/* of each command, 0 for the default */
	struct load_thread thread[LOAD_THREADS];
	struct load_shared *shared;
	pid_t pid;
};

/*
 * Set up for @threads threads with @depth commands each; contents are written
 * by the block device. Then adjust the members above, and start.
 */
void load_init(struct load *l, struct pt_ns *ns, unsigned int threads,
	       unsigned int depth);
/* Likewise, in an area of its own that begins at block @first. */
void load_init_at(struct load *l, struct pt_ns *ns, unsigned int threads,
		  unsigned int depth, uint64_t first);
/* IOPOLL on the odd threads, all ways to give buffers on all. */
void load_mix(struct load *l);

void load_start(struct load *l);
/* In a child process. */
void load_start_child(struct load *l);

/* Wait for @n more completions; false when @ms was not enough. */
bool load_wait(struct load *l, unsigned long n, unsigned int ms);

/* Stop and wait for all commands; each has ended once. */
void load_stop(struct load *l);
/* Kill the child in the middle of it and wait until it is gone. */
void load_kill(struct load *l);

/*
 * All blocks by the block device: what they may be, guards untouched. What is
 * found is what is known from here on.
 */
void load_verify(struct load *l);

void load_sum(struct load *l, struct load_stats *sum);
/* Forget the statistics. */
void load_clear(struct load *l);

/*
 * Compare with what the queues of the controller counted between @before and
 * @after: every command is there once, with the same end.
 */
void load_match(struct load *l, const struct steer_queues *before,
		const struct steer_queues *after);

void load_free(struct load *l);

#endif /* LOAD_H */
