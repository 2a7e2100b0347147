// SPDX-License-Identifier: GPL-2.0
/*
 * Submission and completion queues: doorbells, fetching, posting, interrupts,
 * and the list of what is to be done later.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The controller can do nothing more before it is reset. */
static void fatal(struct controller *c)
{
	c->csts |= 2;
	c->stalled = true;
}

bool queue_flying(const struct sq *sq, uint16_t cid)
{
	return sq->flying[cid / 8] & 1 << cid % 8;
}

static uint32_t between(uint32_t from, uint32_t to, uint32_t entries)
{
	return (to + entries - from) % entries;
}

void queue_doorbell(struct controller *c, unsigned int index, uint32_t value)
{
	unsigned int qid = index / 2;
	struct sq *sq;
	struct cq *cq;

	if (qid >= NR_QUEUES)
		return;
	c->counters.doorbells[qid]++;
	if (c->stalled)
		return;
	sq = &c->sq[qid];
	cq = &c->cq[qid];
	/*
	 * Linux 6.12 ends commands before it rings for them: whoever waited for
	 * one may have deleted the queue or disabled the controller meanwhile;
	 * and what completed before that it looks for afterwards, and rings for
	 * it (nvme_reap_pending_cqes()).
	 */
	if (index & 1 && !cq->there && cq->was_there) {
		c->counters.late[qid]++;
		return;
	}
	if (index & 1 ? !cq->there : !sq->there) {
		host_error(c, "doorbell of %s queue %u, not there",
			   index & 1 ? "completion" : "submission", qid);
		return;
	}
	if (value >= (index & 1 ? cq->entries : sq->entries)) {
		host_error(c, "doorbell of %s queue %u: %u is too high",
			   index & 1 ? "completion" : "submission", qid, value);
		return;
	}
	if (!(index & 1)) {
		sq->tail = value;
		return;
	}
	if (between(cq->head, value, cq->entries) >
	    between(cq->head, cq->tail, cq->entries)) {
		host_error(c, "doorbell of completion queue %u: %u is beyond %u",
			   qid, value, cq->tail);
		return;
	}
	cq->head = value;
}

/* --------------------------------------------------------------------- posting */

static bool is_full(const struct cq *cq)
{
	return (cq->tail + 1) % cq->entries == cq->head;
}

static void interrupt(struct controller *c, unsigned int vector)
{
	uint64_t one = 1;

	if (c->vectors[vector] < 0)
		return;
	c->counters.interrupts[vector]++;
	if (write(c->vectors[vector], &one, sizeof(one)) < 0)
		host_error(c, "no interrupt %u", vector);
}

/* The phase tag comes with the last word, after all else. */
static bool write_entry(struct controller *c, uint64_t address,
			const struct completion *entry)
{
	uint64_t *at = dma_at(c, address, sizeof(*entry)), words[2];

	if (!at)
		return false;
	memcpy(words, entry, sizeof(words));
	__atomic_store_n(&at[0], words[0], __ATOMIC_RELAXED);
	__atomic_store_n(&at[1], words[1], __ATOMIC_RELEASE);
	return true;
}

void queue_post(struct controller *c, unsigned int qid,
		const struct completion *entry, unsigned int how, uint32_t ms)
{
	struct cq *cq = &c->cq[c->sq[qid].cqid];
	struct later later = { .qid = qid, .entry = *entry, .how = how };
	struct completion posted = *entry;

	if (is_full(cq)) {
		c->counters.full++;
		later.what = DO_POST;
		queue_later(c, &later, 0);
		return;
	}
	posted.status |= cq->phase;
	later.entry = posted;
	later.address = cq->base + cq->tail * sizeof(posted);
	if (how & POST_PHASE)
		posted.status ^= 1;
	if (!write_entry(c, later.address, &posted)) {
		fatal(c);
		return;
	}
	if (++cq->tail == cq->entries) {
		cq->tail = 0;
		cq->phase = !cq->phase;
	}
	if (how & POST_PHASE) {
		later.what = DO_PHASE;
		queue_later(c, &later, ms ? ms : NEVER_MS);
	} else if (!(how & POST_QUIET)) {
		cq->pending = true;
	}
}

void queue_entry(struct controller *c, unsigned int qid,
		 const struct command *cmd, uint32_t status,
		 struct completion *entry)
{
	struct sq *sq = &c->sq[qid];

	sq->flying[cmd->cid / 8] &= ~(1 << cmd->cid % 8);
	sq->old[sq->nr_old++ % OLD_CIDS] = cmd->cid;
	*entry = (struct completion) {
		.sq_head = sq->head, .sqid = qid, .cid = cmd->cid,
		.status = status << 1,
	};
}

bool queue_carry_out(struct controller *c, unsigned int qid,
		     const struct command *cmd, struct completion *entry)
{
	uint32_t status, dw0 = 0;

	status = qid ? nvm_command(c, cmd) : admin_command(c, cmd, &dw0);
	if (status == SC_LATER)
		return false;
	queue_entry(c, qid, cmd, status, entry);
	entry->dw0 = dw0;
	return true;
}

/* -------------------------------------------------------------------- fetching */

static void fetch(struct controller *c, unsigned int qid)
{
	struct sq *sq = &c->sq[qid];
	struct completion entry;
	struct command cmd;
	void *at;

	at = dma_at(c, sq->base + sq->head * sizeof(cmd), sizeof(cmd));
	if (!at) {
		fatal(c);
		return;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(&cmd, at, sizeof(cmd));
	sq->head = (sq->head + 1) % sq->entries;
	c->counters.commands[qid]++;
	if (qid) {
		nvm_count(c, &cmd);
		nvm_arrived(c, qid, &cmd);
	}
	if (queue_flying(sq, cmd.cid))
		host_error(c, "queue %u: command id %#x is in flight", qid,
			   cmd.cid);
	sq->flying[cmd.cid / 8] |= 1 << cmd.cid % 8;
	if (!fault_command(c, qid, &cmd) &&
	    queue_carry_out(c, qid, &cmd, &entry))
		queue_post(c, qid, &entry, 0, 0);
}

static bool waits(const struct controller *c, unsigned int qid)
{
	return !c->stalled && c->sq[qid].there &&
	       c->sq[qid].head != c->sq[qid].tail;
}

/* QPRIO */
enum { URGENT, HIGH, MEDIUM, LOW };

/* A command of the next queue of a class, in turn; false: there is none. */
static bool fetch_of(struct controller *c, unsigned int prio)
{
	unsigned int i, qid;

	for (i = 0; i < NR_QUEUES; i++) {
		qid = (c->turn + 1 + i) % NR_QUEUES;
		if (qid && waits(c, qid) && c->sq[qid].prio == prio) {
			c->turn = qid;
			fetch(c, qid);
			return true;
		}
	}
	return false;
}

/*
 * A round (NVM Express Base Specification 2.0, 3.4.4.2), with a burst of one:
 * so many commands of each class as its weight says, urgent ones before any.
 */
static bool fetch_round(struct controller *c)
{
	unsigned int prio, n, weight;
	bool any = false;

	for (prio = HIGH; prio <= LOW; prio++) {
		weight = (c->features[1] >> 8 * (4 - prio) & 0xff) + 1;
		for (n = 0; n < weight; n++) {
			while (fetch_of(c, URGENT))
				any = true;
			if (!fetch_of(c, prio))
				break;
			any = true;
		}
	}
	return any;
}

void queue_fetch(struct controller *c)
{
	unsigned int qid;

	while (waits(c, 0))
		fetch(c, 0);
	if (event_busy(c))
		return;
	if (CC_AMS(c->cc) == AMS_WRR) {
		while (fetch_round(c))
			;
		return;
	}
	for (qid = 1; qid < NR_QUEUES; qid++)
		while (waits(c, qid))
			fetch(c, qid);
}

/* ----------------------------------------------------------------------- later */

void queue_later(struct controller *c, const struct later *what, uint32_t ms)
{
	struct later *copy = malloc(sizeof(*copy)), **at = &c->later;

	if (!copy)
		abort();
	*copy = *what;
	copy->next = NULL;
	copy->due = ms == NEVER_MS ? UINT64_MAX : now_ns() + ms * 1000000ULL;
	while (*at)
		at = &(*at)->next;
	*at = copy;
}

void queue_forget(struct controller *c, int qid)
{
	struct later **at = &c->later, *later;

	while ((later = *at)) {
		if (qid >= 0 && later->qid != qid) {
			at = &later->next;
			continue;
		}
		*at = later->next;
		free(later);
	}
}

unsigned int queue_held(const struct controller *c)
{
	const struct later *later;
	unsigned int n = 0;

	for (later = c->later; later; later = later->next)
		n += later->what == DO_COMMAND;
	return n;
}

void queue_release(struct controller *c)
{
	struct later *later;

	for (later = c->later; later; later = later->next)
		if (later->what == DO_COMMAND)
			later->due = 0;
}

bool queue_abort(struct controller *c, unsigned int qid, uint16_t cid)
{
	struct completion entry;
	struct later *later;

	for (later = c->later; later; later = later->next)
		if (later->what == DO_COMMAND && later->qid == qid &&
		    later->command.cid == cid)
			break;
	if (!later)
		return false;
	if (later->rule.what == FAULT_AFTER_ABORT)
		later->due = now_ns() + later->rule.ms * 1000000ULL;
	if (later->rule.what != FAULT_NEVER ||
	    !(later->rule.flags & FAULT_ABORTABLE))
		return false;
	queue_entry(c, qid, &later->command, SC_ABORT_REQUESTED, &entry);
	later->what = DO_POST;
	later->entry = entry;
	later->due = 0;
	return true;
}

static void do_later(struct controller *c, const struct later *later)
{
	struct cq *cq = &c->cq[c->sq[later->qid].cqid];
	struct completion entry;

	switch (later->what) {
	case DO_COMMAND:
		if (queue_carry_out(c, later->qid, &later->command, &entry))
			queue_post(c, later->qid, &entry, 0, 0);
		break;
	case DO_POST:
		queue_post(c, later->qid, &later->entry, later->how,
			   later->rule.ms);
		break;
	case DO_PHASE:
		write_entry(c, later->address, &later->entry);
		cq->pending = true;
		break;
	case DO_INTERRUPT:
		cq->pending = true;
		break;
	}
}

/* The first that is due and possible, off the list; or when one will be. */
static struct later *next_due(struct controller *c, uint64_t now,
			      uint64_t *next)
{
	struct later **at, *later;

	*next = UINT64_MAX;
	for (at = &c->later; (later = *at); at = &later->next) {
		if (later->what == DO_POST &&
		    is_full(&c->cq[c->sq[later->qid].cqid]))
			continue;
		if (later->due <= now) {
			*at = later->next;
			return later;
		}
		if (later->due < *next)
			*next = later->due;
	}
	return NULL;
}

static int ms_until(uint64_t time, uint64_t now)
{
	return time > now ? (time - now) / 1000000 + 1 : 0;
}

int queue_run(struct controller *c)
{
	uint64_t now = now_ns(), next = UINT64_MAX;
	struct later *later;
	unsigned int i;

	if (event_paused(c) && !c->stalled)
		return ms_until(c->paused_until, now);
	queue_fetch(c);
	while (!c->stalled && (later = next_due(c, now, &next))) {
		do_later(c, later);
		free(later);
	}
	for (i = 0; i < NR_QUEUES; i++) {
		if (c->cq[i].pending && c->cq[i].interrupts)
			interrupt(c, c->cq[i].vector);
		c->cq[i].pending = false;
	}
	if (c->busy_until && c->busy_until < next)
		next = c->busy_until;
	if (c->stalled || next == UINT64_MAX)
		return -1;
	return ms_until(next, now);
}
