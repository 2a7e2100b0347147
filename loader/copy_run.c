// SPDX-License-Identifier: GPL-2.0
/*
 * Sending a copy: pieces of a bounded size, some under way at a time, so that
 * it can be ended between two of them. What was sent is always waited for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <liburing.h>

#include "copy_job.h"

#define FLIGHT		4	/* the most pieces under way */
#define MIN_SIZE	(1ULL << 20)
#define MAX_SIZE	(64ULL << 20)
/* A piece, the smallest at first, should take a time between these two. */
#define SHORT_S		0.1
#define LONG_S		0.5
#define WAKE_NS		200000000

struct flight {
	bool busy;
	double sent;
	struct copy_piece piece;
	struct nvme_steer_copy_range ranges[COPY_PARTS];
};

struct run {
	const struct copy_job *job;
	struct copy_result *r;
	struct io_uring ring;
	struct copy_progress progress;
	struct flight flights[FLIGHT];
	unsigned int most, busy;	/* pieces under way */
	uint64_t sent, copied;		/* bytes */
	uint64_t size;			/* of a piece */
};

/* ----------------------------------------------------------------- signals */

static volatile sig_atomic_t signalled;

static void on_signal(int signal)
{
	signalled = signal;
}

void copy_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sa.sa_flags = SA_RESETHAND;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

int copy_signal(void)
{
	return signalled;
}

/* ------------------------------------------------------------------- pieces */

static void fill_ranges(struct flight *f)
{
	unsigned int i;

	for (i = 0; i < f->piece.nr; i++)
		f->ranges[i] = (struct nvme_steer_copy_range){
			.fd = f->piece.parts[i].range->dev->fd,
			.offset = f->piece.parts[i].offset,
			.len = f->piece.parts[i].len,
		};
}

static void send_piece(struct run *run)
{
	const struct copy_job *job = run->job;
	struct nvme_steer_copy_cmd *cmd;
	struct flight *f = run->flights;
	struct io_uring_sqe *sqe;

	/* there are as many of both */
	sqe = io_uring_get_sqe(&run->ring);
	if (!sqe)
		abort();
	while (f->busy)
		f++;
	copy_plan__piece(job, run->sent, run->size, &f->piece);
	fill_ranges(f);
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = job->to->ng_fd;
	sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
	sqe->user_data = (uintptr_t)f;
	cmd = (struct nvme_steer_copy_cmd *)sqe->cmd;
	cmd->ranges = (uintptr_t)f->ranges;
	cmd->nr = f->piece.nr;
	cmd->flags = job->flags;
	cmd->dst = f->piece.to;
	cmd->dst_fd = job->to->fd == job->to->ng_fd ? -1 : job->to->fd;
	cmd->depth = job->depth / run->most;
	f->busy = true;
	f->sent = copy_now();
	run->sent += f->piece.len;
	run->busy++;
}

/* ------------------------------------------------------------------ results */

/* The path of all pieces together. */
static uint32_t join(uint32_t a, uint32_t b)
{
	if (!a || !b || a == b)
		return a ? a : b;
	if (a + b == NVME_STEER_COPY_OFFLOAD + NVME_STEER_COPY_SPLIT)
		return NVME_STEER_COPY_SPLIT;
	return NVME_STEER_COPY_HYBRID;
}

/* The piece nearest to the beginning is what counts. */
static void failed(struct run *run, const struct flight *f, int error,
		   uint64_t done)
{
	struct copy_result *r = run->r;
	const struct copy_part *part = f->piece.parts;
	unsigned int i;

	if (r->error && f->piece.at > r->copied)
		return;
	r->error = error;
	r->failed = NULL;
	for (i = 0; i < f->piece.nr && !r->failed; i++)
		if (f->ranges[i].status && f->ranges[i].status != -ECANCELED)
			r->failed = part[i].range;
	r->refused = !r->failed;
	r->torn = !r->refused && copy_plan__torn(&f->piece);
	/* from its end on there is no telling what is there already */
	r->copied = f->piece.at + (part->range->backwards ? 0 : done);
}

/* Pieces as long as can be waited for when the copy is to end. */
static void adapt(struct run *run, const struct flight *f)
{
	double took = copy_now() - f->sent;

	if (took < SHORT_S && f->piece.len >= run->size &&
	    run->size < MAX_SIZE)
		run->size *= 2;
	else if (took > LONG_S && run->size > MIN_SIZE)
		run->size /= 2;
}

static void reap(struct run *run, const struct io_uring_cqe *cqe)
{
	struct flight *f = (struct flight *)(uintptr_t)cqe->user_data;
	uint64_t done = NVME_STEER_COPIED_BYTES(cqe->big_cqe[0]);

	if (cqe->res)
		failed(run, f, cqe->res, done);
	else
		done = f->piece.len;
	run->r->path = join(run->r->path,
			    NVME_STEER_COPIED_PATH(cqe->big_cqe[0]));
	run->copied += done;
	adapt(run, f);
	f->busy = false;
	run->busy--;
}

static void reap_all(struct run *run)
{
	struct __kernel_timespec ts = { .tv_nsec = WAKE_NS };
	struct io_uring_cqe *cqe;

	/* a signal ends the waiting, and what is ready is looked at again */
	if (io_uring_wait_cqe_timeout(&run->ring, &cqe, &ts))
		return;
	do {
		reap(run, cqe);
		io_uring_cqe_seen(&run->ring, cqe);
	} while (!io_uring_peek_cqe(&run->ring, &cqe));
}

static bool may_send(const struct run *run)
{
	return run->busy < run->most && run->sent < run->job->len &&
	       !run->r->error && !copy_signal();
}

static void send_and_wait(struct run *run)
{
	const struct copy_job *job = run->job;

	copy_progress__begin(&run->progress, "", job->len);
	do {
		while (may_send(run))
			send_piece(run);
		io_uring_submit(&run->ring);
		if (run->busy)
			reap_all(run);
		copy_progress__at(&run->progress, run->copied);
	} while (run->busy || may_send(run));
	copy_progress__end(&run->progress);
}

static int no_ring(int ret, char *why)
{
	if (ret == -EPERM)
		snprintf(why, COPY_WHY,
			 "io_uring is not allowed here; see /proc/sys/kernel/io_uring_disabled");
	else
		snprintf(why, COPY_WHY, "cannot make an io_uring: %s",
			 strerror(-ret));
	return ret;
}

/* As many pieces as share the depth that was asked for without a rest. */
static unsigned int flight_of(const struct copy_job *job)
{
	unsigned int n = FLIGHT;

	if (job->serial)
		return 1;
	while (job->depth % n)
		n--;
	return n;
}

int copy_run(const struct copy_job *job, struct copy_result *r, char *why)
{
	struct run *run = calloc(1, sizeof(*run));
	double began;
	int ret;

	memset(r, 0, sizeof(*r));
	if (!run)
		return -ENOMEM;
	run->job = job;
	run->r = r;
	run->size = MIN_SIZE;
	run->most = flight_of(job);
	ret = io_uring_queue_init(FLIGHT, &run->ring, IORING_SETUP_SQE128 |
				  IORING_SETUP_CQE32);
	if (ret) {
		free(run);
		return no_ring(ret, why);
	}
	began = copy_now();
	send_and_wait(run);
	r->seconds = copy_now() - began;
	r->signal = copy_signal();
	if (!r->error)
		r->copied = run->sent;
	io_uring_queue_exit(&run->ring);
	free(run);
	return 0;
}
