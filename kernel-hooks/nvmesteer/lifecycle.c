// SPDX-License-Identifier: GPL-2.0
/*
 * Controllers coming, going down, coming back and going away: the object that
 * stands for one, and its queues across all that. What the hooks promise is in
 * the driver's steer.h.
 */
#include <linux/slab.h>

#include "block.h"
#include "hold.h"
#include "passthru.h"
#include "path.h"
#include "share.h"

static LIST_HEAD(nvme_steer_ctrls);
static DEFINE_MUTEX(nvme_steer_ctrls_lock);

static void nvme_steer_ctrl_release(struct kref *ref)
{
	struct nvme_steer_ctrl *sc =
		container_of(ref, struct nvme_steer_ctrl, ref);

	nvme_steer_copy_exit(sc);
	nvme_steer_share_exit(sc);
	free_percpu(sc->answers);
	free_percpu(sc->stats);
	kvfree(sc->dump);
	kfree_rcu(sc, rcu);
}

void nvme_steer_ctrl_put(struct nvme_steer_ctrl *sc)
{
	kref_put(&sc->ref, nvme_steer_ctrl_release);
}

/* The object of a controller, with a reference, or NULL. */
struct nvme_steer_ctrl *nvme_steer_ctrl_get(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc;

	rcu_read_lock();
	sc = rcu_dereference(ctrl->steer);
	if (sc && !kref_get_unless_zero(&sc->ref))
		sc = NULL;
	rcu_read_unlock();
	return sc;
}

/* The object of /dev/nvme@instance, with a reference, or NULL. */
struct nvme_steer_ctrl *nvme_steer_ctrl_find(int instance)
{
	struct nvme_steer_ctrl *sc, *found = NULL;

	mutex_lock(&nvme_steer_ctrls_lock);
	list_for_each_entry(sc, &nvme_steer_ctrls, entry) {
		if (sc->instance == instance) {
			kref_get(&sc->ref);
			found = sc;
			break;
		}
	}
	mutex_unlock(&nvme_steer_ctrls_lock);
	return found;
}

/* Do something to every controller there is. Returns whether one said so. */
bool nvme_steer_each_ctrl(bool (*what)(struct nvme_steer_ctrl *sc))
{
	struct nvme_steer_ctrl *sc;
	bool any = false;

	mutex_lock(&nvme_steer_ctrls_lock);
	list_for_each_entry(sc, &nvme_steer_ctrls, entry)
		any |= what(sc);
	mutex_unlock(&nvme_steer_ctrls_lock);
	return any;
}

static struct nvme_steer_ctrl *nvme_steer_ctrl_alloc(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc;

	sc = kzalloc_node(sizeof(*sc), GFP_KERNEL, ctrl->numa_node);
	if (!sc)
		return NULL;
	sc->stats = alloc_percpu(struct nvme_steer_stats);
	sc->answers = alloc_percpu(struct nvme_steer_answers);
	sc->nvme = ctrl;
	if (!sc->stats || !sc->answers || nvme_steer_keep_init(sc)) {
		free_percpu(sc->answers);
		free_percpu(sc->stats);
		kfree(sc);
		return NULL;
	}
	sc->instance = ctrl->instance;
	sc->node = ctrl->numa_node;
	kref_init(&sc->ref);
	mutex_init(&sc->policy_lock);
	mutex_init(&sc->record_lock);
	mutex_init(&sc->queue_lock);
	mutex_init(&sc->state_lock);
	spin_lock_init(&sc->refusals.lock);
	nvme_steer_watch_init(sc);
	nvme_steer_copy_init(sc);
	init_waitqueue_head(&sc->ready_wait);
	INIT_LIST_HEAD(&sc->queue_list);
	return sc;
}

/* First sight of a controller. The reference is nvme_ctrl.steer's. */
static struct nvme_steer_ctrl *nvme_steer_ctrl_add(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_alloc(ctrl);

	if (!sc) {
		dev_err(ctrl->device, "no memory for steering\n");
		return NULL;
	}

	/* readers of the attributes find it through nvme_ctrl.steer */
	WRITE_ONCE(ctrl->steer_mapped, &sc->keep.own);
	rcu_assign_pointer(ctrl->steer, sc);
	WRITE_ONCE(ctrl->steer_own, &sc->stats->own);
	WRITE_ONCE(ctrl->steer_sample, &sc->load.sample);
	mutex_lock(&nvme_steer_ctrls_lock);
	list_add_tail(&sc->entry, &nvme_steer_ctrls);
	mutex_unlock(&nvme_steer_ctrls_lock);

	if (sysfs_create_group(&ctrl->device->kobj, &nvme_steer_sysfs_group))
		dev_warn(ctrl->device, "no steer attributes in sysfs\n");
	kref_get(&sc->ref);
	return sc;
}

/* Start the queues again after a reset. */
static void nvme_steer_restart_queues(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_queue *q;
	unsigned int n;
	bool lost;
	int ret;

	lockdep_assert_held(&sc->queue_lock);

	nvme_steer_for_each_queue(sc, q, n) {
		ret = nvme_steer_queue_start(q);
		lost = ret && ret != -ENODEV;
		/* counted by the time that the attributes tell of it */
		if (lost)
			nvme_steer_count(sc, NVME_STEER_EV_QUEUE_LOST);
		WRITE_ONCE(q->lost, lost);
		if (lost)
			dev_warn(sc->nvme->device,
				 "steer queue %u is lost after the reset (%d); remove it, or raise nvme.steer_queues and reset again\n",
				 n, ret);
	}
}

static void nvme_steer_up(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_get(ctrl);

	if (!sc)
		sc = nvme_steer_ctrl_add(ctrl);
	if (!sc)
		return;

	mutex_lock(&sc->queue_lock);
	mutex_lock(&sc->state_lock);
	/*
	 * The driver leaves the live state before it calls down(), and sc could
	 * be found before the state is read here: if it is live now, a down()
	 * still to come finds sc.
	 */
	if (!sc->up && !sc->gone && nvme_ctrl_state(ctrl) == NVME_CTRL_LIVE) {
		sc->res = ctrl->steer_queues;
		sc->generation++;
		WRITE_ONCE(sc->up, true);
	}
	mutex_unlock(&sc->state_lock);
	nvme_steer_queues_forgotten(sc);
	nvme_steer_weights_lost(sc);
	nvme_steer_restart_queues(sc);
	nvme_steer_weigh(sc);
	mutex_lock(&sc->state_lock);
	WRITE_ONCE(sc->ready, sc->up);
	nvme_steer_policy_ready(sc);
	mutex_unlock(&sc->state_lock);
	mutex_unlock(&sc->queue_lock);

	wake_up_all(&sc->ready_wait);
	nvme_steer_ctrl_put(sc);
}

static void nvme_steer_down(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_get(ctrl);
	struct nvme_steer_queue *q;

	if (!sc)
		return;
	mutex_lock(&sc->state_lock);
	WRITE_ONCE(sc->up, false);
	WRITE_ONCE(sc->ready, false);
	nvme_steer_policy_ready(sc);
	list_for_each_entry(q, &sc->queue_list, entry) {
		nvme_steer_queue_stop(q);
		nvme_steer_shared_live(q, false);
		nvme_steer_queue_free_irq(q);
		nvme_steer_queue_mute(q);
		q->started = false;
	}
	mutex_unlock(&sc->state_lock);
	nvme_steer_ctrl_put(sc);
}

static void nvme_steer_cancel(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_get(ctrl);
	struct nvme_steer_queue *q;

	if (!sc)
		return;
	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry)
		nvme_steer_queue_cancel(q);
	mutex_unlock(&sc->state_lock);
	nvme_steer_ctrl_put(sc);
}

/* The hardware of all queues is gone already: give up what belongs to it. */
static void nvme_steer_abandon_queues(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_queue *q, *next;
	LIST_HEAD(queues);
	unsigned int n;

	mutex_lock(&sc->queue_lock);
	for (n = 1; n <= NVME_STEER_MAX_QUEUES; n++)
		RCU_INIT_POINTER(sc->queues[n], NULL);
	WRITE_ONCE(sc->last_queue, 0);
	synchronize_rcu();

	mutex_lock(&sc->state_lock);
	list_splice_init(&sc->queue_list, &queues);
	mutex_unlock(&sc->state_lock);

	list_for_each_entry_safe(q, next, &queues, entry) {
		list_del_init(&q->entry);
		nvme_steer_queue_abandon(q);
	}
	nvme_steer_keep_exit(sc);
	mutex_unlock(&sc->queue_lock);
	nvme_steer_copy_away(sc);
}

static void nvme_steer_away(struct nvme_ctrl *ctrl)
{
	struct nvme_steer_ctrl *sc = nvme_steer_ctrl_get(ctrl);
	struct nvme_steer_policy *p;

	if (!sc)
		return;

	mutex_lock(&nvme_steer_ctrls_lock);
	list_del_init(&sc->entry);
	mutex_unlock(&nvme_steer_ctrls_lock);

	mutex_lock(&sc->state_lock);
	WRITE_ONCE(sc->up, false);
	WRITE_ONCE(sc->ready, false);
	nvme_steer_policy_ready(sc);
	WRITE_ONCE(sc->gone, true);
	WRITE_ONCE(ctrl->steer_wants, 0);
	mutex_unlock(&sc->state_lock);
	wake_up_all(&sc->ready_wait);

	sysfs_remove_group(&ctrl->device->kobj, &nvme_steer_sysfs_group);
	WRITE_ONCE(ctrl->steer_own, NULL);
	WRITE_ONCE(ctrl->steer_sample, NULL);
	RCU_INIT_POINTER(ctrl->steer, NULL);
	synchronize_rcu();	/* counters are added to, the sample is read */

	nvme_steer_watch_stop(sc);
	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	if (p)
		nvme_steer_policy_end(p, NVME_STEER_EXIT_GONE, 0,
				      "the controller went away");
	rcu_read_unlock();

	nvme_steer_path_away(sc);
	nvme_steer_abandon_queues(sc);
	nvme_steer_ctrl_put(sc);	/* ours */
	nvme_steer_ctrl_put(sc);	/* nvme_ctrl.steer's */
}

const struct nvme_steer_hooks nvmesteer_hooks = {
	.uring_cmd	= nvme_steer_uring_cmd_hook,
	.map		= nvme_steer_map_hook,
	.iopoll		= nvme_steer_iopoll_hook,
	.ioctl		= nvme_steer_ioctl_hook,
	.rq		= nvme_steer_rq_hook,
	.rqs		= nvme_steer_rqs_hook,
	.commit		= nvme_steer_commit_hook,
	.poll		= nvme_steer_poll_hook,
	.timeout	= nvme_steer_timeout_hook,
	.path_bio	= nvme_steer_path_bio_hook,
	.path_uring	= nvme_steer_path_uring_hook,
	.path_ioctl	= nvme_steer_path_ioctl_hook,
	.path_start	= nvme_steer_path_start_hook,
	.path_end	= nvme_steer_path_end_hook,
	.up		= nvme_steer_up,
	.down		= nvme_steer_down,
	.cancel		= nvme_steer_cancel,
	.away		= nvme_steer_away,
};
