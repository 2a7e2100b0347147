/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sending the commands of a lane to a steer queue. A header, because it is the
 * way of every command of a copy.
 */
#ifndef NVMESTEER_COPY_SEND_H
#define NVMESTEER_COPY_SEND_H

#include <linux/dma-mapping.h>

#include "copy.h"
#include "queue.h"

void nvme_steer_lane_done(struct nvme_steer_slot *slot,
			  struct nvme_steer_drain *drain);

/**
 * nvme_steer_buf_point - make a command use a part of a buffer
 * @buf: mapped
 * @offset: where the part begins, a multiple of four
 * @len: its length
 * @cmd: gets the data pointer, as PRPs
 */
static __always_inline void
nvme_steer_buf_point(const struct nvme_steer_copy_buf *buf, u32 offset,
		     u32 len, struct nvme_command *cmd)
{
	u32 first = offset / NVME_CTRL_PAGE_SIZE;
	u32 last = (offset + len - 1) / NVME_CTRL_PAGE_SIZE;
	u64 prp2 = 0;

	if (last == first + 1)
		prp2 = buf->dma + last * NVME_CTRL_PAGE_SIZE;
	else if (last > first)
		prp2 = buf->prp_dma + (first + 1) * sizeof(*buf->prp);
	cmd->common.dptr.prp1 = cpu_to_le64(buf->dma + offset);
	cmd->common.dptr.prp2 = cpu_to_le64(prp2);
}

/*
 * All of a Read or Write but its command id and data pointer, by words. What
 * @cdw12 has above the number of blocks, LR and FUA, is where a Copy has it.
 */
static __always_inline void
nvme_steer_rw(struct nvme_command *cmd, u8 opcode,
	      const struct nvme_steer_side *side, u64 at, u32 len, u32 cdw12)
{
	__le64 *words = (__le64 *)cmd;

	BUILD_BUG_ON(NVME_RW_LR << 16 != NVME_STEER_COPY_LR_BIT ||
		     NVME_RW_FUA << 16 != NVME_STEER_COPY_FUA_BIT);
	words[0] = cpu_to_le64(opcode | (u64)side->nsid << 32);
	words[1] = 0;
	words[2] = 0;
	words[5] = cpu_to_le64(at >> side->shift);
	words[6] = cpu_to_le64(((len >> side->shift) - 1) | cdw12);
	words[7] = 0;
}

/* A descriptor of the caller's. */
static __always_inline const struct nvme_steer_copy_desc *
nvme_steer_desc(const struct nvme_steer_copy_job *job, u32 i, u32 size)
{
	return (const void *)(job->descs + i * size);
}

/* Bytes of a descriptor. */
static __always_inline u32
nvme_steer_desc_size(const struct nvme_steer_copy_job *job)
{
	return job->format & 1 ? 40 : 32;
}

/*
 * Write a descriptor of a Copy, of @len bytes of the range @i; the tags are its
 * last bytes, whatever its @size. Where the format is for several namespaces,
 * so was the caller's, if it had one.
 */
static __always_inline void
nvme_steer_write_desc(const struct nvme_steer_copy_job *job, void *at, u32 size,
		      u32 i, const struct nvme_steer_side *side, u64 from,
		      u64 len)
{
	struct nvme_steer_copy_desc *d = at;

	/* a list has room for the most there can be (MSRC) of the longest */
	BUILD_BUG_ON(NVME_STEER_COPY_LIST < (U8_MAX + 1) * 40);
	memset(d, 0, size);
	if (job->format & 2) {
		d->snsid = cpu_to_le32(side->nsid);
		if (job->descs)
			d->sopt = nvme_steer_desc(job, i, size)->sopt;
	}
	d->slba = cpu_to_le64(from >> side->shift);
	d->nlb = cpu_to_le16((len >> side->shift) - 1);
	if (job->descs)
		memcpy((u8 *)at + 24, job->descs + i * size + 24, size - 24);
}

/* The controller is going to read them. */
static __always_inline void
nvme_steer_descs_written(const struct nvme_steer_copy_buf *list, u32 len)
{
	if (list->dev)
		dma_sync_single_for_device(list->dev, list->dma, len,
					   DMA_TO_DEVICE);
}

/*
 * All of a Copy to @pos in the destination but its command id and data pointer,
 * which is @descs bytes of descriptors.
 */
static __always_inline void
nvme_steer_make_copy(const struct nvme_steer_copy_job *job, u64 pos, u32 descs,
		     struct nvme_command *cmd)
{
	const struct nvme_steer_side *to = &job->side[0];
	u32 cdw12 = (descs / nvme_steer_desc_size(job) - 1) | job->format << 8 |
		    job->cdw12;
	__le64 *words = (__le64 *)cmd;

	if (job->flags & NVME_STEER_COPY_F_FUA)
		cdw12 |= NVME_STEER_COPY_FUA_BIT;
	words[0] = cpu_to_le64(NVME_STEER_COPY | (u64)to->nsid << 32);
	words[1] = cpu_to_le64(job->cdw2 | (u64)job->cdw3 << 32);
	words[2] = 0;
	words[5] = cpu_to_le64((job->to + pos) >> to->shift);
	words[6] = cpu_to_le64(cdw12 | (u64)job->cdw13 << 32);
	words[7] = cpu_to_le64(job->cdw14 | (u64)job->cdw15 << 32);
}

/*
 * Take sq_lock, with interrupts off: a drive may have completed a command as
 * soon as the doorbell is rung, and the interrupt is to find the lock free.
 * Where they are off already only if it is free now: cq_lock may be held, which
 * an interrupt may wait for on the CPU that has sq_lock, or this is an
 * interrupt of a task that has it.
 */
static inline bool nvme_steer_lane_lock(struct nvme_steer_queue *q,
					unsigned long *flags)
{
	bool wait = in_task() && !irqs_disabled();

	local_irq_save(*flags);
	if (wait) {
		spin_lock(&q->sq_lock);
		return true;
	}
	if (likely(spin_trylock(&q->sq_lock)))
		return true;
	local_irq_restore(*flags);
	return false;
}

/* Give back the slots of the last round. Under sq_lock of their queue. */
static inline bool nvme_steer_lane_free_slots(struct nvme_steer_lane *lane)
{
	struct nvme_steer_queue *q = lane->slots_q;
	unsigned int i;

	lockdep_assert_held(&q->sq_lock);

	for (i = 0; i < lane->nr_slots; i++)
		q->free[q->nr_free + i] = lane->slots[i];
	q->nr_free += lane->nr_slots;
	q->refs -= lane->nr_slots;
	lane->nr_slots = 0;
	nvme_steer_freed(q);
	return !q->refs;
}

/*
 * Send the command at the tail, which is filled in but for its command id, as
 * the one of a lane's with number @i, by the slot @index. Under sq_lock.
 */
static __always_inline void
nvme_steer_lane_write(struct nvme_steer_lane *lane, struct nvme_steer_queue *q,
		      unsigned int i, u16 index, struct nvme_steer_io *io,
		      unsigned long deadline)
{
	struct nvme_steer_slot *slot = &q->slots[index];

	lane->slots[i] = index;
	q->sq_cmds[q->sq_tail].common.command_id = nvme_steer_next_cid(slot);
	io->owner = &lane->cmd[i];
	nvme_steer_take(slot, io, deadline);
	nvme_steer_advance(q);
}

/* nvme_steer_lane_send() to a queue of a share: the commands may have to wait. */
static inline void
nvme_steer_lane_share(struct nvme_steer_lane *lane,
		      const struct nvme_steer_side *side, const u16 *index,
		      unsigned int nr, struct nvme_steer_io *io,
		      void (*fill)(struct nvme_steer_lane *lane,
				   const struct nvme_steer_side *side,
				   struct nvme_command *cmd))
{
	struct nvme_steer_queue *q = side->q;
	struct nvme_command cmd;
	unsigned int i;
	u32 len;

	memcpy(lane->slots, index, nr * sizeof(*index));
	for (i = 0; i < nr; i++) {
		memset(&cmd, 0, sizeof(cmd));
		fill(lane, side, &cmd);
		len = cmd.common.opcode == NVME_STEER_COPY ? 0 :
		      (le16_to_cpu(cmd.rw.length) + 1) <<
		      side->ns->head->lba_shift;
		io->owner = &lane->cmd[i];
		nvme_steer_shared_tell(&q->slots[index[i]], len, false);
		nvme_steer_shared_submit(&q->slots[index[i]], io, &cmd, true);
	}
}

/**
 * nvme_steer_lane_send - send commands of a lane to a steer queue
 * @lane: nothing of it is in flight
 * @side: the namespace, which has a queue
 * @nr: commands that are left to send
 * @fill: makes the next one, all but its command id, where another was before;
 *	called as often as there is room for a command, with sq_lock held
 *
 * The slots of the round before are given back for that.
 *
 * Context: any.
 * Return: how many were sent, and the lane is not the caller's any more;
 * -EAGAIN (somebody holds the lock, in an interrupt; the namespace is frozen),
 * -EBUSY (no free slots), -ENODEV (the queue is not live), -ESTALE (the
 * namespace was formatted).
 */
static __always_inline int
nvme_steer_lane_send(struct nvme_steer_lane *lane,
		     const struct nvme_steer_side *side, unsigned int nr,
		     void (*fill)(struct nvme_steer_lane *lane,
				  const struct nvme_steer_side *side,
				  struct nvme_command *cmd))
{
	struct percpu_ref *usage = &side->ns->queue->q_usage_counter;
	struct nvme_steer_queue *q = side->q;
	unsigned long deadline = jiffies + lane->job->timeout;
	struct nvme_steer_io io = {
		.done = nvme_steer_lane_done,
		.usage = usage,
		.timeout = lane->job->timeout,
	};
	unsigned long flags;
	const u16 *free;
	unsigned int i;
	int ret = nr;

	if (unlikely(lane->nr_slots && lane->slots_q != q &&
		     !nvme_steer_lane_put_slots(lane)))
		return -EAGAIN;
	nvme_steer_enter();
	if (unlikely(!nvme_steer_use(usage))) {
		nvme_steer_leave();
		return -EAGAIN;
	}
	if (nvme_steer_formatted(side->ns->head, side->shift, side->ms)) {
		ret = -ESTALE;
		goto put;
	}
	if (unlikely(!nvme_steer_lane_lock(q, &flags))) {
		ret = -EAGAIN;
		goto put;
	}
	if (unlikely(!nvme_steer_is_open(q))) {
		ret = -ENODEV;
		goto unlock;
	}
	/* the job keeps the queue besides its slots */
	if (lane->nr_slots)
		nvme_steer_lane_free_slots(lane);
	if (unlikely(!q->nr_free))
		nvme_steer_collected(q);
	nr = min(nr, (unsigned int)q->nr_free);
	if (unlikely(!nr)) {
		ret = -EBUSY;
		goto unlock;
	}
	ret = nr;
	if (nr > 1)
		percpu_ref_get_many(usage, nr - 1);
	lane->slots_q = q;
	lane->nr_slots = nr;
	atomic_set(&lane->left, nr);
	nvme_steer_arm_timer(q, deadline);
	q->nr_free -= nr;
	q->refs += nr;
	free = q->free + q->nr_free;
	if (unlikely(q->shared)) {
		nvme_steer_lane_share(lane, side, free, nr, &io, fill);
		nr = 0;
	}
	for (i = 0; i < nr; i++) {
		fill(lane, side, &q->sq_cmds[q->sq_tail]);
		nvme_steer_lane_write(lane, q, i, free[i], &io, deadline);
	}
	WRITE_ONCE(q->submitted, q->submitted + nr);
	if (likely(!q->shared))
		nvme_steer_ring_sq(q);
	spin_unlock_irqrestore(&q->sq_lock, flags);
	nvme_steer_leave();
	return ret;
unlock:
	spin_unlock_irqrestore(&q->sq_lock, flags);
put:
	percpu_ref_put(usage);
	nvme_steer_leave();
	return ret;
}

#endif /* NVMESTEER_COPY_SEND_H */
