// SPDX-License-Identifier: GPL-2.0
/*
 * The controller's description is read-only.
 *
 * expect: read-only
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	dev->granted = 255;
	return 0;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
