/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nvmesteer: command groups, for applications.
 *
 * One io_uring SQE submits an array of NVMe commands, and one CQE tells that
 * all of them have ended. The array and all data are inside one registered
 * buffer of the ring. A command of a group costs a fraction of one that is
 * submitted alone: io_uring and the driver do their work once a group.
 *
 * The SQE: opcode IORING_OP_URING_CMD on /dev/ngXnY, cmd_op
 * NVME_STEER_URING_CMD_GROUP, uring_cmd_flags IORING_URING_CMD_FIXED,
 * buf_index the registered buffer, and a struct nvme_steer_group in sqe->cmd.
 * The ring has IORING_SETUP_SQE128 and IORING_SETUP_CQE32, as for any NVMe
 * passthrough.
 *
 * The array is read once, when the SQE is submitted; changing it later has no
 * effect. The kernel then writes status and result of each command to its
 * place in the array, as the commands end, and all before the CQE appears. It
 * writes nothing else: in an array that is used again, what is the same in the
 * next group need not be filled in again.
 *
 * Include fixed-width types first: <linux/types.h>.
 */
#ifndef NVMESTEER_GROUP_H
#define NVMESTEER_GROUP_H

/* sqe->cmd_op */
#define NVME_STEER_URING_CMD_GROUP	_IOWR('N', 0xc0, struct nvme_steer_group)

/* The most commands in a group. */
#define NVME_STEER_GROUP_MAX		4096

/*
 * nvme_steer_group.flags; all other bits must be zero.
 *
 * After a command that failed send no further one. Those at the controller
 * are waited for; the rest end with -ECANCELED.
 */
#define NVME_STEER_GROUP_STOP		(1U << 0)

/**
 * struct nvme_steer_group - what sqe->cmd holds
 * @cmds:	address of the array of struct nvme_steer_group_cmd, a multiple
 *		of 64
 * @nr:		commands in it, 1 to NVME_STEER_GROUP_MAX
 * @flags:	NVME_STEER_GROUP_*
 * @base:	the part of the registered buffer that the group uses: the array
 *		and the data of every command are inside it
 * @len:	its length in bytes; the whole registered buffer will do
 * @timeout_ms:	how long each command may take, and before that wait for its
 *		share; 0 is the policy's timeout, and no limit for waiting
 * @window:	the most commands at the controller at a time, 0 for as many as
 *		there is room for. The next ones are sent when all of these have
 *		ended: with 1 the commands are carried out one after the other
 * @rsvd:	zero
 *
 * A group that finds fewer free slots on its queue than it has commands is
 * sent in rounds, as if @window said so.
 *
 * cqe->res:
 *
 * *  0: all commands succeeded.
 * * > 0: the NVMe status of the first one in the array that did not, as a
 *   single command has it.
 * * < 0: the -errno of the first one in the array that did not succeed, or why
 *   the group was refused; see below.
 *
 * cqe->big_cqe[0]: NVME_STEER_GROUP_DONE() is how many commands succeeded,
 * NVME_STEER_GROUP_FIRST() the index of the first that did not. Both are 0
 * when the group was refused.
 *
 * A group is refused before any command was sent, with
 *
 * * -ENOTTY: no nvmesteer, or no policy attached.
 * * -EINVAL: not IORING_URING_CMD_FIXED, or a number out of its range, or a
 *   malformed command: that one has -EINVAL as its status, the others
 *   -ECANCELED, and likewise for the next three.
 * * -EFAULT: array or data outside of the registered buffer.
 * * -EACCES: the caller may not send such a command.
 * * -EOPNOTSUPP: no steer queue carries it: the policy leaves a command to the
 *   driver, its queue is missing, polled queue and ring that does not poll,
 *   separate metadata, data in both directions.
 * * -EXDEV: the policy sends the commands to different queues.
 * * any errno the policy refused a command with.
 * * -EBUSY: all slots of the queue were taken.
 * * -ENODEV: the queue or the controller is gone.
 * * -ENOMEM
 *
 * A policy with NVME_STEER_OPS_PER_BATCH is asked once for the group, by its
 * first command, any other for each command; none is while its answer for the
 * ring holds (hold_ms).
 */
struct nvme_steer_group {
	__u64 cmds;
	__u32 nr;
	__u32 flags;
	__u64 base;
	__u64 len;
	__u32 timeout_ms;
	__u32 window;
	__u64 rsvd[3];
};

#define NVME_STEER_GROUP_DONE(big_cqe0)		((__u32)(big_cqe0))
#define NVME_STEER_GROUP_FIRST(big_cqe0)	((__u32)((big_cqe0) >> 32))

/**
 * struct nvme_steer_group_cmd - one command of a group
 * @opcode:	of the I/O command set of the namespace
 * @flags:	zero
 * @rsvd:	zero
 * @nsid:	the namespace's
 * @cdw2:	command dwords, as in struct nvme_uring_cmd; @cdw3, @cdw10 to
 *		@cdw15 too
 * @result:	written by the kernel: completion queue entry DW0-1
 * @addr:	address of the data, with the alignment that the namespace's
 *		queue/dma_alignment asks for
 * @data_len:	its length in bytes, likewise; 0 for a command without data. Of
 *		a command that transfers logical blocks it is their length.
 * @status:	written by the kernel: 0, an NVMe status, or -errno: -EINTR when
 *		a reset ended the command, -ECANCELED when it was not sent,
 *		-EAGAIN when it was not sent because the namespace was frozen or
 *		formatted, the controller reset or the queue removed meanwhile
 *
 * Laid out as the submission queue entry it becomes.
 */
struct nvme_steer_group_cmd {
	__u8 opcode;
	__u8 flags;
	__u16 rsvd;
	__u32 nsid;
	__u32 cdw2;
	__u32 cdw3;
	__u64 result;
	__u64 addr;
	__u32 data_len;
	__s32 status;
	__u32 cdw10;
	__u32 cdw11;
	__u32 cdw12;
	__u32 cdw13;
	__u32 cdw14;
	__u32 cdw15;
};

#endif /* NVMESTEER_GROUP_H */
