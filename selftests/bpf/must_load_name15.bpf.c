// SPDX-License-Identifier: GPL-2.0
/*
 * A name of 15 characters, all kinds of them.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC(".struct_ops.link")
struct nvme_steer_ops name_ops = {
	.abi = NVME_STEER_ABI,
	.name = "Aa_0.bcdefghijk",
};
