// SPDX-License-Identifier: GPL-2.0
/*
 * ring - give each io_uring ring a queue of its own.
 *
 * The first command of a ring claims a free queue of the ring's kind (polled
 * or interrupt) and the ring keeps it. A ring that has sent nothing for
 * idle_ms gives its queue up when another ring wants one; should it come
 * back, it claims anew. When more rings are busy than there are queues, the
 * late ones share a queue chosen by a hash of the ring, and move to one of
 * their own within a clock tick of one becoming free.
 *
 * Does well: one busy ring a thread, as databases, fio and SPDK-like engines
 * do: no two submitters meet on a queue. Does badly: many short-lived rings,
 * or many more rings than queues: those share, and search the table again
 * with every tick and every change of ring on a CPU.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    queues of each mode; 0 = as many as are reserved (default)
 *   queue_mode   0 = interrupt and polled queues (default), 1 = polled only,
 *                2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   idle_ms      milliseconds without a command after which a ring's queue
 *                may be given to another ring; 1000 is the default
 *
 * Maps:
 *   rings   index = steer queue number; .ring is the ring that holds the
 *           queue (0: free), .used the time of its last command in clock
 *           ticks. Take a queue away from its ring:
 *             nvmesteer set nvme0 rings.2.ring=0
 *             bpftool map update pinned \
 *               /sys/fs/bpf/nvmesteer/nvme0/ring/maps/rings \
 *               key 2 0 0 0 value 0 0 0 0 0 0 0 0  0 0 0 0 0 0 0 0
 *   last    one entry a CPU: the ring asked about last and its answer
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/queues.h"

char _license[] SEC("license") = "GPL";

extern int CONFIG_HZ __kconfig;

const volatile __u32 idle_ms = 1000;

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
static __always_inline __u32 ring_claim(struct nvme_steer_cmd *cmd, __u64 ring,
					__u32 count, __u64 now)
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
static __always_inline bool ring_holds(__u64 ring, __u32 queue, __u64 now)
{
	struct ring_holder *holder = bpf_map_lookup_elem(&rings, &queue);

	if (!holder || holder->ring != ring)
		return false;
	holder->used = now;
	return true;
}

SEC("struct_ops.s/ring_init")
int BPF_PROG(ring_init, struct nvme_steer_dev *dev)
{
	return queues__create(dev);
}

SEC("struct_ops/ring_route")
int BPF_PROG(ring_route, struct nvme_steer_cmd *cmd)
{
	__u64 ring = bpf_nvme_steer_ring_id(cmd), now = bpf_jiffies64();
	__u32 count = queues__count(cmd), zero = 0;
	struct ring_answer *answer;

	if (!count)
		return NVME_STEER_DEFAULT;
	answer = bpf_map_lookup_elem(&last, &zero);
	if (!answer)
		return NVME_STEER_DEFAULT;
	if (answer->ring != ring || (answer->tick != now &&
				     !ring_holds(ring, answer->queue, now)))
		answer->queue = ring_claim(cmd, ring, count, now);
	answer->ring = ring;
	answer->tick = now;
	return answer->queue;
}

/* The answer is the ring's: the same for all commands of a batch. */
NVME_STEER_POLICY(ring,
	.flags	= NVME_STEER_OPS_PER_BATCH,
	.init	= (void *)ring_init,
	.route	= (void *)ring_route,
);
