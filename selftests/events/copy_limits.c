// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace's limits for Copy commands become smaller, and the controller is
 * not reset. The copy that finds out is read and written; those after it are
 * cut to what the controller says now. All go well. A controller that refuses
 * what it says it takes is asked once more, and not for each copy. Whatever it
 * refuses a Copy with, reading and writing follow where they can do without
 * what it lacks, and that is counted; else the status is the copy's. A Copy for
 * fast copies only is never read and written.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "copy.h"
#include "test.h"

#define AREA	(64UL << 10)
#define LARGE	128		/* blocks of a source range; of 4 ranges a command */
#define SMALL	8

static struct pt_ns ns;
static struct steer_policy policy;
static struct image src, dst;
static struct pt_ring ring;
static struct copy copy;

static unsigned int limit(void)
{
	struct copy_limits l;

	copy_limits(&ns, &l);
	return l.mssrl;
}

static void one(unsigned int path, const char *what)
{
	test_step("%s", what);
	image_refill(&src, 0, AREA);
	copy_begin(&copy, &dst, 0, 0);
	copy_add(&copy, &src, 0, AREA);
	copy_good(&ring, &copy, path, what);
}

static void refuses(void)
{
	struct fault_rule refuse = {
		.what = FAULT_STATUS, .opcode = 0x19, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .value = 0x183,
	}, asked = {
		.what = FAULT_LATE, .opcode = 0x06,
	};
	unsigned int i;

	fault_clear();
	fault_add(&refuse);
	fault_add(&asked);
	for (i = 0; i < 4; i++)
		one(NVME_STEER_COPY_EMULATE, "refused within the limits");
	test_check(fault_done(0) >= 4, "%u Copy commands were refused",
		   fault_done(0));
	test_check(fault_done(1) == 1, "it was asked %u times", fault_done(1));
	test_check(limit() == SMALL, "ranges of %u blocks", limit());
	fault_clear();
	one(NVME_STEER_COPY_SPLIT, "and taken again");
}

enum { READS = 1, WRITES };

/* Copy commands are answered with @status; reads and writes are counted. */
static void answer(unsigned int status)
{
	struct fault_rule rule = {
		.what = status ? FAULT_STATUS : FAULT_LATE, .opcode = 0x19,
		.first_qid = 1, .last_qid = FAULT_QUEUES - 1, .value = status,
	};

	fault_clear();
	fault_add(&rule);
	rule.what = FAULT_LATE;
	rule.opcode = PT_READ;
	fault_add(&rule);
	rule.opcode = PT_WRITE;
	fault_add(&rule);
}

/* Each by the queue's short way, by lanes, and by the driver's own path. */
static const struct {
	const char *name;
	int route;
	unsigned int blocks;
} sizes[] = {
	{ "one command", 1, SMALL },
	{ "several", 1, AREA / 512 },
	{ "one, the driver's own path", 0, SMALL },
};

static void status_begin(unsigned int i, unsigned int flags)
{
	policy.state->copy_route = sizes[i].route;
	image_refill(&dst, 0, AREA);
	copy_begin(&copy, &dst, 512, flags);
	copy_add(&copy, &src, 0, sizes[i].blocks * 512 - 512);
}

/* Of what the controller lacks for a Copy it needs nothing to read and write. */
static void cured(unsigned int status)
{
	struct copy_events e;
	unsigned int i;

	test_step("a Copy is answered with %#x", status);
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		answer(status);
		status_begin(i, 0);
		copy_events(ns.ctrl, &e);
		copy_good(&ring, &copy, NVME_STEER_COPY_EMULATE, sizes[i].name);
		copy_events_since(ns.ctrl, &e);
		test_check(e.why[NVME_STEER_COPY_WHY_DEVICE] == 1 &&
			   e.emulated == 1 && !e.failed,
			   "%s: copy_device moved by %ju, %ju emulated",
			   sizes[i].name, e.why[NVME_STEER_COPY_WHY_DEVICE],
			   e.emulated);
		test_check(policy.state->copied.why ==
			   NVME_STEER_COPY_WHY_DEVICE, "%s: why is %u",
			   sizes[i].name, policy.state->copied.why);
		test_check(fault_done(0) >= 1, "no Copy was sent");
	}
}

/* What it ends with, without a read or a write. */
static void not_cured(unsigned int status, unsigned int flags)
{
	struct copy_events e;
	unsigned int i;

	test_step("a Copy is answered with %#x, flags %#x", status, flags);
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		status_begin(i, flags);
		answer(status);
		copy_events(ns.ctrl, &e);
		copy_do(&ring, &copy);
		test_check(copy.res == (int)status && !copy.bytes,
			   "%s: %#x, %ju bytes", sizes[i].name, copy.res,
			   copy.bytes);
		test_check(fault_done(0) >= 1 && !fault_done(READS) &&
			   !fault_done(WRITES),
			   "%s: %u Copy commands, %u reads, %u writes",
			   sizes[i].name, fault_done(0), fault_done(READS),
			   fault_done(WRITES));
		copy_events_since(ns.ctrl, &e);
		test_check(!e.why[NVME_STEER_COPY_WHY_DEVICE] && e.failed == 1,
			   "%s: copy_device moved by %ju, %ju failed",
			   sizes[i].name, e.why[NVME_STEER_COPY_WHY_DEVICE],
			   e.failed);
		image_check(&dst, sizes[i].name);
	}
}

static void statuses(void)
{
	static const unsigned int cure[] = {
		/* invalid opcode, field, format; size limit, namespaces, fast */
		0x001, 0x002, 0x10a, 0x183, 0x185, 0x186,
	}, fatal[] = {
		/* write protected, LBA range, read-only range, overlap, no
		 * resources, write fault, read error, access denied */
		0x020, 0x080, 0x182, 0x187, 0x189, 0x280, 0x281, 0x286,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(cure); i++) {
		cured(0x4000 | cure[i]);
		not_cured(0x4000 | cure[i], NVME_STEER_COPY_F_OFFLOAD);
	}
	for (i = 0; i < ARRAY_LEN(fatal); i++)
		not_cured(0x4000 | fatal[i], 0);
	fault_clear();
}

/* An NVMe Copy of two ranges, format 2h; the second has source options. */
static int fast_copy(uint16_t options)
{
	uint64_t from = src.from >> 9, result;
	struct nvme_uring_cmd cmd;
	uint8_t list[64] = { };
	unsigned int i;

	for (i = 0; i < 2; i++, from += SMALL) {
		memcpy(list + 32 * i, &ns.nsid, 4);
		memcpy(list + 32 * i + 8, &from, 8);
		list[32 * i + 16] = SMALL - 1;
	}
	memcpy(list + 32 + 22, &options, 2);
	pt_rw(&cmd, &ns, PT_COPY, dst.from >> 9, 1, list, sizeof(list));
	cmd.cdw12 = 1 | 2 << 8;
	return pt_do(&ring, ns.fd, &cmd, 0, &result);
}

/* It is refused, by @copies Copy commands, and nothing else is tried. */
static void not_fast(unsigned int copies, const char *what)
{
	struct copy_events e;
	int ret;

	image_refill(&dst, 0, AREA);
	answer(0);
	copy_events(ns.ctrl, &e);
	ret = fast_copy(0x8000);
	test_check((ret & 0x7ff) == COPY_SC_FAST, "%s: %#x", what, ret);
	copy_events_since(ns.ctrl, &e);
	test_check(fault_done(0) == copies && !fault_done(READS) &&
		   !fault_done(WRITES) &&
		   !e.why[NVME_STEER_COPY_WHY_DEVICE] && !e.emulated,
		   "%s: %u Copy commands, %u reads, %u writes", what,
		   fault_done(0), fault_done(READS), fault_done(WRITES));
	image_check(&dst, what);
}

static void fast_only(void)
{
	static const int answers[] = {
		0, NVME_STEER_COPY_OFFLOAD, NVME_STEER_COPY_SPLIT,
		NVME_STEER_COPY_EMULATE,
	};
	unsigned int i;
	int ret;

	test_step("fast copies only");
	policy.state->copy_route = 1;
	for (i = 0; i < ARRAY_LEN(answers); i++) {
		policy.state->copy_answer = answers[i];
		image_refill(&dst, 0, AREA);
		answer(0);
		ret = fast_copy(0);
		test_check(!ret && !fault_done(0) == (i == 3),
			   "any copy: %#x, %u Copy commands", ret,
			   fault_done(0));
		memcpy(dst.want, src.want, 2 * SMALL * 512);
		image_check(&dst, "any copy");
		not_fast(1, "by the controller");
	}
	policy.state->copy_answer = 0;
	/* what would be done without it otherwise */
	copy_max_bytes(&ns, 0);
	not_fast(0, "copy_max_bytes is 0");
	copy_max_bytes(&ns, ~0ULL);
	fault_clear();
}

int main(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ },
	};

	test_begin(60);
	fault_open(&ns);
	fault_change(FAULT_CHANGE_COPY, LARGE);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	policy.state->copy_route = 1;
	test_check(limit() == LARGE, "ranges of %u blocks", limit());
	copy_init(&copy, 1);
	image_init(&src, &ns, 1 << 20, AREA);
	image_init(&dst, &ns, 2 << 20, AREA);
	pt_ring_init(&ring, 8, 0);

	one(NVME_STEER_COPY_OFFLOAD, "as the limits were");
	fault_change(FAULT_CHANGE_COPY, SMALL);
	one(NVME_STEER_COPY_EMULATE, "the first with smaller ones");
	one(NVME_STEER_COPY_SPLIT, "the second");
	test_check(limit() == SMALL, "ranges of %u blocks", limit());
	one(NVME_STEER_COPY_SPLIT, "the third");
	refuses();
	statuses();
	fast_only();
	fault_host_is_good("copies");
	pt_ring_exit(&ring);
	image_free(&src);
	image_free(&dst);
	copy_free(&copy);
	test_pass();
}
