// SPDX-License-Identifier: GPL-2.0
/*
 * The method for a guest whose time stamp counter counts executed
 * instructions: rounds of submit, wait until the device is done, reap;
 * medians over the rounds. What a kind does is not known here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>
#include <x86intrin.h>

#include "bench.h"
#include "ring.h"

/*
 * What is under way, at least, of a copy that begins its next part when it is
 * polled for.
 */
#define PART_BYTES	(1UL << 20)

/* How often a wait that was too short is made longer. */
#define MAX_TRIES	5

/* More often than any copy has to be polled for. */
#define MAX_REAPS	10000

/* Before a round of a row whose commands are rare. */
#define RARE_NS		(200L * 1000 * 1000)

/* Rounds after which they do not end early any more. */
#define MAX_AGREED	64

/*
 * Long copies take long, and neither caches nor a decision matters to them: of
 * these there are fewer rounds, and one before.
 */
#define LONG_BYTES	(2 << 20)	/* more than this */
#define LONG_ROUNDS	6
#define LONG_AGREE	3

/* ----------------------------------------------------------------- waiting */

/* Two instructions a turn. */
uint64_t measure__spin(uint64_t turns)
{
	uint64_t start = __rdtsc();

	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns));
	return __rdtsc() - start;
}

int measure__compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What a spin costs when nothing but the timer interrupts it; of long ones thrice. */
static uint64_t spin_alone(uint64_t turns)
{
	unsigned int i, n = turns < 1000000 ? 5 : 3;
	uint64_t v[5];

	for (i = 0; i < n; i++)
		v[i] = measure__spin(turns);
	qsort(v, n, sizeof(v[0]), measure__compare);
	return v[n / 2];
}

bool measure__counts_instructions(void)
{
	uint64_t ticks = spin_alone(100000);

	return ticks >= 200000 && ticks < 200020;
}

void measure__pause(long ns)
{
	struct timespec t = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	nanosleep(&t, NULL);
}

/*
 * How the device is waited for. A ring that polls sleeps: nothing of the
 * commands happens then. Otherwise interrupts do, and are found as what a
 * loop of known length takes longer: once for a whole round, and again before
 * each further call for a copy, of which a part is under way by then.
 */
struct waiting {
	long sleep_ns;
	struct spin {
		uint64_t turns, alone;
	} whole, again;
};

static void plan_spins(struct waiting *w, uint64_t whole, uint64_t again)
{
	w->whole.turns = whole;
	w->whole.alone = spin_alone(whole);
	w->again = w->whole;
	if (again == whole)
		return;
	w->again.turns = again;
	w->again.alone = spin_alone(again);
}

/* For so many bytes of a copy, a range of it at least. */
static uint64_t copy_turns(const struct bench *b, uint64_t bytes)
{
	return 100000 + 8000 * MAX(bytes / b->row.bytes, 1) + bytes / 4;
}

/* @part: bytes that are under way of a copy */
static void wait_plan(struct waiting *w, const struct bench *b, uint64_t part,
		      unsigned int factor)
{
	uint64_t batch = b->row.batch, turns;

	memset(w, 0, sizeof(*w));
	if (b->row.kind->no_ring || b->row.kind->no_data || b->row.wait)
		return;
	/* What a polled copy has the kernel do meanwhile counts, too. */
	if (b->row.kind->copies) {
		batch *= factor;
		plan_spins(w,
			   copy_turns(b, MIN(b->copies.total, WINDOW_BYTES)) *
				   batch,
			   copy_turns(b, MIN(b->copies.total, part)) *
				   batch);
		return;
	}
	if (b->row.poll) {
		w->sleep_ns = 20L * 1000 * 1000 * factor;
		return;
	}
	turns = (100000 + 20000 * batch + batch * b->row.bytes / 4) * factor;
	plan_spins(w, turns, turns);
}

static uint64_t wait_for_device(const struct waiting *w, bool again)
{
	const struct spin *spin = again ? &w->again : &w->whole;
	uint64_t ticks;

	if (w->sleep_ns)
		measure__pause(w->sleep_ns);
	if (!spin->turns)
		return 0;
	ticks = measure__spin(spin->turns);
	return ticks > spin->alone ? ticks - spin->alone : 0;
}

/* ------------------------------------------------------------------ rounds */

uint64_t measure__submit(struct bench *b)
{
	uint64_t others, start;

	b->left = b->row.kind->one_completion ? 1 : b->row.batch;
	if (b->row.kind->no_ring)
		b->left = 0;
	others = spinner__ticks();
	start = __rdtsc();
	b->row.kind->submit(b, b->row.batch);
	start = __rdtsc() - start;
	return start - (spinner__ticks() - others);
}

/*
 * The kernel may have to be called several times for a copy that it makes,
 * between which the device is waited for: what is polled for begins its next
 * part then.
 */
static uint64_t reap_some(struct bench *b)
{
	uint64_t start = __rdtsc();
	unsigned int i, n;

	n = ring__reap(b, b->left, b->row.kind->buffered);
	start = __rdtsc() - start;
	b->left -= n;
	for (i = n; i && b->row.kind->took; i--)
		b->row.kind->took(b, ring__taken(b, i));
	return start;
}

uint64_t measure__reap(struct bench *b)
{
	unsigned int left = b->left, n = b->row.reap;
	uint64_t start;

	if (b->row.kind->copies)
		return reap_some(b);
	b->left = 0;
	start = __rdtsc();
	while (left) {
		if (n > left)
			n = left;
		left -= ring__reap(b, n, true);
	}
	return __rdtsc() - start;
}

bool measure__next(struct bench *b)
{
	return b->row.kind->next && b->row.kind->next(b);
}

struct ticks {
	uint64_t *submit, *wait, *reap, *total;
};

static void one_round(struct bench *b, const struct waiting *w,
		      struct ticks *t, unsigned int i)
{
	unsigned int tries = 0;
	bool again;

	t->submit[i] = t->wait[i] = t->reap[i] = 0;
	do {
		t->submit[i] += measure__submit(b);
		again = false;
		do {
			t->wait[i] += wait_for_device(w, again);
			t->reap[i] += measure__reap(b);
			again = true;
			if (++tries == MAX_REAPS)
				die("a copy does not end", ETIMEDOUT);
		} while (b->left);
	} while (measure__next(b));
	t->total[i] = t->submit[i] + t->wait[i] + t->reap[i];
}

/*
 * Do @agree of @n rounds, and more than half of them, take the same but for
 * what a timer's interrupt takes? More rounds would not change the median, then.
 */
static bool agreed(const uint64_t *ticks, unsigned int n, unsigned int agree)
{
	uint64_t sorted[MAX_AGREED], middle;
	unsigned int i, same = 0;

	if (!agree || n < agree || n > MAX_AGREED)
		return false;
	memcpy(sorted, ticks, n * sizeof(*ticks));
	qsort(sorted, n, sizeof(*sorted), measure__compare);
	middle = sorted[n / 2];
	for (i = 0; i < n; i++)
		if (sorted[i] <= middle + middle / 512 &&
		    sorted[i] >= middle - middle / 512)
			same++;
	return same >= agree && 2 * same > n;
}

void measure__before(struct bench *b, bool sleeps)
{
	uint64_t calls = b->calls;

	if (b->row.rare)
		measure__pause(RARE_NS);
	if (b->row.rare || !sleeps)
		return;
	measure__submit(b);
	measure__reap(b);
	b->calls = calls;
}

/*
 * Those that do not count. Returns what is under way of a copy at a time, by how
 * often the kernel was called after the first time.
 */
static uint64_t first_rounds(struct bench *b, unsigned int n,
			     const struct waiting *w, struct ticks *t)
{
	uint64_t calls;
	unsigned int i;

	b->calls = 0;
	for (i = 0; i < n; i++)
		one_round(b, w, t, i);
	calls = b->calls / MAX(n * b->row.batch, 1U);
	return MAX(PART_BYTES, b->copies.total / MAX(calls - 1, 1));
}

/* At most @n rounds. Returns how many. */
static unsigned int rounds_run(struct bench *b, unsigned int n,
			       unsigned int agree, const struct waiting *w,
			       struct ticks *t, struct result *r)
{
	static const struct counters none;
	struct counters before, after, sum = {};
	unsigned int i;
	double ios;

	r->verified = 0;
	b->calls = b->commands = 0;
	memset(b->paths, 0, sizeof(b->paths));
	for (i = 0; i < n && !agreed(t->total, i, agree); i++) {
		measure__before(b, w->sleep_ns);
		data__poison(b);
		counters__read(&before, b->dev);
		one_round(b, w, t, i);
		counters__read(&after, b->dev);
		counters__add(&sum, &before, &after);
		r->verified += data__verify(b);
	}

	ios = (double)i * b->row.batch;
	r->rounds = i;
	r->calls = b->calls / ios;
	r->commands = b->commands / ios;
	memcpy(r->paths, b->paths, sizeof(r->paths));
	counters__compare(&none, &sum, ios, r);
	return i;
}

static double quantile(const struct bench *b, const uint64_t *v,
		       unsigned int n, unsigned int percent)
{
	return (double)v[n * percent / 100] / b->row.batch;
}

static double mean(const struct bench *b, const uint64_t *v, unsigned int n)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		sum += v[i];
	return sum / n / b->row.batch;
}

static double median(const struct bench *b, uint64_t *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), measure__compare);
	return quantile(b, v, n, 50);
}

/* Rounds in which the device was late took longer to reap, and differ. */
static bool settled(const struct bench *b, const uint64_t *reap,
		    unsigned int n)
{
	double low = quantile(b, reap, n, 10), high = quantile(b, reap, n, 70);

	return high <= low * 1.02 + 40.0 / b->row.batch;
}

void measure(struct bench *b, unsigned int first, unsigned int rounds,
	     unsigned int agree, struct result *r)
{
	bool copies = b->row.kind->copies, done = false;
	bool is_long = copies && b->copies.total > LONG_BYTES;
	unsigned int size = MAX(rounds, first) * sizeof(uint64_t);
	unsigned int try, factor = 1, longer = copies ? 2 : 3, n;
	struct ticks t = {
		.submit = malloc(size), .wait = malloc(size),
		.reap = malloc(size), .total = malloc(size),
	};
	uint64_t part = PART_BYTES;
	double least = 0;
	struct waiting w;
	struct result now;

	if (is_long) {
		first = 1;
		rounds = MIN(rounds, LONG_ROUNDS);
		agree = MIN(agree, LONG_AGREE);
	}
	/* An idle guest's counter jumps: nobody may idle in submit(). */
	if (b->row.kind->no_ring)
		spinner__start();
	if (!t.submit || !t.wait || !t.reap || !t.total)
		die("malloc", ENOMEM);
	wait_plan(&w, b, part, 1);
	part = first_rounds(b, first, &w, &t);
	for (try = 0; !done && try < MAX_TRIES; try++, factor *= longer) {
		if (try || part != PART_BYTES)
			wait_plan(&w, b, part, factor);
		now = *r;
		n = rounds_run(b, rounds, agree, &w, &t, &now);
		now.reap = median(b, t.reap, n);
		now.submit = median(b, t.submit, n);
		now.wait = median(b, t.wait, n);
		now.total = median(b, t.total, n);
		now.spread = quantile(b, t.total, n, 90) -
			     quantile(b, t.total, n, 10);
		now.least = quantile(b, t.total, n, 0);
		now.mean = mean(b, t.total, n);
		if (!try || now.least < least)
			least = now.least;
		done = settled(b, t.reap, n);
		/* A device may be late in each round of a copy likewise. */
		if (copies)
			done = done && try && now.total >= r->total * 0.99;
		if (!copies || !try || now.total < r->total)
			*r = now;
	}
	r->least = least;
	if (b->row.kind->no_ring)
		spinner__stop();
	free(t.submit);
	free(t.wait);
	free(t.reap);
	free(t.total);
}
