// SPDX-License-Identifier: GPL-2.0
/*
 * Block requests that are not answered in time, on polled and interrupt queues:
 * those that nobody polls for are found by the block layer's timer; those of a
 * slow drive are aborted, and then the controller is reset; those of one that
 * cannot reach memory as well. All of them end well in the end, with the right
 * data, and the queues work afterwards.
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NR	8
#define PAGE	4096

static struct pt_ns ns;
static struct steer_policy policy;
static struct io_uring ring;
static uint8_t *buf;

static void submit_reads(bool polled)
{
	struct io_uring_sqe *sqe;
	struct pt_ring r = { };
	unsigned int i;
	int ret;

	ret = io_uring_queue_init(NR, &r.uring,
				  polled ? IORING_SETUP_IOPOLL : 0);
	test_check(!ret, "io_uring_queue_init: %s", strerror(-ret));
	memset(buf, 0xa5, NR * PAGE);
	for (i = 0; i < NR; i++) {
		sqe = io_uring_get_sqe(&r.uring);
		io_uring_prep_read(sqe, ns.block_fd, buf + i * PAGE, PAGE,
				   (64 + 16ULL * i) * ns.block);
	}
	ret = pt_submit_only(&r);
	test_check(ret == NR, "submitted %d of %d", ret, NR);
	ring = r.uring;
}

static void reap_reads(void)
{
	uint32_t per = PAGE / ns.block;
	struct io_uring_cqe *cqe;
	unsigned int i;
	int ret;

	for (i = 0; i < NR; i++) {
		ret = io_uring_wait_cqe(&ring, &cqe);
		test_check(!ret && cqe->res == PAGE, "read: %d, %d", ret,
			   ret ? 0 : cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	test_check(!io_uring_cq_ready(&ring), "a completion too many");
	for (i = 0; i < NR; i++)
		test_check(pt_differs(&ns, buf + i * PAGE, 64 + 16 * i, per,
				      1) < 0, "read %u ended with wrong data",
			   i);
	io_uring_queue_exit(&ring);
}

static void works(bool polled)
{
	int queue = polled ? 2 : 1;
	struct steer_queues before, after;

	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	/* requests are the driver's until all queues are back */
	test_check(test_wait(({
		steer_queues(ns.ctrl, &before);
		submit_reads(polled);
		reap_reads();
		steer_queues(ns.ctrl, &after);
		after.q[queue].completed - before.q[queue].completed == NR;
	}), 10000), "queue %d does not carry them", queue);
}

static void not_polled(void)
{
	uint64_t late = steer_event(ns.ctrl, "late_reap");
	struct steer_queues qs;

	test_step("nobody polls");
	submit_reads(true);
	test_check(test_wait(({
		steer_queues(ns.ctrl, &qs);
		!qs.q[2].inflight;
	}), 20000), "the timer did not find the completions");
	/* counted after it has found them */
	test_check(test_wait(steer_event(ns.ctrl, "late_reap") > late, 10000),
		   "no late_reap");
	reap_reads();
	works(true);
}

static void slow(bool polled)
{
	uint64_t timeouts = steer_event(ns.ctrl, "timeout");
	struct steer_queues before, after;

	test_step("a slow drive, %s", polled ? "polled for" : "interrupts");
	steer_queues(ns.ctrl, &before);
	vm_throttle(ns.name, 1);
	submit_reads(polled);
	test_check(polled || test_wait(({
		steer_queues(ns.ctrl, &after);
		after.q[1].cancelled > before.q[1].cancelled;
	}), 20000), "the controller was not reset");
	if (polled)
		sleep(4);
	vm_throttle(ns.name, 0);
	reap_reads();
	test_check(steer_event(ns.ctrl, "timeout") > timeouts, "no timeout");
	works(polled);
}

static void failed(bool polled)
{
	struct steer_queues before, after;
	int queue = polled ? 2 : 1;

	test_step("a controller that failed, %s",
		  polled ? "polled for" : "interrupts");
	steer_queues(ns.ctrl, &before);
	vm_bus_master(ns.ctrl, false);
	submit_reads(polled);
	reap_reads();
	steer_queues(ns.ctrl, &after);
	test_check(after.q[queue].cancelled > before.q[queue].cancelled,
		   "nothing was cancelled");
	works(polled);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	char path[64];

	test_begin(280);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "5");
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	test_set_file(path, "1000");
	buf = test_alloc(NR * PAGE);
	pt_block_write(&ns, 64, 16 * NR, 1);
	steer_puppet_block(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 1, 1, 2, 1);

	works(false);
	works(true);
	not_polled();
	failed(false);
	failed(true);
	slow(false);
	slow(true);
	test_check(!steer_event(ns.ctrl, "bad_cid"), "a bad command id");
	test_pass();
}
