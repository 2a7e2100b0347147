// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of applications: the uring_cmd of <nvmesteer/copy.h>, and how the
 * uring_cmds of all copies end.
 */
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "passthru.h"

/**
 * struct nvme_steer_place - a device that a caller named
 * @side:	of the job
 * @base:	bytes: where it begins in the namespace
 * @size:	its length, 0 where that is not known
 * @readable:	it is open for reading
 */
struct nvme_steer_place {
	int side;
	bool readable;
	u64 base;
	u64 size;
};

static void nvme_steer_uring_tell(struct io_uring_cmd *ioucmd,
				  unsigned int issue_flags)
{
	struct nvme_steer_copy_job *job = nvme_steer_pdu(ioucmd)->job;

	job->tell(job, issue_flags);
}

/* Leave a job that has ended to whoever drains, or to its ring. */
static void nvme_steer_uring_done(struct nvme_steer_copy_job *job,
				  struct nvme_steer_drain *drain)
{
	if (drain && drain->ring == job->ring) {
		job->next = drain->jobs;
		drain->jobs = job;
	} else {
		nvme_steer_tell(job->owner, nvme_steer_uring_tell);
	}
}

/**
 * nvme_steer_job_uring - make a job a uring_cmd's
 * @job: not started
 * @ioucmd: what it is done for
 * @tell: called once when it has ended, in task context with the ring's lock;
 *	frees the job and completes @ioucmd
 */
void nvme_steer_job_uring(struct nvme_steer_copy_job *job,
			  struct io_uring_cmd *ioucmd,
			  void (*tell)(struct nvme_steer_copy_job *job,
				       unsigned int issue_flags))
{
	const struct io_kiocb *req = cmd_to_io_kiocb(ioucmd);

	job->done = nvme_steer_uring_done;
	job->owner = ioucmd;
	job->ring = req->ctx;
	job->task = req->task;
	job->tell = tell;
}

/**
 * nvme_steer_copy_finish - finish what a round of polling left to the poller
 * @drain: its copies
 *
 * Context: task, uring_lock of drain->ring is held.
 */
void nvme_steer_copy_finish(struct nvme_steer_drain *drain)
{
	struct nvme_steer_copy_job *job, *next;

	for (job = drain->jobs; job; job = next) {
		next = job->next;
		job->tell(job, 0);
	}
}

/* Report a copy that is not all done, by its caller. */
static noinline void
nvme_steer_report_failed(const struct nvme_steer_copy_job *job)
{
	struct nvme_steer_copy_range __user *to = job->array;
	u64 done;
	int status;
	u32 i;

	for (i = 0; i < job->nr; i++, to++) {
		status = nvme_steer_range_report(job, i, &done);
		if (put_user(status, &to->status) || put_user(done, &to->done))
			return;
	}
}

/* Write the report to the caller's array, if this is the caller. */
static __always_inline void nvme_steer_report(const struct nvme_steer_copy_job *job)
{
	struct nvme_steer_copy_range __user *to = job->array;
	const struct nvme_steer_source *r = job->range, *end = r + job->nr;

	if (current->mm != job->mm)
		return;
	if (unlikely(job->status)) {
		nvme_steer_report_failed(job);
		return;
	}
	if (!user_write_access_begin(to, job->nr * sizeof(*to)))
		return;
	do {
		unsafe_put_user(0, &to->status, fault);
		unsafe_put_user(r->len, &to->done, fault);
		to++;
	} while (++r < end);
fault:
	user_write_access_end();
}

static void nvme_steer_async_tell(struct nvme_steer_copy_job *job,
				  unsigned int issue_flags)
{
	struct io_uring_cmd *ioucmd = job->owner;
	u64 result = job->copied | (u64)job->path << 60;
	int status = job->status;

	nvme_steer_report(job);
	nvme_steer_job_free(job);
	io_uring_cmd_done(ioucmd, status, result, issue_flags);
}

/* May the file's owner send such a command to the namespace? */
static int nvme_steer_may(struct nvme_ns *ns, bool write)
{
	struct nvme_command cmd = {
		.rw.opcode = write ? nvme_cmd_write : nvme_cmd_read,
		.rw.nsid = cpu_to_le32(ns->head->ns_id),
	};

	return nvme_steer_cmd_allowed(ns, &cmd, write);
}

/* Make a file part of the job. 0 or -errno. */
static int nvme_steer_place_file(struct nvme_steer_copy_job *job,
				 struct file *file, bool write,
				 struct nvme_steer_place *place)
{
	struct block_device *bdev = NULL;
	struct nvme_ns *ns;
	int ret;

	if (!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	place->base = 0;
	place->readable = file->f_mode & FMODE_READ;
	if (S_ISBLK(file_inode(file)->i_mode)) {
		bdev = I_BDEV(file->f_mapping->host);
		ns = nvme_steer_bdev_ns(bdev);
		place->base = bdev->bd_start_sect << SECTOR_SHIFT;
		place->size = bdev_nr_bytes(bdev);
	} else {
		ns = nvme_steer_file_ns(file);
		if (ns)
			place->size = get_capacity(ns->disk) << SECTOR_SHIFT;
	}
	if (!ns)
		return -ENODEV;
	ret = bdev ? 0 : nvme_steer_may(ns, write);
	if (!ret && bdev && write && bdev_read_only(bdev))
		ret = -EACCES;
	if (ret) {
		nvme_put_ns(ns);
		return ret;
	}
	ret = nvme_steer_job_side(job, ns);
	if (ret < 0)
		return ret;
	place->side = ret;
	return 0;
}

static int nvme_steer_place_fd(struct nvme_steer_copy_job *job, int fd,
			       bool write, struct nvme_steer_place *place)
{
	struct file *file = fget(fd);
	int ret;

	if (!file)
		return -EBADF;
	ret = nvme_steer_place_file(job, file, write, place);
	fput(file);
	return ret;
}

/* Is a stretch inside the device? */
static bool nvme_steer_inside(const struct nvme_steer_place *place, u64 offset,
			      u64 len)
{
	if (!place->size)
		return offset + len >= offset;
	return len <= place->size && offset <= place->size - len;
}

/* Ranges read at a time. */
#define NVME_STEER_COPY_FEW	16

/*
 * Read some of the ranges, and see that they can be written to: what cannot be
 * reported is not begun.
 */
static int nvme_steer_fetch_ranges(struct nvme_steer_copy_range *to,
				   struct nvme_steer_copy_range __user *from,
				   u32 nr)
{
	struct nvme_steer_copy_range *end = to + nr;

	if (!user_access_begin(from, nr * sizeof(*from)))
		return -EFAULT;
	for (; to < end; to++, from++) {
		unsafe_get_user(to->fd, &from->fd, fault);
		unsafe_get_user(to->status, &from->status, fault);
		unsafe_get_user(to->offset, &from->offset, fault);
		unsafe_get_user(to->len, &from->len, fault);
		unsafe_put_user(to->status, &from->status, fault);
	}
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/* Read the ranges; their length. 0 or -errno. */
static int nvme_steer_read_ranges(struct nvme_steer_copy_job *job,
				  const struct nvme_steer_place *to, u64 *len)
{
	struct nvme_steer_copy_range few[NVME_STEER_COPY_FEW]
		nvme_steer_uninitialized, *range = few;
	struct nvme_steer_copy_range __user *from = job->array;
	struct nvme_steer_place place = *to;
	struct nvme_steer_source *r = job->range;
	u32 i, left = 0;
	int ret, fd = -1;

	*len = 0;
	for (i = 0; i < job->nr; i++, left--, range++, r++) {
		if (!left) {
			left = min(job->nr - i, NVME_STEER_COPY_FEW);
			ret = nvme_steer_fetch_ranges(few, from + i, left);
			if (ret)
				return ret;
			range = few;
		}
		if (unlikely(range->fd != fd)) {
			fd = range->fd;
			place = *to;
			ret = fd == -1 ? 0 : nvme_steer_place_fd(job, fd, false,
								 &place);
			if (ret)
				return ret;
		}
		if (unlikely(!place.readable))
			return -EBADF;
		if (unlikely(!nvme_steer_inside(&place, range->offset,
						range->len) ||
			     check_add_overflow(*len, range->len, len)))
			return -EINVAL;
		r->side = place.side;
		r->from = place.base + range->offset;
		r->len = range->len;
		job->own |= !place.side;
	}
	return 0;
}

/* Fill the job: destination and sources. 0 or -errno. */
static noinline int nvme_steer_async_fill(struct nvme_steer_copy_job *job,
					  struct nvme_ns *ns, struct file *file,
					  int dst_fd, u64 dst)
{
	struct nvme_steer_place to = { };
	u64 len;
	int ret;

	if (dst_fd != -1) {
		ret = nvme_steer_place_fd(job, dst_fd, true, &to);
	} else if (!(file->f_mode & FMODE_WRITE)) {
		ret = -EBADF;
	} else {
		ret = nvme_steer_may(ns, true);
		if (!ret && !kref_get_unless_zero(&ns->kref))
			ret = -ENODEV;
		if (!ret)
			ret = nvme_steer_job_side(job, ns);
		to.readable = file->f_mode & FMODE_READ;
		to.size = get_capacity(ns->disk) << SECTOR_SHIFT;
	}
	if (!ret)
		ret = nvme_steer_read_ranges(job, &to, &len);
	if (ret)
		return ret;
	if (!nvme_steer_inside(&to, dst, len))
		return -EINVAL;
	job->to = to.base + dst;
	return 0;
}

/* What is known of ranges of the file's own namespace, of a short copy. */
struct nvme_steer_extent {
	u64 bits;		/* of all offsets and lengths */
	u64 low;		/* where the first one begins */
	u64 high;		/* and the last one ends */
};

/*
 * Read the ranges, and see that they can be written to. False if there are
 * others than few short ones of the file's own namespace, or they cannot be
 * read without sleeping: nothing is said about that here.
 */
static __always_inline bool
nvme_steer_own_ranges(struct nvme_steer_copy_job *job,
		      struct nvme_steer_extent *own)
{
	struct nvme_steer_copy_range __user *from = job->array;
	struct nvme_steer_source *r = job->few, *end = r + job->nr;
	u64 pos = 0, low = U64_MAX, high = 0, bits = 0, longest = 0;
	bool fits = false;
	u32 status, fd;

	pagefault_disable();
	if (!user_access_begin(from, job->nr * sizeof(*from)))
		goto enable;
	for (; r < end; r++, from++) {
		unsafe_get_user(fd, &from->fd, fault);
		unsafe_get_user(status, &from->status, fault);
		unsafe_get_user(r->from, &from->offset, fault);
		unsafe_get_user(r->len, &from->len, fault);
		unsafe_put_user(status, &from->status, fault);
		/* with no sum of these beyond 64 bits */
		if (fd != -1 || r->from > S64_MAX || !r->len ||
		    r->len > NVME_STEER_COPY_DATA)
			goto fault;
		r->pos = pos;
		r->side = 0;
		r->down = false;
		bits |= r->from | r->len;
		low = min(low, r->from);
		high = max(high, r->from + r->len);
		longest = max(longest, r->len);
		pos += r->len;
	}
	job->len = pos;
	job->longest = longest;
	own->bits = bits;
	own->low = low;
	own->high = high;
	fits = true;
fault:
	user_access_end();
enable:
	pagefault_enable();
	return fits;
}

/*
 * Begin a copy within the file's own namespace, if that is short and nothing
 * else is to be known. Returns as nvme_steer_job_start_own() does.
 */
static __always_inline int
nvme_steer_async_own(struct nvme_steer_copy_job *job, struct nvme_ns *ns,
		     const struct nvme_steer_copy_how *how, s32 dst_fd, u64 dst)
{
	const struct file *file = how->ioucmd->file;
	struct nvme_steer_extent own nvme_steer_uninitialized;
	u64 size = get_capacity(ns->disk) << SECTOR_SHIFT;

	if (dst_fd != -1 || !(file->f_mode & FMODE_READ) ||
	    !nvme_steer_is_allowed(ns->head, file, nvme_cmd_read) ||
	    !nvme_steer_is_allowed(ns->head, file, nvme_cmd_write) ||
	    !nvme_steer_own_ranges(job, &own))
		return 1;
	if (job->len > NVME_STEER_COPY_DATA || own.high > size || dst > size ||
	    job->len > size - dst || (own.low < dst + job->len &&
				      dst < own.high))
		return 1;
	job->to = dst;
	return nvme_steer_job_start_own(job, ns, own.bits | dst, how);
}

/* What the SQE of a copy says. */
struct nvme_steer_async_args {
	u64 ranges;
	u64 dst;
	s32 dst_fd;
	u32 nr;
	u32 flags;
	u32 depth;
};

/* Read it. False: it makes no sense. */
static __always_inline bool
nvme_steer_async_read(const struct io_uring_cmd *ioucmd,
		      struct nvme_steer_async_args *args)
{
	const struct nvme_steer_copy_cmd *sqe = io_uring_sqe_cmd(ioucmd->sqe);

	BUILD_BUG_ON(sizeof(*sqe) > 80);
	args->ranges = READ_ONCE(sqe->ranges);
	args->dst = READ_ONCE(sqe->dst);
	args->dst_fd = READ_ONCE(sqe->dst_fd);
	args->nr = READ_ONCE(sqe->nr);
	args->flags = READ_ONCE(sqe->flags);
	args->depth = READ_ONCE(sqe->depth);
	return nvme_steer_copy_makes_sense(args->nr, args->flags,
					   args->depth) &&
	       !(READ_ONCE(sqe->rsvd[0]) | READ_ONCE(sqe->rsvd[1]) |
		 READ_ONCE(sqe->rsvd[2]) | READ_ONCE(sqe->rsvd[3]));
}

static __always_inline void
nvme_steer_async_job(struct nvme_steer_copy_job *job,
		     struct io_uring_cmd *ioucmd, unsigned int issue_flags,
		     const struct nvme_steer_async_args *args,
		     struct nvme_steer_copy_how *how)
{
	job->flags = args->flags;
	nvme_steer_job_uring(job, ioucmd, nvme_steer_async_tell);
	job->mm = current->mm;
	job->array = u64_to_user_ptr(args->ranges);
	nvme_steer_how_uring(how, ioucmd, issue_flags);
	how->depth = args->depth;
}

/* Begin any copy. It may sleep, and the policy may go meanwhile. */
static noinline int nvme_steer_async(struct nvme_ns *ns,
				     struct io_uring_cmd *ioucmd,
				     unsigned int issue_flags)
{
	struct nvme_steer_async_args args;
	struct nvme_steer_copy_job *job;
	struct nvme_steer_copy_how how;
	int ret;

	if (!nvme_steer_async_read(ioucmd, &args))
		return -EINVAL;
	if (!try_module_get(THIS_MODULE))
		return NVME_STEER_PASS;
	job = nvme_steer_job_alloc(args.nr);
	ret = -ENOMEM;
	if (!job)
		goto put;
	nvme_steer_async_job(job, ioucmd, issue_flags, &args, &how);
	ret = nvme_steer_async_fill(job, ns, ioucmd->file, args.dst_fd,
				    args.dst);
	if (ret)
		nvme_steer_job_refused(job, ret);
	else
		ret = nvme_steer_job_start(job, &how);
	if (ret)
		nvme_steer_job_free(job);
	else
		ret = -EIOCBQUEUED;
put:
	module_put(THIS_MODULE);
	return ret;
}

/**
 * nvme_steer_copy_uring - begin a copy of an application
 * @ns: the namespace of the file it was sent to
 * @ioucmd: NVME_STEER_URING_CMD_COPY
 * @issue_flags: of the uring_cmd
 *
 * A short one within the file's own namespace without sleeping: its queue keeps
 * the module and the controller for it. No array is in its frame.
 *
 * Context: task, may sleep.
 * Return: as the uring_cmd hook does.
 */
__no_stack_protector
int nvme_steer_copy_uring(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			  unsigned int issue_flags)
{
	struct nvme_steer_async_args args nvme_steer_uninitialized;
	struct nvme_steer_copy_how how nvme_steer_uninitialized;
	struct nvme_steer_copy_job *job;
	int ret;

	if (unlikely(!nvme_steer_async_read(ioucmd, &args)))
		return -EINVAL;
	job = args.nr <= NVME_STEER_COPY_READS ?
	      nvme_steer_job_spare(args.nr) : NULL;
	if (likely(job)) {
		job->lent = true;
		nvme_steer_async_job(job, ioucmd, issue_flags, &args, &how);
		ret = nvme_steer_async_own(job, ns, &how, args.dst_fd,
					   args.dst);
		if (likely(!ret))
			return -EIOCBQUEUED;
		nvme_steer_job_free(job);
		if (ret < 0)
			return ret;
	}
	return nvme_steer_async(ns, ioucmd, issue_flags);
}
