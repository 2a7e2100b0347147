// SPDX-License-Identifier: GPL-2.0
/*
 * The policy fair on a drive that is the bottleneck: two cgroups with weights of
 * 3:1 get 3:1 within 10 %, both by passthrough, by the block device, or one of
 * each, and another ratio as soon as the map says so; what no cgroup has, and
 * discards, belong to shares of their own.
 *
 * vm: --cpus 4 --beside
 * timeout: 300
 */
#include <linux/fs.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "tenant.h"
#include "test.h"
#include "vm.h"

#define IOPS	1500	/* of the drive */
#define COUNT	2000	/* commands to measure by */
#define TRIES	4
#define CGROUPS	"/sys/fs/cgroup"

static const char * const groups[] = { "fair_heavy", "fair_light" };
static struct pt_ns ns;
static atomic_ulong *ended;
static pid_t pids[2];

static void clean_up(void *arg)
{
	char path[64];
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	test_sh("nvmesteer unload nvme%d >/dev/null 2>&1", ns.ctrl);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), CGROUPS "/%s", groups[i]);
		rmdir(path);
	}
}

static void child(unsigned int i, bool block, unsigned int mode)
{
	struct tenant t = {
		.ns = &ns, .block = block, .depth = 128, .nlb = 8,
		.first = i * 32768,
	};
	char path[64];

	snprintf(path, sizeof(path), CGROUPS "/%s/cgroup.procs", groups[i]);
	test_check(!test_write(path, "0"), "cannot enter %s", path);
	tenant_init(&t, mode);
	for (;;) {
		tenants_run(&t, 1, 1, 0);
		atomic_store(&ended[i], t.ended);
	}
}

/* Commands of both while @n of them end. */
static void count(unsigned long n, uint64_t got[2])
{
	unsigned long was[] = { ended[0], ended[1] };

	test_check(test_wait(ended[0] + ended[1] - was[0] - was[1] >= n, 60000),
		   "no I/O");
	got[0] = ended[0] - was[0];
	got[1] = ended[1] - was[1];
	printf("#   %ju to %ju\n", got[0], got[1]);
}

/*
 * The drive is divided @ratio to 1, within 10 %. The machine under the emulator
 * may hold a tenant up for longer than its commands last: some tries, with a
 * drive that is slower each time.
 */
static void divided(unsigned int ratio)
{
	uint64_t got[2];
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		vm_throttle(ns.name, IOPS >> i);
		count(COUNT / 4, got);
		count(COUNT, got);
		if (got[0] * 10 >= got[1] * 9 * ratio &&
		    got[0] * 10 <= got[1] * 11 * ratio)
			return;
	}
	test_fail("%ju to %ju instead of %u to 1", got[0], got[1], ratio);
}

static void divide(const char *what, bool block_a, bool block_b,
		   unsigned int mode)
{
	unsigned int i;

	test_step("%s", what);
	for (i = 0; i < 2; i++) {
		ended[i] = 0;
		pids[i] = fork();
		if (!pids[i])
			child(i, i ? block_b : block_a, mode);
	}
	test_check(test_wait(ended[0] && ended[1], 20000), "no I/O");
	divided(3);
	test_check(!test_sh("nvmesteer set nvme%d shares.3.weight=100",
			    ns.ctrl), "set");
	divided(1);
	test_check(!test_sh("nvmesteer set nvme%d shares.3.weight=300",
			    ns.ctrl), "set");
	vm_throttle(ns.name, 0);
	for (i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = 0;
	}
	test_check(steer_wait_idle(ns.ctrl, 20000), "commands are left");
}

static void others(void)
{
	uint64_t range[2] = { 0, 1 << 20 };
	uint64_t back = steer_share_word(ns.ctrl, 1, "commands");
	uint64_t other = steer_share_word(ns.ctrl, 2, "commands");

	test_step("no cgroup's, and discards");
	pt_block_write(&ns, 0, 64, 7);
	pt_block_check(&ns, 0, 64, 7);
	test_check(steer_share_word(ns.ctrl, 2, "commands") > other,
		   "not counted for share 2");
	if (!ioctl(ns.block_fd, BLKDISCARD, range))
		test_check(steer_share_word(ns.ctrl, 1, "commands") > back,
			   "not counted for share 1");
}

int main(void)
{
	char path[64];
	unsigned int i;

	test_begin(280);
	pt_open(&ns, PT_WANT_PLAIN);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to make a drive slow");
	ended = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_sh("echo +io > " CGROUPS "/cgroup.subtree_control");
	test_at_end(clean_up, NULL);
	test_check(!test_sh("nvmesteer load --dev nvme%d --block --set drive_depth=8 fair",
			    ns.ctrl), "load");
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), CGROUPS "/%s", groups[i]);
		mkdir(path, 0755);
		test_check(!test_sh("nvmesteer set nvme%d groups.cgroup:/%s.share=%u shares.%u.weight=%u",
				    ns.ctrl, groups[i], 3 + i, 3 + i,
				    i ? 100 : 300), "set");
	}
	divide("passthrough and passthrough", false, false, 0);
	divide("polled passthrough", false, false, PT_IOPOLL);
	divide("block and block", true, true, 0);
	divide("passthrough and block", false, true, 0);
	others();
	test_pass();
}
