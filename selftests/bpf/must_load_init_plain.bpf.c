// SPDX-License-Identifier: GPL-2.0
/*
 * init() and exit() need not be sleepable.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/plain_init")
int BPF_PROG(plain_init, struct nvme_steer_dev *dev)
{
	return 0;
}

SEC("struct_ops/plain_exit")
void BPF_PROG(plain_exit, struct nvme_steer_exit *info)
{
}

NVME_STEER_POLICY(plain,
	.init	= (void *)plain_init,
	.exit	= (void *)plain_exit,
);
