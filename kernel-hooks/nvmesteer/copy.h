/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The copy engine. A copy is a job: source ranges, a destination, and lanes
 * that carry out pieces of it side by side. copy.c decides what becomes of a
 * job, copy_lane.c carries it out, copy_short.c does so where there is little
 * to do, copy_end.c ends it; copy_io.c sends the commands, copy_mem.c has the
 * memory of jobs, copy_buf.c that of data, copy_limits.c knows what the device
 * can do. The ways in are copy_nvme.c (NVMe Copy commands), copy_uring.c
 * (applications) and copy_kernel.c (other modules).
 */
#ifndef NVMESTEER_COPY_ENGINE_H
#define NVMESTEER_COPY_ENGINE_H

#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include <nvmesteer/copy.h>

#include "nvmesteer.h"

/* NVM Command Set 1.0, 3.2.2: what linux/nvme.h does not have. */
#define NVME_STEER_ONCS_COPY		(1U << 8)
#define NVME_STEER_SC_INCOMPATIBLE_NS	0x185
#define NVME_STEER_SC_FAST_COPY		0x186
#define NVME_STEER_SC_OVERLAP		0x187
#define NVME_STEER_COPY_FORMATS		4
#define NVME_STEER_COPY_FUA_BIT		(1U << 30)	/* in CDW12 */
#define NVME_STEER_COPY_LR_BIT		(1U << 31)
#define NVME_STEER_COPY_FCO		(1U << 15)	/* in SOPT: fast copy only */

/* Source range entry: 32 bytes in formats 0h and 2h, 40 in 1h and 3h. */
struct nvme_steer_copy_desc {
	__le32 snsid;			/* 2h and 3h */
	__le32 rsvd4;
	__le64 slba;
	__le16 nlb;			/* 0's based */
	u8 cetype;			/* command extension: bits 3:0 */
	u8 rsvd19;
	__le16 cev;			/* its value */
	__le16 sopt;			/* 2h and 3h */
	u8 tags[16];			/* the last six bytes and up */
};

/*
 * Are its guards larger than 16 bits, which takes formats 1h and 3h? Where it
 * has no metadata the driver leaves guard_type as it was before.
 */
static inline bool nvme_steer_wide_guards(const struct nvme_ns_head *head)
{
	return head->guard_type != NVME_NVM_NS_16B_GUARD && head->ms;
}

/* The most reads of an emulated piece. */
#define NVME_STEER_COPY_READS		32
/* Pieces under way at a time unless the policy says otherwise. */
#define NVME_STEER_COPY_LANES		8

/* Bytes of data in an emulated piece, and of the descriptors of a Copy. */
#define NVME_STEER_COPY_DATA		SZ_256K
#define NVME_STEER_COPY_LIST		SZ_16K

/* What becomes of limits that the controller itself does not keep to. */
enum nvme_steer_copy_doubt {
	NVME_STEER_COPY_BELIEVED,
	/* a Copy within these limits was refused for its size */
	NVME_STEER_COPY_DOUBTED,
	/* and they were the same when asked again: no use to ask each time */
	NVME_STEER_COPY_CONFIRMED,
};

/**
 * struct nvme_steer_copy_ns - what copies a namespace can be part of
 * @generation:	nvme_steer_ctrl.generation it was asked in
 * @formats:	bit mask of descriptor formats that may be used now
 * @mssrl:	blocks of a range, at most
 * @mcl:	blocks of a command, at most
 * @msrc:	ranges of a command, at most (1's based)
 * @max_bytes:	of a Copy command, as an administrator wants it; U64_MAX: as the
 *		controller can. Kept over resets
 * @lba_shift:	when it was asked; another one now makes it void
 * @doubt:	enum nvme_steer_copy_doubt
 *
 * Constant but for @max_bytes, @doubt, and @generation, which becomes 0 when it
 * is not to be used any more; replaced as a whole, under copier.lock.
 */
struct nvme_steer_copy_ns {
	struct rcu_head rcu;
	u32 nsid;
	unsigned int generation;
	u16 formats;
	u16 mssrl;
	u32 mcl;
	u16 msrc;
	u8 lba_shift;
	u8 doubt;
	u64 max_bytes;
};

/**
 * struct nvme_steer_copy_buf - memory that commands of copies use
 * @entry:	in a pool
 * @dev:	the controller's, where it is mapped for that; NULL on fabrics
 * @page:	@size bytes that follow one another, mapped at @dma, in both
 *		directions, as long as the buffer exists
 * @prp:	addresses of its pages, at @prp_dma
 */
struct nvme_steer_copy_buf {
	struct list_head entry;
	struct nvme_steer_ctrl *sc;
	struct device *dev;
	struct page *page;
	dma_addr_t dma;
	__le64 *prp;
	dma_addr_t prp_dma;
	u32 size;
	u8 order;
	bool list;
};

/**
 * struct nvme_steer_side - a namespace that a copy reads or writes
 * @ns:		a reference
 * @q:		the steer queue that its commands go to, which is the job's;
 *		NULL: the driver's own path
 * @mask:	bytes of a logical block, less one; @shift is their logarithm, as
 *		they are when the job begins, with @ms bytes of metadata
 * @nsid:	its identifier
 * @max:	bytes of a read or write
 * @offload:	the controller can copy from it
 */
struct nvme_steer_side {
	struct nvme_ns *ns;
	struct nvme_steer_queue *q;
	u64 mask;
	u32 nsid;
	u32 max;
	u16 ms;
	u8 shift;
	bool offload;
};

/**
 * struct nvme_steer_source - a source range of a job
 * @from:	bytes, from the beginning of the namespace
 * @len:	bytes
 * @pos:	where in the copy it begins
 * @side:	index of its namespace
 * @down:	to be moved from its end to its beginning: it overlaps what it
 *		writes
 */
struct nvme_steer_source {
	u64 from;
	u64 len;
	u64 pos;
	u8 side;
	bool down;
};

/* A place in a job: @off bytes into its range @range. */
struct nvme_steer_cursor {
	u32 range;
	u64 off;
};

/* What a command of a lane is known by; which one follows from where it is. */
struct nvme_steer_lane_cmd {
	struct nvme_steer_lane *lane;
};

enum nvme_steer_lane_state {
	NVME_STEER_LANE_NEXT,		/* wants a piece */
	NVME_STEER_LANE_BUF,		/* has one, may need a buffer for it */
	NVME_STEER_LANE_READ,		/* has reads to send, or in flight */
	NVME_STEER_LANE_WRITE,		/* its write, likewise */
	NVME_STEER_LANE_COPY,		/* its Copy, likewise */
	NVME_STEER_LANE_END,		/* there is nothing more to do */
	NVME_STEER_LANE_SHORT,		/* it goes the short way, so far */
};

/**
 * struct nvme_steer_lane - what carries out one piece of a job at a time
 * @state:	what is done now, or to be done next
 * @offload:	the piece is the controller's
 * @at:		where the piece begins, @pos in the copy; it has @len bytes
 * @gone:	of which so many are copied
 * @part:	and so many are read and written now; or the length of the
 *		descriptors of a Copy
 * @sent:	bytes of the part of which reads were sent; @next is where the
 *		next one begins, and @reads how many are left. @first bytes were
 *		sent before this round
 * @good:	bytes that were read and are written now
 * @left:	commands of this round that have not ended
 * @bad:	the lowest of them that failed, with @status; under job->lock
 * @read_status: of a read that failed: the part ends before that
 * @result:	DW0-1 of a Copy's completion
 * @failed_status: why it has given up, or 0: of its piece, what comes after
 *		@failed_pos in the copy is not copied, or not known to be
 * @offloaded:	bytes, by @copies commands; @emulated likewise
 * @buf:	for data, or NULL; @list for descriptors
 * @slots:	of a round, in flight or ended, @nr_slots of them, of @slots_q. Of
 *		a job that ended by the short way they go with the job
 * @wait:	among those that wait for a buffer; @turn: it has, and goes before
 *		those that still do
 *
 * Belongs to whoever sends a round until that is sent, then to whoever ends
 * its last command.
 */
struct nvme_steer_lane {
	struct nvme_steer_copy_job *job;
	u8 state;
	bool offload;
	bool turn;
	u16 nr_slots;
	atomic_t left;
	int bad;
	int status;
	int read_status;
	int failed_status;
	u32 part;
	u32 sent;
	u32 first;
	unsigned int reads;
	u32 good;
	struct nvme_steer_cursor at;
	struct nvme_steer_cursor next;
	u64 pos;
	u64 len;
	u64 gone;
	u64 result;
	u64 failed_pos;
	u64 offloaded;
	u64 emulated;
	unsigned int copies;
	struct nvme_steer_copy_buf *buf;
	struct nvme_steer_copy_buf *list;
	struct nvme_steer_queue *slots_q;
	struct work_struct work;
	struct list_head wait;
	u16 slots[NVME_STEER_COPY_READS];
	struct nvme_steer_lane_cmd cmd[NVME_STEER_COPY_READS];
};

/* What a job has room for; for more of either there is more memory. */
#define NVME_STEER_FEW_RANGES		32
#define NVME_STEER_FEW_LANES		NVME_STEER_COPY_LANES

/**
 * struct nvme_steer_copy_job - a copy
 * @side:	the namespaces, the destination first, @nr_sides of them
 * @sc:		the destination's controller, a reference; NULL where there is
 *		nothing to attach to
 * @q:		the steer queue of its commands, a reference, or NULL
 * @range:	the sources, @nr of them
 * @to:		where it goes, bytes from the beginning of the namespace
 * @len:	of all, bytes
 * @flags:	NVME_STEER_COPY_F_*
 * @longest:	of a range, bytes
 * @own:	a source is the destination's namespace
 * @can:	NVME_STEER_COPY_CAN_* and so on, as told to the policy
 * @all:	the controller can copy all of it
 * @overlap:	ranges overlap the destination: they are moved in order
 * @raw:	it was an NVMe Copy command: the caller knows what the controller
 *		does where they overlap, and to protection information
 * @sopt:	source options of its descriptors, all together: none of them is
 *		for who reads and writes, so by Copy commands that have them
 * @unable:	NVMe status of one that only the controller could do, and cannot; 0
 *		where nothing forbids to read and write
 * @descs:	its descriptors, for the tags in them; else NULL
 * @format:	of the descriptors of Copy commands
 * @cdw12:	bits of Copy commands besides the format and the number; @cdw2
 *		and so on likewise
 * @chunk:	bytes of an emulated piece, at most; @most of a Copy command
 * @limits:	of Copy commands
 * @answer:	of copy(); @how is what came of it, @why if it is another
 * @class:	its size class, from when the policy is asked
 * @policy:	that gave it; compared, never followed
 * @timeout:	of a command, jiffies
 * @done:	called once, when the job has ended; frees it, then or later. Any
 *		context. @drain as in struct nvme_steer_io
 * @owner:	for @done
 * @ring:	of a uring_cmd: a drain of it may finish the job on the spot;
 *		@task has submitted it. Both are there until it is told
 * @tell:	tells the caller of it, and frees the job
 * @mm:		where the caller's @array of ranges is
 * @lent:	its queue keeps the controller and the module for it
 * @started:	ns; 0: its time is not taken
 * @running:	lanes that have not ended
 * @lock:	@at and @pos, if there are several lanes, and what commands say
 *		of failures; irqs off
 * @at:		what no lane has taken yet begins here, @pos in the copy
 * @stop:	take no more pieces
 * @stopped:	because the caller wants so, or is gone
 * @status:	of a job that has ended: 0, an NVMe status, or -errno
 * @copied:	bytes from the beginning without a gap, likewise; @path is
 *		NVME_STEER_COPY_*
 * @next:	in a struct nvme_steer_drain
 * @work:	for its caller
 * @lanes:	@nr_lanes of them
 *
 * Belongs to its caller until it is started, then to its lanes, and to its
 * caller again from @done.
 */
struct nvme_steer_copy_job {
	struct nvme_steer_source *range;
	struct nvme_steer_lane *lanes;
	struct nvme_steer_ctrl *sc;
	u32 nr;
	unsigned int nr_sides;
	unsigned int nr_lanes;
	atomic_t running;
	u64 to;
	u64 len;
	u64 longest;
	u64 chunk;
	u64 most;
	struct nvme_steer_copy_ns limits;
	int answer;
	u32 can;
	u8 format;
	u8 how;
	u8 why;
	u8 path;
	u8 class;
	bool all;
	int status;
	u64 copied;
	u64 started;
	const struct nvme_steer_policy *policy;
	void (*done)(struct nvme_steer_copy_job *job,
		     struct nvme_steer_drain *drain);
	void *owner;
	void (*tell)(struct nvme_steer_copy_job *job, unsigned int issue_flags);
	struct mm_struct *mm;
	void __user *array;
	struct nvme_steer_copy_job *next;
	struct work_struct work;
	spinlock_t lock;

	/* zero in a new one, up to the next comment */
	struct_group(cleared,
		struct nvme_steer_cursor at;
		u64 pos;
		struct nvme_steer_queue *q;
		struct io_ring_ctx *ring;
		struct task_struct *task;
		u8 *descs;
		u32 flags;
		u32 timeout;
		u32 cdw12;
		u32 cdw2;
		u32 cdw3;
		u32 cdw13;
		u32 cdw14;
		u32 cdw15;
		u16 sopt;
		u16 unable;
		bool overlap;
		bool raw;
		bool own;
		bool lent;
		bool stop;
		bool stopped;
	);

	/* a constructor has seen to the lanes */
	struct nvme_steer_lane few_lanes[NVME_STEER_FEW_LANES];
	struct nvme_steer_side side[NVME_STEER_COPY_MAX_NAMESPACES];
	struct nvme_steer_source few[NVME_STEER_FEW_RANGES];
};

/* How many copies of a size are all timed; see nvme_steer_job_timed(). */
#define NVME_STEER_COPY_ALL_TIMED	8

/* Does the policy that was asked want to know how it ends? */
static inline bool nvme_steer_job_tells(const struct nvme_steer_copy_job *job,
					const struct nvme_steer_policy *p)
{
	return p->copied && !(job->answer & NVME_STEER_COPY_QUIET);
}

/* See NVME_STEER_COPY_CLASSES. */
static inline u32 nvme_steer_size_class(u64 len)
{
	return min(fls64(len >> 13), NVME_STEER_COPY_CLASSES - 1);
}

/* Are the numbers of a struct nvme_steer_copy_cmd in their ranges? */
static inline bool nvme_steer_copy_makes_sense(u32 nr, u32 flags, u32 depth)
{
	const u32 how = NVME_STEER_COPY_F_OFFLOAD | NVME_STEER_COPY_F_EMULATE;

	return nr && nr <= NVME_STEER_COPY_MAX_RANGES &&
	       !(flags & ~(how | NVME_STEER_COPY_F_FUA)) &&
	       (flags & how) != how && depth <= NVME_STEER_COPY_MAX_DEPTH;
}

/* Who asks for a job, and how. */
struct nvme_steer_copy_how {
	struct io_uring_cmd *ioucmd;	/* or NULL */
	unsigned int issue_flags;
	bool sleep;			/* may wait for admin commands */
	unsigned int depth;		/* 0: the policy's */
};

static inline void nvme_steer_how_uring(struct nvme_steer_copy_how *how,
					struct io_uring_cmd *ioucmd,
					unsigned int issue_flags)
{
	how->ioucmd = ioucmd;
	how->issue_flags = issue_flags;
	how->sleep = !(issue_flags & IO_URING_F_NONBLOCK);
	how->depth = 0;
}

static inline bool nvme_steer_job_polled(const struct nvme_steer_copy_how *how)
{
	return how->issue_flags & IO_URING_F_IOPOLL;
}

/* copy_mem.c */
DECLARE_PER_CPU(struct nvme_steer_copy_job *, nvme_steer_spare_job);

/* A job becomes one of so many ranges, of nothing yet. */
static __always_inline void nvme_steer_job_init(struct nvme_steer_copy_job *job,
						u32 nr)
{
	memset(&job->cleared, 0, sizeof(job->cleared));
	job->lanes = job->few_lanes;
	job->nr_lanes = 1;
	job->range = job->few;
	job->nr = nr;
	job->nr_sides = 0;
}

/* One that was left for the next on the CPU, if there is any. */
static __always_inline struct nvme_steer_copy_job *nvme_steer_job_spare(u32 nr)
{
	struct nvme_steer_copy_job *job;

	job = this_cpu_xchg(nvme_steer_spare_job, NULL);
	if (likely(job))
		nvme_steer_job_init(job, nr);
	return job;
}

struct nvme_steer_copy_job *nvme_steer_job_alloc(u32 nr);
void nvme_steer_job_free(struct nvme_steer_copy_job *job);

/* copy.c */
int nvme_steer_job_side(struct nvme_steer_copy_job *job, struct nvme_ns *ns);
int nvme_steer_job_start(struct nvme_steer_copy_job *job,
			 const struct nvme_steer_copy_how *how);
int nvme_steer_job_start_own(struct nvme_steer_copy_job *job,
			     struct nvme_ns *ns, u64 bits,
			     const struct nvme_steer_copy_how *how);
void nvme_steer_job_stop(struct nvme_steer_copy_job *job);
bool nvme_steer_job_orphaned(const struct nvme_steer_copy_job *job);

/* copy_end.c */
void nvme_steer_job_whole(struct nvme_steer_copy_job *job, u8 path,
			  struct nvme_steer_drain *drain);
void nvme_steer_job_put(struct nvme_steer_copy_job *job,
			struct nvme_steer_drain *drain);
void nvme_steer_job_refused(struct nvme_steer_copy_job *job, int status);
int nvme_steer_range_report(const struct nvme_steer_copy_job *job, u32 i,
			    u64 *done);

/* copy_uring.c */
void nvme_steer_job_uring(struct nvme_steer_copy_job *job,
			  struct io_uring_cmd *ioucmd,
			  void (*tell)(struct nvme_steer_copy_job *job,
				       unsigned int issue_flags));

/* A lane has done nothing yet, and waits for nothing. */
static inline void nvme_steer_lane_clear(struct nvme_steer_lane *lane)
{
	lane->turn = false;
	lane->list = NULL;
	lane->failed_status = 0;
	lane->offloaded = 0;
	lane->emulated = 0;
	lane->copies = 0;
}

/* copy_lane.c */
void nvme_steer_lane_construct(struct nvme_steer_lane *lane,
			       struct nvme_steer_copy_job *job);
void nvme_steer_lane_start(struct nvme_steer_lane *lane);
void nvme_steer_lane_ended(struct nvme_steer_lane_cmd *cmd, int status,
			   u64 result, struct nvme_steer_drain *drain);

void nvme_steer_lane_resume(struct nvme_steer_lane *lane,
			    struct nvme_steer_drain *drain);

/* copy_io.c; the way to a steer queue is copy_send.h */
bool nvme_steer_lane_owns(const struct request *req);
int nvme_steer_lane_send_own(struct nvme_steer_lane *lane,
			     const struct nvme_steer_side *side, unsigned int i,
			     struct nvme_command *cmd,
			     struct nvme_steer_copy_buf *buf, u32 offset,
			     u32 len);
bool nvme_steer_lane_put_slots(struct nvme_steer_lane *lane);

/* copy_buf.c */
extern struct list_head nvme_steer_waiters;

/* Is there somebody who waits for a buffer? */
static inline bool nvme_steer_buf_wanted(void)
{
	return !list_empty_careful(&nvme_steer_waiters);
}

struct nvme_steer_copy_buf *nvme_steer_buf_get_cold(struct nvme_steer_ctrl *sc,
						    bool list, gfp_t gfp);
void nvme_steer_buf_put_cold(struct nvme_steer_copy_buf *buf);
void nvme_steer_bufs_left(struct nvme_steer_ctrl *sc);
void nvme_steer_buf_wake(void);

/* Take the hot buffer, which counts as used; NULL: there is none. */
static __always_inline struct nvme_steer_copy_buf *
nvme_steer_buf_cool(struct nvme_steer_copier *c, bool list)
{
	return READ_ONCE(c->hot[list]) ? xchg(&c->hot[list], NULL) : NULL;
}

/*
 * Leave a buffer for the next to come. Whoever frees buffers first writes down
 * why, @away or not @trimming, and then takes the hot one; here it is the other
 * way round, so that one of both finds it.
 */
static __always_inline bool nvme_steer_buf_heat(struct nvme_steer_copier *c,
						struct nvme_steer_copy_buf *buf)
{
	struct nvme_steer_copy_buf **hot = &c->hot[buf->list];

	if (!READ_ONCE(c->trimming) || READ_ONCE(*hot) ||
	    cmpxchg(hot, NULL, buf))
		return false;
	WRITE_ONCE(c->buf_last, jiffies);
	if (likely(READ_ONCE(c->trimming) && !READ_ONCE(c->away)))
		return true;
	/* somebody else may have taken it since, or another one is there */
	return cmpxchg(hot, buf, NULL) != buf;
}

/**
 * nvme_steer_buf_get - get a buffer
 * @sc: the controller it is mapped for
 * @list: one for descriptors, not for data
 * @gfp: how it may be allocated; 0: it may not
 *
 * Context: any, if @gfp allows.
 * Return: the buffer, or an ERR_PTR: -ENODEV (the controller is going away),
 * -EBUSY (others have all there may be, or it may not be allocated), -ENOMEM
 * (there is no memory).
 */
static __always_inline struct nvme_steer_copy_buf *
nvme_steer_buf_get(struct nvme_steer_ctrl *sc, bool list, gfp_t gfp)
{
	struct nvme_steer_copy_buf *buf;

	buf = nvme_steer_buf_cool(&sc->copier, list);
	return likely(buf) ? buf : nvme_steer_buf_get_cold(sc, list, gfp);
}

/**
 * nvme_steer_buf_put - give a buffer back
 * @buf: no command uses it
 *
 * Context: any.
 */
static __always_inline void nvme_steer_buf_put(struct nvme_steer_copy_buf *buf)
{
	struct nvme_steer_ctrl *sc = buf->sc;

	if (unlikely(nvme_steer_buf_wanted() ||
		     !nvme_steer_buf_heat(&sc->copier, buf)))
		nvme_steer_buf_put_cold(buf);
	else if (unlikely(nvme_steer_buf_wanted()))
		nvme_steer_bufs_left(sc);
}

int nvme_steer_buf_wait(struct nvme_steer_lane *lane);

void nvme_steer_bufs_init(struct nvme_steer_ctrl *sc);
void nvme_steer_bufs_exit(struct nvme_steer_ctrl *sc);

/* copy_limits.c */
static __always_inline bool
nvme_steer_limits_hold(const struct nvme_steer_ctrl *sc,
		       const struct nvme_ns *ns,
		       const struct nvme_steer_copy_ns *l)
{
	return l && l->generation == READ_ONCE(sc->generation) &&
	       l->lba_shift == ns->head->lba_shift;
}

int nvme_steer_copy_limits(struct nvme_steer_ctrl *sc, struct nvme_ns *ns,
			   bool sleep, struct nvme_steer_copy_ns *limits);
u64 nvme_steer_copy_hw_bytes(const struct nvme_steer_copy_ns *limits);
void nvme_steer_copy_limits_wrong(struct nvme_steer_ctrl *sc, u32 nsid);

#endif /* NVMESTEER_COPY_ENGINE_H */
