/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of its own for each io_uring ring: which ring holds which steer
 * queue, and who gets one that is free. For policies whose queues are those of
 * queues.h; how it decides is told in ring.bpf.c.
 *
 * Tunable, in every policy that includes this file:
 *
 *   idle_ms   milliseconds without a command after which a ring's queue may
 *             be given to another ring; 1000 is the default
 *
 * Maps, likewise: rings and last, as ring.bpf.c has them.
 */
#ifndef NVMESTEER_LIB_RINGS_H
#define NVMESTEER_LIB_RINGS_H

#include "queues.h"

extern int CONFIG_HZ __kconfig;

const volatile __u32 idle_ms = 1000;

/*
 * How long a ring goes on with a queue without looking: well below idle_ms, so
 * that it is not taken for idle, and it notices soon that a queue was taken
 * away by hand.
 */
#define RINGS__HOLD_MS	50

/* A queue and the ring that holds it. */
struct ring_holder {
	__u64 ring;
	__u64 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct ring_holder);
} rings SEC(".maps");

/*
 * The last answer given on a CPU, good for one clock tick: the hot path reads
 * and writes nothing that another CPU writes.
 */
struct ring_answer {
	__u64 ring;
	__u64 tick;
	__u32 queue;
	__u32 polled;		/* NVME_STEER_CMD_POLLED or 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_answer);
} last SEC(".maps");

/*
 * The queue that @ring holds, claiming one when it has none. Where all are
 * held by busy rings: the first one looked at, shared.
 */
static __always_inline __u32 rings__claim(struct nvme_steer_cmd *cmd,
					  __u64 ring, __u32 count, __u64 now)
{
	__u64 idle = (__u64)idle_ms * CONFIG_HZ / 1000;
	__u32 start = (ring * 0x9e3779b97f4a7c15ULL >> 40) % count;
	__u32 first = queues__pick(cmd, 1), queue, found = 0;
	struct ring_holder *holder;
	__u64 old = 0, seen;
	__u32 i;

	bpf_for(i, 0, count) {
		queue = first + (start + i) % count;
		holder = bpf_map_lookup_elem(&rings, &queue);
		if (!holder)
			break;
		seen = holder->ring;
		if (seen == ring) {
			holder->used = now;
			return queue;
		}
		/* Prefer a queue that nobody holds to one held by a sleeper. */
		if (!seen ? !found || old :
			    !found && now > holder->used + idle) {
			found = queue;
			old = seen;
		}
	}

	first += start;
	if (!found)
		return first;
	holder = bpf_map_lookup_elem(&rings, &found);
	if (!holder)
		return first;
	/* Another CPU may have been faster: share until the next tick. */
	if (__sync_val_compare_and_swap(&holder->ring, old, ring) != old)
		return first;
	holder->used = now;
	return found;
}

/* Does @ring still hold @queue? It has used it, then. */
static __always_inline bool rings__holds(__u64 ring, __u32 queue, __u64 now)
{
	struct ring_holder *holder = bpf_map_lookup_elem(&rings, &queue);

	if (!holder || holder->ring != ring)
		return false;
	holder->used = now;
	return true;
}

/* The queue for a command; the answer of route(). */
static __always_inline __u32 rings__queue(struct nvme_steer_cmd *cmd)
{
	__u64 ring = bpf_nvme_steer_ring_id(cmd), now = bpf_jiffies64();
	__u32 polled = cmd->flags & NVME_STEER_CMD_POLLED;
	__u32 count = queues__count(cmd), zero = 0;
	struct ring_answer *answer;

	if (!count)
		return NVME_STEER_DEFAULT;
	/* Block requests have no ring: a queue a CPU, as with the driver. */
	if (cmd->source == NVME_STEER_SRC_BLOCK)
		return queues__pick(cmd, 1 + bpf_get_smp_processor_id() % count);
	answer = bpf_map_lookup_elem(&last, &zero);
	if (!answer)
		return NVME_STEER_DEFAULT;
	/* A new ring may have the id of one of the other kind that is gone. */
	if (answer->ring != ring || answer->polled != polled ||
	    (answer->tick != now && !rings__holds(ring, answer->queue, now)))
		answer->queue = rings__claim(cmd, ring, count, now);
	answer->ring = ring;
	answer->polled = polled;
	answer->tick = now;
	return answer->queue;
}

#endif /* NVMESTEER_LIB_RINGS_H */
