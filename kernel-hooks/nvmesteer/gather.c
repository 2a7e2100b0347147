// SPDX-License-Identifier: GPL-2.0
/*
 * Completions delivered in batches, as the policy's batch() decides. On an
 * interrupt queue: its vector is masked and a timer of the queue's own looks
 * for completions, which stay in the completion queue, unacknowledged, until
 * they are delivered together. On a polled queue: how many a poll may take.
 *
 * Masking is what saves interrupts: some controllers send no message while
 * completions are unacknowledged, others send one for each. No completion is
 * missed, whichever it is: a message that falls into the masked time is pending
 * then and sent on unmasking (PCI Express, per-vector masking), and whatever is
 * ready when the vector is unmasked has been acknowledged before, or was posted
 * after that and is the reason for another message.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>

#include "block.h"
#include "passthru.h"
#include "route.h"

/* Some policy has batch(): costs a no-op while none has. */
DEFINE_STATIC_KEY_FALSE(nvme_steer_batch_key);

/* A longer time between completions counts as this: the queue was idle. */
#define NVME_STEER_GATHER_IDLE	NSEC_PER_MSEC

static unsigned int nvme_steer_ready(const struct nvme_steer_queue *q)
{
	unsigned int head = q->cq_head, n;
	u8 phase = q->cq_phase;

	for (n = 0; n < q->depth - 1; n++) {
		if ((le16_to_cpu(READ_ONCE(q->cqes[head].status)) & 1) != phase)
			break;
		if (++head == q->cq_depth) {
			head = 0;
			phase ^= 1;
		}
	}
	return n;
}

/* Deliver what is ready. */
static void nvme_steer_gather_tell(struct nvme_steer_queue *q, u64 now)
{
	struct nvme_steer_gather *g = &q->gather;
	struct nvme_steer_drain drain = { .last = &drain.first };
	unsigned int found = nvme_steer_reap_some(q, &drain, 0);
	u64 each;

	nvme_steer_passthru_tell(&drain);
	if (!found)
		return;
	g->last = found;
	if (g->told) {
		each = div_u64(now - g->told, found);
		each = min(each, NVME_STEER_GATHER_IDLE);
		g->interval = g->interval ?
			      (3 * (u64)g->interval + each) / 4 : each;
	}
	g->told = now;
}

static int nvme_steer_gather_ask(struct nvme_steer_queue *q,
				 unsigned int ready, unsigned int inflight,
				 u64 age)
{
	struct nvme_steer_batch b = {
		.ctrl = q->ctrl->instance,
		.queue = q->number,
		.mode = q->mode,
		.depth = q->depth - 1,
		.ready = ready,
		.inflight = inflight,
		.last = q->gather.last,
		.interval_ns = q->gather.interval,
		.age_ns = age,
	};

	return nvme_steer_batch(q->ctrl, &b);
}

/*
 * Deliver or go on gathering. Returns after how many nanoseconds to look
 * again, 0 when nothing is to be held back.
 *
 * The number in flight is read without sq_lock: a command that is being
 * submitted may be missed, and completions are then delivered too early.
 */
static u64 nvme_steer_gather_look(struct nvme_steer_queue *q, u64 now)
{
	struct nvme_steer_gather *g = &q->gather;
	unsigned int inflight = nvme_steer_queue_inflight(q);
	unsigned int ready = nvme_steer_ready(q), count;
	u64 age = g->held ? now - g->since : 0, limit, wait;
	int answer = 0;
	bool full;

	/* where all are ready, or a lone one is not, none can be waited for */
	if (ready < inflight && inflight > 1 && (ready || g->held) && g->open)
		answer = nvme_steer_gather_ask(q, ready, inflight, age);
	count = min(NVME_STEER_GATHER_COUNT(answer), inflight);
	limit = NVME_STEER_GATHER_US(answer) * NSEC_PER_USEC;

	full = count > 1 && ready >= count;
	if (count < 2 || full || age >= limit) {
		if (count > 1 && !full && ready && age)
			nvme_steer_count(q->ctrl, NVME_STEER_EV_GATHER_TIME);
		nvme_steer_gather_tell(q, now);
		inflight -= min(ready, inflight);
		if (!full || inflight < 2 || !g->held || age >= limit)
			return 0;
		/* the vector is masked as it is, and more will come */
		nvme_steer_count(q->ctrl, NVME_STEER_EV_GATHER);
		g->since = now;
		count = min(count, inflight);
		ready = age = 0;
	}

	/* each look that was too early makes the next one wait longer */
	wait = max3(limit / 8, age, (u64)(count - ready) * g->interval);
	return min(wait, limit - age);
}

static void nvme_steer_gather_hold(struct nvme_steer_queue *q, u64 now,
				   u64 wait)
{
	struct nvme_steer_gather *g = &q->gather;

	nvme_steer_count(q->ctrl, NVME_STEER_EV_GATHER);
	disable_irq_nosync(q->irq);
	g->held = true;
	g->since = now;
	hrtimer_start(&g->timer, ns_to_ktime(wait), HRTIMER_MODE_REL_PINNED);
}

static void nvme_steer_gather_release(struct nvme_steer_queue *q)
{
	q->gather.held = false;
	enable_irq(q->irq);
}

/**
 * nvme_steer_gather_irq - the interrupt handler while a policy has batch()
 * @q: the queue
 *
 * A message that was sent while the vector was masked may find nothing.
 */
irqreturn_t nvme_steer_gather_irq(struct nvme_steer_queue *q)
{
	struct request *ended;
	u64 now, wait;

	spin_lock(&q->cq_lock);
	q->interrupts++;
	if (q->gather.held) {
		/* it was on its way when the vector was masked */
	} else if (nvme_steer_queue_inflight(q) < 2) {
		/* a lone command; the load cannot be told from it */
		nvme_steer_reap_some(q, NULL, 0);
		q->gather.told = 0;
	} else {
		now = ktime_get_ns();
		wait = nvme_steer_gather_look(q, now);
		if (wait)
			nvme_steer_gather_hold(q, now, wait);
	}
	ended = nvme_steer_ended_requests(q);
	spin_unlock(&q->cq_lock);
	if (ended)
		nvme_steer_complete(q, ended);
	return IRQ_HANDLED;
}

static enum hrtimer_restart nvme_steer_gather_timer(struct hrtimer *timer)
{
	struct nvme_steer_queue *q =
		container_of(timer, struct nvme_steer_queue, gather.timer);
	u64 now = ktime_get_ns(), wait = 0;
	struct request *ended;
	unsigned long flags;

	spin_lock_irqsave(&q->cq_lock, flags);
	/* queued: that gathering was ended, and another has begun since */
	if (likely(q->gather.held && !hrtimer_is_queued(timer))) {
		nvme_steer_count(q->ctrl, NVME_STEER_EV_GATHER_TIMER);
		wait = nvme_steer_gather_look(q, now);
		if (wait)
			hrtimer_set_expires(timer, ns_to_ktime(now + wait));
		else
			nvme_steer_gather_release(q);
	}
	ended = nvme_steer_ended_requests(q);
	spin_unlock_irqrestore(&q->cq_lock, flags);
	if (ended)
		nvme_steer_complete(q, ended);
	return wait ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/**
 * nvme_steer_gather_poll - take completions for an application that polls
 * @q: the queue, a polled one; under cq_lock
 * @drain: as for nvme_steer_poll()
 *
 * Return: the number of completions found.
 */
unsigned int nvme_steer_gather_poll(struct nvme_steer_queue *q,
				    struct nvme_steer_drain *drain)
{
	unsigned int ready = nvme_steer_ready(q);
	int answer = 0;

	lockdep_assert_held(&q->cq_lock);

	if (ready > 1)
		answer = nvme_steer_gather_ask(q, ready,
					       nvme_steer_queue_inflight(q), 0);
	return nvme_steer_reap_some(q, drain, NVME_STEER_GATHER_COUNT(answer));
}

/* Deliver what is held back. */
static void nvme_steer_gather_flush(struct nvme_steer_queue *q)
{
	struct request *ended;

	spin_lock_irq(&q->cq_lock);
	if (q->gather.held) {
		/* if it runs already it will find nothing held */
		hrtimer_try_to_cancel(&q->gather.timer);
		nvme_steer_gather_tell(q, ktime_get_ns());
		nvme_steer_gather_release(q);
	}
	ended = nvme_steer_ended_requests(q);
	spin_unlock_irq(&q->cq_lock);
	if (ended)
		nvme_steer_complete(q, ended);
}

void nvme_steer_gather_init(struct nvme_steer_queue *q)
{
	hrtimer_init(&q->gather.timer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_REL_PINNED);
	q->gather.timer.function = nvme_steer_gather_timer;
}

/* The interrupt was requested. */
void nvme_steer_gather_open(struct nvme_steer_queue *q)
{
	/* mask at once, not when the next one comes: that would be one more */
	irq_set_status_flags(q->irq, IRQ_DISABLE_UNLAZY);
	spin_lock_irq(&q->cq_lock);
	q->gather.open = true;
	spin_unlock_irq(&q->cq_lock);
}

/* The interrupt is about to be freed. */
void nvme_steer_gather_close(struct nvme_steer_queue *q)
{
	spin_lock_irq(&q->cq_lock);
	q->gather.open = false;
	spin_unlock_irq(&q->cq_lock);
	nvme_steer_gather_flush(q);
	hrtimer_cancel(&q->gather.timer);
}

/* A policy with batch() has ended: deliver what is held back for it. */
void nvme_steer_gather_end(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_queue *q;
	unsigned int n;

	mutex_lock(&sc->queue_lock);
	nvme_steer_for_each_queue(sc, q, n)
		nvme_steer_gather_flush(q);
	mutex_unlock(&sc->queue_lock);
}
