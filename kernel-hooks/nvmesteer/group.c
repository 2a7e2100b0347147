// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups: one uring_cmd that carries an array of commands to one steer
 * queue; the contract with applications is <nvmesteer/group.h>. Slots and
 * doorbells are queue.c's, mappings keep.c's and dma.c's.
 *
 * Array and data are inside one registered buffer, whose pages io_uring keeps
 * as long as the uring_cmd lives. The array is read through their kernel
 * mapping, each word once, and status and result are written the same way, in
 * whatever context a command ends.
 *
 * What becomes of a group until it is sent; group_round.c is the rest.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "group_run.h"
#include "hold.h"
#include "queue.h"

/*
 * Groups up to this size come from a cache of their own. It has a constructor
 * for what is the same in each, so kernels built to clear what is allocated
 * (CONFIG_INIT_ON_ALLOC) do not clear it either.
 */
#define NVME_STEER_SMALL_GROUP	128

static struct kmem_cache *nvme_steer_small_runs;

/*
 * One that has ended is left here for the next group on the CPU, whichever
 * ring's and controller's that is. Exchanged by one instruction, in task
 * context; what is left is freed with the module.
 */
static DEFINE_PER_CPU(struct nvme_steer_run *, nvme_steer_spare_run);

static size_t nvme_steer_run_size(unsigned int nr)
{
	struct nvme_steer_run *run;

	return struct_size(run, members, nr) + nr * sizeof(*run->slots);
}

/* The indices of its slots are behind the members. */
static void nvme_steer_run_init(struct nvme_steer_run *run, unsigned int nr)
{
	unsigned int i;

	run->slots = (u16 *)(run->members + nr);
	for (i = 0; i < nr; i++)
		run->members[i].run = run;
}

static void nvme_steer_run_construct(void *run)
{
	nvme_steer_run_init(run, NVME_STEER_SMALL_GROUP);
}

int nvme_steer_group_init(void)
{
	nvme_steer_small_runs = kmem_cache_create("nvme_steer_group",
			nvme_steer_run_size(NVME_STEER_SMALL_GROUP), 0, 0,
			nvme_steer_run_construct);
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

/* The group has ended. */
void nvme_steer_run_free(struct nvme_steer_run *run)
{
	if (unlikely(run->holds_rq))
		blk_put_queue(run->rq);
	if (unlikely(run->nr > NVME_STEER_SMALL_GROUP)) {
		/* sleeps never: the module's code is not held any more */
		kvfree_rcu(run, rcu);
		return;
	}
	run = this_cpu_xchg(nvme_steer_spare_run, run);
	if (unlikely(run))
		kmem_cache_free(nvme_steer_small_runs, run);
}

/* Memory for a group, if there is any at hand. */
static struct nvme_steer_run *nvme_steer_run_spare(unsigned int nr)
{
	if (unlikely(nr > NVME_STEER_SMALL_GROUP))
		return NULL;
	return this_cpu_xchg(nvme_steer_spare_run, NULL);
}

static struct nvme_steer_run *nvme_steer_run_alloc(unsigned int nr)
{
	struct nvme_steer_run *run;

	if (nr <= NVME_STEER_SMALL_GROUP)
		return kmem_cache_alloc(nvme_steer_small_runs, GFP_KERNEL);
	run = kvmalloc(nvme_steer_run_size(nr), GFP_KERNEL_ACCOUNT);
	if (run)
		nvme_steer_run_init(run, nr);
	return run;
}

/*
 * What the SQE asks for, of which each word is read once, @nr already; @array
 * is where the array begins in the group's part of the buffer.
 */
static int nvme_steer_run_set(struct nvme_steer_run *run, struct nvme_ns *ns,
			      struct io_uring_cmd *ioucmd, u32 nr, u64 *array)
{
	const struct nvme_steer_group *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	u64 cmds = READ_ONCE(sqe->cmds), base = READ_ONCE(sqe->base);
	u32 window = READ_ONCE(sqe->window), flags = READ_ONCE(sqe->flags);
	u32 timeout_ms = READ_ONCE(sqe->timeout_ms);
	u64 len = READ_ONCE(sqe->len);
	u64 size = (u64)nr * sizeof(struct nvme_steer_group_cmd);
	struct iov_iter iter nvme_steer_uninitialized;
	int ret;

	BUILD_BUG_ON(sizeof(*sqe) > 80);
	run->nr = nr;
	run->holds_rq = false;
	if (!(ioucmd->flags & IORING_URING_CMD_FIXED) ||
	    (flags & ~NVME_STEER_GROUP_STOP) ||
	    cmds % sizeof(struct nvme_steer_group_cmd) || !len ||
	    READ_ONCE(sqe->rsvd[0]) || READ_ONCE(sqe->rsvd[1]) ||
	    READ_ONCE(sqe->rsvd[2]))
		return -EINVAL;
	if (cmds < base || cmds - base > len || size > len - (cmds - base))
		return -EFAULT;
	ret = io_uring_cmd_import_fixed(base, len, ITER_DEST, &iter, ioucmd);
	if (ret)
		return ret;

	run->ioucmd = ioucmd;
	run->ring = cmd_to_io_kiocb(ioucmd)->ctx;
	run->nr_slots = 0;
	run->sent = 0;
	run->failed = 0;
	run->first = nr;
	run->status = 0;
	run->mapped = false;
	run->reserved = false;
	run->flags = flags;
	run->window = window ?: nr;
	run->timeout = timeout_ms ? msecs_to_jiffies(timeout_ms) : 0;
	run->expires = timeout_ms;
	run->sgl = nvme_ctrl_sgl_supported(ns->ctrl);
	run->rq = ns->queue;
	run->bvec = iter.bvec;
	run->skip = iter.iov_offset;
	run->shift = iter.nr_segs > 2 ? __ffs(iter.bvec[1].bv_len) : 63;
	run->base = base;
	run->len = len;
	*array = cmds - base;
	return 0;
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
 * Ask the policy about the first @nr commands. Returns 0 with the queue, which
 * RCU keeps, or -errno, with the index of the command that is why. In
 * nvme_steer_enter().
 */
static int nvme_steer_group_route(struct nvme_steer_run *run,
				  const struct nvme_steer_reading *r,
				  struct nvme_steer_policy *p, unsigned int nr,
				  unsigned int issue_flags,
				  struct nvme_steer_queue **queue,
				  unsigned int *bad)
{
	struct nvme_steer_passthru pt nvme_steer_uninitialized;
	struct nvme_steer_queue *q = NULL;
	unsigned int i;
	int ret;

	*bad = 0;
	if (unlikely(p->copies_only))
		return -EOPNOTSUPP;
	pt.ns = r->ns;
	pt.ioucmd = run->ioucmd;
	pt.meta = false;
	pt.vec = false;
	for (i = 0; i < nr; i++) {
		pt.cmd = &run->members[i].cmd;
		pt.addr = run->members[i].addr;
		pt.data_len = run->members[i].len;
		*bad = i;
		ret = nvme_steer_passthru_route(r->sc, p, &pt, issue_flags,
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

	if (run->nr_slots)
		nvme_steer_indices_put(run->queue, run->slots, run->nr_slots,
				       run->reserved);
	run->nr_slots = 0;
	run->reserved = false;
	run->failed = 0;
	run->first = run->nr;
	run->status = 0;
	for (m = run->members; m < run->members + run->nr; m++)
		m->flags &= NVME_STEER_MEMBER_BOUNDED;
}

/*
 * Read the array, ask the policy, and send: on the short way, if possible while
 * the array is being read. A policy that is asked once is asked when the first
 * command was checked, any other when all were; neither is while its answer for
 * the ring holds.
 *
 * Return: -EIOCBQUEUED; 0, and the group is to go the long way, to @q; or
 * -errno: it is refused. In nvme_steer_enter().
 */
static int nvme_steer_group_begin(struct nvme_steer_run *run,
				  struct nvme_steer_reading *r,
				  struct nvme_steer_policy *p,
				  unsigned int issue_flags,
				  struct nvme_steer_queue **q)
{
	struct nvme_steer_pdu *pdu = nvme_steer_pdu(run->ioucmd);
	bool short_way = run->window >= run->nr;
	bool held;
	int ret = 0;

	if (likely(!run->timeout))
		run->timeout = p->timeout;
	if (likely(!r->nr)) {
		/* before the lookups: see nvme_steer_retire() */
		run->epoch = nvme_steer_keep_epoch(r->sc);
		nvme_steer_read_first(run, r);
	}
	*q = nvme_steer_ring_queue(r->sc, p, run->ring,
				   issue_flags & IO_URING_F_IOPOLL);
	held = *q;
	if (likely((held || p->per_batch) && !r->error)) {
		if (!held)
			ret = nvme_steer_group_route(run, r, p, 1, issue_flags,
						     q, &r->bad);
		if (likely(!ret && short_way && r->plain && r->kept)) {
			pdu->queue = *q;
			if (likely(nvme_steer_group_short(run, r, *q)))
				return -EIOCBQUEUED;
		}
	}
	nvme_steer_read(run, r);
	if (unlikely(r->error))
		return r->error;
	if (!held && !p->per_batch)
		ret = nvme_steer_group_route(run, r, p, run->nr, issue_flags,
					     q, &r->bad);
	if (unlikely(ret))
		return ret;

	pdu->queue = *q;
	if (run->ready && short_way && nvme_steer_group_short(run, r, *q))
		return -EIOCBQUEUED;
	/* by the time it is sent other mappings may be kept */
	r->kept = false;
	return 0;
}

/*
 * The long way. As nvme_steer_group(); -EAGAIN with the event that says why.
 * Under RCU, which is dropped.
 */
static int nvme_steer_group_long(struct nvme_steer_run *run,
				 const struct nvme_steer_reading *r,
				 struct nvme_steer_queue *q,
				 unsigned int issue_flags,
				 enum nvme_steer_event *why)
	__releases(RCU)
{
	int ret;

	run->lba_shift = r->shift;
	run->ms = r->ms;
	ret = nvme_steer_round(run, r->sc, q, true, why);
	if (likely(!ret))
		return -EIOCBQUEUED;

	/* none of the first round could be sent: the slots are here still */
	if (ret > 0) {
		nvme_steer_group_next(run, issue_flags);
		return -EIOCBQUEUED;
	}
	nvme_steer_run_reset(run);
	return *why == NVME_STEER_EV_QUEUE_FULL ? -EBUSY : -EAGAIN;
}

/*
 * What comes after the first nvme_steer_group_begin(), which returned @ret. May
 * sleep. Under RCU, which is dropped.
 */
static noinline int nvme_steer_group_go_on(struct nvme_steer_run *run,
					   struct nvme_steer_reading *r,
					   struct nvme_steer_queue *q,
					   unsigned int issue_flags, int ret)
	__releases(RCU)
{
	struct nvme_ns *ns = r->ns;
	struct nvme_steer_policy *p;
	enum nvme_steer_event why;
	bool tried = false;

	lockdep_assert_in_rcu_reader();

	for (;;) {
		if (ret) {
			rcu_read_unlock();
			if (ret == -EIOCBQUEUED)
				return ret;
			nvme_steer_group_refuse(run, r->bad, ret);
			break;
		}
		ret = nvme_steer_group_long(run, r, q, issue_flags, &why);
		if (likely(ret == -EIOCBQUEUED))
			return ret;
		if (ret != -EAGAIN)
			break;
		if (issue_flags & IO_URING_F_NONBLOCK) {
			/* again from io-wq, where it may wait */
			nvme_steer_keep_sqe(run->ioucmd);
			break;
		}
		ret = -ENODEV;
		if (!nvme_steer_wait(ns->ctrl, ns, why, &tried))
			break;
		nvme_steer_enter();
		p = nvme_steer_policy_of(ns, &r->sc);
		if (unlikely(!p)) {
			nvme_steer_leave();
			ret = -ENOTTY;
			break;
		}
		/* it may have waited for the namespace to be formatted */
		nvme_steer_read_begin(run, r, r->array, ns);
		ret = nvme_steer_group_begin(run, r, p, issue_flags, &q);
		/* what is next is long */
		rcu_read_lock();
		nvme_steer_leave();
	}
	nvme_steer_run_free(run);
	return ret;
}

/**
 * nvme_steer_group - carry out a command group
 * @ns: the namespace it was sent to
 * @ioucmd: NVME_STEER_URING_CMD_GROUP
 * @issue_flags: of the uring_cmd
 *
 * With a policy attached the module is held, so it can be held again, which
 * lets everything else sleep.
 *
 * Return: as the uring_cmd hook does.
 */
int nvme_steer_group(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
		     unsigned int issue_flags)
{
	const struct nvme_steer_group *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	struct nvme_steer_reading r nvme_steer_uninitialized;
	struct nvme_steer_policy *p;
	struct nvme_steer_queue *q;
	struct nvme_steer_run *run;
	bool held = false;
	u64 array;
	int ret;
	u32 nr;

	nvme_steer_pdu(ioucmd)->req = NULL;
	nvme_steer_enter();
	p = nvme_steer_policy_of(ns, &r.sc);
	if (unlikely(!p)) {
		nvme_steer_leave();
		return NVME_STEER_PASS;
	}
	nr = READ_ONCE(sqe->nr);
	if (unlikely(!nr || nr > NVME_STEER_GROUP_MAX)) {
		nvme_steer_leave();
		return -EINVAL;
	}
	run = nvme_steer_run_spare(nr);
	if (unlikely(!run)) {
		__module_get(THIS_MODULE);
		held = true;
		nvme_steer_leave();
		run = nvme_steer_run_alloc(nr);
		ret = -ENOMEM;
		if (!run)
			goto put;
		nvme_steer_enter();
		p = nvme_steer_policy_of(ns, &r.sc);
	}
	ret = nvme_steer_run_set(run, ns, ioucmd, nr, &array);
	if (unlikely(ret || !p)) {
		nvme_steer_leave();
		nvme_steer_run_free(run);
		ret = ret ?: -ENOTTY;
		goto put;
	}
	nvme_steer_read_begin(run, &r, array, ns);
	ret = nvme_steer_group_begin(run, &r, p, issue_flags, &q);
	if (likely(ret == -EIOCBQUEUED)) {
		nvme_steer_leave();
		goto put;
	}
	if (!held)
		__module_get(THIS_MODULE);
	held = true;
	/* what is next is long */
	rcu_read_lock();
	nvme_steer_leave();
	ret = nvme_steer_group_go_on(run, &r, q, issue_flags, ret);
put:
	if (unlikely(held))
		module_put(THIS_MODULE);
	return ret;
}
