// SPDX-License-Identifier: GPL-2.0
/*
 * What a steer queue cannot carry takes the driver's own path, with the same
 * outcome as without a policy, and one event says why; a buffer too short for
 * its blocks is refused and nothing beyond it is touched; an answer outside
 * the contract is the driver's own path. In each case every counter that
 * should not move stands still.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"

#define CANARY	0xa5

static struct pt_ns ns;
static struct steer_policy policy;
static struct pt_ring ring, poll_ring;
static uint8_t *buf;
static uint64_t gen = 100;

/* Events that may move beside the one expected: how a command was mapped. */
static uint64_t all_events(void)
{
	char text[4096], *p = text;
	uint64_t sum = 0;

	test_read(steer_path(ns.ctrl, "events"), text, sizeof(text));
	while ((p = strchr(p, ' ')))
		sum += strtoull(p, &p, 10);
	return sum - steer_event(ns.ctrl, "own_kept");
}

/*
 * One command with the policy answering @answer: the driver's path carries it
 * (@path: whether it gets as far as the controller's queue), @event says why.
 */
static int expect(struct pt_ring *r, struct nvme_uring_cmd *cmd,
		  unsigned int how, int answer, const char *event, bool path)
{
	struct steer_queues before, after;
	struct steer_queue b, a;
	uint64_t count, sum;
	int ret, stock;

	steer_answer(&policy, 0, 0);
	stock = pt_do(r, ns.fd, cmd, how, NULL);

	steer_answer(&policy, answer, answer);
	count = steer_event(ns.ctrl, event);
	sum = all_events();
	steer_queues(ns.ctrl, &before);
	ret = pt_do(r, ns.fd, cmd, how, NULL);
	steer_queues(ns.ctrl, &after);
	test_check(steer_event(ns.ctrl, event) == count + 1,
		   "event %s did not say so (command ended with %d)", event,
		   ret);
	test_check(all_events() == sum + 1, "another event beside %s", event);
	steer_total(&before, &b);
	steer_total(&after, &a);
	test_check(a.submitted - b.submitted == path &&
		   after.q[0].submitted - before.q[0].submitted == path,
		   "%s: not by the driver's own path", event);
	if (path)
		test_check(ret == stock, "%s: %d, without steering %d", event,
			   ret, stock);
	return ret;
}

static void answers(void)
{
	static const int bad[] = { 256, 1000, -EAGAIN, -134, -1000,
				   0x7fffffff, (int)0x80000000 };
	struct nvme_uring_cmd cmd;
	unsigned int i;
	int ret;

	test_step("answers outside the contract");
	pt_rw(&cmd, &ns, PT_READ, 64, 8, buf, 8 * ns.block);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		ret = expect(&ring, &cmd, 0, bad[i], "bad_answer", true);
		test_check(!ret, "answer %d: %d", bad[i], ret);
	}
	test_check(!expect(&ring, &cmd, 0, 9, "bad_queue", true), "queue 9");
	test_check(!expect(&ring, &cmd, 0, 255, "bad_queue", true), "queue 255");
	test_check(!expect(&ring, &cmd, 0, 0, "default", true), "default");

	test_step("refusals");
	ret = expect(&ring, &cmd, 0, -EBUSY, "refused", false);
	test_check(ret == -EBUSY, "refused with %d", ret);
	ret = expect(&poll_ring, &cmd, 0, -133, "refused", false);
	test_check(ret == -133, "refused with %d", ret);
}

static void modes(void)
{
	struct nvme_uring_cmd cmd;

	test_step("a polled queue for a ring that does not poll");
	pt_rw(&cmd, &ns, PT_READ, 64, 8, buf, 8 * ns.block);
	test_check(!expect(&ring, &cmd, 0, 2, "bad_mode", true), "read failed");
}

static void canary(size_t len)
{
	memset(buf, CANARY, len);
}

static void untouched(size_t from, size_t to)
{
	for (; from < to; from++)
		test_check(buf[from] == CANARY, "byte %zu was overwritten",
			   from);
}

static void lengths(void)
{
	struct nvme_uring_cmd cmd;
	uint64_t count = steer_event(ns.ctrl, "short_buffer");
	struct iovec iov[2];
	int ret;

	test_step("buffers longer than the blocks");
	pt_rw(&cmd, &ns, PT_READ, 64, 1, buf, 8 * ns.block);
	expect(&ring, &cmd, 0, 1, "long_buffer", true);
	pt_block_write(&ns, 64, 1, ++gen);
	canary(8 * ns.block);
	expect(&poll_ring, &cmd, 0, 2, "long_buffer", true);
	/* an SGL longer than the blocks is for the controller to judge */

	test_step("buffers shorter than the blocks");
	pt_block_write(&ns, 64, 16, ++gen);
	steer_answer(&policy, 1, 2);
	canary(16 * ns.block);
	pt_rw(&cmd, &ns, PT_READ, 64, 8, buf, ns.block);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(ret == -EINVAL, "short read: %d", ret);
	untouched(ns.block, 16 * ns.block);
	ret = pt_do(&poll_ring, ns.fd, &cmd, 0, NULL);
	test_check(ret == -EINVAL, "short polled read: %d", ret);
	untouched(ns.block, 16 * ns.block);

	iov[0].iov_base = buf;
	iov[0].iov_len = ns.block;
	iov[1].iov_base = buf + 4096;
	iov[1].iov_len = 2 * ns.block;
	pt_rw(&cmd, &ns, PT_READ, 64, 8, iov, 2);
	ret = pt_do(&ring, ns.fd, &cmd, PT_VEC, NULL);
	test_check(ret == -EINVAL, "short vector: %d", ret);
	untouched(4096 + 2 * ns.block, 16 * ns.block);

	pt_fill(&ns, buf, 64, 16, gen + 1);
	pt_rw(&cmd, &ns, PT_WRITE, 64, 8, buf, 4 * ns.block);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(ret == -EINVAL, "short write: %d", ret);
	pt_block_check(&ns, 64, 16, gen);

	/* blocks, and nothing to put them */
	pt_rw(&cmd, &ns, PT_READ, 64, 8, NULL, 0);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(ret == -EINVAL, "read into nothing: %d", ret);
	test_check(steer_event(ns.ctrl, "short_buffer") == count + 5,
		   "event short_buffer did not say so each time");
}

static void buffers(void)
{
	struct nvme_uring_cmd cmd;
	uint32_t nlb = ns.max_bytes / ns.block + 8;
	uint8_t *large;
	int ret;

	test_step("buffers the controller cannot address");
	pt_block_write(&ns, 64, 8, ++gen);
	pt_rw(&cmd, &ns, PT_READ, 64, 8, buf + 2, 8 * ns.block);
	ret = expect(&ring, &cmd, 0, 1, "unaligned", true);
	test_check(!ret, "read to an odd address: %d", ret);
	test_check(pt_differs(&ns, buf + 2, 64, 8, gen) < 0, "wrong data");

	test_step("memory that is not there");
	cmd.addr = 4096;
	ret = expect(&ring, &cmd, 0, 1, "map_failed", false);
	test_check(ret == -EFAULT, "read to nowhere: %d", ret);

	if (nlb <= 65536) {
		test_step("more than the driver takes at once");
		large = test_alloc(nlb * ns.block);
		pt_rw(&cmd, &ns, PT_READ, 64, nlb, large, nlb * ns.block);
		ret = expect(&ring, &cmd, 0, 1, "too_large", false);
		test_check(ret < 0, "a read that is too large: %d", ret);
		free(large);
	}
}

/* A queue of one slot and many commands at once: all end well. */
static void full(struct pt_ring *r, int queue)
{
	struct steer_queues before, after;
	struct nvme_uring_cmd cmd;
	unsigned int i, nr = 64;
	uint64_t tag, seen = 0, count;
	int ret;

	test_step("more commands than slots, %s ring", pt_mode_name(r->mode));
	pt_block_write(&ns, 64, nr, ++gen);
	steer_answer(&policy, queue, queue);
	count = steer_event(ns.ctrl, "queue_full");
	steer_queues(ns.ctrl, &before);
	for (i = 0; i < nr; i++) {
		pt_rw(&cmd, &ns, PT_READ, 64 + i, 1, buf + i * ns.block,
		      ns.block);
		pt_queue(r, ns.fd, &cmd, 0, i);
	}
	ret = pt_submit_only(r);
	test_check(ret == (int)nr, "submitted %d", ret);
	for (i = 0; i < nr; i++) {
		ret = pt_reap(r, &tag, NULL);
		test_check(!ret, "read ended with %d", ret);
		test_check(tag < nr && !(seen & 1ULL << tag), "ended twice");
		seen |= 1ULL << tag;
	}
	test_check(pt_differs(&ns, buf, 64, nr, gen) < 0, "wrong data");
	steer_queues(ns.ctrl, &after);
	count = steer_event(ns.ctrl, "queue_full") - count;
	printf("#   %ju of %u found the queue full\n", count, nr);
	test_check(count, "the queue was never full");
	test_check(after.q[queue].completed - before.q[queue].completed +
			   after.q[0].completed - before.q[0].completed == nr &&
		   after.q[0].completed - before.q[0].completed == count,
		   "the counters do not add up");
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
		.depth = { [3] = 2, [4] = 2 },
	};

	test_begin(60);
	pt_open(&ns, PT_WANT_PLAIN);
	buf = test_alloc(1 << 20);
	steer_puppet(&policy, ns.ctrl, &config);
	pt_ring_init(&ring, 128, 0);
	pt_ring_init(&poll_ring, 128, PT_IOPOLL);
	answers();
	modes();
	lengths();
	buffers();
	full(&ring, 3);
	full(&poll_ring, 4);
	test_pass();
}
