// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that stops in the middle of a batch: it says that it is in a
 * fatal state, or does not say anything any more, on no queue. A reset brings it
 * back, and what was not answered ends with it.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "test.h"

#define STOPS	(CELL_ONE | CELL_OTHERS | CELL_RESET)

static const struct cell_fault faults[] = {
	CELL_FAULT("fatal", STOPS, .what = FAULT_FATAL),
	CELL_FAULT("stalled", STOPS, .what = FAULT_STALL),
};

int main(void)
{
	test_begin(170);
	cell_run_all(faults, ARRAY_LEN(faults), 500);
	test_pass();
}
