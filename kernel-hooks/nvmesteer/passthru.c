// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring passthrough on steer queues: a uring_cmd becomes a submission queue
 * entry, and a completion queue entry its result, with no request and no bio.
 * What a queue cannot carry is left to the driver's own path, before anything
 * has happened to the command.
 */
#include <linux/iocontext.h>
#include <linux/nvme_ioctl.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "nvmesteer.h"
#include "route.h"

static __always_inline void
nvme_steer_read_sqe(struct nvme_steer_passthru *pt)
{
	const struct nvme_uring_cmd *ucmd = io_uring_sqe_cmd(pt->ioucmd->sqe);

	pt->addr = READ_ONCE(ucmd->addr);
	pt->data_len = READ_ONCE(ucmd->data_len);
	pt->timeout_ms = READ_ONCE(ucmd->timeout_ms);
	pt->meta = READ_ONCE(ucmd->metadata) && READ_ONCE(ucmd->metadata_len);
	pt->bounded = false;
}

/* Commands that name logical blocks: slba in CDW10-11, nlb in CDW12. */
static bool nvme_steer_names_blocks(u8 opcode)
{
	switch (opcode) {
	case nvme_cmd_write:
	case nvme_cmd_read:
	case nvme_cmd_write_uncor:
	case nvme_cmd_compare:
	case nvme_cmd_write_zeroes:
	case nvme_cmd_verify:
	case nvme_cmd_zone_append:
		return true;
	}
	return false;
}

/* Of those, the ones that transfer them. */
static bool nvme_steer_moves_blocks(u8 opcode)
{
	return nvme_steer_names_blocks(opcode) && (opcode & 3);
}

static __always_inline void
nvme_steer_fill(struct nvme_steer_cmd *c, const struct nvme_steer_passthru *pt,
		unsigned int issue_flags)
{
	const struct nvme_command *cmd = pt->cmd;
	const struct nvme_ctrl *ctrl = pt->ns->ctrl;
	u8 opcode = cmd->common.opcode;
	u32 flags;

	c->source = NVME_STEER_SRC_URING;
	c->opcode = opcode;
	c->ioprio = current->io_context ? current->io_context->ioprio : 0;
	c->nsid = le32_to_cpu(cmd->common.nsid);
	c->ctrl = ctrl->instance;
	c->dev_node = ctrl->numa_node;

	flags = opcode & 1 ? NVME_STEER_CMD_WRITE : 0;
	if (pt->ioucmd->flags & IORING_URING_CMD_FIXED)
		flags |= NVME_STEER_CMD_FIXED;
	if (issue_flags & IO_URING_F_IOPOLL)
		flags |= NVME_STEER_CMD_POLLED;
	if (issue_flags & IO_URING_F_NONBLOCK)
		flags |= NVME_STEER_CMD_NOWAIT;
	c->slba = le32_to_cpu(cmd->common.cdw10) |
		  (u64)le32_to_cpu(cmd->common.cdw11) << 32;
	c->nlb = nvme_steer_nlb(cmd);
	c->len = pt->data_len;
	if (likely(pt->plain)) {
		c->flags = flags | NVME_STEER_CMD_RANGE;
		return;
	}

	if (pt->vec)
		flags |= NVME_STEER_CMD_VECTORED;
	if (pt->meta)
		flags |= NVME_STEER_CMD_META;
	if (nvme_steer_names_blocks(opcode))
		flags |= NVME_STEER_CMD_RANGE;
	else
		c->slba = c->nlb = 0;
	c->flags = flags;
	if (!pt->addr)
		c->len = 0;
	else if (pt->vec)
		c->len = nvme_steer_moves_blocks(opcode) ?
			 c->nlb << pt->ns->head->lba_shift : 0;
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
static __always_inline bool
nvme_steer_is_plain(const struct nvme_steer_passthru *pt,
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

/*
 * The caller's iovec array. Not import_iovec(), which asks
 * in_compat_syscall(): see nvme_steer_uring_cmd_hook().
 */
static int nvme_steer_import_vec(const struct nvme_steer_passthru *pt, int rw,
				 struct iov_iter *iter, struct iovec **iovp)
{
	u32 i, nr = pt->data_len;
	struct iovec *iov = *iovp;
	size_t len = 0;

	*iovp = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		iov = kmalloc_array(nr, sizeof(*iov), GFP_KERNEL);
		if (!iov)
			return -ENOMEM;
		*iovp = iov;
	}
	if (copy_from_user(iov, u64_to_user_ptr(pt->addr), nr * sizeof(*iov)))
		return -EFAULT;
	for (i = 0; i < nr; i++) {
		if (iov[i].iov_len > MAX_RW_COUNT - len)
			return -EINVAL;
		if (!access_ok(iov[i].iov_base, iov[i].iov_len))
			return -EFAULT;
		len += iov[i].iov_len;
	}
	iov_iter_init(iter, rw, iov, nr, len);
	return 0;
}

/* The caller's buffer; *@iovp is to be freed, whatever is returned. */
static int nvme_steer_import(const struct nvme_steer_passthru *pt, int rw,
			     struct iov_iter *iter, struct iovec **iovp)
{
	if (pt->vec)
		return nvme_steer_import_vec(pt, rw, iter, iovp);
	*iovp = NULL;
	if (pt->ioucmd->flags & IORING_URING_CMD_FIXED)
		return io_uring_cmd_import_fixed(pt->addr, pt->data_len,
						 rw, iter, pt->ioucmd);
	return import_ubuf(rw, u64_to_user_ptr(pt->addr), pt->data_len, iter);
}

/* Tell io_uring of a command that has ended; its slot is still the caller's. */
static void nvme_steer_passthru_end(struct nvme_steer_slot *slot,
				    unsigned int issue_flags)
{
	int status = likely(!slot->cancelled) ? slot->status : -EINTR;

	nvme_steer_release_pages(&slot->map);
	io_uring_cmd_done(slot->io.owner, status, slot->result, issue_flags);
}

static void nvme_steer_passthru_tw(struct io_uring_cmd *ioucmd,
				   unsigned int issue_flags)
{
	struct nvme_steer_slot *slot = nvme_steer_pdu(ioucmd)->slot;

	nvme_steer_passthru_end(slot, issue_flags);
	nvme_steer_slot_put(slot);
}

/* Likewise of several, linked by next, of one ring and task. */
static void nvme_steer_passthru_several_tw(struct io_uring_cmd *ioucmd,
					   unsigned int issue_flags)
{
	struct nvme_steer_slot *first = nvme_steer_pdu(ioucmd)->slot, *slot;

	for (slot = first; slot; slot = slot->next)
		nvme_steer_passthru_end(slot, issue_flags);
	nvme_steer_slots_put(first);
}

/* Under cq_lock: leave it to whoever drains, or to its task. */
static void nvme_steer_passthru_done(struct nvme_steer_slot *slot,
				     struct nvme_steer_drain *drain)
{
	struct io_uring_cmd *ioucmd = slot->io.owner;

	if (drain && (cmd_to_io_kiocb(ioucmd)->ctx == drain->ring ||
		      !drain->ring)) {
		*drain->last = slot;
		drain->last = &slot->next;
		return;
	}
	nvme_steer_pdu(ioucmd)->slot = slot;
	io_uring_cmd_do_in_task_lazy(ioucmd, nvme_steer_passthru_tw);
}

/*
 * Does the task wait for more completions than these? Then a forced wake-up
 * would be for nothing.
 */
static bool nvme_steer_waits_for_more(struct io_ring_ctx *ctx, unsigned int n)
{
	/* -1 when it does not wait */
	return (ctx->flags & IORING_SETUP_DEFER_TASKRUN) &&
	       atomic_read(&ctx->cq_wait_nr) > (int)n;
}

/*
 * Tell the task of @n commands, linked by next, of one ring and task. As one
 * task work where it wakes the task: io_uring counts a lazy one as a single
 * completion, however many it brings, so that would wake too late.
 */
static void nvme_steer_passthru_tell_ring(struct nvme_steer_slot *first,
					  unsigned int n)
{
	struct nvme_steer_slot *slot, *next;

	if (n > 1 && !nvme_steer_waits_for_more(
			cmd_to_io_kiocb(first->io.owner)->ctx, n)) {
		nvme_steer_pdu(first->io.owner)->slot = first;
		io_uring_cmd_complete_in_task(first->io.owner,
					      nvme_steer_passthru_several_tw);
		return;
	}
	for (slot = first; slot; slot = next) {
		/* the slot may be someone else's once its task knows */
		next = slot->next;
		nvme_steer_pdu(slot->io.owner)->slot = slot;
		io_uring_cmd_do_in_task_lazy(slot->io.owner,
					     nvme_steer_passthru_tw);
	}
}

static bool nvme_steer_same_ring(const struct nvme_steer_slot *a,
				 const struct nvme_steer_slot *b)
{
	const struct io_kiocb *x = cmd_to_io_kiocb(a->io.owner);
	const struct io_kiocb *y = cmd_to_io_kiocb(b->io.owner);

	return x->ctx == y->ctx && x->task == y->task;
}

/**
 * nvme_steer_passthru_tell - tell tasks of commands that were gathered
 * @drain: the commands; nobody polled for them
 *
 * Context: any.
 */
void nvme_steer_passthru_tell(struct nvme_steer_drain *drain)
{
	struct nvme_steer_slot *first, *last, *next;
	unsigned int n;

	*drain->last = NULL;
	for (first = drain->first; first; first = next) {
		n = 1;
		for (last = first; (next = last->next); last = next, n++)
			if (!nvme_steer_same_ring(first, next))
				break;
		last->next = NULL;
		nvme_steer_passthru_tell_ring(first, n);
	}
}

/* Finish what a round of polling left to the poller. */
static void nvme_steer_passthru_finish(struct nvme_steer_drain *drain)
{
	struct nvme_steer_slot *slot = drain->first;

	*drain->last = NULL;
	if (!slot)
		return;
	for (; slot; slot = slot->next)
		nvme_steer_passthru_end(slot, 0);
	nvme_steer_slots_put(drain->first);
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

/* The driver's own path wants the command as it was. */
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

/*
 * Carry a command whose data is to be mapped: that may sleep, so it is done
 * outside of RCU, with a slot to keep the queue. As nvme_steer_passthru_long().
 */
static int nvme_steer_passthru_mapped(struct nvme_steer_ctrl *sc,
				      struct nvme_steer_passthru *pt,
				      struct nvme_steer_slot *slot,
				      const struct nvme_steer_io *io,
				      enum nvme_steer_event *why)
{
	int ret;

	if (pt->plain && !(pt->ioucmd->flags & IORING_URING_CMD_FIXED) &&
	    !nvme_steer_map_page(slot, pt->cmd, pt->addr, pt->data_len,
				 pt->cmd->common.opcode & 1 ?
				 DMA_TO_DEVICE : DMA_FROM_DEVICE)) {
		nvme_steer_count(sc, NVME_STEER_EV_MAPPED);
		ret = 0;
	} else {
		ret = nvme_steer_passthru_map(sc, pt, slot, why);
	}
	if (likely(!ret)) {
		ret = nvme_steer_submit(slot, io, pt->cmd);
		if (likely(!ret)) {
			nvme_steer_count(sc, NVME_STEER_EV_ROUTED);
			return -EIOCBQUEUED;
		}
		*why = NVME_STEER_EV_QUEUE_DOWN;
		ret = 1;
	}
	nvme_steer_count(sc, *why);
	nvme_steer_passthru_undo(slot, pt->cmd);
	percpu_ref_put(io->usage);
	return ret < 0 ? ret : NVME_STEER_PASS;
}

/*
 * The policy's answer for the next command of a batch, where it needs to be
 * asked only once: the queue, which the batch holds, or NULL. Under RCU.
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_batch_queue(const struct nvme_steer_policy *p,
		       const struct io_ring_ctx *ring)
{
	struct nvme_steer_plug *plug = nvme_steer_plug();

	if (!plug || plug->policy != p || plug->ring != ring ||
	    READ_ONCE(p->exit_kind))
		return NULL;
	return plug->cb.data;
}

/* Remember the answer for the batch, if there is one; follows no pointer. */
static void nvme_steer_batch_remember(const struct nvme_steer_policy *p,
				      const struct io_ring_ctx *ring,
				      const struct nvme_steer_queue *q)
{
	struct nvme_steer_plug *plug = nvme_steer_plug();

	if (plug && plug->cb.data == q) {
		plug->policy = p;
		plug->ring = ring;
	}
}

/*
 * The short way: a read or write of a registered buffer that is kept mapped,
 * with nothing out of the ordinary. Anything else has another try on the long
 * way, which also tells what is wrong with a command.
 * Return: whether the command was submitted. Under RCU.
 */
static __always_inline bool
nvme_steer_passthru_short(struct nvme_steer_ctrl *sc,
			  struct nvme_steer_policy *p,
			  struct nvme_steer_queue *q,
			  const struct nvme_steer_passthru *pt)
{
	struct io_uring_cmd *ioucmd = pt->ioucmd;
	struct nvme_command *cmd = pt->cmd;
	struct nvme_steer_io io nvme_steer_uninitialized;
	struct iov_iter iter nvme_steer_uninitialized;

	if (!pt->plain || !(ioucmd->flags & IORING_URING_CMD_FIXED) ||
	    pt->timeout_ms)
		return false;

	io.usage = &pt->ns->queue->q_usage_counter;
	if (unlikely(!percpu_ref_tryget_live_rcu(io.usage)))
		return false;
	if (unlikely(io_uring_cmd_import_fixed(pt->addr, pt->data_len,
					       cmd->common.opcode & 1 ?
					       ITER_SOURCE : ITER_DEST,
					       &iter, ioucmd)))
		goto put;
	io.kept = nvme_steer_kept(sc, &iter, cmd);
	if (unlikely(!io.kept))
		goto put;
	io.done = nvme_steer_passthru_done;
	io.owner = ioucmd;
	io.timeout = p->timeout;
	nvme_steer_pdu(ioucmd)->tag = (unsigned long)q | NVME_STEER_PDU_MINE;
	if (likely(!nvme_steer_queue_cmd(q, &io, cmd))) {
		nvme_steer_count(sc, NVME_STEER_EV_KEPT);
		nvme_steer_count(sc, NVME_STEER_EV_ROUTED);
		return true;
	}
	nvme_steer_pdu(ioucmd)->tag = 0;
	nvme_steer_forget_data(cmd);
put:
	percpu_ref_put(io.usage);
	return false;
}

/* Ask the policy. As nvme_steer_route(). Under RCU. */
static __always_inline int
nvme_steer_passthru_ask(struct nvme_steer_ctrl *sc,
			struct nvme_steer_policy *p,
			const struct nvme_steer_passthru *pt,
			unsigned int issue_flags, struct nvme_steer_queue **q)
{
	struct nvme_steer_route_args args nvme_steer_uninitialized;

	nvme_steer_fill(&args.cmd, pt, issue_flags);
	args.ring = cmd_to_io_kiocb(pt->ioucmd)->ctx;
	args.policy = p;
	return nvme_steer_route(sc, &args, q);
}

/* Likewise, for a command of a group. */
int nvme_steer_passthru_route(struct nvme_steer_ctrl *sc,
			      struct nvme_steer_policy *p,
			      const struct nvme_steer_passthru *pt,
			      unsigned int issue_flags,
			      struct nvme_steer_queue **q)
{
	return nvme_steer_passthru_ask(sc, p, pt, issue_flags, q);
}

/*
 * The long way, for any command that a queue can carry. The namespace's usage
 * reference is taken before the slot and held until the controller is done
 * with the command, as a request would.
 * Return: as the uring_cmd hook does; for NVME_STEER_PASS with the event that
 * says why. Drops the RCU read lock.
 */
static noinline int nvme_steer_passthru_long(struct nvme_steer_ctrl *sc,
				    struct nvme_steer_policy *p,
				    struct nvme_steer_queue *q,
				    struct nvme_steer_passthru *pt,
				    unsigned int issue_flags,
				    enum nvme_steer_event *why)
	__releases(RCU)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(pt->ioucmd);
	bool fixed = pt->ioucmd->flags & IORING_URING_CMD_FIXED;
	struct nvme_steer_slot *slot;
	struct nvme_steer_io io = {
		.done = nvme_steer_passthru_done,
		.owner = pt->ioucmd,
		.usage = &pt->ns->queue->q_usage_counter,
		.timeout = pt->timeout_ms ? msecs_to_jiffies(pt->timeout_ms) :
					    p->timeout,
	};
	int ret;

	/* 32-bit callers, and what the driver refuses, are its own */
	if (unlikely((issue_flags & IO_URING_F_COMPAT) || (pt->vec && fixed))) {
		*why = NVME_STEER_EV_DEFAULT;
		rcu_read_unlock();
		return NVME_STEER_PASS;
	}
	if (unlikely(!percpu_ref_tryget_live_rcu(io.usage))) {
		*why = NVME_STEER_EV_FROZEN;
		goto pass;
	}
	slot = nvme_steer_slot_get(q);
	if (IS_ERR(slot)) {
		*why = PTR_ERR(slot) == -EBUSY ? NVME_STEER_EV_QUEUE_FULL :
						 NVME_STEER_EV_QUEUE_DOWN;
		percpu_ref_put(io.usage);
		goto pass;
	}
	pdu->tag = (unsigned long)q | NVME_STEER_PDU_MINE;
	rcu_read_unlock();

	/* the slot keeps the queue, the queue keeps sc and this module */
	ret = nvme_steer_passthru_mapped(sc, pt, slot, &io, why);
	if (unlikely(ret != -EIOCBQUEUED))
		pdu->tag = 0;
	return ret;
pass:
	nvme_steer_count(sc, *why);
	rcu_read_unlock();
	return NVME_STEER_PASS;
}

/*
 * Wait for the end of whatever made a command miss its queue: the namespace is
 * frozen, or the queues are not back yet after a reset. False when the driver
 * should have the command after all.
 */
bool nvme_steer_wait(struct nvme_ctrl *ctrl, struct nvme_ns *ns,
		     enum nvme_steer_event why)
{
	struct nvme_steer_ctrl *sc;
	struct request *req;
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
		/* allocating a request waits for the namespace to thaw */
		req = blk_mq_alloc_request(ns->queue, REQ_OP_DRV_IN, 0);
		again = !IS_ERR(req);
		if (again)
			blk_mq_free_request(req);
	} else if (!READ_ONCE(sc->ready)) {
		again = wait_event_timeout(sc->ready_wait,
					   READ_ONCE(sc->ready) ||
					   READ_ONCE(sc->gone), HZ) &&
			!READ_ONCE(sc->gone);
	}
	nvme_steer_ctrl_put(sc);
	module_put(THIS_MODULE);
	return again;
}

/*
 * Leave a command to the driver's own path. When that cannot allocate a
 * request without blocking (the namespace is frozen by a reset, or tags have
 * run out), io_uring issues the command again from io-wq. io_uring of 6.12
 * copies the SQE for that, but goes on to read the original, which the
 * application may have filled with another command by then. Point it to the
 * copy, which io_uring_cmd_prep() has allocated.
 */
noinline int nvme_steer_pass(struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	void *copy = cmd_to_io_kiocb(ioucmd)->async_data;

	if ((issue_flags & IO_URING_F_NONBLOCK) && copy &&
	    ioucmd->sqe != copy) {
		memcpy(copy, ioucmd->sqe, 2 * sizeof(struct io_uring_sqe));
		ioucmd->sqe = copy;
	}
	return NVME_STEER_PASS;
}

/*
 * A passthrough command; the hook uring_cmd of struct nvme_steer_hooks.
 *
 * In io-wq, where it may block, a command that missed its queue waits for it:
 * the driver's own path is no good there, because on x86 kernels with the x32
 * ABI in_compat_syscall() is true in some io-wq workers, and the driver would
 * cut the caller's addresses to 32 bits.
 */
int nvme_steer_uring_cmd_hook(struct nvme_ctrl *ctrl, struct nvme_ns *ns,
		struct io_uring_cmd *ioucmd, struct nvme_command *cmd,
		unsigned int issue_flags, bool vec)
{
	const struct io_ring_ctx *ring = cmd_to_io_kiocb(ioucmd)->ctx;
	struct nvme_steer_passthru pt nvme_steer_uninitialized;
	enum nvme_steer_event why = NVME_STEER_EV_DEFAULT;
	struct nvme_steer_queue *q;
	struct nvme_steer_policy *p;
	struct nvme_steer_ctrl *sc;
	bool batch;
	int ret;

	/* tells the polling hook that the command is not ours */
	nvme_steer_pdu(ioucmd)->tag = 0;

	pt.ns = ns;
	pt.ioucmd = ioucmd;
	pt.cmd = cmd;
	pt.vec = vec;
	nvme_steer_read_sqe(&pt);
	pt.plain = nvme_steer_is_plain(&pt, issue_flags);
again:
	rcu_read_lock();
	sc = rcu_dereference(ctrl->steer);
	p = sc ? rcu_dereference(sc->policy) : NULL;
	if (unlikely(!p)) {
		rcu_read_unlock();
		return nvme_steer_pass(ioucmd, issue_flags);
	}

	batch = p->per_batch && current->plug;
	q = batch ? nvme_steer_batch_queue(p, ring) : NULL;
	if (q) {
		batch = false;
	} else {
		ret = nvme_steer_passthru_ask(sc, p, &pt, issue_flags, &q);
		if (unlikely(ret <= 0)) {
			rcu_read_unlock();
			return ret ?: nvme_steer_pass(ioucmd, issue_flags);
		}
	}

	if (likely(nvme_steer_passthru_short(sc, p, q, &pt))) {
		rcu_read_unlock();
		ret = -EIOCBQUEUED;
	} else {
		ret = nvme_steer_passthru_long(sc, p, q, &pt, issue_flags,
					       &why);
	}
	if (batch && ret == -EIOCBQUEUED)
		nvme_steer_batch_remember(p, ring, q);
	if (likely(ret != NVME_STEER_PASS))
		return ret;

	if ((why == NVME_STEER_EV_FROZEN || why == NVME_STEER_EV_QUEUE_DOWN) &&
	    !(issue_flags & IO_URING_F_NONBLOCK) &&
	    nvme_steer_wait(ctrl, ns, why))
		goto again;
	return nvme_steer_pass(ioucmd, issue_flags);
}

/*
 * Poll for a command; the hook iopoll of struct nvme_steer_hooks.
 *
 * Completes all that is ready on the queue, of whichever ring: commands of the
 * ring that polls, whose uring_lock is held, on the spot, others in their own
 * task. The command polled for is not done, so its slot keeps the queue.
 */
int nvme_steer_iopoll_hook(struct io_uring_cmd *ioucmd,
		struct io_comp_batch *iob, unsigned int poll_flags)
{
	unsigned long tag = nvme_steer_pdu(ioucmd)->tag;
	struct nvme_steer_drain drain = {
		.ring = cmd_to_io_kiocb(ioucmd)->ctx,
		.last = &drain.first,
	};

	if (!(tag & NVME_STEER_PDU_MINE))
		return NVME_STEER_PASS;
	nvme_steer_poll((struct nvme_steer_queue *)(tag & ~NVME_STEER_PDU_MINE),
			&drain);
	nvme_steer_passthru_finish(&drain);
	if (drain.runs)
		nvme_steer_group_finish(&drain);
	return 0;
}

void nvme_steer_start_hook(struct request *req)
{
	struct nvme_steer_ctrl *sc;

	rcu_read_lock();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	if (sc && rcu_access_pointer(sc->policy)) {
		nvme_req(req)->flags |= NVME_REQ_STEER_COUNTED;
		this_cpu_inc(sc->stats->submitted);
	}
	rcu_read_unlock();
}

void nvme_steer_end_hook(struct request *req)
{
	struct nvme_steer_ctrl *sc;

	rcu_read_lock();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	if (!sc)
		;
	else if (nvme_req(req)->flags & NVME_REQ_CANCELLED)
		this_cpu_inc(sc->stats->cancelled);
	else if (nvme_req(req)->status)
		this_cpu_inc(sc->stats->failed);
	else
		this_cpu_inc(sc->stats->completed);
	rcu_read_unlock();
}
