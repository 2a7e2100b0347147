/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies of the fault drive's namespace while something happens to it, by the
 * policy that is attached: its queues 1, and 2 for rings that poll.
 */
#ifndef COPIES_H
#define COPIES_H

#include "copy.h"

/* From now on they are on the driver's own path, or not any more. */
void copies_own(bool on);
/* They go well on the policy's queues, by rings that poll and that do not. */
void copies_work(struct pt_ns *ns, const char *when);
/*
 * One copy, whose reads are carried out and complete @ms later; @event happens
 * meanwhile. What became of it; its ranges tell the truth, and of one that went
 * well all is copied. @check: the data is still what it was before.
 */
int copies_during(struct pt_ns *ns, unsigned int mode, unsigned int ms,
		  void (*event)(void), bool check);
/* One copy to @block of the namespace, which is refused or fails: how. */
int copies_to(struct pt_ns *ns, uint64_t block);

#endif /* COPIES_H */
