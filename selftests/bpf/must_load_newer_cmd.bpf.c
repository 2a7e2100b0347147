// SPDX-License-Identifier: GPL-2.0
/*
 * A field of the command that only a newer contract has: guarded by
 * bpf_core_field_exists() the policy loads and does without.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd___newer {
	__u64 phase_of_moon;
} __attribute__((preserve_access_index));

SEC("struct_ops/newer_route")
int BPF_PROG(newer_route, struct nvme_steer_cmd *cmd)
{
	struct nvme_steer_cmd___newer *newer = (void *)cmd;

	if (bpf_core_field_exists(newer->phase_of_moon))
		return newer->phase_of_moon & 1;
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(newer,
	.route	= (void *)newer_route,
);
