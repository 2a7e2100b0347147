// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of the policy's answers that name no queue, and of unfit ones:
 * the driver's own path and an event. The answers that do are route.h.
 */
#include "route.h"

/* errnos a policy may refuse a command with */
#define NVME_STEER_MAX_ERRNO	133

/*
 * An unfit answer, of route() with the command it is about. Enough of them
 * within a second eject the policy; the count is approximate at the border of
 * two seconds, which is good enough.
 */
void nvme_steer_bad_answer(struct nvme_steer_ctrl *sc,
			   struct nvme_steer_policy *p,
			   enum nvme_steer_call call,
			   const struct nvme_steer_cmd *cmd, int answer,
			   enum nvme_steer_event ev)
{
	struct nvme_steer_refusals *r = &sc->refusals;
	char reason[sizeof(p->reason)];
	unsigned long flags;
	bool eject;

	nvme_steer_count(sc, ev);
	spin_lock_irqsave(&r->lock, flags);
	if (time_after(jiffies, r->since + HZ)) {
		r->since = jiffies;
		r->window = 0;
	}
	eject = ++r->window > READ_ONCE(nvme_steer_bad_answers);
	r->last[r->nr++ % NVME_STEER_REFUSALS] = (struct nvme_steer_refusal) {
		.at = jiffies,
		.answer = answer,
		.why = ev,
		.call = call,
		.opcode = cmd ? cmd->opcode : 0,
		.nsid = cmd ? cmd->nsid : 0,
	};
	spin_unlock_irqrestore(&r->lock, flags);

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

/**
 * nvme_steer_route_other - an answer that is not a queue the command can take
 * @sc: the controller
 * @args: the command, and the policy that gave it
 * @answer: the answer, without NVME_STEER_ONCE
 *
 * Context: under rcu_read_lock().
 * Return: 0, the driver's own path; -errno, refused.
 */
int nvme_steer_route_other(struct nvme_steer_ctrl *sc,
			   struct nvme_steer_route_args *args, int answer)
{
	struct nvme_steer_policy *p = args->policy;

	lockdep_assert_in_rcu_reader();

	if (answer == NVME_STEER_DEFAULT) {
		nvme_steer_count(sc, NVME_STEER_EV_DEFAULT);
	} else if (answer < 0 && nvme_steer_errno_fits(answer)) {
		nvme_steer_count(sc, NVME_STEER_EV_REFUSED);
		return answer;
	} else if (answer < 0 || answer > NVME_STEER_MAX_QUEUES) {
		nvme_steer_bad_answer(sc, p, NVME_STEER_CALL_ROUTE, &args->cmd,
				      args->answer, NVME_STEER_EV_BAD_ANSWER);
	} else if (!rcu_access_pointer(sc->queues[answer])) {
		nvme_steer_bad_answer(sc, p, NVME_STEER_CALL_ROUTE, &args->cmd,
				      answer, NVME_STEER_EV_BAD_QUEUE);
	} else {
		nvme_steer_count(sc, NVME_STEER_EV_BAD_MODE);
	}
	return 0;
}

static bool nvme_steer_gather_fits(int answer)
{
	return !answer ||
	       (answer > 0 && NVME_STEER_GATHER_COUNT(answer) &&
		NVME_STEER_GATHER_US(answer) <= NVME_STEER_GATHER_MAX_US);
}

/**
 * nvme_steer_batch - ask the policy how many completions to gather
 * @sc: the controller
 * @b: its queue
 *
 * Context: any.
 * Return: what batch() answers and may answer; 0 where there is none to ask.
 */
int nvme_steer_batch(struct nvme_steer_ctrl *sc, struct nvme_steer_batch *b)
{
	struct nvme_steer_policy *p;
	int answer = 0;

	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	if (p && p->batch && !READ_ONCE(p->exit_kind)) {
		answer = nvme_steer_call(p, NVME_STEER_CALL_BATCH, b);
		if (unlikely(!nvme_steer_gather_fits(answer))) {
			nvme_steer_bad_answer(sc, p, NVME_STEER_CALL_BATCH,
					      NULL, answer,
					      NVME_STEER_EV_BAD_ANSWER);
			answer = 0;
		}
	}
	rcu_read_unlock();
	return answer;
}

/* An answer of copy() that is none: refused, -errno, or not fit. */
int nvme_steer_copy_other(struct nvme_steer_ctrl *sc,
			  struct nvme_steer_policy *p, int answer)
{
	if (answer < 0 && nvme_steer_errno_fits(answer)) {
		nvme_steer_count(sc, NVME_STEER_EV_REFUSED);
		return answer;
	}
	nvme_steer_bad_answer(sc, p, NVME_STEER_CALL_COPY, NULL, answer,
			      NVME_STEER_EV_BAD_ANSWER);
	return NVME_STEER_COPY_DEFAULT;
}
