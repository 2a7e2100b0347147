// SPDX-License-Identifier: GPL-2.0
/*
 * The controller is reset with NVMe Copy commands under way, of many ranges of
 * several namespaces, beyond its limits, that became reads and writes: each
 * command ends once, and by its status and DW0 no range is said to be copied
 * that is not; nothing else is touched, copies go on afterwards, and the module
 * can be unloaded.
 *
 * The controller's own Copy commands are left out, as in copy_reset. OFFLOAD=1
 * has them.
 *
 * COUNT=   resets (default 6)
 *
 * vm: --drives copy
 */
#include "copy_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

static struct copy_drives drives;
static struct copy_load load;
static struct steer_policy policy;

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 6);
	struct copy_stats sum;
	uint64_t emulated;
	int ret;

	test_begin(110 + 10 * count);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	if (!test_env("OFFLOAD", 0)) {
		copy_max_bytes(&drives.a, 0);
		copy_max_bytes(&drives.b, 0);
		copy_max_bytes(&drives.small, 0);
	}
	load.to[0] = load.to[3] = &drives.a;
	load.to[1] = &drives.none;
	load.to[2] = &drives.small;
	load.from[0] = load.from[3] = &drives.a;
	load.from[1] = &drives.b;
	load.from[2] = &drives.none;
	load.commands = true;
	load.may_fail = true;
	load.may_be_refused = true;
	copy_load_init(&load);
	emulated = steer_event(drives.a.ctrl, "copy_emulated");
	copy_load_start(&load);
	for (i = 0; i < count; i++) {
		test_step("reset %lu", i);
		/* on queues of the policy, and on the driver's own path */
		policy.state->copy_route = i % 3;
		test_check(copy_load_wait(&load, 12, COPY_RESET_MS),
			   "no copy ended for 45 s");
		vm_throttle(drives.a.name, 40);
		test_check(copy_load_wait(&load, 2, COPY_RESET_MS),
			   "no copy ended for 45 s");
		ret = vm_reset(drives.a.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		vm_throttle(drives.a.name, 0);
		test_check(vm_wait_live(drives.a.ctrl, 20000), "not live");
	}
	test_check(copy_load_wait(&load, 12, COPY_RESET_MS),
		   "no copy ended after the resets");
	copy_load_stop(&load);
	copy_load_print(&load);
	copy_load_verify(&load, NULL);
	copy_load_sum(&load, &sum);
	test_check(sum.cancelled + sum.failed, "no reset met a copy");
	test_check(steer_event(drives.a.ctrl, "copy_emulated") > emulated + 12,
		   "they were not read and written");
	test_check(steer_wait_idle(drives.a.ctrl, 5000),
		   "commands left in flight");
	steer_detach(&policy);

	steer_reload();
	test_pass();
}
