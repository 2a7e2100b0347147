// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups: data written by a group is read back by the block device and
 * the other way round, every byte, the blocks and the memory beside it too,
 * for each kind of ring and queue. Each command has its own status, an error
 * in the middle stops the rest where that is asked for, commands keep their
 * order where that is asked for, and a group may be larger than its queue.
 * What is malformed, not permitted, or changed by another thread while it is
 * submitted, is refused and does no harm; a group that is sent ends once, when
 * the controller is reset and when its process is killed, too.
 *
 * COUNT=   groups whose array changes (default 3000)
 * RESETS=  resets (default 12)
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <nvmesteer/group.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define CANARY	0x5a
#define FIRST	1024		/* block where the test's area begins */
#define UNTOUCHED	0x7ead	/* a status no command ends with */

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;

/* A registered buffer: the array, then data, each with canaries around. */
struct arena {
	uint8_t *base;
	size_t size;
	struct nvme_steer_group_cmd *cmds;
	uint8_t *data;
	uint8_t *end;
};

static void arena_init(struct arena *a, unsigned int cmds, size_t data)
{
	size_t array = (cmds * sizeof(*a->cmds) + 8191) & ~4095UL;

	a->size = array + data + 4 * 4096;
	a->base = mmap(NULL, a->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(a->base != MAP_FAILED, "mmap");
	memset(a->base, CANARY, a->size);
	/* an array that begins in the middle of a page */
	a->cmds = (void *)(a->base + 4096 + 3 * sizeof(*a->cmds));
	a->data = a->base + 2 * 4096 + array;
	a->end = a->data + data;
}

static void arena_free(struct arena *a)
{
	munmap(a->base, a->size);
}

static void ring_init(struct pt_ring *r, unsigned int mode, struct arena *a)
{
	struct iovec iov = { .iov_base = a->base, .iov_len = a->size };
	int ret;

	pt_ring_init(r, 32, mode);
	ret = io_uring_register_buffers(&r->uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));
}

static void set(struct nvme_steer_group_cmd *c, uint8_t opcode, uint64_t slba,
		uint32_t nlb, void *buf)
{
	memset(c, 0, sizeof(*c));
	c->opcode = opcode;
	c->nsid = ns.nsid;
	c->cdw10 = slba;
	c->cdw11 = slba >> 32;
	c->cdw12 = nlb ? nlb - 1 : 0;
	c->addr = (uintptr_t)buf;
	c->data_len = buf ? nlb << ns.shift : 0;
	c->status = UNTOUCHED;
}

static struct nvme_steer_group whole(struct arena *a, unsigned int nr)
{
	return (struct nvme_steer_group) {
		.cmds = (uintptr_t)a->cmds,
		.nr = nr,
		.base = (uintptr_t)a->base,
		.len = a->size,
	};
}

static void queue_group(struct pt_ring *r, int fd,
			const struct nvme_steer_group *g, unsigned int how,
			uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	/* a thread may be taking them */
	test_check(test_wait((sqe = io_uring_get_sqe(&r->uring)), 20000),
		   "no SQE");
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->user_data = user_data;
	sqe->cmd_op = NVME_STEER_URING_CMD_GROUP;
	if (how & PT_FIXED)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	if (how & PT_ASYNC)
		sqe->flags = IOSQE_ASYNC;
	memcpy(sqe->cmd, g, sizeof(*g));
}

static int do_group_how(struct pt_ring *r, int fd,
			const struct nvme_steer_group *g, unsigned int how,
			uint64_t *result)
{
	uint64_t tag = ++r->next_tag, seen;
	int ret;

	queue_group(r, fd, g, how, tag);
	ret = io_uring_submit(&r->uring);
	test_check(ret >= 0, "io_uring_submit: %s", strerror(-ret));
	ret = pt_reap(r, &seen, result);
	test_check(seen == tag, "completion of %ju, expected %ju", seen, tag);
	test_check(!io_uring_cq_ready(&r->uring),
		   "more than one completion of one group");
	return ret;
}

static int do_group(struct pt_ring *r, const struct nvme_steer_group *g,
		    uint64_t *result)
{
	return do_group_how(r, ns.fd, g, PT_FIXED, result);
}

/* All of a group's commands succeeded. */
static void good(struct pt_ring *r, const struct nvme_steer_group *g,
		 unsigned int how, const char *what)
{
	struct nvme_steer_group_cmd *c = (void *)(uintptr_t)g->cmds;
	uint64_t result = 0;
	unsigned int i;
	int ret = do_group_how(r, ns.fd, g, how, &result);

	test_check(!ret, "%s: group of %u: %d (%#jx)", what, g->nr, ret,
		   result);
	test_check(NVME_STEER_GROUP_DONE(result) == g->nr &&
		   NVME_STEER_GROUP_FIRST(result) == g->nr,
		   "%s: group of %u: result %#jx", what, g->nr, result);
	for (i = 0; i < g->nr; i++)
		test_check(!c[i].status, "%s: command %u of %u: status %#x",
			   what, i, g->nr, c[i].status);
}

static bool canary(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++ != CANARY)
			return false;
	return true;
}

/*
 * @nr commands of @nlb blocks, their buffers @step bytes apart from @offset
 * on. Blocks and buffers have one between them that nobody may touch.
 */
static void round_trip(struct pt_ring *r, struct arena *a, unsigned int nr,
		       uint32_t nlb, size_t offset, unsigned int how,
		       uint32_t window)
{
	size_t len = (size_t)nlb << ns.shift, step = len + 512;
	struct nvme_steer_group g = whole(a, nr);
	unsigned int i;

	g.window = window;
	test_check(offset + nr * step <= (size_t)(a->end - a->data),
		   "the arena is too small for the test");
	pt_block_write(&ns, FIRST - 1, nr * (nlb + 1) + 1, gen);
	for (i = 0; i < nr; i++) {
		uint8_t *buf = a->data + offset + i * step;
		uint64_t slba = FIRST + i * (nlb + 1);

		pt_fill(&ns, buf, slba, nlb, gen + 1);
		set(&a->cmds[i], PT_WRITE, slba, nlb, buf);
	}
	good(r, &g, how, "write");
	pt_block_check(&ns, FIRST - 1, 1, gen);
	for (i = 0; i < nr; i++) {
		uint64_t slba = FIRST + i * (nlb + 1);

		pt_block_check(&ns, slba, nlb, gen + 1);
		pt_block_check(&ns, slba + nlb, 1, gen);
	}

	pt_block_write(&ns, FIRST, nr * (nlb + 1), gen + 2);
	memset(a->data, CANARY, a->end - a->data);
	for (i = 0; i < nr; i++)
		set(&a->cmds[i], PT_READ, FIRST + i * (nlb + 1), nlb,
		    a->data + offset + i * step);
	good(r, &g, how, "read");
	for (i = 0; i < nr; i++) {
		uint8_t *buf = a->data + offset + i * step;
		uint64_t slba = FIRST + i * (nlb + 1);

		test_check(pt_differs(&ns, buf, slba, nlb, gen + 2) < 0,
			   "command %u of %u read the wrong data", i, nr);
		memset(buf, CANARY, len);
	}
	test_check(canary(a->data, a->end - a->data),
		   "memory beside a group's buffers was written");
	test_check(canary(a->base, 4096 + 3 * sizeof(*a->cmds)) &&
		   canary((uint8_t *)(a->cmds + nr),
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
	ring_init(&r, mode, &a);
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
	ring_init(&r, mode, &a);
	for (n = 0; n < 8; n++, seen = 0) {
		pt_block_write(&ns, FIRST, GROUPS * NR, gen);
		for (i = 0; i < GROUPS * NR; i++) {
			pt_fill(&ns, a.data + i * 512, FIRST + i, 1, gen + 1);
			set(&a.cmds[i], PT_WRITE, FIRST + i, 1,
			    a.data + i * 512);
		}
		for (i = 0; i < GROUPS; i++) {
			g[i] = whole(&a, NR);
			g[i].cmds += i * NR * sizeof(*a.cmds);
			queue_group(&r, ns.fd, &g[i], PT_FIXED, i);
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
	set(&a->cmds[0], PT_WRITE, FIRST, 4, d);
	set(&a->cmds[1], PT_FLUSH, 0, 0, NULL);
	set(&a->cmds[2], PT_COMPARE, FIRST, 4, d);
	set(&a->cmds[3], PT_COMPARE, FIRST + 20, 4, d);
	set(&a->cmds[4], PT_WRITE_ZEROES, FIRST + 16, 2, NULL);
	set(&a->cmds[5], PT_READ, ns.nr_blocks, 1, d + 8192);
	set(&a->cmds[6], PT_WRITE, FIRST + 8, 4, d + 4096);
	set(&a->cmds[7], PT_READ, FIRST + 8, 4, d + 12288);
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
	ring_init(&r, mode, &a);

	for (n = 0; n < 4; n++) {
		/* one after the other, so that compare sees what was written */
		mixed(&a);
		g = whole(&a, 8);
		g.window = 1;
		ret = do_group(&r, &g, &result);
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
		ret = do_group(&r, &g, &result);
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
		ret = do_group(&r, &g, &result);
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
		set(&a.cmds[i], PT_WRITE, FIRST, 1, a.data + i * 512);
		set(&a.cmds[i + 1], PT_COMPARE, FIRST, 1, a.data + i * 512);
	}
	g = whole(&a, 30);
	g.window = 1;
	g.flags = NVME_STEER_GROUP_STOP;
	for (n = 0; n < 4; n++)
		good(&r, &g, PT_FIXED, "in order");
	gen += 30;
	pt_ring_exit(&r);
	arena_free(&a);
}

/* A group that is refused: none of it was sent, and the array says why. */
struct bad {
	const char *what;
	void (*spoil)(struct arena *a, struct nvme_steer_group *g);
	int ret;
	int at;			/* index of the command that is why; or -1 */
};

#define BAD(name, ...) \
	static void bad_##name(struct arena *a, struct nvme_steer_group *g) \
	{ __VA_ARGS__; }

BAD(nr0, g->nr = 0)
BAD(nr_huge, g->nr = NVME_STEER_GROUP_MAX + 1)
BAD(nr_max, g->nr = 0xffffffff)
BAD(flags, g->flags = 2)
BAD(rsvd, g->rsvd[2] = 1)
BAD(unaligned, g->cmds += 8)
BAD(array_before, g->cmds = (g->base & ~63UL) - 64)
BAD(array_end, g->len = g->cmds - g->base + 4 * 64 - 1)
BAD(array_wraps, g->cmds = -64UL)
BAD(len0, g->len = 0)
BAD(base_before, g->base -= 4096)
BAD(len_beyond, g->len += 1)
BAD(len_wraps, g->len = -1UL)
BAD(not_there, g->base = 4096; g->cmds = 4096)
BAD(cmd_flags, a->cmds[2].flags = 1)
BAD(cmd_psdt, a->cmds[2].flags = 0x40)
BAD(cmd_rsvd, a->cmds[2].rsvd = 1)
BAD(nsid_other, a->cmds[2].nsid++)
BAD(nsid_all, a->cmds[2].nsid = 0xffffffff)
BAD(short, a->cmds[2].data_len -= 512)
BAD(long, a->cmds[2].data_len += 512)
BAD(none, a->cmds[2].data_len = 0)
BAD(huge, a->cmds[2].data_len = 0xfffffe00; a->cmds[2].cdw12 = 0xffff)
BAD(nlb, a->cmds[2].cdw12 = 0xffff)
BAD(odd, a->cmds[2].addr += 1)
BAD(before, a->cmds[2].addr = g->base - 512)
BAD(beyond, a->cmds[2].addr = g->base + g->len - 512)
BAD(after, a->cmds[2].addr = g->base + g->len)
BAD(wraps, a->cmds[2].addr = -512UL)
BAD(region, g->len = (uintptr_t)a->data + 512 - g->base)
BAD(kernel, a->cmds[2].addr = 0xffff888000000000)
BAD(flush_data, a->cmds[2].opcode = PT_FLUSH)
BAD(zeroes_data, a->cmds[2].opcode = PT_WRITE_ZEROES)
BAD(both_ways, a->cmds[2].opcode = 0x83)
BAD(first, a->cmds[0].nsid = 0)
BAD(last, a->cmds[3].flags = 3)

static const struct bad bads[] = {
	{ "no commands", bad_nr0, -EINVAL, -1 },
	{ "too many commands", bad_nr_huge, -EINVAL, -1 },
	{ "far too many", bad_nr_max, -EINVAL, -1 },
	{ "an unknown flag", bad_flags, -EINVAL, -1 },
	{ "a reserved word", bad_rsvd, -EINVAL, -1 },
	{ "an array off its alignment", bad_unaligned, -EINVAL, -1 },
	{ "an array before the buffer", bad_array_before, -EFAULT, -1 },
	{ "an array past the part in use", bad_array_end, -EFAULT, -1 },
	{ "an array at the end of memory", bad_array_wraps, -EFAULT, -1 },
	{ "an empty part", bad_len0, -EINVAL, -1 },
	{ "a part before the buffer", bad_base_before, -EFAULT, -1 },
	{ "a part past the buffer", bad_len_beyond, -EFAULT, -1 },
	{ "a part that wraps", bad_len_wraps, -EFAULT, -1 },
	{ "a part that is not registered", bad_not_there, -EFAULT, -1 },
	{ "flags in a command", bad_cmd_flags, -EINVAL, 2 },
	{ "a data pointer type", bad_cmd_psdt, -EINVAL, 2 },
	{ "a reserved field", bad_cmd_rsvd, -EINVAL, 2 },
	{ "another namespace", bad_nsid_other, -EINVAL, 2 },
	{ "all namespaces", bad_nsid_all, -EINVAL, 2 },
	{ "a short buffer", bad_short, -EINVAL, 2 },
	{ "a long buffer", bad_long, -EINVAL, 2 },
	{ "no buffer", bad_none, -EINVAL, 2 },
	{ "a huge buffer", bad_huge, -EINVAL, 2 },
	{ "more blocks than buffer", bad_nlb, -EINVAL, 2 },
	{ "an odd address", bad_odd, -EINVAL, 2 },
	{ "data before the buffer", bad_before, -EFAULT, 2 },
	{ "data across the end", bad_beyond, -EFAULT, 2 },
	{ "data after the end", bad_after, -EFAULT, 2 },
	{ "data at the end of memory", bad_wraps, -EFAULT, 2 },
	{ "data outside the part in use", bad_region, -EFAULT, 0 },
	{ "a kernel address", bad_kernel, -EFAULT, 2 },
	{ "flush with data", bad_flush_data, -EINVAL, 2 },
	{ "write zeroes with data", bad_zeroes_data, -EINVAL, 2 },
	{ "data in both directions", bad_both_ways, -EOPNOTSUPP, 2 },
	{ "a bad first command", bad_first, -EINVAL, 0 },
	{ "a bad last command", bad_last, -EINVAL, 3 },
};

static void four_writes(struct arena *a, struct nvme_steer_group *g)
{
	unsigned int i;

	pt_block_write(&ns, FIRST, 64, gen);
	for (i = 0; i < 4; i++)
		set(&a->cmds[i], PT_WRITE, FIRST + 8 * i, 2,
		    a->data + 4096 * i);
	*g = whole(a, 4);
}

static void refused(struct pt_ring *r, int fd, struct arena *a,
		    const struct nvme_steer_group *g, unsigned int how,
		    const char *what, int expected, int at)
{
	uint64_t routed = steer_event(ns.ctrl, "routed"), result = 1;
	int i, ret;

	for (i = 0; i < 4; i++)
		a->cmds[i].status = UNTOUCHED;
	ret = do_group_how(r, fd, g, how, &result);
	test_check(ret == expected, "%s: %d, expected %d", what, ret, expected);
	test_check(!result, "%s: result %#jx", what, result);
	for (i = 0; i < 4; i++)
		test_check(a->cmds[i].status ==
				   (at < 0 ? UNTOUCHED :
				    i == at ? expected : -ECANCELED),
			   "%s: command %d has status %d", what, i,
			   a->cmds[i].status);
	test_check(steer_event(ns.ctrl, "routed") == routed,
		   "%s: something was sent", what);
	pt_block_check(&ns, FIRST, 64, gen);
}

static void malformed(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	unsigned int i, n;

	test_step("malformed groups");
	steer_answer(&policy, 1, 2);
	arena_init(&a, 64, 1 << 16);
	ring_init(&r, 0, &a);
	for (n = 0; n < 4; n++) {
		for (i = 0; i < ARRAY_LEN(bads); i++) {
			four_writes(&a, &g);
			bads[i].spoil(&a, &g);
			refused(&r, ns.fd, &a, &g, PT_FIXED, bads[i].what,
				bads[i].ret, bads[i].at);
		}
		/* the same, unspoilt, works: and is kept the next time */
		four_writes(&a, &g);
		good(&r, &g, PT_FIXED, "the group that is spoilt");
		gen++;
	}
	four_writes(&a, &g);
	refused(&r, ns.fd, &a, &g, 0, "no registered buffer", -EINVAL, -1);
	pt_ring_exit(&r);
	arena_free(&a);
}

static void answers(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r, poll;

	test_step("answers of the policy");
	arena_init(&a, 64, 1 << 16);
	ring_init(&r, 0, &a);
	ring_init(&poll, PT_IOPOLL, &a);
	four_writes(&a, &g);
	steer_answer(&policy, NVME_STEER_DEFAULT, NVME_STEER_DEFAULT);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "the driver's own path",
		-EOPNOTSUPP, 0);
	refused(&poll, ns.fd, &a, &g, PT_FIXED, "the driver's own path",
		-EOPNOTSUPP, 0);
	steer_answer(&policy, -EPERM, -EPERM);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "refused", -EPERM, 0);
	steer_answer(&policy, 2, 2);
	refused(&r, ns.fd, &a, &g, PT_FIXED,
		"a polled queue for a ring that does not poll", -EOPNOTSUPP, 0);
	steer_answer(&policy, 9, 9);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "no such queue", -EOPNOTSUPP, 0);
	steer_answer_spread(&policy, 5, 2, 5, 2);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "different queues", -EXDEV, 1);
	steer_answer(&policy, 1, 2);
	good(&r, &g, PT_FIXED, "a fit answer");
	good(&poll, &g, PT_FIXED, "a fit answer");
	pt_ring_exit(&r);
	pt_ring_exit(&poll);
	arena_free(&a);
}

static void permission(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	char path[64];
	int fd, status;
	pid_t pid;

	test_step("permission of each command");
	snprintf(path, sizeof(path), "/dev/ng%s", ns.name);
	fd = open(path, O_RDONLY);
	test_check(fd >= 0, "cannot open %s", path);
	arena_init(&a, 64, 1 << 16);
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		ring_init(&r, 0, &a);
		four_writes(&a, &g);
		if (setgid(65534) || setuid(65534))
			test_fail("cannot become nobody");
		refused(&r, fd, &a, &g, PT_FIXED,
			"writes by a file open for reading", -EACCES, 0);
		a.cmds[0].opcode = PT_READ;
		a.cmds[1].opcode = PT_READ;
		refused(&r, fd, &a, &g, PT_FIXED,
			"a write among reads", -EACCES, 2);
		a.cmds[2].opcode = PT_READ;
		a.cmds[3].opcode = 0xc1;
		refused(&r, ns.fd, &a, &g, PT_FIXED,
			"a vendor's command", -EACCES, 3);
		a.cmds[3].opcode = PT_READ;
		test_check(!do_group_how(&r, fd, &g, PT_FIXED, NULL), "reads");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "child ended with %#x", status);
	close(fd);
	arena_free(&a);
}

/*
 * Another thread turns the array over and over while it is submitted. A read
 * of one block into its place is all that may ever be accepted: the memory
 * behind the place is canaries, the part of the buffer in use ends there, and
 * the device holds what it held.
 */
struct spoiler {
	struct arena *a;
	atomic_bool stop;
};

static void *spoil(void *arg)
{
	struct spoiler *s = arg;
	volatile struct nvme_steer_group_cmd *c = s->a->cmds;
	uint32_t x = 1;

	while (!s->stop) {
		uintptr_t addr;
		unsigned int i;

		x = x * 1664525 + 1013904223;
		i = x >> 29;
		addr = (uintptr_t)s->a->data + 4096 * (2 * i + 1) - 512;
		switch (x >> 8 & 7) {
		case 0:
		case 1:
			/* never a length and a count that belong together */
			if (i & 1) {
				c[i].cdw12 = 7;
				c[i].cdw12 = 0;
			} else {
				c[i].data_len = 4096;
				c[i].data_len = 512;
			}
			break;
		case 2:
			c[i].addr = addr + 1;
			c[i].addr = addr;
			break;
		case 3:
			c[i].nsid++;
			c[i].nsid--;
			break;
		case 4:
			c[i].flags = 0x40;
			c[i].flags = 0;
			break;
		case 5:
			c[i].opcode = PT_WRITE_ZEROES;
			c[i].opcode = PT_READ;
			break;
		case 6:
			c[i].rsvd = 0xffff;
			c[i].rsvd = 0;
			break;
		case 7:
			c[i].addr = -512UL;
			c[i].addr = addr;
			break;
		}
	}
	return NULL;
}

static void changing(unsigned int mode, int queue)
{
	unsigned int i, n, count = test_env("COUNT", 3000);
	unsigned int accepted = 0, rejected = 0;
	struct nvme_steer_group g;
	struct spoiler s = { };
	pthread_t thread;
	struct arena a;
	struct pt_ring r;

	test_step("an array that changes while it is submitted, %s ring",
		  pt_mode_name(mode));
	steer_answer(&policy, queue, queue);
	arena_init(&a, 8, 16 * 4096);
	ring_init(&r, mode, &a);
	pt_block_write(&ns, FIRST, 64, gen);
	for (i = 0; i < 8; i++)
		set(&a.cmds[i], PT_READ, FIRST + i, 1,
		    a.data + 4096 * (2 * i + 1) - 512);
	g = whole(&a, 8);
	s.a = &a;
	test_check(!pthread_create(&thread, NULL, spoil, &s), "no thread");
	for (n = 0; n < count; n++) {
		int ret = do_group(&r, &g, NULL);

		test_check(!ret || ret == -EINVAL || ret == -EFAULT ||
			   ret == -EACCES || ret > 0, "group: %d", ret);
		if (ret)
			rejected++;
		else
			accepted++;
		for (i = 0; i < 8; i++)
			test_check(canary(a.data + 4096 * (2 * i + 1), 4096),
				   "memory behind a buffer was written");
	}
	s.stop = true;
	pthread_join(thread, NULL);
	printf("# %u groups accepted, %u refused\n", accepted, rejected);
	test_check(accepted && rejected, "the array was not changed in time");
	pt_block_check(&ns, FIRST, 64, gen);
	gen++;
	pt_ring_exit(&r);
	arena_free(&a);
}

/* --------------------------------------------------------- resets and exits */

struct submitter {
	pthread_t thread;
	unsigned int nr;
	unsigned int mode;
	atomic_bool *stop;
	atomic_ulong *groups;
	uint64_t good, cancelled, unsent, refused;
};

enum { RESET_NR = 40, RESET_GROUPS = 3 };

/* Each block's generation is known, or was in flight when it was cancelled. */
static void check_blocks(struct arena *a, struct submitter *s,
			 struct nvme_steer_group_cmd *c, uint64_t first,
			 uint64_t *is, uint64_t tried)
{
	unsigned int i;

	pt_block_read(&ns, a->data + (c - a->cmds) * 512, first, RESET_NR);
	for (i = 0; i < RESET_NR; i++) {
		uint8_t *block = a->data + (c - a->cmds + i) * 512;

		if (c[i].status == 0) {
			is[i] = tried;
			s->good++;
		} else if (c[i].status == -EINTR) {
			s->cancelled++;
		} else {
			test_check(c[i].status == -EAGAIN ||
				   c[i].status == -ECANCELED,
				   "command %u: status %d", i, c[i].status);
			s->unsent++;
		}
		if (!pt_block_is(&ns, block, first + i, is[i])) {
			test_check(c[i].status == -EINTR &&
				   pt_block_is(&ns, block, first + i, tried),
				   "block %ju is not what it may be (status %d)",
				   first + i, c[i].status);
			is[i] = tried;
		}
	}
}

static void *submit_until(void *arg)
{
	struct submitter *s = arg;
	uint64_t first = FIRST + s->nr * RESET_GROUPS * RESET_NR, at = 1000;
	uint64_t is[RESET_GROUPS][RESET_NR] = { };
	struct arena a;
	struct pt_ring r;
	unsigned int i, k;

	arena_init(&a, RESET_GROUPS * RESET_NR, RESET_GROUPS * RESET_NR * 512);
	ring_init(&r, s->mode, &a);
	pt_block_write(&ns, first, RESET_GROUPS * RESET_NR, 0);
	while (!*s->stop) {
		int res[RESET_GROUPS];
		uint64_t tag;

		at++;
		for (k = 0; k < RESET_GROUPS; k++) {
			struct nvme_steer_group g = whole(&a, RESET_NR);

			g.cmds += k * RESET_NR * sizeof(*a.cmds);
			g.window = k == 1 ? 7 : 0;
			for (i = 0; i < RESET_NR; i++) {
				unsigned int n = k * RESET_NR + i;

				pt_fill(&ns, a.data + n * 512, first + n, 1, at);
				set(&a.cmds[n], PT_WRITE, first + n, 1,
				    a.data + n * 512);
			}
			queue_group(&r, ns.fd, &g, PT_FIXED, k);
		}
		io_uring_submit(&r.uring);
		for (k = 0; k < RESET_GROUPS; k++)
			res[k] = INT32_MIN;
		for (k = 0; k < RESET_GROUPS; k++) {
			int ret = pt_reap(&r, &tag, NULL);

			test_check(tag < RESET_GROUPS && res[tag] == INT32_MIN,
				   "group %ju ended twice", tag);
			res[tag] = ret;
			++*s->groups;
		}
		for (k = 0; k < RESET_GROUPS; k++) {
			struct nvme_steer_group_cmd *c = a.cmds + k * RESET_NR;

			if (c[0].status == UNTOUCHED) {
				test_check(res[k] == -ENODEV ||
					   res[k] == -EBUSY ||
					   res[k] == -EAGAIN,
					   "nothing sent: %d", res[k]);
				s->refused++;
				for (i = 0; i < RESET_NR; i++)
					c[i].status = -ECANCELED;
			}
			check_blocks(&a, s, c, first + k * RESET_NR, is[k], at);
		}
	}
	pt_ring_exit(&r);
	arena_free(&a);
	return NULL;
}

static bool ctrl_live(void)
{
	char state[32], path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/state", ns.ctrl);
	test_read(path, state, sizeof(state));
	return !strncmp(state, "live", 4);
}

static void resets(void)
{
	static const unsigned int modes[] = { 0, PT_IOPOLL, PT_SQPOLL };
	unsigned long i, count = test_env("RESETS", 12), before;
	struct submitter s[3] = { };
	atomic_ulong groups = 0;
	atomic_bool stop = false;
	uint64_t cancelled = 0;
	char path[64];

	test_step("%lu resets", count);
	steer_answer(&policy, 1, 2);
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/reset_controller",
		 ns.ctrl);
	for (i = 0; i < 3; i++) {
		s[i].nr = i;
		s[i].mode = modes[i];
		s[i].stop = &stop;
		s[i].groups = &groups;
		test_check(!pthread_create(&s[i].thread, NULL, submit_until,
					   &s[i]), "no thread");
	}
	for (i = 0; i < count; i++) {
		int ret;

		before = groups;
		test_check(test_wait(groups > before + 20, 20000),
			   "no group ended for 20 s before reset %lu", i);
		ret = test_write(path, "1");
		test_check(!ret || ret == -EBUSY, "reset: %s", strerror(-ret));
		test_check(test_wait(ctrl_live(), 20000), "not live");
	}
	before = groups;
	test_check(test_wait(groups > before + 20, 20000),
		   "no group ended after the resets");
	stop = true;
	for (i = 0; i < 3; i++) {
		pthread_join(s[i].thread, NULL);
		printf("#   %s: %ju commands good, %ju cancelled, %ju not sent, %ju groups refused\n",
		       pt_mode_name(s[i].mode), s[i].good, s[i].cancelled,
		       s[i].unsent, s[i].refused);
		cancelled += s[i].cancelled;
	}
	printf("# %ju commands were in flight at a reset\n", cancelled);
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	gen += 100000;
}

/* A process that submits groups and is killed, or just ends. */
static void exits(unsigned int mode, int queue, bool killed)
{
	struct nvme_steer_group g;
	unsigned int n, i;
	struct arena a;
	struct pt_ring r;
	int status;
	pid_t pid;

	test_step("%s with groups in flight, %s ring on queue %d",
		  killed ? "killed" : "ended", pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	for (n = 0; n < 10; n++) {
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "cannot fork");
		if (!pid) {
			arena_init(&a, 256, 256 * 512);
			ring_init(&r, mode, &a);
			for (i = 0; i < 256; i++)
				set(&a.cmds[i], PT_READ, FIRST + i, 1,
				    a.data + i * 512);
			g = whole(&a, 256);
			g.window = n & 1 ? 3 : 0;
			do {
				for (i = 0; i < 8; i++)
					queue_group(&r, ns.fd, &g, PT_FIXED, i);
				if (mode & PT_SQPOLL)
					io_uring_submit(&r.uring);
				else
					pt_submit_only(&r);
				usleep(1000 * (n % 4));
				io_uring_cq_advance(&r.uring,
						    io_uring_cq_ready(&r.uring));
			} while (killed);
			_exit(0);
		}
		if (killed) {
			usleep(20000 + 3000 * n);
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
		test_check(killed ? WIFSIGNALED(status) : !status,
			   "child ended with %#x", status);
	}
	test_check(steer_wait_idle(ns.ctrl, 10000), "commands left in flight");
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
		ring_init(&r, mode, &a);
		for (i = 0; i < 5; i++)
			round_trip(&r, &a, 32, 8, 0, PT_FIXED, i == 4 ? 5 : 0);
		pt_ring_exit(&r);
		arena_free(&a);
	}
	pt_close(&ns);
}

static void without(const char *what)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	int ret;

	test_step("%s", what);
	arena_init(&a, 8, 1 << 16);
	ring_init(&r, 0, &a);
	four_writes(&a, &g);
	ret = do_group(&r, &g, NULL);
	test_check(ret == -ENOTTY, "%s: %d", what, ret);
	pt_block_check(&ns, FIRST, 64, gen);
	pt_ring_exit(&r);
	arena_free(&a);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL,
			  [5] = NVME_STEER_IRQ, [6] = NVME_STEER_IRQ },
		.depth = { [3] = 6, [4] = 6 },
	};

	test_begin(290);
	pt_open(&ns, PT_WANT_PLAIN);
	without("no policy attached");
	steer_puppet(&policy, ns.ctrl, &config);

	data(0, 1, false);
	data(PT_IOPOLL, 2, false);
	data(PT_SQPOLL, 1, false);
	data(PT_IOPOLL | PT_SQPOLL, 2, false);
	data(PT_IOPOLL, 1, false);
	data(0, 3, true);
	data(PT_IOPOLL, 4, true);
	together(0, 1);
	together(PT_IOPOLL, 2);
	errors(0, 1);
	errors(PT_IOPOLL, 2);
	errors(PT_SQPOLL, 1);
	errors(PT_IOPOLL, 4);
	malformed();
	answers();
	permission();
	changing(0, 1);
	changing(PT_IOPOLL, 2);
	resets();
	exits(0, 1, false);
	exits(PT_IOPOLL, 2, false);
	exits(0, 1, true);
	exits(PT_IOPOLL, 2, true);
	exits(PT_SQPOLL, 1, true);
	steer_detach(&policy);
	without("policy detached");
	pt_close(&ns);
	head();
	test_pass();
}
