// SPDX-License-Identifier: GPL-2.0
/*
 * A policy built against an older, shorter contract: its ops have fewer
 * members than the module knows. What is missing has its default.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_ops___older {
	__u32 ctrl;
	__u32 flags;
	__u32 timeout_ms;
	__u32 abi;
	char name[NVME_STEER_NAME_LEN];
};

SEC(".struct_ops.link")
struct nvme_steer_ops___older older_ops = {
	.abi = 1,
	.name = "older",
};
