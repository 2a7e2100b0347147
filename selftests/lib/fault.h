/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The controller of selftests/device as a test tells it what to do; see
 * faults.h there for the rules and the counters.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

#include "faults.h"
#include "pt.h"

/* Open its namespace; skips the test where there is no such controller. */
void fault_open(struct pt_ns *ns);
/*
 * Of two controllers of one namespace: what follows is for this one. The rules of
 * both are forgotten at the end.
 */
void fault_at(int instance);
/* Let go of the other one, which may have another number when it is opened next. */
void fault_only(int instance);
/* Let go of it; it may be opened again. */
void fault_close(void);

/* Forget all rules, at the end of the test as well; counters to 0. */
void fault_clear(void);
/* One more rule; its number. */
unsigned int fault_add(const struct fault_rule *rule);
void fault_counters(struct fault_counters *counters);
/* The I/O commands that it has fetched since fault_clear(), and not too many. */
void fault_arrivals(struct fault_arrivals *arrivals);
/* How often a rule has applied since fault_clear(). */
unsigned int fault_done(unsigned int rule);
/*
 * Something happens to it (FAULT_CHANGE_*), which its host gets to know by an
 * event. At the end of the test the namespace is as it was, but empty.
 */
void fault_change(uint32_t what, uint32_t value);
/* The host did nothing that a host must not, or the test fails. */
void fault_host_is_good(const char *what);

#endif /* FAULT_H */
