// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of copies: buffers that stay mapped for their controller while
 * copies go on, few and bounded, however long the copies are.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "copy.h"

static unsigned int nvme_steer_copy_mb = 32;
module_param_named(copy_mb, nvme_steer_copy_mb, uint, 0644);
MODULE_PARM_DESC(copy_mb,
	"MiB of buffers that copies may use, of all controllers together; each with a policy has 272 KiB anyway");

/* How long a controller keeps buffers that no copy uses. */
#define NVME_STEER_BUF_IDLE	(5 * HZ)

/*
 * Bytes in buffers, of all controllers, those being allocated included, and the
 * most there were; and lanes that wait for one. All under the lock, with
 * interrupts disabled, which is taken before copier.buf_lock.
 *
 * A controller has one buffer of each kind at least, from before a policy is
 * attached until that is detached and the last copy has ended: no copy needs
 * more to get on. A lane that waits holds none, so while it does its controller's
 * are used by others, who will put them, or idle, and then they are offered to
 * it once it can be seen waiting. Who puts one gives it to the first that can
 * use it; if none can, or there are fewer bytes, the first of all may try again
 * (@turn).
 */
static long nvme_steer_buf_bytes, nvme_steer_buf_most;
static DEFINE_SPINLOCK(nvme_steer_waiters_lock);
LIST_HEAD(nvme_steer_waiters);

static int nvme_steer_show_long(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%ld\n", READ_ONCE(*(long *)param->arg));
}

static int nvme_steer_restart_most(const char *text,
				   const struct kernel_param *param)
{
	spin_lock_irq(&nvme_steer_waiters_lock);
	nvme_steer_buf_most = nvme_steer_buf_bytes;
	spin_unlock_irq(&nvme_steer_waiters_lock);
	return 0;
}

static const struct kernel_param_ops nvme_steer_bytes_ops = {
	.get = nvme_steer_show_long,
};
module_param_cb(copy_bytes, &nvme_steer_bytes_ops, &nvme_steer_buf_bytes, 0444);
MODULE_PARM_DESC(copy_bytes, "bytes in buffers of copies now");

static const struct kernel_param_ops nvme_steer_most_ops = {
	.set = nvme_steer_restart_most,
	.get = nvme_steer_show_long,
};
module_param_cb(copy_bytes_most, &nvme_steer_most_ops, &nvme_steer_buf_most,
		0644);
MODULE_PARM_DESC(copy_bytes_most,
	"most bytes in buffers of copies at a time, since anything was written here");

/* A lane waits no more. Under the lock. */
static void nvme_steer_buf_resume(struct nvme_steer_lane *lane)
{
	list_del_init(&lane->wait);
	queue_work(nvme_steer_copy_wq, &lane->work);
}

/* Let the first of those that wait try again. Under the lock. */
static void nvme_steer_buf_next(void)
{
	struct nvme_steer_lane *lane =
		list_first_entry_or_null(&nvme_steer_waiters,
					 struct nvme_steer_lane, wait);

	if (lane) {
		lane->turn = true;
		nvme_steer_buf_resume(lane);
	}
}

/*
 * Are there still so many bytes to be had? Then they are the caller's. @first:
 * as every controller has one.
 */
static bool nvme_steer_buf_charge(u32 size, bool first)
{
	long most = (long)READ_ONCE(nvme_steer_copy_mb) << 20;
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	fits = first || nvme_steer_buf_bytes + size <= most;
	if (fits)
		nvme_steer_buf_bytes += size;
	nvme_steer_buf_most = max(nvme_steer_buf_most, nvme_steer_buf_bytes);
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
	return fits;
}

static void nvme_steer_buf_uncharge(u32 size)
{
	unsigned long flags;

	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	nvme_steer_buf_bytes -= size;
	nvme_steer_buf_next();
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
}

/* Of fabrics the driver does all mapping. */
static struct device *nvme_steer_buf_dev(const struct nvme_steer_ctrl *sc)
{
	return sc->nvme->ops->flags & NVME_F_FABRICS ? NULL : sc->nvme->dev;
}

static void nvme_steer_buf_free(struct nvme_steer_copy_buf *buf)
{
	if (buf->dev) {
		dma_unmap_single(buf->dev, buf->prp_dma,
				 (buf->size / NVME_CTRL_PAGE_SIZE) *
				 sizeof(*buf->prp), DMA_TO_DEVICE);
		dma_unmap_page(buf->dev, buf->dma, buf->size,
			       DMA_BIDIRECTIONAL);
	}
	kfree(buf->prp);
	__free_pages(buf->page, buf->order);
	nvme_steer_buf_uncharge(buf->size);
	kfree(buf);
}

/* Map it, and write the list of its pages. */
static int nvme_steer_buf_map(struct nvme_steer_copy_buf *buf, gfp_t gfp)
{
	struct device *dev = nvme_steer_buf_dev(buf->sc);
	unsigned int i, nr = buf->size / NVME_CTRL_PAGE_SIZE;

	if (!dev)
		return 0;
	/* of a power of two bytes, so the list does not cross a page */
	buf->prp = kmalloc_array(nr, sizeof(*buf->prp), gfp);
	if (!buf->prp)
		return -ENOMEM;
	buf->dma = dma_map_page(dev, buf->page, 0, buf->size,
				DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, buf->dma))
		goto free;
	for (i = 0; i < nr; i++)
		buf->prp[i] = cpu_to_le64(buf->dma + i * NVME_CTRL_PAGE_SIZE);
	buf->prp_dma = dma_map_single(dev, buf->prp, nr * sizeof(*buf->prp),
				      DMA_TO_DEVICE);
	if (!dma_mapping_error(dev, buf->prp_dma)) {
		buf->dev = dev;
		return 0;
	}
	dma_unmap_page(dev, buf->dma, buf->size, DMA_BIDIRECTIONAL);
free:
	kfree(buf->prp);
	return -ENOMEM;
}

/*
 * A new one, smaller where memory is short, if that was waited for. @first: there
 * is no other of its kind.
 * -EBUSY: others have all there may be; -ENOMEM: there is no memory.
 */
static struct nvme_steer_copy_buf *
nvme_steer_buf_alloc(struct nvme_steer_ctrl *sc, bool list, bool first,
		     gfp_t gfp)
{
	u32 size = list ? NVME_STEER_COPY_LIST : NVME_STEER_COPY_DATA;
	struct nvme_steer_copy_buf *buf;
	/* the first one is worth waiting for, unless that is no use */
	unsigned int easy = first ? PAGE_ALLOC_COSTLY_ORDER : 0;

	if (!nvme_steer_buf_charge(size, first))
		return ERR_PTR(-EBUSY);
	buf = kzalloc(sizeof(*buf), gfp | __GFP_NOWARN);
	if (!buf)
		goto uncharge;
	buf->sc = sc;
	buf->list = list;
	for (buf->order = get_order(size); ; buf->order--) {
		buf->page = alloc_pages_node(sc->node, gfp | __GFP_NOWARN |
					     (buf->order > easy ?
					      __GFP_NORETRY : 0),
					     buf->order);
		if (buf->page || !buf->order || list ||
		    !gfpflags_allow_blocking(gfp))
			break;
	}
	if (!buf->page)
		goto free;
	buf->size = min_t(u32, size, PAGE_SIZE << buf->order);
	if (nvme_steer_buf_map(buf, gfp))
		goto free_pages;
	if (unlikely(buf->size != size))
		nvme_steer_buf_uncharge(size - buf->size);
	return buf;
free_pages:
	__free_pages(buf->page, buf->order);
free:
	kfree(buf);
uncharge:
	nvme_steer_buf_uncharge(size);
	return ERR_PTR(-ENOMEM);
}

/* One is used no more, or is no more. Under buf_lock. */
static void nvme_steer_buf_unused(struct nvme_steer_copier *c)
{
	lockdep_assert_held(&c->buf_lock);

	if (!--c->bufs_used && unlikely(c->away))
		wake_up(&c->bufs_wait);
}

/* One that is idle, which counts as used; NULL: there is none. Under buf_lock. */
static struct nvme_steer_copy_buf *
nvme_steer_buf_idle(struct nvme_steer_copier *c, bool list)
{
	struct nvme_steer_copy_buf *buf;

	lockdep_assert_held(&c->buf_lock);

	buf = list_first_entry_or_null(&c->idle[list],
				       struct nvme_steer_copy_buf, entry);
	if (!buf)
		return nvme_steer_buf_cool(c, list);
	list_del(&buf->entry);
	c->bufs_used++;
	return buf;
}

/* nvme_steer_buf_get() where none is hot. */
struct nvme_steer_copy_buf *nvme_steer_buf_get_cold(struct nvme_steer_ctrl *sc,
						    bool list, gfp_t gfp)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_buf *buf;
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&c->buf_lock, flags);
	if (unlikely(c->away)) {
		spin_unlock_irqrestore(&c->buf_lock, flags);
		return ERR_PTR(-ENODEV);
	}
	buf = nvme_steer_buf_idle(c, list);
	if (likely(buf) || !gfp) {
		spin_unlock_irqrestore(&c->buf_lock, flags);
		return buf ?: ERR_PTR(-EBUSY);
	}
	first = !c->bufs[list];
	c->bufs_used++;
	spin_unlock_irqrestore(&c->buf_lock, flags);

	buf = nvme_steer_buf_alloc(sc, list, first, gfp);
	spin_lock_irqsave(&c->buf_lock, flags);
	/* not before: one that may come to nothing is not the last that is kept */
	if (IS_ERR(buf))
		nvme_steer_buf_unused(c);
	else
		c->bufs[list]++;
	spin_unlock_irqrestore(&c->buf_lock, flags);
	return buf;
}

/**
 * nvme_steer_buf_wake - let the first of those that wait try again
 *
 * Context: any.
 */
void nvme_steer_buf_wake(void)
{
	unsigned long flags;

	if (likely(!nvme_steer_buf_wanted()))
		return;
	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	nvme_steer_buf_next();
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
}

/* Give a buffer to a lane that waits for it. Under the lock. */
static void nvme_steer_buf_give(struct nvme_steer_lane *lane,
				struct nvme_steer_copy_buf *buf)
{
	if (buf->list)
		lane->list = buf;
	else
		lane->buf = buf;
	nvme_steer_buf_resume(lane);
}

/* Give those that are idle to who waits for them. */
static void nvme_steer_bufs_offer(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_lane *lane, *next;
	struct nvme_steer_copy_buf *buf;
	unsigned long flags;

	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	list_for_each_entry_safe(lane, next, &nvme_steer_waiters, wait) {
		if (lane->job->sc != sc)
			continue;
		spin_lock(&sc->copier.buf_lock);
		buf = nvme_steer_buf_idle(&sc->copier, lane->offload);
		spin_unlock(&sc->copier.buf_lock);
		if (buf)
			nvme_steer_buf_give(lane, buf);
	}
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
}

/**
 * nvme_steer_bufs_left - a buffer became idle while somebody waits for one
 * @sc: its controller
 *
 * Context: any.
 */
void nvme_steer_bufs_left(struct nvme_steer_ctrl *sc)
{
	nvme_steer_bufs_offer(sc);
	/* it can be freed for others */
	nvme_steer_buf_wake();
}

/* Give a buffer to the first that waits for one like it. */
static bool nvme_steer_buf_pass_on(struct nvme_steer_copy_buf *buf)
{
	struct nvme_steer_lane *lane;
	unsigned long flags;
	bool taken = false;

	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	list_for_each_entry(lane, &nvme_steer_waiters, wait) {
		if (lane->job->sc != buf->sc || lane->offload != buf->list)
			continue;
		nvme_steer_buf_give(lane, buf);
		taken = true;
		break;
	}
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
	return taken;
}

/* nvme_steer_buf_put() where it is not to be hot. */
void nvme_steer_buf_put_cold(struct nvme_steer_copy_buf *buf)
{
	struct nvme_steer_ctrl *sc = buf->sc;
	struct nvme_steer_copier *c = &sc->copier;
	unsigned long flags;

	if (unlikely(nvme_steer_buf_wanted()) && nvme_steer_buf_pass_on(buf))
		return;
	spin_lock_irqsave(&c->buf_lock, flags);
	list_add(&buf->entry, &c->idle[buf->list]);
	WRITE_ONCE(c->buf_last, jiffies);
	if (!c->trimming && likely(!c->away)) {
		WRITE_ONCE(c->trimming, true);
		queue_delayed_work(nvme_steer_wq, &c->trim,
				   NVME_STEER_BUF_IDLE);
	}
	nvme_steer_buf_unused(c);
	spin_unlock_irqrestore(&c->buf_lock, flags);
	if (unlikely(nvme_steer_buf_wanted()))
		nvme_steer_bufs_left(sc);
}

/* Free what is idle, but for what is kept. Returns whether there was any. */
static bool nvme_steer_bufs_free(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_buf *buf, *next;
	LIST_HEAD(idle);
	bool keep;
	int list;

	spin_lock_irq(&c->buf_lock);
	keep = !c->away && (c->keep || atomic_read(&c->copies));
	for (list = 0; list < 2; list++) {
		buf = nvme_steer_buf_cool(c, list);
		if (buf) {
			list_add(&buf->entry, &c->idle[list]);
			nvme_steer_buf_unused(c);
		}
		while (!list_empty(&c->idle[list]) && c->bufs[list] > keep) {
			list_move(c->idle[list].prev, &idle);
			c->bufs[list]--;
		}
	}
	spin_unlock_irq(&c->buf_lock);
	if (list_empty(&idle))
		return false;
	list_for_each_entry_safe(buf, next, &idle, entry)
		nvme_steer_buf_free(buf);
	return true;
}

static void nvme_steer_bufs_trim(struct work_struct *work)
{
	struct nvme_steer_copier *c =
		container_of(work, struct nvme_steer_copier, trim.work);
	struct nvme_steer_ctrl *sc =
		container_of(c, struct nvme_steer_ctrl, copier);
	bool again = true;

	spin_lock_irq(&c->buf_lock);
	if (c->away || time_after_eq(jiffies, READ_ONCE(c->buf_last) +
					      NVME_STEER_BUF_IDLE)) {
		WRITE_ONCE(c->trimming, false);
		again = false;
	}
	spin_unlock_irq(&c->buf_lock);
	if (again)
		queue_delayed_work(nvme_steer_wq, &c->trim,
				   NVME_STEER_BUF_IDLE);
	else if (!c->away)
		nvme_steer_bufs_free(sc);
}

/**
 * nvme_steer_buf_wait - wait for a buffer
 * @lane: holds none
 *
 * Those that are idle are freed first.
 *
 * Context: process.
 * Return: -EINPROGRESS, the lane's work is queued when there is one for it;
 * -EAGAIN, some were idle, or the controller is going away: try again.
 */
int nvme_steer_buf_wait(struct nvme_steer_lane *lane)
{
	struct nvme_steer_ctrl *sc = lane->job->sc;
	int ret = -EINPROGRESS;

	/* nobody goes on with the lane before its work, which this is, returns */
	lane->turn = true;
	if (nvme_steer_each_ctrl(nvme_steer_bufs_free))
		return -EAGAIN;
	nvme_steer_count(sc, NVME_STEER_EV_COPY_WAIT);
	lane->turn = false;
	spin_lock_irq(&nvme_steer_waiters_lock);
	list_add_tail(&lane->wait, &nvme_steer_waiters);
	spin_unlock_irq(&nvme_steer_waiters_lock);
	/* what was put before we were seen */
	nvme_steer_each_ctrl(nvme_steer_bufs_free);
	nvme_steer_bufs_offer(sc);
	if (likely(!READ_ONCE(sc->copier.away)))
		return ret;
	/* there may be none any more */
	spin_lock_irq(&nvme_steer_waiters_lock);
	if (!list_empty(&lane->wait)) {
		list_del_init(&lane->wait);
		lane->turn = true;
		ret = -EAGAIN;
	}
	spin_unlock_irq(&nvme_steer_waiters_lock);
	return ret;
}

/**
 * nvme_steer_bufs_keep - have one buffer of each kind from now on
 * @sc: about to have a policy, or it has one
 *
 * Context: process, under sc->policy_lock.
 * Return: 0; -ENODEV (it is going away), -ENOMEM.
 */
int nvme_steer_bufs_keep(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_buf *buf;
	bool missing;
	int list;

	lockdep_assert_held(&sc->policy_lock);

	for (list = 0; list < 2; list++) {
		spin_lock_irq(&c->buf_lock);
		c->keep = true;
		missing = !c->bufs[list];
		spin_unlock_irq(&c->buf_lock);
		if (!missing)
			continue;
		buf = nvme_steer_buf_get_cold(sc, list, GFP_KERNEL);
		if (IS_ERR(buf))
			return PTR_ERR(buf);
		nvme_steer_buf_put_cold(buf);
	}
	return 0;
}

/**
 * nvme_steer_bufs_leave - keep none any more once there are no copies
 * @sc: no copy can begin
 *
 * Where there are some, what they leave is freed when it has been idle.
 *
 * Context: process, under sc->policy_lock.
 */
void nvme_steer_bufs_leave(struct nvme_steer_ctrl *sc)
{
	lockdep_assert_held(&sc->policy_lock);

	spin_lock_irq(&sc->copier.buf_lock);
	sc->copier.keep = false;
	spin_unlock_irq(&sc->copier.buf_lock);
	nvme_steer_bufs_free(sc);
}

void nvme_steer_bufs_init(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;

	spin_lock_init(&c->buf_lock);
	INIT_LIST_HEAD(&c->idle[0]);
	INIT_LIST_HEAD(&c->idle[1]);
	init_waitqueue_head(&c->bufs_wait);
	INIT_DELAYED_WORK(&c->trim, nvme_steer_bufs_trim);
}

/**
 * nvme_steer_bufs_exit - free all buffers of a controller
 * @sc: nothing of it is in flight, and its namespaces are gone
 *
 * Waits for the copies that use one: they find that nothing works any more.
 *
 * Context: process.
 */
void nvme_steer_bufs_exit(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;

	spin_lock_irq(&c->buf_lock);
	WRITE_ONCE(c->away, true);
	spin_unlock_irq(&c->buf_lock);
	cancel_delayed_work_sync(&c->trim);
	nvme_steer_bufs_free(sc);
	wait_event(c->bufs_wait, !READ_ONCE(c->bufs_used));
	nvme_steer_bufs_free(sc);
}
