// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring passthrough on steer queues: a uring_cmd becomes a submission queue
 * entry with no request and no bio. This is the long way, for any command;
 * short.c has the way of most, and complete.c how they end. What a queue
 * cannot carry is left to the driver's own path, before anything has happened
 * to the command.
 */
#include <linux/nvme_ioctl.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "copy.h"
#include "hold.h"
#include "keep.h"
#include "passthru.h"
#include "queue.h"

/* Two neighbours of an SQE at once. */
static void nvme_steer_read_pair(__le32 *to, const __u32 *from)
{
	if (NVME_STEER_BIG_ENDIAN) {
		to[0] = cpu_to_le32(READ_ONCE(from[0]));
		to[1] = cpu_to_le32(READ_ONCE(from[1]));
	} else {
		*(u64 *)to = READ_ONCE(*(const u64 *)from);
	}
}

/* All of the SQE that the driver would look at, as it would. */
static void nvme_steer_read_sqe(struct nvme_steer_passthru *pt)
{
	const struct nvme_uring_cmd *sqe = io_uring_sqe_cmd(pt->ioucmd->sqe);
	struct nvme_common_command *c = &pt->cmd->common;

	c->opcode = READ_ONCE(sqe->opcode);
	c->flags = READ_ONCE(sqe->flags);
	c->command_id = 0;
	c->nsid = cpu_to_le32(READ_ONCE(sqe->nsid));
	nvme_steer_read_pair(c->cdw2, &sqe->cdw2);
	c->metadata = 0;
	c->dptr.prp1 = 0;
	c->dptr.prp2 = 0;
	nvme_steer_read_pair(&c->cdw10, &sqe->cdw10);
	nvme_steer_read_pair(&c->cdw12, &sqe->cdw12);
	nvme_steer_read_pair(&c->cdw14, &sqe->cdw14);

	pt->addr = READ_ONCE(sqe->addr);
	pt->data_len = READ_ONCE(sqe->data_len);
	pt->metadata = READ_ONCE(sqe->metadata);
	pt->metadata_len = READ_ONCE(sqe->metadata_len);
	pt->timeout_ms = READ_ONCE(sqe->timeout_ms);
	pt->meta = pt->metadata && pt->metadata_len;
	pt->bounded = false;
}

/* The reverse, less what the driver does not look at. */
static void nvme_steer_write_sqe(const struct nvme_steer_passthru *pt,
				 struct nvme_uring_cmd *sqe)
{
	const struct nvme_common_command *c = &pt->cmd->common;

	sqe->opcode = c->opcode;
	sqe->flags = 0;
	sqe->nsid = le32_to_cpu(c->nsid);
	sqe->cdw2 = le32_to_cpu(c->cdw2[0]);
	sqe->cdw3 = le32_to_cpu(c->cdw2[1]);
	sqe->metadata = pt->metadata;
	sqe->addr = pt->addr;
	sqe->metadata_len = pt->metadata_len;
	sqe->data_len = pt->data_len;
	sqe->cdw10 = le32_to_cpu(c->cdw10);
	sqe->cdw11 = le32_to_cpu(c->cdw11);
	sqe->cdw12 = le32_to_cpu(c->cdw12);
	sqe->cdw13 = le32_to_cpu(c->cdw13);
	sqe->cdw14 = le32_to_cpu(c->cdw14);
	sqe->cdw15 = le32_to_cpu(c->cdw15);
	sqe->timeout_ms = pt->timeout_ms;
}

/* Of those, the ones that transfer them. */
static bool nvme_steer_moves_blocks(u8 opcode)
{
	return nvme_steer_names_blocks(opcode) && (opcode & 3);
}

static void nvme_steer_fill(struct nvme_steer_cmd *c,
			    const struct nvme_steer_passthru *pt,
			    unsigned int issue_flags)
{
	u8 opcode = pt->cmd->common.opcode;

	nvme_steer_fill_io(c, pt->ns->ctrl, pt->ioucmd, issue_flags, opcode,
			   le32_to_cpu(pt->cmd->common.nsid));
	c->len = pt->data_len;
	if (nvme_steer_names_blocks(opcode)) {
		c->flags |= NVME_STEER_CMD_RANGE;
		c->slba = le32_to_cpu(pt->cmd->common.cdw10) |
			  (u64)le32_to_cpu(pt->cmd->common.cdw11) << 32;
		c->nlb = nvme_steer_nlb(pt->cmd);
	} else {
		c->slba = c->nlb = 0;
	}
	if (pt->vec) {
		c->flags |= NVME_STEER_CMD_VECTORED;
		c->len = nvme_steer_moves_blocks(opcode) ?
			 c->nlb << pt->ns->head->lba_shift : 0;
	}
	if (pt->meta)
		c->flags |= NVME_STEER_CMD_META;
	if (!pt->addr)
		c->len = 0;
}

/*
 * Bytes a block command transfers through the data pointer, or 0 where the
 * metadata goes its own way and the driver's path must see to it.
 */
static size_t nvme_steer_transfer(const struct nvme_steer_passthru *pt)
{
	struct nvme_ns_head *head = pt->ns->head;
	u32 nlb = nvme_steer_nlb(pt->cmd);
	size_t len = (size_t)nlb << head->lba_shift;
	u16 control = le32_to_cpu(pt->cmd->common.cdw12) >> 16;

	if (!head->ms)
		return len;
	/* the controller adds and takes off metadata that is all protection */
	if ((control & NVME_RW_PRINFO_PRACT) && head->pi_type &&
	    head->ms == head->pi_size)
		return len;
	if (head->features & NVME_NS_EXT_LBAS)
		return len + (size_t)nlb * head->ms;
	return 0;
}

/*
 * Can a steer queue carry the command? With PRPs nothing but the block count
 * bounds a transfer, so a buffer that does not match it must not get there.
 * Return: 0; -EINVAL for a buffer that would be overrun; or 1 for the driver's
 * own path, with @why.
 */
int nvme_steer_check(struct nvme_steer_passthru *pt, size_t len,
		     enum nvme_steer_event *why)
{
	size_t transfer;

	if (pt->meta) {
		*why = NVME_STEER_EV_METADATA;
		return 1;
	}
	if (len > (size_t)queue_max_hw_sectors(pt->ns->queue) << SECTOR_SHIFT) {
		*why = NVME_STEER_EV_TOO_LARGE;
		return 1;
	}
	if (!nvme_steer_moves_blocks(pt->cmd->common.opcode))
		return 0;

	transfer = nvme_steer_transfer(pt);
	if (!transfer) {
		*why = NVME_STEER_EV_METADATA;
		return 1;
	}
	if (len < transfer) {
		*why = NVME_STEER_EV_SHORT_BUFFER;
		return -EINVAL;
	}
	if (len > transfer) {
		*why = NVME_STEER_EV_LONG_BUFFER;
		return 1;
	}
	pt->bounded = true;
	return 0;
}

/*
 * Is it a read or write with nothing out of the ordinary: no metadata, and a
 * buffer that fits? Says no where it is not sure: nvme_steer_check() and
 * nvme_steer_buffer() tell what is wrong with the others.
 */
static bool nvme_steer_is_plain(const struct nvme_steer_passthru *pt,
				unsigned int issue_flags)
{
	const struct nvme_ns_head *head = pt->ns->head;
	struct request_queue *rq = pt->ns->queue;
	u8 opcode = pt->cmd->common.opcode;

	return (opcode == nvme_cmd_read || opcode == nvme_cmd_write) &&
	       !head->ms && !pt->meta && !pt->vec && pt->addr &&
	       pt->data_len == nvme_steer_nlb(pt->cmd) << head->lba_shift &&
	       pt->data_len <= queue_max_hw_sectors(rq) << SECTOR_SHIFT &&
	       !(((u32)pt->addr | pt->data_len) & queue_dma_alignment(rq)) &&
	       !(issue_flags & IO_URING_F_COMPAT);
}

/* What the driver would say to the command. 0, or the error for the caller. */
static int nvme_steer_judge(const struct nvme_steer_passthru *pt)
{
	if (pt->cmd->common.flags)
		return -EINVAL;
	return nvme_steer_cmd_allowed(pt->ns, pt->cmd,
				      pt->ioucmd->file->f_mode & FMODE_WRITE);
}

/* The caller's buffer; *@iovp is to be freed, whatever is returned. */
static int nvme_steer_import(const struct nvme_steer_passthru *pt, int rw,
			     struct iov_iter *iter, struct iovec **iovp)
{
	if (pt->vec)
		return nvme_steer_import_vec(pt->addr, pt->data_len, rw, iter,
					     iovp);
	*iovp = NULL;
	if (pt->ioucmd && (pt->ioucmd->flags & IORING_URING_CMD_FIXED))
		return io_uring_cmd_import_fixed(pt->addr, pt->data_len,
						 rw, iter, pt->ioucmd);
	return import_ubuf(rw, u64_to_user_ptr(pt->addr), pt->data_len, iter);
}

/*
 * Read @len bytes of data that the caller of a uring_cmd sends, or of an ioctl,
 * which has none. 0 or -errno.
 */
int nvme_steer_read_data(const struct nvme_steer_passthru *pt, void *to,
			 size_t len)
{
	struct iovec fast[UIO_FASTIOV], *iov = fast;
	struct iov_iter iter;
	int ret;

	if (!pt->addr || (!pt->vec && pt->data_len < len))
		return -EINVAL;
	ret = nvme_steer_import(pt, ITER_SOURCE, &iter, &iov);
	if (ret >= 0) {
		ret = 0;
		if (iov_iter_count(&iter) < len)
			ret = -EINVAL;
		else if (!copy_from_iter_full(to, len, &iter))
			ret = -EFAULT;
	}
	kfree(iov);
	return ret;
}

/*
 * The caller's buffer, checked. As nvme_steer_check(); *@iovp is to be freed,
 * whatever is returned.
 */
static int nvme_steer_buffer(struct nvme_steer_passthru *pt,
			     struct iov_iter *iter, struct iovec **iovp,
			     enum nvme_steer_event *why)
{
	bool write = pt->cmd->common.opcode & 1;
	size_t len = 0;
	int ret;

	if (pt->addr && pt->data_len) {
		if (unlikely(nvme_steer_import(pt, write ? ITER_SOURCE :
					       ITER_DEST, iter, iovp) < 0)) {
			*why = NVME_STEER_EV_MAP_FAILED;
			return 1;
		}
		len = iov_iter_count(iter);
	} else {
		*iovp = NULL;
		iter->count = 0;
	}

	ret = nvme_steer_check(pt, len, why);
	if (unlikely(ret))
		return ret;
	if (len && (iov_iter_alignment(iter) &
		    queue_dma_alignment(pt->ns->queue))) {
		*why = NVME_STEER_EV_UNALIGNED;
		return 1;
	}
	return 0;
}

/* Make the command what it was before its data was mapped. */
static void nvme_steer_forget_data(struct nvme_command *cmd)
{
	cmd->common.flags = 0;
	cmd->common.command_id = 0;
	memset(&cmd->common.dptr, 0, sizeof(cmd->common.dptr));
}

/* Give up a slot that was not submitted. */
static void nvme_steer_passthru_undo(struct nvme_steer_slot *slot,
				     struct nvme_command *cmd)
{
	nvme_steer_unmap(slot);
	nvme_steer_release_pages(&slot->map);
	nvme_steer_slot_put(slot);
	nvme_steer_forget_data(cmd);
}

/* Map the data of @pt into @slot. As nvme_steer_check(). */
static int nvme_steer_passthru_map(struct nvme_steer_ctrl *sc,
				   struct nvme_steer_passthru *pt,
				   struct nvme_steer_slot *slot,
				   enum nvme_steer_event *why)
{
	bool sgl = nvme_ctrl_sgl_supported(pt->ns->ctrl);
	bool write = pt->cmd->common.opcode & 1;
	struct iovec fast[UIO_FASTIOV] nvme_steer_uninitialized, *iov = fast;
	struct iov_iter iter nvme_steer_uninitialized;
	int ret;

	ret = nvme_steer_buffer(pt, &iter, &iov, why);
	if (!ret && iov_iter_count(&iter)) {
		if (iov_iter_is_bvec(&iter))
			nvme_steer_keep(sc, &iter, pt->addr);
		ret = nvme_steer_map_data(slot, pt->cmd, &iter, write ?
					  DMA_TO_DEVICE : DMA_FROM_DEVICE,
					  !pt->bounded && sgl, why);
		if (ret)
			ret = 1;
		else
			nvme_steer_count(sc, NVME_STEER_EV_MAPPED);
	}
	kfree(iov);
	return ret;
}

/* Submit a command whose slot and data pointer it has. As nvme_steer_carry(). */
static int nvme_steer_passthru_send(struct nvme_steer_ctrl *sc,
				    struct nvme_steer_passthru *pt,
				    struct nvme_steer_slot *slot,
				    const struct nvme_steer_io *io,
				    enum nvme_steer_event *why)
{
	nvme_steer_shared_tell(slot, pt->bounded || pt->plain ?
			       nvme_steer_nlb(pt->cmd) <<
			       pt->ns->head->lba_shift : pt->data_len,
			       pt->timeout_ms);
	if (likely(!nvme_steer_submit(slot, io, pt->cmd))) {
		if (io->kept)
			nvme_steer_count(sc, NVME_STEER_EV_KEPT);
		nvme_steer_count(sc, NVME_STEER_EV_ROUTED);
		return -EIOCBQUEUED;
	}
	*why = NVME_STEER_EV_QUEUE_DOWN;
	nvme_steer_count(sc, *why);
	nvme_steer_passthru_undo(slot, pt->cmd);
	percpu_ref_put(io->usage);
	return NVME_STEER_PASS;
}

/*
 * Carry a command whose data is to be mapped: that may sleep, so it is done
 * outside of RCU, with a slot to keep the queue. As nvme_steer_carry().
 */
static int nvme_steer_passthru_mapped(struct nvme_steer_ctrl *sc,
				      struct nvme_steer_passthru *pt,
				      struct nvme_steer_slot *slot,
				      const struct nvme_steer_io *io,
				      enum nvme_steer_event *why)
{
	bool plain = pt->plain && !(pt->ioucmd->flags & IORING_URING_CMD_FIXED);
	bool write = pt->cmd->common.opcode & 1;
	int ret;

	if (plain &&
	    !nvme_steer_map_page(slot, pt->cmd, pt->addr, pt->data_len,
				 write ? DMA_TO_DEVICE : DMA_FROM_DEVICE)) {
		nvme_steer_count(sc, NVME_STEER_EV_MAPPED);
		ret = 0;
	} else {
		ret = nvme_steer_passthru_map(sc, pt, slot, why);
	}
	if (likely(!ret)) {
		if (plain)
			nvme_steer_keep_user(sc, pt->addr, pt->data_len,
					     !write);
		return nvme_steer_passthru_send(sc, pt, slot, io, why);
	}
	nvme_steer_count(sc, *why);
	nvme_steer_passthru_undo(slot, pt->cmd);
	percpu_ref_put(io->usage);
	return ret < 0 ? ret : NVME_STEER_PASS;
}

/*
 * The queue for a command by its kind, or the policy's answer, which is
 * remembered. As nvme_steer_route(). In nvme_steer_enter().
 */
int nvme_steer_passthru_route(struct nvme_steer_ctrl *sc,
			      struct nvme_steer_policy *p,
			      const struct nvme_steer_passthru *pt,
			      unsigned int issue_flags,
			      struct nvme_steer_queue **q)
{
	struct nvme_steer_route_args args nvme_steer_uninitialized;
	unsigned int polled = issue_flags & IO_URING_F_IOPOLL;
	struct nvme_steer_kind kind nvme_steer_uninitialized;
	int ret;

	nvme_steer_fill(&args.cmd, pt, issue_flags);
	args.ring = cmd_to_io_kiocb(pt->ioucmd)->ctx;
	args.policy = p;
	if (p->hold_kind) {
		kind = nvme_steer_kind(p, &args.cmd);
		*q = nvme_steer_kind_queue(sc, p, args.ring, &kind, polled);
		if (*q == NVME_STEER_HELD_OWN)
			return 0;
		if (*q)
			return 1;
	}
	ret = nvme_steer_route(sc, &args, q);
	if (nvme_steer_holds(&args, ret))
		nvme_steer_remember(sc, p, args.ring, &kind, polled, ret, *q);
	return ret;
}

/* Where it is kept mapped: name the data of a command by that. Under RCU. */
static bool nvme_steer_passthru_kept(struct nvme_steer_ctrl *sc,
				     struct nvme_steer_passthru *pt)
{
	bool fixed = pt->ioucmd->flags & IORING_URING_CMD_FIXED;
	bool write = pt->cmd->common.opcode & 1;
	struct nvme_steer_dptr dptr;
	struct iov_iter iter;
	bool kept;

	lockdep_assert_in_rcu_reader();

	if (!fixed)
		kept = nvme_steer_kept_user(sc, pt->addr, pt->data_len, !write,
					    &dptr);
	else if (nvme_steer_import(pt, write ? ITER_SOURCE : ITER_DEST, &iter,
				   &(struct iovec *){ NULL }) < 0 ||
		 !iov_iter_is_bvec(&iter))
		return false;
	else
		kept = nvme_steer_kept(sc, iter.bvec, iter.iov_offset,
				       pt->data_len, &dptr);
	if (kept)
		nvme_steer_set_dptr(pt->cmd, &dptr);
	return kept;
}

/*
 * All slots of a shared queue are taken, and the driver's own path would be a
 * way around the share: from io-wq, wait for a slot. Leaves RCU. Returns the
 * answer for io_uring, or 1: try again.
 */
static int nvme_steer_passthru_room(struct nvme_steer_queue *q,
				    unsigned int issue_flags)
{
	int ret;

	nvme_steer_count(q->ctrl, NVME_STEER_EV_SHARE_FULL);
	if (issue_flags & IO_URING_F_NONBLOCK) {
		nvme_steer_leave();
		return -EAGAIN;
	}
	spin_lock(&q->sq_lock);
	q->refs++;
	spin_unlock(&q->sq_lock);
	nvme_steer_leave();
	ret = nvme_steer_shared_room(q);
	nvme_steer_queue_drop(q);
	return ret ?: 1;
}

/*
 * Carry a command to its queue, if a queue can carry it. The namespace's usage
 * reference is taken before the slot and held until the controller is done
 * with the command, as a request would.
 * Return: as the uring_cmd hook does; for NVME_STEER_PASS with the event that
 * says why. Leaves RCU.
 */
static int nvme_steer_carry(struct nvme_steer_ctrl *sc,
			    struct nvme_steer_policy *p,
			    struct nvme_steer_queue *q,
			    struct nvme_steer_passthru *pt,
			    unsigned int issue_flags,
			    enum nvme_steer_event *why)
{
	bool fixed = pt->ioucmd->flags & IORING_URING_CMD_FIXED;
	struct nvme_steer_slot *slot;
	struct nvme_steer_io io = {
		.done = nvme_steer_passthru_done,
		.owner = pt->ioucmd,
		.usage = &pt->ns->queue->q_usage_counter,
		.timeout = pt->timeout_ms ? msecs_to_jiffies(pt->timeout_ms) :
					    p->timeout,
	};
	u32 epoch;
	int ret;

	/* 32-bit callers, and what the driver refuses, are its own */
	if (unlikely((issue_flags & IO_URING_F_COMPAT) || (pt->vec && fixed))) {
		*why = NVME_STEER_EV_DEFAULT;
		nvme_steer_leave();
		return NVME_STEER_PASS;
	}
	if (unlikely(!nvme_steer_use(io.usage))) {
		*why = NVME_STEER_EV_FROZEN;
		goto pass;
	}
	/* judged by a block size that stays as long as the reference is held */
	pt->plain = nvme_steer_is_plain(pt, issue_flags);
	slot = nvme_steer_slot_get(q);
	if (slot == ERR_PTR(-EBUSY) && q->shared) {
		percpu_ref_put(io.usage);
		*why = NVME_STEER_EV_SHARE_FULL;
		ret = nvme_steer_passthru_room(q, issue_flags);
		return ret > 0 ? NVME_STEER_PASS : ret;
	}
	if (IS_ERR(slot)) {
		*why = PTR_ERR(slot) == -EBUSY ? NVME_STEER_EV_QUEUE_FULL :
						 NVME_STEER_EV_QUEUE_DOWN;
		percpu_ref_put(io.usage);
		goto pass;
	}
	nvme_steer_pdu(pt->ioucmd)->req = NULL;
	nvme_steer_pdu(pt->ioucmd)->queue = q;
	epoch = nvme_steer_keep_epoch(sc);
	if (unlikely(q->shared) && pt->plain &&
	    nvme_steer_passthru_kept(sc, pt)) {
		io.kept = epoch;
		ret = nvme_steer_passthru_send(sc, pt, slot, &io, why);
		nvme_steer_leave();
		return ret;
	}
	nvme_steer_leave();

	/* the slot keeps the queue, the queue keeps sc and this module */
	return nvme_steer_passthru_mapped(sc, pt, slot, &io, why);
pass:
	nvme_steer_count(sc, *why);
	nvme_steer_leave();
	return NVME_STEER_PASS;
}

/* Wait while a namespace is frozen; false when it goes away. Process context. */
bool nvme_steer_wait_thaw(struct nvme_ns *ns)
{
	/* allocating a request waits for that */
	struct request *req = blk_mq_alloc_request(ns->queue, REQ_OP_DRV_IN, 0);

	if (IS_ERR(req))
		return false;
	blk_mq_free_request(req);
	return true;
}

/*
 * Wait for the end of whatever made a command miss its queue: the namespace is
 * frozen, or the queues are not back yet after a reset. False when the driver
 * should have the command after all. @tried: false at first, and the caller's
 * until the command is sent.
 */
bool nvme_steer_wait(struct nvme_ctrl *ctrl, struct nvme_ns *ns,
		     enum nvme_steer_event why, bool *tried)
{
	struct nvme_steer_ctrl *sc;
	bool again = false;

	/* with a policy attached the module is held, so it can be held again */
	rcu_read_lock();
	sc = rcu_dereference(ctrl->steer);
	if (sc && (!rcu_access_pointer(sc->policy) ||
		   !kref_get_unless_zero(&sc->ref)))
		sc = NULL;
	if (sc)
		__module_get(THIS_MODULE);
	rcu_read_unlock();
	if (!sc)
		return false;

	if (why == NVME_STEER_EV_FROZEN) {
		again = nvme_steer_wait_thaw(ns);
	} else if (!READ_ONCE(sc->ready)) {
		again = wait_event_timeout(sc->ready_wait,
					   READ_ONCE(sc->ready) ||
					   READ_ONCE(sc->gone), HZ) &&
			!READ_ONCE(sc->gone);
	} else {
		/* they came back meanwhile, or this one does not: try once */
		again = !*tried;
		*tried = true;
	}
	nvme_steer_ctrl_put(sc);
	module_put(THIS_MODULE);
	return again;
}

/*
 * Leave a command to the driver's own path, as it was when it was judged: what
 * the policy has seen is what is sent.
 */
static noinline int nvme_steer_pass(const struct nvme_steer_passthru *pt)
{
	struct io_uring_cmd *ioucmd = pt->ioucmd;

	if (nvme_steer_keep_sqe(ioucmd))
		nvme_steer_write_sqe(pt, (void *)ioucmd->sqe->cmd);
	return NVME_STEER_PASS;
}

/*
 * A command has missed its queue: where it may, wait for that to change.
 * Returns the policy to ask again, under RCU, or NULL.
 *
 * In io-wq it may. The driver's own path is no good there, because on x86
 * kernels with the x32 ABI in_compat_syscall() is true in some io-wq workers,
 * and the driver would cut the caller's addresses to 32 bits.
 */
static struct nvme_steer_policy *
nvme_steer_again(struct nvme_steer_passthru *pt, unsigned int issue_flags,
		 enum nvme_steer_event why, struct nvme_steer_ctrl **sc)
{
	struct nvme_steer_policy *p;

	if ((why != NVME_STEER_EV_FROZEN && why != NVME_STEER_EV_QUEUE_DOWN &&
	     why != NVME_STEER_EV_SHARE_FULL) ||
	    (issue_flags & IO_URING_F_NONBLOCK))
		return NULL;
	/* for a slot it has waited already */
	if (why != NVME_STEER_EV_SHARE_FULL &&
	    !nvme_steer_wait(pt->ns->ctrl, pt->ns, why, &pt->tried))
		return NULL;
	nvme_steer_enter();
	p = nvme_steer_policy_of(pt->ns, sc);
	if (!p)
		nvme_steer_leave();
	return p;
}

/* The queue for a command, remembered or asked for. As nvme_steer_route(). */
static int nvme_steer_passthru_queue(struct nvme_steer_ctrl *sc,
				     struct nvme_steer_policy *p,
				     const struct nvme_steer_passthru *pt,
				     unsigned int issue_flags,
				     struct nvme_steer_queue **q)
{
	const struct io_ring_ctx *ring = cmd_to_io_kiocb(pt->ioucmd)->ctx;

	*q = nvme_steer_batch_queue(p, ring);
	if (!*q)
		*q = nvme_steer_ring_queue(sc, p, ring,
					   issue_flags & IO_URING_F_IOPOLL);
	return *q ? 1 : nvme_steer_passthru_route(sc, p, pt, issue_flags, q);
}

/* What the short way has seen of a command, and the policy has answered to. */
static void nvme_steer_recall(struct nvme_steer_passthru *pt,
			      const struct nvme_steer_seen *seen)
{
	u64 *words = (u64 *)pt->cmd;

	words[0] = seen->head;
	words[5] = seen->cdw10;
	words[6] = seen->cdw12;
	pt->addr = seen->addr;
	pt->data_len = seen->len;
	pt->metadata = 0;
	pt->timeout_ms = 0;
	pt->meta = false;
}

/**
 * nvme_steer_passthru - carry a passthrough command, the long way
 * @ns: the namespace it was sent to
 * @ioucmd: NVME_URING_CMD_IO or NVME_URING_CMD_IO_VEC
 * @issue_flags: of the uring_cmd
 * @sc: the namespace's controller
 * @p: its policy
 * @seen: what the policy was asked about it and its answer, or NULL
 *
 * Context: under nvme_steer_enter(), which it leaves.
 * Return: as the uring_cmd hook does.
 */
int nvme_steer_passthru(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			unsigned int issue_flags, struct nvme_steer_ctrl *sc,
			struct nvme_steer_policy *p,
			const struct nvme_steer_seen *seen)
{
	struct nvme_command cmd nvme_steer_uninitialized;
	struct nvme_steer_passthru pt = {
		.ns = ns,
		.ioucmd = ioucmd,
		.cmd = &cmd,
		.vec = ioucmd->cmd_op == NVME_URING_CMD_IO_VEC,
	};
	const struct io_ring_ctx *ring = cmd_to_io_kiocb(ioucmd)->ctx;
	struct nvme_steer_queue *q;
	enum nvme_steer_event why;
	int ret;

	nvme_steer_read_sqe(&pt);
	if (seen)
		nvme_steer_recall(&pt, seen);
	ret = nvme_steer_judge(&pt);
	if (unlikely(ret)) {
		nvme_steer_leave();
		return ret;
	}
	if (unlikely(cmd.common.opcode == NVME_STEER_COPY)) {
		__module_get(THIS_MODULE);
		nvme_steer_leave();
		ret = nvme_steer_copy_passthru(&pt, issue_flags);
		module_put(THIS_MODULE);
		return ret;
	}
	/* it was a Copy when it was looked at first */
	if (unlikely(p->copies_only)) {
		nvme_steer_leave();
		return nvme_steer_pass(&pt);
	}

	do {
		if (seen) {
			q = seen->queue;
			ret = seen->answer;
			seen = NULL;
		} else {
			ret = nvme_steer_passthru_queue(sc, p, &pt,
							issue_flags, &q);
		}
		if (ret <= 0) {
			nvme_steer_leave();
			return ret ?: nvme_steer_pass(&pt);
		}
		ret = nvme_steer_carry(sc, p, q, &pt, issue_flags, &why);
		if (likely(ret != NVME_STEER_PASS)) {
			if (ret == -EIOCBQUEUED)
				nvme_steer_batch_remember(p, ring, q);
			else if (ret == -EAGAIN)
				nvme_steer_pass(&pt);
			return ret;
		}
		p = nvme_steer_again(&pt, issue_flags, why, &sc);
	} while (p);
	return nvme_steer_pass(&pt);
}
