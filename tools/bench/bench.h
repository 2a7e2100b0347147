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
#define MAX_BYTES	(1U << 20)

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
	bool huge;		/* in huge pages; else small ones, far apart */
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

struct bench {
	struct row row;
	struct device *dev;
	struct data data;
	struct io_uring ring;
	bool has_ring;
	/*
	 * A slot is a command's part of the buffer and, by default, of the
	 * device. submit() takes its slots from next[].
	 */
	unsigned int nr_slots;
	unsigned int next[MAX_BATCH];
	uint64_t offset[MAX_BATCH];
	unsigned int min_complete;	/* to wait for while submitting */
	uint64_t calls;		/* system calls made for the commands */
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
	size_t extra;		/* bytes for itself, behind the data */
	void (*open)(struct bench *b);
	/* Hand the commands of slots next[0..n) to the kernel. */
	void (*submit)(struct bench *b, unsigned int n);
};

/* A row as measured; a value that does not apply is negative. */
struct result {
	double submit, wait, reap, total;	/* ticks a command */
	double spread;		/* 90th less 10th percentile, ticks a command */
	unsigned int rounds;
	double calls, interrupts, steered;		/* a command */
	double doorbells, sq_doorbells, cq_doorbells;
	uint64_t verified;	/* bytes compared */
	double seconds, iops;	/* wall clock */
	double latency_us[5];	/* percentiles 50 90 99 99.9 100 */
};
extern const double result_percentiles[5];

extern const struct kind *const kinds[];	/* the last one is NULL */

/* main.c */
void die(const char *what, int err) __attribute__((noreturn));
void usage_error(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* row.c */
void row__parse(struct row *row, const char *text);
void row__print(const struct row *row, const struct result *r,
		char *const notes[], unsigned int nr_notes);

/* device.c */
void device__open(struct device *dev, const char *path, bool write);

/* bench.c: a row's ring and buffers */
void bench__open(struct bench *b, struct device *dev, const struct row *row);
void bench__close(struct bench *b);

/* verify.c */
void data__reserve(size_t size);	/* the most huge pages a row needs */
void data__open(struct bench *b);
void data__poison(struct bench *b);
/* The bytes compared; a difference ends the program. */
uint64_t data__verify(struct bench *b);
void data__close(struct bench *b);

/* counters.c: what kernel and controller were made to do */
struct counters {
	uint64_t steered;	/* commands that steer queues got */
	uint64_t doorbells;	/* writes to doorbells of steer queues */
	uint64_t sq_doorbells;	/* where the kernel tells them apart */
	uint64_t cq_doorbells;
	bool split;
	uint64_t interrupts;	/* of I/O queues, the driver's and ours */
};
void counters__read(struct counters *c, const struct device *dev);
void counters__compare(const struct counters *before,
		       const struct counters *after, double ios,
		       struct result *r);

/* measure.c: ticks a command */
void measure(struct bench *b, unsigned int rounds, struct result *r);
uint64_t measure__submit(struct bench *b);
uint64_t measure__reap(struct bench *b);
/* Does the time stamp counter count instructions here? */
bool measure__counts_instructions(void);
void measure__pause(long ns);
uint64_t measure__spin(uint64_t turns);
int measure__compare(const void *a, const void *b);

/* clock.c: I/Os a second */
void measure_clock(struct bench *b, double seconds, struct result *r);

/* profile.c: let the emulator write down each instruction of some rounds */
void profile(struct bench *b, const char *logfile, unsigned int rounds);

/* spinner.c: who runs while a system call sleeps */
void spinner__start(void);
void spinner__stop(void);
uint64_t spinner__ticks(void);

#endif /* BENCH_H */
