// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups under which other things happen; see group_load.h.
 */
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "group_load.h"
#include "test.h"

static const unsigned int modes[GROUP_THREADS] = {
	0, PT_IOPOLL, PT_SQPOLL, PT_IOPOLL,
};

static uint64_t first_block(const struct group_thread *t)
{
	return t->load->first + t->nr * (GROUP_BLOCKS + 1) + 1;
}

/* The array says the same as the completion. */
static void check_sums(const struct nvme_steer_group_cmd *c, int res,
		       uint64_t result)
{
	unsigned int i, done = 0, first = GROUP_NR;

	for (i = 0; i < GROUP_NR; i++) {
		if (!c[i].status)
			done++;
		else if (first == GROUP_NR)
			first = i;
	}
	test_check(NVME_STEER_GROUP_DONE(result) == done &&
		   NVME_STEER_GROUP_FIRST(result) == first &&
		   res == (first < GROUP_NR ? c[first].status : 0),
		   "%u commands of a group ended well, the first other one is %u (status %d); its completion says %d, %#jx",
		   done, first, first < GROUP_NR ? c[first].status : 0, res,
		   result);
}

static void count_command(struct group_thread *t, unsigned int block,
			  int status, uint64_t gen)
{
	struct group_load *l = t->load;

	if (!status) {
		t->stats.good++;
		t->is[block] = gen;
		t->maybe[block] = 0;
		return;
	}
	test_check(l->may_be_cancelled, "a command ended with %d", status);
	if (status == -EINTR) {
		t->stats.cancelled++;
	} else if (status > 0) {
		t->stats.failed++;
	} else {
		test_check(status == -EAGAIN || status == -ECANCELED,
			   "a command ended with %d", status);
		t->stats.unsent++;
		/* it was not sent: nothing has changed */
		return;
	}
	t->maybe[block] = gen;
}

/* A group has ended. Returns whether it did so well. */
static bool count_group(struct group_thread *t, unsigned int group,
			const struct nvme_steer_group_cmd *c, int res,
			uint64_t result, uint64_t gen)
{
	struct group_load *l = t->load;
	unsigned int i, sent = 0, spared = 0;

	t->stats.groups++;
	for (i = 0; i < GROUP_NR; i++) {
		sent += c[i].status != UNTOUCHED;
		spared += c[i].status == -ECANCELED;
	}
	/*
	 * 0 is also what a group has of which the first and all others failed,
	 * but are not spared. A policy may answer anything
	 */
	if (!sent || (!result && res < 0)) {
		test_check(res < 0 && !result, "nothing sent: %d, %#jx", res,
			   result);
		if (!sent || (l->any_errno && spared == GROUP_NR - 1) ||
		    (res != -EINTR && res != -EAGAIN)) {
			test_check((l->may_be_refused &&
				    (l->any_errno || res == -ENOTTY ||
				     res == -EOPNOTSUPP || res == -EXDEV)) ||
				   (l->may_be_cancelled &&
				    (res == -ENODEV || res == -EBUSY ||
				     res == -EAGAIN || res == -ENXIO ||
				     res == -EIO)) ||
				   /* a head that has no path left */
				   (l->may_vanish && l->ns->head &&
				    res == -EINVAL),
				   "a group was refused with %d", res);
			t->stats.refused++;
			return false;
		}
	}
	test_check(sent == GROUP_NR, "%u of %u commands have a status", sent,
		   GROUP_NR);
	check_sums(c, res, result);
	for (i = 0; i < GROUP_NR; i++)
		count_command(t, group * GROUP_NR + i, c[i].status, gen);
	return !res;
}

static void settle(struct group_thread *t)
{
	const struct pt_ns *ns = t->load->ns;
	uint8_t *buf = test_alloc(GROUP_BLOCKS * ns->block);
	uint64_t lba = first_block(t);
	unsigned int i;

	pt_block_read(ns, buf, lba, GROUP_BLOCKS);
	for (i = 0; i < GROUP_BLOCKS; i++) {
		const uint8_t *block = buf + i * ns->block;

		if (!pt_block_is(ns, block, lba + i, t->is[i])) {
			test_check(t->maybe[i] &&
				   pt_block_is(ns, block, lba + i, t->maybe[i]),
				   "block %ju holds neither generation %ju nor %ju",
				   lba + i, t->is[i], t->maybe[i]);
			t->is[i] = t->maybe[i];
		}
		t->maybe[i] = 0;
	}
	free(buf);
}

/* All groups once. Returns whether all ended well. */
static bool turn(struct group_thread *t, struct pt_ring *r, struct arena *a,
		 uint64_t gen)
{
	const struct pt_ns *ns = t->load->ns;
	struct nvme_steer_group g;
	unsigned int i, k, n, seen = 0;
	uint64_t tag, result;
	bool good = true;
	int res;

	for (k = 0; k < GROUPS; k++) {
		g = group_whole(a, GROUP_NR);
		g.cmds += k * GROUP_NR * sizeof(*a->cmds);
		g.window = k == 1 ? 7 : 0;
		g.timeout_ms = t->load->timeout_ms;
		for (i = 0; i < GROUP_NR; i++) {
			n = k * GROUP_NR + i;
			pt_fill(ns, a->data + n * ns->block,
				first_block(t) + n, 1, gen);
			group_set(ns, &a->cmds[n], PT_WRITE,
				  first_block(t) + n, 1,
				  a->data + n * ns->block);
		}
		group_queue(r, ns->fd, &g, PT_FIXED, gen << 8 | k);
	}
	if (r->mode & PT_SQPOLL)
		io_uring_submit(&r->uring);
	else
		pt_submit_only(r);
	for (k = 0; k < GROUPS; k++) {
		res = pt_reap(r, &tag, &result);
		n = tag & 0xff;
		test_check(tag >> 8 == gen && n < GROUPS && !(seen >> n & 1),
			   "group %#jx ended twice, or out of nowhere", tag);
		seen |= 1U << n;
		good &= count_group(t, n, a->cmds + n * GROUP_NR, res, result,
				    gen);
		atomic_fetch_add(&t->load->progress, 1);
	}
	test_check(!io_uring_cq_ready(&r->uring), "a completion too many");
	return good;
}

static void *run(void *arg)
{
	struct group_thread *t = arg;
	struct group_load *l = t->load;
	uint64_t gen = l->gen;
	struct pt_ring r;
	struct arena a;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->nr % sysconf(_SC_NPROCESSORS_ONLN), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	/* this thread: the CPU is there for what is to happen meanwhile */
	setpriority(PRIO_PROCESS, 0, 19);
	arena_init(&a, GROUP_BLOCKS, GROUP_BLOCKS * l->ns->block);
	group_ring_init(&r, modes[t->nr], &a);
	while (!l->stop) {
		if (l->hold) {
			atomic_fetch_add(&l->held, 1);
			while (l->hold)
				usleep(1000);
			atomic_fetch_sub(&l->held, 1);
		}
		if (turn(t, &r, &a, ++gen))
			continue;
		if (l->may_vanish) {
			atomic_fetch_add(&l->gone, 1);
			break;
		}
		settle(t);
	}
	pt_ring_exit(&r);
	arena_free(&a);
	return NULL;
}

void group_load_init(struct group_load *l, struct pt_ns *ns)
{
	unsigned int t, i;

	memset(l, 0, sizeof(*l));
	l->ns = ns;
	l->first = 4096;
	l->gen = l->guard = test_now_ms() << 16;
	for (t = 0; t < GROUP_THREADS; t++) {
		l->thread[t].load = l;
		l->thread[t].nr = t;
		for (i = 0; i < GROUP_BLOCKS; i++)
			l->thread[t].is[i] = l->gen;
	}
	pt_block_write(ns, l->first, GROUP_THREADS * (GROUP_BLOCKS + 1) + 1,
		       l->gen);
}

void group_load_start(struct group_load *l)
{
	unsigned int t;

	l->stop = false;
	l->gone = 0;
	for (t = 0; t < GROUP_THREADS; t++)
		test_check(!pthread_create(&l->thread[t].thread, NULL, run,
					   &l->thread[t]), "no thread");
}

bool group_load_wait(struct group_load *l, unsigned long n, unsigned int ms)
{
	unsigned long until = l->progress + n;

	return test_wait((long)(l->progress - until) >= 0, ms);
}

void group_load_hold(struct group_load *l)
{
	l->hold = true;
	test_check(test_wait(l->held == GROUP_THREADS, 20000),
		   "only %u threads wait", l->held);
}

void group_load_go_on(struct group_load *l)
{
	l->hold = false;
}

void group_load_stop(struct group_load *l)
{
	unsigned int t;

	l->stop = true;
	for (t = 0; t < GROUP_THREADS; t++)
		pthread_join(l->thread[t].thread, NULL);
	/* the next generations are others */
	l->gen += 1 << 15;
}

void group_load_verify(struct group_load *l)
{
	unsigned int t;

	for (t = 0; t < GROUP_THREADS; t++) {
		settle(&l->thread[t]);
		pt_block_check(l->ns, first_block(&l->thread[t]) - 1, 1,
			       l->guard);
	}
	pt_block_check(l->ns, first_block(&l->thread[t - 1]) + GROUP_BLOCKS, 1,
		       l->guard);
}

void group_load_sum(const struct group_load *l, struct group_stats *sum)
{
	unsigned int t;

	memset(sum, 0, sizeof(*sum));
	for (t = 0; t < GROUP_THREADS; t++) {
		const struct group_stats *s = &l->thread[t].stats;

		sum->groups += s->groups;
		sum->good += s->good;
		sum->failed += s->failed;
		sum->cancelled += s->cancelled;
		sum->unsent += s->unsent;
		sum->refused += s->refused;
	}
}

void group_load_print(const struct group_load *l)
{
	struct group_stats total, *sum = &total;

	group_load_sum(l, sum);
	printf("# %ju groups: %ju commands good, %ju failed, %ju cancelled, %ju not sent; %ju groups refused\n",
	       sum->groups, sum->good, sum->failed, sum->cancelled,
	       sum->unsent, sum->refused);
}

void group_load_match(const struct group_load *l,
		      const struct steer_queues *before,
		      const struct steer_queues *after)
{
	struct steer_queue b, a;
	struct group_stats sum;

	group_load_print(l);
	group_load_sum(l, &sum);
	steer_total(before, &b);
	steer_total(after, &a);
	test_check(a.completed - b.completed == sum.good &&
		   a.failed - b.failed == sum.failed &&
		   a.cancelled - b.cancelled == sum.cancelled &&
		   a.submitted - b.submitted ==
			   sum.good + sum.failed + sum.cancelled &&
		   !a.inflight,
		   "the queues counted %ju submitted, %ju completed, %ju failed, %ju cancelled, %ju in flight",
		   a.submitted - b.submitted, a.completed - b.completed,
		   a.failed - b.failed, a.cancelled - b.cancelled, a.inflight);
}
