// SPDX-License-Identifier: GPL-2.0
/*
 * Reading beyond the command.
 *
 * expect: access beyond struct nvme_steer_cmd
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return *(__u32 *)((char *)cmd + 4096) & 1;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
