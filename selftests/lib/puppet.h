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
	__u32 share[PUPPET_QUEUES];	/* of puppet_share only: 0 for none */
	__s32 init_ret;		/* what init() returns after that */
	__u32 hold_ms;		/* of the policy, read when it is loaded */
	__u32 hold_by;		/* likewise */
	__u32 path_hold_ms;	/* likewise */
	__u32 path_hold_more;	/* likewise */
	__u32 timeout_ms;	/* likewise */
	__u32 weights[3];	/* high, medium, low; none if the first is 0 */
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
	__u32 spin;			/* turns of a loop in each route() */
	__u32 path_spin;		/* likewise in path(), of puppet_path */
	__u32 spin_every;		/* of this many, where more than 1 */
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

	/*
	 * block requests, of puppet_block only: the answer for those that are
	 * not polled for and for those that are, and what it was asked last
	 */
	struct puppet_answer block;
	struct puppet_answer block_poll;
	__s32 block_write;		/* unless 0: the answer for writes */
	__u64 block_calls;
	__u64 block_polled;		/* times of which polled for */
	__u32 block_flags;
	__u32 block_all_flags;		/* set in any */
	__u16 block_opcode;
	__u16 block_ioprio;
	__u32 block_nsid;
	__u32 block_len;
	__u32 block_nlb;
	__u64 block_slba;
	__u64 block_ring;
	__u64 block_cgroup;
	__u64 block_parent;		/* of that */
	__u64 block_of_cgroup;		/* times with this cgroup: */
	__u64 block_want_cgroup;
	__u64 block_ops[256];		/* times, by opcode */

	/* copies: the answer of route() for them, and what it was asked last */
	__s32 copy_route;
	__u16 copy_opcode;
	__u64 copy_routed;		/* times */
	__u64 copy_slba;
	__u32 copy_nsid;
	__u32 copy_len;
	__u32 copy_cmd_flags;

	/* of puppet_copy only: the answer of copy(), and what it was asked last */
	__s32 copy_answer;
	__u64 copies;			/* times */
	struct nvme_steer_copy copy;
	__u64 copied_calls;
	struct nvme_steer_copied copied;	/* what copied() was told last */

	/*
	 * of puppet_path only: what path() answers, and what every second
	 * command gets unless that is 0; what it was asked last, and how often
	 * by source
	 */
	__s32 path_answer;
	__s32 path_second;
	__u32 path_turn;
	__u64 path_calls;
	__u64 path_source[8];
	__u64 path_cgroup;
	struct nvme_steer_path path;
};

#endif /* PUPPET_H */
