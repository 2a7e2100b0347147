// SPDX-License-Identifier: GPL-2.0
/*
 * A loop without an end.
 *
 * expect: load: 
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 go_on = 1;

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	while (go_on)
		;
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
