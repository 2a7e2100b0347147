// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes: each carries out one piece of a copy at a time, then takes the next.
 * A piece is copied by the controller, by one Copy command, or read into the
 * lane's buffer and written. Whoever ends the last command of a round goes on
 * with the next, an interrupt too, as far as that can be done without waiting;
 * the rest is left to the lane's work.
 */
#include "copy_send.h"
#include "passthru.h"

/* Was a Copy refused because it is too large? */
static bool nvme_steer_is_size_limit(int status)
{
	return status > 0 && (status & NVME_SCT_SC_MASK) ==
			     NVME_SC_CMD_SIZE_LIM_EXCEEDED;
}

/* Could the command succeed by reading and writing? */
static bool nvme_steer_curable(int status)
{
	switch (status & NVME_SCT_SC_MASK) {
	case NVME_SC_INVALID_OPCODE:
	case NVME_SC_INVALID_FIELD:
	case NVME_SC_INVALID_FORMAT:
	case NVME_SC_CMD_SIZE_LIM_EXCEEDED:
	case NVME_STEER_SC_INCOMPATIBLE_NS:
	case NVME_STEER_SC_FAST_COPY:
		return status > 0;
	}
	return false;
}

/* The piece of @lane from @pos on is not copied. */
static void nvme_steer_lane_fail(struct nvme_steer_lane *lane, u64 pos,
				 int status)
{
	struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_source *r = &job->range[lane->at.range];
	unsigned long flags;

	/* what is moved from its end has no beginning yet */
	if (r->down)
		pos = r->pos;
	spin_lock_irqsave(&job->lock, flags);
	lane->failed_pos = pos;
	lane->failed_status = status;
	job->stop = true;
	spin_unlock_irqrestore(&job->lock, flags);
	lane->state = NVME_STEER_LANE_END;
}

/* Move a place in the job forward. */
static void nvme_steer_cursor_add(const struct nvme_steer_copy_job *job,
				  struct nvme_steer_cursor *at, u64 bytes)
{
	at->off += bytes;
	while (at->range < job->nr && at->off >= job->range[at->range].len) {
		at->off -= job->range[at->range].len;
		at->range++;
	}
}

/* Likewise, not beyond its range. */
static __always_inline void
nvme_steer_cursor_step(const struct nvme_steer_source *r,
		       struct nvme_steer_cursor *at, u64 bytes)
{
	at->off += bytes;
	if (at->off == r->len) {
		at->off = 0;
		at->range++;
	}
}

/* The way a range goes. */
static bool nvme_steer_range_offload(const struct nvme_steer_copy_job *job,
				     u32 i)
{
	return READ_ONCE(job->how) != NVME_STEER_COPY_EMULATE &&
	       job->side[job->range[i].side].offload;
}

/*
 * How long a piece for the controller can be from @at on, which is moved to
 * its end: as far as one Copy command reaches. It does not go back to the
 * destination's own namespace: QEMU up to 10.0 takes that for the one of the
 * range before.
 */
static u64 nvme_steer_copy_piece(const struct nvme_steer_copy_job *job,
				 struct nvme_steer_cursor *at)
{
	const struct nvme_steer_copy_ns *l = &job->limits;
	u64 longest = (u64)l->mssrl << l->lba_shift, len = 0, n;
	unsigned int descs = 0;
	u8 side = 0;

	while (at->range < job->nr && len < job->most && descs < l->msrc) {
		const struct nvme_steer_source *r = &job->range[at->range];

		if (!job->side[r->side].offload || (side && !r->side))
			break;
		side = r->side;
		n = min3(r->len - at->off, longest, job->most - len);
		len += n;
		descs++;
		nvme_steer_cursor_step(r, at, n);
	}
	return len;
}

/*
 * How long a piece that is read and written can be from @at on, which is moved
 * to its end, and how many reads it takes: of one namespace, one write, no more
 * than @size, and no more reads than a lane can have.
 */
static u32 nvme_steer_emulate_piece(const struct nvme_steer_copy_job *job,
				    struct nvme_steer_cursor *at, u64 size,
				    unsigned int *reads)
{
	u8 index = job->range[at->range].side;
	const struct nvme_steer_side *from = &job->side[index];
	u32 most = min3(size, job->chunk, (u64)job->side[0].max);
	bool ordered = job->can & NVME_STEER_COPY_ORDERED;
	unsigned int nr = 0;
	u32 len = 0, n;

	do {
		const struct nvme_steer_source *r = &job->range[at->range];

		if (r->side != index)
			break;
		n = min3(r->len - at->off, (u64)(most - len), (u64)from->max);
		len += n;
		nr++;
		nvme_steer_cursor_step(r, at, n);
		if (ordered && !at->off)
			break;
	} while (at->range < job->nr && len < most &&
		 nr < NVME_STEER_COPY_READS);
	*reads = nr;
	return len;
}

/* Take the next piece of the job. Returns false when there is none. */
static bool nvme_steer_lane_take(struct nvme_steer_lane *lane)
{
	struct nvme_steer_copy_job *job = lane->job;
	bool several = job->nr_lanes > 1, any = false;
	unsigned long flags;

	if (several)
		spin_lock_irqsave(&job->lock, flags);
	if (!READ_ONCE(job->stop) && job->at.range < job->nr) {
		any = true;
		lane->at = job->at;
		lane->pos = job->pos;
		lane->gone = 0;
		lane->reads = 0;
		lane->offload = nvme_steer_range_offload(job, job->at.range);
		/* it may be longer than the buffer, which is yet to be got */
		lane->len = lane->offload ?
			    nvme_steer_copy_piece(job, &job->at) :
			    nvme_steer_emulate_piece(job, &job->at,
						     NVME_STEER_COPY_DATA,
						     &lane->reads);
		job->pos += lane->len;
	}
	if (several)
		spin_unlock_irqrestore(&job->lock, flags);
	return any;
}

/* Where in its namespace a place of the job is; see nvme_steer_source.down. */
static u64 nvme_steer_source_at(const struct nvme_steer_source *r, u64 off,
				u64 len)
{
	return r->from + (r->down ? r->len - off - len : off);
}

/* The read that is next: its length. */
static __always_inline u32
nvme_steer_next_read(const struct nvme_steer_lane *lane,
		     const struct nvme_steer_source *r,
		     const struct nvme_steer_side *side)
{
	return min3(r->len - lane->next.off, (u64)(lane->part - lane->sent),
		    (u64)side->max);
}

static __always_inline void
nvme_steer_make_read(struct nvme_steer_lane *lane,
		     const struct nvme_steer_side *side,
		     struct nvme_command *cmd, u32 *offset, u32 *len)
{
	const struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_source *r = &job->range[lane->next.range];

	*len = nvme_steer_next_read(lane, r, side);
	*offset = r->down ? lane->part - lane->sent - *len : lane->sent;
	nvme_steer_rw(cmd, nvme_cmd_read, side,
		      nvme_steer_source_at(r, lane->next.off, *len), *len,
		      job->cdw12 & NVME_STEER_COPY_LR_BIT);
	lane->sent += *len;
	lane->reads--;
	nvme_steer_cursor_step(r, &lane->next, *len);
}

static __always_inline void
nvme_steer_fill_read(struct nvme_steer_lane *lane,
		     const struct nvme_steer_side *side,
		     struct nvme_command *cmd)
{
	u32 offset, len;

	nvme_steer_make_read(lane, side, cmd, &offset, &len);
	nvme_steer_buf_point(lane->buf, offset, len, cmd);
}

static void nvme_steer_make_write(const struct nvme_steer_lane *lane,
				  struct nvme_command *cmd)
{
	const struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_source *r = &job->range[lane->at.range];
	u32 cdw12 = job->cdw12 & NVME_STEER_COPY_LR_BIT;
	u64 pos = lane->pos + lane->gone;

	if (r->down)
		pos = r->pos + r->len - (pos - r->pos) - lane->good;
	if (job->flags & NVME_STEER_COPY_F_FUA)
		cdw12 |= NVME_STEER_COPY_FUA_BIT;
	nvme_steer_rw(cmd, nvme_cmd_write, &job->side[0], job->to + pos,
		      lane->good, cdw12);
}

static __always_inline void
nvme_steer_fill_write(struct nvme_steer_lane *lane,
		      const struct nvme_steer_side *side,
		      struct nvme_command *cmd)
{
	nvme_steer_make_write(lane, cmd);
	nvme_steer_buf_point(lane->buf, 0, lane->good, cmd);
}

static void nvme_steer_lane_put_bufs(struct nvme_steer_lane *lane)
{
	if (lane->buf)
		nvme_steer_buf_put(lane->buf);
	if (lane->list)
		nvme_steer_buf_put(lane->list);
	lane->buf = NULL;
	lane->list = NULL;
}

/* Write the descriptors of a Copy command; their length in bytes. */
static u32 nvme_steer_write_descs(struct nvme_steer_lane *lane)
{
	const struct nvme_steer_copy_job *job = lane->job;
	u64 most = (u64)job->limits.mssrl << job->limits.lba_shift;
	u32 size = nvme_steer_desc_size(job), used = 0;
	struct nvme_steer_cursor at = lane->at;
	u8 *list = page_address(lane->list->page);
	u64 left = lane->len, n;

	for (; left; left -= n, used += size) {
		const struct nvme_steer_source *r = &job->range[at.range];
		const struct nvme_steer_side *side = &job->side[r->side];

		n = min3(r->len - at.off, left, most);
		nvme_steer_write_desc(job, list + used, size, at.range, side,
				      r->from + at.off, n);
		nvme_steer_cursor_add(job, &at, n);
	}
	return used;
}

static __always_inline void
nvme_steer_fill_copy(struct nvme_steer_lane *lane,
		     const struct nvme_steer_side *side,
		     struct nvme_command *cmd)
{
	nvme_steer_make_copy(lane->job, lane->pos, lane->part, cmd);
	nvme_steer_buf_point(lane->list, 0, lane->part, cmd);
}

/* A command of the round has ended; whether it was the last. */
static bool nvme_steer_lane_put(struct nvme_steer_lane *lane)
{
	return atomic_dec_and_test(&lane->left);
}

/* It has, with an error. */
static void nvme_steer_lane_bad(struct nvme_steer_lane *lane, int i, int status)
{
	struct nvme_steer_copy_job *job = lane->job;
	unsigned long flags;

	spin_lock_irqsave(&job->lock, flags);
	if (i < lane->bad) {
		lane->bad = i;
		lane->status = status;
	}
	spin_unlock_irqrestore(&job->lock, flags);
}

/*
 * Send the commands of a round down the driver's own path. Returns whether they
 * have all ended.
 */
static bool nvme_steer_lane_own(struct nvme_steer_lane *lane)
{
	struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_side *side = &job->side[0];
	struct nvme_steer_copy_buf *buf = lane->buf;
	unsigned int i = 0;
	int ret;

	/* one for us: the round does not end before all are sent */
	atomic_set(&lane->left, 1);
	do {
		struct nvme_command cmd = { };
		u32 offset = 0, len = 0;

		switch (lane->state) {
		case NVME_STEER_LANE_READ:
			side = &job->side[job->range[lane->next.range].side];
			nvme_steer_make_read(lane, side, &cmd, &offset, &len);
			break;
		case NVME_STEER_LANE_WRITE:
			nvme_steer_make_write(lane, &cmd);
			len = lane->good;
			break;
		case NVME_STEER_LANE_COPY:
			nvme_steer_make_copy(job, lane->pos, lane->part, &cmd);
			buf = lane->list;
			len = lane->part;
			break;
		}
		atomic_inc(&lane->left);
		ret = nvme_steer_lane_send_own(lane, side, i, &cmd, buf, offset,
					       len);
		if (ret) {
			nvme_steer_lane_bad(lane, i, ret);
			nvme_steer_lane_put(lane);
		}
		i++;
	} while (!ret && lane->state == NVME_STEER_LANE_READ &&
		 lane->sent < lane->part && i < NVME_STEER_COPY_READS);
	return nvme_steer_lane_put(lane);
}

enum nvme_steer_round {
	NVME_STEER_ROUND_SENT,		/* the lane is not the caller's any more */
	NVME_STEER_ROUND_ENDED,
	NVME_STEER_ROUND_WORK,		/* nothing was done: a task must do it */
};

/*
 * Does nobody want the job any more? A task that exits waits for what it has
 * submitted, and a ring that is closed for what it was sent: not for all of a
 * long copy. Of another module, or an ioctl, it has no ring.
 */
bool nvme_steer_job_orphaned(const struct nvme_steer_copy_job *job)
{
	return job->ring && nvme_steer_is_left(job->task, job->ring);
}

/*
 * A queue could not take the round: wait for what may change, in the lane's
 * work. Whether to try again; if not, the driver's own path is left.
 */
static bool nvme_steer_lane_wait(const struct nvme_steer_lane *lane,
				 const struct nvme_steer_side *side, int why)
{
	if (why == -EAGAIN)
		return nvme_steer_wait_thaw(side->ns);
	if (why != -EBUSY || !side->q->shared)
		return false;
	/* the driver's own path would be a way around the share */
	nvme_steer_count(lane->job->sc, NVME_STEER_EV_SHARE_FULL);
	nvme_steer_shared_room(side->q);
	return true;
}

/* Send the next round, or some of it. */
static enum nvme_steer_round nvme_steer_lane_round(struct nvme_steer_lane *lane,
						   bool sleep)
{
	struct nvme_steer_copy_job *job = lane->job;
	const struct nvme_steer_side *side = &job->side[0];
	int ret = -ENODEV;

	lane->bad = NVME_STEER_COPY_READS;
	lane->status = 0;
	lane->first = lane->sent;
	switch (lane->state) {
	case NVME_STEER_LANE_READ:
		side = &job->side[job->range[lane->next.range].side];
		if (likely(side->q))
			ret = nvme_steer_lane_send(lane, side, lane->reads,
						   nvme_steer_fill_read);
		break;
	case NVME_STEER_LANE_WRITE:
		if (likely(side->q))
			ret = nvme_steer_lane_send(lane, side, 1,
						   nvme_steer_fill_write);
		break;
	default:
		if (likely(side->q))
			ret = nvme_steer_lane_send(lane, side, 1,
						   nvme_steer_fill_copy);
	}
	if (likely(ret > 0))
		return NVME_STEER_ROUND_SENT;
	/* or somebody may wait for a slot for long, and for nobody */
	if (unlikely(sleep && nvme_steer_job_orphaned(job)))
		ret = -EINTR;
	if (ret == -ESTALE || ret == -EINTR) {
		lane->bad = 0;
		lane->status = ret;
		lane->result = 0;
		return NVME_STEER_ROUND_ENDED;
	}
	if (!sleep || nvme_steer_lane_wait(lane, side, ret))
		return NVME_STEER_ROUND_WORK;
	return nvme_steer_lane_own(lane) ? NVME_STEER_ROUND_ENDED :
					   NVME_STEER_ROUND_SENT;
}

/* Begin to read and write the next part of the piece. */
static void nvme_steer_lane_read(struct nvme_steer_lane *lane)
{
	struct nvme_steer_copy_job *job = lane->job;
	struct nvme_steer_cursor at;

	lane->next = lane->at;
	lane->sent = 0;
	lane->state = NVME_STEER_LANE_READ;
	if (likely(lane->reads && lane->len <= lane->buf->size)) {
		lane->part = lane->len;
		return;
	}
	nvme_steer_cursor_add(job, &lane->next, lane->gone);
	at = lane->next;
	lane->part = nvme_steer_emulate_piece(job, &at,
					      min(lane->len - lane->gone,
						  (u64)lane->buf->size),
					      &lane->reads);
}

/* Where the first read that failed begins, in bytes of the part. */
static u32 nvme_steer_bad_read(struct nvme_steer_lane *lane)
{
	const struct nvme_steer_copy_job *job = lane->job;
	int i;

	lane->next = lane->at;
	nvme_steer_cursor_add(job, &lane->next, lane->gone + lane->first);
	lane->sent = lane->first;
	for (i = 0; i < lane->bad; i++) {
		const struct nvme_steer_source *r =
			&job->range[lane->next.range];
		u32 len = nvme_steer_next_read(lane, r, &job->side[r->side]);

		lane->sent += len;
		nvme_steer_cursor_add(job, &lane->next, len);
	}
	return round_down(lane->sent, 1U << job->side[0].shift);
}

/* What the descriptors of a Copy before the one named in its result cover. */
static u64 nvme_steer_copied_before(const struct nvme_steer_lane *lane)
{
	const struct nvme_steer_copy_job *job = lane->job;
	u64 most = (u64)job->limits.mssrl << job->limits.lba_shift;
	struct nvme_steer_cursor at = lane->at;
	u64 left = lane->len, n;
	u32 i;

	for (i = 0; i < (u32)lane->result && left; i++, left -= n) {
		n = min3(job->range[at.range].len - at.off, left, most);
		nvme_steer_cursor_add(job, &at, n);
	}
	/* all of them, and yet it failed: that is not to be believed */
	return left ? lane->len - left : 0;
}

/* All reads of a round have ended. */
static void nvme_steer_reads_ended(struct nvme_steer_lane *lane)
{
	const struct nvme_steer_copy_job *job = lane->job;

	lane->read_status = lane->status;
	if (likely(!lane->status)) {
		if (lane->sent < lane->part)
			return;
		lane->good = lane->part;
	} else {
		/* what was read before it can be written */
		lane->good = job->range[lane->at.range].down ? 0 :
			     nvme_steer_bad_read(lane);
	}
	if (lane->good)
		lane->state = NVME_STEER_LANE_WRITE;
	else
		nvme_steer_lane_fail(lane, lane->pos + lane->gone,
				     lane->status);
}

static void nvme_steer_write_ended(struct nvme_steer_lane *lane)
{
	if (unlikely(lane->status)) {
		nvme_steer_lane_fail(lane, lane->pos + lane->gone,
				     lane->status);
		return;
	}
	lane->gone += lane->good;
	lane->emulated += lane->good;
	lane->reads = 0;
	if (unlikely(lane->read_status))
		nvme_steer_lane_fail(lane, lane->pos + lane->gone,
				     lane->read_status);
	else if (lane->gone < lane->len)
		nvme_steer_lane_read(lane);
	else
		lane->state = NVME_STEER_LANE_NEXT;
}

static void nvme_steer_copy_ended(struct nvme_steer_lane *lane)
{
	struct nvme_steer_copy_job *job = lane->job;
	u64 before;

	if (unlikely(nvme_steer_is_size_limit(lane->status)))
		nvme_steer_copy_limits_wrong(job->sc, job->side[0].nsid);
	if (likely(!lane->status)) {
		lane->offloaded += lane->len;
		lane->copies++;
		lane->state = NVME_STEER_LANE_NEXT;
	} else if (nvme_steer_curable(lane->status) &&
		   (job->can & NVME_STEER_COPY_CAN_EMULATE) &&
		   !(job->flags & NVME_STEER_COPY_F_OFFLOAD)) {
		/* what it refuses once it will refuse again */
		WRITE_ONCE(job->how, NVME_STEER_COPY_EMULATE);
		WRITE_ONCE(job->why, NVME_STEER_COPY_WHY_DEVICE);
		lane->offload = false;
		lane->state = NVME_STEER_LANE_BUF;
	} else {
		before = nvme_steer_copied_before(lane);
		lane->offloaded += before;
		nvme_steer_lane_fail(lane, lane->pos + before, lane->status);
	}
}

/* A round has ended: what is next. */
static void nvme_steer_round_ended(struct nvme_steer_lane *lane)
{
	switch (lane->state) {
	case NVME_STEER_LANE_READ:
		nvme_steer_reads_ended(lane);
		break;
	case NVME_STEER_LANE_WRITE:
		nvme_steer_write_ended(lane);
		break;
	case NVME_STEER_LANE_COPY:
		nvme_steer_copy_ended(lane);
		break;
	}
}

/* Take the next piece, leaving the memory to others who wait for it. */
static void nvme_steer_lane_next(struct nvme_steer_lane *lane)
{
	if (unlikely(nvme_steer_job_orphaned(lane->job)))
		nvme_steer_job_stop(lane->job);
	if (unlikely(nvme_steer_buf_wanted()))
		nvme_steer_lane_put_bufs(lane);
	lane->state = nvme_steer_lane_take(lane) ? NVME_STEER_LANE_BUF :
						   NVME_STEER_LANE_END;
}

/*
 * Get a buffer for the piece, and begin. @gfp: as for nvme_steer_lane_go().
 * -EAGAIN: its work must do it; -EINPROGRESS: the lane waits for a buffer, and
 * is not the caller's any more.
 */
static int nvme_steer_lane_begin(struct nvme_steer_lane *lane, gfp_t gfp)
{
	struct nvme_steer_copy_buf **buf = lane->offload ? &lane->list :
							   &lane->buf;
	struct nvme_steer_ctrl *sc = lane->job->sc;
	int ret;

	while (!*buf) {
		struct nvme_steer_copy_buf *got = ERR_PTR(-EBUSY);

		if (likely(lane->turn || !nvme_steer_buf_wanted()))
			got = nvme_steer_buf_get(sc, lane->offload, gfp);
		if (likely(!IS_ERR(got))) {
			*buf = got;
			break;
		}
		if (PTR_ERR(got) == -ENODEV)
			return PTR_ERR(got);
		if (!gfpflags_allow_blocking(gfp))
			return -EAGAIN;
		lane->turn = false;
		/* two of the other kind would wait for each other */
		nvme_steer_lane_put_bufs(lane);
		ret = nvme_steer_buf_wait(lane);
		if (ret != -EAGAIN)
			return ret;
	}
	lane->turn = false;
	if (lane->offload) {
		lane->part = nvme_steer_write_descs(lane);
		nvme_steer_descs_written(lane->list, lane->part);
		lane->state = NVME_STEER_LANE_COPY;
	} else {
		nvme_steer_lane_read(lane);
	}
	return 0;
}

/* The lane has ended: it is not there any more, if this returns true. */
static bool nvme_steer_lane_end(struct nvme_steer_lane *lane,
				struct nvme_steer_drain *drain)
{
	if (!nvme_steer_lane_put_slots(lane))
		return false;
	nvme_steer_lane_put_bufs(lane);
	nvme_steer_job_put(lane->job, drain);
	return true;
}

/*
 * Go on with a lane that nothing of is in flight. @gfp: how a buffer may be
 * allocated, 0 for not at all; where that may wait, all else may, too.
 */
static void nvme_steer_lane_go(struct nvme_steer_lane *lane, gfp_t gfp,
			       struct nvme_steer_drain *drain)
{
	bool sleep = gfpflags_allow_blocking(gfp);
	int ret;

	for (;;) {
		switch (lane->state) {
		case NVME_STEER_LANE_NEXT:
			nvme_steer_lane_next(lane);
			break;
		case NVME_STEER_LANE_BUF:
			ret = nvme_steer_lane_begin(lane, gfp);
			if (ret == -EINPROGRESS)
				return;
			if (ret == -EAGAIN)
				goto work;
			if (unlikely(ret)) {
				/* it may have been the turn of another */
				nvme_steer_buf_wake();
				nvme_steer_lane_fail(lane, lane->pos +
						     lane->gone, ret);
			}
			break;
		case NVME_STEER_LANE_END:
			if (!nvme_steer_lane_end(lane, drain))
				goto work;
			return;
		default:
			switch (nvme_steer_lane_round(lane, sleep)) {
			case NVME_STEER_ROUND_SENT:
				return;
			case NVME_STEER_ROUND_WORK:
				goto work;
			case NVME_STEER_ROUND_ENDED:
				nvme_steer_round_ended(lane);
			}
		}
	}
work:
	queue_work(nvme_steer_copy_wq, &lane->work);
}

static void nvme_steer_lane_work(struct work_struct *work)
{
	nvme_steer_lane_go(container_of(work, struct nvme_steer_lane, work),
			   GFP_NOIO, NULL);
}

/**
 * nvme_steer_lane_resume - go on with a lane whose round has ended
 * @lane: what has ended is in it
 * @drain: as in struct nvme_steer_io
 *
 * Context: any; cq_lock may be held.
 */
void nvme_steer_lane_resume(struct nvme_steer_lane *lane,
			    struct nvme_steer_drain *drain)
{
	nvme_steer_round_ended(lane);
	nvme_steer_lane_go(lane, 0, drain);
}

/**
 * nvme_steer_lane_ended - a command of a lane has ended
 * @cmd: the command
 * @status: 0, an NVMe status, or -errno
 * @result: completion queue entry DW0-1
 * @drain: as in struct nvme_steer_io
 *
 * Context: any; cq_lock may be held.
 */
void nvme_steer_lane_ended(struct nvme_steer_lane_cmd *cmd, int status,
			   u64 result, struct nvme_steer_drain *drain)
{
	struct nvme_steer_lane *lane = cmd->lane;

	if (unlikely(status))
		nvme_steer_lane_bad(lane, cmd - lane->cmd, status);
	if (lane->state == NVME_STEER_LANE_COPY)
		lane->result = result;
	if (nvme_steer_lane_put(lane))
		nvme_steer_lane_resume(lane, drain);
}

/* What is the same in a lane whatever it does. */
void nvme_steer_lane_construct(struct nvme_steer_lane *lane,
			       struct nvme_steer_copy_job *job)
{
	unsigned int i;

	lane->job = job;
	lane->nr_slots = 0;
	for (i = 0; i < NVME_STEER_COPY_READS; i++)
		lane->cmd[i].lane = lane;
	INIT_WORK(&lane->work, nvme_steer_lane_work);
	INIT_LIST_HEAD(&lane->wait);
}

/**
 * nvme_steer_lane_start - begin with a lane
 * @lane: of a job that counts it as running
 *
 * With a buffer of its own where there is one to be had, or lanes would wait
 * for one another and for their work, and nothing be done side by side.
 *
 * Context: task.
 */
void nvme_steer_lane_start(struct nvme_steer_lane *lane)
{
	nvme_steer_lane_clear(lane);
	lane->state = NVME_STEER_LANE_NEXT;
	lane->buf = NULL;
	lane->nr_slots = 0;
	nvme_steer_lane_go(lane, GFP_NOWAIT, NULL);
}
