/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies of other kernel modules, by nvme_steer_kcopy(), which the module
 * selftests/kernel/modules/kcopy_test.c calls as it is told to.
 */
#ifndef KCOPY_LIB_H
#define KCOPY_LIB_H

#include <stdbool.h>

#include "copy.h"

/* Load the module; it goes at the end of the test at the latest. */
void kcopy_load(void);
/* No copy is under way, and its files are closed. */
void kcopy_unload(void);
/* A file of it, for one copy at a time. */
int kcopy_open(void);
/* Begin a copy. Character devices it names become block devices. 0 or -errno. */
int kcopy_start(int fd, struct copy *c);
/* Wait for its end. Returns whether it ended where nobody may sleep. */
bool kcopy_finish(int fd, struct copy *c);

#endif /* KCOPY_LIB_H */
