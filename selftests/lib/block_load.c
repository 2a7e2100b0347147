// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/resource.h>

#include "block_load.h"
#include "test.h"

#define NLB	16
#define PLACES	32		/* of a thread, NLB blocks each */

/* A request has ended; false: its thread ends, as there is no device any more. */
static bool ended(struct block_load *l, const char *what, ssize_t ret)
{
	if (ret == (ssize_t)(NLB * l->ns->block))
		return true;
	test_check(l->may_vanish, "%s: %zd %s", what, ret, strerror(errno));
	atomic_fetch_add(&l->gone, 1);
	return false;
}

static void *worker(void *arg)
{
	struct block_load *l = arg;
	unsigned int nr = atomic_fetch_add(&l->nr, 1);
	size_t len = NLB * l->ns->block;
	uint64_t gens[PLACES] = { 0 };
	uint64_t gen = 1, slba;
	unsigned int place;
	char path[64];
	uint8_t *buf;
	ssize_t ret;
	int fd;

	/* the CPU is there for what is to happen meanwhile */
	setpriority(PRIO_PROCESS, 0, 19);
	snprintf(path, sizeof(path), "/dev/nvme%s", l->ns->name);
	fd = open(path, O_RDWR | O_DIRECT);
	test_check(fd >= 0, "cannot open %s", path);
	buf = test_alloc(len);
	while (!atomic_load(&l->stop)) {
		place = gen * 7 % PLACES;
		slba = l->first + (nr * PLACES + place) * NLB;
		if (gens[place]) {
			ret = pread(fd, buf, len, slba << l->ns->shift);
			if (!ended(l, "read", ret))
				break;
			test_check(pt_differs(l->ns, buf, slba, NLB,
					      gens[place]) < 0,
				   "thread %u, block %ju: wrong data", nr,
				   (uintmax_t)slba);
		}
		gens[place] = gen++;
		pt_fill(l->ns, buf, slba, NLB, gens[place]);
		ret = pwrite(fd, buf, len, slba << l->ns->shift);
		if (!ended(l, "write", ret))
			break;
		atomic_fetch_add(&l->done, 2);
	}
	close(fd);
	free(buf);
	return NULL;
}

void block_load_start(struct block_load *l, struct pt_ns *ns, uint64_t first)
{
	unsigned int i;

	*l = (struct block_load) { .ns = ns, .first = first,
				   .may_vanish = l->may_vanish };
	for (i = 0; i < BLOCK_LOAD_THREADS; i++)
		test_check(!pthread_create(&l->thread[i], NULL, worker, l),
			   "cannot create a thread");
}

bool block_load_wait(struct block_load *l, unsigned long n, unsigned int ms)
{
	unsigned long want = atomic_load(&l->done) + n;

	return test_wait(atomic_load(&l->done) >= want, ms);
}

void block_load_stop(struct block_load *l)
{
	unsigned int i;

	atomic_store(&l->stop, true);
	for (i = 0; i < BLOCK_LOAD_THREADS; i++)
		pthread_join(l->thread[i], NULL);
}
