// SPDX-License-Identifier: GPL-2.0
/*
 * Messages for whoever debugs a policy.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/printk_route")
int BPF_PROG(printk_route, struct nvme_steer_cmd *cmd)
{
	bpf_printk("nsid %u slba %llu", cmd->nsid, cmd->slba);
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(printk,
	.route	= (void *)printk_route,
);
