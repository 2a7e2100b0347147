// SPDX-License-Identifier: GPL-2.0
/*
 * What the policy was told of a command is what is sent, on a steer queue and
 * on the driver's own path, though the program goes on writing to the SQE all
 * the time: the data read is of the block that the policy saw.
 *
 * vm: --cpus 2 --beside
 */
#include <pthread.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define COMMANDS	400
#define GEN		11

static struct pt_ns ns;
static struct steer_policy policy;
static volatile bool stop;

/* Two blocks, in turn, as fast as can be, in each SQE of the ring. */
static void *rewrite(void *arg)
{
	struct pt_ring *r = arg;
	unsigned int i, n = r->uring.sq.ring_entries;
	uint64_t slba;

	for (slba = 0; !stop; slba ^= 1)
		for (i = 0; i < n; i++) {
			struct nvme_uring_cmd *cmd =
				(void *)r->uring.sq.sqes[2 * i].cmd;

			__atomic_store_n(&cmd->cdw10, slba, __ATOMIC_RELAXED);
		}
	return NULL;
}

static void check(struct pt_ring *r, unsigned int how, const char *where)
{
	uint8_t *buf = test_alloc(ns.block);
	struct iovec iov = { .iov_base = buf, .iov_len = ns.block };
	unsigned int i, seen[2] = { }, turns = 0;
	struct nvme_uring_cmd cmd;
	uint64_t slba, last = 0;
	pthread_t thread;

	test_step("%s ring, %s buffer, %s", pt_mode_name(r->mode),
		  how & PT_FIXED ? "registered" : "plain", where);
	if (how & PT_FIXED)
		test_check(!io_uring_register_buffers(&r->uring, &iov, 1),
			   "register");
	stop = false;
	test_check(!pthread_create(&thread, NULL, rewrite, r),
		   "pthread_create");
	for (i = 0; i < COMMANDS; i++) {
		memset(buf, 0xa5, ns.block);
		pt_rw(&cmd, &ns, PT_READ, i & 1, 1, buf, ns.block);
		test_check(!pt_do(r, ns.fd, &cmd, how, NULL), "read");
		slba = __atomic_load_n(&policy.state->slba, __ATOMIC_RELAXED);
		test_check(slba < 2, "the policy saw block %ju", slba);
		test_check(pt_block_is(&ns, buf, slba, GEN),
			   "command %u: the policy saw block %ju, the data is %s",
			   i, slba, pt_block_is(&ns, buf, !slba, GEN) ?
			   "the other's" : "of neither");
		seen[slba]++;
		turns += slba != last;
		last = slba;
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("#   saw block 0 %u times, block 1 %u times, %u turns\n",
	       seen[0], seen[1], turns);
	test_check(seen[0] && seen[1], "only one block was ever seen");
	if (how & PT_FIXED)
		io_uring_unregister_buffers(&r->uring);
	free(buf);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct pt_ring r;
	unsigned int mode;

	test_begin(170);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_block_write(&ns, 0, 2, GEN);
	steer_puppet(&policy, ns.ctrl, &config);
	for (mode = 0; mode <= PT_IOPOLL; mode += PT_IOPOLL) {
		pt_ring_init(&r, 1, mode);
		steer_answer(&policy, NVME_STEER_DEFAULT, NVME_STEER_DEFAULT);
		check(&r, 0, "driver's own path");
		check(&r, PT_FIXED, "driver's own path");
		steer_answer(&policy, 1, 2);
		check(&r, 0, "steer queue");
		check(&r, PT_FIXED, "steer queue");
		pt_ring_exit(&r);
	}
	steer_detach(&policy);
	test_pass();
}
