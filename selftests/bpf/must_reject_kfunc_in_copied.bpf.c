// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody waits for an answer of copied(): nothing can be given up there.
 *
 * expect: bpf_nvme_steer_error is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd mine;

SEC("struct_ops/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
	bpf_nvme_steer_error(&mine, 1, "too slow");
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
