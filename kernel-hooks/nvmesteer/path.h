/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Paths: the hook by which a multipath head asks for one, which policy answers,
 * and what is in flight at each.
 */
#ifndef NVMESTEER_PATH_H
#define NVMESTEER_PATH_H

#include "nvmesteer.h"

/**
 * struct nvme_steer_path_io - what a multipath head needs a path for
 * @bio:	a bio, or NULL
 * @ioucmd:	a uring_cmd of a ring with large SQEs, of any operation; nothing
 *		of it is checked. Or NULL
 * @issue_flags: with it
 * @cmd:	else the I/O command of an ioctl; nothing of it is checked
 * @len:	with it: of its data, bytes
 */
struct nvme_steer_path_io {
	struct bio *bio;
	struct io_uring_cmd *ioucmd;
	unsigned int issue_flags;
	const struct nvme_command *cmd;
	u32 len;
};

/* What path() is told, and what its kfuncs need besides. */
struct nvme_steer_path_args {
	struct nvme_steer_path path;
	const struct bio *bio;		/* NULL: a passthrough command */
};

/*
 * In io_uring_cmd.flags, where io_uring has its own bits at both ends and this
 * is nobody's: the command may be tried again, and how often it was. Zero when
 * io_uring has prepared it; whoever issues it or ends it writes.
 */
#define NVME_STEER_URING_AGAIN	(1U << 26)
#define NVME_STEER_URING_TRY	(1U << 27)
#define NVME_STEER_URING_TRIES	(3U << 27)

struct nvme_ns *nvme_steer_path_bio_hook(struct nvme_ns_head *head,
					 struct bio *bio);
struct nvme_ns *nvme_steer_path_uring_hook(struct nvme_ns_head *head,
					   struct io_uring_cmd *ioucmd,
					   unsigned int issue_flags);
struct nvme_ns *nvme_steer_path_ioctl_hook(struct nvme_ns_head *head,
					   const struct nvme_command *cmd,
					   u32 len);
void nvme_steer_path_start_hook(struct request *req);
bool nvme_steer_path_end_hook(struct request *req);
bool nvme_steer_path_failed(struct io_uring_cmd *ioucmd, u16 status);
void nvme_steer_path_attach(struct nvme_steer_policy *p);
void nvme_steer_path_replace(struct nvme_steer_policy *old,
			     struct nvme_steer_policy *p);
void nvme_steer_path_detach(struct nvme_steer_policy *p);
void nvme_steer_path_away(struct nvme_steer_ctrl *sc);
int nvme_steer_print_path(struct nvme_steer_ctrl *sc, char *buf);

/*
 * A block request goes to a steer queue, which counts what is in flight. Its
 * time goes on under the name of @slot, or is not taken where that is NULL.
 */
static inline void nvme_steer_path_moved(struct nvme_steer_queue *q,
					 struct request *req,
					 const struct nvme_steer_slot *slot)
{
	if (!(nvme_req(req)->flags & NVME_MPATH_CNT_ACTIVE))
		return;
	nvme_req(req)->flags &= ~NVME_MPATH_CNT_ACTIVE;
	atomic_dec_if_positive(&nvme_req(req)->ctrl->nr_active);
	nvme_steer_load_rename(&q->ctrl->load, req, slot);
}

#endif /* NVMESTEER_PATH_H */
