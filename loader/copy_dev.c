// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of a copy: from what the user calls them to open files, and
 * whether the numbers given fit them. A destination that is in use is not
 * opened, and nothing else can begin to use it while it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/nvme_ioctl.h>

#include "copy_job.h"

#define IDENTIFY	0x06
#define ID_SIZE		4096
/* of logical blocks */
#define MIN_SHIFT	9
#define MAX_SHIFT	20

/* ------------------------------------------------------------------- names */

/* The kernel's own path of a device: ".../nvme0n1/nvme0n1p2". */
static bool sysfs_of(const struct stat *st, char real[PATH_MAX])
{
	char link[PATH_MAX];

	snprintf(link, sizeof(link), "%s/dev/%s/%u:%u", kstate_sysfs,
		 S_ISBLK(st->st_mode) ? "block" : "char", major(st->st_rdev),
		 minor(st->st_rdev));
	return realpath(link, real);
}

static bool file_of(const char *dir, const char *file, char *text, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= PATH_MAX)
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, size, f))
		*text = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return *text;
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int no_namespace(const struct copy_dev *d, char *why)
{
	snprintf(why, COPY_WHY,
		 "'%.128s' is not an NVMe namespace; one looks like /dev/nvme0n1 or /dev/ng0n1",
		 d->arg);
	return -ENODEV;
}

/* Its names, from its place in sysfs. */
static int name_it(struct copy_dev *d, const struct stat *st, char *why)
{
	char real[PATH_MAX], text[32], *slash;
	unsigned int ctrl, ns;
	int end = 0;

	if ((!S_ISBLK(st->st_mode) && !S_ISCHR(st->st_mode)) ||
	    !sysfs_of(st, real))
		return no_namespace(d, why);
	snprintf(d->name, sizeof(d->name), "%.31s", last_of(real));
	if (file_of(real, "partition", text, sizeof(text))) {
		if (file_of(real, "start", text, sizeof(text)))
			d->start = strtoull(text, NULL, 10) * 512;
		slash = strrchr(real, '/');
		*slash = '\0';
	}
	if (sscanf(last_of(real), S_ISBLK(st->st_mode) ? "nvme%un%u%n" :
				  "ng%un%u%n", &ctrl, &ns, &end) != 2 ||
	    !end || last_of(real)[end])
		return no_namespace(d, why);
	snprintf(d->disk, sizeof(d->disk), "nvme%un%u", ctrl, ns);
	snprintf(d->ng, sizeof(d->ng), "ng%un%u", ctrl, ns);
	return 0;
}

/* Two names of one namespace have the same. */
static void identify_it(struct copy_dev *d)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/class/block/%s", kstate_sysfs, d->disk);
	if (!file_of(dir, "wwid", d->id, sizeof(d->id)))
		snprintf(d->id, sizeof(d->id), "%s", d->ng);
}

static bool is_block(const struct copy_dev *d)
{
	return strcmp(d->name, d->ng);
}

static bool is_partition(const struct copy_dev *d)
{
	return is_block(d) && strcmp(d->name, d->disk);
}

/* ----------------------------------------------------------------- opening */

static int cannot_open(const struct copy_dev *d, const char *path, int err,
		       char *why)
{
	const char *remedy = "";

	if (err == EACCES || err == EPERM)
		remedy = "; run it as root";
	else if (err == EROFS)
		remedy = "; it is set read-only";
	snprintf(why, COPY_WHY, "cannot open %s for '%.128s': %s%s", path,
		 d->arg, strerror(err), remedy);
	return -err;
}

static int busy(const struct copy_dev *d, const char *name, char *why)
{
	char who[256];

	copy_use__who(name, who, sizeof(who));
	snprintf(why, COPY_WHY,
		 "%s would be overwritten, but %s; end that first, or use --force",
		 d->arg, who);
	return -EBUSY;
}

static int open_ng(struct copy_dev *d, bool write, char *why)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", d->ng);
	d->ng_fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (d->ng_fd >= 0)
		return 0;
	return cannot_open(d, path, errno, why);
}

/* The block device, which also tells whether anyone uses it. */
static int open_block(struct copy_dev *d, bool write, bool force, char *why)
{
	int flags = O_CLOEXEC | (write && !force ? O_EXCL : 0);
	const char *name = is_block(d) ? d->name : d->disk;
	char path[64];

	if (is_block(d))
		flags |= write ? O_RDWR : O_RDONLY;
	snprintf(path, sizeof(path), "/dev/%s", name);
	d->block_fd = open(is_block(d) ? d->path : path, flags);
	if (d->block_fd >= 0)
		return 0;
	if (errno == EBUSY && write && !force)
		return busy(d, name, why);
	/* a namespace need not have one */
	return is_block(d) ? cannot_open(d, d->path, errno, why) : 0;
}

/* Size and block size of the whole namespace, as the controller says. */
static int identify_namespace(struct copy_dev *d, char *why)
{
	unsigned char *id = calloc(1, ID_SIZE);
	struct nvme_passthru_cmd cmd = {
		.opcode = IDENTIFY,
		.addr = (uintptr_t)id,
		.data_len = ID_SIZE,
	};
	unsigned int format, shift;
	uint64_t blocks;
	int ret, err;

	if (!id)
		abort();
	ret = ioctl(d->ng_fd, NVME_IOCTL_ID);
	if (ret >= 0) {
		cmd.nsid = d->nsid = ret;
		ret = ioctl(d->ng_fd, NVME_IOCTL_ADMIN_CMD, &cmd);
	}
	err = ret < 0 ? -errno : ret ? -EIO : 0;
	format = (id[26] & 0xf) | (id[26] >> 5 & 3) << 4;
	shift = id[128 + 4 * format + 2];
	memcpy(&blocks, id, sizeof(blocks));
	free(id);
	if (err || shift < MIN_SHIFT || shift > MAX_SHIFT) {
		snprintf(why, COPY_WHY,
			 "the controller does not say how large %s is", d->ng);
		return err ? err : -EIO;
	}
	d->block_size = 1U << shift;
	d->size = blocks << shift;
	return 0;
}

static int open_dev(struct copy_dev *d, bool write, bool force, char *why)
{
	struct stat st;
	int ret;

	snprintf(d->path, sizeof(d->path), "%s%.240s",
		 strchr(d->arg, '/') ? "" : "/dev/", d->arg);
	if (stat(d->path, &st)) {
		snprintf(why, COPY_WHY,
			 "there is no %s; 'ls /dev/nvme*n*' shows the namespaces",
			 d->path);
		return -errno;
	}
	ret = name_it(d, &st, why);
	if (ret)
		return ret;
	identify_it(d);
	ret = open_ng(d, write, why);
	if (!ret)
		ret = open_block(d, write, force, why);
	if (!ret)
		ret = identify_namespace(d, why);
	if (ret)
		return ret;
	if (is_partition(d) && ioctl(d->block_fd, BLKGETSIZE64, &d->size))
		return cannot_open(d, d->path, errno, why);
	d->fd = is_block(d) ? d->block_fd : d->ng_fd;
	return 0;
}

static int add_dev(struct copy_job *job, const char *arg, bool write,
		   struct copy_dev **dev, char *why)
{
	struct copy_dev *d = calloc(1, sizeof(*d));

	job->devs = reallocarray(job->devs, job->nr_devs + 1,
				 sizeof(*job->devs));
	if (!d || !job->devs)
		abort();
	d->arg = strdup(arg);
	d->fd = d->ng_fd = d->block_fd = -1;
	job->devs[job->nr_devs++] = d;
	*dev = d;
	return open_dev(d, write, job->force, why);
}

/* Behind the destination, which is open for writing. */
static struct copy_dev *source_called(const struct copy_job *job,
				      const char *arg)
{
	unsigned int i;

	for (i = 1; i < job->nr_devs; i++)
		if (!strcmp(job->devs[i]->arg, arg))
			return job->devs[i];
	return NULL;
}

void copy_dev__close_all(struct copy_job *job)
{
	struct copy_dev *d;
	unsigned int i;

	for (i = 0; i < job->nr_devs; i++) {
		d = job->devs[i];
		if (d->block_fd >= 0)
			close(d->block_fd);
		if (d->ng_fd >= 0)
			close(d->ng_fd);
		free(d->arg);
		free(d);
	}
	free(job->devs);
	job->devs = NULL;
	job->nr_devs = 0;
}

/* Without the privilege for it, what is written is written back at least. */
void copy_dev__flush(const struct copy_dev *d)
{
	if (d->block_fd >= 0 && ioctl(d->block_fd, BLKFLSBUF, 0))
		fsync(d->block_fd);
}

/* ----------------------------------------------------------------- numbers */

static int misaligned(const char *what, uint64_t value, const struct copy_dev *d,
		      char *why)
{
	snprintf(why, COPY_WHY,
		 "%s %" PRIu64 " is not a multiple of %u, the block size of %s",
		 what, value, d->block_size, d->arg);
	return -EINVAL;
}

static int check_range(const struct copy_job *job, struct copy_range *r,
		       char *why)
{
	const struct copy_dev *d = r->dev;

	if (r->to_end && r->offset <= d->size)
		r->len = d->size - r->offset;
	if (r->offset % d->block_size)
		return misaligned("offset", r->offset, d, why);
	if (r->len % d->block_size)
		return misaligned("length", r->len, d, why);
	if (r->len % job->to->block_size)
		return misaligned("length", r->len, job->to, why);
	if (r->offset > d->size || r->len > d->size - r->offset) {
		snprintf(why, COPY_WHY,
			 "%s:%" PRIu64 "+%" PRIu64 " ends beyond the end of %s, which has %" PRIu64 " bytes",
			 d->arg, r->offset, r->len, d->arg, d->size);
		return -EINVAL;
	}
	if (r->len)
		return 0;
	snprintf(why, COPY_WHY, "there is nothing to copy from %s:%" PRIu64 ": the length is 0",
		 d->arg, r->offset);
	return -EINVAL;
}

static int check_destination(const struct copy_job *job, char *why)
{
	const struct copy_dev *d = job->to;
	uint64_t room = d->size, len = 0;
	unsigned int i;

	if (job->to_offset % d->block_size)
		return misaligned("offset", job->to_offset, d, why);
	room = job->to_offset < d->size ? d->size - job->to_offset : 0;
	for (i = 0; i < job->nr && len <= room; i++)
		len += job->ranges[i].len;
	if (len <= room)
		return 0;
	snprintf(why, COPY_WHY,
		 "the copy does not fit: behind %s:%" PRIu64 " there is room for %" PRIu64 " bytes, and it has %s%" PRIu64,
		 d->arg, job->to_offset, room, i < job->nr ? "more than " : "",
		 i < job->nr ? room : len);
	return -EINVAL;
}

int copy_dev__open_all(struct copy_job *job, char *why)
{
	struct copy_range *r;
	int ret;

	ret = add_dev(job, job->to_arg, true, &job->to, why);
	for (r = job->ranges; !ret && r < job->ranges + job->nr; r++) {
		r->dev = source_called(job, r->dev_arg);
		if (!r->dev)
			ret = add_dev(job, r->dev_arg, false, &r->dev, why);
		if (!ret)
			ret = check_range(job, r, why);
	}
	return ret ? ret : check_destination(job, why);
}
