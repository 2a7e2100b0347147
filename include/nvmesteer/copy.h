/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * nvmesteer: asynchronous copies, for applications.
 *
 * One io_uring SQE copies up to thousands of ranges, of any NVMe namespaces,
 * to one place, and one CQE tells how far it got. The policy of the
 * destination's controller decides whether the controller copies (NVMe Copy,
 * in one command or several), or the kernel does, by reading and writing. The
 * data never reaches the application.
 *
 * The SQE: opcode IORING_OP_URING_CMD on a /dev/ngXnY, cmd_op
 * NVME_STEER_URING_CMD_COPY, and a struct nvme_steer_copy_cmd in sqe->cmd. The
 * ring has IORING_SETUP_SQE128 and IORING_SETUP_CQE32, as for any NVMe
 * passthrough. A program that has an NVMe Copy command already may send that
 * instead: it is steered as well. One that asks for fast copies only (FCO, in
 * the source options of formats 2h and 3h) is done by Copy commands that ask
 * for it too, or ends with Fast Copy Not Possible (status 186h): it is never
 * read and written, whatever the policy says. Nor is one with a directive, or
 * with other source options: what the controller does not know of them ends with
 * Invalid Field in Command (status 2h), as does one with a command extension,
 * of the destination or of a source. Other bits that are reserved are ignored,
 * as the specification allows.
 *
 * Include fixed-width types first: <linux/types.h>.
 */
#ifndef NVMESTEER_COPY_H
#define NVMESTEER_COPY_H

/* sqe->cmd_op */
#define NVME_STEER_URING_CMD_COPY	_IOWR('N', 0xc1, struct nvme_steer_copy_cmd)

/* The most ranges in a copy. */
#define NVME_STEER_COPY_MAX_RANGES	16384
/*
 * The most namespaces, that of the destination included, however often each is
 * named. An NVMe Copy command of more ends with Command Size Limit Exceeded.
 */
#define NVME_STEER_COPY_MAX_NAMESPACES	16

/*
 * nvme_steer_copy_cmd.flags; all other bits must be zero.
 *
 * With neither of the first two the policy decides. It is asked all the same,
 * since it may refuse, and says how much may be under way at a time.
 */
#define NVME_STEER_COPY_F_OFFLOAD	(1U << 0) /* by the controller, or fail */
#define NVME_STEER_COPY_F_EMULATE	(1U << 1) /* read and write */
#define NVME_STEER_COPY_F_FUA		(1U << 2) /* Force Unit Access */

/**
 * struct nvme_steer_copy_cmd - what sqe->cmd holds
 * @ranges:	address of an array of struct nvme_steer_copy_range
 * @nr:		ranges in it, 1 to NVME_STEER_COPY_MAX_RANGES
 * @flags:	NVME_STEER_COPY_F_*
 * @dst:	where the data goes, bytes, from the beginning of the destination
 * @dst_fd:	the destination: an ng or block device, opened for writing; -1
 *		is the file of the SQE
 * @depth:	the most pieces under way at a time, 1 to 64; 0 is the policy's,
 *		which is also the most
 * @rsvd:	zero
 *
 * The ranges are copied to the destination one behind the other. A range that
 * overlaps its own destination is moved, as by memmove(); where it overlaps
 * what other ranges write, they are copied in their order, each whole before
 * the next.
 *
 * cqe->res:
 *
 * *  0: all is copied.
 * * > 0: the NVMe status of the first range in the array that is not.
 * * < 0: its -errno, or why the copy was refused; see below.
 *
 * cqe->big_cqe[0]: NVME_STEER_COPIED_BYTES() is how much was copied from the
 * beginning of the first range without a gap, NVME_STEER_COPIED_PATH() the
 * path taken: NVME_STEER_COPY_OFFLOAD, _SPLIT, _EMULATE or _HYBRID of abi.h.
 * Before the CQE appears @status and @done of each range are written; of a copy
 * that was refused they mean nothing.
 *
 * A copy is refused before anything was written, with
 *
 * * -ENOTTY: no nvmesteer, or no policy attached to the controller of the
 *   destination.
 * * -EINVAL: a number out of its range, not a multiple of the block size, or
 *   beyond the end of a device.
 * * -EFAULT: @ranges is not readable and writable.
 * * -EBADF: a file descriptor is not one, or not open for reading (a source)
 *   or writing (the destination).
 * * -E2BIG: the ranges and the destination are in more than
 *   NVME_STEER_COPY_MAX_NAMESPACES.
 * * -ENODEV: a file is not an NVMe namespace, or it has no usable path.
 * * -EACCES: the caller may not read or write there by passthrough commands,
 *   or the destination is read-only.
 * * -EOPNOTSUPP: with NVME_STEER_COPY_F_OFFLOAD, the controller cannot; or
 *   metadata would be lost.
 * * any errno the policy refused the copy with.
 * * -ENOMEM
 */
struct nvme_steer_copy_cmd {
	__u64 ranges;
	__u32 nr;
	__u32 flags;
	__u64 dst;
	__s32 dst_fd;
	__u32 depth;
	__u64 rsvd[4];
};

#define NVME_STEER_COPIED_BYTES(big_cqe0)	((__u64)(big_cqe0) & (~0ULL >> 4))
#define NVME_STEER_COPIED_PATH(big_cqe0)	((__u32)((big_cqe0) >> 60))

/**
 * struct nvme_steer_copy_range - a source
 * @fd:		an ng or block device, opened for reading; -1 is the destination
 * @status:	written by the kernel: 0, all of it is copied; an NVMe status; or
 *		-errno: -ECANCELED when it was not tried, or only in part, for
 *		another range had failed, -EINTR when a reset or the end of the
 *		caller ended it, -ESTALE when a namespace was formatted with
 *		other blocks meanwhile. What a reset ends may have been
 *		answered by the controller before, as aborted (status 07h or
 *		08h)
 * @offset:	in bytes, from the beginning of the device
 * @len:	in bytes
 * @done:	written by the kernel: how much of it is copied, from its
 *		beginning; what comes after is old or new, block by block
 */
struct nvme_steer_copy_range {
	__s32 fd;
	__s32 status;
	__u64 offset;
	__u64 len;
	__u64 done;
};

#endif /* NVMESTEER_COPY_H */
