// SPDX-License-Identifier: GPL-2.0
/*
 * Notes kept at a cgroup: they go when it goes.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} notes SEC(".maps");

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

SEC("struct_ops/notes_route")
int BPF_PROG(notes_route, struct nvme_steer_cmd *cmd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *note;

	bpf_rcu_read_lock();
	note = bpf_cgrp_storage_get(&notes, task->cgroups->dfl_cgrp, 0,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (note)
		(*note)++;
	bpf_rcu_read_unlock();
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(notes,
	.route	= (void *)notes_route,
);
