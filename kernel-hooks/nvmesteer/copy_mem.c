// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a copy: got and given back, mostly without an allocation.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "copy_send.h"

/*
 * One that has ended is left here for the next copy on the CPU, whichever
 * controller's that is. Exchanged by one instruction; what is left is freed
 * with the module.
 */
DEFINE_PER_CPU(struct nvme_steer_copy_job *, nvme_steer_spare_job);

/*
 * They come from a cache with a constructor for what is the same in each, so
 * kernels built to clear what is allocated (CONFIG_INIT_ON_ALLOC) do not. So do
 * the ranges that a job has no room for, up to as many as a Copy command has;
 * each is written before it is read.
 */
static struct kmem_cache *nvme_steer_jobs, *nvme_steer_ranges;
#define NVME_STEER_MANY_RANGES	256

static void nvme_steer_job_construct(void *memory)
{
	struct nvme_steer_copy_job *job = memory;
	unsigned int i;

	spin_lock_init(&job->lock);
	for (i = 0; i < NVME_STEER_FEW_LANES; i++)
		nvme_steer_lane_construct(&job->few_lanes[i], job);
}

static void nvme_steer_ranges_construct(void *memory)
{
}

int nvme_steer_copies_init(void)
{
	nvme_steer_jobs = kmem_cache_create("nvme_steer_copy",
					    sizeof(struct nvme_steer_copy_job),
					    0, SLAB_HWCACHE_ALIGN,
					    nvme_steer_job_construct);
	nvme_steer_ranges = kmem_cache_create("nvme_steer_ranges",
					      NVME_STEER_MANY_RANGES *
					      sizeof(struct nvme_steer_source),
					      0, SLAB_ACCOUNT,
					      nvme_steer_ranges_construct);
	if (nvme_steer_jobs && nvme_steer_ranges)
		return 0;
	nvme_steer_copies_exit();
	return -ENOMEM;
}

void nvme_steer_copies_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu(nvme_steer_spare_job, cpu))
			kmem_cache_free(nvme_steer_jobs,
					per_cpu(nvme_steer_spare_job, cpu));
	kmem_cache_destroy(nvme_steer_jobs);
	kmem_cache_destroy(nvme_steer_ranges);
}

/*
 * One that was constructed some time. With CONFIG_DEBUG_OBJECTS_WORK a work that
 * was freed is one that nobody has initialised, and the constructor does not run
 * again; without it __init_work() is nothing.
 */
static struct nvme_steer_copy_job *nvme_steer_job_new(void)
{
	struct nvme_steer_copy_job *job;
	unsigned int i;

	job = kmem_cache_alloc(nvme_steer_jobs, GFP_KERNEL);
	for (i = 0; job && i < NVME_STEER_FEW_LANES; i++)
		__init_work(&job->few_lanes[i].work, 0);
	return job;
}

/* Ranges of a job that has no room for them. */
static struct nvme_steer_source *nvme_steer_ranges_alloc(u32 nr)
{
	if (nr <= NVME_STEER_MANY_RANGES)
		return kmem_cache_alloc(nvme_steer_ranges, GFP_KERNEL);
	return kvmalloc_array(nr, sizeof(struct nvme_steer_source),
			      GFP_KERNEL_ACCOUNT);
}

static void nvme_steer_ranges_free(struct nvme_steer_source *ranges, u32 nr)
{
	if (nr <= NVME_STEER_MANY_RANGES)
		kmem_cache_free(nvme_steer_ranges, ranges);
	else
		kvfree(ranges);
}

/**
 * nvme_steer_job_alloc - a copy of so many ranges, of nothing yet
 * @nr: ranges, 1 and up
 *
 * Context: task; holds the module.
 * Return: the job, whose ranges and destination the caller fills in, or NULL.
 */
struct nvme_steer_copy_job *nvme_steer_job_alloc(u32 nr)
{
	struct nvme_steer_copy_job *job = nvme_steer_job_spare(nr);

	if (unlikely(!job)) {
		job = nvme_steer_job_new();
		if (!job)
			return NULL;
		nvme_steer_job_init(job, nr);
	}
	/* for nvme_steer_job_refused() */
	job->to = 0;
	job->len = 0;
	job->answer = 0;
	job->why = NVME_STEER_COPY_WHY_NONE;
	if (nr > NVME_STEER_FEW_RANGES)
		job->range = nvme_steer_ranges_alloc(nr);
	if (!job->range) {
		kmem_cache_free(nvme_steer_jobs, job);
		return NULL;
	}
	__module_get(THIS_MODULE);
	return job;
}

/* Give back its queue, and the slots that the short way has left. */
static __always_inline void
nvme_steer_job_put_queue(struct nvme_steer_copy_job *job)
{
	struct nvme_steer_lane *lane = job->few_lanes;
	struct nvme_steer_queue *q = job->q;
	bool last;

	nvme_steer_enter();
	nvme_steer_lock(&q->sq_lock);
	if (lane->nr_slots)
		nvme_steer_lane_free_slots(lane);
	/* nobody else may come by for these any more */
	if (unlikely(q->shared || READ_ONCE(q->given_head) != q->given_tail))
		nvme_steer_collected(q);
	last = !--q->refs;
	nvme_steer_unlock(&q->sq_lock);
	nvme_steer_leave();
	if (unlikely(last))
		queue_work(nvme_steer_wq, &q->free_work);
}

/**
 * nvme_steer_job_free - free a job that was not started, or has ended
 * @job: the job
 *
 * Context: task.
 */
void nvme_steer_job_free(struct nvme_steer_copy_job *job)
{
	unsigned int left = job->nr_sides;
	bool lent = job->lent;

	if (job->q)
		nvme_steer_job_put_queue(job);
	if (left && job->sc && !lent)
		nvme_steer_ctrl_put(job->sc);
	while (left)
		nvme_put_ns(job->side[--left].ns);
	if (job->lanes != job->few_lanes)
		kvfree(job->lanes);
	if (job->range != job->few)
		nvme_steer_ranges_free(job->range, job->nr);
	if (job->descs)
		kfree(job->descs);
	job = this_cpu_xchg(nvme_steer_spare_job, job);
	if (unlikely(job))
		kmem_cache_free(nvme_steer_jobs, job);
	if (unlikely(!lent))
		module_put(THIS_MODULE);
}
