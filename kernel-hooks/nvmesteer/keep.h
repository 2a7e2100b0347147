/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kept mappings of registered buffers (keep.c) and of plain ones (keep_user.c):
 * how they are found, which is part of the way of every command, and what the
 * two share.
 */
#ifndef NVMESTEER_KEEP_H
#define NVMESTEER_KEEP_H

#include <linux/hash.h>
#include <linux/rculist.h>

#include "nvmesteer.h"

/* of the kernel's io_uring/rsrc.h, as kernel-hooks/prepare found it */
#include "io_mapped_ubuf.h"

/* bio_vecs in a chunk: as many as PRP entries in a controller page. */
#define NVME_STEER_CHUNK	(NVME_CTRL_PAGE_SIZE / sizeof(__le64))
#define NVME_STEER_CHUNK_BYTES	(NVME_STEER_CHUNK * sizeof(struct bio_vec))

/* From the start of one chunk to the next, in bytes of bio_vecs. */
#define NVME_STEER_STRIDE	(NVME_STEER_CHUNK / 2 * sizeof(struct bio_vec))

/**
 * struct nvme_steer_charge - pages that count against a user's RLIMIT_MEMLOCK
 * @user:	whose (a reference)
 * @pages:	how many
 */
struct nvme_steer_charge {
	struct user_struct *user;
	unsigned long pages;
};

/**
 * struct nvme_steer_last - the commands that could find what was retired
 * @epoch:	those of steer queues: of this epoch, and of those before
 * @own:	those of the driver's own path: cookie of nvme_steer_keep.own
 */
struct nvme_steer_last {
	u32 epoch;
	unsigned long own;
};

/**
 * struct nvme_steer_chunk - kept mappings of consecutive bio_vecs
 * @entry:	in nvme_steer_keep.chunks
 * @where:	address of the first bio_vec
 * @used:	since the work looked last
 * @prps:	DMA addresses of @pages
 * @prps_dma:	of @prps
 * @retired:	in nvme_steer_keep.retired
 * @last:	who could find it last
 * @charge:	what it costs its user
 * @pages:	struct page pointers with low bits; 0 is none. Set once, after
 *		the entry of @prps, under keep.lock
 */
struct nvme_steer_chunk {
	struct hlist_node entry;
	unsigned long where;
	bool used;
	__le64 *prps;
	dma_addr_t prps_dma;
	struct list_head retired;
	struct nvme_steer_last last;
	struct nvme_steer_charge charge;
	unsigned long pages[NVME_STEER_CHUNK];
};

static inline unsigned long nvme_steer_where(const struct bio_vec *bv)
{
	return round_down((unsigned long)bv, NVME_STEER_STRIDE);
}

static inline unsigned int nvme_steer_slot_of(const struct bio_vec *bv)
{
	return ((unsigned long)bv & (NVME_STEER_STRIDE - 1)) / sizeof(*bv);
}

static inline struct hlist_head *
nvme_steer_bucket(struct nvme_steer_keep *keep, unsigned long where)
{
	return &keep->chunks[hash_long(where, NVME_STEER_KEEP_BITS)];
}

static inline void nvme_steer_chunk_use(struct nvme_steer_chunk *chunk)
{
	smp_rmb();	/* pages before prps */
	if (!READ_ONCE(chunk->used))
		WRITE_ONCE(chunk->used, true);
}

/*
 * A buffer as a command names it: PRP entries, or where the low bit of @prp1
 * is set an SGL data block descriptor without it.
 */
struct nvme_steer_dptr {
	u64 prp1;
	u64 prp2;
};

#define NVME_STEER_DPTR_SGL	1UL

bool nvme_steer_kept_span(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
			  size_t skip, u32 len, struct nvme_steer_dptr *dptr);

/*
 * Which mappings a lookup may find: read before it, and given to the command;
 * see nvme_steer_retire(). Never 0.
 */
static inline u32 nvme_steer_keep_epoch(const struct nvme_steer_ctrl *sc)
{
	return smp_load_acquire(&sc->keep.epoch);
}

/* nvme_steer_kept() of a buffer within a page; false if it is not. */
static __always_inline bool
nvme_steer_kept_page(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
		     size_t skip, u32 len, struct nvme_steer_dptr *dptr)
{
	size_t offset = bv->bv_offset + skip;
	unsigned long where = nvme_steer_where(bv);
	unsigned long first = nvme_steer_slot_of(bv);
	struct nvme_steer_chunk *chunk;

	if (PAGE_SIZE != NVME_CTRL_PAGE_SIZE ||
	    unlikely(offset + len > PAGE_SIZE))
		return false;

	hlist_for_each_entry_rcu(chunk, nvme_steer_bucket(&sc->keep, where),
				 entry) {
		/* a tag that is a page's address is that of a bio_vec within */
		if (unlikely(chunk->where != where ||
			     READ_ONCE(chunk->pages[first]) !=
				     (unsigned long)bv->bv_page))
			continue;
		nvme_steer_chunk_use(chunk);
		dptr->prp1 = le64_to_cpu(chunk->prps[first]) + offset;
		dptr->prp2 = 0;
		return true;
	}
	return false;
}

/**
 * nvme_steer_kept - name a buffer by mappings that are kept
 * @sc: the controller
 * @bv: where a registered buffer begins, and @skip bytes into that
 * @len: its length, not 0
 * @dptr: its name
 *
 * Context: under RCU, until the command is in flight with an epoch that was
 * read before, or given up.
 * Return: whether it is kept.
 */
static __always_inline bool
nvme_steer_kept(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
		size_t skip, u32 len, struct nvme_steer_dptr *dptr)
{
	return likely(nvme_steer_kept_page(sc, bv, skip, len, dptr)) ||
	       nvme_steer_kept_span(sc, bv, skip, len, dptr);
}

/*
 * Where a registered buffer is, as io_import_fixed() finds it: the bio_vec it
 * begins in, and how far into that. False where it is not all registered.
 */
static __always_inline bool
nvme_steer_registered(const struct io_mapped_ubuf *imu, u64 addr, u32 len,
		      const struct bio_vec **where, size_t *skip)
{
	const struct bio_vec *bv = imu->bvec;
	u64 offset = addr - imu->ubuf;

	/* below the buffer it is huge */
	if (unlikely(offset > imu->len || offset + len > imu->len))
		return false;
	if (offset >= bv->bv_len) {
		offset -= bv->bv_len;
		bv += 1 + (offset >> imu->folio_shift);
		offset &= (1UL << imu->folio_shift) - 1;
	}
	*where = bv;
	*skip = offset;
	return true;
}

/* Put what nvme_steer_kept() found into a command. */
static inline void nvme_steer_set_dptr(struct nvme_command *cmd,
				       const struct nvme_steer_dptr *dptr)
{
	if (dptr->prp1 & NVME_STEER_DPTR_SGL)
		cmd->common.flags |= NVME_CMD_SGL_METABUF;
	cmd->common.dptr.prp1 = cpu_to_le64(dptr->prp1 & ~NVME_STEER_DPTR_SGL);
	cmd->common.dptr.prp2 = cpu_to_le64(dptr->prp2);
}

/*
 * A chunk as who names many buffers of it sees it: where its bio_vecs begin,
 * 0 for none yet, their pages, and the pages' DMA addresses.
 */
struct nvme_steer_view {
	unsigned long where;
	const unsigned long *pages;
	const __le64 *prps;
};

/*
 * The DMA address of @bv, which is a page or a part of one, where @view keeps
 * it; false if not. Context as for nvme_steer_view_at().
 */
static __always_inline bool
nvme_steer_view_page(const struct nvme_steer_view *view,
		     const struct bio_vec *bv, u64 *addr)
{
	unsigned long at = (unsigned long)bv - view->where;
	unsigned int slot = at / sizeof(*bv);

	if (unlikely(at >= NVME_STEER_CHUNK_BYTES ||
		     READ_ONCE(view->pages[slot]) !=
			     (unsigned long)bv->bv_page))
		return false;
	smp_rmb();	/* pages before prps */
	*addr = le64_to_cpu(view->prps[slot]) + bv->bv_offset;
	return true;
}

bool nvme_steer_view_at(struct nvme_steer_ctrl *sc, const struct bio_vec *bv,
			struct nvme_steer_view *view);

/* keep.c, for keep_user.c */
bool nvme_steer_charge(struct nvme_steer_charge *charge, unsigned long pages,
		       unsigned long limit);
void nvme_steer_uncharge(struct nvme_steer_charge *charge, unsigned long pages);
unsigned long nvme_steer_keep_most(void);
unsigned long nvme_steer_keep_idle(void);
struct nvme_steer_last nvme_steer_epoch_next(struct nvme_steer_keep *keep);
bool nvme_steer_last_left(struct nvme_steer_ctrl *sc,
			  const struct nvme_steer_last *last);

#ifdef CONFIG_MMU_NOTIFIER
bool nvme_steer_kept_user(struct nvme_steer_ctrl *sc, u64 addr, u32 len,
			  bool fill, struct nvme_steer_dptr *dptr);
bool nvme_steer_keep_user(struct nvme_steer_ctrl *sc, u64 addr, u32 len,
			  bool fill);
void nvme_steer_keep_user_init(struct nvme_steer_ctrl *sc);
void nvme_steer_keep_user_exit(struct nvme_steer_ctrl *sc);
#else
static inline bool nvme_steer_kept_user(struct nvme_steer_ctrl *sc, u64 addr,
					u32 len, bool fill,
					struct nvme_steer_dptr *dptr)
{
	return false;
}

static inline bool nvme_steer_keep_user(struct nvme_steer_ctrl *sc, u64 addr,
					u32 len, bool fill)
{
	return false;
}

static inline void nvme_steer_keep_user_init(struct nvme_steer_ctrl *sc)
{
}

static inline void nvme_steer_keep_user_exit(struct nvme_steer_ctrl *sc)
{
}
#endif

#endif /* NVMESTEER_KEEP_H */
