// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the command at an offset nobody knows.
 *
 * expect: invalid variable offset
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return *((char *)cmd + (bpf_get_prandom_u32() & 63)) & 1;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
