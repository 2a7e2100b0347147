// SPDX-License-Identifier: GPL-2.0
/*
 * I/O under which other things happen; see load.h.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "load.h"
#include "test.h"

/*
 * Kernels before 6.13 read the entry of a command that is issued again from a
 * worker in the ring, where user space may have put another one: the ring is
 * so large that it has not come round by then.
 */
#define RING_ENTRIES	1024

/* A command place of a thread: one command at a time, in its own blocks. */
struct slot {
	struct load_block *block;
	uint64_t lba;		/* of block[0] */
	uint8_t *buf;
	struct iovec iov[3];
	uint64_t tag;
	uint64_t gen;
	unsigned int from, nr;	/* blocks of the command */
	unsigned int how;
	bool busy, write, unsure;
	/* the last ones, to tell when something is wrong */
	struct {
		uint64_t tag, ms;
		unsigned int from, nr, how;
		int res;
		bool write;
	} history[8];
	unsigned int nr_history;
};

struct worker {
	struct load *l;
	struct load_thread *t;
	struct load_stats *stats;
	struct pt_ring ring;
	uint8_t *buf;
	uint64_t seq, rnd;
	unsigned int inflight;
	bool gone;
	struct slot slot[LOAD_DEPTH];
};

static uint64_t slot_lba(const struct load *l, unsigned int t, unsigned int s)
{
	return l->first + (t * LOAD_DEPTH + s) * (LOAD_BLOCKS + 1ULL) + 1;
}

static uint64_t rnd(struct worker *w)
{
	w->rnd ^= w->rnd << 13;
	w->rnd ^= w->rnd >> 7;
	w->rnd ^= w->rnd << 17;
	return w->rnd;
}

static void choose_range(struct worker *w, struct slot *s)
{
	static const unsigned int sizes[] = { 1, 8, 8, 8, 8, 16, 33, 64 };

	s->nr = sizes[rnd(w) % ARRAY_LEN(sizes)];
	s->from = rnd(w) % (LOAD_BLOCKS - s->nr + 1);
}

/* The data pointer of a command, one of the ways the thread allows. */
static unsigned int give_buffer(struct worker *w, struct slot *s,
				struct nvme_uring_cmd *cmd)
{
	uint8_t *buf = s->buf + s->from * w->l->ns->block;
	size_t len = s->nr * w->l->ns->block, at = 0, piece;
	unsigned int ways = w->t->how, n = 0;

	cmd->addr = (uintptr_t)buf;
	cmd->data_len = len;
	if ((ways & PT_FIXED) && rnd(w) & 1)
		return PT_FIXED;
	if (!(ways & PT_VEC) || rnd(w) & 1)
		return 0;
	while (at < len) {
		piece = n == 2 ? len - at : len / 3 / 4 * 4;
		s->iov[n].iov_base = buf + at;
		s->iov[n++].iov_len = piece;
		at += piece;
	}
	cmd->addr = (uintptr_t)s->iov;
	cmd->data_len = n;
	return PT_VEC;
}

static void issue(struct worker *w, struct slot *s)
{
	struct load *l = w->l;
	struct nvme_uring_cmd cmd;
	unsigned int how, i;

	/* a write that failed is looked at before anything is written over */
	if (!s->unsure) {
		s->write = !s->write;
		if (s->write)
			choose_range(w, s);
	} else {
		s->write = false;
	}

	s->tag = (uint64_t)w->t->nr << 56 | ++w->seq << 8 | (s - w->slot);
	if (s->write) {
		s->gen = s->tag;
		pt_fill(l->ns, s->buf + s->from * l->ns->block,
			s->lba + s->from, s->nr, s->gen);
		for (i = s->from; i < s->from + s->nr; i++)
			s->block[i].maybe = s->gen;
	} else {
		memset(s->buf + s->from * l->ns->block, 0,
		       s->nr * l->ns->block);
	}
	atomic_signal_fence(memory_order_seq_cst);

	pt_rw(&cmd, l->ns, s->write ? PT_WRITE : PT_READ, s->lba + s->from,
	      s->nr, NULL, 0);
	how = give_buffer(w, s, &cmd);
	cmd.timeout_ms = l->timeout_ms;
	s->how = how;
	s->busy = true;
	w->inflight++;
	w->stats->submitted++;
	pt_queue(&w->ring, l->ns->fd, &cmd, how, s->tag);
}

/* What a block of the device holds, and is therefore known to hold. */
static bool settle(const struct load *l, struct load_block *b,
		   const uint8_t *data, uint64_t lba)
{
	if (!pt_block_is(l->ns, data, lba, b->is)) {
		if (!b->maybe || !pt_block_is(l->ns, data, lba, b->maybe))
			return false;
		b->is = b->maybe;
	}
	b->maybe = 0;
	return true;
}

/* A read brought wrong data: tell what, and what a second read brings. */
static void wrong(struct worker *w, struct slot *s, unsigned int i)
{
	const uint8_t *data = s->buf + i * w->l->ns->block;
	const struct pt_ns *ns = w->l->ns;
	uint8_t *again = test_alloc(ns->block);
	uint64_t seq, tag, found = 0;
	unsigned int n, at;

	for (n = 0; n < ARRAY_LEN(s->history); n++) {
		at = (s->nr_history + n) % ARRAY_LEN(s->history);
		printf("# %ju: %s %#jx of blocks %ju+%u (buffer %u): %d\n",
		       s->history[at].ms,
		       s->history[at].write ? "write" : "read",
		       s->history[at].tag, s->lba + s->history[at].from,
		       s->history[at].nr, s->history[at].how,
		       s->history[at].res);
	}
	for (seq = 1; seq <= w->seq; seq++) {
		tag = (uint64_t)w->t->nr << 56 | seq << 8 | (s - w->slot);
		if (pt_block_is(ns, data, s->lba + i, tag))
			found = tag;
	}
	pt_block_read(ns, again, s->lba + i, 1);
	test_fail("read %#jx: block %ju holds neither generation %#jx nor %#jx but %#jx (0 is unknown), word %#jx; the block device reads %s",
		  s->tag, s->lba + i, s->block[i].is, s->block[i].maybe, found,
		  *(const uint64_t *)data, memcmp(again, data, ns->block) ?
			  (pt_block_is(ns, again, s->lba + i, s->block[i].is) ?
				       "what it should" : "something else") :
			  "the same");
}

static void ended_well(struct worker *w, struct slot *s)
{
	const struct load *l = w->l;
	unsigned int i;

	for (i = s->from; i < s->from + s->nr; i++) {
		if (!s->write) {
			if (!settle(l, &s->block[i], s->buf + i * l->ns->block,
				    s->lba + i))
				wrong(w, s, i);
			continue;
		}
		s->block[i].is = s->gen;
		atomic_signal_fence(memory_order_seq_cst);
		s->block[i].maybe = 0;
	}
	if (!s->write)
		s->unsure = false;
}

static void remember(struct slot *s, int res)
{
	unsigned int n = s->nr_history++ % ARRAY_LEN(s->history);

	s->history[n].tag = s->tag;
	s->history[n].ms = test_now_ms();
	s->history[n].from = s->from;
	s->history[n].nr = s->nr;
	s->history[n].how = s->how;
	s->history[n].res = res;
	s->history[n].write = s->write;
}

static void end(struct worker *w, struct io_uring_cqe *cqe)
{
	struct slot *s = &w->slot[cqe->user_data & 0xff];
	struct load_stats *st = w->stats;

	test_check((cqe->user_data & 0xff) < w->l->depth && s->busy &&
		   s->tag == cqe->user_data,
		   "completion %#jx of a command that is not in flight (result %d)",
		   (uintmax_t)cqe->user_data, cqe->res);
	s->busy = false;
	w->inflight--;
	st->ended++;
	remember(s, cqe->res);
	if (!cqe->res) {
		st->good++;
		ended_well(w, s);
	} else {
		s->unsure |= s->write;
		if (cqe->res > 0)
			st->failed++;
		else if (cqe->res == -EINTR)
			st->cancelled++;
		else
			st->refused++;
		if (cqe->res < 0 && cqe->res != -EINTR)
			st->last_errno = cqe->res;
		test_check(w->l->may_fail, "%s of %u blocks ended with %d",
			   s->write ? "write" : "read", s->nr, cqe->res);
		/* EINVAL: a head that has no path left */
		w->gone |= w->l->may_vanish &&
			   (cqe->res == -ENODEV || cqe->res == -EIO ||
			    cqe->res == -ENXIO ||
			    (cqe->res == -EINVAL && w->l->ns->head));
	}
	atomic_fetch_add_explicit(&w->l->shared->progress, 1,
				  memory_order_relaxed);
}

static void reap(struct worker *w)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	int ret;

	do {
		ret = io_uring_submit_and_wait(&w->ring.uring, 1);
	} while (ret == -EINTR || ret == -EAGAIN);
	test_check(ret >= 0, "io_uring_submit_and_wait: %s", strerror(-ret));
	io_uring_for_each_cqe(&w->ring.uring, head, cqe) {
		end(w, cqe);
		n++;
	}
	io_uring_cq_advance(&w->ring.uring, n);
}

static void pin(unsigned int nr)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(nr % cpus, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void worker_init(struct worker *w, struct load_thread *t)
{
	struct load *l = t->load;
	size_t slot = LOAD_BLOCKS * l->ns->block;
	struct iovec iov;
	unsigned int i;
	int ret;

	w->l = l;
	w->t = t;
	w->stats = &l->shared->stats[t->nr];
	w->rnd = 0x9e3779b97f4a7c15ULL * (t->nr + 1) ^ test_seed();
	w->seq = w->stats->submitted;
	w->buf = iov.iov_base = test_alloc(slot * l->depth);
	iov.iov_len = slot * l->depth;
	pt_ring_init(&w->ring, RING_ENTRIES, t->mode);
	ret = io_uring_register_buffers(&w->ring.uring, &iov, 1);
	test_check(!ret, "cannot register buffers: %s", strerror(-ret));
	for (i = 0; i < l->depth; i++) {
		w->slot[i].block = l->shared->blocks[t->nr][i];
		w->slot[i].lba = slot_lba(l, t->nr, i);
		w->slot[i].buf = w->buf + i * slot;
		w->slot[i].unsure = false;
	}
}

static void *run_thread(void *arg)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct load_thread *t = arg;
	unsigned int i;

	test_check(w, "no memory");
	pin(t->nr);
	/* this thread: the CPU is there for what is to happen meanwhile */
	setpriority(PRIO_PROCESS, 0, 19);
	worker_init(w, t);
	while (!atomic_load(&t->load->shared->stop) && !w->gone) {
		for (i = 0; i < t->load->depth; i++)
			if (!w->slot[i].busy)
				issue(w, &w->slot[i]);
		reap(w);
	}
	while (w->inflight)
		reap(w);
	if (w->gone)
		atomic_fetch_add(&t->load->shared->gone, 1);
	pt_ring_exit(&w->ring);
	free(w->buf);
	free(w);
	return NULL;
}

void load_init(struct load *l, struct pt_ns *ns, unsigned int threads,
	       unsigned int depth)
{
	load_init_at(l, ns, threads, depth, 4096);
}

void load_init_at(struct load *l, struct pt_ns *ns, unsigned int threads,
		  unsigned int depth, uint64_t first)
{
	unsigned int t, s, b;

	memset(l, 0, sizeof(*l));
	l->ns = ns;
	l->threads = threads;
	l->depth = depth;
	l->first = first;
	l->shared = mmap(NULL, sizeof(*l->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(l->shared != MAP_FAILED, "no memory");
	test_check(threads <= LOAD_THREADS && depth <= LOAD_DEPTH,
		   "more load than there is room for");
	test_check(slot_lba(l, threads, 0) + 1 < ns->nr_blocks,
		   "ng%s is too small", ns->name);

	l->shared->gen = test_now_ms() << 20;
	for (t = 0; t < threads; t++) {
		l->thread[t].load = l;
		l->thread[t].nr = t;
		for (s = 0; s < depth; s++)
			for (b = 0; b < LOAD_BLOCKS; b++)
				l->shared->blocks[t][s][b].is = l->shared->gen;
	}
	/* the guards in between too */
	pt_block_write(ns, l->first, threads * LOAD_DEPTH * (LOAD_BLOCKS + 1) +
				     1, l->shared->gen);
}

void load_mix(struct load *l)
{
	unsigned int t;

	for (t = 0; t < l->threads; t++) {
		l->thread[t].mode = t & 1 ? PT_IOPOLL : 0;
		l->thread[t].how = PT_FIXED | PT_VEC;
	}
}

static void start_threads(struct load *l)
{
	unsigned int t;

	for (t = 0; t < l->threads; t++)
		test_check(!pthread_create(&l->thread[t].thread, NULL,
					   run_thread, &l->thread[t]),
			   "cannot create a thread");
}

static void join_threads(struct load *l)
{
	unsigned int t;

	for (t = 0; t < l->threads; t++)
		pthread_join(l->thread[t].thread, NULL);
}

void load_start(struct load *l)
{
	l->pid = 0;
	atomic_store(&l->shared->stop, false);
	atomic_store(&l->shared->gone, 0);
	start_threads(l);
}

void load_start_child(struct load *l)
{
	atomic_store(&l->shared->stop, false);
	atomic_store(&l->shared->gone, 0);
	fflush(stdout);
	l->pid = fork();
	test_check(l->pid >= 0, "cannot fork");
	if (l->pid)
		return;
	start_threads(l);
	join_threads(l);
	_exit(TEST_PASS);
}

bool load_wait(struct load *l, unsigned long n, unsigned int ms)
{
	unsigned long until = atomic_load(&l->shared->progress) + n;

	return test_wait((long)(atomic_load(&l->shared->progress) - until) >= 0,
			 ms);
}

void load_stop(struct load *l)
{
	struct load_stats sum;
	int status = 0;

	atomic_store(&l->shared->stop, true);
	if (l->pid) {
		waitpid(l->pid, &status, 0);
		test_check(!status, "the submitters ended with status %#x",
			   status);
		l->pid = 0;
	} else {
		join_threads(l);
	}
	load_sum(l, &sum);
	test_check(sum.submitted == sum.ended,
		   "%ju commands submitted, %ju ended", sum.submitted,
		   sum.ended);
}

void load_kill(struct load *l)
{
	int status = 0;

	kill(l->pid, SIGKILL);
	waitpid(l->pid, &status, 0);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		   "the submitters ended before, with status %#x", status);
	l->pid = 0;
}

void load_verify(struct load *l)
{
	struct pt_ns *ns = l->ns;
	uint32_t nr = l->threads * LOAD_DEPTH * (LOAD_BLOCKS + 1) + 1;
	uint8_t *buf = test_alloc((size_t)nr * ns->block), *at;
	unsigned int t, s, b;

	pt_block_read(ns, buf, l->first, nr);
	for (t = 0; t < l->threads; t++) {
		for (s = 0; s < LOAD_DEPTH; s++) {
			uint64_t lba = slot_lba(l, t, s);

			at = buf + (lba - l->first) * ns->block;
			test_check(pt_block_is(ns, at - ns->block, lba - 1,
					       l->shared->gen),
				   "block %ju, which nobody writes, has changed",
				   lba - 1);
			for (b = 0; s < l->depth && b < LOAD_BLOCKS; b++)
				test_check(settle(l,
						  &l->shared->blocks[t][s][b],
						  at + b * ns->block, lba + b),
					   "block %ju holds neither generation %#jx nor %#jx",
					   lba + b,
					   l->shared->blocks[t][s][b].is,
					   l->shared->blocks[t][s][b].maybe);
		}
	}
	free(buf);
}

void load_sum(struct load *l, struct load_stats *sum)
{
	unsigned int t;

	memset(sum, 0, sizeof(*sum));
	for (t = 0; t < l->threads; t++) {
		struct load_stats *st = &l->shared->stats[t];

		sum->submitted += st->submitted;
		sum->ended += st->ended;
		sum->good += st->good;
		sum->failed += st->failed;
		sum->cancelled += st->cancelled;
		sum->refused += st->refused;
		if (st->last_errno)
			sum->last_errno = st->last_errno;
	}
}

void load_clear(struct load *l)
{
	memset(l->shared->stats, 0, sizeof(l->shared->stats));
}

void load_match(struct load *l, const struct steer_queues *before,
		const struct steer_queues *after)
{
	struct steer_queue b, a;
	struct load_stats sum;

	load_sum(l, &sum);
	steer_total(before, &b);
	steer_total(after, &a);
	printf("# commands: %ju submitted = %ju good + %ju failed + %ju cancelled + %ju refused\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled, sum.refused);
	printf("# queues:   %ju submitted = %ju completed + %ju failed + %ju cancelled\n",
	       a.submitted - b.submitted, a.completed - b.completed,
	       a.failed - b.failed, a.cancelled - b.cancelled);
	test_check(!a.inflight, "%ju commands still in flight", a.inflight);
	test_check(a.completed - b.completed == sum.good &&
		   a.failed - b.failed == sum.failed &&
		   a.cancelled - b.cancelled == sum.cancelled,
		   "the queues counted otherwise (last errno %d)",
		   sum.last_errno);
}

void load_free(struct load *l)
{
	munmap(l->shared, sizeof(*l->shared));
	l->shared = NULL;
}
