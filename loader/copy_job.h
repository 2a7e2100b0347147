/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A copy that the verb copy was asked for, and what its files do with it: text
 * (copy_text.c), devices (copy_dev.c, copy_use.c), the order of pieces
 * (copy_plan.c), sending them (copy_run.c), and comparing (copy_verify.c).
 *
 * @why: a sentence on error, COPY_WHY bytes.
 */
#ifndef NVMESTEER_LOADER_COPY_H
#define NVMESTEER_LOADER_COPY_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include <nvmesteer/copy.h>

#include "nvmesteer.h"

#define COPY_WHY	640

/* A namespace, or a partition of one. */
struct copy_dev {
	char *arg;		/* as the user wrote it */
	char path[256];		/* below /dev */
	char name[32];		/* the kernel's: nvme0n1, nvme0n1p2, ng0n1 */
	char disk[32];		/* nvme0n1, the whole namespace */
	char ng[32];		/* ng0n1 */
	char id[128];		/* the namespace's wwid, else ng */
	int fd;			/* names it to the kernel */
	int ng_fd;		/* the whole namespace, for commands */
	int block_fd;		/* a block device; -1 where there is none */
	uint32_t nsid;
	uint32_t block_size;
	uint64_t start;		/* of a partition, bytes */
	uint64_t size;		/* bytes */
};

/*
 * A source. Where @backwards, it overlaps its destination so that it has to be
 * moved from its end to its beginning.
 */
struct copy_range {
	char *dev_arg;
	struct copy_dev *dev;
	uint64_t offset;
	uint64_t len;
	bool to_end;		/* no length was given */
	bool backwards;
	uint64_t start;		/* where it begins in the stream of all ranges */
	uint64_t shift;		/* distance to a destination it overlaps, or 0 */
};

/*
 * The ranges are thought of as one stream of @len bytes, and how far a copy got
 * is a number of bytes of that stream.
 */
struct copy_job {
	struct copy_range *ranges;
	unsigned int nr;
	struct copy_dev **devs;
	unsigned int nr_devs;
	char *to_arg;
	struct copy_dev *to;
	uint64_t to_offset;
	uint64_t len;
	bool serial;		/* one piece at a time */
	uint32_t flags;		/* NVME_STEER_COPY_F_* */
	unsigned int depth;	/* 0: the policy's */
	bool force;
};

/* ------------------------------------------------------------- copy_text.c */

/* "4096", "0x1000", "4k", "4KiB": behind it, or NULL with a sentence. */
const char *copy_text__size(const char *text, uint64_t *value, char *why);
/* "DEV:OFFSET", with @len "DEV:OFFSET[+LEN]"; *@dev to be freed. */
bool copy_text__place(const char *text, char **dev, uint64_t *offset,
		      uint64_t *len, bool *to_end, char *why);
/* The commands that copy what is left after @copied, a line each. */
void copy_text__rest(const struct copy_job *job, uint64_t copied,
		     const char *options, FILE *file);

/* -------------------------------------------------------------- copy_dev.c */

/* Open all devices of a job and check its numbers against them. */
int copy_dev__open_all(struct copy_job *job, char *why);
void copy_dev__close_all(struct copy_job *job);
/* Write back and forget what the page cache has of it. */
void copy_dev__flush(const struct copy_dev *d);

/* -------------------------------------------------------------- copy_use.c */

/* What a block device that is busy is used for: "it is mounted on /mnt". */
void copy_use__who(const char *name, char *text, size_t size);

/* ------------------------------------------------------------- copy_plan.c */

#define COPY_PARTS	64	/* the most ranges in a piece */

/* A piece: what one SQE copies. */
struct copy_piece {
	uint64_t at;		/* in the stream */
	uint64_t len;
	uint64_t to;		/* offset in the destination */
	unsigned int nr;
	struct copy_part {
		const struct copy_range *range;
		uint64_t offset;
		uint64_t len;
	} parts[COPY_PARTS];
};

/* Once devices and lengths are known: find out what overlaps. */
void copy_plan__prepare(struct copy_job *job);
/* The piece that begins at @at, of at most @max bytes. */
void copy_plan__piece(const struct copy_job *job, uint64_t at, uint64_t max,
		      struct copy_piece *piece);
/* Would half a piece leave something that cannot be copied again? */
bool copy_plan__torn(const struct copy_piece *piece);
/* How much of a range is copied when @copied of the stream is. */
uint64_t copy_plan__done(const struct copy_range *r, uint64_t copied);

/* -------------------------------------------------------------- copy_run.c */

struct copy_result {
	uint64_t copied;	/* of the stream, without a gap */
	uint32_t path;		/* NVME_STEER_COPY_*, 0 for none */
	int error;		/* NVMe status or -errno of what failed */
	bool refused;		/* nothing of the failed piece was written */
	bool torn;		/* what failed cannot be copied again */
	const struct copy_range *failed; /* NULL: not known */
	int signal;		/* that ended it, or 0 */
	double seconds;
};

/* 0 when the copy began; *@r tells how it ended. */
int copy_run(const struct copy_job *job, struct copy_result *r, char *why);
/* The signal that has arrived; 0 for none. */
int copy_signal(void);
/* From here on SIGINT and SIGTERM end the copy; the second one this program. */
void copy_catch_signals(void);

/* ---------------------------------------------------------- copy_verify.c */

struct copy_difference {
	uint64_t at;		/* in the stream */
	const struct copy_range *range;
	uint64_t from, to;	/* offsets in the devices */
	uint8_t has, should;
};

/* Is there something to compare with, and a way to read it? */
int copy_verify__possible(const struct copy_job *job, char *why);
/*
 * Compare by the block devices. 0: all is the same; 1: *@d differs first;
 * -EINTR: a signal came; -errno.
 */
int copy_verify(const struct copy_job *job, struct copy_difference *d,
		char *why);

/* -------------------------------------------------------- copy_progress.c */

struct copy_progress {
	bool shown;		/* standard error is a terminal */
	const char *what;
	uint64_t len;
	double began, last;
};

double copy_now(void);
void copy_progress__begin(struct copy_progress *p, const char *what,
			  uint64_t len);
void copy_progress__at(struct copy_progress *p, uint64_t bytes);
void copy_progress__end(struct copy_progress *p);

/* ------------------------------------------------------------ copy_why.c */

/* Of what copy_run() came back with; returns the exit code. */
int copy_why(const struct copy_job *job, const struct copy_result *r,
	     char *why);

#endif /* NVMESTEER_LOADER_COPY_H */
