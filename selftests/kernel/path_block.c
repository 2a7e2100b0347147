// SPDX-License-Identifier: GPL-2.0
/*
 * One policy that chooses the path of block requests and then their queue: the
 * driver's own, a steer queue, or one that belongs to a share. Wherever they
 * go, what is told of a path is true: its latency is measured, and each command
 * is in flight once, also while it waits for its share or behind a full queue.
 * Data written by one path is read by the other one.
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define BLOCKS	8
#define TIMES	16
#define MANY	24	/* requests at once: more than SMALL has slots */
#define FIRST	8192	/* block */

enum { OWN, IRQ, SHARED, SMALL };

static const char *const name[] = {
	[OWN] = "the driver's queues", [IRQ] = "a steer queue",
	[SHARED] = "a share's queue", [SMALL] = "a small queue of a share",
};

static const struct puppet_config config = {
	.mode = { [IRQ] = NVME_STEER_IRQ, [SHARED] = NVME_STEER_IRQ,
		  [SMALL] = NVME_STEER_IRQ },
	.depth = { [SMALL] = 8 },
	.share = { [SHARED] = 1, [SMALL] = 2 },
};

static const struct nvme_steer_share none;
/* one a second, at once: all but the first one wait until told otherwise */
static const struct nvme_steer_share hardly = { .iops = 1, .burst_ms = 1 };

static struct steer_policy policy[2];
static struct pt_ns ns;
static int ctrl[2];
static uint8_t *data;

/* On both paths; the first one decides for both. Nothing is measured yet. */
static void attach(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (policy[i].link)
			steer_detach(&policy[i]);
	for (i = 0; i < 2; i++)
		steer_puppet_path_share(&policy[i], ctrl[i], &config);
}

static void answer(int queue)
{
	int i;

	for (i = 0; i < 2; i++)
		steer_answer_block(&policy[i], queue, 1, queue, 1);
}

static void path_to(int on)
{
	volatile struct puppet_state *s = policy[0].state;

	s->path_answer = NVME_STEER_PATH(ctrl[on]);
}

/* A word of the file path. */
static uint64_t word(int on, const char *key)
{
	char text[128], *at;

	test_check(test_read(steer_path(ctrl[on], "path"), text,
			     sizeof(text)) > 0, "no file path");
	at = strstr(text, key);
	test_check(at, "no %s in '%s'", key, text);
	return strtoull(at + strlen(key), NULL, 10);
}

/* By each path in turn, on each kind of queue. */
static void alternating(int queue)
{
	uint64_t slba, block[2], share[2];
	int i, on;

	test_step("%s: written by one path, read by the other", name[queue]);
	attach();
	answer(queue);
	for (on = 0; on < 2; on++) {
		block[on] = steer_event(ctrl[on], "block");
		share[on] = steer_share_word(ctrl[on], 1, "commands");
	}
	for (i = 0; i < TIMES; i++) {
		slba = FIRST + i * BLOCKS;
		path_to(i & 1);
		pt_block_write(&ns, slba, BLOCKS, queue + 1);
		path_to(!(i & 1));
		pt_block_check(&ns, slba, BLOCKS, queue + 1);
	}
	for (on = 0; on < 2; on++) {
		block[on] = steer_event(ctrl[on], "block") - block[on];
		share[on] = steer_share_word(ctrl[on], 1, "commands") -
			    share[on];
		test_check(block[on] == (queue == OWN ? 0 : TIMES),
			   "%ju requests of nvme%d steered", block[on],
			   ctrl[on]);
		test_check(share[on] == (queue == SHARED ? TIMES : 0),
			   "%ju requests of nvme%d in the share", share[on],
			   ctrl[on]);
		test_check(!word(on, "inflight="), "%ju in flight at nvme%d",
			   word(on, "inflight="), ctrl[on]);
		test_check(word(on, "latency_us="),
			   "nothing measured at nvme%d", ctrl[on]);
	}
}

/* Requests that wait: how many are in flight, and how long it takes after. */
static void waiting(int queue)
{
	unsigned int share = config.share[queue], i;
	struct io_uring_sqe *sqe;
	struct pt_ring ring;
	int ret;

	test_step("%s: requests that wait", name[queue]);
	attach();
	answer(queue);
	path_to(1);
	steer_share(&policy[1], share, &hardly);
	pt_ring_init(&ring, MANY, 0);
	pt_fill(&ns, data, FIRST, MANY, 40 + queue);
	for (i = 0; i < MANY; i++) {
		sqe = io_uring_get_sqe(&ring.uring);
		io_uring_prep_write(sqe, ns.block_fd, data + i * ns.block,
				    ns.block, (FIRST + i) * ns.block);
		/* not merged */
		test_check(io_uring_submit(&ring.uring) == 1, "submit");
	}
	test_check(test_wait(word(1, "inflight=") >= MANY - 1, 5000),
		   "%ju in flight", word(1, "inflight="));
	test_check(word(1, "inflight=") <= MANY && !word(0, "inflight="),
		   "%ju and %ju in flight", word(0, "inflight="),
		   word(1, "inflight="));
	test_check(steer_share_word(ctrl[1], share, "inflight") < MANY / 2,
		   "they do not wait");
	usleep(400000);
	steer_share(&policy[1], share, &none);
	for (i = 0; i < MANY; i++) {
		ret = pt_reap(&ring, NULL, NULL);
		test_check(ret == (int)ns.block, "a write ended with %d", ret);
	}
	pt_ring_exit(&ring);
	test_check(test_wait(!word(1, "inflight="), 5000), "%ju in flight",
		   word(1, "inflight="));
	/* what a path takes is not what the share has it wait */
	test_check(word(1, "latency_us=") &&
		   word(1, "latency_us=") < 200000, "it takes %ju us",
		   word(1, "latency_us="));
	path_to(0);
	pt_block_check(&ns, FIRST, MANY, 40 + queue);
}

int main(void)
{
	int queue;

	test_begin(100);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	data = test_alloc(MANY * ns.block);
	for (queue = OWN; queue <= SHARED; queue++)
		alternating(queue);
	waiting(SHARED);
	waiting(SMALL);
	test_pass();
}
