// SPDX-License-Identifier: GPL-2.0
/*
 * All functions that route() may call.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/kfuncs_route")
int BPF_PROG(kfuncs_route, struct nvme_steer_cmd *cmd)
{
	__u32 n;

	if (!bpf_nvme_steer_ring_id(cmd))
		bpf_nvme_steer_error(cmd, 1, "a ring without identity");
	for (n = 0; n < 8; n++)
		if (bpf_nvme_steer_queue_inflight(cmd, n) >
		    bpf_nvme_steer_queue_depth(cmd, n))
			bpf_nvme_steer_error(cmd, 2, "more than it can hold");
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(kfuncs,
	.route	= (void *)kfuncs_route,
);
