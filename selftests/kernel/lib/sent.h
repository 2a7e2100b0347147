/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a PCI controller is sent: the entries of its I/O submission queues, the
 * driver's and steer queues alike, as they are in memory, which is what it
 * fetches. Without an IOMMU only.
 */
#ifndef SENT_H
#define SENT_H

#include "controller.h"

struct sent {
	uint16_t qid;
	struct command cmd;
};

/*
 * Look at this controller from here on, to the end of the test. Resets it, so as
 * to see where its queues are; those that are created later are found as well.
 */
void sent_begin(int ctrl);
/* Forget what it was sent up to now. */
void sent_mark(void);
/*
 * What it was sent since sent_mark(), up to @max commands of a namespace, in
 * order of their queues; how many. Of a queue at most as many as it has entries.
 */
unsigned int sent_since(uint32_t nsid, struct sent *sent, unsigned int max);
/*
 * The same command but for its id, and where in memory its data and metadata
 * are, beyond the place in a page. What differs, or NULL.
 */
const char *sent_differs(const struct command *a, const struct command *b);

#define SENT_SGL	0x40	/* in command.flags: the data is in SGLs */

#endif /* SENT_H */
