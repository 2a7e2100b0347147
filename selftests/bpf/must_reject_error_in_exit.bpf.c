// SPDX-License-Identifier: GPL-2.0
/*
 * A policy that ends cannot give up any more.
 *
 * expect: calling kernel function bpf_nvme_steer_error is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_exit")
void BPF_PROG(bad_exit, struct nvme_steer_exit *info)
{
	bpf_nvme_steer_error((void *)info, 1, "too late");
}

NVME_STEER_POLICY(bad,
	.exit	= (void *)bad_exit,
);
