/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command groups, as small as a test can use them: a registered buffer with an
 * array and data, between canaries, and groups made of it.
 */
#ifndef GROUP_TEST_H
#define GROUP_TEST_H

#include <linux/types.h>
#include <sys/ioctl.h>

#include <nvmesteer/group.h>

#include "pt.h"

#define CANARY		0x5a
#define UNTOUCHED	0x7ead	/* a status no command ends with */

struct arena {
	uint8_t *base;
	size_t size;
	struct nvme_steer_group_cmd *cmds;
	uint8_t *data;
	uint8_t *end;
};

/* Room for @cmds commands and @data bytes. */
void arena_init(struct arena *a, unsigned int cmds, size_t data);
void arena_free(struct arena *a);
bool arena_canary(const uint8_t *p, size_t n);

/* A ring with the arena registered. */
void group_ring_init(struct pt_ring *r, unsigned int mode, struct arena *a);

/* A command whose status is UNTOUCHED. */
void group_set(const struct pt_ns *ns, struct nvme_steer_group_cmd *c,
	       uint8_t opcode, uint64_t slba, uint32_t nlb, void *buf);

/* The first @nr commands of the arena. */
struct nvme_steer_group group_whole(const struct arena *a, unsigned int nr);

/* Put it into the ring; @how is PT_FIXED, PT_ASYNC. */
void group_queue(struct pt_ring *r, int fd, const struct nvme_steer_group *g,
		 unsigned int how, uint64_t user_data);

/* One group, start to end; it ends once. */
int group_do_how(struct pt_ring *r, int fd, const struct nvme_steer_group *g,
		 unsigned int how, uint64_t *result);
int group_do(struct pt_ring *r, const struct pt_ns *ns,
	     const struct nvme_steer_group *g, uint64_t *result);

/* Likewise, and all of its commands succeed. */
void group_good(struct pt_ring *r, const struct pt_ns *ns,
		const struct nvme_steer_group *g, unsigned int how,
		const char *what);

#endif /* GROUP_TEST_H */
