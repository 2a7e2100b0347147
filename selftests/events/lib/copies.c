// SPDX-License-Identifier: GPL-2.0
#include "cell.h"
#include "copies.h"
#include "test.h"
#include "vm.h"

#define AREA	(64UL << 10)
#define SOURCE	(1UL << 20)
#define TARGET	(2UL << 20)
#define PART	(4UL << 10)

static bool own;
static struct image src, dst;
static struct copy copy;

static void begin(struct pt_ns *ns, unsigned int mode)
{
	cell_policy()->state->copy_route = own ? NVME_STEER_DEFAULT :
					   mode == PT_IOPOLL ? 2 : 1;
	image_init(&src, ns, SOURCE, AREA);
	image_init(&dst, ns, TARGET, AREA);
	copy_init(&copy, 4);
	copy_begin(&copy, &dst, PART, 0);
	copy_add(&copy, &src, 0, 2 * PART);
	copy_add(&copy, &src, 4 * PART, PART);
}

static void end(void)
{
	copy_free(&copy);
	image_free(&src);
	image_free(&dst);
}

void copies_own(bool on)
{
	own = on;
}

void copies_work(struct pt_ns *ns, const char *when)
{
	struct steer_queues before, after;
	struct pt_ring ring;
	unsigned int mode;

	for (mode = 0; mode <= PT_IOPOLL; mode++) {
		unsigned int queue = mode == PT_IOPOLL ? 2 : 1;

		pt_ring_init(&ring, 8, mode);
		begin(ns, mode);
		steer_queues(ns->ctrl, &before);
		copy_good(&ring, &copy, 0, when);
		steer_queues(ns->ctrl, &after);
		test_check(after.q[queue].completed > before.q[queue].completed,
			   "%s: queue %u carries no copies", when, queue);
		end();
		pt_ring_exit(&ring);
	}
}

int copies_during(struct pt_ns *ns, unsigned int mode, unsigned int ms,
		  void (*event)(void), bool check)
{
	struct fault_rule rule = {
		.what = FAULT_LATE, .flags = FAULT_DONE, .ms = ms,
		.opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .slba = SOURCE / ns->block,
		.nlb = AREA / ns->block,
	};
	uint64_t result = 0, tag;
	struct pt_ring ring;
	int ret;

	pt_ring_init(&ring, 8, mode);
	begin(ns, mode);
	fault_clear();
	fault_add(&rule);
	copy_queue(&ring, &copy, 0, 1);
	pt_submit_only(&ring);
	test_check(test_wait(fault_done(0), 20000), "no read of the copy");
	event();
	ret = pt_reap(&ring, &tag, &result);
	copy_ended(&copy, ret, result);
	test_check(vm_wait_live(ns->ctrl, 20000), "the controller is not live");
	fault_host_is_good("while it copied");
	fault_clear();
	if (check && ret) {
		copy_check_report(&copy, "while it copied");
	} else if (check) {
		copy_is_good(&copy, 0, "while it copied");
		copy_model(&copy);
		image_check(&dst, "while it copied");
	}
	end();
	pt_ring_exit(&ring);
	return ret;
}

int copies_to(struct pt_ns *ns, uint64_t block)
{
	struct pt_ring ring;
	int ret;

	pt_ring_init(&ring, 8, 0);
	begin(ns, 0);
	copy.cmd.dst = block * ns->block;
	ret = copy_do(&ring, &copy);
	end();
	pt_ring_exit(&ring);
	return ret;
}
