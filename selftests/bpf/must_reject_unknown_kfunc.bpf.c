// SPDX-License-Identifier: GPL-2.0
/*
 * A function that this module does not have, and without which the policy
 * says it cannot do.
 *
 * expect: 'bpf_nvme_steer_read_mind': not found
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

extern int bpf_nvme_steer_read_mind(struct nvme_steer_cmd *cmd) __ksym;

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return bpf_nvme_steer_read_mind(cmd);
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
