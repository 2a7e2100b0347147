// SPDX-License-Identifier: GPL-2.0
/*
 * coalesce - fewer interrupts: completions are delivered several at a time.
 *
 * Each ring gets a queue of its own, as under the policy ring. Completions of
 * an interrupt queue are gathered until half of what is in flight is ready,
 * but not more than max_batch, and for max_delay_us at most. Half, so that the
 * drive has work while the application looks at what it got. With one command
 * in flight, or two or three, nothing is gathered and nothing waits.
 *
 * Does well: programs that keep many commands in flight and wait for
 * interrupts: at a depth of 32 there is an interrupt for 16 commands. Does
 * badly: where the latency of each command counts more than the CPU's time,
 * because a command may wait for max_delay_us longer; use adaptive, which
 * waits only under load, or ring. Rings that poll have no interrupts: for them
 * it is ring.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   max_batch      completions to gather at most; 16 is the default, 0 and 1
 *                  gather none
 *   max_delay_us   microseconds that a completion may wait; 100 is the
 *                  default, 10000 the most
 *   nr_queues, queue_mode, queue_depth, timed, idle_ms
 *                  as in the policy ring
 *
 * Maps: rings and last, as in the policy ring.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/rings.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 max_batch = 16;
const volatile __u32 max_delay_us = 100;

SEC("struct_ops.s/coalesce_init")
int BPF_PROG(coalesce_init, struct nvme_steer_dev *dev)
{
	if (max_delay_us > NVME_STEER_GATHER_MAX_US)
		return -ERANGE;
	return queues__create(dev);
}

SEC("struct_ops/coalesce_route")
int BPF_PROG(coalesce_route, struct nvme_steer_cmd *cmd)
{
	return rings__queue(cmd);
}

SEC("struct_ops/coalesce_batch")
int BPF_PROG(coalesce_batch, struct nvme_steer_batch *b)
{
	__u32 count = queues__min(max_batch, b->inflight / 2);

	/* How many a poll takes is its own business. */
	if (b->mode != NVME_STEER_IRQ || count < 2)
		return 0;
	return NVME_STEER_GATHER(count, max_delay_us);
}

NVME_STEER_POLICY(coalesce,
	.flags	= NVME_STEER_OPS_PER_BATCH,
	.hold_ms = RINGS__HOLD_MS,
	.init	= (void *)coalesce_init,
	.route	= (void *)coalesce_route,
	.batch	= (void *)coalesce_batch,
);
