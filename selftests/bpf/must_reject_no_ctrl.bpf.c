// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that does not exist.
 *
 * expect: attach: ENODEV
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
	.ctrl = 4000,
	.name = "bad",
	.route = (void *)bad_route,
};
