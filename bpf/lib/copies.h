/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What policies for copies share: queues that carry copies and nothing else,
 * and how much of copies may be under way at a time. Which way a copy takes is
 * the policy's business, not this file's.
 *
 * Copies of programs that poll go to a polled queue, all others to an
 * interrupt queue. Where fewer queues are reserved than these two, the ones
 * that are missing are not used: copies then take the interrupt queue, or the
 * driver's own path. Commands that are no copies keep the driver's own path:
 * the policy says so by NVME_STEER_OPS_COPIES, and is not asked about them.
 *
 * Tunables, the same in every policy that includes this file:
 *
 *   max_depth    pieces of copies to the controller that are under way at a
 *                time, all copies together (two of each copy where there are
 *                many, one where max_depth is 2 or less). Other I/O waits
 *                behind these: up to 256 KiB each where the kernel copies, a
 *                Copy command each where the controller does. 1 to 64; 0 = 2
 *                where the kernel copies and 8 where the controller does
 *                (default)
 *   chunk_kib    KiB, the most in a piece; 0 = as the module likes it
 *                (default), 524287 the most
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *
 * The default leaves something to others: two pieces are enough for one to be
 * read while the other is written, and more only wait in the drive, with all
 * else behind them. On a drive of 100 MB and 2000 commands a second, 4 KiB
 * reads, four at a time, are 2093 a second alone; beside copies of 8 MiB that
 * the kernel does, one at a time,
 *
 *	max_depth	reads/s	p50	p99	copied
 *	1		1033	3.5 ms	8 ms	44 MiB/s
 *	2		643	5.0 ms	39 ms	40 MiB/s
 *	4		250	16 ms	24 ms	44 MiB/s
 *	8		140	37 ms	67 ms	48 MiB/s
 *
 * and beside those that the controller does, whose commands have 64 KiB each,
 *
 *	1		1483	2.7 ms	5.6 ms	16 MiB/s
 *	2		1031	3.8 ms	8.7 ms	32 MiB/s
 *	4		780	5.1 ms	10 ms	40 MiB/s
 *	8		484	8.7 ms	15 ms	44 MiB/s
 *
 * A drive that is quick and far away copies more with more.
 */
#ifndef NVMESTEER_LIB_COPIES_H
#define NVMESTEER_LIB_COPIES_H

#define COPIES__HOLD_MS	100	/* the queue depends on the ring alone */
#define COPIES_MAX_KIB	524287	/* that NVME_STEER_COPY_WITH() has room for */

#define COPIES__OFFLOADED	8	/* where max_depth is 0 */
#define COPIES__EMULATED	2

const volatile __u32 max_depth = 0;
const volatile __u32 chunk_kib = 0;
const volatile __u32 queue_depth = 0;

/* Numbers; 0: there is none. Set once by init(). */
__u32 irq_queue;
__u32 poll_queue;

/* Create the queues; to be called from init(), whose answer this is. */
static __always_inline int copies__create(struct nvme_steer_dev *dev)
{
	__u32 number = 1;
	int ret;

	if (max_depth > NVME_STEER_COPY_MAX_DEPTH ||
	    chunk_kib > COPIES_MAX_KIB)
		return -ERANGE;
	if (dev->vectors && number <= dev->granted) {
		ret = bpf_nvme_steer_create_queue(dev, number, NVME_STEER_IRQ,
						  queue_depth);
		if (ret < 0)
			return ret;
		irq_queue = number++;
	}
	if (number <= dev->granted) {
		ret = bpf_nvme_steer_create_queue(dev, number, NVME_STEER_POLL,
						  queue_depth);
		if (ret < 0)
			return ret;
		poll_queue = number;
	}
	return 0;
}

/* The answer of route(), which is asked about copies only. */
static __always_inline int copies__route(struct nvme_steer_cmd *cmd)
{
	if ((cmd->flags & NVME_STEER_CMD_POLLED) && poll_queue)
		return poll_queue;
	return irq_queue;
}

/* Is there one piece of a copy at a time, whatever else is? */
static __always_inline bool copies__one_by_one(__u32 flags)
{
	return max_depth == 1 || flags & NVME_STEER_COPY_ORDERED;
}

/*
 * Pieces of this copy that may be under way: its share of max_depth. One only
 * where its pieces wait for one another anyway.
 */
static __always_inline __u32 copies__depth(struct nvme_steer_copy *cp,
					   bool emulate)
{
	__u32 most = max_depth ?: emulate ? COPIES__EMULATED :
					    COPIES__OFFLOADED;
	__u32 depth = most / (cp->copies + 1);

	if (cp->flags & NVME_STEER_COPY_ORDERED)
		return 1;
	if (depth < 2 && most > 2)
		return 2;
	return depth ?: 1;
}

/* The answer of copy(): @how, within the limits. */
static __always_inline int copies__answer(struct nvme_steer_copy *cp,
					  __u32 how)
{
	bool emulate = how == NVME_STEER_COPY_EMULATE ||
		       !(cp->flags & (NVME_STEER_COPY_CAN_OFFLOAD |
				      NVME_STEER_COPY_CAN_SPLIT));

	return NVME_STEER_COPY_WITH(how, copies__depth(cp, emulate), chunk_kib);
}

#endif /* NVMESTEER_LIB_COPIES_H */
