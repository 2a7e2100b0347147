// SPDX-License-Identifier: GPL-2.0
/*
 * A controller that disappears in the middle of a load: its registers and its
 * configuration space read as all ones, and it does nothing more. Or it is
 * removed when it ends no command any more. First on the driver's own path with
 * nothing attached, then with policies: passthrough commands and
 * block requests, also of shares, and command groups end, the policy's queues
 * go with the controller, and the function can be removed. It is found again,
 * with the data that was written, and works as before.
 *
 * faults/copy_cancelled has it of copies.
 *
 * COUNT=   times that each disappears (default 1)
 *
 * vm: --drives faults --cpus 4
 */
#include <sys/wait.h>

#include "fault.h"
#include "group_load.h"
#include "lib/function.h"
#include "load.h"
#include "test.h"

#define GONE_MS		3000
#define WRITERS		4
#define LOAD_BLOCK	8192	/* beyond the groups' */
#define WRITER_BLOCK	20000

static const struct situation {
	const char *name;
	const char *policy;	/* NULL for none */
	bool groups;
	bool shares;
} situations[] = {
	{ "the driver's own path", NULL, false, false },
	{ "a policy", "puppet_block", false, false },
	{ "shares", "puppet_share", false, true },
	{ "groups", "puppet_once", true, false },
};

static struct pt_ns ns;
static struct load load;
static struct group_load groups;
static struct steer_policy policy;
static pid_t writers[WRITERS];

static void io_timeout(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	test_check(!test_write(path, "1000"), "cannot write %s", path);
}

/* Block requests until one fails. */
static void begin_writers(void)
{
	unsigned int w;
	uint8_t *buf;

	for (w = 0; w < WRITERS; w++) {
		writers[w] = fork();
		test_check(writers[w] >= 0, "cannot fork");
		if (writers[w])
			continue;
		buf = test_alloc(4096);
		while (pwrite(ns.block_fd, buf, 4096,
			      (WRITER_BLOCK + 8 * w) * ns.block) == 4096)
			;
		_exit(0);
	}
}

static void end_writers(void)
{
	unsigned int w, left = 0;

	test_check(test_wait(({
		for (w = left = 0; w < WRITERS; w++) {
			if (writers[w] &&
			    waitpid(writers[w], NULL, WNOHANG) == writers[w])
				writers[w] = 0;
			left += !!writers[w];
		}
		!left;
	}), 60000), "%u writers still wait for their requests", left);
}

/* ----------------------------------------------------- a load of either kind */

static void load_begin(const struct situation *s, bool with_writers)
{
	unsigned int t;

	io_timeout();
	if (s->groups) {
		group_load_start(&groups);
		test_check(group_load_wait(&groups, 10, 20000),
			   "no group ended for 20 s");
	} else {
		/* see lib/cell.h why the driver is not polled with nothing attached */
		load_mix(&load);
		for (t = 0; t < load.threads && !s->policy; t++)
			load.thread[t].mode = 0;
		load_start(&load);
		test_check(load_wait(&load, 200, 20000), "no I/O for 20 s");
	}
	if (with_writers)
		begin_writers();
}

static unsigned long ended(const struct situation *s)
{
	return s->groups ? atomic_load(&groups.progress) :
			   atomic_load(&load.shared->progress);
}

/* Each submitter has learned of it, and all that it sent has ended. */
static void load_end(const struct situation *s)
{
	atomic_uint *gone = s->groups ? &groups.gone : &load.shared->gone;
	unsigned int threads = s->groups ? GROUP_THREADS : load.threads;

	test_check(test_wait(atomic_load(gone) == threads, 60000),
		   "only %u of %u submitters learned of it",
		   atomic_load(gone), threads);
	if (s->groups)
		group_load_stop(&groups);
	else
		load_stop(&load);
	end_writers();
}

/* ------------------------------------------------------------------ the ends */

static void attach(const struct situation *s)
{
	static const struct nvme_steer_share limit = { .depth = 8 };
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	unsigned int q;
	int ret;

	for (q = 1; q <= 4 && s->shares; q++)
		config.share[q] = 1 + q % 2;
	ret = steer_load(&policy, ns.ctrl, s->policy, &config);
	test_check(!ret, "cannot load: %s", strerror(-ret));
	if (s->shares) {
		steer_share(&policy, 1, &limit);
		steer_share(&policy, 2, &limit);
	}
	ret = steer_attach(&policy);
	test_check(!ret, "cannot attach: %s", strerror(-ret));
	steer_answer_spread(&policy, 1, 2, 3, 2);
	steer_answer_block(&policy, 1, 2, 3, 2);
}

/* @count: so many commands are hit, or 0 for all that come */
static void stop_it(unsigned int what, unsigned int count)
{
	struct fault_rule rule = {
		.what = what, .opcode = FAULT_ANY, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .skip = 50, .count = count,
		.ms = GONE_MS,
	};

	fault_add(&rule);
}

/* All that is under way is held. */
static bool stands_still(const struct situation *s)
{
	unsigned long before = ended(s);

	usleep(50000);
	return ended(s) == before;
}

/* It is there again, and so is what was written. */
static void back(const struct situation *s)
{
	function_back(&ns);
	if (s->groups)
		group_load_verify(&groups);
	else
		load_verify(&load);
}

/* Nothing is under way: it is removed, with a policy, and found again. */
static void removed_idle(const struct situation *s)
{
	test_step("removed when nothing is under way: %s", s->name);
	attach(s);
	test_check(steer_wait_idle(ns.ctrl, 5000), "commands in flight");
	function_remove();
	steer_detach_gone(&policy);
	back(s);
}

/* @before: the policy is detached before the function is removed */
static void disappears(const struct situation *s, bool before)
{
	test_step("disappears: %s", s->name);
	if (s->policy)
		attach(s);
	load_begin(s, true);
	stop_it(FAULT_GONE, 1);
	load_end(s);
	function_dies();
	if (s->policy && before)
		steer_detach(&policy);
	function_remove();
	if (s->policy && !before)
		steer_detach_gone(&policy);
	back(s);
}

/*
 * It answers admin commands still, and there are no block requests: either
 * would have the driver disable the controller for want of an answer.
 */
static void removed(const struct situation *s)
{
	test_step("removed when it ends nothing: %s", s->name);
	if (s->policy)
		attach(s);
	load_begin(s, false);
	stop_it(FAULT_NEVER, 0);
	test_check(test_wait(stands_still(s), 10000), "it goes on");
	/* what it holds it holds, and it is to be found again */
	fault_clear();
	function_remove();
	load_end(s);
	if (s->policy)
		steer_detach_gone(&policy);
	back(s);
}

int main(void)
{
	unsigned long i, s, count = test_env("COUNT", 1);

	test_begin(110 + 40 * count);
	test_set_file("/sys/module/nvme_core/parameters/admin_timeout", "2");
	test_set_file("/sys/module/nvme_core/parameters/io_timeout", "1");
	fault_open(&ns);
	function_is(&ns);
	load_init_at(&load, &ns, 4, 8, LOAD_BLOCK);
	load.may_fail = true;
	load.may_vanish = true;
	load.timeout_ms = 1000;
	group_load_init(&groups, &ns);
	groups.may_be_cancelled = true;
	groups.may_be_refused = true;
	groups.may_vanish = true;
	for (s = 0; s < ARRAY_LEN(situations); s++) {
		for (i = 0; i < count; i++)
			disappears(&situations[s], (s + i) & 1);
		removed(&situations[s]);
		if (situations[s].policy)
			removed_idle(&situations[s]);
	}
	test_pass();
}
