// SPDX-License-Identifier: GPL-2.0
/*
 * What takes a command can be called by route() only.
 *
 * expect: bpf_nvme_steer_queue_inflight is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd mine;

SEC("struct_ops/bad_batch")
int BPF_PROG(bad_batch, struct nvme_steer_batch *b)
{
	return bpf_nvme_steer_queue_inflight(&mine, 1) & 1;
}

NVME_STEER_POLICY(bad,
	.batch	= (void *)bad_batch,
);
