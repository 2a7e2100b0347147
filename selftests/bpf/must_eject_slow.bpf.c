// SPDX-License-Identifier: GPL-2.0
/*
 * Every decision takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of route() took
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

static int turn(__u32 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	__u64 sum = 0;

	bpf_loop(1 << 20, turn, &sum, 0);
	return sum == 1;
}

NVME_STEER_POLICY(bad,
	.route	= (void *)bad_route,
);
