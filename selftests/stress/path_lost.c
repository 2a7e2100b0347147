// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups and copies of a namespace with two paths, by the path that the
 * policy names: while that one is reset, and while its driver is unbound and
 * bound again. Each ends once, what it says of its commands and ranges is true,
 * they go on by the other path meanwhile, and by the policy's once that is back.
 *
 * COUNT=   of each way (default 2)
 *
 * vm: --cpus 4
 * spoils: nvme5
 */
#include "copy_load.h"
#include "group_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define WAIT_MS		COPY_RESET_MS

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static struct pt_ns ns;
static struct group_load groups;
static struct copy_load copies;
static struct steer_policy policy[2];	/* of each controller */
static char address[64];		/* of the second one */

/* Each policy's queues carry groups and copies; the first one's answers count. */
static void attach(unsigned int i, int ctrl)
{
	steer_puppet_path(&policy[i], ctrl, &config);
	steer_answer(&policy[i], 1, 2);
}

static void name(int ctrl)
{
	volatile struct puppet_state *s = policy[0].state;

	s->path_answer = NVME_STEER_PATH(ctrl);
}

static void go_on(void)
{
	test_check(group_load_wait(&groups, 20, WAIT_MS),
		   "no group ended for %u s", WAIT_MS / 1000);
	test_check(copy_load_wait(&copies, 10, WAIT_MS),
		   "no copy ended for %u s", WAIT_MS / 1000);
}

static uint64_t carried(int ctrl)
{
	struct steer_queues qs;

	steer_queues(ctrl, &qs);
	return qs.q[1].completed + qs.q[2].completed;
}

/* More of them are carried by queues of that controller. */
static void taken(int ctrl)
{
	uint64_t before = carried(ctrl);

	test_check(test_wait(carried(ctrl) > before + 4 * GROUP_NR, WAIT_MS),
		   "nvme%d is not taken", ctrl);
}

static void reset(void)
{
	test_check(!vm_reset(ns.ctrl2), "reset");
	go_on();
	test_check(vm_wait_live(ns.ctrl2, 20000), "not live");
}

static bool is_back(void)
{
	char state[32];

	vm_ctrl_state(ns.ctrl2, state, sizeof(state));
	return !strcmp(state, "live") &&
	       test_exists("%s", steer_path(ns.ctrl2, "path"));
}

static void unbind_bind(void)
{
	test_check(!test_write("/sys/bus/pci/drivers/nvme/unbind", address),
		   "cannot unbind");
	steer_detach_gone(&policy[1]);
	go_on();
	taken(ns.ctrl);
	/* by a path without a policy there is neither */
	name(ns.ctrl);
	test_check(!test_write("/sys/bus/pci/drivers/nvme/bind", address),
		   "cannot bind");
	test_check(test_wait(is_back(), 20000), "it does not come back");
	attach(1, ns.ctrl2);
	name(ns.ctrl2);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 2);
	struct group_stats sum;
	struct copy_stats copied;

	test_begin(120 + 30 * count);
	pt_open(&ns, PT_WANT_HEAD);
	vm_pci_address(ns.ctrl2, address, sizeof(address));
	attach(0, ns.ctrl);
	attach(1, ns.ctrl2);
	name(ns.ctrl2);
	group_load_init(&groups, &ns);
	groups.may_be_cancelled = true;
	groups.may_be_refused = true;
	for (i = 0; i < COPY_THREADS; i++)
		copies.to[i] = &ns;
	for (i = 0; i < COPY_SOURCES; i++)
		copies.from[i] = &ns;
	/* the emulator may not live through a reset with Copies under way */
	copies.emulate = true;
	copies.may_fail = true;
	copies.may_be_refused = true;
	copy_load_init(&copies);
	group_load_start(&groups);
	copy_load_start(&copies);
	for (i = 0; i < count; i++) {
		test_step("reset %lu of the path", i + 1);
		taken(ns.ctrl2);
		reset();
	}
	for (i = 0; i < count; i++) {
		test_step("unbound, and bound again, %lu", i + 1);
		taken(ns.ctrl2);
		unbind_bind();
	}
	taken(ns.ctrl2);
	group_load_stop(&groups);
	copy_load_stop(&copies);
	group_load_print(&groups);
	copy_load_print(&copies);
	group_load_sum(&groups, &sum);
	copy_load_sum(&copies, &copied);
	test_check(sum.good && copied.good, "none has ended well");
	test_check(sum.unsent + sum.cancelled + sum.failed,
		   "no group has noticed that its path was lost");
	test_check(steer_wait_idle(ns.ctrl, 5000) &&
		   steer_wait_idle(ns.ctrl2, 5000), "commands are left");
	steer_path_idle(ns.ctrl);
	steer_path_idle(ns.ctrl2);
	group_load_verify(&groups);
	copy_load_verify(&copies, NULL);
	for (i = 0; i < 2; i++)
		steer_detach(&policy[i]);
	test_pass();
}
