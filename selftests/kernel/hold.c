// SPDX-License-Identifier: GPL-2.0
/*
 * A policy with hold_ms: within that time its answer for a ring on a CPU holds
 * without it being asked, and afterwards what it answers then; rings that take
 * turns on a CPU each keep to their own queue; another policy, or none, counts
 * from its first command on; command groups count as commands; a held queue
 * that is removed is not used any more; and a ring that does not poll never
 * gets a polled queue. All data is verified.
 *
 * vm: --cpus 4
 */
#include <pthread.h>
#include <sched.h>

#include "group.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define HOLD_MS	1000
#define DEPTH	16
#define FIRST	2048	/* block */
#define GEN	7

static struct pt_ns ns;

/* The ring and its buffer, DEPTH blocks, registered. */
struct reader {
	struct pt_ring ring;
	uint8_t *buf;
	unsigned int total;	/* for read_on_a_thread() */
};

static void on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	test_check(!sched_setaffinity(0, sizeof(set), &set),
		   "cannot run on CPU %u", cpu);
}

static void reader_init(struct reader *r, unsigned int mode)
{
	struct iovec iov = { .iov_len = DEPTH * ns.block };
	int ret;

	pt_ring_init(&r->ring, 2 * DEPTH, mode);
	r->buf = test_alloc(iov.iov_len);
	iov.iov_base = r->buf;
	ret = io_uring_register_buffers(&r->ring.uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));
}

static void reader_exit(struct reader *r)
{
	pt_ring_exit(&r->ring);
	free(r->buf);
}

/* @total reads, up to DEPTH at a time, each of a block of its own. */
static void reads(struct reader *r, unsigned int total)
{
	struct nvme_uring_cmd cmd;
	unsigned int i, n;
	uint64_t tag, seen;
	int ret;

	for (; total; total -= n) {
		n = total < DEPTH ? total : DEPTH;
		memset(r->buf, 0xa5, n * ns.block);
		for (i = 0; i < n; i++) {
			pt_rw(&cmd, &ns, PT_READ, FIRST + i, 1,
			      r->buf + i * ns.block, ns.block);
			pt_queue(&r->ring, ns.fd, &cmd, PT_FIXED, i);
		}
		for (i = 0, seen = 0; i < n; i++) {
			if (!i) {
				ret = io_uring_submit(&r->ring.uring);
				test_check(ret == (int)n, "submit: %d", ret);
			}
			ret = pt_reap(&r->ring, &tag, NULL);
			test_check(!ret, "a read ended with %d", ret);
			test_check(tag < n && !(seen & 1ULL << tag),
				   "completion of %ju", tag);
			seen |= 1ULL << tag;
		}
		test_check(pt_differs(&ns, r->buf, FIRST, n, GEN) < 0,
			   "a read brought other data");
	}
}

static void *read_on_a_thread(void *arg)
{
	struct reader *r = arg;

	reads(r, r->total);
	return NULL;
}

/* Commands of queue @n, until now. */
static uint64_t carried(unsigned int n)
{
	struct steer_queues qs;

	steer_queues(ns.ctrl, &qs);
	return qs.q[n].submitted;
}

/* @total reads, all of them on queue @n. */
static void reads_on(struct reader *r, unsigned int total, unsigned int n)
{
	struct steer_queues before, after;
	struct steer_queue b, a;

	steer_queues(ns.ctrl, &before);
	reads(r, total);
	steer_queues(ns.ctrl, &after);
	steer_total(&before, &b);
	steer_total(&after, &a);
	test_check(a.submitted - b.submitted == total,
		   "%ju of %u reads were counted", a.submitted - b.submitted,
		   total);
	test_check(after.q[n].submitted - before.q[n].submitted == total,
		   "%ju of %u reads were on queue %u",
		   after.q[n].submitted - before.q[n].submitted, total, n);
}

/* How often route() may have been called in the time since @start. */
static uint64_t asked_at_most(uint64_t start)
{
	return (test_now_ms() - start) / (HOLD_MS / 2) + 2;
}

static uint64_t calls(const struct steer_policy *p)
{
	return __atomic_load_n(&p->state->calls, __ATOMIC_RELAXED);
}

static void seldom(struct reader *r, struct steer_policy *p)
{
	uint64_t start, asked, kept, took;
	unsigned int total = 4096;

	test_step("seldom asked");
	steer_answer(p, 3, 1);
	/* the buffers are kept mapped after this */
	reads(r, 4 * DEPTH);
	kept = steer_event(ns.ctrl, "kept");
	asked = calls(p);
	start = test_now_ms();
	reads_on(r, total, 1);
	asked = calls(p) - asked;
	took = test_now_ms() - start;
	printf("#   %ju calls for %u reads in %ju ms\n", asked, total, took);
	test_check(asked <= asked_at_most(start) && asked < total / 32,
		   "asked %ju times for %u reads in %ju ms", asked, total,
		   took);
	test_check(steer_event(ns.ctrl, "kept") - kept == total,
		   "the buffers were not kept");
}

/* A changed answer is followed when the time is over, and only then. */
static void changed(struct reader *r, struct steer_policy *p)
{
	uint64_t asked, before, start, held;
	bool other = false;
	unsigned int n;

	test_step("a changed answer, without a command meanwhile");
	for (n = 0; n < 2; n++) {
		steer_answer(p, 3, 2 - n);
		usleep((HOLD_MS + 20) * 1000);
		reads_on(r, DEPTH, 2 - n);
	}

	test_step("a changed answer, under way");
	reads(r, 1);
	asked = calls(p);
	before = carried(2);
	start = test_now_ms();
	steer_answer(p, 3, 2);
	for (held = 0; !other; held += !other) {
		reads(r, 1);
		other = carried(2) != before;
		test_check(other == (calls(p) != asked),
			   "%s queue 2 after %ju calls",
			   other ? "on" : "not on", calls(p) - asked);
		test_check(test_now_ms() - start < 10 * HOLD_MS,
			   "not followed after %ju ms", test_now_ms() - start);
	}
	printf("#   %ju reads held, for %ju ms\n", held, test_now_ms() - start);
	test_check(held, "followed at once");
	test_check(calls(p) == asked + 1, "asked %ju times",
		   calls(p) - asked);
}

/* Of one CPU, with a queue each. */
static void two_rings(struct reader *a, struct steer_policy *p)
{
	struct steer_queues before, after;
	struct reader b, *r[2] = { a, &b };
	pthread_t thread[2];
	unsigned int i, n;

	test_step("two rings in turn");
	reader_init(&b, PT_IOPOLL);
	/* what is no queue is not held: this tells the ring's id */
	steer_answer(p, 0, 0);
	reads_on(&b, 1, 0);
	p->state->other_ring = p->state->ring;
	p->state->other = 2;
	steer_answer(p, 3, 1);
	reads_on(&b, 1, 2);
	reads_on(a, 1, 1);
	steer_queues(ns.ctrl, &before);
	for (i = 0, n = 0; i < 400; i++) {
		reads(a, 1 + i % 3);
		n += 1 + i % 3;
		reads(&b, 1 + i % 5);
	}
	steer_queues(ns.ctrl, &after);
	test_check(after.q[1].submitted - before.q[1].submitted == n &&
		   after.q[2].submitted - before.q[2].submitted == 1200,
		   "%ju and %ju reads on the queues, not %u and 1200",
		   after.q[1].submitted - before.q[1].submitted,
		   after.q[2].submitted - before.q[2].submitted, n);

	test_step("two rings of two threads at once");
	for (i = 0; i < 2; i++) {
		r[i]->total = 2048 << i;
		test_check(!pthread_create(&thread[i], NULL, read_on_a_thread,
					   r[i]), "pthread_create");
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	steer_queues(ns.ctrl, &before);
	for (i = 1; i <= 2; i++)
		test_check(before.q[i].submitted - after.q[i].submitted ==
			   1024ULL << i, "%ju reads on queue %u",
			   before.q[i].submitted - after.q[i].submitted, i);
	p->state->other_ring = 0;
	reader_exit(&b);
}

/* Another policy in its place, or later, or none: at once. */
static void other_policy(struct reader *r, struct steer_policy *p,
			 const struct puppet_config *config)
{
	struct steer_policy new;
	unsigned int i;
	char word[32];
	int ret;

	test_step("replaced");
	for (i = 0; i < 6; i++) {
		steer_answer(p, 3, 1 + i % 2);
		if (!i)
			usleep((HOLD_MS + 20) * 1000);
		reads_on(r, 3, 1 + i % 2);
		test_check(!steer_load(&new, ns.ctrl, "puppet", config),
			   "load");
		steer_answer(&new, 3, 2 - i % 2);
		ret = steer_replace(p, &new);
		test_check(!ret, "replace: %s", strerror(-ret));
		*p = new;
		reads_on(r, 3, 2 - i % 2);
		test_check(calls(p) && calls(p) <= 3,
			   "the new one was asked %ju times", calls(p));
		usleep(i % 5 ? 0 : (HOLD_MS + 20) * 1000);
	}

	test_step("detached, and another attached");
	for (i = 0; i < 10; i++) {
		steer_detach(p);
		if (i % 2)
			reads(r, 3);
		/* have freed memory used again soon, the old policy's too */
		test_check(!test_write("/proc/sys/vm/drop_caches", "2"),
			   "drop_caches");
		steer_puppet(p, ns.ctrl, config);
		steer_answer(p, 3, 1 + i % 2);
		reads_on(r, 3, 1 + i % 2);
		test_check(calls(p) && calls(p) <= 3,
			   "the new one was asked %ju times", calls(p));
	}

	test_step("switched off");
	ret = test_write(steer_path(ns.ctrl, "off"), "1");
	test_check(!ret, "off: %s", strerror(-ret));
	steer_word(ns.ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "ended"), "state is '%s'", word);
	reads(r, 3);
	steer_detach(p);
	steer_puppet(p, ns.ctrl, config);
}

static void add_queue(unsigned int n, const char *mode)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%u %s 0", n, mode);
	ret = test_write(steer_path(ns.ctrl, "queue_add"), text);
	test_check(!ret, "queue_add '%s': %s", text, strerror(-ret));
}

static void remove_queue(void *arg)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%u", *(unsigned int *)arg);
	ret = test_write(steer_path(ns.ctrl, "queue_remove"), text);
	test_check(!ret || ret == -ENOENT, "queue_remove %s: %s", text,
		   strerror(-ret));
}

static volatile bool stop;

static void *read_until_told(void *arg)
{
	on_cpu(1);
	while (!stop)
		reads(arg, DEPTH);
	return NULL;
}

/* A queue made by hand goes while it is held. */
static void removed(struct reader *r, struct steer_policy *p)
{
	unsigned int n = 5, i;
	uint64_t asked, bad;
	pthread_t thread;

	test_step("the queue is removed");
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers",
		      "100000000");
	test_at_end(remove_queue, &n);
	steer_answer(p, 3, n);
	for (i = 0; i < 4; i++) {
		add_queue(n, i & 1 ? "irq" : "poll");
		if (!i)
			usleep((HOLD_MS + 20) * 1000);
		reads_on(r, DEPTH, n);
		remove_queue(&n);
		asked = calls(p);
		bad = steer_event(ns.ctrl, "bad_queue");
		reads_on(r, DEPTH, 0);
		test_check(calls(p) - asked == DEPTH &&
			   steer_event(ns.ctrl, "bad_queue") - bad == DEPTH,
			   "asked %ju times about %u reads", calls(p) - asked,
			   DEPTH);
	}
	add_queue(n, "poll");
	reads_on(r, DEPTH, n);
	steer_answer(p, 3, 1);
	remove_queue(&n);
	reads_on(r, DEPTH, 1);

	test_step("the queue is removed under reads");
	steer_answer(p, 3, n);
	stop = false;
	test_check(!pthread_create(&thread, NULL, read_until_told, r),
		   "pthread_create");
	for (i = 0; i < 10; i++) {
		uint64_t before;

		add_queue(n, i & 1 ? "irq" : "poll");
		before = carried(n);
		test_check(test_wait(carried(n) > before + DEPTH, 10000),
			   "the queue was not used again");
		remove_queue(&n);
	}
	stop = true;
	pthread_join(thread, NULL);
	test_not_at_end(remove_queue, &n);
}

static void kinds(struct reader *polled, struct steer_policy *p)
{
	struct reader irq, other;
	uint64_t mode;
	unsigned int i;

	test_step("a ring that polls and one that does not, in turn");
	mode = steer_event(ns.ctrl, "bad_mode");
	steer_answer(p, 3, 1);
	reader_init(&irq, 0);
	usleep((HOLD_MS + 20) * 1000);
	for (i = 0; i < 100; i++) {
		reads_on(polled, 1 + i % 3, 1);
		reads_on(&irq, 1 + i % 3, 3);
	}
	reader_exit(&irq);

	/* a new ring may be where one of the other kind was */
	test_step("rings that come and go");
	for (i = 0; i < 24; i++) {
		/* the memory of the one before takes a while to be free */
		usleep(i % 8 * 20000);
		reader_init(&other, i & 1 ? 0 : PT_IOPOLL);
		reads_on(&other, 3, i & 1 ? 3 : 1);
		reader_exit(&other);
	}
	test_check(steer_event(ns.ctrl, "bad_mode") == mode,
		   "a polled queue was asked for");
}

/* A group of DEPTH reads, on queue @n. */
static void group_on(struct pt_ring *ring, struct arena *a, unsigned int n)
{
	struct nvme_steer_group g = group_whole(a, DEPTH);
	uint64_t before = carried(n);
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		group_set(&ns, &a->cmds[i], PT_READ, FIRST + i, 1,
			  a->data + i * ns.block);
	group_good(ring, &ns, &g, PT_FIXED, "held");
	test_check(carried(n) - before == DEPTH,
		   "%ju of %u commands were on queue %u", carried(n) - before,
		   DEPTH, n);
	test_check(pt_differs(&ns, a->data, FIRST, DEPTH, GEN) < 0,
		   "a group brought other data");
	memset(a->data, CANARY, DEPTH * ns.block);
}

/* Of a policy that is asked about each command, while nothing is held. */
static void groups(struct steer_policy *p)
{
	uint64_t asked, start;
	struct pt_ring ring;
	struct arena a;
	unsigned int i;

	test_step("command groups");
	steer_answer(p, 3, 2);
	arena_init(&a, DEPTH, DEPTH * ns.block);
	group_ring_init(&ring, PT_IOPOLL, &a);
	usleep((HOLD_MS + 20) * 1000);
	asked = calls(p);
	group_on(&ring, &a, 2);
	test_check(calls(p) - asked == DEPTH, "asked %ju times about the first",
		   calls(p) - asked);

	start = test_now_ms();
	for (i = 0; i < 256; i++)
		group_on(&ring, &a, 2);
	asked = calls(p) - asked;
	/* and where that took so long that it says little, of most not */
	test_check(asked <= asked_at_most(start) * DEPTH &&
		   asked < 256 * DEPTH / 2,
		   "asked %ju times for 256 groups of %u", asked, DEPTH);

	usleep((HOLD_MS + 20) * 1000);
	steer_answer(p, 3, 1);
	group_on(&ring, &a, 1);
	pt_ring_exit(&ring);
	arena_free(&a);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_POLL, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ },
		.hold_ms = HOLD_MS,
	};
	struct steer_policy p;
	struct reader r;

	test_begin(120);
	on_cpu(0);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_block_write(&ns, FIRST, DEPTH, GEN);
	steer_puppet(&p, ns.ctrl, &config);
	reader_init(&r, PT_IOPOLL);
	seldom(&r, &p);
	changed(&r, &p);
	two_rings(&r, &p);
	other_policy(&r, &p, &config);
	groups(&p);
	removed(&r, &p);
	kinds(&r, &p);
	reader_exit(&r);
	test_pass();
}
