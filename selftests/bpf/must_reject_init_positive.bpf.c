// SPDX-License-Identifier: GPL-2.0
/*
 * init() answers 0 or an errno, nothing else.
 *
 * expect: attach: 
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return 17;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
