// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel loses completions of block requests (fail_io_timeout): their
 * commands end on the steer queue, which takes them back, and nobody is told. The
 * block layer's timer finds such a request, which is on no steer queue any more;
 * the driver does as it does without us, aborts what there is not, and then
 * resets the controller. Each request ends well in the end, with the right data,
 * by interrupts and polled for, and the queue carries others afterwards; first on
 * the driver's own path, as the measure. Needs a kernel that injects faults (make
 * check-debug).
 *
 * timeout: 300
 */
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define FAULT		"/sys/kernel/debug/fail_io_timeout/"
#define NR		8
#define LOST		3		/* completions of them */
#define PAGE		4096
#define FIRST		64		/* block */

static struct pt_ns ns;
static struct steer_policy policy;
static uint8_t *buf;

static void fault(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FAULT "%s", name);
	test_check(!test_write(path, value), "cannot write %s", path);
}

/* How many are to be lost still. */
static long left(void)
{
	char text[32];

	test_check(test_read(FAULT "times", text, sizeof(text)) > 0,
		   "cannot read " FAULT "times");
	return strtol(text, NULL, 10);
}

static void arm(bool on)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", on ? LOST : 0);
	fault("times", text);
	fault("probability", on ? "100" : "0");
}

static void disarm(void *unused)
{
	test_write(FAULT "probability", "0");
}

/* Reads of eight places at once; they end well. */
static void reads(bool polled)
{
	uint32_t per = PAGE / ns.block;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int i;
	int ret;

	ret = io_uring_queue_init(NR, &ring, polled ? IORING_SETUP_IOPOLL : 0);
	test_check(!ret, "io_uring_queue_init: %s", strerror(-ret));
	memset(buf, 0xa5, NR * PAGE);
	for (i = 0; i < NR; i++) {
		sqe = io_uring_get_sqe(&ring);
		/* apart, so that they are not merged */
		io_uring_prep_read(sqe, ns.block_fd, buf + i * PAGE, PAGE,
				   (FIRST + 2ULL * per * i) * ns.block);
	}
	io_uring_submit(&ring);
	for (i = 0; i < NR; i++) {
		ret = io_uring_wait_cqe(&ring, &cqe);
		test_check(!ret && cqe->res == PAGE, "read: %d, %d", ret,
			   ret ? 0 : cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	for (i = 0; i < NR; i++)
		test_check(pt_differs(&ns, buf + i * PAGE, FIRST + 2 * per * i,
				      per, 1) < 0,
			   "read %u ended with wrong data", i);
	io_uring_queue_exit(&ring);
}

static void lose(bool polled, unsigned int queue)
{
	struct steer_queues before, after;

	test_step("%s, %s", polled ? "polled for" : "interrupts",
		  queue ? "by a steer queue" : "by the driver");
	steer_queues(ns.ctrl, &before);
	arm(true);
	reads(polled);
	test_check(!left(), "%ld completions were not lost", left());
	arm(false);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	if (!queue)
		return;
	steer_queues(ns.ctrl, &after);
	test_check(after.q[queue].completed - before.q[queue].completed >= LOST,
		   "they did not go by queue %u", queue);
	/* requests are the driver's until all queues are back */
	test_check(test_wait(({
		steer_queues(ns.ctrl, &before);
		reads(polled);
		steer_queues(ns.ctrl, &after);
		after.q[queue].completed - before.q[queue].completed == NR;
	}), 20000), "queue %u does not carry them any more", queue);
}

int main(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	char path[64];

	test_begin(280);
	if (!test_exists(FAULT "probability"))
		test_skip("this kernel injects no faults (CONFIG_FAIL_IO_TIMEOUT); make check-debug has one");
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "5");
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	test_set_file(path, "2000");
	buf = test_alloc(NR * PAGE);
	pt_block_write(&ns, FIRST, 2 * NR * PAGE / ns.block, 1);
	fault("verbose", "0");
	fault("interval", "1");
	test_at_end(disarm, NULL);
	snprintf(path, sizeof(path), "/sys/block/nvme%s/io-timeout-fail",
		 ns.name);
	test_set_file(path, "1");

	lose(false, 0);
	steer_puppet_block(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 1, 1, 2, 1);
	lose(false, 1);
	lose(true, 2);
	test_check(steer_state_is(ns.ctrl, "attached"),
		   "the policy is not attached any more");
	steer_queues(ns.ctrl, &(struct steer_queues){ });
	test_check(steer_wait_idle(ns.ctrl, 10000), "commands are in flight");
	steer_detach(&policy);
	test_pass();
}
