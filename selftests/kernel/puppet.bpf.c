// SPDX-License-Identifier: GPL-2.0
/*
 * puppet - answers what the test tells it; not a test itself.
 *
 * init() makes the queues of its configuration; route() answers from memory
 * shared with the test, and notes there what it was asked. puppet_batch.bpf.c
 * is the same with a batch(), puppet_once.bpf.c is asked once a batch.
 */
#include <nvmesteer/policy.bpf.h>
#include "../lib/puppet.h"

char _license[] SEC("license") = "GPL";

const volatile struct puppet_config setup = {};
volatile struct puppet_state state = {};

SEC("struct_ops.s/puppet_init")
int BPF_PROG(puppet_init, struct nvme_steer_dev *dev)
{
	__u32 n;
	int ret;

	for (n = 1; n < PUPPET_QUEUES; n++) {
		if (!setup.mode[n])
			continue;
		ret = bpf_nvme_steer_create_queue(dev, n, setup.mode[n],
						  setup.depth[n]);
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

SEC("struct_ops/puppet_route")
int BPF_PROG(puppet_route, struct nvme_steer_cmd *cmd)
{
	bool poll = cmd->flags & NVME_STEER_CMD_POLLED;
	int first = poll ? state.poll.first : state.irq.first;
	__u32 count = poll ? state.poll.count : state.irq.count;

	__sync_fetch_and_add(&state.calls, 1);
	puppet_note(cmd);
	if (state.error) {
		bpf_nvme_steer_error(cmd, state.error, "the test said so");
		return NVME_STEER_DEFAULT;
	}
	if (state.other_ring &&
	    state.other_ring == bpf_nvme_steer_ring_id(cmd))
		return state.other;
	if (count < 2)
		return first;
	return first + __sync_fetch_and_add(&state.turn, 1) % count;
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
);
