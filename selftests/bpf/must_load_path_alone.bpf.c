// SPDX-License-Identifier: GPL-2.0
/*
 * path() without route() and queues, looking at the paths in a loop.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/alone_path")
int BPF_PROG(alone_path, struct nvme_steer_path *p)
{
	struct nvme_steer_path_ctrl paths[NVME_STEER_MAX_PATHS];
	__u32 i;

	nvme_steer_read_paths(paths, p);
	for (i = 0; i < NVME_STEER_MAX_PATHS && i < p->nr; i++)
		if (paths[i].usable && paths[i].latency_us < 1000)
			return NVME_STEER_PATH(paths[i].ctrl);
	return NVME_STEER_PATH_OWN;
}

NVME_STEER_POLICY(alone,
	.path	= (void *)alone_path,
);
