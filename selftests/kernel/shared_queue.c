// SPDX-License-Identifier: GPL-2.0
/*
 * Four threads on four CPUs, each with a ring of its own, share one queue: an
 * interrupt queue, a polled one (where each may find the others'
 * completions), and an interrupt queue used by rings that poll and rings that
 * do not; of full depth and so shallow that most commands overflow to the
 * driver's own path. All data is verified and every command counted once.
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"

static struct pt_ns ns;
static struct steer_policy policy;

static void share(const char *what, int queue, unsigned int even,
		  unsigned int odd, bool overflows)
{
	struct steer_queues before, after;
	struct load load;
	uint64_t full;
	unsigned int t;

	test_step("%s", what);
	steer_answer(&policy, queue, queue);
	load_init(&load, &ns, 4, 16);
	for (t = 0; t < 4; t++) {
		load.thread[t].mode = t & 1 ? odd : even;
		load.thread[t].how = PT_FIXED | PT_VEC;
	}
	full = steer_event(ns.ctrl, "queue_full");
	steer_queues(ns.ctrl, &before);
	load_start(&load);
	test_check(load_wait(&load, 1500, 30000), "no I/O");
	load_stop(&load);
	steer_queues(ns.ctrl, &after);
	load_verify(&load);
	load_match(&load, &before, &after);
	test_check(after.q[queue].submitted - before.q[queue].submitted,
		   "the queue carried nothing");
	full = steer_event(ns.ctrl, "queue_full") - full;
	test_check(after.q[0].submitted - before.q[0].submitted == full,
		   "%ju by the driver's own path, %ju found the queue full",
		   after.q[0].submitted - before.q[0].submitted, full);
	test_check(!overflows == !full, "queue_full moved by %ju", full);
	load_free(&load);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
		.depth = { [3] = 3, [4] = 3 },
	};

	test_begin(100);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet(&policy, ns.ctrl, &config);
	share("interrupt queue", 1, 0, 0, false);
	share("polled queue", 2, PT_IOPOLL, PT_IOPOLL, false);
	share("interrupt queue, rings of both kinds", 1, 0, PT_IOPOLL, false);
	share("interrupt queue, SQPOLL rings", 1, PT_SQPOLL, PT_SQPOLL, false);
	share("polled queue, SQPOLL rings", 2, PT_IOPOLL,
	      PT_SQPOLL | PT_IOPOLL, false);
	share("shallow interrupt queue", 3, 0, 0, true);
	share("shallow polled queue", 4, PT_IOPOLL, PT_IOPOLL, true);
	test_pass();
}
