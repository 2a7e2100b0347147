// SPDX-License-Identifier: GPL-2.0
/*
 * copied() may run in an interrupt, where nothing may sleep.
 *
 * expect: attach to unsupported member copied of struct nvme_steer_ops
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
