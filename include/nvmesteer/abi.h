/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nvmesteer: the policy contract.
 *
 * This header is what a policy (BPF), the module (kernel) and the loader
 * (user space) agree on: the arguments that a policy gets, the answers it may
 * give, and the numbers that appear in sysfs; with ops.h the operations it may
 * implement, with events.h what is counted. It holds no code. Include
 * fixed-width types first: <linux/types.h> in the kernel and in user space,
 * vmlinux.h in a policy (policy.bpf.h does that).
 *
 * Structures grow only at their end and no value is ever reused, so a policy
 * built against an older header keeps loading.
 *
 * Safety contract: a policy can make I/O slower, never wrong. An answer that
 * does not fit is replaced by the driver's own path and counted; a policy that
 * goes on giving such answers is ejected. It runs after the driver's
 * permission check and cannot widen it.
 */
#ifndef NVMESTEER_ABI_H
#define NVMESTEER_ABI_H

/* Version of this contract; goes up when a member is added. */
#define NVME_STEER_ABI		1

/* Length of a policy's name, terminating NUL included. */
#define NVME_STEER_NAME_LEN	16

/* Highest steer queue number a controller can have. */
#define NVME_STEER_MAX_QUEUES	255

/*
 * Answers of route(). Besides these, n >= 1 is steer queue n and -errno
 * (-1 to -133, except -EAGAIN) refuses the command with that errno.
 */
#define NVME_STEER_DEFAULT	0	/* the driver's own path */

/* Or-ed to one of these, but for -errno: this answer is not to hold. */
#define NVME_STEER_ONCE		(1 << 16)

/* nvme_steer_cmd.source: which entry the command came through. */
#define NVME_STEER_SRC_URING	1	/* io_uring passthrough (uring_cmd) */
#define NVME_STEER_SRC_COPY	2	/* a copy, asked about as a whole */
#define NVME_STEER_SRC_BLOCK	3	/* a block request; NVME_STEER_OPS_BLOCK */
#define NVME_STEER_SRC_IOCTL	4	/* of an ioctl; asked of path() only */

/* nvme_steer_cmd.flags */
#define NVME_STEER_CMD_WRITE	(1U << 0) /* data goes to the controller */
#define NVME_STEER_CMD_FIXED	(1U << 1) /* registered (fixed) buffer */
#define NVME_STEER_CMD_POLLED	(1U << 2) /* from an IORING_SETUP_IOPOLL ring */
#define NVME_STEER_CMD_NOWAIT	(1U << 3) /* nonblocking issue attempt */
#define NVME_STEER_CMD_VECTORED	(1U << 4) /* data is an iovec array */
#define NVME_STEER_CMD_META	(1U << 5) /* has a separate metadata buffer */
#define NVME_STEER_CMD_RANGE	(1U << 6) /* slba and nlb are meaningful */

/*
 * Of block requests only: what the submitter said of it. Those that the block
 * layer has in a request's flags have the same places as there.
 */
#define NVME_STEER_CMD_DISCARD	(1U << 7) /* a discard, opcode 0x09 */
#define NVME_STEER_CMD_DRV	(1U << 8) /* of an ioctl, or the driver's own */
#define NVME_STEER_CMD_SYNC	(1U << 11) /* somebody waits: reads, O_DIRECT
					    * and synchronous writes */
#define NVME_STEER_CMD_FSMETA	(1U << 12) /* metadata of a file system */
#define NVME_STEER_CMD_PRIO	(1U << 13) /* others wait for it */
#define NVME_STEER_CMD_IDLE	(1U << 15) /* more will follow from there */
#define NVME_STEER_CMD_FUA	(1U << 17) /* Force Unit Access */
#define NVME_STEER_CMD_RAHEAD	(1U << 19) /* reading ahead */
#define NVME_STEER_CMD_BACKGROUND (1U << 20) /* writing back in the background */

/**
 * struct nvme_steer_cmd - one command, as route() sees it; read-only
 * @opaque:	empty; it makes the verifier insist on the module's own object
 *		where a kfunc asks for a command. Not last, where it would be
 *		taken for a flexible array that may be read without end
 * @source:	NVME_STEER_SRC_*
 * @flags:	NVME_STEER_CMD_*
 * @opcode:	NVMe opcode, NVM command set (0x01 write, 0x02 read, ...)
 * @ioprio:	I/O priority of the submitting task, as in ioprio_get(2);
 *		0 when the task never set one
 * @nsid:	NVMe namespace identifier; 0xffffffff is all namespaces
 * @len:	data length in bytes; 0 for a command without data
 * @slba:	first logical block, where NVME_STEER_CMD_RANGE is set, else 0
 * @nlb:	number of logical blocks (1's based), likewise
 * @ctrl:	instance number N of /dev/nvmeN
 * @dev_node:	NUMA node of the controller, -1 when unknown
 *
 * Holds what costs nothing to tell. Other facts come from helpers and kfuncs,
 * so nobody pays for what a policy does not ask: the CPU from
 * bpf_get_smp_processor_id(), its NUMA node from bpf_get_numa_node_id(), the
 * cgroup from bpf_get_current_cgroup_id(), the user id from
 * nvme_steer_current_uid(), the state of a queue and the identity of the ring
 * from bpf_nvme_steer_*().
 *
 * A copy (NVME_STEER_SRC_COPY) is asked about once, whatever it becomes: with
 * opcode Copy (0x19), the destination, and the length of all of it, or as much
 * of that as fits. All commands to the destination's controller that it becomes
 * go to the queue answered; sources of other controllers are read on the
 * driver's own path.
 *
 * A block request (NVME_STEER_SRC_BLOCK) is asked about when it is dispatched,
 * which may be in a task that has nothing to do with it: a worker writing back,
 * or another task on the same CPU. What it is about is the request's own: its
 * I/O priority; the cgroup it is charged to, from bpf_nvme_steer_cgroup_id().
 * It has no ring. POLLED is whether it is polled for, NOWAIT and META as for
 * other commands. Discards of a single range have @slba and @nlb as well.
 *
 * @slba and @nlb are filled for Write, Read, Write Uncorrectable, Compare,
 * Write Zeroes, Verify and Zone Append (NVM Command Set 1.0, section 3.2).
 */
struct nvme_steer_cmd {
	__u8 opaque[0];
	__u32 source;
	__u32 flags;
	__u16 opcode;
	__u16 ioprio;
	__u32 nsid;
	__u32 len;
	__u32 nlb;
	__u64 slba;
	__u32 ctrl;
	__s32 dev_node;
};

/*
 * Answers of batch(): 0 delivers at once, NVME_STEER_GATHER() gathers @count
 * completions for @us microseconds at most. @count is 1 to 32767, @us 0 to
 * NVME_STEER_GATHER_MAX_US.
 */
#define NVME_STEER_GATHER(count, us)	((int)((__u32)(count) << 16 | (us)))
#define NVME_STEER_GATHER_COUNT(answer)	((__u32)(answer) >> 16)
#define NVME_STEER_GATHER_US(answer)	((__u32)(answer) & 0xffff)
#define NVME_STEER_GATHER_MAX_US	10000

/* Mode of a steer queue. */
#define NVME_STEER_POLL		1	/* no interrupt; IOPOLL rings only */
#define NVME_STEER_IRQ		2	/* an interrupt vector of its own */

/*
 * Or-ed to the mode a queue is created with: its priority class, where the
 * controller's weighted round robin is enabled (nvme.steer_wrr), and nothing
 * elsewhere. Without, it is medium, like the driver's own queues.
 */
#define NVME_STEER_PRIO_SHIFT	8
#define NVME_STEER_PRIO_URGENT	(1U << NVME_STEER_PRIO_SHIFT) /* before all */
#define NVME_STEER_PRIO_HIGH	(2U << NVME_STEER_PRIO_SHIFT)
#define NVME_STEER_PRIO_MEDIUM	(3U << NVME_STEER_PRIO_SHIFT)
#define NVME_STEER_PRIO_LOW	(4U << NVME_STEER_PRIO_SHIFT)

/* The most shares of a controller. */
#define NVME_STEER_MAX_SHARES	64

/**
 * struct nvme_steer_share - what a share may have of a drive
 * @weight:	its part of the drive against other shares that want it at the
 *		same time; 0 is 100
 * @depth:	commands at the controller at a time; 0: as many as it likes
 * @iops:	commands a second; 0: as many as it likes
 * @latency_us:	a target for the time from when a command comes until its
 *		completion is found, microseconds; 0: none. When more than one
 *		in 64 of a share's commands takes longer, shares without a
 *		target may have less and less at the controller, and more
 *		again when that is not so
 * @bps:	bytes of data a second; 0: as many as it likes
 * @burst_ms:	how much of @iops and @bps may come at once, milliseconds' worth
 *		of it; 0 is 2
 *
 * A value of an array map of a policy, which it names in init()
 * (bpf_nvme_steer_shares()). The key is the share. Share 0 is all shares
 * together: its @depth is what makes weights mean anything on a drive that
 * takes all it gets, because only what waits can be put in order; its weight and
 * target mean nothing. Any of it may be changed at any time, and holds for the
 * next command, and within 50 milliseconds for those that wait.
 *
 * A queue belongs to a share from when it is created
 * (bpf_nvme_steer_create_shared()), and a share may have several. A command
 * that goes to such a queue and may not be sent yet waits: in order, counted as
 * in flight, for as long as it takes. The timeout of a passthrough command or a
 * group that names one itself goes on meanwhile, and again from the beginning
 * once it is sent; it ends with Command Abort Requested. So does the command of
 * an ioctl, which always has one, because its caller cannot be killed. Block
 * requests wait on, and their time begins when they are sent. Commands of an
 * application that is gone do not wait any more. When all slots of the queue are
 * taken, further passthrough commands wait in io_uring's workers, and block
 * requests behind those with slots; neither goes around the share by the driver's
 * own path.
 *
 * Commands that wait when their policy is replaced wait on, by the limits of
 * the new one, if it takes the queue over; when a policy ends otherwise, they
 * are sent at once, and where it is ejected because their queue gets nowhere,
 * by the driver's own path. A reset ends them as it does commands in flight.
 * Those of a namespace that is being frozen, or removed, are sent within 50
 * milliseconds, as whoever does that waits for them: block requests for which
 * there is no slot by the driver's own path.
 */
struct nvme_steer_share {
	__u32 weight;
	__u32 depth;
	__u32 iops;
	__u32 latency_us;
	__u64 bps;
	__u32 burst_ms;
};

/**
 * struct nvme_steer_dev - the controller, as init() sees it; read-only
 * @opaque:	as in struct nvme_steer_cmd
 * @ctrl:	instance number N of /dev/nvmeN
 * @granted:	steer queues reserved on this controller: numbers 1..granted
 * @vectors:	interrupt vectors reserved; bounds the queues in NVME_STEER_IRQ
 * @max_depth:	entries of the largest queue that can be created
 * @node:	NUMA node of the controller, -1 when unknown
 */
struct nvme_steer_dev {
	__u8 opaque[0];
	__u32 ctrl;
	__u32 granted;
	__u32 vectors;
	__u32 max_depth;
	__s32 node;
};

/**
 * struct nvme_steer_batch - a queue's completions, as batch() sees them;
 * read-only
 * @opaque:	as in struct nvme_steer_cmd
 * @ctrl:	instance number N of /dev/nvmeN
 * @queue:	number of the steer queue
 * @mode:	NVME_STEER_IRQ or NVME_STEER_POLL
 * @depth:	commands the queue can hold
 * @ready:	completions that could be delivered now
 * @inflight:	commands in flight, the ready ones included. On an interrupt
 *		queue at least 2, and more than @ready
 * @last:	completions delivered the last time; 0 for a polled queue
 * @interval_ns: mean time between completions, from the last few deliveries,
 *		nanoseconds; what is more than a millisecond counts as one.
 *		0: not known, as for a polled queue
 * @age_ns:	how long the present gathering has been going on: no completion
 *		has been ready for longer. 0: it has not begun
 */
struct nvme_steer_batch {
	__u8 opaque[0];
	__u32 ctrl;
	__u32 queue;
	__u32 mode;
	__u32 depth;
	__u32 ready;
	__u32 inflight;
	__u32 last;
	__u32 interval_ns;
	__u64 age_ns;
};

/* Size classes of copies: class n is below 8 KiB << n, the last one the rest. */
#define NVME_STEER_COPY_CLASSES		16

/* nvme_steer_copy.flags */
#define NVME_STEER_COPY_CAN_OFFLOAD	(1U << 0) /* as one Copy command */
#define NVME_STEER_COPY_CAN_SPLIT	(1U << 1) /* as several */
#define NVME_STEER_COPY_CAN_EMULATE	(1U << 2) /* by reading and writing */
#define NVME_STEER_COPY_CROSS_NS	(1U << 3) /* not all in one namespace */
#define NVME_STEER_COPY_CROSS_CTRL	(1U << 4) /* not all of one controller */
#define NVME_STEER_COPY_FUA		(1U << 5) /* Force Unit Access */
#define NVME_STEER_COPY_ORDERED		(1U << 6) /* piece by piece: it overlaps,
						   * or goes to a zone */

/*
 * Answers of copy(), and paths that a copy took; besides these -errno (-1 to
 * -133, except -EAGAIN) refuses the copy with that errno.
 */
#define NVME_STEER_COPY_DEFAULT		0 /* offload, else split, else emulate */
#define NVME_STEER_COPY_OFFLOAD		1 /* one Copy command */
#define NVME_STEER_COPY_SPLIT		2 /* several */
#define NVME_STEER_COPY_EMULATE		3 /* read and write */
#define NVME_STEER_COPY_HYBRID		4 /* a path only: some of both */

/*
 * An answer with limits: @depth, the most pieces of the copy under way at a
 * time, 1 to 64, and @kib, the most KiB in a piece, 1 to 524287. 0 is the
 * module's own choice.
 */
#define NVME_STEER_COPY_WITH(how, depth, kib) \
	((int)((how) | (__u32)(depth) << 4 | (__u32)(kib) << 12))
#define NVME_STEER_COPY_HOW(answer)	((__u32)(answer) & 0xf)
#define NVME_STEER_COPY_DEPTH(answer)	((__u32)(answer) >> 4 & 0x7f)
#define NVME_STEER_COPY_KIB(answer)	((__u32)(answer) >> 12)

#define NVME_STEER_COPY_MAX_DEPTH	64

/*
 * In an answer as well: copied() is not to be called for this copy, however it
 * ends. That and taking the time for it cost more than deciding does.
 */
#define NVME_STEER_COPY_QUIET		(1U << 11)

/* Why a copy took another path than the one answered. */
#define NVME_STEER_COPY_WHY_NONE	0 /* it did not */
#define NVME_STEER_COPY_WHY_NO_COPY	1 /* the controller has no Copy */
#define NVME_STEER_COPY_WHY_LIMITS	2 /* beyond MSSRL, MCL or MSRC */
#define NVME_STEER_COPY_WHY_CAP		3 /* beyond copy_max_bytes */
#define NVME_STEER_COPY_WHY_FORMAT	4 /* no format for these namespaces */
#define NVME_STEER_COPY_WHY_CTRL	5 /* a source of another controller */
#define NVME_STEER_COPY_WHY_DEVICE	6 /* the controller refused the command */
#define NVME_STEER_COPY_WHY_METADATA	7 /* emulation would lose metadata */
#define NVME_STEER_COPY_WHY_CALLER	8 /* the caller said how */

/**
 * struct nvme_steer_copy - a copy, as copy() sees it; read-only
 * @opaque:	as in struct nvme_steer_cmd
 * @ctrl:	instance number N of /dev/nvmeN, of the destination
 * @nsid:	namespace identifier of the destination
 * @flags:	NVME_STEER_COPY_CAN_* and so on
 * @ranges:	source ranges
 * @len:	of all of them, bytes
 * @slba:	first logical block of the destination
 * @lba_size:	bytes of a logical block of the destination
 * @mssrl:	the most blocks of a source range of a Copy command
 * @mcl:	the most blocks of a Copy command
 * @msrc:	the most source ranges of a Copy command. All three are 0 where
 *		the controller has no Copy
 * @copies:	copies to this controller under way, besides this one
 * @size_class:	of this copy; see NVME_STEER_COPY_CLASSES
 * @offload_ns:	what copies of this class that were offloaded or split have
 *		taken lately on this controller, a decaying mean, ns; 0: none
 *		was. Without a copied() one in eight is timed, after some
 * @emulate_ns:	likewise for those that were emulated
 * @offloads:	how many there were; counts up to 255 and stays there
 * @emulates:	likewise
 * @queue:	the steer queue that route() named for it, 0 for none
 * @queue_depth: commands that queue can hold
 * @queue_inflight: commands in flight on it, roughly
 */
struct nvme_steer_copy {
	__u8 opaque[0];
	__u32 ctrl;
	__u32 nsid;
	__u32 flags;
	__u32 ranges;
	__u64 len;
	__u64 slba;
	__u32 lba_size;
	__u32 mssrl;
	__u32 mcl;
	__u32 msrc;
	__u32 copies;
	__u32 size_class;
	__u64 offload_ns;
	__u64 emulate_ns;
	__u32 offloads;
	__u32 emulates;
	__u32 queue;
	__u32 queue_depth;
	__u32 queue_inflight;
};

/**
 * struct nvme_steer_copied - a copy that has ended, as copied() sees it;
 * read-only
 * @opaque:	as in struct nvme_steer_cmd
 * @ctrl:	instance number N of /dev/nvmeN, of the destination
 * @nsid:	namespace identifier of the destination
 * @answer:	what copy() had answered
 * @path:	NVME_STEER_COPY_OFFLOAD, _SPLIT, _EMULATE or _HYBRID
 * @why:	NVME_STEER_COPY_WHY_*
 * @status:	0, an NVMe status, or -errno
 * @ranges:	source ranges
 * @size_class:	see NVME_STEER_COPY_CLASSES
 * @len:	of all of them, bytes
 * @done:	bytes copied
 * @ns:		how long it took, nanoseconds
 * @flags:	as copy() was told
 */
struct nvme_steer_copied {
	__u8 opaque[0];
	__u32 ctrl;
	__u32 nsid;
	__s32 answer;
	__u32 path;
	__u32 why;
	__s32 status;
	__u32 ranges;
	__u32 size_class;
	__u64 len;
	__u64 done;
	__u64 ns;
	__u32 flags;
};

/* The most paths that path() is offered. */
#define NVME_STEER_MAX_PATHS	8

/* nvme_steer_path.opcode of what is no single command: a command group. */
#define NVME_STEER_OP_GROUP	0x100

/* ANA states (NVMe Base Specification 2.0, section 8.1.2). */
#define NVME_STEER_ANA_OPTIMIZED	0x01
#define NVME_STEER_ANA_NONOPTIMIZED	0x02
#define NVME_STEER_ANA_INACCESSIBLE	0x03
#define NVME_STEER_ANA_LOSS		0x04	/* persistent loss */
#define NVME_STEER_ANA_CHANGE		0x0f

/*
 * Answers of path(): 0 is the kernel's own choice, NVME_STEER_PATH(n) the path
 * by the controller /dev/nvmeN with that instance number.
 */
#define NVME_STEER_PATH_OWN		0
#define NVME_STEER_PATH(ctrl)		((int)(ctrl) + 1)
#define NVME_STEER_PATH_CTRL(answer)	(((__u32)(answer) & 0xffff) - 1)
#define NVME_STEER_PATH_MAX		0xffff

/*
 * Or'ed to either: should a uring_cmd fail because of its path (NVMe status code
 * type 3, or it was cancelled by a reset or removal of its controller), it is
 * tried again, up to three times, by the path that path() says each time. RETRY:
 * if it is a Read, Compare or Verify. REPEAT: whatever it is. It may have been
 * carried out already the first time, with nobody there to tell.
 *
 * Not tried again, but told to their callers, are commands of ioctls, command
 * groups and copies; what could not be issued without waiting; what is not in a
 * registered buffer, if the task runs in user mode when it is told; and of a
 * ring that polls what has failed on a steer queue, if it is another process
 * that polls. Without these flags no passthrough command is ever sent twice.
 */
#define NVME_STEER_PATH_RETRY		(1 << 16)
#define NVME_STEER_PATH_REPEAT		(1 << 17)

/*
 * Or'ed to a path: for this command only, an answer that holds
 * (nvme_steer_ops.path_hold_ms) stays as it is. For measuring a path.
 */
#define NVME_STEER_PATH_ONCE		(1 << 18)

/**
 * struct nvme_steer_path_ctrl - a path to a namespace, by one controller
 * @ctrl:	instance number N of /dev/nvmeN
 * @usable:	1: commands can be sent by it now, 0: they cannot
 * @ana_state:	NVME_STEER_ANA_*; NVME_STEER_ANA_OPTIMIZED where the controller
 *		does not report any
 * @distance:	from the node of this CPU to the controller's, as in
 *		node_distance(): 10 is the same one, or not known
 * @inflight:	commands in flight at the controller, of all its namespaces:
 *		block requests of multipath devices and passthrough commands,
 *		but for those of ioctls
 * @latency_us:	what a command takes, from when it is sent until it has ended:
 *		a decaying mean, microseconds, or if it is longer what one has
 *		been taking up to now. 0: not known
 *
 * What is in flight is counted and measured from when the first policy with
 * path() was attached, to any controller. One command of a controller at a time
 * is measured, the next one that is sent when it has ended; those that failed
 * do not count.
 */
struct nvme_steer_path_ctrl {
	__u32 ctrl;
	__u32 usable;
	__u32 ana_state;
	__u32 distance;
	__u32 inflight;
	__u32 latency_us;
};

/**
 * struct nvme_steer_path - a command that needs a path, as path() sees it;
 * read-only
 * @opaque:	as in struct nvme_steer_cmd
 * @source:	NVME_STEER_SRC_URING, _COPY, _BLOCK or _IOCTL
 * @flags:	NVME_STEER_CMD_*
 * @opcode:	NVMe opcode of the NVM command set, of a bio the one it will
 *		become; or NVME_STEER_OP_GROUP
 * @ioprio:	as in struct nvme_steer_cmd, and so on
 * @nsid:	namespace identifier
 * @len:	data length in bytes
 * @nlb:	number of logical blocks, where NVME_STEER_CMD_RANGE is set
 * @slba:	first one
 * @subsys:	instance number X of the device /dev/nvmeXnY or /dev/ngXnY
 * @nr:		how many of @path there are
 * @others:	paths there are besides, which are not offered
 * @path:	the paths, usable or not, in no particular order. An index into
 *		it has to be a constant: unroll the loop, or copy it with
 *		nvme_steer_read_paths() of policy.bpf.h
 *
 * Nothing of a passthrough command has been checked yet: it may still be
 * refused, and what an ioctl asks for may change until it is.
 */
struct nvme_steer_path {
	__u8 opaque[0];
	__u32 source;
	__u32 flags;
	__u16 opcode;
	__u16 ioprio;
	__u32 nsid;
	__u32 len;
	__u32 nlb;
	__u64 slba;
	__u32 subsys;
	__u32 nr;
	__u32 others;
	struct nvme_steer_path_ctrl path[NVME_STEER_MAX_PATHS];
};

/*
 * Exit kinds, in bands: up to NVME_STEER_EXIT_ERROR - 1 orderly, somebody ended
 * it or took its place; from NVME_STEER_EXIT_ERROR on an error of the policy,
 * for which it was ejected. Shown in sysfs as the lower-case name after the
 * prefix. A policy that was ejected can be loaded again at once, or if it needs
 * queues and its commands end with a reset, after that.
 */
#define NVME_STEER_EXIT_NONE		0
#define NVME_STEER_EXIT_UNLOAD		64	/* link closed or detached */
#define NVME_STEER_EXIT_REPLACED	65	/* another policy took over */
#define NVME_STEER_EXIT_OFF		66	/* the off switch */
#define NVME_STEER_EXIT_GONE		67	/* the controller went away */
#define NVME_STEER_EXIT_ERROR		1024	/* bpf_nvme_steer_error() */
#define NVME_STEER_EXIT_ANSWERS		1025	/* too many unfit answers */
#define NVME_STEER_EXIT_STALL		1026	/* a queue it uses got nowhere */
#define NVME_STEER_EXIT_SLOW		1027	/* an operation takes too long */

/*
 * A watchdog looks after a policy while it is attached, four times in its
 * @timeout_ms, but ten times a second at most and once a second at least.
 *
 * stall: on a steer queue no command has ended for @timeout_ms, one in flight
 * has had all the time it may take, and the controller answers otherwise: a
 * command that was sent later has ended on another queue, or, where no other
 * queue has commands in flight, it answers an admin command. Where all queues
 * wait it is the drive that is slow, and nobody is ejected. What waits for its
 * share does not count. The commands end as they would have: by the drive, an
 * Abort or a reset, and the queue is freed then.
 *
 * slow: sixteen calls in a row of route(), batch(), copy(), copied() or path()
 * have each taken longer than the module's parameter op_budget_us (50, at most
 * 1000000), microseconds. So many are timed once a period, all others cost
 * nothing. A policy that is slow for some commands only is not found.
 */

/**
 * struct nvme_steer_exit - why a policy ended
 * @kind:	NVME_STEER_EXIT_*
 * @code:	the code given to bpf_nvme_steer_error(), else 0
 * @reason:	a sentence for a person
 */
struct nvme_steer_exit {
	__u32 kind;
	__s32 code;
	char reason[120];
};

#include <nvmesteer/events.h>
#include <nvmesteer/ops.h>

#endif /* NVMESTEER_ABI_H */
