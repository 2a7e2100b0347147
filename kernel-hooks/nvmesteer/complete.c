// SPDX-License-Identifier: GPL-2.0
/*
 * How passthrough commands end: on the spot in the poller of their ring, or in
 * their task. And the count of those on the driver's own path.
 */
#include <linux/module.h>

#include "nvmesteer.h"

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
void nvme_steer_passthru_done(struct nvme_steer_slot *slot,
			      struct nvme_steer_drain *drain)
{
	struct io_uring_cmd *ioucmd = slot->io.owner;

	if (drain && nvme_steer_drain_take(drain, slot))
		return;
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
 * Poll for a command; the hook iopoll of struct nvme_steer_hooks.
 *
 * Completes all that is ready on the queue, of whichever ring: commands of the
 * ring that polls, whose uring_lock is held, on the spot, others in their own
 * task. The command polled for is not done, so its slot keeps the queue. No
 * array is in its frame.
 */
__no_stack_protector
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
