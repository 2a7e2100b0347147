// SPDX-License-Identifier: GPL-2.0
/*
 * Shares of a drive: never more commands at the controller than a share's depth
 * and that of all together, whatever the kind of queue and of command; what
 * waits goes in order, and all of it; where no slot is left the rest waits as
 * well and nothing goes around; a changed limit lets go at once what waits for
 * it; a command or a group with a timeout of its own does not wait longer than
 * that, nor an ioctl, nor what is of a ring that is closed; a namespace that is
 * frozen does not wait for what others have waiting; and data is what was
 * written, by another path.
 *
 * vm: --cpus 4 --beside
 * timeout: 200
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "copy.h"
#include "group.h"
#include "pt.h"
#include "steer.h"
#include "test.h"

#define FIRST	4096	/* block */
#define MANY	256	/* commands at once */
#define BEHIND	24	/* requests for which there is no slot */
#define SC_ABORT_REQ	0x007

enum { IRQ = 1, POLL, SMALL, OTHER };

static const struct puppet_config config = {
	.mode = { [IRQ] = NVME_STEER_IRQ, [POLL] = NVME_STEER_POLL,
		  [SMALL] = NVME_STEER_IRQ, [OTHER] = NVME_STEER_IRQ },
	.depth = { [SMALL] = 8 },
	.share = { [IRQ] = 1, [POLL] = 1, [SMALL] = 2, [OTHER] = 3 },
};

static const struct nvme_steer_share none;
/* one a second, at once: all but the first ones wait until told otherwise */
static const struct nvme_steer_share hardly = { .iops = 1, .burst_ms = 1 };

static struct pt_ns ns, second;
static struct steer_policy policy;
static uint8_t *buf;

static uint64_t word(unsigned int share, const char *name)
{
	return steer_share_word(ns.ctrl, share, name);
}

static uint64_t inflight(unsigned int q)
{
	struct steer_queues qs;

	steer_queues(ns.ctrl, &qs);
	return qs.q[q].inflight;
}

/* Attach anew, so that the peak begins again. */
static void anew(void)
{
	if (policy.link)
		steer_detach(&policy);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 0, 0, 0, 0);
}

/* @n writes of a block each, of @gen, @at blocks behind FIRST. */
static void queue_writes_at(struct pt_ring *r, unsigned int at, unsigned int n,
			    uint64_t gen, unsigned int how)
{
	uint8_t *from = buf + at * ns.block;
	struct nvme_uring_cmd cmd;
	unsigned int i;

	pt_fill(&ns, from, FIRST + at, n, gen);
	for (i = 0; i < n; i++) {
		pt_rw(&cmd, &ns, PT_WRITE, FIRST + at + i, 1,
		      from + i * ns.block, ns.block);
		pt_queue(r, ns.fd, &cmd, how, i);
	}
	test_check(pt_submit_only(r) == (int)n, "submit");
}

static void queue_writes(struct pt_ring *r, unsigned int n, uint64_t gen,
			 unsigned int how)
{
	queue_writes_at(r, 0, n, gen, how);
}

/* All @n end well and once; in order if @ordered. */
static void reap_all(struct pt_ring *r, unsigned int n, bool ordered)
{
	uint8_t seen[2 * MANY] = { };
	unsigned int i;
	uint64_t tag;
	int ret;

	for (i = 0; i < n; i++) {
		ret = pt_reap(r, &tag, NULL);
		test_check(!ret, "command %ju ended with %d", tag, ret);
		test_check(tag < n && !seen[tag]++, "completion of %ju", tag);
		test_check(!ordered || tag == i, "%ju ended as number %u", tag,
			   i);
	}
}

static void depth(unsigned int mode, unsigned int how, unsigned int cap,
		  bool all)
{
	struct nvme_steer_share limit = { .depth = cap };
	struct iovec iov = { .iov_base = buf, .iov_len = MANY * ns.block };
	static uint64_t gen = 100;
	unsigned int q = mode & PT_IOPOLL ? POLL : IRQ, i;
	uint64_t peak, commands;
	struct pt_ring r;

	test_step("depth %u of %s, %s%s", cap, all ? "all" : "a share",
		  pt_mode_name(mode), how & PT_FIXED ? ", registered" : "");
	anew();
	steer_share(&policy, all ? 0 : 1, &limit);
	steer_answer(&policy, q, q);
	commands = word(1, "commands");
	pt_ring_init(&r, 2 * MANY, mode);
	io_uring_register_buffers(&r.uring, &iov, 1);
	for (i = 0; i < 4; i++) {
		queue_writes(&r, MANY, ++gen, how);
		/* a poller may learn later of what another has found */
		reap_all(&r, MANY, cap == 1 && !(mode & PT_IOPOLL));
		pt_block_check(&ns, FIRST, MANY, gen);
	}
	pt_ring_exit(&r);
	peak = word(all ? 0 : 1, "peak");
	commands = word(1, "commands") - commands;
	printf("#   at most %ju at a time, %ju waits\n", peak,
	       word(1, "waits"));
	test_check(peak == cap, "%ju at a time instead of %u", peak, cap);
	test_check(commands == 4 * MANY, "%ju of %u commands were counted",
		   commands, 4 * MANY);
	test_check(!word(1, "waiting") && !word(1, "inflight") &&
		   !word(0, "inflight"), "something is left");
}

/* Through the block device, while passthrough has the same share. */
static void block_depth(bool poll)
{
	struct nvme_steer_share limit = { .depth = 3 };
	unsigned int i, n;
	struct pt_ring r;
	int status;

	test_step("depth of block requests and passthrough, %s",
		  poll ? "polled passthrough" : "interrupts");
	anew();
	steer_share(&policy, 1, &limit);
	steer_answer(&policy, IRQ, POLL);
	steer_answer_block(&policy, IRQ, 1, POLL, 1);
	pt_ring_init(&r, 2 * MANY, poll ? PT_IOPOLL : 0);
	for (n = 0; n < 4; n++)
		if (!fork()) {
			for (i = 0; i < 8; i++) {
				pt_block_write(&ns, FIRST + (4 + n) * MANY,
					       MANY, 500 + i);
				pt_block_check(&ns, FIRST + (4 + n) * MANY,
					       MANY, 500 + i);
			}
			_exit(0);
		}
	for (i = 0; i < 8; i++) {
		queue_writes(&r, MANY, 600 + i, 0);
		reap_all(&r, MANY, false);
	}
	for (n = 0; n < 4; n++)
		test_check(wait(&status) > 0 && !status, "a writer failed");
	pt_ring_exit(&r);
	pt_block_check(&ns, FIRST, MANY, 607);
	test_check(word(1, "peak") == 3, "%ju at a time instead of 3",
		   word(1, "peak"));
	test_check(steer_event(ns.ctrl, "block"), "no block request was steered");
}

/* More than there are slots, from io_uring_enter() and from io-wq. */
static void full(unsigned int how)
{
	struct nvme_steer_share limit = { .depth = 2 };
	uint64_t events = steer_event(ns.ctrl, "share_full"), commands;
	static uint64_t gen = 700;
	struct pt_ring r;

	test_step("a full queue%s", how & PT_ASYNC ? ", async" : "");
	anew();
	steer_share(&policy, 2, &limit);
	steer_answer(&policy, SMALL, SMALL);
	commands = word(2, "commands");
	pt_ring_init(&r, 2 * MANY, 0);
	queue_writes(&r, MANY, ++gen, how);
	reap_all(&r, MANY, false);
	pt_ring_exit(&r);
	pt_block_check(&ns, FIRST, MANY, gen);
	test_check(word(2, "commands") - commands == MANY,
		   "%ju of %u commands kept to the share",
		   word(2, "commands") - commands, MANY);
	test_check(steer_event(ns.ctrl, "share_full") > events,
		   "it was never full");
	test_check(word(2, "peak") == 2, "%ju at a time", word(2, "peak"));
}

static void full_block(void)
{
	struct nvme_steer_share limit = { .depth = 2 };
	int status, gate[2];
	uint64_t commands;
	unsigned int n;
	char byte;

	test_step("block requests behind a full queue");
	anew();
	steer_share(&policy, 2, &limit);
	commands = word(2, "commands");
	steer_answer_block(&policy, SMALL, 1, 0, 0);
	/* all at once, however long it takes to make them */
	test_check(!pipe(gate), "pipe: %s", strerror(errno));
	for (n = 0; n < 32; n++)
		if (!fork()) {
			close(gate[1]);
			if (read(gate[0], &byte, 1))
				_exit(1);
			pt_block_write(&ns, FIRST + n * 64, 64, 800 + n);
			_exit(0);
		}
	close(gate[0]);
	close(gate[1]);
	for (n = 0; n < 32; n++)
		test_check(wait(&status) > 0 && !status, "a writer failed");
	for (n = 0; n < 32; n++)
		pt_block_check(&ns, FIRST + n * 64, 64, 800 + n);
	test_check(word(2, "commands") > commands, "not on the queue");
	test_check(word(2, "peak") == 2, "%ju at a time", word(2, "peak"));
}

/*
 * Block requests of a namespace that is frozen, behind a queue whose slots
 * another's commands have, of which one a second goes.
 */
static void frozen_behind(void)
{
	uint64_t commands;
	unsigned int n;
	struct pt_ring r;
	char path[128];
	int status;

	test_step("a frozen namespace behind a full queue");
	anew();
	steer_share(&policy, 2, &hardly);
	steer_answer(&policy, SMALL, SMALL);
	steer_answer_block(&policy, SMALL, 1, 0, 0);
	pt_ring_init(&r, 2 * MANY, 0);
	queue_writes(&r, 64, 850, 0);
	test_check(test_wait(word(2, "waiting") >= 7, 5000),
		   "%ju commands have slots", word(2, "waiting"));
	for (n = 0; n < BEHIND; n++)
		if (!fork()) {
			pt_block_write(&second, FIRST + n * 64, 64, 860 + n);
			_exit(0);
		}
	test_check(test_wait(inflight(SMALL) >= BEHIND + 7, 10000),
		   "%ju commands are on the queue", inflight(SMALL));
	commands = word(2, "commands");
	/* most attributes of a queue are written while it is frozen */
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/read_ahead_kb",
		 second.name);
	test_set_file(path, "128");
	for (n = 0; n < BEHIND; n++)
		test_check(wait(&status) > 0 && !status, "a writer failed");
	test_check(word(2, "commands") - commands < BEHIND / 2,
		   "they waited for %ju commands",
		   word(2, "commands") - commands);
	test_check(word(2, "waiting") >= 4, "the others have gone as well");
	steer_share(&policy, 2, &none);
	reap_all(&r, 64, false);
	pt_ring_exit(&r);
	for (n = 0; n < BEHIND; n++)
		pt_block_check(&second, FIRST + n * 64, 64, 860 + n);
	pt_block_check(&ns, FIRST, 64, 850);
	test_check(steer_wait_idle(ns.ctrl, 5000), "something is in flight");
}

/* What waits goes when the limit does; others are not held up by it. */
static void let_go(unsigned int mode)
{
	unsigned int q = mode & PT_IOPOLL ? POLL : IRQ;
	struct pt_ring r, other;

	test_step("a limit that is lifted, %s", pt_mode_name(mode));
	anew();
	steer_share(&policy, 1, &hardly);
	steer_answer(&policy, q, q);
	pt_ring_init(&r, 2 * MANY, mode);
	queue_writes(&r, MANY, 900, 0);
	test_check(test_wait(word(1, "waiting") > MANY / 2, 5000),
		   "%ju commands wait", word(1, "waiting"));
	steer_answer(&policy, OTHER, OTHER);
	pt_ring_init(&other, 2 * MANY, 0);
	queue_writes_at(&other, MANY, MANY, 901, 0);
	reap_all(&other, MANY, false);
	pt_ring_exit(&other);
	test_check(word(1, "waiting") > MANY / 2, "they went by themselves");
	steer_share(&policy, 1, &none);
	reap_all(&r, MANY, false);
	pt_ring_exit(&r);
	pt_block_check(&ns, FIRST, MANY, 900);
	pt_block_check(&ns, FIRST + MANY, MANY, 901);
}

static void timeouts(void)
{
	struct nvme_uring_cmd cmd;
	struct pt_ring r;
	unsigned int i, aborted = 0;
	int ret;

	test_step("a timeout of its own");
	anew();
	steer_share(&policy, 1, &hardly);
	steer_answer(&policy, IRQ, IRQ);
	pt_ring_init(&r, MANY, 0);
	for (i = 0; i < 16; i++) {
		pt_rw(&cmd, &ns, PT_READ, FIRST, 1, buf, ns.block);
		cmd.timeout_ms = 300;
		pt_queue(&r, ns.fd, &cmd, 0, i);
	}
	test_check(pt_submit_only(&r) == 16, "submit");
	for (i = 0; i < 16; i++) {
		ret = pt_reap(&r, NULL, NULL);
		test_check(!ret || (ret & 0x7ff) == SC_ABORT_REQ,
			   "a command ended with %d", ret);
		aborted += !!ret;
	}
	test_check(aborted >= 12, "%u of 16 were ended", aborted);
	pt_ring_exit(&r);
}

/* A group's is that of each of its commands. */
static void group_timeouts(unsigned int mode)
{
	struct nvme_steer_group g;
	unsigned int i, aborted = 0;
	struct pt_ring r;
	struct arena a;
	int ret;

	test_step("a group's timeout of its own, %s", pt_mode_name(mode));
	anew();
	steer_share(&policy, 1, &hardly);
	steer_answer(&policy, IRQ, POLL);
	arena_init(&a, 16, 16 * ns.block);
	for (i = 0; i < 16; i++)
		group_set(&ns, &a.cmds[i], PT_READ, FIRST + i, 1,
			  a.data + i * ns.block);
	group_ring_init(&r, mode, &a);
	g = group_whole(&a, 16);
	g.timeout_ms = 300;
	ret = group_do(&r, &ns, &g, NULL);
	test_check((ret & 0x7ff) == SC_ABORT_REQ, "the group ended with %d",
		   ret);
	for (i = 0; i < 16; i++) {
		ret = a.cmds[i].status;
		test_check(!ret || (ret & 0x7ff) == SC_ABORT_REQ,
			   "a command ended with %d", ret);
		aborted += !!ret;
	}
	test_check(aborted >= 12, "%u of 16 were ended", aborted);
	pt_ring_exit(&r);
	arena_free(&a);
	test_check(!word(1, "waiting"), "commands wait on");
}

/*
 * Whoever sends a command by ioctl() sleeps until it ends, and cannot be
 * killed. More than there are slots.
 */
static void ioctl_timeouts(void)
{
	struct nvme_passthru_cmd cmd = {
		.opcode = PT_READ, .nsid = ns.nsid, .cdw10 = FIRST,
		.addr = (uintptr_t)buf, .data_len = ns.block,
		.timeout_ms = 300,
	};
	unsigned int i, aborted = 0;
	int ret, status;

	test_step("the timeout of an ioctl");
	anew();
	steer_share(&policy, 2, &hardly);
	steer_answer_block(&policy, SMALL, 1, SMALL, 1);
	for (i = 0; i < 16; i++)
		if (!fork()) {
			ret = ioctl(ns.fd, NVME_IOCTL_IO_CMD, &cmd);
			_exit(!ret ? 0 : (ret & 0x7ff) == SC_ABORT_REQ ? 1 : 2);
		}
	for (i = 0; i < 16; i++) {
		test_check(wait(&status) > 0 && WIFEXITED(status) &&
			   WEXITSTATUS(status) < 2,
			   "a command ended otherwise, %#x", status);
		aborted += WEXITSTATUS(status);
	}
	test_check(aborted >= 8, "%u of 16 were ended", aborted);
	test_check(!word(2, "waiting") && !word(2, "inflight"),
		   "something is left");
	test_check(steer_wait_idle(ns.ctrl, 5000), "something is in flight");
}

static void send_commands(unsigned int mode, struct pt_ring *r)
{
	pt_ring_init(r, 2 * MANY, mode);
	queue_writes(r, MANY, 1000, 0);
}

static void send_group(unsigned int mode, struct pt_ring *r)
{
	struct nvme_steer_group g;
	struct arena a;
	unsigned int i;

	arena_init(&a, 64, 64 * ns.block);
	for (i = 0; i < 64; i++)
		group_set(&ns, &a.cmds[i], PT_WRITE, FIRST + i, 1,
			  a.data + i * ns.block);
	group_ring_init(r, mode, &a);
	g = group_whole(&a, 64);
	group_queue(r, ns.fd, &g, PT_FIXED, 0);
	test_check(pt_submit_only(r) == 1, "submit");
}

/* By reading and writing: many commands, some of them under way. */
static void send_copy(unsigned int mode, struct pt_ring *r)
{
	struct image from, to;
	struct copy c;

	image_init(&from, &ns, (FIRST + 4096) * ns.block, 1 << 20);
	image_init(&to, &ns, (FIRST + 8192) * ns.block, 1 << 20);
	copy_init(&c, 64);
	copy_begin(&c, &to, 0, NVME_STEER_COPY_F_EMULATE);
	copy_add_many(&c, &from, 64, 4096);
	pt_ring_init(r, 8, mode);
	copy_queue(r, &c, 0, 0);
	test_check(pt_submit_only(r) == 1, "submit");
}

static const struct {
	const char *what;
	unsigned int waiting;	/* at least */
	void (*send)(unsigned int mode, struct pt_ring *r);
} sent[] = {
	{ "commands", MANY / 2, send_commands },
	{ "a command group", 32, send_group },
	{ "a copy", 2, send_copy },
};

/*
 * A ring that is closed, and a process that is killed: what waits does not wait
 * for its turn, which takes a second a command.
 */
static void gone(unsigned int mode, bool killed, unsigned int what)
{
	unsigned int q = mode & PT_IOPOLL ? POLL : IRQ;
	struct pt_ring r;
	uint64_t start, before;
	pid_t pid;

	test_step("a %s with %s, %s", killed ? "process that is killed" :
		  "ring that is closed", sent[what].what, pt_mode_name(mode));
	anew();
	steer_share(&policy, 1, &hardly);
	steer_answer(&policy, q, q);
	policy.state->copy_route = q;
	before = word(1, "commands");
	pid = fork();
	if (!pid) {
		sent[what].send(mode, &r);
		if (killed)
			pause();
		pt_ring_exit(&r);
		_exit(0);
	}
	test_check(test_wait(word(1, "waiting") >= sent[what].waiting ||
			     !killed, 5000),
		   "%ju commands wait", word(1, "waiting"));
	start = test_now_ms();
	if (killed)
		kill(pid, SIGKILL);
	test_check(waitpid(pid, NULL, 0) == pid, "waitpid");
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
	printf("#   gone after %ju ms\n", test_now_ms() - start);
	test_check(!word(1, "waiting"), "commands wait for nobody");
	test_check(word(1, "commands") - before < sent[what].waiting / 2 + 2,
		   "%ju commands were sent for nobody",
		   word(1, "commands") - before);
}

static void groups(void)
{
	struct nvme_steer_share limit = { .depth = 2 };
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	unsigned int i;

	test_step("command groups");
	anew();
	steer_share(&policy, 1, &limit);
	steer_answer(&policy, IRQ, POLL);
	arena_init(&a, 64, 64 * ns.block);
	for (i = 0; i < 64; i++)
		group_set(&ns, &a.cmds[i], PT_WRITE, FIRST + i, 1,
			  a.data + i * ns.block);
	pt_fill(&ns, a.data, FIRST, 64, 1100);
	group_ring_init(&r, PT_IOPOLL, &a);
	g = group_whole(&a, 64);
	group_good(&r, &ns, &g, PT_FIXED, "a group in a share");
	pt_ring_exit(&r);
	pt_block_check(&ns, FIRST, 64, 1100);
	test_check(word(1, "peak") == 2, "%ju at a time", word(1, "peak"));
	arena_free(&a);
}

/*
 * Copies: as many of their commands at a time as the share may have; and where
 * the queue is full they wait for a slot, and do not go around the share.
 */
static void copies(unsigned int mode)
{
	struct nvme_steer_share limit = { .depth = 2 };
	unsigned int q = mode & PT_IOPOLL ? POLL : IRQ;
	struct steer_queues before, after;
	struct pt_ring r, other;
	struct image from, to;
	uint64_t full, result;
	struct copy c;
	int ret;

	test_step("copies, %s", pt_mode_name(mode));
	anew();
	steer_share(&policy, 1, &limit);
	policy.state->copy_route = q;
	image_init(&from, &ns, (FIRST + 4096) * ns.block, 1 << 20);
	image_init(&to, &ns, (FIRST + 8192) * ns.block, 1 << 20);
	copy_init(&c, 64);
	copy_begin(&c, &to, 8192, NVME_STEER_COPY_F_EMULATE);
	copy_add_many(&c, &from, 64, 4096);
	pt_ring_init(&r, 8, mode);
	steer_queues(ns.ctrl, &before);
	test_check(!copy_do(&r, &c), "the copy ended with %d", c.res);
	steer_queues(ns.ctrl, &after);
	copy_model(&c);
	image_check(&to, "a copy in a share");
	test_check(after.q[q].completed - before.q[q].completed >= 65 &&
		   after.q[0].submitted == before.q[0].submitted,
		   "the queue has carried %ju commands of the copy",
		   after.q[q].completed - before.q[q].completed);
	test_check(word(1, "peak") == 2, "%ju at a time", word(1, "peak"));
	test_check(!word(1, "inflight"), "some are left");

	test_step("a copy and a full queue, %s", pt_mode_name(mode));
	steer_share(&policy, 2, &hardly);
	steer_answer(&policy, SMALL, SMALL);
	pt_ring_init(&other, 8, 0);
	queue_writes(&other, 7, 1200, 0);
	policy.state->copy_route = SMALL;
	copy_begin(&c, &to, 0, NVME_STEER_COPY_F_EMULATE);
	copy_add_many(&c, &from, 64, 4096);
	full = steer_event(ns.ctrl, "share_full");
	steer_queues(ns.ctrl, &before);
	pt_ring_exit(&r);
	pt_ring_init(&r, 8, 0);
	copy_queue(&r, &c, 0, 0);
	test_check(pt_submit_only(&r) == 1, "submit");
	test_check(test_wait(steer_event(ns.ctrl, "share_full") > full, 20000),
		   "the copy does not wait for a slot");
	steer_share(&policy, 2, &none);
	ret = pt_reap(&r, NULL, &result);
	copy_ended(&c, ret, result);
	test_check(!ret, "the copy ended with %d", ret);
	reap_all(&other, 7, false);
	steer_queues(ns.ctrl, &after);
	test_check(after.q[0].submitted == before.q[0].submitted,
		   "it went around the share");
	copy_model(&c);
	image_check(&to, "a copy and a full queue");
	pt_ring_exit(&other);
	pt_ring_exit(&r);
	copy_free(&c);
	image_free(&from);
	image_free(&to);
}

int main(void)
{
	static const unsigned int modes[] = { 0, PT_IOPOLL };
	unsigned int m, what;

	test_begin(180);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_open(&second, PT_WANT_SECOND);
	buf = test_alloc(2 * MANY * ns.block);
	for (m = 0; m < ARRAY_LEN(modes); m++) {
		depth(modes[m], 0, 1, false);
		depth(modes[m], 0, 4, false);
		depth(modes[m], PT_FIXED, 7, false);
		depth(modes[m], PT_FIXED, 16, true);
		block_depth(m);
		let_go(modes[m]);
		copies(modes[m]);
		for (what = 0; what < ARRAY_LEN(sent); what++) {
			gone(modes[m], true, what);
			gone(modes[m], false, what);
		}
	}
	full(0);
	full(PT_ASYNC);
	full_block();
	frozen_behind();
	timeouts();
	group_timeouts(0);
	group_timeouts(PT_IOPOLL);
	ioctl_timeouts();
	groups();
	test_pass();
}
