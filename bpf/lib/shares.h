/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shares of a policy: its map of limits, queues that belong to them, and the
 * share that a cgroup is told to have. Which share a command gets is the
 * policy's business, not this file's.
 *
 * Share n has the queues of number n of lib/queues.h, which goes before: an
 * interrupt queue, and a polled twin for programs that poll. So there are as
 * many shares as numbers, 1 and up; share 0 is all of them together.
 *
 * Maps:
 *
 *   shares  struct nvme_steer_share by share; what its members mean is in
 *           nvmesteer/abi.h
 *
 *     nvmesteer set nvme0 shares.3.weight=300 shares.0.depth=64
 *
 *   groups  key: cgroup id. Value:
 *     share   the share of that cgroup, and of those below it that are not
 *             in the map themselves; a change is noticed within 50 ms
 *
 *     nvmesteer set nvme0 groups.cgroup:/orders.share=3
 */
#ifndef NVMESTEER_LIB_SHARES_H
#define NVMESTEER_LIB_SHARES_H

#include "queues.h"
#include "cgroup.h"

#define SHARES_MAX	32

/* What the functions below look at. */
#define SHARES__HOLD_BY	(NVME_STEER_BY_OPCODE | NVME_STEER_BY_FLAGS | \
			 NVME_STEER_BY_CGROUP)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHARES_MAX);
	__type(key, __u32);
	__type(value, struct nvme_steer_share);
} shares SEC(".maps");

struct shares_group {
	__u32 share;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct shares_group);
} groups SEC(".maps");

/* Create the queues; to be called from init(), whose answer this is. */
static __always_inline int shares__create(struct nvme_steer_dev *dev)
{
	__u32 n;
	int ret;

	ret = queues__plan(dev);
	if (ret)
		return ret;
	nr_irq = queues__min(nr_irq, SHARES_MAX - 1);
	nr_poll = queues__min(nr_poll, SHARES_MAX - 1);
	ret = bpf_nvme_steer_shares(dev, &shares);
	if (ret)
		return ret;
	for (n = 1; n < 2 * SHARES_MAX; n++) {
		if (n > nr_irq + nr_poll)
			break;
		ret = bpf_nvme_steer_create_shared(dev, n, queues__mode(n),
						   queue_depth,
						   n <= nr_irq ? n : n - nr_irq);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The share that a cgroup was given, or 0. A block request is its writer's. */
static __noinline __u32 shares__of_group(struct nvme_steer_cmd *cmd)
{
	struct shares_group *group = NULL;
	__u64 id;
	__u32 up;

	if (!cmd)
		return 0;
	bpf_for(up, 0, CGROUP_MAX_LEVEL) {
		id = bpf_nvme_steer_cgroup_id(cmd, up);
		group = id ? bpf_map_lookup_elem(&groups, &id) : NULL;
		if (!id || group)
			break;
	}
	return group ? group->share : 0;
}

/* Nobody waits for it: discards, zeroes, copies, and writing back. */
static __always_inline bool shares__is_background(struct nvme_steer_cmd *cmd)
{
	return cmd->source == NVME_STEER_SRC_COPY ||
	       cmd->opcode == NVME_OP_DSM || cmd->opcode == NVME_OP_COPY ||
	       cmd->opcode == NVME_OP_WRITE_ZEROES ||
	       (cmd->flags & NVME_STEER_CMD_BACKGROUND);
}

/* The queue of share @n, or of the last one there is; the answer of route(). */
static __always_inline __u32 shares__pick(struct nvme_steer_cmd *cmd, __u32 n)
{
	return queues__pick(cmd, queues__min(n, queues__count(cmd)));
}

#endif /* NVMESTEER_LIB_SHARES_H */
