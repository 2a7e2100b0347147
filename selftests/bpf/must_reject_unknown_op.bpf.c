// SPDX-License-Identifier: GPL-2.0
/*
 * An operation that this module does not have.
 *
 * expect: teleport
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

struct nvme_steer_ops___x {
	__u32 ctrl;
	__u32 flags;
	__u32 timeout_ms;
	__u32 abi;
	char name[NVME_STEER_NAME_LEN];
	int (*teleport)(struct nvme_steer_cmd *cmd);
};

SEC(".struct_ops.link")
struct nvme_steer_ops___x bad_ops = {
	.abi = 1,
	.name = "bad",
	.teleport = (void *)bad_route,
};
