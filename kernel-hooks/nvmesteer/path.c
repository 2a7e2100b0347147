// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing the path of a command: a multipath head asks, and the one policy of
 * its subsystem that decides answers. What it answers is looked up among the
 * head's paths; whatever is not usable is the driver's own choice, and so is
 * all that comes afterwards, failover for instance.
 */
#include <linux/blkdev.h>
#include <linux/nvme_ioctl.h>
#include <linux/topology.h>

#include <nvmesteer/group.h>

#include "block.h"
#include "copy.h"
#include "passthru.h"
#include "path_hold.h"

/*
 * Policies with a path() whose controller is there, in the order in which they
 * were attached, replaced ones in their successors' place. For each subsystem
 * the first one decides: nvme_subsystem.steer, read under RCU, is changed with
 * the list. A policy is taken off before its grace period; and when its
 * controller goes away, which is what makes nvme_subsystem known here.
 *
 * Inside policy_lock.
 */
static LIST_HEAD(nvme_steer_path_policies);
static DEFINE_MUTEX(nvme_steer_path_lock);

/* Let the first policy of a subsystem decide, if there is one. */
static void nvme_steer_path_elect(struct nvme_subsystem *subsys)
{
	struct nvme_steer_policy *p, *first = NULL;

	lockdep_assert_held(&nvme_steer_path_lock);

	list_for_each_entry(p, &nvme_steer_path_policies, path_entry) {
		if (p->ctrl->nvme->subsys == subsys) {
			first = p;
			break;
		}
	}
	rcu_assign_pointer(subsys->steer, first);
}

static bool nvme_steer_path_forget(struct nvme_steer_ctrl *sc)
{
	nvme_steer_load_reset(&sc->load);
	return true;
}

/**
 * nvme_steer_path_attach - a policy with a path() was attached
 * @p: the policy; under its policy_lock
 */
void nvme_steer_path_attach(struct nvme_steer_policy *p)
{
	struct nvme_steer_ctrl *sc = p->ctrl;

	mutex_lock(&nvme_steer_path_lock);
	/* nobody has measured since the last one */
	if (list_empty(&nvme_steer_path_policies))
		nvme_steer_each_ctrl(nvme_steer_path_forget);
	/* if it is not yet, nvme_steer_path_away() is to come */
	if (!READ_ONCE(sc->gone)) {
		list_add_tail(&p->path_entry, &nvme_steer_path_policies);
		nvme_steer_path_elect(sc->nvme->subsys);
	}
	mutex_unlock(&nvme_steer_path_lock);
}

/**
 * nvme_steer_path_replace - a policy takes the place of another
 * @old: any policy; its grace period is to come
 * @p: likewise; of the same controller, whose policy_lock is held
 */
void nvme_steer_path_replace(struct nvme_steer_policy *old,
			     struct nvme_steer_policy *p)
{
	lockdep_assert_held(&p->ctrl->policy_lock);

	if (!old->path) {
		if (p->path)
			nvme_steer_path_attach(p);
		return;
	}
	if (!p->path) {
		nvme_steer_path_detach(old);
		return;
	}
	mutex_lock(&nvme_steer_path_lock);
	if (!list_empty(&old->path_entry)) {
		list_replace_init(&old->path_entry, &p->path_entry);
		nvme_steer_path_elect(p->ctrl->nvme->subsys);
	}
	mutex_unlock(&nvme_steer_path_lock);
}

/**
 * nvme_steer_path_detach - a policy decides no more
 * @p: any policy; its grace period is to come
 */
void nvme_steer_path_detach(struct nvme_steer_policy *p)
{
	mutex_lock(&nvme_steer_path_lock);
	if (!list_empty(&p->path_entry)) {
		list_del_init(&p->path_entry);
		nvme_steer_path_elect(p->ctrl->nvme->subsys);
	}
	mutex_unlock(&nvme_steer_path_lock);
}

/**
 * nvme_steer_path_away - likewise, because its controller is going away
 * @sc: the controller; @sc->gone is set, and @sc->nvme still valid
 */
void nvme_steer_path_away(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_policy *p, *next;

	mutex_lock(&nvme_steer_path_lock);
	list_for_each_entry_safe(p, next, &nvme_steer_path_policies,
				 path_entry) {
		if (p->ctrl != sc)
			continue;
		list_del_init(&p->path_entry);
		nvme_steer_path_elect(sc->nvme->subsys);
	}
	mutex_unlock(&nvme_steer_path_lock);
}

/* Commands in flight at a controller, roughly. Under RCU. */
static u32 nvme_steer_path_inflight(const struct nvme_ctrl *ctrl,
				    struct nvme_steer_ctrl *sc)
{
	unsigned int n, last = sc ? READ_ONCE(sc->last_queue) : 0;
	u32 inflight = atomic_read(&ctrl->nr_active);
	struct nvme_steer_queue *q;

	for (n = 1; n <= last; n++) {
		q = rcu_dereference(sc->queues[n]);
		if (q)
			inflight += nvme_steer_queue_inflight(q);
	}
	return inflight;
}

static u32 nvme_steer_path_latency(struct nvme_steer_ctrl *sc, u64 *now)
{
	u64 ns = sc ? nvme_steer_load_ns(&sc->load, now) : 0;

	return min_t(u64, DIV_ROUND_UP_ULL(ns, NSEC_PER_USEC), U32_MAX);
}

static u32 nvme_steer_path_distance(const struct nvme_ctrl *ctrl)
{
	if (ctrl->numa_node == NUMA_NO_NODE)
		return LOCAL_DISTANCE;
	return node_distance(numa_node_id(), ctrl->numa_node);
}

static u32 nvme_steer_path_ana_state(const struct nvme_ns *ns)
{
#ifdef CONFIG_NVME_MULTIPATH
	return READ_ONCE(ns->ana_state);
#else
	return NVME_STEER_ANA_OPTIMIZED;
#endif
}

/* The paths of a head. Returns whether one can be used. Under RCU. */
static bool nvme_steer_fill_paths(struct nvme_steer_path *path,
				  struct nvme_ns_head *head)
{
	struct nvme_steer_path_ctrl *c;
	struct nvme_steer_ctrl *sc;
	bool usable = false;
	struct nvme_ns *ns;
	u64 now = 0;

	path->nr = 0;
	path->others = 0;
	list_for_each_entry_srcu(ns, &head->list, siblings,
				 srcu_read_lock_held(&head->srcu)) {
		if (path->nr == NVME_STEER_MAX_PATHS) {
			path->others++;
			continue;
		}
		sc = rcu_dereference(ns->ctrl->steer);
		c = &path->path[path->nr++];
		c->ctrl = ns->ctrl->instance;
		c->usable = nvme_steer_path_usable(ns);
		c->ana_state = nvme_steer_path_ana_state(ns);
		c->distance = nvme_steer_path_distance(ns->ctrl);
		c->inflight = nvme_steer_path_inflight(ns->ctrl, sc);
		c->latency_us = nvme_steer_path_latency(sc, &now);
		usable |= c->usable;
	}
	return usable;
}

/* The opcode of the command that a bio will become. */
static u8 nvme_steer_bio_opcode(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return nvme_cmd_read;
	case REQ_OP_WRITE:
		return bio->bi_iter.bi_size ? nvme_cmd_write : nvme_cmd_flush;
	case REQ_OP_DISCARD:
	case REQ_OP_SECURE_ERASE:
		return nvme_cmd_dsm;
	case REQ_OP_WRITE_ZEROES:
		return nvme_cmd_write_zeroes;
	case REQ_OP_ZONE_APPEND:
		return nvme_cmd_zone_append;
	case REQ_OP_FLUSH:
		return nvme_cmd_flush;
	default:
		return nvme_cmd_zone_mgmt_send;
	}
}

static void nvme_steer_fill_bio(struct nvme_steer_path *path,
				struct nvme_ns_head *head,
				const struct bio *bio)
{
	u32 bytes = bio->bi_iter.bi_size;

	path->source = NVME_STEER_SRC_BLOCK;
	path->opcode = nvme_steer_bio_opcode(bio);
	path->flags = nvme_steer_opf_flags(bio->bi_opf);
	path->ioprio = bio->bi_ioprio;
	path->len = bio_has_data((struct bio *)bio) ? bytes : 0;
	if (bio_op(bio) == REQ_OP_DISCARD)
		path->flags |= NVME_STEER_CMD_DISCARD;
	if (bytes) {
		path->flags |= NVME_STEER_CMD_RANGE;
		path->slba = nvme_sect_to_lba(head, bio->bi_iter.bi_sector);
		path->nlb = bytes >> head->lba_shift;
	}
}

static void nvme_steer_fill_command(struct nvme_steer_path *path, u8 opcode,
				    u64 slba, u32 cdw12, u32 len)
{
	path->opcode = opcode;
	path->len = len;
	if (nvme_steer_names_blocks(opcode)) {
		path->flags |= NVME_STEER_CMD_RANGE;
		path->slba = slba;
		path->nlb = (u16)cdw12 + 1;
	}
}

static void nvme_steer_fill_uring(struct nvme_steer_path *path,
				  const struct io_uring_cmd *ioucmd,
				  unsigned int issue_flags)
{
	const struct nvme_uring_cmd *sqe = io_uring_sqe_cmd(ioucmd->sqe);
	bool vec = ioucmd->cmd_op == NVME_URING_CMD_IO_VEC;

	path->source = NVME_STEER_SRC_URING;
	if (ioucmd->flags & IORING_URING_CMD_FIXED)
		path->flags |= NVME_STEER_CMD_FIXED;
	if (issue_flags & IO_URING_F_IOPOLL)
		path->flags |= NVME_STEER_CMD_POLLED;
	if (issue_flags & IO_URING_F_NONBLOCK)
		path->flags |= NVME_STEER_CMD_NOWAIT;
	if (vec)
		path->flags |= NVME_STEER_CMD_VECTORED;

	switch (ioucmd->cmd_op) {
	case NVME_STEER_URING_CMD_GROUP:
		path->opcode = NVME_STEER_OP_GROUP;
		break;
	case NVME_STEER_URING_CMD_COPY:
		path->source = NVME_STEER_SRC_COPY;
		path->opcode = NVME_STEER_COPY;
		break;
	default:
		nvme_steer_fill_command(path, READ_ONCE(sqe->opcode),
					READ_ONCE(sqe->cdw10) |
					(u64)READ_ONCE(sqe->cdw11) << 32,
					READ_ONCE(sqe->cdw12),
					vec ? 0 : READ_ONCE(sqe->data_len));
	}
}

/* Everything but the paths; they come last, and are most of it. */
static void nvme_steer_fill_path(struct nvme_steer_path_args *args,
				 struct nvme_ns_head *head,
				 const struct nvme_steer_path_io *io)
{
	struct nvme_steer_path *path = &args->path;

	memset(path, 0, offsetof(struct nvme_steer_path, path));
	path->nsid = head->ns_id;
	path->subsys = head->subsys->instance;
	args->bio = io->bio;
	if (io->bio) {
		nvme_steer_fill_bio(path, head, io->bio);
	} else {
		path->ioprio = current->io_context ?
			       current->io_context->ioprio : 0;
		if (io->ioucmd) {
			nvme_steer_fill_uring(path, io->ioucmd,
					      io->issue_flags);
		} else {
			path->source = NVME_STEER_SRC_IOCTL;
			nvme_steer_fill_command(path, io->cmd->common.opcode,
						le64_to_cpu(io->cmd->rw.slba),
						le16_to_cpu(io->cmd->rw.length),
						io->len);
		}
	}
	if (path->opcode & 1)
		path->flags |= NVME_STEER_CMD_WRITE;
}

/* All that an answer may be made of. */
#define NVME_STEER_PATH_ANSWER	(NVME_STEER_PATH_MAX | NVME_STEER_PATH_RETRY | \
				 NVME_STEER_PATH_REPEAT | \
				 NVME_STEER_PATH_ONCE)

/* The path that a policy has named, if there is and it can be used. */
static __always_inline struct nvme_ns *
nvme_steer_named_path(struct nvme_ns_head *head, int answer)
{
	struct nvme_ns *ns;

	list_for_each_entry_srcu(ns, &head->list, siblings,
				 srcu_read_lock_held(&head->srcu))
		if (ns->ctrl->instance == NVME_STEER_PATH_CTRL(answer))
			return nvme_steer_path_usable(ns) ? ns : NULL;
	return NULL;
}

/*
 * What may be repeated is what is sent: the copy of its SQE, which from here on
 * is what everybody reads. The answer was given for the opcode @told, as far as
 * @mask goes.
 */
static noinline void nvme_steer_may_again(struct io_uring_cmd *ioucmd,
					  int answer, u16 told, u16 mask)
{
	const struct nvme_uring_cmd *sqe;
	u8 opcode;

	if (ioucmd->cmd_op != NVME_URING_CMD_IO &&
	    ioucmd->cmd_op != NVME_URING_CMD_IO_VEC)
		return;
	nvme_steer_keep_sqe(ioucmd);
	sqe = io_uring_sqe_cmd(ioucmd->sqe);
	opcode = sqe->opcode;
	if (!((opcode ^ told) & mask) &&
	    (answer & NVME_STEER_PATH_REPEAT || opcode == nvme_cmd_read ||
	     opcode == nvme_cmd_compare || opcode == nvme_cmd_verify))
		ioucmd->flags |= NVME_STEER_URING_AGAIN;
}

/* Let a uring_cmd be tried again if it fails because of its path, or not. */
static __always_inline void nvme_steer_mark_again(struct io_uring_cmd *ioucmd,
						  int answer, u16 told, u16 mask)
{
	ioucmd->flags &= ~NVME_STEER_URING_AGAIN;
	if (answer & (NVME_STEER_PATH_RETRY | NVME_STEER_PATH_REPEAT))
		nvme_steer_may_again(ioucmd, answer, told, mask);
}

/**
 * nvme_steer_path_failed - is a uring_cmd that has failed to be tried again?
 * @ioucmd: its owner's, who ends it else
 * @status: of the command
 *
 * Context: any.
 * Return: whether it is, which counts as a try.
 */
bool nvme_steer_path_failed(struct io_uring_cmd *ioucmd, u16 status)
{
	if (!(ioucmd->flags & NVME_STEER_URING_AGAIN) ||
	    !nvme_is_path_error(status) || status & NVME_STATUS_DNR ||
	    (ioucmd->flags & NVME_STEER_URING_TRIES) ==
	    NVME_STEER_URING_TRIES)
		return false;
	ioucmd->flags += NVME_STEER_URING_TRY;
	return true;
}

/* Likewise of a passthrough command of the driver's own path. */
static bool nvme_steer_path_again(struct request *req)
{
	struct io_uring_cmd *ioucmd = req->end_io_data;

	/* of a copy it is no uring_cmd */
	return !nvme_steer_lane_owns(req) &&
	       nvme_steer_path_failed(ioucmd, nvme_req(req)->status);
}

/* An answer that names @ns holds for the like of the command it was for. */
static void nvme_steer_hold_answer(const struct nvme_steer_policy *p,
				   const struct nvme_ns_head *head,
				   const struct nvme_steer_path_io *io,
				   const struct nvme_steer_path *path,
				   int answer)
{
	struct nvme_steer_kind kind;

	/* in an interrupt they may be being written */
	if (!p->path_answers || answer & NVME_STEER_PATH_ONCE || !in_task())
		return;
	kind = nvme_steer_path_kind(p, path, io->bio);
	nvme_steer_path_remember(p, head, nvme_steer_path_ring(io->ioucmd),
				 &kind, answer);
}

/* What the policy says, or NULL: the driver's choice. Under RCU. */
static struct nvme_ns *nvme_steer_ask_path(struct nvme_steer_policy *p,
					   struct nvme_ns_head *head,
					   const struct nvme_steer_path_io *io)
{
	struct nvme_steer_path_args args nvme_steer_uninitialized;
	struct nvme_ns *ns = NULL;
	int answer;

	lockdep_assert_in_rcu_reader();

	nvme_steer_fill_path(&args, head, io);
	if (!nvme_steer_fill_paths(&args.path, head))
		return NULL;
	answer = nvme_steer_call(p, NVME_STEER_CALL_PATH, &args.path);
	if (unlikely(answer & ~NVME_STEER_PATH_ANSWER)) {
		nvme_steer_bad_answer(p->ctrl, p, NVME_STEER_CALL_PATH, NULL,
				      answer, NVME_STEER_EV_BAD_ANSWER);
		answer = NVME_STEER_PATH_OWN;
	}
	if (io->ioucmd)
		nvme_steer_mark_again(io->ioucmd, answer, args.path.opcode,
				      U16_MAX);
	if (answer & NVME_STEER_PATH_MAX) {
		ns = nvme_steer_named_path(head, answer);
		if (unlikely(!ns))
			nvme_steer_count(p->ctrl, NVME_STEER_EV_PATH_UNUSABLE);
		else
			nvme_steer_hold_answer(p, head, io, &args.path, answer);
	}
	trace_nvme_steer_path(&args.path, answer, ns);
	return ns;
}

static void nvme_steer_path_count(const struct nvme_ns *ns,
				  enum nvme_steer_event ev)
{
	struct nvme_steer_ctrl *sc = rcu_dereference(ns->ctrl->steer);

	if (likely(sc))
		nvme_steer_count(sc, ev);
}

/*
 * The path of an answer that holds for commands of this kind, and the answer;
 * or NULL: the policy is to be asked. In a task, under RCU.
 */
static __always_inline struct nvme_ns *
nvme_steer_held_path(const struct nvme_steer_policy *p,
		     struct nvme_ns_head *head, const struct io_ring_ctx *ring,
		     const struct nvme_steer_kind *kind, int *answer)
{
	*answer = nvme_steer_path_held(p, head, ring, kind);
	return *answer ? nvme_steer_named_path(head, *answer) : NULL;
}

/* Likewise of a command that is to be looked at. */
static struct nvme_ns *
nvme_steer_look_path(const struct nvme_steer_policy *p,
		     struct nvme_ns_head *head,
		     const struct nvme_steer_path_io *io)
{
	struct nvme_steer_path_args args nvme_steer_uninitialized;
	struct nvme_steer_kind kind;
	struct nvme_ns *ns;
	int answer;

	nvme_steer_fill_path(&args, head, io);
	kind = nvme_steer_path_kind(p, &args.path, io->bio);
	ns = nvme_steer_held_path(p, head, nvme_steer_path_ring(io->ioucmd),
				  &kind, &answer);
	if (ns && io->ioucmd)
		nvme_steer_mark_again(io->ioucmd, answer, kind.what,
				      p->path_kind.what);
	return ns;
}

/* The path that the policy has said or says, or the driver's. Under RCU. */
static struct nvme_ns *nvme_steer_choose_path(struct nvme_steer_policy *p,
					      struct nvme_ns_head *head,
					      const struct nvme_steer_path_io *io)
{
	struct nvme_ns *ns = NULL;

	lockdep_assert_in_rcu_reader();

	if (!p || unlikely(READ_ONCE(p->exit_kind)))
		return nvme_steer_own_path(head);
	/* where a command is like another the hook has looked, but for ioctls */
	if (p->path_answers && (p->path_looks || io->cmd) && in_task())
		ns = nvme_steer_look_path(p, head, io);
	if (!ns)
		ns = nvme_steer_ask_path(p, head, io);
	if (likely(ns)) {
		nvme_steer_path_count(ns, NVME_STEER_EV_PATH);
	} else {
		ns = nvme_steer_own_path(head);
		if (ns)
			nvme_steer_path_count(ns, NVME_STEER_EV_PATH_OWN);
	}
	return ns;
}

static noinline struct nvme_ns *
nvme_steer_choose_bio_path(struct nvme_steer_policy *p,
			   struct nvme_ns_head *head, struct bio *bio)
{
	return nvme_steer_choose_path(p, head, &(struct nvme_steer_path_io) {
		.bio = bio,
	});
}

static noinline struct nvme_ns *
nvme_steer_choose_uring_path(struct nvme_steer_policy *p,
			     struct nvme_ns_head *head,
			     struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	return nvme_steer_choose_path(p, head, &(struct nvme_steer_path_io) {
		.ioucmd = ioucmd,
		.issue_flags = issue_flags,
	});
}

/*
 * The path of an answer that holds, for a policy to which a command is like
 * another of that head, ring and cgroup; or NULL. In a task, under RCU.
 */
static __always_inline struct nvme_ns *
nvme_steer_same_path(const struct nvme_steer_policy *p,
		     struct nvme_ns_head *head, const struct io_ring_ctx *ring,
		     const struct bio *bio, int *answer)
{
	struct nvme_steer_kind kind = {
		.cgroup = (unsigned long)nvme_steer_cgroup_of(bio) &
			  p->path_kind.cgroup,
	};
	struct nvme_ns *ns;

	ns = nvme_steer_held_path(p, head, ring, &kind, answer);
	if (likely(ns))
		nvme_steer_path_count(ns, NVME_STEER_EV_PATH);
	return ns;
}

/* Is that what a command is to a policy, which there may not be? */
static __always_inline bool
nvme_steer_same_holds(const struct nvme_steer_policy *p)
{
	return p && p->path_answers && !p->path_looks &&
	       !READ_ONCE(p->exit_kind);
}

/* The hook path_bio. */
struct nvme_ns *nvme_steer_path_bio_hook(struct nvme_ns_head *head,
					 struct bio *bio)
{
	struct nvme_steer_policy *p;
	struct nvme_ns *ns = NULL;
	int answer;

	nvme_steer_enter();
	p = rcu_dereference(head->subsys->steer);
	if (nvme_steer_same_holds(p) && likely(in_task()))
		ns = nvme_steer_same_path(p, head, NULL, bio, &answer);
	if (unlikely(!ns))
		ns = nvme_steer_choose_bio_path(p, head, bio);
	nvme_steer_leave();
	return ns;
}

/* The hook path_uring. */
struct nvme_ns *nvme_steer_path_uring_hook(struct nvme_ns_head *head,
					   struct io_uring_cmd *ioucmd,
					   unsigned int issue_flags)
{
	struct nvme_steer_policy *p;
	struct nvme_ns *ns = NULL;
	int answer;

	nvme_steer_enter();
	p = rcu_dereference(head->subsys->steer);
	if (nvme_steer_same_holds(p))
		ns = nvme_steer_same_path(p, head,
					  cmd_to_io_kiocb(ioucmd)->ctx, NULL,
					  &answer);
	if (likely(ns))
		nvme_steer_mark_again(ioucmd, answer, 0, 0);
	else
		ns = nvme_steer_choose_uring_path(p, head, ioucmd, issue_flags);
	nvme_steer_leave();
	return ns;
}

/* The hook path_ioctl. */
struct nvme_ns *nvme_steer_path_ioctl_hook(struct nvme_ns_head *head,
					   const struct nvme_command *cmd,
					   u32 len)
{
	struct nvme_steer_path_io io = {
		.cmd = cmd,
		.len = len,
	};
	struct nvme_ns *ns;

	nvme_steer_enter();
	ns = nvme_steer_choose_path(rcu_dereference(head->subsys->steer), head,
				    &io);
	nvme_steer_leave();
	return ns;
}

/* The hook path_start: it may be the one whose time is taken. */
void nvme_steer_path_start_hook(struct request *req)
{
	struct nvme_steer_ctrl *sc;

	nvme_steer_enter();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	if (sc)
		nvme_steer_load_start(&sc->load, req);
	nvme_steer_leave();
}

/* The hook path_end. What fails over has lost its bios, and its status. */
bool nvme_steer_path_end_hook(struct request *req)
{
	bool own = blk_rq_is_passthrough(req), good = !nvme_req(req)->status;
	struct nvme_steer_ctrl *sc;
	bool again;

	again = own && !good && nvme_steer_path_again(req);
	nvme_steer_enter();
	sc = rcu_dereference(nvme_req(req)->ctrl->steer);
	if (sc) {
		nvme_steer_load_end(&sc->load, req,
				    good && (own || req->bio));
		if (again)
			nvme_steer_count(sc, NVME_STEER_EV_PATH_RETRY);
	}
	nvme_steer_leave();
	return again;
}

/* The attribute path. */
int nvme_steer_print_path(struct nvme_steer_ctrl *sc, char *buf)
{
	const char *name = "-";
	struct nvme_steer_policy *p;
	int len, decides = -1;
	u64 now = 0;

	rcu_read_lock();
	p = rcu_dereference(sc->nvme->subsys->steer);
	if (p) {
		decides = p->ctrl->instance;
		name = p->name;
	}
	len = sysfs_emit(buf, "ctrl=%d policy=%s inflight=%u latency_us=%u\n",
			 decides, name,
			 p ? nvme_steer_path_inflight(sc->nvme, sc) : 0,
			 p ? nvme_steer_path_latency(sc, &now) : 0);
	rcu_read_unlock();
	return len;
}
