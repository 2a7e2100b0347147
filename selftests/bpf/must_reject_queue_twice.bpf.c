// SPDX-License-Identifier: GPL-2.0
/*
 * A number twice, in another shape; and what the first attempt made is freed,
 * or the next test would not get its queues.
 *
 * expect: attach: EEXIST
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret;

	ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);
	if (ret < 0)
		return ret;
	ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_POLL, 0);
	return ret < 0 ? ret : 0;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
