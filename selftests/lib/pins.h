/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pinned memory as a test sees it, and its limit.
 */
#ifndef PINS_H
#define PINS_H

/* Pages that are pinned now, of all processes. */
long pins_now(void);
/* None is, at last, or the test fails: "... @when". */
void pins_all_gone(const char *when);
/* From here on RLIMIT_MEMLOCK counts for this process, root or not. */
void pins_obey_limit(void);

#endif /* PINS_H */
