// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot, by the emulator, under four CPUs'
 * commands on polled and interrupt queues, from registered and plain buffers.
 * Every command ends exactly once: well, with a status of the controller, as
 * cancelled, or refused because the device is gone. The policy ends once, with
 * kind "gone"; the modules can be unloaded and loaded, and another controller
 * can be steered.
 *
 * vm: --cpus 4
 * spoils: nvme3
 */
#include "load.h"
#include "test.h"
#include "vm.h"

#define SLOT_SERIAL	"blk4k"		/* the one in a hot-plug slot */
#define SLOT_ID		"nvme3"

static bool gone(int ctrl)
{
	return !test_exists("/sys/class/nvme/nvme%d", ctrl);
}

/* Another controller does what it did before. */
static void others_work(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ },
	};
	static struct steer_policy policy;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	struct pt_ns ns;
	uint64_t routed;
	uint8_t *buf;

	pt_open(&ns, PT_WANT_PLAIN);
	buf = test_alloc(8 * ns.block);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 1);
	routed = steer_event(ns.ctrl, "routed");
	pt_ring_init(&ring, 8, 0);
	pt_fill(&ns, buf, 64, 8, 1);
	pt_rw(&cmd, &ns, PT_WRITE, 64, 8, buf, 8 * ns.block);
	test_check(!pt_do(&ring, ns.fd, &cmd, 0, NULL), "a write failed");
	pt_block_check(&ns, 64, 8, 1);
	test_check(steer_event(ns.ctrl, "routed") == routed + 1,
		   "the write was not steered");
	pt_ring_exit(&ring);
	steer_detach(&policy);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	static struct steer_policy policy;
	char path[64], serial[64] = "";
	struct load_stats sum;
	struct load load;
	struct pt_ns ns;

	test_begin(120);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	pt_open(&ns, PT_WANT_4K);
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/serial", ns.ctrl);
	test_read(path, serial, sizeof(serial));
	if (strncmp(serial, SLOT_SERIAL, strlen(SLOT_SERIAL)))
		test_skip("ng%s is not in a hot-plug slot", ns.name);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.may_fail = true;
	load.may_vanish = true;
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);

	test_step("pulled under load");
	load_start(&load);
	test_check(load_wait(&load, 400, 30000), "no I/O for 30 s");
	test_check(steer_event(ns.ctrl, "routed") >= 400, "I/O is not steered");
	vm_monitor("device_del " SLOT_ID, NULL, 0);
	test_check(test_wait(atomic_load(&load.shared->gone) == load.threads,
			     40000), "only %u of %u submitters learned of it",
		   atomic_load(&load.shared->gone), load.threads);
	load_stop(&load);
	load_sum(&load, &sum);
	printf("# %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused, the last with %s\n",
	       sum.submitted, sum.good, sum.failed, sum.cancelled, sum.refused,
	       strerror(-sum.last_errno));
	test_check(sum.submitted == sum.good + sum.failed + sum.cancelled +
				    sum.refused, "the sums do not match");
	/* EINVAL: a head that has no path left */
	test_check(sum.refused >= load.threads &&
		   (sum.last_errno == -ENODEV || sum.last_errno == -ENXIO ||
		    sum.last_errno == -EIO ||
		    (sum.last_errno == -EINVAL && ns.head)),
		   "nobody was told that it is gone");
	pt_close(&ns);

	test_step("what is left");
	test_check(test_wait(gone(ns.ctrl), 20000), "nvme%d is still there",
		   ns.ctrl);
	steer_detach_gone(&policy);

	steer_reload();
	others_work();
	test_pass();
}
