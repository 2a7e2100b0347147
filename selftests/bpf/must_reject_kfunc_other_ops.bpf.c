// SPDX-License-Identifier: GPL-2.0
/*
 * Nor are they for struct_ops programs of another kind.
 *
 * expect: bpf_nvme_steer_queue_inflight is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_cmd mine;

SEC("struct_ops/other_ssthresh")
__u32 BPF_PROG(other_ssthresh, struct sock *sk)
{
	return bpf_nvme_steer_queue_inflight(&mine, 1);
}

SEC("struct_ops/other_avoid")
void BPF_PROG(other_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/other_undo")
__u32 BPF_PROG(other_undo, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops other_ops = {
	.ssthresh = (void *)other_ssthresh,
	.cong_avoid = (void *)other_avoid,
	.undo_cwnd = (void *)other_undo,
	.name = "bpf_other",
};
