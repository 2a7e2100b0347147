// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups: one uring_cmd that carries an array of commands to one steer
 * queue; the contract with applications is <nvmesteer/group.h>. Slots and
 * doorbells are queue.c's, mappings keep.c's and dma.c's.
 *
 * Array and data are inside one registered buffer, whose pages io_uring keeps
 * as long as the uring_cmd lives. The array is read through their kernel
 * mapping, once and before anything is checked, and status and result are
 * written the same way, in whatever context a command ends.
 *
 * A group is carried out in rounds of as many commands as it got slots. A
 * round ends when all its commands have ended; who finds that, under cq_lock,
 * is the only one to know the group, and leaves it to its ring's poller or to
 * its task: they send the next round, or tell io_uring.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "group_run.h"

/*
 * Groups up to this size come from a cache of their own. It has a constructor,
 * so that kernels built to clear what is allocated (CONFIG_INIT_ON_ALLOC) do
 * not clear what is written in full.
 */
#define NVME_STEER_SMALL_GROUP	64

static struct kmem_cache *nvme_steer_small_runs;

/*
 * One that has ended is left here for the next group on the CPU, whichever
 * ring's and controller's that is. Exchanged by one instruction, in task
 * context; what is left is freed with the module.
 */
static DEFINE_PER_CPU(struct nvme_steer_run *, nvme_steer_spare_run);

static void nvme_steer_run_construct(void *run)
{
}

int nvme_steer_group_init(void)
{
	nvme_steer_small_runs = kmem_cache_create("nvme_steer_group",
			struct_size_t(struct nvme_steer_run, members,
				      NVME_STEER_SMALL_GROUP),
			0, 0, nvme_steer_run_construct);
	return nvme_steer_small_runs ? 0 : -ENOMEM;
}

void nvme_steer_group_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu(nvme_steer_spare_run, cpu))
			kmem_cache_free(nvme_steer_small_runs,
					per_cpu(nvme_steer_spare_run, cpu));
	kmem_cache_destroy(nvme_steer_small_runs);
}

static void nvme_steer_run_free(struct nvme_steer_run *run)
{
	if (unlikely(run->holds_rq))
		blk_put_queue(run->rq);
	if (unlikely(run->nr > NVME_STEER_SMALL_GROUP)) {
		kvfree(run);
		return;
	}
	run = this_cpu_xchg(nvme_steer_spare_run, run);
	if (unlikely(run))
		kmem_cache_free(nvme_steer_small_runs, run);
}

/* Tell the application of a command that did not reach the controller. */
static void nvme_steer_member_status(struct nvme_steer_member *m, int status)
{
	WRITE_ONCE(m->place->result, 0);
	WRITE_ONCE(m->place->status, status);
}

static void nvme_steer_member_failed(struct nvme_steer_run *run,
				     const struct nvme_steer_member *m,
				     int status)
{
	unsigned int index = m - run->members;

	if (!run->failed++ || index < run->first) {
		run->first = index;
		run->status = status;
	}
}

/* ------------------------------------------------------------------ sending */

/*
 * Name the data of a round by mappings that are kept, as of @epoch; @used is
 * by how many. Returns whether that was possible for all that are not mapped
 * for themselves. Under RCU.
 */
static bool nvme_steer_round_kept(struct nvme_steer_run *run,
				  struct nvme_steer_ctrl *sc, unsigned int nr,
				  u32 *epoch, unsigned int *used)
{
	struct nvme_steer_member *m = run->members + run->sent;
	struct nvme_steer_member *end = m + nr;
	struct iov_iter iter nvme_steer_uninitialized;

	*epoch = 0;
	*used = 0;
	for (; m < end; m++) {
		u32 kept;

		if (unlikely(!m->len || (m->flags & (NVME_STEER_MEMBER_MAPPED |
						     NVME_STEER_MEMBER_SKIP))))
			continue;
		if (unlikely(!(m->flags & NVME_STEER_MEMBER_BOUNDED)))
			return false;
		m->cmd.common.flags = 0;
		iter.bvec = nvme_steer_run_bvec(run, m->addr - run->base,
						&iter.iov_offset);
		iter.count = m->len;
		kept = nvme_steer_kept(sc, &iter, &m->cmd);
		if (unlikely(!kept))
			return false;
		/* the first is the oldest */
		if (!*epoch)
			*epoch = kept;
		++*used;
	}
	return true;
}

static int nvme_steer_member_map(struct nvme_steer_run *run,
				 struct nvme_steer_ctrl *sc,
				 struct nvme_steer_member *m,
				 struct nvme_steer_slot *slot, bool keep)
{
	bool bounded = m->flags & NVME_STEER_MEMBER_BOUNDED;
	bool write = m->cmd.common.opcode & 1;
	enum nvme_steer_event why;
	struct iov_iter iter;
	int ret;

	ret = io_uring_cmd_import_fixed(m->addr, m->len,
					write ? ITER_SOURCE : ITER_DEST,
					&iter, run->ioucmd);
	if (ret)
		return ret;
	if (keep && bounded)
		nvme_steer_keep(sc, &iter, m->addr);
	m->cmd.common.flags = 0;
	ret = nvme_steer_map_data(slot, &m->cmd, &iter,
				  write ? DMA_TO_DEVICE : DMA_FROM_DEVICE,
				  !bounded && run->sgl, &why);
	if (ret) {
		nvme_steer_count(sc, why);
		return ret;
	}
	m->flags |= NVME_STEER_MEMBER_MAPPED;
	run->mapped = true;
	nvme_steer_count(sc, NVME_STEER_EV_MAPPED);
	return 0;
}

/*
 * Map what is not kept, each for itself; @slots are RESERVED. One that cannot
 * be mapped has failed. Returns how many commands the round has then.
 */
static unsigned int nvme_steer_round_map(struct nvme_steer_run *run,
					 struct nvme_steer_ctrl *sc,
					 unsigned int nr, bool keep)
{
	struct nvme_steer_member *m = run->members + run->sent;
	struct nvme_steer_slot *slot = run->slots;
	struct iov_iter iter = { };
	unsigned int i;
	bool kept;
	int ret;

	for (i = 0; i < nr; i++, m++) {
		if (m->flags & NVME_STEER_MEMBER_SKIP)
			continue;
		ret = 0;
		if (m->len && !(m->flags & NVME_STEER_MEMBER_MAPPED)) {
			iter.bvec = nvme_steer_run_bvec(run,
							m->addr - run->base,
							&iter.iov_offset);
			iter.count = m->len;
			rcu_read_lock();
			kept = (m->flags & NVME_STEER_MEMBER_BOUNDED) &&
			       nvme_steer_kept(sc, &iter, &m->cmd);
			rcu_read_unlock();
			if (!kept)
				ret = nvme_steer_member_map(run, sc, m, slot,
							    keep);
		}
		if (ret) {
			m->flags |= NVME_STEER_MEMBER_SKIP;
			nvme_steer_member_status(m, ret);
			nvme_steer_member_failed(run, m, ret);
			if (run->flags & NVME_STEER_GROUP_STOP)
				return i + 1;
		} else {
			slot = slot->next;
		}
	}
	return nr;
}

static unsigned int nvme_steer_round_skipped(const struct nvme_steer_run *run,
					     unsigned int nr)
{
	unsigned int i, skipped = 0;

	for (i = 0; i < nr; i++)
		if (run->members[run->sent + i].flags & NVME_STEER_MEMBER_SKIP)
			skipped++;
	return skipped;
}

/* Give up what was mapped for a round that is not sent. */
static void nvme_steer_round_unmap(struct nvme_steer_run *run)
{
	struct nvme_steer_slot *slot;

	for (slot = run->slots; slot && run->mapped; slot = slot->next) {
		nvme_steer_unmap(slot);
		nvme_steer_release_pages(&slot->map);
	}
	run->mapped = false;
}

static void nvme_steer_group_done(struct nvme_steer_slot *slot,
				  struct nvme_steer_drain *drain);

/*
 * The short way: all commands are complete, and there are slots for all of
 * them. Anything else has another try on the long way. Returns whether the
 * group was sent, and is not the caller's any more. Under RCU.
 */
static bool nvme_steer_group_short(struct nvme_steer_run *run,
				   struct nvme_steer_ctrl *sc,
				   struct nvme_steer_queue *q)
{
	struct nvme_steer_io io nvme_steer_uninitialized;
	unsigned int nr = run->nr;

	if (unlikely(!run->ready || run->window < nr))
		return false;
	io.done = nvme_steer_group_done;
	io.usage = &run->rq->q_usage_counter;
	io.timeout = run->timeout;
	io.kept = run->epoch;
	if (unlikely(!percpu_ref_tryget_live_rcu(io.usage)))
		return false;
	if (nr > 1)
		percpu_ref_get_many(io.usage, nr - 1);
	run->left = nr;
	run->sent = nr;
	if (unlikely(nvme_steer_queue_members(q, &io, run->members, nr))) {
		run->sent = 0;
		percpu_ref_put_many(io.usage, nr);
		return false;
	}
	this_cpu_add(sc->stats->events[NVME_STEER_EV_ROUTED], nr);
	this_cpu_add(sc->stats->events[NVME_STEER_EV_KEPT], nr);
	return true;
}

/*
 * Send as many commands as there are slots for. Under RCU, which is dropped;
 * the slots of the round before, if any, are given back for that, and keep
 * @q until then.
 *
 * Return: 0, and the run is not the caller's any more; 1 when none of the
 * round could be sent; or -errno, with the event that says why. In both cases
 * run->slots, if there are any, go on keeping @q.
 */
static int nvme_steer_round(struct nvme_steer_run *run,
			    struct nvme_steer_ctrl *sc,
			    struct nvme_steer_queue *q, bool keep,
			    enum nvme_steer_event *why)
	__releases(RCU)
{
	unsigned int got = min(run->window, run->nr - run->sent), nr, left;
	struct nvme_steer_io io = {
		.done = nvme_steer_group_done,
		.usage = &run->rq->q_usage_counter,
		.timeout = run->timeout,
	};
	struct nvme_steer_slot *spare;
	unsigned int kept;
	int ret;

	*why = NVME_STEER_EV_FROZEN;
	if (unlikely(!percpu_ref_tryget_live_rcu(io.usage))) {
		nvme_steer_count(sc, *why);
		rcu_read_unlock();
		return -EAGAIN;
	}
	ret = nvme_steer_slots_get(q, &run->slots, &got);
	if (unlikely(ret)) {
		*why = ret == -EBUSY ? NVME_STEER_EV_QUEUE_FULL :
				       NVME_STEER_EV_QUEUE_DOWN;
		nvme_steer_count(sc, *why);
		percpu_ref_put(io.usage);
		rcu_read_unlock();
		return ret;
	}
	if (got > 1)
		percpu_ref_get_many(io.usage, got - 1);
	/* the namespace may go once nothing of it is in flight */
	if (unlikely(run->sent + got < run->nr && !run->holds_rq))
		run->holds_rq = blk_get_queue(run->rq);

	nr = left = got;
	while (unlikely(!nvme_steer_round_kept(run, sc, nr, &io.kept, &kept))) {
		rcu_read_unlock();
		nr = nvme_steer_round_map(run, sc, nr, keep);
		left = nr - nvme_steer_round_skipped(run, nr);
		rcu_read_lock();
	}
	if (unlikely(left != got))
		percpu_ref_put_many(io.usage, got - left);

	spare = run->slots;
	run->slots = NULL;
	run->left = left;
	run->sent += nr;
	if (likely(left)) {
		ret = nvme_steer_submit_members(&spare, &io,
						&run->members[run->sent - nr],
						left);
		if (likely(!ret)) {
			this_cpu_add(sc->stats->events[NVME_STEER_EV_ROUTED],
				     left);
			this_cpu_add(sc->stats->events[NVME_STEER_EV_KEPT],
				     kept);
			if (unlikely(spare))
				nvme_steer_slots_put(spare);
			rcu_read_unlock();
			return 0;
		}
		*why = NVME_STEER_EV_QUEUE_DOWN;
		nvme_steer_count(sc, *why);
		percpu_ref_put_many(io.usage, left);
		run->sent -= nr;
	} else {
		ret = 1;
	}
	rcu_read_unlock();
	run->slots = spare;
	nvme_steer_round_unmap(run);
	return ret;
}

/* ------------------------------------------------------------------- ending */

/* All that was sent has ended, and @why nothing more is, if anything is left. */
static void nvme_steer_group_end(struct nvme_steer_run *run, int why,
				 unsigned int issue_flags)
{
	struct io_uring_cmd *ioucmd = run->ioucmd;
	struct nvme_steer_slot *slots = run->slots;
	unsigned int i, done, first;
	int status;

	for (i = run->sent; unlikely(i < run->nr); i++)
		nvme_steer_member_status(&run->members[i], why);
	if (unlikely(!run->failed && run->sent < run->nr)) {
		run->first = run->sent;
		run->status = why;
	}
	status = run->status;
	done = run->sent - run->failed;
	first = run->first;
	nvme_steer_run_free(run);

	io_uring_cmd_done(ioucmd, status, (u64)first << 32 | done, issue_flags);
	/* the last slot may keep the module */
	nvme_steer_slots_put(slots);
}

/* A round has ended: send the next, or end the group. */
static void nvme_steer_group_next(struct nvme_steer_run *run,
				  unsigned int issue_flags)
{
	struct nvme_steer_queue *q = run->slots->queue;
	bool stop = run->failed && (run->flags & NVME_STEER_GROUP_STOP);
	enum nvme_steer_event why;
	int ret = 1;

	if (unlikely(run->mapped))
		nvme_steer_round_unmap(run);
	if (unlikely(issue_flags & IO_URING_F_TASK_DEAD))
		stop = true;
	while (unlikely(run->sent < run->nr && !stop && ret > 0)) {
		ret = -ENODEV;
		if (!run->holds_rq)
			break;
		rcu_read_lock();
		ret = nvme_steer_round(run, q->ctrl, q, false, &why);
		if (!ret)
			return;
		stop = run->failed && (run->flags & NVME_STEER_GROUP_STOP);
	}
	nvme_steer_group_end(run, stop ? -ECANCELED : -EAGAIN, issue_flags);
}

static void nvme_steer_group_tw(struct io_uring_cmd *ioucmd,
				unsigned int issue_flags)
{
	nvme_steer_group_next(nvme_steer_pdu(ioucmd)->run, issue_flags);
}

/* Under cq_lock. */
static void nvme_steer_group_done(struct nvme_steer_slot *slot,
				  struct nvme_steer_drain *drain)
{
	struct nvme_steer_member *m = slot->io.owner;
	struct nvme_steer_group_cmd *place = m->place;
	struct nvme_steer_run *run = m->run;
	int status = slot->status;

	if (unlikely(status)) {
		if (slot->cancelled)
			status = -EINTR;
		nvme_steer_member_failed(run, m, status);
	}
	WRITE_ONCE(place->result, slot->result);
	WRITE_ONCE(place->status, status);
	slot->next = run->slots;
	run->slots = slot;
	if (likely(--run->left))
		return;

	if (drain && run->ring == drain->ring) {
		run->next = drain->runs;
		drain->runs = run;
		return;
	}
	nvme_steer_pdu(run->ioucmd)->run = run;
	io_uring_cmd_do_in_task_lazy(run->ioucmd, nvme_steer_group_tw);
}

/**
 * nvme_steer_group_finish - finish what a round of polling left to the poller
 * @drain: its groups
 *
 * Context: task, uring_lock of drain->ring is held.
 */
void nvme_steer_group_finish(struct nvme_steer_drain *drain)
{
	struct nvme_steer_run *run, *next;

	for (run = drain->runs; run; run = next) {
		next = run->next;
		nvme_steer_group_next(run, 0);
	}
}

/* ---------------------------------------------------------------- beginning */

static struct nvme_steer_run *nvme_steer_run_alloc(unsigned int nr)
{
	struct nvme_steer_run *run;

	if (likely(nr <= NVME_STEER_SMALL_GROUP)) {
		run = this_cpu_xchg(nvme_steer_spare_run, NULL);
		if (likely(run))
			return run;
		return kmem_cache_alloc(nvme_steer_small_runs, GFP_KERNEL);
	}
	return kvmalloc(struct_size_t(struct nvme_steer_run, members, nr),
			GFP_KERNEL_ACCOUNT);
}

/*
 * What the SQE asks for; @array is where the array begins. Each word of the SQE
 * is read once.
 */
static struct nvme_steer_run *nvme_steer_run_make(struct nvme_ns *ns,
						  struct io_uring_cmd *ioucmd,
						  u64 *array)
{
	const struct nvme_steer_group *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	u64 cmds = READ_ONCE(sqe->cmds), base = READ_ONCE(sqe->base);
	u32 nr = READ_ONCE(sqe->nr), flags = READ_ONCE(sqe->flags);
	u32 window = READ_ONCE(sqe->window);
	u32 timeout_ms = READ_ONCE(sqe->timeout_ms);
	u64 len = READ_ONCE(sqe->len);
	struct nvme_steer_run *run;
	struct iov_iter iter nvme_steer_uninitialized;
	u64 size = (u64)nr * sizeof(struct nvme_steer_group_cmd);
	int ret;

	BUILD_BUG_ON(sizeof(*sqe) > 80);
	if (!(ioucmd->flags & IORING_URING_CMD_FIXED) ||
	    !nr || nr > NVME_STEER_GROUP_MAX ||
	    (flags & ~NVME_STEER_GROUP_STOP) ||
	    cmds % sizeof(struct nvme_steer_group_cmd) || !len ||
	    READ_ONCE(sqe->rsvd[0]) || READ_ONCE(sqe->rsvd[1]) ||
	    READ_ONCE(sqe->rsvd[2]))
		return ERR_PTR(-EINVAL);
	if (cmds < base || cmds - base > len || size > len - (cmds - base))
		return ERR_PTR(-EFAULT);
	ret = io_uring_cmd_import_fixed(base, len, ITER_DEST, &iter, ioucmd);
	if (ret)
		return ERR_PTR(ret);

	run = nvme_steer_run_alloc(nr);
	if (!run)
		return ERR_PTR(-ENOMEM);
	run->ioucmd = ioucmd;
	run->ring = cmd_to_io_kiocb(ioucmd)->ctx;
	run->slots = NULL;
	run->nr = nr;
	run->sent = 0;
	run->failed = 0;
	run->first = nr;
	run->status = 0;
	run->mapped = false;
	run->holds_rq = false;
	run->flags = flags;
	run->window = window ?: nr;
	run->timeout = msecs_to_jiffies(timeout_ms);
	run->sgl = nvme_ctrl_sgl_supported(ns->ctrl);
	run->rq = ns->queue;
	run->bvec = iter.bvec;
	run->skip = iter.iov_offset;
	run->shift = iter.nr_segs > 2 ? __ffs(iter.bvec[1].bv_len) : 63;
	run->base = base;
	run->len = len;
	*array = cmds - base;
	return run;
}

/* Nothing was sent, because of one command. */
static void nvme_steer_group_refuse(struct nvme_steer_run *run,
				    unsigned int bad, int why)
{
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		nvme_steer_member_status(&run->members[i],
					 i == bad ? why : -ECANCELED);
}

/*
 * Ask the policy, once or for each command. Returns 0 with the queue, which
 * RCU keeps, or -errno, with the index of the command that is why.
 */
static int nvme_steer_group_route(struct nvme_steer_run *run,
				  struct nvme_ns *ns,
				  struct nvme_steer_ctrl *sc,
				  struct nvme_steer_policy *p,
				  unsigned int issue_flags,
				  struct nvme_steer_queue **queue,
				  unsigned int *bad)
{
	unsigned int i, nr = p->per_batch ? 1 : run->nr;
	struct nvme_steer_passthru pt nvme_steer_uninitialized;
	struct nvme_steer_queue *q = NULL;
	int ret;

	pt.ns = ns;
	pt.ioucmd = run->ioucmd;
	pt.meta = false;
	pt.vec = false;
	pt.plain = false;
	for (i = 0; i < nr; i++) {
		pt.cmd = &run->members[i].cmd;
		pt.addr = run->members[i].addr;
		pt.data_len = run->members[i].len;
		*bad = i;
		ret = nvme_steer_passthru_route(sc, p, &pt, issue_flags,
						&q);
		if (ret <= 0)
			return ret ?: -EOPNOTSUPP;
		if (i && q != *queue)
			return -EXDEV;
		*queue = q;
	}
	return 0;
}

/* Nothing was sent: as after the checks. */
static void nvme_steer_run_reset(struct nvme_steer_run *run)
{
	struct nvme_steer_member *m;

	if (run->slots)
		nvme_steer_slots_put(run->slots);
	run->slots = NULL;
	run->failed = 0;
	run->first = run->nr;
	run->status = 0;
	for (m = run->members; m < run->members + run->nr; m++)
		m->flags &= NVME_STEER_MEMBER_BOUNDED;
}

/*
 * Ask the policy and send. As nvme_steer_group(); -EAGAIN with the event that
 * says why. Under RCU, which is dropped.
 */
static int nvme_steer_group_try(struct nvme_steer_run *run, struct nvme_ns *ns,
				struct nvme_steer_ctrl *sc,
				struct nvme_steer_policy *p,
				unsigned int issue_flags,
				enum nvme_steer_event *why)
	__releases(RCU)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(run->ioucmd);
	struct nvme_steer_queue *q;
	unsigned int bad;
	int ret;

	ret = nvme_steer_group_route(run, ns, sc, p, issue_flags, &q, &bad);
	if (unlikely(ret)) {
		rcu_read_unlock();
		nvme_steer_group_refuse(run, bad, ret);
		return ret;
	}
	if (likely(!run->timeout))
		run->timeout = p->timeout;

	pdu->tag = (unsigned long)q | NVME_STEER_PDU_MINE;
	if (likely(nvme_steer_group_short(run, sc, q))) {
		rcu_read_unlock();
		return -EIOCBQUEUED;
	}
	run->ready = false;
	ret = nvme_steer_round(run, sc, q, true, why);
	if (likely(!ret))
		return -EIOCBQUEUED;

	/* none of the first round could be sent: the slots are here still */
	if (ret > 0) {
		nvme_steer_group_next(run, issue_flags);
		return -EIOCBQUEUED;
	}
	pdu->tag = 0;
	nvme_steer_run_reset(run);
	return *why == NVME_STEER_EV_QUEUE_FULL ? -EBUSY : -EAGAIN;
}

/* A group. Returns as the uring_op hook does. */
static int nvme_steer_group(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			    unsigned int issue_flags)
{
	enum nvme_steer_event why;
	struct nvme_steer_policy *p;
	struct nvme_steer_ctrl *sc;
	struct nvme_steer_run *run;
	unsigned int bad;
	bool again;
	u64 array;
	int ret;

	nvme_steer_pdu(ioucmd)->tag = 0;
	run = nvme_steer_run_make(ns, ioucmd, &array);
	if (IS_ERR(run))
		return PTR_ERR(run);

	for (again = false;; again = true) {
		rcu_read_lock();
		sc = rcu_dereference(ns->ctrl->steer);
		p = sc ? rcu_dereference(sc->policy) : NULL;
		ret = -ENOTTY;
		if (unlikely(!p)) {
			rcu_read_unlock();
			break;
		}
		if (likely(!again)) {
			/* before the lookups: see nvme_steer_retire() */
			run->epoch = smp_load_acquire(&sc->keep.epoch);
			ret = nvme_steer_group_read(run, array, ns, sc, &bad);
			if (unlikely(ret)) {
				rcu_read_unlock();
				nvme_steer_group_refuse(run, bad, ret);
				break;
			}
		}
		ret = nvme_steer_group_try(run, ns, sc, p, issue_flags, &why);
		if (likely(ret == -EIOCBQUEUED))
			return ret;
		if (ret != -EAGAIN)
			break;
		if (issue_flags & IO_URING_F_NONBLOCK) {
			/* again from io-wq, where it may wait */
			nvme_steer_pass(ioucmd, issue_flags);
			break;
		}
		if (!nvme_steer_wait(ns->ctrl, ns, why)) {
			ret = -ENODEV;
			break;
		}
	}
	nvme_steer_run_free(run);
	return ret;
}

/*
 * An operation the driver does not know; the hook uring_op of struct
 * nvme_steer_hooks. With a policy attached the module is held, so it can be
 * held again, which lets everything else sleep.
 */
int nvme_steer_uring_op_hook(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	struct nvme_steer_ctrl *sc;
	bool attached;
	int ret;

	if (ioucmd->cmd_op != NVME_STEER_URING_CMD_GROUP)
		return NVME_STEER_PASS;
	rcu_read_lock();
	sc = rcu_dereference(ns->ctrl->steer);
	attached = sc && rcu_access_pointer(sc->policy);
	if (attached)
		__module_get(THIS_MODULE);
	rcu_read_unlock();
	if (!attached)
		return NVME_STEER_PASS;

	ret = nvme_steer_group(ns, ioucmd, issue_flags);
	module_put(THIS_MODULE);
	return ret;
}
