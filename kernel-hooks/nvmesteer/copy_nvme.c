// SPDX-License-Identifier: GPL-2.0
/*
 * NVMe Copy commands sent by passthrough, uring_cmds and ioctls, to a
 * controller with a policy: each becomes a copy of the engine, whether or not
 * the controller could carry it out, and ends with the status that the
 * specification gives.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "copy.h"
#include "passthru.h"

/* Bits of CDW12 that the engine makes itself: number, format, FUA. */
#define NVME_STEER_COPY_OWN_BITS	(0xfffU | NVME_STEER_COPY_FUA_BIT)

/*
 * In CDW12 what the destination's blocks are to be besides data: a directive,
 * which a controller may know, and a command extension, the key they are to be
 * encrypted by; a descriptor has that of the blocks it reads.
 *
 * Reserved bits are ignored, as the specification lets a controller, until it
 * gives them a meaning without which a copy would silently be another one, as
 * it has given one to a descriptor's CETYPE.
 */
#define NVME_STEER_COPY_DTYPE		(0xfU << 20)
#define NVME_STEER_COPY_CETYPE		(0xfU << 16)
#define NVME_STEER_DESC_CETYPE		0xf

static u32 nvme_steer_copy_nr(const struct nvme_command *cmd)
{
	return (le32_to_cpu(cmd->common.cdw12) & 0xff) + 1;
}

static unsigned int nvme_steer_copy_format(const struct nvme_command *cmd)
{
	return le32_to_cpu(cmd->common.cdw12) >> 8 & 0xf;
}

static u32 nvme_steer_copy_size(const struct nvme_command *cmd)
{
	return nvme_steer_copy_format(cmd) & 1 ? 40 : 32;
}

/* Can the namespace take the command at all? 0 or an NVMe status. */
static int nvme_steer_copy_check(const struct nvme_ns *ns,
				 const struct nvme_command *cmd)
{
	unsigned int format = nvme_steer_copy_format(cmd);

	if (format >= NVME_STEER_COPY_FORMATS)
		return NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
	if (le32_to_cpu(cmd->common.cdw12) & NVME_STEER_COPY_CETYPE)
		return NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
	if ((format & 1) != nvme_steer_wide_guards(ns->head))
		return NVME_SC_INVALID_FORMAT | NVME_STATUS_DNR;
	return 0;
}

/* Does a namespace have the blocks? Unknown where the driver shows none. */
static bool nvme_steer_in_range(const struct nvme_ns *ns, u64 slba, u64 blocks)
{
	u64 capacity = get_capacity(ns->disk) << SECTOR_SHIFT >>
		       ns->head->lba_shift;

	if (slba > U64_MAX >> ns->head->lba_shift)
		return false;
	return !capacity || (slba <= capacity && blocks <= capacity - slba);
}

/*
 * The namespace a descriptor names: its index in the job, or -errno, or an NVMe
 * status. Who may send commands to one namespace may not read the others.
 */
static int nvme_steer_desc_side(struct nvme_steer_copy_job *job, u32 nsid,
				int *side)
{
	struct nvme_ns *ns = job->side[0].ns;
	int ret;

	*side = 0;
	if (nsid == ns->head->ns_id)
		return 0;
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	ns = nvme_find_get_ns(ns->ctrl, nsid);
	if (!ns)
		return NVME_SC_INVALID_NS | NVME_STATUS_DNR;
	ret = nvme_steer_job_side(job, ns);
	/* of more namespaces than the engine can */
	if (ret < 0)
		return NVME_SC_CMD_SIZE_LIM_EXCEEDED | NVME_STATUS_DNR;
	*side = ret;
	return 0;
}

/*
 * What cannot be honoured by reading and writing: by the controller, as it is
 * written there, or not at all.
 */
static void nvme_steer_copy_only(struct nvme_steer_copy_job *job, u32 cdw12)
{
	if (job->sopt & NVME_STEER_COPY_FCO)
		job->unable = NVME_STEER_SC_FAST_COPY | NVME_STATUS_DNR;
	if ((cdw12 & NVME_STEER_COPY_DTYPE) ||
	    (job->sopt & ~NVME_STEER_COPY_FCO))
		job->unable = NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
	if (job->unable)
		job->flags |= NVME_STEER_COPY_F_OFFLOAD;
}

/* Fill @job from a command and its descriptors. 0, -errno or an NVMe status. */
static int nvme_steer_copy_fill(struct nvme_steer_copy_job *job,
				const struct nvme_command *cmd)
{
	const struct nvme_steer_side *to = &job->side[0];
	u32 cdw12 = le32_to_cpu(cmd->common.cdw12), size, i;
	const u8 *descs = job->descs;
	bool several = nvme_steer_copy_format(cmd) & 2;
	u64 slba, blocks = 0, most;
	int side = 0, ret;

	size = nvme_steer_copy_size(cmd);
	slba = le32_to_cpu(cmd->common.cdw10) |
	       (u64)le32_to_cpu(cmd->common.cdw11) << 32;
	for (i = 0; i < job->nr; i++, descs += size) {
		const struct nvme_steer_copy_desc *d = (const void *)descs;
		struct nvme_steer_source *r = &job->range[i];
		u32 nlb = le16_to_cpu(d->nlb) + 1;
		u64 from = le64_to_cpu(d->slba);

		if (d->cetype & NVME_STEER_DESC_CETYPE)
			return NVME_SC_INVALID_FIELD | NVME_STATUS_DNR;
		if (several) {
			ret = nvme_steer_desc_side(job, le32_to_cpu(d->snsid),
						   &side);
			if (ret)
				return ret;
			job->sopt |= le16_to_cpu(d->sopt);
		}
		if (!nvme_steer_in_range(job->side[side].ns, from, nlb))
			return NVME_SC_LBA_RANGE | NVME_STATUS_DNR;
		r->side = side;
		job->own |= !side;
		r->from = from << job->side[side].shift;
		r->len = (u64)nlb << job->side[side].shift;
		blocks += nlb;
		if (job->side[side].shift != to->shift)
			return NVME_STEER_SC_INCOMPATIBLE_NS | NVME_STATUS_DNR;
	}
	if (!nvme_steer_in_range(to->ns, slba, blocks))
		return NVME_SC_LBA_RANGE | NVME_STATUS_DNR;
	job->to = slba << to->shift;
	most = blocks << to->shift;
	for (i = 0; several && i < job->nr; i++)
		if (!job->range[i].side &&
		    job->range[i].from < job->to + most &&
		    job->to < job->range[i].from + job->range[i].len)
			return NVME_STEER_SC_OVERLAP | NVME_STATUS_DNR;

	job->raw = true;
	nvme_steer_copy_only(job, cdw12);
	if (cdw12 & NVME_STEER_COPY_FUA_BIT)
		job->flags |= NVME_STEER_COPY_F_FUA;
	job->cdw12 = cdw12 & ~NVME_STEER_COPY_OWN_BITS;
	job->cdw2 = le32_to_cpu(cmd->common.cdw2[0]);
	job->cdw3 = le32_to_cpu(cmd->common.cdw2[1]);
	job->cdw13 = le32_to_cpu(cmd->common.cdw13);
	job->cdw14 = le32_to_cpu(cmd->common.cdw14);
	job->cdw15 = le32_to_cpu(cmd->common.cdw15);
	return 0;
}

/*
 * Read the descriptors of a command, and make a job of it.
 * Return: 0, -errno or an NVMe status.
 */
static int nvme_steer_copy_job(const struct nvme_steer_passthru *pt,
			       struct nvme_steer_copy_job **jobp)
{
	u32 size = nvme_steer_copy_nr(pt->cmd) * nvme_steer_copy_size(pt->cmd);
	struct nvme_steer_copy_job *job;
	int ret;

	*jobp = NULL;
	job = nvme_steer_job_alloc(nvme_steer_copy_nr(pt->cmd));
	if (!job)
		return -ENOMEM;
	ret = -ENODEV;
	if (!kref_get_unless_zero(&pt->ns->kref))
		goto free;
	nvme_steer_job_side(job, pt->ns);
	ret = nvme_steer_copy_check(pt->ns, pt->cmd);
	if (ret)
		goto free;
	ret = -ENOMEM;
	job->descs = kmalloc(size, GFP_KERNEL);
	if (!job->descs)
		goto free;
	ret = nvme_steer_read_data(pt, job->descs, size);
	if (ret)
		goto free;
	job->timeout = pt->timeout_ms ? msecs_to_jiffies(pt->timeout_ms) : 0;
	ret = nvme_steer_copy_fill(job, pt->cmd);
	if (ret)
		goto free;
	*jobp = job;
	return 0;
free:
	nvme_steer_job_refused(job, ret);
	nvme_steer_job_free(job);
	return ret;
}

/*
 * A copy that could not begin, and goes: what the hook returns, an NVMe status
 * where there is one.
 */
static int nvme_steer_copy_refused(struct nvme_steer_copy_job *job, int ret)
{
	int unable = job->unable;

	nvme_steer_job_free(job);
	switch (ret) {
	case -EOPNOTSUPP:
		return unable ? unable : NVME_SC_CMD_SIZE_LIM_EXCEEDED |
					 NVME_STATUS_DNR;
	case -ENOTTY:
		/* the policy has just gone */
		return NVME_STEER_PASS;
	}
	return ret;
}

/* DW0 of the completion: the lowest source range that is not copied. */
static u32 nvme_steer_copy_result(const struct nvme_steer_copy_job *job)
{
	u64 done;
	u32 i;

	if (!job->status)
		return 0;
	for (i = 0; i < job->nr - 1; i++)
		if (nvme_steer_range_report(job, i, &done))
			break;
	return i;
}

static void nvme_steer_copy_tell(struct nvme_steer_copy_job *job,
				 unsigned int issue_flags)
{
	struct io_uring_cmd *ioucmd = job->owner;
	u32 result = nvme_steer_copy_result(job);
	int status = job->status;

	nvme_steer_job_free(job);
	io_uring_cmd_done(ioucmd, status, result, issue_flags);
}

/**
 * nvme_steer_copy_passthru - carry out the NVMe Copy of a uring_cmd
 * @pt: the command, allowed
 * @issue_flags: of the uring_cmd
 *
 * Context: task; holds the module.
 * Return: as the uring_cmd hook does, or an NVMe status.
 */
int nvme_steer_copy_passthru(struct nvme_steer_passthru *pt,
			     unsigned int issue_flags)
{
	bool fixed = pt->ioucmd->flags & IORING_URING_CMD_FIXED;
	struct nvme_steer_copy_job *job;
	struct nvme_steer_copy_how how;
	int ret;

	if (pt->meta || (pt->vec && (fixed || (issue_flags & IO_URING_F_COMPAT))))
		return -EINVAL;
	ret = nvme_steer_copy_job(pt, &job);
	if (ret)
		return ret;
	nvme_steer_how_uring(&how, pt->ioucmd, issue_flags);
	nvme_steer_job_uring(job, pt->ioucmd, nvme_steer_copy_tell);
	ret = nvme_steer_job_start(job, &how);
	return ret ? nvme_steer_copy_refused(job, ret) : -EIOCBQUEUED;
}

static void nvme_steer_ioctl_done(struct nvme_steer_copy_job *job,
				  struct nvme_steer_drain *drain)
{
	complete(job->owner);
}

/* Carry out the NVMe Copy of an ioctl. As nvme_steer_ioctl_hook(). */
static int nvme_steer_copy_ioctl(const struct nvme_steer_passthru *pt,
				 u64 *result)
{
	DECLARE_COMPLETION_ONSTACK(ended);
	struct nvme_steer_copy_how how = { .sleep = true };
	struct nvme_steer_copy_job *job;
	int ret;

	*result = 0;
	/* 32-bit iovecs, which nobody's Copy has */
	if (pt->vec && in_compat_syscall())
		return -EINVAL;
	ret = nvme_steer_copy_job(pt, &job);
	if (ret)
		return ret;
	job->done = nvme_steer_ioctl_done;
	job->owner = &ended;
	ret = nvme_steer_job_start(job, &how);
	if (ret)
		return nvme_steer_copy_refused(job, ret);
	if (wait_for_completion_killable(&ended)) {
		nvme_steer_job_stop(job);
		/* what is at the controller is waited for, as by any ioctl */
		wait_for_completion(&ended);
	}
	*result = nvme_steer_copy_result(job);
	ret = job->status;
	nvme_steer_job_free(job);
	/* Invalid Opcode, of a drive that leaves a retry open, is that number */
	return ret == NVME_STEER_PASS ? ret | NVME_STATUS_DNR : ret;
}

/*
 * The hook ioctl of struct nvme_steer_hooks. Whether a policy is attached is
 * asked under RCU, which also makes it possible to hold the module.
 */
int nvme_steer_ioctl_hook(struct nvme_ns *ns, struct nvme_command *cmd,
			  u64 addr, u32 len, bool vec, u64 *result,
			  unsigned int timeout)
{
	struct nvme_steer_passthru pt = {
		.ns = ns,
		.cmd = cmd,
		.addr = addr,
		.data_len = len,
		.timeout_ms = jiffies_to_msecs(timeout),
		.vec = vec,
	};
	struct nvme_steer_ctrl *sc;
	bool attached;
	int ret;

	if (cmd->common.opcode != NVME_STEER_COPY)
		return NVME_STEER_PASS;
	rcu_read_lock();
	sc = rcu_dereference(ns->ctrl->steer);
	attached = sc && rcu_access_pointer(sc->policy);
	if (attached)
		__module_get(THIS_MODULE);
	rcu_read_unlock();
	if (!attached)
		return NVME_STEER_PASS;
	ret = nvme_steer_copy_ioctl(&pt, result);
	module_put(THIS_MODULE);
	return ret;
}
