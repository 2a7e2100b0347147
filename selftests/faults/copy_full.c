// SPDX-License-Identifier: GPL-2.0
/*
 * A copy waits for a slot of a queue of a share, none of whose commands is
 * answered. Its application is killed, or closes its ring: the copy does not
 * wait any longer, and has written nothing. The commands that have the slots are
 * answered then, and end well.
 *
 * vm: --drives faults --cpus 4
 */
#include <signal.h>
#include <sys/wait.h>

#include "copy.h"
#include "fault.h"
#include "steer.h"
#include "test.h"

#define AREA	(64UL << 10)
#define DEPTH	8
#define FIRST	4096		/* block, of those that have the slots */

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	.depth = { [1] = DEPTH, [2] = DEPTH },
	.share = { [1] = 1, [2] = 1 },
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct image src, dst;
static uint8_t *data;

static unsigned int held(void)
{
	struct fault_counters counters;

	fault_counters(&counters);
	return counters.held;
}

/* One command for each slot of queue @q, which the drive does not answer. */
static void fill(struct pt_ring *r, unsigned int mode, unsigned int q)
{
	struct fault_rule never = {
		.what = FAULT_NEVER, .opcode = PT_WRITE, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1,
	};
	struct nvme_uring_cmd cmd;
	unsigned int i;

	fault_clear();
	fault_add(&never);
	steer_answer(&policy, q, q);
	for (i = 0; i < DEPTH - 1; i++) {
		pt_rw(&cmd, &ns, PT_WRITE, FIRST + i, 1, data + i * ns.block,
		      ns.block);
		pt_queue(r, ns.fd, &cmd, 0, i);
	}
	test_check(pt_submit_only(r) == DEPTH - 1, "submit (%s)",
		   pt_mode_name(mode));
	test_check(test_wait(held() == DEPTH - 1, 5000), "%u are held", held());
}

/* The application: it begins a copy, and goes when it is told. */
static void application(unsigned int mode, int told)
{
	struct pt_ring r;
	struct copy c;
	char byte;

	pt_ring_init(&r, 8, mode);
	copy_init(&c, 4);
	copy_begin(&c, &dst, 0, NVME_STEER_COPY_F_EMULATE);
	copy_add_many(&c, &src, 4, 4096);
	copy_queue(&r, &c, 0, 0);
	if (pt_submit_only(&r) != 1 || read(told, &byte, 1) != 1)
		_exit(1);
	pt_ring_exit(&r);
	_exit(0);
}

static void gone(unsigned int mode, bool killed)
{
	unsigned int q = mode & PT_IOPOLL ? 2 : 1, i;
	uint64_t full, failed, tag;
	struct pt_ring r;
	int pipes[2];
	pid_t pid;

	test_step("%s, %s", killed ? "killed" : "its ring is closed",
		  pt_mode_name(mode));
	image_refill(&dst, 0, AREA);
	policy.state->copy_route = q;
	pt_ring_init(&r, DEPTH, mode);
	fill(&r, mode, q);
	full = steer_event(ns.ctrl, "share_full");
	failed = steer_event(ns.ctrl, "copy_failed");
	test_check(!pipe(pipes), "pipe");
	pid = fork();
	if (!pid)
		application(mode, pipes[0]);
	test_check(test_wait(steer_event(ns.ctrl, "share_full") > full, 20000),
		   "the copy does not wait for a slot");
	if (killed)
		kill(pid, SIGKILL);
	else
		test_check(write(pipes[1], "", 1) == 1, "write");
	test_check(test_wait(waitpid(pid, NULL, WNOHANG) == pid, 15000),
		   "the application does not end");
	/* it looks each second; the commands time out after 30 */
	test_check(test_wait(steer_event(ns.ctrl, "copy_failed") > failed,
			     15000), "the copy goes on waiting");
	test_check(held() == DEPTH - 1, "%u commands are still held", held());
	image_check(&dst, "a copy that nobody wants");
	fault_change(FAULT_CHANGE_RELEASE, 0);
	for (i = 0; i < DEPTH - 1; i++)
		test_check(!pt_reap(&r, &tag, NULL), "command %ju failed", tag);
	fault_clear();
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
	close(pipes[0]);
	close(pipes[1]);
	pt_ring_exit(&r);
}

int main(void)
{
	unsigned int i;

	test_begin(150);
	fault_open(&ns);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 0, 0, 0, 0);
	image_init(&src, &ns, 1 << 20, AREA);
	image_init(&dst, &ns, 3 << 20, AREA);
	data = test_alloc(DEPTH * ns.block);
	for (i = 0; i < 4; i++)
		gone(i & 1 ? PT_IOPOLL : 0, i & 2);
	fault_host_is_good("copies");
	steer_detach(&policy);
	image_free(&src);
	image_free(&dst);
	free(data);
	test_pass();
}
