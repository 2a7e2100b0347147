// SPDX-License-Identifier: GPL-2.0
/*
 * batch() reads every field of what it gets, keeps a count in a map, and asks
 * to gather on an interrupt queue that route() uses.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("struct_ops.s/batch_init")
int BPF_PROG(batch_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);

	return ret < 0 ? ret : 0;
}

SEC("struct_ops/batch_route")
int BPF_PROG(batch_route, struct nvme_steer_cmd *cmd)
{
	return 1;
}

SEC("struct_ops/batch_batch")
int BPF_PROG(batch_batch, struct nvme_steer_batch *b)
{
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&seen, &zero);

	if (sum)
		*sum += b->ctrl + b->queue + b->mode + b->depth + b->ready +
			b->inflight + b->last + b->interval_ns + b->age_ns;
	return NVME_STEER_GATHER(b->inflight / 2 + 1, 1000);
}

NVME_STEER_POLICY(batch,
	.init	= (void *)batch_init,
	.route	= (void *)batch_route,
	.batch	= (void *)batch_batch,
);
