// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted round robin of a controller: which class a queue is created with,
 * and the weights that a policy has asked for. They are a feature, which a
 * controller forgets when it is reset: they are set when a policy begins, after
 * each reset, and set back when it ends.
 */
#include <linux/sysfs.h>

#include "nvmesteer.h"

/* Dword 11 of the feature Arbitration; the weights are 0's based. */
#define NVME_STEER_ARB_BURST	GENMASK(2, 0)
#define NVME_STEER_ARB_LOW	8
#define NVME_STEER_ARB_MEDIUM	16
#define NVME_STEER_ARB_HIGH	24

/**
 * nvme_steer_sq_prio - the priority class that a submission queue is made with
 * @q: the queue, of a controller that is up
 *
 * Return: flags of Create I/O Submission Queue.
 */
u16 nvme_steer_sq_prio(const struct nvme_steer_queue *q)
{
	static const u16 flags[] = {
		[NVME_STEER_CLASS_URGENT] = NVME_SQ_PRIO_URGENT,
		[NVME_STEER_CLASS_HIGH] = NVME_SQ_PRIO_HIGH,
		[NVME_STEER_CLASS_MEDIUM] = NVME_SQ_PRIO_MEDIUM,
		[NVME_STEER_CLASS_LOW] = NVME_SQ_PRIO_LOW,
	};
	const struct nvme_ctrl *nvme = q->ctrl->nvme;

	if (nvme_steer_wrr(nvme))
		return flags[q->prio];
	/* for the same drives and the same reason as adapter_alloc_sq() */
	return nvme->quirks & NVME_QUIRK_MEDIUM_PRIO_SQ ? NVME_SQ_PRIO_MEDIUM :
							  0;
}

/* Is a queue of the class that is asked for, where there are classes? */
bool nvme_steer_same_prio(const struct nvme_steer_queue *q, unsigned int prio)
{
	return !nvme_steer_wrr(q->ctrl->nvme) ||
	       q->prio == prio;
}

/* A word for the class of a queue; "-" where there are none. */
const char *nvme_steer_prio_name(const struct nvme_steer_queue *q)
{
	static const char *const names[] = {
		[NVME_STEER_CLASS_URGENT] = "urgent",
		[NVME_STEER_CLASS_HIGH] = "high",
		[NVME_STEER_CLASS_MEDIUM] = "medium",
		[NVME_STEER_CLASS_LOW] = "low",
	};

	return nvme_steer_wrr(q->ctrl->nvme) ? names[q->prio] :
					       "-";
}

static u32 nvme_steer_arb_dword(const struct nvme_steer_weights *w, u32 own)
{
	return (own & NVME_STEER_ARB_BURST) |
	       (u32)(w->low - 1) << NVME_STEER_ARB_LOW |
	       (u32)(w->medium - 1) << NVME_STEER_ARB_MEDIUM |
	       (u32)(w->high - 1) << NVME_STEER_ARB_HIGH;
}

/* Give a controller the weights @w, or where these say nothing, its own. */
static int nvme_steer_set_weights(struct nvme_steer_ctrl *sc,
				  const struct nvme_steer_weights *w)
{
	struct nvme_steer_wrr *wrr = &sc->wrr;
	u32 dword = wrr->own;
	int ret = 0;

	if (!wrr->now.high)
		ret = nvme_get_features(sc->nvme, NVME_FEAT_ARBITRATION, 0,
					NULL, 0, &wrr->own);
	if (!ret && w->high)
		dword = nvme_steer_arb_dword(w, wrr->own);
	if (!ret)
		ret = nvme_set_features(sc->nvme, NVME_FEAT_ARBITRATION, dword,
					NULL, 0, NULL);
	if (!ret)
		wrr->now = *w;
	return ret;
}

/**
 * nvme_steer_weigh - have the weights be what the attached policy has said
 * @sc: the controller: it has come up, or its policy is another one
 *
 * What goes wrong is said in the kernel's log: commands go on without.
 *
 * Context: process, under queue_lock; sleeps for two admin commands.
 */
void nvme_steer_weigh(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_weights w = { };
	struct nvme_steer_policy *p;
	int ret;

	lockdep_assert_held(&sc->queue_lock);

	if (!READ_ONCE(sc->up) || !nvme_steer_wrr(sc->nvme))
		return;
	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	if (p)
		w = p->weights;
	rcu_read_unlock();
	if (!memcmp(&w, &sc->wrr.now, sizeof(w)))
		return;
	ret = nvme_steer_set_weights(sc, &w);
	/* one that has gone down gets them when it comes back */
	if (ret && READ_ONCE(sc->up))
		dev_warn(sc->nvme->device,
			 "cannot set the weights of weighted round robin (%d); the controller goes on with those it has\n",
			 ret);
}

/* A controller that was reset has those of its own. Under queue_lock. */
void nvme_steer_weights_lost(struct nvme_steer_ctrl *sc)
{
	lockdep_assert_held(&sc->queue_lock);
	memset(&sc->wrr.now, 0, sizeof(sc->wrr.now));
}

/* The attribute arbitration. */
int nvme_steer_print_arbitration(struct nvme_steer_ctrl *sc, char *buf)
{
	static const struct {
		const char *name;
		u64 cap;		/* CAP.AMS, 0 for what all can */
		u32 cc;			/* CC.AMS */
	} ways[] = {
		{ "rr", 0, NVME_CC_AMS_RR },
		{ "wrr", BIT_ULL(17), NVME_CC_AMS_WRRU },
		{ "vendor", BIT_ULL(18), NVME_CC_AMS_VS },
	};
	u32 cc = READ_ONCE(sc->nvme->ctrl_config) & NVME_CC_AMS_VS;
	struct nvme_steer_weights w = sc->wrr.now;
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!ways[i].cap || sc->nvme->cap & ways[i].cap)
			len += sysfs_emit_at(buf, len,
					     cc == ways[i].cc ? "%s[%s]" :
					     "%s%s", len ? " " : "",
					     ways[i].name);
	if (w.high)
		len += sysfs_emit_at(buf, len, " high=%u medium=%u low=%u",
				     w.high, w.medium, w.low);
	return len + sysfs_emit_at(buf, len, "\n");
}
