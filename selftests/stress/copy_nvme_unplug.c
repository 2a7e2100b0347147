// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot, by the emulator, with NVMe Copy commands
 * under way on it, of many ranges of its two namespaces: commands by ioctl and
 * by uring_cmd all end, those who send them learn that it is gone, other drives
 * are as they were, and the module can be unloaded.
 *
 * vm: --drives copy
 * spoils: nvme2
 */
#include "copy_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define SLOT_ID		"nvme2"
#define MIB		(1UL << 20)

static struct steer_policy policy;
static struct copy_load load;
static struct pt_ns gone[2], plain;
static struct image other;

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct copy_stats sum;
	unsigned int i;

	test_begin(120);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	copy_open(&gone[0], "faulty", 1);
	copy_open(&gone[1], "faulty", 2);
	copy_open(&plain, "copies", 1);
	image_init(&other, &plain, 4 * MIB, 4 * MIB);
	steer_puppet_copy(&policy, gone[0].ctrl, &config);
	policy.state->copy_route = 1;
	/* this emulator may abort when a Copy of its own is cut */
	copy_max_bytes(&gone[0], 0);
	load.to[0] = load.to[2] = &gone[0];
	load.to[1] = load.to[3] = &gone[1];
	for (i = 0; i < COPY_SOURCES; i++)
		load.from[i] = &gone[i & 1];
	load.from_mib = 128;	/* behind the sectors that fail */
	load.commands = true;
	load.may_fail = true;
	load.may_be_refused = true;
	load.may_vanish = &gone[0];
	copy_load_init(&load);

	test_step("pulled under load");
	copy_load_start(&load);
	test_check(copy_load_wait(&load, 40, 30000), "no copy ended for 30 s");
	/* what is under way stays so until then */
	vm_throttle(gone[0].name, 40);
	copy_load_wait(&load, 4, 500);
	vm_monitor("device_del " SLOT_ID, NULL, 0);
	copy_load_wait_gone(&load);
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
	image_check(&other, "another drive");
	steer_detach_gone(&policy);

	steer_reload();
	test_pass();
}
