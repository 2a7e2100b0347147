// SPDX-License-Identifier: GPL-2.0
/*
 * batch() without route(): no command reaches a queue, and nobody asks.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/alone_batch")
int BPF_PROG(alone_batch, struct nvme_steer_batch *b)
{
	return NVME_STEER_GATHER(8, 100);
}

NVME_STEER_POLICY(alone,
	.batch	= (void *)alone_batch,
);
