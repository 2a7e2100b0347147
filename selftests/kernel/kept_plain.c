// SPDX-License-Identifier: GPL-2.0
/*
 * Plain buffers that stay mapped from one command to the next, and what an
 * application may do to its memory in between: unmap it and map it again, move
 * it, drop it, fork, protect it, map files. Data always goes to and comes from
 * what is at the address when the command is submitted, byte for byte; nothing
 * beside it is written, nor what was there before. What is kept is bounded,
 * counts against RLIMIT_MEMLOCK, and is let go when it is idle or its process
 * is gone, also while a controller is reset or removed.
 *
 * DATA_ONLY=1   nothing of bounds, threads and the end
 *
 * vm: --cpus 4
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define PAGE	4096
#define GUARD	4096
#define CANARY	0x5a
#define ROUNDS	4
#define PARAM	"/sys/module/nvmesteer/parameters/"

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;

static uint64_t kept(void)
{
	return steer_event(ns.ctrl, "kept");
}

static uint64_t routed(void)
{
	return steer_event(ns.ctrl, "routed");
}

static void *map(size_t size, void *at)
{
	void *b = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	test_check(b != MAP_FAILED, "mmap: %s", strerror(errno));
	return b;
}

static int command(struct pt_ring *r, uint8_t opcode, uint64_t slba,
		   uint32_t nlb, void *addr)
{
	struct nvme_uring_cmd cmd;

	pt_rw(&cmd, &ns, opcode, slba, nlb, addr, nlb << ns.shift);
	return pt_do(r, ns.fd, &cmd, 0, NULL);
}

/* What is at @addr, seen at @see, goes to the drive, and nothing beside it. */
static void out(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
		uint64_t slba)
{
	int ret;

	pt_block_write(&ns, slba - 1, nlb + 2, gen);
	pt_fill(&ns, see, slba, nlb, gen + 1);
	ret = command(r, PT_WRITE, slba, nlb, addr);
	test_check(!ret, "write of %u blocks: %d", nlb, ret);
	pt_block_check(&ns, slba, nlb, gen + 1);
	pt_block_check(&ns, slba - 1, 1, gen);
	pt_block_check(&ns, slba + nlb, 1, gen);
	gen += 2;
}

/* And back. */
static void in(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
	       uint64_t slba)
{
	int ret;

	pt_block_write(&ns, slba, nlb, gen);
	memset(see, 0, nlb << ns.shift);
	ret = command(r, PT_READ, slba, nlb, addr);
	test_check(!ret, "read of %u blocks: %d", nlb, ret);
	test_check(pt_differs(&ns, see, slba, nlb, gen) < 0,
		   "read of %u blocks is wrong at block %ld", nlb,
		   pt_differs(&ns, see, slba, nlb, gen));
	gen++;
}

static void round_trip(struct pt_ring *r, void *addr, void *see, uint32_t nlb)
{
	out(r, addr, see, nlb, 64);
	in(r, addr, see, nlb, 64);
}

/* Use a buffer until it is kept. */
static void settle(struct pt_ring *r, void *addr, uint32_t nlb)
{
	uint64_t before, end = test_now_ms() + 10000;

	do {
		test_check(test_now_ms() < end,
			   "a buffer of %u blocks is not kept", nlb);
		before = kept();
		round_trip(r, addr, addr, nlb);
	} while (kept() - before != 2);
}

/*
 * The first use after the memory has changed cannot be of what is kept; those
 * after it can, but it is the new memory then.
 */
static void changed(struct pt_ring *r, void *addr, uint32_t nlb,
		    const char *what)
{
	uint64_t before = kept();

	in(r, addr, addr, nlb, 64);
	test_check(kept() == before, "%s: the old mapping was used", what);
	round_trip(r, addr, addr, nlb);
}

/* Every size and offset; the memory around is seen. */
static void sizes(struct pt_ring *r)
{
	static const uint32_t nlbs[] = { 1, 2, 7, 8, 9, 16, 17, 31, 64, 255,
					 256, 257, 1024 };
	static const size_t offsets[] = { 0, 512, 4, 3584, 4092, 20480,
					  (1 << 20) - 8192 };
	size_t size = 3 << 20;
	unsigned int i, j, n = 0;
	uint64_t before, all;
	size_t k;
	uint8_t *base = map(size, NULL);

	madvise(base, size, MADV_NOHUGEPAGE);
	memset(base, CANARY, size);
	for (i = 0; i < ARRAY_LEN(nlbs); i++) {
		size_t len = (size_t)nlbs[i] << ns.shift;

		if (len > ns.max_bytes)
			continue;
		for (j = 0; j < ARRAY_LEN(offsets); j++) {
			uint8_t *b = base + GUARD + offsets[j];

			settle(r, b, nlbs[i]);
			before = kept();
			all = routed();
			for (k = 0; k < ROUNDS; k++)
				round_trip(r, b, b, nlbs[i]);
			test_check(kept() - before == 2 * ROUNDS,
				   "%u blocks at %zu: %ju of %u used what is kept",
				   nlbs[i], offsets[j], kept() - before,
				   2 * ROUNDS);
			test_check(routed() - all == 2 * ROUNDS,
				   "not all were steered");
			for (k = 1; k <= GUARD; k++)
				test_check(b[-k] == CANARY &&
					   b[len + k - 1] == CANARY,
					   "%zu bytes beside the buffer were written",
					   k);
			memset(b, CANARY, len);
			n++;
		}
	}
	munmap(base, size);
	printf("# %u sizes and places\n", n);
}

/* The same address, other pages. */
static void unmapped(struct pt_ring *r)
{
	size_t size = 64 * PAGE;
	uint8_t *b = map(size, NULL);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		settle(r, b, 8);
		settle(r, b + 8 * PAGE, 128);
		munmap(b, size);
		test_check(command(r, PT_READ, 64, 8, b) == -EFAULT &&
			   command(r, PT_WRITE, 64, 128, b + 8 * PAGE) ==
				   -EFAULT, "I/O to memory that is gone");
		map(size, b);
		changed(r, b, 8, "unmapped");
		changed(r, b + 8 * PAGE, 128, "unmapped");
		settle(r, b, 8);
		/* and without a moment in which nothing is there */
		map(size, b);
		changed(r, b, 8, "mapped over");
	}
	munmap(b, size);
}

/* One page of a long buffer is another one, in its middle or at its end. */
static void partly(struct pt_ring *r)
{
	static const unsigned int holes[] = { 0, 1, 7, 15 };
	uint8_t *b = map(64 * PAGE, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(holes); i++) {
		settle(r, b, 128);
		settle(r, b + 32 * PAGE, 128);
		map(PAGE, b + holes[i] * PAGE);
		changed(r, b, 128, "partly mapped over");
		/* a page that is protected is not passed over */
		settle(r, b, 128);
		mprotect(b + holes[i] * PAGE, PAGE, PROT_READ);
		test_check(command(r, PT_READ, 64, 128, b) == -EFAULT,
			   "read into a page that is protected");
		mprotect(b + holes[i] * PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	munmap(b, 64 * PAGE);
}

/* Moved elsewhere, and other memory in its place. */
static void moved(struct pt_ring *r)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = map(size, NULL), *to = map(size, NULL), *m;
	uint64_t before;
	unsigned int n;

	for (n = 0; n < 5; n++) {
		settle(r, b, 64);
		pt_fill(&ns, b, 64, 64, gen);
		before = kept();
		m = mremap(b, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		test_check(m == to, "mremap: %s", strerror(errno));
		map(size, b);
		memset(b, CANARY, size);
		/* what was moved is found at its new place */
		test_check(!command(r, PT_WRITE, 64, 64, m), "write");
		test_check(kept() == before, "moved: an old mapping was used");
		pt_block_check(&ns, 64, 64, gen++);
		round_trip(r, m, m, 64);
		for (i = 0; i < size; i++)
			test_check(b[i] == CANARY, "memory at the old address was written");
		/* and what is at the old one is not */
		changed(r, b, 8, "moved");
		munmap(to, size);
		map(size, to);
	}
	munmap(b, size);
	munmap(to, size);
}

static void dropped(struct pt_ring *r)
{
	static const int advices[] = { MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT };
	size_t size = 16 * PAGE;
	uint8_t *b = map(size, NULL);
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(advices); i++)
		for (n = 0; n < 5; n++) {
			settle(r, b, 16);
			test_check(!madvise(b, size, advices[i]), "madvise: %s",
				   strerror(errno));
			if (advices[i] == MADV_DONTNEED)
				changed(r, b, 16, "MADV_DONTNEED");
			else
				round_trip(r, b, b, 16);
		}
	munmap(b, size);
}

/* After a fork parent and child each have their own pages, whoever writes. */
static void forked(struct pt_ring *r, bool child_too)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = map(size, NULL);
	int status, to_child[2];
	struct pt_ring own;
	pid_t pid;
	char c;

	settle(r, b, 16);
	memset(b, CANARY, size);
	test_check(!pipe(to_child), "pipe");
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "fork");
	if (!pid) {
		close(to_child[1]);
		if (child_too) {
			pt_ring_init(&own, 8, r->mode);
			for (i = 0; i < 6; i++) {
				out(&own, b, b, 16, 1024);
				in(&own, b, b, 16, 1024);
			}
			memset(b, CANARY, size);
		}
		if (read(to_child[0], &c, 1) < 0)
			_exit(2);
		for (i = 0; i < size; i++)
			if (b[i] != CANARY)
				_exit(1);
		_exit(0);
	}
	close(to_child[0]);
	for (i = 0; i < 6; i++) {
		memset(b, i, size);
		round_trip(r, b, b, 16);
	}
	close(to_child[1]);
	test_check(waitpid(pid, &status, 0) == pid && !status,
		   "the child's memory was written (%#x)", status);
	settle(r, b, 16);
	munmap(b, size);
}

/* Memory that may only be read, or not at all. */
static void protected(struct pt_ring *r)
{
	size_t size = 16 * PAGE;
	uint8_t *b = map(size, NULL), *was = test_alloc(size);
	uint32_t nlb;
	uint64_t before;
	unsigned int i;

	for (nlb = 8; nlb <= 64; nlb *= 8) {
		settle(r, b, nlb);
		memset(b, CANARY, size);
		memcpy(was, b, size);
		mprotect(b, size, PROT_READ);
		for (i = 0; i < 4; i++) {
			test_check(command(r, PT_READ, 64, nlb, b) == -EFAULT,
				   "read into memory that is protected");
			test_check(!memcmp(b, was, size),
				   "protected memory was written");
			pt_block_write(&ns, 64, nlb, gen++);
			test_check(!command(r, PT_WRITE, 64, nlb, b), "write");
		}
		/* for writing to the drive it is kept */
		before = kept();
		test_check(test_wait(!command(r, PT_WRITE, 64, nlb, b) &&
				     kept() > before, 10000),
			   "memory that may be read is not kept for writes");
		test_check(command(r, PT_READ, 64, nlb, b) == -EFAULT,
			   "read into memory that is protected and kept");
		mprotect(b, size, PROT_NONE);
		test_check(command(r, PT_WRITE, 64, nlb, b) == -EFAULT,
			   "write from memory that is protected");
		mprotect(b, size, PROT_READ | PROT_WRITE);
		settle(r, b, nlb);
	}
	free(was);
	munmap(b, size);
}

/* Memory never written to: it is all one page of zeroes, until it is. */
static void zeroes(struct pt_ring *r)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = map(size, NULL), *see = test_alloc(size), any = 0;

	for (i = 0; i < 5; i++) {
		test_check(!command(r, PT_WRITE, 64, 128, b), "write");
		pt_block_read(&ns, see, 64, 128);
		test_check(!memcmp(see, see + 1, size - 1) && !see[0],
			   "not zeroes");
	}
	settle(r, b, 128);
	for (i = 0; i < size; i++)
		any |= ((volatile uint8_t *)see)[i];
	test_check(!any, "not zeroes");
	free(see);
	munmap(b, size);
}

static void *map_file(int fd, size_t size, int flags)
{
	void *b = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	test_check(b != MAP_FAILED, "mmap: %s", strerror(errno));
	return b;
}

/*
 * A file's memory, seen through another mapping of it; cut off it is gone, and
 * made longer again it is zeroes.
 */
static void file(struct pt_ring *r, int fd, bool can_keep)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b, *see;
	uint64_t before;

	test_check(fd >= 0 && !ftruncate(fd, size), "cannot make a file: %s",
		   strerror(errno));
	b = map_file(fd, size, MAP_SHARED);
	see = map_file(fd, size, MAP_SHARED);
	for (i = 0; i < 6; i++)
		round_trip(r, b, see, 64);
	if (can_keep)
		settle(r, b, 64);
	before = kept();
	test_check(!ftruncate(fd, 0), "ftruncate");
	test_check(command(r, PT_READ, 64, 64, b) == -EFAULT,
		   "read into a file that was cut off");
	test_check(!ftruncate(fd, size), "ftruncate");
	for (i = 0; i < size; i++)
		test_check(!see[i], "a new page of a file has old data");
	in(r, b, see, 64, 64);
	test_check(kept() == before, "cut off: the old mapping was used");
	round_trip(r, b, see, 64);
	munmap(b, size);

	/* a private mapping of it: its own pages once written to */
	memset(see, CANARY, size);
	b = map_file(fd, size, MAP_PRIVATE);
	for (i = 0; i < 4; i++) {
		pt_fill(&ns, see, 64, 64, gen);
		test_check(!command(r, PT_WRITE, 64, 64, b), "write");
		pt_block_check(&ns, 64, 64, gen++);
	}
	memset(see, CANARY, size);
	for (i = 0; i < 6; i++)
		round_trip(r, b, b, 64);
	for (i = 0; i < size; i++)
		test_check(see[i] == CANARY, "a file was written by its private mapping");
	munmap(b, size);
	munmap(see, size);
	close(fd);
}

static void files(struct pt_ring *r)
{
	char name[] = "/tmp/kept_plain.XXXXXX";
	int fd = mkstemp(name);

	test_check(fd >= 0, "mkstemp: %s", strerror(errno));
	unlink(name);
	file(r, fd, false);
	file(r, memfd_create("kept", 0), true);
}

/* Within huge pages, across small pages of one, and from one to the next. */
static void huge(struct pt_ring *r)
{
	size_t huge = 2 << 20, size = 3 * huge, i, j;
	static const size_t places[] = { 0, 512, 4096 + 2048, (2 << 20) - 4096,
		(2 << 20) - 512, (2 << 20) + 12288, (4 << 20) - 65536 };
	static const uint32_t nlbs[] = { 1, 8, 16, 17, 256 };
	uint8_t *at, *b;

	at = map(size + huge, NULL);
	b = (void *)(((uintptr_t)at + huge - 1) & ~(huge - 1));
	madvise(b, size, MADV_HUGEPAGE);
	memset(b, CANARY, size);
	for (i = 0; i < ARRAY_LEN(places); i++)
		for (j = 0; j < ARRAY_LEN(nlbs); j++) {
			settle(r, b + places[i], nlbs[j]);
			round_trip(r, b + places[i], b + places[i], nlbs[j]);
		}
	/* a part of one goes, then it is split, then it is put together */
	settle(r, b + huge, 64);
	map(16 * PAGE, b + huge);
	changed(r, b + huge, 64, "a part of a huge page");
	settle(r, b + huge, 64);
	madvise(b, size, 25 /* MADV_COLLAPSE */);
	round_trip(r, b + huge, b + huge, 64);
	round_trip(r, b + huge + 65536, b + huge + 65536, 64);
	munmap(at, size + huge);

	/* and of hugetlbfs */
	if (test_write("/proc/sys/vm/nr_hugepages", "2") < 0)
		return;
	at = mmap(NULL, huge, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (at != MAP_FAILED) {
		settle(r, at + 512, 1);
		settle(r, at + 3584, 256);
		munmap(at, huge);
	}
	test_write("/proc/sys/vm/nr_hugepages", "0");
}

/* Value of a counter of /proc/vmstat. */
static long vmstat(const char *name)
{
	char line[128], word[64];
	FILE *f = fopen("/proc/vmstat", "r");
	long v = -1, n;

	test_check(f, "no /proc/vmstat");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", word, &n) == 2 &&
		    !strcmp(word, name))
			v = n;
	fclose(f);
	test_check(v >= 0, "no %s in /proc/vmstat", name);
	return v;
}

static long pinned(void)
{
	/* the counters are each CPU's until then */
	test_check(!test_write("/proc/sys/vm/stat_refresh", "1"),
		   "stat_refresh");
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

static void all_let_go(const char *when)
{
	test_check(test_wait(!pinned(), 10000), "%ld pages are pinned %s",
		   pinned(), when);
}

/* Nothing with either parameter at 0, and no more than keep_mb. */
static void bounded(struct pt_ring *r)
{
	size_t size = 4 << 20, at;
	uint8_t *b = map(size, NULL);
	unsigned int i;
	uint64_t before, full;

	madvise(b, size, MADV_NOHUGEPAGE);
	memset(b, CANARY, size);
	settle(r, b, 8);
	test_set_file(PARAM "keep_plain", "N");
	all_let_go("with keep_plain=N");
	before = kept();
	for (i = 0; i < 5; i++)
		round_trip(r, b, b, 8);
	test_check(kept() == before, "kept with keep_plain=N");
	test_check(!test_write(PARAM "keep_plain", "Y"), "keep_plain");
	settle(r, b, 8);

	test_set_file(PARAM "keep_mb", "0");
	all_let_go("with keep_mb=0");
	before = kept();
	for (i = 0; i < 5; i++)
		round_trip(r, b, b, 8);
	test_check(kept() == before, "kept with keep_mb=0");

	test_check(!test_write(PARAM "keep_mb", "1"), "keep_mb");
	full = steer_event(ns.ctrl, "keep_full");
	for (i = 0; i < 3; i++)
		for (at = 0; at < size; at += 131072)
			round_trip(r, b + at, b + at, 256);
	test_check(steer_event(ns.ctrl, "keep_full") > full,
		   "4 MiB were kept where 1 MiB is allowed");
	test_check(pinned() <= (1 << 20) / PAGE, "%ld pages are kept",
		   pinned());
	test_check(kept() > before, "nothing was kept with keep_mb=1");
	test_check(!test_write(PARAM "keep_mb", "256"), "keep_mb");
	munmap(b, size);
	all_let_go("after their memory is gone");

	/* far apart: what is kept of each costs a little, so there is a bound */
	size = 8UL << 30;
	b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	test_check(b != MAP_FAILED, "mmap: %s", strerror(errno));
	madvise(b, size, MADV_NOHUGEPAGE);
	test_set_file(PARAM "keep_idle_ms", "60000");
	full = steer_event(ns.ctrl, "keep_full");
	before = kept();
	for (at = 0; at < size; at += 2 << 20) {
		for (i = 0; i < 4; i++)
			in(r, b + at, b + at, 1, 64);
		if (!(at >> 21 & 15) && steer_event(ns.ctrl, "keep_full") > full)
			break;
	}
	test_check(at < size, "%zu pages far apart were kept", at >> 21);
	test_check(kept() > before + 500, "%ju pages far apart were kept",
		   kept() - before);
	for (i = 0; i < 3; i++)
		round_trip(r, b + size - PAGE, b + size - PAGE, 1);
	munmap(b, size);
	all_let_go("after their memory is gone");
}

static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	test_check(!syscall(SYS_capget, &head, data), "capget");
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	test_check(!syscall(SYS_capset, &head, data), "capset");
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
		before = kept();
		refused = steer_event(ns.ctrl, "memlock");
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "fork");
		if (!pid) {
			b = map(2 * size, NULL);
			drop_ipc_lock();
			if (setrlimit(RLIMIT_MEMLOCK, &limit))
				_exit(3);
			pt_ring_init(&r, 8, PT_IOPOLL);
			for (i = 0; i < 5; i++)
				round_trip(&r, b, b, 256);
			if (kept() == before || steer_event(ns.ctrl,
						"memlock") != refused)
				_exit(4);
			for (i = 0; i < 5; i++) {
				round_trip(&r, b + size - PAGE, b + size - PAGE,
					   256);
				round_trip(&r, b + size, b + size, 256);
			}
			if (steer_event(ns.ctrl, "memlock") == refused)
				_exit(5);
			iov.iov_base = map(size, NULL);
			if (io_uring_register_buffers(&r.uring, &iov, 1))
				_exit(6);
			_exit(0);
		}
		test_check(waitpid(pid, &status, 0) == pid && !status,
			   "a user's limit: %#x (4: nothing was kept, 5: the limit was not looked at, 6: it was used up)",
			   status);
		all_let_go("after their process is gone");
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
		before = kept();
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "fork");
		if (!pid) {
			b = map(64 * PAGE, NULL);
			pt_ring_init(&r, 64, mode);
			for (;;) {
				struct nvme_uring_cmd cmd;

				for (i = 0; i < 16; i++) {
					pt_rw(&cmd, &ns, PT_READ, 8 * i, 16,
					      b + 2 * i * PAGE, 2 * PAGE);
					pt_queue(&r, ns.fd, &cmd, 0, i);
				}
				pt_submit_only(&r);
				for (i = 0; i < 16; i++)
					pt_reap(&r, NULL, NULL);
			}
		}
		test_check(test_wait(kept() > before + 200, 10000),
			   "nothing is kept");
		usleep(5000 * n);
		kill(pid, SIGKILL);
		test_check(waitpid(pid, NULL, 0) == pid, "waitpid");
		all_let_go("after their process was killed");
	}
}

/* Threads of one process share what is kept, and io-wq and SQ threads do. */
static void other_threads(void)
{
	uint8_t *b = map(64 * PAGE, NULL);
	struct nvme_uring_cmd cmd;
	struct pt_ring r, sq;
	unsigned int i, modes;
	uint64_t before;

	pt_ring_init(&r, 8, 0);
	settle(&r, b, 64);
	for (modes = PT_SQPOLL; modes <= (PT_SQPOLL | PT_IOPOLL);
	     modes += PT_IOPOLL) {
		pt_ring_init(&sq, 8, modes);
		before = kept();
		for (i = 0; i < 5; i++)
			round_trip(&sq, b, b, 64);
		test_check(kept() - before == 10, "%s ring: %ju of 10 used what is kept",
			   pt_mode_name(modes), kept() - before);
		map(64 * PAGE, b);
		changed(&sq, b, 64, "mapped over");
		settle(&sq, b, 64);
		pt_ring_exit(&sq);
	}
	before = kept();
	for (i = 0; i < 5; i++) {
		pt_fill(&ns, b, 64, 64, ++gen);
		pt_rw(&cmd, &ns, PT_WRITE, 64, 64, b, 8 * PAGE);
		test_check(!pt_do(&r, ns.fd, &cmd, PT_ASYNC, NULL), "write");
		pt_block_check(&ns, 64, 64, gen);
	}
	gen++;
	test_check(kept() - before == 5, "io-wq: %ju of 5 used what is kept",
		   kept() - before);
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

		pt_fill(&ns, b, w->slba, nlb, ++g);
		test_check(!command(&r, PT_WRITE, w->slba, nlb, b), "write");
		memset(b, 0, nlb << ns.shift);
		test_check(!command(&r, PT_READ, w->slba, nlb, b), "read");
		test_check(pt_differs(&ns, b, w->slba, nlb, g) < 0,
			   "wrong data at block %ld",
			   pt_differs(&ns, b, w->slba, nlb, g));
		w->commands += 2;
		/* now and then it is other memory */
		if (rand_r(&w->seed) % 16 == 0)
			map(16 * PAGE, w->area);
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
		int ret = command(&r, PT_READ, w->slba, 16,
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
			map(16 * PAGE, w->area);
		}
		w->commands++;
	}
	pt_ring_exit(&r);
	return NULL;
}

static void together(void)
{
	struct worker w[5] = { };
	uint8_t *b = map(ARRAY_LEN(w) * 16 * PAGE, NULL);
	uint64_t before = kept(), n = 0;
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
	test_check(!test_sh("nvme reset /dev/nvme%d", ns.ctrl), "nvme reset");
	sleep(2);
	stop = true;
	for (i = 0; i < ARRAY_LEN(w); i++) {
		pthread_join(w[i].thread, NULL);
		n += w[i].commands;
	}
	test_check(n > 200, "only %ju commands", n);
	printf("# %ju commands, %ju used what is kept\n", n, kept() - before);
	test_check(kept() > before, "nothing was kept");
	munmap(b, ARRAY_LEN(w) * 16 * PAGE);
}

/* With no policy, and with the module gone, nothing is left. */
static void ended(void)
{
	uint8_t *b = map(16 * PAGE, NULL);
	struct pt_ring r;
	unsigned int i;

	pt_ring_init(&r, 8, 0);
	settle(&r, b, 64);
	test_check(!test_sh("nvme reset /dev/nvme%d", ns.ctrl), "nvme reset");
	test_check(test_wait(steer_event(ns.ctrl, "routed") > 0, 1000), "events");
	settle(&r, b, 64);
	steer_detach(&policy);
	for (i = 0; i < 3; i++)
		round_trip(&r, b, b, 64);
	test_check(pinned() > 0, "nothing is kept after a policy has ended");
	test_check(test_wait(!test_sh("rmmod nvmesteer 2>/dev/null"), 10000),
		   "rmmod");
	all_let_go("after the module is gone");
	round_trip(&r, b, b, 64);
	memset(b, CANARY, 16 * PAGE);
	munmap(b, 16 * PAGE);
	test_check(!test_sh("modprobe nvmesteer"), "modprobe");
	pt_ring_exit(&r);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct pt_ring r;
	unsigned int mode;

	test_begin(170);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 2);

	for (mode = 0; mode <= PT_IOPOLL; mode += PT_IOPOLL) {
		const char *name = pt_mode_name(mode);

		pt_ring_init(&r, 8, mode);
		test_step("%s ring: sizes and places", name);
		sizes(&r);
		test_step("%s ring: unmapped", name);
		unmapped(&r);
		test_step("%s ring: partly mapped over", name);
		partly(&r);
		test_step("%s ring: moved", name);
		moved(&r);
		test_step("%s ring: dropped", name);
		dropped(&r);
		test_step("%s ring: fork", name);
		forked(&r, false);
		forked(&r, true);
		test_step("%s ring: protected", name);
		protected(&r);
		test_step("%s ring: zeroes", name);
		zeroes(&r);
		test_step("%s ring: files", name);
		files(&r);
		test_step("%s ring: huge pages", name);
		huge(&r);
		pt_ring_exit(&r);
		test_step("%s ring: killed", name);
		killed(mode);
	}
	if (test_env("DATA_ONLY", 0))
		test_pass();
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
