/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of nvmesteer-bench share: one row of a table, as asked for
 * and as measured; the namespace it reads; and the kinds of I/O there are.
 *
 * A new kind of row is one file with a struct kind in it and one line in
 * kinds.c. The method (measure.c, clock.c) knows nothing of kinds.
 */
#ifndef BENCH_H
#define BENCH_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_BATCH	128
#define MAX_BYTES	(2U << 20)
#define MAX_RANGES	128
#define MAX_PATHS	5	/* of copies: NVME_STEER_COPY_* */

/* The most that the driver takes in a command, of pages that lie apart. */
#define LOOP_BYTES	(512U << 10)
/* The most that a loop reads before it writes. */
#define WINDOW_BYTES	((size_t)MAX_BATCH * LOOP_BYTES)

struct kind;

/* A row as asked for. */
struct row {
	const struct kind *kind;
	unsigned int batch;	/* commands submitted together */
	unsigned int depth;	/* commands in flight; wall clock only */
	unsigned int reap;	/* completions taken at a time */
	unsigned int bytes;	/* data of a command */
	bool write;		/* commands write; they read otherwise */
	bool poll;		/* completions are polled for */
	bool fixed;		/* registered buffers */
	bool rare;		/* nothing is done for a while before a round */
	bool huge;		/* in huge pages; else small ones, far apart */
	unsigned int ranges;	/* that a copy gathers */
	unsigned int how;	/* copies: who shall copy, NVME_STEER_COPY_* */
	bool merge;		/* copies: ranges are written together */
	bool wait;		/* copies: submit and wait in one system call */
	const char *text;	/* as on the command line */
};

/* A namespace. */
struct device {
	char name[32];		/* X n Y of /dev/ngXnY */
	int ng_fd;		/* /dev/ngXnY */
	int block_fd;		/* /dev/nvmeXnY, O_DIRECT */
	bool may_write;
	uint32_t nsid;
	uint32_t block;		/* bytes of a logical block */
	uint64_t size;		/* bytes */
	int drive_fd;		/* that counts its doorbells, or -1 */
	char ctrls[4][16];	/* the controllers it is on */
	unsigned int nr_ctrls;
};

/* The buffers of a row, and what must be in them. */
struct data {
	size_t size;		/* slots * bytes */
	size_t room;		/* likewise, in whole pages; the kind's extra
				 * bytes follow */
	char *buffer;		/* what commands read into or write from */
	char *want;		/* what another path says is on the device */
	char *poison;		/* differs from want in every byte */
};

/*
 * What rows of copies move. Each slot has an area of the device of its own:
 * ranges that lie apart, and behind them, between bytes that nobody may
 * touch, where they are put together.
 */
struct copies {
	size_t total;		/* bytes of a copy */
	size_t area;		/* of the device, for a slot */
	uint64_t *from;		/* bytes, from the beginning of the area */
	uint64_t to;
	char *image;		/* what areas must look like in the end */
	char *poison;		/* what is where a copy will go */
	char *got;		/* what came of it, neighbours included */
};

/* Ranges that a loop reads and then writes, with commands for all of them. */
struct window {
	const uint64_t *from;	/* of copies.from */
	uint64_t to;		/* bytes, as copies.to */
	size_t total;		/* bytes */
	unsigned int ranges;
};

struct bench {
	struct row row;
	struct device *dev;
	struct window window;	/* loops: the one that is copied */
	struct data data;
	struct copies copies;
	struct io_uring ring;
	bool has_ring;
	/*
	 * A slot is a command's part of the buffer and, by default, of the
	 * device. submit() takes its slots from next[].
	 */
	unsigned int nr_slots;
	unsigned int next[MAX_BATCH];
	uint64_t offset[MAX_BATCH];
	uint64_t base;		/* bytes, where on the device this begins */
	unsigned int min_complete;	/* to wait for while submitting */
	unsigned int part;	/* of the window: 0 is reading, 1 writing */
	unsigned int left;	/* completions to be awaited */
	uint64_t calls;		/* system calls made for the commands */
	uint64_t commands;	/* of copies, where the kind knows */
	unsigned int path[MAX_BATCH];	/* the last copy of a slot took */
	uint64_t paths[MAX_PATHS];	/* how many copies took which */
};

/* A way to do I/O. The functions print why they fail, and exit. */
struct kind {
	const char *name;
	const char *help;
	unsigned int ring_flags;	/* besides those of every ring */
	bool no_ring;		/* submit() sleeps until all are done */
	bool no_data;
	bool no_poll;		/* a row cannot ask for polling */
	bool one_completion;	/* for all that submit() was given; buffers
				 * are registered */
	bool no_clock;		/* not for --seconds */
	bool copies;		/* from one place of the device to another */
	bool buffered;		/* through the row's buffer */
	size_t extra;		/* bytes for itself, behind the data; of copies
				 * for each slot */
	void (*open)(struct bench *b);
	/*
	 * Hand the commands of slots next[0..n) to the kernel. Sets left where
	 * there is not one completion a command.
	 */
	void (*submit)(struct bench *b, unsigned int n);
	/*
	 * Of a round whose parts must wait for one another: what comes next, or
	 * that there was no more of it; not timed.
	 */
	bool (*next)(struct bench *b);
	/* A completion was taken; not timed. */
	void (*took)(struct bench *b, const struct io_uring_cqe *cqe);
};

/* A row as measured; a value that does not apply is negative. */
struct result {
	double submit, wait, reap, total;	/* ticks a command */
	double spread;		/* 90th less 10th percentile, ticks a command */
	double mean;		/* of the rounds, ticks a command */
	double least;		/* the best round there was, ticks a command */
	unsigned int rounds;
	double calls, interrupts, steered;		/* a command */
	double doorbells, sq_doorbells, cq_doorbells;
	double commands;
	uint64_t verified;	/* bytes compared */
	uint64_t paths[MAX_PATHS];	/* copies that took each */
	double seconds, iops;	/* wall clock */
	double latency_us[5];	/* percentiles 50 90 99 99.9 100 */
	double path_us[MAX_PATHS];	/* latency of copies by path: mean */
	double path_p50_us[MAX_PATHS];	/* and median */
	double beside_iops;	/* of what went on beside this, or negative */
};
extern const double result_percentiles[5];

extern const struct kind *const kinds[];	/* the last one is NULL */

/* main.c */
void die(const char *what, int err) __attribute__((noreturn));
void usage_error(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* row.c */
void row__parse(struct row *row, const char *text);
size_t row__room(const struct row *row);	/* of its buffer, bytes */
void row__print(const struct row *row, const struct row *beside,
		const struct result *r, char *const notes[],
		unsigned int nr_notes);

/* device.c */
void device__open(struct device *dev, const char *path, bool write);

/* bench.c: a row's ring and buffers */
void bench__open(struct bench *b, struct device *dev, const struct row *row);
void bench__open_at(struct bench *b, struct device *dev,
		    const struct row *row, uint64_t base);
void bench__close(struct bench *b);

/* copies.c: what verify.c does, for rows of copies */
void copies__open(struct bench *b);
void copies__poison(struct bench *b);
uint64_t copies__verify(struct bench *b);
void copies__close(struct bench *b);
/* Range @i of the copy of slot @slot, and where it goes: device offsets. */
static inline uint64_t copies__from(const struct bench *b, unsigned int slot,
				    unsigned int i)
{
	return b->base + slot * b->copies.area + b->copies.from[i];
}

static inline uint64_t copies__to(const struct bench *b, unsigned int slot)
{
	return b->base + slot * b->copies.area + b->copies.to;
}

/* verify.c */
char *data__map(size_t size);
char *data__pattern(size_t size);
void data__invert(char *to, const char *from, size_t size);
char *data__buffer(const struct row *row);
void data__reserve(size_t size);	/* the most huge pages a row needs */
void data__open(struct bench *b);
void data__poison(struct bench *b);
/* The bytes compared; a difference ends the program. */
uint64_t data__verify(struct bench *b);
void data__close(struct bench *b);

/* counters.c: what kernel and controller were made to do */
struct counters {
	uint64_t steered;	/* commands that steer queues got */
	uint64_t doorbells;	/* writes to doorbells of steer queues, or all */
	uint64_t sq_doorbells;	/* where the kernel tells them apart */
	uint64_t cq_doorbells;
	bool split;
	bool all;		/* doorbells are those of all I/O queues */
	uint64_t interrupts;	/* of I/O queues, the driver's and ours */
};
void counters__read(struct counters *c, const struct device *dev);
/* What was counted from @before to @after is added to @sum. */
void counters__add(struct counters *sum, const struct counters *before,
		   const struct counters *after);
void counters__compare(const struct counters *before,
		       const struct counters *after, double ios,
		       struct result *r);

/* measure.c: ticks a command */
/*
 * At most @rounds, and fewer where @agree of them, if that is not 0, agree; after
 * @first ones that do not count.
 */
void measure(struct bench *b, unsigned int first, unsigned int rounds,
	     unsigned int agree, struct result *r);
/* Is there more of the round to be submitted? */
bool measure__next(struct bench *b);
uint64_t measure__submit(struct bench *b);
uint64_t measure__reap(struct bench *b);	/* until nothing is left, or of
						 * copies what there is */
/*
 * What comes before a round, and is not counted. A round after a long sleep would
 * be the first one in a while for a policy whose answers hold for some time:
 * where it @sleeps, the same is done once right before it, unless that is what
 * the row is about. Nothing that has to be waited for otherwise.
 */
void measure__before(struct bench *b, bool sleeps);
/* Does the time stamp counter count instructions here? */
bool measure__counts_instructions(void);
void measure__pause(long ns);
uint64_t measure__spin(uint64_t turns);
int measure__compare(const void *a, const void *b);

/* clock.c: I/Os a second */
/* Longer, ten times at most, until @least I/Os have ended. */
void measure_clock(struct bench *b, double seconds, uint64_t least,
		   struct result *r);
void clock__until(struct bench *b, const volatile bool *stop,
		  volatile uint64_t *done);

/* beside.c: a process that goes on with a row of its own meanwhile */
/* In @cgroup, a folder, unless NULL. */
void beside__start(struct device *dev, const struct row *row,
		   const char *cgroup);
double beside__done(void);	/* I/Os until now */
void beside__stop(void);

/* profile.c: let the emulator write down each instruction of some rounds */
void profile(struct bench *b, const char *logfile, unsigned int first,
	     unsigned int rounds);

/* spinner.c: who runs while a system call sleeps */
void spinner__start(void);
void spinner__stop(void);
uint64_t spinner__ticks(void);

#endif /* BENCH_H */
