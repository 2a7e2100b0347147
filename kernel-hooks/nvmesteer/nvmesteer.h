/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nvmesteer.ko, internal: the objects, who may hold them, and the calls
 * between the files. Calls go one way: passthru asks route and hands a command
 * to queue; route knows policies and nothing of queues' insides; queue knows
 * slots, rings and doorbells, uses dma, and finishes a command through its
 * slot's done(), the commonest ones in line; lifecycle and policy stand above;
 * sysfs, dump and trace only read; watchdog reads, and ends policies.
 */
#ifndef NVMESTEER_H
#define NVMESTEER_H

#include <linux/blkdev.h>
#include <linux/io_uring/cmd.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "gather.h"
#include "load.h"
#include "nvme.h"
#include "sync.h"
#include "watch.h"
#include "wrr.h"
#include <nvmesteer/abi.h>

#include "copier.h"

/*
 * For what is written in full before it is read: kernels built to clear the
 * stack (CONFIG_INIT_STACK_ALL_ZERO) would do so for every command.
 */
#define nvme_steer_uninitialized __attribute__((__uninitialized__))

#define NVME_STEER_BIG_ENDIAN	(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

struct btf;
struct bpf_link;
struct bpf_map;
struct bpf_prog;
struct nvme_steer_answers;
struct nvme_steer_path_answers;
struct nvme_steer_arbiter;
struct nvme_steer_shared;

/*
 * Counters of one CPU: of the driver's own path (queue 0), the events, and how
 * many commands on that path in a row found no kept mapping (map.c).
 */
struct nvme_steer_stats {
	struct nvme_steer_own own;
	u64 events[NVME_STEER_NR_EVENTS];
	u32 own_misses;
};

/*
 * A command as far as an answer of a policy with hold_by depends on it: what
 * hold_by does not name is zero. @cgroup is an address, compared, never
 * followed. See hold.h.
 */
struct nvme_steer_kind {
	u64 what;		/* flags, I/O priority, opcode */
	u64 where;		/* length, namespace */
	u64 cgroup;
};

/**
 * struct nvme_steer_policy - an attached policy
 * @route:	the policy's route(), or NULL
 * @batch:	likewise batch(), and so on
 * @run:	what is run for them, NULL where there is none: the programs
 *		behind them, or now and then what times these; see watch.h
 * @timed:	and what they take, and have decided
 * @per_batch:	NVME_STEER_OPS_PER_BATCH
 * @copies_only: NVME_STEER_OPS_COPIES, or there is no @route
 * @block:	NVME_STEER_OPS_BLOCK, and not @copies_only
 * @shares:	its map of shares, or NULL (a reference); set by its init()
 * @hold:	how long an answer of route() holds for its ring, jiffies; 0
 *		where it holds for commands of a kind only
 * @hold_kind:	how long for those, jiffies, or 0
 * @kind:	what of a command makes its kind, as masks
 * @kind_block:	likewise of a request, with its own flags
 * @path_answers: those of path() that hold, or NULL: none does; see path_hold.h
 * @path_hold:	for how long, jiffies
 * @path_more:	and for how many commands after that
 * @path_kind:	what of a command makes its kind then, as masks
 * @path_looks:	it takes more than the head, the ring and the cgroup
 * @weights:	of the priority classes, if its init() has set them; see wrr.h
 * @init:	likewise; @exit too
 * @timeout:	of a command that names none, jiffies
 * @ctrl:	its controller (a reference)
 * @link:	the BPF link that attached it; NULL once that is going away.
 *		Under ctrl->policy_lock.
 * @ended:	exit() has been called; under ctrl->policy_lock
 * @path_entry:	while it may decide for its controller's subsystem; see path.c
 * @exit_kind:	0, or why it is being ended: claimed once by cmpxchg; from then
 *		on its route() is not asked any more
 * @exit_code:	with it, written by whoever claimed
 * @reason:	likewise
 * @trace:	likewise, @nr_trace return addresses: who called for the end,
 *		where that was while a command was being decided about
 * @eject_work:	detaches the link; holds a reference
 *
 * Published in nvme_steer_ctrl.policy, read under RCU. References: the link
 * (dropped in unreg) and a pending @eject_work.
 */
struct nvme_steer_policy {
	int (*route)(struct nvme_steer_cmd *cmd);
	int (*batch)(struct nvme_steer_batch *b);
	int (*copy)(struct nvme_steer_copy *cp);
	void (*copied)(struct nvme_steer_copied *ev);
	int (*path)(struct nvme_steer_path *p);
	const struct bpf_prog *run[NVME_STEER_NR_CALLS];
	bool per_batch;
	bool copies_only;
	bool block;
	struct bpf_map *shares;
	u32 hold;
	u32 hold_kind;
	struct nvme_steer_kind kind;
	struct nvme_steer_kind kind_block;
	struct nvme_steer_path_answers __percpu *path_answers;
	u32 path_hold;
	u32 path_more;
	struct nvme_steer_kind path_kind;
	bool path_looks;
	struct nvme_steer_weights weights;
	int (*init)(struct nvme_steer_dev *dev);
	void (*exit)(struct nvme_steer_exit *info);
	unsigned int exit_kind;
	int exit_code;
	unsigned long timeout;
	struct nvme_steer_ctrl *ctrl;
	struct bpf_link *link;
	struct list_head path_entry;
	bool ended;
	char name[NVME_STEER_NAME_LEN];
	char reason[sizeof_field(struct nvme_steer_exit, reason)];
	struct work_struct eject_work;
	struct kref ref;
	struct rcu_head rcu;		/* in the first page, for kfree_rcu() */
	struct nvme_steer_timed timed[NVME_STEER_NR_CALLS];
	unsigned long trace[NVME_STEER_BACKTRACE];
	unsigned int nr_trace;
};

#define NVME_STEER_KEEP_BITS	8
#define NVME_STEER_SEEN_BITS	12

/**
 * struct nvme_steer_keep_user - those of plain buffers; see keep_user.c
 * @windows:	looked up under RCU, changed under nvme_steer_keep.lock
 * @nr:		how many there are, retired ones included
 * @retired:	windows no lookup finds any more, until no command uses them
 * @seen:	by hash: memory without a window that was used lately
 * @soon:	@work was told to come before it is due
 * @idle_check:	when @work looks for windows that are not used, jiffies
 * @work:	retires what is idle or spoilt, frees what is retired
 */
struct nvme_steer_keep_user {
	struct hlist_head windows[1 << NVME_STEER_KEEP_BITS];
	unsigned int nr;
	struct list_head retired;
	DECLARE_BITMAP(seen, 1 << NVME_STEER_SEEN_BITS);
	atomic_t soon;
	unsigned long idle_check;
	struct delayed_work work;
};

/**
 * struct nvme_steer_keep - the kept mappings of a controller; see keep.c
 * @chunks:	looked up under RCU, changed under @lock
 * @lock:	also taken by the submission path, where a mapping is to be kept;
 *		never held over anything but memory management
 * @retired:	chunks no lookup finds any more, until no command uses them
 * @epoch:	goes up each time a chunk or a window is retired; never 0
 * @pages:	how many pages are kept, retired chunks included
 * @closed:	no chunk may be added any more
 * @any:	the last time @work looked, chunks were left
 * @idle_check:	when @work looks for chunks that are not used, jiffies
 * @work:	retires what is idle, frees what is retired
 * @user:	plain buffers; shares @lock, @epoch, @pages, @closed and @own
 * @own:	its readers: commands of the driver's own path, from before they look
 *		up a mapping until they have ended; see map.c
 * @own_maps:	there may be any
 */
struct nvme_steer_keep {
	struct hlist_head chunks[1 << NVME_STEER_KEEP_BITS];
	struct mutex lock;
	struct list_head retired;
	u32 epoch;
	unsigned long pages;
	bool closed;
	bool any;
	unsigned long idle_check;
	struct delayed_work work;
	struct nvme_steer_keep_user user;
	struct srcu_struct own;
	bool own_maps;
};

#define NVME_STEER_HCTXS	64

/**
 * struct nvme_steer_block - what a controller has for block requests
 * @owed:	queues, by number, that a doorbell is to be written for: set by a
 *		dispatcher for a request that is not its last one, cleared by any
 *		that rings. Queues above 63 are rung for at once
 * @polled:	by hardware queue of the driver's (number modulo
 *		NVME_STEER_HCTXS): queues, by number, that requests polled for by
 *		it have gone to; bit 0 stands for all above 63. Never cleared:
 *		what is there too much costs a glance
 *
 * Read and changed by atomic instructions, without a lock.
 */
struct nvme_steer_block {
	unsigned long owed;
	unsigned long polled[NVME_STEER_HCTXS];
};

/**
 * struct nvme_steer_ctrl - one controller
 *
 * Exists from the controller's first start (or from module load) until it is
 * removed (or module unload), and then as a shell until the last policy and
 * queue that refer to it are gone. @nvme is valid until @gone.
 *
 * Locks, outermost first:
 * @policy_lock:  attach, replace, end of a policy. Held over its init() and
 *		  exit().
 * @queue_lock:	  creating, restarting and freeing queues; publication in
 *		  @queues. Held over admin commands.
 * @state_lock:	  @up, @gone, @ready, @generation, @res, @queue_list, and each queue's
 *		  irq and transition to live. Never held over an admin command,
 *		  nor over anything that waits for one: the driver's timeout
 *		  handler takes it.
 *
 * @block_policy: @policy while it is to be asked about block requests: @ready,
 *		  and it has not begun to end, which clears this at once. Set
 *		  under @state_lock; read under RCU, like @policy.
 */
struct nvme_steer_ctrl {
	struct nvme_steer_policy __rcu *policy;
	struct nvme_steer_policy __rcu *block_policy;
	struct nvme_steer_stats __percpu *stats;
	struct nvme_steer_answers __percpu *answers;
	int instance;
	int node;
	struct kref ref;
	struct rcu_head rcu;

	struct nvme_steer_queue __rcu *queues[NVME_STEER_MAX_QUEUES + 1];
	unsigned int last_queue;	/* none higher is there; queue_lock */

	struct mutex policy_lock;
	struct mutex queue_lock;
	struct mutex state_lock;

	struct nvme_ctrl *nvme;
	bool up;
	bool gone;
	bool ready;			/* up, and the queues are back */
	wait_queue_head_t ready_wait;
	unsigned int generation;	/* goes up each time @up becomes true */
	struct nvme_steer_queues res;	/* what is reserved; see steer.h */
	struct list_head queue_list;	/* every queue that has hardware */

	struct nvme_steer_keep keep;
	struct nvme_steer_copier copier;
	struct nvme_steer_block block;
	struct nvme_steer_load load;
	/* set once, under queue_lock, and kept; see share.h */
	struct nvme_steer_arbiter *arb;

	struct nvme_steer_refusals refusals;
	struct nvme_steer_watch watch;
	struct nvme_steer_wrr wrr;
	bool ending;			/* a policy is, and is not recorded yet */
	/* The last policy that ended; under @record_lock, which is innermost */
	struct mutex record_lock;
	struct nvme_steer_exit last_exit;
	char last_policy[NVME_STEER_NAME_LEN];
	char *dump;

	struct list_head entry;		/* nvme_steer_ctrls */
};

/* Descriptors inline in a mapping: enough for two pages. */
#define NVME_STEER_INLINE_SG	2

/* PRP list pages for the largest transfer the driver allows, 8 MiB. */
#define NVME_STEER_MAX_LISTS	5

/**
 * struct nvme_steer_map - the data buffer of a command, mapped for DMA
 * @sgt:	scatterlist, one entry a page; @sgl inline or allocated
 * @page:	where @one: the page, pinned, and @page_dma and @page_len of it
 * @desc:	PRP or SGL lists, @nr_desc of them; the first is at @desc_dma
 * @dir:	DMA_NONE when the command has no data
 * @one:	a single page, without a scatterlist
 * @pinned:	the pages are pinned for this command
 */
struct nvme_steer_map {
	union {
		struct sg_table sgt;
		struct {
			struct page *page;
			dma_addr_t page_dma;
			u32 page_len;
		};
	};
	struct scatterlist sgl[NVME_STEER_INLINE_SG];
	__le64 *desc[NVME_STEER_MAX_LISTS];
	dma_addr_t desc_dma;
	enum dma_data_direction dir;
	u8 nr_desc;
	bool small;
	bool one;
	bool mapped;
	bool pinned;
};

enum nvme_steer_slot_state {
	NVME_STEER_SLOT_FREE,		/* on the free list, or DONE there */
	NVME_STEER_SLOT_RESERVED,	/* taken, not at the controller */
	NVME_STEER_SLOT_WAITING,	/* its share may not send it yet */
	NVME_STEER_SLOT_INFLIGHT,	/* at the controller */
	NVME_STEER_SLOT_OWN,		/* a request of the driver carries it */
	NVME_STEER_SLOT_DONE,		/* done() was called */
};

struct nvme_steer_slot;
struct nvme_steer_run;
struct nvme_steer_copy_job;

/**
 * struct nvme_steer_drain - one round of reaping completions
 * @ring:	the ring on whose behalf it polls; its uring_lock is held, so its
 *		commands may be finished on the spot. NULL: nobody polls, the
 *		commands are told of together, see nvme_steer_passthru_tell()
 * @first:	slots to finish once the locks are dropped, linked by next
 * @last:	where to link the next one
 * @runs:	groups of which a round has ended, likewise
 * @jobs:	copies that have ended, likewise
 */
struct nvme_steer_drain {
	struct io_ring_ctx *ring;
	struct nvme_steer_slot *first;
	struct nvme_steer_slot **last;
	struct nvme_steer_run *runs;
	struct nvme_steer_copy_job *jobs;
};

/**
 * struct nvme_steer_io - what a slot is told of the command it carries
 * @done:	called once, any context, when the slot becomes DONE; whoever
 *		it tells gives the slot back. @drain is NULL where nothing may
 *		be finished on the spot. Or NVME_STEER_IO_REQUEST: @owner is a
 *		block request, see block.h
 * @owner:	for @done
 * @usage:	request queue usage reference of the namespace, held from
 *		before RESERVED to DONE: freezing or removing the namespace
 *		waits for the command. NULL where a group holds one for all
 * @timeout:	jiffies
 * @kept:	epoch at which the kept mapping was looked up that the command
 *		uses, 0 for none; see keep.c
 */
struct nvme_steer_io {
	void (*done)(struct nvme_steer_slot *slot,
		     struct nvme_steer_drain *drain);
	void *owner;
	struct percpu_ref *usage;
	u32 timeout;
	u32 kept;
};

#define NVME_STEER_IO_REQUEST	NULL

/**
 * struct nvme_steer_slot - one command id of a queue
 * @state:	FREE<->RESERVED under sq_lock, RESERVED->INFLIGHT under sq_lock,
 *		of a shared queue RESERVED->WAITING and WAITING->INFLIGHT under
 *		the arbiter's, WAITING->DONE and WAITING->OWN under that and
 *		cq_lock, OWN->DONE under cq_lock and, where it could not be,
 *		OWN->INFLIGHT under the arbiter's,
 *		INFLIGHT->DONE under cq_lock: that transition is what makes a
 *		command end exactly once. On the free list nobody looks at it
 * @cid:	command id: its low bits are the slot's index, the high four a
 *		generation, which is another one for each command
 * @aborted:	once it has expired, NVME_STEER_ABORT_*; INFLIGHT: under
 *		cq_lock
 * @cancelled:	ended without an answer of the controller
 * @status:	NVMe status field without the phase tag, of a DONE slot
 * @result:	completion queue entry DW0-1, likewise
 * @io:		the command, as it was submitted
 * @deadline:	jiffies; valid before @state becomes INFLIGHT, until it ends
 * @next:	next in a struct nvme_steer_drain, of a DONE slot
 * @map:	its data, where it is mapped for this command alone
 *
 * All but @map is one cache line.
 */
struct nvme_steer_slot {
	u8 state;
	u8 aborted;
	bool cancelled;
	u16 cid;
	u16 status;
	u64 result;
	struct nvme_steer_io io;
	union {
		unsigned long deadline;
		struct nvme_steer_slot *next;
	};
	struct nvme_steer_queue *queue;
	struct nvme_steer_map map;
} ____cacheline_aligned;

/* Low bits of a command id are the slot, high bits its generation. */
#define NVME_STEER_CID_BITS	12
#define NVME_STEER_CID_MASK	((1U << NVME_STEER_CID_BITS) - 1)

static inline u16 nvme_steer_cid(const struct nvme_steer_slot *slot)
{
	return slot->cid;
}

/* Another generation, for the next command. */
static __always_inline u16 nvme_steer_next_cid(struct nvme_steer_slot *slot)
{
	return slot->cid += 1U << NVME_STEER_CID_BITS;
}

/**
 * struct nvme_steer_queue - a steer queue: submission and completion queue
 *
 * Has hardware from creation until it is freed or its controller goes away,
 * and is a shell after that, until the last slot is given back. A shell
 * completes nothing and takes nothing. Each queue holds a reference on the
 * module and on nvme_steer_key, so that completions find both.
 *
 * @refs, under sq_lock: one for having hardware, one for each slot not free,
 * one for each plugged submitter that is going to ring the doorbell. Slots in
 * @given are not free yet.
 *
 * Slots of block requests come back by themselves, as their requests end, which
 * is in an interrupt, where sq_lock must not be taken: whoever ends them writes
 * their indices to @given, a ring that has room for all, and whoever submits
 * takes them from there. Nobody else does either, so no lock is needed between
 * the two.
 */
struct nvme_steer_queue {
	/* constant */
	struct nvme_steer_ctrl *ctrl;
	struct device *dev;		/* for DMA; while there is hardware */
	struct nvme_steer_slot *slots;
	unsigned int number;
	unsigned int depth;		/* entries; depth - 1 slots */
	unsigned int cq_depth;		/* of the completion queue */
	u8 mode;
	u8 prio;			/* NVME_STEER_CLASS_*; see wrr.h */
	struct dma_pool *small_pool;
	struct dma_pool *page_pool;
	u16 *given;			/* of given_mask + 1 entries */
	unsigned int given_mask;
	void (*complete_batch)(struct io_comp_batch *iob);
	struct nvme_steer_shared *shared;	/* NULL: of no share */

	/* under ctrl->state_lock */
	struct list_head entry;
	int irq;			/* Linux irq number, 0 for none */
	int vector;			/* index among the reserved, -1 none */
	u16 qid;
	bool started;			/* the controller knows it */
	bool refused;			/* and refused to forget it */

	/* under ctrl->queue_lock */
	struct nvme_steer_policy *owner;	/* NULL: made by hand */
	struct nvme_steer_policy *heir;	/* takes over if its attach works */
	bool lost;

	/* submission; the ring of a shared queue: see share.h */
	spinlock_t sq_lock ____cacheline_aligned_in_smp;
	bool live;			/* never, of a shared queue */
	bool timer_armed;
	u16 sq_tail;
	u16 sq_rung;			/* the tail the controller was told */
	u16 nr_free;
	u16 nr_reserved;		/* slots RESERVED */
	int refs;
	unsigned int polled_by;		/* whose polled requests came last */
	struct nvme_command *sq_cmds;
	u32 __iomem *sq_db;
	__le32 *dbbuf_sq_db;
	__le32 *dbbuf_sq_ei;
	u16 *free;			/* indices of free slots, a stack */
	unsigned int given_tail;	/* how many were taken from @given */
	unsigned long timer_expires;
	u64 submitted;
	u64 sq_doorbells;

	/* completion; irqs off: taken by the interrupt handler */
	spinlock_t cq_lock ____cacheline_aligned_in_smp;
	u16 cq_head;
	u8 cq_phase;
	unsigned int cq_owed;		/* read since the controller was told */
	unsigned int cq_room;		/* so many may be; all from down() on */
	struct percpu_ref *cq_usage;	/* the last one, never followed */
	struct nvme_completion *cqes;
	unsigned int given_head;	/* how many were written to @given */
	struct rq_list ended;		/* to be completed without the lock */
	bool requests;			/* what came last was for requests */
	u32 __iomem *cq_db;
	__le32 *dbbuf_cq_db;
	__le32 *dbbuf_cq_ei;
	u64 completed;
	u64 failed;
	u64 cancelled;
	u64 cq_doorbells;
	u64 interrupts;

	struct nvme_steer_gather gather;
	struct nvme_steer_progress progress;

	wait_queue_head_t drained;
	struct delayed_work timer;
	struct work_struct abort_work;
	struct work_struct free_work;
	dma_addr_t sq_dma;
	dma_addr_t cq_dma;
};

/**
 * struct nvme_steer_plug - a batch that a task is submitting to a queue
 * @cb:		in current->plug; its data is the queue, which it holds
 * @policy:	where it asks once a batch: the policy that chose the queue;
 *		compared, never followed. Or NULL
 * @ring:	and for which ring
 *
 * io_uring plugs when it submits more than two commands at once, and unplugs
 * after the last one, or when it has to sleep before: until then no doorbell
 * has to be rung. Only the submitting task sees it, on whichever CPU that is.
 * At its end it becomes a spare, and the queue, which keeps the module, is
 * given up after that: no spare comes when the module frees them.
 */
struct nvme_steer_plug {
	struct blk_plug_cb cb;
	const struct nvme_steer_policy *policy;
	const struct io_ring_ctx *ring;
};

void nvme_steer_unplug(struct blk_plug_cb *cb, bool from_schedule);

/* The batch begun last in this task, or NULL. */
static __always_inline struct nvme_steer_plug *nvme_steer_plug(void)
{
	struct blk_plug *block = current->plug;
	struct blk_plug_cb *cb;

	if (likely(!block) || list_empty(&block->cb_list))
		return NULL;
	cb = list_first_entry(&block->cb_list, struct blk_plug_cb, list);
	if (cb->callback != nvme_steer_unplug)
		return NULL;
	return container_of(cb, struct nvme_steer_plug, cb);
}

static inline u64 nvme_steer_queue_inflight(const struct nvme_steer_queue *q)
{
	u64 ended = READ_ONCE(q->completed) + READ_ONCE(q->failed) +
		    READ_ONCE(q->cancelled);

	return READ_ONCE(q->submitted) - ended;
}

static inline void nvme_steer_count(struct nvme_steer_ctrl *sc,
				    enum nvme_steer_event ev)
{
	this_cpu_inc(sc->stats->events[ev]);
}

/* Each published queue, which the body may unpublish; under queue_lock. */
#define nvme_steer_for_each_queue(sc, q, n)				\
	for ((n) = 1; (n) <= NVME_STEER_MAX_QUEUES; (n)++)		\
		if (!((q) = rcu_dereference_protected((sc)->queues[n],	\
				lockdep_is_held(&(sc)->queue_lock))))	\
			;						\
		else

/* main.c */
extern struct workqueue_struct *nvme_steer_wq;
extern struct workqueue_struct *nvme_steer_copy_wq;
extern unsigned int nvme_steer_bad_answers;

/* lifecycle.c: controllers */
extern const struct nvme_steer_hooks nvmesteer_hooks;
struct nvme_steer_ctrl *nvme_steer_ctrl_get(struct nvme_ctrl *ctrl);
struct nvme_steer_ctrl *nvme_steer_ctrl_find(int instance);
void nvme_steer_ctrl_put(struct nvme_steer_ctrl *sc);
bool nvme_steer_each_ctrl(bool (*what)(struct nvme_steer_ctrl *sc));

/* policy.c: attach, replace, end */
int nvme_steer_policy_attach(struct nvme_steer_policy *p, struct bpf_link *link);
int nvme_steer_policy_replace(struct nvme_steer_policy *p,
			      struct bpf_link *link);
void nvme_steer_policy_detach(struct bpf_link *link);
void nvme_steer_policy_put(struct nvme_steer_policy *p);
bool nvme_steer_policy_end(struct nvme_steer_policy *p, unsigned int kind,
			   int code, const char *reason);
void nvme_steer_policy_ready(struct nvme_steer_ctrl *sc);
int nvme_steer_policy_off(struct nvme_steer_ctrl *sc);
const char *nvme_steer_exit_name(unsigned int kind);

/* ops.c: the struct_ops type */
int nvme_steer_ops_register(void);
bool nvme_steer_ops_is(const struct bpf_prog *prog, const char *op);

/* prog.c: the programs behind route() and so on */
void nvme_steer_prog_note(const void *kdata, const char *op, int fd);
struct bpf_prog *nvme_steer_prog_get(const void *kdata, const char *op);
void nvme_steer_prog_put(struct bpf_prog *prog);
void nvme_steer_prog_exit(void);

/* kfunc.c: what a policy may call */
struct nvme_steer_dev_args {
	struct nvme_steer_dev dev;
	struct nvme_steer_policy *policy;
	struct nvme_steer_policy *replaced;
};
int nvme_steer_kfunc_register(void);

/* route.h: asking */
struct nvme_steer_route_args {
	struct nvme_steer_cmd cmd;
	struct nvme_steer_policy *policy;
	int answer;		/* of route(), NVME_STEER_ONCE included */
	union {
		struct io_ring_ctx *ring;
		struct request *req;	/* where the source is a block request */
	};
};

/**
 * struct nvme_steer_member - a command of a group
 * @cmd:	copied from the application's array, and completed
 * @run:	the group
 * @place:	kernel address of its place in the array; only written to
 * @addr:	of its data, and @len
 * @flags:	NVME_STEER_MEMBER_*
 */
struct nvme_steer_member {
	struct nvme_command cmd;
	struct nvme_steer_run *run;
	struct nvme_steer_group_cmd *place;
	u64 addr;
	u32 len;
	u32 flags;
};

#define NVME_STEER_MEMBER_BOUNDED	(1U << 0) /* @len is the blocks' */
#define NVME_STEER_MEMBER_MAPPED	(1U << 1) /* for this command alone */
#define NVME_STEER_MEMBER_SKIP		(1U << 2) /* it has failed already */

/* group.c: command groups */
int nvme_steer_group_init(void);
void nvme_steer_group_exit(void);

/* queue.c: the hot half of a queue; submitting a command is queue.h */
bool nvme_steer_plug_queue(struct nvme_steer_queue *q);
void nvme_steer_plug_exit(void);
unsigned int nvme_steer_collected(struct nvme_steer_queue *q);
void nvme_steer_set_timer(struct nvme_steer_queue *q, unsigned long deadline);
struct nvme_steer_slot *nvme_steer_slot_get(struct nvme_steer_queue *q);
int nvme_steer_slots_get(struct nvme_steer_queue *q, u16 *index,
			 unsigned int had, bool reserved, unsigned int *nr);
int nvme_steer_submit_members(struct nvme_steer_queue *q, const u16 *index,
			      unsigned int got, const struct nvme_steer_io *io,
			      struct nvme_steer_member *m, unsigned int nr);
void nvme_steer_indices_put(struct nvme_steer_queue *q, const u16 *index,
			    unsigned int nr, bool reserved);
void nvme_steer_slot_put(struct nvme_steer_slot *slot);
int nvme_steer_submit(struct nvme_steer_slot *slot,
		      const struct nvme_steer_io *io, struct nvme_command *cmd);
void nvme_steer_queue_stop(struct nvme_steer_queue *q);
void nvme_steer_queue_mute(struct nvme_steer_queue *q);
void nvme_steer_queue_drop(struct nvme_steer_queue *q);

/* complete.c: the other half; how passthrough commands end is passthru.h */
unsigned int nvme_steer_poll(struct nvme_steer_queue *q,
			     struct nvme_steer_drain *drain);
irqreturn_t nvme_steer_irq(int irq, void *data);
unsigned int nvme_steer_reap(struct nvme_steer_queue *q,
			     struct nvme_steer_drain *drain, bool ring);
unsigned int nvme_steer_reap_some(struct nvme_steer_queue *q,
				  struct nvme_steer_drain *drain,
				  unsigned int limit);

/* cancel.c: commands that end otherwise */
void nvme_steer_cmd_failed(struct nvme_steer_queue *q,
			   struct nvme_steer_slot *slot,
			   struct nvme_steer_drain *drain,
			   struct io_comp_batch *iob);
void nvme_steer_queue_cancel(struct nvme_steer_queue *q);
void nvme_steer_own_end(struct nvme_steer_queue *q, struct nvme_steer_slot *slot);
void nvme_steer_queue_expire(struct nvme_steer_queue *q, struct request *req);

/* timeout.c */
void nvme_steer_timeout_work(struct work_struct *work);
void nvme_steer_abort_work(struct work_struct *work);

/* qsetup.c: creating, restarting and freeing a queue */
struct nvme_steer_queue *nvme_steer_queue_create(struct nvme_steer_ctrl *sc,
		unsigned int number, unsigned int mode, unsigned int depth,
		unsigned int share, struct nvme_steer_policy *owner);
int nvme_steer_queue_start(struct nvme_steer_queue *q);
void nvme_steer_queue_free(struct nvme_steer_queue *q);
void nvme_steer_queue_free_irq(struct nvme_steer_queue *q);
void nvme_steer_queue_abandon(struct nvme_steer_queue *q);
void nvme_steer_queues_forgotten(struct nvme_steer_ctrl *sc);
void nvme_steer_queue_free_work(struct work_struct *work);

/* dma.c */
int nvme_steer_map_data(struct nvme_steer_slot *slot, struct nvme_command *cmd,
			struct iov_iter *iter, enum dma_data_direction dir,
			bool sgl, enum nvme_steer_event *why);
int nvme_steer_map_page(struct nvme_steer_slot *slot, struct nvme_command *cmd,
			u64 addr, u32 len, enum dma_data_direction dir);
void nvme_steer_unmap(struct nvme_steer_slot *slot);
void __nvme_steer_release_pages(struct nvme_steer_map *map);

/**
 * nvme_steer_release_pages - unpin and forget the pages of a mapping
 * @map: unmapped from DMA
 *
 * Context: task; marking pages dirty may sleep.
 */
static inline void nvme_steer_release_pages(struct nvme_steer_map *map)
{
	if (map->dir != DMA_NONE)
		__nvme_steer_release_pages(map);
}

/* keep.c: mappings that outlive a command; finding them is keep.h */
int nvme_steer_keep_init(struct nvme_steer_ctrl *sc);
void nvme_steer_keep_exit(struct nvme_steer_ctrl *sc);
bool nvme_steer_keep(struct nvme_steer_ctrl *sc, const struct iov_iter *iter,
		     u64 addr);

/* copies; the engine is copy.h */
int nvme_steer_copies_init(void);
void nvme_steer_copies_exit(void);
void nvme_steer_copy_init(struct nvme_steer_ctrl *sc);
void nvme_steer_copy_exit(struct nvme_steer_ctrl *sc);
void nvme_steer_copy_attached(struct nvme_steer_ctrl *sc);
void nvme_steer_copy_detaching(struct nvme_steer_ctrl *sc);
int nvme_steer_bufs_keep(struct nvme_steer_ctrl *sc);
void nvme_steer_bufs_leave(struct nvme_steer_ctrl *sc);
int nvme_steer_copy_set_max(struct nvme_steer_ctrl *sc, u32 nsid, u64 bytes);
int nvme_steer_print_max(struct nvme_steer_ctrl *sc, char *buf, size_t size);
int nvme_steer_print_copy(struct nvme_steer_ctrl *sc, char *buf, size_t size);
void nvme_steer_copy_away(struct nvme_steer_ctrl *sc);

/* sysfs.c */
extern const struct attribute_group nvme_steer_sysfs_group;
int nvme_steer_print_queues(struct nvme_steer_ctrl *sc, char *buf, size_t size);
int nvme_steer_print_events(struct nvme_steer_ctrl *sc, char *buf, size_t size);
const char *nvme_steer_event_name(enum nvme_steer_event ev);

#endif /* NVMESTEER_H */
