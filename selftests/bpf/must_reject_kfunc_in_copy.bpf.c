// SPDX-License-Identifier: GPL-2.0
/*
 * What takes a command can be called by route() only.
 *
 * expect: bpf_nvme_steer_queue_depth is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd mine;

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return bpf_nvme_steer_queue_depth(&mine, 1) & 1;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
