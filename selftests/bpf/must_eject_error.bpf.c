// SPDX-License-Identifier: GPL-2.0
/*
 * The policy gives up by itself.
 *
 * expect: kind error
 * expect: code 42
 * expect: the sky is falling
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	bpf_nvme_steer_error(cmd, 42, "the sky is falling");
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
