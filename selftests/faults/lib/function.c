// SPDX-License-Identifier: GPL-2.0
/*
 * The function of the drive of faults; see function.h.
 */
#include "fault.h"
#include "function.h"
#include "test.h"
#include "vm.h"

static char pci_path[128], name[sizeof(((struct pt_ns *)0)->name)];
static int ctrl;

static void tell(const char *file)
{
	char path[192];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", pci_path, file);
	ret = test_write(path, "1");
	test_check(!ret, "cannot %s: %s", file, strerror(-ret));
}

void function_is(const struct pt_ns *ns)
{
	strcpy(name, ns->name);
	ctrl = ns->ctrl;
	vm_pci_path(ctrl, pci_path, sizeof(pci_path));
}

void function_reset(void)
{
	tell("reset");
}

/*
 * The reset that failed is over. A removal beside its end is a race that the
 * driver has by itself: nvme_reset_work() and nvme_dev_disable() unquiesce and
 * quiesce the queues, and only the bit that says so is changed atomically.
 */
static bool is_dead(void)
{
	char state[32];

	vm_ctrl_state(ctrl, state, sizeof(state));
	return !strcmp(state, "dead");
}

/* What is cached would not tell. */
bool function_is_gone(void)
{
	char path[192], vendor[2];

	snprintf(path, sizeof(path), "%s/config", pci_path);
	return test_read(path, vendor, sizeof(vendor)) > 0 &&
	       (uint8_t)vendor[0] == 0xff;
}

void function_dies(void)
{
	test_check(test_wait(is_dead(), 20000), "the controller is not dead");
}

void function_remove(void)
{
	tell("remove");
	test_check(!test_exists("%s", pci_path), "it was not removed");
}

void function_rescan(void)
{
	int ret;

	vm_one_cpu(true);
	ret = test_write("/sys/bus/pci/rescan", "1");
	vm_one_cpu(false);
	test_check(!ret, "cannot rescan: %s", strerror(-ret));
}

/* It is there, with its namespace, under the same name. */
static bool is_back(void)
{
	function_rescan();
	return test_wait(test_exists("/dev/nvme%s", name), 1000);
}

void function_back(struct pt_ns *ns)
{
	fault_close();
	pt_close(ns);
	test_check(test_wait(is_back(), 60000), "it did not come back");
	fault_open(ns);
	test_check(!strcmp(ns->name, name), "it is nvme%s now", ns->name);
	test_check(vm_wait_live(ns->ctrl, 20000), "not live");
}
