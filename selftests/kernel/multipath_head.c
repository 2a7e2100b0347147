// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace with two paths. A command to the head goes to the policy of the
 * controller whose path the kernel chose, with the data right; with policies
 * on both, each sees its own; when one controller is reset, the head goes on.
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"
#include "vm.h"

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

int main(void)
{
	struct steer_queues before[2], after[2];
	struct steer_policy policy[2];
	struct load_stats sum;
	struct load load;
	uint64_t carried;
	struct pt_ns ns;
	char path[64];
	int c, i, ctrl[2];

	test_begin(100);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	for (c = 0; c < 2; c++) {
		steer_puppet(&policy[c], ctrl[c], &config);
		steer_answer(&policy[c], 1, 2);
		steer_queues(ctrl[c], &before[c]);
	}
	/* take both paths in turn */
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/subsystem",
		 ns.ctrl);
	for (i = 0; i < 32; i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/nvme-subsystem/nvme-subsys%d/nvme%d", i,
			 ns.ctrl);
		if (!test_exists("%s", path))
			continue;
		snprintf(path, sizeof(path),
			 "/sys/class/nvme-subsystem/nvme-subsys%d/iopolicy", i);
		test_set_file(path, "round-robin");
	}

	test_step("I/O by the head");
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load_start(&load);
	test_check(load_wait(&load, 2000, 30000), "no I/O");
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	for (c = carried = 0; c < 2; c++) {
		uint64_t on;

		steer_queues(ctrl[c], &after[c]);
		on = after[c].q[1].completed - before[c].q[1].completed +
		     after[c].q[2].completed - before[c].q[2].completed;
		printf("#   nvme%d: %ju commands\n", ctrl[c], on);
		test_check(on, "nvme%d carried nothing", ctrl[c]);
		test_check(after[c].q[0].submitted == before[c].q[0].submitted,
			   "commands on the driver's own path");
		test_check(policy[c].state->ctrl == (uint32_t)ctrl[c],
			   "the policy of nvme%d saw nvme%u", ctrl[c],
			   policy[c].state->ctrl);
		carried += on;
	}
	test_check(carried == sum.good, "%ju of %ju commands carried", carried,
		   sum.good);

	test_step("resets of one controller, then the other, under I/O");
	load.may_fail = true;
	load_start(&load);
	for (i = 0; i < 6; i++) {
		test_check(load_wait(&load, 200, 20000), "no I/O");
		test_check(!vm_reset(ctrl[i & 1]), "reset failed");
		test_check(vm_wait_live(ctrl[i & 1], 20000), "not live");
	}
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("#   %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled, sum.refused);
	test_pass();
}
