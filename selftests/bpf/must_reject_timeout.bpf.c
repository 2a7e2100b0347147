// SPDX-License-Identifier: GPL-2.0
/*
 * A time limit longer than the driver's own.
 *
 * expect: ERANGE
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

SEC(".struct_ops.link")
struct nvme_steer_ops bad_ops = {
	.abi = NVME_STEER_ABI,
	.name = "bad",
	.timeout_ms = 24 * 60 * 60 * 1000,
	.route = (void *)bad_route,
};
