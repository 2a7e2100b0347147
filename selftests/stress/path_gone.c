// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace with two paths under block I/O and passthrough commands, and
 * policies that insist on one path: while that one is reset, again and again,
 * and while its driver is unbound and bound again. No block I/O fails, every
 * passthrough command ends, nothing is lost, and the path is used again once it
 * is back. Then the controller whose policy decides goes away: the other one's
 * policy does. And all of it where commands that fail may be tried again, and
 * answers hold.
 *
 * COUNT=   of resets and of unbinding (default 4)
 *
 * vm: --cpus 4
 * spoils: nvme4
 */
#include "block_load.h"
#include "load.h"
#include "test.h"
#include "vm.h"

static struct block_load block;
static struct load load;
static struct pt_ns ns;
static int ctrl[2];

static void insist(struct steer_policy *p, int on)
{
	volatile struct puppet_state *s = p->state;

	s->path_answer = NVME_STEER_PATH(on);
}

static void insist_again(struct steer_policy *p, int on)
{
	volatile struct puppet_state *s = p->state;

	s->path_answer = NVME_STEER_PATH(on) | NVME_STEER_PATH_REPEAT;
}

static char address[64];

/* What was unbound last is bound. */
static void unbind_bind(int instance, bool bind)
{
	int ret;

	if (!bind)
		vm_pci_address(instance, address, sizeof(address));
	ret = test_write(bind ? "/sys/bus/pci/drivers/nvme/bind" :
			 "/sys/bus/pci/drivers/nvme/unbind", address);
	test_check(!ret, "nvme%d: %s", instance, strerror(-ret));
}

/* I/O of both kinds goes on. */
static void goes_on(unsigned long n)
{
	test_check(block_load_wait(&block, n, 60000), "no block I/O");
	test_check(load_wait(&load, n, 60000), "no passthrough");
}

/* The policy's path is taken, within a while: the namespace has to be found. */
static void taken(int instance)
{
	uint64_t before = steer_event(instance, "path");

	test_check(test_wait(steer_event(instance, "path") > before + 50,
			     30000), "nvme%d is not taken", instance);
}

static unsigned int inflight(int instance)
{
	unsigned int n = -1;
	char text[128], *p;

	test_check(test_read(steer_path(instance, "path"), text,
			     sizeof(text)) > 0, "no file path");
	p = strstr(text, "inflight=");
	test_check(p && sscanf(p, "inflight=%u", &n) == 1, "path: %s", text);
	return n;
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 4);
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	/* as long as can be: longer than a path takes to go */
	static const struct puppet_config holding = {
		.path_hold_ms = NVME_STEER_HOLD_MAX_MS,
		.hold_by = NVME_STEER_BY_CGROUP,
	};
	struct steer_policy policy[2];
	struct load_stats sum;
	uint64_t unusable;
	char text[128];
	int c;

	test_begin(200 + 20 * count);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	load_init(&load, &ns, 2, 8);
	load_mix(&load);
	load.may_fail = true;
	steer_puppet_path(&policy[0], ctrl[0], &config);
	steer_answer(&policy[0], 1, 2);
	insist(&policy[0], ctrl[1]);
	load_start(&load);
	block_load_start(&block, &ns, ns.nr_blocks / 2);
	goes_on(100);

	for (i = 0; i < count; i++) {
		test_step("reset %lu of the path it insists on", i + 1);
		test_check(!vm_reset(ctrl[1]), "reset");
		goes_on(50);
		test_check(vm_wait_live(ctrl[1], 20000), "not live");
	}
	taken(ctrl[1]);

	unusable = steer_event(ctrl[0], "path_unusable");
	for (i = 0; i < count; i++) {
		test_step("unbound, and bound again, %lu", i + 1);
		unbind_bind(ctrl[1], false);
		goes_on(50);
		unbind_bind(-1, true);
		test_check(test_wait(vm_is_path(ctrl[1]), 20000),
			   "nvme%d does not come back", ctrl[1]);
		taken(ctrl[1]);
	}
	test_check(steer_event(ctrl[0], "path_unusable") > unusable,
		   "the path was never missing");

	test_step("the controller of the policy that decides goes away");
	steer_puppet_path(&policy[1], ctrl[1], &holding);
	insist(&policy[1], ctrl[1]);
	insist(&policy[0], ctrl[0]);
	taken(ctrl[0]);
	unbind_bind(ctrl[0], false);
	steer_detach_gone(&policy[0]);
	taken(ctrl[1]);
	goes_on(50);
	unbind_bind(-1, true);
	/* the subsystem keeps the number it has from its first controller */
	test_check(test_wait((ctrl[0] = vm_ctrl_at(address)) >= 0 &&
			     vm_is_path(ctrl[0]), 20000), "it does not come back");
	snprintf(text, sizeof(text), "ctrl=%d policy=puppet ", ctrl[1]);
	for (c = 0; c < 2; c++) {
		char is[128];

		test_check(test_read(steer_path(ctrl[c], "path"), is,
				     sizeof(is)) > 0 &&
			   !strncmp(is, text, strlen(text)), "path: %s", is);
	}
	insist(&policy[1], ctrl[0]);
	taken(ctrl[0]);

	test_step("reset and unbound, where commands may be tried again");
	insist_again(&policy[1], ctrl[0]);
	for (i = 0; i < count; i++) {
		taken(ctrl[0]);
		test_check(!vm_reset(ctrl[0]), "reset");
		goes_on(50);
		test_check(vm_wait_live(ctrl[0], 20000), "not live");
	}
	printf("# %ju commands tried again\n",
	       steer_event(ctrl[0], "path_retry"));
	/* its number would be in the next test's way */
	unbind_bind(ctrl[0], false);
	goes_on(50);

	block_load_stop(&block);
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu block requests; %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       atomic_load(&block.done), sum.submitted, sum.good, sum.failed,
	       sum.cancelled, sum.refused);
	test_check(test_wait(!inflight(ctrl[1]), 5000), "nvme%d: %u in flight",
		   ctrl[1], inflight(ctrl[1]));
	steer_detach(&policy[1]);
	test_pass();
}
