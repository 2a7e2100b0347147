// SPDX-License-Identifier: GPL-2.0
/*
 * null - leave every command on the driver's own path.
 *
 * Decides nothing: route() answers NVME_STEER_DEFAULT. Use it to measure what
 * being asked costs, or to have queue 0 counted, and as the smallest policy
 * to copy from.
 *
 * Does well: always. Does badly: never; data in buffers that are used again is
 * kept mapped for the driver's own path too, which is more than asking costs.
 *
 * Tunables: none. Maps: none. Creates no queues.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/null_route")
int BPF_PROG(null_route, struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(null,
	.route	= (void *)null_route,
);
