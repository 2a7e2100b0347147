// SPDX-License-Identifier: GPL-2.0
/*
 * Under a policy that chooses paths, to steer queues and not, a process with
 * passthrough commands in flight on two paths is killed with SIGKILL, again and
 * again, beside block I/O that goes on. No command is lost, and nothing stays
 * counted as in flight on a path. Then nvmesteer is unloaded under both, once
 * no policy is attached, and not before; paths are the kernel's own meanwhile.
 *
 * COUNT=   kills (default 8)
 *
 * vm: --cpus 4
 */

#include "block_load.h"
#include "load.h"
#include "test.h"

static struct block_load block;
static struct load load;
static struct pt_ns ns;
static struct steer_policy policy;
static int ctrl[2];

/* Both paths in turn. */
static void attach(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	steer_puppet_path(&policy, ctrl[0], &config);
	policy.state->path_answer = NVME_STEER_PATH(ctrl[0]);
	policy.state->path_second = NVME_STEER_PATH(ctrl[1]);
	steer_answer(&policy, 1, 2);
}

static void kills(unsigned long count)
{
	unsigned long i;

	test_step("%lu kills", count);
	for (i = 0; i < count; i++) {
		load_start_child(&load);
		test_check(load_wait(&load, 40 + 13 * (i % 8), 20000),
			   "no I/O for 20 s before kill %lu", i);
		load_kill(&load);
		test_check(steer_wait_idle(ctrl[0], 10000),
			   "commands in flight 10 s after kill %lu", i);
		load_verify(&load);
	}
}

static void unload(void)
{
	int ret;

	test_step("the module is unloaded under I/O");
	load_start(&load);
	test_check(load_wait(&load, 50, 20000) &&
		   block_load_wait(&block, 50, 20000), "no I/O");
	ret = steer_rmmod();
	test_check(ret == -EWOULDBLOCK || ret == -EBUSY,
		   "rmmod while a policy is attached: %d", ret);
	steer_detach(&policy);
	test_check(test_wait(!(ret = steer_rmmod()), 20000), "rmmod: %s",
		   strerror(-ret));
	test_check(load_wait(&load, 50, 20000) &&
		   block_load_wait(&block, 50, 20000),
		   "no I/O without the module");
	steer_modprobe(NULL);
	attach();
	test_check(test_wait(steer_event(ctrl[0], "path") > 50 &&
			     steer_event(ctrl[1], "path") > 50, 20000),
		   "paths are not chosen afterwards");
	load_stop(&load);
	load_verify(&load);
}

int main(void)
{
	unsigned long count = test_env("COUNT", 8);
	struct load_stats sum;
	uint64_t before[2], chosen;
	int c;

	test_begin(100 + 5 * count);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	test_at_end(steer_modprobe, NULL);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	block_load_start(&block, &ns, ns.nr_blocks / 2);
	attach();
	for (c = 0; c < 2; c++)
		before[c] = steer_event(ctrl[c], "path");
	kills(count);
	for (c = 0; c < 2; c++) {
		chosen = steer_event(ctrl[c], "path") - before[c];
		printf("# nvme%d was chosen %ju times\n", ctrl[c], chosen);
		test_check(chosen > count, "nvme%d was not chosen", ctrl[c]);
	}
	load_clear(&load);
	unload();
	block_load_stop(&block);
	load_sum(&load, &sum);
	test_check(sum.good == sum.submitted, "commands failed");
	for (c = 0; c < 2; c++)
		steer_path_idle(ctrl[c]);
	test_pass();
}
