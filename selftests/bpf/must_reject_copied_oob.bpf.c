// SPDX-License-Identifier: GPL-2.0
/*
 * Reading past what copied() is told.
 *
 * expect: access beyond struct nvme_steer_copied
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 sum;

SEC("struct_ops/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
	sum += ((__u64 *)ev)[sizeof(*ev) / sizeof(__u64)];
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
