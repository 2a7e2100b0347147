// SPDX-License-Identifier: GPL-2.0
/*
 * An index into the paths that is not a constant.
 *
 * expect: variable
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	return p->path[p->nr & 7].ctrl + 1;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
