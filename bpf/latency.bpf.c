// SPDX-License-Identifier: GPL-2.0
/*
 * latency - keep what waits for a drive quick, by giving the rest less of it.
 *
 * Each command belongs to a share:
 *
 *   1  foreground: cgroups with share 1 in the map `groups`, and tasks in the
 *      realtime I/O class (ionice -c1)
 *   2  background: everything else
 *   3  what nobody waits for: discards, Write Zeroes, copies, and data that is
 *      written back in the background
 *
 * Share 1 has a target for its latency. Whenever more than one in 64 of its
 * commands have taken longer, the others may have half as many commands at the
 * controller as they had, down to one each; after 64 of which no more did, one
 * more; and soon all they like, when share 1 has nothing to do (`cap` in
 * steer/shares).
 *
 * Does well: a foreground of few commands beside a flood, on a drive that does
 * not keep them apart itself. Does badly: a target that the drive cannot meet
 * even for one command at a time keeps the background at one; and a foreground
 * of few commands a second is slow to be judged. Steers block requests
 * only with `nvmesteer load --block`; see the policy fair for what cgroups need.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    shares; 0 = as many as are reserved queues for (default)
 *   queue_mode   0 = an interrupt queue and a polled twin a share (default),
 *                1 = polled only, 2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   target_us    target of share 1 at attach, microseconds; 1000 is the default
 *   back_depth   depth of share 3 at attach; 4 is the default
 *   wrr_high, wrr_medium, wrr_low   see lib/prio.h: on a drive with weighted
 *                round robin share 1 is of high priority, 2 of medium, 3 of low
 *
 * Maps: shares and groups, see lib/shares.h
 *
 *     nvmesteer set nvme0 groups.cgroup:/orders.share=1 shares.1.latency_us=500
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>

#define LATENCY_FOREGROUND	1
#define LATENCY_BACKGROUND	2
#define LATENCY_NOBODY		3

#define PRIO__LOW		LATENCY_NOBODY
#include "lib/prio.h"
#include "lib/shares.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 target_us = 1000;
const volatile __u32 back_depth = 4;

#define IOPRIO_CLASS_RT		1

SEC("struct_ops.s/latency_init")
int BPF_PROG(latency_init, struct nvme_steer_dev *dev)
{
	struct nvme_steer_share *share;
	__u32 n = LATENCY_FOREGROUND;
	int ret = prio__weigh(dev);

	if (ret)
		return ret;
	share = bpf_map_lookup_elem(&shares, &n);
	if (share)
		share->latency_us = target_us;
	n = LATENCY_NOBODY;
	share = bpf_map_lookup_elem(&shares, &n);
	if (share)
		share->depth = back_depth;
	return shares__create(dev);
}

SEC("struct_ops/latency_route")
int BPF_PROG(latency_route, struct nvme_steer_cmd *cmd)
{
	__u32 share;

	if (shares__is_background(cmd))
		return shares__pick(cmd, LATENCY_NOBODY);
	share = shares__of_group(cmd);
	if (!share)
		share = NVME_STEER_IOPRIO_CLASS(cmd->ioprio) ==
			IOPRIO_CLASS_RT ? LATENCY_FOREGROUND :
					  LATENCY_BACKGROUND;
	return shares__pick(cmd, share);
}

NVME_STEER_POLICY(latency,
	.hold_ms = QUEUES__HOLD_MS,
	.hold_by = SHARES__HOLD_BY | NVME_STEER_BY_IOPRIO,
	.init	= (void *)latency_init,
	.route	= (void *)latency_route,
);
