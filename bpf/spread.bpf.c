// SPDX-License-Identifier: GPL-2.0
/*
 * spread - send commands round robin over steer queues.
 *
 * Each CPU takes the next queue for its next command, beginning at a place of
 * its own, so that CPUs do not march through the queues in step. Rings that
 * poll are spread over polled queues, the others over interrupt queues.
 *
 * Does well: one or a few submitters that want more device parallelism than
 * the queue of their CPU gives; filling all queues in tests. Does badly:
 * where neighbours must be kept apart (use tenants), or where many CPUs
 * submit at once and each had a driver queue to itself: here they share
 * submission queue locks. Order between commands is not kept, as NVMe never
 * promised it.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    queues of each mode; 0 = as many as are reserved (default)
 *   queue_mode   0 = interrupt and polled queues (default), 1 = polled only,
 *                2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   timed        1 = count bytes and times of each queue; 0 = do not (default)
 *
 * Maps: next, one counter a CPU: where the CPU's next command goes. Nothing
 * to change at run time.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/queues.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

SEC("struct_ops.s/spread_init")
int BPF_PROG(spread_init, struct nvme_steer_dev *dev)
{
	return queues__create(dev);
}

SEC("struct_ops/spread_route")
int BPF_PROG(spread_route, struct nvme_steer_cmd *cmd)
{
	__u32 count = queues__count(cmd), zero = 0, *seq;

	if (!count)
		return NVME_STEER_DEFAULT;
	seq = bpf_map_lookup_elem(&next, &zero);
	if (!seq)
		return NVME_STEER_DEFAULT;
	/* A preempting submitter may take the same number: no harm. */
	return queues__pick(cmd, 1 + (bpf_get_smp_processor_id() + (*seq)++) % count);
}

NVME_STEER_POLICY(spread,
	.init	= (void *)spread_init,
	.route	= (void *)spread_route,
);
