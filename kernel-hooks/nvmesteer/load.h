/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long the commands of a controller take: for policies that choose paths.
 * One at a time is measured, which costs the others a glance.
 */
#ifndef NVMESTEER_LOAD_H
#define NVMESTEER_LOAD_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/types.h>

/**
 * struct nvme_steer_load - what is measured of a controller that is a path
 * @sample:	the command whose time is taken, a request or a slot: compared,
 *		never followed. NULL: none. Whoever sends a command claims it,
 *		by cmpxchg; whoever ends that command gives it up
 * @since:	when it was sent, ktime, ns; written before it is claimed
 * @latency:	decaying mean, ns, 0 for not known; written by who ends a sample
 *
 * Only while a policy has a path(). The driver looks at @sample too, through
 * nvme_ctrl.steer_sample, and calls only where there is something to do.
 */
struct nvme_steer_load {
	const void *sample;
	u64 since;
	u64 latency;
};

/* A sample as old as this was lost: its command's end was not seen. */
#define NVME_STEER_SAMPLE_LOST	(120 * NSEC_PER_SEC)

/* The mean moves by an eighth of the difference. */
#define NVME_STEER_LOAD_SHIFT	3

/* A command is sent. Any context. */
static inline void nvme_steer_load_start(struct nvme_steer_load *l,
					 const void *cmd)
{
	const void *sample = READ_ONCE(l->sample);

	/* itself: it has been sent before, and its end was not seen */
	if (sample && sample != cmd)
		return;
	/* who loses the race has written the same time, or nearly */
	WRITE_ONCE(l->since, ktime_get_ns());
	cmpxchg(&l->sample, sample, cmd);
}

/* It has ended; what has failed says nothing of time. Any context. */
static inline void nvme_steer_load_end(struct nvme_steer_load *l,
				       const void *cmd, bool good)
{
	u64 ns, mean;

	if (READ_ONCE(l->sample) != cmd)
		return;
	if (good) {
		ns = ktime_get_ns() - READ_ONCE(l->since);
		mean = READ_ONCE(l->latency);
		if (mean)
			ns = mean + ((s64)(ns - mean) >> NVME_STEER_LOAD_SHIFT);
		WRITE_ONCE(l->latency, ns ?: 1);
	}
	smp_store_release(&l->sample, NULL);
}

/* It goes on under another name. */
static inline void nvme_steer_load_rename(struct nvme_steer_load *l,
					  const void *cmd, const void *name)
{
	if (READ_ONCE(l->sample) == cmd)
		WRITE_ONCE(l->sample, name);
}

/* Forget what was measured. */
static inline void nvme_steer_load_reset(struct nvme_steer_load *l)
{
	WRITE_ONCE(l->sample, NULL);
	WRITE_ONCE(l->latency, 0);
}

/*
 * What a command takes, or has been taking up to now; ns, 0: not known. @now is
 * the time, or 0 until it is needed.
 */
static inline u64 nvme_steer_load_ns(struct nvme_steer_load *l, u64 *now)
{
	const void *sample = smp_load_acquire(&l->sample);
	u64 mean = READ_ONCE(l->latency);
	s64 age;

	if (!sample)
		return mean;
	if (!*now)
		*now = ktime_get_ns();
	age = *now - READ_ONCE(l->since);
	if (age <= (s64)mean)
		return mean;
	if (unlikely(age > NVME_STEER_SAMPLE_LOST)) {
		cmpxchg(&l->sample, sample, NULL);
		return mean;
	}
	return age;
}

#endif /* NVMESTEER_LOAD_H */
