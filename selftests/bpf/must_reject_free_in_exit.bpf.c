// SPDX-License-Identifier: GPL-2.0
/*
 * Queues are the module's to free by the time of exit().
 *
 * expect: calling kernel function bpf_nvme_steer_free_queue is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_exit")
void BPF_PROG(bad_exit, struct nvme_steer_exit *info)
{
	bpf_nvme_steer_free_queue((void *)info, 1);
}

NVME_STEER_POLICY(bad,
	.exit	= (void *)bad_exit,
);
