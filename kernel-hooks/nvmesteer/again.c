// SPDX-License-Identifier: GPL-2.0
/*
 * A passthrough command that has failed on a steer queue because of its path
 * is tried again by another one: it is given to the multipath head anew, from
 * the copy of its SQE, as if it came from io_uring for the first time. What
 * fails on the driver's own path the driver issues anew.
 *
 * Of the try that failed nothing is left by then: its mapping is undone and its
 * usage reference dropped where it was found to have failed, its pages and its
 * slot, which of a shared queue is room for others, are given back before the
 * next. In between it is its uring_cmd that everybody waits for, as before.
 */
#include <linux/compat.h>
#include <linux/module.h>

#include "passthru.h"
#include "path.h"

/*
 * Can a command be issued from here? Its ring's uring_lock is held. Not for
 * somebody who is leaving, nor where its buffer would be looked for in another
 * process: a ring is polled by whoever has it, and its rest by a worker of the
 * kernel's. Nor where the driver, which may get it this time, would take the
 * address of its buffer for a short one: on x86 kernels with the x32 ABI
 * in_compat_syscall() is true in a task that was interrupted in user mode.
 */
static bool nvme_steer_may_issue(const struct io_uring_cmd *ioucmd)
{
	const struct io_kiocb *req = cmd_to_io_kiocb((void *)ioucmd);

	lockdep_assert_held(&req->ctx->uring_lock);

	/* a worker has no memory, nor has a task that has ended */
	if (!current->mm || READ_ONCE(req->task->mm) != current->mm ||
	    nvme_steer_is_left(current, req->ctx) ||
	    nvme_steer_is_left(req->task, req->ctx))
		return false;
	return (ioucmd->flags & IORING_URING_CMD_FIXED) || !in_compat_syscall();
}

/*
 * Its own side: a nvme_steer_tell_fn. If it cannot be tried again, it has
 * failed as it did. The next try waits for nothing.
 */
static void nvme_steer_issue_again(struct io_uring_cmd *ioucmd,
				   unsigned int issue_flags)
{
	struct nvme_steer_slot *slot = nvme_steer_pdu(ioucmd)->slot;
	unsigned int flags = IO_URING_F_NONBLOCK | IO_URING_F_SQE128 |
			     IO_URING_F_CQE32;
	int status = slot->cancelled ? -EINTR : slot->status;
	u64 result = slot->result;

	if (cmd_to_io_kiocb(ioucmd)->ctx->flags & IORING_SETUP_IOPOLL)
		flags |= IO_URING_F_IOPOLL;
	nvme_steer_release_pages(&slot->map);
	/* what is called may sleep, and the slot keeps nothing any more */
	__module_get(THIS_MODULE);
	nvme_steer_slot_put(slot);
	if (!nvme_steer_may_issue(ioucmd) ||
	    ioucmd->file->f_op->uring_cmd(ioucmd, flags) != -EIOCBQUEUED)
		io_uring_cmd_done(ioucmd, status, result, issue_flags);
	module_put(THIS_MODULE);
}

/**
 * nvme_steer_try_again - try a command again, if it may be
 * @slot: the command has failed, or was cancelled; under cq_lock
 *
 * Return: whether it is going to be; else it is to be told of.
 */
bool nvme_steer_try_again(struct nvme_steer_slot *slot)
{
	struct io_uring_cmd *ioucmd = slot->io.owner;

	lockdep_assert_held(&slot->queue->cq_lock);

	if (slot->io.done != nvme_steer_passthru_done ||
	    !nvme_steer_path_failed(ioucmd, slot->status))
		return false;
	nvme_steer_count(slot->queue->ctrl, NVME_STEER_EV_PATH_RETRY);
	nvme_steer_pdu(ioucmd)->slot = slot;
	/* not lazily: it is nothing that its task waits for */
	if (cmd_to_io_kiocb(ioucmd)->ctx->flags & IORING_SETUP_IOPOLL)
		nvme_steer_tell(ioucmd, nvme_steer_issue_again);
	else
		io_uring_cmd_complete_in_task(ioucmd, nvme_steer_issue_again);
	return true;
}
