// SPDX-License-Identifier: GPL-2.0
/*
 * A queue larger than the controller takes.
 *
 * expect: attach: EINVAL
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret;

	ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ,
					  dev->max_depth + 1);
	return ret < 0 ? ret : 0;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
