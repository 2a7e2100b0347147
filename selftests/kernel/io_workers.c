// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are issued by workers of io_uring: of those, too, that were made
 * while the program was interrupted in the middle of its own code, where an x86
 * kernel with the x32 ABI takes them for callers with 32-bit addresses. All
 * commands end well and with their data, with plain buffers and arrays of them,
 * on the driver's own path and on a queue.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define NR	16	/* commands */
#define TAGS	"4"	/* the block layer has, so that workers wait and more come */
#define FIRST	64	/* block */

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ },
};

static struct pt_ns ns;
static struct steer_policy policy;
static uint8_t *buf;

/* Without a system call. */
static void spin(void)
{
	volatile unsigned int i;

	for (i = 0; i < 20 * 1000 * 1000; i++)
		;
}

static void submit(struct pt_ring *r, bool vec)
{
	static struct iovec iov[NR][2];
	struct nvme_uring_cmd cmd;
	unsigned int i, half = ns.block / 2;
	uint8_t *to;

	for (i = 0; i < NR; i++) {
		to = buf + i * ns.block;
		iov[i][0] = (struct iovec) { to, half };
		iov[i][1] = (struct iovec) { to + half, ns.block - half };
		if (vec)
			pt_rw(&cmd, &ns, PT_READ, FIRST + i, 1, iov[i], 2);
		else
			pt_rw(&cmd, &ns, PT_READ, FIRST + i, 1, to, ns.block);
		pt_queue(r, ns.fd, &cmd, PT_ASYNC | (vec ? PT_VEC : 0), i);
	}
	test_check(pt_submit_only(r) == NR, "not all were submitted");
}

static void reap(struct pt_ring *r)
{
	unsigned int i;
	int ret;

	for (i = 0; i < NR; i++) {
		ret = pt_reap(r, NULL, NULL);
		test_check(!ret, "a read ended with %d", ret);
	}
	test_check(pt_differs(&ns, buf, FIRST, NR, 1) < 0, "wrong data");
}

static void reads(const char *what, bool vec)
{
	struct pt_ring r;

	test_step("%s%s", what, vec ? ", arrays of buffers" : "");
	pt_ring_init(&r, NR, 0);
	vm_hold_up(ns.name, true);
	memset(buf, 0xa5, NR * ns.block);
	submit(&r, vec);
	spin();
	vm_hold_up(ns.name, false);
	reap(&r);
	pt_ring_exit(&r);
}

int main(void)
{
	char path[64];

	test_begin(60);
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(path, sizeof(path), "/sys/block/nvme%s/queue/nr_requests",
		 ns.name);
	test_set_file(path, TAGS);
	buf = test_alloc(NR * ns.block);
	test_check((uintptr_t)buf >> 32, "the buffer's address is short");
	pt_block_write(&ns, FIRST, NR, 1);

	reads("the driver's own path", false);
	reads("the driver's own path", true);
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, NVME_STEER_DEFAULT, NVME_STEER_DEFAULT);
	reads("the policy leaves them to the driver", false);
	reads("the policy leaves them to the driver", true);
	steer_answer(&policy, 1, 1);
	reads("a queue", false);
	reads("a queue", true);
	steer_detach(&policy);
	test_pass();
}
