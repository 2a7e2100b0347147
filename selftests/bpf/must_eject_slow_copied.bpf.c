// SPDX-License-Identifier: GPL-2.0
/*
 * Being told of a copy takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of copied() took
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

static int turn(__u32 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("struct_ops/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
	__u64 sum = 0;

	bpf_loop(1 << 20, turn, &sum, 0);
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
