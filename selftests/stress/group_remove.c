// SPDX-License-Identifier: GPL-2.0
/*
 * The controller goes away under command groups of four CPUs, and comes back:
 * the driver is unbound, its PCI function is removed. Each group ends once,
 * every command has a status that is true, and every submitter learns that the
 * device is gone.
 *
 * COUNT=   of each way (default 2)
 *
 * vm: --cpus 4
 */
#include <limits.h>

#include "group_load.h"
#include "test.h"
#include "vm.h"

static struct group_load load;
static struct pt_ns ns;
static char pci_path[PATH_MAX], pci_address[64];

static void unbind_driver(void)
{
	test_check(!test_write("/sys/bus/pci/drivers/nvme/unbind",
			       pci_address), "cannot unbind");
}

static void bind_driver(void)
{
	test_check(!test_write("/sys/bus/pci/drivers/nvme/bind", pci_address),
		   "cannot bind");
}

static void remove_function(void)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/remove", pci_path);
	test_check(!test_write(path, "1"), "cannot write %s", path);
}

static void rescan(void)
{
	int ret;

	vm_one_cpu(true);
	ret = test_write("/sys/bus/pci/rescan", "1");
	vm_one_cpu(false);
	test_check(!ret, "cannot rescan: %s", strerror(-ret));
}

/* It is back, with its namespace, under the same names. */
static bool back(const char *name)
{
	if (pt_open_name(&ns, name))
		return false;
	if (ns.block_fd >= 0 && test_exists("%s", steer_path(ns.ctrl, "state")))
		return true;
	pt_close(&ns);
	return false;
}

static void once(void (*away)(void), void (*again)(void))
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	struct steer_policy policy;
	char name[sizeof(ns.name)];
	int ret;

	ret = steer_load(&policy, ns.ctrl, "puppet_once", &config);
	test_check(!ret, "cannot load: %s", strerror(-ret));
	ret = steer_attach(&policy);
	test_check(!ret, "cannot attach: %s", strerror(-ret));
	steer_answer_spread(&policy, 1, 2, 3, 2);
	group_load_start(&load);
	test_check(group_load_wait(&load, 40, 20000),
		   "no group ended for 20 s");
	away();
	test_check(test_wait(load.gone == GROUP_THREADS, 20000),
		   "only %u submitters learned of it", load.gone);
	group_load_stop(&load);
	steer_detach_gone(&policy);
	pt_close(&ns);

	strcpy(name, ns.name);
	again();
	test_check(test_wait(back(name), 20000), "ng%s did not come back",
		   name);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	group_load_verify(&load);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 2);
	struct group_stats sum;

	test_begin(60 + 10 * count);
	/* a controller with one namespace, which comes back by its name */
	pt_open(&ns, PT_WANT_OTHER);
	vm_pci_path(ns.ctrl, pci_path, sizeof(pci_path));
	vm_pci_address(ns.ctrl, pci_address, sizeof(pci_address));
	group_load_init(&load, &ns);
	load.may_be_cancelled = true;
	load.may_be_refused = true;
	load.may_vanish = true;
	test_step("%lu times the driver is unbound", count);
	for (i = 0; i < count; i++)
		once(unbind_driver, bind_driver);
	test_step("%lu times the function is removed", count);
	for (i = 0; i < count; i++)
		once(remove_function, rescan);
	group_load_print(&load);
	group_load_sum(&load, &sum);
	test_check(sum.refused + sum.unsent + sum.cancelled + sum.failed,
		   "nobody was told that it is gone");
	test_pass();
}
