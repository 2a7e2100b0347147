// SPDX-License-Identifier: GPL-2.0
/*
 * How much of plain buffers is kept mapped, and how long: it is bounded, counts
 * against RLIMIT_MEMLOCK, is shared by the threads of a process and right while
 * all of them change their memory, and is let go when its memory or its process
 * is gone, also while a controller is reset, and with the module.
 *
 * vm: --cpus 4
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/plain.h"
#include "pins.h"
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define PARAM	"/sys/module/nvmesteer/parameters/"

/* Nothing with either parameter at 0, and no more than keep_mb. */
static void bounded(struct pt_ring *r)
{
	size_t size = 4 << 20, at;
	uint8_t *b = plain_map(size, NULL);
	unsigned int i;
	uint64_t before, full;

	madvise(b, size, MADV_NOHUGEPAGE);
	memset(b, CANARY, size);
	plain_settle(r, b, 8);
	test_set_file(PARAM "keep_plain", "N");
	pins_all_gone("with keep_plain=N");
	before = plain_kept();
	for (i = 0; i < 5; i++)
		plain_round_trip(r, b, b, 8);
	test_check(plain_kept() == before, "kept with keep_plain=N");
	test_check(!test_write(PARAM "keep_plain", "Y"), "keep_plain");
	plain_settle(r, b, 8);

	test_set_file(PARAM "keep_mb", "0");
	pins_all_gone("with keep_mb=0");
	before = plain_kept();
	for (i = 0; i < 5; i++)
		plain_round_trip(r, b, b, 8);
	test_check(plain_kept() == before, "kept with keep_mb=0");

	test_check(!test_write(PARAM "keep_mb", "1"), "keep_mb");
	full = steer_event(plain.ns.ctrl, "keep_full");
	for (i = 0; i < 3; i++)
		for (at = 0; at < size; at += 131072)
			plain_round_trip(r, b + at, b + at, 256);
	test_check(steer_event(plain.ns.ctrl, "keep_full") > full,
		   "4 MiB were kept where 1 MiB is allowed");
	test_check(pins_now() <= (1 << 20) / PAGE, "%ld pages are kept",
		   pins_now());
	test_check(plain_kept() > before, "nothing was kept with keep_mb=1");
	test_check(!test_write(PARAM "keep_mb", "256"), "keep_mb");
	munmap(b, size);
	pins_all_gone("after their memory is gone");

	/* far apart: what is kept of each costs a little, so there is a bound */
	size = 8UL << 30;
	b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	test_check(b != MAP_FAILED, "mmap: %s", strerror(errno));
	madvise(b, size, MADV_NOHUGEPAGE);
	test_set_file(PARAM "keep_idle_ms", "60000");
	full = steer_event(plain.ns.ctrl, "keep_full");
	before = plain_kept();
	for (at = 0; at < size; at += 2 << 20) {
		for (i = 0; i < 4; i++)
			plain_in(r, b + at, b + at, 1, 64);
		if (!(at >> 21 & 15) &&
		    steer_event(plain.ns.ctrl, "keep_full") > full)
			break;
	}
	test_check(at < size, "%zu pages far apart were kept", at >> 21);
	test_check(plain_kept() > before + 500, "%ju pages far apart were kept",
		   plain_kept() - before);
	for (i = 0; i < 3; i++)
		plain_round_trip(r, b + size - PAGE, b + size - PAGE, 1);
	munmap(b, size);
	pins_all_gone("after their memory is gone");
}

/* Half of RLIMIT_MEMLOCK is left to buffers that are registered. */
static void memlock(void)
{
	size_t size = 256 * 1024;
	struct rlimit limit = { .rlim_cur = 2 * size, .rlim_max = 2 * size };
	struct iovec iov = { .iov_len = size };
	uint64_t before, refused;
	unsigned int i, j;
	struct pt_ring r;
	int status;
	uint8_t *b;
	pid_t pid;

	/* twice: what the first was charged for is given back */
	for (j = 0; j < 2; j++) {
		before = plain_kept();
		refused = steer_event(plain.ns.ctrl, "memlock");
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "fork");
		if (!pid) {
			b = plain_map(2 * size, NULL);
			pins_obey_limit();
			if (setrlimit(RLIMIT_MEMLOCK, &limit))
				_exit(3);
			pt_ring_init(&r, 8, PT_IOPOLL);
			for (i = 0; i < 5; i++)
				plain_round_trip(&r, b, b, 256);
			if (plain_kept() == before ||
			    steer_event(plain.ns.ctrl, "memlock") != refused)
				_exit(4);
			for (i = 0; i < 5; i++) {
				plain_round_trip(&r, b + size - PAGE,
						 b + size - PAGE, 256);
				plain_round_trip(&r, b + size, b + size, 256);
			}
			if (steer_event(plain.ns.ctrl, "memlock") == refused)
				_exit(5);
			iov.iov_base = plain_map(size, NULL);
			if (io_uring_register_buffers(&r.uring, &iov, 1))
				_exit(6);
			_exit(0);
		}
		test_check(waitpid(pid, &status, 0) == pid && !status,
			   "a user's limit: %#x (4: nothing was kept, 5: the limit was not looked at, 6: it was used up)",
			   status);
		pins_all_gone("after their process is gone");
	}
}

/* A process that is killed in the middle of it. */
static void killed(unsigned int mode)
{
	unsigned int i, n;
	uint64_t before;
	struct pt_ring r;
	uint8_t *b;
	pid_t pid;

	for (n = 0; n < 3; n++) {
		before = plain_kept();
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "fork");
		if (!pid) {
			b = plain_map(64 * PAGE, NULL);
			pt_ring_init(&r, 64, mode);
			for (;;) {
				struct nvme_uring_cmd cmd;

				for (i = 0; i < 16; i++) {
					pt_rw(&cmd, &plain.ns, PT_READ, 8 * i,
					      16, b + 2 * i * PAGE, 2 * PAGE);
					pt_queue(&r, plain.ns.fd, &cmd, 0, i);
				}
				pt_submit_only(&r);
				for (i = 0; i < 16; i++)
					pt_reap(&r, NULL, NULL);
			}
		}
		test_check(test_wait(plain_kept() > before + 200, 10000),
			   "nothing is kept");
		usleep(5000 * n);
		kill(pid, SIGKILL);
		test_check(waitpid(pid, NULL, 0) == pid, "waitpid");
		pins_all_gone("after their process was killed");
	}
}

/* Threads of one process share what is kept, and io-wq and SQ threads do. */
static void other_threads(void)
{
	uint8_t *b = plain_map(64 * PAGE, NULL);
	struct nvme_uring_cmd cmd;
	struct pt_ring r, sq;
	unsigned int i, modes;
	uint64_t before;

	pt_ring_init(&r, 8, 0);
	plain_settle(&r, b, 64);
	for (modes = PT_SQPOLL; modes <= (PT_SQPOLL | PT_IOPOLL);
	     modes += PT_IOPOLL) {
		pt_ring_init(&sq, 8, modes);
		before = plain_kept();
		for (i = 0; i < 5; i++)
			plain_round_trip(&sq, b, b, 64);
		test_check(plain_kept() - before == 10,
			   "%s ring: %ju of 10 used what is kept",
			   pt_mode_name(modes), plain_kept() - before);
		plain_map(64 * PAGE, b);
		plain_changed(&sq, b, 64, "mapped over");
		plain_settle(&sq, b, 64);
		pt_ring_exit(&sq);
	}
	before = plain_kept();
	for (i = 0; i < 5; i++) {
		pt_fill(&plain.ns, b, 64, 64, ++plain.gen);
		pt_rw(&cmd, &plain.ns, PT_WRITE, 64, 64, b, 8 * PAGE);
		test_check(!pt_do(&r, plain.ns.fd, &cmd, PT_ASYNC, NULL),
			   "write");
		pt_block_check(&plain.ns, 64, 64, plain.gen);
	}
	plain.gen++;
	test_check(plain_kept() - before == 5,
		   "io-wq: %ju of 5 used what is kept",
		   plain_kept() - before);
	pt_ring_exit(&r);
	munmap(b, 64 * PAGE);
}

struct worker {
	pthread_t thread;
	uint8_t *area;
	uint64_t slba;
	unsigned int seed;
	unsigned int mode;
	uint64_t commands;
};

static volatile bool stop;

/* Data to and from an area of 64 KiB, all of it this thread's. */
static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t g = 1000000 * (w->slba + 1);
	struct pt_ring r;

	pt_ring_init(&r, 8, w->mode);
	while (!stop) {
		uint32_t nlb = 1 + rand_r(&w->seed) % 64;
		uint8_t *b = w->area + rand_r(&w->seed) % 64 * 512;

		pt_fill(&plain.ns, b, w->slba, nlb, ++g);
		test_check(!plain_cmd(&r, PT_WRITE, w->slba, nlb, b), "write");
		memset(b, 0, nlb << plain.ns.shift);
		test_check(!plain_cmd(&r, PT_READ, w->slba, nlb, b), "read");
		test_check(pt_differs(&plain.ns, b, w->slba, nlb, g) < 0,
			   "wrong data at block %ld",
			   pt_differs(&plain.ns, b, w->slba, nlb, g));
		w->commands += 2;
		/* now and then it is other memory */
		if (rand_r(&w->seed) % 16 == 0)
			plain_map(16 * PAGE, w->area);
		else if (rand_r(&w->seed) % 16 == 0)
			madvise(w->area, 16 * PAGE, MADV_DONTNEED);
	}
	pt_ring_exit(&r);
	return NULL;
}

/* Memory between theirs comes and goes all the time. */
static void *disturb(void *arg)
{
	struct worker *w = arg;
	struct pt_ring r;

	pt_ring_init(&r, 8, w->mode);
	while (!stop) {
		int ret = plain_cmd(&r, PT_READ, w->slba, 16,
				  w->area + rand_r(&w->seed) % 14 * PAGE);

		test_check(!ret || ret == -EFAULT, "read: %d", ret);
		switch (rand_r(&w->seed) % 6) {
		case 0:
			/* as munmap(), but nobody else moves in */
			mmap(w->area, 16 * PAGE, PROT_NONE, MAP_PRIVATE |
			     MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
			break;
		case 1:
			mprotect(w->area, 16 * PAGE, PROT_READ);
			break;
		case 2:
			madvise(w->area, 16 * PAGE, MADV_DONTNEED);
			break;
		default:
			plain_map(16 * PAGE, w->area);
		}
		w->commands++;
	}
	pt_ring_exit(&r);
	return NULL;
}

static void together(void)
{
	struct worker w[5] = { };
	uint8_t *b = plain_map(ARRAY_LEN(w) * 16 * PAGE, NULL);
	uint64_t before = plain_kept(), n = 0;
	unsigned int i;

	stop = false;
	for (i = 0; i < ARRAY_LEN(w); i++) {
		w[i].area = b + i * 16 * PAGE;
		w[i].slba = 4096 * (i + 1);
		w[i].seed = i + 1;
		w[i].mode = i & 1 ? PT_IOPOLL : 0;
		test_check(!pthread_create(&w[i].thread, NULL,
					   i == 2 ? disturb : work, &w[i]),
			   "pthread_create");
	}
	sleep(3);
	/* forks, too, while they are at it */
	for (i = 0; i < 5; i++)
		test_check(!test_sh("true"), "true");
	test_check(!vm_reset(plain.ns.ctrl), "reset");
	sleep(2);
	stop = true;
	for (i = 0; i < ARRAY_LEN(w); i++) {
		pthread_join(w[i].thread, NULL);
		n += w[i].commands;
	}
	test_check(n > 200, "only %ju commands", n);
	printf("# %ju commands, %ju used what is kept\n", n,
	       plain_kept() - before);
	test_check(plain_kept() > before, "nothing was kept");
	munmap(b, ARRAY_LEN(w) * 16 * PAGE);
}

/* With no policy, and with the module gone, nothing is left. */
static void ended(void)
{
	uint8_t *b = plain_map(16 * PAGE, NULL);
	struct pt_ring r;
	unsigned int i;

	pt_ring_init(&r, 8, 0);
	plain_settle(&r, b, 64);
	test_check(!vm_reset(plain.ns.ctrl), "reset");
	test_check(test_wait(plain_routed() > 0, 1000), "events");
	plain_settle(&r, b, 64);
	steer_detach(&plain.policy);
	for (i = 0; i < 3; i++)
		plain_round_trip(&r, b, b, 64);
	test_check(pins_now() > 0, "nothing is kept after a policy has ended");
	test_check(test_wait(!test_sh("rmmod nvmesteer 2>/dev/null"), 10000),
		   "rmmod");
	pins_all_gone("after the module is gone");
	plain_round_trip(&r, b, b, 64);
	memset(b, CANARY, 16 * PAGE);
	munmap(b, 16 * PAGE);
	test_check(!test_sh("modprobe nvmesteer"), "modprobe");
	pt_ring_exit(&r);
}

int main(void)
{
	struct pt_ring r;
	unsigned int mode;

	test_begin(170);
	plain_begin();
	for (mode = 0; mode <= PT_IOPOLL; mode += PT_IOPOLL) {
		test_step("%s ring: killed", pt_mode_name(mode));
		killed(mode);
	}
	test_step("other threads");
	other_threads();
	pt_ring_init(&r, 8, PT_IOPOLL);
	test_step("keep_mb, keep_plain");
	bounded(&r);
	pt_ring_exit(&r);
	test_step("RLIMIT_MEMLOCK");
	memlock();
	test_step("memory that comes and goes on four CPUs");
	together();
	test_step("policy and module end");
	ended();
	test_pass();
}
