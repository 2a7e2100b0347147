// SPDX-License-Identifier: GPL-2.0
/*
 * copyemu - the kernel copies, by reading and writing.
 *
 * Each copy becomes reads and writes, from and to memory that is mapped for
 * the controller once; ranges that follow one another at the destination are
 * written together. Also for NVMe Copy commands that programs send: they are
 * carried out without the controller's Copy. Where data has metadata that
 * reading and writing would lose, the controller copies after all (counter
 * copy_metadata).
 *
 * Does well: drives whose Copy is slow or faulty, or that have none; many
 * small ranges. Does badly: large copies on drives with a good Copy: all the
 * data crosses the bus twice.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   max_depth    pieces of copies under way at a time, each a few reads or a
 *                write, all copies together, 1 to 64; 0 = 2 (default). With
 *                more a quick drive copies more, and leaves less to other
 *                I/O: lib/copies.h has figures
 *   chunk_kib    KiB, the most in a piece; 0 = as the module likes it
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

SEC("struct_ops.s/copyemu_init")
int BPF_PROG(copyemu_init, struct nvme_steer_dev *dev)
{
	return copies__create(dev);
}

SEC("struct_ops/copyemu_route")
int BPF_PROG(copyemu_route, struct nvme_steer_cmd *cmd)
{
	return copies__route(cmd);
}

SEC("struct_ops/copyemu_copy")
int BPF_PROG(copyemu_copy, struct nvme_steer_copy *cp)
{
	return copies__answer(cp, NVME_STEER_COPY_EMULATE);
}

NVME_STEER_POLICY(copyemu,
	.flags	= NVME_STEER_OPS_COPIES,
	.hold_ms = COPIES__HOLD_MS,
	.init	= (void *)copyemu_init,
	.route	= (void *)copyemu_route,
	.copy	= (void *)copyemu_copy,
);
