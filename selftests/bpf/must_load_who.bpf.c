// SPDX-License-Identifier: GPL-2.0
/*
 * Who submits: cgroup and its ancestors, user, task, CPU, node.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 last;

SEC("struct_ops/who_route")
int BPF_PROG(who_route, struct nvme_steer_cmd *cmd)
{
	last = bpf_get_current_cgroup_id() +
	       bpf_get_current_ancestor_cgroup_id(1) +
	       bpf_get_current_pid_tgid() + bpf_get_smp_processor_id() +
	       bpf_get_numa_node_id() + nvme_steer_current_uid();
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(who,
	.route	= (void *)who_route,
);
