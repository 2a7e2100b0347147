// SPDX-License-Identifier: GPL-2.0
/*
 * Block requests wait for their share for longer than the block layer lets them
 * take. It is not the controller that does not answer, so nothing is aborted and
 * nothing reset, and they end well once they may be sent. A request that was
 * sent and is not answered still times out, after its time at the controller.
 *
 * vm: --cpus 4
 */
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define WRITERS		24	/* more than the queue has slots */
#define TIMEOUT_MS	500

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ },
	.depth = { [1] = 8 },
	.share = { [1] = 1 },
};

static struct pt_ns ns;
static struct steer_policy policy;
static pid_t pids[WRITERS];

static void begin(unsigned int n, uint64_t gen)
{
	unsigned int w;

	for (w = 0; w < n; w++) {
		pids[w] = fork();
		if (!pids[w]) {
			pt_block_write(&ns, 4096 + 16 * w, 8, gen + w);
			_exit(0);
		}
	}
}

static void end(unsigned int n, uint64_t gen)
{
	unsigned int w;
	int status;

	for (w = 0; w < n; w++) {
		test_check(waitpid(pids[w], &status, 0) == pids[w] && !status,
			   "writer %u: %#x", w, status);
		pt_block_check(&ns, 4096 + 16 * w, 8, gen + w);
	}
}

int main(void)
{
	struct nvme_steer_share hardly = { .iops = 1, .burst_ms = 1 };
	struct nvme_steer_share none = { };
	char path[80], text[16];
	uint64_t timeouts;

	test_begin(100);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to make a drive slow");
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	snprintf(text, sizeof(text), "%u", TIMEOUT_MS);
	test_set_file(path, text);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 1, &hardly);
	steer_answer_block(&policy, 1, 1, 0, 0);
	timeouts = steer_event(ns.ctrl, "timeout");

	test_step("waiting for four timeouts");
	begin(WRITERS, 100);
	test_check(test_wait(steer_share_word(ns.ctrl, 1, "waiting") > 4, 5000),
		   "they do not wait");
	usleep(4 * TIMEOUT_MS * 1000);
	test_check(steer_share_word(ns.ctrl, 1, "waiting") > 4,
		   "they do not wait any more");
	steer_share(&policy, 1, &none);
	end(WRITERS, 100);
	test_check(steer_event(ns.ctrl, "timeout") == timeouts,
		   "requests that waited have timed out");

	test_step("sent and not answered");
	vm_throttle(ns.name, 1);
	begin(8, 200);
	test_check(test_wait(steer_event(ns.ctrl, "timeout") > timeouts, 20000),
		   "no timeout");
	vm_throttle(ns.name, 0);
	end(8, 200);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	test_pass();
}
