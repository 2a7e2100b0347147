// SPDX-License-Identifier: GPL-2.0
/*
 * The controller is reset again and again, by sysfs and by ioctl, while four
 * CPUs write and verify through polled and interrupt steer queues. Every
 * command ends exactly once, truthfully, and the queues count what the
 * submitters saw.
 *
 * COUNT=   resets (default 20; the figure to show is 200)
 *
 * vm: --cpus 4
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "load.h"
#include "test.h"

static struct pt_ns ns;

static bool ctrl_live(void)
{
	char state[32], path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/state", ns.ctrl);
	test_read(path, state, sizeof(state));
	return !strncmp(state, "live", 4);
}

static bool queues_live(unsigned int nr)
{
	struct steer_queues qs;
	unsigned int n;

	steer_queues(ns.ctrl, &qs);
	for (n = 1; n <= nr; n++)
		if (!qs.q[n].present || strcmp(qs.q[n].state, "live"))
			return false;
	return true;
}

static int reset_sysfs(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/reset_controller",
		 ns.ctrl);
	return test_write(path, "1");
}

static int reset_ioctl(void)
{
	char path[32];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/nvme%d", ns.ctrl);
	fd = open(path, O_RDWR);
	test_check(fd >= 0, "cannot open %s", path);
	ret = ioctl(fd, NVME_IOCTL_RESET) ? -errno : 0;
	close(fd);
	return ret;
}

/* What must not happen; other tests have had their own of these. */
static uint64_t bad_events(void)
{
	return steer_event(ns.ctrl, "bad_cid") +
	       steer_event(ns.ctrl, "queue_lost") +
	       steer_event(ns.ctrl, "timeout");
}

int main(void)
{
	static int (* const ways[])(void) = {
		reset_sysfs, reset_ioctl,
	};
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
		.depth = { [2] = 16, [4] = 16 },
	};
	unsigned long i, count = test_env("COUNT", 20);
	struct steer_queues before, after;
	struct steer_policy policy;
	struct load_stats sum;
	struct load load;
	uint64_t start, bad;
	int ret;

	test_begin(60 + 2 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	bad = bad_events();
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer_spread(&policy, 1, 2, 3, 2);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load.may_fail = true;

	test_step("%lu resets under load", count);
	steer_queues(ns.ctrl, &before);
	start = test_now_ms();
	load_start(&load);
	for (i = 0; i < count; i++) {
		test_check(load_wait(&load, 50, 20000),
			   "no I/O for 20 s before reset %lu", i);
		ret = ways[i % ARRAY_LEN(ways)]();
		test_check(!ret || ret == -EBUSY, "reset %lu: %s", i,
			   strerror(-ret));
		test_check(test_wait(ctrl_live(), 20000),
			   "not live 20 s after reset %lu", i);
	}
	test_check(test_wait(queues_live(4), 5000),
		   "a queue did not come back after the resets");
	test_check(load_wait(&load, 200, 20000), "no I/O after the resets");
	load_stop(&load);
	steer_queues(ns.ctrl, &after);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu resets in %ju ms, %ju commands, %ju of them cancelled\n",
	       count, test_now_ms() - start, sum.submitted, sum.cancelled);
	load_match(&load, &before, &after);
	test_check(bad_events() == bad,
		   "a bad command id, a lost queue or a timeout");
	test_pass();
}
