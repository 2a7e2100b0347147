// SPDX-License-Identifier: GPL-2.0
/*
 * ring - give each io_uring ring a queue of its own.
 *
 * The first command of a ring claims a free queue of the ring's kind (polled
 * or interrupt) and the ring keeps it. A ring that has sent nothing for
 * idle_ms gives its queue up when another ring wants one; should it come
 * back, it claims anew. When more rings are busy than there are queues, the
 * late ones share a queue chosen by a hash of the ring, and move to one of
 * their own within 50 ms of one becoming free.
 *
 * Block requests (nvmesteer load --block) have no ring; each CPU has a queue
 * for them, by its number, which rings may hold as well.
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
 *   timed        1 = count bytes and times of each queue; 0 = do not (default)
 *   idle_ms      milliseconds without a command after which a ring's queue
 *                may be given to another ring; 1000 is the default, and
 *                less than 100 would take queues away from busy rings
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
#include "lib/rings.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/ring_init")
int BPF_PROG(ring_init, struct nvme_steer_dev *dev)
{
	return queues__create(dev);
}

SEC("struct_ops/ring_route")
int BPF_PROG(ring_route, struct nvme_steer_cmd *cmd)
{
	return rings__queue(cmd);
}

/* The answer is the ring's: the same for all its commands, for a while. */
NVME_STEER_POLICY(ring,
	.flags	= NVME_STEER_OPS_PER_BATCH,
	.hold_ms = RINGS__HOLD_MS,
	.init	= (void *)ring_init,
	.route	= (void *)ring_route,
);
