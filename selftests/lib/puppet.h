/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test and the policy puppet.bpf.c share.
 */
#ifndef PUPPET_H
#define PUPPET_H

#define PUPPET_QUEUES	16

/* Read by init(). Queue n is made with mode[n], unless that is 0. */
struct puppet_config {
	__u32 mode[PUPPET_QUEUES];
	__u32 depth[PUPPET_QUEUES];
	__s32 init_ret;		/* what init() returns after that */
	__u32 hold_ms;		/* of the policy, read when it is loaded */
};

/* Answers first, first + 1, ... in turn; @first alone where count < 2. */
struct puppet_answer {
	__s32 first;
	__u32 count;
};

/* Written by the test and the policy while it runs. */
struct puppet_state {
	struct puppet_answer irq;	/* rings that do not poll */
	struct puppet_answer poll;	/* rings that do */
	__u64 other_ring;		/* unless 0: this one gets ... */
	__s32 other;			/* ... this answer */
	__u32 error;			/* give up with this code */
	__u32 turn;
	__u64 calls;
	__u64 exits;
	__u32 exit_kind;
	__s32 init_error;		/* what creating a queue returned */

	/* the command asked about last */
	__u32 source;
	__u32 flags;
	__u16 opcode;
	__u16 ioprio;
	__u32 nsid;
	__u32 len;
	__u32 nlb;
	__u64 slba;
	__u32 ctrl;
	__u64 ring;
	__u32 uid;

	/* batch(), of puppet_batch only: what it answers, and was asked last */
	__s32 gather;
	__u32 batch_queue;
	__u32 batch_mode;
	__u32 batch_depth;
	__u32 batch_ready;
	__u32 batch_inflight;
	__u32 batch_last;
	__u32 batch_interval_ns;
	__u64 batch_age_ns;
	__u64 batch_calls;
	__u64 batch_odd;		/* times something in it was not true */
};

#endif /* PUPPET_H */
