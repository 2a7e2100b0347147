// SPDX-License-Identifier: GPL-2.0
/*
 * Kept mappings for passthrough commands on the driver's own path: those that
 * the policy leaves there, and all while it is asked about none. A command whose
 * data they name needs no bio, and nothing is mapped or unmapped for it, which
 * is more than being asked costs.
 *
 * A steer queue's command remembers in its slot which mappings it may use. One
 * of the driver's has no slot: it is a reader of keep.own, from before its buffer
 * is looked up to its end, and what was retired is not freed before all who
 * could find it have left.
 */
#include <linux/module.h>
#include <linux/nvme_ioctl.h>
#include <linux/uio.h>

#include "keep.h"
#include "passthru.h"

/*
 * Is that a read or write of a buffer as long as its blocks, and as the driver
 * takes it without copying? Its request keeps the namespace's format.
 */
static bool nvme_steer_map_fits(const struct nvme_command *cmd,
				const struct nvme_ns *ns, u64 addr, u32 len)
{
	u8 opcode = cmd->common.opcode;

	return (opcode == nvme_cmd_read || opcode == nvme_cmd_write) &&
	       !ns->head->ms &&
	       (u64)nvme_steer_nlb(cmd) << ns->head->lba_shift == len &&
	       len <= queue_max_hw_sectors(ns->queue) << SECTOR_SHIFT &&
	       !(((u32)addr | len) & queue_dma_alignment(ns->queue));
}

/*
 * After so many commands in a row, by CPU, that no mapping was kept for, one in
 * so many is looked at: memory that is used once is to cost as with stock.
 */
#define NVME_STEER_MISSES	256
#define NVME_STEER_MISSES_TRY	16

static bool nvme_steer_map_worth(struct nvme_steer_ctrl *sc)
{
	if (likely(this_cpu_read(sc->stats->own_misses) < NVME_STEER_MISSES))
		return true;
	return !(this_cpu_inc_return(sc->stats->own_misses) %
		 NVME_STEER_MISSES_TRY);
}

/* Write down whether a mapping was kept. */
static void nvme_steer_map_note(struct nvme_steer_ctrl *sc, bool kept)
{
	u32 misses = this_cpu_read(sc->stats->own_misses);

	if (!kept && misses < NVME_STEER_MISSES)
		this_cpu_inc(sc->stats->own_misses);
	else if (kept && misses)
		this_cpu_write(sc->stats->own_misses, 0);
}

/* Name the data by what is kept, if it is. Under RCU, and a reader. */
static __always_inline bool
nvme_steer_map_kept(struct nvme_steer_ctrl *sc, struct io_uring_cmd *ioucmd,
		    u64 addr, u32 len, bool write, struct nvme_steer_dptr *dptr)
{
	const struct io_kiocb *kiocb = cmd_to_io_kiocb(ioucmd);
	const struct bio_vec *bv;
	size_t skip;

	if (likely(ioucmd->flags & IORING_URING_CMD_FIXED))
		return nvme_steer_registered(kiocb->imu, addr, len, &bv,
					     &skip) &&
		       nvme_steer_kept(sc, bv, skip, len, dptr);
	return !kiocb->ctx->compat &&
	       nvme_steer_kept_user(sc, addr, len, !write, dptr);
}

/* It is not: keep it, if it comes back. Returns whether it is now. A reader. */
static noinline bool nvme_steer_map_keep(struct nvme_steer_ctrl *sc,
					 struct io_uring_cmd *ioucmd, u64 addr,
					 u32 len, bool write,
					 struct nvme_steer_dptr *dptr)
{
	struct iov_iter iter;
	bool kept;

	if (!(ioucmd->flags & IORING_URING_CMD_FIXED))
		kept = nvme_steer_keep_user(sc, addr, len, !write);
	else
		kept = io_uring_cmd_import_fixed(addr, len, write ?
						 ITER_SOURCE : ITER_DEST,
						 &iter, ioucmd) >= 0 &&
		       iov_iter_is_bvec(&iter) &&
		       nvme_steer_keep(sc, &iter, addr);
	if (!kept)
		return false;
	nvme_steer_enter();
	kept = nvme_steer_map_kept(sc, ioucmd, addr, len, write, dptr);
	nvme_steer_leave();
	return kept;
}

/**
 * nvme_steer_map_hook - name the data of a command on the driver's own path
 * @req: its request, without data
 * @ioucmd: the command, of one buffer
 * @addr: the buffer
 * @len: its length, bytes
 *
 * The hook map of struct nvme_steer_hooks. No array is in its frame, and so it
 * does without the stack protector.
 *
 * Context: task, SQ thread or io-wq; may sleep.
 * Return: 0 where the driver has to map it; otherwise one more than the index
 * of the read-side critical section of keep.own that the request is.
 */
__no_stack_protector
u8 nvme_steer_map_hook(struct request *req, struct io_uring_cmd *ioucmd,
		       u64 addr, u32 len)
{
	struct nvme_command *cmd = nvme_req(req)->cmd;
	struct nvme_ns *ns = req->q->queuedata;
	bool kept, write = cmd->common.opcode & 1;
	struct nvme_steer_dptr dptr nvme_steer_uninitialized;
	struct nvme_steer_ctrl *sc;
	int idx;

	if (!nvme_steer_map_fits(cmd, ns, addr, len))
		return 0;
	nvme_steer_enter();
	sc = rcu_dereference(ns->ctrl->steer);
	if (unlikely(!sc || !sc->keep.own_maps || !nvme_steer_map_worth(sc))) {
		nvme_steer_leave();
		return 0;
	}
	idx = srcu_down_read(&sc->keep.own);
	kept = nvme_steer_map_kept(sc, ioucmd, addr, len, write, &dptr);
	nvme_steer_map_note(sc, kept);
	nvme_steer_leave();
	/* from here on being a reader keeps sc and this module */
	if (unlikely(!kept) &&
	    !nvme_steer_map_keep(sc, ioucmd, addr, len, write, &dptr)) {
		srcu_up_read(&sc->keep.own, idx);
		return 0;
	}
	nvme_steer_count(sc, NVME_STEER_EV_OWN_KEPT);
	nvme_steer_set_dptr(cmd, &dptr);
	/* as the driver's mapping would say, to who traces requests */
	req->__data_len = len;
	return idx + 1;
}
