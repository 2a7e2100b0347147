// SPDX-License-Identifier: GPL-2.0
/*
 * Reading past what copy() is told.
 *
 * expect: access beyond struct nvme_steer_copy
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return ((__u64 *)cp)[sizeof(*cp) / sizeof(__u64)] & 1;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
