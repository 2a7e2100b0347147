// SPDX-License-Identifier: GPL-2.0
/*
 * path() runs under rcu_read_lock(), where nothing may sleep.
 *
 * expect: attach to unsupported member path of struct nvme_steer_ops
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return NVME_STEER_PATH_OWN;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
