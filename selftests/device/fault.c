// SPDX-License-Identifier: GPL-2.0
/*
 * Rules: which command one matches, and what it does to it; the commands by
 * which a test sets and counts them. What each fault is, faults.h says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controller.h"

void host_error(struct controller *c, const char *fmt, ...)
{
	char text[sizeof(c->counters.host_error)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "host error: %s\n", text);
	if (!c->counters.host_errors++)
		memcpy(c->counters.host_error, text, sizeof(text));
}

static bool matches(struct controller *c, const struct fault_rule *r,
		    unsigned int qid, const struct command *cmd)
{
	if (qid < r->first_qid || qid > r->last_qid)
		return false;
	if (r->opcode != FAULT_ANY && r->opcode != cmd->opcode)
		return false;
	if (!qid && cmd->opcode >= FAULT_ADMIN_CLEAR &&
	    cmd->opcode <= FAULT_ADMIN_ARRIVALS)
		return false;
	/* what is granted is asked for by one feature only */
	if (r->what == FAULT_GRANT)
		return cmd->opcode == 0x09 && (cmd->cdw10 & 0xff) == 7;
	return !qid || !r->nlb || nvm_touches(c, cmd, r->slba, r->nlb);
}

/* A rule that says so now, or NULL. */
static struct fault_rule *find_rule(struct controller *c, unsigned int qid,
				    const struct command *cmd)
{
	struct fault_rule *r;
	unsigned int i, n;

	for (i = 0; i < c->nr_rules; i++) {
		r = &c->rules[i];
		if (!matches(c, r, qid, cmd))
			continue;
		n = c->matched[i]++;
		if (n < r->skip || (r->every && (n - r->skip) % r->every) ||
		    (r->count && c->counters.done[i] >= r->count))
			continue;
		c->counters.done[i]++;
		return r;
	}
	return NULL;
}

static void hold(struct controller *c, unsigned int qid,
		 const struct command *cmd, const struct fault_rule *r,
		 uint32_t ms)
{
	struct later later = {
		.what = DO_COMMAND, .qid = qid, .command = *cmd, .rule = *r,
	};
	unsigned int held;

	queue_later(c, &later, ms);
	held = queue_held(c);
	if (held > c->counters.most_held)
		c->counters.most_held = held;
}

/* The id of a command that has completed and is not in flight again. */
static bool old_cid(const struct sq *sq, uint16_t not, uint16_t *cid)
{
	unsigned int i, n = sq->nr_old < OLD_CIDS ? sq->nr_old : OLD_CIDS;

	for (i = 1; i <= n; i++) {
		*cid = sq->old[(sq->nr_old - i) % OLD_CIDS];
		if (*cid != not && !queue_flying(sq, *cid))
			return true;
	}
	return false;
}

/* A completion that nobody waits for, before the right one. */
static void spurious(struct controller *c, unsigned int qid,
		     const struct command *cmd, const struct fault_rule *r)
{
	struct completion entry = {
		.sq_head = c->sq[qid].head, .sqid = qid,
		.cid = cmd->cid ^ r->value,
	};

	if (r->what == FAULT_OLD_CID &&
	    !old_cid(&c->sq[qid], cmd->cid, &entry.cid)) {
		/* the first command of a queue: none came before it */
		c->counters.done[r - c->rules]--;
		return;
	}
	queue_post(c, qid, &entry, 0, 0);
}

static void stop(struct controller *c, const struct fault_rule *r)
{
	c->stalled = true;
	if (r->what == FAULT_FATAL)
		c->csts |= 2;
	if (r->what == FAULT_GONE) {
		c->returned = __atomic_load_n(c->returns, __ATOMIC_RELAXED);
		c->gone_until = r->ms ? now_ns() + r->ms * 1000000ULL :
					UINT64_MAX;
	}
}

/* The faults of a command that is completed at once, in its own way. */
static void completed(struct controller *c, unsigned int qid,
		      const struct command *cmd, const struct fault_rule *r)
{
	struct later again = { .qid = qid, .rule = *r };
	unsigned int how = 0;

	if (r->what == FAULT_STATUS && !(r->flags & FAULT_DONE))
		queue_entry(c, qid, cmd, r->value, &again.entry);
	else if (!queue_carry_out(c, qid, cmd, &again.entry))
		return;
	switch (r->what) {
	case FAULT_STATUS:
		again.entry.status = r->value << 1;
		/* of a Copy: the first range that is not copied */
		again.entry.dw0 = r->part;
		break;
	case FAULT_SQID:
		again.entry.sqid = r->value;
		break;
	case FAULT_PHASE:
		how = POST_PHASE;
		break;
	case FAULT_NO_INTERRUPT:
		how = POST_QUIET;
		break;
	}
	queue_post(c, qid, &again.entry, how, r->ms);
	if (r->what == FAULT_TWICE) {
		again.what = DO_POST;
		queue_later(c, &again, r->ms);
	} else if (r->what == FAULT_INTERRUPT) {
		again.what = DO_INTERRUPT;
		queue_later(c, &again, r->ms);
	}
}

/* Carry a command out now, and complete it later. */
static void complete_late(struct controller *c, unsigned int qid,
			  const struct command *cmd, const struct fault_rule *r)
{
	struct later later = { .what = DO_POST, .qid = qid };

	if (queue_carry_out(c, qid, cmd, &later.entry))
		queue_later(c, &later, r->ms);
}

bool fault_command(struct controller *c, unsigned int qid,
		   const struct command *cmd)
{
	struct fault_rule *r = find_rule(c, qid, cmd);

	if (!r || r->what == FAULT_GRANT)
		return false;
	if (qid && r->part)
		nvm_part(c, cmd, r->part);
	switch (r->what) {
	case FAULT_NEVER:
	case FAULT_AFTER_ABORT:
		hold(c, qid, cmd, r, NEVER_MS);
		return true;
	case FAULT_LATE:
		if (r->flags & FAULT_DONE) {
			complete_late(c, qid, cmd, r);
			return true;
		}
		hold(c, qid, cmd, r, r->ms);
		return true;
	case FAULT_FATAL:
	case FAULT_STALL:
	case FAULT_GONE:
		stop(c, r);
		return true;
	case FAULT_XOR_CID:
	case FAULT_OLD_CID:
		spurious(c, qid, cmd, r);
		hold(c, qid, cmd, r,
		     r->flags & FAULT_INSTEAD ? NEVER_MS : r->ms);
		return true;
	default:
		completed(c, qid, cmd, r);
		return true;
	}
}

uint32_t fault_granted(struct controller *c, uint32_t wanted)
{
	unsigned int i;

	for (i = 0; i < c->nr_rules; i++)
		if (c->rules[i].what == FAULT_GRANT &&
		    c->rules[i].value < wanted)
			wanted = c->rules[i].value;
	return wanted;
}

/* What is as it is at the moment. */
static void count_now(struct controller *c)
{
	unsigned int i;

	c->counters.held = queue_held(c);
	c->counters.arbitration = CC_AMS(c->cc);
	c->counters.weights = c->features[1];
	for (i = 0; i < NR_QUEUES; i++)
		c->counters.prio[i] = c->sq[i].there ? c->sq[i].prio : ~0U;
}

uint32_t fault_admin(struct controller *c, const struct command *cmd,
		     uint32_t *dw0)
{
	struct fault_rule rule;
	uint32_t status;

	switch (cmd->opcode) {
	case FAULT_ADMIN_CLEAR:
		c->nr_rules = 0;
		memset(c->matched, 0, sizeof(c->matched));
		memset(&c->counters, 0, sizeof(c->counters));
		c->arrivals.nr = 0;
		return 0;
	case FAULT_ADMIN_ADD:
		status = dma_prp(c, cmd, &rule, sizeof(rule), false);
		if (status)
			return status;
		if (!rule.what || rule.what >= FAULT_WHATS ||
		    c->nr_rules == FAULT_RULES)
			return SC_INVALID_FIELD | SC_DNR;
		*dw0 = c->nr_rules;
		c->rules[c->nr_rules++] = rule;
		return 0;
	case FAULT_ADMIN_ARRIVALS:
		return dma_prp(c, cmd, &c->arrivals, sizeof(c->arrivals), true);
	default:
		count_now(c);
		return dma_prp(c, cmd, &c->counters, sizeof(c->counters), true);
	}
}
