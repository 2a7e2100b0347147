// SPDX-License-Identifier: GPL-2.0
/*
 * copy() without route() and queues: copies take the driver's own path.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/alone_copy")
int BPF_PROG(alone_copy, struct nvme_steer_copy *cp)
{
	return cp->ranges > 1 ? NVME_STEER_COPY_SPLIT : NVME_STEER_COPY_OFFLOAD;
}

NVME_STEER_POLICY(alone,
	.copy	= (void *)alone_copy,
);
