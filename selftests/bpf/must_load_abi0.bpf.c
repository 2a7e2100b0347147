// SPDX-License-Identifier: GPL-2.0
/*
 * An abi of 0 is read as 1.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC(".struct_ops.link")
struct nvme_steer_ops abi0_ops = {
	.name = "abi0",
};
