/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a controller has for copies. A header of its own, because the object of
 * a controller contains it; the engine is copy.h.
 */
#ifndef NVMESTEER_COPIER_H
#define NVMESTEER_COPIER_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <nvmesteer/abi.h>

struct nvme_steer_copy_buf;
struct nvme_steer_copy_ns;

/* What copies of a size class have taken lately: a decaying mean, ns. */
struct nvme_steer_copy_cost {
	u64 ns;
	u32 nr;			/* stays at 255 */
};

/* Namespaces that are found at once. */
#define NVME_STEER_COPY_FIRST	8

/**
 * struct nvme_steer_copier - what a controller has for copies; see copy.h
 * @lock:	asking the controller what it can do; held over admin commands.
 *		Protects @generation to @closed, and what is in @limits
 * @limits:	struct nvme_steer_copy_ns by namespace identifier, read under RCU
 * @first:	likewise by identifier, from 1 on; what is in @limits
 * @generation:	of the controller's start in which @formats was asked
 * @formats:	bit mask of copy descriptor formats
 * @cdfe:	those for several namespaces may be enabled
 * @closed:	they must not be: no policy is attached
 * @gone:	the controller is going away, and must not be asked
 * @copies:	under way
 * @cost:	of offloaded copies, and of emulated ones; read and written
 *		without a lock: a lost update is a copy that was not counted
 * @untimed:	counts copies whose time need not be known; likewise
 * @buf_lock:	of all that follows; irqs off
 * @idle:	buffers for data, and for descriptors
 * @hot:	one of each that is not used either, or NULL: exchanged by one
 *		instruction, without the lock; see nvme_steer_buf_put()
 * @bufs:	how many there are of each kind
 * @bufs_used:	how many are not in @idle
 * @keep:	the last of each kind stays: a policy is attached, or about to be.
 *		It stays while there are @copies, too
 * @buf_last:	when one was used last, jiffies
 * @trimming:	@trim is going to look whether they are still needed
 * @away:	there will be no more
 * @bufs_wait:	for @bufs_used to become 0, once @away
 */
struct nvme_steer_copier {
	struct mutex lock;
	struct xarray limits;
	struct nvme_steer_copy_ns __rcu *first[NVME_STEER_COPY_FIRST];
	unsigned int generation;
	u16 formats;
	bool cdfe;
	bool closed;
	bool gone;

	atomic_t copies;
	struct nvme_steer_copy_cost cost[2][NVME_STEER_COPY_CLASSES];
	u32 untimed;

	spinlock_t buf_lock;
	struct list_head idle[2];
	struct nvme_steer_copy_buf *hot[2];
	unsigned int bufs[2];
	unsigned int bufs_used;
	bool keep;
	unsigned long buf_last;
	bool trimming;
	bool away;
	wait_queue_head_t bufs_wait;
	struct delayed_work trim;
};

#endif /* NVMESTEER_COPIER_H */
