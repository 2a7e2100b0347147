// SPDX-License-Identifier: GPL-2.0
/*
 * Clocks and random numbers.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 last;

SEC("struct_ops/time_route")
int BPF_PROG(time_route, struct nvme_steer_cmd *cmd)
{
	last = bpf_ktime_get_ns() + bpf_ktime_get_boot_ns() + bpf_jiffies64();
	return bpf_get_prandom_u32() > 0xffffffff;
}

NVME_STEER_POLICY(time,
	.route	= (void *)time_route,
);
