// SPDX-License-Identifier: GPL-2.0
/*
 * Bounded loops of each kind.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

static int add(__u32 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("struct_ops/loops_route")
int BPF_PROG(loops_route, struct nvme_steer_cmd *cmd)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < 100; i++)
		sum += cmd->len >> (i & 7);
	bpf_loop(100, add, &sum, 0);
	bpf_for(i, 0, 100)
		sum += i;
	return sum == 1;
}

NVME_STEER_POLICY(loops,
	.route	= (void *)loops_route,
);
