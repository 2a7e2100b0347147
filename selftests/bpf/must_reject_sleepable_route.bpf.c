// SPDX-License-Identifier: GPL-2.0
/*
 * route() runs where nothing may sleep.
 *
 * expect: attach to unsupported member route of struct nvme_steer_ops
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
