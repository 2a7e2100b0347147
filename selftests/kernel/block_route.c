// SPDX-License-Identifier: GPL-2.0
/*
 * What a policy is told of block requests, and what becomes of its answers: the
 * request's blocks, length, flags, I/O priority and cgroup, which are those of
 * who wrote the data and not of who dispatches it; the driver's own path and an
 * event for what a queue cannot carry; an I/O error for what is refused. It is
 * asked once for each request, or once a batch where it says so; about nothing
 * but requests of namespaces, and not again about passthrough commands it was
 * asked about; and not at all without NVME_STEER_OPS_BLOCK. The block device's
 * statistics agree with the queues'.
 *
 * vm: --cpus 2
 * timeout: 200
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define PAGE	4096
#define CGROUP	"/sys/fs/cgroup/block_route"

static struct pt_ns ns;
static struct steer_policy policy;
static volatile struct puppet_state *state;
static uint8_t *buf;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL },
	.depth = { [2] = 4 },
};

static void told(void)
{
	struct iovec iov = { .iov_base = buf, .iov_len = 3 * ns.block };
	uint64_t calls;

	test_step("a read, a write, forced unit access");
	calls = state->block_calls;
	test_check(pread(ns.block_fd, buf, 5 * ns.block, 7 * ns.block) ==
		   5 * ns.block, "read: %s", strerror(errno));
	test_check(state->block_calls == calls + 1, "asked %ju times",
		   (uint64_t)state->block_calls - calls);
	test_check(state->block_opcode == PT_READ && state->block_slba == 7 &&
		   state->block_nlb == 5 && state->block_len == 5 * ns.block &&
		   state->block_nsid == ns.nsid && !state->block_ring,
		   "a read is told as opcode %#x, slba %ju, nlb %u, len %u, nsid %u",
		   state->block_opcode, (uint64_t)state->block_slba,
		   state->block_nlb, state->block_len, state->block_nsid);
	test_check((state->block_flags & (NVME_STEER_CMD_RANGE |
					  NVME_STEER_CMD_WRITE |
					  NVME_STEER_CMD_POLLED |
					  NVME_STEER_CMD_FUA |
					  NVME_STEER_CMD_DRV)) ==
		   NVME_STEER_CMD_RANGE, "flags of a read: %#x",
		   state->block_flags);
	test_check(pwritev2(ns.block_fd, &iov, 1, 9 * ns.block, RWF_DSYNC) ==
		   3 * ns.block, "write: %s", strerror(errno));
	test_check(state->block_all_flags & NVME_STEER_CMD_WRITE &&
		   state->block_all_flags & NVME_STEER_CMD_SYNC,
		   "flags of a write: %#x", state->block_all_flags);
	test_check(state->block_all_flags & NVME_STEER_CMD_FUA ||
		   state->block_ops[PT_FLUSH], "RWF_DSYNC: no FUA, no flush");
}

static void discard(void)
{
	uint64_t range[2] = { 64 * PAGE, 16 * PAGE };

	test_step("a discard");
	if (ioctl(ns.block_fd, BLKDISCARD, range))
		return;
	test_check(state->block_opcode == PT_DSM &&
		   state->block_flags & NVME_STEER_CMD_DISCARD &&
		   state->block_flags & NVME_STEER_CMD_RANGE &&
		   state->block_slba == 64 * PAGE / ns.block &&
		   state->block_nlb == 16 * PAGE / ns.block,
		   "a discard is told as opcode %#x, flags %#x, slba %ju, nlb %u",
		   state->block_opcode, state->block_flags,
		   (uint64_t)state->block_slba, state->block_nlb);
}

static void priority(void)
{
	int prio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), old;

	test_step("I/O priority");
	old = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	test_check(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, prio),
		   "ioprio_set: %s", strerror(errno));
	test_check(pread(ns.block_fd, buf, ns.block, 0) == ns.block, "read");
	test_check(state->block_ioprio == prio, "ioprio %#x instead of %#x",
		   state->block_ioprio, prio);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, old);
}

static void leave(void *arg)
{
	test_write("/sys/fs/cgroup/cgroup.procs", "0");
	rmdir(CGROUP);
}

/* Into the page cache, by a task of the cgroup; written back from here. */
static void write_there(const char *path)
{
	int fd, status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (test_write(CGROUP "/cgroup.procs", "0"))
			_exit(1);
		fd = open(path, O_RDWR);
		memset(buf, 0x77, 16 * PAGE);
		_exit(pwrite(fd, buf, 16 * PAGE, 256 * PAGE) != 16 * PAGE);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "the child failed");
	fd = open(path, O_RDWR);
	test_check(fd >= 0 && !fsync(fd), "fsync: %s", strerror(errno));
	close(fd);
}

/* Data is charged to who wrote it, whoever writes it back. */
static void cgroups(void)
{
	struct stat st;
	char path[64];
	uint64_t was;
	int status;
	pid_t pid;

	test_step("cgroup of the data");
	if (test_write("/sys/fs/cgroup/cgroup.subtree_control", "+io") ||
	    test_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")) {
		printf("# no io and memory controllers in cgroup v2 here\n");
		return;
	}
	test_check(!mkdir(CGROUP, 0755) || errno == EEXIST, "mkdir: %s",
		   strerror(errno));
	test_at_end(leave, NULL);
	test_check(!stat(CGROUP, &st), "stat: %s", strerror(errno));
	state->block_want_cgroup = st.st_ino;
	snprintf(path, sizeof(path), "/dev/nvme%s", ns.name);

	/* O_DIRECT: the task's */
	was = state->block_of_cgroup;
	pid = fork();
	if (!pid) {
		if (test_write(CGROUP "/cgroup.procs", "0"))
			_exit(1);
		_exit(pread(ns.block_fd, buf, ns.block, 0) != ns.block);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "the child failed");
	test_check(state->block_of_cgroup == was + 1 &&
		   state->block_cgroup == st.st_ino,
		   "a read of cgroup %ju is told as of %ju", (uint64_t)st.st_ino,
		   (uint64_t)state->block_cgroup);
	test_check(!stat("/sys/fs/cgroup", &st) &&
		   state->block_parent == st.st_ino, "parent %ju instead of %ju",
		   (uint64_t)state->block_parent, (uint64_t)st.st_ino);

	/*
	 * Page cache: written there, written back from here. The kernel charges
	 * all of a device to one cgroup, and takes some rounds to find that it
	 * is another's now: somebody may have written to this one before.
	 */
	was = state->block_of_cgroup;
	test_check(test_wait(({
		write_there(path);
		sync();
		state->block_of_cgroup > was;
	}), 30000), "what another task writes back is not its writer's");
}

/* One read with that answer; the event that says what became of it. */
static void expect(int answer, const char *event, int err, bool queue)
{
	uint64_t was = steer_event(ns.ctrl, event);
	uint64_t taken = steer_event(ns.ctrl, "block");
	ssize_t ret;

	steer_answer_block(&policy, answer, 1, 0, 1);
	ret = pread(ns.block_fd, buf, ns.block, 0);
	test_check(err ? ret == -1 && errno == err : ret == ns.block,
		   "answer %d: %zd, %s", answer, ret, strerror(errno));
	test_check(steer_event(ns.ctrl, event) == was + 1,
		   "answer %d: no event %s", answer, event);
	test_check(steer_event(ns.ctrl, "block") == taken + queue,
		   "answer %d: steered or not", answer);
	steer_answer_block(&policy, 1, 1, 3, 1);
}

static void answers(void)
{
	test_step("answers");
	expect(0, "default", 0, false);
	expect(1, "routed", 0, true);
	expect(3, "bad_mode", 0, false);
	expect(9, "bad_queue", 0, false);
	expect(300, "bad_answer", 0, false);
	expect(-EPERM, "refused", EIO, false);
	expect(-EAGAIN, "bad_answer", 0, false);
}

/* @n reads that do not touch, at once; how often was the policy asked? */
static uint64_t batch(unsigned int n, bool polled)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	uint64_t calls;
	unsigned int i;
	int ret;

	ret = io_uring_queue_init(n, &ring, polled ? IORING_SETUP_IOPOLL : 0);
	test_check(!ret, "io_uring_queue_init: %s", strerror(-ret));
	for (i = 0; i < n; i++) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read(sqe, ns.block_fd, buf + i * PAGE, PAGE,
				   2 * i * PAGE);
	}
	calls = state->block_calls;
	ret = io_uring_submit(&ring);
	test_check(ret == (int)n, "submitted %d", ret);
	for (i = 0; i < n; i++) {
		ret = io_uring_wait_cqe(&ring, &cqe);
		test_check(!ret && cqe->res == PAGE, "read %u: %d", i,
			   ret ?: cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return state->block_calls - calls;
}

static void full(void)
{
	uint64_t full = steer_event(ns.ctrl, "queue_full");
	uint64_t routed = steer_event(ns.ctrl, "block");

	test_step("a queue that is full");
	steer_answer_block(&policy, 2, 1, 0, 1);
	test_check(batch(16, false) == 16, "not asked for each");
	full = steer_event(ns.ctrl, "queue_full") - full;
	routed = steer_event(ns.ctrl, "block") - routed;
	test_check(full && routed && full + routed == 16,
		   "%ju full, %ju routed", full, routed);
	steer_answer_block(&policy, 1, 1, 3, 1);
}

static void doorbells(bool polled)
{
	struct steer_queues before, after;
	int q = polled ? 3 : 1;
	uint64_t calls;

	steer_queues(ns.ctrl, &before);
	calls = batch(32, polled);
	steer_queues(ns.ctrl, &after);
	test_check(after.q[q].submitted - before.q[q].submitted == 32,
		   "%ju requests on queue %d",
		   after.q[q].submitted - before.q[q].submitted, q);
	test_check(after.q[q].sq_doorbells - before.q[q].sq_doorbells <= 1,
		   "%ju doorbells for a batch",
		   after.q[q].sq_doorbells - before.q[q].sq_doorbells);
	printf("# batch of 32%s: asked %ju times, %ju doorbells\n",
	       polled ? ", polled for" : "", calls,
	       after.q[q].sq_doorbells - before.q[q].sq_doorbells);
}

/* A passthrough command of io_uring is asked about as that, and only once. */
static void passthrough(void)
{
	uint64_t calls = state->calls, block = state->block_calls;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;

	test_step("passthrough of io_uring, left to the driver");
	pt_ring_init(&ring, 8, 0);
	steer_answer(&policy, 0, 0);
	pt_rw(&cmd, &ns, PT_READ, 0, 1, buf, ns.block);
	test_check(!pt_do(&ring, ns.fd, &cmd, 0, NULL), "read");
	test_check(state->calls == calls + 1 && state->block_calls == block,
		   "asked %ju times, %ju times as of a block request",
		   (uint64_t)state->calls - calls,
		   (uint64_t)state->block_calls - block);
	pt_ring_exit(&ring);
}

struct stat_line {
	uint64_t reads, merged, sectors, ticks, writes, wmerged, wsectors;
};

static void stats(struct stat_line *s)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/stat", ns.name);
	test_read(path, text, sizeof(text));
	test_check(sscanf(text, "%ju %ju %ju %ju %ju %ju %ju", &s->reads,
			  &s->merged, &s->sectors, &s->ticks, &s->writes,
			  &s->wmerged, &s->wsectors) == 7, "stat: %s", text);
}

static void iostat(void)
{
	struct steer_queues before, after;
	struct stat_line was, is;
	struct steer_queue b, a;
	unsigned int i;

	test_step("statistics");
	steer_queues(ns.ctrl, &before);
	stats(&was);
	for (i = 0; i < 100; i++)
		test_check(pread(ns.block_fd, buf, PAGE, 3 * i * PAGE) == PAGE &&
			   pwrite(ns.block_fd, buf, 2 * PAGE, 3 * i * PAGE) ==
			   2 * PAGE, "I/O: %s", strerror(errno));
	stats(&is);
	steer_queues(ns.ctrl, &after);
	steer_total(&before, &b);
	steer_total(&after, &a);
	test_check(is.reads - was.reads + is.writes - was.writes ==
		   a.completed - b.completed && a.completed - b.completed == 200,
		   "the block device counts %ju, the queues %ju",
		   is.reads - was.reads + is.writes - was.writes,
		   a.completed - b.completed);
	test_check(is.sectors - was.sectors == 100 * 8 &&
		   is.wsectors - was.wsectors == 200 * 8, "sectors");
}

/* An answer holds for requests of its kind, polled for or not. */
static void held(void)
{
	struct puppet_config holding = config;
	uint64_t start, asked;
	unsigned int i, kind;

	test_step("an answer that holds");
	holding.hold_ms = 1000;
	steer_puppet_block(&policy, ns.ctrl, &holding);
	state = policy.state;
	steer_answer_block(&policy, 1, 1, 3, 1);
	for (kind = 0; kind < 2; kind++) {
		start = test_now_ms();
		for (i = asked = 0; i < 64; i++)
			asked += batch(1, kind);
		printf("#   %ju calls for %u requests%s\n", asked, i,
		       kind ? ", polled for" : "");
		/* anew on each processor, and for what else there is */
		test_check(asked <= 4 + 2 * (test_now_ms() - start) / 500,
			   "asked %ju times for %u requests", asked, i);
	}
	steer_detach(&policy);
}

int main(void)
{
	uint64_t block;

	test_begin(180);
	pt_open(&ns, PT_WANT_PLAIN);
	block = steer_event(ns.ctrl, "block");
	buf = test_alloc(1 << 20);

	test_step("a policy that does not ask for them");
	steer_puppet(&policy, ns.ctrl, &config);
	state = policy.state;
	steer_answer(&policy, 1, 3);
	steer_answer_block(&policy, 1, 1, 3, 1);
	test_check(pread(ns.block_fd, buf, PAGE, 0) == PAGE, "read");
	test_check(!state->block_calls && steer_event(ns.ctrl, "block") == block,
		   "it is asked about a block request");
	steer_detach(&policy);

	steer_puppet_block(&policy, ns.ctrl, &config);
	state = policy.state;
	steer_answer_block(&policy, 1, 1, 3, 1);
	told();
	discard();
	priority();
	cgroups();
	answers();
	full();
	test_step("batches, asked for each");
	doorbells(false);
	doorbells(true);
	passthrough();
	iostat();
	test_check(steer_event(ns.ctrl, "block") > block, "nothing steered");
	steer_detach(&policy);

	test_step("batches, asked once");
	steer_puppet_block_once(&policy, ns.ctrl, &config);
	state = policy.state;
	steer_answer_block(&policy, 1, 1, 3, 1);
	test_check(batch(32, false) <= 2, "asked more than once a batch");
	test_check(batch(32, true) <= 2, "asked more than once a batch");
	doorbells(false);
	doorbells(true);
	steer_detach(&policy);
	held();
	test_pass();
}
