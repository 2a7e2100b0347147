// SPDX-License-Identifier: GPL-2.0
/*
 * init() creates a queue, frees it, and creates it again in another mode;
 * route() uses it.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

int made;

SEC("struct_ops.s/queues_init")
int BPF_PROG(queues_init, struct nvme_steer_dev *dev)
{
	int ret;

	ret = bpf_nvme_steer_create_queue(dev, 0, NVME_STEER_POLL, 8);
	if (ret < 0)
		return ret;
	made = ret;
	ret = bpf_nvme_steer_free_queue(dev, made);
	if (ret)
		return ret;
	ret = bpf_nvme_steer_create_queue(dev, made, NVME_STEER_IRQ, 16);
	return ret < 0 ? ret : 0;
}

SEC("struct_ops/queues_route")
int BPF_PROG(queues_route, struct nvme_steer_cmd *cmd)
{
	if (bpf_nvme_steer_queue_depth(cmd, made) <=
	    bpf_nvme_steer_queue_inflight(cmd, made))
		return NVME_STEER_DEFAULT;
	return made;
}

NVME_STEER_POLICY(queues,
	.init	= (void *)queues_init,
	.route	= (void *)queues_route,
);
