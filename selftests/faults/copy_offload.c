// SPDX-License-Identifier: GPL-2.0
/*
 * Copies that the controller does, by one Copy command of four ranges and by
 * several at a time: as faults/copy has it of those that are read and written.
 * Where the controller says in DW0 how far it came, so does the copy; where it
 * says nothing, nor does the copy, whatever it said of another one before.
 *
 * vm: --drives faults --cpus 4
 */
#include "lib/copy_cell.h"
#include "test.h"

#define BLOCKS	128		/* of a range of a Copy, which has 4 at most */

static const struct copy_part four[] = {
	{ 0, 512 }, { 4096, 8192 }, { 65536, 1024 }, { 32768, BLOCKS * 512 },
};
/* more than one Copy can do */
static const struct copy_part many[] = {
	{ 0, 1000 * 512 }, { 1050 * 512, 512 }, { 1100 * 512, 2900 * 512 },
};

static const struct copy_shape shapes[] = {
	{ "four ranges", four, 4, NVME_STEER_COPY_OFFLOAD, PT_COPY, 0 },
	{ "several Copies", many, 3, NVME_STEER_COPY_SPLIT, PT_COPY, 1 },
};

int main(void)
{
	test_begin(170);
	copy_cells_open(BLOCKS);
	copy_cells_part(&shapes[0]);
	copy_cells(shapes, ARRAY_LEN(shapes));
	copy_cells_close();
	test_pass();
}
