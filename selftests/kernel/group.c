// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups: data written by a group is read back by the block device and
 * the other way round, every byte, the blocks and the memory beside it too,
 * for each kind of ring and queue. Each command has its own status, an error
 * in the middle stops the rest where that is asked for, commands keep their
 * order where that is asked for, and a group may be larger than its queue.
 * All of it with a policy that is asked for each command, and with one that is
 * asked once a group, which is sent while its array is being read.
 *
 * DATA_ONLY=1   only the first of the two
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include "group.h"
#include "steer.h"
#include "test.h"

#define FIRST	1024		/* block where the test's area begins */

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;

/*
 * @nr commands of @nlb blocks, their buffers @step bytes apart from @offset
 * on. Blocks and buffers have one between them that nobody may touch.
 */
static void round_trip(struct pt_ring *r, struct arena *a, unsigned int nr,
		       uint32_t nlb, size_t offset, unsigned int how,
		       uint32_t window)
{
	size_t len = (size_t)nlb << ns.shift, step = len + 512;
	struct nvme_steer_group g = group_whole(a, nr);
	unsigned int i;

	g.window = window;
	test_check(offset + nr * step <= (size_t)(a->end - a->data),
		   "the arena is too small for the test");
	pt_block_write(&ns, FIRST - 1, nr * (nlb + 1) + 1, gen);
	for (i = 0; i < nr; i++) {
		uint8_t *buf = a->data + offset + i * step;
		uint64_t slba = FIRST + i * (nlb + 1);

		pt_fill(&ns, buf, slba, nlb, gen + 1);
		group_set(&ns, &a->cmds[i], PT_WRITE, slba, nlb, buf);
	}
	group_good(r, &ns, &g, how, "write");
	pt_block_check(&ns, FIRST - 1, 1, gen);
	for (i = 0; i < nr; i++) {
		uint64_t slba = FIRST + i * (nlb + 1);

		pt_block_check(&ns, slba, nlb, gen + 1);
		pt_block_check(&ns, slba + nlb, 1, gen);
	}

	pt_block_write(&ns, FIRST, nr * (nlb + 1), gen + 2);
	memset(a->data, CANARY, a->end - a->data);
	for (i = 0; i < nr; i++)
		group_set(&ns, &a->cmds[i], PT_READ, FIRST + i * (nlb + 1), nlb,
		    a->data + offset + i * step);
	group_good(r, &ns, &g, how, "read");
	for (i = 0; i < nr; i++) {
		uint8_t *buf = a->data + offset + i * step;
		uint64_t slba = FIRST + i * (nlb + 1);

		test_check(pt_differs(&ns, buf, slba, nlb, gen + 2) < 0,
			   "command %u of %u read the wrong data", i, nr);
		memset(buf, CANARY, len);
	}
	test_check(arena_canary(a->data, a->end - a->data),
		   "memory beside a group's buffers was written");
	test_check(arena_canary(a->base, 4096 + 3 * sizeof(*a->cmds)) &&
		   arena_canary((uint8_t *)(a->cmds + nr),
			  a->data - (uint8_t *)(a->cmds + nr)),
		   "memory beside the array was written");
	memset(a->cmds, CANARY, nr * sizeof(*a->cmds));
	gen += 3;
}

static void data(unsigned int mode, int queue, bool rounds)
{
	static const unsigned int nrs[] = { 1, 2, 3, 8, 33, 64, 100 };
	static const uint32_t nlbs[] = { 1, 2, 8, 9, 24 };
	static const size_t offsets[] = { 0, 4, 512, 3584 };
	uint64_t kept, mapped, routed, other, n = 0;
	struct arena a;
	struct pt_ring r;
	unsigned int i, j, k;

	test_step("%s ring on queue %d", pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	arena_init(&a, 128, 2 << 20);
	group_ring_init(&r, mode, &a);
	routed = steer_event(ns.ctrl, "routed");
	other = steer_event(ns.ctrl, "default") +
		steer_event(ns.ctrl, "queue_full") +
		steer_event(ns.ctrl, "bad_mode");
	for (i = 0; i < ARRAY_LEN(nrs); i++) {
		for (j = 0; j < ARRAY_LEN(nlbs); j++) {
			k = (i + j) % ARRAY_LEN(offsets);
			round_trip(&r, &a, nrs[i], nlbs[j], offsets[k],
				   PT_FIXED, 0);
			n += 2 * nrs[i];
		}
	}
	/* the same buffers again and again: from the third time on kept */
	for (i = 0; i < 3; i++)
		round_trip(&r, &a, 32, 1, 0, PT_FIXED, 0);
	kept = steer_event(ns.ctrl, "kept");
	mapped = steer_event(ns.ctrl, "mapped");
	for (i = 0; i < 4; i++)
		round_trip(&r, &a, 32, 1, 0, PT_FIXED, 0);
	test_check(steer_event(ns.ctrl, "kept") - kept == 8 * 32 &&
		   steer_event(ns.ctrl, "mapped") == mapped,
		   "%ju of %u commands used what is kept, %ju were mapped",
		   steer_event(ns.ctrl, "kept") - kept, 8 * 32,
		   steer_event(ns.ctrl, "mapped") - mapped);
	n += 14 * 32;
	if (!rounds) {
		round_trip(&r, &a, 32, 1, 0, PT_FIXED | PT_ASYNC, 0);
		round_trip(&r, &a, 32, 3, 0, PT_FIXED, 5);
		round_trip(&r, &a, 9, 3, 0, PT_FIXED, 1);
		n += 2 * (32 + 32 + 9);
	}
	test_check(steer_event(ns.ctrl, "routed") - routed == n,
		   "%ju commands routed, expected %ju",
		   steer_event(ns.ctrl, "routed") - routed, n);
	test_check(steer_event(ns.ctrl, "default") +
		   steer_event(ns.ctrl, "queue_full") +
		   steer_event(ns.ctrl, "bad_mode") == other,
		   "an event that should not be");
	pt_ring_exit(&r);
	arena_free(&a);
}

/*
 * Reads between writes, of one block and of two, and a flush: commands that are
 * not like the one before, at each place in the array in turn.
 */
static void unlike(unsigned int mode, int queue)
{
	enum { NR = 24 };
	struct nvme_steer_group g;
	unsigned int i, n;
	uint64_t kept;
	struct arena a;
	struct pt_ring r;

	test_step("commands unlike each other, %s ring on queue %d",
		  pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	arena_init(&a, NR, NR * 1024);
	group_ring_init(&r, mode, &a);
	pt_block_write(&ns, FIRST + 4 * NR, 4 * NR, gen);
	for (n = 0; n < NR; n++) {
		pt_block_write(&ns, FIRST, 4 * NR, gen);
		memset(a.data, CANARY, NR * 1024);
		for (i = 0; i < NR; i++) {
			uint8_t *buf = a.data + i * 1024;
			uint64_t slba = FIRST + 4 * i;
			bool odd = i >= n && (i - n) % 3 == 0;

			pt_fill(&ns, buf, slba, 1 + odd, gen + 1 + n);
			if (odd && i % 2)
				group_set(&ns, &a.cmds[i], PT_READ,
					  slba + 4 * NR, 2, buf);
			else
				group_set(&ns, &a.cmds[i], PT_WRITE, slba,
					  1 + odd, buf);
			if (i == n)
				group_set(&ns, &a.cmds[i], PT_FLUSH, 0, 0,
					  NULL);
		}
		kept = steer_event(ns.ctrl, "kept");
		g = group_whole(&a, NR);
		group_good(&r, &ns, &g, PT_FIXED, "unlike");
		kept = steer_event(ns.ctrl, "kept") - kept;
		test_check(n < 4 || kept == NR - 1,
			   "%ju commands used what is kept", kept);
		for (i = 0; i < NR; i++) {
			uint64_t slba = FIRST + 4 * i;
			bool odd = i >= n && (i - n) % 3 == 0;
			bool write = i != n && !(odd && i % 2);

			if (odd && i % 2 && i != n)
				test_check(pt_differs(&ns, a.data + i * 1024,
						slba + 4 * NR, 2, gen) < 0,
					   "command %u read the wrong data", i);
			if (write)
				pt_block_check(&ns, slba, 1 + odd,
					       gen + 1 + n);
			pt_block_check(&ns, slba + (write ? 1 + odd : 0),
				       write ? 3 - odd : 4, gen);
		}
	}
	gen += NR + 1;
	pt_ring_exit(&r);
	arena_free(&a);
}

/* Several groups at once, each with its own part of the arena. */
static void together(unsigned int mode, int queue)
{
	enum { GROUPS = 7, NR = 24 };
	struct nvme_steer_group g[GROUPS];
	unsigned int i, n, seen = 0;
	struct arena a;
	struct pt_ring r;
	uint64_t tag;

	test_step("%d groups at once, %s ring on queue %d", GROUPS,
		  pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	arena_init(&a, GROUPS * NR, GROUPS * NR * 512);
	group_ring_init(&r, mode, &a);
	for (n = 0; n < 8; n++, seen = 0) {
		pt_block_write(&ns, FIRST, GROUPS * NR, gen);
		for (i = 0; i < GROUPS * NR; i++) {
			pt_fill(&ns, a.data + i * 512, FIRST + i, 1, gen + 1);
			group_set(&ns, &a.cmds[i], PT_WRITE, FIRST + i, 1,
			    a.data + i * 512);
		}
		for (i = 0; i < GROUPS; i++) {
			g[i] = group_whole(&a, NR);
			g[i].cmds += i * NR * sizeof(*a.cmds);
			group_queue(&r, ns.fd, &g[i], PT_FIXED, i);
		}
		test_check(io_uring_submit(&r.uring) >= 0, "submit");
		for (i = 0; i < GROUPS; i++) {
			int ret = pt_reap(&r, &tag, NULL);

			test_check(!ret, "group %ju: %d", tag, ret);
			test_check(tag < GROUPS && !(seen >> tag & 1),
				   "group %ju ended twice", tag);
			seen |= 1U << tag;
		}
		test_check(!io_uring_cq_ready(&r.uring), "a completion more");
		pt_block_check(&ns, FIRST, GROUPS * NR, gen + 1);
		gen += 2;
	}
	pt_ring_exit(&r);
	arena_free(&a);
}

static void expect(const struct arena *a, unsigned int i, int status)
{
	test_check(a->cmds[i].status == status,
		   "command %u: status %#x, expected %#x", i,
		   a->cmds[i].status, status);
}

/*
 * Write, flush, compare, compare with other data, write zeroes, a read past
 * the end, write, read.
 */
static void mixed(struct arena *a)
{
	uint8_t *d = a->data;

	pt_block_write(&ns, FIRST, 64, gen);
	pt_fill(&ns, d, FIRST, 4, gen + 1);
	pt_fill(&ns, d + 4096, FIRST + 8, 4, gen + 1);
	group_set(&ns, &a->cmds[0], PT_WRITE, FIRST, 4, d);
	group_set(&ns, &a->cmds[1], PT_FLUSH, 0, 0, NULL);
	group_set(&ns, &a->cmds[2], PT_COMPARE, FIRST, 4, d);
	group_set(&ns, &a->cmds[3], PT_COMPARE, FIRST + 20, 4, d);
	group_set(&ns, &a->cmds[4], PT_WRITE_ZEROES, FIRST + 16, 2, NULL);
	group_set(&ns, &a->cmds[5], PT_READ, ns.nr_blocks, 1, d + 8192);
	group_set(&ns, &a->cmds[6], PT_WRITE, FIRST + 8, 4, d + 4096);
	group_set(&ns, &a->cmds[7], PT_READ, FIRST + 8, 4, d + 12288);
}

static bool zeroes(uint64_t slba, uint32_t nlb)
{
	size_t i, len = (size_t)nlb << ns.shift;
	uint8_t *buf = test_alloc(len);
	bool ret = true;

	pt_block_read(&ns, buf, slba, nlb);
	for (i = 0; i < len; i++)
		ret = ret && !buf[i];
	free(buf);
	return ret;
}

static void errors(unsigned int mode, int queue)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	uint64_t result;
	unsigned int i, n;
	int ret;

	test_step("errors in the middle, %s ring on queue %d",
		  pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	arena_init(&a, 64, 1 << 16);
	group_ring_init(&r, mode, &a);

	for (n = 0; n < 4; n++) {
		/* one after the other, so that compare sees what was written */
		mixed(&a);
		g = group_whole(&a, 8);
		g.window = 1;
		ret = group_do(&r, &ns, &g, &result);
		test_check((ret & 0x7ff) == PT_SC_COMPARE_FAILED,
			   "group: %#x", ret);
		test_check(NVME_STEER_GROUP_FIRST(result) == 3 &&
			   NVME_STEER_GROUP_DONE(result) == 6,
			   "result %#jx", result);
		for (i = 0; i < 8; i++) {
			if (i == 3)
				expect(&a, i, ret);
			else if (i == 5)
				test_check((a.cmds[i].status & 0x7ff) ==
						   PT_SC_LBA_RANGE,
					   "status %#x", a.cmds[i].status);
			else
				expect(&a, i, 0);
		}
		pt_block_check(&ns, FIRST, 4, gen + 1);
		pt_block_check(&ns, FIRST + 8, 4, gen + 1);
		test_check(pt_differs(&ns, a.data + 12288, FIRST + 8, 4,
				      gen + 1) < 0,
			   "the read came before the write");
		test_check(zeroes(FIRST + 16, 2), "no zeroes");
		pt_block_check(&ns, FIRST + 18, 46, gen);
		gen += 2;

		/* with the flag: the rest is not sent */
		mixed(&a);
		g.flags = NVME_STEER_GROUP_STOP;
		ret = group_do(&r, &ns, &g, &result);
		test_check((ret & 0x7ff) == PT_SC_COMPARE_FAILED &&
			   NVME_STEER_GROUP_FIRST(result) == 3 &&
			   NVME_STEER_GROUP_DONE(result) == 3,
			   "stopped group: %#x, result %#jx", ret, result);
		for (i = 0; i < 8; i++)
			expect(&a, i, i < 3 ? 0 : i == 3 ? ret : -ECANCELED);
		pt_block_check(&ns, FIRST, 4, gen + 1);
		pt_block_check(&ns, FIRST + 4, 60, gen);
		gen += 2;

		/* those that are at the controller with it are waited for */
		mixed(&a);
		g.window = 6;
		ret = group_do(&r, &ns, &g, &result);
		test_check((ret & 0x7ff) == PT_SC_COMPARE_FAILED, "group: %#x",
			   ret);
		for (i = 0; i < 8; i++)
			test_check(a.cmds[i].status ==
					   (i < 6 ? a.cmds[i].status :
						    -ECANCELED) &&
				   a.cmds[i].status != UNTOUCHED,
				   "command %u: status %d", i,
				   a.cmds[i].status);
		expect(&a, 0, 0);
		expect(&a, 4, 0);
		pt_block_check(&ns, FIRST, 4, gen + 1);
		pt_block_check(&ns, FIRST + 4, 12, gen);
		test_check(zeroes(FIRST + 16, 2), "no zeroes");
		gen += 2;
	}

	/* order: each write is compared before the next one */
	for (i = 0; i < 30; i += 2) {
		pt_fill(&ns, a.data + i * 512, FIRST, 1, gen + i);
		group_set(&ns, &a.cmds[i], PT_WRITE, FIRST, 1, a.data + i * 512);
		group_set(&ns, &a.cmds[i + 1], PT_COMPARE, FIRST, 1, a.data + i * 512);
	}
	g = group_whole(&a, 30);
	g.window = 1;
	g.flags = NVME_STEER_GROUP_STOP;
	for (n = 0; n < 4; n++)
		group_good(&r, &ns, &g, PT_FIXED, "in order");
	gen += 30;
	pt_ring_exit(&r);
	arena_free(&a);
}

static void head(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct steer_policy p[2];
	struct arena a;
	struct pt_ring r;
	unsigned int mode, i;

	if (!pt_try_open(&ns, PT_WANT_HEAD)) {
		printf("# no namespace with two controllers\n");
		return;
	}
	test_step("multipath head ng%s", ns.name);
	steer_puppet(&p[0], ns.ctrl, &config);
	steer_puppet(&p[1], ns.ctrl2, &config);
	steer_answer(&p[0], 1, 2);
	steer_answer(&p[1], 1, 2);
	for (mode = 0; mode <= PT_IOPOLL; mode++) {
		arena_init(&a, 64, 1 << 18);
		group_ring_init(&r, mode, &a);
		for (i = 0; i < 5; i++)
			round_trip(&r, &a, 32, 8, 0, PT_FIXED, i == 4 ? 5 : 0);
		pt_ring_exit(&r);
		arena_free(&a);
	}
	pt_close(&ns);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
		.depth = { [3] = 6, [4] = 6 },
	};
	unsigned int once, policies = test_env("DATA_ONLY", 0) ? 1 : 2;

	test_begin(290);
	pt_open(&ns, PT_WANT_PLAIN);
	for (once = 0; once < policies; once++) {
		printf("# a policy that is asked %s\n",
		       once ? "once a group" : "for each command");
		if (once)
			steer_puppet_once(&policy, ns.ctrl, &config);
		else
			steer_puppet(&policy, ns.ctrl, &config);
		data(0, 1, false);
		data(PT_IOPOLL, 2, false);
		data(PT_IOPOLL | PT_SQPOLL, 2, false);
		data(PT_IOPOLL, 4, true);
		if (!once) {
			data(PT_SQPOLL, 1, false);
			data(PT_IOPOLL, 1, false);
			data(0, 3, true);
		}
		unlike(0, 1);
		unlike(PT_IOPOLL, 2);
		together(0, 1);
		together(PT_IOPOLL, 2);
		errors(0, 1);
		errors(PT_IOPOLL, 2);
		errors(PT_SQPOLL, 1);
		errors(PT_IOPOLL, 4);
		steer_detach(&policy);
	}
	pt_close(&ns);
	head();
	test_pass();
}
