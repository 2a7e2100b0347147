// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of other kernel modules; the contract is <nvmesteer/kcopy.h>.
 */
#include <linux/blkdev.h>
#include <linux/module.h>

#include <nvmesteer/kcopy.h>

#include "copy.h"

static void nvme_steer_kcopy_work(struct work_struct *work)
{
	nvme_steer_job_free(container_of(work, struct nvme_steer_copy_job,
					 work));
}

static void nvme_steer_kcopy_done(struct nvme_steer_copy_job *job,
				  struct nvme_steer_drain *drain)
{
	struct nvme_steer_kcopy *copy = job->owner;
	u32 i;

	for (i = 0; i < job->nr; i++)
		copy->ranges[i].status =
			nvme_steer_range_report(job, i, &copy->ranges[i].done);
	copy->status = job->status;
	copy->copied = job->copied;
	copy->path = job->path;
	copy->done(copy);
	queue_work(nvme_steer_copy_wq, &job->work);
}

/* Make a device part of the job: its side, or -errno. */
static int nvme_steer_kcopy_side(struct nvme_steer_copy_job *job,
				 struct block_device *bdev, u64 offset, u64 len)
{
	struct nvme_ns *ns;

	if (offset + len < offset || offset + len > bdev_nr_bytes(bdev))
		return -EINVAL;
	ns = nvme_steer_bdev_ns(bdev);
	return ns ? nvme_steer_job_side(job, ns) : -ENODEV;
}

static int nvme_steer_kcopy_fill(struct nvme_steer_copy_job *job,
				 const struct nvme_steer_kcopy *copy)
{
	u64 len = 0;
	int ret;
	u32 i;

	for (i = 0; i < copy->nr; i++)
		if (check_add_overflow(len, copy->ranges[i].len, &len))
			return -EINVAL;
	if (bdev_read_only(copy->bdev))
		return -EACCES;
	ret = nvme_steer_kcopy_side(job, copy->bdev, copy->offset, len);
	if (ret < 0)
		return ret;
	job->to = (copy->bdev->bd_start_sect << SECTOR_SHIFT) + copy->offset;
	for (i = 0; i < copy->nr; i++) {
		const struct nvme_steer_kcopy_range *from = &copy->ranges[i];
		struct block_device *bdev = from->bdev ?: copy->bdev;
		struct nvme_steer_source *r = &job->range[i];

		ret = nvme_steer_kcopy_side(job, bdev, from->offset, from->len);
		if (ret < 0)
			return ret;
		r->side = ret;
		job->own |= !ret;
		r->from = (bdev->bd_start_sect << SECTOR_SHIFT) + from->offset;
		r->len = from->len;
	}
	return 0;
}

/**
 * nvme_steer_kcopy - begin a copy
 * @copy: filled in; nvmesteer's until copy->done() is called
 *
 * Context: process, may sleep. The devices are held open by the caller.
 * Return: 0, and copy->done() tells how it went, maybe before this returns; or
 * -errno as in struct nvme_steer_copy_cmd, and nothing has happened.
 */
int nvme_steer_kcopy(struct nvme_steer_kcopy *copy)
{
	struct nvme_steer_copy_how how = {
		.sleep = true,
		.depth = copy->depth,
	};
	struct nvme_steer_copy_job *job;
	int ret;

	if (!nvme_steer_copy_makes_sense(copy->nr, copy->flags, copy->depth))
		return -EINVAL;
	job = nvme_steer_job_alloc(copy->nr);
	if (!job)
		return -ENOMEM;
	job->flags = copy->flags;
	job->done = nvme_steer_kcopy_done;
	job->owner = copy;
	INIT_WORK(&job->work, nvme_steer_kcopy_work);
	ret = nvme_steer_kcopy_fill(job, copy);
	if (ret)
		nvme_steer_job_refused(job, ret);
	else
		ret = nvme_steer_job_start(job, &how);
	if (ret)
		nvme_steer_job_free(job);
	return ret;
}
EXPORT_SYMBOL_GPL(nvme_steer_kcopy);
