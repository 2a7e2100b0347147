// SPDX-License-Identifier: GPL-2.0
/*
 * Admin commands: Identify, features, log pages, queues, Abort, Asynchronous
 * Event Request, and those of the faults.
 */
#include <stdio.h>
#include <string.h>

#include "controller.h"

enum {
	DELETE_SQ = 0x00, CREATE_SQ = 0x01, GET_LOG = 0x02, DELETE_CQ = 0x04,
	CREATE_CQ = 0x05, IDENTIFY = 0x06, ABORT = 0x08, SET_FEATURES = 0x09,
	GET_FEATURES = 0x0a, ASYNC_EVENT = 0x0c, FORMAT_NVM = 0x80,
};

static void text(uint8_t *at, const char *what, size_t len)
{
	memset(at, ' ', len);
	memcpy(at, what, strlen(what));
}

static void identify_controller(const struct controller *c, uint8_t *id)
{
	uint32_t version = 0x00010400;
	/* compare, DSM, zeroes, copy */
	uint16_t oncs = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 8;
	uint32_t ids = 0x12341234;	/* as in configuration space */
	uint32_t nn = 1;
	uint32_t oaes = 1 << 8 | 1 << 9; /* namespaces, firmware activation */
	uint32_t ctratt = 1 << 15;	/* formats with other guards */
	uint16_t oacs = 1 << 1;		/* format */
	uint16_t ocfs = 1 << 0 | 1 << 2; /* formats of Copy */

	memcpy(id, &ids, 4);
	text(id + 4, "faults", 20);
	text(id + 24, "nvmesteer faults", 40);
	text(id + 64, "1", 8);
	id[76] = c->id ? 1 << 1 : 0;	/* CMIC: there are other controllers */
	id[77] = 7;			/* MDTS: 512 KiB */
	memcpy(id + 78, &c->id, 2);
	memcpy(id + 80, &version, 4);
	memcpy(id + 92, &oaes, 4);
	memcpy(id + 96, &ctratt, 4);
	id[111] = 1;			/* an I/O controller */
	memcpy(id + 256, &oacs, 2);
	id[258] = 3;			/* 4 Aborts */
	id[261] = 1 << 1;		/* a log of commands and effects */
	id[259] = MAX_EVENTS - 1;
	id[512] = 0x66;			/* sizes of entries */
	id[513] = 0x44;
	memcpy(id + 516, &nn, 4);
	memcpy(id + 520, &oncs, 2);
	memcpy(id + 534, &ocfs, 2);
	id[525] = 1;			/* a volatile write cache */
	strcpy((char *)id + 768, "nqn.2014-08.org.nvmexpress:nvmesteer-faults");
}

static uint32_t identify(struct controller *c, const struct command *cmd)
{
	uint8_t page[4096] = { };
	uint32_t one = 1;

	switch (cmd->cdw10 & 0xff) {
	case 0:
		if (cmd->nsid != 1)
			return SC_INVALID_NS | SC_DNR;
		nvm_identify(c, page);
		break;
	case 1:
		identify_controller(c, page);
		break;
	case 2:
		if (!cmd->nsid)
			memcpy(page, &one, 4);
		break;
	case 3:
		if (cmd->nsid != 1)
			return SC_INVALID_NS | SC_DNR;
		page[0] = 2;		/* an NGUID, of 16 bytes */
		page[1] = 16;
		memcpy(page + 4, "nvmesteerfaults", 16);
		break;
	case 5:				/* of the NVM command set */
		if (cmd->nsid != 1 || cmd->cdw11 >> 24)
			return SC_INVALID_FIELD | SC_DNR;
		nvm_identify_guards(page);
		break;
	default:
		return SC_INVALID_FIELD | SC_DNR;
	}
	return dma_prp(c, cmd, page, sizeof(page), true);
}

/* Which commands there are of the NVM command set, and which write. */
static uint32_t effects_log(struct controller *c, const struct command *cmd,
			    size_t len)
{
	enum { READS = 1, WRITES = 3 };
	static const uint32_t log[1024] = {
		[256 + 0x00] = READS, WRITES, READS,	/* flush, write, read */
		[256 + 0x05] = READS,			/* compare */
		[256 + 0x08] = WRITES, WRITES,		/* zeroes, DSM */
		[256 + 0x19] = WRITES,			/* copy */
	};

	if (len > sizeof(log))
		return SC_INVALID_FIELD | SC_DNR;
	return dma_prp(c, cmd, (void *)log, len, true);
}

static uint32_t get_log(struct controller *c, const struct command *cmd)
{
	static const uint8_t empty[4096];
	size_t len = ((cmd->cdw10 >> 16) + 1) * 4;
	uint8_t smart[512] = { }, slots[512] = { };

	switch (cmd->cdw10 & 0xff) {
	case 3:			/* firmware slots: the first is active */
		if (len > sizeof(slots))
			break;
		slots[0] = 1;
		memcpy(slots + 8, "1       ", 8);
		return dma_prp(c, cmd, slots, len, true);
	case 1:			/* errors */
	case 4:			/* changed namespaces */
		if (len > sizeof(empty))
			break;
		return dma_prp(c, cmd, (void *)empty, len, true);
	case 2:			/* health */
		if (len > sizeof(smart))
			break;
		smart[1] = 300 & 0xff;	/* kelvin */
		smart[2] = 300 >> 8;
		smart[3] = 100;
		return dma_prp(c, cmd, smart, len, true);
	case 5:
		return effects_log(c, cmd, len);
	default:
		return SC_LOG_PAGE | SC_DNR;
	}
	return SC_INVALID_FIELD | SC_DNR;
}

static uint32_t features(struct controller *c, const struct command *cmd,
			 uint32_t *dw0)
{
	uint8_t id = cmd->cdw10 & 0xff;
	uint32_t nr;

	switch (id) {
	case 0x01:		/* arbitration */
	case 0x02:		/* power management */
	case 0x04:		/* temperature threshold */
	case 0x05:		/* error recovery */
	case 0x06:		/* volatile write cache */
	case 0x08:		/* interrupt coalescing */
	case 0x09:		/* interrupt vectors */
	case 0x0a:		/* write atomicity */
	case 0x0b:		/* asynchronous events */
		if (cmd->opcode == SET_FEATURES)
			c->features[id] = cmd->cdw11;
		else
			*dw0 = c->features[id];
		return 0;
	case 0x07:		/* number of queues */
		nr = fault_granted(c, NR_QUEUES - 1) - 1;
		*dw0 = nr << 16 | nr;
		return 0;
	case 0x16:		/* host behaviour support */
		return dma_prp(c, cmd, c->behaviour, sizeof(c->behaviour),
			       cmd->opcode == GET_FEATURES);
	default:
		return SC_INVALID_FIELD | SC_DNR;
	}
}

static uint32_t create_cq(struct controller *c, const struct command *cmd)
{
	uint32_t qid = cmd->cdw10 & 0xffff, entries = (cmd->cdw10 >> 16) + 1;
	uint32_t vector = cmd->cdw11 >> 16;

	if (!qid || qid > fault_granted(c, NR_QUEUES - 1) || c->cq[qid].there) {
		host_error(c, "create completion queue %u", qid);
		return SC_QID_INVALID | SC_DNR;
	}
	if (entries < 2 || entries > MAX_ENTRIES)
		return SC_QUEUE_SIZE | SC_DNR;
	if (vector >= NR_VECTORS)
		return SC_VECTOR | SC_DNR;
	if (!(cmd->cdw11 & 1) || cmd->prp1 & (PAGE_SIZE - 1))
		return SC_INVALID_FIELD | SC_DNR;
	c->cq[qid] = (struct cq) {
		.there = true, .base = cmd->prp1, .entries = entries,
		.phase = true, .interrupts = cmd->cdw11 & 2, .vector = vector,
	};
	return 0;
}

static uint32_t create_sq(struct controller *c, const struct command *cmd)
{
	uint32_t qid = cmd->cdw10 & 0xffff, entries = (cmd->cdw10 >> 16) + 1;
	uint32_t cqid = cmd->cdw11 >> 16;

	if (!qid || qid > fault_granted(c, NR_QUEUES - 1) || c->sq[qid].there) {
		host_error(c, "create submission queue %u", qid);
		return SC_QID_INVALID | SC_DNR;
	}
	if (!cqid || cqid >= NR_QUEUES || !c->cq[cqid].there)
		return SC_CQ_INVALID | SC_DNR;
	if (entries < 2 || entries > MAX_ENTRIES)
		return SC_QUEUE_SIZE | SC_DNR;
	if (!(cmd->cdw11 & 1) || cmd->prp1 & (PAGE_SIZE - 1))
		return SC_INVALID_FIELD | SC_DNR;
	memset(&c->sq[qid], 0, sizeof(c->sq[qid]));
	c->sq[qid].base = cmd->prp1;
	c->sq[qid].entries = entries;
	c->sq[qid].cqid = cqid;
	c->sq[qid].prio = cmd->cdw11 >> 1 & 3;
	c->sq[qid].there = true;
	c->cq[cqid].nr_sqs++;
	return 0;
}

static uint32_t delete_queue(struct controller *c, const struct command *cmd)
{
	uint32_t qid = cmd->cdw10 & 0xffff;
	bool there;

	there = qid && qid < NR_QUEUES && (cmd->opcode == DELETE_SQ ?
		c->sq[qid].there : c->cq[qid].there);
	if (!there) {
		host_error(c, "delete queue %u, not there", qid);
		return SC_QID_INVALID | SC_DNR;
	}
	if (cmd->opcode == DELETE_SQ) {
		queue_forget(c, qid);
		c->sq[qid].there = false;
		c->cq[c->sq[qid].cqid].nr_sqs--;
		return 0;
	}
	if (c->cq[qid].nr_sqs) {
		host_error(c, "delete completion queue %u, in use", qid);
		return SC_QUEUE_DELETION | SC_DNR;
	}
	c->cq[qid].there = false;
	c->cq[qid].was_there = true;
	return 0;
}

static uint32_t abort_command(struct controller *c, const struct command *cmd,
			      uint32_t *dw0)
{
	uint16_t qid = cmd->cdw10, cid = cmd->cdw10 >> 16;

	c->counters.aborts++;
	*dw0 = 1;			/* not aborted */
	if (qid < NR_QUEUES && c->sq[qid].there && queue_abort(c, qid, cid))
		*dw0 = 0;
	return 0;
}

uint32_t admin_command(struct controller *c, const struct command *cmd,
		       uint32_t *dw0)
{
	switch (cmd->opcode) {
	case DELETE_SQ:
	case DELETE_CQ:
		return delete_queue(c, cmd);
	case CREATE_SQ:
		return create_sq(c, cmd);
	case CREATE_CQ:
		return create_cq(c, cmd);
	case GET_LOG:
		return get_log(c, cmd);
	case IDENTIFY:
		return identify(c, cmd);
	case ABORT:
		return abort_command(c, cmd, dw0);
	case SET_FEATURES:
	case GET_FEATURES:
		return features(c, cmd, dw0);
	case ASYNC_EVENT:
		return event_request(c, cmd);
	case FORMAT_NVM:
		if (cmd->nsid != 1 && cmd->nsid != ~0U)
			return SC_INVALID_NS | SC_DNR;
		if (!nvm_format(c, cmd->cdw10 & 0xf))
			return SC_INVALID_FORMAT | SC_DNR;
		return 0;
	case FAULT_ADMIN_CHANGE:
		return event_change(c, cmd);
	case FAULT_ADMIN_CLEAR:
	case FAULT_ADMIN_ADD:
	case FAULT_ADMIN_COUNTERS:
	case FAULT_ADMIN_ARRIVALS:
		return fault_admin(c, cmd, dw0);
	default:
		return SC_INVALID_OPCODE | SC_DNR;
	}
}
