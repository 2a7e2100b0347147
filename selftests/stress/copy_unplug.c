// SPDX-License-Identifier: GPL-2.0
/*
 * A drive goes away while copies go to it, from it and on it: the driver is
 * unbound from it, and bound again; and it is pulled out of its slot, by the
 * emulator. Each copy ends once, those who copy to it learn that it is gone, what
 * was copied elsewhere is as reported, on the drive too where it comes back, and
 * the module can be unloaded.
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
static struct steer_policy plain_policy;
static char pci_address[64];

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static void open_drive(void)
{
	copy_open(&gone[0], "faulty", 1);
	copy_open(&gone[1], "faulty", 2);
}

static void close_drive(void)
{
	pt_close(&gone[0]);
	pt_close(&gone[1]);
}

/* It is back, with all that it was. */
static bool is_back(void)
{
	return test_exists("%s", steer_path(gone[0].ctrl, "state")) &&
	       test_exists("/dev/nvme%s", gone[0].name) &&
	       test_exists("/dev/nvme%s", gone[1].name) &&
	       test_exists("/dev/ng%s", gone[0].name) &&
	       test_exists("/dev/ng%s", gone[1].name);
}

static void unbind(void)
{
	test_check(!test_write("/sys/bus/pci/drivers/nvme/unbind",
			       pci_address), "cannot unbind");
}

static void pull(void)
{
	vm_monitor("device_del " SLOT_ID, NULL, 0);
}

/* It goes under load, by @away; it is closed then. */
static void go(void (*away)(void))
{
	struct steer_policy policy;
	struct copy_stats before, sum;

	steer_puppet_copy(&policy, gone[0].ctrl, &config);
	policy.state->copy_route = 1;
	copy_load_sum(&load, &before);
	copy_load_start(&load);
	test_check(copy_load_wait(&load, 40, 30000), "no copy ended for 30 s");
	away();
	copy_load_wait_gone(&load);
	copy_load_stop(&load);
	copy_load_print(&load);
	copy_load_sum(&load, &sum);
	test_check(sum.good > before.good &&
		   sum.failed + sum.cancelled + sum.refused >=
		   before.failed + before.cancelled + before.refused +
		   COPY_THREADS, "the sums are wrong");
	close_drive();
	steer_detach_gone(&policy);
}

static void unbound(void)
{
	go(unbind);
	test_check(!test_write("/sys/bus/pci/drivers/nvme/bind", pci_address),
		   "cannot bind");
	test_check(test_wait(is_back(), 20000), "it does not come back");
	open_drive();
	test_check(vm_wait_live(gone[0].ctrl, 20000), "it is not live");
	copy_load_verify(&load, NULL);
}

static void pulled(void)
{
	go(pull);
	test_check(test_wait(!test_exists("/sys/class/nvme/nvme%d",
					  gone[0].ctrl), 20000),
		   "nvme%d is still there", gone[0].ctrl);
	load.from[0] = load.from[1] = &gone[1];
	copy_load_verify(&load, &gone[1]);
}

int main(void)
{
	test_begin(150);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	open_drive();
	vm_pci_address(gone[0].ctrl, pci_address, sizeof(pci_address));
	copy_open(&plain, "copies", 1);
	copy_open(&other, "nocopy", 1);
	steer_puppet_copy(&plain_policy, plain.ctrl, &config);
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

	test_step("unbound under load");
	unbound();
	test_step("pulled under load");
	pulled();
	steer_detach(&plain_policy);

	steer_reload();
	test_pass();
}
