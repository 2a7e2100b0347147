// SPDX-License-Identifier: GPL-2.0
/*
 * init() says no: the attach fails with its errno.
 *
 * expect: attach: ENOENT
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	return -ENOENT;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
);
