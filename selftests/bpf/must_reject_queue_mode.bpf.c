// SPDX-License-Identifier: GPL-2.0
/*
 * A queue of a mode there is not.
 *
 * expect: attach: EINVAL
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, 3, 0);

	return ret < 0 ? ret : 0;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
