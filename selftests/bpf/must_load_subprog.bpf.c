// SPDX-License-Identifier: GPL-2.0
/*
 * The command may be handed to functions of the policy.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

static __noinline int pick(struct nvme_steer_cmd *cmd, __u32 limit)
{
	if (bpf_nvme_steer_queue_inflight(cmd, 1) > limit)
		return NVME_STEER_DEFAULT;
	return cmd->len > 0x7fffffff;
}

SEC("struct_ops/subprog_route")
int BPF_PROG(subprog_route, struct nvme_steer_cmd *cmd)
{
	return pick(cmd, 4) + pick(cmd, 8);
}

NVME_STEER_POLICY(subprog,
	.route	= (void *)subprog_route,
);
