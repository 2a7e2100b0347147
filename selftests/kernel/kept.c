// SPDX-License-Identifier: GPL-2.0
/*
 * Registered buffers that stay mapped from one command to the next, and what
 * an application may do to them in between: register again, unmap, map other
 * memory at the address, fork. Data always goes to and comes from the pages
 * that are registered at that moment, byte for byte, and nothing beside them
 * is written. What is kept is bounded, counts against RLIMIT_MEMLOCK, and is
 * let go when it is idle.
 *
 * DATA_ONLY=1   nothing of bounds, threads and the end
 * OWN=1         by the driver's own path, where the policy leaves all of it
 *
 * vm: --cpus 4
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "pins.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define GUARD	4096
#define CANARY	0x5a
#define ROUNDS	5
#define PARAM	"/sys/module/nvmesteer/parameters/"

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;
static bool own;

static uint64_t kept(void)
{
	return steer_event(ns.ctrl, own ? "own_kept" : "kept");
}

/* Commands that went where they are to go. */
static uint64_t routed(void)
{
	return steer_event(ns.ctrl, own ? "default" : "routed");
}

static uint64_t mapped(void)
{
	return own ? routed() - kept() : steer_event(ns.ctrl, "mapped");
}

static void reg(struct pt_ring *r, void *buf, size_t len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	int ret = io_uring_register_buffers(&r->uring, &iov, 1);

	test_check(!ret, "cannot register %zu bytes: %s", len, strerror(-ret));
}

static void unreg(struct pt_ring *r)
{
	test_check(!io_uring_unregister_buffers(&r->uring), "unregister");
}

/*
 * Write and read @nlb blocks through @addr of the registered buffer, whose
 * memory the test sees at @see, and look at the other end by the block device.
 */
static void round_trip(struct pt_ring *r, void *addr, uint8_t *see,
		       uint32_t nlb, uint64_t slba)
{
	size_t len = (size_t)nlb << ns.shift;
	struct nvme_uring_cmd cmd;
	int ret;

	pt_block_write(&ns, slba - 1, nlb + 2, gen);
	pt_fill(&ns, see, slba, nlb, gen + 1);
	pt_rw(&cmd, &ns, PT_WRITE, slba, nlb, addr, len);
	ret = pt_do(r, ns.fd, &cmd, PT_FIXED, NULL);
	test_check(!ret, "write of %u blocks: %d", nlb, ret);
	pt_block_check(&ns, slba, nlb, gen + 1);
	pt_block_check(&ns, slba - 1, 1, gen);
	pt_block_check(&ns, slba + nlb, 1, gen);

	pt_block_write(&ns, slba, nlb, gen + 2);
	memset(see, 0, len);
	pt_rw(&cmd, &ns, PT_READ, slba, nlb, addr, len);
	ret = pt_do(r, ns.fd, &cmd, PT_FIXED, NULL);
	test_check(!ret, "read of %u blocks: %d", nlb, ret);
	test_check(pt_differs(&ns, see, slba, nlb, gen + 2) < 0,
		   "read of %u blocks is wrong at block %ld", nlb,
		   pt_differs(&ns, see, slba, nlb, gen + 2));
	gen += 3;
}

/* Every size and offset, often enough to be kept; the memory around is seen. */
static void sizes(struct pt_ring *r)
{
	static const uint32_t nlbs[] = { 1, 2, 7, 8, 9, 16, 17, 31, 64, 255,
					 256, 257, 1024 };
	static const size_t offsets[] = { 0, 512, 4, 3584, 4092, 20480 };
	size_t size = 1 << 20;
	unsigned int i, j, n = 0;
	uint64_t before, all;
	size_t k;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	test_check(base != MAP_FAILED, "mmap");
	madvise(base, size, MADV_NOHUGEPAGE);
	memset(base, CANARY, size);
	reg(r, base, size);
	for (i = 0; i < ARRAY_LEN(nlbs); i++) {
		size_t len = (size_t)nlbs[i] << ns.shift;

		if (len > ns.max_bytes)
			continue;
		for (j = 0; j < ARRAY_LEN(offsets); j++) {
			uint8_t *b = base + GUARD + offsets[j];

			/*
			 * Kept from its second use on, or its third where
			 * another buffer's mapping has to make room.
			 */
			round_trip(r, b, b, nlbs[i], 64);
			round_trip(r, b, b, nlbs[i], 64);
			before = kept();
			all = routed();
			for (k = 0; k < ROUNDS; k++)
				round_trip(r, b, b, nlbs[i], 64 + k);
			test_check(kept() - before == 2 * ROUNDS,
				   "%u blocks at %zu: %ju of %u used what is kept",
				   nlbs[i], offsets[j], kept() - before,
				   2 * ROUNDS);
			test_check(routed() - all == 2 * ROUNDS,
				   "not all went where they were to go");
			for (k = 1; k <= GUARD; k++)
				test_check(b[-k] == CANARY &&
					   b[len + k - 1] == CANARY,
					   "%zu bytes beside the buffer were written",
					   k);
			memset(b, CANARY, len);
			n++;
		}
	}
	unreg(r);
	munmap(base, size);
	printf("# %u sizes and places\n", n);
}

/* The same address, other pages: each time they are the new ones. */
static void registered_again(struct pt_ring *r)
{
	size_t size = 128 * 1024;
	unsigned int i, j;
	uint8_t *b = NULL;

	for (i = 0; i < 30; i++) {
		b = mmap(b, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | (b ? MAP_FIXED : 0), -1, 0);
		test_check(b != MAP_FAILED, "mmap");
		memset(b, i, size);
		reg(r, b, size);
		for (j = 0; j < 3; j++) {
			round_trip(r, b + 8192, b + 8192, 1, 64);
			round_trip(r, b + 4096, b + 4096, 128, 64);
		}
		unreg(r);
		/* and the same pages, registered anew */
		reg(r, b, size);
		round_trip(r, b + 4096, b + 4096, 128, 64);
		unreg(r);
		if (i % 3 == 2) {
			munmap(b, size);
			b = NULL;
		}
	}
	if (b)
		munmap(b, size);
}

/*
 * Other memory at the address of a buffer that stays registered: data goes to
 * the registered pages, which the test sees elsewhere, and not to the others.
 */
static void mapped_elsewhere(struct pt_ring *r)
{
	size_t size = 64 * 1024, i;
	int fd = memfd_create("kept", 0);
	uint8_t *b, *see;

	test_check(fd >= 0 && !ftruncate(fd, size), "memfd");
	b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	see = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	test_check(b != MAP_FAILED && see != MAP_FAILED, "mmap");
	reg(r, b, size);
	for (i = 0; i < 3; i++)
		round_trip(r, b, see, 64, 64);

	test_check(mmap(b, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			MAP_ANONYMOUS | MAP_FIXED, -1, 0) == b, "mmap");
	memset(b, CANARY, size);
	for (i = 0; i < 3; i++) {
		round_trip(r, b, see, 64, 64);
		/* not kept before: the address tells nothing any more */
		round_trip(r, b + 40960, see + 40960, 16, 64);
	}
	for (i = 0; i < size; i++)
		test_check(b[i] == CANARY, "memory that is not registered was written");

	munmap(b, size);
	round_trip(r, b, see, 64, 64);
	unreg(r);
	munmap(see, size);
	close(fd);
}

/* After a fork parent and child each have their own pages. */
static void forked(struct pt_ring *r)
{
	size_t size = 64 * 1024, i;
	uint8_t *b = test_alloc(size);
	int status, to_child[2];
	pid_t pid;
	char c;

	reg(r, b, size);
	for (i = 0; i < 3; i++)
		round_trip(r, b, b, 16, 64);
	memset(b, CANARY, size);
	test_check(!pipe(to_child), "pipe");
	pid = fork();
	test_check(pid >= 0, "fork");
	if (!pid) {
		close(to_child[1]);
		if (read(to_child[0], &c, 1) < 0)
			_exit(2);
		for (i = 0; i < size; i++)
			if (b[i] != CANARY)
				_exit(1);
		_exit(0);
	}
	close(to_child[0]);
	for (i = 0; i < 3; i++) {
		memset(b, i, size);
		round_trip(r, b, b, 16, 64);
	}
	close(to_child[1]);
	test_check(waitpid(pid, &status, 0) == pid && !status,
		   "the child's memory was written (%d)", status);
	unreg(r);
	free(b);
}

/* Within huge pages, across small pages of one, and from one to the next. */
static void huge(struct pt_ring *r)
{
	size_t huge = 2 << 20, size = 3 * huge, i, j;
	static const size_t places[] = { 0, 512, 4096 + 2048, (2 << 20) - 4096,
		(2 << 20) - 512, (2 << 20) + 12288, (4 << 20) - 65536 };
	static const uint32_t nlbs[] = { 1, 8, 16, 17, 256 };
	uint8_t *map, *b;
	uint64_t before = kept();

	map = mmap(NULL, size + huge, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(map != MAP_FAILED, "mmap");
	b = (void *)(((uintptr_t)map + huge - 1) & ~(huge - 1));
	madvise(b, size, MADV_HUGEPAGE);
	memset(b, CANARY, size);
	reg(r, b, size);
	for (i = 0; i < ARRAY_LEN(places); i++)
		for (j = 0; j < ARRAY_LEN(nlbs); j++) {
			round_trip(r, b + places[i], b + places[i], nlbs[j], 64);
			round_trip(r, b + places[i], b + places[i], nlbs[j], 65);
		}
	test_check(kept() > before, "nothing in huge pages was kept");
	unreg(r);
	/* the same memory in small pages' bio_vecs */
	reg(r, b + huge + 4096, 65536);
	for (i = 0; i < 4; i++)
		round_trip(r, b + huge + 8192, b + huge + 8192, 64, 64);
	unreg(r);
	munmap(map, size + huge);
}

/* No more than keep_mb, and nothing with 0. */
static void bounded(struct pt_ring *r)
{
	size_t size = 4 << 20, at;
	uint8_t *b = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t before, full;
	unsigned int i;

	test_check(b != MAP_FAILED, "mmap");
	madvise(b, size, MADV_NOHUGEPAGE);
	memset(b, CANARY, size);
	reg(r, b, size);
	test_set_file(PARAM "keep_mb", "0");
	before = kept();
	for (i = 0; i < 4; i++)
		round_trip(r, b, b, 8, 64);
	test_check(kept() == before, "kept with keep_mb=0");
	test_check(test_wait(pins_now() == (long)size / 4096, 10000),
		   "%ld pages are pinned, %zu are registered", pins_now(),
		   size / 4096);

	test_check(!test_write(PARAM "keep_mb", "1"), "keep_mb");
	full = steer_event(ns.ctrl, "keep_full");
	for (i = 0; i < 4; i++)
		for (at = 0; at < size; at += 131072)
			round_trip(r, b + at, b + at, 256, 64);
	test_check(steer_event(ns.ctrl, "keep_full") > full,
		   "4 MiB were kept where 1 MiB is allowed");
	test_check(kept() > before, "nothing was kept with keep_mb=1");
	test_check(!test_write(PARAM "keep_mb", "256"), "keep_mb");
	unreg(r);
	munmap(b, size);
}

/* RLIMIT_MEMLOCK allows the registered buffer, and not to keep it as well. */
static void memlock(void)
{
	size_t size = 256 * 1024;
	struct rlimit limit = { .rlim_cur = size + 65536,
				.rlim_max = size + 65536 };
	uint64_t before, refused;
	unsigned int i;
	struct pt_ring r;
	int status;
	uint8_t *b;
	pid_t pid;

	before = kept();
	refused = steer_event(ns.ctrl, "memlock");
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "fork");
	if (!pid) {
		b = test_alloc(size);
		memset(b, CANARY, size);
		pins_obey_limit();
		if (setrlimit(RLIMIT_MEMLOCK, &limit))
			_exit(3);
		pt_ring_init(&r, 8, PT_IOPOLL);
		reg(&r, b, size);
		for (i = 0; i < 4; i++)
			round_trip(&r, b, b, 256, 64);
		/* a little is within the limit */
		for (i = 0; i < 4; i++)
			round_trip(&r, b, b, 8, 64);
		_exit(0);
	}
	test_check(waitpid(pid, &status, 0) == pid && !status,
		   "I/O fails where it cannot be kept (%#x)", status);
	test_check(steer_event(ns.ctrl, "memlock") > refused,
		   "RLIMIT_MEMLOCK was not looked at");
	test_check(kept() > before, "what is within the limit was not kept");
}

/* Every pin is given back once nobody uses the buffers. */
static void let_go(void)
{
	long before;

	test_set_file(PARAM "keep_idle_ms", "100");
	test_check(test_wait(!pins_now(), 10000), "%ld pages are still pinned",
		   pins_now());
	before = pins_now();
	test_check(!before, "%ld pages are pinned", before);
}

struct worker {
	pthread_t thread;
	uint64_t slba;
	unsigned int seed;
	unsigned int mode;
	uint64_t commands;
};

static volatile bool stop;

/*
 * Buffers that come and go on several CPUs, with commands in flight on others
 * that use the same mappings' neighbours.
 */
static void *work(void *arg)
{
	struct worker *w = arg;
	size_t size = 64 * 1024;
	uint64_t g = 1000000 * (w->slba + 1);
	struct nvme_uring_cmd cmd;
	struct pt_ring r;
	uint8_t *b = NULL;
	unsigned int i, n;

	pt_ring_init(&r, 8, w->mode);
	while (!stop) {
		b = mmap(b, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | (b ? MAP_FIXED : 0), -1, 0);
		test_check(b != MAP_FAILED, "mmap");
		reg(&r, b, size);
		n = rand_r(&w->seed) % 6;
		for (i = 0; i < n; i++) {
			uint32_t nlb = 1 + rand_r(&w->seed) % 64;
			size_t at = rand_r(&w->seed) % 64 * 512;

			pt_fill(&ns, b + at, w->slba, nlb, ++g);
			pt_rw(&cmd, &ns, PT_WRITE, w->slba, nlb, b + at,
			      nlb << ns.shift);
			test_check(!pt_do(&r, ns.fd, &cmd, PT_FIXED, NULL),
				   "write");
			memset(b + at, 0, nlb << ns.shift);
			pt_rw(&cmd, &ns, PT_READ, w->slba, nlb, b + at,
			      nlb << ns.shift);
			test_check(!pt_do(&r, ns.fd, &cmd, PT_FIXED, NULL),
				   "read");
			test_check(pt_differs(&ns, b + at, w->slba, nlb, g) < 0,
				   "wrong data at block %ld",
				   pt_differs(&ns, b + at, w->slba, nlb, g));
			w->commands += 2;
		}
		unreg(&r);
	}
	pt_ring_exit(&r);
	return NULL;
}

static void together(void)
{
	struct worker w[4] = { };
	uint64_t commands = 0;
	unsigned int i;

	stop = false;
	for (i = 0; i < ARRAY_LEN(w); i++) {
		w[i].slba = 4096 * (i + 1);
		w[i].seed = i + 1;
		w[i].mode = i & 1 ? PT_IOPOLL : 0;
		test_check(!pthread_create(&w[i].thread, NULL, work, &w[i]),
			   "pthread_create");
	}
	sleep(5);
	stop = true;
	for (i = 0; i < ARRAY_LEN(w); i++) {
		pthread_join(w[i].thread, NULL);
		commands += w[i].commands;
	}
	test_check(commands > 100, "only %ju commands", commands);
	printf("# %ju commands\n", commands);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct pt_ring r;
	uint64_t before;
	unsigned int mode;

	test_begin(160);
	pt_open(&ns, PT_WANT_PLAIN);
	own = test_env("OWN", 0);
	steer_puppet(&policy, ns.ctrl, &config);
	if (!own)
		steer_answer(&policy, 1, 2);

	for (mode = 0; mode <= PT_IOPOLL; mode += PT_IOPOLL) {
		pt_ring_init(&r, 8, mode);
		test_step("%s ring: sizes and places", pt_mode_name(mode));
		sizes(&r);
		test_step("%s ring: other pages at the same address",
			  pt_mode_name(mode));
		registered_again(&r);
		test_step("%s ring: other memory at the address",
			  pt_mode_name(mode));
		mapped_elsewhere(&r);
		test_step("%s ring: fork", pt_mode_name(mode));
		forked(&r);
		test_step("%s ring: huge pages", pt_mode_name(mode));
		huge(&r);
		pt_ring_exit(&r);
	}
	if (test_env("DATA_ONLY", 0))
		test_pass();
	pt_ring_init(&r, 8, PT_IOPOLL);
	test_step("keep_mb");
	bounded(&r);
	pt_ring_exit(&r);
	test_step("RLIMIT_MEMLOCK");
	memlock();
	test_step("buffers that come and go on four CPUs");
	before = mapped();
	together();
	test_check(mapped() > before, "every buffer was kept at once");
	test_step("what is idle is let go");
	let_go();
	test_pass();
}
