// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the policy, and the one place that checks its answer: whatever does
 * not fit becomes the driver's own path and an event.
 */
#include <linux/filter.h>

#include "nvmesteer.h"
#include "steer_trace.h"

/* errnos a policy may refuse a command with */
#define NVME_STEER_MAX_ERRNO	133

/*
 * An unfit answer. Enough of them within a second eject the policy; the count
 * is approximate at the border of two seconds, which is good enough.
 */
static void nvme_steer_bad_answer(struct nvme_steer_ctrl *sc,
				  struct nvme_steer_policy *p, int answer,
				  enum nvme_steer_event ev)
{
	char reason[sizeof(p->reason)];
	bool eject;

	nvme_steer_count(sc, ev);
	spin_lock(&sc->answers_lock);
	if (time_after(jiffies, sc->answers_since + HZ)) {
		sc->answers_since = jiffies;
		sc->answers = 0;
	}
	eject = ++sc->answers > READ_ONCE(nvme_steer_bad_answers);
	spin_unlock(&sc->answers_lock);

	if (eject) {
		snprintf(reason, sizeof(reason),
			 "more than %u unfit answers within a second; the last one was %d",
			 READ_ONCE(nvme_steer_bad_answers), answer);
		nvme_steer_policy_end(p, NVME_STEER_EXIT_ANSWERS, 0, reason);
	}
}

static bool nvme_steer_errno_fits(int err)
{
	return err >= -NVME_STEER_MAX_ERRNO && err != -EAGAIN;
}

/* What the struct_ops trampoline does, less what it keeps for sleepers. */
static int nvme_steer_ask(struct nvme_steer_policy *p,
			  struct nvme_steer_cmd *cmd)
{
	u64 args[1] = { (unsigned long)cmd };
	int answer;

	if (unlikely(!p->prog))
		return p->route ? p->route(cmd) : NVME_STEER_DEFAULT;
	preempt_disable();
	answer = bpf_prog_run(p->prog, args);
	preempt_enable();
	return answer;
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
int nvme_steer_route(struct nvme_steer_ctrl *sc,
		     struct nvme_steer_route_args *args,
		     struct nvme_steer_queue **queue)
{
	struct nvme_steer_policy *p = args->policy;
	int answer;

	if (unlikely(READ_ONCE(p->exit_kind)))
		return 0;

	answer = nvme_steer_ask(p, &args->cmd);
	trace_nvme_steer_route(sc, &args->cmd, answer);

	if (answer == NVME_STEER_DEFAULT) {
		nvme_steer_count(sc, NVME_STEER_EV_DEFAULT);
		return 0;
	}
	if (answer < 0) {
		if (likely(nvme_steer_errno_fits(answer))) {
			nvme_steer_count(sc, NVME_STEER_EV_REFUSED);
			return answer;
		}
		nvme_steer_bad_answer(sc, p, answer, NVME_STEER_EV_BAD_ANSWER);
		return 0;
	}
	if (unlikely(answer > NVME_STEER_MAX_QUEUES)) {
		nvme_steer_bad_answer(sc, p, answer, NVME_STEER_EV_BAD_ANSWER);
		return 0;
	}

	*queue = rcu_dereference(sc->queues[answer]);
	if (unlikely(!*queue)) {
		nvme_steer_bad_answer(sc, p, answer, NVME_STEER_EV_BAD_QUEUE);
		return 0;
	}
	if (unlikely((*queue)->mode == NVME_STEER_POLL &&
		     !(args->cmd.flags & NVME_STEER_CMD_POLLED))) {
		nvme_steer_count(sc, NVME_STEER_EV_BAD_MODE);
		return 0;
	}
	return 1;
}
