// SPDX-License-Identifier: GPL-2.0
/*
 * All operations, each reading every field of what it gets.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

volatile __u64 sum;

SEC("struct_ops.s/all_init")
int BPF_PROG(all_init, struct nvme_steer_dev *dev)
{
	sum += dev->ctrl + dev->granted + dev->vectors + dev->max_depth +
	       dev->node;
	return 0;
}

SEC("struct_ops.s/all_exit")
void BPF_PROG(all_exit, struct nvme_steer_exit *info)
{
	sum += info->kind + info->code + info->reason[0];
}

SEC("struct_ops/all_route")
int BPF_PROG(all_route, struct nvme_steer_cmd *cmd)
{
	/* The sum is a number to keep the reads alive, not an exact one. */
	sum += cmd->source + cmd->flags + cmd->opcode + cmd->ioprio +
	       cmd->nsid + cmd->len + cmd->nlb + cmd->slba + cmd->ctrl +
	       cmd->dev_node;
	return NVME_STEER_DEFAULT;
}

SEC("struct_ops/all_batch")
int BPF_PROG(all_batch, struct nvme_steer_batch *b)
{
	sum += b->ctrl + b->queue + b->mode + b->depth + b->ready +
	       b->inflight + b->last + b->interval_ns + b->age_ns;
	return 0;
}

SEC("struct_ops/all_copy")
int BPF_PROG(all_copy, struct nvme_steer_copy *cp)
{
	sum += cp->ctrl + cp->nsid + cp->flags + cp->ranges + cp->len +
	       cp->slba + cp->lba_size + cp->mssrl + cp->mcl + cp->msrc +
	       cp->copies + cp->size_class + cp->offload_ns + cp->emulate_ns +
	       cp->offloads + cp->emulates + cp->queue + cp->queue_depth +
	       cp->queue_inflight;
	return NVME_STEER_COPY_DEFAULT;
}

SEC("struct_ops/all_copied")
void BPF_PROG(all_copied, struct nvme_steer_copied *ev)
{
	sum += ev->ctrl + ev->nsid + ev->answer + ev->path + ev->why +
	       ev->status + ev->ranges + ev->size_class + ev->len + ev->done +
	       ev->ns;
}

SEC("struct_ops/all_path")
int BPF_PROG(all_path, struct nvme_steer_path *p)
{
	sum += p->source + p->flags + p->opcode + p->ioprio + p->nsid + p->len +
	       p->nlb + p->slba + p->subsys + p->nr + p->others +
	       p->path[0].ctrl + p->path[1].usable + p->path[2].ana_state +
	       p->path[3].distance + p->path[4].inflight +
	       p->path[NVME_STEER_MAX_PATHS - 1].latency_us +
	       bpf_nvme_steer_path_cgroup_id(p, 0);
	return NVME_STEER_PATH_OWN;
}

NVME_STEER_POLICY(all,
	.init	= (void *)all_init,
	.exit	= (void *)all_exit,
	.route	= (void *)all_route,
	.batch	= (void *)all_batch,
	.copy	= (void *)all_copy,
	.copied	= (void *)all_copied,
	.path	= (void *)all_path,
);
