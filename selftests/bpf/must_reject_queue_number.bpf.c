// SPDX-License-Identifier: GPL-2.0
/*
 * A queue beyond what is reserved.
 *
 * expect: attach: ERANGE
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret;

	ret = bpf_nvme_steer_create_queue(dev, dev->granted + 1,
					  NVME_STEER_IRQ, 0);
	return ret < 0 ? ret : 0;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
