/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command group that is being carried out: what group_read.c makes of the
 * application's array, and group.c sends and ends.
 */
#ifndef NVMESTEER_GROUP_RUN_H
#define NVMESTEER_GROUP_RUN_H

#include <linux/types.h>

#include <nvmesteer/group.h>

#include "nvmesteer.h"

/**
 * struct nvme_steer_run - a group that is being carried out
 * @ioucmd:	the uring_cmd, of @ring
 * @next:	in a struct nvme_steer_drain
 * @slots:	of the round before, DONE, linked by next; they hold the queue
 * @left:	commands of this round that have not ended
 * @sent:	members that were sent, or could not be
 * @failed:	members that did not succeed; the first of them is @first and
 *		its status @status
 * @window:	most commands of a round
 * @mapped:	a command of this round is mapped for itself
 * @ready:	all commands are complete, as of @epoch
 * @rq:		the namespace's request queue; a reference if @holds_rq
 * @base:	address of the part of the registered buffer in use, its length
 *		@len, which starts @skip bytes into @bvec; a bio_vec but the
 *		first and the last has 1 << @shift bytes
 *
 * Belongs to whoever sends a round until its first command is in flight, then
 * to cq_lock: @slots, @left, @failed, @first and @status change under it; when
 * @left is 0 it belongs to whoever ends the round.
 */
struct nvme_steer_run {
	struct io_uring_cmd *ioucmd;
	struct io_ring_ctx *ring;
	struct nvme_steer_run *next;
	struct nvme_steer_slot *slots;
	unsigned int left;
	unsigned int nr;
	unsigned int sent;
	unsigned int failed;
	unsigned int first;
	int status;
	unsigned int window;
	u32 flags;
	u32 timeout;
	u32 epoch;
	bool mapped;
	bool ready;
	bool sgl;
	bool holds_rq;
	u8 shift;
	struct request_queue *rq;
	const struct bio_vec *bvec;
	size_t skip;
	u64 base;
	u64 len;
	struct nvme_steer_member members[];
};

/* Where @offset bytes into the group's part of the buffer are. */
static __always_inline const struct bio_vec *
nvme_steer_run_bvec(const struct nvme_steer_run *run, u64 offset, size_t *skip)
{
	const struct bio_vec *bv = run->bvec;

	offset += run->skip;
	if (offset >= bv->bv_len) {
		offset -= bv->bv_len;
		bv += 1 + (offset >> run->shift);
		offset &= (1UL << run->shift) - 1;
	}
	*skip = offset;
	return bv;
}

int nvme_steer_group_read(struct nvme_steer_run *run, u64 array,
			  struct nvme_ns *ns, struct nvme_steer_ctrl *sc,
			  unsigned int *bad);

#endif /* NVMESTEER_GROUP_RUN_H */
