// SPDX-License-Identifier: GPL-2.0
/*
 * An answer that depends on what the module does not know.
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
	.hold_ms = 10,
	.hold_by = NVME_STEER_BY_ALL + 1,
	.route = (void *)bad_route,
};
