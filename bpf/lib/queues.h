/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queue pairs of a policy: creating the steer queues in init() and finding,
 * for a command, the queue of its number that fits its ring. Which number a
 * command gets is the policy's business, not this file's.
 *
 * A program polls for completions (IORING_SETUP_IOPOLL, fio: hipri=1) or it
 * waits for interrupts, and the policy cannot know beforehand which. So each
 * number n stands for up to two steer queues, and one policy serves both
 * kinds of program at once:
 *
 *   n              the interrupt queue, for rings that do not poll
 *   nr_irq + n     its polled twin, for rings that do
 *
 * where nr_irq is how many interrupt queues there are. With 8 queues reserved
 * the numbers are 1 to 4, their twins 5 to 8 (`nvmesteer queues` shows them).
 *
 * Tunables, the same in every policy that includes this file:
 *
 *   nr_queues    numbers (1..127); 0, the default: as many as the controller's
 *                reservation allows. An explicit number that does not fit
 *                refuses the attach with -ERANGE.
 *   queue_mode   0, the default: both, an interrupt queue and a polled twin a
 *                number; 1: polled queues only, rings that do not poll keep
 *                the driver's own path; 2: interrupt queues only, used by
 *                rings that poll too.
 *   queue_depth  entries a queue; 0, the default: the largest the controller
 *                takes.
 *   timed        1: queue n is all that share n has, which has no limits unless
 *                they are set, and bytes, waiting and times are counted as of
 *                other shares (`nvmesteer stats --histogram`). Costs what shares
 *                cost. Queues of number 64 and up are as without. 0, the default:
 *                nothing of it. Not in policies that have shares anyhow.
 *
 * A policy may say of what priority class the queues of a number are, by defining
 * QUEUES__PRIO(number) before it includes this file; see prio.h.
 *
 * Map, likewise:
 *
 *   shares       with timed=1, struct nvme_steer_share by queue
 *
 *     nvmesteer set nvme0 shares.2.iops=5000
 */
#ifndef NVMESTEER_LIB_QUEUES_H
#define NVMESTEER_LIB_QUEUES_H

#define QUEUES_MAX	127	/* numbers; twins included that is 254 queues */

/*
 * How long an answer holds that depends on a map besides the command: a change
 * of the map is noticed that soon.
 */
#define QUEUES__HOLD_MS	50

const volatile __u32 nr_queues = 0;
const volatile __u32 queue_mode = 0;
const volatile __u32 queue_depth = 0;

/* Set once by init(), before anything reads them. */
__u32 nr_irq;
__u32 nr_poll;

#ifndef QUEUES__PRIO
#define QUEUES__PRIO(number)	0
#endif

static __always_inline __u32 queues__min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Decide how many queues of each mode; 0 or the errno the attach fails with. */
static __always_inline int queues__plan(struct nvme_steer_dev *dev)
{
	__u32 granted = dev->granted, vectors = dev->vectors;
	__u32 want = nr_queues ?: QUEUES_MAX;
	__u32 irq = 0, poll = 0;

	if (queue_mode > NVME_STEER_IRQ)
		return -EINVAL;
	if (want > QUEUES_MAX)
		return -ERANGE;
	if (!granted)
		return -ENOSPC;

	if (queue_mode == NVME_STEER_POLL) {
		poll = queues__min(want, granted);
	} else if (queue_mode == NVME_STEER_IRQ) {
		irq = queues__min(want, queues__min(granted, vectors));
	} else {
		/* One queue only: the mode that serves both kinds of ring. */
		irq = granted > 1 ? granted / 2 : 1;
		irq = queues__min(want, queues__min(irq, vectors));
		poll = queues__min(want, granted - irq);
		if (irq && poll > irq && !nr_queues)
			poll = irq;
	}

	if (!irq && !poll)
		return -ENOSPC;
	if (nr_queues && ((queue_mode != NVME_STEER_POLL && irq < want) ||
			  (queue_mode != NVME_STEER_IRQ && poll < want)))
		return -ERANGE;

	nr_irq = irq;
	nr_poll = poll;
	return 0;
}

/* The mode of steer queue @n, interrupt queues first. */
static __always_inline __u32 queues__mode(__u32 n)
{
	return n <= nr_irq ? NVME_STEER_IRQ | QUEUES__PRIO(n) :
			     NVME_STEER_POLL | QUEUES__PRIO(n - nr_irq);
}

#ifndef NVMESTEER_LIB_SHARES_H
const volatile __u32 timed = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NVME_STEER_MAX_SHARES);
	__type(key, __u32);
	__type(value, struct nvme_steer_share);
} shares SEC(".maps");

/* Create the queues; to be called from init(), whose answer this is. */
static __always_inline int queues__create(struct nvme_steer_dev *dev)
{
	__u32 n;
	int ret;

	ret = queues__plan(dev);
	if (!ret && timed)
		ret = bpf_nvme_steer_shares(dev, &shares);
	if (ret)
		return ret;

	for (n = 1; n <= 2 * QUEUES_MAX; n++) {
		if (n > nr_irq + nr_poll)
			break;
		if (timed && n < NVME_STEER_MAX_SHARES)
			ret = bpf_nvme_steer_create_shared(dev, n,
							   queues__mode(n),
							   queue_depth, n);
		else
			ret = bpf_nvme_steer_create_queue(dev, n,
							  queues__mode(n),
							  queue_depth);
		if (ret < 0)
			return ret;
	}
	return 0;
}
#endif

/* How many numbers there are for rings of this command's kind; may be 0. */
static __always_inline __u32 queues__count(struct nvme_steer_cmd *cmd)
{
	if ((cmd->flags & NVME_STEER_CMD_POLLED) && nr_poll)
		return nr_poll;
	return nr_irq;
}

/*
 * The steer queue of number n, 1..queues__count(), for this command; the
 * answer of route().
 */
static __always_inline __u32 queues__pick(struct nvme_steer_cmd *cmd, __u32 n)
{
	if ((cmd->flags & NVME_STEER_CMD_POLLED) && nr_poll)
		return nr_irq + n;
	return n;
}

#endif /* NVMESTEER_LIB_QUEUES_H */
