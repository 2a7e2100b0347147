// SPDX-License-Identifier: GPL-2.0
/*
 * What path() is told is read-only.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_path")
int BPF_PROG(bad_path, struct nvme_steer_path *p)
{
	p->path[0].usable = 0;
	return NVME_STEER_PATH_OWN;
}

NVME_STEER_POLICY(bad,
	.path	= (void *)bad_path,
);
