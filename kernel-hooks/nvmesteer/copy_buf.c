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
	"MiB of buffers that copies may use, of all controllers together");

/* How long a controller keeps buffers that no copy uses. */
#define NVME_STEER_BUF_IDLE	(5 * HZ)

/*
 * Bytes in buffers, of all controllers, those being allocated included; and lanes
 * that wait for one. Both under the lock, with interrupts disabled. A lane that
 * waits holds no buffer, and while it does there are bytes: somebody has a buffer
 * and will put it, or allocates one, or idle ones are freed for it. Who puts one
 * gives it to the first that can use it; if none can, or there are fewer bytes,
 * the first of all may try again (@turn). Who got nothing then lets the next one
 * try, or waits.
 */
static long nvme_steer_buf_bytes;
static DEFINE_SPINLOCK(nvme_steer_waiters_lock);
LIST_HEAD(nvme_steer_waiters);

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

/* Are there still so many bytes to be had? Then they are the caller's. */
static bool nvme_steer_buf_charge(u32 size)
{
	long most = max_t(long, (long)READ_ONCE(nvme_steer_copy_mb) << 20,
			  NVME_STEER_COPY_DATA + NVME_STEER_COPY_LIST);
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	fits = nvme_steer_buf_bytes + size <= most;
	if (fits)
		nvme_steer_buf_bytes += size;
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
 * A new one, smaller where memory is short. -EBUSY: others have all there may be;
 * -ENOMEM: there is no memory.
 */
static struct nvme_steer_copy_buf *
nvme_steer_buf_alloc(struct nvme_steer_ctrl *sc, bool list, gfp_t gfp)
{
	u32 size = list ? NVME_STEER_COPY_LIST : NVME_STEER_COPY_DATA;
	struct nvme_steer_copy_buf *buf;

	if (!nvme_steer_buf_charge(size))
		return ERR_PTR(-EBUSY);
	buf = kzalloc(sizeof(*buf), gfp | __GFP_NOWARN);
	if (!buf)
		goto uncharge;
	buf->sc = sc;
	buf->list = list;
	for (buf->order = get_order(size); ; buf->order--) {
		buf->page = alloc_pages_node(sc->node, gfp | __GFP_NOWARN |
					     (buf->order ? __GFP_NORETRY : 0),
					     buf->order);
		if (buf->page || !buf->order || list)
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

/* nvme_steer_buf_get() where none is hot. */
struct nvme_steer_copy_buf *nvme_steer_buf_get_cold(struct nvme_steer_ctrl *sc,
						    bool list, gfp_t gfp)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_buf *buf;
	unsigned long flags;

	spin_lock_irqsave(&c->buf_lock, flags);
	if (unlikely(c->away)) {
		spin_unlock_irqrestore(&c->buf_lock, flags);
		return ERR_PTR(-ENODEV);
	}
	buf = list_first_entry_or_null(&c->idle[list],
				       struct nvme_steer_copy_buf, entry);
	if (buf)
		list_del(&buf->entry);
	c->bufs_used++;
	spin_unlock_irqrestore(&c->buf_lock, flags);
	if (likely(buf))
		return buf;

	buf = gfp ? nvme_steer_buf_alloc(sc, list, gfp) : ERR_PTR(-EBUSY);
	if (!IS_ERR(buf))
		return buf;
	spin_lock_irqsave(&c->buf_lock, flags);
	if (!--c->bufs_used && c->away)
		wake_up(&c->bufs_wait);
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
		if (buf->list)
			lane->list = buf;
		else
			lane->buf = buf;
		nvme_steer_buf_resume(lane);
		taken = true;
		break;
	}
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
	return taken;
}

/* nvme_steer_buf_put() where it is not to be hot. */
void nvme_steer_buf_put_cold(struct nvme_steer_copy_buf *buf)
{
	struct nvme_steer_copier *c = &buf->sc->copier;
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
	if (!--c->bufs_used && unlikely(c->away))
		wake_up(&c->bufs_wait);
	spin_unlock_irqrestore(&c->buf_lock, flags);
	nvme_steer_buf_wake();
}

/* Free what is idle. Returns whether there was any. */
static bool nvme_steer_bufs_free(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_copier *c = &sc->copier;
	struct nvme_steer_copy_buf *buf, *next;
	LIST_HEAD(idle);
	int list;

	spin_lock_irq(&c->buf_lock);
	for (list = 0; list < 2; list++) {
		list_splice_init(&c->idle[list], &idle);
		buf = nvme_steer_buf_cool(c, list);
		if (buf) {
			list_add(&buf->entry, &idle);
			c->bufs_used--;
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
 * @why: it got none: -EBUSY or -ENOMEM
 *
 * Buffers that are kept idle are freed first.
 *
 * Context: process.
 * Return: -EINPROGRESS, the lane's work is queued when one was put; -EAGAIN,
 * some were idle, or nobody has any left that had all, try again; -ENOMEM, there
 * is no memory, and nobody has any.
 */
int nvme_steer_buf_wait(struct nvme_steer_lane *lane, int why)
{
	unsigned long flags;
	bool wait;

	if (nvme_steer_each_ctrl(nvme_steer_bufs_free)) {
		lane->turn = true;
		return -EAGAIN;
	}
	spin_lock_irqsave(&nvme_steer_waiters_lock, flags);
	wait = nvme_steer_buf_bytes > 0;
	if (wait) {
		list_add_tail(&lane->wait, &nvme_steer_waiters);
		nvme_steer_count(lane->job->sc, NVME_STEER_EV_COPY_WAIT);
	}
	spin_unlock_irqrestore(&nvme_steer_waiters_lock, flags);
	if (wait) {
		/* one may have been put before we were seen */
		nvme_steer_each_ctrl(nvme_steer_bufs_free);
		return -EINPROGRESS;
	}
	lane->turn = true;
	return why == -ENOMEM ? -ENOMEM : -EAGAIN;
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
