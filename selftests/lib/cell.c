// SPDX-License-Identifier: GPL-2.0
/*
 * One cell of faults by ways, and the table of them; see cell.h.
 */
#include <linux/types.h>

#include "cell.h"
#include "group.h"
#include "test.h"
#include "vm.h"

#define NR		16	/* commands: reads and, in between, writes */
#define DATA		4096	/* bytes of each */
#define NLB		(DATA / ns.block)	/* blocks of that */
#define APART		(2 * NLB)	/* blocks from one to the next */
#define HIT		6	/* a read, and the write after it */
#define FIRST		1024	/* block */
#define LIMIT_MS	40000

static const struct {
	const char *name;
	unsigned int mode;		/* of the ring */
	unsigned int queue;		/* steer queue; 0: the driver's own */
	bool block, group;
	bool swap;			/* the policy is replaced meanwhile */
} ways[CELL_WAYS] = {
	[CELL_DRIVER]		= { "driver" },
	[CELL_DRIVER_POLLED]	= { "driver,polled", PT_IOPOLL },
	[CELL_DRIVER_BLOCK]	= { "driver,block", .block = true },
	[CELL_DRIVER_BLOCK_POLLED] = { "driver,block,polled", PT_IOPOLL,
				       .block = true },
	[CELL_IRQ]		= { "steer", .queue = 1 },
	[CELL_POLLED]		= { "steer,polled", PT_IOPOLL, 2 },
	[CELL_BLOCK]		= { "steer,block", .queue = 1, .block = true },
	[CELL_BLOCK_POLLED]	= { "steer,block,polled", PT_IOPOLL, 2,
				    .block = true },
	[CELL_GROUP]		= { "group", .queue = 1, .group = true },
	[CELL_GROUP_POLLED]	= { "group,polled", PT_IOPOLL, 2,
				    .group = true },
	[CELL_SHARE]		= { "share,block", .queue = 3, .block = true },
	[CELL_SWAP]		= { "swap", .queue = 1, .swap = true },
	[CELL_SWAP_GROUP]	= { "swap,group,polled", PT_IOPOLL, 2,
				    .group = true, .swap = true },
};

/* The way on the driver's own path that is the measure of a steered one. */
static const enum cell_way yardstick[CELL_WAYS] = {
	[CELL_IRQ] = CELL_DRIVER,
	[CELL_POLLED] = CELL_DRIVER_POLLED,
	[CELL_BLOCK] = CELL_DRIVER_BLOCK,
	[CELL_BLOCK_POLLED] = CELL_DRIVER_BLOCK_POLLED,
	[CELL_GROUP] = CELL_DRIVER,
	[CELL_GROUP_POLLED] = CELL_DRIVER_POLLED,
	[CELL_SHARE] = CELL_DRIVER_BLOCK,
	[CELL_SWAP] = CELL_DRIVER,
	[CELL_SWAP_GROUP] = CELL_DRIVER_POLLED,
};

/* Ends of the commands that were hit: 0, an NVMe status, or -errno. */
struct ends {
	bool ran;
	int read, write;
};

static struct pt_ns ns;
static struct steer_policy policy;
static struct puppet_config config = {	/* the policy's */
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
		  [3] = NVME_STEER_IRQ },
	.share = { [3] = 1 },
};
static unsigned int timeout;
static uint64_t ejected;		/* before, by other tests */
static uint64_t gen = 1;

/* ------------------------------------------------------------ sixteen commands */

struct round {
	enum cell_way way;
	struct pt_ring ring;
	struct arena arena;		/* buffers, and the array of a group */
	int res[NR];
	unsigned int ended[NR];
	uint64_t gen;			/* what is there before */
};

static uint64_t slba_of(unsigned int i)
{
	return FIRST + APART * i;
}

static uint8_t *data_of(struct round *r, unsigned int i)
{
	return r->arena.data + i * DATA;
}

static bool is_write(unsigned int i)
{
	return i & 1;
}

static void queue_group(struct round *r)
{
	struct nvme_steer_group g = group_whole(&r->arena, NR);
	unsigned int i;

	g.timeout_ms = timeout;
	for (i = 0; i < NR; i++)
		group_set(&ns, &r->arena.cmds[i],
			  is_write(i) ? PT_WRITE : PT_READ, slba_of(i), NLB,
			  data_of(r, i));
	group_queue(&r->ring, ns.fd, &g, PT_FIXED, 0);
}

static void queue_one(struct round *r, unsigned int i)
{
	struct nvme_uring_cmd cmd;
	struct io_uring_sqe *sqe;

	if (!ways[r->way].block) {
		pt_rw(&cmd, &ns, is_write(i) ? PT_WRITE : PT_READ, slba_of(i),
		      NLB, data_of(r, i), NLB * ns.block);
		cmd.timeout_ms = timeout;
		pt_queue(&r->ring, ns.fd, &cmd, 0, i);
		return;
	}
	sqe = io_uring_get_sqe(&r->ring.uring);
	memset(sqe, 0, 2 * sizeof(*sqe));
	if (is_write(i))
		io_uring_prep_write(sqe, ns.block_fd, data_of(r, i),
				    NLB * ns.block, slba_of(i) * ns.block);
	else
		io_uring_prep_read(sqe, ns.block_fd, data_of(r, i),
				   NLB * ns.block, slba_of(i) * ns.block);
	sqe->user_data = i;
}

static void prepare(struct round *r, enum cell_way way)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->way = way;
	r->gen = gen;
	gen += 2;
	pt_block_write(&ns, FIRST, NR * APART, r->gen);
	arena_init(&r->arena, NR, NR * DATA);
	group_ring_init(&r->ring, ways[way].mode, &r->arena);
	for (i = 0; i < NR; i++)
		if (is_write(i))
			pt_fill(&ns, data_of(r, i), slba_of(i), NLB,
				r->gen + 1);
}

static void begin(struct round *r)
{
	int ret, sqes = ways[r->way].group ? 1 : NR;
	unsigned int i;

	if (ways[r->way].group)
		queue_group(r);
	else
		for (i = 0; i < NR; i++)
			queue_one(r, i);
	ret = pt_submit_only(&r->ring);
	test_check(ret == sqes, "submitted %d of %d", ret, sqes);
}

static void ended(struct round *r, const struct io_uring_cqe *cqe)
{
	unsigned int i = cqe->user_data;
	int res = cqe->res;

	if (ways[r->way].group) {
		test_check(!i && !r->ended[0], "a completion too many");
		for (i = 0; i < NR; i++) {
			r->ended[i]++;
			r->res[i] = r->arena.cmds[i].status;
			test_check(r->res[i] != UNTOUCHED,
				   "a group left out command %u", i);
		}
		return;
	}
	test_check(i < NR && !r->ended[i]++, "command %u ended twice", i);
	if (ways[r->way].block && res == (int)(NLB * ns.block))
		res = 0;
	r->res[i] = res;
}

/* Whatever is there; the number of commands that have not ended. */
static unsigned int reap(struct round *r)
{
	struct io_uring_cqe *cqe;
	unsigned int i, left = 0;

	io_uring_get_events(&r->ring.uring);
	while (!io_uring_peek_cqe(&r->ring.uring, &cqe)) {
		ended(r, cqe);
		io_uring_cqe_seen(&r->ring.uring, cqe);
	}
	for (i = 0; i < NR; i++)
		left += !r->ended[i];
	return left;
}

static void end(struct round *r)
{
	unsigned int left = NR;

	test_check(test_wait(!(left = reap(r)), LIMIT_MS),
		   "%u commands have not ended", left);
}

/* What is on the namespace, and in the buffers of reads that succeeded. */
static void verify(struct round *r)
{
	uint8_t *got = test_alloc(NR * APART * ns.block), *at;
	unsigned int i, b;
	bool old, new;

	pt_block_read(&ns, got, FIRST, NR * APART);
	for (i = 0; i < NR; i++) {
		if (!is_write(i) && !r->res[i])
			test_check(pt_differs(&ns, data_of(r, i), slba_of(i),
					      NLB, r->gen) < 0,
				   "read %u succeeded with wrong data", i);
		for (b = 0; b < APART; b++) {
			at = got + (i * APART + b) * ns.block;
			old = pt_block_is(&ns, at, slba_of(i) + b, r->gen);
			new = pt_block_is(&ns, at, slba_of(i) + b, r->gen + 1);
			if (!is_write(i) || b >= NLB)
				test_check(old, "block %u of command %u was overwritten",
					   b, i);
			else if (!r->res[i])
				test_check(new, "block %u of write %u is not written",
					   b, i);
			else
				test_check(old || new,
					   "block %u of write %u is neither old nor new",
					   b, i);
		}
	}
	free(got);
}

/* Nothing comes late. */
static void finish(struct round *r)
{
	usleep(20000);
	reap(r);
	pt_ring_exit(&r->ring);
	arena_free(&r->arena);
}

/* ------------------------------------------------------------------- the cells */

/* Have the policy send commands by this way. */
static void choose(enum cell_way way)
{
	if (way < CELL_FIRST_STEERED)
		return;
	if (ways[way].block)
		steer_answer_block(&policy, way == CELL_SHARE ? 3 : 1, 1, 2, 1);
	else
		steer_answer_block(&policy, 0, 1, 0, 1);
}

/* Another one takes over, and has its queues, with what is in flight there. */
static void swap(enum cell_way way)
{
	struct steer_policy new;
	int ret;

	if (!ways[way].swap)
		return;
	ret = steer_load(&new, ns.ctrl, "puppet_share", &config);
	test_check(!ret, "load: %s", strerror(-ret));
	steer_answer(&new, 1, 2);
	/* while the controller is reset there are no queues to be had */
	test_check(test_wait(!(ret = steer_replace(&policy, &new)), LIMIT_MS),
		   "replace: %s", strerror(-ret));
	policy = new;
	choose(way);
}

void cell_policy_stays(void)
{
	test_check(steer_event(ns.ctrl, "ejected") == ejected,
		   "the policy was ejected");
}

/*
 * Were they all good? Those of the driver's own passthrough that come while a
 * rescan has frozen the namespace are issued again by io-wq, where the driver
 * may take them for those of a 32-bit program: these are no fault, but no round.
 */
static bool all_good(const struct round *r, enum cell_way way)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		if (r->res[i] == -EFAULT && way < CELL_FIRST_STEERED &&
		    !cell_is_block(way))
			good = false;
		else
			test_check(!r->res[i], "command %u without a fault: %d",
				   i, r->res[i]);
	}
	return good;
}

/* Sixteen commands without a fault, on the queue they are meant for. */
void cell_works(enum cell_way way)
{
	struct steer_queues before, after;
	unsigned int queue = ways[way].queue;
	struct round r;
	bool good;

	choose(way);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	test_check(!queue || test_wait(steer_queue_live(ns.ctrl, queue), 20000),
		   "queue %u is not live", queue);
	test_check(test_wait(({
		prepare(&r, way);
		steer_queues(ns.ctrl, &before);
		begin(&r);
		end(&r);
		steer_queues(ns.ctrl, &after);
		good = all_good(&r, way);
		if (good)
			verify(&r);
		finish(&r);
		good && (!queue || after.q[queue].completed -
			  before.q[queue].completed == NR);
	}), 20000), "queue %u does not carry them", queue);
}

/* Of the queues that a way has. */
static void rule_queues(struct fault_rule *rule, enum cell_way way)
{
	unsigned int queue = ways[way].queue;
	struct steer_queues qs;

	rule->opcode = FAULT_ANY;
	rule->first_qid = 1;
	rule->last_qid = FAULT_QUEUES - 1;
	if (queue) {
		steer_queues(ns.ctrl, &qs);
		rule->first_qid = rule->last_qid = qs.q[queue].qid;
	}
}

static void add_rule(const struct cell_fault *f, enum cell_way way)
{
	struct fault_rule rule = f->rule;

	rule_queues(&rule, way);
	rule.slba = slba_of(HIT);
	rule.nlb = APART + NLB;
	rule.count = f->flags & CELL_ONE ? 1 : 2;
	fault_add(&rule);
}

static void same_end(const char *what, int is, int should)
{
	test_check(is == should,
		   "the %s ended with %d, on the driver's path with %d", what,
		   is, should);
}

static struct ends run_cell(const struct cell_fault *f, enum cell_way way,
			    const struct ends *as)
{
	unsigned int i, times = f->flags & CELL_ONE ? 1 : 2;
	struct fault_counters counters;
	struct ends ends = { .ran = true };
	struct round r;
	uint64_t bad;

	test_step("%s: %s", f->name, ways[way].name);
	prepare(&r, way);
	bad = steer_event(ns.ctrl, "bad_cid");
	fault_clear();
	add_rule(f, way);
	begin(&r);
	swap(way);
	end(&r);
	for (i = 0; i < NR; i++)
		test_check((i == HIT || i == HIT + 1 || !r.res[i] ||
			    f->flags & CELL_OTHERS),
			   "command %u, without a fault, ended with %d", i,
			   r.res[i]);
	ends.read = r.res[HIT];
	ends.write = r.res[HIT + 1];
	if (as->ran) {
		same_end("read", ends.read, as->read);
		same_end("write", ends.write, as->write);
	}

	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	fault_counters(&counters);
	test_check(counters.done[0] == times, "%u faults, not %u",
		   counters.done[0], times);
	test_check(!counters.resets == !(f->flags & CELL_RESET),
		   "the controller was reset %u times", counters.resets);
	fault_host_is_good(f->name);
	fault_clear();
	verify(&r);
	finish(&r);
	/* each completion too many is found, at the latest by these */
	cell_works(way);
	bad = steer_event(ns.ctrl, "bad_cid") - bad;
	test_check(bad == (way >= CELL_FIRST_STEERED &&
			   f->flags & CELL_SPURIOUS ? times : 0),
		   "%ju events bad_cid", bad);
	cell_policy_stays();
	return ends;
}

static const char *end_text(const struct ends *e, char *buf, size_t size)
{
	char one[2][16];
	int i, res;

	if (!e->ran)
		return "-";
	for (i = 0; i < 2; i++) {
		res = i ? e->write : e->read;
		if (res > 0)
			snprintf(one[i], sizeof(one[i]), "%03x", res);
		else
			snprintf(one[i], sizeof(one[i]), "%s", res ?
				 strerrorname_np(-res) : "ok");
	}
	if (strcmp(one[0], one[1]))
		snprintf(buf, size, "%s/%s", one[0], one[1]);
	else
		snprintf(buf, size, "%s", one[0]);
	return buf;
}

static void print_table(const struct cell_fault *faults, unsigned int nr,
			struct ends ends[][CELL_WAYS])
{
	unsigned int f, w, cells = 0;
	char text[48];

	printf("# how the read and the write that were hit have ended\n");
	for (w = 0; w < CELL_WAYS; w++)
		printf("# %c: %s\n", 'A' + w, ways[w].name);
	printf("# %-24s", "fault");
	for (w = 0; w < CELL_WAYS; w++)
		printf(" %-7c", 'A' + w);
	for (f = 0; f < nr; f++) {
		printf("\n# %-24s", faults[f].name);
		for (w = 0; w < CELL_WAYS; w++) {
			cells += ends[f][w].ran;
			printf(" %-7s", end_text(&ends[f][w], text,
						 sizeof(text)));
		}
	}
	printf("\n# %u cells; -: the stock driver may crash there, see cell.h\n",
	       cells);
}

static void attach(unsigned int policy_ms)
{
	config.timeout_ms = policy_ms;
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 2);
}

/* How the commands should end; one that has not run is no measure. */
static const struct ends *measure(const struct ends *row, enum cell_way way)
{
	static const struct ends none;

	if (way < CELL_FIRST_STEERED)
		return &none;
	if (!row[yardstick[way]].ran)
		return &row[CELL_DRIVER];
	return &row[yardstick[way]];
}

struct pt_ns *cell_open(unsigned int timeout_ms)
{
	char path[64], text[16];

	fault_open(&ns);
	ejected = steer_event(ns.ctrl, "ejected");
	timeout = timeout_ms;
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	snprintf(text, sizeof(text), "%u", timeout_ms);
	test_set_file(path, text);
	return &ns;
}

void cell_run_all(const struct cell_fault *faults, unsigned int nr,
		  unsigned int timeout_ms)
{
	struct ends (*ends)[CELL_WAYS] = calloc(nr, sizeof(*ends));
	unsigned int f, w;

	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	cell_open(timeout_ms);
	for (w = 0; w < CELL_WAYS; w++) {
		if (w == CELL_FIRST_STEERED)
			attach(0);
		cell_works(w);
		for (f = 0; f < nr; f++)
			if (w != CELL_DRIVER_POLLED ||
			    !(faults[f].flags & CELL_RESET))
				ends[f][w] = run_cell(&faults[f], w,
						      measure(ends[f], w));
	}
	print_table(faults, nr, ends);
	free(ends);
}

/* ---------------------------------------------------------------------- events */

void cell_reopen(void)
{
	pt_close(&ns);
	fault_close();
	fault_open(&ns);
}

void cell_each_way(unsigned int policy_ms, void (*what)(enum cell_way way))
{
	enum cell_way way;

	for (way = 0; way < CELL_WAYS; way++) {
		if (way == CELL_FIRST_STEERED && !policy.link)
			attach(policy_ms);
		test_step("%s", ways[way].name);
		what(way);
	}
	cell_policy_stays();
}

bool cell_is_polled(enum cell_way way)
{
	return ways[way].mode & PT_IOPOLL;
}

bool cell_is_block(enum cell_way way)
{
	return ways[way].block;
}

struct steer_policy *cell_policy(void)
{
	return &policy;
}

/* Sixteen commands are in flight, and all of them meet a fault. */
static void begin_with(struct round *r, enum cell_way way,
		       struct fault_rule *rule)
{
	choose(way);
	prepare(r, way);
	fault_clear();
	rule_queues(rule, way);
	fault_add(rule);
	begin(r);
	test_check(test_wait(fault_done(0) == NR, 20000),
		   "only %u commands are in flight", fault_done(0));
}

void cell_during(enum cell_way way, unsigned int ms, void (*event)(void),
		 void (*seen)(void))
{
	struct fault_rule rule = {
		.what = FAULT_LATE, .flags = FAULT_DONE, .ms = ms, .count = NR,
	};
	struct round r;
	unsigned int i;

	begin_with(&r, way, &rule);
	if (event)
		event();
	swap(way);
	end(&r);
	for (i = 0; i < NR; i++)
		test_check(!r.res[i], "command %u ended with %d", i, r.res[i]);
	test_check(vm_wait_live(ns.ctrl, 20000), "the controller is not live");
	if (seen)
		seen();
	fault_host_is_good("meanwhile");
	verify(&r);
	finish(&r);
	cell_works(way);
	fault_host_is_good("afterwards");
	fault_clear();
}

/* ---------------------------------------------------------------------- stalls */

void cell_ejected(int ctrl, unsigned int queue, const char *from,
		  void (*poll)(void *arg), void *arg)
{
	static char dump[1 << 18];
	struct steer_queues qs;
	char word[160], want[64];

	test_check(test_wait(({
		poll(arg);
		steer_state_is(ctrl, "ended");
	}), LIMIT_MS), "the policy was not ejected");
	test_check(steer_exit(ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "stall"), "exit kind is '%s'", word);
	snprintf(want, sizeof(want), " of queue %u ended ", queue);
	test_check(steer_exit(ctrl, "reason", word, sizeof(word)) &&
		   strstr(word, want), "reason '%s'", word);
	test_check(test_read(steer_path(ctrl, "dump"), dump,
			     sizeof(dump)) > 0, "no dump");
	snprintf(want, sizeof(want), " from=%s ", from);
	test_check(strstr(dump, want), "no '%s' in the dump: %s", want, dump);
	test_check(test_wait(({
		steer_queues(ctrl, &qs);
		!strcmp(qs.q[queue].state, "draining");
	}), LIMIT_MS), "queue %u is %s", queue, qs.q[queue].state);
}

static void none_ends(void *arg)
{
	unsigned int left = reap(arg);

	test_check(left == NR, "%u commands ended", NR - left);
}

static const char *dump_word(enum cell_way way)
{
	if (ways[way].block)
		return "block request";
	return ways[way].group ? "group" : "ring";
}

int cell_stalls(enum cell_way way, unsigned int policy_ms, bool answered)
{
	struct fault_rule rule = { .what = FAULT_NEVER, .count = NR };
	bool steered = way >= CELL_FIRST_STEERED;
	struct fault_counters counters;
	unsigned int i;
	struct round r;

	test_step("%s: %s", ways[way].name,
		  answered ? "answered at last" : "reset");
	if (steered)
		attach(policy_ms);
	begin_with(&r, way, &rule);
	swap(way);
	if (steered)
		cell_ejected(ns.ctrl, ways[way].queue, dump_word(way),
			     none_ends, &r);
	if (answered)
		fault_change(FAULT_CHANGE_RELEASE, 0);
	end(&r);
	for (i = 0; i < NR; i++)
		test_check(answered ? !r.res[i] : r.res[i] == r.res[0],
			   "command %u ended with %d, the first one with %d",
			   i, r.res[i], r.res[0]);
	test_check(vm_wait_live(ns.ctrl, LIMIT_MS),
		   "the controller is not live");
	fault_counters(&counters);
	test_check(!counters.resets == answered,
		   "the controller was reset %u times", counters.resets);
	fault_host_is_good("a stall");
	fault_clear();
	verify(&r);
	if (steered) {
		steer_detach(&policy);
		test_check(test_wait(!steer_reserve(ns.ctrl, "used"), LIMIT_MS),
			   "queues are left");
	}
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands left in flight");
	finish(&r);
	cell_works(ways[way].block ? CELL_DRIVER_BLOCK : CELL_DRIVER);
	return r.res[0];
}

int cell_one(enum cell_way way, uint8_t opcode, uint64_t slba, uint32_t nlb,
	     uint32_t bytes)
{
	struct nvme_steer_group g;
	struct nvme_uring_cmd cmd;
	struct io_uring_sqe *sqe;
	struct round r = { .way = way };
	struct io_uring_cqe *cqe;
	int ret;

	choose(way);
	arena_init(&r.arena, 1, 16 * DATA);
	group_ring_init(&r.ring, ways[way].mode, &r.arena);
	if (ways[way].block) {
		sqe = io_uring_get_sqe(&r.ring.uring);
		memset(sqe, 0, 2 * sizeof(*sqe));
		if (opcode == PT_WRITE)
			io_uring_prep_write(sqe, ns.block_fd, r.arena.data,
					    bytes, slba * ns.block);
		else
			io_uring_prep_read(sqe, ns.block_fd, r.arena.data,
					   bytes, slba * ns.block);
		pt_submit_only(&r.ring);
		ret = io_uring_wait_cqe(&r.ring.uring, &cqe);
		test_check(!ret, "no completion: %d", ret);
		ret = cqe->res == (int)bytes ? 0 : cqe->res;
		io_uring_cqe_seen(&r.ring.uring, cqe);
	} else if (ways[way].group) {
		group_set(&ns, r.arena.cmds, opcode, slba, nlb, r.arena.data);
		r.arena.cmds[0].data_len = bytes;
		g = group_whole(&r.arena, 1);
		ret = group_do(&r.ring, &ns, &g, NULL);
		if (r.arena.cmds[0].status != UNTOUCHED)
			ret = r.arena.cmds[0].status;
	} else {
		pt_rw(&cmd, &ns, opcode, slba, nlb, r.arena.data, bytes);
		ret = pt_do(&r.ring, ns.fd, &cmd, cell_is_polled(way) ?
			    PT_FIXED : 0, NULL);
	}
	pt_ring_exit(&r.ring);
	arena_free(&r.arena);
	return ret;
}
