// SPDX-License-Identifier: GPL-2.0
/*
 * copied() without copy(): copies are done as by default, and nobody tells it.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 bytes;

SEC("struct_ops/alone_copied")
void BPF_PROG(alone_copied, struct nvme_steer_copied *ev)
{
	/* A number to keep the reads alive, not an exact one. */
	bytes += ev->done;
}

NVME_STEER_POLICY(alone,
	.copied	= (void *)alone_copied,
);
