// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that end with an error status of each type: generic, command
 * specific, media, path related and vendor specific ones, with and without Do
 * Not Retry, and with a retry delay asked for. The statuses are those of the
 * driver's own path; the block layer tries again what it would have.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "test.h"

#define DNR	0x4000
#define STATUS(NAME, VALUE) \
	CELL_FAULT(NAME, 0, .what = FAULT_STATUS, .value = (VALUE))

static const struct cell_fault faults[] = {
	STATUS("internal error", 0x006),
	STATUS("internal error, DNR", 0x006 | DNR),
	STATUS("invalid opcode, DNR", 0x001 | DNR),
	STATUS("invalid field", 0x002),
	STATUS("aborted", 0x007),
	STATUS("namespace not ready", 0x082),
	STATUS("capacity exceeded", 0x081 | DNR),
	STATUS("conflicting attributes", 0x180 | DNR),
	STATUS("write fault", 0x280),
	STATUS("unrecovered read error", 0x281 | DNR),
	STATUS("access denied", 0x286 | DNR),
	STATUS("path error", 0x300),
	STATUS("aborted by the host", 0x371),
	STATUS("vendor specific", 0x7ff | DNR),
	STATUS("retry delay asked for", 0x006 | 0x800),
	CELL_FAULT("done, and an error", 0, .what = FAULT_STATUS,
		   .value = 0x006 | DNR, .flags = FAULT_DONE),
};

int main(void)
{
	test_begin(150);
	cell_run_all(faults, ARRAY_LEN(faults), 2000);
	test_pass();
}
