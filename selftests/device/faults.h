/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test and the controller that does wrong (controller.h) share: vendor
 * specific admin commands, sent by the ordinary ioctl. Whatever the controller
 * is told stays until it is told to forget it, over resets too.
 */
#ifndef DEVICE_FAULTS_H
#define DEVICE_FAULTS_H

#include <stdint.h>

/* Opcodes. No rule applies to these commands. */
#define FAULT_ADMIN_CLEAR	0xc0	/* forget all rules, counters to 0 */
#define FAULT_ADMIN_ADD		0xc1	/* a struct fault_rule; its number in DW0 */
#define FAULT_ADMIN_COUNTERS	0xc2	/* a struct fault_counters */
#define FAULT_ADMIN_CHANGE	0xc3	/* a struct fault_change */
#define FAULT_ADMIN_ARRIVALS	0xc4	/* a struct fault_arrivals */

#define FAULT_RULES		8	/* at most */
#define FAULT_QUEUES		33	/* admin queue and I/O queues */
#define FAULT_ANY		0xffff	/* any opcode */

/* What happens to a command. */
enum fault_what {
	/*
	 * no completion: held until a reset, until its queue is deleted, or
	 * until FAULT_CHANGE_RELEASE
	 */
	FAULT_NEVER = 1,
	/* carried out, and completed, after @ms */
	FAULT_LATE,
	/* carried out, and completed, @ms after the answer to its Abort */
	FAULT_AFTER_ABORT,
	/* completed, and once more after @ms */
	FAULT_TWICE,
	/*
	 * first a completion whose command id is the right one XOR @value;
	 * carried out, and completed, @ms after that
	 */
	FAULT_XOR_CID,
	/* likewise, of a command of its queue that completed before */
	FAULT_OLD_CID,
	/* the completion names submission queue @value */
	FAULT_SQID,
	/* the completion's phase tag is wrong for @ms, or for good if that is 0 */
	FAULT_PHASE,
	/* completed with status @value, as in the entry without the phase tag */
	FAULT_STATUS,
	/* completed without an interrupt */
	FAULT_NO_INTERRUPT,
	/* completed, and an interrupt comes with nothing after @ms */
	FAULT_INTERRUPT,
	/* the controller sets CSTS.CFS and does nothing more until a reset */
	FAULT_FATAL,
	/* it does nothing more until a reset, and does not say so */
	FAULT_STALL,
	/* reads give all ones, for @ms, or for good if that is 0 */
	FAULT_GONE,
	/* Set Features, Number of Queues: grants @value of each kind at most */
	FAULT_GRANT,
	FAULT_WHATS
};

/* Flags of a rule. */
#define FAULT_ABORTABLE	(1U << 0)	/* NEVER: its Abort ends it, status 07h */
#define FAULT_INSTEAD	(1U << 1)	/* *_CID: the right one does not follow */
#define FAULT_DONE	(1U << 2)	/* STATUS: carried out all the same; \
					   LATE: at once */

/*
 * Which commands, and what becomes of them. Of several rules that match, the
 * first decides.
 */
struct fault_rule {
	uint16_t what;
	uint16_t opcode;	/* or FAULT_ANY */
	uint16_t first_qid;	/* submission queues, 0: the admin queue */
	uint16_t last_qid;
	uint32_t flags;
	uint32_t skip;		/* so many that match pass first */
	uint32_t every;		/* then one in so many; 0 is 1 */
	uint32_t count;		/* so many in all; 0: no limit */
	uint32_t ms;
	uint32_t value;
	uint32_t part;		/* of a Copy so many ranges are copied at once; \
				   STATUS: and DW0 says so */
	uint64_t slba;		/* I/O commands that touch these blocks ... */
	uint64_t nlb;		/* ... unless this is 0 */
};

/* What happens to the controller, of which its host gets to know by an event. */
enum fault_changes {
	FAULT_CHANGE_BLOCKS = 1,	/* the namespace has so many */
	FAULT_CHANGE_FORMAT,		/* it is formatted, LBA format @value */
	FAULT_CHANGE_READ_ONLY,		/* it is write protected, or not any more */
	FAULT_CHANGE_PAUSE,		/* firmware is activated, for @value ms */
	/*
	 * its Copy commands have at most 4 source ranges of @value blocks each;
	 * it has none as long as nothing else is said. In formats 0h and 2h;
	 * one for fast copies only is refused
	 */
	FAULT_CHANGE_COPY,
	/*
	 * commands that are held are carried out, and completed, now; no event
	 * tells of it
	 */
	FAULT_CHANGE_RELEASE,
	/*
	 * controllers of this namespace that are gone are there again, as after
	 * power-on; no event tells of it, and @value is nothing
	 */
	FAULT_CHANGE_RETURN,
	/* no I/O command is fetched for @value ms; no event tells of it */
	FAULT_CHANGE_BUSY,
};

/*
 * LBA formats of the namespace: blocks of 512 bytes, of 4096, and of 512 that
 * have 16 bytes of metadata with 64-bit guards, which no command moves.
 */
#define FAULT_FORMAT_512	0
#define FAULT_FORMAT_4K		1
#define FAULT_FORMAT_GUARD64	2

struct fault_change {
	uint32_t what;
	uint32_t value;
};

/* I/O commands of one kind, as they were fetched. */
struct fault_count {
	uint32_t commands;
	uint32_t fua;			/* with Force Unit Access */
	uint32_t longest;		/* blocks of the largest of them */
};

struct fault_counters {
	uint32_t done[FAULT_RULES];		/* faults, by rule */
	uint32_t commands[FAULT_QUEUES];	/* fetched, by queue */
	uint32_t doorbells[FAULT_QUEUES];	/* of both kinds, by number */
	uint32_t interrupts[FAULT_QUEUES];	/* by vector */
	/* doorbells of completion queues that a reset has taken away */
	uint32_t late[FAULT_QUEUES];
	struct fault_count reads, writes, copies;
	uint32_t arbitration;		/* CC.AMS */
	uint32_t weights;		/* the feature Arbitration */
	/* QPRIO a submission queue was created with; ~0: it is not there */
	uint32_t prio[FAULT_QUEUES];
	uint32_t held;			/* commands, at the moment */
	uint32_t most_held;		/* at a time */
	uint32_t aborts;		/* Abort commands */
	uint32_t resets;		/* CC.EN cleared, or function reset */
	uint32_t full;			/* times a completion queue had no room */
	/*
	 * what a host must not do: doorbells of queues that are not there or
	 * with values that are too high, ids of commands in flight used again,
	 * addresses that are no memory, queues deleted in the wrong order
	 */
	uint32_t host_errors;
	char host_error[64];		/* the first of them */
};

/* The I/O commands that were fetched since FAULT_ADMIN_CLEAR, in that order. */
#define FAULT_ARRIVALS	255	/* at most; the first of them */

struct fault_arrivals {
	uint64_t nr;			/* of all, which may be more */
	struct {
		uint64_t slba;
		uint32_t opcode;
		uint32_t qid;
	} command[FAULT_ARRIVALS];
};

#endif /* DEVICE_FAULTS_H */
