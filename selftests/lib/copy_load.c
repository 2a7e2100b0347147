// SPDX-License-Identifier: GPL-2.0
/*
 * Copies under which other things happen; see copy_load.h.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "copy_cmd.h"
#include "copy_load.h"
#include "test.h"

#define MIB		(1UL << 20)
#define TO		(4 * MIB)	/* where the places begin */
#define MAX_RANGES	48

static const unsigned int modes[COPY_THREADS] = {
	0, PT_IOPOLL, PT_SQPOLL, PT_IOPOLL,
};

static size_t slot_at(const struct copy_thread *t, unsigned int s)
{
	return (t->nr * COPY_SLOTS + s) * COPY_SLOT_LEN;
}

static uint64_t rnd(struct copy_thread *t)
{
	t->rnd ^= t->rnd << 13;
	t->rnd ^= t->rnd >> 7;
	t->rnd ^= t->rnd << 17;
	return t->rnd;
}

/* A copy of some ranges, each of any source, to somewhere in the place. */
static void begin(struct copy_thread *t, struct copy_slot *s)
{
	struct copy_load *l = t->load;
	size_t block = s->to.ns->block, room = COPY_SLOT_LEN - block;
	size_t base = slot_at(t, s - t->slot), at, len;
	unsigned int nr = 1 + rnd(t) % MAX_RANGES, i;
	/* some long, many short ones */
	size_t most = 1 + (rnd(t) % 4 ? rnd(t) % 16 : rnd(t) % 200);

	at = rnd(t) % (room / block / 2) * block;
	copy_begin(&s->copy, &s->to, at,
		   rnd(t) % 3 && !l->emulate ? 0 : NVME_STEER_COPY_F_EMULATE);
	s->copy.cmd.depth = rnd(t) % 4;
	for (i = 0; i < nr && at < room; i++, at += len) {
		len = (1 + rnd(t) % most) * block;
		if (len > room - at)
			len = room - at;
		copy_add(&s->copy, &l->source[rnd(t) % COPY_SOURCES], base + at,
			 len);
	}
}

static bool untouched(const struct copy *c)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (!copy_untouched(c, i))
			return false;
	return true;
}

/* A copy has ended. Returns whether the thread goes on. */
static bool end(struct copy_thread *t, struct copy_slot *s)
{
	struct copy_load *l = t->load;
	struct copy *c = &s->copy;
	/* what is there cannot be looked at */
	bool lost = l->may_vanish && l->may_vanish->ctrl == t->ns->ctrl;

	if (!c->res) {
		copy_is_good(c, 0, "under load");
		copy_model(c);
		t->stats.good++;
		if (t->stats.good % 16 == 0)
			image_check(&s->to, "under load");
		return true;
	}
	if (c->res < 0)
		t->stats.last_errno = c->res;
	if (untouched(c)) {
		test_check(l->may_be_refused && c->res < 0,
			   "a copy was refused: %d (%#x)", c->res, c->res);
		t->stats.refused++;
		if (!lost)
			image_check(&s->to, "a copy that was refused");
		return !l->may_vanish;
	}
	test_check(l->may_fail, "a copy failed: %d (%#x)", c->res, c->res);
	if (c->res > 0) {
		t->stats.failed++;
		t->stats.last_status = c->res;
	} else {
		t->stats.cancelled++;
	}
	if (!lost)
		copy_check_report(c, "a copy that failed");
	return !l->may_vanish;
}

static void queue(struct copy_thread *t, struct pt_ring *r, unsigned int i)
{
	unsigned int how = rnd(t) % 8 ? 0 : PT_ASYNC;
	struct copy_slot *s = &t->slot[i];
	struct nvme_uring_cmd cmd;

	if (!t->load->commands) {
		copy_queue(r, &s->copy, how, i);
		return;
	}
	copy_cmd(&s->copy, &cmd, s->list);
	pt_queue(r, s->to.ns->fd, &cmd, how, i);
}

static void *run_ioctls(struct copy_thread *t)
{
	struct copy_load *l = t->load;
	struct nvme_uring_cmd cmd;
	struct copy_slot *s;
	bool go_on = true;
	unsigned int i;

	for (i = 0; go_on && !l->shared->stop; i++) {
		s = &t->slot[i % COPY_SLOTS];
		begin(t, s);
		copy_cmd(&s->copy, &cmd, s->list);
		copy_cmd_ioctl(&s->copy, &cmd, i & 1);
		go_on = end(t, s);
		atomic_fetch_add(&l->shared->progress, 1);
	}
	if (!go_on)
		atomic_fetch_add(&l->shared->gone, 1);
	return NULL;
}

static void *run(void *arg)
{
	struct copy_thread *t = arg;
	struct copy_load *l = t->load;
	unsigned int s, busy = 0;
	bool go_on = true;
	struct pt_ring r;
	uint64_t tag, result;
	int res;

	/* the CPU is there for what is to happen meanwhile */
	setpriority(PRIO_PROCESS, 0, 19);
	if (l->commands && t->nr == COPY_THREADS - 1)
		return run_ioctls(t);
	pt_ring_init(&r, 16, t->mode);
	while (busy || (go_on && !l->shared->stop)) {
		for (s = 0; go_on && !l->shared->stop && s < COPY_SLOTS; s++) {
			if (t->slot[s].busy)
				continue;
			begin(t, &t->slot[s]);
			queue(t, &r, s);
			t->slot[s].busy = true;
			busy++;
		}
		res = io_uring_submit(&r.uring);
		test_check(res >= 0, "io_uring_submit: %s", strerror(-res));
		if (!busy)
			continue;
		res = pt_reap(&r, &tag, &result);
		test_check(tag < COPY_SLOTS && t->slot[tag].busy,
			   "copy %ju ended twice, or out of nowhere", tag);
		t->slot[tag].busy = false;
		busy--;
		if (l->commands)
			copy_cmd_ended(&t->slot[tag].copy, res, result);
		else
			copy_ended(&t->slot[tag].copy, res, result);
		go_on &= end(t, &t->slot[tag]);
		atomic_fetch_add(&l->shared->progress, 1);
	}
	test_check(!io_uring_cq_ready(&r.uring), "a completion too many");
	if (!go_on)
		atomic_fetch_add(&l->shared->gone, 1);
	pt_ring_exit(&r);
	return NULL;
}

/* The first contents of all places, the same on each namespace. */
static void fill(struct copy_load *l, struct pt_ns *ns)
{
	pt_block_write_from(ns, l->first.want, TO >> ns->shift,
			    COPY_AREA >> ns->shift);
}

void copy_load_init(struct copy_load *l)
{
	unsigned int t, s, i;

	l->shared = mmap(NULL, sizeof(*l->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(l->shared != MAP_FAILED, "no memory");
	image_init(&l->first, l->to[0], TO, COPY_AREA);
	for (i = 0; i < COPY_SOURCES; i++)
		image_init(&l->source[i], l->from[i],
			   (l->from_mib ? l->from_mib : 40) * MIB +
			   i * COPY_AREA, COPY_AREA);
	for (t = 0; t < COPY_THREADS; t++) {
		struct copy_thread *thread = &l->thread[t];

		thread->load = l;
		thread->nr = t;
		thread->mode = modes[t];
		thread->ns = l->to[t];
		thread->rnd = 88172645463325252ULL + t;
		fill(l, thread->ns);
		for (s = 0; s < COPY_SLOTS; s++) {
			image_init_as_is(&thread->slot[s].to, thread->ns,
					 TO + slot_at(thread, s),
					 COPY_SLOT_LEN);
			copy_init(&thread->slot[s].copy, MAX_RANGES);
			thread->slot[s].list =
				test_alloc(COPY_CMD_RANGES * 32);
		}
	}
}

static void start_threads(struct copy_load *l)
{
	unsigned int t;

	for (t = 0; t < COPY_THREADS; t++)
		test_check(!pthread_create(&l->thread[t].thread, NULL, run,
					   &l->thread[t]), "no thread");
}

static void join_threads(struct copy_load *l)
{
	unsigned int t;

	for (t = 0; t < COPY_THREADS; t++)
		pthread_join(l->thread[t].thread, NULL);
}

void copy_load_start(struct copy_load *l)
{
	l->pid = 0;
	l->shared->stop = false;
	l->shared->gone = 0;
	start_threads(l);
}

void copy_load_start_child(struct copy_load *l)
{
	l->shared->stop = false;
	l->shared->gone = 0;
	fflush(stdout);
	l->pid = fork();
	test_check(l->pid >= 0, "cannot fork");
	if (l->pid)
		return;
	start_threads(l);
	join_threads(l);
	_exit(TEST_PASS);
}

bool copy_load_wait(struct copy_load *l, unsigned long n, unsigned int ms)
{
	unsigned long seen = l->shared->progress, until = seen + n;

	do {
		if (!test_wait(l->shared->progress != seen, ms))
			return false;
		seen = l->shared->progress;
	} while ((long)(seen - until) < 0);
	return true;
}

void copy_load_wait_gone(struct copy_load *l)
{
	test_check(test_wait(l->shared->gone == COPY_THREADS, 40000),
		   "only %u of %u submitters learned of it", l->shared->gone,
		   COPY_THREADS);
}

void copy_load_stop(struct copy_load *l)
{
	int status;

	l->shared->stop = true;
	if (!l->pid) {
		join_threads(l);
		return;
	}
	waitpid(l->pid, &status, 0);
	test_check(!status, "the submitters ended with status %#x", status);
	l->pid = 0;
}

void copy_load_kill(struct copy_load *l)
{
	int status = 0;

	kill(l->pid, SIGKILL);
	waitpid(l->pid, &status, 0);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		   "the submitters ended before, with status %#x", status);
	l->pid = 0;
}

/* What a block of a place may hold. */
static bool may_hold(const struct copy_load *l, const uint8_t *got, size_t at,
		     size_t block)
{
	unsigned int i;

	if (!memcmp(got, l->first.want + at, block))
		return true;
	for (i = 0; i < COPY_SOURCES; i++)
		if (!memcmp(got, l->source[i].want + at, block))
			return true;
	return false;
}

static void verify_thread(struct copy_load *l, struct copy_thread *t)
{
	size_t block = t->ns->block, at, off;
	unsigned int s;

	for (s = 0; s < COPY_SLOTS; s++) {
		struct image *to = &t->slot[s].to;

		at = slot_at(t, s);
		image_read(to);
		for (off = 0; off < COPY_SLOT_LEN - block; off += block)
			test_check(may_hold(l, to->got + off, at + off, block),
				   "ng%s holds what nobody copied there, at byte %#jx",
				   t->ns->name, to->from + off);
		test_check(!memcmp(to->got + off, l->first.want + at + off,
				   block),
			   "ng%s: the block at %#jx, which is not copied to, has changed",
			   t->ns->name, to->from + off);
		t->slot[s].busy = false;
	}
}

void copy_load_verify(struct copy_load *l, const struct pt_ns *gone)
{
	struct image around;
	unsigned int t, i;

	for (t = 0; t < COPY_THREADS; t++) {
		if (l->to[t] == gone)
			continue;
		verify_thread(l, &l->thread[t]);
		/* the places of other threads, if those copy elsewhere */
		for (i = 0; i < COPY_THREADS; i++) {
			if (l->to[i] == l->to[t])
				continue;
			around = l->first;
			around.ns = l->to[t];
			image_check_part(&around,
					 slot_at(&l->thread[i], 0),
					 COPY_SLOTS * COPY_SLOT_LEN,
					 "another thread's place");
		}
	}
	for (i = 0; i < COPY_SOURCES; i++)
		if (l->from[i] != gone)
			image_check(&l->source[i], "a source");
}

void copy_load_sum(const struct copy_load *l, struct copy_stats *sum)
{
	unsigned int t;

	memset(sum, 0, sizeof(*sum));
	for (t = 0; t < COPY_THREADS; t++) {
		const struct copy_stats *s = &l->thread[t].stats;

		sum->good += s->good;
		sum->failed += s->failed;
		sum->cancelled += s->cancelled;
		sum->refused += s->refused;
		if (s->last_status)
			sum->last_status = s->last_status;
		if (s->last_errno)
			sum->last_errno = s->last_errno;
	}
}

void copy_load_print(const struct copy_load *l)
{
	struct copy_stats sum;

	copy_load_sum(l, &sum);
	printf("# copies: %ju good, %ju failed (the last with %#x), %ju cancelled, %ju refused (the last with %s)\n",
	       sum.good, sum.failed, sum.last_status, sum.cancelled,
	       sum.refused, strerror(-sum.last_errno));
}
