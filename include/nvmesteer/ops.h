/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nvmesteer: what a policy is made of, its operations and settings. Part of the
 * contract: included by abi.h, which has what the operations get and answer.
 */
#ifndef NVMESTEER_OPS_H
#define NVMESTEER_OPS_H

/* nvme_steer_ops.flags; all other bits must be zero. */
/*
 * The answer of route() depends on who submits, not on the command: for a batch
 * of more than two commands that one task submits to one ring at once it is
 * asked once, and the other commands follow the first.
 */
#define NVME_STEER_OPS_PER_BATCH	(1U << 0)
/*
 * route() is asked about block requests too (NVME_STEER_SRC_BLOCK): reads and
 * writes of block devices and file systems, flushes, discards, Write Zeroes,
 * zone commands, and the passthrough commands of ioctls, for each namespace of
 * the controller. Without it, and with NVME_STEER_OPS_COPIES, they keep the
 * driver's own path and cost what they cost without a policy.
 *
 * A steered request stays the block layer's: its tag, its timeout (the block
 * layer's, not @timeout_ms), retries, failover to another path, statistics and
 * limits are what they were; only the queue pair is another one. A batch of
 * requests that is dispatched together is one batch for
 * NVME_STEER_OPS_PER_BATCH, and with @hold_ms an answer holds for all block
 * requests of that kind (polled for or not) on that CPU.
 *
 * A polled queue is for requests that are polled for (io_uring with
 * IORING_SETUP_IOPOLL, RWF_HIPRI; the driver needs poll_queues for that), an
 * interrupt queue for all others; otherwise it is bad_mode. A request that is
 * refused fails with an I/O error, whatever the errno: a file system may have
 * to stop.
 */
#define NVME_STEER_OPS_BLOCK		(1U << 1)
/*
 * route() is asked about copies only (NVME_STEER_SRC_COPY). All other commands
 * keep the driver's own path, at almost no cost, and command groups are refused
 * with -EOPNOTSUPP.
 */
#define NVME_STEER_OPS_COPIES		(1U << 2)
#define NVME_STEER_OPS_FLAGS		(NVME_STEER_OPS_PER_BATCH | \
					 NVME_STEER_OPS_BLOCK | \
					 NVME_STEER_OPS_COPIES)

/**
 * struct nvme_steer_ops - a policy
 *
 * Every operation is optional; a policy needs a name. A program may call a
 * bpf_nvme_steer_* kfunc only from the operations named at the kfunc; the
 * verifier refuses it elsewhere.
 */
struct nvme_steer_ops {
	/**
	 * @ctrl: Instance number N of the controller /dev/nvmeN this policy is
	 * for. The loader fills it in before load. Attaching to a controller
	 * that does not exist fails with -ENODEV, to one that has a policy
	 * with -EBUSY.
	 */
	__u32 ctrl;

	/** @flags: NVME_STEER_OPS_*; unknown bits fail with -EINVAL. */
	__u32 flags;

	/**
	 * @timeout_ms: How long a command on a steer queue may take, when the
	 * command itself does not say, before it is aborted and then the
	 * controller reset. Milliseconds; 0 is the driver's own I/O timeout
	 * (nvme_core.io_timeout), which is also the most; more fails with
	 * -ERANGE.
	 */
	__u32 timeout_ms;

	/**
	 * @abi: The contract the policy was written for, NVME_STEER_ABI. 0 is
	 * read as 1; newer than the module's fails with -EPROTO.
	 */
	__u32 abi;

	/**
	 * @name: Up to 15 characters of [A-Za-z0-9_.]; a missing or malformed
	 * one fails with -EINVAL.
	 */
	char name[NVME_STEER_NAME_LEN];

	/**
	 * @init: Called once, before the policy decides anything.
	 * @dev: the controller; valid during the call
	 *
	 * Context: process, may sleep (struct_ops.s). No lock the policy could
	 * meet is held. The place to create queues: the policy owns them, and
	 * they are freed after exit(). During replacement both policies exist
	 * for a moment; asking for a number that the old policy owns with the
	 * same mode and depth takes it over as it is, commands in flight
	 * included.
	 *
	 * Return: 0, or -errno to refuse to attach: the attach fails with it,
	 * and what init() created is freed.
	 * Default: nothing is created.
	 */
	int (*init)(struct nvme_steer_dev *dev);

	/**
	 * @exit: Called once, after the last decision; not after a failed
	 * init().
	 * @info: why; valid during the call
	 *
	 * Context: process, may sleep (struct_ops.s). Commands may still be in
	 * flight on the policy's queues; they finish there before the queues
	 * are freed.
	 */
	void (*exit)(struct nvme_steer_exit *info);

	/**
	 * @route: Called for each command that reaches the controller, after
	 * the driver's permission check and before anything is allocated.
	 * @cmd: the command; valid during the call
	 *
	 * Context: hot; the submitting task (or the ring's SQ thread, or an
	 * io-wq worker) under rcu_read_lock; must not sleep. Runs concurrently
	 * on several CPUs. A command that cannot be issued without blocking
	 * may be asked about again from io-wq. With NVME_STEER_OPS_PER_BATCH,
	 * NVME_STEER_OPS_COPIES or @hold_ms not every command is asked about.
	 *
	 * Return:
	 * * %NVME_STEER_DEFAULT - the driver's own path.
	 * * n >= 1 - steer queue n. Where it cannot carry the command (no such
	 *   queue, not live, no free slot, a polled queue for a ring that does
	 *   not poll, separate metadata) the driver's own path takes it and an
	 *   event says why. Likewise a block request for which the queue is of
	 *   the wrong mode.
	 * * Either | %NVME_STEER_ONCE - likewise, for this command only,
	 *   whatever @hold_ms says.
	 * * -errno - refuse the command: it completes with this errno and
	 *   never reaches the controller. -1 to -133 except -EAGAIN.
	 *
	 * Any other answer is the driver's own path, counted as bad_answer.
	 * Default: the driver's own path.
	 */
	int (*route)(struct nvme_steer_cmd *cmd);

	/**
	 * @batch: Called for a steer queue of the controller when completions
	 * could be delivered, to say how many to wait for and how long.
	 * @b: the queue; valid during the call
	 *
	 * On an interrupt queue it is called at an interrupt, and again each
	 * time the queue is looked at while completions are gathered; the
	 * answer given last holds. Meanwhile the queue's interrupt is masked
	 * and a timer looks: when the completions asked for should be there,
	 * going by @interval_ns, or when the time is over. Whatever is ready is
	 * then delivered together. Where that is as many as were asked for and
	 * two or more commands are left in flight, the next gathering begins
	 * there and then, by the same answer; otherwise with an interrupt.
	 * It is not called where nothing can be gained: when all commands in
	 * flight are ready, a lone one for instance, they are delivered at once.
	 *
	 * On a polled queue it is called when an application polls and finds
	 * more than one completion: the count answered is the most that this
	 * call takes, the time means nothing.
	 *
	 * Context: hot; an interrupt, or the task that polls; a lock of the
	 * queue is held; must not sleep. Runs concurrently for several queues,
	 * and may interrupt route() on the same CPU.
	 *
	 * Return:
	 * * 0 - deliver at once what is ready.
	 * * NVME_STEER_GATHER(count, us) - deliver once count completions are
	 *   ready, and at most us microseconds after the gathering began. A
	 *   count above @inflight is taken as that.
	 *
	 * Any other answer delivers at once and is counted as bad_answer.
	 * Default: deliver at once; a poll takes all there is.
	 */
	int (*batch)(struct nvme_steer_batch *b);

	/**
	 * @hold_ms: For how long a queue that route() named holds for all
	 * commands of that ring on that CPU, without asking again. For policies
	 * whose answer depends on the ring alone, or with @hold_by on little
	 * else. A queue that goes away is
	 * asked about anew. A new ring may be taken for one of its kind that
	 * was closed within that time. Milliseconds; 0 is not at all; more than
	 * 1000 fails with -ERANGE.
	 */
	__u32 hold_ms;

	/**
	 * @copy: Called for each copy to the controller, to say how: copies of
	 * applications (copy.h), of other modules (kcopy.h), and NVMe Copy
	 * commands that are sent by passthrough.
	 * @cp: the copy; valid during the call
	 *
	 * Context: the task that submits, or a worker, under rcu_read_lock();
	 * must not sleep. Runs concurrently on several CPUs. Before it route()
	 * was asked for the queue.
	 *
	 * Return:
	 * * %NVME_STEER_COPY_DEFAULT - by the controller, in one command, else
	 *   in several, else by reading and writing.
	 * * %NVME_STEER_COPY_OFFLOAD, _SPLIT, _EMULATE - that way. What cannot
	 *   be done that way is done as by default, and counted.
	 * * NVME_STEER_COPY_WITH(how, depth, kib) - likewise, within limits.
	 * * Any of them | %NVME_STEER_COPY_QUIET - likewise, without copied().
	 * * -errno - refuse the copy. -1 to -133 except -EAGAIN.
	 *
	 * Any other answer is the default, counted as bad_answer.
	 * Default: NVME_STEER_COPY_DEFAULT.
	 */
	int (*copy)(struct nvme_steer_copy *cp);

	/**
	 * @copied: Called when a copy that copy() was asked about has ended,
	 * unless the answer had NVME_STEER_COPY_QUIET.
	 * @ev: how; valid during the call
	 *
	 * Context: any, an interrupt included; must not sleep. Runs concurrently
	 * on several CPUs. Not called once the policy is being ended.
	 */
	void (*copied)(struct nvme_steer_copied *ev);

	/**
	 * @path: Called for each command to a namespace that can be reached by
	 * several controllers of one subsystem (NVMe multipath), to say which
	 * one gets it: block I/O, uring_cmds and ioctls of /dev/nvmeXnY and
	 * /dev/ngXnY, but for admin commands.
	 * @p: the command and its paths; valid during the call
	 *
	 * One policy decides for the whole subsystem: of those with a path()
	 * that are attached to its controllers the one attached first. When it
	 * ends, or its controller goes away, the next one decides; until it is
	 * found the choice is the kernel's. One that replaces another takes its
	 * place. The command then goes to the policy of the controller
	 * that was chosen, if there is one, as any other: to its route().
	 *
	 * Failover stays the kernel's: what fails because of its path is asked
	 * about again, and so is what had to wait because there was none.
	 * Nothing is asked where no path can be used. With @path_hold_ms not
	 * every command is asked about.
	 *
	 * Context: hot; the submitting task, or a worker for what is tried
	 * again, under rcu_read_lock(); must not sleep. Runs concurrently on
	 * several CPUs. A bio is asked about before the block layer makes a
	 * request of it, and merges it with others of that path. A passthrough
	 * command that cannot be issued without blocking may be asked about
	 * again.
	 *
	 * Return:
	 * * %NVME_STEER_PATH_OWN - the kernel's own choice.
	 * * NVME_STEER_PATH(n) - the path by /dev/nvmeN. If there is none, or
	 *   it cannot be used now, the kernel's own choice, counted as
	 *   path_unusable: a policy may go on answering so.
	 *
	 * Any other answer is the kernel's own choice, counted as bad_answer.
	 * Default: NVME_STEER_PATH_OWN.
	 */
	int (*path)(struct nvme_steer_path *p);

	/**
	 * @hold_by: NVME_STEER_BY_*: what an answer of route() that holds for
	 * @hold_ms depends on, besides the ring (and its task, credentials and
	 * CPU). It then holds for commands that are equal in that, and for
	 * block requests that are, and so does NVME_STEER_DEFAULT. Some such
	 * answers are remembered on each CPU; a command without one is asked
	 * about, and each copy. Zero: on nothing. Unknown bits fail with
	 * -EINVAL.
	 */
	__u32 hold_by;

	/**
	 * @path_hold_ms: For how long a path that path() named holds on that
	 * CPU, flags included, without asking again: for commands of the same
	 * namespace and ring (bios and ioctls are of none) that are equal in
	 * what @hold_by names. It is followed only while the path can be used;
	 * otherwise, and where the answer was NVME_STEER_PATH_OWN or has
	 * NVME_STEER_PATH_ONCE, path() is asked; and so it is in an interrupt.
	 * Some such answers are remembered on each CPU. What is tried again is
	 * as any other command. Milliseconds; 0 is not at all; more than 1000
	 * fails with -ERANGE.
	 */
	__u32 path_hold_ms;

	/**
	 * @path_hold_more: How many commands such an answer holds for when that
	 * time is over: those that come as long after one another at least, and
	 * in ten times as long in all. Commands that are rare are not all asked
	 * about, then; of many that follow a pause all but the first are. More
	 * than 255 fails with -ERANGE. Nothing without @path_hold_ms.
	 */
	__u32 path_hold_more;
};

/*
 * nvme_steer_ops.hold_by: members of struct nvme_steer_cmd by their names.
 * FLAGS are all of them but RANGE; POLLED need not be named. CGROUP is the one
 * that bpf_nvme_steer_cgroup_id() tells about; one that is made where another
 * was removed lately may be taken for that.
 */
#define NVME_STEER_BY_OPCODE		(1U << 0)
#define NVME_STEER_BY_FLAGS		(1U << 1)
#define NVME_STEER_BY_IOPRIO		(1U << 2)
#define NVME_STEER_BY_NSID		(1U << 3)
#define NVME_STEER_BY_LEN		(1U << 4)
#define NVME_STEER_BY_CGROUP		(1U << 5)
#define NVME_STEER_BY_ALL		((1U << 6) - 1)

/* The most of nvme_steer_ops.hold_ms, and of path_hold_ms. */
#define NVME_STEER_HOLD_MAX_MS		1000
/* The most of path_hold_more, and how long that is in times of path_hold_ms. */
#define NVME_STEER_HOLD_MAX_MORE	255
#define NVME_STEER_HOLD_MORE_TIMES	10

#endif /* NVMESTEER_OPS_H */
