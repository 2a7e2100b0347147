// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a controller without its host: the namespace is resized,
 * formatted or protected by somebody else, firmware is activated. The host is
 * told by an asynchronous event.
 */
#include <string.h>

#include "controller.h"

/* DW0 of the completion: type, what it is, log page to be read. */
#define NOTICE(WHAT, PAGE)	(2U | (WHAT) << 8 | (PAGE) << 16)
#define NS_CHANGED		NOTICE(0U, 4U)
#define FIRMWARE_STARTING	NOTICE(1U, 3U)

/* Tell the host, or do so as soon as it asks. */
static void event_tell(struct controller *c)
{
	struct completion entry;

	while (c->nr_tells && c->nr_events) {
		queue_entry(c, 0, &c->events[--c->nr_events], 0, &entry);
		entry.dw0 = c->tell[0];
		memmove(c->tell, c->tell + 1,
			--c->nr_tells * sizeof(c->tell[0]));
		queue_post(c, 0, &entry, 0, 0);
	}
}

static void event_notice(struct controller *c, uint32_t what)
{
	if (c->nr_tells < MAX_EVENTS)
		c->tell[c->nr_tells++] = what;
	event_tell(c);
}

uint32_t event_request(struct controller *c, const struct command *cmd)
{
	if (c->nr_events == MAX_EVENTS)
		return SC_AER_LIMIT | SC_DNR;
	c->events[c->nr_events++] = *cmd;
	event_tell(c);
	return SC_LATER;
}

void event_forget(struct controller *c)
{
	c->nr_events = 0;
	c->nr_tells = 0;
	c->paused_until = 0;
	c->busy_until = 0;
}

bool event_busy(struct controller *c)
{
	if (c->busy_until && now_ns() >= c->busy_until)
		c->busy_until = 0;
	return c->busy_until;
}

bool event_paused(struct controller *c)
{
	if (c->paused_until && now_ns() >= c->paused_until)
		c->paused_until = 0;
	return c->paused_until;
}

uint32_t event_change(struct controller *c, const struct command *cmd)
{
	struct fault_change change;
	uint32_t status;

	status = dma_prp(c, cmd, &change, sizeof(change), false);
	if (status)
		return status;
	switch (change.what) {
	case FAULT_CHANGE_BLOCKS:
		if (!change.value ||
		    change.value > NAMESPACE_SIZE >> c->block_shift)
			return SC_INVALID_FIELD | SC_DNR;
		c->nr_blocks = change.value;
		break;
	case FAULT_CHANGE_FORMAT:
		if (!nvm_format(c, change.value))
			return SC_INVALID_FIELD | SC_DNR;
		break;
	case FAULT_CHANGE_READ_ONLY:
		c->read_only = change.value;
		break;
	case FAULT_CHANGE_COPY:
		c->copy_blocks = change.value;
		break;
	case FAULT_CHANGE_PAUSE:
		c->paused_until = now_ns() + change.value * 1000000ULL;
		event_notice(c, FIRMWARE_STARTING);
		return 0;
	case FAULT_CHANGE_RELEASE:
		queue_release(c);
		return 0;
	case FAULT_CHANGE_RETURN:
		__atomic_add_fetch(c->returns, 1, __ATOMIC_RELAXED);
		return 0;
	case FAULT_CHANGE_BUSY:
		c->busy_until = now_ns() + change.value * 1000000ULL;
		return 0;
	default:
		return SC_INVALID_FIELD | SC_DNR;
	}
	event_notice(c, NS_CHANGED);
	return 0;
}
