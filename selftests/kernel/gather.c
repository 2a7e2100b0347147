// SPDX-License-Identifier: GPL-2.0
/*
 * Completions of an interrupt queue gathered as batch() asks: far fewer
 * interrupts and wake-ups at depth 32, nothing held back at depth 1, nothing
 * stuck when a gathering never gets full, or when the policy ends; what batch()
 * is told is true; unfit answers deliver at once; and on a polled queue a poll
 * takes no more than it may. All data is verified.
 *
 * vm: --cpus 4
 */
#include <sys/resource.h>

#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define MAX_DEPTH	32
#define FIRST		2048	/* block */

static struct pt_ns ns;
static struct steer_policy policy;
static uint8_t *buf;

/* What it costs to tell, until now or between two moments. */
struct cost {
	uint64_t interrupts, gathered, timer, time, bad, asked;
	long waits;		/* of this thread */
};

static void cost_now(struct cost *c)
{
	struct steer_queues qs;
	struct steer_queue sum;
	struct rusage r;

	steer_queues(ns.ctrl, &qs);
	steer_total(&qs, &sum);
	getrusage(RUSAGE_THREAD, &r);
	c->interrupts = sum.interrupts;
	c->gathered = steer_event(ns.ctrl, "gather");
	c->timer = steer_event(ns.ctrl, "gather_timer");
	c->time = steer_event(ns.ctrl, "gather_time");
	c->bad = steer_event(ns.ctrl, "bad_answer");
	c->asked = policy.state ? policy.state->batch_calls : 0;
	c->waits = r.ru_nvcsw;
}

static void cost_since(struct cost *c)
{
	struct cost now;

	cost_now(&now);
	c->interrupts = now.interrupts - c->interrupts;
	c->gathered = now.gathered - c->gathered;
	c->timer = now.timer - c->timer;
	c->time = now.time - c->time;
	c->bad = now.bad - c->bad;
	c->asked = now.asked - c->asked;
	c->waits = now.waits - c->waits;
	printf("#   %ju interrupts, %ju gathered, %ju timers, %ju timed out, %ju bad answers, asked %ju times, waited %ld times\n",
	       c->interrupts, c->gathered, c->timer, c->time, c->bad, c->asked,
	       c->waits);
}

static void queue_read(struct pt_ring *r, unsigned int slot)
{
	uint8_t *at = buf + slot * ns.block;
	struct nvme_uring_cmd cmd;

	memset(at, 0xa5, ns.block);
	pt_rw(&cmd, &ns, PT_READ, FIRST + slot, 1, at, ns.block);
	pt_queue(r, ns.fd, &cmd, 0, slot);
}

static void check_read(const struct io_uring_cqe *cqe)
{
	unsigned int slot = cqe->user_data;

	test_check(slot < MAX_DEPTH, "completion of %u", slot);
	test_check(!cqe->res, "a read ended with %d", cqe->res);
	test_check(pt_block_is(&ns, buf + slot * ns.block, FIRST + slot, 7),
		   "block %u was read wrong", FIRST + slot);
}

static void submit(struct pt_ring *r)
{
	int ret = io_uring_submit(&r->uring);

	test_check(ret == 1, "submit: %d", ret);
}

/* @total reads, @depth at a time; one is waited for. */
static void reads(unsigned int depth, unsigned int total)
{
	unsigned int i, head, n, left = total, unsent = total;
	struct io_uring_cqe *cqe;
	struct pt_ring r;
	int ret;

	pt_ring_init(&r, 2 * MAX_DEPTH, 0);
	for (i = 0; i < depth; i++, unsent--) {
		queue_read(&r, i);
		submit(&r);
	}
	while (left) {
		ret = io_uring_wait_cqe(&r.uring, &cqe);
		test_check(!ret || ret == -EINTR, "wait: %s", strerror(-ret));
		n = 0;
		io_uring_for_each_cqe(&r.uring, head, cqe) {
			check_read(cqe);
			n++;
			if (!unsent)
				continue;
			queue_read(&r, cqe->user_data);
			submit(&r);
			unsent--;
		}
		io_uring_cq_advance(&r.uring, n);
		test_check(n <= left, "%u completions too many", n - left);
		left -= n;
	}
	pt_ring_exit(&r);
}

/*
 * The emulated drive ends at once what it has been given at once: make it so
 * slow that completions come one by one.
 */
static void reads_apart(unsigned int depth, unsigned int total)
{
	vm_throttle(ns.name, 2000);
	reads(depth, total);
	vm_throttle(ns.name, 0);
}

static void lone(const char *name)
{
	struct cost c;

	test_step("depth 1, %s", name);
	cost_now(&c);
	reads(1, 500);
	cost_since(&c);
	test_check(!c.gathered && !c.timer, "a lone command was held back");
	test_check(!c.asked, "batch() was asked about lone commands");
}

static void deep(const char *name, unsigned int total)
{
	struct cost c;

	test_step("depth 32, %s", name);
	cost_now(&c);
	reads_apart(32, total);
	cost_since(&c);
	test_check(c.gathered, "nothing was gathered");
	/* a kernel that checks itself takes longer than the policy waits */
	if (test_slow() > 1)
		return;
	test_check(c.interrupts <= total / 8,
		   "%ju interrupts for %u commands", c.interrupts, total);
	test_check(c.interrupts + c.timer <= total / 4,
		   "%ju interrupts and %ju timers for %u commands",
		   c.interrupts, c.timer, total);
	/* one wake-up a delivery; the thread may wait for other reasons */
	test_check((uint64_t)c.waits <= c.interrupts + c.timer + 50,
		   "%ld waits for %ju interrupts and %ju timers", c.waits,
		   c.interrupts, c.timer);
}

/* What batch() is told. */
static void told(void)
{
	volatile struct puppet_state *s = policy.state;
	struct steer_queues qs;

	test_step("what batch() is told");
	steer_queues(ns.ctrl, &qs);
	test_check(s->batch_queue == 1 && s->batch_mode == NVME_STEER_IRQ &&
		   s->batch_depth == qs.q[1].depth - 1,
		   "queue %u, mode %u, depth %u", s->batch_queue,
		   s->batch_mode, s->batch_depth);
	test_check(s->batch_inflight <= 32 && s->batch_last &&
		   s->batch_last <= 32, "%u in flight, %u the last time",
		   s->batch_inflight, s->batch_last);
	test_check(s->batch_interval_ns && s->batch_interval_ns <= 1000000,
		   "%u ns between completions", s->batch_interval_ns);
	test_check(!s->batch_odd, "%ju times asked about what cannot be",
		   (uintmax_t)s->batch_odd);
}

/* The drive answers one command and is slow with the others. */
static void never_full(void)
{
	struct io_uring_cqe *cqe;
	struct cost c;
	struct pt_ring r;
	unsigned int i;
	uint64_t start;

	test_step("a gathering that never gets full");
	policy.state->gather = NVME_STEER_GATHER(32, 5000);
	pt_ring_init(&r, 2 * MAX_DEPTH, 0);
	vm_throttle(ns.name, 2);
	cost_now(&c);
	start = test_now_ms();
	for (i = 0; i < 4; i++)
		queue_read(&r, i);
	test_check(io_uring_submit(&r.uring) == 4, "submit");
	for (i = 0; i < 4; i++) {
		test_check(!io_uring_wait_cqe(&r.uring, &cqe), "wait");
		check_read(cqe);
		io_uring_cqe_seen(&r.uring, cqe);
		printf("#   one after %ju ms\n", test_now_ms() - start);
		if (!i)
			cost_since(&c);
	}
	vm_throttle(ns.name, 0);
	test_check(c.gathered && c.time && c.timer,
		   "the first one was not delivered by the timer");
	pt_ring_exit(&r);
}

/*
 * A completion held back while the policy ends: the drive has answered one of
 * two, and the gathering would go on for longer than the end takes.
 */
static void unload_held(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	struct pt_ring r;
	unsigned int i, n;

	test_step("the policy goes while completions are held back");
	for (n = 0; n < 20; n++) {
		policy.state->gather = NVME_STEER_GATHER(32, 10000);
		pt_ring_init(&r, 2 * MAX_DEPTH, 0);
		for (i = 0; i < 32; i++)
			queue_read(&r, i);
		test_check(io_uring_submit(&r.uring) == 32, "submit");
		steer_detach(&policy);
		for (i = 0; i < 32; i++)
			test_check(!pt_reap(&r, NULL, NULL), "a read failed");
		test_check(pt_differs(&ns, buf, FIRST, 32, 7) < 0,
			   "read wrong");
		pt_ring_exit(&r);
		steer_puppet_batch(&policy, ns.ctrl, &config);
		steer_answer(&policy, 1, 1);
	}
}

static void unfit(int answer)
{
	struct cost c;
	char word[32];

	test_step("unfit answer %d", answer);
	policy.state->gather = answer;
	cost_now(&c);
	reads_apart(32, 512);
	cost_since(&c);
	test_check(c.bad && !c.gathered, "it was taken for an answer");
	steer_word(ns.ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "attached"), "the policy is %s", word);
}

/* Too many of them, and the policy is thrown out; what is in flight ends. */
static void ejected(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	unsigned int i;
	char word[32];

	test_step("ejected for unfit answers");
	/* within a second: a slow kernel asks less often */
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "1");
	policy.state->gather = -5;
	for (i = 0; i < 20 && steer_state_is(ns.ctrl, "attached"); i++)
		reads_apart(32, 256);
	test_check(test_wait(({
		steer_word(ns.ctrl, "state", word, sizeof(word));
		!strcmp(word, "ended");
	}), 5000), "the policy is %s", word);
	test_check(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "answers"), "exit kind is '%s'", word);
	steer_detach(&policy);
	steer_puppet_batch(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 1);
}

/* A poll takes no more than batch() allows, and in the end everything. */
static void poll_limit(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_POLL } };
	struct steer_policy p;
	struct steer_queues qs;
	struct io_uring_cqe *cqe;
	unsigned int left = 32, n, head;
	struct pt_ring r;
	int ret;

	test_step("polled: four a poll");
	steer_puppet_batch(&p, ns.ctrl, &config);
	steer_answer(&p, 0, 1);
	p.state->gather = NVME_STEER_GATHER(4, 100);
	pt_ring_init(&r, 2 * MAX_DEPTH, PT_IOPOLL);
	for (n = 0; n < 32; n++)
		queue_read(&r, n);
	test_check(pt_submit_only(&r) == 32, "submit");
	/* until the drive is done with all: nobody looks meanwhile */
	usleep(200000);
	while (left) {
		ret = io_uring_enter(r.uring.ring_fd, 0, 1,
				     IORING_ENTER_GETEVENTS, NULL);
		test_check(ret >= 0, "poll: %s", strerror(errno));
		n = 0;
		io_uring_for_each_cqe(&r.uring, head, cqe) {
			check_read(cqe);
			n++;
		}
		io_uring_cq_advance(&r.uring, n);
		left -= n;
	}
	steer_queues(ns.ctrl, &qs);
	test_check(qs.q[1].completed == 32, "%ju commands on the queue",
		   qs.q[1].completed);
	test_check(p.state->batch_mode == NVME_STEER_POLL &&
		   p.state->batch_ready > 1, "batch() was told otherwise");
	/* it is not asked about the last one when that is alone */
	test_check(p.state->batch_calls == 8,
		   "32 completions were taken by %ju polls, four at a time",
		   (uintmax_t)p.state->batch_calls);
	pt_ring_exit(&r);
	steer_detach(&p);
}

static void unload(void *arg)
{
	test_sh("nvmesteer unload nvme%d >/dev/null", ns.ctrl);
}

/* A policy of the product, its time set so long that this drive is in time. */
static void product(const char *name, bool gathers)
{
	struct cost c;

	test_check(!test_sh("nvmesteer load%s --dev nvme%d %s >/dev/null",
			    gathers ? " --set max_delay_us=10000" : "",
			    ns.ctrl, name), "cannot load %s", name);
	test_at_end(unload, NULL);
	lone(name);
	if (gathers) {
		deep(name, 2048);
	} else {
		test_step("depth 32, %s", name);
		cost_now(&c);
		reads_apart(32, 2048);
		cost_since(&c);
		test_check(!c.gathered, "it gathered");
		/* to a kernel that checks itself any drive is quick */
		if (test_slow() > 1 && c.interrupts <= 2048 / 8)
			test_skip("%ju interrupts for 2048 commands: the drive ends them together, nothing can be shown",
				  c.interrupts);
		test_check(c.interrupts > 2048 / 8,
			   "%ju interrupts for 2048 commands: the drive ends them together, nothing can be shown",
			   c.interrupts);
	}
	test_not_at_end(unload, NULL);
	unload(NULL);
}

int main(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };

	test_begin(120);
	pt_open(&ns, PT_WANT_PLAIN);
	buf = test_alloc(MAX_DEPTH * ns.block);
	pt_block_write(&ns, FIRST, MAX_DEPTH, 7);

	product("ring", false);
	product("coalesce", true);
	product("adaptive", true);
	poll_limit();

	steer_puppet_batch(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 1);
	policy.state->gather = NVME_STEER_GATHER(16, 10000);
	lone("a puppet");
	deep("a puppet", 2048);
	told();
	never_full();
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers",
		      "100000000");
	unfit(-1);
	unfit(NVME_STEER_GATHER(8, NVME_STEER_GATHER_MAX_US + 1));
	unfit(NVME_STEER_GATHER(0, 100));
	ejected();
	unload_held();
	test_pass();
}
