// SPDX-License-Identifier: GPL-2.0
/*
 * Thinking about a queue's completions takes a hundred thousand turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of batch() took
 */
#include "lib/turns.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops.s/bad_init")
int BPF_PROG(bad_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);

	return ret < 0 ? ret : 0;
}

SEC("struct_ops/bad_route")
int BPF_PROG(bad_route, struct nvme_steer_cmd *cmd)
{
	return 1;
}

SEC("struct_ops/bad_batch")
int BPF_PROG(bad_batch, struct nvme_steer_batch *b)
{
	turns(100000);
	return NVME_STEER_GATHER(b->inflight, 100);
}

NVME_STEER_POLICY(bad,
	.init	= (void *)bad_init,
	.route	= (void *)bad_route,
	.batch	= (void *)bad_batch,
);
