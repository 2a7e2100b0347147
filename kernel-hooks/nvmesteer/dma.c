// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping a command's data buffer for one I/O: pages, DMA addresses, and the
 * PRP or SGL entries that name them. One dma_map_sgtable() a command, so that
 * an IOMMU sees one mapping, as with the driver's own path.
 */
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/sizes.h>
#include <linux/uio.h>

#include "nvmesteer.h"

/* Mean bytes a segment from which SGLs are used; nvme.sgl_threshold's default. */
#define NVME_STEER_SGL_THRESHOLD	SZ_32K

/* Bytes of a list from the small pool. */
#define NVME_STEER_SMALL_LIST		256
#define NVME_STEER_PRPS_PER_PAGE	(NVME_CTRL_PAGE_SIZE / sizeof(__le64))

/* The last word of each list page but the last leads to the next. */
static void nvme_steer_free_desc(struct nvme_steer_queue *q,
				 struct nvme_steer_map *map)
{
	dma_addr_t dma = map->desc_dma;
	unsigned int i;

	for (i = 0; i < map->nr_desc; i++) {
		__le64 *list = map->desc[i];
		dma_addr_t next = 0;

		if (i + 1 < map->nr_desc)
			next = le64_to_cpu(list[NVME_STEER_PRPS_PER_PAGE - 1]);
		dma_pool_free(map->small ? q->small_pool : q->page_pool,
			      list, dma);
		dma = next;
	}
	map->nr_desc = 0;
}

static void *nvme_steer_alloc_desc(struct nvme_steer_queue *q,
				   struct nvme_steer_map *map,
				   dma_addr_t *dma)
{
	void *list;

	if (map->nr_desc == NVME_STEER_MAX_LISTS)
		return NULL;
	list = dma_pool_alloc(map->small ? q->small_pool : q->page_pool,
			      GFP_ATOMIC, dma);
	if (list)
		map->desc[map->nr_desc++] = list;
	return list;
}

static void *nvme_steer_first_desc(struct nvme_steer_queue *q,
				   struct nvme_steer_map *map, size_t bytes)
{
	map->small = bytes <= NVME_STEER_SMALL_LIST;
	return nvme_steer_alloc_desc(q, map, &map->desc_dma);
}

/* SGL: a data block descriptor each; more than one go into a last segment. */
static int nvme_steer_set_sgl(struct nvme_steer_queue *q,
			      struct nvme_steer_map *map,
			      struct nvme_command *cmd)
{
	unsigned int i, nents = map->sgt.nents;
	struct nvme_sgl_desc *d = &cmd->common.dptr.sgl;
	struct scatterlist *sg;

	if (nents > NVME_CTRL_PAGE_SIZE / sizeof(*d))
		return -E2BIG;
	if (nents > 1) {
		d = nvme_steer_first_desc(q, map, nents * sizeof(*d));
		if (!d)
			return -ENOMEM;
		cmd->common.dptr.sgl = (struct nvme_sgl_desc) {
			.addr = cpu_to_le64(map->desc_dma),
			.length = cpu_to_le32(nents * sizeof(*d)),
			.type = NVME_SGL_FMT_LAST_SEG_DESC << 4,
		};
	}
	for_each_sg(map->sgt.sgl, sg, nents, i)
		d[i] = (struct nvme_sgl_desc) {
			.addr = cpu_to_le64(sg_dma_address(sg)),
			.length = cpu_to_le32(sg_dma_len(sg)),
			.type = NVME_SGL_FMT_DATA_DESC << 4,
		};
	cmd->common.flags |= NVME_CMD_SGL_METABUF;
	return 0;
}

/* Only the first DMA segment may start, and only the last may end, in a page. */
static bool nvme_steer_can_prp(struct nvme_steer_map *map)
{
	const u32 mask = NVME_CTRL_PAGE_SIZE - 1;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(map->sgt.sgl, sg, map->sgt.nents, i) {
		if (i && (sg_dma_address(sg) & mask))
			return false;
		if (i + 1 < map->sgt.nents &&
		    ((sg_dma_address(sg) + sg_dma_len(sg)) & mask))
			return false;
	}
	return true;
}

/* PRP: an entry for each controller page; more than two go into a list. */
static int nvme_steer_set_prp(struct nvme_steer_queue *q,
			      struct nvme_steer_map *map,
			      struct nvme_command *cmd, size_t len)
{
	struct scatterlist *sg = map->sgt.sgl;
	dma_addr_t addr = sg_dma_address(sg);
	unsigned int offset = addr & (NVME_CTRL_PAGE_SIZE - 1);
	size_t left = sg_dma_len(sg), step;
	unsigned int total, i = 0, n = 0;
	__le64 *list = NULL;

	total = DIV_ROUND_UP(offset + len, NVME_CTRL_PAGE_SIZE);
	cmd->common.dptr.prp1 = cpu_to_le64(addr);
	cmd->common.dptr.prp2 = 0;
	if (total > 2) {
		list = nvme_steer_first_desc(q, map,
					     (total - 1) * sizeof(__le64));
		if (!list)
			return -ENOMEM;
		cmd->common.dptr.prp2 = cpu_to_le64(map->desc_dma);
	}

	for (step = NVME_CTRL_PAGE_SIZE - offset; ++n < total;
	     step = NVME_CTRL_PAGE_SIZE) {
		if (left > step) {
			addr += step;
			left -= step;
		} else {
			sg = sg_next(sg);
			addr = sg_dma_address(sg);
			left = sg_dma_len(sg);
		}
		if (!list) {
			cmd->common.dptr.prp2 = cpu_to_le64(addr);
			break;
		}
		/* the last word is an entry only if it is the last of all */
		if (i == NVME_STEER_PRPS_PER_PAGE - 1 && n + 1 < total) {
			dma_addr_t dma;
			__le64 *next = nvme_steer_alloc_desc(q, map, &dma);

			if (!next)
				return -ENOMEM;
			list[i] = cpu_to_le64(dma);
			list = next;
			i = 0;
		}
		list[i++] = cpu_to_le64(addr);
	}
	return 0;
}

/*
 * Where a page lies. Some kernels keep a part of that in page->flags, beside bits
 * that change; but for KCSAN this is page_to_pfn().
 */
static unsigned long nvme_steer_pfn(struct scatterlist *sg)
{
	return data_race(page_to_pfn(sg_page(sg)));
}

/* Make one entry of pages that follow one another in memory. */
static void nvme_steer_merge_pages(struct sg_table *sgt)
{
	struct scatterlist *last = sgt->sgl, *sg = last;
	unsigned long end = nvme_steer_pfn(sg) + 1;
	unsigned int i;

	for (i = 1; i < sgt->nents; i++) {
		sg++;
		if (nvme_steer_pfn(sg) == end && !sg->offset &&
		    PAGE_ALIGNED(last->offset + last->length)) {
			last->length += sg->length;
			end++;
			continue;
		}
		end = nvme_steer_pfn(sg) + 1;
		*++last = *sg;
	}
	sgt->nents = last - sgt->sgl + 1;
	sgt->orig_nents = sgt->nents;
	sg_mark_end(last);
}

/* Pages of @iter into map->sgt; user pages are pinned. */
static int nvme_steer_get_pages(struct nvme_steer_map *map,
				struct iov_iter *iter, size_t len)
{
	unsigned int n = iov_iter_npages(iter, INT_MAX);
	ssize_t got;

	map->sgt.sgl = map->sgl;
	if (n > NVME_STEER_INLINE_SG) {
		map->sgt.sgl = kmalloc_array(n, sizeof(struct scatterlist),
					     GFP_KERNEL | __GFP_NOWARN);
		if (!map->sgt.sgl)
			return -ENOMEM;
	}
	sg_init_table(map->sgt.sgl, max(n, 1U));
	map->sgt.nents = 0;
	map->sgt.orig_nents = 0;
	map->pinned = iov_iter_extract_will_pin(iter);

	got = extract_iter_to_sg(iter, len, &map->sgt, n, 0);
	map->sgt.orig_nents = map->sgt.nents;
	if (got != len)
		return got < 0 ? got : -EFAULT;
	nvme_steer_merge_pages(&map->sgt);
	return 0;
}

void __nvme_steer_release_pages(struct nvme_steer_map *map)
{
	unsigned int i;

	if (likely(map->one)) {
		if (map->dir == DMA_FROM_DEVICE)
			unpin_user_pages_dirty_lock(&map->page, 1, true);
		else
			unpin_user_page(map->page);
		map->dir = DMA_NONE;
		return;
	}
	for (i = 0; map->pinned && i < map->sgt.orig_nents; i++) {
		struct scatterlist *sg = &map->sgt.sgl[i];

		unpin_user_page_range_dirty_lock(sg_page(sg),
				PFN_UP(sg->offset + sg->length),
				map->dir == DMA_FROM_DEVICE);
	}
	if (map->sgt.sgl != map->sgl)
		kfree(map->sgt.sgl);
	map->dir = DMA_NONE;
}

/**
 * nvme_steer_unmap - end a command's DMA
 * @slot: the controller is done with it
 *
 * Context: any. The pages stay until nvme_steer_release_pages().
 */
void nvme_steer_unmap(struct nvme_steer_slot *slot)
{
	struct nvme_steer_map *map = &slot->map;

	if (!map->mapped)
		return;
	map->mapped = false;
	if (likely(map->one)) {
		dma_unmap_page(slot->queue->dev, map->page_dma, map->page_len,
			       map->dir);
		return;
	}
	nvme_steer_free_desc(slot->queue, map);
	dma_unmap_sgtable(slot->queue->dev, &map->sgt, map->dir, 0);
}

/**
 * nvme_steer_map_page - map a small buffer of the current process
 * @slot: RESERVED; its map is empty
 * @cmd: gets the data pointer
 * @addr: the buffer, aligned as the controller wants it
 * @len: its length in bytes
 * @dir: DMA_TO_DEVICE or DMA_FROM_DEVICE
 *
 * Context: task, may sleep.
 * Return: 0, or -errno with nothing held: nvme_steer_map_data() can do more.
 */
int nvme_steer_map_page(struct nvme_steer_slot *slot, struct nvme_command *cmd,
			u64 addr, u32 len, enum dma_data_direction dir)
{
	unsigned int offset = addr & (NVME_CTRL_PAGE_SIZE - 1);
	struct nvme_steer_map *map = &slot->map;
	struct device *dev = slot->queue->dev;
	struct page *page;
	dma_addr_t dma;

	if (offset + len > NVME_CTRL_PAGE_SIZE)
		return -E2BIG;
	if (pin_user_pages_fast(untagged_addr(addr) & PAGE_MASK, 1,
				dir == DMA_FROM_DEVICE ? FOLL_WRITE : 0,
				&page) != 1)
		return -EFAULT;
	dma = dma_map_page(dev, page, offset_in_page(addr), len, dir);
	if (dma_mapping_error(dev, dma)) {
		unpin_user_page(page);
		return -ENOMEM;
	}
	map->page = page;
	map->page_dma = dma;
	map->page_len = len;
	map->dir = dir;
	map->one = true;
	map->mapped = true;
	cmd->common.dptr.prp1 = cpu_to_le64(dma);
	cmd->common.dptr.prp2 = 0;
	return 0;
}

/**
 * nvme_steer_map_data - map a data buffer and name it in the command
 * @slot: RESERVED; its map is empty
 * @cmd: gets the data pointer
 * @iter: the buffer, not empty
 * @dir: DMA_TO_DEVICE or DMA_FROM_DEVICE
 * @sgl: the controller takes SGLs, and this command should use one because
 *	nothing else bounds its transfer
 * @why: on error, the event that says so
 *
 * Context: task, may sleep.
 * Return: 0, or -errno with nothing held.
 */
int nvme_steer_map_data(struct nvme_steer_slot *slot, struct nvme_command *cmd,
			struct iov_iter *iter, enum dma_data_direction dir,
			bool sgl, enum nvme_steer_event *why)
{
	struct nvme_steer_map *map = &slot->map;
	struct nvme_steer_queue *q = slot->queue;
	size_t len = iov_iter_count(iter);
	int ret;

	*why = NVME_STEER_EV_MAP_FAILED;
	map->dir = dir;
	map->one = false;
	ret = nvme_steer_get_pages(map, iter, len);
	if (ret)
		goto release;

	ret = dma_map_sgtable(q->dev, &map->sgt, dir, 0);
	if (ret)
		goto release;
	map->mapped = true;

	/* few large pieces: as the driver chooses for its own commands */
	if (nvme_ctrl_sgl_supported(q->ctrl->nvme) &&
	    len / map->sgt.nents >= NVME_STEER_SGL_THRESHOLD)
		sgl = true;
	if (!sgl && !nvme_steer_can_prp(map)) {
		*why = NVME_STEER_EV_UNALIGNED;
		sgl = nvme_ctrl_sgl_supported(q->ctrl->nvme);
		ret = -EINVAL;
	}
	if (sgl) {
		ret = nvme_steer_set_sgl(q, map, cmd);
		if (ret == -E2BIG)
			*why = NVME_STEER_EV_TOO_LARGE;
	} else if (!ret) {
		ret = nvme_steer_set_prp(q, map, cmd, len);
	}
	if (!ret)
		return 0;

	nvme_steer_unmap(slot);
release:
	nvme_steer_release_pages(map);
	return ret;
}
