// SPDX-License-Identifier: GPL-2.0
/*
 * In which pieces, and in which order, a copy is sent, so that it can be ended
 * between two of them and comes out as if it were sent at once: ranges that
 * overlap their destination are moved, as by memmove(), and ranges that
 * overlap what others write are copied in their order.
 */
#include <string.h>

#include "copy_job.h"

/*
 * Where a range is moved by at least as much, no piece overlaps its own
 * destination, and one that failed can be copied again.
 */
#define SMALL_SHIFT	65536

static bool same_namespace(const struct copy_dev *a, const struct copy_dev *b)
{
	return !strcmp(a->id, b->id);
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

void copy_plan__prepare(struct copy_job *job)
{
	uint64_t to = job->to->start + job->to_offset, from, dst;
	struct copy_range *r;

	job->len = 0;
	for (r = job->ranges; r < job->ranges + job->nr; r++) {
		r->start = job->len;
		job->len += r->len;
	}
	job->serial = false;
	for (r = job->ranges; r < job->ranges + job->nr; r++) {
		r->backwards = false;
		r->shift = 0;
		from = r->dev->start + r->offset;
		if (!same_namespace(r->dev, job->to) ||
		    !overlap(from, r->len, to, job->len))
			continue;
		job->serial = true;
		dst = to + r->start;
		if (!overlap(from, r->len, dst, r->len))
			continue;
		r->backwards = dst > from;
		r->shift = r->backwards ? dst - from : from - dst;
	}
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Part of one range, by itself. */
static void alone(const struct copy_job *job, const struct copy_range *r,
		  uint64_t max, struct copy_piece *piece)
{
	uint64_t done = piece->at - r->start, len, offset;

	if (r->shift >= SMALL_SHIFT)
		max = smaller(max, r->shift);
	len = smaller(max, r->len - done);
	offset = r->backwards ? r->len - done - len : done;
	piece->to = job->to_offset + r->start + offset;
	piece->len = len;
	piece->nr = 1;
	piece->parts[0] = (struct copy_part){ r, r->offset + offset, len };
}

static void together(const struct copy_job *job, const struct copy_range *r,
		     uint64_t max, struct copy_piece *piece)
{
	const struct copy_range *end = job->ranges + job->nr;
	uint64_t done = piece->at - r->start, len;

	piece->to = job->to_offset + piece->at;
	piece->len = 0;
	piece->nr = 0;
	for (; r < end && piece->nr < COPY_PARTS && piece->len < max;
	     r++, done = 0) {
		len = smaller(max - piece->len, r->len - done);
		piece->parts[piece->nr++] =
			(struct copy_part){ r, r->offset + done, len };
		piece->len += len;
	}
}

void copy_plan__piece(const struct copy_job *job, uint64_t at, uint64_t max,
		      struct copy_piece *piece)
{
	const struct copy_range *r = job->ranges;

	while (at >= r->start + r->len)
		r++;
	piece->at = at;
	if (job->serial)
		alone(job, r, max, piece);
	else
		together(job, r, max, piece);
}

bool copy_plan__torn(const struct copy_piece *piece)
{
	const struct copy_part *part = piece->parts;

	return piece->nr == 1 && part->range->shift &&
	       part->range->shift < part->len;
}

uint64_t copy_plan__done(const struct copy_range *r, uint64_t copied)
{
	if (copied <= r->start)
		return 0;
	return smaller(copied - r->start, r->len);
}
