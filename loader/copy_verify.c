// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a copy is the same as its source, as the block devices read both:
 * another way to the drive than the one that the copy took.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "copy_job.h"

#define SIZE		(1U << 20)

struct side {
	const struct copy_dev *dev;
	int fd;
	unsigned char *data;
};

struct verify {
	struct side from, to;
	struct copy_progress progress;
};

static int open_side(struct side *s, const struct copy_dev *d, char *why)
{
	char path[64];

	s->dev = d;
	snprintf(path, sizeof(path), "/dev/%s",
		 strcmp(d->name, d->ng) ? d->name : d->disk);
	s->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (s->fd >= 0)
		return 0;
	snprintf(why, COPY_WHY, "cannot open %s: %s", path, strerror(errno));
	return -errno;
}

static int read_side(const struct side *s, uint64_t offset, size_t len,
		     char *why)
{
	ssize_t got = pread(s->fd, s->data, len, offset);
	int err = got < 0 ? -errno : got == (ssize_t)len ? 0 : -EIO;

	if (err)
		snprintf(why, COPY_WHY, "cannot read %s at %llu", s->dev->arg,
			 (unsigned long long)offset);
	return err;
}

static size_t first_difference(const unsigned char *a, const unsigned char *b,
			       size_t len)
{
	size_t i = 0;

	if (!memcmp(a, b, len))
		return len;
	while (a[i] == b[i])
		i++;
	return i;
}

int copy_verify__possible(const struct copy_job *job, char *why)
{
	const struct copy_dev *d;
	uint64_t size;
	unsigned int i;

	if (job->serial) {
		snprintf(why, COPY_WHY,
			 "--verify has nothing to compare with: the copy overwrites some of its source; leave it out");
		return -EINVAL;
	}
	for (i = 0; i < job->nr_devs; i++) {
		d = job->devs[i];
		size = 0;
		if (d->block_fd >= 0 &&
		    !ioctl(d->block_fd, BLKGETSIZE64, &size) && size)
			continue;
		snprintf(why, COPY_WHY,
			 "--verify cannot read %s: it has no block device with data, the kernel does not know its format; leave it out",
			 d->arg);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int verify_range(struct verify *v, const struct copy_job *job,
			const struct copy_range *r, struct copy_difference *d,
			char *why)
{
	uint64_t to = job->to_offset + r->start, at;
	size_t len, same;
	int ret;

	for (at = 0; at < r->len; at += len) {
		if (copy_signal())
			return -EINTR;
		len = r->len - at < SIZE ? r->len - at : SIZE;
		ret = read_side(&v->from, r->offset + at, len, why);
		if (!ret)
			ret = read_side(&v->to, to + at, len, why);
		if (ret)
			return ret;
		same = first_difference(v->from.data, v->to.data, len);
		if (same < len) {
			*d = (struct copy_difference){
				.at = r->start + at + same,
				.range = r,
				.from = r->offset + at + same,
				.to = to + at + same,
				.should = v->from.data[same],
				.has = v->to.data[same],
			};
			return 1;
		}
		copy_progress__at(&v->progress, r->start + at + len);
	}
	return 0;
}

static int verify_all(struct verify *v, const struct copy_job *job,
		      struct copy_difference *d, char *why)
{
	const struct copy_range *r;
	int ret;

	ret = open_side(&v->to, job->to, why);
	for (r = job->ranges; !ret && r < job->ranges + job->nr; r++) {
		ret = open_side(&v->from, r->dev, why);
		if (ret)
			break;
		ret = verify_range(v, job, r, d, why);
		close(v->from.fd);
	}
	if (v->to.fd >= 0)
		close(v->to.fd);
	return ret;
}

int copy_verify(const struct copy_job *job, struct copy_difference *d,
		char *why)
{
	struct verify v = { .to.fd = -1 };
	int ret;

	v.from.data = aligned_alloc(4096, SIZE);
	v.to.data = aligned_alloc(4096, SIZE);
	if (!v.from.data || !v.to.data)
		abort();
	copy_progress__begin(&v.progress, "compared ", job->len);
	ret = verify_all(&v, job, d, why);
	copy_progress__end(&v.progress);
	free(v.from.data);
	free(v.to.data);
	return ret;
}
