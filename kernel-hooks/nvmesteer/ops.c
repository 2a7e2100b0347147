// SPDX-License-Identifier: GPL-2.0
/*
 * The struct_ops type nvme_steer_ops: what BPF must know to verify a policy,
 * and the way from a policy's object to struct nvme_steer_policy. The only
 * file that touches the members of struct nvme_steer_ops: used in a second
 * file, the type would be in this module's BTF twice, and could not be
 * registered.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "path_hold.h"

/* This module's BTF: tells our struct_ops type from others'. */
static const struct btf *nvme_steer_ops_btf;

static int nvme_steer_ops_init(struct btf *btf)
{
	nvme_steer_ops_btf = btf;
	return 0;
}

/**
 * nvme_steer_ops_is - is a program the operation of that name of a policy?
 * @prog: a program being verified
 * @op: the member's name
 */
bool nvme_steer_ops_is(const struct bpf_prog *prog, const char *op)
{
	return prog->type == BPF_PROG_TYPE_STRUCT_OPS &&
	       prog->aux->attach_btf == nvme_steer_ops_btf &&
	       prog->aux->attach_func_name &&
	       !strcmp(prog->aux->attach_func_name, op);
}

static const struct bpf_func_proto *
nvme_steer_ops_get_func_proto(enum bpf_func_id id, const struct bpf_prog *prog)
{
	return bpf_base_func_proto(id, prog);
}

static bool nvme_steer_ops_is_valid_access(int off, int size,
					   enum bpf_access_type type,
					   const struct bpf_prog *prog,
					   struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static int nvme_steer_ops_btf_struct_access(struct bpf_verifier_log *log,
					    const struct bpf_reg_state *reg,
					    int off, int size)
{
	bpf_log(log, "the arguments of a policy's operations are read-only\n");
	return -EACCES;
}

static const struct bpf_verifier_ops nvme_steer_verifier_ops = {
	.get_func_proto		= nvme_steer_ops_get_func_proto,
	.is_valid_access	= nvme_steer_ops_is_valid_access,
	.btf_struct_access	= nvme_steer_ops_btf_struct_access,
};

static int nvme_steer_ops_check_member(const struct btf_type *t,
				       const struct btf_member *member,
				       const struct bpf_prog *prog)
{
	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct nvme_steer_ops, init):
	case offsetof(struct nvme_steer_ops, exit):
		return 0;
	}
	/* they run under rcu_read_lock(), or in an interrupt */
	return prog->sleepable ? -EINVAL : 0;
}

static bool nvme_steer_name_fits(const char *name)
{
	size_t i, len = strnlen(name, NVME_STEER_NAME_LEN);

	if (!len || len == NVME_STEER_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '.')
			return false;
	return true;
}

/* 1: the member is dealt with; 0: a function pointer, BPF deals with it. */
static int nvme_steer_ops_init_member(const struct btf_type *t,
				      const struct btf_member *member,
				      void *kdata, const void *udata)
{
	const struct nvme_steer_ops *u = udata;
	struct nvme_steer_ops *k = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct nvme_steer_ops, ctrl):
		k->ctrl = u->ctrl;
		return 1;
	case offsetof(struct nvme_steer_ops, route):
		/* in @udata it is the program's file descriptor */
		nvme_steer_prog_note(kdata, "route", (unsigned long)u->route);
		return 0;
	case offsetof(struct nvme_steer_ops, batch):
		nvme_steer_prog_note(kdata, "batch", (unsigned long)u->batch);
		return 0;
	case offsetof(struct nvme_steer_ops, copy):
		nvme_steer_prog_note(kdata, "copy", (unsigned long)u->copy);
		return 0;
	case offsetof(struct nvme_steer_ops, copied):
		nvme_steer_prog_note(kdata, "copied", (unsigned long)u->copied);
		return 0;
	case offsetof(struct nvme_steer_ops, path):
		nvme_steer_prog_note(kdata, "path", (unsigned long)u->path);
		return 0;
	case offsetof(struct nvme_steer_ops, flags):
		if (u->flags & ~NVME_STEER_OPS_FLAGS)
			return -EINVAL;
		k->flags = u->flags;
		return 1;
	case offsetof(struct nvme_steer_ops, timeout_ms):
		if (u->timeout_ms > jiffies_to_msecs(NVME_IO_TIMEOUT))
			return -ERANGE;
		k->timeout_ms = u->timeout_ms;
		return 1;
	case offsetof(struct nvme_steer_ops, hold_ms):
		if (u->hold_ms > NVME_STEER_HOLD_MAX_MS)
			return -ERANGE;
		k->hold_ms = u->hold_ms;
		return 1;
	case offsetof(struct nvme_steer_ops, hold_by):
		if (u->hold_by & ~NVME_STEER_BY_ALL)
			return -EINVAL;
		k->hold_by = u->hold_by;
		return 1;
	case offsetof(struct nvme_steer_ops, path_hold_ms):
		if (u->path_hold_ms > NVME_STEER_HOLD_MAX_MS)
			return -ERANGE;
		k->path_hold_ms = u->path_hold_ms;
		return 1;
	case offsetof(struct nvme_steer_ops, path_hold_more):
		if (u->path_hold_more > NVME_STEER_HOLD_MAX_MORE)
			return -ERANGE;
		k->path_hold_more = u->path_hold_more;
		return 1;
	case offsetof(struct nvme_steer_ops, abi):
		if (u->abi > NVME_STEER_ABI)
			return -EPROTO;
		k->abi = u->abi;
		return 1;
	case offsetof(struct nvme_steer_ops, name):
		if (!nvme_steer_name_fits(u->name))
			return -EINVAL;
		strscpy(k->name, u->name);
		return 1;
	}
	return 0;
}

/* Its answers hold for a kind of command: say what makes one. */
static void nvme_steer_hold_kind(struct nvme_steer_policy *p,
				 const struct nvme_steer_ops *ops)
{
	u32 by = ops->hold_by;

	p->kind = nvme_steer_kind_mask(by, U32_MAX);
	p->kind_block = nvme_steer_kind_mask(by, NVME_STEER_OPF_MASK);
	/* always, because it takes another queue */
	p->kind.what |= (u64)NVME_STEER_CMD_POLLED << 32;
	p->kind_block.what |= (u64)(__force u32)REQ_POLLED << 32;
	p->hold_kind = msecs_to_jiffies(ops->hold_ms);
}

/* Likewise of its path(): whether it is polled for makes no difference there. */
static bool nvme_steer_hold_path(struct nvme_steer_policy *p,
				 const struct nvme_steer_ops *ops)
{
	p->path_kind = nvme_steer_kind_mask(ops->hold_by,
					    ~NVME_STEER_CMD_RANGE);
	p->path_looks = p->path_kind.what || p->path_kind.where;
	p->path_hold = msecs_to_jiffies(ops->path_hold_ms);
	p->path_more = ops->path_hold_more;
	p->path_answers = alloc_percpu(struct nvme_steer_path_answers);
	return p->path_answers;
}

/* A policy with a reference on its controller, or an ERR_PTR. */
static struct nvme_steer_policy *
nvme_steer_ops_to_policy(const struct nvme_steer_ops *ops)
{
	struct nvme_steer_policy *p = kzalloc(sizeof(*p), GFP_KERNEL);
	enum nvme_steer_call call;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->ctrl = nvme_steer_ctrl_find(ops->ctrl);
	if (!p->ctrl) {
		kfree(p);
		return ERR_PTR(-ENODEV);
	}
	if (ops->path && ops->path_hold_ms && !nvme_steer_hold_path(p, ops)) {
		nvme_steer_ctrl_put(p->ctrl);
		kfree(p);
		return ERR_PTR(-ENOMEM);
	}
	p->route = ops->route;
	p->batch = ops->batch;
	p->copy = ops->copy;
	p->copied = ops->copied;
	p->path = ops->path;
	for (call = 0; call < NVME_STEER_NR_CALLS; call++)
		p->timed[call].prog =
			nvme_steer_prog_get(ops, nvme_steer_call_name(call));
	INIT_LIST_HEAD(&p->path_entry);
	p->per_batch = ops->flags & NVME_STEER_OPS_PER_BATCH;
	p->copies_only = (ops->flags & NVME_STEER_OPS_COPIES) || !ops->route;
	p->block = (ops->flags & NVME_STEER_OPS_BLOCK) && !p->copies_only;
	if (ops->hold_by)
		nvme_steer_hold_kind(p, ops);
	else
		p->hold = msecs_to_jiffies(ops->hold_ms);
	p->init = ops->init;
	p->exit = ops->exit;
	p->timeout = ops->timeout_ms ? msecs_to_jiffies(ops->timeout_ms) :
				       NVME_IO_TIMEOUT;
	strscpy(p->name, ops->name);
	return p;
}

static int nvme_steer_ops_reg(void *kdata, struct bpf_link *link)
{
	struct nvme_steer_policy *p;

	/* without a link there would be nothing to detach on ejection */
	if (!link)
		return -EOPNOTSUPP;
	p = nvme_steer_ops_to_policy(kdata);
	return IS_ERR(p) ? PTR_ERR(p) : nvme_steer_policy_attach(p, link);
}

static void nvme_steer_ops_unreg(void *kdata, struct bpf_link *link)
{
	nvme_steer_policy_detach(link);
}

static int nvme_steer_ops_update(void *kdata, void *old_kdata,
				 struct bpf_link *link)
{
	struct nvme_steer_policy *p = nvme_steer_ops_to_policy(kdata);

	return IS_ERR(p) ? PTR_ERR(p) : nvme_steer_policy_replace(p, link);
}

static int nvme_steer_ops__init(struct nvme_steer_dev *dev)
{
	return 0;
}

static void nvme_steer_ops__exit(struct nvme_steer_exit *info)
{
}

static int nvme_steer_ops__route(struct nvme_steer_cmd *cmd)
{
	return NVME_STEER_DEFAULT;
}

static int nvme_steer_ops__batch(struct nvme_steer_batch *b)
{
	return 0;
}

static int nvme_steer_ops__copy(struct nvme_steer_copy *cp)
{
	return NVME_STEER_COPY_DEFAULT;
}

static void nvme_steer_ops__copied(struct nvme_steer_copied *ev)
{
}

static int nvme_steer_ops__path(struct nvme_steer_path *p)
{
	return NVME_STEER_PATH_OWN;
}

static struct nvme_steer_ops nvme_steer_ops_stubs = {
	.init	= nvme_steer_ops__init,
	.exit	= nvme_steer_ops__exit,
	.route	= nvme_steer_ops__route,
	.batch	= nvme_steer_ops__batch,
	.copy	= nvme_steer_ops__copy,
	.copied	= nvme_steer_ops__copied,
	.path	= nvme_steer_ops__path,
};

static struct bpf_struct_ops nvme_steer_bpf_ops = {
	.verifier_ops	= &nvme_steer_verifier_ops,
	.init		= nvme_steer_ops_init,
	.check_member	= nvme_steer_ops_check_member,
	.init_member	= nvme_steer_ops_init_member,
	.reg		= nvme_steer_ops_reg,
	.unreg		= nvme_steer_ops_unreg,
	.update		= nvme_steer_ops_update,
	.cfi_stubs	= &nvme_steer_ops_stubs,
	.name		= "nvme_steer_ops",
	.owner		= THIS_MODULE,
};

int nvme_steer_ops_register(void)
{
	return register_bpf_struct_ops(&nvme_steer_bpf_ops, nvme_steer_ops);
}
