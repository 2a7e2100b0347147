// SPDX-License-Identifier: GPL-2.0
/*
 * A path that a copy may have taken, but no way to ask for.
 *
 * expect: kind answers
 * expect: the last one was 4
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return NVME_STEER_COPY_HYBRID;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
