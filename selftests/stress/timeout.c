// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are not answered in time, on polled and interrupt queues:
 *
 * - one the application does not poll for is found by the timeout, and ends
 *   well;
 * - one of a drive that is slow is aborted, and after that the controller is
 *   reset;
 * - when the controller cannot reach memory it has failed, and is reset at
 *   once; what it had not fetched ends as cancelled.
 *
 * Each ends once with what happened to it, and the queues work afterwards.
 *
 * vm: --cpus 4
 */
#include "reads.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NR	8	/* commands at once */
#define FIRST	64	/* block */

static struct pt_ns ns;
static struct steer_policy policy;

static void submit(struct pt_ring *r, uint8_t *buf, uint32_t timeout_ms)
{
	reads_submit(r, &ns, buf, FIRST, NR, timeout_ms);
}

static struct read_ends reap(struct pt_ring *r, const uint8_t *buf)
{
	struct read_ends ends = reads_reap(r, &ns, buf, FIRST, NR);

	printf("#   %u good, %u failed, %u cancelled\n", ends.good, ends.failed,
	       ends.cancelled);
	return ends;
}

static void works(unsigned int mode, int queue)
{
	uint8_t *buf = test_alloc(NR * ns.block);
	struct steer_queues before, after;
	struct pt_ring r;

	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	test_check(test_wait(({
		steer_queues(ns.ctrl, &before);
		!strcmp(before.q[queue].state, "live");
	}), 10000), "queue %d is not live", queue);
	pt_ring_init(&r, 64, mode);
	submit(&r, buf, 0);
	test_check(reap(&r, buf).good == NR, "commands failed");
	steer_queues(ns.ctrl, &after);
	test_check(after.q[queue].completed - before.q[queue].completed == NR,
		   "the queue did not carry them");
	pt_ring_exit(&r);
	free(buf);
}

static void not_polled(void)
{
	uint64_t late = steer_event(ns.ctrl, "late_reap");
	uint64_t aborts = steer_event(ns.ctrl, "abort");
	uint8_t *buf = test_alloc(NR * ns.block);
	struct steer_queues qs;
	struct pt_ring r;

	test_step("nobody polls");
	pt_ring_init(&r, 64, PT_IOPOLL);
	submit(&r, buf, 200);
	test_check(test_wait(({
		steer_queues(ns.ctrl, &qs);
		!qs.q[2].inflight;
	}), 10000), "the timeout did not find the completions");
	late = steer_event(ns.ctrl, "late_reap") - late;
	test_check(late >= NR, "late_reap is %ju", late);
	test_check(reap(&r, buf).good == NR, "commands failed");
	test_check(steer_event(ns.ctrl, "abort") == aborts,
		   "there was an abort");
	pt_ring_exit(&r);
	free(buf);
}

static void slow(unsigned int mode, int queue)
{
	uint8_t *buf = test_alloc(NR * ns.block);
	uint64_t abort = steer_event(ns.ctrl, "abort");
	uint64_t reset = steer_event(ns.ctrl, "reset");
	struct steer_queues before, after;
	struct pt_ring r;
	struct read_ends ends;

	test_step("a slow drive, %s ring", pt_mode_name(mode));
	steer_queues(ns.ctrl, &before);
	vm_throttle(ns.name, 1);
	pt_ring_init(&r, 64, mode);
	submit(&r, buf, 300);
	ends = reap(&r, buf);
	vm_throttle(ns.name, 0);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	steer_queues(ns.ctrl, &after);
	abort = steer_event(ns.ctrl, "abort") - abort;
	reset = steer_event(ns.ctrl, "reset") - reset;
	printf("#   %ju aborts, %ju resets\n", abort, reset);
	test_check(abort, "nothing was aborted");
	test_check(after.q[queue].completed - before.q[queue].completed ==
			   ends.good &&
		   after.q[queue].failed - before.q[queue].failed ==
			   ends.failed &&
		   after.q[queue].cancelled - before.q[queue].cancelled ==
			   ends.cancelled,
		   "the queue counted otherwise");
	pt_ring_exit(&r);
	free(buf);
	works(mode, queue);
}

static void failed(unsigned int mode, int queue)
{
	uint8_t *buf = test_alloc(NR * ns.block);
	uint64_t reset = steer_event(ns.ctrl, "reset");
	struct steer_queues before, after;
	struct pt_ring r;
	struct read_ends ends;

	test_step("a controller that failed, %s ring", pt_mode_name(mode));
	steer_queues(ns.ctrl, &before);
	pt_ring_init(&r, 64, mode);
	vm_bus_master(ns.ctrl, false);
	submit(&r, buf, 300);
	ends = reap(&r, buf);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	steer_queues(ns.ctrl, &after);
	test_check(ends.cancelled == NR, "not all were cancelled");
	test_check(after.q[queue].cancelled - before.q[queue].cancelled == NR,
		   "%ju cancelled on the queue",
		   after.q[queue].cancelled - before.q[queue].cancelled);
	test_check(steer_event(ns.ctrl, "reset") > reset, "no reset");
	pt_ring_exit(&r);
	free(buf);
	works(mode, queue);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	test_begin(120);
	/* what a controller that failed is waited for: a minute otherwise */
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "5");
	pt_open(&ns, PT_WANT_PLAIN);
	pt_block_write(&ns, FIRST, NR, 1);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 2);

	not_polled();
	works(PT_IOPOLL, 2);
	failed(0, 1);
	failed(PT_IOPOLL, 2);
	slow(0, 1);
	slow(PT_IOPOLL, 2);
	test_pass();
}
