// SPDX-License-Identifier: GPL-2.0
/*
 * puppet - answers what the test tells it; not a test itself.
 *
 * init() makes the queues of its configuration; route() answers from memory
 * shared with the test, and notes there what it was asked. puppet_batch.bpf.c
 * is the same with a batch(), puppet_once.bpf.c is asked once a batch,
 * puppet_copy.bpf.c has a copy() and a copied(), puppet_path.bpf.c a path(),
 * puppet_block.bpf.c and puppet_block_once.bpf.c are asked about block requests,
 * and so is puppet_share.bpf.c, whose queues may belong to shares
 * (puppet_share_once.bpf.c: asked once a batch);
 * puppet_path_share.bpf.c does all of the last three.
 */
#include <nvmesteer/policy.bpf.h>
#include "../lib/puppet.h"

char _license[] SEC("license") = "GPL";

const volatile struct puppet_config setup = {};
volatile struct puppet_state state = {};

#ifdef PUPPET_SHARES
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PUPPET_SHARES);
	__type(key, __u32);
	__type(value, struct nvme_steer_share);
} shares SEC(".maps");

static __always_inline int puppet_create(struct nvme_steer_dev *dev, __u32 n)
{
	if (!setup.share[n])
		return bpf_nvme_steer_create_queue(dev, n, setup.mode[n],
						   setup.depth[n]);
	return bpf_nvme_steer_create_shared(dev, n, setup.mode[n],
					    setup.depth[n], setup.share[n]);
}
#else
static __always_inline int puppet_create(struct nvme_steer_dev *dev, __u32 n)
{
	return bpf_nvme_steer_create_queue(dev, n, setup.mode[n],
					   setup.depth[n]);
}
#endif

SEC("struct_ops.s/puppet_init")
int BPF_PROG(puppet_init, struct nvme_steer_dev *dev)
{
	__u32 n;
	int ret;

#ifdef PUPPET_SHARES
	ret = bpf_nvme_steer_shares(dev, &shares);
	if (ret) {
		state.init_error = ret;
		return ret;
	}
#endif
	if (setup.weights[0]) {
		ret = bpf_nvme_steer_weights(dev, setup.weights[0],
					     setup.weights[1],
					     setup.weights[2]);
		if (ret) {
			state.init_error = ret;
			return ret;
		}
	}
	for (n = 1; n < PUPPET_QUEUES; n++) {
		if (!setup.mode[n])
			continue;
		ret = puppet_create(dev, n);
		if (ret < 0) {
			state.init_error = ret;
			return ret;
		}
	}
	return setup.init_ret;
}

SEC("struct_ops.s/puppet_exit")
void BPF_PROG(puppet_exit, struct nvme_steer_exit *info)
{
	state.exit_kind = info->kind;
	state.exits++;
}

static __always_inline void puppet_note(struct nvme_steer_cmd *cmd)
{
	state.source = cmd->source;
	state.flags = cmd->flags;
	state.opcode = cmd->opcode;
	state.ioprio = cmd->ioprio;
	state.nsid = cmd->nsid;
	state.len = cmd->len;
	state.nlb = cmd->nlb;
	state.slba = cmd->slba;
	state.ctrl = cmd->ctrl;
	state.ring = bpf_nvme_steer_ring_id(cmd);
	state.uid = nvme_steer_current_uid();
}

/* One queue, or as many as there are in turn. */
static __always_inline int puppet_pick(int first, __u32 count)
{
	if (count < 2)
		return first;
	return first + __sync_fetch_and_add(&state.turn, 1) % count;
}

static __always_inline int puppet_route_copy(struct nvme_steer_cmd *cmd)
{
	state.copy_opcode = cmd->opcode;
	state.copy_slba = cmd->slba;
	state.copy_nsid = cmd->nsid;
	state.copy_len = cmd->len;
	state.copy_cmd_flags = cmd->flags;
	__sync_fetch_and_add(&state.copy_routed, 1);
	if (state.error)
		bpf_nvme_steer_error(cmd, state.error, "the test said so");
	return state.copy_route;
}

static __always_inline int puppet_route_block(struct nvme_steer_cmd *cmd)
{
	bool poll = cmd->flags & NVME_STEER_CMD_POLLED;
	int first = poll ? state.block_poll.first : state.block.first;
	__u32 count = poll ? state.block_poll.count : state.block.count;

	state.block_flags = cmd->flags;
	__sync_fetch_and_or(&state.block_all_flags, cmd->flags);
	state.block_opcode = cmd->opcode;
	state.block_ioprio = cmd->ioprio;
	state.block_nsid = cmd->nsid;
	state.block_len = cmd->len;
	state.block_nlb = cmd->nlb;
	state.block_slba = cmd->slba;
	state.block_ring = bpf_nvme_steer_ring_id(cmd);
	state.block_cgroup = bpf_nvme_steer_cgroup_id(cmd, 0);
	state.block_parent = bpf_nvme_steer_cgroup_id(cmd, 1);
	if (state.block_cgroup == state.block_want_cgroup)
		__sync_fetch_and_add(&state.block_of_cgroup, 1);
	__sync_fetch_and_add(&state.block_ops[cmd->opcode & 0xff], 1);
	if (poll)
		__sync_fetch_and_add(&state.block_polled, 1);
	__sync_fetch_and_add(&state.block_calls, 1);
	if (state.block_write && (cmd->flags & NVME_STEER_CMD_WRITE))
		return state.block_write;
	return puppet_pick(first, count);
}

static int puppet_spin_turn(__u32 i, void *unused)
{
	return 0;
}

/* Take as long as the test says. */
static __always_inline void puppet_spin(__u32 turns, __u64 call)
{
	if (turns && (state.spin_every < 2 || call % state.spin_every == 0))
		bpf_loop(turns, puppet_spin_turn, NULL, 0);
}

SEC("struct_ops/puppet_route")
int BPF_PROG(puppet_route, struct nvme_steer_cmd *cmd)
{
	bool poll = cmd->flags & NVME_STEER_CMD_POLLED;
	int first = poll ? state.poll.first : state.irq.first;
	__u32 count = poll ? state.poll.count : state.irq.count;

	if (cmd->source == NVME_STEER_SRC_COPY)
		return puppet_route_copy(cmd);
	if (cmd->source == NVME_STEER_SRC_BLOCK)
		return puppet_route_block(cmd);
	puppet_spin(state.spin, __sync_fetch_and_add(&state.calls, 1));
	puppet_note(cmd);
	if (state.error) {
		bpf_nvme_steer_error(cmd, state.error, "the test said so");
		return NVME_STEER_DEFAULT;
	}
	if (state.other_ring &&
	    state.other_ring == bpf_nvme_steer_ring_id(cmd))
		return state.other;
	return puppet_pick(first, count);
}

#ifdef PUPPET_BATCH
SEC("struct_ops/puppet_batch")
int BPF_PROG(puppet_batch, struct nvme_steer_batch *b)
{
	state.batch_queue = b->queue;
	state.batch_mode = b->mode;
	state.batch_depth = b->depth;
	state.batch_ready = b->ready;
	state.batch_inflight = b->inflight;
	state.batch_last = b->last;
	state.batch_interval_ns = b->interval_ns;
	state.batch_age_ns = b->age_ns;
	if (b->mode == NVME_STEER_IRQ &&
	    (b->inflight < 2 || b->ready >= b->inflight ||
	     (!b->ready && !b->age_ns)))
		__sync_fetch_and_add(&state.batch_odd, 1);
	__sync_fetch_and_add(&state.batch_calls, 1);
	return state.gather;
}
#endif

#ifdef PUPPET_COPY
SEC("struct_ops/puppet_copy")
int BPF_PROG(puppet_copy, struct nvme_steer_copy *cp)
{
	state.copy.ctrl = cp->ctrl;
	state.copy.nsid = cp->nsid;
	state.copy.flags = cp->flags;
	state.copy.ranges = cp->ranges;
	state.copy.len = cp->len;
	state.copy.slba = cp->slba;
	state.copy.lba_size = cp->lba_size;
	state.copy.mssrl = cp->mssrl;
	state.copy.mcl = cp->mcl;
	state.copy.msrc = cp->msrc;
	state.copy.copies = cp->copies;
	state.copy.size_class = cp->size_class;
	state.copy.offload_ns = cp->offload_ns;
	state.copy.emulate_ns = cp->emulate_ns;
	state.copy.offloads = cp->offloads;
	state.copy.emulates = cp->emulates;
	state.copy.queue = cp->queue;
	state.copy.queue_depth = cp->queue_depth;
	state.copy.queue_inflight = cp->queue_inflight;
	__sync_fetch_and_add(&state.copies, 1);
	return state.copy_answer;
}

SEC("struct_ops/puppet_copied")
void BPF_PROG(puppet_copied, struct nvme_steer_copied *ev)
{
	state.copied.ctrl = ev->ctrl;
	state.copied.nsid = ev->nsid;
	state.copied.answer = ev->answer;
	state.copied.path = ev->path;
	state.copied.why = ev->why;
	state.copied.status = ev->status;
	state.copied.ranges = ev->ranges;
	state.copied.size_class = ev->size_class;
	state.copied.len = ev->len;
	state.copied.done = ev->done;
	state.copied.ns = ev->ns;
	__sync_fetch_and_add(&state.copied_calls, 1);
}
#endif

#ifdef PUPPET_PATH
SEC("struct_ops/puppet_path")
int BPF_PROG(puppet_path, struct nvme_steer_path *p)
{
	struct nvme_steer_path_ctrl paths[NVME_STEER_MAX_PATHS] = {};
	unsigned int i;

	nvme_steer_read_paths(paths, p);
	for (i = 0; i < NVME_STEER_MAX_PATHS; i++) {
		state.path.path[i].ctrl = paths[i].ctrl;
		state.path.path[i].usable = paths[i].usable;
		state.path.path[i].ana_state = paths[i].ana_state;
		state.path.path[i].distance = paths[i].distance;
		state.path.path[i].inflight = paths[i].inflight;
		state.path.path[i].latency_us = paths[i].latency_us;
	}
	state.path.source = p->source;
	state.path.flags = p->flags;
	state.path.opcode = p->opcode;
	state.path.ioprio = p->ioprio;
	state.path.nsid = p->nsid;
	state.path.len = p->len;
	state.path.nlb = p->nlb;
	state.path.slba = p->slba;
	state.path.subsys = p->subsys;
	state.path.nr = p->nr;
	state.path.others = p->others;
	state.path_cgroup = bpf_nvme_steer_path_cgroup_id(p, 0);
	__sync_fetch_and_add(&state.path_source[p->source & 7], 1);
	puppet_spin(state.path_spin, __sync_fetch_and_add(&state.path_calls, 1));
	if (state.path_second && __sync_fetch_and_add(&state.path_turn, 1) & 1)
		return state.path_second;
	return state.path_answer;
}
#endif

NVME_STEER_POLICY(puppet,
#ifdef PUPPET_FLAGS
	.flags	= PUPPET_FLAGS,
#endif
	.init	= (void *)puppet_init,
	.exit	= (void *)puppet_exit,
	.route	= (void *)puppet_route,
#ifdef PUPPET_BATCH
	.batch	= (void *)puppet_batch,
#endif
#ifdef PUPPET_COPY
	.copy	= (void *)puppet_copy,
	.copied	= (void *)puppet_copied,
#endif
#ifdef PUPPET_PATH
	.path	= (void *)puppet_path,
#endif
);
