// SPDX-License-Identifier: GPL-2.0
/*
 * Long copies, by reads and writes that the controller answers twice, under ids
 * that are not theirs, late, with errors, not at all, or stops at: by the
 * queues of a policy, and by the driver's own path, which is the measure. What
 * must hold is in lib/copy_cell.h.
 *
 * vm: --drives faults --cpus 4
 */
#include "lib/copy_cell.h"
#include "test.h"

/* several commands of the largest size */
static const struct copy_part ranges[] = {
	{ 0, 1000 * 512 }, { 1050 * 512, 512 }, { 1100 * 512, 2900 * 512 },
};

static const struct copy_shape shapes[] = {
	{ "reading", ranges, ARRAY_LEN(ranges), NVME_STEER_COPY_EMULATE,
	  PT_READ, 1 },
	{ "writing", ranges, ARRAY_LEN(ranges), NVME_STEER_COPY_EMULATE,
	  PT_WRITE, 1 },
};

int main(void)
{
	test_begin(170);
	copy_cells_open(0);
	copy_cells(shapes, ARRAY_LEN(shapes));
	copy_cells_close();
	test_pass();
}
