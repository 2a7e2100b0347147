// SPDX-License-Identifier: GPL-2.0
/*
 * What arrives at each of two controllers of a namespace, command by command,
 * when the one that all were sent to disappears and has answered none: it is
 * gone and found to be, gone and removed at once, removed while it answers
 * nothing, or has failed and is reset. By passthrough, on steer queues and the
 * driver's own path, of a ring that polls and of one that does not:
 *
 *   - a write arrives once at both together, and so does whatever may not be
 *     tried again; it ends with -EINTR, as one that the host has cancelled, be it
 *     done or not: the half of all commands has been carried out by then
 *   - what may be tried again, reads or all, arrives once at either, and succeeds
 *   - path_retry counts these, as long as the controller is there to tell, and
 *     path those that came to the other one
 *
 * Block writes under way arrive once at either as well: they are the kernel's to
 * fail over. Each command ends once, and data is as it should be. The policy that
 * decides is that of the path that stays, or of the other one.
 *
 * vm: --drives paths --cpus 4
 * timeout: 400
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "fault.h"
#include "lib/function.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NLB		8
#define APART		(2 * NLB)	/* blocks from one to the next */
#define FIRST		1024		/* block */
#define LIMIT_MS	60000
#define FOUND_MS	4000		/* an answer is waited for */
#define VANISH		0xd0		/* an admin command that is no other */

/* Commands, by what is allowed: reads and, in between, writes. */
enum kind { TOLD, READS, ALL, BLOCK, KINDS };
#define OF_KIND		8
#define NR		(KINDS * OF_KIND)
#define HALF		(NR / 2)	/* so many are carried out */

static const int allowed[KINDS] = {
	[READS] = NVME_STEER_PATH_RETRY, [ALL] = NVME_STEER_PATH_REPEAT,
};

static const char *const kind_names[KINDS] = {
	"not to be repeated", "reads may be", "all may be", "of the block device",
};

/* How the path is lost. */
static const struct event {
	const char *name;
	unsigned int fault;	/* what the controller does, if anything */
	unsigned int found_ms;	/* and how long the driver waits for an answer */
	bool removed;		/* it is removed from the bus */
} events[] = {
	{ "gone, and found to be", FAULT_GONE, FOUND_MS, true },
	{ "gone, and removed at once", FAULT_GONE, 0, true },
	{ "removed while it answers nothing", 0, FOUND_MS, true },
	{ "failed, and reset", FAULT_FATAL, FOUND_MS, false },
};

static struct pt_ns ns;
static struct steer_policy policy[2];
static int ctrl[2];		/* that is lost, and that stays */
static char address[64];	/* of the first one's function */
static uint64_t gen;

struct round {
	const struct event *event;
	unsigned int mode;
	bool steered;
	struct pt_ring ring, block;
	uint8_t *data;
	int res[NR];
	unsigned int ended[NR];
	uint64_t path, retried[2];	/* events, before */
	unsigned int first_qid[2];	/* of steer queues */
	unsigned int at[2][NR];		/* arrived, by controller */
};

/* -------------------------------------------------------------------- commands */

static enum kind kind_of(unsigned int i)
{
	return i / OF_KIND;
}

static bool is_write(unsigned int i)
{
	return kind_of(i) == BLOCK || i & 1;
}

/* By pairs, so that there are reads and writes of each. */
static bool is_done(unsigned int i)
{
	return i & 2;
}

static bool is_again(unsigned int i)
{
	return kind_of(i) == ALL || (kind_of(i) == READS && !is_write(i));
}

/* Those that are carried out come first on the namespace. */
static uint64_t slba_of(unsigned int i)
{
	unsigned int at = i / 4 * 2 + (i & 1);

	return FIRST + (at + (is_done(i) ? 0 : HALF)) * APART;
}

static uint8_t *data_of(struct round *r, unsigned int i)
{
	return r->data + i * NLB * ns.block;
}

static void queue(struct round *r, unsigned int i)
{
	struct nvme_uring_cmd cmd;
	struct io_uring_sqe *sqe;

	if (kind_of(i) != BLOCK) {
		pt_rw(&cmd, &ns, is_write(i) ? PT_WRITE : PT_READ, slba_of(i),
		      NLB, data_of(r, i), NLB * ns.block);
		/* where nothing else ends them one that runs out of time does */
		if (!r->event->fault && kind_of(i) == TOLD)
			cmd.timeout_ms = r->event->found_ms;
		pt_queue(&r->ring, ns.fd, &cmd, PT_FIXED, i);
		return;
	}
	sqe = io_uring_get_sqe(&r->block.uring);
	memset(sqe, 0, 2 * sizeof(*sqe));
	io_uring_prep_write(sqe, ns.block_fd, data_of(r, i), NLB * ns.block,
			    slba_of(i) * ns.block);
	sqe->user_data = i;
}

static void look(struct round *r, struct pt_ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned int i;

	io_uring_get_events(&ring->uring);
	while (!io_uring_peek_cqe(&ring->uring, &cqe)) {
		i = cqe->user_data;
		test_check(i < NR && !r->ended[i]++, "command %u ended twice",
			   i);
		r->res[i] = cqe->res;
		io_uring_cqe_seen(&ring->uring, cqe);
	}
}

/* Whatever has ended; how many have not. */
static unsigned int reap(struct round *r)
{
	unsigned int i, left = 0;

	look(r, &r->ring);
	look(r, &r->block);
	for (i = 0; i < NR; i++)
		left += !r->ended[i];
	return left;
}

/* -------------------------------------------------------------------- policies */

static void answer(int c, int flags)
{
	int i;

	/* whichever of them decides, now or then */
	for (i = 0; i < 2; i++) {
		volatile struct puppet_state *s = policy[i].state;

		s->path_answer = NVME_STEER_PATH(ctrl[c]) | flags;
	}
}

static void attach_one(int c, bool steered)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	steer_puppet_path_share(&policy[c], ctrl[c], &config);
	steer_answer(&policy[c], steered, steered ? 2 : 0);
	steer_answer_block(&policy[c], steered, 1, 0, 1);
}

/* The one that is attached first decides. */
static void attach(bool steered, int first)
{
	attach_one(first, steered);
	attach_one(!first, steered);
}

/* -------------------------------------------------------------------- arrivals */

static void count_arrivals(struct round *r, int c)
{
	static struct fault_arrivals a;
	unsigned int i, n, opcode;

	fault_at(ctrl[c]);
	fault_arrivals(&a);
	memset(r->at[c], 0, sizeof(r->at[c]));
	for (i = 0; i < NR; i++) {
		opcode = is_write(i) ? PT_WRITE : PT_READ;
		for (n = 0; n < a.nr; n++) {
			if (a.command[n].slba != slba_of(i) ||
			    a.command[n].opcode != opcode)
				continue;
			r->at[c][i]++;
			test_check(r->steered == (a.command[n].qid >=
						  r->first_qid[c]),
				   "command %u came by queue id %u", i,
				   a.command[n].qid);
		}
	}
}

/* All up to @nr have come to the path that will be lost. */
static bool have_arrived(struct round *r, unsigned int nr)
{
	unsigned int i;

	count_arrivals(r, 0);
	for (i = 0; i < nr && r->at[0][i]; i++)
		;
	return i == nr;
}

/* The path that will be lost answers nothing; the half of them it carries out. */
static void hold(void)
{
	struct fault_rule rule = {
		.what = FAULT_LATE, .flags = FAULT_DONE, .ms = UINT32_MAX,
		.opcode = FAULT_ANY, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .slba = FIRST,
		.nlb = HALF * APART,
	};

	fault_at(ctrl[0]);
	fault_add(&rule);
	rule.what = FAULT_NEVER;
	rule.flags = 0;
	rule.slba += rule.nlb;
	fault_add(&rule);
}

static void clear(void)
{
	int c;

	for (c = 0; c < 2; c++) {
		fault_at(ctrl[c]);
		fault_clear();
	}
}

static void send_all(struct round *r)
{
	unsigned int i, nr = 0;
	enum kind kind;
	int ret;

	for (kind = 0; kind < KINDS; kind++) {
		answer(0, allowed[kind]);
		for (i = 0; i < OF_KIND; i++)
			queue(r, nr++);
		ret = pt_submit_only(kind == BLOCK ? &r->block : &r->ring);
		test_check(ret == OF_KIND, "%d submitted", ret);
		/* before the policy says something else */
		test_check(test_wait(have_arrived(r, nr), LIMIT_MS),
			   "not all arrive");
	}
}

/* ---------------------------------------------------------- a path that is lost */

/* The command that makes it vanish, which may wait for an answer. */
static void *vanish(void *arg)
{
	const struct event *e = arg;
	struct nvme_passthru_cmd cmd = {
		.opcode = VANISH, .timeout_ms = e->found_ms,
	};
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/nvme%d", ctrl[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	test_check(fd >= 0, "cannot open %s", path);
	test_check(ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd), "it was answered");
	close(fd);
	return NULL;
}

/* Beside who waits for the commands, as removal waits for them, too. */
static void *lose(void *arg)
{
	const struct event *e = arg;
	pthread_t thread;

	if (e->fault)
		test_check(!pthread_create(&thread, NULL, vanish, arg),
			   "no thread");
	if (e->fault == FAULT_GONE)
		test_check(test_wait(function_is_gone(), LIMIT_MS),
			   "it is not gone");
	if (e->removed && !(e->fault && e->found_ms))
		function_remove();
	if (e->fault)
		pthread_join(thread, NULL);
	return NULL;
}

static void event(struct round *r)
{
	unsigned int left = NR;
	pthread_t thread;

	if (r->event->fault) {
		fault_at(ctrl[0]);
		fault_add(&(struct fault_rule) {
			.what = r->event->fault, .opcode = VANISH,
		});
	}
	test_check(reap(r) == NR, "some have ended");
	answer(1, NVME_STEER_PATH_REPEAT);
	fault_only(ctrl[1]);
	test_check(!pthread_create(&thread, NULL, lose, (void *)r->event),
		   "no thread");
	test_check(test_wait(!(left = reap(r)), LIMIT_MS),
		   "%u commands have not ended", left);
	pthread_join(thread, NULL);
}

static void count_retried(const struct round *r, int c, unsigned int want)
{
	uint64_t n = steer_event(ctrl[c], "path_retry") - r->retried[c];

	test_check(n == want, "path_retry of nvme%d: %ju, expected %u", ctrl[c],
		   (uintmax_t)n, want);
}

/* What was counted, where there is somebody to tell. */
static void counted(const struct round *r)
{
	unsigned int i, again = 0, came;

	for (i = 0; i < NR; i++)
		again += is_again(i);
	if (!r->event->removed || (r->event->fault && r->event->found_ms))
		count_retried(r, 0, again);
	count_retried(r, 1, 0);
	came = steer_event(ctrl[1], "path") - r->path;
	test_check(came == again + OF_KIND, "path: %u, expected %u", came,
		   again + OF_KIND);
}

static bool is_back(void)
{
	function_rescan();
	return test_wait((ctrl[0] = vm_ctrl_at(address)) >= 0 &&
			 vm_is_path(ctrl[0]), 1000);
}

static void back(const struct event *e)
{
	if (!e->removed) {
		test_check(vm_wait_live(ctrl[0], 20000), "not live");
		return;
	}
	if (e->fault && e->found_ms) {
		function_dies();
		function_remove();
	}
	steer_detach_gone(&policy[0]);
	if (e->fault)
		fault_change(FAULT_CHANGE_RETURN, 0);
	test_check(test_wait(is_back(), LIMIT_MS), "it did not come back");
}

/* ---------------------------------------------------------------------- a round */

/* Each has come once to the path that was lost, and to the other one if it may. */
static void check_arrivals(struct round *r, int c)
{
	unsigned int i, want;

	count_arrivals(r, c);
	for (i = 0; i < NR; i++) {
		want = !c || is_again(i) || kind_of(i) == BLOCK;
		test_check(r->at[c][i] == want,
			   "%s %u, %s: it came %u times to the path that %s, expected %u",
			   is_write(i) ? "write" : "read", i,
			   kind_names[kind_of(i)], r->at[c][i],
			   c ? "stays" : "was lost", want);
	}
}

static void print_arrivals(const struct round *r)
{
	unsigned int i, writes = 0, sum[2] = { };

	for (i = 0; i < NR; i++) {
		sum[0] += r->at[0][i];
		sum[1] += r->at[1][i];
		writes += is_write(i) && !r->at[1][i];
	}
	printf("# %u commands: %u came to the path that was lost, %u to the other one; %u writes once at both\n",
	       NR, sum[0], sum[1], writes);
}

static void check_ends(struct round *r)
{
	unsigned int i;
	int end;

	for (i = 0; i < NR; i++) {
		end = kind_of(i) == BLOCK ? (int)(NLB * ns.block) :
		      is_again(i) ? 0 : -EINTR;
		test_check(r->res[i] == end, "%s %u ended with %d, expected %d",
			   is_write(i) ? "write" : "read", i, r->res[i], end);
		if (!is_write(i) && !end)
			test_check(pt_differs(&ns, data_of(r, i), slba_of(i),
					      NLB, gen) < 0,
				   "read %u: wrong data", i);
	}
}

static void check_data(void)
{
	bool written;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		written = is_write(i) && (is_again(i) || is_done(i) ||
					  kind_of(i) == BLOCK);
		pt_block_check(&ns, slba_of(i), NLB, gen + written);
		pt_block_check(&ns, slba_of(i) + NLB, APART - NLB, gen);
	}
}

static void prepare(struct round *r)
{
	struct iovec iov;
	unsigned int i;
	int ret;

	gen += 2;
	pt_block_write(&ns, FIRST, NR * APART, gen);
	iov.iov_len = NR * NLB * ns.block;
	iov.iov_base = r->data = test_alloc(iov.iov_len);
	for (i = 0; i < NR; i++)
		if (is_write(i))
			pt_fill(&ns, data_of(r, i), slba_of(i), NLB, gen + 1);
	pt_ring_init(&r->ring, NR, r->mode);
	pt_ring_init(&r->block, NR, 0);
	ret = io_uring_register_buffers(&r->ring.uring, &iov, 1);
	test_check(!ret, "cannot register the buffer: %s", strerror(-ret));
}

static void round_of(const struct event *e, unsigned int mode, bool steered,
		     int decides)
{
	struct round r = { .event = e, .mode = mode, .steered = steered };
	struct pt_ns lost = ns;
	int c;

	test_step("%s: %s, %s, the policy of %s decides", e->name,
		  pt_mode_name(mode), steered ? "steered" : "not steered",
		  decides ? "the other one" : "the path that is lost");
	vm_pci_address(ctrl[0], address, sizeof(address));
	lost.ctrl = ctrl[0];
	function_is(&lost);
	attach(steered, decides);
	answer(1, 0);
	prepare(&r);
	clear();
	hold();
	for (c = 0; c < 2; c++) {
		r.first_qid[c] = steer_reserve(ctrl[c], "first_qid");
		r.retried[c] = steer_event(ctrl[c], "path_retry");
	}
	r.path = steer_event(ctrl[1], "path");
	send_all(&r);
	event(&r);
	check_arrivals(&r, 1);
	counted(&r);
	check_ends(&r);
	back(e);
	/* nothing comes late */
	reap(&r);
	pt_ring_exit(&r.ring);
	pt_ring_exit(&r.block);
	for (c = 0; c < 2; c++)
		check_arrivals(&r, c);
	print_arrivals(&r);
	for (c = 0; c < 2; c++) {
		fault_at(ctrl[c]);
		fault_host_is_good(e->name);
	}
	clear();
	check_data();
	for (c = 0; c < 2; c++) {
		test_check(steer_wait_idle(ctrl[c], 5000), "in flight");
		if (policy[c].link)
			steer_detach(&policy[c]);
	}
	free(r.data);
}

int main(void)
{
	unsigned int e, i, n = 0;

	test_begin(390);
	fault_open(&ns);
	test_check(ns.ctrl2 >= 0, "ng%s has one path", ns.name);
	/* the subsystem keeps the number of the one that it has its name from */
	i = atoi(ns.name) == ns.ctrl;
	ctrl[0] = i ? ns.ctrl2 : ns.ctrl;
	ctrl[1] = i ? ns.ctrl : ns.ctrl2;
	for (e = 0; e < ARRAY_LEN(events); e++)
		for (i = 0; i < 4; i++)
			round_of(&events[e], i & 1 ? PT_IOPOLL : PT_DEFER,
				 i & 2, (n++ + e) & 1);
	test_pass();
}
