/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The function of the drive of faults comes and goes.
 */
#ifndef FUNCTION_H
#define FUNCTION_H

#include "pt.h"

/* Which one it is, as long as it is there. */
void function_is(const struct pt_ns *ns);
/* Reset it (FLR); with one CPU, see vm_one_cpu(). */
void function_reset(void);
/* Its configuration space reads as all ones. */
bool function_is_gone(void);
/* The driver has given it up, within 20 s. */
void function_dies(void);
/* Remove it from the bus. */
void function_remove(void);
/* Look for it, and for any other, on the bus. */
void function_rescan(void);
/* Close the namespace of what was removed, find it again, and open it. */
void function_back(struct pt_ns *ns);

#endif /* FUNCTION_H */
