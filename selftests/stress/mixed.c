// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups, copies, block requests and passthrough commands, polled for
 * and not, on the steer queues of one controller, while its PCI function is
 * reset (FLR), and while CPUs go offline and come back: each ends once, no block
 * request fails, data is what the model says, and the queues carry all four
 * afterwards. Where only CPUs go, nothing fails at all.
 *
 * stress/function_reset and stress/gather have it of passthrough alone.
 *
 * COUNT=   resets, and rounds of all CPUs (default 3)
 *
 * vm: --cpus 4
 */
#include <limits.h>

#include "block_load.h"
#include "copy_load.h"
#include "group_load.h"
#include "load.h"
#include "machine.h"
#include "test.h"
#include "vm.h"

#define WAIT_MS		60000

static struct pt_ns plain, second;
static struct steer_policy policy;
static struct load load;
static struct group_load groups;
static struct copy_load copies;
static struct block_load block;

static void start(bool may_fail)
{
	load.may_fail = may_fail;
	groups.may_be_cancelled = groups.may_be_refused = may_fail;
	copies.may_fail = copies.may_be_refused = may_fail;
	load_start(&load);
	group_load_start(&groups);
	copy_load_start(&copies);
	block_load_start(&block, &second, 32768);
}

static void stop(void)
{
	load_stop(&load);
	group_load_stop(&groups);
	copy_load_stop(&copies);
	block_load_stop(&block);
	test_check(steer_wait_idle(plain.ctrl, 20000),
		   "commands are in flight");
	load_verify(&load);
	group_load_verify(&groups);
	copy_load_verify(&copies, NULL);
}

static uint64_t carried(unsigned int queue)
{
	struct steer_queues qs;

	steer_queues(plain.ctrl, &qs);
	return qs.q[queue].completed;
}

/* All four end something, and by the queues. */
static void goes_on(const char *after)
{
	uint64_t irq, poll;

	test_check(load_wait(&load, 40, WAIT_MS), "no commands after %s", after);
	test_check(group_load_wait(&groups, 4, WAIT_MS), "no groups after %s",
		   after);
	test_check(copy_load_wait(&copies, 2, COPY_RESET_MS),
		   "no copies after %s", after);
	test_check(block_load_wait(&block, 8, WAIT_MS),
		   "no block requests after %s", after);
	irq = carried(1);
	poll = carried(2);
	test_check(test_wait(carried(1) > irq && carried(2) > poll, WAIT_MS),
		   "the queues carry nothing after %s", after);
}

static void reset_function(void)
{
	char path[PATH_MAX];
	int ret;

	vm_pci_path(plain.ctrl, path, sizeof(path));
	strncat(path, "/reset", sizeof(path) - strlen(path) - 1);
	vm_one_cpu(true);
	ret = test_write(path, "1");
	vm_one_cpu(false);
	test_check(!ret, "FLR: %s", strerror(-ret));
	test_check(vm_wait_live(plain.ctrl, WAIT_MS), "not live");
}

static void print(void)
{
	struct load_stats sum;

	load_sum(&load, &sum);
	printf("# commands: %ju good, %ju failed, %ju cancelled, %ju refused; block requests: %lu\n",
	       sum.good, sum.failed, sum.cancelled, sum.refused,
	       (unsigned long)block.done);
	group_load_print(&groups);
	copy_load_print(&copies);
}

int main(void)
{
	const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long i, count = test_env("COUNT", 3);
	unsigned int cpu;
	int ret;

	test_begin(120 + 20 * count);
	pt_open(&plain, PT_WANT_PLAIN);
	pt_open(&second, PT_WANT_SECOND);
	ret = steer_load(&policy, plain.ctrl, "puppet_all", &config);
	test_check(!ret, "load: %s", strerror(-ret));
	ret = steer_attach(&policy);
	test_check(!ret, "attach: %s", strerror(-ret));
	steer_answer(&policy, 1, 2);
	steer_answer_block(&policy, 1, 1, 2, 1);
	policy.state->copy_route = 1;
	/*
	 * This emulator may abort when a reset ends a Copy command before its
	 * first block is written.
	 */
	policy.state->copy_answer = NVME_STEER_COPY_EMULATE;
	load_init(&load, &plain, 2, 8);
	load_mix(&load);
	group_load_init(&groups, &second);
	copies.to[0] = copies.to[1] = copies.to[2] = copies.to[3] = &plain;
	copies.from[0] = copies.from[1] = copies.from[2] = &plain;
	copies.from[3] = &second;
	copy_load_init(&copies);

	test_step("CPUs go and come");
	start(false);
	goes_on("the start");
	for (i = 0; i < count; i++)
		for (cpu = 1; cpu < 4; cpu++) {
			machine_cpu(cpu, false);
			goes_on("a CPU went offline");
			machine_cpu(cpu, true);
		}
	stop();
	print();

	test_step("the function is reset");
	start(true);
	for (i = 0; i < count; i++) {
		goes_on("the start, or a reset");
		reset_function();
	}
	goes_on("the last reset");
	stop();
	print();
	test_check(steer_state_is(plain.ctrl, "attached"),
		   "the policy is not attached any more");
	steer_detach(&policy);
	test_pass();
}
