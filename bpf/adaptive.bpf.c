// SPDX-License-Identifier: GPL-2.0
/*
 * adaptive - fewer interrupts under load, none delayed without.
 *
 * Each ring gets a queue of its own, as under the policy ring. From the mean
 * time between completions it knows how many will come within max_delay_us.
 * Where that is fewer than min_batch, gathering would delay commands and save
 * little: each interrupt delivers what there is. Otherwise as many are
 * gathered as will come, up to half of what is in flight and to max_batch, and
 * for max_delay_us at most.
 *
 * Does well: loads that change: a database that is quiet and then is not.
 * Does badly: bursts with long pauses, which look like a slow load until some
 * tens of commands are done; and where max_delay_us is too long at any load.
 * Rings that poll have no interrupts: for them it is the policy ring.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   min_batch      gather no fewer completions than this; 4 is the default
 *   max_batch      nor more than this; 32 is the default
 *   max_delay_us   microseconds that a completion may wait; 50 is the default,
 *                  10000 the most. Saving interrupts begins at min_batch
 *                  completions in this time: 80000 a second by default
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

const volatile __u32 min_batch = 4;
const volatile __u32 max_batch = 32;
const volatile __u32 max_delay_us = 50;

SEC("struct_ops.s/adaptive_init")
int BPF_PROG(adaptive_init, struct nvme_steer_dev *dev)
{
	if (max_delay_us > NVME_STEER_GATHER_MAX_US)
		return -ERANGE;
	return queues__create(dev);
}

SEC("struct_ops/adaptive_route")
int BPF_PROG(adaptive_route, struct nvme_steer_cmd *cmd)
{
	return rings__queue(cmd);
}

SEC("struct_ops/adaptive_batch")
int BPF_PROG(adaptive_batch, struct nvme_steer_batch *b)
{
	__u32 count;

	/* How many a poll takes is its own business. */
	if (b->mode != NVME_STEER_IRQ || !b->interval_ns)
		return 0;
	count = queues__min(max_delay_us * 1000 / b->interval_ns,
			    b->inflight / 2);
	if (count < min_batch || count < 2)
		return 0;
	return NVME_STEER_GATHER(queues__min(count, max_batch), max_delay_us);
}

NVME_STEER_POLICY(adaptive,
	.flags	= NVME_STEER_OPS_PER_BATCH,
	.hold_ms = RINGS__HOLD_MS,
	.init	= (void *)adaptive_init,
	.route	= (void *)adaptive_route,
	.batch	= (void *)adaptive_batch,
);
