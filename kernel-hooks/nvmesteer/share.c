// SPDX-License-Identifier: GPL-2.0
/*
 * The arbiter of a controller: which share may send a command now, which is
 * next, and when to look again. Limits are read from the policy's map each
 * time, so whoever changes the map changes them at once.
 *
 * A command is sent when its share and share 0, all shares together, have room
 * under their depth and their rates allow it. A rate is kept by the time at
 * which it would have been used up evenly: a command is late enough when that
 * is no more than the burst ahead. Of the shares that may send and have
 * commands waiting, the one is next that was given least by its weight
 * (start-time fair queueing); what a share did not use while it had nothing to
 * send, or was held back by its own limits, is not saved up.
 *
 * The arbiter looks when a command comes, when completions are found, and by a
 * timer while anything waits: when a rate will allow something, and every 50
 * milliseconds for limits that have been changed.
 */
#include <linux/bpf.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "group_run.h"
#include "share_send.h"

DEFINE_STATIC_KEY_FALSE(nvme_steer_share_key);

/* Where the map says 0. */
#define NVME_STEER_SHARE_BURST	(2 * NSEC_PER_MSEC)

#define NVME_STEER_SHARE_LOOK	(50 * NSEC_PER_MSEC)
#define NVME_STEER_SHARE_WINDOW	(10 * NSEC_PER_MSEC)

/* Too many are late: more than one in this many. */
#define NVME_STEER_SHARE_LATE	64

/* ------------------------------------------------------------------- limits */

static const struct nvme_steer_share nvme_steer_no_limits;

/* What a map says of a share; written to by anybody at any time. */
static const struct nvme_steer_share *
nvme_steer_share_of(const struct bpf_array *limits, unsigned int n)
{
	if (!limits || n >= limits->map.max_entries)
		return &nvme_steer_no_limits;
	return (const void *)limits->value + (size_t)limits->elem_size * n;
}

/* By how much a rate may run ahead, ns. */
static u64 nvme_steer_share_burst(const struct nvme_steer_share *limit)
{
	u32 ms = READ_ONCE(limit->burst_ms);

	return ms ? ms * (u64)NSEC_PER_MSEC : NVME_STEER_SHARE_BURST;
}

/*
 * Does a rate allow a command @now? @at: when it is used up; @counted: the
 * rate that was counted with; @wake gets when to look again if not.
 */
static bool nvme_steer_rate_allows(u64 *at, u64 *counted, u64 rate, u64 burst,
				   u64 now, u64 *wake)
{
	if (unlikely(*counted != rate)) {
		*counted = rate;
		*at = min(*at, now);
	}
	if (!rate || *at <= now + burst)
		return true;
	/* not for each command: when half of the burst can be sent at once */
	*wake = max(*wake, *at - burst / 2);
	return false;
}

/* May a share send @now? If not, @wake is when it may, or U64_MAX. */
static bool nvme_steer_share_allows(struct nvme_steer_arbiter *arb,
				    unsigned int n, u64 now, u64 *wake)
{
	struct nvme_steer_share_state *s = &arb->share[n];
	const struct nvme_steer_share *limit = s->limit;
	u32 depth = READ_ONCE(limit->depth);
	bool ok;

	*wake = U64_MAX;
	if (depth && s->inflight >= depth)
		return false;
	if (arb->cap && n && s->inflight >= arb->cap &&
	    !READ_ONCE(limit->latency_us))
		return false;
	*wake = 0;
	ok = nvme_steer_rate_allows(&s->iops_at, &s->iops_rate,
				    READ_ONCE(limit->iops),
				    nvme_steer_share_burst(limit), now, wake);
	ok &= nvme_steer_rate_allows(&s->bytes_at, &s->bytes_rate,
				     READ_ONCE(limit->bps),
				     nvme_steer_share_burst(limit), now, wake);
	s->rated = s->iops_rate || s->bytes_rate;
	return ok;
}

/* A command with @len bytes of data is sent: use the rates up. */
static void nvme_steer_share_charge(struct nvme_steer_share_state *s, u32 len,
				    u64 now)
{
	if (s->iops_rate)
		s->iops_at = max(s->iops_at, now) +
			     div64_u64(NSEC_PER_SEC, s->iops_rate);
	if (s->bytes_rate)
		s->bytes_at = max(s->bytes_at, now) +
			      div64_u64((u64)len * NSEC_PER_SEC, s->bytes_rate);
}

/**
 * nvme_steer_share_ask - may a command be sent now, whatever limits there are?
 * @sh: its queue, whose share has nothing that waits; under the arbiter's lock
 * @len: of its data, bytes
 *
 * Return: whether it may; then what it uses of the rates is charged for.
 */
bool nvme_steer_share_ask(struct nvme_steer_shared *sh, u32 len)
{
	struct nvme_steer_arbiter *arb = sh->arb;
	u64 now = ktime_get_ns(), at;

	lockdep_assert_held(&arb->lock);

	if (!nvme_steer_share_allows(arb, 0, now, &at) ||
	    !nvme_steer_share_allows(arb, sh->share, now, &at))
		return false;
	nvme_steer_share_charge(&arb->share[0], len, now);
	nvme_steer_share_charge(sh->state, len, now);
	return true;
}

/* ------------------------------------------------------------------ sending */

/* Write the command of a slot to the submission queue; to be rung for. */
static void nvme_steer_share_send(struct nvme_steer_shared *sh, u16 index,
				  u64 now)
{
	struct nvme_steer_waiting *w = &sh->slot[index];
	struct nvme_steer_queue *q = sh->queue;
	struct nvme_steer_slot *slot = &q->slots[index];
	struct nvme_steer_share_state *s = sh->state;
	struct nvme_steer_arbiter *arb = sh->arb;

	lockdep_assert_held(&arb->lock);

	arb->vnow = max(arb->vnow, s->vtime);
	s->vtime += nvme_steer_share_cost(s, 1, w->len);
	nvme_steer_share_charge(s, w->len, now);
	nvme_steer_share_charge(&arb->share[0], w->len, now);
	nvme_steer_share_add(s, 1, w->len);
	nvme_steer_share_add(&arb->share[0], 1, w->len);
	sh->inflight++;
	w->sent = now;
	if (static_branch_unlikely(&nvme_steer_path_key))
		nvme_steer_load_start(&q->ctrl->load, slot);
	if (slot->io.done == NVME_STEER_IO_REQUEST) {
		struct request *req = slot->io.owner;

		/* the block layer's timer goes on from here */
		WRITE_ONCE(req->deadline, jiffies + READ_ONCE(req->timeout));
	} else {
		slot->deadline = jiffies + slot->io.timeout;
	}
	/* pairs with the acquire of whoever looks for INFLIGHT slots */
	smp_store_release(&slot->state, NVME_STEER_SLOT_INFLIGHT);
	memcpy(&q->sq_cmds[q->sq_tail], &w->cmd, sizeof(w->cmd));
	nvme_steer_advance(q);
	if (list_empty(&sh->ring))
		list_add_tail(&sh->ring, &arb->ring);
}

/* Ring for a queue that was written to. */
static void nvme_steer_share_ring(struct nvme_steer_shared *sh)
{
	struct nvme_steer_queue *q = sh->queue;

	lockdep_assert_held(&sh->arb->lock);

	list_del_init(&sh->ring);
	if (sh->live && q->sq_rung != q->sq_tail)
		nvme_steer_ring_sq(q);
}

/* Take the slot that has waited longest. */
static u16 nvme_steer_share_pop(struct nvme_steer_shared *sh)
{
	struct nvme_steer_share_state *s = sh->state;
	u16 index = sh->first;

	sh->first = sh->slot[index].next;
	s->waiting--;
	if (--sh->nr) {
		/* the share's queues take turns */
		list_move_tail(&sh->entry, &s->queues);
	} else {
		list_del_init(&sh->entry);
		sh->last = NVME_STEER_NO_SLOT;
	}
	if (!s->waiting)
		sh->arb->waiting &= ~BIT_ULL(sh->share);
	return index;
}

/* The share of these that was given least by its weight. */
static unsigned int nvme_steer_share_next(const struct nvme_steer_arbiter *arb,
					  u64 shares)
{
	unsigned int n, best = __ffs64(shares);

	for (shares &= shares - 1; shares; shares &= shares - 1) {
		n = __ffs64(shares);
		if (arb->share[n].vtime < arb->share[best].vtime)
			best = n;
	}
	return best;
}

/* Have the timer look no later than @wake. */
static void nvme_steer_share_arm(struct nvme_steer_arbiter *arb, u64 wake)
{
	if (arb->armed && arb->wake <= wake)
		return;
	arb->armed = true;
	arb->wake = wake;
	hrtimer_start(&arb->timer, ns_to_ktime(wake), HRTIMER_MODE_ABS);
}

/**
 * nvme_steer_share_look - send what may be sent
 * @arb: under its lock
 */
void nvme_steer_share_look(struct nvme_steer_arbiter *arb)
{
	u64 shares = arb->waiting, now, at, wake;
	struct nvme_steer_shared *sh, *next;
	unsigned int n;

	lockdep_assert_held(&arb->lock);

	if (shares) {
		now = ktime_get_ns();
		wake = now + NVME_STEER_SHARE_LOOK;
	}
	while (shares) {
		if (!nvme_steer_share_allows(arb, 0, now, &at)) {
			wake = min(wake, at);
			break;
		}
		n = nvme_steer_share_next(arb, shares);
		if (!nvme_steer_share_allows(arb, n, now, &at)) {
			wake = min(wake, at);
			shares &= ~BIT_ULL(n);
			arb->share[n].vtime = max(arb->share[n].vtime,
						  arb->vnow);
			continue;
		}
		sh = list_first_entry(&arb->share[n].queues,
				      struct nvme_steer_shared, entry);
		nvme_steer_share_send(sh, nvme_steer_share_pop(sh), now);
		shares &= arb->waiting;
	}
	list_for_each_entry_safe(sh, next, &arb->ring, ring)
		nvme_steer_share_ring(sh);
	if (arb->waiting)
		nvme_steer_share_arm(arb, wake);
}

/**
 * nvme_steer_share_put - send a command, or have it wait
 * @sh: its queue, which is live; under the arbiter's lock
 * @index: of its slot, whose io, deadline and waiting are set
 * @ring: ring for it, if it is sent
 */
void nvme_steer_share_put(struct nvme_steer_shared *sh, u16 index, bool ring)
{
	struct nvme_steer_waiting *w = &sh->slot[index];
	struct nvme_steer_slot *slot = &sh->queue->slots[index];
	struct nvme_steer_arbiter *arb = sh->arb;
	struct nvme_steer_share_state *s = sh->state;
	u64 now = ktime_get_ns(), at, wake = now + NVME_STEER_SHARE_LOOK;

	lockdep_assert_held(&arb->lock);

	slot->aborted = 0;
	slot->cancelled = false;
	w->sent = 0;
	if (!s->waiting) {
		s->vtime = max(s->vtime, arb->vnow);
		if (sh->closing) {
			at = 0;
		} else if (nvme_steer_share_allows(arb, 0, now, &at)) {
			if (nvme_steer_share_allows(arb, sh->share, now, &at))
				at = 0;
		}
		if (!at) {
			nvme_steer_share_send(sh, index, now);
			if (ring)
				nvme_steer_share_ring(sh);
			return;
		}
		wake = min(wake, at);
	} else if (sh->closing) {
		nvme_steer_share_send(sh, index, now);
		nvme_steer_share_ring(sh);
		return;
	}

	s->waits++;
	w->next = NVME_STEER_NO_SLOT;
	if (sh->nr++)
		sh->slot[sh->last].next = index;
	else
		sh->first = index;
	sh->last = index;
	smp_store_release(&slot->state, NVME_STEER_SLOT_WAITING);
	if (sh->nr == 1)
		list_add_tail(&sh->entry, &s->queues);
	s->waiting++;
	arb->waiting |= BIT_ULL(sh->share);
	nvme_steer_share_arm(arb, wake);
}

/* Send all that waits on a queue. */
void nvme_steer_share_flush(struct nvme_steer_shared *sh)
{
	u64 now = ktime_get_ns();

	while (sh->live && sh->nr)
		nvme_steer_share_send(sh, nvme_steer_share_pop(sh), now);
	nvme_steer_share_ring(sh);
}

/*
 * Send the command of a slot that is not on the list of those that wait, now.
 * Under the arbiter's lock. False: the controller does not know the queue.
 */
bool nvme_steer_share_resend(struct nvme_steer_shared *sh, u16 index)
{
	lockdep_assert_held(&sh->arb->lock);

	if (!sh->live)
		return false;
	nvme_steer_share_send(sh, index, ktime_get_ns());
	nvme_steer_share_ring(sh);
	return true;
}

/* The command of slot @index, which came after that of @before, waits no more. */
void nvme_steer_share_remove(struct nvme_steer_shared *sh, u16 before,
			     u16 index)
{
	if (index == sh->first) {
		nvme_steer_share_pop(sh);
		return;
	}
	sh->slot[before].next = sh->slot[index].next;
	if (sh->last == index)
		sh->last = before;
	sh->nr--;
	sh->state->waiting--;
}

/* What waits on a queue is not to be sent by the arbiter any more. */
void nvme_steer_share_unlist(struct nvme_steer_shared *sh)
{
	struct nvme_steer_share_state *s = sh->state;

	lockdep_assert_held(&sh->arb->lock);

	if (list_empty(&sh->entry))
		return;
	list_del_init(&sh->entry);
	s->waiting -= sh->nr;
	if (!s->waiting)
		sh->arb->waiting &= ~BIT_ULL(sh->share);
}

/* -------------------------------------------------------------------- ending */

/* Judge shares with a target anew. */
static void nvme_steer_share_forget(struct nvme_steer_arbiter *arb)
{
	unsigned int n;

	for (n = 1; n < NVME_STEER_MAX_SHARES; n++)
		arb->share[n].late = arb->share[n].ended = 0;
}

/*
 * A window is over. If a share with a target was late too often since the last
 * change, those without may have half of what they had; if it was not, for long
 * enough to tell, one more; if there is none that wants anything, soon all.
 */
static void nvme_steer_share_judge(struct nvme_steer_arbiter *arb, u64 now)
{
	bool any = false, busy = false, late = false, sure = false;
	unsigned int n, most = 0;

	arb->window = now;
	/* mostly nobody has a target, and nothing can change */
	if (!arb->timed && !arb->cap)
		return;
	arb->timed = false;
	for (n = 1; n < NVME_STEER_MAX_SHARES; n++) {
		struct nvme_steer_share_state *s = &arb->share[n];

		if (!READ_ONCE(s->limit->latency_us)) {
			most = max(most, s->inflight);
			continue;
		}
		any = true;
		busy |= s->inflight || s->waiting;
		late |= s->late * NVME_STEER_SHARE_LATE > s->ended;
		sure |= s->ended >= NVME_STEER_SHARE_LATE;
	}
	if (!any)
		arb->cap = 0;
	else if (late)
		arb->cap = max(min(arb->cap ?: most, most) / 2, 1U);
	else if (arb->cap && arb->cap <= most && !busy)
		arb->cap += 1 + arb->cap / 4;
	else if (arb->cap && arb->cap <= most && sure)
		arb->cap++;
	if (late || sure)
		nvme_steer_share_forget(arb);
}

/**
 * nvme_steer_share_ended - the controller has completed commands
 * @sh: their queue; under the arbiter's lock
 * @nr: how many
 * @now: monotonic, ns
 *
 * Sends what there is room for now.
 */
void nvme_steer_share_ended(struct nvme_steer_shared *sh, unsigned int nr,
			    u64 now)
{
	struct nvme_steer_arbiter *arb = sh->arb;

	lockdep_assert_held(&arb->lock);

	if (now - arb->window >= NVME_STEER_SHARE_WINDOW)
		nvme_steer_share_judge(arb, now);
	sh->inflight -= nr;
	sh->state->inflight -= nr;
	arb->share[0].inflight -= nr;
	if (unlikely(arb->waiting))
		nvme_steer_share_look(arb);
}

/* ----------------------------------------------------------------- life cycle */

static enum hrtimer_restart nvme_steer_share_timer(struct hrtimer *timer)
{
	struct nvme_steer_arbiter *arb =
		container_of(timer, struct nvme_steer_arbiter, timer);
	unsigned long flags;
	u64 now;

	spin_lock_irqsave(&arb->lock, flags);
	arb->armed = false;
	nvme_steer_share_look(arb);
	now = ktime_get_ns();
	if (arb->waiting && now - arb->tended >= NVME_STEER_SHARE_LOOK) {
		arb->tended = now;
		queue_work(nvme_steer_wq, &arb->work);
	}
	spin_unlock_irqrestore(&arb->lock, flags);
	return HRTIMER_NORESTART;
}

/*
 * Is the namespace of a command that waits being frozen, or removed? Whoever
 * does that waits for the command, and all others of the namespace for them.
 */
static bool nvme_steer_is_frozen(const struct nvme_steer_slot *slot)
{
	const struct request *req = slot->io.owner;

	return percpu_ref_is_dying(slot->io.done == NVME_STEER_IO_REQUEST ?
				   &req->q->q_usage_counter :
				   nvme_steer_slot_usage(slot));
}

/* Send what waits of a namespace that is frozen, whatever the limits. */
static void nvme_steer_share_unfreeze(struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	u16 index, next, before = NVME_STEER_NO_SLOT;
	unsigned int n, nr;

	spin_lock_irq(&sh->arb->lock);
	index = sh->first;
	nr = sh->live ? sh->nr : 0;
	for (n = 0; n < nr; n++, index = next) {
		next = sh->slot[index].next;
		if (nvme_steer_is_frozen(&q->slots[index])) {
			nvme_steer_share_remove(sh, before, index);
			nvme_steer_share_resend(sh, index);
		} else {
			before = index;
		}
	}
	spin_unlock_irq(&sh->arb->lock);
}

/*
 * While anything waits: what only a task may do. Completions of polled queues
 * hold room that others wait for, whether their application polls or not;
 * commands whose application is gone need not wait any more; and those of a
 * namespace that is being frozen must not.
 */
static void nvme_steer_share_work(struct work_struct *work)
{
	struct nvme_steer_arbiter *arb =
		container_of(work, struct nvme_steer_arbiter, work);
	struct nvme_steer_ctrl *sc = arb->ctrl;
	struct nvme_steer_queue *q;

	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry) {
		if (!q->shared)
			continue;
		if (q->mode == NVME_STEER_POLL)
			nvme_steer_poll(q, NULL);
		nvme_steer_queue_expire(q, NULL);
		nvme_steer_share_unfreeze(q);
		nvme_steer_share_unfreeze_behind(q);
		spin_lock(&q->sq_lock);
		nvme_steer_shared_freed(q);
		spin_unlock(&q->sq_lock);
	}
	mutex_unlock(&sc->state_lock);
}

static struct nvme_steer_arbiter *
nvme_steer_arbiter_alloc(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_arbiter *arb;
	unsigned int n;

	arb = kvzalloc_node(sizeof(*arb), GFP_KERNEL, sc->node);
	if (!arb)
		return NULL;
	spin_lock_init(&arb->lock);
	arb->ctrl = sc;
	INIT_LIST_HEAD(&arb->ring);
	hrtimer_init(&arb->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	arb->timer.function = nvme_steer_share_timer;
	INIT_WORK(&arb->work, nvme_steer_share_work);
	for (n = 0; n < NVME_STEER_MAX_SHARES; n++) {
		INIT_LIST_HEAD(&arb->share[n].queues);
		arb->share[n].limit = &nvme_steer_no_limits;
	}
	return arb;
}

/* The controller's object goes; nothing waits any more. */
void nvme_steer_share_exit(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_arbiter *arb = sc->arb;

	if (!arb)
		return;
	hrtimer_cancel(&arb->timer);
	cancel_work_sync(&arb->work);
	kvfree(arb);
}

/**
 * nvme_steer_share_limits - a policy names its map of shares
 * @p: the policy, in its init()
 * @map: anything
 *
 * Return: 0, or as bpf_nvme_steer_shares() documents.
 */
int nvme_steer_share_limits(struct nvme_steer_policy *p, struct bpf_map *map)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	int ret = 0;

	if (map->map_type != BPF_MAP_TYPE_ARRAY ||
	    map->value_size != sizeof(struct nvme_steer_share))
		return -EINVAL;
	if (map->max_entries > NVME_STEER_MAX_SHARES)
		return -E2BIG;
	mutex_lock(&sc->queue_lock);
	if (p->shares) {
		ret = -EEXIST;
	} else {
		if (!sc->arb)
			sc->arb = nvme_steer_arbiter_alloc(sc);
		if (!sc->arb)
			ret = -ENOMEM;
	}
	if (!ret) {
		bpf_map_inc(map);
		p->shares = map;
	}
	mutex_unlock(&sc->queue_lock);
	return ret;
}

/**
 * nvme_steer_share_attached - another policy's limits hold from here on
 * @sc: the controller
 * @p: the policy, or NULL for none: nothing waits any more
 *
 * Context: process, under sc->policy_lock.
 */
void nvme_steer_share_attached(struct nvme_steer_ctrl *sc,
			       struct nvme_steer_policy *p)
{
	struct nvme_steer_arbiter *arb = sc->arb;
	unsigned int n;

	lockdep_assert_held(&sc->policy_lock);

	if (!arb)
		return;
	spin_lock_irq(&arb->lock);
	arb->limits = p && p->shares ?
		container_of(p->shares, struct bpf_array, map) : NULL;
	arb->cap = 0;
	for (n = 0; n < NVME_STEER_MAX_SHARES; n++) {
		arb->share[n].limit = nvme_steer_share_of(arb->limits, n);
		arb->share[n].peak = arb->share[n].inflight;
	}
	nvme_steer_share_look(arb);
	spin_unlock_irq(&arb->lock);
}

/* Nobody reads the map of a policy any more. */
void nvme_steer_share_drop(struct nvme_steer_policy *p)
{
	if (p->shares)
		bpf_map_put(p->shares);
}

/* ----------------------------------------------------------------- for people */

/*
 * Is there anything to say about a share? Without a policy that has shares,
 * what has not ended yet.
 */
static bool nvme_steer_share_shown(const struct nvme_steer_arbiter *arb,
				   unsigned int n)
{
	const struct nvme_steer_share_state *s = &arb->share[n];

	lockdep_assert_held(&arb->lock);

	if (!arb->limits)
		return s->inflight || s->waiting;
	return s->commands || n < arb->limits->map.max_entries;
}

/* Blanks up to the end of line @lines: all are as long; see sysfs.c. */
static int nvme_steer_share_pad(char *buf, int len, size_t size,
				unsigned int lines)
{
	int end = lines * NVME_STEER_SHARE_LINE - 1;

	return len + scnprintf(buf + len, size - len, "%*s\n",
			       max(end - len, 0), "");
}

/* Print the shares, a line each, padded as those of queues are. */
int nvme_steer_print_shares(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	struct nvme_steer_arbiter *arb = READ_ONCE(sc->arb);
	const struct nvme_steer_share *limit;
	struct nvme_steer_share_state s;
	unsigned int n, cap, lines = 0;
	int len = 0;

	for (n = 0; arb && n < NVME_STEER_MAX_SHARES; n++) {
		spin_lock_irq(&arb->lock);
		if (!nvme_steer_share_shown(arb, n)) {
			spin_unlock_irq(&arb->lock);
			continue;
		}
		s = arb->share[n];
		limit = s.limit;
		cap = n && !READ_ONCE(limit->latency_us) ? arb->cap : 0;
		len += scnprintf(buf + len, size - len,
			"%u weight=%u depth=%u iops=%u bps=%llu burst_ms=%u latency_us=%u"
			" cap=%u inflight=%u peak=%u waiting=%u commands=%llu bytes=%llu"
			" waits=%llu missed=%llu",
			n, READ_ONCE(limit->weight), READ_ONCE(limit->depth),
			READ_ONCE(limit->iops), READ_ONCE(limit->bps),
			READ_ONCE(limit->burst_ms),
			READ_ONCE(limit->latency_us), cap, s.inflight, s.peak,
			s.waiting, s.commands, s.bytes, s.waits, s.missed);
		spin_unlock_irq(&arb->lock);
		lines++;
		len = nvme_steer_share_pad(buf, len, size, lines);
	}
	return len;
}

static int nvme_steer_print_histogram(unsigned int n, const char *what,
				      const u64 *buckets, char *buf,
				      size_t size)
{
	unsigned int i;
	int len;

	len = scnprintf(buf, size, "%u %s", n, what);
	for (i = 0; i < NVME_STEER_SHARE_BUCKETS; i++)
		len += scnprintf(buf + len, size - len, " %llu",
				 READ_ONCE(buckets[i]));
	return len;
}

/* Print the histograms, two lines a share: time waited, and at the device. */
int nvme_steer_print_histograms(struct nvme_steer_ctrl *sc, char *buf,
				size_t size)
{
	struct nvme_steer_arbiter *arb = READ_ONCE(sc->arb);
	unsigned int n, lines = 0;
	int len = 0;

	/* share 0 is no queue's: it has none */
	for (n = 1; arb && n < NVME_STEER_MAX_SHARES; n++) {
		struct nvme_steer_share_state *s = &arb->share[n];
		bool shown;

		spin_lock_irq(&arb->lock);
		shown = s->commands && nvme_steer_share_shown(arb, n);
		spin_unlock_irq(&arb->lock);
		if (!shown)
			continue;
		len += nvme_steer_print_histogram(n, "wait", s->wait,
						  buf + len, size - len);
		len = nvme_steer_share_pad(buf, len, size, ++lines);
		len += nvme_steer_print_histogram(n, "device", s->device,
						  buf + len, size - len);
		len = nvme_steer_share_pad(buf, len, size, ++lines);
	}
	return len;
}
