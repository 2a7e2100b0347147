// SPDX-License-Identifier: GPL-2.0
/*
 * A flag that has no meaning yet.
 *
 * expect: EINVAL
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
	.flags = 1U << 31,
	.route = (void *)bad_route,
};
