// SPDX-License-Identifier: GPL-2.0
/*
 * A policy cannot make up paths itself.
 *
 * expect: bpf_nvme_steer_path_cgroup_id
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_path mine;

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return bpf_nvme_steer_path_cgroup_id(&mine, 0) & 1;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
