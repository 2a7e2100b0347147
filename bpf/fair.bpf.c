// SPDX-License-Identifier: GPL-2.0
/*
 * fair - divide a drive between cgroups by weight, passthrough and block alike.
 *
 * Each command belongs to a share:
 *
 *   1          what nobody waits for: discards, Write Zeroes, copies, and data
 *              that is written back in the background
 *   2          everything of cgroups that are not in the map `groups`
 *   3 and up   cgroups, as the map `groups` says; several may have one
 *
 * and waits, where the drive has as much to do as it is to have at a time
 * (depth of share 0), until its share has had least by its weight. A share
 * that asks for less than it may have leaves the rest to the others. Shares may
 * have limits as well: depth, commands and bytes a second.
 *
 * Does well: tenants by passthrough, which no scheduler of the kernel's sees,
 * against each other and against file systems; on any drive, since nothing is
 * asked of it. Does badly: the depth of share 0 is a choice between what the
 * drive can do at once and how soon a light tenant is served; weights mean
 * nothing as long as less than that is asked for. Steers block requests only
 * with `nvmesteer load --block`, and then needs the io controller of cgroups
 * (echo +io > /sys/fs/cgroup/cgroup.subtree_control). What is beyond the number
 * of queues there are belongs to the last share there is a queue for; where that
 * is share 1, it has no depth of its own.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    shares; 0 = as many as are reserved queues for (default)
 *   queue_mode   0 = an interrupt queue and a polled twin a share (default),
 *                1 = polled only, 2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   drive_depth  depth of share 0 at attach; 32 is the default
 *   back_depth   depth of share 1 at attach; 4 is the default
 *
 * Maps: shares and groups, see lib/shares.h
 *
 *     nvmesteer set nvme0 groups.cgroup:/orders.share=3 shares.3.weight=300
 *     nvmesteer set nvme0 groups.cgroup:/reports.share=4 shares.4.iops=2000
 *     nvmesteer set nvme0 shares.0.depth=64
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/shares.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 drive_depth = 32;
const volatile __u32 back_depth = 4;

#define FAIR_BACKGROUND	1
#define FAIR_OTHERS	2

SEC("struct_ops.s/fair_init")
int BPF_PROG(fair_init, struct nvme_steer_dev *dev)
{
	struct nvme_steer_share *share;
	__u32 n = 0;
	int ret;

	ret = shares__create(dev);
	if (ret)
		return ret;
	share = bpf_map_lookup_elem(&shares, &n);
	if (share)
		share->depth = drive_depth;
	/* alone it is not for what nobody waits for only */
	n = FAIR_BACKGROUND;
	share = bpf_map_lookup_elem(&shares, &n);
	if (share && (nr_irq ?: nr_poll) > FAIR_BACKGROUND)
		share->depth = back_depth;
	return 0;
}

SEC("struct_ops/fair_route")
int BPF_PROG(fair_route, struct nvme_steer_cmd *cmd)
{
	__u32 share;

	if (shares__is_background(cmd))
		return shares__pick(cmd, FAIR_BACKGROUND);
	share = shares__of_group(cmd);
	return shares__pick(cmd, share ?: FAIR_OTHERS);
}

NVME_STEER_POLICY(fair,
	.hold_ms = QUEUES__HOLD_MS,
	.hold_by = SHARES__HOLD_BY,
	.init	= (void *)fair_init,
	.route	= (void *)fair_route,
);
