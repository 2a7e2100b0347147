// SPDX-License-Identifier: GPL-2.0
/*
 * There is no ring in init().
 *
 * expect: expected pointer to STRUCT nvme_steer_cmd
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return !bpf_nvme_steer_ring_id((void *)dev);
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
