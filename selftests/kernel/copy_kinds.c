// SPDX-License-Identifier: GPL-2.0
/*
 * Copies between namespaces of unlike kinds: blocks of 512 bytes and 4 KiB,
 * other controllers with a policy and without, several of each in one copy, a
 * namespace with two paths, and zones; those with metadata are copy_meta's. The
 * policy of the destination's controller is asked.
 *
 * vm: --drives copy
 */
#include <linux/blkzoned.h>
#include <sys/ioctl.h>

#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct steer_policy policy, other_policy;
static struct image a, a_from, b_from, large, large_from, other, other_from;
static struct copy copy;

static const unsigned int all_flags[] = {
	0, NVME_STEER_COPY_F_OFFLOAD, NVME_STEER_COPY_F_EMULATE,
};

static void block_sizes(struct pt_ring *r)
{
	struct copy_events e;
	unsigned int f;

	test_step("sizes of blocks, %s ring", pt_mode_name(r->mode));
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		bool emulate = all_flags[f] & NVME_STEER_COPY_F_EMULATE;

		image_refill(&large, 0, large.len);
		copy_begin(&copy, &large, 4096, all_flags[f]);
		copy_add_many(&copy, &large_from, 30, 8192);
		copy_good(r, &copy, emulate ? NVME_STEER_COPY_EMULATE :
					      NVME_STEER_COPY_OFFLOAD,
			  "4 KiB to 4 KiB");
		image_refill(&large, 0, large.len);
		copy_begin(&copy, &large, 8192, all_flags[f]);
		copy_add_many(&copy, &large_from, 130, 4096);
		copy_good(r, &copy, emulate ? NVME_STEER_COPY_EMULATE :
					      NVME_STEER_COPY_SPLIT,
			  "4 KiB to 4 KiB, long");

		copy_begin(&copy, &large, 4096, all_flags[f]);
		copy_add(&copy, &a_from, 512, 8192);
		if (all_flags[f] & NVME_STEER_COPY_F_OFFLOAD) {
			copy_refused(r, &copy, -EOPNOTSUPP, "512 B to 4 KiB");
			copy_begin(&copy, &a, 4096, all_flags[f]);
			copy_add(&copy, &large_from, 4096, 8192);
			copy_refused(r, &copy, -EOPNOTSUPP, "4 KiB to 512 B");
			continue;
		}
		image_refill(&large, 0, large.len);
		copy_begin(&copy, &large, 4096, all_flags[f]);
		copy_add_many(&copy, &a_from, 50, 4096);
		copy_add(&copy, &a_from, 512 * 13, 65536 + 8192);
		copy_events(large.ns->ctrl, &e);
		copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "512 B to 4 KiB");
		copy_events_check(large.ns->ctrl, &e, &copy, "512 B to 4 KiB");
		image_refill(&a, 0, a.len);
		copy_begin(&copy, &a, 512, all_flags[f]);
		copy_add_many(&copy, &large_from, 50, 4096);
		copy_add(&copy, &large_from, 4096 * 13, 65536 + 8192);
		copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "4 KiB to 512 B");
	}

	/* no whole blocks of the one or the other */
	copy_begin(&copy, &large, 4096, 0);
	copy_add(&copy, &a_from, 512, 2048);
	copy_add(&copy, &a_from, 8192, 2048);
	copy_refused(r, &copy, -EINVAL, "half blocks");
	copy_begin(&copy, &large, 512, 0);
	copy_add(&copy, &a_from, 512, 4096);
	copy_refused(r, &copy, -EINVAL, "to within a block");
	copy_begin(&copy, &a, 512, 0);
	copy_add(&copy, &large_from, 512, 4096);
	copy_refused(r, &copy, -EINVAL, "from within a block");
	copy_begin(&copy, &a, 512, 0);
	copy_add(&copy, &large_from, 4096, 512);
	copy_refused(r, &copy, -EINVAL, "a part of a block");
}

static void controllers(struct pt_ring *r, bool both)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	uint64_t asked, other_asked = 0;
	struct copy_events e;

	test_step("controllers, %s ring%s", pt_mode_name(r->mode),
		  both ? ", both with policies" : "");
	if (both) {
		steer_puppet_copy(&other_policy, drives.other.ctrl, &config);
		other_policy.state->copy_route = r->mode ? 2 : 1;
	}
	policy.state->copy_route = r->mode ? 2 : 1;
	asked = policy.state->copy_routed;
	if (both)
		other_asked = other_policy.state->copy_routed;
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &other_from, 40, 2048);
	copy_events(a.ns->ctrl, &e);
	copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "another controller's");
	copy_events_check(a.ns->ctrl, &e, &copy, "another controller's");
	test_check(policy.state->copy_routed == asked + 1,
		   "the policy was asked %ju times",
		   (uintmax_t)policy.state->copy_routed - asked);
	test_check(policy.state->copy.flags & NVME_STEER_COPY_CROSS_CTRL,
		   "flags %#x", policy.state->copy.flags);
	test_check(!both || (other_policy.state->copy_routed == other_asked &&
			     !other_policy.state->copies),
		   "the source's policy was asked");

	/* some of it is the controller's own */
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &a_from, 4, 2048);
	copy_add_many(&copy, &other_from, 4, 2048);
	copy_add_many(&copy, &b_from, 4, 2048);
	copy_add(&copy, &other_from, 0, 512);
	copy_add(&copy, &large_from, 0, 8192);
	copy_add(&copy, &a_from, 0, 100 * 512);
	copy_events(a.ns->ctrl, &e);
	copy_trace();
	copy_good(r, &copy, NVME_STEER_COPY_HYBRID, "of three drives");
	copy_events_check(a.ns->ctrl, &e, &copy, "of three drives");
	copy_trace_check(&copy, 0, NVME_STEER_COPY_WHY_CTRL, "of three drives");
	copy_begin(&copy, &a, 512, NVME_STEER_COPY_F_EMULATE);
	image_refill(&a, 0, a.len);
	copy_add_many(&copy, &a_from, 4, 2048);
	copy_add_many(&copy, &other_from, 4, 2048);
	copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "emulated");
	copy_begin(&copy, &a, 512, NVME_STEER_COPY_F_OFFLOAD);
	copy_add_many(&copy, &a_from, 4, 2048);
	copy_add_many(&copy, &other_from, 4, 2048);
	copy_refused(r, &copy, -EOPNOTSUPP, "offloaded");

	if (both) {
		/* the other way */
		image_refill(&other, 0, other.len);
		copy_begin(&copy, &other, 512, 0);
		copy_add_many(&copy, &a_from, 40, 2048);
		copy_add_many(&copy, &large_from, 4, 8192);
		copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "the other way");
		/* and only the destination's policy has a say */
		policy.state->copy_route = -EPERM;
		copy_begin(&copy, &a, 512, 0);
		copy_add(&copy, &a_from, 512, 512);
		copy_add(&copy, &other_from, 512, 512);
		copy_refused(r, &copy, -EPERM, "refused");
		steer_detach(&other_policy);
	}
	policy.state->copy_route = 0;
}

/*
 * Ranges of the destination's own namespace after others'. This emulator reads
 * such a range of a Copy command from the namespace before it.
 */
static void own_after_others(struct pt_ring *r)
{
	unsigned int i;

	test_step("namespaces in turn");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &b_from, 3, 1024);
	copy_add_many(&copy, &a_from, 3, 1024);
	copy_good(r, &copy, 0, "own after others");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	for (i = 0; i < 200; i++)
		copy_add(&copy, i & 2 ? &b_from : &a_from, i * 4096, 512);
	copy_good(r, &copy, 0, "in turn");
}

/* Overlaps within a copy that is of several namespaces, sizes of blocks too. */
static void mixed_overlap(struct pt_ring *r)
{
	unsigned int i;

	test_step("several namespaces and an overlap");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 100 * 512, 0);
	for (i = 0; i < 12; i++) {
		copy_add(&copy, &other_from, i * 1024, 1024);
		copy_add(&copy, &a, (95 + 8 * i) * 512, 2048);
		copy_add(&copy, &large_from, i * 8192, 4096);
	}
	copy_good(r, &copy, 0, "several namespaces and an overlap");
}

static void head(struct pt_ring *r)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	static struct steer_policy p[2];
	struct image from, to;
	struct pt_ns ns;
	unsigned int i;

	pt_open(&ns, PT_WANT_HEAD);
	test_step("two paths, ng%s", ns.name);
	steer_puppet_copy(&p[0], ns.ctrl, &config);
	steer_puppet_copy(&p[1], ns.ctrl2, &config);
	p[0].state->copy_route = p[1].state->copy_route = 1;
	image_init(&from, &ns, 50 * MIB, MIB);
	image_init(&to, &ns, MIB, MIB);
	for (i = 0; i < 8; i++) {
		image_refill(&to, 0, to.len);
		copy_begin(&copy, &to, 512, all_flags[i % 3]);
		copy_add_many(&copy, &from, 100, 4096);
		if (all_flags[i % 3] & NVME_STEER_COPY_F_OFFLOAD) {
			copy_good(r, &copy, 0, "a head, offloaded");
			continue;
		}
		copy_add_many(&copy, &a_from, 10, 4096);
		copy_good(r, &copy, 0, "a head");
	}
	steer_detach(&p[0]);
	steer_detach(&p[1]);
	copy_begin(&copy, &to, 512, 0);
	copy_add_many(&copy, &from, 10, 4096);
	copy_refused(r, &copy, -ENOTTY, "a head without a policy");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &from, 10, 4096);
	copy_good(r, &copy, NVME_STEER_COPY_EMULATE, "from a head");
	image_free(&from);
	image_free(&to);
	pt_close(&ns);
}

/* ------------------------------------------------------------------- zones */

static void reset_zone(struct pt_ns *ns, unsigned int zone)
{
	struct blk_zone_range range = {
		.sector = zone * (MIB / 512), .nr_sectors = MIB / 512,
	};

	test_check(!ioctl(ns->block_fd, BLKRESETZONE, &range),
		   "cannot reset zone %u: %s", zone, strerror(errno));
}

/* What was copied to a zone from its beginning is this. */
static void zone_is(struct pt_ns *ns, unsigned int zone, const uint8_t *want,
		    size_t len, const char *what)
{
	uint8_t *got = test_alloc(len);

	pt_block_read(ns, got, zone * (MIB / 512), len / 512);
	test_check(!memcmp(want, got, len), "%s: wrong data in zone %u", what,
		   zone);
	free(got);
}

/* Append to a zone at @at; the cqe->res. */
static int zone_copy(struct pt_ring *r, struct pt_ns *ns, size_t at,
		     unsigned int nr, size_t len, unsigned int flags,
		     uint8_t *want)
{
	struct image whole = { .ns = ns };
	unsigned int i;

	copy_begin(&copy, &whole, 0, flags);
	copy.cmd.dst = at;
	copy_add_many(&copy, &a_from, nr, len);
	copy_do(r, &copy);
	for (i = 0; want && !copy.res && i < nr; i++)
		memcpy(want + at % MIB + i * len,
		       a_from.want + copy.src_at[i], len);
	return copy.res;
}

static void zones(struct pt_ring *r)
{
	uint8_t *want = test_alloc(MIB);
	struct pt_ns ns;
	unsigned int f, zone;
	int ret;

	copy_open(&ns, "copies", 8);
	test_step("zones, ng%s, %s ring", ns.name, pt_mode_name(r->mode));
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		zone = 2 + 2 * f;
		reset_zone(&ns, zone);
		ret = zone_copy(r, &ns, zone * MIB, 3, 4096, all_flags[f],
				want);
		test_check(!ret, "to an empty zone: %#x", ret);
		ret = zone_copy(r, &ns, zone * MIB + 12288, 200, 2048,
				all_flags[f], want);
		test_check(!ret, "to the write pointer: %#x", ret);
		copy_is_good(&copy, 0, "a zone");
		printf("#   200 ranges, flags %#x: %s\n", all_flags[f],
		       copy_path_name(copy.path));
		test_check(policy.state->copy.flags & NVME_STEER_COPY_ORDERED,
			   "copy() was not told that it goes to a zone");
		zone_is(&ns, zone, want, 12288 + 200 * 2048, "a zone");

		/* not where the write pointer is */
		ret = zone_copy(r, &ns, zone * MIB + 4096, 3, 4096,
				all_flags[f], NULL);
		test_check(ret == COPY_SC_ZONE_WRITE ||
			   (ret & 0x7ff) == COPY_SC_ZONE_WRITE,
			   "before the write pointer: %#x", ret);
		test_check(!copy.bytes, "%ju bytes were copied", copy.bytes);
		zone_is(&ns, zone, want, 12288 + 200 * 2048, "not a copy");

		/* beyond its end; the next one is not empty */
		reset_zone(&ns, zone);
		reset_zone(&ns, zone + 1);
		ret = zone_copy(r, &ns, (zone + 1) * MIB, 1, 512, all_flags[f],
				NULL);
		test_check(!ret, "to the next zone: %#x", ret);
		ret = zone_copy(r, &ns, zone * MIB, 16, 65536 - 512,
				all_flags[f], want);
		test_check(!ret, "to most of a zone: %#x", ret);
		ret = zone_copy(r, &ns, zone * MIB + 16 * (65536 - 512), 3,
				16 * 512, all_flags[f], NULL);
		test_check(ret > 0, "beyond the end of a zone: %d", ret);
		printf("#   beyond its end, flags %#x: %#x, %ju bytes done\n",
		       all_flags[f], ret, copy.bytes);
		test_check(copy.bytes <= 16 * 512, "%ju bytes", copy.bytes);
		zone_is(&ns, zone, want, 16 * (65536 - 512), "not a copy");
	}
	/* from a zone */
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	{
		struct image zoned = {
			.ns = &ns, .from = 4 * MIB, .len = MIB / 2,
			.want = test_alloc(MIB / 2), .got = test_alloc(MIB / 2),
		};

		image_read(&zoned);
		copy_add_many(&copy, &zoned, 50, 4096);
		copy_good(r, &copy, 0, "from a zone");
		image_free(&zoned);
	}
	free(want);
	pt_close(&ns);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct pt_ring ring, poll;

	test_begin(120);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	image_init(&a, &drives.a, MIB, MIB);
	image_init(&a_from, &drives.a, 9 * MIB, 2 * MIB);
	image_init(&b_from, &drives.b, 9 * MIB, MIB);
	image_init(&large, &drives.large, MIB, 2 * MIB);
	image_init(&large_from, &drives.large, 9 * MIB, 2 * MIB);
	image_init(&other, &drives.other, MIB, MIB);
	image_init(&other_from, &drives.other, 9 * MIB, MIB);
	copy_init(&copy, 1024);
	pt_ring_init(&ring, 16, 0);
	pt_ring_init(&poll, 16, PT_IOPOLL);

	block_sizes(&ring);
	policy.state->copy_route = 2;
	block_sizes(&poll);
	controllers(&ring, false);
	controllers(&ring, true);
	controllers(&poll, false);
	controllers(&poll, true);
	own_after_others(&ring);
	mixed_overlap(&ring);
	head(&ring);
	zones(&ring);
	policy.state->copy_route = 1;
	zones(&ring);
	policy.state->copy_route = 2;
	zones(&poll);
	test_pass();
}
