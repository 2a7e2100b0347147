/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands, groups and copies that nobody would send: each field is at random
 * right, nearly right or hostile. The same numbers give the same commands.
 *
 * What writes begins in the second half of the namespace, so it stays there
 * whatever its length.
 */
#ifndef ANY_H
#define ANY_H

#include "copy.h"
#include "group.h"
#include "pt.h"

#define ANY_PAGE	4096
#define ANY_PAGES	64	/* of data, and of still */
#define ANY_SLOTS	32	/* groups and copies with an array of their own */

/* Where commands point to. */
struct any_places {
	uint8_t *data;		/* changes all the time */
	uint8_t *still;		/* does not; arrays of groups and copies */
	uint8_t *read_only;
	uint8_t *none;		/* not accessible */
	uint8_t *file;		/* a page, and one beyond the end of the file */
};

struct any {
	uint64_t rng;		/* not 0 */
	const struct pt_ns *ns;
	const struct any_places *at;
};

/* The first block that may be written. */
uint64_t any_first(const struct pt_ns *ns);

void any_command(struct any *a, struct nvme_uring_cmd *cmd);
/* Their arrays are in memory that stays: they are written here. */
void any_group(struct any *a, struct nvme_steer_group *g, unsigned int slot);
void any_copy(struct any *a, struct nvme_steer_copy_cmd *c, unsigned int slot);

/* xorshift64* */
static inline uint64_t next(uint64_t *rng)
{
	*rng ^= *rng >> 12;
	*rng ^= *rng << 25;
	*rng ^= *rng >> 27;
	return *rng * 2685821657736338717ULL;
}

static inline uint64_t below(uint64_t *rng, uint64_t n)
{
	return (next(rng) >> 11) % n;
}

/* Once in so many times. */
static inline bool rarely(uint64_t *rng, unsigned int in)
{
	return !below(rng, in);
}

#endif /* ANY_H */
