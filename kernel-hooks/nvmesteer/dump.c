// SPDX-License-Identifier: GPL-2.0
/*
 * What is written down when a policy ends: each queue with its rings and the
 * oldest commands in flight, the answers that were refused last, those of the
 * calls that the watchdog has timed, how it came to the end, the events. All of
 * it is what is there anyway: a command is found in the submission queue, until
 * another one was written over it, or with its request. Read with
 * the attribute dump, by root only, since it names other people's blocks.
 */
#include <linux/slab.h>

#include "copy_send.h"
#include "group_run.h"
#include "passthru.h"
#include "route.h"
#include "share.h"

/* While it is written; what is kept is as long as it is. */
#define NVME_STEER_DUMP_SIZE	SZ_256K

/* The oldest commands of a queue that are told of. */
#define NVME_STEER_DUMP_CMDS	16

/* A text that grows up to @size; what is beyond is left out. */
struct nvme_steer_text {
	char *buf;
	size_t len;
	size_t size;
};

static __printf(2, 3) void nvme_steer_say(struct nvme_steer_text *t,
					  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->len += vscnprintf(t->buf + t->len, t->size - t->len, format, args);
	va_end(args);
}

/**
 * struct nvme_steer_flying - a command in flight, as it is told of
 * @what:	who sent it
 * @since:	when, jiffies
 * @cid:	command id
 * @waits:	for its share: it is not at the controller
 * @aborted:	it was not answered in time
 * @known:	the rest is set
 */
struct nvme_steer_flying {
	const char *what;
	unsigned long since;
	u16 cid;
	bool waits;
	bool aborted;
	bool known;
	u8 opcode;
	u32 nsid;
	u32 cdw12;
	u64 cdw10;
};

/* The oldest commands of a queue, oldest first, and how many there are. */
struct nvme_steer_flight {
	struct nvme_steer_flying cmd[NVME_STEER_DUMP_CMDS];
	unsigned int nr;
	unsigned int all;
};

static void nvme_steer_flying_cmd(struct nvme_steer_flying *f,
				  const struct nvme_command *cmd)
{
	f->opcode = cmd->common.opcode;
	f->nsid = le32_to_cpu(cmd->common.nsid);
	f->cdw10 = le32_to_cpu(cmd->common.cdw10) |
		   (u64)le32_to_cpu(cmd->common.cdw11) << 32;
	f->cdw12 = le32_to_cpu(cmd->common.cdw12);
	f->known = true;
}

static const char *nvme_steer_flying_what(const struct nvme_steer_slot *slot)
{
	if (slot->io.done == NVME_STEER_IO_REQUEST)
		return "block request";
	if (slot->io.done == nvme_steer_passthru_done)
		return "ring";
	return slot->io.done == nvme_steer_group_done ? "group" : "copy";
}

/* Under cq_lock: a command of a slot that has one cannot end. */
static void nvme_steer_flying_slot(struct nvme_steer_flying *f,
				   struct nvme_steer_queue *q,
				   const struct nvme_steer_slot *slot, u8 state)
{
	const struct request *req = slot->io.owner;

	*f = (struct nvme_steer_flying) {
		.what = nvme_steer_flying_what(slot),
		.since = READ_ONCE(slot->deadline) - slot->io.timeout,
		.cid = nvme_steer_cid(slot),
		.waits = state == NVME_STEER_SLOT_WAITING,
		.aborted = slot->aborted,
	};
	if (slot->io.done == NVME_STEER_IO_REQUEST) {
		f->since = READ_ONCE(req->deadline) - req->timeout;
		nvme_steer_flying_cmd(f, nvme_req((struct request *)req)->cmd);
		return;
	}
	/* its deadline was moved by as much when it passed */
	if (f->aborted)
		f->since -= slot->io.timeout;
	if (f->waits)
		nvme_steer_flying_cmd(f, &q->shared->slot[
					nvme_steer_slot_index(slot)].cmd);
}

static void nvme_steer_flight_add(struct nvme_steer_flight *fl,
				  const struct nvme_steer_flying *f)
{
	unsigned int at = fl->nr;

	fl->all++;
	while (at && time_before(f->since, fl->cmd[at - 1].since))
		at--;
	if (at == NVME_STEER_DUMP_CMDS)
		return;
	if (fl->nr < NVME_STEER_DUMP_CMDS)
		fl->nr++;
	memmove(&fl->cmd[at + 1], &fl->cmd[at],
		(fl->nr - 1 - at) * sizeof(*f));
	fl->cmd[at] = *f;
}

/* Those in flight, as of this moment. */
static void nvme_steer_flight_collect(struct nvme_steer_flight *fl,
				      struct nvme_steer_queue *q)
{
	struct nvme_steer_flying f;
	unsigned int i;

	lockdep_assert_held(&q->cq_lock);

	fl->nr = fl->all = 0;
	for (i = 0; i < q->depth - 1; i++) {
		const struct nvme_steer_slot *slot = &q->slots[i];
		u8 state = smp_load_acquire(&slot->state);

		if (state != NVME_STEER_SLOT_INFLIGHT &&
		    state != NVME_STEER_SLOT_WAITING)
			continue;
		nvme_steer_flying_slot(&f, q, slot, state);
		nvme_steer_flight_add(fl, &f);
	}
}

/* What they are, of those that are in the submission queue still. */
static void nvme_steer_flight_find(struct nvme_steer_flight *fl,
				   struct nvme_steer_queue *q)
{
	struct nvme_steer_shared *sh = q->shared;
	const struct nvme_command *cmd;
	unsigned int i;

	spin_lock(&q->sq_lock);
	if (sh)
		spin_lock_irq(&sh->arb->lock);
	for (cmd = q->sq_cmds; cmd < q->sq_cmds + q->depth; cmd++)
		for (i = 0; i < fl->nr; i++)
			if (!fl->cmd[i].known &&
			    fl->cmd[i].cid == cmd->common.command_id)
				nvme_steer_flying_cmd(&fl->cmd[i], cmd);
	if (sh)
		spin_unlock_irq(&sh->arb->lock);
	spin_unlock(&q->sq_lock);
}

static void nvme_steer_say_flying(struct nvme_steer_text *t,
				  const struct nvme_steer_flying *f)
{
	nvme_steer_say(t, "  cid=%#x age_ms=%u state=%s from=%s", f->cid,
		       jiffies_to_msecs(jiffies - f->since),
		       f->waits ? "waiting" : f->aborted ? "aborted" : "sent",
		       f->what);
	if (!f->known)
		nvme_steer_say(t, " opcode=-\n");
	else if (nvme_steer_names_blocks(f->opcode))
		nvme_steer_say(t,
			       " opcode=%#04x nsid=%u slba=%llu blocks=%u\n",
			       f->opcode, f->nsid, f->cdw10,
			       (f->cdw12 & 0xffff) + 1);
	else
		nvme_steer_say(t,
			       " opcode=%#04x nsid=%u cdw10=%#x cdw11=%#x cdw12=%#x\n",
			       f->opcode, f->nsid, (u32)f->cdw10,
			       (u32)(f->cdw10 >> 32), f->cdw12);
}

/* How many completions nobody has read yet. */
static unsigned int nvme_steer_unread(const struct nvme_steer_queue *q)
{
	unsigned int head = q->cq_head, nr = 0;
	u8 phase = q->cq_phase;

	lockdep_assert_held(&q->cq_lock);

	while (nr < q->cq_depth &&
	       (le16_to_cpu(READ_ONCE(q->cqes[head].status)) & 1) == phase) {
		if (++head == q->cq_depth) {
			head = 0;
			phase ^= 1;
		}
		nr++;
	}
	return nr;
}

/*
 * The rings of a queue, and the commands in flight. The head of the submission
 * queue is what the completion that was read last told.
 */
static void nvme_steer_say_queue(struct nvme_steer_text *t,
				 struct nvme_steer_queue *q,
				 struct nvme_steer_flight *fl)
{
	unsigned int unread, sq_head, i;
	u16 cq_head, cq_owed;
	u8 phase;

	lockdep_assert_held(&q->ctrl->state_lock);

	spin_lock_irq(&q->cq_lock);
	cq_head = q->cq_head;
	cq_owed = q->cq_owed;
	phase = q->cq_phase;
	sq_head = le16_to_cpu(q->cqes[(cq_head ?: q->cq_depth) - 1].sq_head);
	unread = nvme_steer_unread(q);
	nvme_steer_flight_collect(fl, q);
	spin_unlock_irq(&q->cq_lock);
	nvme_steer_flight_find(fl, q);

	nvme_steer_say(t,
		       "%u sq_head=%u sq_tail=%u sq_doorbell=%u cq_head=%u cq_doorbell=%u phase=%u unread=%u reserved=%u inflight=%u\n",
		       q->number, sq_head, READ_ONCE(q->sq_tail),
		       READ_ONCE(q->sq_rung), cq_head,
		       (cq_head + q->cq_depth - cq_owed) % q->cq_depth, phase,
		       unread, READ_ONCE(q->nr_reserved), fl->all);
	for (i = 0; i < fl->nr; i++)
		nvme_steer_say_flying(t, &fl->cmd[i]);
	if (fl->all > fl->nr)
		nvme_steer_say(t, "  and %u more\n", fl->all - fl->nr);
}

static void nvme_steer_say_rings(struct nvme_steer_text *t,
				 struct nvme_steer_ctrl *sc)
{
	struct nvme_steer_flight *fl = kmalloc(sizeof(*fl), GFP_KERNEL);
	struct nvme_steer_queue *q;

	if (!fl)
		return;
	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry)
		nvme_steer_say_queue(t, q, fl);
	mutex_unlock(&sc->state_lock);
	kfree(fl);
}

/* The last refused answers, the last one first. */
static void nvme_steer_say_refusals(struct nvme_steer_text *t,
				    struct nvme_steer_refusals *r)
{
	const struct nvme_steer_refusal *a;
	unsigned long n;

	spin_lock_irq(&r->lock);
	for (n = r->nr; n && r->nr - n < NVME_STEER_REFUSALS; n--) {
		a = &r->last[(n - 1) % NVME_STEER_REFUSALS];
		nvme_steer_say(t, "%lu age_ms=%u op=%s answer=%d why=%s", n,
			       jiffies_to_msecs(jiffies - a->at),
			       nvme_steer_call_name(a->call), a->answer,
			       nvme_steer_event_name(a->why));
		if (a->call == NVME_STEER_CALL_ROUTE)
			nvme_steer_say(t, " opcode=%#04x nsid=%u", a->opcode,
				       a->nsid);
		nvme_steer_say(t, "\n");
	}
	spin_unlock_irq(&r->lock);
}

static const char *nvme_steer_source_name(u32 source)
{
	switch (source) {
	case NVME_STEER_SRC_URING:
		return "uring";
	case NVME_STEER_SRC_COPY:
		return "copy";
	case NVME_STEER_SRC_BLOCK:
		return "block";
	case NVME_STEER_SRC_IOCTL:
		return "ioctl";
	}
	return "-";
}

static void nvme_steer_say_sample(struct nvme_steer_text *t,
				  enum nvme_steer_call call,
				  const struct nvme_steer_sample *s)
{
	nvme_steer_say(t, "age_ms=%u op=%s", jiffies_to_msecs(jiffies - s->at),
		       nvme_steer_call_name(call));
	if (s->ns)
		nvme_steer_say(t, " answer=%d took_ns=%llu", s->answer, s->ns);
	else
		nvme_steer_say(t, " gave_up=%d", s->answer);
	switch (call) {
	case NVME_STEER_CALL_ROUTE:
	case NVME_STEER_CALL_PATH:
		nvme_steer_say(t,
			       " source=%s opcode=%#04x nsid=%u slba=%llu bytes=%llu",
			       nvme_steer_source_name(s->source), s->opcode,
			       s->nsid, s->slba, s->len);
		break;
	case NVME_STEER_CALL_BATCH:
		nvme_steer_say(t, " queue=%llu ready=%llu", s->slba, s->len);
		break;
	case NVME_STEER_CALL_COPY:
		nvme_steer_say(t, " nsid=%u slba=%llu bytes=%llu ranges=%u",
			       s->nsid, s->slba, s->len, s->opcode);
		break;
	default:
		nvme_steer_say(t, " nsid=%u bytes=%llu ranges=%u", s->nsid,
			       s->len, s->opcode);
	}
	/* its name is what the process says it is */
	if (s->pid)
		nvme_steer_say(t, " pid=%d comm=%*pE", s->pid,
			       (int)strlen(s->comm), s->comm);
	nvme_steer_say(t, "\n");
}

/* What it has decided last, of each operation the last one first. */
static void nvme_steer_say_samples(struct nvme_steer_text *t,
				   struct nvme_steer_policy *p)
{
	enum nvme_steer_call call;
	unsigned long n;

	for (call = 0; call < NVME_STEER_NR_CALLS; call++) {
		struct nvme_steer_timed *timed = &p->timed[call];

		spin_lock_irq(&timed->lock);
		for (n = timed->nr_samples;
		     n && timed->nr_samples - n < NVME_STEER_TIMED_CALLS; n--)
			nvme_steer_say_sample(t, call,
				&timed->sample[(n - 1) %
					       NVME_STEER_TIMED_CALLS]);
		spin_unlock_irq(&timed->lock);
	}
}

/* From the function that ended it to the system call. */
static void nvme_steer_say_trace(struct nvme_steer_text *t,
				 const struct nvme_steer_policy *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_trace; i++)
		nvme_steer_say(t, "%pS\n", (void *)p->trace[i]);
}

/**
 * nvme_steer_dump - write down what there is to know of a policy's end
 * @p: the policy, which is not asked any more; under policy_lock
 * @info: how it ended
 *
 * Return: a text, to be freed with kvfree(), or NULL for want of memory.
 */
char *nvme_steer_dump(struct nvme_steer_policy *p,
		      const struct nvme_steer_exit *info)
{
	struct nvme_steer_text t = { .size = NVME_STEER_DUMP_SIZE };
	struct nvme_steer_ctrl *sc = p->ctrl;
	enum nvme_steer_call call;
	char *dump;

	lockdep_assert_held(&sc->policy_lock);

	t.buf = kvmalloc(t.size, GFP_KERNEL);
	if (!t.buf)
		return NULL;
	nvme_steer_say(&t, "policy %s ended: %s: %s\nqueues:\n", p->name,
		       nvme_steer_exit_name(info->kind), info->reason);
	t.len += nvme_steer_print_queues(sc, t.buf + t.len, t.size - t.len);
	nvme_steer_say(&t, "rings:\n");
	nvme_steer_say_rings(&t, sc);
	nvme_steer_say(&t, "refused:\n");
	nvme_steer_say_refusals(&t, &sc->refusals);
	nvme_steer_say(&t, "decisions:\n");
	nvme_steer_say_samples(&t, p);
	if (p->nr_trace)
		nvme_steer_say(&t, "trace:\n");
	nvme_steer_say_trace(&t, p);
	nvme_steer_say(&t, "watchdog:\nlooks=%lu",
		       READ_ONCE(sc->watch.looks));
	for (call = 0; call < NVME_STEER_NR_CALLS; call++)
		nvme_steer_say(&t, " %s_ns=%llu", nvme_steer_call_name(call),
			       READ_ONCE(p->timed[call].last));
	nvme_steer_say(&t, "\nevents:\n");
	nvme_steer_print_events(sc, t.buf + t.len, t.size - t.len);

	dump = kvmemdup(t.buf, strlen(t.buf) + 1, GFP_KERNEL);
	if (!dump)
		return t.buf;
	kvfree(t.buf);
	return dump;
}
