// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups for tests; see group.h.
 */
#include <string.h>
#include <sys/mman.h>

#include "group.h"
#include "test.h"

void arena_init(struct arena *a, unsigned int cmds, size_t data)
{
	size_t array = (cmds * sizeof(*a->cmds) + 8191) & ~4095UL;

	a->size = array + data + 4 * 4096;
	a->base = mmap(NULL, a->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(a->base != MAP_FAILED, "mmap");
	memset(a->base, CANARY, a->size);
	/* an array that begins in the middle of a page */
	a->cmds = (void *)(a->base + 4096 + 3 * sizeof(*a->cmds));
	a->data = a->base + 2 * 4096 + array;
	a->end = a->data + data;
}

void arena_free(struct arena *a)
{
	munmap(a->base, a->size);
}

void group_ring_init(struct pt_ring *r, unsigned int mode, struct arena *a)
{
	struct iovec iov = { .iov_base = a->base, .iov_len = a->size };
	int ret;

	pt_ring_init(r, 32, mode);
	ret = io_uring_register_buffers(&r->uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));
}

void group_set(const struct pt_ns *ns, struct nvme_steer_group_cmd *c,
	       uint8_t opcode, uint64_t slba, uint32_t nlb, void *buf)
{
	memset(c, 0, sizeof(*c));
	c->opcode = opcode;
	c->nsid = ns->nsid;
	c->cdw10 = slba;
	c->cdw11 = slba >> 32;
	c->cdw12 = nlb ? nlb - 1 : 0;
	c->addr = (uintptr_t)buf;
	c->data_len = buf ? nlb << ns->shift : 0;
	c->status = UNTOUCHED;
}

struct nvme_steer_group group_whole(const struct arena *a, unsigned int nr)
{
	return (struct nvme_steer_group) {
		.cmds = (uintptr_t)a->cmds,
		.nr = nr,
		.base = (uintptr_t)a->base,
		.len = a->size,
	};
}

void group_queue(struct pt_ring *r, int fd,
			const struct nvme_steer_group *g, unsigned int how,
			uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	/* a thread may be taking them */
	test_check(test_wait((sqe = io_uring_get_sqe(&r->uring)), 20000),
		   "no SQE");
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->user_data = user_data;
	sqe->cmd_op = NVME_STEER_URING_CMD_GROUP;
	if (how & PT_FIXED)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	if (how & PT_ASYNC)
		sqe->flags = IOSQE_ASYNC;
	memcpy(sqe->cmd, g, sizeof(*g));
}

int group_do_how(struct pt_ring *r, int fd,
			const struct nvme_steer_group *g, unsigned int how,
			uint64_t *result)
{
	uint64_t tag = ++r->next_tag, seen;
	int ret;

	group_queue(r, fd, g, how, tag);
	ret = io_uring_submit(&r->uring);
	test_check(ret >= 0, "io_uring_submit: %s", strerror(-ret));
	ret = pt_reap(r, &seen, result);
	test_check(seen == tag, "completion of %ju, expected %ju", seen, tag);
	test_check(!io_uring_cq_ready(&r->uring),
		   "more than one completion of one group");
	return ret;
}

int group_do(struct pt_ring *r, const struct pt_ns *ns,
	     const struct nvme_steer_group *g,
		    uint64_t *result)
{
	return group_do_how(r, ns->fd, g, PT_FIXED, result);
}

/* All of a group's commands succeeded. */
void group_good(struct pt_ring *r, const struct pt_ns *ns,
		const struct nvme_steer_group *g,
		 unsigned int how, const char *what)
{
	struct nvme_steer_group_cmd *c = (void *)(uintptr_t)g->cmds;
	uint64_t result = 0;
	unsigned int i;
	int ret = group_do_how(r, ns->fd, g, how, &result);

	test_check(!ret, "%s: group of %u: %d (%#jx)", what, g->nr, ret,
		   result);
	test_check(NVME_STEER_GROUP_DONE(result) == g->nr &&
		   NVME_STEER_GROUP_FIRST(result) == g->nr,
		   "%s: group of %u: result %#jx", what, g->nr, result);
	for (i = 0; i < g->nr; i++)
		test_check(!c[i].status, "%s: command %u of %u: status %#x",
			   what, i, g->nr, c[i].status);
}

bool arena_canary(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++ != CANARY)
			return false;
	return true;
}
