// SPDX-License-Identifier: GPL-2.0
/*
 * Every decision takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of route() took
 */
#include "lib/turns.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	turns(1 << 20);
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
