// SPDX-License-Identifier: GPL-2.0
/*
 * A command of the driver's own path whose data is named by a kept mapping, and
 * that the drive does not answer: its pages stay pinned as long, whatever
 * happens meanwhile (they are idle, the policy ends, its process is killed),
 * and no longer (it is answered, the controller is reset). The policy ends all
 * the same, and the module does once the command has.
 *
 * vm: --drives faults --cpus 4
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "pins.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define KEEP_IDLE	"/sys/module/nvmesteer/parameters/keep_idle_ms"

#define PAGE	4096
#define SLBA	64
#define OTHER	128
#define NLB	8		/* a page */

static const struct puppet_config config;

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;

static unsigned int held(void)
{
	struct fault_counters counters;

	fault_counters(&counters);
	return counters.held;
}

static const char *kind(unsigned int how)
{
	return how & PT_FIXED ? "registered" : "plain";
}

static void keep_idle(const char *ms)
{
	test_check(!test_write(KEEP_IDLE, ms), "keep_idle_ms");
}

static void *page(void)
{
	void *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	test_check(b != MAP_FAILED, "mmap");
	return b;
}

/* Read into a buffer until it is kept. */
static void settle(struct pt_ring *r, void *buf, unsigned int how)
{
	uint64_t before, end = test_now_ms() + 10000;
	struct nvme_uring_cmd cmd;

	do {
		test_check(test_now_ms() < end, "a buffer is not kept");
		before = steer_event(ns.ctrl, "own_kept");
		pt_rw(&cmd, &ns, PT_READ, OTHER, NLB, buf, PAGE);
		test_check(!pt_do(r, ns.fd, &cmd, how, NULL), "read");
	} while (steer_event(ns.ctrl, "own_kept") != before + 1);
}

/* Submit a read that is not answered; its mapping is kept. */
static void hold(struct pt_ring *r, void *buf, unsigned int how)
{
	struct fault_rule never = {
		.what = FAULT_NEVER, .opcode = PT_READ, .first_qid = 1,
		.last_qid = FAULT_QUEUES - 1, .slba = SLBA, .nlb = NLB,
	};
	uint64_t before = steer_event(ns.ctrl, "own_kept");
	struct nvme_uring_cmd cmd;

	fault_clear();
	fault_add(&never);
	pt_rw(&cmd, &ns, PT_READ, SLBA, NLB, buf, PAGE);
	pt_queue(r, ns.fd, &cmd, how, 0);
	test_check(pt_submit_only(r) == 1, "submit");
	test_check(test_wait(held() == 1, 5000), "%u are held", held());
	test_check(steer_event(ns.ctrl, "own_kept") == before + 1,
		   "its mapping is not kept");
}

static void reg(struct pt_ring *r, void *buf)
{
	struct iovec iov = { .iov_base = buf, .iov_len = PAGE };
	int ret = io_uring_register_buffers(&r->uring, &iov, 1);

	test_check(!ret, "register: %s", strerror(-ret));
}

/* It is answered: its data is there. */
static void answered(struct pt_ring *r, void *buf)
{
	uint64_t tag;
	int ret;

	fault_change(FAULT_CHANGE_RELEASE, 0);
	ret = pt_reap(r, &tag, NULL);
	test_check(!ret, "it ended with %d", ret);
	test_check(pt_differs(&ns, buf, SLBA, NLB, gen) < 0, "wrong data");
	memset(buf, 0, PAGE);
	fault_clear();
}

static void *rmmod(void *arg)
{
	/* what is left of the policy may keep it for a moment */
	test_wait((*(int *)arg = steer_rmmod()) != -EWOULDBLOCK, 10000);
	return NULL;
}

/* It is idle, and so no other command finds it, but it stays as it is. */
static void idle(unsigned int how)
{
	long pinned = how & PT_FIXED ? 2 : 1;
	struct nvme_uring_cmd cmd;
	uint8_t *buf = page();
	struct pt_ring r;
	uint64_t before;

	test_step("idle, %s buffer", kind(how));
	pt_ring_init(&r, 8, 0);
	if (how & PT_FIXED)
		reg(&r, buf);
	settle(&r, buf, how);
	hold(&r, buf, how);
	keep_idle("50");
	usleep(2600000);
	test_check(pins_now() == pinned,
		   "%ld pages are pinned, with a command under way", pins_now());
	before = steer_event(ns.ctrl, "own_kept");
	pt_rw(&cmd, &ns, PT_READ, OTHER, NLB, buf, PAGE);
	test_check(!pt_do(&r, ns.fd, &cmd, how, NULL), "read");
	test_check(steer_event(ns.ctrl, "own_kept") == before,
		   "what is idle is still found");
	answered(&r, buf);
	pt_ring_exit(&r);
	pins_all_gone("after the command has ended");
	keep_idle("2000");
	munmap(buf, PAGE);
}

/* The policy ends while it is under way, the module when it has ended. */
static void ended(unsigned int how)
{
	uint8_t *buf = page();
	pthread_t thread;
	struct pt_ring r;
	int ret = 1;

	test_step("policy and module end, %s buffer",
		  kind(how));
	pt_ring_init(&r, 8, 0);
	if (how & PT_FIXED)
		reg(&r, buf);
	settle(&r, buf, how);
	hold(&r, buf, how);
	steer_detach(&policy);
	test_check(held() == 1, "the policy waited for a command of the driver's");
	test_check(!pthread_create(&thread, NULL, rmmod, &ret), "thread");
	usleep(500000);
	test_check(held() == 1 && test_exists("/sys/module/nvmesteer") &&
		   pins_now() > 0, "the module did not wait for it (%d)", ret);
	answered(&r, buf);
	pthread_join(thread, NULL);
	test_check(!ret && !test_exists("/sys/module/nvmesteer"), "rmmod: %s",
		   strerror(-ret));
	pt_ring_exit(&r);
	pins_all_gone("after the module is gone");
	steer_modprobe(NULL);
	munmap(buf, PAGE);
	steer_puppet(&policy, ns.ctrl, &config);
	keep_idle("2000");
}

/* A process that is killed meanwhile; then an answer, or a reset. */
static void killed(unsigned int how, bool reset)
{
	struct pt_ring r;
	uint8_t *buf;
	pid_t pid;

	test_step("killed, then %s, %s buffer", reset ? "a reset" : "an answer",
		  kind(how));
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "fork");
	if (!pid) {
		buf = page();
		pt_ring_init(&r, 8, 0);
		if (how & PT_FIXED)
			reg(&r, buf);
		settle(&r, buf, how);
		hold(&r, buf, how);
		raise(SIGKILL);
	}
	test_check(test_wait(held() == 1, 10000), "none is held");
	keep_idle("50");
	usleep(2600000);
	test_check(held() == 1 && pins_now() > 0,
		   "%ld pages are pinned, with a command under way", pins_now());
	if (reset)
		test_check(!vm_reset(ns.ctrl), "reset");
	else
		fault_change(FAULT_CHANGE_RELEASE, 0);
	test_check(waitpid(pid, NULL, 0) == pid, "waitpid");
	pins_all_gone("after the process is gone");
	fault_clear();
	keep_idle("2000");
}

int main(void)
{
	unsigned int how;

	test_begin(120);
	fault_open(&ns);
	steer_puppet(&policy, ns.ctrl, &config);
	test_set_file(KEEP_IDLE, "2000");
	pt_block_write(&ns, SLBA, NLB, gen);
	pt_block_write(&ns, OTHER, NLB, gen);
	for (how = 0; how <= PT_FIXED; how += PT_FIXED) {
		idle(how);
		ended(how);
		killed(how, false);
		killed(how, true);
	}
	fault_host_is_good("its own commands");
	steer_detach(&policy);
	test_pass();
}
