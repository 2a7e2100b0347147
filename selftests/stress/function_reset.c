// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI function is reset (FLR) under commands of four threads on polled and
 * interrupt steer queues; as in stress/reset. On one CPU: while the BARs of a
 * function move, other CPUs can make the emulator abort.
 *
 * COUNT=   resets (default 6)
 *
 * vm: --cpus 1
 */
#include <limits.h>

#include "load.h"
#include "test.h"
#include "vm.h"

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 6);
	struct steer_queues before, after;
	struct steer_policy policy;
	char path[PATH_MAX];
	struct load load;
	struct pt_ns ns;
	int ret;

	test_begin(60 + 5 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	vm_pci_path(ns.ctrl, path, sizeof(path));
	strncat(path, "/reset", sizeof(path) - strlen(path) - 1);
	if (access(path, W_OK))
		test_skip("the function cannot be reset: no %s", path);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 2);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.may_fail = true;

	test_step("%lu resets of the function under load", count);
	steer_queues(ns.ctrl, &before);
	load_start(&load);
	for (i = 0; i < count; i++) {
		test_check(load_wait(&load, 50, 20000), "no I/O for 20 s");
		ret = test_write(path, "1");
		test_check(!ret, "reset %lu: %s", i, strerror(-ret));
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	}
	test_check(load_wait(&load, 100, 20000), "no I/O after the resets");
	load_stop(&load);
	steer_queues(ns.ctrl, &after);
	load_verify(&load);
	load_match(&load, &before, &after);
	test_check(!strcmp(after.q[1].state, "live") &&
		   !strcmp(after.q[2].state, "live"), "queues are not live");
	test_pass();
}
