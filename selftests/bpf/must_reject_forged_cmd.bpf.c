// SPDX-License-Identifier: GPL-2.0
/*
 * A command of the policy's own making is not a command.
 *
 * expect: must point to scalar, or struct with scalar
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd mine;

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return bpf_nvme_steer_queue_inflight(&mine, 1);
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
