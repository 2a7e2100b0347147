/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults by ways: each fault happens to a read and a write out of sixteen
 * commands that go one way to the controller, the driver's own or a steer
 * queue. What must hold in every cell of that table, cell_run() checks:
 *
 * each command ends exactly once, the same way as on the driver's own path
 * with nothing attached; the data is old or new where a command failed, new
 * where a write succeeded, and untouched beside them; the fault did happen, on
 * the queue it was meant for; the controller is live afterwards, and the queue
 * carries commands again; the host did nothing a host must not; the policy,
 * which gives its queues more time than any fault takes, is still attached.
 *
 * A reset that ends polled passthrough commands on the driver's own path is left
 * out while nothing is attached: the stock driver may crash there, as the request
 * that the ring polls for is freed under it (blk_rq_poll() finds no mq_hctx).
 * While there is anything to steer, a hook guards it. The measure is then how
 * commands end that are not polled for.
 */
#ifndef CELL_H
#define CELL_H

#include "fault.h"
#include "steer.h"

enum cell_way {
	/* the yardsticks: no policy attached */
	CELL_DRIVER,		/* passthrough, interrupts */
	CELL_DRIVER_POLLED,
	CELL_DRIVER_BLOCK,	/* reads and writes of the block device */
	CELL_DRIVER_BLOCK_POLLED,
	/* by steer queues */
	CELL_IRQ,
	CELL_POLLED,
	CELL_BLOCK,
	CELL_BLOCK_POLLED,
	CELL_GROUP,		/* a command group */
	CELL_GROUP_POLLED,
	CELL_SHARE,		/* block requests by the queue of a share */
	/* another policy takes over as soon as they are sent */
	CELL_SWAP,		/* passthrough, interrupts */
	CELL_SWAP_GROUP,	/* a command group, polled */
	CELL_WAYS
};
#define CELL_FIRST_STEERED	CELL_IRQ

/* A fault. Its rule's queues, blocks and count are filled in. */
struct cell_fault {
	const char *name;
	struct fault_rule rule;
	unsigned int flags;		/* CELL_* */
};

#define CELL_ONE	(1U << 0)	/* happens once: it stops the controller */
#define CELL_OTHERS	(1U << 1)	/* the other commands may fail as well */
#define CELL_RESET	(1U << 2)	/* the controller is reset */
#define CELL_SPURIOUS	(1U << 3)	/* a completion that nobody waits for */

/* One that goes all ways; then members of its rule. */
#define CELL_FAULT(NAME, FLAGS, ...) \
	{ .name = (NAME), .rule = { __VA_ARGS__ }, .flags = (FLAGS) }

/*
 * Run all cells of the faults, and print the table. The namespace is opened;
 * @timeout_ms: of each command.
 */
void cell_run_all(const struct cell_fault *faults, unsigned int nr,
		  unsigned int timeout_ms);

/*
 * The same ways for tests of events. Open the namespace, commands of which have
 * @timeout_ms.
 */
struct pt_ns *cell_open(unsigned int timeout_ms);
/* Again: it has other blocks now. */
void cell_reopen(void);
/*
 * Do something by each way: with nothing attached by the driver's, then with a
 * policy, whose queues may stand still for @policy_ms (0: as long as commands),
 * by steer queues. The policy stays, and is still attached in the end.
 */
void cell_each_way(unsigned int policy_ms, void (*what)(enum cell_way way));
bool cell_is_polled(enum cell_way way);
bool cell_is_block(enum cell_way way);
struct steer_policy *cell_policy(void);
/* No policy was ejected since the namespace was opened. */
void cell_policy_stays(void);

/* Sixteen commands go well, on the queue they are meant for, as does the data. */
void cell_works(enum cell_way way);
/*
 * Sixteen commands are carried out and complete @ms later. Meanwhile @event
 * happens; when they have ended, all well, @seen makes sure that the host knows
 * of it. Either may be NULL. Afterwards others go well, by the same way.
 */
void cell_during(enum cell_way way, unsigned int ms, void (*event)(void),
		 void (*seen)(void));
/*
 * Sixteen commands are not answered. Where they are steered, the policy, whose
 * queues may stand still for @policy_ms, is ejected for that before they end;
 * policy and queue are gone afterwards. They end well if the controller answers
 * after all (@answered), or else by a reset, all the same way, which is returned.
 */
int cell_stalls(enum cell_way way, unsigned int policy_ms, bool answered);
/*
 * For other commands: the policy of @ctrl is ejected, since commands of @from
 * ("ring") got nowhere on queue @queue, which takes no more. @poll is called
 * meanwhile.
 */
void cell_ejected(int ctrl, unsigned int queue, const char *from,
		  void (*poll)(void *arg), void *arg);
/*
 * One command; 0, its status or -errno. @bytes at @slba, whatever the blocks
 * are; where @way is of block requests it is a read or write at that place. Of
 * a group of one it is the command's status.
 */
int cell_one(enum cell_way way, uint8_t opcode, uint64_t slba, uint32_t nlb,
	     uint32_t bytes);

#endif /* CELL_H */
