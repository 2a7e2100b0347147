// SPDX-License-Identifier: GPL-2.0
/*
 * The controller is reset, by its host or by its function, removed, or
 * disappears while copies are in flight: a Copy of one range and one of four,
 * which has done the first of its ranges, several of one copy, and several
 * copies, of which some are read and written; by the driver's own path and by
 * steer queues, by rings that poll and that do not. Each copy ends, once, and
 * its ranges say the truth; each block of its destination is old or new, and
 * nothing else was written. They go well afterwards.
 *
 * vm: --drives faults --cpus 4
 */
#include "copy.h"
#include "fault.h"
#include "lib/function.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define BLOCKS	128		/* of a range of a Copy, which has 4 at most */
#define COPIES	5
#define SOURCE	(1UL << 20)
#define AREA	(512UL << 10)
#define TARGET	(4UL << 20)
#define ELSEWHERE (14UL << 20)
#define TRIGGER	(15UL << 20)	/* a read of this makes it disappear */
#define GONE_MS	3000

struct part {
	size_t at, len;
};

static const struct part one[] = { { 0, 8192 } };
static const struct part four[] = {
	{ 0, 512 }, { 4096, 8192 }, { 65536, 1024 }, { 32768, BLOCKS * 512 },
};
static const struct part many[] = {
	{ 0, 600 * 512 }, { 700 * 512, 300 * 512 },
};

static const struct {
	const char *name;
	struct {
		const struct part *range;
		unsigned int nr, flags;
	} copy[COPIES];
	unsigned int held;	/* commands in flight, at least */
} loads[] = {
	{ "one range", { { one, 1, 0 } }, 1 },
	{ "four ranges", { { four, 4, 0 } }, 1 },
	{ "several Copies", { { many, 2, 0 } }, 2 },
	{ "several copies", { { one, 1, 0 }, { many, 2, 0 },
			      { one, 1, NVME_STEER_COPY_F_EMULATE },
			      { four, 4, NVME_STEER_COPY_F_EMULATE },
			      { four, 4, 0 } }, 9 },
};

static const struct { const char *name; int route; unsigned int mode; } ways[] = {
	{ "driver", 0, 0 }, { "driver,polled", 0, PT_IOPOLL },
	{ "steer", 1, 0 }, { "steer,polled", 2, PT_IOPOLL },
};

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct image src, dst[COPIES];
static struct copy copies[COPIES];
static struct pt_ring ring;

static void attach(void)
{
	fault_change(FAULT_CHANGE_COPY, BLOCKS);
	steer_puppet_copy(&policy, ns.ctrl, &config);
}

/* What is held until a reset: Copies, after a range, and reads of the source. */
static void hold(bool disappears)
{
	struct fault_rule rules[] = {
		{ .what = FAULT_NEVER, .opcode = PT_COPY, .part = 1 },
		{ .what = FAULT_NEVER, .opcode = PT_READ,
		  .slba = SOURCE / ns.block, .nlb = AREA / ns.block },
		{ .what = FAULT_GONE, .opcode = PT_READ, .ms = GONE_MS,
		  .slba = TRIGGER / ns.block, .nlb = 1, .count = 1 },
	};
	unsigned int i;

	fault_clear();
	for (i = 0; i < (disappears ? 3 : 2); i++) {
		rules[i].first_qid = 1;
		rules[i].last_qid = FAULT_QUEUES - 1;
		fault_add(&rules[i]);
	}
}

static unsigned int held(void)
{
	struct fault_counters counters;

	fault_counters(&counters);
	return counters.held;
}

/*
 * Copies that fail, and say that two ranges are done. What is cancelled next
 * must not be said to have come as far: with one CPU it gets the tag of one of
 * them, as tags are given out in turn, a word of them or two.
 */
static void fail_before(void)
{
	struct fault_rule rule = {
		.what = FAULT_STATUS, .value = 0x4281, .opcode = PT_COPY,
		.part = 2, .first_qid = 1, .last_qid = FAULT_QUEUES - 1,
	};
	struct image elsewhere = { .ns = &ns, .from = ELSEWHERE };
	unsigned int i, n;

	fault_clear();
	fault_add(&rule);
	for (n = 0; n < 2 * 64; n++) {
		copy_begin(&copies[0], &elsewhere, 0, 0);
		for (i = 0; i < ARRAY_LEN(four); i++)
			copy_add(&copies[0], &src, four[i].at, four[i].len);
		copy_do(&ring, &copies[0]);
		test_check(copies[0].res == 0x4281 &&
			   copies[0].bytes == four[0].len + four[1].len,
			   "a Copy ended with %d, %ju bytes", copies[0].res,
			   copies[0].bytes);
	}
}

/* Begin the copies; how many. */
static unsigned int begin(unsigned int l)
{
	unsigned int i, r;

	for (i = 0; i < COPIES && loads[l].copy[i].nr; i++) {
		copy_begin(&copies[i], &dst[i], 512, loads[l].copy[i].flags);
		for (r = 0; r < loads[l].copy[i].nr; r++)
			copy_add(&copies[i], &src, loads[l].copy[i].range[r].at,
				 loads[l].copy[i].range[r].len);
		copy_queue(&ring, &copies[i], 0, i);
	}
	r = pt_submit_only(&ring);
	test_check(r == i, "%u copies of %u submitted", r, i);
	return i;
}

/* Each ends once. */
static void end(unsigned int nr)
{
	unsigned int i, ended = 0;
	uint64_t tag, result;
	int res;

	for (i = 0; i < nr; i++) {
		res = pt_reap(&ring, &tag, &result);
		test_check(tag < nr && !(ended & 1U << tag),
			   "copy %ju ended twice", tag);
		ended |= 1U << tag;
		copy_ended(&copies[tag], res, result);
	}
	test_check(!io_uring_cq_ready(&ring.uring), "a completion too many");
}

static void in_flight(unsigned int l, unsigned int w)
{
	struct steer_queues qs;
	unsigned int q;

	test_check(test_wait(held() >= loads[l].held, 10000),
		   "%u commands are in flight, not %u", held(), loads[l].held);
	steer_queues(ns.ctrl, &qs);
	for (q = 1; q <= 2; q++)
		test_check(qs.q[q].inflight >= (ways[w].route == (int)q ?
						loads[l].held : 0),
			   "%ju commands are in flight on queue %u",
			   qs.q[q].inflight, q);
}

/* None was answered: none says that it has done anything. */
static void is_cancelled(const struct copy *c)
{
	test_check(c->res == -EINTR, "a copy ended with %d", c->res);
	test_check(!c->bytes, "%ju bytes are said to be copied", c->bytes);
}

static void begin_round(unsigned int l, unsigned int w)
{
	unsigned int i;

	pt_ring_init(&ring, 8, ways[w].mode);
	image_init(&src, &ns, SOURCE, AREA);
	for (i = 0; i < COPIES && loads[l].copy[i].nr; i++)
		image_init(&dst[i], &ns, TARGET + i * AREA, AREA);
	policy.state->copy_route = ways[w].route;
}

static void end_round(unsigned int l, unsigned int w)
{
	unsigned int i, nr;

	fault_clear();
	for (i = 0; i < COPIES && loads[l].copy[i].nr; i++)
		copy_check_report(&copies[i], "meanwhile");
	image_check(&src, "the source");
	policy.state->copy_route = ways[w].route;
	test_check(!ways[w].route ||
		   test_wait(steer_queue_live(ns.ctrl, ways[w].route), 20000),
		   "the queue is not back");
	nr = begin(l);
	end(nr);
	for (i = 0; i < nr; i++) {
		copy_is_good(&copies[i], 0, "afterwards");
		copy_model(&copies[i]);
		image_check(&dst[i], "afterwards");
		image_free(&dst[i]);
	}
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	fault_host_is_good("afterwards");
	image_free(&src);
	pt_ring_exit(&ring);
}

/* The controller is reset, and is live again. */
static void reset(unsigned int l, unsigned int w, bool function)
{
	unsigned int i, nr;
	int ret;

	test_step("reset %s, %s: %s", function ? "of the function" : "by sysfs",
		  loads[l].name, ways[w].name);
	begin_round(l, w);
	if (function)
		fail_before();
	hold(false);
	nr = begin(l);
	in_flight(l, w);
	if (function) {
		function_reset();
	} else {
		ret = vm_reset(ns.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
	}
	end(nr);
	for (i = 0; i < nr; i++)
		is_cancelled(&copies[i]);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	end_round(l, w);
}

/* A read that it does not survive, and which it does not answer. */
static void disappear(void)
{
	struct nvme_uring_cmd cmd;
	struct pt_ring other;
	void *buf = test_alloc(512);

	pt_ring_init(&other, 8, 0);
	pt_rw(&cmd, &ns, PT_READ, TRIGGER / ns.block, 1, buf, 512);
	pt_queue(&other, ns.fd, &cmd, 0, 1);
	pt_submit_only(&other);
	/* it takes what it has */
	function_dies();
	pt_reap(&other, NULL, NULL);
	pt_ring_exit(&other);
	free(buf);
}

/* The controller is removed, or disappears first, and is found again. */
static void remove_it(unsigned int l, unsigned int w, bool disappears)
{
	unsigned int i, nr;

	test_step("%s, %s: %s", disappears ? "disappears" : "removed",
		  loads[l].name, ways[w].name);
	begin_round(l, w);
	hold(disappears);
	nr = begin(l);
	in_flight(l, w);
	if (disappears)
		disappear();
	function_remove();
	end(nr);
	for (i = 0; i < nr; i++)
		is_cancelled(&copies[i]);
	steer_detach_gone(&policy);
	function_back(&ns);
	attach();
	end_round(l, w);
}

int main(void)
{
	unsigned int l, w, i, last = ARRAY_LEN(loads) - 1;

	test_begin(170);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	fault_open(&ns);
	function_is(&ns);
	for (i = 0; i < COPIES; i++)
		copy_init(&copies[i], 4);
	attach();
	for (w = 0; w < ARRAY_LEN(ways); w++)
		for (l = 0; l < ARRAY_LEN(loads); l++)
			reset(l, w, false);
	vm_one_cpu(true);
	for (w = 0; w < ARRAY_LEN(ways); w++) {
		reset(1, w, true);
		reset(last, w, true);
	}
	vm_one_cpu(false);
	/* so long does the driver wait for what it has, of a new policy's */
	test_set_file("/sys/module/nvme_core/parameters/io_timeout", "1");
	steer_detach(&policy);
	attach();
	for (w = 0; w < ARRAY_LEN(ways); w++) {
		remove_it(last, w, false);
		remove_it(last, w, true);
	}
	for (i = 0; i < COPIES; i++)
		copy_free(&copies[i]);
	test_pass();
}
