// SPDX-License-Identifier: GPL-2.0
/*
 * The policy and copies: what copy() and route() are shown is true, each
 * answer has the effect it should or the default's with an event that says
 * why, a refusal reaches the caller and nothing is written, copied() is told
 * what the completion says, once, and so is the tracepoint, and what copies
 * took is learned. A policy without copy() is the default.
 *
 * vm: --drives copy
 */
#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct steer_policy policy;
static struct image a, a_from, b_from, other_from, none, none_from, large;
static struct copy copy;
static struct pt_ring ring;

/* What copied() was told agrees with the completion. */
static void check_told(int answer, unsigned int why, const char *what)
{
	volatile struct nvme_steer_copied *ev = &policy.state->copied;

	test_check(ev->ctrl == (unsigned int)copy.dst->ns->ctrl &&
		   ev->nsid == copy.dst->ns->nsid,
		   "%s: copied() was told controller %u, namespace %u", what,
		   ev->ctrl, ev->nsid);
	test_check(ev->answer == answer && ev->why == why,
		   "%s: copied() was told answer %d and why %u, should be %d and %u",
		   what, ev->answer, ev->why, answer, why);
	test_check(ev->path == copy.path && ev->status == copy.res &&
		   ev->done == copy.bytes,
		   "%s: copied() was told path %u, status %d, %ju bytes; the completion says %u, %d, %ju",
		   what, ev->path, ev->status, (uintmax_t)ev->done, copy.path,
		   copy.res, copy.bytes);
	test_check(ev->ranges == copy.cmd.nr && ev->len == copy.len && ev->ns,
		   "%s: copied() was told %u ranges, %ju bytes, %ju ns", what,
		   ev->ranges, (uintmax_t)ev->len, (uintmax_t)ev->ns);
}

static unsigned int class_of(uint64_t len)
{
	unsigned int class = 0;

	while (class < NVME_STEER_COPY_CLASSES - 1 && len >= 8192ULL << class)
		class++;
	return class;
}

/* What copy() and route() were asked about is this copy. */
static void check_shown(const char *what)
{
	volatile struct nvme_steer_copy *cp = &policy.state->copy;
	volatile struct puppet_state *s = policy.state;
	const struct pt_ns *ns = copy.dst->ns;
	struct copy_limits l;

	copy_limits(ns, &l);
	test_check(cp->ctrl == (unsigned int)ns->ctrl && cp->nsid == ns->nsid &&
		   cp->ranges == copy.cmd.nr && cp->len == copy.len &&
		   cp->slba == copy.cmd.dst >> ns->shift &&
		   cp->lba_size == ns->block,
		   "%s: copy() was shown controller %u, namespace %u, %u ranges, %ju bytes, block %ju, %u bytes a block",
		   what, cp->ctrl, cp->nsid, cp->ranges, (uintmax_t)cp->len,
		   (uintmax_t)cp->slba, cp->lba_size);
	test_check(cp->mssrl == l.mssrl && cp->mcl == l.mcl &&
		   cp->msrc == l.msrc,
		   "%s: copy() was shown limits %u, %u, %u; the file says %u, %u, %u",
		   what, cp->mssrl, cp->mcl, cp->msrc, l.mssrl, l.mcl, l.msrc);
	test_check(cp->size_class == class_of(copy.len) && !cp->copies,
		   "%s: copy() was shown class %u and %u other copies", what,
		   cp->size_class, cp->copies);
	test_check(cp->queue == (unsigned int)s->copy_route &&
		   !cp->queue == !cp->queue_depth && !cp->queue_inflight,
		   "%s: copy() was shown queue %u, of %u, with %u in flight",
		   what, cp->queue, cp->queue_depth, cp->queue_inflight);
	test_check(s->copy_opcode == PT_COPY && s->copy_nsid == ns->nsid &&
		   s->copy_slba == copy.cmd.dst >> ns->shift &&
		   s->copy_len == copy.len &&
		   s->copy_cmd_flags & NVME_STEER_CMD_WRITE,
		   "%s: route() was shown opcode %#x, namespace %u, block %ju, %u bytes, flags %#x",
		   what, s->copy_opcode, s->copy_nsid,
		   (uintmax_t)s->copy_slba, s->copy_len, s->copy_cmd_flags);
}

/*
 * @nr ranges of @blocks blocks of @src to @dst with @answer: @path, and @why
 * it is not the answer's.
 */
static void answered(struct image *dst, struct image *src, unsigned int nr,
		     unsigned int blocks, int answer, unsigned int path,
		     unsigned int why, unsigned int can, const char *what)
{
	static const unsigned int all_can = NVME_STEER_COPY_CAN_OFFLOAD |
		NVME_STEER_COPY_CAN_SPLIT | NVME_STEER_COPY_CAN_EMULATE;
	uint64_t told = policy.state->copied_calls, asked = policy.state->copies;
	struct copy_events before, e;
	bool quiet = answer & NVME_STEER_COPY_QUIET;
	unsigned int i, shown;

	copy_events(dst->ns->ctrl, &before);
	image_refill(dst, 0, dst->len);
	copy_trace();
	copy_begin(&copy, dst, dst->ns->block, 0);
	copy_add_many(&copy, src, nr, (size_t)blocks << dst->ns->shift);
	policy.state->copy_answer = answer;
	copy_good(&ring, &copy, path, what);
	test_check(policy.state->copies == asked + 1 &&
		   policy.state->copied_calls == told + !quiet,
		   "%s: copy() was called %ju times, copied() %ju times", what,
		   (uintmax_t)policy.state->copies - asked,
		   (uintmax_t)policy.state->copied_calls - told);
	check_shown(what);
	shown = policy.state->copy.flags;
	test_check((shown & all_can) == can, "%s: copy() was shown flags %#x",
		   what, shown);
	test_check(!(shown & NVME_STEER_COPY_CROSS_NS) == (src->ns == dst->ns) &&
		   !(shown & NVME_STEER_COPY_CROSS_CTRL) ==
			   (src->ns->ctrl == dst->ns->ctrl) &&
		   !(shown & (NVME_STEER_COPY_FUA | NVME_STEER_COPY_ORDERED)),
		   "%s: copy() was shown flags %#x", what, shown);
	if (!quiet)
		check_told(answer, why, what);
	copy_trace_check(&copy, answer, why, what);
	copy_events_check(dst->ns->ctrl, &before, &copy, what);
	e = before;
	copy_events_since(dst->ns->ctrl, &e);
	for (i = 1; i < NVME_STEER_COPY_WHY_CALLER; i++)
		test_check(e.why[i] == (i == why), "%s: %ju events for why %u",
			   what, e.why[i], i);
}

#define OFFLOAD	NVME_STEER_COPY_CAN_OFFLOAD
#define SPLIT	NVME_STEER_COPY_CAN_SPLIT
#define EMULATE	NVME_STEER_COPY_CAN_EMULATE

static void answers(void)
{
	test_step("answers that can be followed");
	answered(&a, &a_from, 4, 8, NVME_STEER_COPY_DEFAULT,
		 NVME_STEER_COPY_OFFLOAD, 0, OFFLOAD | SPLIT | EMULATE,
		 "default");
	answered(&a, &b_from, 4, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_OFFLOAD, 0, OFFLOAD | SPLIT | EMULATE,
		 "offload");
	answered(&a, &a_from, 4, 8, NVME_STEER_COPY_EMULATE,
		 NVME_STEER_COPY_EMULATE, 0, OFFLOAD | SPLIT | EMULATE,
		 "emulate");
	answered(&a, &a_from, 200, 1, NVME_STEER_COPY_SPLIT,
		 NVME_STEER_COPY_SPLIT, 0, SPLIT | EMULATE, "split");
	answered(&a, &a_from, 2, 200, NVME_STEER_COPY_EMULATE,
		 NVME_STEER_COPY_EMULATE, 0, SPLIT | EMULATE, "emulate long");
	answered(&a, &a_from, 2, 200,
		 NVME_STEER_COPY_WITH(NVME_STEER_COPY_SPLIT, 1, 8),
		 NVME_STEER_COPY_SPLIT, 0, SPLIT | EMULATE,
		 "split into pieces of 8 KiB, one at a time");
	answered(&a, &a_from, 2, 200,
		 NVME_STEER_COPY_WITH(NVME_STEER_COPY_SPLIT, 64, 524287),
		 NVME_STEER_COPY_SPLIT, 0, SPLIT | EMULATE,
		 "split into the largest pieces, 64 at a time");
	answered(&a, &a_from, 2, 200,
		 NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE, 3, 4),
		 NVME_STEER_COPY_EMULATE, 0, SPLIT | EMULATE,
		 "emulated in pieces of 4 KiB, three at a time");
	answered(&a, &a_from, 2, 200,
		 NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE, 64, 1),
		 NVME_STEER_COPY_EMULATE, 0, SPLIT | EMULATE,
		 "emulated in pieces of 1 KiB, 64 at a time");
	answered(&a, &a_from, 4, 8, NVME_STEER_COPY_QUIET,
		 NVME_STEER_COPY_OFFLOAD, 0, OFFLOAD | SPLIT | EMULATE,
		 "default, not told of");
	answered(&a, &a_from, 4, 8,
		 NVME_STEER_COPY_EMULATE | NVME_STEER_COPY_QUIET,
		 NVME_STEER_COPY_EMULATE, 0, OFFLOAD | SPLIT | EMULATE,
		 "emulate, not told of");
	answered(&a, &a_from, 2, 200,
		 NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE, 64, 524287) |
		 NVME_STEER_COPY_QUIET, NVME_STEER_COPY_EMULATE, 0,
		 SPLIT | EMULATE, "emulated, 64 at a time, not told of");

	test_step("answers that cannot");
	answered(&a, &a_from, 2, 200, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_SPLIT, NVME_STEER_COPY_WHY_LIMITS,
		 SPLIT | EMULATE, "offload beyond the limits");
	answered(&a, &other_from, 2, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_EMULATE, NVME_STEER_COPY_WHY_CTRL, EMULATE,
		 "offload of another controller's");
	answered(&none, &none_from, 2, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_EMULATE, NVME_STEER_COPY_WHY_NO_COPY, EMULATE,
		 "offload where there is no Copy");
	answered(&none, &none_from, 2, 8, NVME_STEER_COPY_SPLIT,
		 NVME_STEER_COPY_EMULATE, NVME_STEER_COPY_WHY_NO_COPY, EMULATE,
		 "split where there is no Copy");
	answered(&large, &a_from, 2, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_EMULATE, NVME_STEER_COPY_WHY_FORMAT, EMULATE,
		 "offload between sizes of blocks");
	copy_max_bytes(&drives.a, 0);
	answered(&a, &a_from, 2, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_EMULATE, NVME_STEER_COPY_WHY_CAP, EMULATE,
		 "offload where copy_max_bytes is 0");
	copy_max_bytes(&drives.a, 2048);
	answered(&a, &a_from, 2, 8, NVME_STEER_COPY_OFFLOAD,
		 NVME_STEER_COPY_SPLIT, NVME_STEER_COPY_WHY_CAP,
		 SPLIT | EMULATE, "offload beyond copy_max_bytes");
	copy_max_bytes(&drives.a, ~0ULL);
}

/* The caller's own wish goes before the policy's, which is asked all the same. */
static void caller(void)
{
	static const unsigned int flags[] = {
		NVME_STEER_COPY_F_EMULATE, NVME_STEER_COPY_F_OFFLOAD,
	};
	static const int others[] = {
		NVME_STEER_COPY_OFFLOAD, NVME_STEER_COPY_EMULATE,
	};
	uint64_t asked;
	unsigned int i;

	test_step("the caller's wish");
	for (i = 0; i < 2; i++) {
		image_refill(&a, 0, a.len);
		copy_trace();
		copy_begin(&copy, &a, 512, flags[i]);
		copy_add_many(&copy, &a_from, 3, 1024);
		policy.state->copy_answer = others[i];
		asked = policy.state->copies;
		copy_good(&ring, &copy, i ? NVME_STEER_COPY_OFFLOAD :
					    NVME_STEER_COPY_EMULATE, "caller");
		test_check(policy.state->copies == asked + 1,
			   "the policy was not asked");
		check_told(others[i], NVME_STEER_COPY_WHY_CALLER, "caller");
		copy_trace_check(&copy, others[i], NVME_STEER_COPY_WHY_CALLER,
				 "caller");
	}
	policy.state->copy_answer = 0;
	copy_begin(&copy, &a, 512, NVME_STEER_COPY_F_FUA);
	image_refill(&a, 0, a.len);
	copy_add_many(&copy, &a_from, 3, 1024);
	copy_good(&ring, &copy, NVME_STEER_COPY_OFFLOAD, "FUA");
	test_check(policy.state->copy.flags & NVME_STEER_COPY_FUA,
		   "copy() was not told of FUA");
	copy_begin(&copy, &a, 512,
		   NVME_STEER_COPY_F_FUA | NVME_STEER_COPY_F_EMULATE);
	image_refill(&a, 0, a.len);
	copy_add_many(&copy, &b_from, 3, 1024);
	copy_good(&ring, &copy, NVME_STEER_COPY_EMULATE, "FUA, emulated");
}

/* Nothing was done, the policy was not told, but everybody else was. */
static void check_refused(const struct copy_events *before, uint64_t told,
			  int answer, unsigned int why, const char *what)
{
	int ctrl = copy.dst->ns->ctrl;

	copy_events_refused(ctrl, before, what);
	copy_trace_check(&copy, answer, why, what);
	test_check(policy.state->copied_calls == told,
		   "%s: copied() was told of a refused copy", what);
}

/* What cannot be done the way the caller wants it. */
static void impossible(struct image *dst, struct image *src, unsigned int why,
		       const char *what)
{
	uint64_t told = policy.state->copied_calls;
	struct copy_events e;

	copy_events(dst->ns->ctrl, &e);
	copy_trace();
	policy.state->copy_answer = NVME_STEER_COPY_EMULATE;
	copy_begin(&copy, dst, dst->ns->block, NVME_STEER_COPY_F_OFFLOAD);
	copy_add_many(&copy, src, 3, 4096);
	copy_refused(&ring, &copy, -EOPNOTSUPP, what);
	check_refused(&e, told, NVME_STEER_COPY_EMULATE, why, what);
	policy.state->copy_answer = 0;
}

static void refusals(void)
{
	static const int errors[] = { -EPERM, -EBUSY, -ENOSPC, -133 };
	static const int bad[] = {
		5, 15, NVME_STEER_COPY_WITH(5, 1, 1),
		NVME_STEER_COPY_WITH(NVME_STEER_COPY_OFFLOAD, 65, 0),
		NVME_STEER_COPY_WITH(NVME_STEER_COPY_EMULATE, 65, 1) |
			NVME_STEER_COPY_QUIET,
		-EAGAIN, -134, (int)0x80000000,
	};
	struct copy_events e;
	uint64_t count, told;
	unsigned int i;

	test_step("refusals");
	for (i = 0; i < 2 * ARRAY_LEN(errors); i++) {
		told = policy.state->copied_calls;
		copy_events(drives.a.ctrl, &e);
		copy_trace();
		if (i & 1)
			policy.state->copy_answer = errors[i / 2];
		else
			policy.state->copy_route = errors[i / 2];
		copy_begin(&copy, &a, 512, i & 2 ? NVME_STEER_COPY_F_EMULATE : 0);
		copy_add_many(&copy, &b_from, 3, 1024);
		copy_refused(&ring, &copy, errors[i / 2], "refusal");
		check_refused(&e, told, errors[i / 2], 0, "refusal");
		policy.state->copy_answer = 0;
		policy.state->copy_route = 0;
	}

	impossible(&a, &other_from, NVME_STEER_COPY_WHY_CTRL,
		   "another controller's");
	impossible(&none, &none_from, NVME_STEER_COPY_WHY_NO_COPY, "no Copy");
	impossible(&large, &a_from, NVME_STEER_COPY_WHY_FORMAT,
		   "between sizes of blocks");
	copy_max_bytes(&drives.a, 0);
	impossible(&a, &a_from, NVME_STEER_COPY_WHY_CAP, "copy_max_bytes");
	copy_max_bytes(&drives.a, ~0ULL);

	test_step("answers outside the contract");
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "1000");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		count = steer_event(drives.a.ctrl, "bad_answer");
		image_refill(&a, 0, a.len);
		copy_begin(&copy, &a, 512, 0);
		copy_add_many(&copy, &a_from, 3, 1024);
		policy.state->copy_answer = bad[i];
		copy_good(&ring, &copy, NVME_STEER_COPY_OFFLOAD, "bad answer");
		test_check(steer_event(drives.a.ctrl, "bad_answer") == count + 1,
			   "answer %#x was not counted", bad[i]);
	}
	policy.state->copy_answer = 0;

	test_step("queues that are not there");
	policy.state->copy_route = 9;
	count = steer_event(drives.a.ctrl, "bad_queue");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &a_from, 3, 1024);
	copy_good(&ring, &copy, NVME_STEER_COPY_OFFLOAD, "bad queue");
	test_check(steer_event(drives.a.ctrl, "bad_queue") == count + 1,
		   "queue 9 was not counted");
	policy.state->copy_route = 0;
}

/* Past copies are shown: how many of a class, and how long they took. */
static void learned(void)
{
	volatile struct nvme_steer_copy *cp = &policy.state->copy;
	unsigned int i, n, emulates, offloads;

	test_step("what copies took");
	for (n = 0; n < 2; n++) {
		copy_begin(&copy, &a, 512, 0);
		copy_add_many(&copy, &a_from, 1, 40960);
		copy_good(&ring, &copy, 0, "before");
		offloads = cp->offloads + 1;
		emulates = cp->emulates;
		for (i = 0; i < 10; i++) {
			policy.state->copy_answer = NVME_STEER_COPY_EMULATE;
			copy_begin(&copy, &a, 512, 0);
			copy_add_many(&copy, &a_from, 1, 40960);
			copy_good(&ring, &copy, NVME_STEER_COPY_EMULATE,
				  "emulated");
			test_check(cp->offloads == offloads &&
				   cp->emulates == emulates + i,
				   "copy() was shown %u offloaded, %u emulated of %u, %u",
				   cp->offloads, cp->emulates, offloads,
				   emulates + i);
			test_check(!cp->emulate_ns == !cp->emulates &&
				   cp->emulate_ns < 10000000000ULL &&
				   !cp->offload_ns == !cp->offloads,
				   "copy() was shown %ju ns, %ju ns",
				   (uintmax_t)cp->offload_ns,
				   (uintmax_t)cp->emulate_ns);
		}
		policy.state->copy_answer = 0;
	}
	printf("#   40 KiB: %ju us offloaded, %ju us emulated\n",
	       (uintmax_t)cp->offload_ns / 1000,
	       (uintmax_t)cp->emulate_ns / 1000);
}

static void without_copy(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	struct copy_events e;

	test_step("a policy without copy()");
	steer_puppet(&policy, drives.a.ctrl, &config);
	policy.state->copy_route = 1;
	copy_events(drives.a.ctrl, &e);
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &b_from, 3, 1024);
	copy_good(&ring, &copy, NVME_STEER_COPY_OFFLOAD, "no copy()");
	copy_events_check(drives.a.ctrl, &e, &copy, "no copy()");
	steer_detach(&policy);

	test_step("no policy");
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &a_from, 3, 1024);
	copy_refused(&ring, &copy, -ENOTTY, "no policy");
}

int main(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };

	test_begin(120);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	image_init(&a, &drives.a, MIB, MIB / 4);
	image_init(&a_from, &drives.a, 9 * MIB, MIB);
	image_init(&b_from, &drives.b, 9 * MIB, MIB);
	image_init(&other_from, &drives.other, MIB, MIB);
	image_init(&none, &drives.none, MIB, MIB / 4);
	image_init(&none_from, &drives.none, 9 * MIB, MIB);
	image_init(&large, &drives.large, MIB, MIB / 4);
	copy_init(&copy, 512);
	pt_ring_init(&ring, 16, 0);

	answers();
	policy.state->copy_route = 1;
	answers();
	policy.state->copy_route = 0;
	caller();
	refusals();
	learned();
	steer_detach(&policy);
	without_copy();
	test_pass();
}
