// SPDX-License-Identifier: GPL-2.0
/*
 * A queue that gets nowhere while the controller answers elsewhere: the policy
 * is ejected, each command ends once, the queue is freed, and the same policy
 * can be loaded again at once. So it is with block requests, which all end well;
 * and where the policy is detached, replaced or switched off, or the controller
 * is reset, at that very moment. It is not ejected where that is not so: all
 * queues wait for a slow drive, or the queue and block requests on the driver's
 * own path; commands wait for their share; nobody polls; a command may take its
 * time; or the whole machine has stood still.
 *
 * One queue's commands are for a namespace whose drive is held up, the other's
 * for another one of the same controller.
 *
 * vm: --cpus 4
 * timeout: 400
 */
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <linux/rtc.h>
#include <time.h>

#include "reads.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NR	8	/* commands that are held up */
#define T	2000	/* timeout_ms */
#define FIRST	64	/* block */
#define LIMIT	60000	/* ms, of whatever is waited for */

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL },
	.timeout_ms = T,
};

static struct pt_ns ns, other;
static struct pt_ring held, quick;
static struct steer_policy policy;
static uint8_t *buf, *quick_buf;
static char dump[1 << 18];

static bool state_is(const char *want)
{
	return steer_state_is(ns.ctrl, want);
}

static void submit(struct pt_ring *r, uint32_t timeout_ms)
{
	reads_submit(r, &ns, buf, FIRST, NR, timeout_ms);
}

/* Each ends once; how many well. */
static unsigned int reap(struct pt_ring *r)
{
	return reads_reap(r, &ns, buf, FIRST, NR).good;
}

/* A read of the namespace that nobody holds up; its ring's queue is @queue. */
static void quick_read(void)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_rw(&cmd, &other, PT_READ, FIRST, 1, quick_buf, other.block);
	ret = pt_do(&quick, other.fd, &cmd, 0, NULL);
	test_check(!ret, "a read ended with %d", ret);
}

static void detach(void *arg)
{
	steer_detach(arg);
}

static void end_policy(void)
{
	steer_detach(&policy);
	test_not_at_end(detach, &policy);
}

static void attach(const struct puppet_config *c)
{
	int ret;

	ret = steer_load(&policy, ns.ctrl, "puppet", c);
	test_check(!ret, "cannot load the policy: %s", strerror(-ret));
	/* while the controller is being reset there are no queues to be had */
	test_check(test_wait((ret = steer_attach(&policy)) != -ENODEV, LIMIT) &&
		   !ret, "cannot attach the policy: %s", strerror(-ret));
	test_at_end(detach, &policy);
	steer_answer(&policy, 2, 3);
	quick_read();
	policy.state->other_ring = policy.state->ring;
	policy.state->other = 2;
	steer_answer(&policy, 1, 3);
}

static void all_well(void)
{
	test_check(vm_wait_live(ns.ctrl, LIMIT), "the controller is not live");
	quick_read();
	submit(&held, 0);
	test_check(reap(&held) == NR, "commands fail");
}

static void stays(void)
{
	char word[160] = "";

	if (!state_is("attached"))
		steer_exit(ns.ctrl, "reason", word, sizeof(word));
	test_check(state_is("attached"), "it was ejected: %s", word);
}

/* @from: who sent the commands; @slba, @blocks: what the last of them names */
static void expect_stall(const char *where, const char *from, uint64_t slba,
			 unsigned int blocks)
{
	char word[160], sent[64], state[64];

	test_check(test_wait(state_is("ended"), LIMIT), "it was not ejected");
	test_check(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "stall"), "exit kind is '%s'", word);
	test_check(steer_exit(ns.ctrl, "reason", word, sizeof(word)) &&
		   strstr(word, "of queue 1 ") && strstr(word, where),
		   "reason '%s'", word);
	printf("#   %s\n", word);

	/* the commands that were in flight, as they were */
	test_check(test_read(steer_path(ns.ctrl, "dump"), dump,
			     sizeof(dump)) > 0, "no dump");
	snprintf(sent, sizeof(sent), "opcode=0x02 nsid=%u slba=%ju blocks=%u\n",
		 ns.nsid, slba, blocks);
	snprintf(state, sizeof(state), " state=aborted from=%s ", from);
	test_check(strstr(dump, "\nrings:\n1 sq_head=") &&
		   strstr(dump, state) && strstr(dump, sent),
		   "the dump says: %s", dump);
}

/* What it has decided meanwhile, not longer ago than looks are apart. */
static void expect_decision(void)
{
	const char *at = strstr(dump, "\ndecisions:\nage_ms=");
	unsigned long age;

	test_check(at, "the dump says: %s", dump);
	age = strtoul(at + strlen("\ndecisions:\nage_ms="), NULL, 10);
	test_check(age <= 1000 * test_slow(),
		   "the last decision is %lu ms old", age);
	test_check(strstr(at, " op=route answer=2 took_ns=") &&
		   strstr(at, " source=uring opcode=0x02 ") &&
		   strstr(at, " comm=watchdog_stall\n"), "the dump says: %s",
		   dump);
}

/* The queue of the others answers meanwhile, or there is none in use. */
static void stalls(bool answered)
{
	uint64_t ejected = steer_event(ns.ctrl, "ejected");

	test_step(answered ? "another queue answers" :
			     "no other queue is in use");
	attach(&config);
	vm_hold_up(ns.name, true);
	submit(&held, 0);
	if (answered)
		test_wait(({ quick_read(); !state_is("attached"); }), LIMIT);
	expect_stall(answered ? "on other queues" : "admin commands", "ring",
		     FIRST + NR - 1, 1);
	if (answered)
		expect_decision();

	/* that waits for the queue, which a reset empties */
	end_policy();
	attach(&config);
	vm_hold_up(ns.name, false);
	printf("#   %u of %u ended well\n", reap(&held), NR);
	all_well();
	test_check(state_is("attached"), "it was ejected again");
	test_check(steer_event(ns.ctrl, "ejected") == ejected + 1,
		   "ejected more than once");
	end_policy();
	test_check(!steer_reserve(ns.ctrl, "used"), "queues are left");
	all_well();
}

/* ---------------------------------------------------------- block requests */

#define PAGE	4096

static void block_submit(struct pt_ring *r)
{
	struct io_uring_sqe *sqe;
	unsigned int i;
	int ret;

	memset(buf, 0xa5, NR * PAGE);
	for (i = 0; i < NR; i++) {
		sqe = io_uring_get_sqe(&r->uring);
		io_uring_prep_read(sqe, ns.block_fd, buf + i * PAGE, ns.block,
				   (FIRST + i) * (uint64_t)ns.block);
	}
	ret = pt_submit_only(r);
	test_check(ret == NR, "submitted %d of %d", ret, NR);
}

static void block_reap(struct pt_ring *r)
{
	struct io_uring_cqe *cqe;
	unsigned int i;
	int ret;

	for (i = 0; i < NR; i++) {
		ret = io_uring_wait_cqe(&r->uring, &cqe);
		test_check(!ret && cqe->res == (int)ns.block, "read: %d, %d",
			   ret, ret ? 0 : cqe->res);
		io_uring_cqe_seen(&r->uring, cqe);
	}
	test_check(!io_uring_cq_ready(&r->uring), "a completion too many");
	for (i = 0; i < NR; i++)
		test_check(pt_block_is(&ns, buf + i * PAGE, FIRST + i, 1),
			   "a read ended with wrong data");
}

/* The driver aborts them and resets the controller, and all end well. */
static void block_stalls(void)
{
	struct puppet_config c = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ },
		.timeout_ms = 500,
	};
	uint64_t ejected = steer_event(ns.ctrl, "ejected");
	char path[64], before[32];

	test_step("block requests, and another queue answers");
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/io_timeout",
		 ns.name);
	test_check(test_read(path, before, sizeof(before)) > 0, "no %s", path);
	test_set_file(path, "2000");
	steer_puppet_block(&policy, ns.ctrl, &c);
	steer_answer_block(&policy, 1, 1, 1, 1);
	steer_answer(&policy, 2, 2);
	vm_hold_up(ns.name, true);
	block_submit(&held);
	test_wait(({ quick_read(); !state_is("attached"); }), LIMIT);
	expect_stall("on other queues", "block request", FIRST + NR - 1, 1);
	vm_hold_up(ns.name, false);
	block_reap(&held);
	test_check(steer_event(ns.ctrl, "ejected") == ejected + 1,
		   "ejected more than once");
	end_policy();
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), LIMIT),
		   "queues are left");
	test_set_file(path, before);
	all_well();
}

/* -------------------------------------------- while something else ends it */

static const char * const disturbances[] = {
	"detached", "replaced", "reset", "switched off",
};

static void disturb(unsigned int how)
{
	struct steer_policy next;
	int ret = 0;

	switch (how) {
	case 0:
		break;
	case 1:
		ret = steer_load(&next, ns.ctrl, "puppet", &config);
		test_check(!ret, "load: %s", strerror(-ret));
		ret = bpf_link__update_map(policy.link, next.ops);
		/* it was ejected before: its link is no more */
		test_check(!ret || ret == -ENOLINK || ret == -EINVAL,
			   "replace: %s", strerror(-ret));
		if (!ret)
			stays();
		end_policy();
		steer_detach(&next);
		return;
	case 2:
		ret = vm_reset(ns.ctrl);
		break;
	default:
		ret = test_write(steer_path(ns.ctrl, "off"), "1");
		break;
	}
	test_check(!ret || ret == -ENOENT, "%s: %s", disturbances[how],
		   strerror(-ret));
	end_policy();
}

/* Around the moment at which it is to be ejected. */
static void raced(void)
{
	struct puppet_config c = config;
	unsigned int i, stalled = 0;
	uint64_t ejected, end;

	c.timeout_ms = 500;
	for (i = 0; i < 16; i++) {
		test_step("%s, %u", disturbances[i % 4], i / 4);
		ejected = steer_event(ns.ctrl, "ejected");
		attach(&c);
		vm_hold_up(ns.name, true);
		submit(&held, 0);
		end = test_now_ms() + 450 + 130 * (i / 4);
		while (test_now_ms() < end)
			quick_read();
		disturb(i % 4);
		vm_hold_up(ns.name, false);
		reap(&held);
		all_well();
		ejected = steer_event(ns.ctrl, "ejected") - ejected;
		test_check(ejected <= 1, "ejected %ju times", ejected);
		test_check(test_wait(!steer_reserve(ns.ctrl, "used"), LIMIT),
			   "queues are left");
		stalled += ejected;
	}
	printf("#   %u of %u were ejected\n", stalled, i);
	test_check(stalled, "none was ejected");
	test_check(stalled < i, "each was ejected before anything happened");
}

/* ------------------------------------------------------ what is no stall */

/* Until the driver has had enough and resets the controller. */
static void wait_reset(uint64_t before)
{
	test_check(test_wait(steer_event(ns.ctrl, "reset") > before, LIMIT),
		   "no reset");
}

static void all_slow(void)
{
	uint64_t resets = steer_event(ns.ctrl, "reset");
	struct nvme_uring_cmd cmd;

	test_step("all queues wait");
	attach(&config);
	vm_hold_up(ns.name, true);
	/* on queue 2 two: the first one may be the one that the drive takes */
	pt_rw(&cmd, &ns, PT_READ, FIRST, 1, quick_buf, ns.block);
	pt_queue(&quick, ns.fd, &cmd, 0, 7);
	pt_queue(&quick, ns.fd, &cmd, 0, 8);
	pt_submit_only(&quick);
	submit(&held, 0);
	wait_reset(resets);
	stays();
	vm_hold_up(ns.name, false);
	pt_reap(&quick, NULL, NULL);
	pt_reap(&quick, NULL, NULL);
	reap(&held);
	all_well();
	stays();
	end_policy();
}

/* Twice: the first one may be the one that the drive takes. */
static void *block_read(void *arg)
{
	pt_block_read(&ns, arg, FIRST, 1);
	pt_block_read(&ns, arg, FIRST, 1);
	return NULL;
}

static void block_slow(void)
{
	uint64_t resets = steer_event(ns.ctrl, "reset");
	uint8_t *data = test_alloc(4096);
	pthread_t thread;

	test_step("block requests wait as well");
	attach(&config);
	vm_hold_up(ns.name, true);
	test_check(!pthread_create(&thread, NULL, block_read, data),
		   "pthread_create");
	/* it has been sent when it is the older one */
	usleep(300000);
	submit(&held, 0);
	wait_reset(resets);
	stays();
	vm_hold_up(ns.name, false);
	reap(&held);
	pthread_join(thread, NULL);
	all_well();
	stays();
	end_policy();
	free(data);
}

static void patient(void)
{
	uint64_t timeouts = steer_event(ns.ctrl, "timeout"), end;

	test_step("commands that may take longer");
	attach(&config);
	vm_hold_up(ns.name, true);
	submit(&held, 20 * T);
	end = test_now_ms() + 3 * T;
	while (test_now_ms() < end)
		quick_read();
	stays();
	vm_hold_up(ns.name, false);
	test_check(reap(&held) == NR, "commands failed");
	test_check(steer_event(ns.ctrl, "timeout") == timeouts,
		   "there was a timeout");
	end_policy();
}

static void not_polled(void)
{
	struct pt_ring r;
	uint64_t end;

	test_step("nobody polls");
	attach(&config);
	pt_ring_init(&r, 64, PT_IOPOLL);
	submit(&r, 0);
	end = test_now_ms() + 3 * T;
	while (test_now_ms() < end)
		quick_read();
	stays();
	test_check(reap(&r) == NR, "commands failed");
	pt_ring_exit(&r);
	end_policy();
}

static void shares(void)
{
	struct puppet_config c = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ },
		.share = { [1] = 1 },
		.timeout_ms = 1000,
	};
	struct nvme_steer_share limit = { .iops = 1, .burst_ms = 1 };
	uint64_t end;

	test_step("commands wait for their share");
	steer_puppet_share(&policy, ns.ctrl, &c);
	steer_share(&policy, 1, &limit);
	steer_answer(&policy, 2, 2);
	quick_read();
	policy.state->other_ring = policy.state->ring;
	policy.state->other = 2;
	steer_answer(&policy, 1, 1);
	submit(&held, 0);
	end = test_now_ms() + 4000;
	while (test_now_ms() < end)
		quick_read();
	stays();
	limit.iops = 0;
	steer_share(&policy, 1, &limit);
	test_check(reap(&held) == NR, "commands failed");
	end_policy();
}

/* The machine's clock that goes on while it stands still, in seconds. */
static time_t real_time(void)
{
	struct rtc_time t;
	struct tm tm = { };
	int fd = open("/dev/rtc0", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RTC_RD_TIME, &t)) {
		close(fd);
		return 0;
	}
	close(fd);
	tm.tm_sec = t.tm_sec;
	tm.tm_min = t.tm_min;
	tm.tm_hour = t.tm_hour;
	tm.tm_mday = t.tm_mday;
	tm.tm_mon = t.tm_mon;
	tm.tm_year = t.tm_year;
	return timegm(&tm);
}

static void stood_still(void)
{
	struct puppet_config c = config;
	char line[4096] = "stop\n";
	time_t before, after;
	unsigned int i;

	test_step("the machine stands still");
	c.timeout_ms = 300;
	attach(&c);
	/* the emulator is busy with this while the guest does nothing */
	for (i = 0; i < 24; i++)
		strcat(line, "pmemsave 0 0x8000000 \"/dev/null\"\n");
	strcat(line, "cont");
	vm_hold_up(ns.name, true);
	submit(&held, 20 * T);
	before = real_time();
	vm_monitor(line, NULL, 0);
	for (i = 0; i < 100; i++)
		quick_read();
	after = real_time();
	stays();
	printf("#   for %ld s\n", (long)(after - before));
	vm_hold_up(ns.name, false);
	test_check(reap(&held) == NR, "commands failed");
	end_policy();
}

int main(void)
{
	test_begin(380);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_open(&other, PT_WANT_SECOND);
	test_check(other.ctrl == ns.ctrl, "not of the same controller");
	pt_block_write(&ns, FIRST, NR, 1);
	pt_ring_init(&held, 64, 0);
	pt_ring_init(&quick, 8, 0);
	buf = test_alloc(NR * 4096);
	quick_buf = test_alloc(4096);

	patient();
	not_polled();
	shares();
	stood_still();
	stalls(true);
	stalls(false);
	block_stalls();
	raced();
	all_slow();
	block_slow();
	test_pass();
}
