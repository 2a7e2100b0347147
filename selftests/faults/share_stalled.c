// SPDX-License-Identifier: GPL-2.0
/*
 * A queue of a share gets nowhere, and the policy is ejected for it. What waits
 * for that share, passthrough commands, a command group, a copy, and block
 * requests in slots and behind a full queue, goes down the driver's own path and
 * ends well there, each once, while the queue still stands: none of it is sent
 * to that queue, and nothing is reset for it.
 *
 * vm: --drives faults --cpus 4
 */
#include <sys/wait.h>

#include "copy.h"
#include "fault.h"
#include "group.h"
#include "steer.h"
#include "test.h"

#define FIRST		4096	/* block */
#define HELD		FIRST	/* the command that is never answered */
#define SINGLES		(FIRST + 64)
#define GROUP		(FIRST + 128)
#define BLOCKS		(FIRST + 192)
#define NR		8	/* commands of each kind */
#define WRITERS		24	/* block requests, more than a small queue has slots */
#define STALL_MS	1000	/* the policy is ejected then */
#define HELD_MS		2000	/* it is aborted then, and reset as late again */

static struct pt_ns ns;
static struct steer_policy policy;
static struct image from, to;
static uint8_t *buf;
static unsigned int qid;
static pid_t pids[WRITERS];

static void attach(unsigned int mode, unsigned int depth)
{
	struct nvme_steer_share one = { .depth = 1 };
	struct puppet_config config = {
		.mode = { [1] = mode & PT_IOPOLL ? NVME_STEER_POLL :
						   NVME_STEER_IRQ },
		.depth = { [1] = depth },
		.share = { [1] = 1 },
		.timeout_ms = STALL_MS * test_slow(),
	};
	struct fault_rule rule = {
		.what = FAULT_NEVER, .opcode = FAULT_ANY,
	};
	struct steer_queues qs;

	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 1, &one);
	steer_answer(&policy, 1, 1);
	steer_answer_block(&policy, 1, 1, 1, 1);
	policy.state->copy_route = 1;
	steer_queues(ns.ctrl, &qs);
	qid = qs.q[1].qid;
	fault_clear();
	rule.first_qid = rule.last_qid = qid;
	fault_add(&rule);
}

static void queue_writes(struct pt_ring *r, uint64_t slba, unsigned int n,
			 uint64_t gen, uint32_t timeout_ms)
{
	struct nvme_uring_cmd cmd;
	unsigned int i;

	pt_fill(&ns, buf, slba, n, gen);
	for (i = 0; i < n; i++) {
		pt_rw(&cmd, &ns, PT_WRITE, slba + i, 1, buf + i * ns.block,
		      ns.block);
		cmd.timeout_ms = timeout_ms;
		pt_queue(r, ns.fd, &cmd, 0, i);
	}
	test_check(pt_submit_only(r) == (int)n, "submit");
}

static void begin_writers(unsigned int n, uint64_t gen)
{
	unsigned int w;

	for (w = 0; w < n; w++) {
		pids[w] = fork();
		if (!pids[w]) {
			pt_block_write(&ns, BLOCKS + 16 * w, 1, gen + w);
			_exit(0);
		}
	}
}

static void end_writers(unsigned int n, uint64_t gen)
{
	unsigned int w;
	int status;

	for (w = 0; w < n; w++)
		test_check(waitpid(pids[w], &status, 0) == pids[w] && !status,
			   "writer %u: %#x", w, status);
	for (w = 0; w < n; w++)
		pt_block_check(&ns, BLOCKS + 16 * w, 1, gen + w);
}

static void wait_waiting(unsigned int n)
{
	uint64_t waiting = 0;

	test_check(test_wait((waiting = steer_share_word(ns.ctrl, 1,
							 "waiting")) >= n,
			     HELD_MS / 2), "only %ju of %u commands wait",
		   waiting, n);
}

/* The stalled queue stands still, and has had one command. */
static void rescued(unsigned int writes)
{
	struct fault_counters c;
	char word[64];

	fault_counters(&c);
	test_check(c.commands[qid] == 1,
		   "the queue that gets nowhere was sent %u commands",
		   c.commands[qid]);
	test_check(c.held == 1, "%u commands are held", c.held);
	test_check(!c.resets, "the controller was reset");
	test_check(c.writes.commands == 1 + writes, "%u writes instead of %u",
		   c.writes.commands, 1 + writes);
	fault_host_is_good("the host");
	test_check(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "stall"), "exit kind is '%s'", word);
}

/* The one that is held ends by a reset, or by the end of the fault. */
static void over(struct pt_ring *held)
{
	int ret;

	fault_change(FAULT_CHANGE_RELEASE, 0);
	ret = pt_reap(held, NULL, NULL);
	test_check(!ret || ret == -EINTR || ret > 0, "it ended with %d", ret);
	steer_detach(&policy);
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 20000),
		   "queues are left");
	fault_clear();
}

static void commands(unsigned int mode, uint64_t gen)
{
	struct pt_ring held, singles, grouped, copied;
	struct nvme_steer_group g;
	uint64_t result;
	struct arena a;
	struct copy c;
	unsigned int i;
	int ret;

	test_step("commands, a group and a copy, %s", pt_mode_name(mode));
	pt_ring_init(&held, NR, mode);
	pt_ring_init(&singles, NR, mode);
	pt_ring_init(&copied, NR, mode);
	arena_init(&a, NR, NR * ns.block);
	group_ring_init(&grouped, mode, &a);
	attach(mode, 0);
	queue_writes(&held, HELD, 1, gen, HELD_MS * test_slow());
	queue_writes(&singles, SINGLES, NR, gen, 0);
	for (i = 0; i < NR; i++)
		group_set(&ns, &a.cmds[i], PT_WRITE, GROUP + i, 1,
			  a.data + i * ns.block);
	pt_fill(&ns, a.data, GROUP, NR, gen);
	g = group_whole(&a, NR);
	group_queue(&grouped, ns.fd, &g, PT_FIXED, 0);
	test_check(pt_submit_only(&grouped) == 1, "submit");
	copy_init(&c, 1);
	copy_begin(&c, &to, 0, NVME_STEER_COPY_F_EMULATE);
	copy_add(&c, &from, 0, 4096);
	copy_queue(&copied, &c, 0, 0);
	test_check(pt_submit_only(&copied) == 1, "submit");
	wait_waiting(2 * NR + 1);

	for (i = 0; i < NR; i++) {
		ret = pt_reap(&singles, NULL, NULL);
		test_check(!ret, "a command ended with %d", ret);
	}
	ret = pt_reap(&grouped, NULL, &result);
	test_check(!ret && (uint32_t)result == NR,
		   "the group ended with %d, %u commands", ret,
		   (uint32_t)result);
	ret = pt_reap(&copied, NULL, &result);
	copy_ended(&c, ret, result);
	rescued(2 * NR + 1);
	over(&held);
	copy_is_good(&c, 0, "a copy");
	copy_model(&c);
	image_check(&to, "a copy");
	pt_block_check(&ns, SINGLES, NR, gen);
	pt_block_check(&ns, GROUP, NR, gen);
	copy_free(&c);
	arena_free(&a);
	pt_ring_exit(&copied);
	pt_ring_exit(&grouped);
	pt_ring_exit(&singles);
	pt_ring_exit(&held);
}

static void requests(unsigned int depth, uint64_t gen)
{
	unsigned int slots = depth ? depth - 2 : WRITERS;
	struct pt_ring held;

	test_step("block requests%s", depth ? ", behind a full queue" : "");
	pt_ring_init(&held, NR, 0);
	attach(0, depth);
	queue_writes(&held, HELD, 1, gen, HELD_MS * test_slow());
	test_check(test_wait(steer_share_word(ns.ctrl, 1, "inflight"), 5000),
		   "it is not sent");
	begin_writers(WRITERS, gen);
	wait_waiting(slots);
	end_writers(WRITERS, gen);
	rescued(WRITERS);
	over(&held);
	pt_ring_exit(&held);
}

int main(void)
{
	test_begin(100);
	fault_open(&ns);
	buf = test_alloc(NR * ns.block);
	image_init(&from, &ns, 8 << 20, 4096);
	image_init(&to, &ns, 9 << 20, 4096);
	commands(0, 100);
	commands(PT_IOPOLL, 200);
	requests(0, 300);
	requests(8, 400);
	test_pass();
}
