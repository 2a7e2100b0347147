// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that disappears in the middle of a load: its registers and its
 * configuration space read as all ones, and it does nothing more. First on the
 * driver's own path with nothing attached, then with a policy: passthrough
 * commands and block requests end, the policy's queues go with the controller,
 * and the function can be removed. Some time later it is found again, with the
 * data that was written, and works as before.
 *
 * COUNT=   times with a policy (default 2)
 *
 * vm: --drives faults --cpus 4
 */
#include <sys/wait.h>

#include "fault.h"
#include "load.h"
#include "test.h"
#include "vm.h"

#define GONE_MS		6000
#define WRITERS		4
#define WRITER_BLOCK	20000

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
};

static struct pt_ns ns;
static struct load load;
static char pci_path[128], name[sizeof(ns.name)];
static pid_t writers[WRITERS];

static void io_timeout(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	test_check(!test_write(path, "1000"), "cannot write %s", path);
}

/* Block requests until one fails. */
static void begin_writers(void)
{
	unsigned int w;
	uint8_t *buf;

	for (w = 0; w < WRITERS; w++) {
		writers[w] = fork();
		if (writers[w])
			continue;
		buf = test_alloc(4096);
		while (pwrite(ns.block_fd, buf, 4096,
			      (WRITER_BLOCK + 8 * w) * ns.block) == 4096)
			;
		_exit(0);
	}
}

static void end_writers(void)
{
	unsigned int w, left = WRITERS;

	test_check(test_wait(({
		for (w = 0; w < WRITERS; w++)
			if (writers[w] &&
			    waitpid(writers[w], NULL, WNOHANG) == writers[w]) {
				writers[w] = 0;
				left--;
			}
		!left;
	}), 60000), "%u writers still wait for their requests", left);
}

static void go_away(void)
{
	struct fault_rule rule = {
		.what = FAULT_GONE, .opcode = FAULT_ANY, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .skip = 50, .count = 1,
		.ms = GONE_MS,
	};

	fault_add(&rule);
}

static bool is_dead(void)
{
	char state[32];

	vm_ctrl_state(ns.ctrl, state, sizeof(state));
	return strncmp(state, "live", 4) && strncmp(state, "resetting", 9);
}

/* It is back, with its namespace, under the same name. */
static bool is_back(void)
{
	int ret;

	vm_one_cpu(true);
	ret = test_write("/sys/bus/pci/rescan", "1");
	vm_one_cpu(false);
	test_check(!ret, "cannot rescan: %s", strerror(-ret));
	return test_wait(test_exists("/dev/nvme%s", name), 1000);
}

static void remove_function(void)
{
	char path[192];
	int ret;

	snprintf(path, sizeof(path), "%s/remove", pci_path);
	ret = test_write(path, "1");
	test_check(!ret, "cannot remove: %s", strerror(-ret));
	test_check(!test_exists("%s", pci_path), "it was not removed");
}

/* @detach: the policy is detached before the function is removed */
static void once(bool steered, bool detach)
{
	struct steer_policy policy;
	unsigned int t;
	int ret;

	test_step(steered ? "with a policy" : "the driver's own path");
	if (steered) {
		ret = steer_load(&policy, ns.ctrl, "puppet_block", &config);
		test_check(!ret, "cannot load: %s", strerror(-ret));
		ret = steer_attach(&policy);
		test_check(!ret, "cannot attach: %s", strerror(-ret));
		steer_answer_spread(&policy, 1, 2, 3, 2);
		steer_answer_block(&policy, 1, 2, 3, 2);
	}
	/* see lib/cell.h why the driver is not polled with nothing attached */
	load_mix(&load);
	for (t = 0; t < load.threads && !steered; t++)
		load.thread[t].mode = 0;
	io_timeout();
	load_start(&load);
	begin_writers();
	test_check(load_wait(&load, 200, 20000), "no I/O for 20 s");
	go_away();
	test_check(test_wait(atomic_load(&load.shared->gone) == load.threads,
			     60000), "only %u of %u submitters learned of it",
		   atomic_load(&load.shared->gone), load.threads);
	load_stop(&load);
	end_writers();
	test_check(test_wait(is_dead(), 20000), "the controller is not dead");
	if (detach)
		steer_detach(&policy);
	remove_function();
	if (steered && !detach) {
		test_check(policy.state->exits == 1 &&
			   policy.state->exit_kind == NVME_STEER_EXIT_GONE,
			   "the policy ended with kind %u",
			   policy.state->exit_kind);
		steer_detach(&policy);
	}
	fault_close();
	pt_close(&ns);
	test_check(test_wait(is_back(), 60000), "it did not come back");
	fault_open(&ns);
	test_check(!strcmp(ns.name, name), "it is nvme%s now", ns.name);
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	load_verify(&load);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 2);

	test_begin(60 + 40 * count);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	fault_open(&ns);
	strcpy(name, ns.name);
	vm_pci_path(ns.ctrl, pci_path, sizeof(pci_path));
	load_init(&load, &ns, 4, 8);
	load.may_fail = true;
	load.may_vanish = true;
	load.timeout_ms = 1000;
	once(false, false);
	for (i = 0; i < count; i++)
		once(true, i & 1);
	test_pass();
}
