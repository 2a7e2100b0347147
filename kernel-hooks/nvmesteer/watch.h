/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeping an eye on policies: how long their operations take, whether queues
 * get anywhere, and which of their answers were refused lately. watchdog.c
 * looks and ejects, dump.c writes down what there is to know of an end.
 */
#ifndef NVMESTEER_WATCH_H
#define NVMESTEER_WATCH_H

#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <nvmesteer/abi.h>

struct nvme_steer_ctrl;
struct nvme_steer_policy;

/* The operations of a policy that are called while I/O runs. */
enum nvme_steer_call {
	NVME_STEER_CALL_ROUTE,
	NVME_STEER_CALL_BATCH,
	NVME_STEER_CALL_COPY,
	NVME_STEER_CALL_COPIED,
	NVME_STEER_CALL_PATH,
	NVME_STEER_NR_CALLS
};

/*
 * How many calls of an operation are timed, once in so many looks, and one of how
 * many, by chance, so as not to be in step with a policy that does more at times:
 * all calls of an operation that is called seldom would be, otherwise, and to be
 * timed costs more than most of them take.
 */
#define NVME_STEER_TIMED_CALLS	16
#define NVME_STEER_TIMED_LOOKS	5
#define NVME_STEER_TIMED_EVERY	8

/**
 * struct nvme_steer_sample - a call of an operation that was timed
 * @at:		when it ended, jiffies
 * @ns:		how long it took; of route(), 0 where it gave the policy up
 * @slba:	where the command begins, in blocks; of batch() the queue
 * @len:	bytes; of batch() how many completions there are to be delivered
 * @answer:	what was answered; what the policy gave up with
 * @nsid:	of the command
 * @pid:	of the process that asks, in its first namespace; 0 where the
 *		operation is about what another one has sent
 * @opcode:	of the command; of a copy how many ranges it has
 * @source:	NVME_STEER_SRC_*, of route() and path()
 * @comm:	the name of the process
 */
struct nvme_steer_sample {
	unsigned long at;
	u64 ns;
	u64 slba;
	u64 len;
	int answer;
	u32 nsid;
	pid_t pid;
	u32 opcode;
	u32 source;
	char comm[TASK_COMM_LEN];
};

/**
 * struct nvme_steer_timed - an operation of a policy, and what it takes
 * @policy:	whose it is
 * @prog:	the program behind it, when known (a reference); see prog.c
 * @nr:		how many calls were timed of those to be timed now; when it is
 *		NVME_STEER_TIMED_CALLS none is, and nvme_steer_policy.run is
 *		@prog again. Goes up where a call ends, back to 0 by the
 *		watchdog alone
 * @skip:	calls until the next one to be timed, roughly: CPUs count over each
 *		other
 * @chance:	of which that is made; likewise
 * @every:	one in so many calls is timed; the watchdog's
 * @best:	the shortest of them, ns; U64_MAX while there is none
 * @last:	likewise of the calls that were timed before, ns; 0: there were
 *		none. Written by the watchdog
 * @looks:	how often it has looked since calls were timed
 * @meter:	takes the place of @prog in nvme_steer_policy.run while calls
 *		are timed, and always where @prog is not known. Not a program:
 *		only what running one needs is set
 * @lock:	of the samples; taken for calls that are timed alone; irqs off
 * @nr_samples:	how many there were
 * @sample:	the last ones, number n at n modulo NVME_STEER_TIMED_CALLS
 *
 * The shortest, because whatever else the time went to, an interrupt or a
 * hypervisor that ran somebody else, it was not the policy in each of them.
 */
struct nvme_steer_timed {
	struct nvme_steer_policy *policy;
	struct bpf_prog *prog;
	atomic_t nr;
	u32 skip;
	u32 chance;
	u32 every;
	atomic64_t best;
	u64 last;
	unsigned int looks;
	struct bpf_prog meter;
	spinlock_t lock;
	unsigned long nr_samples;
	struct nvme_steer_sample sample[NVME_STEER_TIMED_CALLS];
};

/**
 * struct nvme_steer_progress - what the watchdog knows of a queue
 * @ended:	commands that had ended when it looked last
 * @others:	commands of all other queues that had been sent when this queue
 *		got somewhere last: when more of them have ended, one of these
 *		came later than what is in flight here
 * @looks:	how often it looked since then and found commands in flight, and
 *		none ended. Not a time: a machine that was suspended meanwhile
 *		has looked once
 * @busy:	commands were in flight
 *
 * The watchdog's, under nvme_steer_ctrl.state_lock.
 */
struct nvme_steer_progress {
	u64 ended;
	u64 others;
	unsigned int looks;
	bool busy;
};

/* How many refused answers are kept. */
#define NVME_STEER_REFUSALS	16

/**
 * struct nvme_steer_refusal - an answer of a policy that was refused
 * @at:		jiffies
 * @answer:	the answer
 * @why:	enum nvme_steer_event: bad_answer or bad_queue
 * @call:	enum nvme_steer_call: who gave it
 * @opcode:	of the command, where @call is route()
 * @nsid:	likewise
 */
struct nvme_steer_refusal {
	unsigned long at;
	int answer;
	u8 why;
	u8 call;
	u16 opcode;
	u32 nsid;
};

/**
 * struct nvme_steer_refusals - the refused answers of a controller's policies
 * @lock:	of all that follows; taken only where an answer is refused; irqs
 *		off
 * @since:	when the present window of a second began, jiffies
 * @window:	how many there were in it
 * @nr:		how many there were since the policy was attached
 * @last:	the last ones, number n at n modulo NVME_STEER_REFUSALS
 */
struct nvme_steer_refusals {
	spinlock_t lock;
	unsigned long since;
	unsigned int window;
	unsigned long nr;
	struct nvme_steer_refusal last[NVME_STEER_REFUSALS];
};

/**
 * struct nvme_steer_watch - the watchdog of a controller
 * @work:	looks; pending or running while a policy is attached, but not
 *		once the controller is gone
 * @looks:	how often it has
 * @stuck:	a queue got nowhere since the last look: what the policy decides
 *		is to be known as of now, should that be its end. The work's
 */
struct nvme_steer_watch {
	struct delayed_work work;
	unsigned long looks;
	bool stuck;
};

/* What is kept of the way to a policy's end. */
#define NVME_STEER_BACKTRACE	24

/* watchdog.c */
extern unsigned int nvme_steer_op_budget;
void nvme_steer_watch_init(struct nvme_steer_ctrl *sc);
void nvme_steer_watch_policy(struct nvme_steer_policy *p);
void nvme_steer_watch_start(struct nvme_steer_ctrl *sc);
void nvme_steer_watch_stop(struct nvme_steer_ctrl *sc);
void nvme_steer_note_call(struct nvme_steer_timed *t, const void *arg,
			  int answer, u64 ns);
const char *nvme_steer_call_name(enum nvme_steer_call call);
int nvme_steer_print_watch(struct nvme_steer_ctrl *sc, char *buf, size_t size);

/* dump.c */
char *nvme_steer_dump(struct nvme_steer_policy *p,
		      const struct nvme_steer_exit *info);

#endif /* NVMESTEER_WATCH_H */
