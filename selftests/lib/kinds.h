/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands that differ in one thing, for policies whose answers hold for what
 * is equal in what hold_by names.
 */
#ifndef KINDS_H
#define KINDS_H

#include <stdbool.h>
#include <stdint.h>

/* How long answers are to hold: some commands, and not much longer. */
unsigned int kinds_hold_ms(void);
/* Until no answer holds any more. */
void kinds_expire(void);

/* What asks a policy: entries of the kernel, by their names. */
struct kinds {
	const char *const *name;
	unsigned int entries;
	/*
	 * Send a command by @entry as usual, or @other in the one thing that
	 * NVME_STEER_BY_* of @by stands for: calls of the policy for that.
	 * I/O priority and cgroup are as they are to be.
	 */
	uint64_t (*asked)(unsigned int entry, uint32_t by, bool other);
	/* Can a command differ in that there? */
	bool (*can)(unsigned int entry, uint32_t by);
};

/* Once, before the others: a cgroup to change to, or a word that there is none. */
void kinds_begin(void);

/*
 * A policy that holds by @by, which is attached: an answer for one command
 * holds for another unless they differ in what @by names.
 */
void kinds_check(const struct kinds *k, uint32_t by);

/* The policies to be tried: each bit alone, all, all but one. Their number. */
unsigned int kinds_policies(const uint32_t **by);

#endif /* KINDS_H */
