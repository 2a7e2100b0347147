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
#include "steer_trace.h"

/*
 * In io_uring_cmd.pdu of a command on a steer queue. @tag is where the driver
 * keeps its request pointer; the low bit, never set in a pointer, tells whose
 * command it is.
 */
struct nvme_steer_pdu {
	unsigned long tag;
	struct nvme_steer_slot *slot;
};

#define NVME_STEER_PDU_MINE	1UL

static struct nvme_steer_pdu *nvme_steer_pdu(struct io_uring_cmd *ioucmd)
{
	return io_uring_cmd_to_pdu(ioucmd, struct nvme_steer_pdu);
}

/*
 * What a passthrough command brings. The SQE is memory the caller can write to
 * at any time: @cmd is what the driver has checked, the rest is read once.
 */
struct nvme_steer_passthru {
	struct nvme_ns *ns;
	struct io_uring_cmd *ioucmd;
	struct nvme_command *cmd;
	u64 addr;
	u32 data_len;
	u32 timeout_ms;
	bool meta;	/* has a separate metadata buffer */
	bool vec;
	bool bounded;	/* its length was checked against its block count */
};

static void nvme_steer_read_sqe(struct nvme_steer_passthru *pt)
{
	const struct nvme_uring_cmd *ucmd = io_uring_sqe_cmd(pt->ioucmd->sqe);

	pt->addr = READ_ONCE(ucmd->addr);
	pt->data_len = READ_ONCE(ucmd->data_len);
	pt->timeout_ms = READ_ONCE(ucmd->timeout_ms);
	pt->meta = READ_ONCE(ucmd->metadata) && READ_ONCE(ucmd->metadata_len);
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

static u32 nvme_steer_nlb(const struct nvme_command *cmd)
{
	return (le32_to_cpu(cmd->common.cdw12) & 0xffff) + 1;
}

static void nvme_steer_fill(struct nvme_steer_cmd *c, struct nvme_ctrl *ctrl,
			    const struct nvme_steer_passthru *pt,
			    unsigned int issue_flags)
{
	const struct nvme_command *cmd = pt->cmd;

	c->source = NVME_STEER_SRC_URING;
	c->opcode = cmd->common.opcode;
	c->ioprio = current->io_context ? current->io_context->ioprio : 0;
	c->nsid = le32_to_cpu(cmd->common.nsid);
	c->ctrl = ctrl->instance;
	c->cpu = raw_smp_processor_id();
	c->node = cpu_to_node(c->cpu);
	c->dev_node = ctrl->numa_node;

	c->flags = 0;
	if (c->opcode & 1)
		c->flags |= NVME_STEER_CMD_WRITE;
	if (pt->ioucmd->flags & IORING_URING_CMD_FIXED)
		c->flags |= NVME_STEER_CMD_FIXED;
	if (issue_flags & IO_URING_F_IOPOLL)
		c->flags |= NVME_STEER_CMD_POLLED;
	if (issue_flags & IO_URING_F_NONBLOCK)
		c->flags |= NVME_STEER_CMD_NOWAIT;
	if (pt->vec)
		c->flags |= NVME_STEER_CMD_VECTORED;
	if (pt->meta)
		c->flags |= NVME_STEER_CMD_META;

	c->slba = 0;
	c->nlb = 0;
	if (nvme_steer_names_blocks(c->opcode)) {
		c->flags |= NVME_STEER_CMD_RANGE;
		c->slba = le32_to_cpu(cmd->common.cdw10) |
			  (u64)le32_to_cpu(cmd->common.cdw11) << 32;
		c->nlb = nvme_steer_nlb(cmd);
	}

	c->len = 0;
	if (pt->addr && !pt->vec)
		c->len = pt->data_len;
	else if (pt->addr && nvme_steer_moves_blocks(c->opcode))
		c->len = c->nlb << pt->ns->head->lba_shift;
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
static int nvme_steer_check(struct nvme_steer_passthru *pt, size_t len,
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

static void nvme_steer_passthru_tw(struct io_uring_cmd *ioucmd,
				   unsigned int issue_flags)
{
	struct nvme_steer_slot *slot = nvme_steer_pdu(ioucmd)->slot;
	int status = slot->cancelled ? -EINTR : slot->status;

	nvme_steer_release_pages(&slot->map);
	io_uring_cmd_done(ioucmd, status, slot->result, issue_flags);
	nvme_steer_slot_put(slot);
}

static void nvme_steer_passthru_done(struct nvme_steer_slot *slot)
{
	io_uring_cmd_do_in_task_lazy(slot->owner, nvme_steer_passthru_tw);
}

/* Map the data of @pt into @slot. As nvme_steer_check(). */
static int nvme_steer_passthru_map(struct nvme_steer_passthru *pt,
				   struct nvme_steer_slot *slot,
				   enum nvme_steer_event *why)
{
	struct request_queue *q = pt->ns->queue;
	bool write = pt->cmd->common.opcode & 1;
	struct iovec fast[UIO_FASTIOV], *iov = fast;
	struct iov_iter iter;
	int ret;

	*why = NVME_STEER_EV_MAP_FAILED;
	if (!pt->addr || !pt->data_len) {
		iov_iter_kvec(&iter, ITER_SOURCE, NULL, 0, 0);
		iov = NULL;
	} else if (nvme_steer_import(pt, write ? ITER_SOURCE : ITER_DEST, &iter,
				     &iov) < 0) {
		ret = 1;
		goto free;
	}

	ret = nvme_steer_check(pt, iov_iter_count(&iter), why);
	if (ret || !iov_iter_count(&iter))
		goto free;

	if (iov_iter_alignment(&iter) & queue_dma_alignment(q)) {
		*why = NVME_STEER_EV_UNALIGNED;
		ret = 1;
		goto free;
	}
	ret = nvme_steer_map_data(slot, pt->cmd, &iter,
				  write ? DMA_TO_DEVICE : DMA_FROM_DEVICE,
				  !pt->bounded &&
				  nvme_ctrl_sgl_supported(pt->ns->ctrl), why);
	if (ret)
		ret = 1;
free:
	kfree(iov);
	return ret;
}

/* A reserved slot that is not going to be submitted. */
static void nvme_steer_passthru_undo(struct nvme_steer_slot *slot,
				     struct nvme_command *cmd)
{
	struct percpu_ref *usage = slot->usage;

	nvme_steer_unmap(slot);
	nvme_steer_release_pages(&slot->map);
	nvme_steer_slot_put(slot);
	percpu_ref_put(usage);

	/* the driver's own path wants the command as it was */
	cmd->common.flags = 0;
	cmd->common.command_id = 0;
	memset(&cmd->common.dptr, 0, sizeof(cmd->common.dptr));
}

/* Carry the command on the queue of @slot. As nvme_steer_passthru_try(). */
static int nvme_steer_passthru_submit(struct nvme_steer_ctrl *sc,
				      struct nvme_steer_passthru *pt,
				      struct nvme_steer_slot *slot,
				      enum nvme_steer_event *why)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(pt->ioucmd);
	int ret;

	ret = nvme_steer_passthru_map(pt, slot, why);
	if (!ret) {
		slot->owner = pt->ioucmd;
		slot->done = nvme_steer_passthru_done;
		pdu->tag = (unsigned long)slot->queue | NVME_STEER_PDU_MINE;
		pdu->slot = slot;
		ret = nvme_steer_submit(slot, pt->cmd);
		if (likely(!ret)) {
			nvme_steer_count(sc, NVME_STEER_EV_ROUTED);
			return -EIOCBQUEUED;
		}
		pdu->tag = 0;
		*why = NVME_STEER_EV_QUEUE_DOWN;
		ret = 1;
	}
	nvme_steer_count(sc, *why);
	nvme_steer_passthru_undo(slot, pt->cmd);
	return ret < 0 ? ret : NVME_STEER_PASS;
}

/*
 * Ask the policy and do as it says. The namespace's usage reference is taken
 * before the slot and held until the controller is done with the command, as
 * a request would.
 * Return: as the uring_cmd hook does; for NVME_STEER_PASS with the event that
 * says why.
 */
static int nvme_steer_passthru_try(struct nvme_ctrl *ctrl,
				   struct nvme_steer_passthru *pt,
				   unsigned int issue_flags,
				   enum nvme_steer_event *why)
{
	struct percpu_ref *usage = &pt->ns->queue->q_usage_counter;
	struct nvme_steer_route_args args;
	struct nvme_steer_slot *slot;
	struct nvme_steer_queue *q;
	struct nvme_steer_ctrl *sc;
	int ret = NVME_STEER_PASS;

	*why = NVME_STEER_EV_DEFAULT;
	rcu_read_lock();
	sc = rcu_dereference(ctrl->steer);
	if (!sc || !rcu_access_pointer(sc->policy))
		goto unlock;

	nvme_steer_fill(&args.cmd, ctrl, pt, issue_flags);
	args.ring = cmd_to_io_kiocb(pt->ioucmd)->ctx;
	ret = nvme_steer_route(sc, &args, &q);
	if (ret <= 0) {
		ret = ret ?: NVME_STEER_PASS;
		goto unlock;
	}

	ret = NVME_STEER_PASS;
	/* 32-bit callers and what the driver refuses are left to the driver */
	if ((issue_flags & IO_URING_F_COMPAT) ||
	    (pt->vec && (pt->ioucmd->flags & IORING_URING_CMD_FIXED)))
		goto unlock;
	if (unlikely(!percpu_ref_tryget_live_rcu(usage))) {
		*why = NVME_STEER_EV_FROZEN;
		nvme_steer_count(sc, *why);
		goto unlock;
	}
	slot = nvme_steer_slot_get(q);
	if (IS_ERR(slot)) {
		*why = PTR_ERR(slot) == -EBUSY ? NVME_STEER_EV_QUEUE_FULL :
						 NVME_STEER_EV_QUEUE_DOWN;
		nvme_steer_count(sc, *why);
		percpu_ref_put(usage);
		goto unlock;
	}
	slot->usage = usage;
	slot->timeout = pt->timeout_ms ? msecs_to_jiffies(pt->timeout_ms) :
					 args.policy->timeout;
	rcu_read_unlock();

	/* the slot keeps the queue, the queue keeps sc and this module */
	return nvme_steer_passthru_submit(sc, pt, slot, why);
unlock:
	rcu_read_unlock();
	return ret;
}

/*
 * Wait for the end of whatever made a command miss its queue: the namespace is
 * frozen, or the queues are not back yet after a reset. False when the driver
 * should have the command after all.
 */
static bool nvme_steer_wait(struct nvme_ctrl *ctrl, struct nvme_ns *ns,
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
static int nvme_steer_pass(struct io_uring_cmd *ioucmd,
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
	struct nvme_steer_passthru pt = {
		.ns = ns, .ioucmd = ioucmd, .cmd = cmd, .vec = vec,
	};
	enum nvme_steer_event why;
	int ret;

	/* tells the polling hook that the command is not ours */
	nvme_steer_pdu(ioucmd)->tag = 0;

	nvme_steer_read_sqe(&pt);
	do {
		ret = nvme_steer_passthru_try(ctrl, &pt, issue_flags, &why);
		if (likely(ret != NVME_STEER_PASS))
			return ret;
	} while ((why == NVME_STEER_EV_FROZEN ||
		  why == NVME_STEER_EV_QUEUE_DOWN) &&
		 !(issue_flags & IO_URING_F_NONBLOCK) &&
		 nvme_steer_wait(ctrl, ns, why));

	return nvme_steer_pass(ioucmd, issue_flags);
}

/*
 * Poll for a command; the hook iopoll of struct nvme_steer_hooks.
 *
 * Completes all that is ready on the queue, of whichever ring; each command is
 * finished in its own task. The command polled for is not done, so its slot
 * keeps the queue.
 */
int nvme_steer_iopoll_hook(struct io_uring_cmd *ioucmd,
		struct io_comp_batch *iob, unsigned int poll_flags)
{
	unsigned long tag = nvme_steer_pdu(ioucmd)->tag;

	if (!(tag & NVME_STEER_PDU_MINE))
		return NVME_STEER_PASS;
	nvme_steer_poll((struct nvme_steer_queue *)(tag & ~NVME_STEER_PDU_MINE));
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
