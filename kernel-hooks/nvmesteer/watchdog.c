// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog: ejects a policy whose operations take too long, and one that
 * sends commands to a queue that gets nowhere while the device answers
 * elsewhere. It looks now and then, at what is counted anyway; the way of a
 * command knows nothing of it. What becomes of the commands on such a queue is
 * timeout.c's, and the driver's, as ever.
 */
#include <linux/bpf.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "route.h"
#include "share.h"

/* Between two looks. */
#define NVME_STEER_LOOK_MIN	(HZ / 10)
#define NVME_STEER_LOOK_MAX	HZ

/* An admin command that takes longer than this says nothing. */
#define NVME_STEER_PROBE_TIME	HZ

#define NVME_STEER_BUDGET_MAX	1000000U

unsigned int nvme_steer_op_budget = 50;

static int nvme_steer_set_budget(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, NVME_STEER_BUDGET_MAX);
}

static const struct kernel_param_ops nvme_steer_budget_ops = {
	.set = nvme_steer_set_budget,
	.get = param_get_uint,
};

module_param_cb(op_budget_us, &nvme_steer_budget_ops, &nvme_steer_op_budget,
		0644);
MODULE_PARM_DESC(op_budget_us,
	"Microseconds that a call of a policy's operation may take, 1 to 1000000");

const char *nvme_steer_call_name(enum nvme_steer_call call)
{
	static const char * const names[] = {
		[NVME_STEER_CALL_ROUTE]		= "route",
		[NVME_STEER_CALL_BATCH]		= "batch",
		[NVME_STEER_CALL_COPY]		= "copy",
		[NVME_STEER_CALL_COPIED]	= "copied",
		[NVME_STEER_CALL_PATH]		= "path",
	};

	return names[call];
}

/* -------------------------------------------------------------- operations */

/* For bpf_prog_run(), of a policy whose program is not known. */
static DEFINE_PER_CPU(struct bpf_prog_stats, nvme_steer_no_stats);

/* By its program, or where that is not known through the trampoline. */
static int __nocfi nvme_steer_call_op(struct nvme_steer_timed *t,
				      const void *args)
{
	void *arg = *(void **)args;
	struct nvme_steer_policy *p = t->policy;

	if (t->prog)
		return t->prog->bpf_func(args, t->prog->insnsi);
	switch ((enum nvme_steer_call)(t - p->timed)) {
	case NVME_STEER_CALL_ROUTE:
		return p->route(arg);
	case NVME_STEER_CALL_BATCH:
		return p->batch(arg);
	case NVME_STEER_CALL_COPY:
		return p->copy(arg);
	case NVME_STEER_CALL_PATH:
		return p->path(arg);
	default:
		p->copied(arg);
		return 0;
	}
}

static void nvme_steer_note_time(struct nvme_steer_timed *t, u64 ns)
{
	s64 best = atomic64_read(&t->best);

	while (ns < (u64)best && !atomic64_try_cmpxchg(&t->best, &best, ns))
		;
	/* whoever finds that all have ended finds the shortest of them */
	smp_mb__before_atomic();
	atomic_inc(&t->nr);
}

/* What a call was about; @arg is what the operation was given. */
static void nvme_steer_sample_arg(struct nvme_steer_sample *s,
				  enum nvme_steer_call call, const void *arg)
{
	const struct nvme_steer_copied *copied = arg;
	const struct nvme_steer_batch *batch = arg;
	const struct nvme_steer_path *path = arg;
	const struct nvme_steer_copy *copy = arg;
	const struct nvme_steer_cmd *cmd = arg;

	switch (call) {
	case NVME_STEER_CALL_ROUTE:
		s->source = cmd->source;
		s->opcode = cmd->opcode;
		s->nsid = cmd->nsid;
		s->slba = cmd->slba;
		s->len = cmd->len;
		break;
	case NVME_STEER_CALL_PATH:
		s->source = path->source;
		s->opcode = path->opcode;
		s->nsid = path->nsid;
		s->slba = path->slba;
		s->len = path->len;
		break;
	case NVME_STEER_CALL_COPY:
		s->opcode = copy->ranges;
		s->nsid = copy->nsid;
		s->slba = copy->slba;
		s->len = copy->len;
		break;
	case NVME_STEER_CALL_COPIED:
		s->opcode = copied->ranges;
		s->nsid = copied->nsid;
		s->len = copied->len;
		break;
	default:
		s->slba = batch->queue;
		s->len = batch->ready;
	}
}

/**
 * nvme_steer_note_call - keep what a policy has decided
 * @t: of an operation
 * @arg: what it was given
 * @answer: its answer
 * @ns: how long it took, or 0: it has given the policy up
 *
 * Context: any, preemption disabled.
 */
void nvme_steer_note_call(struct nvme_steer_timed *t, const void *arg,
			  int answer, u64 ns)
{
	enum nvme_steer_call call = t - t->policy->timed;
	struct nvme_steer_sample s = {
		.at = jiffies,
		.ns = ns,
		.answer = answer,
	};
	unsigned long flags;

	nvme_steer_sample_arg(&s, call, arg);
	if (call != NVME_STEER_CALL_BATCH && call != NVME_STEER_CALL_COPIED) {
		s.pid = current->tgid;
		/* two words; to look for its end costs more than the call */
		memcpy(s.comm, current->comm, sizeof(s.comm));
		s.comm[sizeof(s.comm) - 1] = '\0';
	}
	spin_lock_irqsave(&t->lock, flags);
	t->sample[t->nr_samples++ % NVME_STEER_TIMED_CALLS] = s;
	spin_unlock_irqrestore(&t->lock, flags);
}

static const struct bpf_prog *
nvme_steer_untimed(const struct nvme_steer_timed *t)
{
	return t->prog ?: &t->meter;
}

/* How many calls pass until the next one is timed: every - 1 in the mean. */
static void nvme_steer_skip_some(struct nvme_steer_timed *t)
{
	u32 chance = next_pseudo_random32(READ_ONCE(t->chance));

	WRITE_ONCE(t->chance, chance);
	WRITE_ONCE(t->skip,
		   reciprocal_scale(chance, 2 * READ_ONCE(t->every) - 1));
}

/*
 * What is run while calls are timed, as the program that the meter seems to be.
 * Preemption is disabled. What bpf_prog_run() counts of it is the program's.
 */
static unsigned int nvme_steer_meter(const void *args,
				     const struct bpf_insn *insn)
{
	const void *meter = (void *)insn - offsetof(struct bpf_prog, insnsi);
	struct nvme_steer_timed *t = container_of(meter,
						  struct nvme_steer_timed,
						  meter);
	u32 skip = READ_ONCE(t->skip);
	int answer;
	u64 ns;

	if (skip) {
		WRITE_ONCE(t->skip, skip - 1);
		return nvme_steer_call_op(t, args);
	}
	if (atomic_read(&t->nr) >= NVME_STEER_TIMED_CALLS) {
		WRITE_ONCE(t->policy->run[t - t->policy->timed],
			   nvme_steer_untimed(t));
		return nvme_steer_call_op(t, args);
	}
	ns = ktime_get_ns();
	answer = nvme_steer_call_op(t, args);
	ns = ktime_get_ns() - ns;
	nvme_steer_note_call(t, *(void **)args, answer, ns ?: 1);
	nvme_steer_note_time(t, ns);
	/* one that seems too slow is to be found out soon */
	if (ns <= READ_ONCE(nvme_steer_op_budget) * NSEC_PER_USEC)
		nvme_steer_skip_some(t);
	return answer;
}

/* One in @every calls is to be timed, the next one at any rate. */
static void nvme_steer_time_every(struct nvme_steer_timed *t, u32 every)
{
	WRITE_ONCE(t->every, every);
	WRITE_ONCE(t->skip, 0);
}

/* Have one in @every of the next calls timed. */
static void nvme_steer_time_calls(struct nvme_steer_timed *t, u32 every)
{
	nvme_steer_time_every(t, every);
	atomic64_set(&t->best, U64_MAX);
	/* pairs with the increment: the shortest is of these calls */
	atomic_set_release(&t->nr, 0);
	WRITE_ONCE(t->policy->run[t - t->policy->timed], &t->meter);
}

/**
 * nvme_steer_watch_policy - prepare to watch a policy
 * @p: the policy, which is not published yet
 *
 * Its first calls, which fill caches, are not timed: the first look has calls
 * timed, the next one judges.
 */
void nvme_steer_watch_policy(struct nvme_steer_policy *p)
{
	const bool has[NVME_STEER_NR_CALLS] = {
		[NVME_STEER_CALL_ROUTE]		= p->route,
		[NVME_STEER_CALL_BATCH]		= p->batch,
		[NVME_STEER_CALL_COPY]		= p->copy,
		[NVME_STEER_CALL_COPIED]	= p->copied,
		[NVME_STEER_CALL_PATH]		= p->path,
	};
	struct nvme_steer_timed *t;

	for (t = p->timed; t < p->timed + NVME_STEER_NR_CALLS; t++) {
		t->policy = p;
		spin_lock_init(&t->lock);
		t->every = NVME_STEER_TIMED_EVERY;
		t->chance = get_random_u32();
		t->meter.bpf_func = nvme_steer_meter;
		t->meter.stats = t->prog ? t->prog->stats :
					   &nvme_steer_no_stats;
		atomic_set(&t->nr, NVME_STEER_TIMED_CALLS);
		t->looks = NVME_STEER_TIMED_LOOKS;
		if (has[t - p->timed])
			p->run[t - p->timed] = nvme_steer_untimed(t);
	}
}

/* The calls that were to be timed have been, if all were. */
static void nvme_steer_judge_calls(struct nvme_steer_policy *p,
				   enum nvme_steer_call call)
{
	unsigned int budget = READ_ONCE(nvme_steer_op_budget);
	struct nvme_steer_timed *t = &p->timed[call];
	char reason[sizeof(p->reason)];
	u64 best;

	if (!p->run[call])
		return;
	if (atomic_read_acquire(&t->nr) < NVME_STEER_TIMED_CALLS) {
		if (p->ctrl->watch.stuck)
			nvme_steer_time_every(t, 1);
		/* who was late to put it back may have done so just now */
		WRITE_ONCE(p->run[call], &t->meter);
		return;
	}
	best = atomic64_read(&t->best);
	WRITE_ONCE(t->last, best);
	if (best <= budget * NSEC_PER_USEC) {
		/* timing costs the few calls of a policy that has few */
		if (++t->looks > NVME_STEER_TIMED_LOOKS || p->ctrl->watch.stuck) {
			t->looks = 1;
			nvme_steer_time_calls(t, p->ctrl->watch.stuck ? 1 :
					      NVME_STEER_TIMED_EVERY);
		}
		return;
	}
	snprintf(reason, sizeof(reason),
		 "each of %u calls of %s() took %llu us or more; op_budget_us is %u",
		 NVME_STEER_TIMED_CALLS, nvme_steer_call_name(call),
		 div_u64(best, NSEC_PER_USEC), budget);
	nvme_steer_policy_end(p, NVME_STEER_EXIT_SLOW, 0, reason);
}

/* ------------------------------------------------------------------ queues */

/**
 * struct nvme_steer_sums - commands, of a queue or of several
 * @answered:	ended by the controller
 * @ended:	these, and cancelled ones
 * @inflight:	at the controller
 */
struct nvme_steer_sums {
	u64 answered;
	u64 ended;
	u64 inflight;
};

/* What a queue is found to be that gets nowhere. */
struct nvme_steer_stall {
	unsigned int number;
	u64 inflight;
	unsigned int ms;		/* none has ended for so long */
	bool answered;			/* elsewhere one has, meanwhile */
};

static unsigned long nvme_steer_look_period(const struct nvme_steer_policy *p)
{
	return clamp_t(unsigned long, p->timeout / 4, NVME_STEER_LOOK_MIN,
		       NVME_STEER_LOOK_MAX);
}

static void nvme_steer_sum_queue(const struct nvme_steer_queue *q,
				 struct nvme_steer_sums *s)
{
	/* ends before starts: in flight is never less than nothing */
	s->answered = READ_ONCE(q->completed) + READ_ONCE(q->failed);
	s->ended = s->answered + READ_ONCE(q->cancelled);
	smp_rmb();
	/* what waits for its share was not sent */
	s->inflight = q->shared ? READ_ONCE(q->shared->inflight) :
				  READ_ONCE(q->submitted) - s->ended;
}

/* Of the driver's own path, as far as it is counted. */
static void nvme_steer_sum_own(struct nvme_steer_ctrl *sc,
			       struct nvme_steer_sums *s)
{
	u64 submitted = 0;
	int cpu;

	memset(s, 0, sizeof(*s));
	for_each_possible_cpu(cpu) {
		struct nvme_steer_own *c = &per_cpu_ptr(sc->stats, cpu)->own;

		s->answered += READ_ONCE(c->completed) + READ_ONCE(c->failed);
		s->ended += READ_ONCE(c->cancelled);
	}
	s->ended += s->answered;
	smp_rmb();
	for_each_possible_cpu(cpu)
		submitted += READ_ONCE(per_cpu_ptr(sc->stats, cpu)->
				       own.submitted);
	s->inflight = submitted - s->ended;
}

static void nvme_steer_sum_all(struct nvme_steer_ctrl *sc,
			       struct nvme_steer_sums *all)
{
	struct nvme_steer_queue *q;
	struct nvme_steer_sums s;

	lockdep_assert_held(&sc->state_lock);

	nvme_steer_sum_own(sc, all);
	list_for_each_entry(q, &sc->queue_list, entry) {
		nvme_steer_sum_queue(q, &s);
		all->answered += s.answered;
		all->inflight += s.inflight;
	}
}

/* One look at each queue. */
static void nvme_steer_look(struct nvme_steer_ctrl *sc)
{
	/* nothing is to be had of one that activates firmware */
	bool live = nvme_ctrl_state(sc->nvme) == NVME_CTRL_LIVE;
	struct nvme_steer_sums all, s;
	struct nvme_steer_queue *q;

	sc->watch.stuck = false;
	mutex_lock(&sc->state_lock);
	nvme_steer_sum_all(sc, &all);
	list_for_each_entry(q, &sc->queue_list, entry) {
		struct nvme_steer_progress *g = &q->progress;

		nvme_steer_sum_queue(q, &s);
		if (g->busy && s.inflight && g->ended == s.ended &&
		    q->started && live) {
			g->looks++;
			sc->watch.stuck = true;
			continue;
		}
		g->looks = 0;
		g->busy = s.inflight;
		g->ended = s.ended;
		/* ended since, or in flight now: sent by now, all of them */
		g->others = all.answered - s.answered +
			    all.inflight - s.inflight;
	}
	mutex_unlock(&sc->state_lock);
}

/*
 * Has a command at the controller had its time? Of a block request that is
 * what timed out once.
 */
static bool nvme_steer_any_late(struct nvme_steer_queue *q)
{
	bool late = false;
	unsigned int i;

	spin_lock_irq(&q->cq_lock);
	for (i = 0; i < q->depth - 1 && !late; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];

		late = smp_load_acquire(&slot->state) ==
			       NVME_STEER_SLOT_INFLIGHT &&
		       (slot->aborted ||
			(slot->io.done != NVME_STEER_IO_REQUEST &&
			 time_after_eq(jiffies, READ_ONCE(slot->deadline))));
	}
	spin_unlock_irq(&q->cq_lock);
	return late;
}

/* Does @q get nowhere, and does what the others do not explain it? */
static bool nvme_steer_queue_stalls(struct nvme_steer_policy *p,
				    struct nvme_steer_queue *q,
				    struct nvme_steer_stall *stall)
{
	unsigned long period = nvme_steer_look_period(p);
	unsigned int found, enough = DIV_ROUND_UP(p->timeout, period);
	struct nvme_steer_ctrl *sc = q->ctrl;
	struct nvme_steer_sums all, s;
	bool held;

	lockdep_assert_held(&sc->state_lock);

	if (q->progress.looks < max(enough, 2U) || !q->started ||
	    rcu_access_pointer(sc->queues[q->number]) != q ||
	    !nvme_steer_any_late(q))
		return false;
	/* an interrupt that was lost, or a poller that does not poll */
	held = READ_ONCE(q->gather.held);
	found = nvme_steer_poll(q, NULL);
	for (; found && !held; found--)
		nvme_steer_count(sc, NVME_STEER_EV_LATE_REAP);

	nvme_steer_sum_all(sc, &all);
	nvme_steer_sum_queue(q, &s);
	if (s.ended != q->progress.ended || !s.inflight)
		return false;
	stall->number = q->number;
	stall->inflight = s.inflight;
	stall->ms = jiffies_to_msecs(q->progress.looks * period);
	stall->answered = all.answered - s.answered > q->progress.others;
	/* all others wait as well: it is the drive that is slow */
	return stall->answered || all.inflight == s.inflight;
}

/* A request of the driver's own that has been at the controller for long. */
struct nvme_steer_slow_req {
	unsigned long timeout;
	bool any;
};

static bool nvme_steer_is_slow(struct request *req, void *data)
{
	struct nvme_steer_slow_req *slow = data;

	if (nvme_req(req)->steer || blk_mq_rq_state(req) != MQ_RQ_IN_FLIGHT)
		return true;
	slow->any = time_after(jiffies, READ_ONCE(req->deadline) -
					req->timeout + slow->timeout);
	return !slow->any;
}

/* The queue that gets nowhere, if there is one that nothing else explains. */
static bool nvme_steer_find_stall(struct nvme_steer_ctrl *sc,
				  struct nvme_steer_policy *p,
				  struct nvme_steer_stall *stall)
{
	struct nvme_steer_slow_req slow = { .timeout = p->timeout };
	struct nvme_steer_queue *q;
	bool found = false;

	mutex_lock(&sc->state_lock);
	if (sc->ready)
		list_for_each_entry(q, &sc->queue_list, entry) {
			found = nvme_steer_queue_stalls(p, q, stall);
			if (found)
				break;
		}
	/* block requests, which are not counted */
	if (found && !stall->answered && sc->nvme->tagset)
		blk_mq_tagset_busy_iter(sc->nvme->tagset, nvme_steer_is_slow,
					&slow);
	mutex_unlock(&sc->state_lock);
	return found && !slow.any;
}

/*
 * Does the controller answer an admin command, which changes nothing? Nobody
 * waits for this but who ends the policy, and the driver ends the command.
 */
static bool nvme_steer_probe(struct nvme_steer_ctrl *sc)
{
	struct nvme_command c = { };
	unsigned long start = jiffies;
	int ret;

	c.features.opcode = nvme_admin_get_features;
	c.features.fid = cpu_to_le32(NVME_FEAT_NUM_QUEUES);
	ret = nvme_submit_sync_cmd(sc->nvme->admin_q, &c, NULL, 0);
	return !ret && time_before_eq(jiffies, start + NVME_STEER_PROBE_TIME);
}

static void nvme_steer_judge_queues(struct nvme_steer_ctrl *sc,
				    struct nvme_steer_policy *p)
{
	char reason[sizeof(p->reason)];
	struct nvme_steer_stall stall;

	if (!nvme_steer_find_stall(sc, p, &stall))
		return;
	if (!stall.answered && (!nvme_steer_probe(sc) ||
				!nvme_steer_find_stall(sc, p, &stall)))
		return;
	snprintf(reason, sizeof(reason),
		 "none of %llu commands of queue %u ended for %u ms; the controller answers %s",
		 stall.inflight, stall.number, stall.ms,
		 stall.answered ? "on other queues" : "admin commands");
	nvme_steer_policy_end(p, NVME_STEER_EXIT_STALL, 0, reason);
}

/* ------------------------------------------------------------ the watchdog */

/* The policy to watch, with a reference, or NULL: none, or it is ending. */
static struct nvme_steer_policy *
nvme_steer_watched(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_policy *p;

	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	if (p && (READ_ONCE(p->exit_kind) || !kref_get_unless_zero(&p->ref)))
		p = NULL;
	rcu_read_unlock();
	return p;
}

static void nvme_steer_watch_work(struct work_struct *work)
{
	struct nvme_steer_ctrl *sc = container_of(work, struct nvme_steer_ctrl,
						  watch.work.work);
	struct nvme_steer_policy *p = nvme_steer_watched(sc);
	enum nvme_steer_call call;

	if (!p)
		return;
	WRITE_ONCE(sc->watch.looks, sc->watch.looks + 1);
	for (call = 0; call < NVME_STEER_NR_CALLS; call++)
		nvme_steer_judge_calls(p, call);
	nvme_steer_look(sc);
	nvme_steer_judge_queues(sc, p);
	if (!READ_ONCE(p->exit_kind))
		queue_delayed_work(nvme_steer_wq, &sc->watch.work,
				   nvme_steer_look_period(p));
	nvme_steer_policy_put(p);
}

void nvme_steer_watch_init(struct nvme_steer_ctrl *sc)
{
	INIT_DELAYED_WORK(&sc->watch.work, nvme_steer_watch_work);
}

/**
 * nvme_steer_watch_start - begin to watch a policy
 * @sc: its controller; the policy is published, under policy_lock
 *
 * What was refused of another one is forgotten: it need not answer for it.
 */
void nvme_steer_watch_start(struct nvme_steer_ctrl *sc)
{
	lockdep_assert_held(&sc->policy_lock);

	spin_lock_irq(&sc->refusals.lock);
	sc->refusals.window = 0;
	sc->refusals.nr = 0;
	spin_unlock_irq(&sc->refusals.lock);

	/* away() stops it once gone is set */
	mutex_lock(&sc->state_lock);
	if (!sc->gone)
		queue_delayed_work(nvme_steer_wq, &sc->watch.work,
				   NVME_STEER_LOOK_MIN);
	mutex_unlock(&sc->state_lock);
}

/**
 * nvme_steer_watch_stop - watch no more
 * @sc: the controller, without a policy, or gone
 *
 * Waits for an admin command that may be under way.
 */
void nvme_steer_watch_stop(struct nvme_steer_ctrl *sc)
{
	cancel_delayed_work_sync(&sc->watch.work);
}

/* The attribute watchdog. */
int nvme_steer_print_watch(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	struct nvme_steer_policy *p;
	enum nvme_steer_call call;
	int len;

	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	len = scnprintf(buf, size, "looks=%lu period_ms=%u timeout_ms=%u",
			READ_ONCE(sc->watch.looks),
			p ? jiffies_to_msecs(nvme_steer_look_period(p)) : 0,
			p ? jiffies_to_msecs(p->timeout) : 0);
	for (call = 0; call < NVME_STEER_NR_CALLS; call++)
		len += scnprintf(buf + len, size - len, " %s_ns=%llu",
				 nvme_steer_call_name(call),
				 p ? READ_ONCE(p->timed[call].last) : 0);
	rcu_read_unlock();
	return len + scnprintf(buf + len, size - len, "\n");
}
