// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that only a reset ends: those that are never answered, those whose
 * answer comes under an id that is not theirs, or in an entry that never
 * becomes valid.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "test.h"

static const struct cell_fault faults[] = {
	CELL_FAULT("never", CELL_RESET, .what = FAULT_NEVER),
	CELL_FAULT("an id of none instead", CELL_RESET | CELL_SPURIOUS,
		   .what = FAULT_XOR_CID, .value = 0xfff, .flags = FAULT_INSTEAD),
	CELL_FAULT("phase tag wrong", CELL_RESET | CELL_ONE | CELL_OTHERS,
		   .what = FAULT_PHASE),
};

int main(void)
{
	test_begin(170);
	cell_run_all(faults, ARRAY_LEN(faults), 500);
	test_pass();
}
