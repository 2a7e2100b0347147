// SPDX-License-Identifier: GPL-2.0
/*
 * Processes end with command groups in flight, by exit and by SIGKILL, on each
 * kind of ring and queue: their commands end, and nothing is left behind.
 *
 * vm: --cpus 4
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "group.h"
#include "steer.h"
#include "test.h"

#define FIRST	1024		/* block where the test's area begins */

static struct pt_ns ns;
static struct steer_policy policy;

/* A process that submits groups and is killed, or just ends. */
static void exits(unsigned int mode, int queue, bool killed)
{
	struct nvme_steer_group g;
	unsigned int n, i;
	struct arena a;
	struct pt_ring r;
	int status;
	pid_t pid;

	test_step("%s with groups in flight, %s ring on queue %d",
		  killed ? "killed" : "ended", pt_mode_name(mode), queue);
	steer_answer(&policy, queue, queue);
	for (n = 0; n < 10; n++) {
		fflush(stdout);
		pid = fork();
		test_check(pid >= 0, "cannot fork");
		if (!pid) {
			arena_init(&a, 256, 256 * 512);
			group_ring_init(&r, mode, &a);
			for (i = 0; i < 256; i++)
				group_set(&ns, &a.cmds[i], PT_READ, FIRST + i, 1,
				    a.data + i * 512);
			g = group_whole(&a, 256);
			g.window = n & 1 ? 3 : 0;
			do {
				for (i = 0; i < 8; i++)
					group_queue(&r, ns.fd, &g, PT_FIXED, i);
				if (mode & PT_SQPOLL)
					io_uring_submit(&r.uring);
				else
					pt_submit_only(&r);
				usleep(1000 * (n % 4));
				io_uring_cq_advance(&r.uring,
						    io_uring_cq_ready(&r.uring));
			} while (killed);
			_exit(0);
		}
		if (killed) {
			usleep(20000 + 3000 * n);
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
		test_check(killed ? WIFSIGNALED(status) : !status,
			   "child ended with %#x", status);
	}
	test_check(steer_wait_idle(ns.ctrl, 10000), "commands left in flight");
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	test_begin(170);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_once(&policy, ns.ctrl, &config);
	exits(0, 1, false);
	exits(PT_IOPOLL, 2, false);
	exits(0, 1, true);
	exits(PT_IOPOLL, 2, true);
	exits(PT_SQPOLL, 1, true);
	test_pass();
}
