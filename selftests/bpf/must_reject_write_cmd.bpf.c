// SPDX-License-Identifier: GPL-2.0
/*
 * The command is read-only: a policy steers, it does not edit.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	cmd->len = 0;
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
