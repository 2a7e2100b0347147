/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies under which other things happen: threads, each with a ring of its
 * own, that copy to places of their own, several copies at a time. A block of
 * such a place only ever gets the blocks at the same place of a few sources, or
 * keeps what it was at first: so whoever looks at it knows whether it may hold
 * what it holds. Every copy ends exactly once, and what it says of its ranges
 * is compared with the data where it did not end well.
 */
#ifndef COPY_LOAD_H
#define COPY_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "copy.h"

#define COPY_THREADS	4
#define COPY_SLOTS	3		/* copies of a thread at a time */
#define COPY_SOURCES	4
#define COPY_SLOT_LEN	(192 << 10)	/* the last block of it is a guard */
#define COPY_AREA	(COPY_THREADS * COPY_SLOTS * COPY_SLOT_LEN)

struct copy_stats {
	uint64_t good;
	uint64_t failed;	/* an NVMe status */
	uint64_t cancelled;	/* -EINTR, -ECANCELED */
	uint64_t refused;	/* nothing was written */
	int last_status;
	int last_errno;
};

struct copy_load;

struct copy_slot {
	struct image to;
	struct copy copy;
	void *list;		/* descriptors of an NVMe Copy */
	bool busy;
};

struct copy_thread {
	struct copy_load *load;
	unsigned int nr;
	unsigned int mode;		/* of its ring */
	struct pt_ns *ns;		/* where it copies to */
	pthread_t thread;
	struct copy_stats stats;
	struct copy_slot slot[COPY_SLOTS];
	uint64_t rnd;
};

/* Set up by the test, before copy_load_init(), are the namespaces. */
struct copy_load {
	struct pt_ns *to[COPY_THREADS];
	struct pt_ns *from[COPY_SOURCES];
	unsigned int from_mib;	/* where the sources begin, in MiB; 0: at 40 */
	bool emulate;		/* all by reads and writes, not only a third */
	bool may_fail;		/* copies may end with a status, or cancelled */
	bool may_be_refused;	/* and be refused, for want of a policy say */
	/* its controller may vanish: a thread ends with the first such copy */
	const struct pt_ns *may_vanish;
	/*
	 * NVMe Copy commands instead, of namespaces of one controller: the last
	 * thread's by ioctl, the others' by uring_cmd.
	 */
	bool commands;
	/* the rest is copy_load.c's */
	struct copy_thread thread[COPY_THREADS];
	struct image source[COPY_SOURCES];
	struct image first;		/* what all places were at first */
	struct copy_load_shared {
		atomic_bool stop;
		atomic_ulong progress;	/* copies ended */
		atomic_uint gone;	/* threads that ended by themselves */
	} *shared;
	pid_t pid;
};

/* Interrupts, IOPOLL, SQPOLL, IOPOLL, in turn. */
void copy_load_init(struct copy_load *l);
void copy_load_start(struct copy_load *l);
/* In a child process. */
void copy_load_start_child(struct copy_load *l);
/*
 * Wait for @n more copies; false when none has ended for @ms. How many there are
 * in a time depends on how much else the machine has to do.
 *
 * A thread that polls and checks what a copy has written, by the block device,
 * does not poll meanwhile. If the driver looks at the namespace then, as it does
 * after each reset, it waits for the copies under way and whoever reads waits
 * for the driver: until they time out after 30 s, and are found to be complete.
 * Where resets are, wait for longer than that.
 */
#define COPY_RESET_MS	45000
bool copy_load_wait(struct copy_load *l, unsigned long n, unsigned int ms);
/* All threads learn that the controller is gone, each by a copy. */
void copy_load_wait_gone(struct copy_load *l);
/* Stop and wait for all copies. */
void copy_load_stop(struct copy_load *l);
/* Kill the child in the middle of it. */
void copy_load_kill(struct copy_load *l);
/*
 * All places hold what they may, on all namespaces but @gone, and nothing
 * between them was touched. What is found is what is known.
 */
void copy_load_verify(struct copy_load *l, const struct pt_ns *gone);
void copy_load_sum(const struct copy_load *l, struct copy_stats *sum);
void copy_load_print(const struct copy_load *l);

#endif /* COPY_LOAD_H */
