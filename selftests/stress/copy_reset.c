// SPDX-License-Identifier: GPL-2.0
/*
 * Controllers are reset, in turn, with copies under way that read and write
 * on both and between them: each copy ends once, whole or with a report that
 * is true, nothing else is touched, and copies go on afterwards.
 *
 * The controllers' own Copy commands are left out: this emulator may abort when
 * a reset ends one before its first block is written. OFFLOAD=1 has them, and
 * faults/copy_cancelled, with a controller of our own.
 *
 * COUNT=   resets (default 8)
 *
 * vm: --drives copy
 */
#include "copy_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

static struct copy_drives drives;
static struct copy_load load;

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 8);
	struct steer_policy policy, other_policy;
	struct copy_stats sum;
	struct pt_ns *ns;
	int ret;

	test_begin(110 + 10 * count);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	steer_puppet_copy(&other_policy, drives.other.ctrl, &config);
	if (!test_env("OFFLOAD", 0)) {
		copy_max_bytes(&drives.a, 0);
		copy_max_bytes(&drives.b, 0);
	}
	load.to[0] = load.to[1] = &drives.a;
	load.to[2] = &drives.other;
	load.to[3] = &drives.none;
	load.from[0] = &drives.a;
	load.from[1] = &drives.b;
	load.from[2] = &drives.other;
	load.from[3] = &drives.a;
	load.may_fail = true;
	load.may_be_refused = true;
	copy_load_init(&load);
	copy_load_start(&load);
	for (i = 0; i < count; i++) {
		ns = i & 1 ? &drives.other : &drives.a;
		test_step("reset %lu, nvme%d", i, ns->ctrl);
		/* on queues of the policy, and on the driver's own path */
		policy.state->copy_route = i / 2 % 3;
		other_policy.state->copy_route = (i / 2 + 1) % 3;
		test_check(copy_load_wait(&load, 12, COPY_RESET_MS),
			   "no copy ended for 45 s");
		vm_throttle(ns->name, 40);
		test_check(copy_load_wait(&load, 2, COPY_RESET_MS),
			   "no copy ended for 45 s");
		ret = vm_reset(ns->ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		vm_throttle(ns->name, 0);
		test_check(vm_wait_live(ns->ctrl, 20000), "not live");
	}
	test_check(copy_load_wait(&load, 12, COPY_RESET_MS),
		   "no copy ended after the resets");
	copy_load_stop(&load);
	copy_load_print(&load);
	copy_load_verify(&load, NULL);
	copy_load_sum(&load, &sum);
	test_check(sum.cancelled + sum.failed, "no reset met a copy");
	test_check(steer_wait_idle(drives.a.ctrl, 5000) &&
		   steer_wait_idle(drives.other.ctrl, 5000),
		   "commands left in flight");
	test_pass();
}
