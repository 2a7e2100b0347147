// SPDX-License-Identifier: GPL-2.0
/*
 * Creating a queue sleeps: not from an init() that may not.
 *
 * expect: sleepable kfunc bpf_nvme_steer_create_queue
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
