// SPDX-License-Identifier: GPL-2.0
/*
 * All kinds of commands wait for their shares, on an interrupt and on a polled
 * queue: passthrough commands, command groups, a copy, and block requests in
 * slots and behind a full queue. Then something happens to the policy, the
 * loader, the module, the controller or the applications. Where nothing was done
 * to the controller or the applications, all of it ends well; over a reset, and
 * where the controller is removed, which does not wait for limits, block requests
 * do; and what else there is ends once, with data that is old or new.
 * Nothing waits or is in flight afterwards, no queue is left, and the module can
 * be unloaded.
 *
 * The ejection for a stall is faults/share_stalled.
 *
 * vm: --cpus 4
 * timeout: 200
 * spoils: nvme3
 */
#include <bpf/libbpf.h>
#include <signal.h>
#include <sys/wait.h>

#include "copy.h"
#include "group.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NR	8		/* commands of a process */
#define AREA	(4 * NR)	/* blocks of one */
#define FIRST	8192		/* block */
#define OLD	1		/* generation before anything is written */

enum { IRQ = 1, POLL, FREE };

static const struct puppet_config config = {
	.mode = { [IRQ] = NVME_STEER_IRQ, [POLL] = NVME_STEER_POLL,
		  [FREE] = NVME_STEER_IRQ },
	.depth = { [IRQ] = 32 },
	.share = { [IRQ] = 1, [POLL] = 2 },
	.timeout_ms = 2000,
};

static const struct nvme_steer_share none;
/* one a second, at once: all but the first ones wait until told otherwise */
static const struct nvme_steer_share hardly = { .iops = 1, .burst_ms = 1 };

static struct pt_ns ns;
static struct steer_policy policy;
static struct image from, to;
static pid_t loader;
static char pci[128], address[64];

/* ------------------------------------------------------------ who waits */

/* How a process ends, as its exit code. */
enum { GOOD, OTHERWISE, WRONG };

/* @n completions, each of another command, and what they say. */
static int ends(struct pt_ring *r, unsigned int n, int good)
{
	uint64_t tag, seen = 0;
	bool all = true;

	while (n--) {
		all &= pt_reap(r, &tag, NULL) == good;
		if (seen & 1ULL << tag)
			return WRONG;
		seen |= 1ULL << tag;
	}
	return all ? GOOD : OTHERWISE;
}

static int singles(uint64_t slba, uint64_t gen, unsigned int mode)
{
	uint8_t *buf = test_alloc(NR * ns.block);
	struct nvme_uring_cmd cmd;
	struct pt_ring r;
	unsigned int i;

	pt_ring_init(&r, NR, mode);
	pt_fill(&ns, buf, slba, NR, gen);
	for (i = 0; i < NR; i++) {
		pt_rw(&cmd, &ns, PT_WRITE, slba + i, 1, buf + i * ns.block,
		      ns.block);
		pt_queue(&r, ns.fd, &cmd, 0, i);
	}
	pt_submit_only(&r);
	return ends(&r, NR, 0);
}

static int group(uint64_t slba, uint64_t gen, unsigned int mode)
{
	struct nvme_steer_group g;
	struct pt_ring r;
	struct arena a;
	unsigned int i;

	arena_init(&a, NR, NR * ns.block);
	for (i = 0; i < NR; i++)
		group_set(&ns, &a.cmds[i], PT_WRITE, slba + i, 1,
			  a.data + i * ns.block);
	pt_fill(&ns, a.data, slba, NR, gen);
	group_ring_init(&r, mode, &a);
	g = group_whole(&a, NR);
	group_queue(&r, ns.fd, &g, PT_FIXED, 0);
	pt_submit_only(&r);
	return ends(&r, 1, 0);
}

/* What became of it is seen by who knows whether it can be read. */
static int copy(uint64_t slba, uint64_t gen, unsigned int mode)
{
	struct pt_ring r;
	struct copy c;

	copy_init(&c, 1);
	copy_begin(&c, &to, 0, NVME_STEER_COPY_F_EMULATE);
	copy_add(&c, &from, 0, to.len);
	pt_ring_init(&r, NR, mode);
	copy_queue(&r, &c, 0, 0);
	pt_submit_only(&r);
	return ends(&r, 1, 0);
}

/* @mode: not of the ring; every fourth block, lest they are merged */
static int block(uint64_t slba, uint64_t gen, unsigned int mode)
{
	uint8_t *buf = test_alloc(AREA * ns.block);
	struct io_uring_sqe *sqe;
	struct pt_ring r;
	unsigned int i;

	pt_ring_init(&r, NR, 0);
	pt_fill(&ns, buf, slba, AREA, gen);
	for (i = 0; i < NR; i++) {
		sqe = io_uring_get_sqe(&r.uring);
		io_uring_prep_write(sqe, ns.block_fd, buf + 4 * i * ns.block,
				    ns.block, (slba + 4 * i) * ns.block);
		io_uring_sqe_set_data64(sqe, i);
	}
	pt_submit_only(&r);
	return ends(&r, NR, ns.block);
}

static const struct {
	const char *name;
	int (*run)(uint64_t slba, uint64_t gen, unsigned int mode);
	unsigned int mode;
	unsigned int every;	/* of its blocks are written; 0: see copy() */
} kinds[] = {
	{ "a copy", copy, 0, 0 },
	{ "commands", singles, 0, 1 },
	{ "polled commands", singles, PT_IOPOLL, 1 },
	{ "a group", group, 0, 1 },
	{ "a polled group", group, PT_IOPOLL, 1 },
	{ "block requests", block, 0, 4 },
	{ "more block requests", block, 0, 4 },
};

#define KINDS	ARRAY_LEN(kinds)

static pid_t pids[KINDS];
static int status[KINDS];	/* once a pid is 0 */

static uint64_t area(unsigned int k)
{
	return FIRST + k * AREA;
}

static bool is_block(unsigned int k)
{
	return kinds[k].run == block;
}

static uint64_t word(const char *name)
{
	return steer_share_word(ns.ctrl, 1, name) +
	       steer_share_word(ns.ctrl, 2, name);
}

/* Those of this event that were sent, or wait in their share. */
static uint64_t come(uint64_t before)
{
	return word("commands") - before + word("waiting");
}

/*
 * Until all have come: a few were sent, the others wait. The copy is the first,
 * and one command. Of the others two may find no slot left, and are not counted
 * before they have one.
 */
static void begin(uint64_t gen)
{
	const uint64_t least = (KINDS - 1) * NR + 1 - 2;
	uint64_t before = word("commands");
	unsigned int k;

	fflush(stdout);
	for (k = 0; k < KINDS; k++) {
		pids[k] = fork();
		if (!pids[k])
			_exit(kinds[k].run(area(k), gen, kinds[k].mode));
		test_check(test_wait(come(before), 20000), "no copy has come");
	}
	test_check(test_wait(come(before) >= least, 20000),
		   "only %ju commands have come", come(before));
	test_check(word("waiting") >= 2 * NR, "%ju commands wait",
		   word("waiting"));
}

/* The copy is done, or where it did not end well maybe not, or in part. */
static void copied(bool good)
{
	uint8_t *buf = test_alloc(to.len);
	size_t at;

	pt_block_read(&ns, buf, to.from / ns.block, to.len / ns.block);
	for (at = 0; at < to.len; at += ns.block)
		test_check(!memcmp(buf + at, from.want + at, ns.block) ||
			   (!good && !memcmp(buf + at, to.want + at, ns.block)),
			   "a copy: block %zu is wrong", at / ns.block);
	memcpy(to.want, buf, to.len);
	free(buf);
}

/* All processes have ended, or all without block requests. */
static void processes_end(bool all)
{
	unsigned int k;

	for (k = 0; k < KINDS; k++) {
		if (!pids[k] || (is_block(k) && !all))
			continue;
		test_check(test_wait(waitpid(pids[k], &status[k], WNOHANG) ==
				     pids[k], 60000), "%s: not ended",
			   kinds[k].name);
		pids[k] = 0;
	}
}

/* What is in its blocks: of @gen, or where it did not end well maybe OLD. */
static void check_data(unsigned int k, uint64_t gen, bool good)
{
	uint8_t *buf;
	unsigned int i, at;

	if (!kinds[k].every) {
		copied(good);
		return;
	}
	buf = test_alloc(AREA * ns.block);
	pt_block_read(&ns, buf, area(k), AREA);
	for (i = 0; i < NR; i++) {
		at = i * kinds[k].every;
		test_check(pt_block_is(&ns, buf + at * ns.block, area(k) + at,
				       gen) ||
			   (!good && pt_block_is(&ns, buf + at * ns.block,
						 area(k) + at, OLD)),
			   "%s: block %u is wrong", kinds[k].name, at);
	}
	free(buf);
}

/* ------------------------------------------------------------- what happens */

static void lifted(void)
{
	steer_share(&policy, 1, &none);
	steer_share(&policy, 2, &none);
}

/* The processes have the link as well. */
static void detached(void)
{
	int ret = bpf_link__detach(policy.link);

	test_check(!ret, "detach: %s", strerror(-ret));
}

static void switched_off(void)
{
	test_check(!test_write(steer_path(ns.ctrl, "off"), "1"), "off");
}

static void replaced(void)
{
	struct steer_policy next;
	int ret = steer_load(&next, ns.ctrl, "puppet_share", &config);

	test_check(!ret, "load: %s", strerror(-ret));
	steer_answer_block(&next, FREE, 1, FREE, 1);
	ret = steer_replace(&policy, &next);
	test_check(!ret, "replace: %s", strerror(-ret));
	policy = next;
}

/* Reads until the policy is no more. */
static void read_until_ended(void)
{
	uint8_t *buf = test_alloc(ns.block);
	struct nvme_uring_cmd cmd;
	struct pt_ring r;

	pt_ring_init(&r, NR, 0);
	pt_rw(&cmd, &ns, PT_READ, FIRST, 1, buf, ns.block);
	test_check(test_wait(({
		pt_do(&r, ns.fd, &cmd, 0, NULL);
		policy.state->exits;
	}), 20000), "it was not ejected");
	pt_ring_exit(&r);
	free(buf);
}

static void ejected_by_itself(void)
{
	policy.state->error = 5;
	read_until_ended();
	test_check(policy.state->exit_kind == NVME_STEER_EXIT_ERROR,
		   "exit kind %u", policy.state->exit_kind);
}

static void ejected_for_answers(void)
{
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "4");
	steer_answer(&policy, 29, 29);
	read_until_ended();
	test_check(policy.state->exit_kind == NVME_STEER_EXIT_ANSWERS,
		   "exit kind %u", policy.state->exit_kind);
}

static void unloading(void)
{
	int ret = steer_rmmod();

	test_check(ret == -EWOULDBLOCK || ret == -EBUSY, "rmmod: %d", ret);
	lifted();
}

/*
 * The controller is live again; and the driver has looked at its namespaces,
 * which are frozen meanwhile, so that what comes then goes elsewhere. Nobody
 * tells when it has.
 */
static void wait_live(void)
{
	test_check(vm_wait_live(ns.ctrl, 20000), "not live");
	usleep(1000000 * test_slow());
}

/* Block requests wait again then, and may go. */
static void reset(void)
{
	test_check(!vm_reset(ns.ctrl), "reset");
	wait_live();
	lifted();
}

static void reset_by_timeout(void)
{
	uint64_t resets = steer_event(ns.ctrl, "reset");
	uint8_t *buf = test_alloc(2 * ns.block);
	struct nvme_uring_cmd cmd;
	unsigned int i;
	struct pt_ring r;

	/* by a queue of no share; the drive may take one of them */
	steer_answer(&policy, FREE, FREE);
	vm_hold_up(ns.name, true);
	pt_ring_init(&r, NR, 0);
	for (i = 0; i < 2; i++) {
		pt_rw(&cmd, &ns, PT_READ, FIRST, 1, buf + i * ns.block,
		      ns.block);
		cmd.timeout_ms = 300;
		pt_queue(&r, ns.fd, &cmd, 0, i);
	}
	pt_submit_only(&r);
	test_check(test_wait(steer_event(ns.ctrl, "reset") > resets, 30000),
		   "no reset");
	vm_hold_up(ns.name, false);
	pt_reap(&r, NULL, NULL);
	pt_reap(&r, NULL, NULL);
	pt_ring_exit(&r);
	free(buf);
	wait_live();
	lifted();
}

/* Those with block requests sleep until these have ended. */
static void killed(void)
{
	uint64_t commands = word("commands");
	unsigned int k;

	for (k = 0; k < KINDS; k++)
		kill(pids[k], SIGKILL);
	processes_end(false);
	test_check(test_wait(word("waiting") <= 2 * NR, 5000),
		   "%ju commands wait for nobody", word("waiting"));
	/* two shares, one a second each */
	test_check(word("commands") - commands < 4 * NR,
		   "%ju commands were sent for nobody",
		   word("commands") - commands);
	lifted();
}

/* The policy knows, and nobody keeps the number of the controller. */
static void away(void)
{
	test_check(test_wait(policy.state->exits, 20000) &&
		   policy.state->exit_kind == NVME_STEER_EXIT_GONE,
		   "the policy was not told");
	processes_end(true);
	pt_close(&ns);
}

static void back(void)
{
	test_check(test_wait(pt_try_open(&ns, PT_WANT_4K), 20000),
		   "it does not come back");
	wait_live();
}

static void unbound(void)
{
	test_check(!test_write("/sys/bus/pci/drivers/nvme/unbind", address),
		   "unbind");
	away();
	test_check(!test_write("/sys/bus/pci/drivers/nvme/bind", address),
		   "bind");
	back();
}

static void removed(void)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/remove", pci);
	test_check(!test_write(path, "1"), "remove");
	away();
	vm_one_cpu(true);
	test_check(!test_write("/sys/bus/pci/rescan", "1"), "rescan");
	vm_one_cpu(false);
	back();
}

static void loader_killed(void)
{
	char word[32];

	kill(loader, SIGKILL);
	test_check(waitpid(loader, NULL, 0) == loader, "waitpid");
	loader = 0;
	/* no daemon: the link is pinned */
	steer_word(ns.ctrl, "state", word, sizeof(word));
	test_check(!strcmp(word, "attached"), "the policy is '%s'", word);
	test_check(!test_sh("nvmesteer unload nvme%d >&2", ns.ctrl), "unload");
}

/* What then ends well. */
enum { KILLED, BLOCK, ALL };

static const struct {
	const char *name;
	void (*happens)(void);
	unsigned int good;
} events[] = {
	{ "limits lifted", lifted, ALL },
	{ "unloaded", detached, ALL },
	{ "switched off", switched_off, ALL },
	{ "replaced", replaced, ALL },
	{ "ejected, as it says so", ejected_by_itself, ALL },
	{ "ejected for its answers", ejected_for_answers, ALL },
	{ "rmmod", unloading, ALL },
	{ "reset", reset, BLOCK },
	{ "reset by a timeout", reset_by_timeout, BLOCK },
	{ "killed", killed, KILLED },
	{ "unbound and bound", unbound, BLOCK },
	{ "removed and found again", removed, BLOCK },
	{ "the loader is killed", loader_killed, ALL },
};

/* -------------------------------------------------------------------- the test */

static void unload(void *arg)
{
	if (loader > 0)
		kill(loader, SIGKILL);
	test_sh("nvmesteer unload --all >/dev/null 2>&1");
}

/* A policy by the loader, which stays; share 0 is all. */
static void load(void)
{
	char dev[16];

	snprintf(dev, sizeof(dev), "nvme%d", ns.ctrl);
	fflush(stdout);
	loader = fork();
	if (!loader) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(127);
		execlp("nvmesteer", "nvmesteer", "load", "--foreground",
		       "--block", "--dev", dev,
		       "/usr/lib/nvmesteer/policies/fair.bpf.o", NULL);
		_exit(127);
	}
	test_check(test_wait(steer_state_is(ns.ctrl, "attached"), 20000),
		   "it is not attached");
	test_check(!test_sh("nvmesteer set %s shares.0.iops=1 shares.0.burst_ms=1 >&2",
			    dev), "set");
}

static void attach(bool by_loader)
{
	if (by_loader) {
		load();
		return;
	}
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_share(&policy, 1, &hardly);
	steer_share(&policy, 2, &hardly);
	steer_answer(&policy, IRQ, POLL);
	steer_answer_block(&policy, IRQ, 1, IRQ, 1);
	policy.state->copy_route = IRQ;
}

static void collect(unsigned int e, uint64_t gen)
{
	unsigned int good = events[e].good, k;
	bool must;

	processes_end(true);
	for (k = 0; k < KINDS; k++) {
		must = is_block(k) ? good >= BLOCK : good == ALL;
		test_check(good == KILLED || (WIFEXITED(status[k]) &&
			   WEXITSTATUS(status[k]) <= (must ? GOOD : OTHERWISE)),
			   "%s: ended with %#x", kinds[k].name, status[k]);
		check_data(k, gen, WIFEXITED(status[k]) &&
				   WEXITSTATUS(status[k]) == GOOD);
	}
}

static void nothing_is_left(void)
{
	unsigned int n;

	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
	for (n = 0; n < 3; n++)
		test_check(!steer_share_word(ns.ctrl, n, "inflight") &&
			   !steer_share_word(ns.ctrl, n, "waiting"),
			   "share %u has something left", n);
	if (policy.link)
		steer_detach(&policy);
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 10000),
		   "queues are left");
}

int main(void)
{
	unsigned int e, k;
	bool by_loader;
	uint64_t gen;

	test_begin(190);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to hold a drive up");
	pt_open(&ns, PT_WANT_4K);
	vm_pci_path(ns.ctrl, pci, sizeof(pci));
	vm_pci_address(ns.ctrl, address, sizeof(address));
	image_init(&from, &ns, 64 << 20, 4 * ns.block);
	image_init(&to, &ns, 65 << 20, 4 * ns.block);
	test_at_end(unload, NULL);
	for (e = 0; e < ARRAY_LEN(events); e++) {
		test_step("%s", events[e].name);
		gen = 100 * (e + 1);
		by_loader = events[e].happens == loader_killed;
		for (k = 0; k < KINDS; k++)
			pt_block_write(&ns, area(k), AREA, OLD);
		image_refill(&from, 0, from.len);
		attach(by_loader);
		begin(gen);
		events[e].happens();
		collect(e, gen);
		nothing_is_left();
	}
	steer_reload();
	test_pass();
}
