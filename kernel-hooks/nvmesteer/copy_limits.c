// SPDX-License-Identifier: GPL-2.0
/*
 * What a controller and its namespaces can copy by themselves, asked once after
 * each start of the controller, and the formats for copies between namespaces,
 * which are enabled while a policy is attached.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "copy.h"

MODULE_IMPORT_NS(NVME_TARGET_PASSTHRU);

/* Identify data that linux/nvme.h does not name; NVM Command Set 1.0, 4.1. */
#define NVME_STEER_ID_NS_MSSRL		74
#define NVME_STEER_ID_NS_MCL		76
#define NVME_STEER_ID_NS_MSRC		80
#define NVME_STEER_ID_CTRL_OCFS		534
/* Copy Descriptor Formats Enable, in Host Behavior Support. */
#define NVME_STEER_HOST_CDFE		4
#define NVME_STEER_CDFE_FORMATS		0xc	/* 2h and 3h */

static int nvme_steer_identify(struct nvme_ctrl *nvme, u8 cns, u32 nsid,
			       void *data)
{
	struct nvme_command cmd = {
		.identify.opcode = nvme_admin_identify,
		.identify.nsid = cpu_to_le32(nsid),
		.identify.cns = cns,
	};
	int ret;

	ret = nvme_submit_sync_cmd(nvme->admin_q, &cmd, data,
				   NVME_IDENTIFY_DATA_SIZE);
	return ret > 0 ? -EIO : ret;
}

/* Enable the formats for several namespaces, or disable them again. */
static int nvme_steer_set_cdfe(struct nvme_ctrl *nvme, u16 formats)
{
	u8 *host = kzalloc(sizeof(struct nvme_feat_host_behavior), GFP_KERNEL);
	int ret;

	if (!host)
		return -ENOMEM;
	ret = nvme_get_features(nvme, NVME_FEAT_HOST_BEHAVIOR, 0, host,
				sizeof(struct nvme_feat_host_behavior), NULL);
	if (!ret) {
		put_unaligned_le16(formats, host + NVME_STEER_HOST_CDFE);
		ret = nvme_set_features(nvme, NVME_FEAT_HOST_BEHAVIOR, 0, host,
				sizeof(struct nvme_feat_host_behavior), NULL);
	}
	kfree(host);
	return ret > 0 ? -EIO : ret;
}

/* The formats of the controller, once after each of its starts. */
static int nvme_steer_read_formats(struct nvme_steer_ctrl *sc,
				   unsigned int generation)
{
	struct nvme_steer_copier *c = &sc->copier;
	u16 cross;
	u8 *id;
	int ret;

	lockdep_assert_held(&c->lock);

	if (c->generation == generation)
		return 0;
	c->formats = 0;
	c->cdfe = false;
	if (!(sc->nvme->oncs & NVME_STEER_ONCS_COPY)) {
		c->generation = generation;
		return 0;
	}
	id = kmalloc(NVME_IDENTIFY_DATA_SIZE, GFP_KERNEL);
	if (!id)
		return -ENOMEM;
	ret = nvme_steer_identify(sc->nvme, NVME_ID_CNS_CTRL, 0, id);
	if (!ret) {
		c->generation = generation;
		/* without OCFS it is format 0h, NVM Command Set 1.0 */
		c->formats = get_unaligned_le16(id + NVME_STEER_ID_CTRL_OCFS) &
			     (BIT(NVME_STEER_COPY_FORMATS) - 1);
		if (!c->formats)
			c->formats = BIT(0);
	}
	kfree(id);
	cross = c->formats & NVME_STEER_CDFE_FORMATS;
	c->formats &= ~NVME_STEER_CDFE_FORMATS;
	if (cross && !c->closed) {
		c->cdfe = true;
		if (!nvme_steer_set_cdfe(sc->nvme, cross))
			c->formats |= cross;
		else
			c->cdfe = false;
	}
	return ret;
}

/* Ask about a namespace, and remember. */
static struct nvme_steer_copy_ns *
nvme_steer_read_limits(struct nvme_steer_ctrl *sc, struct nvme_ns *ns,
		       struct nvme_steer_copy_ns *old)
{
	struct nvme_steer_copier *c = &sc->copier;
	unsigned int generation = READ_ONCE(sc->generation);
	struct nvme_steer_copy_ns *l;
	int ret;
	u8 *id;

	lockdep_assert_held(&c->lock);

	if (c->gone || !READ_ONCE(sc->up))
		return ERR_PTR(-ENODEV);
	ret = nvme_steer_read_formats(sc, generation);
	if (ret)
		return ERR_PTR(ret);
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	id = kmalloc(NVME_IDENTIFY_DATA_SIZE, GFP_KERNEL);
	if (!l || !id) {
		ret = -ENOMEM;
		goto free;
	}
	l->nsid = ns->head->ns_id;
	l->generation = generation;
	l->lba_shift = ns->head->lba_shift;
	l->max_bytes = old ? READ_ONCE(old->max_bytes) : U64_MAX;
	if (c->formats) {
		ret = nvme_steer_identify(sc->nvme, NVME_ID_CNS_NS, l->nsid, id);
		if (ret)
			goto free;
		l->mssrl = get_unaligned_le16(id + NVME_STEER_ID_NS_MSSRL);
		l->mcl = get_unaligned_le32(id + NVME_STEER_ID_NS_MCL);
		l->msrc = id[NVME_STEER_ID_NS_MSRC] + 1;
	}
	/* a drive may report that it can copy nothing */
	if (l->mssrl && l->mcl)
		l->formats = c->formats;
	else
		l->mssrl = l->mcl = l->msrc = 0;
	if (old && READ_ONCE(old->doubt) == NVME_STEER_COPY_DOUBTED &&
	    l->mssrl == old->mssrl && l->mcl == old->mcl &&
	    l->msrc == old->msrc)
		l->doubt = NVME_STEER_COPY_CONFIRMED;
	old = xa_store(&c->limits, l->nsid, l, GFP_KERNEL);
	ret = xa_err(old);
	if (!ret) {
		if (l->nsid <= NVME_STEER_COPY_FIRST)
			rcu_assign_pointer(c->first[l->nsid - 1], l);
		if (old)
			kfree_rcu(old, rcu);
		kfree(id);
		return l;
	}
free:
	kfree(id);
	kfree(l);
	return ERR_PTR(ret);
}

/**
 * nvme_steer_copy_limits - what copies a namespace can be part of
 * @sc: its controller
 * @ns: the namespace
 * @sleep: may wait for admin commands
 * @limits: gets the answer
 *
 * Return: 0; -EAGAIN (they are not known, and @sleep is false), -ENODEV
 * (the controller is not up), -EIO, -ENOMEM.
 */
int nvme_steer_copy_limits(struct nvme_steer_ctrl *sc, struct nvme_ns *ns,
			   bool sleep, struct nvme_steer_copy_ns *limits)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_ns *l;
	bool holds;
	int ret = 0;

	nvme_steer_enter();
	l = xa_load(&c->limits, ns->head->ns_id);
	holds = nvme_steer_limits_hold(sc, ns, l);
	if (holds)
		*limits = *l;
	nvme_steer_leave();
	if (likely(holds))
		return 0;
	if (!sleep)
		return -EAGAIN;

	mutex_lock(&c->lock);
	l = xa_load(&c->limits, ns->head->ns_id);
	if (!nvme_steer_limits_hold(sc, ns, l))
		l = nvme_steer_read_limits(sc, ns, l);
	if (IS_ERR(l))
		ret = PTR_ERR(l);
	else
		*limits = *l;
	mutex_unlock(&c->lock);
	return ret;
}

/* The most bytes of a Copy command. */
u64 nvme_steer_copy_hw_bytes(const struct nvme_steer_copy_ns *limits)
{
	u64 blocks = min_t(u64, limits->mcl,
			   (u64)limits->mssrl * limits->msrc);

	return blocks << limits->lba_shift;
}

/* Ask anew when somebody wants to know: the formats are others now. */
static void nvme_steer_forget_limits(struct nvme_steer_copier *c)
{
	struct nvme_steer_copy_ns *l;
	unsigned long nsid;

	lockdep_assert_held(&c->lock);

	c->generation = 0;
	xa_for_each(&c->limits, nsid, l)
		WRITE_ONCE(l->generation, 0);
}

/**
 * nvme_steer_copy_attached - a policy is attached, where there was none
 * @sc: its controller
 *
 * Asks what the controller can do, so that the first copy need not.
 *
 * Context: process, under sc->policy_lock.
 */
void nvme_steer_copy_attached(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_ns *l;
	struct nvme_ns *ns;
	int idx;

	lockdep_assert_held(&sc->policy_lock);

	mutex_lock(&c->lock);
	if (c->gone)
		goto unlock;
	/*
	 * A Copy of several namespaces by who may not read those fails as long
	 * as the formats are disabled: not before each command that comes is
	 * looked at. One that has come before and still waits for a tag or for
	 * its memory is not waited for: nothing less than freezing the
	 * namespaces would find it, and that sends what comes meanwhile to
	 * io-wq, where the driver's own path cannot be relied on; see
	 * nvme_steer_again().
	 */
	synchronize_rcu();
	nvme_steer_forget_limits(c);
	c->closed = false;

	idx = srcu_read_lock(&sc->nvme->srcu);
	list_for_each_entry_srcu(ns, &sc->nvme->namespaces, list,
				 srcu_read_lock_held(&sc->nvme->srcu)) {
		l = xa_load(&c->limits, ns->head->ns_id);
		if (!nvme_steer_limits_hold(sc, ns, l) &&
		    IS_ERR(nvme_steer_read_limits(sc, ns, l)))
			break;
	}
	srcu_read_unlock(&sc->nvme->srcu, idx);
unlock:
	mutex_unlock(&c->lock);
}

/**
 * nvme_steer_copy_detaching - no policy is going to be attached
 * @sc: the controller it is attached to still
 *
 * Copies between namespaces must not be possible any more once Copy commands
 * are not looked at: whoever may write to one namespace could read all others.
 *
 * Context: process, under sc->policy_lock.
 */
void nvme_steer_copy_detaching(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;

	lockdep_assert_held(&sc->policy_lock);

	mutex_lock(&c->lock);
	c->closed = true;
	if (c->cdfe && !c->gone && c->generation == READ_ONCE(sc->generation) &&
	    READ_ONCE(sc->up) && nvme_steer_set_cdfe(sc->nvme, 0))
		dev_warn(sc->nvme->device,
			 "copy formats for several namespaces stay enabled until the next reset\n");
	nvme_steer_forget_limits(c);
	mutex_unlock(&c->lock);
}

/**
 * nvme_steer_copy_limits_wrong - a Copy was refused for its size
 * @sc: the controller
 * @nsid: the destination
 *
 * It may have other limits now than when it was asked, by a format for instance:
 * the next copy asks again, once, if they are the same. Larger ones are not
 * noticed before a reset.
 *
 * Context: any.
 */
void nvme_steer_copy_limits_wrong(struct nvme_steer_ctrl *sc, u32 nsid)
{
	struct nvme_steer_copy_ns *l;

	rcu_read_lock();
	l = xa_load(&sc->copier.limits, nsid);
	if (l && READ_ONCE(l->doubt) == NVME_STEER_COPY_BELIEVED) {
		WRITE_ONCE(l->doubt, NVME_STEER_COPY_DOUBTED);
		WRITE_ONCE(l->generation, 0);
	}
	rcu_read_unlock();
}

/* Set copy_max_bytes of a namespace. -ENOENT: there is no such namespace. */
int nvme_steer_copy_set_max(struct nvme_steer_ctrl *sc, u32 nsid, u64 bytes)
{
	struct nvme_steer_copy_ns limits, *l;
	struct nvme_ns *ns = nvme_find_get_ns(sc->nvme, nsid);
	int ret;

	if (!ns)
		return -ENOENT;
	ret = nvme_steer_copy_limits(sc, ns, true, &limits);
	nvme_put_ns(ns);
	if (ret)
		return ret;
	mutex_lock(&sc->copier.lock);
	l = xa_load(&sc->copier.limits, nsid);
	if (l)
		WRITE_ONCE(l->max_bytes, bytes);
	mutex_unlock(&sc->copier.lock);
	return 0;
}

static int nvme_steer_print_limits(const struct nvme_steer_copy_ns *l,
				   char *buf, size_t size)
{
	int i, len = scnprintf(buf, size, "%u formats=", l->nsid);
	u64 hw = nvme_steer_copy_hw_bytes(l);
	const char *comma = "";

	for (i = 0; i < NVME_STEER_COPY_FORMATS; i++) {
		if (!(l->formats & BIT(i)))
			continue;
		len += scnprintf(buf + len, size - len, "%s%d", comma, i);
		comma = ",";
	}
	if (!l->formats)
		len += scnprintf(buf + len, size - len, "-");
	return len + scnprintf(buf + len, size - len,
			" mssrl=%u mcl=%u msrc=%u cross_ns=%d max_hw_bytes=%llu max_bytes=%llu\n",
			l->mssrl, l->mcl, l->msrc,
			!!(l->formats & NVME_STEER_CDFE_FORMATS), hw,
			min(hw, READ_ONCE(l->max_bytes)));
}

/* As it may be written to copy_max_bytes. */
static int nvme_steer_print_ns_max(const struct nvme_steer_copy_ns *l,
				   char *buf, size_t size)
{
	return scnprintf(buf, size, "%u %llu\n", l->nsid,
			 READ_ONCE(l->max_bytes));
}

/* Print something of each namespace, a line each. */
static int
nvme_steer_print_each(struct nvme_steer_ctrl *sc, char *buf, size_t size,
		      int (*print)(const struct nvme_steer_copy_ns *l,
				   char *buf, size_t size))
{
	struct nvme_steer_copy_ns limits;
	struct nvme_ns *ns;
	int idx, len = 0;

	idx = srcu_read_lock(&sc->nvme->srcu);
	list_for_each_entry_srcu(ns, &sc->nvme->namespaces, list,
				 srcu_read_lock_held(&sc->nvme->srcu))
		if (!nvme_steer_copy_limits(sc, ns, true, &limits))
			len += print(&limits, buf + len, size - len);
	srcu_read_unlock(&sc->nvme->srcu, idx);
	return len;
}

/* Print what each namespace can be part of, a line each. */
int nvme_steer_print_copy(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	return nvme_steer_print_each(sc, buf, size, nvme_steer_print_limits);
}

/* Print what was set for each namespace, a line each. */
int nvme_steer_print_max(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	return nvme_steer_print_each(sc, buf, size, nvme_steer_print_ns_max);
}

void nvme_steer_copy_init(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;

	mutex_init(&c->lock);
	xa_init(&c->limits);
	c->closed = true;
	nvme_steer_bufs_init(sc);
}

/**
 * nvme_steer_copy_away - the controller is going away
 * @sc: its queues are abandoned, its namespaces gone
 *
 * Context: process. The controller is not asked any more afterwards, and no
 * copy has memory that is mapped for it.
 */
void nvme_steer_copy_away(struct nvme_steer_ctrl *sc)
{
	mutex_lock(&sc->copier.lock);
	sc->copier.gone = true;
	mutex_unlock(&sc->copier.lock);
	nvme_steer_bufs_exit(sc);
}

/* Nobody uses @sc any more. */
void nvme_steer_copy_exit(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copy_ns *l;
	unsigned long nsid;

	xa_for_each(&sc->copier.limits, nsid, l)
		kfree(l);
	xa_destroy(&sc->copier.limits);
}
