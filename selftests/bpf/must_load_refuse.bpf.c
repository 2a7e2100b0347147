// SPDX-License-Identifier: GPL-2.0
/*
 * A policy may refuse: here a command that nobody sends.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/refuse_route")
int BPF_PROG(refuse_route, struct nvme_steer_cmd *cmd)
{
	return cmd->opcode == 0x1234 ? -EBUSY : NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(refuse,
	.route	= (void *)refuse_route,
);
