// SPDX-License-Identifier: GPL-2.0
/*
 * Weights of 3:1 on a drive that is the bottleneck: what two tenants get is 3:1
 * within 10 %, both by passthrough, by the block device, or one of each, polled
 * or by interrupt, however much more the lighter one asks for. A tenant that is
 * alone gets all of it.
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include "pt.h"
#include "steer.h"
#include "tenant.h"
#include "test.h"
#include "vm.h"

#define IOPS	1500	/* of the drive */
#define COUNT	2000	/* commands to measure by */
#define TRIES	4	/* each with a drive half as fast, for twice as long */

/* of share 1, and of share 2 */
enum { HEAVY = 1, LIGHT, HEAVY_POLL, LIGHT_POLL };

static const struct puppet_config config = {
	.mode = { [HEAVY] = NVME_STEER_IRQ, [LIGHT] = NVME_STEER_IRQ,
		  [HEAVY_POLL] = NVME_STEER_POLL,
		  [LIGHT_POLL] = NVME_STEER_POLL },
	.share = { [HEAVY] = 1, [LIGHT] = 2, [HEAVY_POLL] = 1,
		   [LIGHT_POLL] = 2 },
};

static const struct nvme_steer_share all = { .depth = 8 };
static const struct nvme_steer_share heavy = { .weight = 300 };
static const struct nvme_steer_share light = { .weight = 100 };

static struct pt_ns ns;
static struct steer_policy policy;

/*
 * What both get is 3:1 within 10 %. The machine under the emulator may be too
 * slow to have enough waiting: the drive is to be what is not fast enough.
 */
static void divided(struct tenant *t)
{
	uint64_t got[2];
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		vm_throttle(ns.name, IOPS >> i);
		tenants_run(t, 2, COUNT / 4, 0);
		got[0] = t[0].ended;
		got[1] = t[1].ended;
		tenants_run(t, 2, COUNT, 0);
		got[0] = t[0].ended - got[0];
		got[1] = t[1].ended - got[1];
		printf("#   %ju to %ju\n", got[0], got[1]);
		if (got[0] * 10 >= got[1] * 27 && got[0] * 10 <= got[1] * 33)
			return;
	}
	test_fail("%ju to %ju instead of 3 to 1", got[0], got[1]);
}

static void weigh(const char *what, bool block_a, bool block_b,
		  unsigned int mode, bool alone)
{
	struct tenant t[] = {
		{ .ns = &ns, .depth = 128, .nlb = 8, .block = block_a },
		{ .ns = &ns, .depth = 192, .nlb = 8, .block = block_b,
		  .write = true, .first = 32768 },
	};

	test_step("%s", what);
	tenant_init(&t[0], mode);
	tenant_init(&t[1], mode);
	/* the ring of the light one is told from the other by its id */
	policy.state->other_ring = 0;
	steer_answer(&policy, HEAVY, HEAVY_POLL);
	steer_answer_block(&policy, HEAVY, 1, HEAVY_POLL, 1);
	policy.state->block_write = LIGHT;
	tenants_run(&t[1], 1, 1, 0);
	policy.state->other = mode & PT_IOPOLL ? LIGHT_POLL : LIGHT;
	if (!block_b)
		policy.state->other_ring = policy.state->ring;
	if (alone) {
		vm_throttle(ns.name, IOPS);
		tenants_run(&t[1], 1, COUNT / 4, 0);
		test_check(steer_share_word(ns.ctrl, 2, "inflight") == all.depth,
			   "it has less than all: %ju of %u",
			   steer_share_word(ns.ctrl, 2, "inflight"), all.depth);
	} else {
		divided(t);
	}
	vm_throttle(ns.name, 0);
	tenant_exit(&t[0]);
	tenant_exit(&t[1]);
}

int main(void)
{
	test_begin(280);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 0, &all);
	steer_share(&policy, 1, &heavy);
	steer_share(&policy, 2, &light);
	weigh("passthrough and passthrough", false, false, 0, false);
	weigh("polled passthrough", false, false, PT_IOPOLL, false);
	weigh("block and block", true, true, 0, false);
	weigh("passthrough and block", false, true, 0, false);
	weigh("block and passthrough", true, false, 0, false);
	weigh("the light one alone", false, false, 0, true);
	test_pass();
}
