// SPDX-License-Identifier: GPL-2.0
/*
 * Block I/O on steer queues while things happen to them: the controller is
 * reset, the policy replaced by another and back, detached and attached, its
 * queues removed and made anew, and all of it at once. Four processes write and
 * read back blocks of their own, with O_DIRECT, through the page cache and
 * polled for, in batches: no request fails, none is lost, each block is always
 * what was written last.
 *
 * COUNT=   rounds of each (default 4)
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define WORKERS	4
#define DEPTH	16
#define SLOTS	64		/* pages of a worker */
#define PAGE	4096

struct shared {
	atomic_bool stop;
	atomic_ulong done[WORKERS];
	char why[WORKERS][160];
};

static struct pt_ns ns;
static struct shared *sh;
static struct steer_policy policy;
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

/*
 * Write some pages at once and read them back, by O_DIRECT: not polled for
 * (worker 0, 2), or polled (1, 3). Worker 2 has every fourth round go through
 * the page cache.
 */
static void worker(unsigned int w)
{
	uint32_t per = PAGE / ns.block;
	uint64_t first = 4096 + (uint64_t)w * SLOTS * per, gens[SLOTS] = { };
	uint64_t gen = 1 + w, round = 0;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	unsigned int i, n, s, pass;
	char path[64];
	cpu_set_t cpus;
	uint8_t *buf;
	int cached, ret;

	CPU_ZERO(&cpus);
	CPU_SET(w, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	snprintf(path, sizeof(path), "/dev/nvme%s", ns.name);
	cached = open(path, O_RDWR);
	buf = mmap(NULL, DEPTH * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ret = io_uring_queue_init(DEPTH, &ring,
				  w & 1 ? IORING_SETUP_IOPOLL : 0);
	if (ret || cached < 0 || buf == MAP_FAILED)
		worker_fail(w, "cannot begin: %s", strerror(-ret));
	for (; !atomic_load(&sh->stop); round++) {
		n = 1 + round * 7 % DEPTH;
		for (pass = 0; pass < 2; pass++) {
			for (i = 0; i < n; i++) {
				s = (round * 5 + i * 3) % SLOTS;
				sqe = io_uring_get_sqe(&ring);
				if (!pass) {
					gens[s] = gen += WORKERS;
					pt_fill(&ns, buf + i * PAGE,
						first + s * per, per, gens[s]);
					io_uring_prep_write(sqe, ns.block_fd,
							    buf + i * PAGE, PAGE,
							    (first + s * per) *
							    ns.block);
				} else {
					memset(buf + i * PAGE, 0xa5, PAGE);
					io_uring_prep_read(sqe, ns.block_fd,
							   buf + i * PAGE, PAGE,
							   (first + s * per) *
							   ns.block);
				}
				sqe->user_data = i;
			}
			if (io_uring_submit(&ring) < 0)
				worker_fail(w, "submit");
			for (i = 0; i < n; i++) {
				ret = io_uring_wait_cqe(&ring, &cqe);
				if (ret || cqe->res != PAGE)
					worker_fail(w, "round %ju, request %u: %d, %d",
						    round, i, ret,
						    ret ? 0 : cqe->res);
				io_uring_cqe_seen(&ring, cqe);
				atomic_fetch_add(&sh->done[w], 1);
			}
			for (i = 0; pass && i < n; i++) {
				s = (round * 5 + i * 3) % SLOTS;
				if (pt_differs(&ns, buf + i * PAGE,
					       first + s * per, per,
					       gens[s]) >= 0)
					worker_fail(w, "round %ju: page %u is not what was written",
						    round, s);
			}
		}
		if (w == 2 && round % 4 == 0) {
			s = round % SLOTS;
			gens[s] = gen += WORKERS;
			pt_fill(&ns, buf, first + s * per, per, gens[s]);
			if (pwrite(cached, buf, PAGE,
				   (first + s * per) * ns.block) != PAGE ||
			    fsync(cached))
				worker_fail(w, "page cache: %s",
					    strerror(errno));
		}
	}
	/* everything once more, by whatever path there is now */
	for (s = 0; s < SLOTS; s++) {
		if (!gens[s])
			continue;
		if (pread(ns.block_fd, buf, PAGE,
			  (first + s * per) * ns.block) != PAGE ||
		    pt_differs(&ns, buf, first + s * per, per, gens[s]) >= 0)
			worker_fail(w, "in the end page %u is not what was written",
				    s);
	}
	_exit(0);
}

/* Every worker goes on. */
static bool alive(unsigned int more, unsigned int ms)
{
	unsigned long was[WORKERS];
	unsigned int w, status;
	bool ok = true;

	for (w = 0; w < WORKERS; w++)
		was[w] = atomic_load(&sh->done[w]);
	for (w = 0; w < WORKERS && ok; w++)
		ok = test_wait(atomic_load(&sh->done[w]) >= was[w] + more ||
			       waitpid(pids[w], (int *)&status, WNOHANG) ==
			       pids[w], ms) &&
		     atomic_load(&sh->done[w]) >= was[w] + more;
	for (w = 0; w < WORKERS; w++)
		test_check(!*sh->why[w], "worker %u: %s", w, sh->why[w]);
	return ok;
}

static void attach(const char *name)
{
	int ret = steer_load(&policy, ns.ctrl, name, &config);

	test_check(!ret, "cannot load %s: %s", name, strerror(-ret));
	/* a policy that was detached may still be ending */
	test_wait((ret = steer_attach(&policy)) != -EBUSY, 5000);
	test_check(!ret, "cannot attach %s: %s", name, strerror(-ret));
	steer_answer_block(&policy, 1, 2, 3, 2);
}

static void reset(void)
{
	int ret = vm_reset(ns.ctrl);

	test_check(!ret || ret == -EBUSY, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ns.ctrl, 20000), "not live after 20 s");
}

static void replace(const char *name)
{
	struct steer_policy next;
	int ret = steer_load(&next, ns.ctrl, name, &config);

	test_check(!ret, "cannot load %s: %s", name, strerror(-ret));
	steer_answer_block(&next, 1, 2, 3, 2);
	ret = steer_replace(&policy, &next);
	test_check(!ret, "cannot replace: %s", strerror(-ret));
	policy = next;
}

static void detach(void)
{
	steer_detach(&policy);
}

static void kill_all(void *arg)
{
	unsigned int w;

	for (w = 0; w < WORKERS; w++)
		if (pids[w] > 0)
			kill(pids[w], SIGKILL);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 4);
	uint64_t steered, timeouts;
	unsigned int w;
	int status;

	test_begin(60 + 12 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	timeouts = steer_event(ns.ctrl, "timeout");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* before there is a link that they would keep open */
	for (w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (!pids[w])
			worker(w);
	}
	test_at_end(kill_all, NULL);
	attach("puppet_block");
	test_check(alive(50, 20000), "a worker does not begin");

	test_step("%lu resets", count);
	for (i = 0; i < count; i++) {
		reset();
		test_check(alive(8, 20000), "no I/O after reset %lu", i);
	}
	test_step("%lu replacements", count);
	for (i = 0; i < count; i++) {
		replace(i % 2 ? "puppet_block" : "puppet_block_once");
		test_check(alive(8, 20000), "no I/O after replacing %lu", i);
	}
	test_step("%lu times without a policy", count);
	for (i = 0; i < count; i++) {
		detach();
		if (i % 3 == 0)
			test_check(alive(8, 20000), "no I/O without");
		attach(i % 2 ? "puppet_block" : "puppet_block_once");
		test_check(alive(8, 20000), "no I/O after attaching %lu", i);
	}
	test_step("%lu resets while it is replaced and detached", count);
	for (i = 0; i < count; i++) {
		vm_reset(ns.ctrl);
		if (i % 2) {
			detach();
			while (steer_load(&policy, ns.ctrl, "puppet_block",
					  &config) || steer_attach(&policy)) {
				if (policy.obj)
					steer_detach(&policy);
				usleep(20000);
			}
			steer_answer_block(&policy, 1, 2, 3, 2);
		} else {
			vm_wait_live(ns.ctrl, 20000);
			usleep(100000);
			replace("puppet_block");
		}
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		test_check(alive(8, 20000), "no I/O after round %lu", i);
	}
	steered = steer_event(ns.ctrl, "block");
	test_check(alive(8, 20000), "no I/O in the end");
	test_check(test_wait(steer_event(ns.ctrl, "block") > steered, 5000),
		   "nothing is steered in the end");

	test_step("the workers end");
	atomic_store(&sh->stop, true);
	for (w = 0; w < WORKERS; w++) {
		waitpid(pids[w], &status, 0);
		pids[w] = 0;
		test_check(!status, "worker %u: %s", w, sh->why[w]);
		printf("# worker %u: %lu requests\n", w,
		       atomic_load(&sh->done[w]));
	}
	printf("# %ju requests steered\n", steer_event(ns.ctrl, "block"));
	test_check(!steer_event(ns.ctrl, "bad_cid") &&
		   steer_event(ns.ctrl, "timeout") == timeouts,
		   "a bad command id or a timeout");
	detach();
	test_pass();
}
