/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nvmesteer: the one header a policy includes.
 *
 * Brings the kernel's types, libbpf's helpers, the contract (abi.h), and the
 * functions the module offers to a policy. What an operation gets and may
 * answer is documented in abi.h; what each function needs is documented here.
 */
#ifndef NVMESTEER_POLICY_BPF_H
#define NVMESTEER_POLICY_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

/*
 * The contract's types exist in the module's BTF too; relocating accesses
 * lets a policy run on a module whose structures have grown.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
#include <nvmesteer/abi.h>
#pragma clang attribute pop

#ifndef EPERM
#define EPERM	1
#define ENOENT	2
#define EIO	5
#define ENOMEM	12
#define EACCES	13
#define EBUSY	16
#define ENODEV	19
#define EINVAL	22
#define ENOSPC	28
#define ERANGE	34
#endif

/* NVM command set opcodes (NVM Command Set Specification 1.0, section 3). */
#define NVME_OP_FLUSH		0x00
#define NVME_OP_WRITE		0x01
#define NVME_OP_READ		0x02
#define NVME_OP_COMPARE		0x05
#define NVME_OP_WRITE_ZEROES	0x08
#define NVME_OP_DSM		0x09
#define NVME_OP_VERIFY		0x0c
#define NVME_OP_COPY		0x19

/* I/O priority classes, nvme_steer_cmd.ioprio >> 13 (linux/ioprio.h). */
#define NVME_STEER_IOPRIO_CLASS(ioprio)	((ioprio) >> 13)

/**
 * bpf_nvme_steer_create_queue - create a steer queue, or take one over
 * @dev: the argument of init()
 * @number: the queue's number, 1..dev->granted; 0 is the lowest free one
 * @mode: NVME_STEER_POLL or NVME_STEER_IRQ; or-ed to it one of
 *	NVME_STEER_PRIO_*, or none
 * @depth: entries, 2..dev->max_depth; 0 is the largest
 *
 * A queue of that number, mode, depth and, where it means something, priority
 * that the policy being replaced owns, or that was created by hand, is used as it
 * is.
 *
 * Context: init() only; sleeps for two admin commands.
 * Return: the number, or -EINVAL (mode or depth), -ERANGE (number beyond what
 * is reserved), -EEXIST (taken by a queue of another shape), -ENOSPC (all
 * numbers taken, or no interrupt vector left), -ENODEV (controller not live),
 * -ENOMEM, -EIO (the controller refused).
 */
extern int bpf_nvme_steer_create_queue(struct nvme_steer_dev *dev, __u32 number,
				       __u32 mode, __u32 depth) __ksym __weak;

/**
 * bpf_nvme_steer_shares - name the map of shares
 * @dev: the argument of init()
 * @shares: an array map of struct nvme_steer_share, 1 to NVME_STEER_MAX_SHARES
 *	of them, by the number of the share
 *
 * Context: init() only, once.
 * Return: 0, or -EINVAL (another type of map or value), -E2BIG (too many),
 * -EEXIST (one was named already), -ENOMEM.
 */
extern int bpf_nvme_steer_shares(struct nvme_steer_dev *dev,
				 void *shares) __ksym __weak;

/**
 * bpf_nvme_steer_create_shared - create a steer queue that belongs to a share
 * @dev: the argument of init()
 * @number: as for bpf_nvme_steer_create_queue(); @mode and @depth too
 * @share: 1 and up, less than the entries of the map
 *
 * A queue that the policy being replaced owns is used as it is if it belongs to
 * that share as well.
 *
 * Context: init() only, after bpf_nvme_steer_shares(); sleeps.
 * Return: as bpf_nvme_steer_create_queue(); also -ENOENT (no map was named) and
 * -ERANGE (no such share).
 */
extern int bpf_nvme_steer_create_shared(struct nvme_steer_dev *dev,
					__u32 number, __u32 mode, __u32 depth,
					__u32 share) __ksym __weak;

/**
 * bpf_nvme_steer_free_queue - free a queue this policy owns
 * @dev: the argument of init()
 * @number: the queue's number
 *
 * Context: init() only; waits for the commands in flight on it.
 * Return: 0, -ENOENT (no such queue), -EPERM (not this policy's).
 */
extern int bpf_nvme_steer_free_queue(struct nvme_steer_dev *dev,
				     __u32 number) __ksym __weak;

/**
 * bpf_nvme_steer_weights - weigh the priority classes of queues
 * @dev: the argument of init()
 * @high: commands that the controller takes in a round from queues of high
 *	priority, 1 to 256; @medium and @low likewise. Urgent ones go before
 *
 * Holds while the policy is attached, where the controller's weighted round
 * robin is enabled (nvme.steer_wrr), from the next reset on if it is enabled by
 * that (feature Arbitration, NVM Express Base Specification 2.0, 5.27.1.1; its
 * burst stays as it is). Afterwards the controller's own hold again.
 *
 * Context: init() only.
 * Return: 0, or -EINVAL (out of range).
 */
extern int bpf_nvme_steer_weights(struct nvme_steer_dev *dev, __u32 high,
				  __u32 medium, __u32 low) __ksym __weak;

/**
 * bpf_nvme_steer_queue_depth - how many commands a queue can hold
 * @cmd: the argument of route()
 * @number: the queue's number
 *
 * Context: route() only.
 * Return: commands, or 0 when there is no such queue or it is not live.
 */
extern __u32 bpf_nvme_steer_queue_depth(struct nvme_steer_cmd *cmd,
					__u32 number) __ksym __weak;

/**
 * bpf_nvme_steer_queue_inflight - commands in flight on a queue
 * @cmd: the argument of route()
 * @number: the queue's number
 *
 * Read without a lock: exact only while nobody submits or completes.
 *
 * Context: route() only.
 * Return: commands; 0 when there is no such queue.
 */
extern __u32 bpf_nvme_steer_queue_inflight(struct nvme_steer_cmd *cmd,
					   __u32 number) __ksym __weak;

/**
 * bpf_nvme_steer_ring_id - identity of the io_uring the command came through
 * @cmd: the argument of route()
 *
 * Equal for commands of one ring, different for rings that exist at the same
 * time; may return for another ring after the first is gone.
 *
 * Context: route() only.
 * Return: the identity; 0 for a copy that came through none, and for block
 * requests.
 */
extern __u64 bpf_nvme_steer_ring_id(struct nvme_steer_cmd *cmd) __ksym __weak;

/**
 * bpf_nvme_steer_cgroup_id - the cgroup a command is charged to, or above it
 * @cmd: the argument of route()
 * @up: 0 for that cgroup, n for the one n levels above it
 *
 * For a block request the cgroup of its data, in whichever task it is
 * dispatched: the nearest one with the io controller enabled (cgroup v2: "+io"
 * in cgroup.subtree_control of its parent). For everything else, the
 * passthrough commands of ioctls included, the cgroup of the submitting task.
 *
 * Context: route() only.
 * Return: the id, which is the inode number of its directory; 0 above the root,
 * and for a request that is nobody's, such as a flush of the device's cache.
 */
extern __u64 bpf_nvme_steer_cgroup_id(struct nvme_steer_cmd *cmd,
				      __u32 up) __ksym __weak;

/**
 * bpf_nvme_steer_path_cgroup_id - the cgroup a command is charged to, or above
 * @p: the argument of path()
 * @up: 0 for that cgroup, n for the one n levels above it
 *
 * As bpf_nvme_steer_cgroup_id(): of block I/O the cgroup of its data, of
 * passthrough commands the cgroup of the submitting task.
 *
 * Context: path() only.
 * Return: the id; 0 above the root, and for what is nobody's.
 */
extern __u64 bpf_nvme_steer_path_cgroup_id(struct nvme_steer_path *p,
					   __u32 up) __ksym __weak;

/**
 * bpf_nvme_steer_error - give up: eject this policy
 * @cmd: the argument of route()
 * @code: a number for the policy's author
 * @reason: a sentence for the operator; a string constant
 *
 * The command at hand and all later ones take the driver's own path.
 *
 * Context: route() only.
 */
extern void bpf_nvme_steer_error(struct nvme_steer_cmd *cmd, __s32 code,
				 const char *reason__str) __ksym __weak;

/**
 * nvme_steer_current_uid - user id of the task that submits
 *
 * For an SQ thread or an io-wq worker: of the ring's owner. In the initial
 * user namespace.
 */
static __always_inline __u32 nvme_steer_current_uid(void)
{
	return bpf_get_current_task_btf()->cred->uid.val;
}

/**
 * NVME_STEER_EACH_PATH - do something with each path of a command
 * @p: the argument of path()
 * @each: a function or macro, called as each(path, ...) with an lvalue of struct
 *	nvme_steer_path_ctrl, and whatever follows here
 *
 * One by one, since the verifier lets no index that varies into @p; a helper
 * that reads the whole array takes some 200 instructions.
 */
#define NVME_STEER_EACH_PATH(p, each, ...)				\
do {									\
	_Static_assert(NVME_STEER_MAX_PATHS == 8, "one line each");	\
	if ((p)->nr > 0)						\
		each((p)->path[0], ##__VA_ARGS__);			\
	if ((p)->nr > 1)						\
		each((p)->path[1], ##__VA_ARGS__);			\
	if ((p)->nr > 2)						\
		each((p)->path[2], ##__VA_ARGS__);			\
	if ((p)->nr > 3)						\
		each((p)->path[3], ##__VA_ARGS__);			\
	if ((p)->nr > 4)						\
		each((p)->path[4], ##__VA_ARGS__);			\
	if ((p)->nr > 5)						\
		each((p)->path[5], ##__VA_ARGS__);			\
	if ((p)->nr > 6)						\
		each((p)->path[6], ##__VA_ARGS__);			\
	if ((p)->nr > 7)						\
		each((p)->path[7], ##__VA_ARGS__);			\
} while (0)

#define __nvme_steer_read_path(from, to)				\
do {									\
	(to)->ctrl = (from).ctrl;					\
	(to)->usable = (from).usable;					\
	(to)->ana_state = (from).ana_state;				\
	(to)->distance = (from).distance;				\
	(to)->inflight = (from).inflight;				\
	(to)->latency_us = (from).latency_us;				\
	(to)++;								\
} while (0)

/**
 * nvme_steer_read_paths - the paths of a command, to be looped over
 * @to: an array of NVME_STEER_MAX_PATHS struct nvme_steer_path_ctrl
 * @p: the argument of path()
 *
 * Copies those that there are; p->nr says how many.
 */
static __always_inline void
nvme_steer_read_paths(struct nvme_steer_path_ctrl *to,
		      struct nvme_steer_path *p)
{
	NVME_STEER_EACH_PATH(p, __nvme_steer_read_path, to);
}

/* Declare the ops of a policy; its object's name is the policy's name. */
#define NVME_STEER_POLICY(policy, ...)					\
	SEC(".struct_ops.link")						\
	struct nvme_steer_ops policy##_ops = {				\
		.abi = NVME_STEER_ABI,					\
		.name = #policy,					\
		__VA_ARGS__						\
	}

#endif /* NVMESTEER_POLICY_BPF_H */
