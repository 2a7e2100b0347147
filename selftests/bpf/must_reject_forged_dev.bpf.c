// SPDX-License-Identifier: GPL-2.0
/*
 * A controller of the policy's own making is not a controller.
 *
 * expect: must point to scalar, or struct with scalar
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct nvme_steer_dev mine;

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return bpf_nvme_steer_free_queue(&mine, 1);
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
