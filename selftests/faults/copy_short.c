// SPDX-License-Identifier: GPL-2.0
/*
 * Short copies, of one range and of several, that are read and written in one
 * go: as faults/copy has it of long ones.
 *
 * vm: --drives faults --cpus 4
 */
#include "lib/copy_cell.h"
#include "test.h"

static const struct copy_part one[] = { { 0, 4096 } };
static const struct copy_part three[] = {
	{ 0, 512 }, { 4096, 8192 }, { 65536, 1024 },
};

static const struct copy_shape shapes[] = {
	{ "three ranges, reading", three, 3, NVME_STEER_COPY_EMULATE, PT_READ,
	  1 },
	{ "one range, writing", one, 1, NVME_STEER_COPY_EMULATE, PT_WRITE, 0 },
};

int main(void)
{
	test_begin(170);
	copy_cells_open(0);
	copy_cells(shapes, ARRAY_LEN(shapes));
	copy_cells_close();
	test_pass();
}
