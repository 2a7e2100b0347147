/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies of the library as NVMe Copy commands, which programs send by
 * passthrough: built from the same description, and what a completion says
 * turned into a report of each range, so that the same checks hold for it.
 */
#ifndef COPY_CMD_H
#define COPY_CMD_H

#include "copy.h"

#define COPY_CMD_RANGES		256	/* the most of a command */

/*
 * The command for @c; @list has room for COPY_CMD_RANGES descriptors. In format
 * 2h if a source is another namespace than the destination, else in 0h.
 */
void copy_cmd(struct copy *c, struct nvme_uring_cmd *cmd, void *list);
/*
 * It has ended with @res, 0 or a status or -errno, and DW0: which of its ranges
 * are copied by that, as @c would have said it. By what path is not known.
 */
void copy_cmd_ended(struct copy *c, int res, uint32_t dw0);
/* Send it by ioctl, with 64 bits of result or 32. */
void copy_cmd_ioctl(struct copy *c, const struct nvme_uring_cmd *cmd,
		    bool wide);
/* One of it, by uring_cmd. */
void copy_cmd_do(struct pt_ring *r, struct copy *c,
		 const struct nvme_uring_cmd *cmd);

#endif /* COPY_CMD_H */
