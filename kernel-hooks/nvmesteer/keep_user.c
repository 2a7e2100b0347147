// SPDX-License-Identifier: GPL-2.0
/*
 * DMA mappings of plain buffers, of which only the address is known, kept from
 * one command to the next.
 *
 * A kept page is pinned and mapped for DMA, and used as long as it is what the
 * process has at the address: an MMU notifier is told before that changes,
 * whatever the reason (unmap, remap, protect, fork, exit, migration), and from
 * then on no lookup finds the page. So a command gets the page that pinning
 * the address at that moment would give. The notifier waits for nothing: the
 * pin keeps the page for commands in flight, and a work gives it back later.
 *
 * Pages are kept in windows of a process's memory, of as many pages as PRP
 * entries fit in a page, which has their DMA addresses: a command's PRP list is
 * a part of it, ready made. Windows overlap by half, so that a command of up to
 * half as many pages lies in one wherever it starts.
 *
 * An entry is written once. A window with a page that has become wrong is
 * spoilt: its other pages go on being used, until the work retires it as a
 * whole, and new uses make another one. The work comes at most every 50 ms, so
 * memory that is remapped all the time costs little; it is mapped for each
 * command, as memory is that was used only once, or that cannot be kept. A
 * retired window is freed when every command submitted before has ended; a
 * command remembers the epoch of its lookup for that.
 *
 * Nothing is faulted in or unshared in order to be kept: what is in a process's
 * memory, and who shares it, is as without us. The pins count against the
 * user's RLIMIT_MEMLOCK, of which they leave half to buffers the application
 * registers, and against keep_mb, and end after keep_idle_ms without use.
 */
#ifdef CONFIG_MMU_NOTIFIER

#include <linux/dma-mapping.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pkeys.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "keep.h"

static bool nvme_steer_keep_plain = true;
module_param_named(keep_plain, nvme_steer_keep_plain, bool, 0644);
MODULE_PARM_DESC(keep_plain,
	"keep buffers mapped that are not registered, too (default: Y)");

/* Pages of a window, and from the start of one to the next, in bytes. */
#define NVME_STEER_WINDOW	NVME_STEER_CHUNK
#define NVME_STEER_STEP		(NVME_STEER_WINDOW / 2 * PAGE_SIZE)

/* Windows a controller: what they take themselves is bounded by that. */
#define NVME_STEER_MAX_WINDOWS	1024

/* From when a window is spoilt until it is retired. */
#define NVME_STEER_SOON		(HZ / 20)

/* Low bit of a page in a window: pinned for the device to write to. */
#define NVME_STEER_FILL		1UL

/**
 * struct nvme_steer_window - kept pages of a part of a process's memory
 * @entry:	in nvme_steer_keep_user.windows
 * @where:	address of the first page
 * @mm:		in this memory; the notifier's reference
 * @prps:	DMA addresses of @pages
 * @ok:		which pages can be used: [0] the device reads, [1] it writes.
 *		Set after the entry of @prps; under @lock, read without
 * @used:	since the work looked last
 * @spoilt:	a page has become wrong; takes no more
 * @never:	which could not be kept, as @ok; under @lock
 * @seen:	which were used once; under @lock
 * @lock:	innermost, taken by the notifier
 * @pages:	struct page pointers with NVME_STEER_FILL; 0 is none. Under
 *		nvme_steer_keep.lock
 * @notifier:	inserted as long as the window exists
 * @sc:		the controller
 * @prps_dma:	of @prps
 * @charge:	what it costs its user
 * @retired:	in nvme_steer_keep_user.retired
 * @last:	who could find it last
 */
struct nvme_steer_window {
	struct hlist_node entry;
	unsigned long where;
	struct mm_struct *mm;
	__le64 *prps;
	dma_addr_t prps_dma;
	bool used;
	bool spoilt;
	DECLARE_BITMAP(ok[2], NVME_STEER_WINDOW);
	DECLARE_BITMAP(never[2], NVME_STEER_WINDOW);
	DECLARE_BITMAP(seen, NVME_STEER_WINDOW);
	spinlock_t lock;
	struct mmu_interval_notifier notifier;
	struct nvme_steer_ctrl *sc;
	struct nvme_steer_charge charge;
	struct list_head retired;
	struct nvme_steer_last last;
	unsigned long pages[NVME_STEER_WINDOW];
};

static struct hlist_head *nvme_steer_windows(struct nvme_steer_keep *keep,
					     const struct mm_struct *mm,
					     unsigned long where)
{
	return &keep->user.windows[hash_long((unsigned long)mm ^ where,
					     NVME_STEER_KEEP_BITS)];
}

/* What of its window a buffer covers: @nr pages from @first on. */
struct nvme_steer_part {
	unsigned long where;
	unsigned int first;
	unsigned int nr;
};

static __always_inline struct nvme_steer_part nvme_steer_part(u64 addr, u32 len)
{
	struct nvme_steer_part part;

	part.where = round_down((unsigned long)addr, NVME_STEER_STEP);
	part.first = (addr - part.where) >> PAGE_SHIFT;
	part.nr = (offset_in_page(addr) + len + PAGE_SIZE - 1) >> PAGE_SHIFT;
	return part;
}

/* Are all of these bits set, or any? */
static bool nvme_steer_all(const unsigned long *bits,
			   const struct nvme_steer_part *part)
{
	unsigned int end = part->first + part->nr;

	return find_next_zero_bit(bits, end, part->first) >= end;
}

static bool nvme_steer_any(const unsigned long *bits,
			   const struct nvme_steer_part *part)
{
	unsigned int end = part->first + part->nr;

	return find_next_bit(bits, end, part->first) < end;
}

static __always_inline void nvme_steer_window_use(struct nvme_steer_window *w)
{
	smp_rmb();	/* ok before prps */
	if (!READ_ONCE(w->used))
		WRITE_ONCE(w->used, true);
}

/* nvme_steer_kept_user() for a buffer of more than a page. */
static noinline bool
nvme_steer_kept_pages(struct nvme_steer_window *w, u64 addr, u32 len, bool fill,
		      struct nvme_steer_dptr *dptr)
{
	struct nvme_steer_part part = nvme_steer_part(addr, len);
	unsigned int first = part.first;

	if (first + part.nr > NVME_STEER_WINDOW ||
	    !nvme_steer_all(w->ok[fill], &part))
		return false;
	nvme_steer_window_use(w);
	dptr->prp1 = le64_to_cpu(w->prps[first]) + offset_in_page(addr);
	if (part.nr == 2)
		dptr->prp2 = le64_to_cpu(w->prps[first + 1]);
	else
		dptr->prp2 = w->prps_dma + (first + 1) * sizeof(__le64);
	return true;
}

/**
 * nvme_steer_kept_user - name a plain buffer by mappings that are kept
 * @sc: the controller
 * @addr: the buffer, in the current process
 * @len: its length, not 0
 * @fill: the device writes to it
 * @dptr: its name
 *
 * Context and return value: as for nvme_steer_kept().
 */
bool nvme_steer_kept_user(struct nvme_steer_ctrl *sc, u64 addr, u32 len,
			  bool fill, struct nvme_steer_dptr *dptr)
{
	unsigned long where = round_down((unsigned long)addr, NVME_STEER_STEP);
	const struct mm_struct *mm = current->mm;
	struct nvme_steer_window *w;
	unsigned int i;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE)
		return false;
	hlist_for_each_entry_rcu(w, nvme_steer_windows(&sc->keep, mm, where),
				 entry)
		if (w->where == where && likely(w->mm == mm))
			break;
	if (unlikely(!w))
		return false;
	if (offset_in_page(addr) + len > PAGE_SIZE)
		return nvme_steer_kept_pages(w, addr, len, fill, dptr);

	i = (addr - where) >> PAGE_SHIFT;
	if (unlikely(!test_bit(i, w->ok[fill])))
		return false;
	nvme_steer_window_use(w);
	dptr->prp1 = le64_to_cpu(w->prps[i]) + offset_in_page(addr);
	dptr->prp2 = 0;
	return true;
}

/* Have the work retire a window. Any context the notifier has. */
static void nvme_steer_spoil(struct nvme_steer_window *w)
{
	struct nvme_steer_keep_user *user = &w->sc->keep.user;

	WRITE_ONCE(w->spoilt, true);
	/* do not put it off again and again */
	if (!atomic_xchg(&user->soon, 1))
		mod_delayed_work(nvme_steer_wq, &user->work, NVME_STEER_SOON);
}

/*
 * What the process has at these addresses is about to change. Once this has
 * returned no lookup finds the old pages.
 */
static bool nvme_steer_invalidate(struct mmu_interval_notifier *notifier,
				  const struct mmu_notifier_range *range,
				  unsigned long seq)
{
	struct nvme_steer_window *w =
		container_of(notifier, struct nvme_steer_window, notifier);
	unsigned long size = NVME_STEER_WINDOW << PAGE_SHIFT;
	unsigned long start = max(range->start, w->where) - w->where;
	unsigned long end = min(range->end - w->where, size);
	struct nvme_steer_part part = {
		.first = start >> PAGE_SHIFT,
		.nr = PFN_UP(end) - (start >> PAGE_SHIFT),
	};
	bool spoilt;

	spin_lock(&w->lock);
	mmu_interval_set_seq(notifier, seq);
	/* what the device may write to it may read, too */
	spoilt = nvme_steer_any(w->ok[0], &part);
	bitmap_clear(w->ok[0], part.first, part.nr);
	bitmap_clear(w->ok[1], part.first, part.nr);
	bitmap_clear(w->never[0], part.first, part.nr);
	bitmap_clear(w->never[1], part.first, part.nr);
	bitmap_clear(w->seen, part.first, part.nr);
	spin_unlock(&w->lock);

	if (spoilt)
		nvme_steer_spoil(w);
	return true;
}

static const struct mmu_interval_notifier_ops nvme_steer_notifier_ops = {
	.invalidate = nvme_steer_invalidate,
};

static enum dma_data_direction nvme_steer_page_dir(unsigned long tag)
{
	return tag & NVME_STEER_FILL ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
}

/* Unmap and unpin a page of a window that nobody uses. */
static void nvme_steer_window_drop(struct nvme_steer_window *w, unsigned int i)
{
	unsigned long tag = w->pages[i];
	struct page *page = (struct page *)(tag & ~NVME_STEER_FILL);

	dma_unmap_page_attrs(w->sc->nvme->dev, le64_to_cpu(w->prps[i]),
			     PAGE_SIZE, nvme_steer_page_dir(tag),
			     DMA_ATTR_SKIP_CPU_SYNC);
	unpin_user_pages_dirty_lock(&page, 1, tag & NVME_STEER_FILL);
	w->pages[i] = 0;
}

/* Nobody uses the window and nobody will. */
static void nvme_steer_window_free(struct nvme_steer_window *w)
{
	struct nvme_steer_keep *keep = &w->sc->keep;
	unsigned long pages = 0;
	unsigned int i;

	mmu_interval_notifier_remove(&w->notifier);
	for (i = 0; i < NVME_STEER_WINDOW; i++) {
		if (!w->pages[i])
			continue;
		nvme_steer_window_drop(w, i);
		pages++;
	}
	nvme_steer_uncharge(&w->charge, w->charge.pages);
	free_uid(w->charge.user);
	dma_free_coherent(w->sc->nvme->dev, NVME_CTRL_PAGE_SIZE, w->prps,
			  w->prps_dma);

	mutex_lock(&keep->lock);
	keep->pages -= pages;
	keep->user.nr--;
	mutex_unlock(&keep->lock);
	kvfree(w);
}

static struct nvme_steer_window *
nvme_steer_window_find(struct nvme_steer_keep *keep, unsigned long where)
{
	struct mm_struct *mm = current->mm;
	struct nvme_steer_window *w;

	lockdep_assert_held(&keep->lock);

	hlist_for_each_entry(w, nvme_steer_windows(keep, mm, where), entry)
		if (w->where == where && w->mm == mm)
			return w;
	return NULL;
}

/* Was memory of that window used before, lately? */
static bool nvme_steer_window_seen(struct nvme_steer_keep *keep,
				   unsigned long where)
{
	unsigned int bit = hash_long((unsigned long)current->mm ^ where,
				     NVME_STEER_SEEN_BITS);

	lockdep_assert_held(&keep->lock);
	return __test_and_set_bit(bit, keep->user.seen);
}

/* Publish a new window, where there is none yet. */
static bool nvme_steer_window_publish(struct nvme_steer_window *w)
{
	struct nvme_steer_ctrl *sc = w->sc;
	struct nvme_steer_keep *keep = &sc->keep;
	bool done = false;

	mutex_lock(&keep->lock);
	if (keep->closed || nvme_steer_window_find(keep, w->where))
		goto unlock;
	if (keep->user.nr >= NVME_STEER_MAX_WINDOWS) {
		nvme_steer_count(sc, NVME_STEER_EV_KEEP_FULL);
		goto unlock;
	}
	w->prps = dma_alloc_coherent(sc->nvme->dev, NVME_CTRL_PAGE_SIZE,
				     &w->prps_dma, GFP_KERNEL | __GFP_NOWARN);
	if (!w->prps)
		goto unlock;
	w->charge.user = get_uid(current_user());
	hlist_add_head_rcu(&w->entry,
			   nvme_steer_windows(keep, w->mm, w->where));
	keep->user.nr++;
	queue_delayed_work(nvme_steer_wq, &keep->user.work,
			   nvme_steer_keep_idle());
	done = true;
unlock:
	mutex_unlock(&keep->lock);
	return done;
}

/*
 * Make a window, in which @part was used. The first one in a process waits for
 * its mmap_lock, so it does not hold keep.lock.
 */
static void nvme_steer_window_make(struct nvme_steer_ctrl *sc,
				   const struct nvme_steer_part *part)
{
	struct nvme_steer_window *w;

	w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!w)
		return;
	spin_lock_init(&w->lock);
	w->sc = sc;
	w->mm = current->mm;
	w->where = part->where;
	w->used = true;
	bitmap_set(w->seen, part->first, part->nr);
	if (mmu_interval_notifier_insert(&w->notifier, w->mm, w->where,
					 NVME_STEER_WINDOW << PAGE_SHIFT,
					 &nvme_steer_notifier_ops)) {
		kvfree(w);
	} else if (!nvme_steer_window_publish(w)) {
		mmu_interval_notifier_remove(&w->notifier);
		kvfree(w);
	}
}

/*
 * Pin what is at @at, without changing it; to be written to by the device if
 * @fill, and also if not, where that is allowed. Under mmap_lock.
 * Return: the page with NVME_STEER_FILL, or 0.
 */
static unsigned long nvme_steer_pin(struct mm_struct *mm, unsigned long at,
				    bool fill)
{
	const unsigned int flags = FOLL_LONGTERM | FOLL_NOFAULT;
	struct vm_area_struct *vma = vma_lookup(mm, at);
	struct page *page;

	lockdep_assert_held(&mm->mmap_lock);

	/* with a key, each thread has rights of its own */
	if (!vma || vma_pkey(vma))
		return 0;
	if (pin_user_pages(at, 1, flags | FOLL_WRITE, &page) == 1)
		return (unsigned long)page | NVME_STEER_FILL;
	if (!fill && pin_user_pages(at, 1, flags, &page) == 1)
		return (unsigned long)page;
	return 0;
}

/* Pin and map page @i. Under mmap_lock. */
static bool nvme_steer_window_fill(struct nvme_steer_window *w, unsigned int i,
				   bool fill)
{
	unsigned long tag = nvme_steer_pin(w->mm, w->where + i * PAGE_SIZE,
					   fill);
	struct page *page = (struct page *)(tag & ~NVME_STEER_FILL);
	enum dma_data_direction dir = nvme_steer_page_dir(tag);
	struct device *dev = w->sc->nvme->dev;
	dma_addr_t dma;

	if (!tag)
		return false;
	if (w->pages[i]) {
		/* so far the device could only read it */
		unpin_user_page(page);
		nvme_steer_spoil(w);
		return false;
	}
	dma = dma_map_page_attrs(dev, page, 0, PAGE_SIZE, dir,
				 DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(dev, dma))
		goto unpin;
	/* bounced, or not coherent: it needs the care of each command */
	if (dma_need_sync(dev, dma)) {
		dma_unmap_page_attrs(dev, dma, PAGE_SIZE, dir,
				     DMA_ATTR_SKIP_CPU_SYNC);
		goto unpin;
	}
	w->prps[i] = cpu_to_le64(dma);
	w->pages[i] = tag;
	return true;
unpin:
	unpin_user_page(page);
	return false;
}

/* Keep what of @part is not kept yet, and is charged for; how much it was. */
static unsigned int nvme_steer_window_add(struct nvme_steer_window *w,
					  const struct nvme_steer_part *part,
					  bool fill)
{
	DECLARE_BITMAP(added, NVME_STEER_WINDOW) = { };
	unsigned int i, nr = 0, end = part->first + part->nr;
	unsigned long seq;
	bool changed;

	seq = mmu_interval_read_begin(&w->notifier);
	if (!mmap_read_trylock(w->mm))
		return 0;
	for (i = part->first; i < end; i++) {
		if (test_bit(i, w->ok[fill]))
			continue;
		if (!nvme_steer_window_fill(w, i, fill))
			break;
		__set_bit(i, added);
		nr++;
	}
	mmap_read_unlock(w->mm);

	spin_lock(&w->lock);
	changed = mmu_interval_read_retry(&w->notifier, seq);
	if (!changed) {
		if (i < end)
			__set_bit(i, w->never[fill]);
		smp_wmb();	/* prps before ok */
		for_each_set_bit(i, added, NVME_STEER_WINDOW) {
			__set_bit(i, w->ok[0]);
			if (w->pages[i] & NVME_STEER_FILL)
				__set_bit(i, w->ok[1]);
		}
	}
	spin_unlock(&w->lock);
	if (!changed)
		return nr;

	/* nobody has seen them */
	for_each_set_bit(i, added, NVME_STEER_WINDOW)
		nvme_steer_window_drop(w, i);
	return 0;
}

/* Likewise, within the bounds. */
static unsigned int nvme_steer_window_keep(struct nvme_steer_window *w,
					   const struct nvme_steer_part *part,
					   bool fill)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct nvme_steer_ctrl *sc = w->sc;
	unsigned int i, added, nr = 0;

	for (i = part->first; i < part->first + part->nr; i++)
		nr += !test_bit(i, w->ok[fill]);
	if (sc->keep.pages + nr > nvme_steer_keep_most()) {
		nvme_steer_count(sc, NVME_STEER_EV_KEEP_FULL);
		return 0;
	}
	if (!nvme_steer_charge(&w->charge, nr, limit / 2)) {
		nvme_steer_count(sc, NVME_STEER_EV_MEMLOCK);
		return 0;
	}
	added = nvme_steer_window_add(w, part, fill);
	nvme_steer_uncharge(&w->charge, nr - added);
	sc->keep.pages += added;
	return added;
}

/**
 * nvme_steer_keep_user - keep a plain buffer mapped, if it comes back
 * @sc: the controller
 * @addr: the buffer, in the current process, that nvme_steer_kept_user() does
 *	not know
 * @len: its length, not 0
 * @fill: the device writes to it
 *
 * Context: task, may sleep. What is not in memory is kept another time.
 * Return: whether nvme_steer_kept_user() may know it now.
 */
bool nvme_steer_keep_user(struct nvme_steer_ctrl *sc, u64 addr, u32 len,
			  bool fill)
{
	struct nvme_steer_part part = nvme_steer_part(addr, len);
	struct nvme_steer_keep *keep = &sc->keep;
	struct nvme_steer_window *w;
	bool worth, make = false, kept = false;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE || !current->mm ||
	    !READ_ONCE(nvme_steer_keep_plain) || !nvme_steer_keep_most() ||
	    part.first + part.nr > NVME_STEER_WINDOW)
		return false;
	/* another submitter is at it: the next time will do */
	if (!mutex_trylock(&keep->lock))
		return false;
	if (keep->closed)
		goto unlock;
	w = nvme_steer_window_find(keep, part.where);
	if (!w) {
		make = nvme_steer_window_seen(keep, part.where);
		goto unlock;
	}

	w->used = true;
	spin_lock(&w->lock);
	worth = nvme_steer_all(w->seen, &part) &&
		!nvme_steer_any(w->never[fill], &part);
	bitmap_set(w->seen, part.first, part.nr);
	spin_unlock(&w->lock);

	if (worth && !READ_ONCE(w->spoilt) && w->charge.user == current_user())
		kept = nvme_steer_window_keep(w, &part, fill);
unlock:
	mutex_unlock(&keep->lock);
	if (make)
		nvme_steer_window_make(sc, &part);
	return kept;
}

/*
 * Take windows out of sight: spoilt ones, with @idle those that were not used
 * since the last time, or @all. True if any is left.
 */
static bool nvme_steer_retire_windows(struct nvme_steer_keep *keep, bool idle,
				      bool all)
{
	struct nvme_steer_window *w;
	struct hlist_node *next;
	bool left = false;
	unsigned int i;

	lockdep_assert_held(&keep->lock);

	for (i = 0; i < ARRAY_SIZE(keep->user.windows); i++)
		hlist_for_each_entry_safe(w, next, &keep->user.windows[i],
					  entry) {
			if (all || READ_ONCE(w->spoilt) || (idle && !w->used)) {
				hlist_del_rcu(&w->entry);
				list_add_tail(&w->retired, &keep->user.retired);
				w->last = nvme_steer_epoch_next(keep);
				continue;
			}
			left = true;
			if (!idle)
				continue;
			WRITE_ONCE(w->used, false);
			/* what could not be kept then may have changed */
			spin_lock(&w->lock);
			bitmap_zero(w->never[0], NVME_STEER_WINDOW);
			bitmap_zero(w->never[1], NVME_STEER_WINDOW);
			spin_unlock(&w->lock);
		}
	return left;
}

static void nvme_steer_keep_user_work(struct work_struct *work)
{
	struct nvme_steer_ctrl *sc =
		container_of(work, struct nvme_steer_ctrl, keep.user.work.work);
	struct nvme_steer_keep *keep = &sc->keep;
	struct nvme_steer_keep_user *user = &keep->user;
	struct nvme_steer_window *w, *next;
	LIST_HEAD(retired);
	bool idle, left;

	/* whoever spoils a window from here on has the work come again */
	atomic_xchg(&user->soon, 0);

	mutex_lock(&keep->lock);
	idle = time_after_eq(jiffies, user->idle_check);
	left = nvme_steer_retire_windows(keep, idle, !nvme_steer_keep_most() ||
					 !READ_ONCE(nvme_steer_keep_plain));
	if (idle) {
		bitmap_zero(user->seen, 1 << NVME_STEER_SEEN_BITS);
		user->idle_check = jiffies + nvme_steer_keep_idle();
	}
	list_splice_init(&user->retired, &retired);
	mutex_unlock(&keep->lock);

	if (!list_empty(&retired))
		synchronize_rcu();	/* lookups that found one are in flight */
	list_for_each_entry_safe(w, next, &retired, retired)
		if (nvme_steer_last_left(sc, &w->last)) {
			list_del(&w->retired);
			nvme_steer_window_free(w);
		}

	mutex_lock(&keep->lock);
	list_splice(&retired, &user->retired);
	if (!list_empty(&user->retired))
		queue_delayed_work(nvme_steer_wq, &user->work, NVME_STEER_SOON);
	else if (left)
		queue_delayed_work(nvme_steer_wq, &user->work,
				   max(time_after(user->idle_check, jiffies) ?
				       user->idle_check - jiffies : 0, 1UL));
	mutex_unlock(&keep->lock);
}

void nvme_steer_keep_user_init(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_keep_user *user = &sc->keep.user;

	INIT_LIST_HEAD(&user->retired);
	INIT_DELAYED_WORK(&user->work, nvme_steer_keep_user_work);
	user->idle_check = jiffies;
}

/* Nothing is in flight any more, and keep.closed is set. */
void nvme_steer_keep_user_exit(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_keep *keep = &sc->keep;
	struct nvme_steer_window *w, *next;
	LIST_HEAD(retired);

	/* the notifiers go on asking for it */
	disable_delayed_work_sync(&keep->user.work);

	mutex_lock(&keep->lock);
	nvme_steer_retire_windows(keep, false, true);
	list_splice_init(&keep->user.retired, &retired);
	mutex_unlock(&keep->lock);

	synchronize_rcu();
	list_for_each_entry_safe(w, next, &retired, retired)
		nvme_steer_window_free(w);
}

#endif /* CONFIG_MMU_NOTIFIER */
