// SPDX-License-Identifier: GPL-2.0
/*
 * What a policy may call: documented for its author in policy.bpf.h. Which
 * operation may call what is checked when the program is verified.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/hash.h>
#include <linux/module.h>

#include "block.h"
#include "path.h"
#include "share.h"

static struct nvme_steer_dev_args *nvme_steer_dev_args(struct nvme_steer_dev *dev)
{
	return container_of(dev, struct nvme_steer_dev_args, dev);
}

static struct nvme_steer_route_args *
nvme_steer_route_args(struct nvme_steer_cmd *cmd)
{
	return container_of(cmd, struct nvme_steer_route_args, cmd);
}

/* route() runs under rcu_read_lock() */
static struct nvme_steer_queue *nvme_steer_cmd_queue(struct nvme_steer_cmd *cmd,
						     u32 number)
{
	struct nvme_steer_ctrl *sc = nvme_steer_route_args(cmd)->policy->ctrl;

	if (number > NVME_STEER_MAX_QUEUES)
		return NULL;
	return rcu_dereference(sc->queues[number]);
}

static int nvme_steer_create(struct nvme_steer_dev *dev, u32 number, u32 mode,
			     u32 depth, u32 share)
{
	struct nvme_steer_dev_args *args = nvme_steer_dev_args(dev);
	struct nvme_steer_ctrl *sc = args->policy->ctrl;
	struct nvme_steer_queue *q;
	int ret;

	mutex_lock(&sc->queue_lock);
	q = nvme_steer_queue_create(sc, number, mode, depth, share,
				    args->policy);
	ret = IS_ERR(q) ? PTR_ERR(q) : q->number;
	mutex_unlock(&sc->queue_lock);
	return ret;
}

__bpf_kfunc_start_defs();

__bpf_kfunc int bpf_nvme_steer_create_queue(struct nvme_steer_dev *dev,
					    u32 number, u32 mode, u32 depth)
{
	return nvme_steer_create(dev, number, mode, depth, 0);
}

__bpf_kfunc int bpf_nvme_steer_create_shared(struct nvme_steer_dev *dev,
					     u32 number, u32 mode, u32 depth,
					     u32 share)
{
	struct nvme_steer_policy *p = nvme_steer_dev_args(dev)->policy;

	if (!p->shares)
		return -ENOENT;
	if (!share || share >= p->shares->max_entries)
		return -ERANGE;
	return nvme_steer_create(dev, number, mode, depth, share);
}

__bpf_kfunc int bpf_nvme_steer_shares(struct nvme_steer_dev *dev,
				      void *shares__map)
{
	return nvme_steer_share_limits(nvme_steer_dev_args(dev)->policy,
				       shares__map);
}

__bpf_kfunc int bpf_nvme_steer_free_queue(struct nvme_steer_dev *dev,
					  u32 number)
{
	struct nvme_steer_dev_args *args = nvme_steer_dev_args(dev);
	struct nvme_steer_ctrl *sc = args->policy->ctrl;
	struct nvme_steer_queue *q = NULL;
	int ret = 0;

	mutex_lock(&sc->queue_lock);
	if (number <= NVME_STEER_MAX_QUEUES)
		q = rcu_dereference_protected(sc->queues[number],
				lockdep_is_held(&sc->queue_lock));
	if (!q)
		ret = -ENOENT;
	else if (q->heir == args->policy)
		q->heir = NULL;		/* goes with its present owner */
	else if (q->owner != args->policy)
		ret = -EPERM;
	else
		nvme_steer_queue_free(q);
	mutex_unlock(&sc->queue_lock);
	return ret;
}

__bpf_kfunc int bpf_nvme_steer_weights(struct nvme_steer_dev *dev, u32 high,
				       u32 medium, u32 low)
{
	struct nvme_steer_weights *w = &nvme_steer_dev_args(dev)->policy->weights;

	if (!high || high > NVME_STEER_MAX_WEIGHT || !medium ||
	    medium > NVME_STEER_MAX_WEIGHT || !low ||
	    low > NVME_STEER_MAX_WEIGHT)
		return -EINVAL;
	*w = (struct nvme_steer_weights) {
		.high = high,
		.medium = medium,
		.low = low,
	};
	return 0;
}

__bpf_kfunc u32 bpf_nvme_steer_queue_depth(struct nvme_steer_cmd *cmd,
					   u32 number)
{
	struct nvme_steer_queue *q = nvme_steer_cmd_queue(cmd, number);

	return q && nvme_steer_is_open(q) ? q->depth - 1 : 0;
}

__bpf_kfunc u32 bpf_nvme_steer_queue_inflight(struct nvme_steer_cmd *cmd,
					      u32 number)
{
	struct nvme_steer_queue *q = nvme_steer_cmd_queue(cmd, number);

	return q ? nvme_steer_queue_inflight(q) : 0;
}

__bpf_kfunc u64 bpf_nvme_steer_ring_id(struct nvme_steer_cmd *cmd)
{
	if (cmd->source == NVME_STEER_SRC_BLOCK)
		return 0;
	/* a bijection, so different for different rings; not the address */
	return (unsigned long)nvme_steer_route_args(cmd)->ring *
	       GOLDEN_RATIO_64;
}

__bpf_kfunc u64 bpf_nvme_steer_cgroup_id(struct nvme_steer_cmd *cmd, u32 up)
{
	struct request *req = NULL;

	if (cmd->source == NVME_STEER_SRC_BLOCK)
		req = nvme_steer_route_args(cmd)->req;
	return nvme_steer_block_cgroup(req, up);
}

__bpf_kfunc u64 bpf_nvme_steer_path_cgroup_id(struct nvme_steer_path *p, u32 up)
{
	const struct nvme_steer_path_args *args =
		container_of(p, struct nvme_steer_path_args, path);

	return nvme_steer_bio_cgroup(args->bio, up);
}

__bpf_kfunc void bpf_nvme_steer_error(struct nvme_steer_cmd *cmd, s32 code,
				      const char *reason__str)
{
	struct nvme_steer_policy *p = nvme_steer_route_args(cmd)->policy;

	/* before the end is written down */
	if (!READ_ONCE(p->exit_kind))
		nvme_steer_note_call(&p->timed[NVME_STEER_CALL_ROUTE], cmd,
				     code, 0);
	nvme_steer_policy_end(p, NVME_STEER_EXIT_ERROR, code, reason__str);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(nvme_steer_kfuncs)
BTF_ID_FLAGS(func, bpf_nvme_steer_create_queue, KF_SLEEPABLE | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_create_shared, KF_SLEEPABLE | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_shares, KF_SLEEPABLE | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_free_queue, KF_SLEEPABLE | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_weights, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_queue_depth, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_queue_inflight, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_ring_id, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_cgroup_id, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_path_cgroup_id, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_nvme_steer_error, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(nvme_steer_kfuncs)

/*
 * Only programs of a policy may call them; the kernel asks about this module's
 * kfuncs alone. Which operation may call which follows from the argument: only
 * init() is given a controller, only route() a command, only path() paths, and
 * the "opaque" member keeps the verifier from taking other memory for them. The
 * ids are not looked at: they are relocated in the kernel's copy of the set
 * only.
 */
static int nvme_steer_kfunc_filter(const struct bpf_prog *prog, u32 id)
{
	return nvme_steer_ops_is(prog, "init") ||
	       nvme_steer_ops_is(prog, "route") ||
	       nvme_steer_ops_is(prog, "path") ? 0 : -EACCES;
}

static const struct btf_kfunc_id_set nvme_steer_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &nvme_steer_kfuncs,
	.filter	= nvme_steer_kfunc_filter,
};

int nvme_steer_kfunc_register(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS,
					 &nvme_steer_kfunc_set);
}
