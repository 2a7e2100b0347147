// SPDX-License-Identifier: GPL-2.0
/*
 * A policy needs a name.
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
	.route = (void *)bad_route,
};
