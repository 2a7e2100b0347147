// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of every kind, a few of each, in a short time: asynchronous ones of
 * character and block devices, and NVMe Copy commands by uring_cmd and ioctl,
 * by the controller in one command and in several, read and written, both, on
 * steer queues and on the driver's own path, to and from other controllers.
 * What is here once is looked at from all sides in copy_data, copy_kinds and
 * copy_nvme; this one is for guests of other kinds: copy_ways_iommu, _ns.
 *
 * vm: --drives copy
 */
#include "copy.h"
#include "copy_cmd.h"
#include "steer.h"
#include "test.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct steer_policy policy, other_policy;
static struct image a, a_from, b_from, none, large, other, other_from;
static struct copy copy;
static uint8_t *list;

/* @nr ranges of @len of each of the sources, to somewhere that is new. */
static void begin(struct image *to, unsigned int flags, unsigned int nr,
		  size_t len, struct image *from, struct image *from2)
{
	image_refill(to, 0, to->len);
	copy_begin(&copy, to, 3 * to->ns->block, flags);
	copy_add_many(&copy, from, nr, len);
	if (from2)
		copy_add_many(&copy, from2, nr, len);
}

static void async(struct pt_ring *r, bool block)
{
	static const struct {
		struct image *to, *from, *from2;
		unsigned int flags, nr;
		size_t len;
		unsigned int path;
	} kinds[] = {
		{ &a, &a_from, NULL, 0, 1, 512, NVME_STEER_COPY_OFFLOAD },
		{ &a, &a_from, NULL, NVME_STEER_COPY_F_OFFLOAD, 64, 1024,
		  NVME_STEER_COPY_OFFLOAD },
		{ &a, &b_from, NULL, NVME_STEER_COPY_F_OFFLOAD, 1, 65536,
		  NVME_STEER_COPY_OFFLOAD },
		{ &a, &b_from, &a_from, 0, 200, 1536, NVME_STEER_COPY_SPLIT },
		{ &a, &a_from, NULL, 0, 1, MIB / 2, NVME_STEER_COPY_SPLIT },
		{ &a, &a_from, NULL, NVME_STEER_COPY_F_EMULATE, 1, 512,
		  NVME_STEER_COPY_EMULATE },
		{ &a, &b_from, &a_from, NVME_STEER_COPY_F_EMULATE, 200, 1536,
		  NVME_STEER_COPY_EMULATE },
		{ &a, &b_from, NULL, NVME_STEER_COPY_F_EMULATE, 1, MIB - 4096,
		  NVME_STEER_COPY_EMULATE },
		{ &none, &b_from, &none, 0, 10, 512, NVME_STEER_COPY_EMULATE },
		{ &large, &a_from, &large, 0, 10, 8192, 0 },
		{ &a, &other_from, NULL, 0, 1, MIB - 4096,
		  NVME_STEER_COPY_EMULATE },
		{ &a, &other_from, &b_from, 0, 100, 4096,
		  NVME_STEER_COPY_HYBRID },
		{ &other, &a_from, &other_from, 0, 100, 4096,
		  NVME_STEER_COPY_EMULATE },
	};
	unsigned int i;
	char what[64];

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(what, sizeof(what), "kind %u, %s device", i,
			 block ? "block" : "character");
		/* of the destination itself: what is not written */
		if (kinds[i].from2 == kinds[i].to) {
			begin(kinds[i].to, kinds[i].flags, kinds[i].nr,
			      kinds[i].len, kinds[i].from, NULL);
			copy_add(&copy, kinds[i].to, kinds[i].to->len - 65536,
				 32768);
		} else {
			begin(kinds[i].to, kinds[i].flags, kinds[i].nr,
			      kinds[i].len, kinds[i].from, kinds[i].from2);
		}
		if (block)
			copy_by_block(&copy);
		copy_good(r, &copy, kinds[i].path, what);
	}
}

/* NVMe Copy commands, of one controller. */
static void commands(struct pt_ring *r)
{
	static const struct {
		struct image *to, *from, *from2;
		unsigned int nr;
		size_t len;
	} kinds[] = {
		{ &a, &a_from, NULL, 64, 1024 },
		{ &a, &a_from, NULL, 250, 512 },
		{ &a, &a_from, NULL, 2, MIB / 4 },
		/* this emulator takes what is behind another's for the other's */
		{ &a, &a_from, &b_from, 10, 1024 },
		{ &a, &a_from, &b_from, 100, 4096 },
		{ &none, &b_from, NULL, 100, 2048 },
	};
	struct nvme_uring_cmd cmd;
	struct copy_limits l;
	unsigned int i, way;

	copy_limits(&drives.a, &l);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((kinds[i].from2 || kinds[i].to == &none) &&
		    !(l.formats & 4)) {
			printf("# no format 2h\n");
			break;
		}
		for (way = 0; way < 3; way++) {
			begin(kinds[i].to, 0, kinds[i].nr, kinds[i].len,
			      kinds[i].from, kinds[i].from2);
			copy_cmd(&copy, &cmd, list);
			if (way)
				copy_cmd_ioctl(&copy, &cmd, way == 2);
			else
				copy_cmd_do(r, &copy, &cmd);
			copy_is_good(&copy, 0, "an NVMe Copy");
			copy_model(&copy);
			image_check(copy.dst, "an NVMe Copy");
			image_check(kinds[i].from, "an NVMe Copy's source");
		}
	}
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct pt_ring ring, poll;
	int route;

	test_begin(100);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	steer_puppet_copy(&other_policy, drives.other.ctrl, &config);
	image_init(&a, &drives.a, MIB, MIB);
	image_init(&a_from, &drives.a, 9 * MIB, 2 * MIB);
	image_init(&b_from, &drives.b, 9 * MIB, 2 * MIB);
	image_init(&none, &drives.none, MIB, MIB / 2);
	image_init(&large, &drives.large, MIB, MIB / 2);
	image_init(&other, &drives.other, MIB, MIB);
	image_init(&other_from, &drives.other, 9 * MIB, MIB);
	copy_init(&copy, 512);
	list = test_alloc(COPY_CMD_RANGES * 32);
	pt_ring_init(&ring, 8, 0);
	pt_ring_init(&poll, 8, PT_IOPOLL);
	for (route = 0; route < 3; route++) {
		struct pt_ring *r = route == 2 ? &poll : &ring;

		policy.state->copy_route = route;
		other_policy.state->copy_route = route;
		test_step("asynchronous, queue %d", route);
		async(r, route & 1);
		test_step("NVMe Copy, queue %d", route);
		commands(r);
	}
	test_step("without a policy");
	steer_detach(&policy);
	begin(&a, 0, 1, 512, &b_from, NULL);
	copy_refused(&ring, &copy, -ENOTTY, "no policy");
	test_pass();
}
