// SPDX-License-Identifier: GPL-2.0
/*
 * Reading past what batch() is told.
 *
 * expect: access beyond struct nvme_steer_batch
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_batch")
int BPF_PROG(bad_batch, struct nvme_steer_batch *b)
{
	return ((__u64 *)b)[sizeof(*b) / sizeof(__u64)] & 1;
}

NVME_STEER_POLICY(bad,
	.batch	= (void *)bad_batch,
);
