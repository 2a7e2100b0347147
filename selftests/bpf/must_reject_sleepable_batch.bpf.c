// SPDX-License-Identifier: GPL-2.0
/*
 * batch() runs in an interrupt, where nothing may sleep.
 *
 * expect: attach to unsupported member batch of struct nvme_steer_ops
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_batch")
int BPF_PROG(bad_batch, struct nvme_steer_batch *b)
{
	return 0;
}

NVME_STEER_POLICY(bad,
	.batch	= (void *)bad_batch,
);
