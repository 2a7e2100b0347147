// SPDX-License-Identifier: GPL-2.0
/*
 * A batch that ends early: the block layer has no tag left for the next request,
 * so that the one before it, which was said not to be the last, is followed by
 * none, and the driver is told so instead, by commit_rqs. It is rung for then,
 * by the driver's own path and on steer queues, or it would wait for whoever
 * comes next, and nobody does: all other tags are of commands that the drive
 * does not answer.
 *
 * vm: --drives faults --cpus 4
 */
#include <sched.h>

#include "fault.h"
#include "probe.h"
#include "steer.h"
#include "test.h"

#define TAGS	4		/* the fewest that the block layer lets one have */
#define MORE	3		/* requests that io_uring hands on as a batch */
#define HELD	4096		/* block of the commands that are not answered */
#define FREE	8192
#define APART	64

static struct pt_ns ns;
static char dir[64];		/* of the request queue */
static char nr_tags[16];
static uint8_t *buf;

static void set_queue(const char *file, const char *text)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	ret = test_write(path, text);
	test_check(!ret, "%s: %s", path, strerror(-ret));
}

/* Whoever waits for what is held waits for this. */
static void release(void *unused)
{
	fault_change(FAULT_CHANGE_RELEASE, 0);
}

/* Without a scheduler it is tags that nr_requests limits. */
static void all_tags(void *unused)
{
	set_queue("scheduler", "none");
	set_queue("nr_requests", "8");
	set_queue("nr_requests", nr_tags);
}

static void few_tags(void)
{
	char path[128], text[16];

	snprintf(dir, sizeof(dir), "/sys/block/nvme%s/queue", ns.name);
	snprintf(path, sizeof(path), "%s/io_timeout", dir);
	/* what is not rung for is found by then, and lets the test end */
	snprintf(text, sizeof(text), "%u", 40000 * test_slow());
	test_set_file(path, text);
	set_queue("scheduler", "none");
	snprintf(path, sizeof(path), "%s/nr_requests", dir);
	test_check(test_read(path, nr_tags, sizeof(nr_tags)) > 0, "no %s", path);
	test_at_end(all_tags, NULL);
	snprintf(text, sizeof(text), "%u", TAGS);
	set_queue("nr_requests", text);
	/* which has more requests than there are tags */
	set_queue("scheduler", "mq-deadline");
	/* before what fault_change() has undone, which waits for it as well */
	release(NULL);
	test_at_end(release, NULL);
}

static void queue_read(struct io_uring *ring, unsigned int i, uint64_t slba)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	memset(buf + 4096 * i, 0xa5, ns.block);
	io_uring_prep_read(sqe, ns.block_fd, buf + 4096 * i, ns.block,
			   slba * ns.block);
	io_uring_sqe_set_data64(sqe, i);
}

/* It dispatches one at a time for a while after it had no tag for another. */
static void settle(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		pt_block_read(&ns, buf, FREE, 1);
}

static void ended(struct io_uring *ring, unsigned int from, uint64_t gen)
{
	struct io_uring_cqe *cqe;
	unsigned int i;

	test_check(!io_uring_peek_cqe(ring, &cqe), "no completion");
	i = io_uring_cqe_get_data64(cqe);
	test_check(cqe->res == (int)ns.block && i >= from, "read %u: %d", i,
		   cqe->res);
	test_check(pt_block_is(&ns, buf + 4096 * i, (i < TAGS - 1 ? HELD : FREE) +
			       APART * i, gen), "read %u: wrong data", i);
	io_uring_cqe_seen(ring, cqe);
}

static unsigned int held(void)
{
	struct fault_counters c;

	fault_counters(&c);
	return c.held;
}

/*
 * All tags but one are of reads that are not answered; then more at once. Returns
 * whether that was a batch that ended early: not where the task was interrupted
 * while it gathered them.
 */
static bool once(const char *what, uint64_t taken)
{
	static const struct fault_rule rule = {
		.what = FAULT_NEVER, .opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .slba = HELD, .nlb = APART * TAGS,
	};
	static uint64_t gen = 1;
	struct io_uring ring;
	unsigned long commits;
	bool committed;
	uint64_t was;
	unsigned int i;

	pt_block_write(&ns, HELD, APART * TAGS, ++gen);
	pt_block_write(&ns, FREE, APART * (TAGS + MORE), gen);
	settle();
	fault_clear();
	fault_add(&rule);
	was = steer_event(ns.ctrl, "block");
	test_check(!io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
	for (i = 0; i < TAGS - 1; i++) {
		queue_read(&ring, i, HELD + APART * i);
		test_check(io_uring_submit(&ring) == 1, "submit");
	}
	test_check(test_wait(held() == TAGS - 1, 10000), "%u are held", held());
	commits = probe_hits("commit");
	for (; i < TAGS - 1 + MORE; i++)
		queue_read(&ring, i, FREE + APART * i);
	test_check(io_uring_submit(&ring) == MORE, "submit");
	/* before any of them has had its time */
	test_check(test_wait(io_uring_cq_ready(&ring) == MORE, 20000),
		   "%u of the others have ended", io_uring_cq_ready(&ring));
	committed = probe_hits("commit") > commits;
	for (i = 0; i < MORE; i++)
		ended(&ring, TAGS - 1, gen);
	test_check(held() == TAGS - 1, "%u are held", held());
	release(NULL);
	test_check(test_wait(io_uring_cq_ready(&ring) == TAGS - 1, 10000),
		   "%u of those held have ended", io_uring_cq_ready(&ring));
	for (i = 0; i < TAGS - 1; i++)
		ended(&ring, 0, gen);
	io_uring_queue_exit(&ring);
	was = steer_event(ns.ctrl, "block") - was;
	test_check(was == taken, "%ju were steered instead of %ju", was, taken);
	fault_host_is_good(what);
	return committed;
}

static void try(const char *what, uint64_t taken)
{
	unsigned int n = 1;

	test_step("%s", what);
	while (!once(what, taken))
		test_check(n++ < 10, "no commit_rqs, ten times");
}

int main(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ },
		.share = { [2] = 1 },
	};
	static const struct nvme_steer_share limit = { .weight = 1 };
	struct steer_policy policy;
	cpu_set_t first;

	test_begin(100);
	fault_open(&ns);
	test_check(ns.block_fd >= 0, "no block device");
	buf = test_alloc(4096 * (TAGS + MORE));
	/* one hardware queue, and its tags */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	test_check(!sched_setaffinity(0, sizeof(first), &first), "affinity");
	probe_start("commit", "nvme_commit_rqs");
	few_tags();
	try("the driver's own path", 0);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 1, &limit);
	steer_answer_block(&policy, 1, 1, 0, 1);
	try("a steer queue", TAGS - 1 + MORE);
	steer_answer_block(&policy, 2, 1, 0, 1);
	try("a queue of a share", TAGS - 1 + MORE);
	steer_detach(&policy);
	test_pass();
}
