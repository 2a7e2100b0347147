// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are not answered, or only after their Abort was: those that an
 * Abort ends, those that the Abort does not find and that complete well later,
 * those that only a reset ends, and those whose answer comes under an id that
 * is not theirs, or in an entry that never becomes valid. And commands that
 * take long, but not too long.
 *
 * vm: --drives faults --cpus 4
 */
#include "lib/cell.h"
#include "test.h"

static const struct cell_fault faults[] = {
	CELL_FAULT("100 ms late", 0, .what = FAULT_LATE, .ms = 100),
	CELL_FAULT("ended by the Abort", 0, .what = FAULT_NEVER,
		   .flags = FAULT_ABORTABLE),
	CELL_FAULT("late, after the Abort", 0, .what = FAULT_AFTER_ABORT,
		   .ms = 50),
	CELL_FAULT("never", CELL_RESET, .what = FAULT_NEVER),
	CELL_FAULT("an id of none instead", CELL_RESET, .what = FAULT_XOR_CID,
		   .value = 0xfff, .flags = FAULT_INSTEAD),
	CELL_FAULT("an id of before instead", CELL_RESET,
		   .what = FAULT_OLD_CID, .flags = FAULT_INSTEAD),
	CELL_FAULT("phase tag wrong", CELL_RESET | CELL_ONE | CELL_OTHERS,
		   .what = FAULT_PHASE),
};

int main(void)
{
	test_begin(170);
	cell_run_all(faults, ARRAY_LEN(faults), 500);
	test_pass();
}
