// SPDX-License-Identifier: GPL-2.0
/*
 * Pieces of a copy, in memory: however ranges overlap each other's sources and
 * destinations, and wherever the copy is ended and continued, what comes out
 * is what one copy of all ranges makes of it. Where nothing overlaps, pieces
 * may be carried out in any order.
 */
#include "copy_job.h"
#include "test.h"

#define BLOCK		512
#define BLOCKS		1024
#define SPACE		(BLOCKS * BLOCK)
#define MAX_RANGES	6

/* Two namespaces; of the first there is a partition as well. */
static struct copy_dev devs[] = {
	{ .id = "a", .size = SPACE },
	{ .id = "b", .size = SPACE },
	{ .id = "a", .start = 64 * BLOCK, .size = SPACE - 64 * BLOCK },
};

static unsigned char memory[2][SPACE] __attribute__((aligned(8)));
static unsigned char expected[2][SPACE];

static unsigned char *place(unsigned char space[2][SPACE],
			    const struct copy_dev *d, uint64_t offset)
{
	return &space[d->id[0] - 'a'][d->start + offset];
}

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static void fill(void)
{
	uint64_t *word = (uint64_t *)memory, number = random();
	size_t i;

	for (i = 0; i < sizeof(memory) / sizeof(*word); i++)
		word[i] = number += 0x9e3779b97f4a7c15;
	memcpy(expected, memory, sizeof(memory));
}

/* The most bytes in a piece, often fewer than a range is moved by. */
static uint64_t most(void)
{
	return (1 + below(below(2) ? 60 : 400)) * BLOCK;
}

static void make_job(struct copy_job *job, struct copy_range *ranges)
{
	unsigned int longest = below(4) ? 40 : 300, room;
	uint64_t len = 0;
	struct copy_range *r;

	*job = (struct copy_job){ .ranges = ranges, .nr = 1 + below(MAX_RANGES) };
	for (r = ranges; r < ranges + job->nr; r++) {
		*r = (struct copy_range){ .dev = &devs[below(3)] };
		r->len = (1 + below(job->nr > 2 ? 40 : longest)) * BLOCK;
		r->offset = below((r->dev->size - r->len) / BLOCK) * BLOCK;
		len += r->len;
	}
	job->to = &devs[below(3)];
	room = (job->to->size - len) / BLOCK;
	job->to_offset = below(room) * BLOCK;
	/* often near to a source */
	if (below(2) && ranges->offset + len + 200 * BLOCK < job->to->size)
		job->to_offset = ranges->offset + below(200) * BLOCK;
	copy_plan__prepare(job);
	test_check(job->len == len, "the copy has a length of %llu",
		   (unsigned long long)job->len);
}

static void all_at_once(const struct copy_job *job)
{
	unsigned int i;

	for (i = 0; i < job->nr; i++)
		memmove(place(expected, job->to,
			      job->to_offset + job->ranges[i].start),
			place(expected, job->ranges[i].dev,
			      job->ranges[i].offset),
			job->ranges[i].len);
}

static void carry_out(const struct copy_job *job, const struct copy_piece *p)
{
	uint64_t to = p->to, len = 0;
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		memmove(place(memory, job->to, to),
			place(memory, p->parts[i].range->dev,
			      p->parts[i].offset), p->parts[i].len);
		to += p->parts[i].len;
		len += p->parts[i].len;
	}
	test_check(p->len && p->len == len, "a piece has a length of %llu",
		   (unsigned long long)p->len);
	test_check(!job->serial || p->nr == 1, "ranges together");
}

static void pieces_in_order(const struct copy_job *job, uint64_t end)
{
	struct copy_piece p;
	uint64_t at;

	for (at = 0; at < end; at += p.len) {
		copy_plan__piece(job, at, most(), &p);
		carry_out(job, &p);
		/* again, as after a failure */
		if (!copy_plan__torn(&p))
			carry_out(job, &p);
	}
}

static void pieces_backwards(const struct copy_job *job, uint64_t max)
{
	static struct copy_piece pieces[BLOCKS];
	unsigned int n = 0;
	uint64_t at;

	for (at = 0; at < job->len; at += pieces[n++].len)
		copy_plan__piece(job, at, max, &pieces[n]);
	while (n--)
		carry_out(job, &pieces[n]);
}

/* Ended somewhere, and the rest copied by the commands that are printed. */
static void continued(const struct copy_job *job)
{
	struct copy_range ranges[MAX_RANGES];
	struct copy_job rest = { .ranges = ranges };
	unsigned long long offset, len, to;
	char text[2048] = "", *s = text;
	unsigned int i, which;
	uint64_t at = 0, half;
	struct copy_piece p;
	FILE *file;
	int n;

	for (half = below(job->len); at < half; at += p.len) {
		copy_plan__piece(job, at, most(), &p);
		carry_out(job, &p);
	}
	for (i = 0; i < ARRAY_LEN(devs); i++)
		devs[i].arg = (char *[]){ "0", "1", "2" }[i];
	file = fmemopen(text, sizeof(text), "w");
	copy_text__rest(job, at, "", file);
	fclose(file);
	while (sscanf(s, "nvmesteer copy%n", &n) == 0 && *s) {
		s += n;
		rest.nr = 0;
		while (sscanf(s, " --from %u:%llu+%llu%n", &which, &offset,
			      &len, &n) == 3) {
			ranges[rest.nr++] = (struct copy_range){
				.dev = &devs[which], .offset = offset,
				.len = len };
			s += n;
		}
		test_check(sscanf(s, " --to %u:%llu\n%n", &which, &to, &n) == 2,
			   "no destination in '%s'", text);
		s += n;
		rest.to = &devs[which];
		rest.to_offset = to;
		copy_plan__prepare(&rest);
		pieces_in_order(&rest, rest.len);
	}
}

static void compare(const char *how, unsigned int round)
{
	test_check(!memcmp(memory, expected, sizeof(memory)),
		   "%s: something else is there in round %u", how, round);
}

int main(void)
{
	unsigned int rounds = test_env("COUNT", 5000), i, serial = 0;
	struct copy_range ranges[MAX_RANGES];
	struct copy_job job;

	test_begin(60);
	srandom(test_env("SEED", 1));
	test_step("%u copies, whole, ended and continued, in any order", rounds);
	for (i = 0; i < rounds; i++) {
		fill();
		make_job(&job, ranges);
		all_at_once(&job);
		serial += job.serial;
		if (!job.serial && i % 2) {
			pieces_backwards(&job, most());
			compare("in another order", i);
		} else if (i % 3) {
			pieces_in_order(&job, job.len);
			compare("in order", i);
		} else {
			continued(&job);
			compare("continued", i);
		}
	}
	test_check(serial > rounds / 10 && serial < rounds,
		   "%u of %u overlap something", serial, rounds);
	test_pass();
}
