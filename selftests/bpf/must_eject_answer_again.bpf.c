// SPDX-License-Identifier: GPL-2.0
/*
 * -EAGAIN means something else to io_uring: not an answer.
 *
 * expect: kind answers
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return -11;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
