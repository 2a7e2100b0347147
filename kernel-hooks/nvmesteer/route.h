/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking the policy where a command goes. A header, because it is part of the
 * way of every command.
 */
#ifndef NVMESTEER_ROUTE_H
#define NVMESTEER_ROUTE_H

#include <linux/filter.h>
#include <linux/iocontext.h>

#include "nvmesteer.h"
#include "steer_trace.h"

int nvme_steer_route_other(struct nvme_steer_ctrl *sc,
			   struct nvme_steer_route_args *args, int answer);

void nvme_steer_bad_answer(struct nvme_steer_ctrl *sc,
			   struct nvme_steer_policy *p,
			   enum nvme_steer_call call,
			   const struct nvme_steer_cmd *cmd, int answer,
			   enum nvme_steer_event ev);

/* What the struct_ops trampoline does, less what it keeps for sleepers. */
static __always_inline int nvme_steer_run(const struct bpf_prog *prog,
					  const void *arg)
{
	u64 args[1] = { (unsigned long)arg };
	int answer;

	preempt_disable();
	answer = bpf_prog_run(prog, args);
	preempt_enable();
	return answer;
}

/*
 * Call an operation that a policy has, with its only argument. Under RCU. The
 * watchdog has a few calls timed now and then, by putting a program of its own
 * in the place of the policy's.
 */
static __always_inline int nvme_steer_call(struct nvme_steer_policy *p,
					   enum nvme_steer_call call,
					   const void *arg)
{
	lockdep_assert_in_rcu_reader();

	return nvme_steer_run(READ_ONCE(p->run[call]), arg);
}

/* The policy of a namespace, or NULL, and the controller. Under RCU. */
static __always_inline struct nvme_steer_policy *
nvme_steer_policy_of(const struct nvme_ns *ns, struct nvme_steer_ctrl **sc)
{
	*sc = rcu_dereference(ns->ctrl->steer);
	return likely(*sc) ? rcu_dereference((*sc)->policy) : NULL;
}

static __always_inline int nvme_steer_ask(struct nvme_steer_policy *p,
					  struct nvme_steer_cmd *cmd)
{
	const struct bpf_prog *prog = READ_ONCE(p->run[NVME_STEER_CALL_ROUTE]);

	return likely(prog) ? nvme_steer_run(prog, cmd) : NVME_STEER_DEFAULT;
}

/* What every policy is told of a command; the rest depends on the command. */
static __always_inline void
nvme_steer_fill_io(struct nvme_steer_cmd *c, const struct nvme_ctrl *ctrl,
		   const struct io_uring_cmd *ioucmd, unsigned int issue_flags,
		   u8 opcode, u32 nsid)
{
	u32 flags = opcode & 1 ? NVME_STEER_CMD_WRITE : 0;

	if (ioucmd->flags & IORING_URING_CMD_FIXED)
		flags |= NVME_STEER_CMD_FIXED;
	if (issue_flags & IO_URING_F_IOPOLL)
		flags |= NVME_STEER_CMD_POLLED;
	if (issue_flags & IO_URING_F_NONBLOCK)
		flags |= NVME_STEER_CMD_NOWAIT;
	c->source = NVME_STEER_SRC_URING;
	c->flags = flags;
	c->opcode = opcode;
	c->ioprio = current->io_context ? current->io_context->ioprio : 0;
	c->nsid = nsid;
	c->ctrl = ctrl->instance;
	c->dev_node = ctrl->numa_node;
}

/* Commands that name logical blocks: slba in CDW10-11, nlb in CDW12. */
static inline bool nvme_steer_names_blocks(u8 opcode)
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

/* Can queue @q, which there may not be, carry commands of such a ring? */
static __always_inline bool nvme_steer_fits(const struct nvme_steer_queue *q,
					    bool polled)
{
	return q && (q->mode != NVME_STEER_POLL || polled);
}

/**
 * nvme_steer_route - ask the policy where a command goes
 * @sc: the controller
 * @args: the command, and the controller's policy
 * @queue: the steer queue, where the answer is one
 *
 * Context: under rcu_read_lock(), which also keeps @queue.
 * Return: 1 with @queue set; 0, the driver's own path; -errno, refused.
 */
static __always_inline int nvme_steer_route(struct nvme_steer_ctrl *sc,
					    struct nvme_steer_route_args *args,
					    struct nvme_steer_queue **queue)
{
	struct nvme_steer_queue *q;
	int answer;

	if (unlikely(READ_ONCE(args->policy->exit_kind))) {
		args->answer = NVME_STEER_ONCE;
		return 0;
	}
	answer = nvme_steer_ask(args->policy, &args->cmd);
	args->answer = answer;
	if (answer > 0)
		answer &= ~NVME_STEER_ONCE;
	trace_nvme_steer_route(sc, &args->cmd, answer);

	if (likely(answer > 0 && answer <= NVME_STEER_MAX_QUEUES)) {
		q = rcu_dereference(sc->queues[answer]);
		if (likely(nvme_steer_fits(q, args->cmd.flags &
					      NVME_STEER_CMD_POLLED))) {
			*queue = q;
			return 1;
		}
	}
	return nvme_steer_route_other(sc, args, answer);
}

int nvme_steer_batch(struct nvme_steer_ctrl *sc, struct nvme_steer_batch *b);
int nvme_steer_copy_other(struct nvme_steer_ctrl *sc,
			  struct nvme_steer_policy *p, int answer);

static inline bool nvme_steer_copy_fits(int answer)
{
	return NVME_STEER_COPY_HOW(answer) <= NVME_STEER_COPY_EMULATE &&
	       NVME_STEER_COPY_DEPTH(answer) <= NVME_STEER_COPY_MAX_DEPTH;
}

/**
 * nvme_steer_ask_copy - ask the policy how to copy
 * @sc: the controller
 * @p: its policy
 * @cp: the copy
 *
 * Context: in nvme_steer_enter().
 * Return: what copy() answers and may answer; NVME_STEER_COPY_DEFAULT where
 * there is none to ask; -errno, refused.
 */
static __always_inline int nvme_steer_ask_copy(struct nvme_steer_ctrl *sc,
					       struct nvme_steer_policy *p,
					       const struct nvme_steer_copy *cp)
{
	int answer;

	if (!p->copy || READ_ONCE(p->exit_kind))
		return NVME_STEER_COPY_DEFAULT;
	answer = nvme_steer_call(p, NVME_STEER_CALL_COPY, cp);
	if (likely(answer >= 0 && nvme_steer_copy_fits(answer)))
		return answer;
	return nvme_steer_copy_other(sc, p, answer);
}

#endif /* NVMESTEER_ROUTE_H */
