/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults by ways, of copies: each fault happens to a command of a copy, by the
 * driver's own path and by steer queues, by rings that poll and that do not. In
 * every cell the copy ends once, as it does by the driver's own path; one that
 * says it is done has copied all, and of one that does not, the ranges say the
 * truth; nothing else was written; the controller is live afterwards, and the
 * same copy goes well.
 */
#ifndef COPY_CELL_H
#define COPY_CELL_H

#include "copy.h"
#include "steer.h"

/* A range of a copy, in bytes of its source. */
struct copy_part {
	size_t at, len;
};

/* A copy, and which of its commands are hit. */
struct copy_shape {
	const char *name;
	const struct copy_part *range;
	unsigned int nr;
	unsigned int path;	/* it goes where nothing is wrong */
	uint8_t opcode;		/* of what is hit ... */
	unsigned int skip;	/* ... after so many, where only one is */
};

/*
 * The drive of faults with a policy; commands have a second. Its Copy has up to
 * four ranges of @blocks; of 0 it has none.
 */
void copy_cells_open(unsigned int blocks);
/* Run all cells of the shapes, and print the table. */
void copy_cells(const struct copy_shape *shapes, unsigned int nr);
/* A status with which the controller says what is copied: that is believed. */
void copy_cells_part(const struct copy_shape *shape);
void copy_cells_close(void);

#endif /* COPY_CELL_H */
