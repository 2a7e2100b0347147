// SPDX-License-Identifier: GPL-2.0
/*
 * Passthrough commands that fail because of their path are tried again by the
 * other one, where the policy allows that and as often, and no others: on
 * steer queues, of shares or not, and the driver's own path, from one to the
 * other, of rings that poll and that do not. Each command ends once and counts
 * once a try, reads bring what is there, writes are done once the policy says
 * REPEAT, what is under way by a path that is reset arrives by the other one,
 * and those who leave while a command is being tried again leave nothing behind.
 *
 * vm: --drives paths --cpus 4
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "fault.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define BLOCKS		8
#define DEPTH		8
#define PATH_ERROR	0x300
#define DNR		0x4000
#define MEDIA_ERROR	0x281
#define TRIES		3	/* after the first */

static struct steer_policy policy[2];
static struct pt_ring ring;
static struct pt_ns ns;
static uint8_t *data;
static int ctrl[2];
static uint64_t gen;

/* How a command goes: its ring, its buffer, steered at first and then. */
struct way {
	unsigned int mode, how;
	bool steered[2];
};
static struct way way;

/* Commands that were tried again, and by controller those sent, as each says. */
struct counts {
	uint64_t retried, fetched[2], submitted[2];
};

static uint64_t fetched(int c)
{
	struct fault_counters counters;
	uint64_t sum = 0;
	int q;

	fault_at(ctrl[c]);
	fault_counters(&counters);
	for (q = 1; q < FAULT_QUEUES; q++)
		sum += counters.commands[q];
	return sum;
}

static uint64_t submitted(int c)
{
	struct steer_queues qs;
	struct steer_queue sum;

	steer_queues(ctrl[c], &qs);
	steer_total(&qs, &sum);
	return sum.submitted;
}

static void count(struct counts *n)
{
	int c;

	memset(n, 0, sizeof(*n));
	for (c = 0; c < 2; c++) {
		n->fetched[c] = fetched(c);
		n->submitted[c] = submitted(c);
		n->retried += steer_event(ctrl[c], "path_retry");
	}
}

/* So many were tried again since, and @first and @second sent by the paths. */
static void counted(const struct counts *was, uint64_t retried, uint64_t first,
		    uint64_t second)
{
	uint64_t want[2] = { first, second };
	struct counts is;
	int c;

	count(&is);
	test_check(is.retried - was->retried == retried,
		   "%ju tried again, expected %ju", is.retried - was->retried,
		   retried);
	for (c = 0; c < 2; c++) {
		test_check(is.fetched[c] - was->fetched[c] == want[c],
			   "nvme%d: %ju commands, expected %ju", ctrl[c],
			   is.fetched[c] - was->fetched[c], want[c]);
		/* queue 0, the driver's own, is part of the sum */
		test_check(is.submitted[c] - was->submitted[c] == want[c],
			   "nvme%d: %ju submitted, expected %ju", ctrl[c],
			   is.submitted[c] - was->submitted[c], want[c]);
	}
}

/* The first path for every first try, the second one for every second. */
static void answer(int flags)
{
	volatile struct puppet_state *s = policy[0].state;

	s->path_turn = 0;
	s->path_answer = NVME_STEER_PATH(ctrl[0]) | flags;
	s->path_second = NVME_STEER_PATH(ctrl[1]) | flags;
}

/* The first path alone. */
static void answer_one(int flags)
{
	answer(flags);
	policy[0].state->path_second = 0;
}

static void fail(int c, uint8_t opcode, uint32_t status, uint32_t times)
{
	fault_at(ctrl[c]);
	fault_add(&(struct fault_rule) {
		.what = FAULT_STATUS, .opcode = opcode, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .value = status, .count = times,
	});
}

static void clear(void)
{
	int c;

	for (c = 0; c < 2; c++) {
		fault_at(ctrl[c]);
		fault_clear();
	}
}

static void prepare(struct nvme_uring_cmd *cmd, uint8_t opcode,
		    unsigned int i)
{
	pt_rw(cmd, &ns, opcode, i * BLOCKS, BLOCKS,
	      data + i * BLOCKS * ns.block, BLOCKS * ns.block);
}

static int one(uint8_t opcode)
{
	struct nvme_uring_cmd cmd;

	prepare(&cmd, opcode, 0);
	return pt_do(&ring, ns.fd, &cmd, way.how, NULL);
}

static void fill(void)
{
	pt_block_write(&ns, 0, DEPTH * BLOCKS, ++gen);
	memset(data, 0, DEPTH * BLOCKS * ns.block);
}

static void is_read(unsigned int nr)
{
	test_check(pt_differs(&ns, data, 0, nr * BLOCKS, gen) < 0,
		   "wrong data was read");
}

/* A read that fails once, with this status; it ends with @end. */
static void read_fails(const char *what, uint32_t status, int flags, int end)
{
	struct counts was;
	int ret;

	test_step("%s", what);
	clear();
	fill();
	answer(flags);
	fail(0, PT_READ, status, 1);
	count(&was);
	ret = one(PT_READ);
	test_check(ret == end, "it ended with %#x", ret);
	counted(&was, !end, 1, !end);
	if (!end)
		is_read(1);
}

static void reads(void)
{
	read_fails("a read, tried again", PATH_ERROR, NVME_STEER_PATH_RETRY, 0);
	read_fails("likewise, repeated", PATH_ERROR, NVME_STEER_PATH_REPEAT, 0);
	read_fails("a read, not allowed", PATH_ERROR, 0, PATH_ERROR);
	read_fails("a read, Do Not Retry", PATH_ERROR | DNR,
		   NVME_STEER_PATH_REPEAT, PATH_ERROR | DNR);
	read_fails("a read, not the path", MEDIA_ERROR, NVME_STEER_PATH_REPEAT,
		   MEDIA_ERROR);
}

static void write_fails(const char *what, int flags, bool again)
{
	struct counts was;
	int ret;

	test_step("%s", what);
	clear();
	fill();
	pt_fill(&ns, data, 0, BLOCKS, gen + 1);
	answer(flags);
	fail(0, PT_WRITE, PATH_ERROR, 1);
	count(&was);
	ret = one(PT_WRITE);
	test_check(ret == (again ? 0 : PATH_ERROR), "it ended with %#x", ret);
	counted(&was, again, 1, again);
	pt_block_check(&ns, 0, BLOCKS, again ? gen + 1 : gen);
	pt_block_check(&ns, BLOCKS, BLOCKS, gen);
}

static void writes(void)
{
	write_fails("a write, where reads may be", NVME_STEER_PATH_RETRY, false);
	write_fails("a write, repeated", NVME_STEER_PATH_REPEAT, true);
}

/* It fails by both paths, for good. */
static void bounded(void)
{
	struct counts was;
	int ret;

	test_step("tried so often and no more");
	clear();
	answer(NVME_STEER_PATH_RETRY);
	fail(0, PT_READ, PATH_ERROR, 0);
	fail(1, PT_READ, PATH_ERROR, 0);
	count(&was);
	ret = one(PT_READ);
	test_check(ret == PATH_ERROR, "it ended with %#x", ret);
	counted(&was, TRIES, (TRIES + 1) / 2, (TRIES + 1) / 2);
	clear();
}

static void send_all(void)
{
	struct nvme_uring_cmd cmd;
	unsigned int i;

	for (i = 0; i < DEPTH; i++) {
		prepare(&cmd, PT_READ, i);
		pt_queue(&ring, ns.fd, &cmd, way.how, i);
	}
}

/* All succeed, each once. */
static void all_good(void)
{
	uint64_t tag, seen = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < DEPTH; i++) {
		ret = pt_reap(&ring, &tag, NULL);
		test_check(!ret, "command %ju ended with %#x", tag, ret);
		test_check(!(seen & 1 << tag), "command %ju ended twice", tag);
		seen |= 1 << tag;
	}
	test_check(!io_uring_cq_ready(&ring.uring), "more ended than were sent");
	is_read(DEPTH);
}

/* Several at once, of which every second one fails, and is sent there again. */
static void several(void)
{
	struct counts was;

	test_step("several at once");
	clear();
	fill();
	answer_one(NVME_STEER_PATH_RETRY);
	fault_at(ctrl[0]);
	fault_add(&(struct fault_rule) {
		.what = FAULT_STATUS, .opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .value = PATH_ERROR, .every = 2,
		.count = DEPTH / 2,
	});
	count(&was);
	send_all();
	test_check(io_uring_submit(&ring.uring) == DEPTH, "not all submitted");
	all_good();
	counted(&was, DEPTH / 2, DEPTH + DEPTH / 2, 0);
	clear();
}

/* Resets the first path once it has @arg, so many commands more. */
static void *reset_thread(void *arg)
{
	uint64_t *until = arg;

	test_check(test_wait(fetched(0) >= *until, 20000), "nothing is sent");
	/* it may be back by the time they are tried again */
	policy[0].state->path_answer = NVME_STEER_PATH(ctrl[1]) |
				       NVME_STEER_PATH_RETRY;
	test_check(!vm_reset(ctrl[0]), "reset");
	return NULL;
}

/* Those under way by a path that is reset: by the other one. */
static void reset(void)
{
	struct counts was;
	pthread_t thread;
	uint64_t until;
	int nr;

	test_step("under way when their path is reset");
	clear();
	fill();
	answer_one(NVME_STEER_PATH_RETRY);
	fault_at(ctrl[0]);
	fault_add(&(struct fault_rule) {
		.what = FAULT_NEVER, .opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .count = DEPTH,
	});
	count(&was);
	until = was.fetched[0] + DEPTH;
	test_check(!pthread_create(&thread, NULL, reset_thread, &until),
		   "no thread");
	send_all();
	/* of a ring that polls this would wait for the first to end */
	nr = way.mode & PT_SQPOLL ? io_uring_submit(&ring.uring) :
				    pt_submit_only(&ring);
	test_check(nr == DEPTH, "%d submitted", nr);
	all_good();
	pthread_join(thread, NULL);
	test_check(vm_wait_live(ctrl[0], 20000), "not live");
	test_check(test_wait(!way.steered[0] ||
			     (steer_queue_live(ctrl[0], 1) &&
			      steer_queue_live(ctrl[0], 2)), 20000),
		   "its queues are not back");
	counted(&was, DEPTH, DEPTH, DEPTH);
	clear();
}

static void open_ring(void)
{
	struct iovec iov = {
		.iov_base = data, .iov_len = DEPTH * BLOCKS * ns.block,
	};
	int ret;

	pt_ring_init(&ring, DEPTH, way.mode);
	ret = io_uring_register_buffers(&ring.uring, &iov, 1);
	test_check(!ret, "cannot register the buffer: %s", strerror(-ret));
}

/*
 * A child sends commands that fail, and goes: it is killed while they are
 * carried out for the second time, or has never looked at how the first ended.
 */
static void child(bool waits)
{
	open_ring();
	send_all();
	if (waits) {
		io_uring_submit(&ring.uring);
		pt_reap(&ring, NULL, NULL);
	} else {
		pt_submit_only(&ring);
	}
	for (;;)
		pause();
}

static void leaves(bool waits)
{
	uint64_t first, retried, sent;
	pid_t pid;

	test_step(waits ? "killed during the second try" :
		  "killed, and has not looked");
	clear();
	answer_one(NVME_STEER_PATH_RETRY);
	fail(0, PT_READ, PATH_ERROR, DEPTH);
	/* and then: */
	fault_add(&(struct fault_rule) {
		.what = FAULT_NEVER, .opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .flags = FAULT_ABORTABLE,
	});
	first = fetched(0);
	retried = steer_event(ctrl[0], "path_retry");
	sent = submitted(0);
	pid = fork();
	if (!pid)
		child(waits);
	test_check(test_wait(fetched(0) - first >= (waits ? 2 : 1) * DEPTH,
			     20000), "%ju commands", fetched(0) - first);
	kill(pid, SIGKILL);
	/* what it has sent meanwhile is not to be held after the others are let go */
	clear();
	fault_at(ctrl[0]);
	fault_change(FAULT_CHANGE_RELEASE, 0);
	test_check(waitpid(pid, NULL, 0) == pid, "it does not die");
	test_check(steer_wait_idle(ctrl[0], 20000) &&
		   steer_wait_idle(ctrl[1], 20000), "commands in flight");
	if (waits)
		test_check(steer_event(ctrl[0], "path_retry") - retried ==
			   DEPTH, "not all were tried again");
	/* of a ring that polls it is found by who is leaving */
	else if (way.mode & PT_IOPOLL)
		test_check(submitted(0) - sent == DEPTH,
			   "%ju commands were sent instead of %u",
			   submitted(0) - sent, DEPTH);
}

/* What another process polls for is not tried again: its memory is not there. */
static void polled_by_another(void)
{
	struct nvme_uring_cmd cmd;
	pid_t pid;
	int ret;

	test_step("polled by another process");
	clear();
	answer(NVME_STEER_PATH_RETRY);
	fail(0, PT_READ, PATH_ERROR, 1);
	prepare(&cmd, PT_READ, 0);
	pt_queue(&ring, ns.fd, &cmd, way.how, 0);
	test_check(pt_submit_only(&ring) == 1, "not submitted");
	pid = fork();
	if (!pid) {
		do
			ret = io_uring_enter(ring.uring.ring_fd, 0, 1,
					     IORING_ENTER_GETEVENTS, NULL);
		while (ret < 0 || !io_uring_cq_ready(&ring.uring));
		_exit(0);
	}
	test_check(waitpid(pid, NULL, 0) == pid, "it does not end");
	ret = pt_reap(&ring, NULL, NULL);
	test_check(ret == PATH_ERROR, "it ended with %#x", ret);
	clear();
}

static void begin(unsigned int mode, unsigned int how, bool first, bool second)
{
	way = (struct way) { mode, how, { first, second } };
	printf("# %s, %s buffers, %s, then %s\n", pt_mode_name(mode),
	       how ? "registered" : "plain", first ? "steered" : "not steered",
	       second ? "steered" : "not");
	steer_answer(&policy[0], first, first ? 2 : 0);
	steer_answer(&policy[1], second, second ? 2 : 0);
}

static void all(unsigned int mode, unsigned int how, bool first, bool second)
{
	begin(mode, how, first, second);
	open_ring();
	reads();
	writes();
	bounded();
	several();
	if (mode == PT_IOPOLL && first)
		polled_by_another();
	pt_ring_exit(&ring);
	leaves(true);
	if (!(mode & PT_SQPOLL))
		leaves(false);
}

/* On both: the first one decides about paths. Of a share, or not. */
static void attach(bool share)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	static const struct nvme_steer_share two = { .weight = 1, .depth = 2 };
	int c;

	for (c = 0; c < 2; c++)
		if (policy[c].link)
			steer_detach(&policy[c]);
	for (c = 0; c < 2; c++) {
		if (!share) {
			steer_puppet_path(&policy[c], ctrl[c], &config);
			continue;
		}
		config.share[1] = config.share[2] = 1;
		steer_puppet_path_share(&policy[c], ctrl[c], &config);
		steer_share(&policy[c], 1, &two);
	}
}

/*
 * By queues of a share that has room for two commands: those tried again have
 * made room for others, and for themselves.
 */
static void shared(void)
{
	unsigned int i;

	attach(true);
	for (i = 0; i < 2; i++) {
		printf("# of a share:\n");
		begin(i ? PT_IOPOLL : PT_DEFER, PT_FIXED, true, true);
		open_ring();
		reads();
		writes();
		bounded();
		several();
		pt_ring_exit(&ring);
	}
	attach(false);
}

/* After all that, as a namespace may be frozen for a while after a reset. */
static void resets(unsigned int mode, bool steered)
{
	begin(mode, PT_FIXED, steered, steered);
	open_ring();
	reset();
	pt_ring_exit(&ring);
}

int main(void)
{
	/* what a task is told in user mode is not tried again if plain */
	static const unsigned int modes[] = {
		PT_DEFER, PT_IOPOLL, PT_SQPOLL, PT_IOPOLL | PT_SQPOLL,
	};
	unsigned int i;
	int c;

	test_begin(200);
	fault_open(&ns);
	test_check(ns.ctrl2 >= 0, "ng%s has one path", ns.name);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	data = test_alloc(DEPTH * BLOCKS * ns.block);
	attach(false);
	for (i = 0; i < ARRAY_LEN(modes); i++) {
		all(modes[i], PT_FIXED, true, true);
		all(modes[i], PT_FIXED, false, false);
		if (modes[i] & PT_SQPOLL)
			continue;
		all(modes[i], PT_FIXED, true, false);
		all(modes[i], PT_FIXED, false, true);
		all(modes[i], 0, true, true);
		all(modes[i], 0, false, false);
	}
	shared();
	for (i = 0; i < 2 * ARRAY_LEN(modes); i++)
		resets(modes[i / 2], i & 1);
	for (c = 0; c < 2; c++) {
		steer_path_idle(ctrl[c]);
		fault_at(ctrl[c]);
		fault_host_is_good("path_retry");
		steer_detach(&policy[c]);
	}
	test_pass();
}
