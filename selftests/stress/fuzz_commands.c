// SPDX-License-Identifier: GPL-2.0
/*
 * Anything that can be sent to a steered device, and anything that a policy can
 * answer: processes with rings of all kinds send commands, groups, copies and
 * ioctls whose fields are at random right, nearly right or hostile, while their
 * memory is unmapped, moved, protected and forked under them, and end in order,
 * with commands in flight, killed, or by exec; and policies that answer at
 * random are replaced and detached, and the controller reset. Each command that
 * is waited for ends once, what no command may write is unchanged, nothing stays
 * pinned, and the module can be unloaded.
 *
 * SEED=      of the first process; the next one's is one more (default: by the
 *            time; printed). It decides what is sent, not what comes first
 * SECONDS=   how long (default 15; longer on a kernel that is slow), and up to
 *            four times that until there was enough of each kind of end
 *
 * vm: --cpus 4
 */
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/any.h"
#include "pins.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define PAGE		ANY_PAGE
#define PAGES		ANY_PAGES
#define DEPTH		ANY_SLOTS
#define GUARD		2048		/* blocks on either side that are looked at */
#define SECRET		0xa7
#define SENDERS		3

static struct pt_ns ns;
static struct steer_policy policy;

enum kind { COMMAND, GROUP, COPY, IOCTL };

/* What a process has. */
struct prey {
	uint64_t seed;
	struct any_places at;
	uint8_t *secret;	/* no command may know it */
	atomic_bool stop;
};

struct sender {
	struct prey *prey;
	struct any any;
	pthread_t thread;
	struct pt_ring ring;
	bool out[DEPTH];
	unsigned int inflight;
	uint64_t sent[DEPTH][16];	/* SQEs, to be looked at */
};

/* In memory that all processes share. */
static struct books {
	atomic_ulong good, failed, refused;
	atomic_ulong kinds[4];
	atomic_ulong twice;
	atomic_ulong errors[256];	/* by errno */
	struct sender sender[SENDERS];	/* of the process of the moment */
} *books;

/* ----------------------------------------------------------------- sending */

static void queue_one(struct sender *s, unsigned int slot)
{
	enum kind kind = rarely(&s->any.rng, 6) ? GROUP :
			 rarely(&s->any.rng, 10) ? COPY : COMMAND;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring.uring);
	uint64_t *rng = &s->any.rng;

	if (!sqe)
		return;
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = ns.fd;
	sqe->user_data = slot;
	if (kind == GROUP) {
		sqe->cmd_op = NVME_STEER_URING_CMD_GROUP;
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
		sqe->buf_index = 1;
		any_group(&s->any, (void *)sqe->cmd, slot);
	} else if (kind == COPY) {
		sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
		any_copy(&s->any, (void *)sqe->cmd, slot);
	} else {
		sqe->cmd_op = rarely(rng, 16) ? NVME_URING_CMD_IO_VEC :
						NVME_URING_CMD_IO;
		sqe->uring_cmd_flags = rarely(rng, 3) ? 0 :
						IORING_URING_CMD_FIXED;
		any_command(&s->any, (void *)sqe->cmd);
	}
	if (rarely(rng, 32))
		sqe->cmd_op = next(rng);
	if (rarely(rng, 32))
		sqe->buf_index = below(rng, 4);
	if (rarely(rng, 64))
		sqe->uring_cmd_flags = next(rng);
	if (rarely(rng, 8))
		sqe->flags = IOSQE_ASYNC;
	/*
	 * Linked, a fixed file and so on; but no completion is left out, and
	 * what is drained may wait for ever on a ring that polls.
	 */
	if (rarely(rng, 32))
		sqe->flags = next(rng) & ~(IOSQE_CQE_SKIP_SUCCESS |
					   IOSQE_IO_DRAIN);
	s->out[slot] = true;
	s->inflight++;
	memcpy(s->sent[slot], sqe, sizeof(s->sent[slot]));
	atomic_fetch_add(&books->kinds[kind], 1);
}

/* An entry that is refused keeps those behind it from being taken. */
static void submit(struct sender *s)
{
	do {
		io_uring_submit(&s->ring.uring);
	} while (io_uring_sq_ready(&s->ring.uring));
}

static void took(struct sender *s, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data >= DEPTH || !s->out[cqe->user_data]) {
		atomic_fetch_add(&books->twice, 1);
		return;
	}
	s->out[cqe->user_data] = false;
	s->inflight--;
	atomic_fetch_add(!cqe->res ? &books->good : cqe->res > 0 ?
			 &books->failed : &books->refused, 1);
	if (cqe->res < 0)
		atomic_fetch_add(&books->errors[-cqe->res & 255], 1);
}

static void reap(struct sender *s, bool wait)
{
	struct io_uring_cqe *cqe;

	if (wait && s->inflight)
		io_uring_wait_cqe(&s->ring.uring, &cqe);
	else
		io_uring_get_events(&s->ring.uring);
	while (!io_uring_peek_cqe(&s->ring.uring, &cqe)) {
		took(s, cqe);
		io_uring_cqe_seen(&s->ring.uring, cqe);
	}
}

static void one_ioctl(struct sender *s)
{
	struct nvme_passthru_cmd64 cmd = { };
	struct nvme_uring_cmd any;

	any_command(&s->any, &any);
	cmd.opcode = any.opcode;
	cmd.nsid = any.nsid;
	cmd.addr = any.addr;
	/* where the driver waits, it waits for good memory */
	cmd.data_len = any.data_len & 0xfffff;
	cmd.cdw10 = any.cdw10;
	cmd.cdw11 = any.cdw11;
	cmd.cdw12 = any.cdw12;
	cmd.flags = any.flags;
	ioctl(ns.fd, NVME_IOCTL_IO64_CMD, &cmd);
	atomic_fetch_add(&books->kinds[IOCTL], 1);
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	struct iovec iov[2] = {
		{ s->prey->at.data, PAGES * PAGE }, { s->prey->at.still, PAGES * PAGE },
	};
	unsigned int i;

	/* memory that changes may not be there just now */
	while (io_uring_register_buffers(&s->ring.uring, iov, 2) &&
	       !s->prey->stop)
		;
	while (!s->prey->stop) {
		for (i = 0; i < DEPTH && !rarely(&s->any.rng, 8); i++)
			if (!s->out[i])
				queue_one(s, i);
		submit(s);
		if (rarely(&s->any.rng, 16))
			one_ioctl(s);
		reap(s, !rarely(&s->any.rng, 4));
		/* it would wait for what only this thread polls for */
		if (!s->inflight && rarely(&s->any.rng, 100)) {
			io_uring_unregister_buffers(&s->ring.uring);
			io_uring_register_buffers(&s->ring.uring, iov, 2);
		}
	}
	return NULL;
}

/* ------------------------------------------------------------- the process */

static uint8_t *map(void *at, size_t size, int prot)
{
	void *b = mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS |
		       (at ? MAP_FIXED : 0), -1, 0);

	return b == MAP_FAILED ? NULL : b;
}

static void *disturb(void *arg)
{
	struct prey *p = arg;
	uint64_t rng = p->seed ^ 0x5bd1e995;
	uint8_t *at, *other;
	size_t size;
	pid_t pid;

	while (!p->stop) {
		size = (1 + below(&rng, PAGES)) * PAGE;
		at = p->at.data + below(&rng, PAGES - size / PAGE + 1) * PAGE;
		switch (below(&rng, 10)) {
		case 0:
			munmap(at, size);
			usleep(below(&rng, 200));
			map(at, size, PROT_READ | PROT_WRITE);
			break;
		case 1:
			mprotect(at, size, PROT_READ);
			break;
		case 2:
			mprotect(at, size, PROT_NONE);
			usleep(below(&rng, 200));
			break;
		case 3:
			madvise(at, size, MADV_DONTNEED);
			break;
		case 4:
			other = mremap(at, size, size, MREMAP_MAYMOVE |
				       MREMAP_DONTUNMAP);
			if (other != MAP_FAILED)
				munmap(other, size);
			break;
		case 5:
			pid = fork();
			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
			break;
		default:
			mprotect(p->at.data, PAGES * PAGE, PROT_READ | PROT_WRITE);
			usleep(below(&rng, 2000));
		}
		mprotect(at, size, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

enum end { IN_ORDER, IN_FLIGHT, KILLED, EXEC, ENDS };

static void process(uint64_t seed, enum end end, unsigned int ms)
{
	static struct prey prey;
	struct sender *s = books->sender;
	static const unsigned int modes[] = {
		0, PT_IOPOLL, PT_IOPOLL, 0, PT_SQPOLL, PT_IOPOLL | PT_SQPOLL,
	};
	uint64_t rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	unsigned int i, j, mode;
	pthread_t thread;
	int fd;

	/* it would keep the policy attached */
	close(bpf_link__fd(policy.link));
	memset(s, 0, sizeof(books->sender));
	prey.seed = rng;
	prey.at.data = map(NULL, (PAGES + 16) * PAGE, PROT_NONE);
	map(prey.at.data, PAGES * PAGE, PROT_READ | PROT_WRITE);
	prey.at.still = map(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE);
	prey.at.read_only = map(NULL, 2 * PAGE, PROT_READ);
	prey.at.none = map(NULL, 16 * PAGE, PROT_NONE);
	prey.secret = map(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE);
	fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 || ftruncate(fd, PAGE))
		_exit(11);
	prey.at.file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	if (!prey.at.data || !prey.at.still || !prey.secret)
		_exit(12);
	memset(prey.secret, SECRET, PAGES * PAGE);
	for (i = 0; i < SENDERS; i++) {
		mode = modes[below(&rng, ARRAY_LEN(modes))];
		/*
		 * The thread of such a ring may poll for ever, in its end, for
		 * a command of the stock driver that has ended already.
		 */
		if (end != IN_ORDER && mode == (PT_IOPOLL | PT_SQPOLL))
			mode = PT_IOPOLL;
		s[i].prey = &prey;
		s[i].any.rng = next(&rng) | 1;
		s[i].any.ns = &ns;
		s[i].any.at = &prey.at;
		if (pt_ring_try_init(&s[i].ring, DEPTH, mode))
			_exit(13);
	}
	for (i = 0; i < SENDERS; i++)
		if (pthread_create(&s[i].thread, NULL, send_all, &s[i]))
			_exit(14);
	if (pthread_create(&thread, NULL, disturb, &prey))
		_exit(14);
	usleep(ms * 1000);
	if (end == KILLED)
		pause();
	if (end == EXEC)
		execl("/bin/true", "true", NULL);
	if (end == IN_FLIGHT)
		_exit(0);
	prey.stop = true;
	for (i = 0; i < SENDERS; i++) {
		pthread_join(s[i].thread, NULL);
		while (s[i].inflight)
			reap(&s[i], true);
		pt_ring_exit(&s[i].ring);
	}
	pthread_join(thread, NULL);
	for (j = 0; j < PAGES * PAGE; j++)
		if (prey.secret[j] != SECRET)
			_exit(15);
	_exit(0);
}

/* -------------------------------------------------------------- the policy */

/* Queues are made the same way, or fail to be, whatever the policy is. */
static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
		  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
	.depth = { [3] = 8, [4] = 8 },
	.share = { [3] = 1 },
};

static int any_answer(uint64_t *rng)
{
	switch (below(rng, 12)) {
	case 0:
		return 0;
	case 1:
		return -(int)below(rng, 140);
	case 2:
		return next(rng);
	default:
		return 1 + below(rng, 5);
	}
}

static void answer_anything(uint64_t *rng)
{
	volatile struct puppet_state *s = policy.state;

	s->irq.first = any_answer(rng);
	s->irq.count = below(rng, 5);
	s->poll.first = any_answer(rng);
	s->poll.count = below(rng, 5);
	s->block.first = any_answer(rng);
	s->copy_route = any_answer(rng);
	s->copy_answer = next(rng) >> below(rng, 64);
	s->path_answer = any_answer(rng);
	s->gather = next(rng) >> below(rng, 64);
}

static void another_policy(uint64_t *rng)
{
	static const char *const names[] = {
		"puppet", "puppet_batch", "puppet_once", "puppet_copy",
		"puppet_share", "puppet_path_share", "puppet_block",
	};
	const char *name = names[below(rng, ARRAY_LEN(names))];
	struct steer_policy p;
	int ret;

	test_check(!steer_load(&p, ns.ctrl, name, &config), "load %s", name);
	/* thrown out meanwhile, or not: then it is attached anew */
	if (policy.link && !rarely(rng, 3) && !steer_replace(&policy, &p)) {
		policy = p;
	} else {
		if (policy.link)
			steer_detach(&policy);
		/* the queues of the last one may not be free yet */
		test_check(test_wait(!(ret = steer_attach(&p)), 20000),
			   "attach %s: %d", name, ret);
		policy = p;
	}
	answer_anything(rng);
}

/* ---------------------------------------------------------------- the test */

/* What it waits for, and where. */
static void stuck(pid_t pid, uint64_t seed, enum end end)
{
	const struct sender *s;
	unsigned int i, j;

	for (s = books->sender; s < books->sender + SENDERS; s++) {
		printf("# a sender, %s: %u\n", pt_mode_name(s->ring.mode),
		       s->inflight);
		for (i = 0; i < DEPTH; i++) {
			if (!s->out[i])
				continue;
			printf("#   ");
			for (j = 0; j < 16; j++)
				printf(" %jx", s->sent[i][j]);
			printf("\n");
		}
	}
	test_sh("for t in /proc/%d/task/*; do echo \"# $t\" $(cat $t/comm); sed 's/^/#   /' $t/stack; done; cat %s; echo l >/proc/sysrq-trigger; dmesg | tail -120",
		pid, steer_path(ns.ctrl, "queues"));
	test_fail("process %ju does not end (%u); %lu ended twice", seed, end,
		  books->twice);
}

static void run(uint64_t seed, uint64_t *rng)
{
	enum end end = below(rng, 2) ? IN_ORDER : below(rng, ENDS);
	unsigned int steps = 5 + below(rng, 30), step_ms = 20 * test_slow();
	int status = 0;
	uint64_t until;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "fork");
	if (!pid)
		process(seed, end, steps * step_ms);
	while (steps--) {
		usleep(step_ms * 1000);
		answer_anything(rng);
		if (rarely(rng, 16))
			another_policy(rng);
		if (rarely(rng, 100)) {
			vm_reset(ns.ctrl);
			test_check(vm_wait_live(ns.ctrl, 30000), "not live");
		}
	}
	if (end == KILLED)
		kill(pid, SIGKILL);
	until = test_now_ms() + 60000 * test_slow();
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (test_now_ms() > until)
			stuck(pid, seed, end);
		usleep(5000);
	}
	test_check(!status || (end == KILLED && WIFSIGNALED(status)),
		   "process %ju ended with %#x (%u)", seed, status, end);
	test_check(!books->twice, "process %ju: a command ended twice", seed);
}

static bool few(void)
{
	return books->good <= 100 || books->failed <= 100 ||
	       books->refused <= 100;
}

int main(void)
{
	uint64_t seed = test_env("SEED", time(NULL)), rng = seed | 1, until, most;
	unsigned long seconds = test_env("SECONDS", 15), n = 0;
	uint64_t first;
	unsigned int i;

	test_begin(90 + 5 * seconds);
	pt_open(&ns, PT_WANT_PLAIN);
	first = any_first(&ns);
	books = mmap(NULL, sizeof(*books), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(books != MAP_FAILED, "mmap");
	printf("# SEED=%ju\n", seed);
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "100000");
	pt_block_write(&ns, 0, GUARD, 1);
	pt_block_write(&ns, first - GUARD, GUARD, 2);

	test_step("commands, groups, copies and ioctls of all kinds");
	until = test_now_ms() + seconds * 1000 * test_slow();
	another_policy(&rng);
	most = until + 3 * seconds * 1000 * test_slow();
	for (; test_now_ms() < until || (few() && test_now_ms() < most); n++)
		run(seed + n, &rng);
	steer_detach(&policy);
	printf("# %lu processes: %lu commands, %lu groups, %lu copies, %lu ioctls; %lu good, %lu failed, %lu refused\n",
	       n, books->kinds[COMMAND], books->kinds[GROUP],
	       books->kinds[COPY], books->kinds[IOCTL], books->good,
	       books->failed, books->refused);
	for (i = 0; i < ARRAY_LEN(books->errors); i++)
		if (books->errors[i])
			printf("#   %lu: %s\n", books->errors[i], strerror(i));
	test_check(!few(), "too few to tell");

	test_step("what is left");
	test_check(steer_wait_idle(ns.ctrl, 30000), "commands are left");
	pt_block_check(&ns, 0, GUARD, 1);
	pt_block_check(&ns, first - GUARD, GUARD, 2);
	pins_all_gone("after their processes have ended");
	steer_reload();
	test_pass();
}
