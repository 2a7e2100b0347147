// SPDX-License-Identifier: GPL-2.0
/*
 * The method for a real machine: I/Os a second and how long they took, by the
 * clock, at random places of the namespace, with as many commands in flight as
 * the row's depth. Data is verified before and after, not meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "ring.h"

const double result_percentiles[5] = { 50, 90, 99, 99.9, 100 };

/* Latencies in buckets of about 1.6 percent: 64 to a power of two. */
#define SUB_BITS	6
#define BUCKETS		(64 << SUB_BITS)

struct run {
	struct bench *b;
	uint64_t started[MAX_BATCH];
	unsigned int idle[MAX_BATCH];	/* slots without a command */
	unsigned int nr_idle;
	uint64_t done;
	uint64_t seed;
	uint64_t places;
	/* What is no copy took path 0. */
	uint64_t histogram[MAX_PATHS][BUCKETS];
	double path_ns[MAX_PATHS];	/* sums */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned int bucket(uint64_t ns)
{
	unsigned int top;

	if (ns < 1 << SUB_BITS)
		return ns;
	top = 63 - __builtin_clzll(ns);
	return ((top - SUB_BITS + 1) << SUB_BITS) +
	       ((ns >> (top - SUB_BITS)) & ((1 << SUB_BITS) - 1));
}

static double bucket_ns(unsigned int i)
{
	unsigned int top = i >> SUB_BITS;

	if (!top)
		return i;
	return (double)((1ull << SUB_BITS) + (i & ((1 << SUB_BITS) - 1))) *
	       (1ull << (top - 1));
}

/* Where a command of a slot goes: a row that writes keeps to its own place. */
static void pick_place(struct run *run, unsigned int slot)
{
	if (run->b->row.write || run->b->row.kind->no_data ||
	    run->b->row.kind->copies)
		return;
	run->seed ^= run->seed << 13;
	run->seed ^= run->seed >> 7;
	run->seed ^= run->seed << 17;
	run->b->offset[slot] = run->seed % run->places * run->b->row.bytes;
}

static void ended(struct run *run, unsigned int slot, uint64_t at)
{
	unsigned int path = run->b->path[slot];
	uint64_t ns = at - run->started[slot];

	run->histogram[path][bucket(ns)]++;
	run->path_ns[path] += ns;
	run->idle[run->nr_idle++] = slot;
	run->done++;
}

static void take_completions(struct run *run)
{
	struct io_uring *ring = &run->b->ring;
	uint64_t at = now();
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(ring, head, cqe) {
		if (cqe->res != (int32_t)cqe->user_data)
			ring__failed(run->b);
		if (run->b->row.kind->took)
			run->b->row.kind->took(run->b, cqe);
		ended(run, cqe->user_data >> 32, at);
		n++;
	}
	io_uring_cq_advance(ring, n);
}

static void turn(struct run *run, bool submit)
{
	struct bench *b = run->b;
	unsigned int i, n = run->nr_idle, busy = b->nr_slots - n;
	uint64_t at = now();

	if (n > b->row.batch)
		n = b->row.batch;
	if (!submit)
		n = 0;
	for (i = 0; i < n; i++) {
		b->next[i] = run->idle[--run->nr_idle];
		pick_place(run, b->next[i]);
		run->started[b->next[i]] = at;
	}
	b->min_complete = b->row.reap < busy + n ? b->row.reap : busy + n;
	/* More can be submitted before waiting makes sense. */
	if (n && run->nr_idle)
		b->min_complete = 0;
	if (n) {
		b->row.kind->submit(b, n);
	} else if (busy && io_uring_cq_ready(&b->ring) < b->min_complete) {
		io_uring_enter(b->ring.ring_fd, 0, b->min_complete,
			       IORING_ENTER_GETEVENTS, NULL);
		b->calls++;
	}
	if (!b->row.kind->no_ring) {
		take_completions(run);
		return;
	}
	at = now();
	for (i = 0; i < n; i++)
		ended(run, b->next[i], at);
}

static void percentiles(const struct run *run, struct result *r)
{
	uint64_t seen = 0, of_path[MAX_PATHS] = {};
	unsigned int i, k, p = 0;

	for (i = 0; i < BUCKETS && run->done; i++) {
		for (k = 0; k < MAX_PATHS; k++) {
			seen += run->histogram[k][i];
			if (2 * of_path[k] < r->paths[k])
				r->path_p50_us[k] = bucket_ns(i) / 1000;
			of_path[k] += run->histogram[k][i];
		}
		while (p < 5 && seen >= run->done * result_percentiles[p] / 100)
			r->latency_us[p++] = bucket_ns(i) / 1000;
	}
}

/* Each slot once, at its own place, compared whole. */
static uint64_t verify_once(struct bench *b)
{
	unsigned int i, n, left = b->nr_slots;

	/* Places of copies are their slots'. */
	for (i = 0; i < b->nr_slots; i++)
		b->offset[i] = b->base + (uint64_t)i * b->row.bytes;
	data__poison(b);
	b->min_complete = 0;
	while (left) {
		n = b->row.batch < left ? b->row.batch : left;
		for (i = 0; i < n; i++)
			b->next[i] = b->nr_slots - left + i;
		b->row.kind->submit(b, n);
		left -= n;
		while (!b->row.kind->no_ring && n)
			n -= ring__reap(b, n, true);
	}
	return data__verify(b);
}

static void start_run(struct run *run, struct bench *b)
{
	memset(run, 0, sizeof(*run));
	run->b = b;
	run->seed = 88172645463325252ull;
	if (!b->row.kind->no_data)
		run->places = b->dev->size / b->row.bytes;
	for (run->nr_idle = 0; run->nr_idle < b->nr_slots; run->nr_idle++)
		run->idle[run->nr_idle] = run->nr_idle;
}

static void end_run(struct run *run)
{
	while (run->nr_idle < run->b->nr_slots)
		turn(run, false);
}

/* What came before does not count: where something is beside it has its share. */
static void settle(struct run *run, double seconds)
{
	uint64_t end = now() + seconds * 1e9;

	while (now() < end)
		turn(run, true);
	run->done = 0;
	run->b->calls = 0;
	memset(run->histogram, 0, sizeof(run->histogram));
	memset(run->path_ns, 0, sizeof(run->path_ns));
	memset(run->b->paths, 0, sizeof(run->b->paths));
}

void measure_clock(struct bench *b, double seconds, uint64_t least,
		   struct result *r)
{
	bool virtual = measure__counts_instructions();
	struct counters before, after;
	static struct run run;
	double beside = beside__done();
	uint64_t start, end, last;
	unsigned int i;

	/* time is to pass as instructions do, not to jump while all wait */
	if (virtual)
		spinner__start();
	r->verified = verify_once(b);
	start_run(&run, b);
	settle(&run, beside > 0 ? seconds / 8 : 0);
	beside = beside__done();
	counters__read(&before, b->dev);
	start = now();
	end = start + seconds * 1e9;
	last = start + 10 * seconds * 1e9;
	while (now() < end || (run.done < least && now() < last))
		turn(&run, true);
	r->seconds = (now() - start) / 1e9;
	r->iops = run.done / r->seconds;
	r->beside_iops = (beside__done() - beside) / r->seconds;
	end_run(&run);
	if (!(beside > 0)) {
		r->seconds = (now() - start) / 1e9;
		r->iops = run.done / r->seconds;
	}
	counters__read(&after, b->dev);
	if (virtual)
		spinner__stop();

	r->calls = (double)b->calls / run.done;
	memcpy(r->paths, b->paths, sizeof(r->paths));
	for (i = 0; i < MAX_PATHS; i++)
		r->path_us[i] = run.path_ns[i] / r->paths[i] / 1000;
	counters__compare(&before, &after, run.done, r);
	percentiles(&run, r);
	r->verified += verify_once(b);
}

void clock__until(struct bench *b, const volatile bool *stop,
		  volatile uint64_t *done)
{
	static struct run run;

	verify_once(b);
	start_run(&run, b);
	while (!*stop) {
		turn(&run, true);
		*done = run.done + 1;
	}
	end_run(&run);
	verify_once(b);
}
