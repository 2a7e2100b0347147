/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking the policy where a command goes. A header, because it is part of the
 * way of every command.
 */
#ifndef NVMESTEER_ROUTE_H
#define NVMESTEER_ROUTE_H

#include <linux/filter.h>

#include "nvmesteer.h"
#include "steer_trace.h"

int nvme_steer_route_other(struct nvme_steer_ctrl *sc,
			   struct nvme_steer_route_args *args, int answer);

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

static __always_inline int nvme_steer_ask(struct nvme_steer_policy *p,
					  struct nvme_steer_cmd *cmd)
{
	if (unlikely(!p->prog))
		return p->route ? p->route(cmd) : NVME_STEER_DEFAULT;
	return nvme_steer_run(p->prog, cmd);
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

	if (unlikely(READ_ONCE(args->policy->exit_kind)))
		return 0;
	answer = nvme_steer_ask(args->policy, &args->cmd);
	trace_nvme_steer_route(sc, &args->cmd, answer);

	if (likely(answer > 0 && answer <= NVME_STEER_MAX_QUEUES)) {
		q = rcu_dereference(sc->queues[answer]);
		if (likely(q && (q->mode != NVME_STEER_POLL ||
				 (args->cmd.flags & NVME_STEER_CMD_POLLED)))) {
			*queue = q;
			return 1;
		}
	}
	return nvme_steer_route_other(sc, args, answer);
}

int nvme_steer_batch(struct nvme_steer_ctrl *sc, struct nvme_steer_batch *b);

#endif /* NVMESTEER_ROUTE_H */
