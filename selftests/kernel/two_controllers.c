// SPDX-License-Identifier: GPL-2.0
/*
 * Two controllers, a policy on each, I/O on both at once: each policy decides
 * for its own controller only, and ending one leaves the other alone.
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"

int main(void)
{
	static const struct puppet_config configs[2] = {
		{ .mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL } },
		{ .mode = { [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL } },
	};
	struct steer_queues before[2], after[2];
	struct steer_policy policy[2];
	struct load load[2];
	struct pt_ns ns[2];
	char word[32];
	int c;

	test_begin(60);
	pt_open(&ns[0], PT_WANT_PLAIN);
	pt_open(&ns[1], PT_WANT_OTHER);
	for (c = 0; c < 2; c++) {
		steer_puppet(&policy[c], ns[c].ctrl, &configs[c]);
		steer_answer(&policy[c], 2 * c + 1, 2 * c + 2);
		load_init(&load[c], &ns[c], 2, 8);
		load_mix(&load[c]);
		steer_queues(ns[c].ctrl, &before[c]);
	}

	test_step("I/O on both");
	load_start(&load[0]);
	load_start(&load[1]);
	test_check(load_wait(&load[0], 500, 20000) &&
		   load_wait(&load[1], 500, 20000), "no I/O");
	load_stop(&load[0]);
	load_stop(&load[1]);
	for (c = 0; c < 2; c++) {
		load_verify(&load[c]);
		steer_queues(ns[c].ctrl, &after[c]);
		load_match(&load[c], &before[c], &after[c]);
		test_check(!after[c].q[0].submitted ||
			   after[c].q[0].submitted == before[c].q[0].submitted,
			   "commands on the driver's own path");
		test_check(!after[c].q[3 - 2 * c].present,
			   "nvme%d has the other's queues", ns[c].ctrl);
	}

	test_step("one policy ends under I/O on both");
	load_start(&load[0]);
	load_start(&load[1]);
	test_check(load_wait(&load[0], 100, 20000), "no I/O");
	steer_detach(&policy[0]);
	steer_word(ns[0].ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "ended"), "state is '%s'", word);
	steer_word(ns[1].ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "attached"), "the other's state is '%s'",
		   word);
	steer_queues(ns[1].ctrl, &before[1]);
	test_check(load_wait(&load[1], 100, 20000), "no I/O");
	steer_queues(ns[1].ctrl, &after[1]);
	test_check(after[1].q[3].submitted > before[1].q[3].submitted,
		   "the other's queues stand still");
	load_stop(&load[0]);
	load_stop(&load[1]);
	load_verify(&load[0]);
	load_verify(&load[1]);
	test_pass();
}
