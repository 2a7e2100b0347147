// SPDX-License-Identifier: GPL-2.0
/*
 * Answers no errno can have.
 *
 * expect: kind answers
 * expect: the last one was -4000
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return -4000;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
