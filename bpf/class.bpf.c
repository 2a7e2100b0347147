// SPDX-License-Identifier: GPL-2.0
/*
 * class - keep small reads, large reads, writes and background work apart.
 *
 * A command belongs to the first class that fits:
 *
 *   3 background   Dataset Management (discard), Copy, Write Zeroes, Verify,
 *                  and everything of a task in the idle I/O class (ionice -c3)
 *   2 writes       Flush and every other command that carries data to the
 *                  controller
 *   0 small reads  data from the controller, up to small_bytes
 *   1 large reads  data from the controller, more than that
 *
 * and goes to the queue of its class; what fits none (commands without data
 * that are not listed) keeps the driver's own path.
 *
 * Does well: latency of small reads beside bulk work, on a device that works
 * off its queues in turn: a small read does not queue up behind megabytes of
 * its neighbours'. Does badly: a workload of one class gains nothing and uses
 * one queue only, and what the flash itself is busy with stays shared.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    queue numbers; 0 = as many as are reserved (default)
 *   queue_mode   0 = a number is an interrupt queue and a polled twin
 *                (default), 1 = polled only, 2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   timed        1 = count bytes and times of each queue; 0 = do not (default)
 *   small_bytes  bytes, the largest small read; 16384 is the default
 *   assign       1 = at attach each class gets a number of its own, beginning
 *                anew when there are too few (default); 0 = all classes on
 *                the driver's own path until the map says otherwise
 *   wrr_high, wrr_medium, wrr_low   see lib/prio.h: on a drive with weighted
 *                round robin, where there are four numbers or more, 1 is of
 *                high priority, 4 of low, the others of medium; so are the
 *                classes with assign=1
 *
 * Maps:
 *   classes  index = class as above; .queue is 1..number of queues, 0 or a
 *            number above is the driver's own path
 *
 *     nvmesteer set nvme0 classes.3.queue=1
 *     bpftool map update pinned \
 *       /sys/fs/bpf/nvmesteer/nvme0/class/maps/classes \
 *       key 3 0 0 0 value 1 0 0 0
 *
 *     which is noticed within 50 ms. `nvmesteer stats` counts the commands of
 *     each queue.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>

#define CLASS_SMALL_READ	0
#define CLASS_LARGE_READ	1
#define CLASS_WRITE		2
#define CLASS_BACKGROUND	3
#define CLASS_NONE		4

/* Where there are as many numbers, the one after its own is a class's. */
#define PRIO__LOW		(CLASS_BACKGROUND + 1)
#include "lib/prio.h"
#include "lib/queues.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 small_bytes = 16384;
const volatile __u32 assign = 1;

#define IOPRIO_CLASS_IDLE	3

struct class_entry {
	__u32 queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASS_NONE);
	__type(key, __u32);
	__type(value, struct class_entry);
} classes SEC(".maps");

static __always_inline __u32 class_of(struct nvme_steer_cmd *cmd)
{
	if (NVME_STEER_IOPRIO_CLASS(cmd->ioprio) == IOPRIO_CLASS_IDLE)
		return CLASS_BACKGROUND;

	switch (cmd->opcode) {
	case NVME_OP_DSM:
	case NVME_OP_COPY:
	case NVME_OP_WRITE_ZEROES:
	case NVME_OP_VERIFY:
		return CLASS_BACKGROUND;
	case NVME_OP_FLUSH:
		return CLASS_WRITE;
	}

	if (!cmd->len)
		return CLASS_NONE;
	if (cmd->flags & NVME_STEER_CMD_WRITE)
		return CLASS_WRITE;
	return cmd->len <= small_bytes ? CLASS_SMALL_READ : CLASS_LARGE_READ;
}

SEC("struct_ops.s/class_init")
int BPF_PROG(class_init, struct nvme_steer_dev *dev)
{
	__u32 i, count, key;
	struct class_entry *class;
	int ret;

	ret = prio__weigh(dev) ?: queues__create(dev);
	if (ret || !assign)
		return ret;

	/* Both kinds of ring have the same numbers where both have queues. */
	count = nr_irq ?: nr_poll;
	for (i = 0; i < CLASS_NONE; i++) {
		key = i;
		class = bpf_map_lookup_elem(&classes, &key);
		/* A number set before the attach stays. */
		if (class && !class->queue && count)
			class->queue = 1 + i % count;
	}
	return 0;
}

SEC("struct_ops/class_route")
int BPF_PROG(class_route, struct nvme_steer_cmd *cmd)
{
	__u32 which = class_of(cmd);
	struct class_entry *class;
	__u32 number;

	class = bpf_map_lookup_elem(&classes, &which);
	if (!class)
		return NVME_STEER_DEFAULT;
	number = class->queue;
	if (!number || number > queues__count(cmd))
		return NVME_STEER_DEFAULT;
	return queues__pick(cmd, number);
}

NVME_STEER_POLICY(class,
	.hold_ms = QUEUES__HOLD_MS,
	.hold_by = NVME_STEER_BY_OPCODE | NVME_STEER_BY_IOPRIO |
		   NVME_STEER_BY_LEN,
	.init	= (void *)class_init,
	.route	= (void *)class_route,
);
