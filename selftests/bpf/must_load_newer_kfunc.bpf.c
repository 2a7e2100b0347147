// SPDX-License-Identifier: GPL-2.0
/*
 * A function that only a newer module has: declared weak, it can be asked
 * for before it is called.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

extern int bpf_nvme_steer_read_mind(struct nvme_steer_cmd *cmd) __ksym __weak;

SEC("struct_ops/newer_route")
int BPF_PROG(newer_route, struct nvme_steer_cmd *cmd)
{
	if (bpf_ksym_exists(bpf_nvme_steer_read_mind))
		return bpf_nvme_steer_read_mind(cmd);
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(newer,
	.route	= (void *)newer_route,
);
