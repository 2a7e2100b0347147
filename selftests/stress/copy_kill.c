// SPDX-License-Identifier: GPL-2.0
/*
 * A process with copies under way, on rings of each kind, is killed with
 * SIGKILL, again and again; so is one that sends NVMe Copy commands, by
 * uring_cmd and by ioctl; and rings with long copies in them are closed by
 * processes that live on and by ones that exit. What was written is what was to
 * be, nothing else is touched, a long copy does not go on for its own sake, and
 * nothing is left behind.
 *
 * COUNT=   kills of each kind (default 8)
 *
 * vm: --drives copy
 */
#include <signal.h>
#include <sys/wait.h>

#include "copy_load.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct copy_load load, commands;
static struct steer_policy policy;

/* References to the module: each copy under way has one. */
static unsigned long references(void)
{
	char text[32];

	test_check(test_read("/sys/module/nvmesteer/refcnt", text,
			     sizeof(text)) > 0, "no refcnt");
	return strtoul(text, NULL, 10);
}

/* Long copies in a ring that is closed. */
static void close_ring(unsigned int mode, unsigned int flags, bool forked)
{
	static struct image to, from;
	static struct copy copy[4];
	unsigned long idle = references();
	struct pt_ring r;
	unsigned int i;
	int status;
	pid_t pid = 0;

	if (!to.ns) {
		image_init(&from, &drives.a, 128 * MIB, 8 * MIB);
		image_init(&to, &drives.b, 128 * MIB, 40 * MIB);
		for (i = 0; i < 4; i++)
			copy_init(&copy[i], 16);
	}
	test_step("%s ring closed, flags %#x%s", pt_mode_name(mode), flags,
		  forked ? ", by exit" : "");
	image_refill(&from, 0, from.len);
	for (i = 0; i < 4; i++) {
		copy_begin(&copy[i], &to, i * 9 * MIB, flags);
		copy_add(&copy[i], &from, 0, 8 * MIB);
	}
	fflush(stdout);
	if (forked)
		pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		pt_ring_init(&r, 8, mode);
		for (i = 0; i < 4; i++)
			copy_queue(&r, &copy[i], i == 3 ? PT_ASYNC : 0, i);
		if (mode & PT_SQPOLL)
			io_uring_submit(&r.uring);
		else
			pt_submit_only(&r);
		if (forked)
			_exit(0);
		pt_ring_exit(&r);
	} else {
		waitpid(pid, &status, 0);
		test_check(!status, "child ended with %#x", status);
	}
	test_check(test_wait(references() == idle, 20000),
		   "copies under way after 20 s");
	/* the completions are nobody's, the data is old or new */
	for (i = 0; i < 4; i++) {
		struct copy *c = &copy[i];
		size_t off, at = c->at;

		pt_block_read(to.ns, to.got + at, (to.from + at) >> 9,
			      c->len >> 9);
		for (off = 0; off < c->len; off += 512) {
			test_check(!memcmp(to.got + at + off, from.want + off,
					   512) ||
				   !memcmp(to.got + at + off,
					   to.want + at + off, 512),
				   "copy %u: neither old nor new at %zu", i,
				   off);
		}
		memcpy(to.want + at, to.got + at, c->len);
	}
	image_check(&to, "a ring that was closed");
}

/* Nothing is under way, and what is there is right, after a kill. */
static void is_over(struct copy_load *l, unsigned long idle, unsigned long kill)
{
	test_check(test_wait(references() == idle, 10000),
		   "copies under way 10 s after kill %lu", kill);
	test_check(steer_wait_idle(drives.a.ctrl, 1000), "commands in flight");
	copy_load_verify(l, NULL);
}

static void goes_on(struct copy_load *l)
{
	test_step("no kill");
	copy_load_start(l);
	test_check(copy_load_wait(l, 30, 20000), "no copy afterwards");
	copy_load_stop(l);
	copy_load_verify(l, NULL);
}

static void kill_copies(unsigned long count)
{
	unsigned long idle = references(), i;

	load.to[0] = load.to[1] = &drives.a;
	load.to[2] = &drives.b;
	load.to[3] = &drives.none;
	load.from[0] = load.from[3] = &drives.a;
	load.from[1] = &drives.b;
	load.from[2] = &drives.other;
	copy_load_init(&load);
	for (i = 0; i < count; i++) {
		test_step("kill %lu", i);
		policy.state->copy_route = i % 3;
		copy_load_start_child(&load);
		test_check(copy_load_wait(&load, 10 + 7 * (i % 4), 20000),
			   "no copy ended for 20 s before kill %lu", i);
		copy_load_kill(&load);
		is_over(&load, idle, i);
	}
	goes_on(&load);
}

/*
 * The drive is slow, so that there are commands under way; they end once it is
 * not. One sent by ioctl is waited for, with all that it has become.
 */
static void kill_commands(unsigned long count)
{
	unsigned long idle = references(), i;

	commands.to[0] = commands.to[3] = &drives.a;
	commands.to[1] = &drives.none;
	commands.to[2] = &drives.small;
	commands.from[0] = commands.from[3] = &drives.a;
	commands.from[1] = &drives.b;
	commands.from[2] = &drives.none;
	commands.commands = true;
	copy_load_init(&commands);
	for (i = 0; i < count; i++) {
		test_step("kill %lu, of commands", i);
		policy.state->copy_route = i % 3;
		policy.state->copy_answer = i & 1 ? NVME_STEER_COPY_EMULATE :
						    NVME_STEER_COPY_DEFAULT;
		copy_load_start_child(&commands);
		test_check(copy_load_wait(&commands, 10, 20000),
			   "no copy ended for 20 s before kill %lu", i);
		vm_throttle(drives.a.name, 20);
		test_check(test_wait(references() > idle, 20000),
			   "no copy is under way before kill %lu", i);
		kill(commands.pid, SIGKILL);
		vm_throttle(drives.a.name, 0);
		copy_load_kill(&commands);
		is_over(&commands, idle, i);
	}
	goes_on(&commands);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned long count = test_env("COUNT", 8);
	unsigned int mode;

	test_begin(100 + 8 * count);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	kill_copies(count);
	kill_commands(count);
	policy.state->copy_answer = NVME_STEER_COPY_DEFAULT;

	for (mode = 0; mode < 4; mode++) {
		policy.state->copy_route = mode & PT_IOPOLL ? 2 : 1;
		close_ring(mode, 0, false);
		close_ring(mode, NVME_STEER_COPY_F_EMULATE, true);
		policy.state->copy_route = 0;
		close_ring(mode, NVME_STEER_COPY_F_EMULATE, false);
		close_ring(mode, 0, true);
	}
	steer_detach(&policy);

	steer_reload();
	test_pass();
}
