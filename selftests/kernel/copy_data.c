// SPDX-License-Identifier: GPL-2.0
/*
 * Copied data is the data: one range to thousands, a block to 64 MiB, within
 * the limits of the controller's Copy command, at them and one beyond, between
 * namespaces, onto itself, and to the last block; by the controller and by
 * reading and writing; on each kind of ring and queue, and on the driver's own
 * path. All of it is compared through the block device, with what is around
 * it, and the events say how it was done.
 *
 * vm: --drives copy
 */
#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB		(1UL << 20)
#define MAX_RANGES	5000

static struct copy_drives drives;
static struct steer_policy policy;
static struct copy copy;

/* Two areas of a namespace: one to copy from, one to copy to. */
struct area {
	struct image from, to;
};

static struct area a, b, small, none;

static const unsigned int all_flags[] = {
	0, NVME_STEER_COPY_F_OFFLOAD, NVME_STEER_COPY_F_EMULATE,
};

static void area_init(struct area *area, struct pt_ns *ns, size_t len)
{
	image_init(&area->to, ns, MIB, len);
	image_init(&area->from, ns, 100 * MIB, len);
}

static void area_free(struct area *area)
{
	image_free(&area->to);
	image_free(&area->from);
}

/* How this copy is to be done, by default. */
static unsigned int by_limits(const struct copy *c)
{
	const struct pt_ns *ns = c->dst->ns;
	struct copy_limits l;
	unsigned int i;

	copy_limits(ns, &l);
	if (!l.formats)
		return NVME_STEER_COPY_EMULATE;
	for (i = 0; i < c->cmd.nr; i++) {
		if (c->src[i]->ns != ns && !l.cross_ns)
			return NVME_STEER_COPY_EMULATE;
		if (c->range[i].len >> ns->shift > l.mssrl)
			return NVME_STEER_COPY_SPLIT;
	}
	if (c->cmd.nr > l.msrc || c->len >> ns->shift > l.mcl)
		return NVME_STEER_COPY_SPLIT;
	return NVME_STEER_COPY_OFFLOAD;
}

/* One copy, by the path its flags and the limits say; counted by events. */
static void good(struct pt_ring *r, const char *what)
{
	unsigned int path = by_limits(&copy);
	struct copy_events e;
	char text[192];

	snprintf(text, sizeof(text), "%s, flags %#x", what, copy.cmd.flags);
	if (copy.cmd.flags & NVME_STEER_COPY_F_EMULATE) {
		path = NVME_STEER_COPY_EMULATE;
	} else if (path == NVME_STEER_COPY_EMULATE &&
		   copy.cmd.flags & NVME_STEER_COPY_F_OFFLOAD) {
		copy_refused(r, &copy, -EOPNOTSUPP, text);
		return;
	}
	copy_events(copy.dst->ns->ctrl, &e);
	copy_good(r, &copy, path, text);
	copy_events_check(copy.dst->ns->ctrl, &e, &copy, text);
}

/* @nr ranges of @blocks blocks. */
static void shape(struct pt_ring *r, struct image *dst, struct image *src,
		  unsigned int nr, unsigned int blocks, unsigned int flags)
{
	size_t len = (size_t)nr * blocks << dst->ns->shift;
	static unsigned int turn;
	size_t at = (turn++ & 1 ? 7 : 1) << dst->ns->shift;
	char what[128];

	snprintf(what, sizeof(what), "%u ranges of %u blocks, ng%s to ng%s",
		 nr, blocks, src->ns->name, dst->ns->name);
	test_check(at + len < dst->len, "the area is too small");
	/* what the last one put there would hide that this one does nothing */
	image_refill(dst, at, len);
	copy_begin(&copy, dst, at, flags);
	copy_add_many(&copy, src, nr, (size_t)blocks << src->ns->shift);
	good(r, what);
}

static uint64_t submitted(int queue)
{
	struct steer_queues qs;

	steer_queues(drives.a.ctrl, &qs);
	return qs.q[queue].submitted;
}

static void on_way(unsigned int mode, int route, bool all)
{
	static const struct {
		unsigned int nr, blocks;
	} shapes[] = {
		{ 1, 1 }, { 8, 3 }, { 128, 1 }, { 130, 1 }, { 2, 129 },
		/* not on all */
		{ 2, 1 }, { 1, 8 }, { 1, 127 }, { 1, 128 }, { 1, 129 },
		{ 127, 1 }, { 129, 1 }, { 256, 2 }, { 16, 8 }, { 17, 8 },
		{ 2, 64 }, { 3, 64 }, { 1, 2000 },
		/* one block more than all may have together, and no more */
		{ 3, 43 },
	};
	bool unfit = route == 2 && !(mode & PT_IOPOLL);
	uint64_t before, asked, bad;
	struct pt_ring r;
	unsigned int i, f;

	test_step("%s ring, queue %d", pt_mode_name(mode), route);
	pt_ring_init(&r, 16, mode);
	policy.state->copy_route = route;
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		for (i = 0; i < (all ? ARRAY_LEN(shapes) : 5); i++) {
			before = submitted(unfit ? 0 : route);
			asked = policy.state->copy_routed;
			bad = steer_event(drives.a.ctrl, "bad_mode");
			shape(&r, &a.to, (i + f) & 1 ? &b.from : &a.from,
			      shapes[i].nr, shapes[i].blocks, all_flags[f]);
			test_check(submitted(unfit ? 0 : route) > before,
				   "nothing on queue %d", unfit ? 0 : route);
			test_check(policy.state->copy_routed == asked + 1,
				   "asked %ju times for the queue",
				   (uintmax_t)policy.state->copy_routed -
					   asked);
			test_check(steer_event(drives.a.ctrl, "bad_mode") ==
					   bad + unfit,
				   "event bad_mode does not say so");
		}
	}
	pt_ring_exit(&r);
	policy.state->copy_route = 0;
}

/* Limits that are lower than others, and none at all. */
static void low_limits(struct pt_ring *r)
{
	static const struct {
		unsigned int nr, blocks;
	} shapes[] = {
		{ 1, 8 }, { 1, 9 }, { 2, 8 }, { 3, 8 }, { 4, 4 }, { 4, 1 },
		{ 5, 1 }, { 5, 3 }, { 3, 6 }, { 100, 1 }, { 3, 200 },
	};
	unsigned int i, f;

	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		for (i = 0; i < ARRAY_LEN(shapes); i++) {
			shape(r, &small.to, &small.from, shapes[i].nr,
			      shapes[i].blocks, all_flags[f]);
			shape(r, &none.to, &none.from, shapes[i].nr,
			      shapes[i].blocks, all_flags[f]);
		}
	}
}

/* A limit of the administrator's, below the device's. */
static void max_bytes(struct pt_ring *r)
{
	struct copy_limits l;
	unsigned int f;

	copy_max_bytes(&drives.a, 4096);
	copy_limits(&drives.a, &l);
	test_check(l.max_bytes == 4096, "max_bytes is %llu", l.max_bytes);
	for (f = 0; f < 2; f++) {
		image_refill(&a.to, 512, 64 * 512);
		copy_begin(&copy, &a.to, 512, all_flags[f]);
		copy_add_many(&copy, &a.from, 8, 1024);
		copy_good(r, &copy, NVME_STEER_COPY_SPLIT, "max_bytes 4096");
		image_refill(&a.to, 512, 64 * 512);
		copy_begin(&copy, &a.to, 512, all_flags[f]);
		copy_add_many(&copy, &a.from, 8, 512);
		copy_good(r, &copy, NVME_STEER_COPY_OFFLOAD, "max_bytes 4096");
	}
	copy_max_bytes(&drives.a, 0);
	copy_limits(&drives.a, &l);
	test_check(!l.max_bytes, "max_bytes is %llu", l.max_bytes);
	image_refill(&a.to, 512, 64 * 512);
	copy_begin(&copy, &a.to, 512, 0);
	copy_add_many(&copy, &a.from, 8, 512);
	copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "max_bytes 0");
	copy_max_bytes(&drives.a, ~0ULL);
	copy_limits(&drives.a, &l);
	test_check(l.max_bytes == l.max_hw_bytes, "max_bytes is %llu of %llu",
		   l.max_bytes, l.max_hw_bytes);
}

/* One that overlaps. The controller need not do such a copy by itself. */
static void moved(struct pt_ring *r, const char *what)
{
	copy_do(r, &copy);
	if (copy.cmd.flags & NVME_STEER_COPY_F_OFFLOAD &&
	    copy.res == -EOPNOTSUPP) {
		image_check(copy.dst, what);
		return;
	}
	copy_is_good(&copy, 0, what);
	copy_model(&copy);
	image_check(copy.dst, what);
}

/* Ranges that overlap what is written, by themselves or by others. */
static void overlap(struct pt_ring *r, unsigned int flags)
{
	static const int shifts[] = { 0, 1, -1, 7, -7, 100, -100, 299, -299 };
	static const size_t blocks[] = { 300, 3000 };
	struct image *to = &a.to;
	size_t len, at, k;
	char what[96];
	unsigned int i, n;

	for (n = 0; n < ARRAY_LEN(blocks); n++) {
		for (i = 0; i < ARRAY_LEN(shifts); i++) {
			len = blocks[n] * 512;
			at = 310 * 512;
			snprintf(what, sizeof(what),
				 "a range of %zu blocks moved by %d, flags %#x",
				 blocks[n], shifts[i], flags);
			image_refill(to, at - 300 * 512, len + 600 * 512);
			copy_begin(&copy, to, at + shifts[i] * 512, flags);
			copy_add_fd(&copy, to, at, len, -1);
			moved(r, what);
		}
	}

	/* each writes what the next ones read */
	image_refill(to, 0, 512 * 512);
	copy_begin(&copy, to, 512, flags);
	for (i = 0; i < 300; i++)
		copy_add_fd(&copy, to, i * 512, 512, -1);
	moved(r, "a block carried on by 300 ranges");

	/* the last ones read what the first ones wrote, elsewhere */
	image_refill(to, 0, MIB);
	copy_begin(&copy, to, 100 * 512, flags);
	for (i = 0; i < 40; i++) {
		k = (i * 37 % 200) * 512;
		copy_add_fd(&copy, to, k, (1 + i % 9) * 512, -1);
	}
	moved(r, "ranges here and there");

	/* in turn from elsewhere */
	image_refill(to, 0, MIB);
	copy_begin(&copy, to, 64 * 512, flags);
	for (i = 0; i < 40; i++) {
		if (i & 1)
			copy_add_fd(&copy, to, (60 + i * 3) * 512, 4 * 512, -1);
		else
			copy_add(&copy, &b.from, i * 8 * 512, 5 * 512);
	}
	moved(r, "ranges of two namespaces");

	/* backwards: nothing is in the way of the range before */
	image_refill(to, 0, MIB);
	copy_begin(&copy, to, 0, flags);
	for (i = 0; i < 100; i++)
		copy_add_fd(&copy, to, (i + 3) * 512, 512, -1);
	moved(r, "blocks moved down by three");
}

/* The last blocks of a namespace, and one more. */
static void end(struct pt_ring *r)
{
	uint64_t size = drives.a.nr_blocks << drives.a.shift;
	struct image last;
	unsigned int f;

	image_init(&last, &drives.a, size - 256 * 512, 256 * 512);
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		image_refill(&last, 0, last.len);
		copy_begin(&copy, &last, 255 * 512, all_flags[f]);
		copy_add(&copy, &a.from, 0, 512);
		copy_good(r, &copy, 0, "to the last block");
		copy_begin(&copy, &last, 100 * 512, all_flags[f]);
		copy_add_many(&copy, &b.from, 52, 3 * 512);
		copy_good(r, &copy, 0, "to the last blocks");
		copy_begin(&copy, &a.to, 512, all_flags[f]);
		copy_add(&copy, &last, 255 * 512, 512);
		copy_good(r, &copy, 0, "from the last block");

		copy_begin(&copy, &last, 255 * 512, all_flags[f]);
		copy_add(&copy, &a.from, 0, 1024);
		copy_refused(r, &copy, -EINVAL, "to beyond the end");
		copy_begin(&copy, &a.to, 512, all_flags[f]);
		copy_add(&copy, &a.from, 0, 512);
		copy_add(&copy, &last, 255 * 512, 1024);
		copy_refused(r, &copy, -EINVAL, "from beyond the end");
	}
	image_free(&last);
}

static void large(struct pt_ring *r)
{
	struct area area;
	uint64_t start;
	unsigned int f;

	area_init(&area, &drives.b, 65 * MIB);
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		start = test_now_ms();
		shape(r, &area.to, &area.from, MAX_RANGES, 3, all_flags[f]);
		printf("#   %u ranges: %s, %ju ms with the checks\n", MAX_RANGES,
		       copy_path_name(copy.path), test_now_ms() - start);
	}
	for (f = 0; f < ARRAY_LEN(all_flags); f += 2) {
		image_refill(&area.to, 0, area.to.len);
		copy_begin(&copy, &area.to, 4096, all_flags[f]);
		copy_add(&copy, &area.from, 512, 64 * MIB);
		start = test_now_ms();
		copy_do(r, &copy);
		printf("#   64 MiB: %s, %ju ms\n", copy_path_name(copy.path),
		       test_now_ms() - start);
		copy_is_good(&copy, f ? NVME_STEER_COPY_EMULATE :
				    NVME_STEER_COPY_SPLIT, "64 MiB");
		copy_model(&copy);
		image_check(&area.to, "64 MiB");
	}
	area_free(&area);
}

/* Many at a time in a ring, and in their completions' order. */
static void together(unsigned int mode, int route)
{
	enum { NR = 24 };
	static struct copy c[NR];
	struct pt_ring r;
	uint64_t tag, result;
	unsigned int i, seen = 0;
	int res;

	test_step("%d at once, %s ring, queue %d", NR, pt_mode_name(mode),
		  route);
	pt_ring_init(&r, 32, mode);
	policy.state->copy_route = route;
	image_refill(&a.to, 0, a.to.len);
	for (i = 0; i < NR; i++) {
		if (!c[i].range)
			copy_init(&c[i], 64);
		copy_begin(&c[i], &a.to, i * 65536, all_flags[i % 2 * 2]);
		copy_add_many(&c[i], i & 1 ? &a.from : &b.from, 1 + i * 2,
			      (1 + i % 2) * 512);
		c[i].cmd.depth = i % 4;
		copy_queue(&r, &c[i], i % 7 == 3 ? PT_ASYNC : 0, i);
	}
	test_check(io_uring_submit(&r.uring) >= 0, "submit");
	for (i = 0; i < NR; i++) {
		res = pt_reap(&r, &tag, &result);
		test_check(tag < NR && !(seen >> tag & 1),
			   "copy %ju ended twice", tag);
		seen |= 1U << tag;
		copy_ended(&c[tag], res, result);
		copy_is_good(&c[tag], 0, "one of many");
		copy_model(&c[tag]);
	}
	test_check(!io_uring_cq_ready(&r.uring), "a completion too many");
	image_check(&a.to, "many");
	pt_ring_exit(&r);
	policy.state->copy_route = 0;
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
		.depth = { [3] = 2, [4] = 2 },
	};
	struct pt_ring ring, poll;
	unsigned int f;

	test_begin(170);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	area_init(&a, &drives.a, 2 * MIB);
	area_init(&b, &drives.b, 2 * MIB);
	area_init(&small, &drives.small, 512 * 1024);
	area_init(&none, &drives.none, 512 * 1024);
	copy_init(&copy, MAX_RANGES);
	pt_ring_init(&ring, 16, 0);
	pt_ring_init(&poll, 16, PT_IOPOLL);

	on_way(0, 0, true);
	on_way(0, 1, true);
	on_way(PT_IOPOLL, 2, true);
	on_way(PT_IOPOLL, 0, false);
	on_way(PT_IOPOLL, 1, false);
	on_way(PT_SQPOLL, 1, false);
	on_way(PT_SQPOLL | PT_IOPOLL, 2, false);
	on_way(0, 2, false);
	on_way(0, 3, false);
	on_way(PT_IOPOLL, 4, false);

	test_step("low limits");
	low_limits(&ring);
	test_step("copy_max_bytes");
	max_bytes(&ring);
	test_step("the end of a namespace");
	end(&ring);
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		test_step("ranges that overlap, flags %#x", all_flags[f]);
		overlap(&ring, all_flags[f]);
		policy.state->copy_route = 2;
		overlap(&poll, all_flags[f]);
		policy.state->copy_route = 0;
	}
	together(0, 0);
	together(0, 1);
	together(PT_IOPOLL, 2);
	together(PT_IOPOLL, 4);
	test_step("large ones");
	policy.state->copy_route = 1;
	large(&ring);
	test_pass();
}
