// SPDX-License-Identifier: GPL-2.0
/*
 * What copy() is told is read-only.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	cp->len = 0;
	return NVME_STEER_COPY_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
