// SPDX-License-Identifier: GPL-2.0
/*
 * The uring_cmd hook, and the short way through it: a read or write of a buffer
 * that is kept mapped, with nothing out of the ordinary. What it looks at stays
 * in registers, and the words of the SQE go from there to the submission queue
 * without a struct nvme_command in between.
 *
 * The policy is asked before the buffer is looked for, so that a command that
 * it leaves to the driver costs no more than that. Whatever else is not sure
 * takes the long way, which reads the SQE anew, tells what is wrong and does
 * the rest. Once the policy has answered, what it was told goes along (struct
 * nvme_steer_seen), so that it is asked once, and about the command that is
 * sent.
 */
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/nvme_ioctl.h>
#include <linux/uio.h>

#include <nvmesteer/copy.h>
#include <nvmesteer/group.h>

#include "copy.h"
#include "hold.h"
#include "keep.h"
#include "passthru.h"
#include "queue.h"

/* Two fields of an SQE, as they stand there. */
static __always_inline u64 nvme_steer_sqe_word(const void *fields)
{
	return READ_ONCE(*(const u64 *)fields);
}

/*
 * io_uring begins a batch for more than two commands. Of two the first sees the
 * second in the ring, and leaves the doorbell to it, if that is for the same
 * file and the policy sends a batch to one queue. It may come to nothing after
 * all; the ring polls, which rings for what was left.
 */
static __always_inline bool
nvme_steer_is_first_of_two(const struct nvme_steer_policy *p,
			   const struct io_uring_cmd *ioucmd,
			   const struct io_ring_ctx *ring,
			   unsigned int issue_flags)
{
	const unsigned int both = IO_URING_F_IOPOLL | IO_URING_F_NONBLOCK;
	unsigned int at = ring->cached_sq_head;
	const struct io_uring_sqe *next;

	if (likely(ring->submit_state.submit_nr != 2) ||
	    !p->per_batch || (issue_flags & both) != both ||
	    at - READ_ONCE(ring->rings->sq.head) != 1)
		return false;
	at &= ring->sq_entries - 1;
	if (!(ring->flags & IORING_SETUP_NO_SQARRAY)) {
		at = READ_ONCE(ring->sq_array[at]);
		if (unlikely(at >= ring->sq_entries))
			return false;
		at = array_index_nospec(at, ring->sq_entries);
	}
	/* SQEs of a ring for passthrough are two long */
	next = ring->sq_sqes + 2 * at;
	/* opcode, flags, priority and file; the operation */
	return nvme_steer_sqe_word(next) == nvme_steer_sqe_word(ioucmd->sqe) &&
	       READ_ONCE(next->cmd_op) == ioucmd->cmd_op;
}

/* What a policy is told of a command, less where its blocks are. */
static __always_inline void
nvme_steer_short_fill(struct nvme_steer_cmd *c, const struct nvme_ns *ns,
		      const struct io_uring_cmd *ioucmd,
		      unsigned int issue_flags,
		      const struct nvme_steer_seen *seen)
{
	nvme_steer_fill_io(c, ns->ctrl, ioucmd, issue_flags, seen->head,
			   seen->head >> 32);
	c->flags |= NVME_STEER_CMD_RANGE;
	c->len = seen->len;
}

/*
 * The queue that the policy has named for commands like this one, where that
 * holds, or NVME_STEER_HELD_OWN; or NULL. In nvme_steer_enter().
 */
static __always_inline struct nvme_steer_queue *
nvme_steer_short_held(struct nvme_ns *ns, const struct io_uring_cmd *ioucmd,
		      unsigned int issue_flags, struct nvme_steer_ctrl *sc,
		      const struct nvme_steer_policy *p,
		      const struct nvme_steer_seen *seen)
{
	const struct io_ring_ctx *ring = cmd_to_io_kiocb((void *)ioucmd)->ctx;
	unsigned int polled = issue_flags & IO_URING_F_IOPOLL;
	struct nvme_steer_cmd cmd nvme_steer_uninitialized;
	struct nvme_steer_kind kind;

	if (likely(p->hold))
		return nvme_steer_ring_queue(sc, p, ring, polled);
	if (!p->hold_kind)
		return NULL;
	nvme_steer_short_fill(&cmd, ns, ioucmd, issue_flags, seen);
	kind = nvme_steer_kind(p, &cmd);
	return nvme_steer_kind_queue(sc, p, ring, &kind, polled);
}

/* Ask the policy, and write down what it says. In nvme_steer_enter(). */
static noinline __no_stack_protector void
nvme_steer_short_ask(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
		     unsigned int issue_flags, struct nvme_steer_ctrl *sc,
		     struct nvme_steer_policy *p, struct nvme_steer_seen *seen)
{
	struct nvme_steer_route_args args nvme_steer_uninitialized;
	struct nvme_steer_kind kind nvme_steer_uninitialized;

	nvme_steer_short_fill(&args.cmd, ns, ioucmd, issue_flags, seen);
	args.cmd.slba = seen->cdw10;
	args.cmd.nlb = (u16)seen->cdw12 + 1;
	args.ring = cmd_to_io_kiocb(ioucmd)->ctx;
	args.policy = p;
	seen->answer = nvme_steer_route(sc, &args, &seen->queue);
	if (!nvme_steer_holds(&args, seen->answer))
		return;
	if (p->hold_kind)
		kind = nvme_steer_kind(p, &args.cmd);
	nvme_steer_remember(sc, p, args.ring, &kind,
			    issue_flags & IO_URING_F_IOPOLL, seen->answer,
			    seen->queue);
}

/*
 * Leave a command to the driver's own path, as it was when the policy was
 * asked: nvme_steer_pass() for the short way. The words that are read only here
 * are none that a policy sees; what io_uring has read of the SQE nobody reads
 * again.
 */
static noinline int nvme_steer_short_pass(struct io_uring_cmd *ioucmd,
					  const struct nvme_steer_seen *seen)
{
	struct io_uring_sqe *copy = cmd_to_io_kiocb(ioucmd)->async_data;
	const struct nvme_uring_cmd *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	u64 *words = (u64 *)copy->cmd;

	BUILD_BUG_ON(offsetof(struct nvme_uring_cmd, timeout_ms) != 64);
	if (ioucmd->sqe == copy)
		return NVME_STEER_PASS;
	words[0] = seen->head;
	words[1] = nvme_steer_sqe_word(&sqe->cdw2);
	words[2] = 0;			/* metadata */
	words[3] = seen->addr;
	words[4] = (u64)seen->len << 32;
	words[5] = seen->cdw10;
	words[6] = seen->cdw12;
	words[7] = nvme_steer_sqe_word(&sqe->cdw14);
	words[8] = 0;			/* timeout */
	ioucmd->sqe = copy;
	return NVME_STEER_PASS;
}

/*
 * Where the data of a command is: as PRP entries, or as an SGL, which its first
 * word @head then says. False where it is not kept.
 */
static __always_inline bool
nvme_steer_short_data(struct nvme_steer_ctrl *sc, struct io_uring_cmd *ioucmd,
		      const struct nvme_steer_seen *seen, u64 *head,
		      struct nvme_steer_dptr *dptr)
{
	struct nvme_steer_dptr other nvme_steer_uninitialized;
	const struct bio_vec *bv;
	size_t skip;

	if (likely(ioucmd->flags & IORING_URING_CMD_FIXED)) {
		if (unlikely(!nvme_steer_registered(
				cmd_to_io_kiocb(ioucmd)->imu, seen->addr,
				seen->len, &bv, &skip)))
			return false;
		if (likely(nvme_steer_kept_page(sc, bv, skip, seen->len, dptr)))
			return true;
		if (!nvme_steer_kept_span(sc, bv, skip, seen->len, &other))
			return false;
		if (other.prp1 & NVME_STEER_DPTR_SGL)
			*head |= NVME_CMD_SGL_METABUF << 8;
	} else if (unlikely(!seen->addr) ||
		   !nvme_steer_kept_user(sc, seen->addr, seen->len,
					 (u8)*head == nvme_cmd_read, &other)) {
		return false;
	}
	/* not whole: that would make gcc align the frame, and point to it */
	dptr->prp1 = other.prp1 & ~NVME_STEER_DPTR_SGL;
	dptr->prp2 = other.prp2;
	return true;
}

/*
 * Ring for the command at the tail, which no batch holds: now, or begin a batch
 * with it, for which the answer is remembered. Under sq_lock.
 */
static __always_inline void
nvme_steer_short_ring(const struct nvme_steer_policy *p,
		      struct nvme_steer_queue *q,
		      const struct io_uring_cmd *ioucmd,
		      unsigned int issue_flags)
{
	const struct io_ring_ctx *ring =
		cmd_to_io_kiocb((void *)ioucmd)->ctx;

	if (nvme_steer_is_first_of_two(p, ioucmd, ring, issue_flags))
		return;
	if (likely(!current->plug)) {
		nvme_steer_ring_sq(q);
		return;
	}
	nvme_steer_ring_soon(q);
	nvme_steer_batch_remember(p, ring, q);
}

/*
 * Is its buffer as long as its blocks? Under a usage reference: a namespace is
 * formatted while it is frozen.
 */
static nvme_steer_inline bool
nvme_steer_short_fits(const struct nvme_ns_head *head,
		      const struct nvme_steer_seen *seen)
{
	return !head->ms &&
	       ((u16)seen->cdw12 + 1U) << head->lba_shift == seen->len;
}

/*
 * nvme_steer_begin() of a queue of a share; NULL where there is none. Told of the
 * length by what is at hand to be written anyway.
 */
static noinline struct nvme_steer_slot *
nvme_steer_short_shared(struct nvme_steer_queue *q,
			const struct nvme_ns_head *head, u64 cdw12)
{
	if (unlikely(!q->shared))
		return NULL;
	return nvme_steer_shared_begin(q, ((u16)cdw12 + 1U) << head->lba_shift);
}

/*
 * Send a command to @q, where its buffer is kept and nothing is in the way.
 * @seen: what was read of its SQE; @asked: the same and the policy's answer,
 * where it was asked about this one; @plugged: a batch holds @q. Returns as the
 * hook does. In nvme_steer_enter(), which it leaves.
 */
static __always_inline int
nvme_steer_short_send(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
		      unsigned int issue_flags, struct nvme_steer_ctrl *sc,
		      struct nvme_steer_policy *p, struct nvme_steer_queue *q,
		      const struct nvme_steer_seen *seen,
		      const struct nvme_steer_seen *asked, bool plugged)
{
	u32 epoch = nvme_steer_keep_epoch(sc);
	struct nvme_steer_stats __percpu *stats;
	const struct nvme_uring_cmd *sqe;
	u64 head = seen->head, *entry;
	struct nvme_steer_dptr dptr;
	struct nvme_steer_slot *slot;
	struct percpu_ref *usage;
	unsigned long deadline;
	u16 cid;

	usage = &ns->queue->q_usage_counter;
	if (unlikely(!nvme_steer_use(usage)))
		goto missed;
	if (unlikely(!nvme_steer_short_fits(ns->head, seen) ||
		     !nvme_steer_short_data(sc, ioucmd, seen, &head, &dptr)))
		goto put;
	if (unlikely(!nvme_steer_begin(q, &slot))) {
		slot = nvme_steer_short_shared(q, ns->head, seen->cdw12);
		if (unlikely(!slot))
			goto unlock;
	}
	deadline = jiffies + p->timeout;
	nvme_steer_arm_timer(q, deadline);
	nvme_steer_pdu(ioucmd)->req = NULL;
	nvme_steer_pdu(ioucmd)->queue = q;
	cid = nvme_steer_next_cid(slot);
	nvme_steer_take(slot, &(struct nvme_steer_io) {
		.done = nvme_steer_passthru_done,
		.owner = ioucmd,
		.usage = usage,
		.timeout = p->timeout,
		.kept = epoch,
	}, deadline);
	sqe = io_uring_sqe_cmd(ioucmd->sqe);
	entry = (u64 *)&q->sq_cmds[q->sq_tail];
	entry[0] = head | (u32)cid << 16;
	entry[1] = nvme_steer_sqe_word(&sqe->cdw2);
	entry[2] = 0;
	entry[3] = dptr.prp1;
	entry[4] = dptr.prp2;
	/* nobody has seen this one unless the policy was asked */
	entry[5] = asked ? asked->cdw10 : nvme_steer_sqe_word(&sqe->cdw10);
	entry[6] = seen->cdw12;
	entry[7] = nvme_steer_sqe_word(&sqe->cdw14);
	nvme_steer_advance(q);
	WRITE_ONCE(q->submitted, q->submitted + 1);
	if (!plugged)
		nvme_steer_short_ring(p, q, ioucmd, issue_flags);
	nvme_steer_unlock(&q->sq_lock);
	stats = sc->stats;
	this_cpu_inc(stats->events[NVME_STEER_EV_KEPT]);
	this_cpu_inc(stats->events[NVME_STEER_EV_ROUTED]);
	nvme_steer_leave();
	return -EIOCBQUEUED;

unlock:
	nvme_steer_unlock(&q->sq_lock);
put:
	percpu_ref_put(usage);
missed:
	return nvme_steer_passthru(ns, ioucmd, issue_flags, sc, p, asked);
}

/*
 * Send a command that the policy was asked about. Returns as the hook does. In
 * nvme_steer_enter(), which it leaves. No array is in its frame, nor in that of
 * nvme_steer_short_ask().
 */
static noinline __no_stack_protector int
nvme_steer_short_asked(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
		       unsigned int issue_flags, struct nvme_steer_ctrl *sc,
		       struct nvme_steer_policy *p,
		       const struct nvme_steer_seen *seen)
{
	return nvme_steer_short_send(ns, ioucmd, issue_flags, sc, p,
				     seen->queue, seen, seen, false);
}

/*
 * Leave a command to the driver's own path, unless it is an NVMe Copy: the
 * policy is asked about nothing else. It was one when the driver looked, or has
 * several buffers, and the driver will read the SQE again: from a copy that the
 * application cannot turn into a Copy meanwhile. In nvme_steer_enter(), which it
 * leaves.
 */
static noinline int nvme_steer_copies_only(struct nvme_ns *ns,
					   struct io_uring_cmd *ioucmd,
					   unsigned int issue_flags,
					   struct nvme_steer_ctrl *sc,
					   struct nvme_steer_policy *p)
{
	const struct nvme_uring_cmd *sqe;

	nvme_steer_keep_sqe(ioucmd);
	sqe = io_uring_sqe_cmd(ioucmd->sqe);
	if (unlikely(READ_ONCE(sqe->opcode) == NVME_STEER_COPY))
		return nvme_steer_passthru(ns, ioucmd, issue_flags, sc, p,
					   NULL);
	nvme_steer_leave();
	return NVME_STEER_PASS;
}

/* What is no NVMe command with one buffer. Returns as the hook does. */
static noinline int nvme_steer_other_op(struct nvme_ns *ns,
					struct io_uring_cmd *ioucmd,
					unsigned int issue_flags)
{
	struct nvme_steer_policy *p;
	struct nvme_steer_ctrl *sc;

	switch (ioucmd->cmd_op) {
	case NVME_STEER_URING_CMD_GROUP:
		return nvme_steer_group(ns, ioucmd, issue_flags);
	case NVME_STEER_URING_CMD_COPY:
		return nvme_steer_copy_uring(ns, ioucmd, issue_flags);
	case NVME_URING_CMD_IO:
	case NVME_URING_CMD_IO_VEC:
		break;
	default:
		return NVME_STEER_PASS;
	}

	nvme_steer_enter();
	p = nvme_steer_policy_of(ns, &sc);
	if (unlikely(!p)) {
		nvme_steer_leave();
		return NVME_STEER_PASS;
	}
	if (unlikely(p->copies_only))
		return nvme_steer_copies_only(ns, ioucmd, issue_flags, sc, p);
	return nvme_steer_passthru(ns, ioucmd, issue_flags, sc, p, NULL);
}

/**
 * nvme_steer_uring_cmd_hook - take a uring_cmd of a namespace
 * @ns: the namespace
 * @ioucmd: of any operation
 * @issue_flags: its io_uring flags
 *
 * The hook uring_cmd of struct nvme_steer_hooks. No array is in its frame, and
 * so it does without the stack protector.
 *
 * Context: task, SQ thread or io-wq; may sleep.
 * Return: NVME_STEER_PASS, -EIOCBQUEUED, or an error for the caller.
 */
__no_stack_protector
int nvme_steer_uring_cmd_hook(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			      unsigned int issue_flags)
{
	const struct nvme_uring_cmd *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	const struct io_kiocb *req = cmd_to_io_kiocb(ioucmd);
	const struct nvme_ns_head *nshead = ns->head;
	struct request_queue *rq = ns->queue;
	struct nvme_steer_seen seen nvme_steer_uninitialized;
	struct nvme_steer_seen told nvme_steer_uninitialized;
	struct nvme_steer_policy *p;
	struct nvme_steer_queue *q;
	struct nvme_steer_ctrl *sc;
	u64 head, cdw12, addr;
	u32 len;

	if (NVME_STEER_BIG_ENDIAN ||
	    unlikely(ioucmd->cmd_op != NVME_URING_CMD_IO))
		return nvme_steer_other_op(ns, ioucmd, issue_flags);

	nvme_steer_enter();
	p = nvme_steer_policy_of(ns, &sc);
	if (unlikely(!p)) {
		nvme_steer_leave();
		return NVME_STEER_PASS;
	}
	if (unlikely(p->copies_only))
		return nvme_steer_copies_only(ns, ioucmd, issue_flags, sc, p);

	/* a read or write, no flags */
	head = nvme_steer_sqe_word(&sqe->opcode) & ~0xffff0000ULL;
	if (unlikely((u16)(head - 1) > 1 || head >> 32 != nshead->ns_id ||
		     !nvme_steer_is_allowed(nshead, ioucmd->file, head)))
		goto long_way;

	/* nothing but a buffer, of a size that is looked at before it is sent */
	addr = READ_ONCE(sqe->addr);
	len = READ_ONCE(sqe->data_len);
	cdw12 = nvme_steer_sqe_word(&sqe->cdw12);
	if (unlikely(READ_ONCE(sqe->metadata) | READ_ONCE(sqe->timeout_ms) |
		     (issue_flags & IO_URING_F_COMPAT) |
		     (((u32)addr | len) & queue_dma_alignment(rq))))
		goto long_way;
	if (unlikely(len > queue_max_hw_sectors(rq) << SECTOR_SHIFT))
		goto long_way;

	seen.head = head;
	seen.addr = addr;
	seen.cdw12 = cdw12;
	seen.len = len;
	q = nvme_steer_batch_queue(p, req->ctx);
	if (q)
		return nvme_steer_short_send(ns, ioucmd, issue_flags, sc, p, q,
					     &seen, NULL, true);
	q = nvme_steer_short_held(ns, ioucmd, issue_flags, sc, p, &seen);
	if (likely(!IS_ERR_OR_NULL(q)))
		return nvme_steer_short_send(ns, ioucmd, issue_flags, sc, p, q,
					     &seen, NULL, false);
	if (unlikely(!addr))
		goto long_way;
	told = seen;
	told.cdw10 = nvme_steer_sqe_word(&sqe->cdw10);
	if (q == NVME_STEER_HELD_OWN)
		told.answer = NVME_STEER_DEFAULT;
	else
		nvme_steer_short_ask(ns, ioucmd, issue_flags, sc, p, &told);
	if (likely(told.answer > 0))
		return nvme_steer_short_asked(ns, ioucmd, issue_flags, sc, p,
					      &told);
	nvme_steer_leave();
	return told.answer ?: nvme_steer_short_pass(ioucmd, &told);

long_way:
	return nvme_steer_passthru(ns, ioucmd, issue_flags, sc, p, NULL);
}
