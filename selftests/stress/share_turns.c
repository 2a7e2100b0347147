// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are sent at once, beside ones that wait, on one queue: rings and
 * block requests of several tasks go to it while limits come and go, so that
 * what needs not wait is written by who submits and what has waited by who ends
 * something, one right after the other. Batches, pairs and lone commands, asked
 * about one by one and once a batch. All data is verified through the block
 * device, nothing is lost, and nothing is left.
 *
 * vm: --cpus 4
 * timeout: 150
 */
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define FIRST	4096	/* block */
#define RANGE	64	/* blocks of a task */
#define MOST	16	/* commands at once */
#define RINGS	3	/* tasks with a ring */
#define WRITERS	2	/* through the block device: one by one, and many */
#define MS	4000	/* for how long */

enum { IRQ = 1, POLL };

static const struct puppet_config config = {
	.mode = { [IRQ] = NVME_STEER_IRQ, [POLL] = NVME_STEER_POLL },
	.depth = { [IRQ] = 32, [POLL] = 32 },
	.share = { [IRQ] = 1, [POLL] = 1 },
};

static const struct nvme_steer_share none;
static const struct nvme_steer_share shallow = { .depth = 2 };
static const struct nvme_steer_share one = { .depth = 1 };
static const struct nvme_steer_share rated = { .iops = 20000, .burst_ms = 1 };

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t end;

/* One round of a ring: @n writes, some of a buffer that is not registered. */
static void round_of(struct pt_ring *r, uint8_t *buf, uint64_t first,
		     unsigned int n, uint64_t gen)
{
	struct nvme_uring_cmd cmd;
	uint32_t seen = 0;
	unsigned int i;
	uint64_t tag;
	int ret;

	pt_fill(&ns, buf, first, n, gen);
	for (i = 0; i < n; i++) {
		pt_rw(&cmd, &ns, PT_WRITE, first + i, 1, buf + i * ns.block,
		      ns.block);
		pt_queue(r, ns.fd, &cmd, gen % 5 ? PT_FIXED : 0, i);
	}
	test_check(pt_submit_only(r) == (int)n, "submit");
	for (i = 0; i < n; i++) {
		ret = pt_reap(r, &tag, NULL);
		test_check(!ret, "command %ju ended with %d", tag, ret);
		test_check(tag < n && !(seen & 1U << tag), "completion of %ju",
			   tag);
		seen |= 1U << tag;
	}
}

static void ring_task(unsigned int number, unsigned int mode)
{
	static const unsigned int counts[] = { 1, 2, MOST, 1, 2, 5, 3, MOST };
	uint64_t first = FIRST + number * RANGE, gen = 1000 * number;
	uint8_t *buf = test_alloc(MOST * ns.block);
	struct iovec iov = { .iov_base = buf, .iov_len = MOST * ns.block };
	struct pt_ring r;
	unsigned int n;

	pt_ring_init(&r, 2 * MOST, mode);
	test_check(!io_uring_register_buffers(&r.uring, &iov, 1),
		   "cannot register a buffer");
	while (test_now_ms() < end) {
		n = counts[++gen % ARRAY_LEN(counts)];
		round_of(&r, buf, first, n, gen);
		if (!(gen % 16))
			pt_block_check(&ns, first, n, gen);
	}
	pt_ring_exit(&r);
	_exit(0);
}

static void writer_task(unsigned int number)
{
	uint64_t first = FIRST + number * RANGE, gen = 1000 * number;

	while (test_now_ms() < end) {
		pt_block_write(&ns, first, RANGE, ++gen);
		pt_block_check(&ns, first, RANGE, gen);
	}
	_exit(0);
}

/* Several requests at once, of every other block, so that none are merged. */
static void batch_task(unsigned int number)
{
	uint64_t first = FIRST + number * RANGE, gen = 1000 * number;
	char *buf = test_alloc(MOST * ns.block);
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int i;

	test_check(!io_uring_queue_init(MOST, &ring, 0), "no ring");
	while (test_now_ms() < end) {
		gen++;
		for (i = 0; i < MOST; i++) {
			pt_fill(&ns, buf + i * ns.block, first + 2 * i, 1, gen);
			io_uring_prep_write(io_uring_get_sqe(&ring), ns.block_fd,
					    buf + i * ns.block, ns.block,
					    (first + 2 * i) * ns.block);
		}
		test_check(io_uring_submit(&ring) == MOST, "submit");
		for (i = 0; i < MOST; i++) {
			test_check(!io_uring_wait_cqe(&ring, &cqe), "wait");
			test_check(cqe->res == (int)ns.block,
				   "a write ended with %d", cqe->res);
			io_uring_cqe_seen(&ring, cqe);
		}
		for (i = 0; i < MOST; i++)
			pt_block_check(&ns, first + 2 * i, 1, gen);
	}
	io_uring_queue_exit(&ring);
	_exit(0);
}

static void change_limits(void)
{
	const struct nvme_steer_share *own[] = { &none, &shallow, &none, &one,
						 &rated, &none };
	unsigned int i = 0;

	while (test_now_ms() < end) {
		steer_share(&policy, 1, own[++i % ARRAY_LEN(own)]);
		steer_share(&policy, 0, i % 4 ? &none : &shallow);
		usleep(3000);
	}
	steer_share(&policy, 1, &none);
	steer_share(&policy, 0, &none);
}

/* @mode: of the rings; block requests go by interrupt. */
static void run(unsigned int mode, bool once)
{
	unsigned int i, q = mode & PT_IOPOLL ? POLL : IRQ;
	struct steer_queues before, after;
	uint64_t waits, commands;
	pid_t pids[RINGS + WRITERS];
	int status;

	test_step("%s, asked %s", pt_mode_name(mode),
		  once ? "once a batch" : "about each");
	(once ? steer_puppet_share_once : steer_puppet_share)(&policy, ns.ctrl,
							      &config);
	steer_answer(&policy, q, q);
	steer_answer_block(&policy, IRQ, 1, IRQ, 1);
	waits = steer_share_word(ns.ctrl, 1, "waits");
	commands = steer_share_word(ns.ctrl, 1, "commands");
	steer_queues(ns.ctrl, &before);
	end = test_now_ms() + MS;
	for (i = 0; i < RINGS + WRITERS; i++) {
		pids[i] = fork();
		if (!pids[i] && i < RINGS)
			ring_task(i, mode);
		if (!pids[i] && i > RINGS)
			batch_task(i);
		if (!pids[i])
			writer_task(i);
	}
	change_limits();
	for (i = 0; i < RINGS + WRITERS; i++)
		test_check(waitpid(pids[i], &status, 0) == pids[i] && !status,
			   "task %u: %#x", i, status);
	test_check(steer_wait_idle(ns.ctrl, 10000), "commands are left");
	steer_queues(ns.ctrl, &after);
	waits = steer_share_word(ns.ctrl, 1, "waits") - waits;
	commands = steer_share_word(ns.ctrl, 1, "commands") - commands;
	printf("#   %ju commands, %ju waited\n", commands, waits);
	test_check(waits > 100 && commands > waits + 100,
		   "%ju of %ju commands waited", waits, commands);
	test_check(!steer_share_word(ns.ctrl, 1, "waiting") &&
		   !steer_share_word(ns.ctrl, 1, "inflight") &&
		   !steer_share_word(ns.ctrl, 0, "inflight"),
		   "something is left");
	test_check(after.q[IRQ].submitted + after.q[POLL].submitted -
		   before.q[IRQ].submitted - before.q[POLL].submitted ==
		   commands, "queues and share disagree");
	steer_detach(&policy);
}

int main(void)
{
	test_begin(130);
	pt_open(&ns, PT_WANT_PLAIN);
	run(0, false);
	run(PT_IOPOLL, false);
	run(0, true);
	run(PT_IOPOLL, true);
	test_pass();
}
