/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nvmesteer: asynchronous copies, for other kernel modules. What a copy is and
 * who decides about it is as for applications; see copy.h.
 */
#ifndef NVMESTEER_KCOPY_H
#define NVMESTEER_KCOPY_H

#include <linux/blk_types.h>
#include <linux/types.h>

#include <nvmesteer/copy.h>

/**
 * struct nvme_steer_kcopy_range - a source
 * @bdev:	an NVMe namespace or a partition of one; NULL is the destination
 * @offset:	bytes, from the beginning of @bdev
 * @len:	bytes
 * @status:	0, an NVMe status, or -errno, as in struct nvme_steer_copy_range;
 *		valid from @done of the copy
 * @done:	bytes copied, likewise
 */
struct nvme_steer_kcopy_range {
	struct block_device *bdev;
	u64 offset;
	u64 len;
	int status;
	u64 done;
};

/**
 * struct nvme_steer_kcopy - a copy
 * @ranges:	@nr of them, the caller's until @done
 * @nr:		1 to NVME_STEER_COPY_MAX_RANGES
 * @flags:	NVME_STEER_COPY_F_*
 * @depth:	the most pieces under way at a time; 0 is the policy's
 * @bdev:	the destination: an NVMe namespace or a partition of one
 * @offset:	where in it, bytes
 * @done:	called once, when the copy has ended; any context, an interrupt
 *		included. The copy is the caller's again.
 * @private:	the caller's
 * @status:	0, an NVMe status, or -errno of the first range that failed
 * @copied:	bytes copied without a gap
 * @path:	NVME_STEER_COPY_OFFLOAD, _SPLIT, _EMULATE or _HYBRID
 */
struct nvme_steer_kcopy {
	struct nvme_steer_kcopy_range *ranges;
	u32 nr;
	u32 flags;
	u32 depth;
	struct block_device *bdev;
	u64 offset;
	void (*done)(struct nvme_steer_kcopy *copy);
	void *private;
	int status;
	u64 copied;
	u32 path;
};

int nvme_steer_kcopy(struct nvme_steer_kcopy *copy);

#endif /* NVMESTEER_KCOPY_H */
