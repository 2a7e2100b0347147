// SPDX-License-Identifier: GPL-2.0
/*
 * The module's functions are for policies, not for tracing.
 *
 * expect: calling kernel function bpf_nvme_steer_ring_id is not allowed
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("tp_btf/sys_enter")
int BPF_PROG(elsewhere, struct pt_regs *regs, long id)
{
	return bpf_nvme_steer_ring_id((void *)regs);
}
