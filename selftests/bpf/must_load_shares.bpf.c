// SPDX-License-Identifier: GPL-2.0
/*
 * init() names a map of shares, sets a limit, and creates a queue that belongs
 * to one; a map of another shape, a share that does not exist, and a second map
 * are refused to it by errnos of their own.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct nvme_steer_share);
} shares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} other SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65);
	__type(key, __u32);
	__type(value, struct nvme_steer_share);
} many SEC(".maps");

SEC("struct_ops.s/sharing_init")
int BPF_PROG(sharing_init, struct nvme_steer_dev *dev)
{
	struct nvme_steer_share *share;
	__u32 one = 1;
	int ret;

	if (bpf_nvme_steer_create_shared(dev, 0, NVME_STEER_IRQ, 16, 1) !=
	    -ENOENT)
		return -EIO;
	if (bpf_nvme_steer_shares(dev, &other) != -EINVAL)
		return -EIO;
	if (bpf_nvme_steer_shares(dev, &many) != -7 /* E2BIG */)
		return -EIO;
	ret = bpf_nvme_steer_shares(dev, &shares);
	if (ret)
		return ret;
	if (bpf_nvme_steer_shares(dev, &shares) != -17 /* EEXIST */)
		return -EIO;
	if (bpf_nvme_steer_create_shared(dev, 0, NVME_STEER_IRQ, 16, 4) !=
	    -ERANGE)
		return -EIO;
	share = bpf_map_lookup_elem(&shares, &one);
	if (share)
		share->depth = 4;
	ret = bpf_nvme_steer_create_shared(dev, 1, NVME_STEER_IRQ, 16, 1);
	return ret < 0 ? ret : 0;
}

SEC("struct_ops/sharing_route")
int BPF_PROG(sharing_route, struct nvme_steer_cmd *cmd)
{
	return 1;
}

NVME_STEER_POLICY(sharing,
	.init	= (void *)sharing_init,
	.route	= (void *)sharing_route,
);
