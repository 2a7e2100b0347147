// SPDX-License-Identifier: GPL-2.0
/*
 * A policy built against a newer, longer contract that does not use what is
 * new: a member that is 0 asks for nothing.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/newer_route")
int BPF_PROG(newer_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

struct nvme_steer_ops___newer {
	__u32 ctrl;
	__u32 flags;
	__u32 timeout_ms;
	__u32 abi;
	char name[NVME_STEER_NAME_LEN];
	int (*init)(struct nvme_steer_dev *dev);
	void (*exit)(struct nvme_steer_exit *info);
	int (*route)(struct nvme_steer_cmd *cmd);
	int (*batch)(struct nvme_steer_batch *b);
	__u32 hold_ms;
	int (*teleport)(struct nvme_steer_cmd *cmd);
};

SEC(".struct_ops.link")
struct nvme_steer_ops___newer newer_ops = {
	.abi = 1,
	.name = "newer",
	.route = (void *)newer_route,
};
