// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for as long as is wanted: passthrough, command groups,
 * copies and block requests of several namespaces, all with verification,
 * under policies that rotate, limited or not, while controllers are reset,
 * unbound and pulled, policies replaced, unloaded and switched off, processes
 * killed, namespaces taken away and brought back, CPUs taken offline, and
 * memory is short. After each phase the loads are stopped and the books must
 * balance; in the end nothing may be left.
 *
 * A phase is a choice of loads and eight events one after the other. What
 * replays with the seed that is printed: which loads run in which phase, their
 * commands' sizes and places, which events come in which order and with what
 * parameters; a phase does not depend on those before it, so that FROM= comes
 * to a failing one at once. What does not: how fast any of it is, and so how
 * commands and events meet.
 *
 * MINUTES= how long phases are begun (default 1)
 * SEED=    a number (default: another each time)
 * FROM=    the phase to begin with (default 0)
 *
 * vm: --cpus 4
 * spoils: nvme3
 * timeout: 400
 */
#include <signal.h>
#include <sys/wait.h>

#include "block_load.h"
#include "copy_load.h"
#include "group_load.h"
#include "machine.h"
#include "lib/rotate.h"
#include "load.h"
#include "pins.h"
#include "test.h"
#include "vm.h"

#define EVENTS		8	/* of a phase */
#define WAIT_MS		90000	/* until a load that runs has ended a command */
#define SLOT_ID		"nvme3"	/* the drive in a hot-plug slot */
#define PINS		"/sys/fs/bpf/nvmesteer"
#define META_SERIAL	"meta"	/* the drive a namespace of which goes and comes */
#define META_NSID	3

enum {
	PLAIN,		/* passthrough */
	GROUPS_,	/* command groups */
	COPIES,
	BLOCK,		/* the block device of a drive that is steered */
	HEAD,		/* passthrough with two paths */
	HEAD_BLOCK,
	OTHER,		/* passthrough, alone on its controller but for copies */
	SLOT,		/* passthrough to a drive that goes away */
	VICTIM,		/* passthrough of a process that is killed */
	LOADS,
};

static const char * const load_names[LOADS] = {
	"plain", "groups", "copies", "block", "head", "head-block", "other",
	"slot", "victim",
};

static struct pt_ns plain, second, other, slot, head;
static struct load loads[LOADS];	/* those of passthrough */
static struct group_load groups;
static struct copy_load copies;
static struct block_load block, head_block;
static bool running[LOADS];
static unsigned int cpu_off;		/* 0: none */
static unsigned int counts[16];		/* of events */
static uint64_t began;			/* s */

/* What the controller of OTHER counted when the phase began. */
static struct {
	uint64_t routed, block, own;
	bool comparable;	/* nothing but replacements since */
} books;

/* ------------------------------------------------------------ choices */

static uint64_t state;

static uint64_t rnd(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* What follows is drawn by seed, phase and event only. */
static void draw(unsigned int phase, unsigned int event)
{
	state = test_seed() << 24 ^ (uint64_t)phase << 8 ^ event;
}

#define CTRLS	5

static int controller(unsigned int i)
{
	const int ctrl[CTRLS] = {
		plain.ctrl, other.ctrl, slot.ctrl, head.ctrl, head.ctrl2,
	};

	return ctrl[i];
}

static int a_controller(void)
{
	return controller(rnd() % CTRLS);
}

static void load_policy(int ctrl)
{
	if (!rotate_load(ctrl, rnd))
		books.comparable &= ctrl != other.ctrl;
}

/* -------------------------------------------------------------- loads */

static void init_loads(void)
{
	pt_open(&plain, PT_WANT_PLAIN);
	pt_open(&second, PT_WANT_SECOND);
	pt_open(&other, PT_WANT_OTHER);
	pt_open(&slot, PT_WANT_4K);
	pt_open(&head, PT_WANT_HEAD);
	load_init(&loads[PLAIN], &plain, 3, 8);
	load_init(&loads[HEAD], &head, 2, 8);
	load_init(&loads[OTHER], &other, 3, 8);
	load_init(&loads[SLOT], &slot, 2, 8);
	load_init_at(&loads[VICTIM], &second, 2, 8, 16384);
	load_mix(&loads[PLAIN]);
	load_mix(&loads[HEAD]);
	load_mix(&loads[OTHER]);
	load_mix(&loads[SLOT]);
	load_mix(&loads[VICTIM]);
	loads[PLAIN].may_fail = loads[HEAD].may_fail = true;
	loads[OTHER].may_fail = loads[SLOT].may_fail = true;
	loads[VICTIM].may_fail = true;
	group_load_init(&groups, &second);
	groups.may_be_cancelled = groups.may_be_refused = true;
	copies.to[0] = copies.to[1] = &plain;
	copies.to[2] = &second;
	copies.to[3] = &other;
	copies.from[0] = copies.from[3] = &plain;
	copies.from[1] = &second;
	copies.from[2] = &other;
	copies.may_fail = copies.may_be_refused = true;
	copy_load_init(&copies);
}

static void start(unsigned int i)
{
	unsigned int t;

	switch (i) {
	case GROUPS_:
		group_load_start(&groups);
		break;
	case COPIES:
		for (t = 0; t < COPY_THREADS; t++)
			copies.thread[t].rnd = rnd() | 1;
		copy_load_start(&copies);
		break;
	case BLOCK:
		block_load_start(&block, &second, 32768);
		break;
	case HEAD_BLOCK:
		block_load_start(&head_block, &head, head.nr_blocks / 2);
		break;
	case VICTIM:
		load_start_child(&loads[i]);
		break;
	default:
		load_start(&loads[i]);
	}
	running[i] = true;
}

static void stop(unsigned int i)
{
	if (!running[i])
		return;
	switch (i) {
	case GROUPS_:
		group_load_stop(&groups);
		break;
	case COPIES:
		copy_load_stop(&copies);
		break;
	case BLOCK:
		block_load_stop(&block);
		break;
	case HEAD_BLOCK:
		block_load_stop(&head_block);
		break;
	case VICTIM:
		/* it is killed, and some of what it sent is not in its books */
		load_kill(&loads[i]);
		break;
	default:
		load_stop(&loads[i]);
	}
	running[i] = false;
}

static unsigned long progress(unsigned int i)
{
	switch (i) {
	case GROUPS_:
		return groups.progress;
	case COPIES:
		return copies.shared->progress;
	case BLOCK:
		return block.done;
	case HEAD_BLOCK:
		return head_block.done;
	default:
		return loads[i].shared->progress;
	}
}

/* Every load that runs has ended something since. */
static void goes_on(const char *after)
{
	unsigned long was[LOADS];
	unsigned int i;

	for (i = 0; i < LOADS; i++)
		was[i] = running[i] ? progress(i) : 0;
	for (i = 0; i < LOADS; i++)
		test_check(!running[i] ||
			   test_wait(progress(i) != was[i], WAIT_MS),
			   "load %s ends nothing after %s", load_names[i],
			   after);
}

static void verify(void)
{
	unsigned int i;

	for (i = 0; i < LOADS; i++)
		if (loads[i].shared && (i != SLOT || slot.fd >= 0))
			load_verify(&loads[i]);
	group_load_verify(&groups);
	copy_load_verify(&copies, NULL);
}

/* ------------------------------------------------------------- events */

static void event_replace(void)
{
	load_policy(a_controller());
}

static void event_unload(void)
{
	int ctrl = a_controller();
	char line[64];

	books.comparable &= ctrl != other.ctrl;
	printf("#   nvme%d\n", ctrl);
	snprintf(line, sizeof(line), "unload --dev nvme%d", ctrl);
	rotate_tool(line);
	goes_on("an unload");
	load_policy(ctrl);
}

static void event_off(void)
{
	int ctrl = a_controller();
	int ret;

	books.comparable &= ctrl != other.ctrl;
	printf("#   nvme%d\n", ctrl);
	ret = test_write(steer_path(ctrl, "off"), "1");
	test_check(!ret, "off: %s", strerror(-ret));
	goes_on("off");
	load_policy(ctrl);
}

static void reset(int ctrl)
{
	int ret;

	books.comparable &= ctrl != other.ctrl;
	printf("#   nvme%d\n", ctrl);
	ret = vm_reset(ctrl);
	test_check(!ret, "reset: %s", strerror(-ret));
	test_check(vm_wait_live(ctrl, WAIT_MS), "nvme%d is not live", ctrl);
}

static void event_reset(void)
{
	reset(a_controller());
}

/* How many queues are reserved changes with the next start. */
static void event_reserve(void)
{
	int ctrl = a_controller();
	char text[8];
	int ret;

	snprintf(text, sizeof(text), "%u", (unsigned int)(rnd() % 9));
	printf("#   %s queues\n", text);
	ret = test_write("/sys/module/nvme/parameters/steer_queues", text);
	test_check(!ret, "steer_queues: %s", strerror(-ret));
	reset(ctrl);
	goes_on("another reservation");
	test_check(!test_write("/sys/module/nvme/parameters/steer_queues",
			       "8"), "steer_queues");
	reset(ctrl);
}

static void event_kill(void)
{
	if (running[VICTIM]) {
		stop(VICTIM);
		load_verify(&loads[VICTIM]);
	}
	start(VICTIM);
}

static void cpu_on(void)
{
	if (cpu_off)
		machine_cpu(cpu_off, true);
	cpu_off = 0;
}

/* It stays away during the next event as well. */
static void event_cpu(void)
{
	unsigned int cpu = 1 + rnd() % 3;

	if (cpu_off) {
		cpu_on();
		return;
	}
	printf("#   CPU %u\n", cpu);
	machine_cpu(cpu, false);
	cpu_off = cpu;
}

static void event_memory(void)
{
	pid_t pid = machine_take_memory(48 + rnd() % 64);
	int ret;

	goes_on("memory became short");
	ret = test_write("/proc/sys/vm/compact_memory", "1");
	test_check(!ret, "compact_memory: %s", strerror(-ret));
	goes_on("memory was compacted");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* One goes and comes back, and all controllers look for theirs. */
static void event_namespaces(void)
{
	int meta = machine_controller(META_SERIAL), ctrl = a_controller();
	char path[64];

	test_check(meta >= 0, "no drive '" META_SERIAL "'");
	printf("#   nvme%dn%d, and nvme%d\n", meta, META_NSID, ctrl);
	machine_namespace(meta, META_NSID, false);
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/rescan_controller",
		 ctrl);
	test_check(!test_write(path, "1"), "rescan_controller");
	machine_namespace(meta, META_NSID, true);
}

/* The drive's submitters have learned that it is gone; their books balance. */
static void slot_is_gone(void)
{
	struct load *l = &loads[SLOT];

	if (!running[SLOT])
		return;
	test_check(test_wait(atomic_load(&l->shared->gone) == l->threads,
			     WAIT_MS), "only %u of %u submitters learned of it",
		   atomic_load(&l->shared->gone), l->threads);
	stop(SLOT);
}

static bool slot_is_back(const char *name)
{
	if (pt_open_name(&slot, name))
		return false;
	if (slot.block_fd >= 0 &&
	    test_exists("%s", steer_path(slot.ctrl, "state")))
		return true;
	pt_close(&slot);
	return false;
}

/* The driver is unbound from the drive in the slot, or that removed. */
static void event_unbind(void)
{
	bool by_remove = rnd() % 2, was = running[SLOT], victim;
	char address[64], path[512], name[sizeof(slot.name)];
	int ret;

	printf("#   nvme%d %s\n", slot.ctrl, by_remove ? "removed" : "unbound");
	/* a process that was forked has the device open, and so its name */
	victim = running[VICTIM];
	stop(VICTIM);
	vm_pci_path(slot.ctrl, path, sizeof(path));
	vm_pci_address(slot.ctrl, address, sizeof(address));
	strcat(path, "/remove");
	strcpy(name, slot.name);
	loads[SLOT].may_vanish = true;
	ret = by_remove ? test_write(path, "1") :
	      test_write("/sys/bus/pci/drivers/nvme/unbind", address);
	test_check(!ret, "cannot take it away: %s", strerror(-ret));
	slot_is_gone();
	loads[SLOT].may_vanish = false;
	pt_close(&slot);
	if (by_remove) {
		cpu_on();
		vm_one_cpu(true);
		ret = test_write("/sys/bus/pci/rescan", "1");
		vm_one_cpu(false);
	} else {
		ret = test_write("/sys/bus/pci/drivers/nvme/bind", address);
	}
	test_check(!ret, "cannot bring it back: %s", strerror(-ret));
	test_check(test_wait(slot_is_back(name), WAIT_MS),
		   "ng%s did not come back", name);
	test_check(vm_wait_live(slot.ctrl, WAIT_MS), "nvme%d is not live",
		   slot.ctrl);
	load_verify(&loads[SLOT]);
	load_policy(slot.ctrl);
	if (victim)
		start(VICTIM);
	if (was)
		start(SLOT);
}

static const struct event {
	const char *name;
	void (*fn)(void);
	unsigned int weight;
} events[] = {
	{ "another policy", event_replace, 6 },
	{ "unload and load", event_unload, 2 },
	{ "off and load", event_off, 1 },
	{ "reset", event_reset, 4 },
	{ "another reservation", event_reserve, 1 },
	{ "kill", event_kill, 3 },
	{ "a CPU goes or comes", event_cpu, 3 },
	{ "no memory", event_memory, 1 },
	{ "namespaces", event_namespaces, 2 },
	{ "a drive goes and comes", event_unbind, 2 },
};

static void one_event(unsigned int phase, unsigned int n)
{
	unsigned int total = 0, i;

	for (i = 0; i < ARRAY_LEN(events); i++)
		total += events[i].weight;
	draw(phase, 1 + n);
	total = rnd() % total;
	for (i = 0; total >= events[i].weight; i++)
		total -= events[i].weight;
	test_step("phase %u, event %u: %s", phase, n, events[i].name);
	counts[i]++;
	events[i].fn();
	goes_on(events[i].name);
}

/* -------------------------------------------------------------- books */

static void open_books(void)
{
	struct steer_queues qs;

	steer_queues(other.ctrl, &qs);
	load_clear(&loads[OTHER]);
	books.routed = steer_event(other.ctrl, "routed");
	books.block = steer_event(other.ctrl, "block");
	books.own = qs.q[0].submitted;
	books.comparable = true;
}

/* Nothing is under way, and the kernel has counted what was submitted. */
static void close_books(bool copied)
{
	uint64_t counted, submitted;
	struct steer_queues qs;
	struct load_stats sum;
	unsigned int i;

	for (i = 0; i < CTRLS; i++) {
		test_check(steer_wait_idle(controller(i), 10000),
			   "nvme%d: commands are in flight", controller(i));
		/* each queue's own sum is checked in it */
		steer_queues(controller(i), &qs);
	}
	steer_queues(other.ctrl, &qs);
	load_sum(&loads[OTHER], &sum);
	submitted = sum.submitted - sum.refused;
	counted = steer_event(other.ctrl, "routed") - books.routed -
		  (steer_event(other.ctrl, "block") - books.block) +
		  qs.q[0].submitted - books.own;
	if (!books.comparable || copied)
		return;
	test_check(counted == submitted,
		   "nvme%d: applications had %ju commands answered, the kernel counted %ju",
		   other.ctrl, submitted, counted);
	printf("#   nvme%d: %ju commands, as the kernel counted\n", other.ctrl,
	       submitted);
}

static void phase(unsigned int nr)
{
	unsigned int i, mask;

	draw(nr, 0);
	do {
		mask = rnd() % (1U << LOADS);
	} while (__builtin_popcount(mask) < 3);
	test_step("phase %u, after %ju s", nr, test_now_ms() / 1000 - began);
	for (i = 0; i < LOADS; i++)
		if (mask & 1U << i)
			printf("#   %s\n", load_names[i]);
	for (i = 0; i < CTRLS; i++)
		load_policy(controller(i));
	open_books();
	for (i = 0; i < LOADS; i++)
		if (mask & 1U << i)
			start(i);
	for (i = 0; i < EVENTS; i++)
		one_event(nr, i);
	cpu_on();
	goes_on("the last event");
	for (i = 0; i < LOADS; i++)
		stop(i);
	test_step("phase %u, the books", nr);
	close_books(mask & 1U << COPIES);
	verify();
}

/* The drive is pulled out of its slot by the emulator. */
static void pull(void)
{
	unsigned int i;

	test_step("a drive is pulled");
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	for (i = 0; i < LOADS; i++)
		if (i != VICTIM)
			start(i);
	goes_on("the start");
	loads[SLOT].may_vanish = true;
	vm_monitor("device_del " SLOT_ID, NULL, 0);
	slot_is_gone();
	goes_on("the pull");
	for (i = 0; i < LOADS; i++)
		stop(i);
	pt_close(&slot);
	slot.fd = -1;
	test_check(test_wait(!test_exists("/sys/class/nvme/nvme%d", slot.ctrl),
			     WAIT_MS), "nvme%d is still there", slot.ctrl);
	verify();
}

/* With DMA debugging the kernel tells then what is left mapped. */
static void unbind_and_bind(struct pt_ns *ns)
{
	char address[64], name[sizeof(ns->name)];

	vm_pci_address(ns->ctrl, address, sizeof(address));
	strcpy(name, ns->name);
	pt_close(ns);
	test_check(!test_write("/sys/bus/pci/drivers/nvme/unbind", address) &&
		   !test_write("/sys/bus/pci/drivers/nvme/bind", address),
		   "cannot unbind and bind %s", address);
	test_check(test_wait(!pt_open_name(ns, name), WAIT_MS),
		   "ng%s did not come back", name);
	test_check(vm_wait_live(ns->ctrl, WAIT_MS), "nvme%d is not live",
		   ns->ctrl);
	pt_close(ns);
}

static void nothing_left(long pins)
{
	test_step("what is left");
	rotate_tool("unload --all");
	test_sh("rm -rf " PINS "/nvme%d", slot.ctrl);
	test_check(!test_sh("[ -z \"$(ls " PINS " 2>/dev/null)\" ]"),
		   "something is still pinned under " PINS);
	steer_reload();
	test_check(test_wait(pins_now() <= pins, 20000),
		   "%ld pages are still pinned", pins_now() - pins);
	pt_close(&second);
	unbind_and_bind(&plain);
	unbind_and_bind(&other);
}

static void put_right(void *arg)
{
	cpu_on();
	if (running[VICTIM])
		kill(loads[VICTIM].pid, SIGKILL);
	test_write("/sys/module/nvme/parameters/steer_queues", "8");
	test_sh("nvmesteer unload --all >/dev/null 2>&1");
}

int main(void)
{
	unsigned int minutes = test_env("MINUTES", 1);
	unsigned int nr = test_env("FROM", 0), first = nr, i;
	uint64_t end;
	long pins;

	test_begin(60 * minutes + 360);
	printf("# SEED=%ju\n", test_seed());
	began = test_now_ms() / 1000;
	rotate_init();
	pins = pins_now();
	init_loads();
	test_at_end(put_right, NULL);
	end = test_now_ms() + 60000ULL * minutes;
	do {
		phase(nr++);
	} while (test_now_ms() < end);
	pull();
	nothing_left(pins);

	printf("# %u phases;", nr - first);
	for (i = 0; i < ARRAY_LEN(events); i++)
		printf(" %s: %u%s", events[i].name, counts[i],
		       i + 1 < ARRAY_LEN(events) ? "," : "\n");
	group_load_print(&groups);
	copy_load_print(&copies);
	test_pass();
}
