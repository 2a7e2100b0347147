// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is refused: each operation is done again and again, and each time
 * another allocation of its task fails, the first, the second, until one is
 * not reached. Each time it succeeds or fails with an errno, data is what was
 * written or was there before, nothing hangs, and afterwards the same works;
 * in the end nothing is left. Allocations that other tasks and interrupts make
 * for it are not refused.
 *
 * The operations: attaching a policy that creates queues, one with shares, one
 * for paths; adding a queue by sysfs; the first command of a ring, whose buffer
 * is mapped, by interrupts and polled, from a registered buffer and a plain
 * one; a command group; a copy by the controller and by reading and writing, of
 * an application that names character devices or block devices, and of another
 * kernel module. Needs a kernel that injects faults (make check-debug).
 *
 * timeout: 900
 */
#include <fcntl.h>

#include "copy.h"
#include "group.h"
#include "kcopy.h"
#include "steer.h"
#include "test.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define MOST		3000	/* allocations of one operation */
#define NLB		64
#define GROUP_NR	40

static struct pt_ns ns;
static struct steer_policy policy;
static unsigned int nth;	/* which allocation is to fail */
static bool reached;
static struct image from, to;

/* Open all the time: to open it may need what is to be refused. */
static int nth_fd;
static int kcopy_fd;

static void set_nth(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	test_check(pwrite(nth_fd, text, len, 0) == len, "cannot write %s",
		   FAIL_NTH);
}

static void arm(void)
{
	set_nth(nth);
}

/* Whether the allocation was reached is known from here on. */
static void disarm(void)
{
	char text[16] = "";

	test_check(pread(nth_fd, text, sizeof(text) - 1, 0) > 0,
		   "cannot read %s", FAIL_NTH);
	reached = !atoi(text);
	set_nth(0);
}

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};
static const struct puppet_config shares = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	.share = { [1] = 1, [2] = 1 },
};

/* @policy is loaded; its end is the link's. */
static int attach(void)
{
	int ret;

	arm();
	ret = steer_attach(&policy);
	disarm();
	if (!ret)
		steer_unlink(&policy);
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 10000),
		   "queues are left");
	return ret;
}

static int queue_add(const char *text)
{
	int ret;

	arm();
	ret = test_write(steer_path(ns.ctrl, "queue_add"), text);
	disarm();
	if (!ret)
		test_check(!test_write(steer_path(ns.ctrl, "queue_remove"),
				       "5"), "queue_remove");
	return ret;
}

static int queue_irq(void)
{
	return queue_add("5 irq 64");
}

static int queue_poll(void)
{
	return queue_add("5 poll 64");
}

/*
 * What was queued is submitted with the fault, and again without where the
 * system call itself failed; it ends once.
 */
static int submit(struct pt_ring *r, uint64_t *result)
{
	uint64_t tag;
	int ret;

	arm();
	ret = io_uring_submit(&r->uring);
	disarm();
	if (ret < 0)
		ret = io_uring_submit(&r->uring);
	test_check(ret == 1, "io_uring_submit: %d", ret);
	ret = pt_reap(r, &tag, result);
	test_check(tag == 1, "completion of %ju", tag);
	test_check(!io_uring_cq_ready(&r->uring), "a completion too many");
	return ret;
}

/* A write by a ring and a buffer that are new, so that each time all is done. */
static int first_write(unsigned int mode, unsigned int how)
{
	static uint64_t gen = 1;
	size_t len = NLB * ns.block;
	struct nvme_uring_cmd cmd;
	struct iovec iov = { .iov_len = len };
	struct pt_ring r;
	uint64_t result;
	int ret;

	iov.iov_base = test_alloc(len);
	pt_ring_init(&r, 8, mode);
	if (how & PT_FIXED)
		test_check(!io_uring_register_buffers(&r.uring, &iov, 1),
			   "cannot register a buffer");
	pt_block_write(&ns, 64, NLB, gen);
	pt_fill(&ns, iov.iov_base, 64, NLB, gen + 1);
	pt_rw(&cmd, &ns, PT_WRITE, 64, NLB, iov.iov_base, len);
	pt_queue(&r, ns.fd, &cmd, how, 1);
	ret = submit(&r, &result);
	pt_block_check(&ns, 64, NLB, ret ? gen : gen + 1);
	gen += 2;
	pt_ring_exit(&r);
	free(iov.iov_base);
	return ret;
}

static int write_irq(void)
{
	return first_write(0, PT_FIXED);
}

static int write_poll(void)
{
	return first_write(PT_IOPOLL, PT_FIXED);
}

static int write_irq_plain(void)
{
	return first_write(0, 0);
}

static int write_poll_plain(void)
{
	return first_write(PT_IOPOLL, 0);
}

static int group(unsigned int mode)
{
	struct nvme_steer_group g;
	struct pt_ring r;
	struct arena a;
	uint64_t result;
	unsigned int i;
	int ret;

	arena_init(&a, GROUP_NR, GROUP_NR * ns.block);
	group_ring_init(&r, mode, &a);
	for (i = 0; i < GROUP_NR; i++)
		group_set(&ns, &a.cmds[i], PT_READ, 64 + i, 1,
			  a.data + i * ns.block);
	g = group_whole(&a, GROUP_NR);
	group_queue(&r, ns.fd, &g, PT_FIXED, 1);
	ret = submit(&r, &result);
	for (i = 0; !ret && i < GROUP_NR; i++)
		test_check(!a.cmds[i].status &&
			   pt_block_is(&ns, a.data + i * ns.block, 64 + i, 1),
			   "command %u: %#x, or wrong data", i,
			   a.cmds[i].status);
	pt_ring_exit(&r);
	arena_free(&a);
	return ret;
}

static int group_irq(void)
{
	return group(0);
}

static int group_poll(void)
{
	return group(PT_IOPOLL);
}

/* Of more ranges than a copy has room for. */
static void copy_make(struct copy *c, unsigned int flags)
{
	copy_init(c, 40);
	image_refill(&from, 0, from.len);
	copy_begin(c, &to, 0, flags);
	copy_add_many(c, &from, 40, 4 * ns.block);
}

/* It says the truth. */
static int copy_judge(struct copy *c)
{
	int ret = c->res;

	if (!ret)
		copy_model(c);
	else if (!copy_untouched(c, 0))
		copy_check_report(c, "a copy that failed");
	image_check(&to, "the destination");
	copy_free(c);
	return ret;
}

static int copy(unsigned int mode, unsigned int flags, bool by_block)
{
	struct pt_ring r;
	struct copy c;
	uint64_t result = 0;
	int ret;

	pt_ring_init(&r, 8, mode);
	copy_make(&c, flags);
	if (by_block)
		copy_by_block(&c);
	copy_queue(&r, &c, 0, 1);
	ret = submit(&r, &result);
	copy_ended(&c, ret, result);
	ret = copy_judge(&c);
	pt_ring_exit(&r);
	return ret;
}

static int copy_default(void)
{
	return copy(0, 0, false);
}

static int copy_emulated(void)
{
	return copy(0, NVME_STEER_COPY_F_EMULATE, false);
}

static int copy_polled(void)
{
	return copy(PT_IOPOLL, NVME_STEER_COPY_F_EMULATE, false);
}

static int copy_block(void)
{
	return copy(0, 0, true);
}

static int copy_block_emulated(void)
{
	return copy(0, NVME_STEER_COPY_F_EMULATE, true);
}

/* What the module that asks allocates is refused as well. */
static int copy_of_kernel(unsigned int flags)
{
	struct copy c;

	copy_make(&c, flags);
	arm();
	c.res = kcopy_start(kcopy_fd, &c);
	disarm();
	test_check(c.res != -EUCLEAN, "allocation %u: refused, and begun", nth);
	if (!c.res)
		kcopy_finish(kcopy_fd, &c);
	return copy_judge(&c);
}

static int copy_kernel(void)
{
	return copy_of_kernel(0);
}

static int copy_kernel_emulated(void)
{
	return copy_of_kernel(NVME_STEER_COPY_F_EMULATE);
}

static void sweep(const char *what, int (*op)(void))
{
	unsigned int failed = 0;
	int ret;

	test_step("%s", what);
	for (nth = 1; nth < MOST; nth++) {
		ret = op();
		if (!reached)
			break;
		failed += !!ret;
		test_check(ret <= 0, "allocation %u: status %#x", nth, ret);
	}
	test_check(!reached, "more than %u allocations", MOST);
	test_check(!ret, "without a fault: %s", strerror(-ret));
	test_check(nth > 1, "nothing was allocated");
	printf("#   %u allocations, %u of them refused with an error\n",
	       nth - 1, failed);
}

static void sweep_attach(const char *what, const char *name,
			 const struct puppet_config *c)
{
	int ret = steer_load(&policy, ns.ctrl, name, c);

	test_check(!ret, "load: %s", strerror(-ret));
	sweep(what, attach);
	steer_detach(&policy);
}

static void faults(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	test_check(!test_write(path, value), "cannot write %s", path);
}

int main(void)
{
	test_begin(900);
	if (!test_exists(FAIL_NTH) ||
	    !test_exists("/sys/kernel/debug/failslab"))
		test_skip("this kernel injects no faults (CONFIG_FAILSLAB); make check-debug has one");
	/* those that may wait as well, and without a word */
	faults("failslab/ignore-gfp-wait", "N");
	faults("failslab/verbose", "0");
	if (test_exists("/sys/kernel/debug/fail_page_alloc")) {
		faults("fail_page_alloc/ignore-gfp-wait", "N");
		faults("fail_page_alloc/min-order", "0");
		faults("fail_page_alloc/verbose", "0");
	}
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	test_check(nth_fd >= 0, "cannot open %s", FAIL_NTH);
	pt_open(&ns, PT_WANT_PLAIN);
	sweep_attach("attaching a policy with queues", "puppet", &config);
	sweep_attach("with shares", "puppet_share", &shares);
	sweep_attach("for paths", "puppet_path", NULL);
	sweep("adding an interrupt queue", queue_irq);
	sweep("adding a polled queue", queue_poll);

	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 2);
	sweep("the first write of a ring", write_irq);
	sweep("of a ring that polls", write_poll);
	sweep("from a plain buffer", write_irq_plain);
	sweep("from a plain buffer, polling", write_poll_plain);
	pt_block_write(&ns, 64, GROUP_NR, 1);
	sweep("a group", group_irq);
	sweep("a group of a ring that polls", group_poll);
	image_init(&from, &ns, 16 << 20, 512 << 10);
	image_init(&to, &ns, 24 << 20, 512 << 10);
	sweep("a copy", copy_default);
	sweep("a copy by reading and writing", copy_emulated);
	sweep("a copy of a ring that polls", copy_polled);
	sweep("a copy of block devices", copy_block);
	sweep("by reading and writing", copy_block_emulated);
	kcopy_load();
	kcopy_fd = kcopy_open();
	sweep("a copy of a kernel module", copy_kernel);
	sweep("by reading and writing", copy_kernel_emulated);
	close(kcopy_fd);
	kcopy_unload();
	steer_detach(&policy);
	steer_reload();
	test_pass();
}
