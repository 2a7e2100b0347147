// SPDX-License-Identifier: GPL-2.0
/*
 * Processes with block requests in flight on polled and interrupt steer queues
 * are killed with SIGKILL, again and again: by io_uring, polled for and not, by
 * O_DIRECT one by one, and through the page cache. Their requests end, each page
 * is what it was or what was being written, seen by passthrough, and the next
 * processes go on. Then nvmesteer is unloaded and loaded under block I/O, which
 * does not notice, once no policy is attached, and not before.
 *
 * COUNT=   kills (default 10)
 *
 * vm: --cpus 4
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "block_load.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define WORKERS	4
#define DEPTH	16
#define SLOTS	64		/* pages of a worker */
#define PAGE	4096
#define FIRST	4096		/* block */

/* What a page may hold: @is, or unless that is 0 @maybe. Generations. */
struct page {
	_Atomic uint64_t is;
	_Atomic uint64_t maybe;
};

/* Outlives the processes. */
struct shared {
	atomic_ulong done[WORKERS];
	atomic_ulong gen;
	struct page page[WORKERS][SLOTS];
	char why[WORKERS][160];
};

static struct pt_ns ns;
static struct pt_ring ring;
static struct shared *sh;
static struct steer_policy policy;
static struct block_load load;
static pid_t pids[WORKERS];
static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	.depth = { [2] = 16, [4] = 16 },
};

#define worker_fail(w, ...)						\
	do {								\
		snprintf(sh->why[w], sizeof(sh->why[w]), __VA_ARGS__);	\
		_exit(1);						\
	} while (0)

static uint64_t slba_of(unsigned int w, unsigned int slot)
{
	return FIRST + ((uint64_t)w * SLOTS + slot) * (PAGE / ns.block);
}

/* New contents for a page, which it may have from now on. */
static void begin(unsigned int w, unsigned int slot, void *buf)
{
	uint64_t gen = atomic_fetch_add(&sh->gen, 1);

	pt_fill(&ns, buf, slba_of(w, slot), PAGE / ns.block, gen);
	atomic_store(&sh->page[w][slot].maybe, gen);
}

static void end(unsigned int w, unsigned int slot)
{
	struct page *p = &sh->page[w][slot];

	atomic_store(&p->is, atomic_load(&p->maybe));
	atomic_store(&p->maybe, 0);
	atomic_fetch_add(&sh->done[w], 1);
}

/* Workers 0 and 1: up to DEPTH pages at once, not polled for, and polled for. */
static void by_ring(unsigned int w, uint8_t *buf)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring r;
	uint64_t round;
	unsigned int i, n, slot;
	int ret;

	ret = io_uring_queue_init(DEPTH, &r, w & 1 ? IORING_SETUP_IOPOLL : 0);
	if (ret)
		worker_fail(w, "io_uring_queue_init: %s", strerror(-ret));
	for (round = 0;; round++) {
		n = 1 + round * 7 % DEPTH;
		for (i = 0; i < n; i++) {
			slot = (round * 5 + i * 3) % SLOTS;
			begin(w, slot, buf + i * PAGE);
			sqe = io_uring_get_sqe(&r);
			io_uring_prep_write(sqe, ns.block_fd, buf + i * PAGE,
					    PAGE, slba_of(w, slot) * ns.block);
			sqe->user_data = slot;
		}
		if (io_uring_submit(&r) != (int)n)
			worker_fail(w, "submit");
		for (i = 0; i < n; i++) {
			ret = io_uring_wait_cqe(&r, &cqe);
			if (ret || cqe->res != PAGE)
				worker_fail(w, "write: %d, %d", ret,
					    ret ? 0 : cqe->res);
			end(w, cqe->user_data);
			io_uring_cqe_seen(&r, cqe);
		}
	}
}

/* Workers 2 and 3: one by one, and through the page cache. */
static void by_write(unsigned int w, uint8_t *buf)
{
	int fd = ns.block_fd;
	unsigned int slot;
	char path[64];

	snprintf(path, sizeof(path), "/dev/nvme%s", ns.name);
	if (w == 3)
		fd = open(path, O_RDWR);
	for (slot = 0;; slot = (slot + 3) % SLOTS) {
		begin(w, slot, buf);
		if (pwrite(fd, buf, PAGE, slba_of(w, slot) * ns.block) != PAGE ||
		    (w == 3 && fsync(fd)))
			worker_fail(w, "write: %s", strerror(errno));
		end(w, slot);
	}
}

static void worker(unsigned int w)
{
	cpu_set_t cpus;
	uint8_t *buf;

	CPU_ZERO(&cpus);
	CPU_SET(w, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	buf = mmap(NULL, DEPTH * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		worker_fail(w, "no memory");
	if (w < 2)
		by_ring(w, buf);
	by_write(w, buf);
}

static void kill_all(void *arg)
{
	unsigned int w;
	int status;

	for (w = 0; w < WORKERS; w++)
		if (pids[w] > 0)
			kill(pids[w], SIGKILL);
	for (w = 0; w < WORKERS; w++) {
		if (pids[w] > 0)
			waitpid(pids[w], &status, 0);
		pids[w] = 0;
	}
}

static unsigned long done(void)
{
	unsigned long sum = 0;
	unsigned int w;

	for (w = 0; w < WORKERS; w++)
		sum += atomic_load(&sh->done[w]);
	return sum;
}

static void start_and_kill(unsigned long i)
{
	unsigned long was[WORKERS];
	unsigned int w;

	for (w = 0; w < WORKERS; w++) {
		was[w] = atomic_load(&sh->done[w]);
		pids[w] = fork();
		test_check(pids[w] >= 0, "fork: %s", strerror(errno));
		if (!pids[w])
			worker(w);
	}
	for (w = 0; w < WORKERS; w++)
		test_check(test_wait(atomic_load(&sh->done[w]) > was[w] + i % 5,
				     20000) && !*sh->why[w],
			   "worker %u does not go on: %s", w, sh->why[w]);
	usleep(1000 * (i * 13 % 40));
	kill_all(NULL);
}

/* By passthrough, on the driver's path. What is found is what is known then. */
static void verify(void)
{
	uint32_t per = PAGE / ns.block;
	static uint8_t *buf;
	struct nvme_uring_cmd cmd;
	unsigned int w, slot;
	struct page *p;
	int ret;

	if (!buf)
		buf = test_alloc(PAGE);
	/* what a killed process left in the page cache */
	test_check(!fsync(ns.block_fd), "fsync: %s", strerror(errno));
	for (w = 0; w < WORKERS; w++)
		for (slot = 0; slot < SLOTS; slot++) {
			p = &sh->page[w][slot];
			pt_rw(&cmd, &ns, PT_READ, slba_of(w, slot), per, buf,
			      PAGE);
			ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
			test_check(!ret, "read: %d", ret);
			if (p->maybe && pt_differs(&ns, buf, slba_of(w, slot),
						   per, p->maybe) < 0)
				p->is = p->maybe;
			p->maybe = 0;
			test_check(pt_differs(&ns, buf, slba_of(w, slot), per,
					      p->is) < 0,
				   "page %u of worker %u is neither what it was nor what was being written",
				   slot, w);
		}
}

static void attach(void)
{
	steer_puppet_block(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 1, 2, 3, 2);
}

static void unload_under_load(void)
{
	uint64_t steered;
	int ret;

	test_step("the module is unloaded under block I/O");
	block_load_start(&load, &ns, 16384);
	test_check(block_load_wait(&load, 50, 20000), "no block I/O");
	ret = steer_rmmod();
	test_check(ret == -EWOULDBLOCK || ret == -EBUSY,
		   "rmmod while a policy is attached: %d", ret);
	steer_detach(&policy);
	test_check(test_wait(!(ret = steer_rmmod()), 20000), "rmmod: %s",
		   strerror(-ret));
	test_check(block_load_wait(&load, 50, 20000),
		   "no block I/O without the module");
	steer_modprobe(NULL);
	attach();
	steered = steer_event(ns.ctrl, "block");
	test_check(block_load_wait(&load, 50, 20000) &&
		   test_wait(steer_event(ns.ctrl, "block") > steered, 5000),
		   "nothing is steered afterwards");
	block_load_stop(&load);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 10);
	struct steer_queues before, after;
	struct steer_queue b, a;
	unsigned int w, slot;

	test_begin(100 + 3 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_ring_init(&ring, 8, 0);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(sh != MAP_FAILED, "no memory");
	sh->gen = 2;
	for (w = 0; w < WORKERS; w++) {
		pt_block_write(&ns, slba_of(w, 0), SLOTS * (PAGE / ns.block),
			       1);
		for (slot = 0; slot < SLOTS; slot++)
			sh->page[w][slot].is = 1;
	}
	test_at_end(steer_modprobe, NULL);
	test_at_end(kill_all, NULL);
	attach();

	test_step("%lu kills under load", count);
	steer_queues(ns.ctrl, &before);
	for (i = 0; i < count; i++) {
		start_and_kill(i);
		test_check(steer_wait_idle(ns.ctrl, 10000),
			   "requests in flight 10 s after kill %lu", i);
		verify();
	}
	steer_queues(ns.ctrl, &after);
	steer_total(&before, &b);
	steer_total(&after, &a);
	printf("# %lu kills: %lu requests were seen to end, %ju were steered\n",
	       count, done(), a.submitted - b.submitted);
	test_check(a.submitted - b.submitted == a.completed - b.completed,
		   "not every request completed");
	test_check(a.submitted > b.submitted + count, "nothing was steered");

	unload_under_load();
	verify();
	test_pass();
}
