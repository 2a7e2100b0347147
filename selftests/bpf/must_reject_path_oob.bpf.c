// SPDX-License-Identifier: GPL-2.0
/*
 * Reading past what path() is told.
 *
 * expect: access beyond struct nvme_steer_path
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return ((__u64 *)p)[sizeof(*p) / sizeof(__u64)] & 1;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
