// SPDX-License-Identifier: GPL-2.0
/*
 * copyoff - the controller copies.
 *
 * Each copy becomes NVMe Copy commands: one where the controller's limits
 * allow, else several. What the controller cannot copy (it has no Copy, a
 * source is another controller's, its limits are lower than one range) the
 * module reads and writes; the counters copy_no_copy, copy_limits and so on
 * say how often, and why.
 *
 * Does well: drives whose Copy is quick; no data crosses the bus, and no
 * processor looks at it. Does badly: drives whose Copy is slower than reading
 * and writing, or is carried out range by range: use copyauto, which finds
 * out, or copyemu.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   split        1 = in several commands where one would do, of chunk_kib
 *                each: other commands get their turn in between; 0 = in one
 *                (default)
 *   max_depth    pieces of copies, that is Copy commands, under way at a time,
 *                all copies together, 1 to 64; 0 = 8 (default), and 2 of
 *                what the controller cannot copy. lib/copies.h has figures
 *   chunk_kib    KiB, the most in a piece; 0 = as much as the controller takes
 *                (default)
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *
 * Maps: none. Creates queue 1 for copies of programs that wait for interrupts
 * and queue 2 for those of programs that poll. Commands that are no copies
 * keep the driver's own path.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/copies.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 split = 0;

SEC("struct_ops.s/copyoff_init")
int BPF_PROG(copyoff_init, struct nvme_steer_dev *dev)
{
	return copies__create(dev);
}

SEC("struct_ops/copyoff_route")
int BPF_PROG(copyoff_route, struct nvme_steer_cmd *cmd)
{
	return copies__route(cmd);
}

SEC("struct_ops/copyoff_copy")
int BPF_PROG(copyoff_copy, struct nvme_steer_copy *cp)
{
	return copies__answer(cp, split ? NVME_STEER_COPY_SPLIT :
					  NVME_STEER_COPY_OFFLOAD);
}

NVME_STEER_POLICY(copyoff,
	.flags	= NVME_STEER_OPS_COPIES,
	.hold_ms = COPIES__HOLD_MS,
	.init	= (void *)copyoff_init,
	.route	= (void *)copyoff_route,
	.copy	= (void *)copyoff_copy,
);
