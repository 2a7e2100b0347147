// SPDX-License-Identifier: GPL-2.0
/*
 * The controller is taken away under four CPUs' commands and comes back: by
 * sysfs remove and rescan of its PCI function, and by unbinding the driver and
 * binding it again. Every command ends, the policy ends with kind "gone", the
 * blocks hold the old data or the new, and the controller that comes back can
 * be steered again.
 *
 * COUNT=   of each way (default 4)
 *
 * vm: --cpus 4
 */
#include <limits.h>

#include "load.h"
#include "test.h"
#include "vm.h"

static struct pt_ns ns;
static char pci_path[PATH_MAX], pci_address[64];

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

static void once(struct load *load, const struct puppet_config *config,
		 void (*away)(void), void (*again)(void))
{
	char word[64], name[sizeof(ns.name)];
	struct steer_policy policy;
	int ret;

	ret = steer_load(&policy, ns.ctrl, "puppet", config);
	test_check(!ret, "cannot load: %s", strerror(-ret));
	ret = steer_attach(&policy);
	test_check(!ret, "cannot attach: %s", strerror(-ret));
	steer_answer_spread(&policy, 1, 2, 3, 2);

	load_start(load);
	test_check(load_wait(load, 100, 20000), "no I/O for 20 s");
	away();
	test_check(test_wait(atomic_load(&load->shared->gone) == load->threads,
			     20000), "only %u of %u submitters learned of it",
		   atomic_load(&load->shared->gone), load->threads);
	load_stop(load);
	steer_detach_gone(&policy);
	pt_close(&ns);

	strcpy(name, ns.name);
	again();
	test_check(test_wait(back(name), 20000), "ng%s did not come back",
		   name);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	load_verify(load);
	steer_word(ns.ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "none"), "the new controller is '%s'", word);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 4);
	struct load_stats sum;
	struct load load;

	test_begin(60 + 6 * count);
	/* a controller with one namespace, which comes back by its name */
	pt_open(&ns, PT_WANT_OTHER);
	vm_pci_path(ns.ctrl, pci_path, sizeof(pci_path));
	vm_pci_address(ns.ctrl, pci_address, sizeof(pci_address));
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.may_fail = true;
	load.may_vanish = true;

	test_step("%lu times the driver is unbound", count);
	for (i = 0; i < count; i++)
		once(&load, &config, unbind_driver, bind_driver);
	test_step("%lu times the function is removed", count);
	for (i = 0; i < count; i++)
		once(&load, &config, remove_function, rescan);

	load_sum(&load, &sum);
	printf("# %lu removals, %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       2 * count, sum.submitted, sum.good, sum.failed, sum.cancelled,
	       sum.refused);
	test_pass();
}
