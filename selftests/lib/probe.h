/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A probe of a function of the kernel: how often it is called, and with what.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdio.h>

/*
 * Probe @what, a function and what is to be recorded of it as in the kernel's
 * kprobe_events, to the end of the test.
 */
void probe_start(const char *name, const char *what);
/* How often it was called since. */
unsigned long probe_hits(const char *name);
/* A line for each time, up to now. */
FILE *probe_trace(const char *name);

#endif /* PROBE_H */
