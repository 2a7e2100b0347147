// SPDX-License-Identifier: GPL-2.0
/*
 * The policy gives up while commands are in flight on its queue; what it
 * answers then does not count any more.
 *
 * expect: kind error
 * expect: code -1
 * expect: enough
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u32 turn;

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);

	return ret < 0 ? ret : 0;
}

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	if (turn++ > 40)
		bpf_nvme_steer_error(cmd, -1, "enough");
	return 1;
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
	.route	= (void *)bad_route,
);
