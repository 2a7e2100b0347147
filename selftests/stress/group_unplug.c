// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot, by the emulator, under command groups
 * of four CPUs: each group ends once, with a status for each command, every
 * submitter learns that the device is gone, and the module can be unloaded.
 *
 * vm: --cpus 4
 * spoils: nvme3
 */
#include "group_load.h"
#include "test.h"
#include "vm.h"

#define SLOT_SERIAL	"blk4k"		/* the one in a hot-plug slot */
#define SLOT_ID		"nvme3"

static struct group_load load;
static struct steer_policy policy;
static struct pt_ns ns;

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	char path[64], serial[64] = "";
	struct group_stats sum;

	test_begin(120);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	pt_open(&ns, PT_WANT_4K);
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/serial", ns.ctrl);
	test_read(path, serial, sizeof(serial));
	if (strncmp(serial, SLOT_SERIAL, strlen(SLOT_SERIAL)))
		test_skip("ng%s is not in a hot-plug slot", ns.name);
	steer_puppet_once(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	group_load_init(&load, &ns);
	load.may_be_cancelled = true;
	load.may_be_refused = true;
	load.may_vanish = true;

	test_step("pulled under load");
	group_load_start(&load);
	test_check(group_load_wait(&load, 40, 30000),
		   "no group ended for 30 s");
	vm_monitor("device_del " SLOT_ID, NULL, 0);
	test_check(test_wait(load.gone == GROUP_THREADS, 40000),
		   "only %u submitters learned of it", load.gone);
	group_load_stop(&load);
	group_load_print(&load);
	group_load_sum(&load, &sum);
	test_check(sum.good && sum.refused + sum.unsent + sum.cancelled +
				       sum.failed, "the sums are wrong");
	pt_close(&ns);
	steer_detach_gone(&policy);

	steer_reload();
	test_pass();
}
