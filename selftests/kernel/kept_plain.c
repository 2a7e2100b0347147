// SPDX-License-Identifier: GPL-2.0
/*
 * Plain buffers that stay mapped from one command to the next, and what an
 * application may do to its memory in between: unmap it and map it again, move
 * it, drop it, fork, protect it, map files. Data always goes to and comes from
 * what is at the address when the command is submitted, byte for byte; nothing
 * beside it is written, nor what was there before. kept_plain_life.c has how
 * long and how much is kept.
 *
 * vm: --cpus 4
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/plain.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define GUARD	4096
#define ROUNDS	4

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
	uint8_t *base = plain_map(size, NULL);

	madvise(base, size, MADV_NOHUGEPAGE);
	memset(base, CANARY, size);
	for (i = 0; i < ARRAY_LEN(nlbs); i++) {
		size_t len = (size_t)nlbs[i] << plain.ns.shift;

		if (len > plain.ns.max_bytes)
			continue;
		for (j = 0; j < ARRAY_LEN(offsets); j++) {
			uint8_t *b = base + GUARD + offsets[j];

			plain_settle(r, b, nlbs[i]);
			before = plain_kept();
			all = plain_routed();
			for (k = 0; k < ROUNDS; k++)
				plain_round_trip(r, b, b, nlbs[i]);
			test_check(plain_kept() - before == 2 * ROUNDS,
				   "%u blocks at %zu: %ju of %u used what is kept",
				   nlbs[i], offsets[j], plain_kept() - before,
				   2 * ROUNDS);
			test_check(plain_routed() - all == 2 * ROUNDS,
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
	uint8_t *b = plain_map(size, NULL);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		plain_settle(r, b, 8);
		plain_settle(r, b + 8 * PAGE, 128);
		munmap(b, size);
		test_check(plain_cmd(r, PT_READ, 64, 8, b) == -EFAULT &&
			   plain_cmd(r, PT_WRITE, 64, 128, b + 8 * PAGE) ==
				   -EFAULT, "I/O to memory that is gone");
		plain_map(size, b);
		plain_changed(r, b, 8, "unmapped");
		plain_changed(r, b + 8 * PAGE, 128, "unmapped");
		plain_settle(r, b, 8);
		/* and without a moment in which nothing is there */
		plain_map(size, b);
		plain_changed(r, b, 8, "mapped over");
	}
	munmap(b, size);
}

/* One page of a long buffer is another one, in its middle or at its end. */
static void partly(struct pt_ring *r)
{
	static const unsigned int holes[] = { 0, 1, 7, 15 };
	uint8_t *b = plain_map(64 * PAGE, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(holes); i++) {
		plain_settle(r, b, 128);
		plain_settle(r, b + 32 * PAGE, 128);
		plain_map(PAGE, b + holes[i] * PAGE);
		plain_changed(r, b, 128, "partly mapped over");
		/* a page that is protected is not passed over */
		plain_settle(r, b, 128);
		mprotect(b + holes[i] * PAGE, PAGE, PROT_READ);
		test_check(plain_cmd(r, PT_READ, 64, 128, b) == -EFAULT,
			   "read into a page that is protected");
		mprotect(b + holes[i] * PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	munmap(b, 64 * PAGE);
}

/* Moved elsewhere, and other memory in its place. */
static void moved(struct pt_ring *r)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = plain_map(size, NULL), *to = plain_map(size, NULL), *m;
	uint64_t before;
	unsigned int n;

	for (n = 0; n < 5; n++) {
		plain_settle(r, b, 64);
		pt_fill(&plain.ns, b, 64, 64, plain.gen);
		before = plain_kept();
		m = mremap(b, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		test_check(m == to, "mremap: %s", strerror(errno));
		plain_map(size, b);
		memset(b, CANARY, size);
		/* what was moved is found at its new place */
		test_check(!plain_cmd(r, PT_WRITE, 64, 64, m), "write");
		test_check(plain_kept() == before,
			   "moved: an old mapping was used");
		pt_block_check(&plain.ns, 64, 64, plain.gen++);
		plain_round_trip(r, m, m, 64);
		for (i = 0; i < size; i++)
			test_check(b[i] == CANARY, "memory at the old address was written");
		/* and what is at the old one is not */
		plain_changed(r, b, 8, "moved");
		munmap(to, size);
		plain_map(size, to);
	}
	munmap(b, size);
	munmap(to, size);
}

static void dropped(struct pt_ring *r)
{
	static const int advices[] = { MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT };
	size_t size = 16 * PAGE;
	uint8_t *b = plain_map(size, NULL);
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(advices); i++)
		for (n = 0; n < 5; n++) {
			plain_settle(r, b, 16);
			test_check(!madvise(b, size, advices[i]), "madvise: %s",
				   strerror(errno));
			if (advices[i] == MADV_DONTNEED)
				plain_changed(r, b, 16, "MADV_DONTNEED");
			else
				plain_round_trip(r, b, b, 16);
		}
	munmap(b, size);
}

/* After a fork parent and child each have their own pages, whoever writes. */
static void forked(struct pt_ring *r, bool child_too)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = plain_map(size, NULL);
	int status, to_child[2];
	struct pt_ring own;
	pid_t pid;
	char c;

	plain_settle(r, b, 16);
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
				plain_out(&own, b, b, 16, 1024);
				plain_in(&own, b, b, 16, 1024);
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
		plain_round_trip(r, b, b, 16);
	}
	close(to_child[1]);
	test_check(waitpid(pid, &status, 0) == pid && !status,
		   "the child's memory was written (%#x)", status);
	plain_settle(r, b, 16);
	munmap(b, size);
}

/* Memory that may only be read, or not at all. */
static void protected(struct pt_ring *r)
{
	size_t size = 16 * PAGE;
	uint8_t *b = plain_map(size, NULL), *was = test_alloc(size);
	uint32_t nlb;
	uint64_t before;
	unsigned int i;

	for (nlb = 8; nlb <= 64; nlb *= 8) {
		plain_settle(r, b, nlb);
		memset(b, CANARY, size);
		memcpy(was, b, size);
		mprotect(b, size, PROT_READ);
		for (i = 0; i < 4; i++) {
			test_check(plain_cmd(r, PT_READ, 64, nlb, b) == -EFAULT,
				   "read into memory that is protected");
			test_check(!memcmp(b, was, size),
				   "protected memory was written");
			pt_block_write(&plain.ns, 64, nlb, plain.gen++);
			test_check(!plain_cmd(r, PT_WRITE, 64, nlb, b), "write");
		}
		/* for writing to the drive it is kept */
		before = plain_kept();
		test_check(test_wait(!plain_cmd(r, PT_WRITE, 64, nlb, b) &&
				     plain_kept() > before, 10000),
			   "memory that may be read is not kept for writes");
		test_check(plain_cmd(r, PT_READ, 64, nlb, b) == -EFAULT,
			   "read into memory that is protected and kept");
		mprotect(b, size, PROT_NONE);
		test_check(plain_cmd(r, PT_WRITE, 64, nlb, b) == -EFAULT,
			   "write from memory that is protected");
		mprotect(b, size, PROT_READ | PROT_WRITE);
		plain_settle(r, b, nlb);
	}
	free(was);
	munmap(b, size);
}

/* Memory never written to: it is all one page of zeroes, until it is. */
static void zeroes(struct pt_ring *r)
{
	size_t size = 16 * PAGE, i;
	uint8_t *b = plain_map(size, NULL), *see = test_alloc(size), any = 0;

	for (i = 0; i < 5; i++) {
		test_check(!plain_cmd(r, PT_WRITE, 64, 128, b), "write");
		pt_block_read(&plain.ns, see, 64, 128);
		test_check(!memcmp(see, see + 1, size - 1) && !see[0],
			   "not zeroes");
	}
	plain_settle(r, b, 128);
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
		plain_round_trip(r, b, see, 64);
	if (can_keep)
		plain_settle(r, b, 64);
	before = plain_kept();
	test_check(!ftruncate(fd, 0), "ftruncate");
	test_check(plain_cmd(r, PT_READ, 64, 64, b) == -EFAULT,
		   "read into a file that was cut off");
	test_check(!ftruncate(fd, size), "ftruncate");
	for (i = 0; i < size; i++)
		test_check(!see[i], "a new page of a file has old data");
	plain_in(r, b, see, 64, 64);
	test_check(plain_kept() == before, "cut off: the old mapping was used");
	plain_round_trip(r, b, see, 64);
	munmap(b, size);

	/* a private mapping of it: its own pages once written to */
	memset(see, CANARY, size);
	b = map_file(fd, size, MAP_PRIVATE);
	for (i = 0; i < 4; i++) {
		pt_fill(&plain.ns, see, 64, 64, plain.gen);
		test_check(!plain_cmd(r, PT_WRITE, 64, 64, b), "write");
		pt_block_check(&plain.ns, 64, 64, plain.gen++);
	}
	memset(see, CANARY, size);
	for (i = 0; i < 6; i++)
		plain_round_trip(r, b, b, 64);
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

	at = plain_map(size + huge, NULL);
	b = (void *)(((uintptr_t)at + huge - 1) & ~(huge - 1));
	madvise(b, size, MADV_HUGEPAGE);
	memset(b, CANARY, size);
	for (i = 0; i < ARRAY_LEN(places); i++)
		for (j = 0; j < ARRAY_LEN(nlbs); j++) {
			plain_settle(r, b + places[i], nlbs[j]);
			plain_round_trip(r, b + places[i], b + places[i],
					 nlbs[j]);
		}
	/* a part of one goes, then it is split, then it is put together */
	plain_settle(r, b + huge, 64);
	plain_map(16 * PAGE, b + huge);
	plain_changed(r, b + huge, 64, "a part of a huge page");
	plain_settle(r, b + huge, 64);
	madvise(b, size, 25 /* MADV_COLLAPSE */);
	plain_round_trip(r, b + huge, b + huge, 64);
	plain_round_trip(r, b + huge + 65536, b + huge + 65536, 64);
	munmap(at, size + huge);

	/* and of hugetlbfs */
	if (test_write("/proc/sys/vm/nr_hugepages", "2") < 0)
		return;
	at = mmap(NULL, huge, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (at != MAP_FAILED) {
		plain_settle(r, at + 512, 1);
		plain_settle(r, at + 3584, 256);
		munmap(at, huge);
	}
	test_write("/proc/sys/vm/nr_hugepages", "0");
}

int main(void)
{
	struct pt_ring r;
	unsigned int mode;

	test_begin(170);
	plain_begin();
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
	}
	test_pass();
}
