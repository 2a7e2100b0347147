// SPDX-License-Identifier: GPL-2.0
/*
 * Every second answer is wrong: that is too many, too.
 *
 * expect: kind answers
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u32 turn;

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return turn++ & 1 ? 100000 : NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
