// SPDX-License-Identifier: GPL-2.0
/*
 * Data written and read through steer queues is the data: for each kind of
 * ring, each way to give a buffer, each size from a block to the largest, and
 * each offset within a page. Everything written is read back by the block
 * device, everything read was written by it, the blocks before and after are
 * looked at too, and so is the memory around the buffer. The queue the policy
 * chose counts every command, and no event says that one went elsewhere.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"

#define GUARD	8192		/* bytes before and after the buffer */
#define CANARY	0x5a

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;
static uint64_t expected;	/* commands on the queue under test */

struct buffer {
	uint8_t *base;
	uint8_t *data;
	size_t len;
};

static void buffer_init(struct buffer *b, size_t len, size_t offset)
{
	b->base = test_alloc(len + offset + 2 * GUARD);
	memset(b->base, CANARY, len + offset + 2 * GUARD);
	b->data = b->base + GUARD + offset;
	b->len = len;
}

static void buffer_check(struct buffer *b)
{
	size_t i;

	for (i = 1; i <= GUARD; i++) {
		test_check(b->data[-i] == CANARY,
			   "%zu bytes before the buffer were written", i);
		test_check(b->data[b->len + i - 1] == CANARY,
			   "%zu bytes after the buffer were written", i);
	}
}

/* Split the buffer at odd places that keep each piece dword aligned. */
static unsigned int split(struct buffer *b, struct iovec *iov, bool pages)
{
	static const size_t odd[] = { 4096, 8192, 4, 508, 12288, 1024, 36 };
	size_t at = 0, step;
	unsigned int n = 0;

	while (at < b->len) {
		step = pages ? 4096 * (1 + n % 3) : odd[n % ARRAY_LEN(odd)];
		if (step > b->len - at || n == 63)
			step = b->len - at;
		iov[n].iov_base = b->data + at;
		iov[n++].iov_len = step;
		at += step;
	}
	return n;
}

static void one(struct pt_ring *r, uint32_t nlb, size_t offset,
		unsigned int how, bool pages)
{
	size_t len = (size_t)nlb << ns.shift;
	struct nvme_uring_cmd cmd;
	struct iovec iov[64], whole;
	struct buffer b;
	uint64_t slba = 64 + gen % 7;
	uint32_t n = len;
	void *addr;
	int ret;

	buffer_init(&b, len, offset);
	addr = b.data;
	if (how & PT_VEC) {
		n = split(&b, iov, pages);
		addr = iov;
	}
	if (how & PT_FIXED) {
		whole.iov_base = b.data;
		whole.iov_len = len;
		ret = io_uring_register_buffers(&r->uring, &whole, 1);
		test_check(!ret, "cannot register a buffer: %s",
			   strerror(-ret));
	}

	/* write here, read there */
	pt_block_write(&ns, slba - 1, nlb + 2, gen);
	pt_fill(&ns, b.data, slba, nlb, gen + 1);
	pt_rw(&cmd, &ns, PT_WRITE, slba, nlb, addr, n);
	ret = pt_do(r, ns.fd, &cmd, how, NULL);
	test_check(!ret, "write of %u blocks at offset %zu (how %u): %d", nlb,
		   offset, how, ret);
	pt_block_check(&ns, slba, nlb, gen + 1);
	pt_block_check(&ns, slba - 1, 1, gen);
	pt_block_check(&ns, slba + nlb, 1, gen);
	test_check(pt_differs(&ns, b.data, slba, nlb, gen + 1) < 0,
		   "a write changed its buffer");

	/* write there, read here */
	pt_block_write(&ns, slba, nlb, gen + 2);
	memset(b.data, 0, len);
	pt_rw(&cmd, &ns, PT_READ, slba, nlb, addr, n);
	ret = pt_do(r, ns.fd, &cmd, how, NULL);
	test_check(!ret, "read of %u blocks at offset %zu (how %u): %d", nlb,
		   offset, how, ret);
	test_check(pt_differs(&ns, b.data, slba, nlb, gen + 2) < 0,
		   "read of %u blocks at offset %zu (how %u): wrong at block %ld",
		   nlb, offset, how,
		   pt_differs(&ns, b.data, slba, nlb, gen + 2));
	buffer_check(&b);

	if (how & PT_FIXED)
		io_uring_unregister_buffers(&r->uring);
	free(b.base);
	gen += 3;
	expected += 2;
}

/*
 * Pieces at odd places leave gaps that PRPs cannot name: SGLs where the
 * controller has them, and else the driver's own path. Either is right, and an
 * event tells.
 */
static void odd_pieces(struct pt_ring *r)
{
	uint64_t unaligned = steer_event(ns.ctrl, "unaligned");
	uint64_t before = expected;

	one(r, 32, 0, PT_VEC, false);
	one(r, 33, 512, PT_VEC, false);
	unaligned = steer_event(ns.ctrl, "unaligned") - unaligned;
	printf("# pieces with gaps: %ju of 4 left to the driver\n", unaligned);
	test_check(unaligned <= 4, "%ju events for 4 commands", unaligned);
	expected = before + 4 - unaligned;
}

static void sizes(struct pt_ring *r)
{
	static const uint32_t nlbs[] = { 1, 2, 7, 8, 9, 15, 16, 17, 24, 64,
		127, 128, 256, 257, 1023, 1024, 2048, 4096 };
	static const size_t offsets[] = { 0, 512, 4, 2048, 3584, 4092 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_LEN(nlbs); i++) {
		if ((uint64_t)nlbs[i] << ns.shift > ns.max_bytes)
			continue;
		for (j = 0; j < (nlbs[i] > 300 ? 3 : ARRAY_LEN(offsets)); j++) {
			one(r, nlbs[i], offsets[j], 0, false);
			one(r, nlbs[i], offsets[j], PT_FIXED, false);
		}
		one(r, nlbs[i], 0, PT_VEC, true);
	}
	one(r, 8, 0, PT_ASYNC, false);
}

static uint64_t other_events(void)
{
	static const char * const names[] = {
		"default", "refused", "bad_answer", "bad_queue", "queue_down",
		"bad_mode", "queue_full", "metadata", "too_large",
		"map_failed", "long_buffer", "short_buffer", "frozen",
		"timeout", "late_reap", "abort", "reset", "bad_cid",
		"queue_lost", "ejected",
	};
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		sum += steer_event(ns.ctrl, names[i]);
	return sum;
}

static void ring_on_queue(unsigned int mode, int queue)
{
	struct steer_queues before, after;
	struct pt_ring r;
	uint64_t events, routed;

	test_step("%s ring on queue %d", pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	pt_ring_init(&r, 8, mode);
	steer_queues(ns.ctrl, &before);
	events = other_events();
	routed = steer_event(ns.ctrl, "routed");
	expected = 0;

	sizes(&r);
	odd_pieces(&r);

	steer_queues(ns.ctrl, &after);
	test_check(after.q[queue].submitted - before.q[queue].submitted ==
			   expected,
		   "%ju commands on queue %d, expected %ju",
		   after.q[queue].submitted - before.q[queue].submitted, queue,
		   expected);
	test_check(after.q[queue].completed - before.q[queue].completed ==
			   expected, "not all completed well");
	test_check(steer_event(ns.ctrl, "routed") - routed == expected,
		   "event routed does not match");
	test_check(other_events() == events, "an event that should not be");
	pt_ring_exit(&r);
}

/*
 * Commands whose list of pages fills a page: the data's first page is in the
 * command, the list holds the others, 512 at most. QEMU's drives take no more,
 * so a second page of the list is never needed here.
 */
static void large(unsigned int mode)
{
	static const uint32_t pages[] = { 129, 256, 510, 511, 512 };
	static const size_t offsets[] = { 0, 512, 2048, 4092 };
	uint32_t page = 4096 >> ns.shift;
	uint64_t events = other_events();
	uint64_t routed = steer_event(ns.ctrl, "routed");
	unsigned int i, j;
	struct pt_ring r;

	test_step("%s ring, up to 2 MiB at once on ng%s", pt_mode_name(mode),
		  ns.name);
	expected = 0;
	pt_ring_init(&r, 8, mode);
	for (i = 0; i < ARRAY_LEN(pages); i++)
		for (j = 0; j < ARRAY_LEN(offsets); j++)
			one(&r, pages[i] * page, offsets[j],
			    (i + j) & 1 ? PT_FIXED : 0, false);
	/* the last word of a full list is an entry too */
	one(&r, 512 * page, 512, PT_FIXED, false);
	one(&r, 512 * page, 512, 0, false);
	one(&r, 512 * page, 0, PT_VEC, true);
	one(&r, 1 * page, 512, 0, false);
	pt_ring_exit(&r);
	test_check(steer_event(ns.ctrl, "routed") - routed == expected,
		   "%ju of %ju commands on steer queues",
		   steer_event(ns.ctrl, "routed") - routed, expected);
	test_check(other_events() == events, "an event that should not be");
}

static void large_drive(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	static struct steer_policy p;

	/* an IOMMU's mappings bound a command too */
	if (!pt_try_open(&ns, PT_WANT_LARGE)) {
		test_check(test_exists("/sys/class/iommu/dmar0"),
			   "no drive takes 2 MiB at once");
		printf("# no drive takes 2 MiB at once behind the IOMMU\n");
		return;
	}
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer(&p, 1, 2);
	large(0);
	large(PT_IOPOLL);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ },
		.depth = { [3] = 2 },
	};

	test_begin(100);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&policy, ns.ctrl, &config);

	ring_on_queue(0, 1);
	ring_on_queue(PT_IOPOLL, 2);
	ring_on_queue(PT_IOPOLL, 1);
	ring_on_queue(PT_SQPOLL, 1);
	ring_on_queue(PT_SQPOLL | PT_IOPOLL, 2);
	ring_on_queue(0, 3);
	pt_close(&ns);
	large_drive();
	test_pass();
}
