// SPDX-License-Identifier: GPL-2.0
/*
 * Creating a steer queue, starting it again after a reset, and freeing it:
 * memory, interrupt, and the admin commands. What happens on a queue in
 * between is queue.c.
 */
#include <linux/dmapool.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "share.h"
#include "steer_trace.h"

/* Not taken in an interrupt, unlike the other queues'. */
static struct lock_class_key nvme_steer_polled_cq_lock;

static size_t nvme_steer_sq_size(struct nvme_steer_queue *q)
{
	return q->depth * sizeof(struct nvme_command);
}

/* The largest queue there can be, in entries. */
static unsigned int nvme_steer_most(const struct nvme_steer_ctrl *sc)
{
	return NVME_CAP_MQES(sc->nvme->cap) + 1;
}

static size_t nvme_steer_cq_size(struct nvme_steer_queue *q)
{
	return q->cq_depth * sizeof(struct nvme_completion);
}

/* Return a shell to nothing: the last slot was given back. */
void nvme_steer_queue_free_work(struct work_struct *work)
{
	struct nvme_steer_queue *q =
		container_of(work, struct nvme_steer_queue, free_work);

	/* the controller's object may go now, and the arbiter with it */
	nvme_steer_shared_free(q);
	nvme_steer_ctrl_put(q->ctrl);
	kvfree(q->slots);
	kvfree(q->free);
	kvfree(q->given);
	kfree(q);
	static_branch_dec(&nvme_steer_key);
	module_put(THIS_MODULE);
}

static void nvme_steer_free_memory(struct nvme_steer_queue *q)
{
	struct nvme_completion *cqes = q->cqes;

	spin_lock_irq(&q->cq_lock);
	q->cqes = NULL;		/* an application may still poll the shell */
	spin_unlock_irq(&q->cq_lock);

	if (cqes)
		dma_free_coherent(q->dev, nvme_steer_cq_size(q), cqes, q->cq_dma);
	if (q->sq_cmds)
		dma_free_coherent(q->dev, nvme_steer_sq_size(q), q->sq_cmds,
				  q->sq_dma);
	q->sq_cmds = NULL;
	dma_pool_destroy(q->small_pool);
	dma_pool_destroy(q->page_pool);
	q->small_pool = q->page_pool = NULL;
}

static int nvme_steer_alloc_memory(struct nvme_steer_queue *q)
{
	unsigned int i;

	q->sq_cmds = dma_alloc_coherent(q->dev, nvme_steer_sq_size(q),
					&q->sq_dma, GFP_KERNEL);
	q->cqes = dma_alloc_coherent(q->dev, nvme_steer_cq_size(q),
				     &q->cq_dma, GFP_KERNEL);
	q->small_pool = dma_pool_create("nvmesteer small", q->dev, 256, 256, 0);
	q->page_pool = dma_pool_create("nvmesteer page", q->dev,
				       NVME_CTRL_PAGE_SIZE, NVME_CTRL_PAGE_SIZE,
				       0);
	q->slots = kvcalloc(q->depth - 1, sizeof(*q->slots), GFP_KERNEL);
	q->free = kvcalloc(q->depth - 1, sizeof(*q->free), GFP_KERNEL);
	q->given_mask = roundup_pow_of_two(q->depth) - 1;
	q->given = kvcalloc(q->given_mask + 1, sizeof(*q->given), GFP_KERNEL);
	if (!q->sq_cmds || !q->cqes || !q->small_pool || !q->page_pool ||
	    !q->slots || !q->free || !q->given)
		return -ENOMEM;

	for (i = 0; i < q->depth - 1; i++) {
		q->slots[i].cid = i;
		q->slots[i].queue = q;
		q->slots[i].map.dir = DMA_NONE;
		q->free[i] = q->depth - 2 - i;
	}
	q->nr_free = q->depth - 1;
	return 0;
}

/* A queue without hardware; undone by nvme_steer_queue_drop(). */
static struct nvme_steer_queue *
nvme_steer_queue_alloc(struct nvme_steer_ctrl *sc, unsigned int number,
		       unsigned int mode, unsigned int depth)
{
	struct nvme_steer_queue *q;

	q = kzalloc_node(sizeof(*q), GFP_KERNEL, sc->node);
	if (!q)
		return ERR_PTR(-ENOMEM);

	kref_get(&sc->ref);
	__module_get(THIS_MODULE);
	static_branch_inc(&nvme_steer_key);
	q->ctrl = sc;
	q->dev = sc->nvme->dev;
	q->number = number;
	q->mode = mode;
	q->depth = depth;
	q->cq_depth = depth;
	/* with no interrupt to be cleared by it, room saves doorbell writes */
	if (mode == NVME_STEER_POLL)
		q->cq_depth = min(depth + depth / 4, nvme_steer_most(sc));
	q->vector = -1;
	q->refs = 1;
	q->polled_by = UINT_MAX;
	spin_lock_init(&q->sq_lock);
	spin_lock_init(&q->cq_lock);
	if (mode == NVME_STEER_POLL)
		lockdep_set_class(&q->cq_lock, &nvme_steer_polled_cq_lock);
	init_waitqueue_head(&q->drained);
	INIT_LIST_HEAD(&q->entry);
	nvme_steer_gather_init(q);
	INIT_DELAYED_WORK(&q->timer, nvme_steer_timeout_work);
	INIT_WORK(&q->abort_work, nvme_steer_abort_work);
	INIT_WORK(&q->free_work, nvme_steer_queue_free_work);

	if (nvme_steer_alloc_memory(q)) {
		nvme_steer_free_memory(q);
		nvme_steer_queue_drop(q);
		return ERR_PTR(-ENOMEM);
	}
	return q;
}

/* Indices, doorbells and memory as the controller expects a new queue. */
static void nvme_steer_queue_reset(struct nvme_steer_queue *q,
				   const struct nvme_steer_queues *res)
{
	unsigned int db = q->qid * 2 * res->db_stride;

	spin_lock(&q->sq_lock);
	q->sq_tail = 0;
	q->sq_rung = 0;
	q->sq_db = &res->dbs[db];
	q->dbbuf_sq_db = NULL;
	if (res->dbbuf_dbs) {
		q->dbbuf_sq_db = &res->dbbuf_dbs[db];
		q->dbbuf_sq_ei = &res->dbbuf_eis[db];
		*q->dbbuf_sq_db = *q->dbbuf_sq_ei = 0;
	}
	spin_unlock(&q->sq_lock);

	db += res->db_stride;
	spin_lock_irq(&q->cq_lock);
	memset(q->cqes, 0, nvme_steer_cq_size(q));
	q->cq_head = 0;
	q->cq_owed = 0;
	q->cq_room = q->cq_depth - q->depth;
	q->cq_phase = 1;
	q->cq_db = &res->dbs[db];
	q->dbbuf_cq_db = NULL;
	if (res->dbbuf_dbs) {
		q->dbbuf_cq_db = &res->dbbuf_dbs[db];
		q->dbbuf_cq_ei = &res->dbbuf_eis[db];
		*q->dbbuf_cq_db = *q->dbbuf_cq_ei = 0;
	}
	spin_unlock_irq(&q->cq_lock);
}

static int nvme_steer_create_cq(struct nvme_steer_queue *q, unsigned int vector)
{
	struct nvme_command c = { };
	u16 flags = NVME_QUEUE_PHYS_CONTIG;

	if (q->mode == NVME_STEER_IRQ)
		flags |= NVME_CQ_IRQ_ENABLED;
	c.create_cq.opcode = nvme_admin_create_cq;
	c.create_cq.prp1 = cpu_to_le64(q->cq_dma);
	c.create_cq.cqid = cpu_to_le16(q->qid);
	c.create_cq.qsize = cpu_to_le16(q->cq_depth - 1);
	c.create_cq.cq_flags = cpu_to_le16(flags);
	c.create_cq.irq_vector = cpu_to_le16(vector);
	return nvme_submit_sync_cmd(q->ctrl->nvme->admin_q, &c, NULL, 0);
}

static int nvme_steer_create_sq(struct nvme_steer_queue *q)
{
	struct nvme_ctrl *nvme = q->ctrl->nvme;
	struct nvme_command c = { };
	u16 flags = NVME_QUEUE_PHYS_CONTIG | nvme_steer_sq_prio(q);

	c.create_sq.opcode = nvme_admin_create_sq;
	c.create_sq.prp1 = cpu_to_le64(q->sq_dma);
	c.create_sq.sqid = cpu_to_le16(q->qid);
	c.create_sq.qsize = cpu_to_le16(q->depth - 1);
	c.create_sq.sq_flags = cpu_to_le16(flags);
	c.create_sq.cqid = cpu_to_le16(q->qid);
	return nvme_submit_sync_cmd(nvme->admin_q, &c, NULL, 0);
}

static int nvme_steer_delete(struct nvme_steer_queue *q, u8 opcode)
{
	struct nvme_command c = { };

	c.delete_queue.opcode = opcode;
	c.delete_queue.qid = cpu_to_le16(q->qid);
	return nvme_submit_sync_cmd(q->ctrl->nvme->admin_q, &c, NULL, 0);
}

/*
 * Make the controller forget the queue. False when it refused, and so may
 * still write to the queue's memory: a negative result means the controller is
 * down or was taken down for it, and has forgotten all; an invalid identifier
 * that it never knew this one. A completion queue that a submission queue
 * names cannot be deleted.
 */
static bool nvme_steer_delete_queue(struct nvme_steer_queue *q)
{
	int ret = nvme_steer_delete(q, nvme_admin_delete_sq);

	if (!ret || (ret & NVME_SCT_SC_MASK) == NVME_SC_QID_INVALID)
		ret = nvme_steer_delete(q, nvme_admin_delete_cq);
	return ret <= 0 || (ret & NVME_SCT_SC_MASK) == NVME_SC_QID_INVALID;
}

static int nvme_steer_request_irq(struct nvme_steer_queue *q)
{
	struct nvme_steer_ctrl *sc = q->ctrl;
	struct pci_dev *pdev = to_pci_dev(q->dev);
	unsigned int vector = sc->res.first_vec + q->vector;
	int ret;

	lockdep_assert_held(&sc->state_lock);

	if (q->mode != NVME_STEER_IRQ)
		return 0;
	ret = pci_request_irq(pdev, vector, nvme_steer_irq, NULL, q,
			      "nvme%dsteer%u", sc->instance, q->number);
	if (ret)
		return ret;
	q->irq = pci_irq_vector(pdev, vector);
	nvme_steer_gather_open(q);
	return 0;
}

void nvme_steer_queue_free_irq(struct nvme_steer_queue *q)
{
	lockdep_assert_held(&q->ctrl->state_lock);

	if (!q->irq)
		return;
	nvme_steer_gather_close(q);
	pci_free_irq(to_pci_dev(q->dev), q->ctrl->res.first_vec + q->vector, q);
	q->irq = 0;
}

/* Lowest reserved vector that no queue has; -ENOSPC when there is none. */
static int nvme_steer_find_vector(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_queue *q;
	int vector;

	lockdep_assert_held(&sc->state_lock);

	for (vector = 0; vector < sc->res.nr_vecs; vector++) {
		bool taken = false;

		list_for_each_entry(q, &sc->queue_list, entry)
			taken |= q->vector == vector;
		if (!taken)
			return vector;
	}
	return -ENOSPC;
}

/**
 * nvme_steer_queue_start - make the controller know a queue
 * @q: not live, nothing in flight
 *
 * Context: process, under ctrl->queue_lock.
 * Return: 0; -ENODEV (controller not up, or it went down meanwhile), -ERANGE
 * (beyond what is reserved now), -EIO (it refused), or of the interrupt.
 */
int nvme_steer_queue_start(struct nvme_steer_queue *q)
{
	struct nvme_steer_ctrl *sc = q->ctrl;
	struct nvme_steer_queues res;
	unsigned int generation;
	bool up;
	int ret;

	lockdep_assert_held(&sc->queue_lock);

	mutex_lock(&sc->state_lock);
	res = sc->res;
	generation = sc->generation;
	if (!sc->up)
		ret = -ENODEV;
	else if (q->number > res.nr || q->vector >= (int)res.nr_vecs ||
		 q->depth > res.q_depth ||
		 q->cq_depth > nvme_steer_most(sc))
		ret = -ERANGE;
	else
		ret = 0;
	if (!ret) {
		q->qid = res.first_qid + q->number - 1;
		q->complete_batch = res.complete_batch;
		nvme_steer_queue_reset(q, &res);
	}
	mutex_unlock(&sc->state_lock);
	if (ret)
		return ret;

	ret = nvme_steer_create_cq(q, q->vector < 0 ? 0 :
				   res.first_vec + q->vector);
	if (ret)
		goto failed;
	ret = nvme_steer_create_sq(q);
	if (ret > 0)
		nvme_steer_delete(q, nvme_admin_delete_cq);
	if (ret)
		goto failed;

	mutex_lock(&sc->state_lock);
	/* a controller that went down has forgotten all its queues */
	up = sc->up && sc->generation == generation;
	ret = up ? nvme_steer_request_irq(q) : -ENODEV;
	if (!ret) {
		q->started = true;
		spin_lock(&q->sq_lock);
		q->live = !q->shared;
		spin_unlock(&q->sq_lock);
		nvme_steer_shared_live(q, true);
	}
	mutex_unlock(&sc->state_lock);
	if (ret && up)
		nvme_steer_delete_queue(q);
failed:
	return ret > 0 ? -EIO : ret;
}

static bool nvme_steer_queue_fits(struct nvme_steer_queue *q,
				  unsigned int mode, unsigned int prio,
				  unsigned int depth, unsigned int share)
{
	return q->mode == mode && q->depth == depth &&
	       nvme_steer_same_prio(q, prio) &&
	       (q->shared ? q->shared->share : 0) == share;
}

/* The number to use: @number if it is free, or the lowest free one for 0. */
static int nvme_steer_find_number(struct nvme_steer_ctrl *sc,
				  unsigned int number)
{
	unsigned int n;

	if (number > sc->res.nr)
		return -ERANGE;
	if (number)
		return number;
	for (n = 1; n <= sc->res.nr; n++)
		if (!rcu_access_pointer(sc->queues[n]))
			return n;
	return -ENOSPC;
}

/* Publish @q by a number, or nothing. */
static void nvme_steer_queue_set(struct nvme_steer_ctrl *sc,
				 unsigned int number,
				 struct nvme_steer_queue *q)
{
	unsigned int last = max(sc->last_queue, number);

	lockdep_assert_held(&sc->queue_lock);

	rcu_assign_pointer(sc->queues[number], q);
	while (last && !rcu_access_pointer(sc->queues[last]))
		last--;
	WRITE_ONCE(sc->last_queue, last);
}

/**
 * nvme_steer_queue_create - create a queue, or take over one that fits
 * @sc: the controller
 * @number: 1 and up, or 0 for the lowest free one
 * @mode: NVME_STEER_POLL or NVME_STEER_IRQ, and NVME_STEER_PRIO_*
 * @depth: entries, or 0 for as many as there can be
 * @share: the share it belongs to, 0 for none; the controller has an arbiter
 * @owner: the policy it is for, NULL when made by hand
 *
 * Context: process, under sc->queue_lock.
 * Return: the queue, or an ERR_PTR as bpf_nvme_steer_create_queue() documents.
 */
struct nvme_steer_queue *nvme_steer_queue_create(struct nvme_steer_ctrl *sc,
		unsigned int number, unsigned int mode, unsigned int depth,
		unsigned int share, struct nvme_steer_policy *owner)
{
	unsigned int prio = mode >> NVME_STEER_PRIO_SHIFT ?:
			    NVME_STEER_CLASS_MEDIUM;
	struct nvme_steer_queue *q;
	int ret;

	lockdep_assert_held(&sc->queue_lock);

	mode &= (1U << NVME_STEER_PRIO_SHIFT) - 1;
	if (!READ_ONCE(sc->up))
		return ERR_PTR(-ENODEV);
	if (!depth)
		depth = sc->res.q_depth;
	if ((mode != NVME_STEER_POLL && mode != NVME_STEER_IRQ) || depth < 2 ||
	    depth > sc->res.q_depth ||
	    prio > NVME_STEER_CLASS_LOW)
		return ERR_PTR(-EINVAL);
	ret = nvme_steer_find_number(sc, number);
	if (ret < 0)
		return ERR_PTR(ret);
	number = ret;

	q = rcu_dereference_protected(sc->queues[number],
				      lockdep_is_held(&sc->queue_lock));
	if (q) {
		if (!owner || q->lost ||
		    !nvme_steer_queue_fits(q, mode, prio, depth, share))
			return ERR_PTR(-EEXIST);
		if (q->owner && q->owner != owner)
			q->heir = owner;
		return q;
	}

	q = nvme_steer_queue_alloc(sc, number, mode, depth);
	if (IS_ERR(q))
		return q;
	q->prio = prio;
	q->owner = owner;
	if (share && nvme_steer_shared_alloc(q, share)) {
		nvme_steer_free_memory(q);
		nvme_steer_queue_drop(q);
		return ERR_PTR(-ENOMEM);
	}

	mutex_lock(&sc->state_lock);
	ret = mode == NVME_STEER_IRQ ? nvme_steer_find_vector(sc) : -1;
	if (ret != -ENOSPC) {
		q->vector = ret;
		list_add_tail(&q->entry, &sc->queue_list);
	}
	mutex_unlock(&sc->state_lock);
	if (ret != -ENOSPC)
		ret = nvme_steer_queue_start(q);
	if (ret) {
		nvme_steer_queue_free(q);
		return ERR_PTR(ret);
	}

	nvme_steer_queue_set(sc, number, q);
	trace_nvme_steer_queue(q, "create");
	return q;
}

static bool nvme_steer_queue_idle(struct nvme_steer_queue *q)
{
	return !nvme_steer_queue_inflight(q) && !READ_ONCE(q->nr_reserved);
}

/*
 * The queue is stopped: wait for what is at the controller, and for callers
 * who map a buffer for it, which they will find they cannot submit.
 */
static void nvme_steer_queue_drain(struct nvme_steer_queue *q)
{
	while (!nvme_steer_queue_idle(q)) {
		nvme_steer_poll(q, NULL);
		wait_event_timeout(q->drained, nvme_steer_queue_idle(q),
				   HZ / 50);
	}
}

/**
 * nvme_steer_queue_abandon - give up the hardware of a queue
 * @q: the controller does not know it any more and nothing is in flight; not
 *	published
 *
 * Context: process, under ctrl->queue_lock. @q may be gone afterwards.
 */
void nvme_steer_queue_abandon(struct nvme_steer_queue *q)
{
	lockdep_assert_held(&q->ctrl->queue_lock);

	cancel_delayed_work_sync(&q->timer);
	cancel_work_sync(&q->abort_work);
	nvme_steer_free_memory(q);
	nvme_steer_queue_drop(q);
}

/**
 * nvme_steer_queue_free - free a queue, waiting for the commands on it
 * @q: the queue
 *
 * A command that the controller never answers is ended by the timeout, so this
 * ends.
 *
 * Context: process, under ctrl->queue_lock.
 */
void nvme_steer_queue_free(struct nvme_steer_queue *q)
{
	struct nvme_steer_ctrl *sc = q->ctrl;
	bool deleted = true;

	lockdep_assert_held(&sc->queue_lock);

	if (rcu_access_pointer(sc->queues[q->number]) == q) {
		nvme_steer_queue_set(sc, q->number, NULL);
		synchronize_rcu();
		trace_nvme_steer_queue(q, "free");
	}
	nvme_steer_shared_close(q);
	nvme_steer_queue_stop(q);
	nvme_steer_queue_drain(q);

	if (READ_ONCE(sc->up) && q->started)
		deleted = nvme_steer_delete_queue(q);

	mutex_lock(&sc->state_lock);
	nvme_steer_queue_free_irq(q);
	if (!deleted)
		q->refused = true;
	else if (!list_empty(&q->entry))
		list_del_init(&q->entry);
	mutex_unlock(&sc->state_lock);

	if (!deleted) {
		/* Its memory is the controller's, and the queue stays for that. */
		pr_err("nvme%d: the controller refuses to delete steer queue %u (qid %u); reset the controller to get its memory back\n",
		       sc->instance, q->number, q->qid);
		cancel_delayed_work_sync(&q->timer);
		cancel_work_sync(&q->abort_work);
		q->owner = q->heir = NULL;
		return;
	}
	nvme_steer_queue_abandon(q);
}

/**
 * nvme_steer_queues_forgotten - free the queues it refused to delete
 * @sc: the controller, which was reset since
 *
 * Context: process, under ctrl->queue_lock.
 */
void nvme_steer_queues_forgotten(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_queue *q, *next;
	LIST_HEAD(queues);

	lockdep_assert_held(&sc->queue_lock);

	mutex_lock(&sc->state_lock);
	list_for_each_entry_safe(q, next, &sc->queue_list, entry)
		if (q->refused)
			list_move(&q->entry, &queues);
	mutex_unlock(&sc->state_lock);
	list_for_each_entry_safe(q, next, &queues, entry) {
		list_del_init(&q->entry);
		nvme_steer_queue_abandon(q);
	}
}
