// SPDX-License-Identifier: GPL-2.0
/*
 * More pieces at a time than there may be.
 *
 * expect: kind answers
 * expect: the last one was 1043
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE,
				    NVME_STEER_COPY_MAX_DEPTH + 1, 0);
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
