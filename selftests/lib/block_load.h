/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block I/O that must not fail, whatever else happens: threads that
 * write blocks of their own with O_DIRECT, read them back, and compare.
 */
#ifndef BLOCK_LOAD_H
#define BLOCK_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "pt.h"

#define BLOCK_LOAD_THREADS	4

struct block_load {
	struct pt_ns *ns;
	uint64_t first;			/* block where the area begins */
	bool may_vanish;		/* the device may go away: a thread just ends */
	atomic_bool stop;
	atomic_uint gone;		/* threads that ended since it is */
	atomic_ulong done;		/* requests that ended well */
	atomic_uint nr;
	pthread_t thread[BLOCK_LOAD_THREADS];
};

/* Start; a request that fails without leave, or wrong data, ends the test. */
void block_load_start(struct block_load *l, struct pt_ns *ns, uint64_t first);
/* Wait for @n more requests; false when @ms was not enough. */
bool block_load_wait(struct block_load *l, unsigned long n, unsigned int ms);
void block_load_stop(struct block_load *l);

#endif /* BLOCK_LOAD_H */
