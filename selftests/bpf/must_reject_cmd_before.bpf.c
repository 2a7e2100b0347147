// SPDX-License-Identifier: GPL-2.0
/*
 * Reading before the command, where the module keeps its own notes.
 *
 * expect: is ptr_nvme_steer_cmd invalid negative access
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return *(__u32 *)((char *)cmd - 8) & 1;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
