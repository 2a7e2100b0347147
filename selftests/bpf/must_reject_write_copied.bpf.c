// SPDX-License-Identifier: GPL-2.0
/*
 * What copied() is told is read-only.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
	ev->ns = 0;
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
