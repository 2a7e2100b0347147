/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shares: commands of several tenants that wait for their turn at one drive.
 *
 * Queues belong to shares, a policy's map says what each share may have, and
 * an arbiter, one a controller, decides. A command for such a queue gets its
 * slot and has its data mapped as always; what it then may have to wait for is
 * being written to the submission queue. share.c decides, share_queue.c is what
 * is different about a queue that belongs to a share, and share_own.c where what
 * waits goes when its queue gets nowhere.
 *
 * Such a queue is never live (nvme_steer_queue.live), so that everybody who
 * would write to a submission queue finds out where they have to look anyhow:
 * for all other queues shares cost nothing. Its submission queue is written and
 * rung for under the arbiter's lock, which is innermost and taken with
 * interrupts off, so that whoever finds room, an interrupt for instance, can
 * send for any queue. Its free list and references are under sq_lock as for
 * other queues, but what comes back through given[] is taken from there under
 * both locks.
 *
 * Who has sq_lock and found under both that nothing waits on the queue, nor
 * behind it, and that the arbiter is not to ring for it, needs sq_lock alone to
 * write to the submission queue and to ring: for anybody else to do either
 * something has to wait there, or to be sent, first, and that begins under
 * sq_lock (nvme_steer_shared_begin()).
 */
#ifndef NVMESTEER_SHARE_H
#define NVMESTEER_SHARE_H

#include "nvmesteer.h"

/* No slot: the end of a list of slots. */
#define NVME_STEER_NO_SLOT	U16_MAX

/**
 * struct nvme_steer_waiting - what a slot of a shared queue has besides
 * @cmd:	the command, complete, while it waits; what need not never is here
 * @since:	when it came, monotonic, ns
 * @sent:	when it was written to the submission queue, ns; 0: not, or its
 *		end is accounted for
 * @len:	of its data, bytes
 * @next:	the slot that came after it, while it waits
 * @expires:	it is ended when its deadline passes while it waits
 *
 * Written by whoever has the slot until it waits or is sent, and from then on
 * under the arbiter's lock.
 */
struct nvme_steer_waiting {
	struct nvme_command cmd;
	u64 since;
	u64 sent;
	u32 len;
	u16 next;
	bool expires;
};

/**
 * struct nvme_steer_shared - a queue's part in a share
 * @queue:	the queue, which has it from when it is made
 * @arb:	of its controller
 * @share:	its number, 1 and up
 * @state:	what the arbiter has of the share
 * @live:	the controller knows the queue
 * @closing:	it is being freed: it takes nothing, and what waits is sent
 *		whatever the limits
 * @first:	of the slots that wait, and @last
 * @nr:		how many
 * @inflight:	how many commands are at the controller
 * @behind:	block requests for which there is no slot; they are first when
 *		there is one. They have no other place: their number is bounded
 *		by the block layer's tags
 * @nr_behind:	how many
 * @entry:	in the share's list of queues, while @nr
 * @ring:	in the arbiter's list of queues to ring for
 * @room:	where submitters wait for a slot
 * @own:	slots whose commands have ended on the driver's own path, linked by
 *		next, for @own_work
 * @own_work:	tells of them: where they end is an interrupt
 * @slot:	by index
 *
 * All that is not constant under the arbiter's lock; @live and @closing change
 * under sq_lock as well.
 */
struct nvme_steer_shared {
	struct nvme_steer_queue *queue;
	struct nvme_steer_arbiter *arb;
	unsigned int share;
	struct nvme_steer_share_state *state;
	bool live;
	bool closing;
	u16 first;
	u16 last;
	unsigned int nr;
	unsigned int inflight;
	struct rq_list behind;
	unsigned int nr_behind;
	struct list_head entry;
	struct list_head ring;
	wait_queue_head_t room;
	struct nvme_steer_slot *own;
	struct work_struct own_work;
	struct nvme_steer_waiting slot[];
};

/* A line of the files shares and shares_hist, and the most of either. */
#define NVME_STEER_SHARE_LINE		384
#define NVME_STEER_SHARES_SIZE		(2 * NVME_STEER_MAX_SHARES * \
					 NVME_STEER_SHARE_LINE + 1)

/* Histograms: bucket 0 is below a microsecond, bucket n below 2^n, ... */
#define NVME_STEER_SHARE_BUCKETS	28

/**
 * struct nvme_steer_share_state - a share as the arbiter sees it
 * @limit:	its limits, in the map of the attached policy; never NULL
 * @queues:	those with commands that wait, the next one to send for first
 * @inflight:	commands at the controller; of share 0 those of all shares
 * @peak:	the most there were since the policy was attached
 * @waiting:	commands that wait in slots; of share 0 nothing
 * @vtime:	virtual time: what it was given, by its weight
 * @iops_at:	when the rate allows another command at the latest, ns
 * @bytes_at:	likewise another byte
 * @iops_rate:	the limit that @iops_at was counted with
 * @bytes_rate:	and @bytes_at
 * @rated:	either is not 0
 * @commands:	that were sent; @bytes of data
 * @waits:	commands that could not be sent when they came
 * @ended:	commands of which a latency was measured, in this window
 * @late:	of which above the target
 * @missed:	above the target, in all
 * @wait:	histogram of the time from when a command came until it was sent
 * @device:	and from then until its completion was found
 */
struct nvme_steer_share_state {
	const struct nvme_steer_share *limit;
	struct list_head queues;
	unsigned int inflight;
	unsigned int peak;
	unsigned int waiting;
	u64 vtime;
	u64 iops_at;
	u64 bytes_at;
	u64 iops_rate;
	u64 bytes_rate;
	bool rated;
	u64 commands;
	u64 bytes;
	u64 waits;
	u32 ended;
	u32 late;
	u64 missed;
	u64 wait[NVME_STEER_SHARE_BUCKETS];
	u64 device[NVME_STEER_SHARE_BUCKETS];
};

/**
 * struct nvme_steer_arbiter - who may send, of a controller
 * @lock:	of all that follows, and of the submission queues and what waits
 *		of all shared queues; irqs off, innermost
 * @ctrl:	the controller, which has it from the first policy with shares
 *		until its own end
 * @limits:	the map of the attached policy, which holds it; NULL for none:
 *		then there are no limits
 * @waiting:	a bit for each share with commands that wait
 * @vnow:	virtual time of what was sent last
 * @ring:	queues that were written to and not rung for
 * @cap:	the most commands that each share without a latency target may
 *		have at the controller; 0: as many as it likes
 * @window:	when the present window of latencies began, ns
 * @timed:	since then a command of a share with a target has ended
 * @timer:	when to look again, while anything waits
 * @armed:	it runs, for @wake, ns
 * @tended:	when @work was queued last, ns
 * @work:	what the timer must not do
 * @share:	by number
 */
struct nvme_steer_arbiter {
	spinlock_t lock;
	struct nvme_steer_ctrl *ctrl;
	struct bpf_array *limits;
	u64 waiting;
	u64 vnow;
	struct list_head ring;
	unsigned int cap;
	u64 window;
	bool timed;
	struct hrtimer timer;
	bool armed;
	u64 wake;
	u64 tended;
	struct work_struct work;
	struct nvme_steer_share_state share[NVME_STEER_MAX_SHARES];
};

/* Some controller has shares: costs a no-op while none has. */
DECLARE_STATIC_KEY_FALSE(nvme_steer_share_key);

/* share.c: deciding */
int nvme_steer_share_limits(struct nvme_steer_policy *p, struct bpf_map *map);
void nvme_steer_share_attached(struct nvme_steer_ctrl *sc,
			       struct nvme_steer_policy *p);
void nvme_steer_share_drop(struct nvme_steer_policy *p);
void nvme_steer_share_exit(struct nvme_steer_ctrl *sc);
void nvme_steer_share_put(struct nvme_steer_shared *sh, u16 index, bool ring);
bool nvme_steer_share_ask(struct nvme_steer_shared *sh, u32 len);
void nvme_steer_share_look(struct nvme_steer_arbiter *arb);
bool nvme_steer_share_resend(struct nvme_steer_shared *sh, u16 index);
void nvme_steer_share_flush(struct nvme_steer_shared *sh);
void nvme_steer_share_remove(struct nvme_steer_shared *sh, u16 before,
			     u16 index);
void nvme_steer_share_unlist(struct nvme_steer_shared *sh);
void nvme_steer_share_ended(struct nvme_steer_shared *sh, unsigned int nr,
			    u64 now);
int nvme_steer_print_shares(struct nvme_steer_ctrl *sc, char *buf, size_t size);
int nvme_steer_print_histograms(struct nvme_steer_ctrl *sc, char *buf,
				size_t size);

/* share_queue.c: the queues */
struct nvme_steer_slot *nvme_steer_shared_begin(struct nvme_steer_queue *q,
						u32 len);
struct nvme_steer_slot *
nvme_steer_shared_request_begin(struct nvme_steer_queue *q, struct request *req);
int nvme_steer_shared_alloc(struct nvme_steer_queue *q, unsigned int share);
void nvme_steer_shared_free(struct nvme_steer_queue *q);
void nvme_steer_shared_live(struct nvme_steer_queue *q, bool live);
void nvme_steer_shared_close(struct nvme_steer_queue *q);
void nvme_steer_shared_submit(struct nvme_steer_slot *slot,
			      const struct nvme_steer_io *io,
			      const struct nvme_command *cmd, bool ring);
unsigned int nvme_steer_shared_requests(struct nvme_steer_queue *q,
					struct rq_list *list,
					struct rq_list *left);
void nvme_steer_shared_ring(struct nvme_steer_queue *q);
void nvme_steer_shared_collect(struct nvme_steer_queue *q);
void nvme_steer_shared_freed(struct nvme_steer_queue *q);
int nvme_steer_shared_room(struct nvme_steer_queue *q);
unsigned int nvme_steer_shared_find(struct nvme_steer_queue *q,
				    unsigned int limit);
void nvme_steer_shared_reaped(struct nvme_steer_queue *q);
void nvme_steer_shared_cancel(struct nvme_steer_queue *q);
struct nvme_steer_slot *nvme_steer_shared_expired(struct nvme_steer_queue *q,
						  const struct request *req,
						  bool *dead);
bool nvme_steer_shared_waits(struct nvme_steer_queue *q, struct request *req);
void nvme_steer_shared_give_up(struct nvme_steer_queue *q, struct request *req);

/* share_own.c: down the driver's own path */
void nvme_steer_share_rescue(struct nvme_steer_policy *p);
void nvme_steer_share_unfreeze_behind(struct nvme_steer_queue *q);
void nvme_steer_own_work(struct work_struct *work);

/* May commands be submitted to the queue? Under sq_lock, or for a guess. */
static __always_inline bool
nvme_steer_is_open(const struct nvme_steer_queue *q)
{
	const struct nvme_steer_shared *sh = q->shared;

	return likely(READ_ONCE(q->live)) ||
	       (sh && READ_ONCE(sh->live) && !READ_ONCE(sh->closing));
}

static inline u16 nvme_steer_slot_index(const struct nvme_steer_slot *slot)
{
	return slot->cid & NVME_STEER_CID_MASK;
}

/*
 * Tell the share, if there is one, of the command that a slot is going to
 * carry: the length of its data, bytes, and whether it is ended when its time
 * is over while it waits. The slot is the caller's.
 */
static inline void nvme_steer_shared_tell(const struct nvme_steer_slot *slot,
					  u32 len, bool expires)
{
	struct nvme_steer_shared *sh = slot->queue->shared;

	if (unlikely(sh)) {
		sh->slot[nvme_steer_slot_index(slot)].len = len;
		sh->slot[nvme_steer_slot_index(slot)].expires = expires;
	}
}

/* Does anybody want a slot of the queue? The slot is to be seen before. */
static __always_inline bool
nvme_steer_shared_wanted(const struct nvme_steer_queue *q)
{
	/* pairs with the barrier of who waits: either sees the other */
	smp_mb();
	return READ_ONCE(q->shared->nr_behind) ||
	       waitqueue_active(&q->shared->room);
}

/* Slots were put on the free list. Under sq_lock, not in an interrupt. */
static __always_inline void nvme_steer_freed(struct nvme_steer_queue *q)
{
	if (static_branch_unlikely(&nvme_steer_share_key) && q->shared &&
	    unlikely(nvme_steer_shared_wanted(q)))
		nvme_steer_shared_freed(q);
}

#endif /* NVMESTEER_SHARE_H */
