/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads that may end in any way, and each exactly once.
 */
#ifndef READS_H
#define READS_H

#include "pt.h"

struct read_ends {
	unsigned int good, failed, cancelled;
};

/*
 * Submit @nr reads, of a block each, from @first on into @buf; the blocks are
 * of generation 1, and @nr is at most 32.
 */
void reads_submit(struct pt_ring *r, const struct pt_ns *ns, uint8_t *buf,
		  uint64_t first, unsigned int nr, uint32_t timeout_ms);

/*
 * Wait until they have ended. The test fails when one ends twice, by any errno
 * but EINTR, or well with data that is not the block's.
 */
struct read_ends reads_reap(struct pt_ring *r, const struct pt_ns *ns,
			    const uint8_t *buf, uint64_t first,
			    unsigned int nr);

#endif /* READS_H */
