// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that take long, but not too long; that are ended by their Abort; that
 * their Abort does not find, and that complete well after it.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "test.h"

static const struct cell_fault faults[] = {
	CELL_FAULT("100 ms late", 0, .what = FAULT_LATE, .ms = 100),
	CELL_FAULT("ended by the Abort", 0, .what = FAULT_NEVER,
		   .flags = FAULT_ABORTABLE),
	CELL_FAULT("late, after the Abort", 0, .what = FAULT_AFTER_ABORT,
		   .ms = 50),
};

int main(void)
{
	test_begin(120);
	cell_run_all(faults, ARRAY_LEN(faults), 500);
	test_pass();
}
