// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot, by the emulator, while copies go to it,
 * from it and on it: each copy ends once, those who copy to it learn that it is
 * gone, what was copied elsewhere is as reported, and the module can be
 * unloaded.
 *
 * vm: --drives copy
 * spoils: nvme2
 */
#include "copy_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define SLOT_ID		"nvme2"

static struct copy_load load;
static struct pt_ns gone[2], plain, other;

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	static struct steer_policy policy, plain_policy;
	struct copy_stats sum;

	test_begin(120);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	copy_open(&gone[0], "faulty", 1);
	copy_open(&gone[1], "faulty", 2);
	copy_open(&plain, "copies", 1);
	copy_open(&other, "nocopy", 1);
	steer_puppet_copy(&policy, gone[0].ctrl, &config);
	steer_puppet_copy(&plain_policy, plain.ctrl, &config);
	policy.state->copy_route = 1;
	plain_policy.state->copy_route = 1;
	load.to[0] = load.to[1] = &gone[1];
	load.to[2] = load.to[3] = &plain;
	load.from[0] = &gone[1];
	load.from[1] = &gone[0];
	load.from[2] = &plain;
	load.from[3] = &other;
	load.may_fail = true;
	load.may_be_refused = true;
	load.may_vanish = &gone[0];
	copy_load_init(&load);

	test_step("pulled under load");
	copy_load_start(&load);
	test_check(copy_load_wait(&load, 40, 30000), "no copy ended for 30 s");
	vm_monitor("device_del " SLOT_ID, NULL, 0);
	test_check(test_wait(load.shared->gone == COPY_THREADS, 40000),
		   "only %u of %u submitters learned of it",
		   load.shared->gone, COPY_THREADS);
	copy_load_stop(&load);
	copy_load_print(&load);
	copy_load_sum(&load, &sum);
	test_check(sum.good && sum.failed + sum.cancelled + sum.refused >=
				       COPY_THREADS, "the sums are wrong");
	pt_close(&gone[0]);
	pt_close(&gone[1]);
	test_check(test_wait(!test_exists("/sys/class/nvme/nvme%d",
					  gone[0].ctrl), 20000),
		   "nvme%d is still there", gone[0].ctrl);
	test_check(test_wait(policy.state->exits, 10000),
		   "the policy was not told");
	test_check(policy.state->exit_kind == NVME_STEER_EXIT_GONE,
		   "the policy ended with kind %u", policy.state->exit_kind);
	load.from[0] = load.from[1] = &gone[1];
	copy_load_verify(&load, &gone[1]);
	steer_detach(&policy);
	steer_detach(&plain_policy);

	steer_reload();
	test_pass();
}
