// SPDX-License-Identifier: GPL-2.0
/*
 * DMA mappings of registered buffers, kept from one command to the next.
 *
 * A kept page is mapped for DMA and pinned by us, so it cannot become another
 * buffer's page: as long as a command names the same struct page, the mapping
 * is right, whatever the application did in between (unregister, unmap,
 * remap, fork). So every use compares the pages of the command's buffer, as
 * io_uring holds them now, with the pages that are kept, and nothing else has
 * to be known about rings and their buffers.
 *
 * Kept pages are found by where io_uring keeps its bio_vec of them: a chunk
 * covers as many consecutive bio_vecs as PRP entries fit in a page, and has
 * the DMA addresses in such a page, so that a command's PRP list is a part of
 * it, ready made. Chunks overlap by half, so that a command of up to half as
 * many pages lies in one wherever it starts. A bio_vec that covers more than a
 * page (huge pages) has one entry and one contiguous mapping.
 *
 * An entry in use by the controller must not change. So an entry is written
 * once, and a chunk with an entry that has become wrong is retired as a whole:
 * no lookup finds it any more, and it is freed when every command submitted
 * before has ended. A command remembers the epoch of its lookup for that, or is
 * a reader of keep.own where it takes the driver's own path (map.c).
 *
 * The pins count against the user's RLIMIT_MEMLOCK beside the registered
 * buffer's own, are bounded by the parameter keep_mb, and end when a chunk was
 * not used for keep_idle_ms: a process that is gone keeps its memory no longer
 * than that.
 */
#include <linux/cred.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "keep.h"

static unsigned int nvme_steer_keep_mb = 256;
module_param_named(keep_mb, nvme_steer_keep_mb, uint, 0644);
MODULE_PARM_DESC(keep_mb,
	"most memory of buffers kept mapped, MiB a controller; 0 keeps none (default: 256)");

static unsigned int nvme_steer_keep_idle_ms = 2000;
module_param_named(keep_idle_ms, nvme_steer_keep_idle_ms, uint, 0644);
MODULE_PARM_DESC(keep_idle_ms,
	"how long a buffer stays mapped after its last use, in milliseconds (default: 2000)");

/* Low bits of a page in a chunk. */
#define NVME_STEER_WHOLE	1UL	/* up to the end of its folio */
#define NVME_STEER_SEEN		2UL	/* used once; not kept yet */
#define NVME_STEER_NEVER	4UL	/* could not be kept */
#define NVME_STEER_TAGS		7UL

/* The page of a bio_vec as it stands in a chunk that keeps it. */
static unsigned long nvme_steer_tag(const struct bio_vec *bv)
{
	bool whole = bv->bv_offset + bv->bv_len > PAGE_SIZE;

	return (unsigned long)bv->bv_page | (whole ? NVME_STEER_WHOLE : 0);
}

/*
 * What of a buffer an entry of a chunk, or a run of them, must cover.
 * @nr bio_vecs of a page each, or one that is longer.
 */
struct nvme_steer_span {
	unsigned long first;
	unsigned long nr;
	unsigned long offset;	/* of the data, from the start of bv_page */
	unsigned long prps;	/* controller pages the data touches */
};

/* False when the buffer is of a shape that is not kept. */
static inline bool nvme_steer_span(const struct bio_vec *bv, size_t skip,
				   size_t len, struct nvme_steer_span *span)
{
	span->first = nvme_steer_slot_of(bv);
	span->offset = bv->bv_offset + skip;
	span->nr = 1;
	span->prps = DIV_ROUND_UP((span->offset & ~PAGE_MASK) + len, PAGE_SIZE);
	if (skip + len <= bv->bv_len)
		return true;

	/*
	 * All but the first and the last of a registered buffer's bio_vecs
	 * are of one size, so the second tells of all.
	 */
	if (bv->bv_offset + bv->bv_len > PAGE_SIZE || bv[1].bv_len > PAGE_SIZE)
		return false;
	span->nr = span->prps;
	return span->first + span->nr <= NVME_STEER_CHUNK;
}

/*
 * Can a command name the buffer by its mapping? A list for the middle of a
 * long one is nowhere ready made.
 */
static inline bool nvme_steer_span_nameable(struct nvme_steer_ctrl *sc,
					    const struct nvme_steer_span *span)
{
	return span->prps <= 2 || span->nr > 1 ||
	       nvme_ctrl_sgl_supported(sc->nvme);
}

/*
 * Are these the pages of @nr bio_vecs? Of a long buffer that is most of what a
 * command costs: three instructions a page.
 */
static bool nvme_steer_same_pages(const unsigned long *pages,
				  const struct bio_vec *bv, unsigned long nr)
{
	const struct bio_vec *end = bv + nr;
	unsigned long diff = 0;

#define NVME_STEER_DIFF(i)	\
	(READ_ONCE(pages[i]) ^ (unsigned long)bv[i].bv_page)

	for (; end - bv >= 8; bv += 8, pages += 8) {
		diff |= NVME_STEER_DIFF(0);
		diff |= NVME_STEER_DIFF(1);
		diff |= NVME_STEER_DIFF(2);
		diff |= NVME_STEER_DIFF(3);
		diff |= NVME_STEER_DIFF(4);
		diff |= NVME_STEER_DIFF(5);
		diff |= NVME_STEER_DIFF(6);
		diff |= NVME_STEER_DIFF(7);
	}
	for (; bv < end; bv++, pages++)
		diff |= NVME_STEER_DIFF(0);
#undef NVME_STEER_DIFF
	return !diff;
}

static __always_inline bool
nvme_steer_chunk_has(const struct nvme_steer_chunk *chunk,
		     const struct bio_vec *bv,
		     const struct nvme_steer_span *span)
{
	const unsigned long *pages = &chunk->pages[span->first];

	if (span->nr == 1)
		return READ_ONCE(*pages) == nvme_steer_tag(bv);
	return nvme_steer_same_pages(pages, bv, span->nr);
}

/* nvme_steer_kept() for a buffer of more than a page, or in huge pages. */
bool nvme_steer_kept_span(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
			  size_t skip, u32 len, struct nvme_steer_dptr *dptr)
{
	unsigned long where = nvme_steer_where(bv);
	struct nvme_steer_chunk *chunk;
	struct nvme_steer_span span;
	u64 addr;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE ||
	    !nvme_steer_span(bv, skip, len, &span) ||
	    !nvme_steer_span_nameable(sc, &span))
		return false;
	hlist_for_each_entry_rcu(chunk, nvme_steer_bucket(&sc->keep, where),
				 entry)
		if (chunk->where == where &&
		    likely(nvme_steer_chunk_has(chunk, bv, &span)))
			break;
	if (!chunk)
		return false;

	nvme_steer_chunk_use(chunk);
	addr = le64_to_cpu(chunk->prps[span.first]) + span.offset;
	dptr->prp1 = addr;
	if (span.prps == 1) {
		dptr->prp2 = 0;
	} else if (span.prps > 2 && span.nr > 1) {
		dptr->prp2 = chunk->prps_dma +
			     (span.first + 1) * sizeof(__le64);
	} else if (span.nr == 2) {
		dptr->prp2 = le64_to_cpu(chunk->prps[span.first + 1]);
	} else if (span.prps == 2) {
		dptr->prp2 = (addr & PAGE_MASK) + PAGE_SIZE;
	} else {
		/* of struct nvme_sgl_desc, the length; its type is 0 */
		BUILD_BUG_ON(NVME_SGL_FMT_DATA_DESC);
		dptr->prp1 |= NVME_STEER_DPTR_SGL;
		dptr->prp2 = len;
	}
	return true;
}

/**
 * nvme_steer_view_at - see the chunk that keeps a page of a buffer
 * @sc: the controller
 * @bv: a bio_vec of a registered buffer
 * @view: the chunk, if there is one; nvme_steer_view_page() for its use
 *
 * Context: under rcu_read_lock(), until the commands are in flight with an
 * epoch that was read before, or given up.
 * Return: whether there is one.
 */
bool nvme_steer_view_at(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
			struct nvme_steer_view *view)
{
	unsigned long where = nvme_steer_where(bv);
	unsigned int slot = nvme_steer_slot_of(bv);
	struct nvme_steer_chunk *chunk;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE)
		return false;
	hlist_for_each_entry_rcu(chunk, nvme_steer_bucket(&sc->keep, where),
				 entry) {
		if (chunk->where != where ||
		    READ_ONCE(chunk->pages[slot]) != (unsigned long)bv->bv_page)
			continue;
		nvme_steer_chunk_use(chunk);
		view->where = where;
		view->pages = chunk->pages;
		view->prps = chunk->prps;
		return true;
	}
	return false;
}

static struct page *nvme_steer_tag_page(unsigned long tag)
{
	return (struct page *)(tag & ~NVME_STEER_TAGS);
}

/* Is that the tag of a page that is mapped and pinned? */
static bool nvme_steer_tag_kept(unsigned long tag)
{
	return tag && !(tag & (NVME_STEER_SEEN | NVME_STEER_NEVER));
}

/* How much is mapped for an entry, in pages. */
static unsigned long nvme_steer_tag_pages(unsigned long tag)
{
	struct page *page = nvme_steer_tag_page(tag);
	struct folio *folio = page_folio(page);

	if (!(tag & NVME_STEER_WHOLE))
		return 1;
	return folio_nr_pages(folio) - folio_page_idx(folio, page);
}

/* How many pages may be kept. */
unsigned long nvme_steer_keep_most(void)
{
	return (unsigned long)READ_ONCE(nvme_steer_keep_mb) <<
	       (20 - PAGE_SHIFT);
}

/* Charge @pages to a user who may have @limit locked; false when over it. */
bool nvme_steer_charge(struct nvme_steer_charge *charge, unsigned long pages,
		       unsigned long limit)
{
	long now = atomic_long_read(&charge->user->locked_vm);

	if (capable(CAP_IPC_LOCK))
		return true;
	do {
		if (now + pages > limit)
			return false;
	} while (!atomic_long_try_cmpxchg(&charge->user->locked_vm, &now,
					  now + pages));
	charge->pages += pages;
	return true;
}

/* Take back a charge, or as much of it as was made. */
void nvme_steer_uncharge(struct nvme_steer_charge *charge, unsigned long pages)
{
	pages = min(pages, charge->pages);
	atomic_long_sub(pages, &charge->user->locked_vm);
	charge->pages -= pages;
}

/* Nobody uses the chunk and nobody will. */
static void nvme_steer_chunk_free(struct nvme_steer_ctrl *sc,
				  struct nvme_steer_chunk *chunk)
{
	struct device *dev = sc->nvme->dev;
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < NVME_STEER_CHUNK; i++) {
		struct page *page = nvme_steer_tag_page(chunk->pages[i]);
		unsigned long nr;

		if (!nvme_steer_tag_kept(chunk->pages[i]))
			continue;
		nr = nvme_steer_tag_pages(chunk->pages[i]);
		dma_unmap_page_attrs(dev, le64_to_cpu(chunk->prps[i]),
				     nr << PAGE_SHIFT, DMA_BIDIRECTIONAL,
				     DMA_ATTR_SKIP_CPU_SYNC);
		unpin_user_pages_dirty_lock(&page, 1, true);
		pages += nr;
	}
	nvme_steer_uncharge(&chunk->charge, chunk->charge.pages);
	free_uid(chunk->charge.user);
	dma_free_coherent(dev, NVME_CTRL_PAGE_SIZE, chunk->prps,
			  chunk->prps_dma);
	kvfree(chunk);

	mutex_lock(&sc->keep.lock);
	sc->keep.pages -= pages;
	mutex_unlock(&sc->keep.lock);
}

/* How long what is not used is kept, jiffies. */
unsigned long nvme_steer_keep_idle(void)
{
	return clamp(msecs_to_jiffies(READ_ONCE(nvme_steer_keep_idle_ms)),
		     HZ / 20UL, 3600UL * HZ);
}

static struct nvme_steer_chunk *
nvme_steer_chunk_get(struct nvme_steer_ctrl *sc, unsigned long where)
{
	struct hlist_head *bucket = nvme_steer_bucket(&sc->keep, where);
	struct user_struct *user = current_user();
	struct nvme_steer_chunk *chunk;

	lockdep_assert_held(&sc->keep.lock);

	hlist_for_each_entry(chunk, bucket, entry)
		if (chunk->where == where && chunk->charge.user == user)
			return chunk;

	chunk = kvzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	chunk->prps = dma_alloc_coherent(sc->nvme->dev, NVME_CTRL_PAGE_SIZE,
					 &chunk->prps_dma,
					 GFP_KERNEL | __GFP_NOWARN);
	if (!chunk->prps) {
		kvfree(chunk);
		return NULL;
	}
	chunk->where = where;
	chunk->charge.user = get_uid(user);
	hlist_add_head_rcu(&chunk->entry, bucket);
	queue_delayed_work(nvme_steer_wq, &sc->keep.work,
			   nvme_steer_keep_idle());
	return chunk;
}

/*
 * Begin a new epoch: a lookup that reads it cannot find what was taken out of
 * sight before, so a command of a later epoch does not use that, nor does one
 * of the driver's own path that becomes a reader from now on.
 * Return: who could find it last.
 */
struct nvme_steer_last nvme_steer_epoch_next(struct nvme_steer_keep *keep)
{
	struct nvme_steer_last last = { .epoch = keep->epoch };

	lockdep_assert_held(&keep->lock);
	smp_store_release(&keep->epoch, last.epoch + 1 ?: 1);
	last.own = start_poll_synchronize_srcu(&keep->own);
	return last;
}

/* Take a chunk out of sight. */
static void nvme_steer_retire(struct nvme_steer_keep *keep,
			      struct nvme_steer_chunk *chunk)
{
	lockdep_assert_held(&keep->lock);

	hlist_del_rcu(&chunk->entry);
	list_add_tail(&chunk->retired, &keep->retired);
	chunk->last = nvme_steer_epoch_next(keep);
}

/* Pin and map the page of @tag, at @addr of the current process. */
static bool nvme_steer_keep_page(struct nvme_steer_ctrl *sc,
				 struct nvme_steer_chunk *chunk,
				 unsigned int slot, unsigned long tag, u64 addr)
{
	unsigned long nr = nvme_steer_tag_pages(tag);
	struct device *dev = sc->nvme->dev;
	struct page *page;
	dma_addr_t dma;

	if (pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &page) != 1)
		return false;
	/* the address may be another page's by now */
	if (page != nvme_steer_tag_page(tag))
		goto unpin;
	dma = dma_map_page_attrs(dev, page, 0, nr << PAGE_SHIFT,
				 DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(dev, dma))
		goto unpin;
	/* bounced, or not coherent: it needs the care of each command */
	if (dma_need_sync(dev, dma)) {
		dma_unmap_page_attrs(dev, dma, nr << PAGE_SHIFT,
				     DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
		goto unpin;
	}
	chunk->prps[slot] = cpu_to_le64(dma);
	sc->keep.pages += nr;
	/* pairs with the barrier in nvme_steer_kept() */
	smp_store_release(&chunk->pages[slot], tag);
	return true;
unpin:
	unpin_user_page(page);
	return false;
}

/* Keep the entries of @span that are not kept yet. */
static void nvme_steer_keep_span(struct nvme_steer_ctrl *sc,
				 struct nvme_steer_chunk *chunk,
				 const struct iov_iter *iter,
				 const struct nvme_steer_span *span, u64 addr)
{
	unsigned long most = nvme_steer_keep_most();
	unsigned long pages = 0, before = sc->keep.pages;
	const struct bio_vec *bv = iter->bvec;
	unsigned int i;

	for (i = 0; i < span->nr; i++)
		if (!nvme_steer_tag_kept(chunk->pages[span->first + i]))
			pages += nvme_steer_tag_pages(nvme_steer_tag(&bv[i]));
	if (before + pages > most) {
		nvme_steer_count(sc, NVME_STEER_EV_KEEP_FULL);
		return;
	}
	if (!nvme_steer_charge(&chunk->charge, pages,
			       rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT)) {
		nvme_steer_count(sc, NVME_STEER_EV_MEMLOCK);
		return;
	}

	addr -= iter->iov_offset;
	for (i = 0; i < span->nr; addr += bv[i].bv_len, i++) {
		unsigned int slot = span->first + i;
		unsigned long tag = nvme_steer_tag(&bv[i]);

		if (nvme_steer_tag_kept(chunk->pages[slot]))
			continue;
		if (!nvme_steer_keep_page(sc, chunk, slot, tag,
					  addr & PAGE_MASK)) {
			WRITE_ONCE(chunk->pages[slot], tag | NVME_STEER_NEVER);
			break;
		}
	}
	nvme_steer_uncharge(&chunk->charge,
			    pages - (sc->keep.pages - before));
}

/**
 * nvme_steer_keep - keep a buffer mapped, if it comes back
 * @sc: the controller
 * @iter: a registered buffer, not empty, that nvme_steer_kept() does not know
 * @addr: its address in the current process
 *
 * The first time it only remembers to have seen the buffer: one that is used
 * once is cheaper mapped for that one command.
 *
 * Context: task, may sleep; the controller is not gone.
 * Return: whether nvme_steer_kept() may know it now.
 */
bool nvme_steer_keep(struct nvme_steer_ctrl *sc, const struct iov_iter *iter,
		     u64 addr)
{
	struct nvme_steer_keep *keep = &sc->keep;
	const struct bio_vec *bv = iter->bvec;
	struct nvme_steer_chunk *chunk;
	struct nvme_steer_span span;
	bool seen = false;
	unsigned int i;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE || !READ_ONCE(nvme_steer_keep_mb) ||
	    !nvme_steer_span(bv, iter->iov_offset, iter->count, &span) ||
	    !nvme_steer_span_nameable(sc, &span))
		return false;
	/* another submitter is at it: the next time will do */
	if (!mutex_trylock(&keep->lock))
		return false;
	if (keep->closed)
		goto unlock;
	if (keep->pages >= nvme_steer_keep_most()) {
		nvme_steer_count(sc, NVME_STEER_EV_KEEP_FULL);
		goto unlock;
	}
	chunk = nvme_steer_chunk_get(sc, nvme_steer_where(bv));
	if (!chunk)
		goto unlock;

	chunk->used = true;
	seen = true;
	for (i = 0; i < span.nr; i++) {
		unsigned long *entry = &chunk->pages[span.first + i];
		unsigned long tag = nvme_steer_tag(&bv[i]);

		if (*entry == tag || *entry == (tag | NVME_STEER_SEEN))
			continue;
		seen = false;
		if (*entry == (tag | NVME_STEER_NEVER))
			goto unlock;
		if (nvme_steer_tag_kept(*entry)) {
			nvme_steer_retire(keep, chunk);
			mod_delayed_work(nvme_steer_wq, &keep->work, HZ / 20);
			goto unlock;
		}
		WRITE_ONCE(*entry, tag | NVME_STEER_SEEN);
	}
	if (seen)
		nvme_steer_keep_span(sc, chunk, iter, &span, addr);
unlock:
	mutex_unlock(&keep->lock);
	return seen;
}

/* Is a command in flight that may use what was retired in @epoch? */
static bool nvme_steer_queue_uses(struct nvme_steer_queue *q, u32 epoch)
{
	unsigned int i;

	for (i = 0; i < q->depth - 1; i++) {
		struct nvme_steer_slot *slot = &q->slots[i];
		u8 state = smp_load_acquire(&slot->state);
		u32 kept;

		if (state != NVME_STEER_SLOT_INFLIGHT &&
		    state != NVME_STEER_SLOT_WAITING &&
		    state != NVME_STEER_SLOT_OWN)
			continue;
		kept = READ_ONCE(slot->io.kept);
		if (kept && (s32)(kept - epoch) <= 0)
			return true;
	}
	return false;
}

/* Have all of them left, on any queue and the driver's own path? */
bool nvme_steer_last_left(struct nvme_steer_ctrl *sc,
			  const struct nvme_steer_last *last)
{
	struct nvme_steer_queue *q;
	bool used = false;

	if (!poll_state_synchronize_srcu(&sc->keep.own, last->own))
		return false;
	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry)
		used = used || nvme_steer_queue_uses(q, last->epoch);
	mutex_unlock(&sc->state_lock);
	return !used;
}

/* Retire what was not used since the last time, or @all. True if any is left. */
static bool nvme_steer_retire_idle(struct nvme_steer_keep *keep, bool all)
{
	struct nvme_steer_chunk *chunk;
	struct hlist_node *next;
	bool left = false;
	unsigned int i;

	lockdep_assert_held(&keep->lock);

	for (i = 0; i < ARRAY_SIZE(keep->chunks); i++) {
		hlist_for_each_entry_safe(chunk, next, &keep->chunks[i], entry) {
			if (all || !chunk->used) {
				nvme_steer_retire(keep, chunk);
			} else {
				WRITE_ONCE(chunk->used, false);
				left = true;
			}
		}
	}
	return left;
}

static void nvme_steer_keep_work(struct work_struct *work)
{
	struct nvme_steer_ctrl *sc =
		container_of(work, struct nvme_steer_ctrl, keep.work.work);
	struct nvme_steer_keep *keep = &sc->keep;
	struct nvme_steer_chunk *chunk, *next;
	unsigned long delay = 0;
	LIST_HEAD(retired);

	mutex_lock(&keep->lock);
	if (time_after_eq(jiffies, keep->idle_check)) {
		keep->any = nvme_steer_retire_idle(keep,
						   !READ_ONCE(nvme_steer_keep_mb));
		keep->idle_check = jiffies + nvme_steer_keep_idle();
	}
	list_splice_init(&keep->retired, &retired);
	mutex_unlock(&keep->lock);

	if (!list_empty(&retired))
		synchronize_rcu();	/* lookups that found one are in flight */
	list_for_each_entry_safe(chunk, next, &retired, retired)
		if (nvme_steer_last_left(sc, &chunk->last)) {
			list_del(&chunk->retired);
			nvme_steer_chunk_free(sc, chunk);
		}

	mutex_lock(&keep->lock);
	list_splice(&retired, &keep->retired);
	if (!list_empty(&keep->retired))
		delay = HZ / 20;
	else if (keep->any)
		delay = nvme_steer_keep_idle();
	if (delay && !keep->closed)
		queue_delayed_work(nvme_steer_wq, &keep->work, delay);
	mutex_unlock(&keep->lock);
}

/* 0 or -ENOMEM. */
int nvme_steer_keep_init(struct nvme_steer_ctrl *sc)
{
	int ret = init_srcu_struct(&sc->keep.own);

	if (ret)
		return ret;
	/* others than PCI send data by what is in the request */
	sc->keep.own_maps = sc->nvme->steer_queues.send;
	mutex_init(&sc->keep.lock);
	INIT_LIST_HEAD(&sc->keep.retired);
	INIT_DELAYED_WORK(&sc->keep.work, nvme_steer_keep_work);
	sc->keep.epoch = 1;
	sc->keep.idle_check = jiffies;
	nvme_steer_keep_user_init(sc);
	return 0;
}

/*
 * Nothing is in flight on steer queues any more, nobody finds @sc, and the
 * controller or this module is going away: that waits for commands of the
 * driver's own path, as long as the driver waits for their answers.
 */
void nvme_steer_keep_exit(struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_chunk *chunk, *next;
	LIST_HEAD(retired);

	synchronize_srcu(&sc->keep.own);
	WRITE_ONCE(sc->nvme->steer_mapped, NULL);
	mutex_lock(&sc->keep.lock);
	sc->keep.closed = true;
	mutex_unlock(&sc->keep.lock);
	cancel_delayed_work_sync(&sc->keep.work);
	nvme_steer_keep_user_exit(sc);

	mutex_lock(&sc->keep.lock);
	nvme_steer_retire_idle(&sc->keep, true);
	list_splice_init(&sc->keep.retired, &retired);
	mutex_unlock(&sc->keep.lock);

	synchronize_rcu();
	list_for_each_entry_safe(chunk, next, &retired, retired)
		nvme_steer_chunk_free(sc, chunk);
	/* the grace periods that retiring has begun must be over */
	synchronize_srcu(&sc->keep.own);
	cleanup_srcu_struct(&sc->keep.own);
}
