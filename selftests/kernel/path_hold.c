// SPDX-License-Identifier: GPL-2.0
/*
 * A policy with path_hold_ms: its answer for a command holds on that CPU for
 * those of the same ring that are equal to it in what hold_by names, and for no
 * others; of bios, uring_cmds and ioctls. With path_hold_more it holds for some that
 * come when its time is over, but not for long. When the time is over, when the path
 * cannot be used any more, when the answer was not to be kept, and of another
 * policy, it is asked anew. Data written by one path is read by the other.
 *
 * vm: --cpus 2
 * timeout: 200
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "kinds.h"
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define HOLD_MS	kinds_hold_ms()
#define FIRST	4096	/* block */
#define TIMES	16

static struct pt_ns ns;
static struct steer_policy policy;
static struct pt_ring ring, second_ring;
static uint8_t *buf;
static int ctrl[2];

enum entry { BLOCK, URING, IOCTL, ENTRIES };

static const char *const entry_name[ENTRIES] = { "block", "uring_cmd", "ioctl" };

static void do_block(uint8_t op, uint64_t slba, uint32_t nlb, bool other)
{
	struct iovec iov = { .iov_base = buf, .iov_len = nlb * ns.block };
	off_t at = (off_t)slba * ns.block;
	ssize_t ret;

	if (op == PT_WRITE)
		ret = pwritev2(ns.block_fd, &iov, 1, at, 0);
	else
		/* a read is NOWAIT or not */
		ret = preadv2(ns.block_fd, &iov, 1, at,
			      other ? RWF_NOWAIT : 0);
	test_check(ret == (ssize_t)iov.iov_len, "I/O: %zd, %s", ret,
		   strerror(errno));
}

static void do_uring(struct pt_ring *r, uint8_t op, uint64_t slba, uint32_t nlb,
		     unsigned int how)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_rw(&cmd, &ns, op, slba, nlb, buf, nlb * ns.block);
	ret = pt_do(r, ns.fd, &cmd, how, NULL);
	test_check(!ret, "a command ended with %d", ret);
}

static void do_ioctl(uint8_t op, uint64_t slba, uint32_t nlb)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = op,
		.nsid = ns.nsid,
		.addr = (uintptr_t)buf,
		.data_len = nlb * ns.block,
		.cdw10 = slba,
		.cdw11 = slba >> 32,
		.cdw12 = nlb - 1,
	};
	int ret = ioctl(ns.fd, NVME_IOCTL_IO64_CMD, &cmd);

	test_check(!ret, "ioctl: %d %s", ret, strerror(errno));
}

/* Read or write, with all data looked at; @other: with other flags. */
static void rw(enum entry entry, uint8_t op, uint64_t slba, uint32_t nlb,
	       uint64_t gen, bool other)
{
	if (op == PT_WRITE)
		pt_fill(&ns, buf, slba, nlb, gen);
	else
		memset(buf, 0xa5, nlb * ns.block);
	if (entry == BLOCK)
		do_block(op, slba, nlb, other);
	else if (entry == URING)
		do_uring(&ring, op, slba, nlb, other ? 0 : PT_FIXED);
	else
		do_ioctl(op, slba, nlb);
	test_check(pt_differs(&ns, buf, slba, nlb, gen) < 0, "%s: other data",
		   entry_name[entry]);
}

static uint64_t calls(void)
{
	volatile struct puppet_state *s = policy.state;

	return s->path_calls;
}

static void answer(int what)
{
	volatile struct puppet_state *s = policy.state;

	s->path_answer = what;
}

static void attach_more(uint32_t by, uint32_t hold_ms, uint32_t more)
{
	struct puppet_config config = {
		.path_hold_ms = hold_ms,
		.path_hold_more = more,
		.hold_by = by,
	};

	steer_puppet_path(&policy, ctrl[0], &config);
	answer(NVME_STEER_PATH(ctrl[0]));
}

static void attach(uint32_t by, uint32_t hold_ms)
{
	attach_more(by, hold_ms, 0);
}

/* Calls of path() for one command that is as usual, or not in one thing. */
static uint64_t asked(unsigned int entry, uint32_t by, bool other)
{
	uint64_t was = calls();

	rw(entry, other && by == NVME_STEER_BY_OPCODE ? PT_WRITE : PT_READ,
	   FIRST, 1 + (other && by == NVME_STEER_BY_LEN), 3,
	   other && by == NVME_STEER_BY_FLAGS);
	return calls() - was;
}

static bool can(unsigned int entry, uint32_t by)
{
	/* a head is one namespace; of an ioctl no flag can be chosen */
	return by != NVME_STEER_BY_NSID &&
	       (by != NVME_STEER_BY_FLAGS || entry != IOCTL);
}

static const struct kinds kinds = { entry_name, ENTRIES, asked, can };

/* What is of no ring is one kind; two rings are two. */
static void rings(void)
{
	uint64_t start, was, bio = 0, more = 0, ring2 = 0;
	unsigned int i;

	test_step("rings, and what is of none");
	attach(0, HOLD_MS);
	for (i = 0; i < 10; i++) {
		kinds_expire();
		start = test_now_ms();
		bio = asked(BLOCK, 0, false);
		more = asked(IOCTL, 0, false) + asked(BLOCK, 0, false);
		bio += asked(URING, 0, false);
		was = calls();
		do_uring(&second_ring, PT_READ, FIRST, 1, 0);
		ring2 = calls() - was;
		more += asked(URING, 0, false);
		if (test_now_ms() - start < HOLD_MS / 2)
			break;
	}
	test_check(i < 10, "too slow to say anything");
	test_check(bio == 2 && ring2 == 1, "asked %ju and %ju times", bio,
		   ring2);
	/* but two answers may be kept in one place, as luck has it */
	test_check(more <= 1, "asked %ju times again", more);
	steer_detach(&policy);
}

/* Commands by both paths since the last time. */
static void paths(uint64_t n[2])
{
	static uint64_t was[2];
	uint64_t now;
	int i;

	for (i = 0; i < 2; i++) {
		now = steer_event(ctrl[i], "path");
		n[i] = now - was[i];
		was[i] = now;
	}
}

/* An answer is followed, a new one when its time is over and not before. */
static void followed(enum entry entry)
{
	uint64_t n[2], start, was, gen, held = 0, count[2] = { 0, 0 };
	unsigned int i, on;

	test_step("%s: an answer that changes", entry_name[entry]);
	attach(NVME_STEER_BY_CGROUP, HOLD_MS);
	for (on = 0; on < 4; on++) {
		gen = 10 + entry * 4 + on;
		answer(NVME_STEER_PATH(ctrl[on & 1]));
		start = test_now_ms();
		was = calls();
		paths(n);
		for (i = 0; calls() == was; i++) {
			rw(entry, i & 1 ? PT_READ : PT_WRITE, FIRST, 8, gen,
			   false);
			paths(n);
			test_check(n[0] + n[1] == 1, "%ju and %ju by a path",
				   n[0], n[1]);
			test_check(n[calls() == was ? !(on & 1) : on & 1] ||
				   !on, "by the wrong path");
			count[on & 1] += n[on & 1];
			test_check(test_now_ms() - start < 20 * HOLD_MS,
				   "not asked for %ju ms",
				   test_now_ms() - start);
			held += calls() == was;
		}
		/* read by this one, what was written by the other */
		rw(entry, PT_READ, FIRST, 8, gen, false);
		paths(n);
		test_check(n[on & 1] == 1 && !n[!(on & 1)],
			   "%ju and %ju by a path", n[0], n[1]);
	}
	printf("#   %ju commands by an answer that held\n", held);
	test_check(held, "none held");
	steer_detach(&policy);
}

/* Such an answer is for one command, and what holds stays as it is. */
static void once(enum entry entry)
{
	uint64_t n[2], start = 0, was = 0;
	unsigned int i, try;

	test_step("%s: an answer that is not kept", entry_name[entry]);
	attach(NVME_STEER_BY_CGROUP, HOLD_MS);
	answer(NVME_STEER_PATH(ctrl[1]) | NVME_STEER_PATH_ONCE);
	paths(n);
	was = calls();
	for (i = 0; i < TIMES; i++)
		rw(entry, PT_READ, FIRST, 1, 3, false);
	paths(n);
	test_check(calls() - was == TIMES && n[1] == TIMES && !n[0],
		   "asked %ju times; %ju and %ju by a path", calls() - was,
		   n[0], n[1]);
	for (try = 0; try < 10; try++) {
		kinds_expire();
		start = test_now_ms();
		was = calls();
		answer(NVME_STEER_PATH(ctrl[1]) | NVME_STEER_PATH_ONCE);
		rw(entry, PT_READ, FIRST, 1, 3, false);
		answer(NVME_STEER_PATH(ctrl[0]));
		for (i = 0; i < TIMES; i++)
			rw(entry, PT_READ, FIRST, 1, 3, false);
		paths(n);
		if (test_now_ms() - start < HOLD_MS / 2)
			break;
	}
	test_check(try < 10, "too slow to say anything");
	test_check(calls() - was == 2 && n[0] == TIMES && n[1] == 1,
		   "asked %ju times; %ju and %ju by a path", calls() - was,
		   n[0], n[1]);

	answer(NVME_STEER_PATH_OWN);
	kinds_expire();
	was = calls();
	for (i = 0; i < TIMES; i++)
		rw(entry, PT_READ, FIRST, 1, 3, false);
	test_check(calls() - was == TIMES, "OWN: asked %ju times",
		   calls() - was);
	steer_detach(&policy);
}

/* From its first command on another policy is asked. */
static void other_policy(void)
{
	struct puppet_config config = {
		.path_hold_ms = NVME_STEER_HOLD_MAX_MS,
		.hold_by = NVME_STEER_BY_CGROUP,
	};
	struct steer_policy next;
	unsigned int i;
	uint64_t n[2];
	int ret;

	test_step("another policy");
	for (i = 0; i < 8; i++) {
		if (!i || i & 4) {
			if (i)
				steer_detach(&policy);
			test_check(!test_write("/proc/sys/vm/drop_caches", "2"),
				   "drop_caches");
			attach(config.hold_by, config.path_hold_ms);
		} else {
			ret = steer_load(&next, ctrl[0], "puppet_path",
					 &config);
			test_check(!ret, "load: %s", strerror(-ret));
			ret = steer_replace(&policy, &next);
			test_check(!ret, "replace: %s", strerror(-ret));
			policy = next;
		}
		answer(NVME_STEER_PATH(ctrl[i & 1]));
		paths(n);
		rw(URING, PT_READ, FIRST, 8, 3, false);
		rw(BLOCK, PT_READ, FIRST, 8, 3, false);
		paths(n);
		test_check(calls() == 2 && n[i & 1] == 2,
			   "asked %ju times; %ju and %ju by a path", calls(),
			   n[0], n[1]);
	}
	steer_detach(&policy);
}

#define MORE	4

/*
 * Of rare commands so many are not asked about; of a burst that comes after a
 * pause all but the first are; of what is too late, all.
 */
static void more(enum entry entry, uint32_t by)
{
	uint64_t start = 0, was, rare = 0, last = 0, first = 0, second = 0;
	unsigned int i, try;

	test_step("%s: commands that are rarer", entry_name[entry]);
	attach_more(by, HOLD_MS, MORE);
	for (try = 0; try < 10; try++) {
		usleep((NVME_STEER_HOLD_MORE_TIMES * HOLD_MS + 20) * 1000);
		start = test_now_ms();
		was = calls();
		rw(entry, PT_READ, FIRST, 1, 3, false);
		for (i = 0; i < MORE; i++) {
			kinds_expire();
			rw(entry, PT_READ, FIRST, 1, 3, false);
		}
		rare = calls() - was;
		kinds_expire();
		last = asked(entry, 0, false);
		kinds_expire();
		first = asked(entry, 0, false);
		second = asked(entry, 0, false);
		if (test_now_ms() - start < (MORE + 4) * (HOLD_MS + 20))
			break;
	}
	test_check(try < 10, "too slow to say anything");
	test_check(rare == 1 && last == 1, "asked %ju times, and %ju times",
		   rare, last);
	test_check(!first && second == 1, "a burst: asked %ju and %ju times",
		   first, second);
	usleep((NVME_STEER_HOLD_MORE_TIMES * HOLD_MS + 20) * 1000);
	last = asked(entry, 0, false);
	test_check(last == 1, "late: asked %ju times", last);
	steer_detach(&policy);
}

static volatile bool resetting;

static void *reset_second(void *unused)
{
	test_check(!vm_reset(ctrl[1]), "reset");
	resetting = false;
	return NULL;
}

/*
 * The path of an answer that holds is reset: commands are asked about at once,
 * and none fails. Returns how many went by the other path within that time.
 */
static uint64_t reset_once(enum entry entry, uint64_t *again)
{
	uint64_t n[2], start, was;
	pthread_t thread;

	answer(NVME_STEER_PATH(ctrl[1]));
	usleep((NVME_STEER_HOLD_MAX_MS + 20) * 1000);
	rw(entry, PT_READ, FIRST, 1, 3, false);
	start = test_now_ms();
	answer(NVME_STEER_PATH(ctrl[0]));
	was = calls();
	paths(n);
	resetting = true;
	test_check(!pthread_create(&thread, NULL, reset_second, NULL),
		   "pthread_create");
	while (resetting && test_now_ms() - start < NVME_STEER_HOLD_MAX_MS / 2)
		rw(entry, PT_READ, FIRST, 1, 3, false);
	paths(n);
	*again = calls() - was;
	pthread_join(thread, NULL);
	test_check(vm_wait_live(ctrl[1], 20000), "not live");
	return n[0];
}

static void unusable(enum entry entry)
{
	uint64_t n = 0, again = 0;
	unsigned int i;

	test_step("%s: the path is reset", entry_name[entry]);
	attach(NVME_STEER_BY_CGROUP, NVME_STEER_HOLD_MAX_MS);
	for (i = 0; i < 5 && !n; i++)
		n = reset_once(entry, &again);
	printf("#   %ju reads by the other path\n", n);
	test_check(n, "the other path was not taken");
	test_check(again == 1, "asked %ju times", again);
	steer_detach(&policy);
}

int main(void)
{
	struct iovec iov = { .iov_len = 8 * 512 };
	enum entry entry;
	const uint32_t *by;
	unsigned int nr;
	cpu_set_t set;
	int ret;

	test_begin(180);
	/* answers are a CPU's */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	test_check(!sched_setaffinity(0, sizeof(set), &set), "affinity");
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	buf = test_alloc(iov.iov_len);
	iov.iov_base = buf;
	pt_block_write(&ns, FIRST, 8, 3);
	pt_ring_init(&ring, 8, 0);
	pt_ring_init(&second_ring, 8, 0);
	ret = io_uring_register_buffers(&ring.uring, &iov, 1);
	test_check(!ret, "cannot register a buffer: %s", strerror(-ret));
	kinds_begin();

	test_step("each that is named, and nothing else");
	for (nr = kinds_policies(&by); nr--; by++) {
		attach(*by, HOLD_MS);
		kinds_check(&kinds, *by);
		steer_detach(&policy);
	}
	rings();
	for (entry = 0; entry < ENTRIES; entry++) {
		pt_block_write(&ns, FIRST, 8, 3);
		once(entry);
		more(entry, NVME_STEER_BY_CGROUP);
		more(entry, NVME_STEER_BY_OPCODE);
		unusable(entry);
		followed(entry);
	}
	pt_block_write(&ns, FIRST, 8, 3);
	other_policy();
	pt_ring_exit(&second_ring);
	pt_ring_exit(&ring);
	test_pass();
}
