/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policies that nobody would write: every operation is a program of random
 * instructions, mostly of such as the verifier lets through, and its answer
 * anything. The same numbers give the same policy.
 *
 * One thing they do not do: a block request is never refused, because whoever
 * writes a file would be right to complain. Such an answer becomes one that is
 * no answer at all.
 */
#ifndef ANY_POLICY_H
#define ANY_POLICY_H

#include "raw.h"

#define ANY_KFUNCS	10
extern const char *const any_kfunc_names[ANY_KFUNCS];

/* What became of the policies, and what they did; counted by themselves. */
struct any_done {
	uint64_t calls[RAW_OPS];
	uint64_t kfuncs[ANY_KFUNCS];
};

struct any_counts {
	unsigned long programs[RAW_OPS];	/* that the verifier let through */
	unsigned long refused[RAW_OPS];		/* and that it did not */
	unsigned long policies;
	unsigned long unfit;			/* settings that were refused */
};

/* After raw_init(). What the policies count is in memory shared with them. */
const volatile struct any_done *any_policy_init(void);
void any_policy_exit(void);

/*
 * A policy for that controller. Operations that the verifier refuses are left
 * out. Its map, or -errno.
 */
int any_policy(uint64_t rng, int ctrl, struct any_counts *counts);

#endif /* ANY_POLICY_H */
