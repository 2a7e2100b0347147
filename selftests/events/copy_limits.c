// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace's limits for Copy commands become smaller, and the controller is
 * not reset. The copy that finds out is read and written; those after it are
 * cut to what the controller says now. All go well. A controller that refuses
 * what it says it takes is asked once more, and not for each copy.
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
	fault_host_is_good("copies");
	pt_ring_exit(&ring);
	image_free(&src);
	image_free(&dst);
	copy_free(&copy);
	test_pass();
}
