// SPDX-License-Identifier: GPL-2.0
/*
 * copy() runs under rcu_read_lock(), where nothing may sleep.
 *
 * expect: attach to unsupported member copy of struct nvme_steer_ops
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return NVME_STEER_COPY_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
