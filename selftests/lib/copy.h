/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies for tests: parts of namespaces whose contents are known, a byte at a
 * time; copies between them; and what a copy said compared with what became
 * of the data, read through the block devices.
 */
#ifndef COPY_TEST_H
#define COPY_TEST_H

#include <linux/types.h>
#include <sys/ioctl.h>

#include <nvmesteer/abi.h>
#include <nvmesteer/copy.h>

#include "pt.h"

/* Status fields that copies end with. */
#define COPY_SC_INVALID_FIELD	0x002
#define COPY_SC_INVALID_FORMAT	0x10a
#define COPY_SC_SIZE		0x183
#define COPY_SC_INCOMPATIBLE	0x185
#define COPY_SC_FAST		0x186
#define COPY_SC_OVERLAP		0x187
#define COPY_SC_ZONE_BOUNDARY	0x1b8
#define COPY_SC_ZONE_WRITE	0x1bc
#define COPY_SC_WRITE_FAULT	0x280
#define COPY_SC_READ_ERROR	0x281

/* The namespaces of selftests/vm/run --drives copy. */
struct copy_drives {
	struct pt_ns a, b;	/* plain, one controller, the device's defaults */
	struct pt_ns small;	/* with low limits */
	struct pt_ns none;	/* with limits of zero */
	struct pt_ns large;	/* with 4 KiB blocks */
	struct pt_ns other;	/* of another controller, without limits */
};

/* Open them; skips the test where they are not. */
void copy_drives_open(struct copy_drives *d);
/* The namespace of a controller by its serial number, or skips the test. */
void copy_open(struct pt_ns *ns, const char *serial, unsigned int nsid);

/* A line of steer/copy. */
struct copy_limits {
	unsigned int formats;		/* a bit each */
	unsigned int mssrl, mcl, msrc, cross_ns;
	unsigned long long max_hw_bytes, max_bytes;
};
void copy_limits(const struct pt_ns *ns, struct copy_limits *l);
/* copy_max_bytes; ~0 is no limit. What was there comes back at the end. */
void copy_max_bytes(const struct pt_ns *ns, unsigned long long bytes);

/* Part of a namespace and what it must hold. */
struct image {
	struct pt_ns *ns;
	uint64_t from;		/* bytes, from the beginning of the namespace */
	size_t len;
	uint8_t *want;
	uint8_t *got;
};

/* New contents, and written through the block device. */
void image_init(struct image *im, struct pt_ns *ns, uint64_t from, size_t len);
void image_refill(struct image *im, size_t at, size_t len);
/* What is there already; only read. */
void image_init_as_is(struct image *im, struct pt_ns *ns, uint64_t from,
		      size_t len);
void image_free(struct image *im);
/* What was read is what is known from here on. */
void image_read(struct image *im);
/* Each byte of it is what it must be, or the test fails. */
void image_check(struct image *im, const char *what);
/* Likewise of a part. */
void image_check_part(struct image *im, size_t at, size_t len,
		      const char *what);

/* The image as partition 1 of the block device, opened for reading and writing. */
int image_partition(struct image *im);
/* Close it and have it no more. */
void image_unpartition(struct image *im, int fd);

#define COPY_MAX_IMAGES		8

/* A copy: of parts of images to a part of one. */
struct copy {
	struct nvme_steer_copy_cmd cmd;
	struct nvme_steer_copy_range *range;
	struct image *dst;
	size_t at;		/* in @dst */
	size_t len;		/* of all ranges */
	struct image **src;	/* of each range */
	size_t *src_at;
	unsigned int nr, max;
	/* how it ended */
	int res;
	uint64_t bytes;
	unsigned int path;
};

/* Begin one, of at most @max ranges. */
void copy_init(struct copy *c, unsigned int max);
void copy_free(struct copy *c);
void copy_begin(struct copy *c, struct image *dst, size_t at,
		unsigned int flags);
/* One more range. @fd: -1 for the destination, else the file to name. */
void copy_add_fd(struct copy *c, struct image *src, size_t at, size_t len,
		 int fd);
void copy_add(struct copy *c, struct image *src, size_t at, size_t len);
/*
 * @nr ranges of @len bytes each, in no order, no two next to each other; the
 * last block of @src is not used.
 */
void copy_add_many(struct copy *c, struct image *src, unsigned int nr,
		   size_t len);
/* Have it name block devices, the destination's included. */
void copy_by_block(struct copy *c);

/* Put it into the ring; @how is PT_ASYNC or 0. */
void copy_queue(struct pt_ring *r, struct copy *c, unsigned int how,
		uint64_t user_data);
/* Its completion has come. */
void copy_ended(struct copy *c, int res, uint64_t big_cqe);
/* One copy, start to end; cqe->res. */
int copy_do(struct pt_ring *r, struct copy *c);

/* Range @i of a copy that has ended has no report: it was refused. */
bool copy_untouched(const struct copy *c, unsigned int i);

/* Do to the images in memory what the copy does to the devices. */
void copy_model(struct copy *c);
/* It says that all is copied, by @path unless that is 0. */
void copy_is_good(struct copy *c, unsigned int path, const char *what);
/* One copy: it is all done by @path, unless 0, and the destination is so. */
void copy_good(struct pt_ring *r, struct copy *c, unsigned int path,
	       const char *what);
/*
 * It was refused, with @error: nothing was written to the destination, and no
 * report to the array.
 */
void copy_refused(struct pt_ring *r, struct copy *c, int error,
		  const char *what);
/*
 * A copy that ended somehow, not refused: each range says the truth. What is
 * found in the destination is what is known from here on. Ranges must not
 * overlap what the copy writes.
 */
void copy_check_report(struct copy *c, const char *what);
/*
 * Likewise, and no range says less than was copied. So it is where the data is
 * read and written, and what failed has written nothing: a read, say.
 */
void copy_check_exact(struct copy *c, const char *what);

const char *copy_path_name(unsigned int path);

/* Events of copies of a controller, to be compared with those of later. */
struct copy_events {
	uint64_t offloaded, split, emulated, hybrid, failed, refused;
	uint64_t offloaded_bytes, split_bytes, emulated_bytes, hybrid_bytes;
	uint64_t failed_bytes;
	uint64_t why[NVME_STEER_COPY_WHY_CALLER];	/* 1 to METADATA */
	uint64_t wait;
};
void copy_events(int ctrl, struct copy_events *e);
/* What came since: @e becomes the difference. */
void copy_events_since(int ctrl, struct copy_events *e);
/* Bytes of all. */
uint64_t copy_events_bytes(const struct copy_events *e);
/* Since @before there was one copy, all done by its path. */
void copy_events_check(int ctrl, const struct copy_events *before,
		       const struct copy *c, const char *what);
/* Likewise, and it was refused. */
void copy_events_refused(int ctrl, const struct copy_events *before,
			 const char *what);

/* The tracepoint of copies, from here on and to the end of the test. */
void copy_trace(void);
/*
 * It has told of one copy since copy_trace() or this was called last, and what
 * the completion of @c says; @why is NVME_STEER_COPY_WHY_*, @answer that of the
 * policy's copy(). One that was refused has none for a path.
 */
void copy_trace_check(const struct copy *c, int answer, unsigned int why,
		      const char *what);

#endif /* COPY_TEST_H */
