// SPDX-License-Identifier: GPL-2.0
/*
 * A policy that is asked about copies alone is asked about every Copy, though
 * the program goes on writing to the SQE all the time: no command becomes one
 * once the driver has been told to carry it out itself. What the driver carried
 * out, and has counted, are the commands that have read.
 *
 * vm: --cpus 2 --beside
 */
#include <pthread.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define OPC_COPY	0x19
#define COMMANDS	2000
#define GEN		12

static struct pt_ns ns;
static volatile bool stop;

/* A read and a Copy, in turn, as fast as can be, in each SQE of the ring. */
static void *rewrite(void *arg)
{
	struct pt_ring *r = arg;
	unsigned int i, n = r->uring.sq.ring_entries;
	uint8_t opcode;

	for (opcode = PT_READ; !stop; opcode ^= PT_READ ^ OPC_COPY)
		for (i = 0; i < n; i++) {
			struct nvme_uring_cmd *cmd =
				(void *)r->uring.sq.sqes[2 * i].cmd;

			__atomic_store_n(&cmd->opcode, opcode,
					 __ATOMIC_RELAXED);
		}
	return NULL;
}

/* Commands on the driver's own path. */
static uint64_t own(void)
{
	struct steer_queues qs;

	steer_queues(ns.ctrl, &qs);
	test_check(qs.q[0].submitted == qs.q[0].completed + qs.q[0].failed +
		   qs.q[0].cancelled, "queue 0 has commands in flight");
	return qs.q[0].submitted;
}

static void check(struct pt_ring *r, unsigned int how)
{
	/* as a descriptor it names blocks that there are not */
	uint8_t *buf = test_alloc(ns.block);
	struct iovec iov = { .iov_base = buf, .iov_len = ns.block };
	unsigned int i, reads = 0, copies = 0;
	struct nvme_uring_cmd cmd;
	uint64_t before;
	pthread_t thread;
	int ret;

	test_step("%s ring, %s buffer", pt_mode_name(r->mode),
		  how & PT_FIXED ? "registered" : "plain");
	if (how & PT_FIXED)
		test_check(!io_uring_register_buffers(&r->uring, &iov, 1),
			   "register");
	before = own();
	stop = false;
	test_check(!pthread_create(&thread, NULL, rewrite, r),
		   "pthread_create");
	for (i = 0; i < COMMANDS; i++) {
		memset(buf, 0xa5, ns.block);
		pt_rw(&cmd, &ns, i & 1 ? PT_READ : OPC_COPY, 0, 1, buf,
		      ns.block);
		ret = pt_do(r, ns.fd, &cmd, how, NULL);
		if (ret) {
			copies++;
			continue;
		}
		test_check(pt_block_is(&ns, buf, 0, GEN),
			   "command %u succeeded and read nothing", i);
		reads++;
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("#   %u reads, %u copies\n", reads, copies);
	test_check(reads && copies, "only one of them was ever seen");
	test_check(own() - before == reads,
		   "the driver carried out %ju commands, of which %u are reads",
		   (uintmax_t)(own() - before), reads);
	if (how & PT_FIXED)
		io_uring_unregister_buffers(&r->uring);
	free(buf);
}

int main(void)
{
	struct steer_policy policy;
	struct pt_ring r;
	unsigned int mode;

	test_begin(120);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_block_write(&ns, 0, 1, GEN);
	test_check(!steer_load(&policy, ns.ctrl, "copyemu", NULL), "load");
	test_check(!steer_attach(&policy), "attach");
	for (mode = 0; mode <= PT_IOPOLL; mode += PT_IOPOLL) {
		pt_ring_init(&r, 1, mode);
		check(&r, 0);
		check(&r, PT_FIXED);
		pt_ring_exit(&r);
	}
	steer_detach(&policy);
	test_pass();
}
