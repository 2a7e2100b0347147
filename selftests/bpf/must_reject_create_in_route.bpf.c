// SPDX-License-Identifier: GPL-2.0
/*
 * Creating a queue sleeps: not from route().
 *
 * expect: load: EACCES
 * expect: kfunc bpf_nvme_steer_create_queue
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return bpf_nvme_steer_create_queue((void *)cmd, 1, NVME_STEER_IRQ, 0);
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
