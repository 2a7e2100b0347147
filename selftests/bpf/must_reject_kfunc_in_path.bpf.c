// SPDX-License-Identifier: GPL-2.0
/*
 * What takes a command of route() cannot be given to it by path().
 *
 * expect: bpf_nvme_steer_cgroup_id
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return bpf_nvme_steer_cgroup_id((struct nvme_steer_cmd *)p, 0) & 1;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
