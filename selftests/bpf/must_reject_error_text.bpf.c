// SPDX-License-Identifier: GPL-2.0
/*
 * The reason given to bpf_nvme_steer_error() is a constant, so that nothing
 * of the kernel's memory can be shown through it.
 *
 * expect: does not point to a readonly map
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

char text[16];

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	text[0] = cmd->opcode;
	bpf_nvme_steer_error(cmd, 1, text);
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
