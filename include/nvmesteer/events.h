/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nvmesteer: what is counted, in /sys/class/nvme/nvmeN/steer/events. Part of the
 * contract: included by abi.h.
 */
#ifndef NVMESTEER_EVENTS_H
#define NVMESTEER_EVENTS_H

/*
 * Event counters: X(NAME, "sysfs name"), one per controller, counted from the
 * moment nvmesteer first saw the controller; never reset. The comment above
 * each says what happened and what it hints at.
 */
#define NVME_STEER_EVENTS(X) \
	/* A command went to the steer queue the policy chose. */ \
	X(ROUTED, "routed") \
	/* The policy answered NVME_STEER_DEFAULT, or has no route(). */ \
	X(DEFAULT, "default") \
	/* The policy refused a command with an errno. */ \
	X(REFUSED, "refused") \
	/* An answer outside the contract: a bug in the policy. Enough of \
	 * these or of bad_queue within a second eject it. */ \
	X(BAD_ANSWER, "bad_answer") \
	/* The policy chose a queue number that does not exist: a queue was \
	 * removed under it, or its map holds a wrong number. */ \
	X(BAD_QUEUE, "bad_queue") \
	/* The queue chosen was not live: a reset was going on, or the reset \
	 * granted fewer queues than before. */ \
	X(QUEUE_DOWN, "queue_down") \
	/* A polled queue for a ring that does not poll: use an irq queue for \
	 * it, or IORING_SETUP_IOPOLL (fio: hipri=1). */ \
	X(BAD_MODE, "bad_mode") \
	/* All slots of the queue were taken: raise its depth. */ \
	X(QUEUE_FULL, "queue_full") \
	/* A separate metadata buffer, or a namespace that needs one. */ \
	X(METADATA, "metadata") \
	/* A command used the mapping of a buffer that is kept: the cheapest way \
	 * for data. */ \
	X(KEPT, "kept") \
	/* Likewise a command on the driver's own path. */ \
	X(OWN_KEPT, "own_kept") \
	/* Data was mapped for one command: a buffer that was used once only, \
	 * whose memory was changed lately, or that cannot be kept. */ \
	X(MAPPED, "mapped") \
	/* A buffer was not kept mapped: parameter keep_mb of nvmesteer allows no \
	 * more, or plain buffers are in too many places in memory. */ \
	X(KEEP_FULL, "keep_full") \
	/* Likewise, because of the user's RLIMIT_MEMLOCK: a registered buffer \
	 * that is kept counts twice against it, plain ones get half of it. */ \
	X(MEMLOCK, "memlock") \
	/* More data than the driver's own path would take at once. */ \
	X(TOO_LARGE, "too_large") \
	/* A data buffer the controller cannot address in place (alignment, \
	 * gaps); the driver's own path copies it. */ \
	X(UNALIGNED, "unaligned") \
	/* The data buffer could not be mapped; the driver's own path tries \
	 * again and reports the error. */ \
	X(MAP_FAILED, "map_failed") \
	/* A buffer longer than the logical blocks named by the command. */ \
	X(LONG_BUFFER, "long_buffer") \
	/* A buffer shorter than the logical blocks named by the command: \
	 * refused with -EINVAL, it would overrun the caller's memory. */ \
	X(SHORT_BUFFER, "short_buffer") \
	/* The namespace was frozen (format, rescan, reset, removal). */ \
	X(FROZEN, "frozen") \
	/* A command was not answered in time. */ \
	X(TIMEOUT, "timeout") \
	/* A completion was found by the timeout only: a lost interrupt, or \
	 * an application that stopped polling. */ \
	X(LATE_REAP, "late_reap") \
	/* An Abort was sent for a command that timed out. */ \
	X(ABORT, "abort") \
	/* The controller was reset for a command that Abort did not end. */ \
	X(RESET, "reset") \
	/* The controller completed a command id that is not in flight: a \
	 * device bug, or a completion that came after its abort. */ \
	X(BAD_CID, "bad_cid") \
	/* A queue could not be created again after a reset. */ \
	X(QUEUE_LOST, "queue_lost") \
	/* A policy was ejected; the reason is in the exit file. */ \
	X(EJECTED, "ejected") \
	/* Completions of an interrupt queue began to be gathered, as batch() \
	 * asked. */ \
	X(GATHER, "gather") \
	/* The timer of a gathering went off: an interrupt as well, one that \
	 * the queue's interrupts do not include. */ \
	X(GATHER_TIMER, "gather_timer") \
	/* A gathering ended because its time was over: batch() asks for more \
	 * completions than come in that time. */ \
	X(GATHER_TIME, "gather_time") \
	/* A copy was done by one Copy command of the controller. */ \
	X(COPY_OFFLOADED, "copy_offloaded") \
	/* By several. */ \
	X(COPY_SPLIT, "copy_split") \
	/* By reading and writing. */ \
	X(COPY_EMULATED, "copy_emulated") \
	/* Some of it by the controller, some by reading and writing. */ \
	X(COPY_HYBRID, "copy_hybrid") \
	/* A copy failed, as a whole or in part, and its caller was told. */ \
	X(COPY_FAILED, "copy_failed") \
	/* Bytes of the copies in copy_offloaded. */ \
	X(COPY_OFFLOADED_BYTES, "copy_offloaded_bytes") \
	/* Of those in copy_emulated. */ \
	X(COPY_EMULATED_BYTES, "copy_emulated_bytes") \
	/* Copies that took another path than the policy's, for a controller \
	 * without Copy; and so on, one counter a reason. */ \
	X(COPY_NO_COPY, "copy_no_copy") \
	/* For one range or all of them are longer than one Copy command may \
	 * be, or there are too many. */ \
	X(COPY_LIMITS, "copy_limits") \
	/* For copy_max_bytes of the namespace. */ \
	X(COPY_CAP, "copy_cap") \
	/* For namespaces that no format of the controller's Copy command can \
	 * name, or of different block sizes. */ \
	X(COPY_FORMAT, "copy_format") \
	/* For a source of another controller. */ \
	X(COPY_CTRL, "copy_ctrl") \
	/* For the controller refused a Copy command, with a status that reading \
	 * and writing can do without. */ \
	X(COPY_DEVICE, "copy_device") \
	/* For metadata, which is never dropped. */ \
	X(COPY_METADATA, "copy_metadata") \
	/* A copy waited for a buffer: parameter copy_mb of nvmesteer bounds \
	 * them. */ \
	X(COPY_WAIT, "copy_wait") \
	/* A block request went to the steer queue the policy chose; routed \
	 * counts it as well. */ \
	X(BLOCK, "block") \
	/* A command of a multipath device went to this controller because \
	 * path() said so. */ \
	X(PATH, "path") \
	/* Likewise by the kernel's own choice, because path() left it that, \
	 * or had named a path that could not be used. */ \
	X(PATH_OWN, "path_own") \
	/* The path() of this controller's policy named a controller that could \
	 * not be used: it was being reset, had an ANA state that forbids it, or \
	 * was not there at all. */ \
	X(PATH_UNUSABLE, "path_unusable") \
	/* All slots of a shared queue were taken, and a passthrough command \
	 * was put off, or has waited in a worker of io_uring's. */ \
	X(SHARE_FULL, "share_full") \
	/* A passthrough command failed because its path, this controller, did, \
	 * and was tried again, or at least that was attempted, because path() \
	 * allows it. */ \
	X(PATH_RETRY, "path_retry") \
	/* A copy was refused before anything was written: by the policy, because \
	 * it can be done neither way, or for what it names. One with numbers \
	 * that make no sense, or of an unknown destination, is not counted. */ \
	X(COPY_REFUSED, "copy_refused") \
	/* Bytes of the copies in copy_split. */ \
	X(COPY_SPLIT_BYTES, "copy_split_bytes") \
	/* Of those in copy_hybrid, by either way. */ \
	X(COPY_HYBRID_BYTES, "copy_hybrid_bytes") \
	/* Of those in copy_failed, what was copied before they did. */ \
	X(COPY_FAILED_BYTES, "copy_failed_bytes")

enum nvme_steer_event {
#define NVME_STEER_EVENT_ENUM(name, text)	NVME_STEER_EV_##name,
	NVME_STEER_EVENTS(NVME_STEER_EVENT_ENUM)
#undef NVME_STEER_EVENT_ENUM
	NVME_STEER_NR_EVENTS
};

#endif /* NVMESTEER_EVENTS_H */
