// SPDX-License-Identifier: GPL-2.0
/*
 * Rings are closed with commands in flight on steer queues, on four CPUs at
 * once: each kind of ring, closed by the process that goes on living and by
 * one that exits. The commands end, what was written is there whole or not at
 * all, and the queues carry on.
 *
 * COUNT=   rings closed on each CPU (default 20)
 *
 * vm: --cpus 4
 */
#include <pthread.h>
#include <sys/wait.h>

#include "load.h"
#include "test.h"

#define NR	16	/* commands in flight in a ring that is closed */

static struct pt_ns ns;
static unsigned long count;

/* The buffer is not freed: commands read it when the ring is long closed. */
static void close_one(unsigned int thread, unsigned long i)
{
	uint8_t *buf = test_alloc(NR * 8 * ns.block);
	uint64_t lba = 1024 + thread * NR * 8ULL;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	unsigned int n;

	pt_ring_init(&ring, 64, (thread + i) & 3);
	pt_fill(&ns, buf, lba, NR * 8, i + 1);
	for (n = 0; n < NR; n++) {
		pt_rw(&cmd, &ns, PT_WRITE, lba + n * 8, 8,
		      buf + n * 8 * ns.block, 8 * ns.block);
		pt_queue(&ring, ns.fd, &cmd, 0, n);
	}
	if (ring.mode & PT_SQPOLL)
		io_uring_submit(&ring.uring);
	else
		pt_submit_only(&ring);
	pt_ring_exit(&ring);
}

static void *run(void *arg)
{
	unsigned long i, thread = (unsigned long)arg;

	for (i = 0; i < count; i++)
		close_one(thread, i);
	return NULL;
}

static void run_all(void)
{
	pthread_t threads[4];
	unsigned long t;

	for (t = 0; t < 4; t++)
		pthread_create(&threads[t], NULL, run, (void *)t);
	for (t = 0; t < 4; t++)
		pthread_join(threads[t], NULL);
}

/* Each block holds one of the generations written, all of its words. */
static void check_blocks(void)
{
	uint32_t b, nr = 4 * NR * 8;
	uint8_t *buf = test_alloc(nr * ns.block);
	unsigned long gen;

	pt_block_read(&ns, buf, 1024, nr);
	for (b = 0; b < nr; b++) {
		for (gen = 0; gen <= count; gen++)
			if (pt_block_is(&ns, buf + b * ns.block, 1024 + b, gen))
				break;
		test_check(gen <= count, "block %u holds nothing ever written",
			   1024 + b);
	}
	free(buf);
	pt_block_check(&ns, 1023, 1, 0);
	pt_block_check(&ns, 1024 + nr, 1, 0);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
		.depth = { [2] = 16, [4] = 16 },
	};
	struct steer_queues before, after;
	struct steer_policy policy;
	struct steer_queue b, a;
	int status;
	pid_t pid;

	test_begin(100);
	count = test_env("COUNT", 20);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_block_write(&ns, 1023, 4 * NR * 8 + 2, 0);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	steer_queues(ns.ctrl, &before);

	test_step("rings closed by a process that lives on");
	run_all();
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands in flight");
	check_blocks();

	test_step("rings left behind by processes that exit");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		run_all();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "child ended with %#x", status);
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands in flight");
	check_blocks();

	steer_queues(ns.ctrl, &after);
	steer_total(&before, &b);
	steer_total(&after, &a);
	printf("# %lu rings closed, %ju of %lu commands reached the controller\n",
	       8 * count, a.submitted - b.submitted, 8 * count * NR);
	test_check(a.completed - b.completed == a.submitted - b.submitted,
		   "not every command completed");
	test_check(a.submitted - b.submitted <= 8 * count * NR,
		   "more commands than were given");
	test_pass();
}
