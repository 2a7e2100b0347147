// SPDX-License-Identifier: GPL-2.0
/*
 * When the controller is told what was read of a completion queue: of a polled
 * queue once a quarter of it was, of an interrupt queue each time. Queues of
 * small depths, always full, many times around, also after a controller reset
 * in the middle; all data is verified.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define MAX_DEPTH	64
#define ROUNDS		50	/* times around a queue */
#define FIRST		2048	/* block */

static struct pt_ns ns;
static struct steer_policy policy;
static uint8_t *buf;
static unsigned int blocks;	/* written last, from FIRST on */
static uint64_t gen;
static bool shadow;		/* the controller looks at shadow doorbells */
static uint64_t frozen;		/* as counted before the reads */

static void write_blocks(unsigned int nr)
{
	blocks = nr;
	pt_block_write(&ns, FIRST, nr, ++gen);
}

/* A read of a block into a slot; each read takes the block after the last. */
static void queue_read(struct pt_ring *r, unsigned int slot,
		       unsigned int *block, unsigned int n)
{
	uint8_t *at = buf + slot * ns.block;
	struct nvme_uring_cmd cmd;

	block[slot] = n % blocks;
	memset(at, 0xa5, ns.block);
	pt_rw(&cmd, &ns, PT_READ, FIRST + block[slot], 1, at, ns.block);
	pt_queue(r, ns.fd, &cmd, PT_FIXED, slot);
}

/* @total reads, @depth of them in flight at any time. */
static void reads(struct pt_ring *r, unsigned int depth, unsigned int total)
{
	unsigned int block[MAX_DEPTH], sent, left = total, slot;
	uint64_t tag, busy;
	int ret;

	frozen = steer_event(ns.ctrl, "frozen");
	for (sent = 0, busy = 0; sent < depth; sent++) {
		queue_read(r, sent, block, sent);
		busy |= 1ULL << sent;
	}
	ret = pt_submit_only(r);
	test_check(ret == (int)depth, "submit: %d", ret);
	for (; left; left--) {
		ret = pt_reap(r, &tag, NULL);
		test_check(!ret, "a read ended with %d", ret);
		slot = tag;
		test_check(slot < depth && busy & 1ULL << slot,
			   "completion of %ju", tag);
		test_check(pt_block_is(&ns, buf + slot * ns.block,
				       FIRST + block[slot], gen),
			   "block %u was read wrong", FIRST + block[slot]);
		busy &= ~(1ULL << slot);
		if (sent == total)
			continue;
		queue_read(r, slot, block, sent++);
		busy |= 1ULL << slot;
		ret = pt_submit_only(r);
		test_check(ret == 1, "submit: %d", ret);
	}
}

static void check(const struct steer_queue *b, const struct steer_queue *a,
		  unsigned int total, unsigned int depth, bool polled)
{
	uint64_t written = a->cq_doorbells - b->cq_doorbells, missed;
	unsigned int quarter = depth / 4 ?: 1;

	printf("#   %u reads, %ju submission and %ju completion doorbells\n",
	       total, a->sq_doorbells - b->sq_doorbells, written);
	/* after a reset the driver looks at the namespace, and freezes it */
	missed = steer_event(ns.ctrl, "frozen") - frozen;
	test_check(a->completed - b->completed <= total &&
		   a->completed - b->completed + missed >= total,
		   "%ju of %u reads were on the queue, %ju found it frozen",
		   a->completed - b->completed, total, missed);
	test_check(a->doorbells == a->sq_doorbells + a->cq_doorbells,
		   "%ju doorbells in all", a->doorbells);
	test_check(written <= (polled ? total / quarter + 1 : total),
		   "written %ju times for %u reads, a quarter is %u", written,
		   total, quarter);
	/* such a controller may say at any time that it needs no register */
	if (shadow)
		return;
	test_check(written + 1 >= total / depth,
		   "written %ju times for %u reads of a queue of %u", written,
		   total, depth);
	test_check(polled || written >= a->interrupts - b->interrupts,
		   "written %ju times after %ju interrupts", written,
		   a->interrupts - b->interrupts);
}

/*
 * The counters, once they stand still: an interrupt tells of a command before
 * it writes the doorbell for it.
 */
static void settled(struct steer_queues *q)
{
	struct steer_queues last;

	steer_queues(ns.ctrl, q);
	do {
		last = *q;
		usleep(20000);
		steer_queues(ns.ctrl, q);
	} while (q->q[1].doorbells != last.q[1].doorbells ||
		 q->q[1].interrupts != last.q[1].interrupts);
}

/* Lone commands: an interrupt queue writes for each, a polled one seldom. */
static void one_by_one(struct pt_ring *r, unsigned int queue,
		       unsigned int depth, bool polled)
{
	struct steer_queues before, after;
	unsigned int total = 16 * depth;
	uint64_t written;

	settled(&before);
	reads(r, 1, total);
	settled(&after);
	written = after.q[queue].cq_doorbells - before.q[queue].cq_doorbells;
	check(&before.q[queue], &after.q[queue], total, depth, polled);
	if (!polled)
		test_check(shadow || written == total,
			   "written %ju times for %u reads", written, total);
}

static void around(unsigned int depth, bool polled)
{
	struct puppet_config config = {
		.mode = { [1] = polled ? NVME_STEER_POLL : NVME_STEER_IRQ },
		.depth = { [1] = depth },
	};
	struct steer_queues before, after;
	struct iovec iov = { .iov_base = buf, .iov_len = MAX_DEPTH * ns.block };
	unsigned int total = ROUNDS * depth, i;
	struct pt_ring r;
	int ret;

	test_step("%s queue of %u", polled ? "polled" : "interrupt", depth);
	write_blocks(2 * depth + 1);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 1);
	pt_ring_init(&r, MAX_DEPTH, polled ? PT_IOPOLL : 0);
	ret = io_uring_register_buffers(&r.uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));

	/* a reset finds the queue somewhere in a quarter, and in a round */
	for (i = 0; i < 3; i++) {
		settled(&before);
		reads(&r, depth - 1, total + i);
		settled(&after);
		check(&before.q[1], &after.q[1], total + i, depth, polled);
		one_by_one(&r, 1, depth, polled);
		if (i == 2)
			break;
		ret = vm_reset(ns.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		test_check(test_wait(({
			steer_queues(ns.ctrl, &after);
			!strcmp(after.q[1].state, "live");
		}), 10000), "the queue is '%s' after the reset",
			   after.q[1].state);
		write_blocks(2 * depth + 1);
	}
	pt_ring_exit(&r);
	steer_detach(&policy);
}

int main(void)
{
	static const unsigned int depths[] = { 2, 3, 4, 5, 7, 8, 16, 33, 64 };
	unsigned int i;

	test_begin(150);
	pt_open(&ns, PT_WANT_PLAIN);
	shadow = !test_sh("nvme id-ctrl /dev/nvme%d -o json | jq -e '.oacs / 256 %% 2 >= 1' >/dev/null",
			  ns.ctrl);
	printf("# shadow doorbells: %s\n", shadow ? "yes" : "no");
	buf = test_alloc(MAX_DEPTH * ns.block);
	for (i = 0; i < ARRAY_LEN(depths); i++)
		around(depths[i], true);
	for (i = 0; i < ARRAY_LEN(depths); i += 2)
		around(depths[i], false);
	test_pass();
}
