// SPDX-License-Identifier: GPL-2.0
/*
 * What batch() is told is read-only.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_batch")
int BPF_PROG(bad_batch, struct nvme_steer_batch *b)
{
	b->ready = 0;
	return 0;
}

NVME_STEER_POLICY(bad,
	.batch	= (void *)bad_batch,
);
