// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot while passthrough commands and block
 * requests wait for their shares, some of them behind full queues. Every
 * command ends, exactly once, every process learns of it, and the module can be
 * unloaded.
 *
 * vm: --cpus 4
 * spoils: nvme3
 */
#include <sys/wait.h>

#include "load.h"
#include "test.h"
#include "vm.h"

#define WRITERS	2

static struct pt_ns ns;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	.depth = { [2] = 8, [4] = 8 },
	.share = { [1] = 1, [2] = 2, [3] = 2, [4] = 1 },
};

static void writer(unsigned int w)
{
	uint8_t *buf = test_alloc(16 * ns.block);

	while (pwrite(ns.block_fd, buf, 16 * ns.block,
		      (65536 + 64 * w) * ns.block) == 16 * ns.block)
		;
	_exit(0);
}

int main(void)
{
	struct nvme_steer_share limit = { .depth = 2, .iops = 400 };
	static struct steer_policy policy;
	pid_t writers[WRITERS];
	struct load_stats sum;
	struct load load;
	unsigned int w;
	int status;

	test_begin(150);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	pt_open(&ns, PT_WANT_4K);
	for (w = 0; w < WRITERS; w++) {
		writers[w] = fork();
		if (!writers[w])
			writer(w);
	}
	load_init(&load, &ns, 4, 16);
	load_mix(&load);
	load.may_fail = true;
	load.may_vanish = true;
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 1, &limit);
	steer_share(&policy, 2, &limit);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	steer_answer_block(&policy, 1, 2, 3, 2);

	test_step("pulled while commands wait");
	load_start(&load);
	test_check(load_wait(&load, 400, 30000), "no I/O for 30 s");
	test_check(steer_share_word(ns.ctrl, 1, "waiting") ||
		   steer_share_word(ns.ctrl, 2, "waiting"), "nothing waits");
	vm_monitor("device_del nvme3", NULL, 0);
	test_check(test_wait(atomic_load(&load.shared->gone) == load.threads,
			     40000), "only %u of %u submitters learned of it",
		   atomic_load(&load.shared->gone), load.threads);
	load_stop(&load);
	load_sum(&load, &sum);
	printf("# %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled, sum.refused);
	test_check(sum.submitted == sum.good + sum.failed + sum.cancelled +
				    sum.refused, "the sums do not match");
	for (w = 0; w < WRITERS; w++) {
		test_check(test_wait(waitpid(writers[w], &status, WNOHANG) ==
				     writers[w], 40000), "writer %u hangs", w);
		test_check(!status, "writer %u: %#x", w, status);
	}
	pt_close(&ns);

	test_step("what is left");
	test_check(test_wait(!test_exists("/sys/class/nvme/nvme%d", ns.ctrl),
			     20000), "nvme%d is still there", ns.ctrl);
	steer_detach_gone(&policy);
	steer_reload();
	test_pass();
}
