// SPDX-License-Identifier: GPL-2.0
/*
 * What is named as the map of shares must be a map.
 *
 * expect: load: EINVAL
 * expect: expected pointer to STRUCT bpf_map
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return bpf_nvme_steer_shares(dev, dev);
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
