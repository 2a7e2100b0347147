// SPDX-License-Identifier: GPL-2.0
/*
 * An answer that holds for as long as one may.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/hold_init")
int BPF_PROG(hold_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);

	return ret < 0 ? ret : 0;
}

SEC("struct_ops/hold_route")
int BPF_PROG(hold_route, struct nvme_steer_cmd *cmd)
{
	return 1;
}

NVME_STEER_POLICY(hold,
	.init	= (void *)hold_init,
	.route	= (void *)hold_route,
	.hold_ms = NVME_STEER_HOLD_MAX_MS,
);
