// SPDX-License-Identifier: GPL-2.0
/*
 * A path that holds for more commands than one may.
 *
 * expect: ERANGE
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return NVME_STEER_PATH_OWN;
}

SEC(".struct_ops.link")
struct nvme_steer_ops bad_ops = {
	.abi = NVME_STEER_ABI,
	.name = "bad",
	.path_hold_ms = 1,
	.path_hold_more = NVME_STEER_HOLD_MAX_MORE + 1,
	.path = (void *)bad_path,
};
