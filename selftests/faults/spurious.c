// SPDX-License-Identifier: GPL-2.0
/*
 * Completions that nobody waits for, and interrupts that come with nothing or
 * not at all: commands that complete twice, at once and later; ids that are
 * beyond the queue, of another generation, or of a command that has completed
 * before; a submission queue that is another; an entry whose phase tag comes
 * later than the rest. Ids that are wrong come while their command, or another
 * that has its slot, is not carried out yet. All commands end well, once,
 * whichever way they went.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "test.h"

static const struct cell_fault faults[] = {
	CELL_FAULT("twice, at once", CELL_SPURIOUS, .what = FAULT_TWICE),
	CELL_FAULT("twice, 5 ms apart", CELL_SPURIOUS,
		   .what = FAULT_TWICE, .ms = 5),
	CELL_FAULT("id beyond the queue", CELL_SPURIOUS,
		   .what = FAULT_XOR_CID, .value = 0xfff, .ms = 20),
	CELL_FAULT("id of other bits", CELL_SPURIOUS,
		   .what = FAULT_XOR_CID, .value = 0xfffe, .ms = 20),
	CELL_FAULT("another generation", CELL_SPURIOUS,
		   .what = FAULT_XOR_CID, .value = 0x1000, .ms = 20),
	CELL_FAULT("id of before", CELL_SPURIOUS,
		   .what = FAULT_OLD_CID, .ms = 20),
	CELL_FAULT("another submission queue", 0, .what = FAULT_SQID, .value = 9),
	CELL_FAULT("phase tag 20 ms late", 0, .what = FAULT_PHASE, .ms = 20),
	CELL_FAULT("no interrupt", 0, .what = FAULT_NO_INTERRUPT),
	CELL_FAULT("interrupt with nothing", 0, .what = FAULT_INTERRUPT, .ms = 5),
};

int main(void)
{
	test_begin(150);
	cell_run_all(faults, ARRAY_LEN(faults), 1000);
	test_pass();
}
