/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Passthrough commands on their way through short.c, passthru.c, group.c and
 * complete.c: what they bring, and the hooks they come and go by.
 */
#ifndef NVMESTEER_PASSTHRU_H
#define NVMESTEER_PASSTHRU_H

#include "nvmesteer.h"

typedef void (*nvme_steer_tell_fn)(struct io_uring_cmd *ioucmd,
				   unsigned int issue_flags);

/*
 * In io_uring_cmd.pdu of a command that is nvmesteer's. @req, NULL, is where
 * the driver keeps its request. @queue is what its ring polls, if it does:
 * NVME_STEER_NO_QUEUE for a copy without one; NULL when the next poll is to
 * call @tell, see nvme_steer_tell(). @run is a group's, @job a copy's.
 */
struct nvme_steer_pdu {
	struct request *req;
	struct nvme_steer_queue *queue;
	union {
		struct nvme_steer_slot *slot;
		struct nvme_steer_run *run;
		struct nvme_steer_copy_job *job;
	};
	nvme_steer_tell_fn tell;
};

#define NVME_STEER_NO_QUEUE	((struct nvme_steer_queue *)ERR_PTR(-ENOENT))

static inline struct nvme_steer_pdu *
nvme_steer_pdu(struct io_uring_cmd *ioucmd)
{
	return io_uring_cmd_to_pdu(ioucmd, struct nvme_steer_pdu);
}

static inline u32 nvme_steer_nlb(const struct nvme_command *cmd)
{
	return (le32_to_cpu(cmd->common.cdw12) & 0xffff) + 1;
}

/*
 * What a passthrough command brings. The SQE is memory the caller can write to
 * at any time: each of its words is read once, and what was read is what is
 * checked and sent.
 */
struct nvme_steer_passthru {
	struct nvme_ns *ns;
	struct io_uring_cmd *ioucmd;	/* NULL: of an ioctl, see copy_nvme.c */
	struct nvme_command *cmd;
	u64 addr;
	u64 metadata;
	u32 data_len;
	u32 metadata_len;
	u32 timeout_ms;
	bool meta;	/* has a separate metadata buffer */
	bool vec;
	bool bounded;	/* its length was checked against its block count */
	bool plain;	/* see nvme_steer_is_plain() */
	bool tried;	/* of nvme_steer_wait() */
};

/*
 * What the short way has looked at of a command, the words of its SQE, and
 * what the policy said to that.
 */
struct nvme_steer_seen {
	u64 head;	/* opcode, flags, command id, namespace */
	u64 addr;
	u64 cdw10;	/* and CDW11, likewise @cdw12 */
	u64 cdw12;
	u32 len;
	int answer;	/* of nvme_steer_route(), with @queue */
	struct nvme_steer_queue *queue;
};

/*
 * May the caller send this read or write, whoever it is? Says no where
 * nvme_cmd_allowed() would have to look at more than the command's effects.
 */
static __always_inline bool
nvme_steer_is_allowed(const struct nvme_ns_head *head, const struct file *file,
		      u8 opcode)
{
	u32 effects = le32_to_cpu(head->effects->iocs[opcode]);

	if ((effects & ~NVME_CMD_EFFECTS_LBCC) != NVME_CMD_EFFECTS_CSUPP)
		return false;
	return (file->f_mode & FMODE_WRITE) ||
	       (opcode == nvme_cmd_read && !(effects & NVME_CMD_EFFECTS_LBCC));
}

/*
 * Is nobody left who waits for what @task has submitted to @ring? Both are there
 * as long as what was submitted has not ended.
 */
static inline bool nvme_steer_is_left(const struct task_struct *task,
				      struct io_ring_ctx *ring)
{
	return (READ_ONCE(task->flags) & PF_EXITING) ||
	       (task->io_uring && atomic_read(&task->io_uring->in_cancel)) ||
	       percpu_ref_is_dying(&ring->refs);
}

/* short.c: the uring_cmd entry, and the way of most commands */
int nvme_steer_uring_cmd_hook(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			      unsigned int issue_flags);

/* complete.c: how passthrough commands end */
int nvme_steer_iopoll_hook(struct io_uring_cmd *ioucmd,
		struct io_comp_batch *iob, unsigned int poll_flags);
void nvme_steer_passthru_done(struct nvme_steer_slot *slot,
			      struct nvme_steer_drain *drain);

/* May the drain finish the command on the spot? It is on its list, then. */
static __always_inline bool
nvme_steer_drain_take(struct nvme_steer_drain *drain,
		      struct nvme_steer_slot *slot)
{
	const struct io_uring_cmd *ioucmd = slot->io.owner;

	if (cmd_to_io_kiocb((void *)ioucmd)->ctx != drain->ring && drain->ring)
		return false;
	*drain->last = slot;
	drain->last = &slot->next;
	return true;
}

void nvme_steer_tell(struct io_uring_cmd *ioucmd, nvme_steer_tell_fn tell);
void nvme_steer_passthru_tell(struct nvme_steer_drain *drain);

/* passthru.c: the way of any command */
int nvme_steer_passthru(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			unsigned int issue_flags, struct nvme_steer_ctrl *sc,
			struct nvme_steer_policy *p,
			const struct nvme_steer_seen *seen);
int nvme_steer_check(struct nvme_steer_passthru *pt, size_t len,
		     enum nvme_steer_event *why);
int nvme_steer_passthru_route(struct nvme_steer_ctrl *sc,
			      struct nvme_steer_policy *p,
			      const struct nvme_steer_passthru *pt,
			      unsigned int issue_flags,
			      struct nvme_steer_queue **q);
bool nvme_steer_wait_thaw(struct nvme_ns *ns);
bool nvme_steer_wait(struct nvme_ctrl *ctrl, struct nvme_ns *ns,
		     enum nvme_steer_event why, bool *tried);
int nvme_steer_read_data(const struct nvme_steer_passthru *pt, void *to,
			 size_t len);

/* map.c: kept mappings for the driver's own path */
u8 nvme_steer_map_hook(struct request *req, struct io_uring_cmd *ioucmd,
		       u64 addr, u32 len);

/* again.c: commands that are tried again by another path */
bool nvme_steer_try_again(struct nvme_steer_slot *slot);

/* group.c, and group_round.c: command groups */
int nvme_steer_group(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
		     unsigned int issue_flags);
void nvme_steer_group_finish(struct nvme_steer_drain *drain);

/* copy_nvme.c: NVMe Copy commands */
int nvme_steer_copy_passthru(struct nvme_steer_passthru *pt,
			     unsigned int issue_flags);
int nvme_steer_ioctl_hook(struct nvme_ns *ns, struct nvme_command *cmd,
			  u64 addr, u32 len, bool vec, u64 *result,
			  unsigned int timeout);

/* copy_uring.c: copies of applications */
int nvme_steer_copy_uring(struct nvme_ns *ns, struct io_uring_cmd *ioucmd,
			  unsigned int issue_flags);
void nvme_steer_copy_finish(struct nvme_steer_drain *drain);

#endif /* NVMESTEER_PASSTHRU_H */
