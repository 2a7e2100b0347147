// SPDX-License-Identifier: GPL-2.0
/*
 * An answer that holds for longer than one may.
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
	.hold_ms = NVME_STEER_HOLD_MAX_MS + 1,
	.route = (void *)bad_route,
};
