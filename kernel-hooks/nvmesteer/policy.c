// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a policy on a controller: attach, replacement without a gap, and
 * its end, for whatever reason, with a record that stays readable. How a
 * policy comes out of BPF is ops.c.
 */
#include <linux/bpf.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>

#include "block.h"
#include "hold.h"
#include "path.h"
#include "share.h"
#include "steer_trace.h"

/* Attached policies by link, for unreg and update; under the mutex. */
static DEFINE_MUTEX(nvme_steer_links_lock);
static LIST_HEAD(nvme_steer_links);

struct nvme_steer_link {
	struct list_head entry;
	struct bpf_link *link;
	struct nvme_steer_policy *policy;
};

static struct nvme_steer_link *nvme_steer_link_find(struct bpf_link *link)
{
	struct nvme_steer_link *l;

	lockdep_assert_held(&nvme_steer_links_lock);

	list_for_each_entry(l, &nvme_steer_links, entry)
		if (l->link == link)
			return l;
	return NULL;
}

const char *nvme_steer_exit_name(unsigned int kind)
{
	switch (kind) {
	case NVME_STEER_EXIT_NONE:
		return "none";
	case NVME_STEER_EXIT_UNLOAD:
		return "unload";
	case NVME_STEER_EXIT_REPLACED:
		return "replaced";
	case NVME_STEER_EXIT_OFF:
		return "off";
	case NVME_STEER_EXIT_GONE:
		return "gone";
	case NVME_STEER_EXIT_ERROR:
		return "error";
	case NVME_STEER_EXIT_ANSWERS:
		return "answers";
	case NVME_STEER_EXIT_STALL:
		return "stall";
	case NVME_STEER_EXIT_SLOW:
		return "slow";
	}
	return "unknown";
}

static void nvme_steer_policy_release(struct kref *ref)
{
	struct nvme_steer_policy *p =
		container_of(ref, struct nvme_steer_policy, ref);
	enum nvme_steer_call call;

	for (call = 0; call < NVME_STEER_NR_CALLS; call++)
		nvme_steer_prog_put(p->timed[call].prog);
	nvme_steer_share_drop(p);
	free_percpu(p->path_answers);
	nvme_steer_ctrl_put(p->ctrl);
	kfree_rcu(p, rcu);
}

void nvme_steer_policy_put(struct nvme_steer_policy *p)
{
	kref_put(&p->ref, nvme_steer_policy_release);
}

static int nvme_steer_policy_init(struct nvme_steer_policy *p,
				  struct nvme_steer_policy *replaced)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_dev_args args = {
		.policy = p,
		.replaced = replaced,
	};

	if (!p->init)
		return 0;
	mutex_lock(&sc->state_lock);
	args.dev.ctrl = sc->instance;
	args.dev.granted = sc->res.nr;
	args.dev.vectors = sc->res.nr_vecs;
	args.dev.max_depth = sc->res.q_depth;
	args.dev.node = sc->node;
	mutex_unlock(&sc->state_lock);
	return p->init(&args.dev);
}

/* Free the queues of @p, other than those that @heir takes over. */
static void nvme_steer_free_queues(struct nvme_steer_policy *p,
				   struct nvme_steer_policy *heir)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_queue *q;
	unsigned int n;

	mutex_lock(&sc->queue_lock);
	nvme_steer_for_each_queue(sc, q, n) {
		if (q->owner != p)
			continue;
		if (heir && q->heir == heir) {
			q->owner = heir;
			q->heir = NULL;
		} else {
			nvme_steer_queue_free(q);
		}
	}
	mutex_unlock(&sc->queue_lock);
}

/* An heir that was not to be. */
static void nvme_steer_disinherit(struct nvme_steer_policy *heir)
{
	struct nvme_steer_ctrl *sc = heir->ctrl;
	struct nvme_steer_queue *q;
	unsigned int n;

	mutex_lock(&sc->queue_lock);
	nvme_steer_for_each_queue(sc, q, n)
		if (q->heir == heir)
			q->heir = NULL;
	mutex_unlock(&sc->queue_lock);
}

/*
 * Forget what @p answered last, which nobody routes with any more: a policy to
 * come may be where it was in memory.
 */
static void nvme_steer_forget_answers(struct nvme_steer_policy *p)
{
	struct nvme_steer_answers *a;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		a = per_cpu_ptr(p->ctrl->answers, cpu);
		/* an heir may be writing its own there */
		cmpxchg(&a->last.policy, p, NULL);
		for (i = 0; i < ARRAY_SIZE(a->block); i++)
			cmpxchg(&a->block[i].policy, p, NULL);
		for (i = 0; i < ARRAY_SIZE(a->of_kind[0]); i++) {
			cmpxchg(&a->of_kind[0][i].last.policy, p, NULL);
			cmpxchg(&a->of_kind[1][i].last.policy, p, NULL);
		}
	}
}

/* Keep what a person will want to know about @p. */
static void nvme_steer_record_exit(struct nvme_steer_policy *p,
				   const struct nvme_steer_exit *info)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	char *dump = nvme_steer_dump(p, info);

	mutex_lock(&sc->record_lock);
	sc->last_exit = *info;
	strscpy(sc->last_policy, p->name);
	swap(sc->dump, dump);
	mutex_unlock(&sc->record_lock);
	kvfree(dump);
}

/*
 * End @p, which nobody routes with any more: tell it, record it, free its
 * queues. Claims the reason unless somebody has.
 */
static void nvme_steer_policy_finish(struct nvme_steer_policy *p,
				     struct nvme_steer_policy *heir,
				     unsigned int kind, const char *reason)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_exit info = { };

	lockdep_assert_held(&sc->policy_lock);

	if (!cmpxchg(&p->exit_kind, 0, kind))
		strscpy(p->reason, reason);
	info.kind = p->exit_kind;
	info.code = p->exit_code;
	strscpy(info.reason, p->reason);

	p->ended = true;
	p->link = NULL;
	nvme_steer_forget_answers(p);
	nvme_steer_record_exit(p, &info);
	WRITE_ONCE(sc->ending, false);
	trace_nvme_steer_exit(sc, p->name, &info);
	pr_info("nvme%d: policy '%s' ended: %s: %s\n", sc->instance, p->name,
		nvme_steer_exit_name(info.kind), info.reason);
	if (p->block) {
		/* a dispatcher may not be asked any more when it would ring */
		rcu_read_lock();
		nvme_steer_ring_owed(sc);
		rcu_read_unlock();
		static_branch_dec(&nvme_steer_block_key);
	}
	if (p->batch) {
		static_branch_dec(&nvme_steer_batch_key);
		nvme_steer_gather_end(sc);
	}
	if (p->path)
		static_branch_dec(&nvme_steer_path_key);
	if (p->exit)
		p->exit(&info);
	nvme_steer_free_queues(p, heir);
}

static void nvme_steer_eject_work(struct work_struct *work)
{
	struct nvme_steer_policy *p =
		container_of(work, struct nvme_steer_policy, eject_work);
	struct bpf_link *link;

	/*
	 * Under policy_lock a link that is set is not freed: unreg clears it
	 * first. Without the lock its detach() calls unreg.
	 */
	mutex_lock(&p->ctrl->policy_lock);
	link = p->link ? bpf_link_inc_not_zero(p->link) : NULL;
	mutex_unlock(&p->ctrl->policy_lock);

	if (!IS_ERR_OR_NULL(link)) {
		link->ops->detach(link);
		bpf_link_put(link);
	}
	nvme_steer_policy_put(p);
}

/* How it came to the end of @p, where a command has brought it about. */
static void nvme_steer_policy_trace(struct nvme_steer_policy *p)
{
#ifdef CONFIG_STACKTRACE
	p->nr_trace = stack_trace_save(p->trace, NVME_STEER_BACKTRACE, 0);
#endif
}

/**
 * nvme_steer_policy_end - begin the end of a policy
 * @p: the policy; under RCU or with a reference
 * @kind: NVME_STEER_EXIT_*
 * @code: for NVME_STEER_EXIT_ERROR
 * @reason: a sentence
 *
 * From here on it is not asked any more; the rest happens in a work item,
 * which detaches the link, so that whoever polls it learns of the end.
 *
 * Context: any.
 * Return: false when it was ending already.
 */
bool nvme_steer_policy_end(struct nvme_steer_policy *p, unsigned int kind,
			   int code, const char *reason)
{
	if (cmpxchg(&p->exit_kind, 0, kind))
		return false;
	cmpxchg(&p->ctrl->block_policy, RCU_INITIALIZER(p), NULL);

	p->exit_code = code;
	strscpy(p->reason, reason);
	if (kind == NVME_STEER_EXIT_ERROR || kind == NVME_STEER_EXIT_ANSWERS)
		nvme_steer_policy_trace(p);
	if (kind >= NVME_STEER_EXIT_ERROR)
		nvme_steer_count(p->ctrl, NVME_STEER_EV_EJECTED);
	if (kref_get_unless_zero(&p->ref) &&
	    !queue_work(nvme_steer_wq, &p->eject_work))
		nvme_steer_policy_put(p);
	return true;
}

/**
 * nvme_steer_policy_off - end the attached policy and wait for it
 * @sc: the controller
 *
 * Return: 0, or -ENOENT when none is attached.
 */
int nvme_steer_policy_off(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_policy *p;

	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	if (p && !kref_get_unless_zero(&p->ref))
		p = NULL;
	rcu_read_unlock();
	if (!p)
		return -ENOENT;

	nvme_steer_policy_end(p, NVME_STEER_EXIT_OFF, 0, "switched off");
	flush_work(&p->eject_work);
	nvme_steer_policy_put(p);
	return 0;
}

static void nvme_steer_policy_setup(struct nvme_steer_policy *p,
				    struct bpf_link *link)
{
	kref_init(&p->ref);
	INIT_WORK(&p->eject_work, nvme_steer_eject_work);
	p->link = link;
	nvme_steer_watch_policy(p);
}

/**
 * nvme_steer_policy_ready - say which policy is asked about block requests
 * @sc: the controller, whose policy or readiness has changed
 *
 * Context: under state_lock.
 */
void nvme_steer_policy_ready(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_policy *p;

	lockdep_assert_held(&sc->state_lock);

	rcu_read_lock();
	p = sc->ready ? rcu_dereference(sc->policy) : NULL;
	if (p && !p->block)
		p = NULL;
	rcu_assign_pointer(sc->block_policy, p);
	/* pairs with the cmpxchg of exit_kind: one of the two sees the other */
	smp_mb();
	if (p && READ_ONCE(p->exit_kind))
		RCU_INIT_POINTER(sc->block_policy, NULL);
	rcu_read_unlock();
}

/* Have the driver offer what @p, or nobody if that is NULL, is asked about. */
static void nvme_steer_policy_wants(struct nvme_steer_ctrl *sc,
				    const struct nvme_steer_policy *p)
{
	unsigned long *wants = &sc->nvme->steer_wants;

	lockdep_assert_held(&sc->policy_lock);
	mutex_lock(&sc->state_lock);
	if (!sc->gone) {
		assign_bit(NVME_STEER_WANTS_OWN, wants, p);
		assign_bit(NVME_STEER_WANTS_ALL, wants, p && !p->copies_only);
	}
	nvme_steer_policy_ready(sc);
	mutex_unlock(&sc->state_lock);
}

/* The attached policy is another one: what it has said of weights holds. */
static void nvme_steer_policy_weigh(struct nvme_steer_ctrl *sc)
{
	mutex_lock(&sc->queue_lock);
	nvme_steer_weigh(sc);
	mutex_unlock(&sc->queue_lock);
}

/**
 * nvme_steer_policy_attach - attach a policy to its controller
 * @p: filled by ops.c, with a reference on its controller; freed on error
 * @link: its link
 *
 * Return: 0; -EBUSY (one is attached), -ENODEV (the controller is going away),
 * or what init() returned.
 */
int nvme_steer_policy_attach(struct nvme_steer_policy *p, struct bpf_link *link)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_link *l;
	int ret = -ENOMEM;

	nvme_steer_policy_setup(p, link);
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		goto put;
	l->link = link;
	l->policy = p;

	mutex_lock(&sc->policy_lock);
	if (READ_ONCE(sc->gone))
		ret = -ENODEV;
	else if (rcu_access_pointer(sc->policy))
		ret = -EBUSY;
	else
		ret = nvme_steer_bufs_keep(sc) ?:
		      nvme_steer_policy_init(p, NULL);
	if (ret > 0)
		ret = -EINVAL;
	if (ret) {
		nvme_steer_free_queues(p, NULL);
		/* not those of a policy that is attached */
		if (!rcu_access_pointer(sc->policy))
			nvme_steer_bufs_leave(sc);
		mutex_unlock(&sc->policy_lock);
		kfree(l);
		goto put;
	}

	mutex_lock(&nvme_steer_links_lock);
	list_add(&l->entry, &nvme_steer_links);
	mutex_unlock(&nvme_steer_links_lock);

	static_branch_inc(&nvme_steer_key);
	if (p->batch)
		static_branch_inc(&nvme_steer_batch_key);
	if (p->block)
		static_branch_inc(&nvme_steer_block_key);
	if (p->path)
		static_branch_inc(&nvme_steer_path_key);
	nvme_steer_share_attached(sc, p);
	rcu_assign_pointer(sc->policy, p);
	nvme_steer_policy_wants(sc, p);
	if (p->path)
		nvme_steer_path_attach(p);
	nvme_steer_copy_attached(sc);
	nvme_steer_policy_weigh(sc);
	nvme_steer_watch_start(sc);
	mutex_unlock(&sc->policy_lock);

	/* the controller may have gone while init() ran */
	if (READ_ONCE(sc->gone))
		nvme_steer_policy_end(p, NVME_STEER_EXIT_GONE, 0,
				      "the controller went away");
	pr_info("nvme%d: policy '%s' attached; nvmesteer stays loaded while it is\n",
		sc->instance, p->name);
	return 0;
put:
	nvme_steer_policy_put(p);
	return ret;
}

/**
 * nvme_steer_policy_replace - put a policy in the place of another
 * @p: as for nvme_steer_policy_attach()
 * @link: the link of the policy to be replaced
 *
 * Each command is routed by the one or the other. On error the old one stays.
 *
 * Return: 0; -ENOLINK (the old one is ending), -EXDEV (another controller), or
 * what init() returned.
 */
int nvme_steer_policy_replace(struct nvme_steer_policy *p,
			      struct bpf_link *link)
{
	struct nvme_steer_ctrl *sc = p->ctrl;
	struct nvme_steer_policy *old;
	struct nvme_steer_link *l;
	int ret = 0;

	nvme_steer_policy_setup(p, link);
	mutex_lock(&sc->policy_lock);
	mutex_lock(&nvme_steer_links_lock);
	l = nvme_steer_link_find(link);
	old = l ? l->policy : NULL;
	if (!old)
		ret = -ENOLINK;
	else if (old->ctrl != sc)
		ret = -EXDEV;
	else if (READ_ONCE(old->exit_kind))
		ret = -ENOLINK;
	mutex_unlock(&nvme_steer_links_lock);
	if (!ret)
		ret = nvme_steer_policy_init(p, old);
	if (ret > 0)
		ret = -EINVAL;
	if (ret) {
		nvme_steer_disinherit(p);
		nvme_steer_free_queues(p, NULL);
		mutex_unlock(&sc->policy_lock);
		nvme_steer_policy_put(p);
		return ret;
	}

	mutex_lock(&nvme_steer_links_lock);
	l->policy = p;
	mutex_unlock(&nvme_steer_links_lock);
	if (p->batch)
		static_branch_inc(&nvme_steer_batch_key);
	if (p->block)
		static_branch_inc(&nvme_steer_block_key);
	if (p->path)
		static_branch_inc(&nvme_steer_path_key);
	nvme_steer_share_attached(sc, p);
	rcu_assign_pointer(sc->policy, p);
	nvme_steer_policy_wants(sc, p);
	nvme_steer_path_replace(old, p);
	nvme_steer_policy_weigh(sc);
	synchronize_rcu();
	nvme_steer_policy_finish(old, p, NVME_STEER_EXIT_REPLACED,
				 "another policy took over");
	/* the watchdog may have given up on the old one */
	nvme_steer_watch_start(sc);
	mutex_unlock(&sc->policy_lock);

	nvme_steer_policy_put(old);
	if (READ_ONCE(sc->gone))
		nvme_steer_policy_end(p, NVME_STEER_EXIT_GONE, 0,
				      "the controller went away");
	pr_info("nvme%d: policy '%s' attached in its place\n", sc->instance,
		p->name);
	return 0;
}

/**
 * nvme_steer_policy_detach - end the policy of a link
 * @link: detached or freed; its policy's programs live until this returns
 */
void nvme_steer_policy_detach(struct bpf_link *link)
{
	struct nvme_steer_policy *p = NULL;
	struct nvme_steer_ctrl *sc;
	struct nvme_steer_link *l;

	mutex_lock(&nvme_steer_links_lock);
	l = nvme_steer_link_find(link);
	if (l) {
		p = l->policy;
		list_del(&l->entry);
	}
	mutex_unlock(&nvme_steer_links_lock);
	if (!p)
		return;
	kfree(l);

	sc = p->ctrl;
	mutex_lock(&sc->policy_lock);
	WRITE_ONCE(sc->ending, true);
	nvme_steer_copy_detaching(sc);
	RCU_INIT_POINTER(sc->policy, NULL);
	nvme_steer_policy_wants(sc, NULL);
	nvme_steer_path_detach(p);
	synchronize_rcu();
	nvme_steer_bufs_leave(sc);
	nvme_steer_watch_stop(sc);
	if (READ_ONCE(p->exit_kind) == NVME_STEER_EXIT_STALL)
		nvme_steer_share_rescue(p);
	nvme_steer_share_attached(sc, NULL);
	nvme_steer_policy_weigh(sc);
	nvme_steer_policy_finish(p, NULL, NVME_STEER_EXIT_UNLOAD, "unloaded");
	mutex_unlock(&sc->policy_lock);

	static_branch_dec(&nvme_steer_key);
	nvme_steer_policy_put(p);
}
