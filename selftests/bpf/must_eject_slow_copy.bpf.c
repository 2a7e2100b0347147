// SPDX-License-Identifier: GPL-2.0
/*
 * Deciding how to copy takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of copy() took
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

static int turn(__u32 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	__u64 sum = 0;

	bpf_loop(1 << 20, turn, &sum, 0);
	return sum == 1;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
