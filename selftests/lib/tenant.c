// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <time.h>

#include "tenant.h"
#include "test.h"

#define AREA	1024	/* commands */

uint64_t tenant_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

void tenant_init(struct tenant *t, unsigned int mode)
{
	t->sent = test_alloc(2 * t->depth * sizeof(*t->sent));
	t->took = test_alloc(TENANT_TOOK * sizeof(*t->took));
	t->buf = test_alloc((size_t)t->depth * t->nlb * t->ns->block);
	pt_ring_init(&t->ring, 2 * t->depth, mode);
}

static void tenant_submit_one(struct tenant *t)
{
	/* with gaps: the block layer is not to make one of several */
	uint64_t lba = t->first + t->next % AREA * 2 * t->nlb;
	size_t len = (size_t)t->nlb * t->ns->block;
	uint8_t *buf = t->buf + t->next % t->depth * len;
	struct io_uring *ring = &t->ring.uring;
	struct nvme_uring_cmd cmd;
	struct io_uring_sqe *sqe;

	if (t->block) {
		sqe = io_uring_get_sqe(ring);
		test_check(sqe, "the ring is full");
		memset(sqe, 0, 2 * sizeof(*sqe));
		if (t->write)
			io_uring_prep_write(sqe, t->ns->block_fd, buf, len,
					    lba * t->ns->block);
		else
			io_uring_prep_read(sqe, t->ns->block_fd, buf, len,
					   lba * t->ns->block);
		sqe->user_data = t->next;
	} else {
		pt_rw(&cmd, t->ns, t->write ? PT_WRITE : PT_READ, lba, t->nlb,
		      buf, len);
		pt_queue(&t->ring, t->ns->fd, &cmd, 0, t->next);
	}
	t->sent[t->next++ % (2 * t->depth)] = tenant_now_us();
	t->inflight++;
}

static void tenant_reap(struct tenant *t)
{
	struct io_uring_cqe *cqe;
	size_t len = (size_t)t->nlb * t->ns->block;

	if (t->ring.mode & PT_IOPOLL)
		io_uring_enter(t->ring.uring.ring_fd, 0, 0,
			       IORING_ENTER_GETEVENTS, NULL);
	while (!io_uring_peek_cqe(&t->ring.uring, &cqe)) {
		test_check(cqe->res == (t->block ? (int)len : 0),
			   "a command ended with %d", cqe->res);
		t->took[t->ended++ % TENANT_TOOK] = tenant_now_us() -
			t->sent[cqe->user_data % (2 * t->depth)];
		io_uring_cqe_seen(&t->ring.uring, cqe);
		t->inflight--;
	}
}

static void tenant_run(struct tenant *t)
{
	unsigned int n = 0;

	tenant_reap(t);
	while (!t->stopped && t->inflight < t->depth) {
		tenant_submit_one(t);
		n++;
	}
	if (n)
		test_check(pt_submit_only(&t->ring) == (int)n, "submit");
}

uint64_t tenants_turn(struct tenant *t, unsigned int n)
{
	uint64_t ended = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		tenant_run(&t[i]);
		ended += t[i].ended;
	}
	return ended;
}

void tenants_run(struct tenant *t, unsigned int n, uint64_t commands,
		 uint64_t us)
{
	uint64_t start = tenant_now_us(), before = 0, ended;
	struct pollfd fd = { .fd = t->ring.uring.ring_fd, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < n; i++)
		before += t[i].ended;
	do {
		ended = tenants_turn(t, n);
		if (n == 1 && t->sleeps)
			poll(&fd, 1, 10);
	} while ((!commands || ended - before < commands) &&
		 (!us || tenant_now_us() - start < us));
}

static int longer(const void *a, const void *b)
{
	return *(const uint32_t *)b > *(const uint32_t *)a ? 1 : -1;
}

unsigned int tenant_p99(const struct tenant *t, unsigned int n)
{
	uint32_t *took = test_alloc(n * sizeof(*took));
	unsigned int i, p99;

	test_check(n && n <= TENANT_TOOK && n <= t->ended, "no %u latencies", n);
	for (i = 0; i < n; i++)
		took[i] = t->took[(t->ended - n + i) % TENANT_TOOK];
	qsort(took, n, sizeof(*took), longer);
	p99 = took[n / 100];
	free(took);
	return p99;
}

void tenant_exit(struct tenant *t)
{
	t->stopped = true;
	while (t->inflight)
		tenant_reap(t);
	pt_ring_exit(&t->ring);
	free(t->sent);
	free(t->took);
	free(t->buf);
}
