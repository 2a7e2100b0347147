// SPDX-License-Identifier: GPL-2.0
/*
 * A time limit shorter than the driver's.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/timeout_route")
int BPF_PROG(timeout_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(timeout,
	.timeout_ms	= 5000,
	.route	= (void *)timeout_route,
);
