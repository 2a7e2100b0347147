// SPDX-License-Identifier: GPL-2.0
/*
 * copy() and copied() read every field of what they get, keep a sum in a map,
 * and copies go to a queue of their own.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("struct_ops.s/copy_init")
int BPF_PROG(copy_init, struct nvme_steer_dev *dev)
{
	int ret = bpf_nvme_steer_create_queue(dev, 1, NVME_STEER_IRQ, 0);

	return ret < 0 ? ret : 0;
}

SEC("struct_ops/copy_route")
int BPF_PROG(copy_route, struct nvme_steer_cmd *cmd)
{
	return cmd->source == NVME_STEER_SRC_COPY ? 1 : NVME_STEER_DEFAULT;
}

SEC("struct_ops/copy_copy")
int BPF_PROG(copy_copy, struct nvme_steer_copy *cp)
{
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&seen, &zero);

	if (sum)
		*sum += cp->ctrl + cp->nsid + cp->flags + cp->ranges + cp->len +
			cp->slba + cp->lba_size + cp->mssrl + cp->mcl +
			cp->msrc + cp->copies + cp->size_class +
			cp->offload_ns + cp->emulate_ns + cp->offloads +
			cp->emulates + cp->queue + cp->queue_depth +
			cp->queue_inflight;
	return NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE,
				    NVME_STEER_COPY_MAX_DEPTH, 524287);
}

SEC("struct_ops/copy_copied")
void BPF_PROG(copy_copied, struct nvme_steer_copied *ev)
{
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&seen, &zero);

	if (sum)
		*sum += ev->ctrl + ev->nsid + ev->answer + ev->path + ev->why +
			ev->status + ev->ranges + ev->size_class + ev->len +
			ev->done + ev->ns;
}

NVME_STEER_POLICY(copy,
	.init	= (void *)copy_init,
	.route	= (void *)copy_route,
	.copy	= (void *)copy_copy,
	.copied	= (void *)copy_copied,
);
