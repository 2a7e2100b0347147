// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted round robin of a controller that has it: nothing of it as long as
 * nvme.steer_wrr is 0. With 1, the driver's own queues are of medium priority
 * from the next reset on, and steer queues of the class they were created with,
 * before and after another reset. The weights are the policy's while it is
 * attached, and what they were before it was, or what the controller forgets
 * them to be; the burst stays. A controller that refuses to be told goes on
 * with those it has. Commands that wait in queues of all classes are fetched in
 * the order that classes and weights say.
 *
 * vm: --drives faults --cpus 4
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "fault.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define PARAMETER	"/sys/module/nvme/parameters/steer_wrr"
#define SET_FEATURES	0x09
#define GET_FEATURES	0x0a
#define INVALID_FIELD	0x4002		/* DNR */
#define ARBITRATION	0x01
#define RR		0		/* CC.AMS */
#define WRR		1

/* QPRIO, in the order in which classes are served. */
enum class { URGENT, HIGH, MEDIUM, LOW, CLASSES };

static const char *const names[] = { "urgent", "high", "medium", "low" };

/* What the weights and a burst of 2^3 are, each of them one less than it says. */
#define OWN_WEIGHTS	0x01020303U
#define SAID_HIGH	8
#define SAID_MEDIUM	4
#define SAID_LOW	2
#define SAID_WEIGHTS	0x07030100U
#define BURST		0x00000007U

#define NO_CLASS	5		/* a queue of which nothing is said */

static const struct puppet_config config = {
	.mode = {
		[1 + URGENT] = NVME_STEER_IRQ | NVME_STEER_PRIO_URGENT,
		[1 + HIGH] = NVME_STEER_IRQ | NVME_STEER_PRIO_HIGH,
		[1 + MEDIUM] = NVME_STEER_POLL | NVME_STEER_PRIO_MEDIUM,
		[1 + LOW] = NVME_STEER_IRQ | NVME_STEER_PRIO_LOW,
		[NO_CLASS] = NVME_STEER_IRQ,
	},
	.weights = { SAID_HIGH, SAID_MEDIUM, SAID_LOW },
};

static struct pt_ns ns;
static struct steer_policy policy;

static void reset(const char *wrr)
{
	int ret = test_write(PARAMETER, wrr) ?: vm_reset(ns.ctrl);

	test_check(!ret, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
}

static void as_it_was(void *unused)
{
	test_write(PARAMETER, "0");
	vm_reset(ns.ctrl);
	vm_wait_live(ns.ctrl, 20000);
}

static void set_weights(uint32_t dword)
{
	struct nvme_passthru_cmd cmd = {
		.opcode = SET_FEATURES, .cdw10 = ARBITRATION, .cdw11 = dword,
	};
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/nvme%d", ns.ctrl);
	fd = open(path, O_RDWR | O_CLOEXEC);
	test_check(fd >= 0, "cannot open %s", path);
	test_check(!ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd), "Set Features");
	close(fd);
}

static uint32_t weights(void)
{
	struct fault_counters c;

	fault_counters(&c);
	return c.weights;
}

static void weights_are(uint32_t want, const char *when)
{
	test_check(test_wait(weights() == want, 10000),
		   "%s the weights are %#x, not %#x", when, weights(), want);
}

/* What the controller was told, and what sysfs says of it. */
static void classes_are(bool wrr)
{
	unsigned int first = steer_reserve(ns.ctrl, "first_qid"), qid, n;
	enum class class;
	struct fault_counters c;
	struct steer_queues qs;

	fault_counters(&c);
	test_check(c.arbitration == (wrr ? WRR : RR), "CC.AMS is %u",
		   c.arbitration);
	for (qid = 1; qid < first; qid++)
		test_check(c.prio[qid] == (wrr ? MEDIUM : 0),
			   "the driver's queue %u has priority %u", qid,
			   c.prio[qid]);
	steer_queues(ns.ctrl, &qs);
	for (n = 1; n <= NO_CLASS; n++) {
		class = n == NO_CLASS ? MEDIUM : (enum class)(n - 1);
		test_check(c.prio[qs.q[n].qid] == (wrr ? class : 0),
			   "queue %u has priority %u", n, c.prio[qs.q[n].qid]);
		test_check(!strcmp(qs.q[n].prio, wrr ? names[class] : "-"),
			   "queue %u: '%s'", n, qs.q[n].prio);
	}
}

static void attach(void)
{
	steer_puppet(&policy, ns.ctrl, &config);
	test_check(policy.link, "not attached");
}

/* -------------------------------------------------------------------- order */

#define EACH		24	/* reads on a queue, a round of each weight thrice */
#define BUSY_MS		2000
#define DRIVERS		0
#define READS		(EACH * (CLASSES + 1))

/* So many of a class come next, of several queues in turn. */
static unsigned int in_turn(const struct fault_counters *c,
			    const struct fault_arrivals *arrivals,
			    unsigned int at, unsigned int nr, enum class class)
{
	static unsigned int last;
	unsigned int end = at + nr, qid;

	for (; at < end; at++) {
		qid = arrivals->command[at].qid;
		test_check(c->prio[qid] == class,
			   "command %u is of queue %u, which is %s, not %s", at,
			   qid, names[c->prio[qid]], names[class]);
		test_check(class != MEDIUM || qid != last,
			   "queue %u has had two of medium priority at a time",
			   qid);
		if (class == MEDIUM)
			last = qid;
	}
	return end;
}

/* Urgent ones first; then, round by round, as many of a class as it weighs. */
static void in_order(const struct fault_counters *c,
		     const struct fault_arrivals *arrivals)
{
	static const unsigned int round[CLASSES] = {
		[HIGH] = SAID_HIGH, [MEDIUM] = SAID_MEDIUM, [LOW] = SAID_LOW,
	};
	unsigned int left[CLASSES] = {
		[HIGH] = EACH, [MEDIUM] = 2 * EACH, [LOW] = EACH,
	};
	unsigned int at = in_turn(c, arrivals, 0, EACH, URGENT), nr;
	enum class class = HIGH;

	while (at < READS) {
		nr = round[class] < left[class] ? round[class] : left[class];
		at = in_turn(c, arrivals, at, nr, class);
		left[class] -= nr;
		class = class == LOW ? HIGH : class + 1;
	}
}

/*
 * Reads of all classes, and on the driver's own path, while the controller
 * fetches none; then it fetches all of them.
 */
static void order(void)
{
	static const int queues[] = {
		1 + LOW, DRIVERS, NO_CLASS, 1 + HIGH, 1 + URGENT,
	};
	uint8_t *buf = test_alloc(READS * 4096);
	struct fault_arrivals arrivals;
	struct nvme_uring_cmd cmd;
	struct fault_counters c;
	struct pt_ring ring;
	unsigned int i;

	pt_block_write(&ns, 0, READS, 7);
	fault_counters(&c);
	pt_ring_init(&ring, READS, 0);
	fault_clear();
	fault_change(FAULT_CHANGE_BUSY, BUSY_MS * test_slow());
	for (i = 0; i < READS; i++) {
		steer_answer(&policy, queues[i / EACH], 0);
		pt_rw(&cmd, &ns, PT_READ, i, 1, buf + i * ns.block, ns.block);
		pt_queue(&ring, ns.fd, &cmd, 0, i);
		test_check(io_uring_submit(&ring.uring) == 1, "submit");
	}
	fault_arrivals(&arrivals);
	test_check(!arrivals.nr, "%ju have been fetched already",
		   (uintmax_t)arrivals.nr);
	for (i = 0; i < READS; i++)
		test_check(!pt_reap(&ring, NULL, NULL), "a read failed");
	for (i = 0; i < READS; i++)
		test_check(pt_block_is(&ns, buf + i * ns.block, i, 7),
			   "block %u is wrong", i);
	fault_arrivals(&arrivals);
	test_check(arrivals.nr == READS, "%ju were fetched",
		   (uintmax_t)arrivals.nr);
	in_order(&c, &arrivals);
	pt_ring_exit(&ring);
	free(buf);
}

/* ------------------------------------------------------------------ policies */

static void try_replace(const struct puppet_config *next, int want)
{
	struct steer_policy other;
	int ret = steer_load(&other, ns.ctrl, "puppet", next);

	test_check(!ret, "cannot load another: %d", ret);
	ret = steer_replace(&policy, &other);
	test_check(ret == want, "replaced: %d, not %d", ret, want);
	if (ret)
		steer_detach(&other);
	else
		policy = other;
}

static void replaced(void)
{
	struct puppet_config next = config;

	next.init_ret = -EPERM;
	next.weights[0] = 99;
	try_replace(&next, -EPERM);
	weights_are(SAID_WEIGHTS | (OWN_WEIGHTS & BURST),
		    "when another could not be attached");
	next.init_ret = 0;
	try_replace(&next, 0);
	weights_are(98U << 24 | (SAID_WEIGHTS & 0xffffff) |
		    (OWN_WEIGHTS & BURST), "of another policy");
	next.weights[0] = 0;
	try_replace(&next, 0);
	weights_are(OWN_WEIGHTS, "of one that says nothing");
	next.mode[1 + HIGH] = NVME_STEER_IRQ;
	try_replace(&next, -EEXIST);
}

/* A controller that does not tell its weights, or take others: nothing is lost. */
static void no_weights(uint8_t opcode)
{
	struct fault_rule rule = {
		.what = FAULT_STATUS, .opcode = opcode, .value = INVALID_FIELD,
	};
	unsigned int nr;

	fault_clear();
	nr = fault_add(&rule);
	attach();
	/* one that copies ask about may be among them */
	test_check(fault_done(nr), "command %#x was not sent", opcode);
	fault_clear();
	weights_are(OWN_WEIGHTS, "refused by the controller");
	classes_are(true);
	/* and if it is not refused the next time */
	steer_detach(&policy);
	weights_are(OWN_WEIGHTS, "detached after that");
	attach();
	weights_are(SAID_WEIGHTS | (OWN_WEIGHTS & BURST), "attached after that");
	steer_detach(&policy);
	weights_are(OWN_WEIGHTS, "detached after all");
}

/* What a policy may not say. */
static void refused(void)
{
	static const uint32_t wrong[] = { 0, 257, ~0U };
	struct puppet_config next = config;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		next.weights[2] = wrong[i];
		ret = steer_load(&policy, ns.ctrl, "puppet", &next) ?:
		      steer_attach(&policy);
		test_check(ret == -EINVAL, "weight %u: %d", wrong[i], ret);
		steer_detach(&policy);
	}
	next = config;
	next.mode[1] = NVME_STEER_IRQ | NVME_STEER_PRIO_LOW << 1;
	ret = steer_load(&policy, ns.ctrl, "puppet", &next) ?:
	      steer_attach(&policy);
	test_check(ret == -EINVAL, "a class that there is not: %d", ret);
	steer_detach(&policy);
}

int main(void)
{
	cpu_set_t first;

	test_begin(60);
	fault_open(&ns);
	/* all of the driver's own commands by one queue */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	test_check(!sched_setaffinity(0, sizeof(first), &first), "affinity");

	test_step("round robin");
	attach();
	classes_are(false);
	weights_are(0, "with round robin");

	test_step("weighted from the next reset on");
	test_at_end(as_it_was, NULL);
	reset("1");
	classes_are(true);
	weights_are(SAID_WEIGHTS, "after the reset");
	order();

	test_step("after another reset");
	set_weights(OWN_WEIGHTS);
	reset("1");
	classes_are(true);
	weights_are(SAID_WEIGHTS, "after another");
	order();
	steer_detach(&policy);
	weights_are(0, "of a controller that was reset");

	test_step("policies come and go");
	set_weights(OWN_WEIGHTS);
	attach();
	weights_are(SAID_WEIGHTS | (OWN_WEIGHTS & BURST), "attached");
	replaced();
	steer_detach(&policy);
	attach();
	weights_are(SAID_WEIGHTS | (OWN_WEIGHTS & BURST), "attached again");
	steer_detach(&policy);
	weights_are(OWN_WEIGHTS, "detached");
	refused();
	weights_are(OWN_WEIGHTS, "refused");

	test_step("a controller that refuses");
	no_weights(GET_FEATURES);
	no_weights(SET_FEATURES);

	test_step("round robin again");
	attach();
	reset("0");
	classes_are(false);
	weights_are(0, "with round robin again");
	fault_host_is_good("weighted round robin");
	steer_detach(&policy);
	test_pass();
}
