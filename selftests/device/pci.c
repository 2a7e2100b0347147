// SPDX-License-Identifier: GPL-2.0
/*
 * The function: its configuration space, and the registers in BAR 0. A reset
 * of the controller, by CC.EN or of the function, forgets all queues and what
 * was due; the namespace and the rules stay.
 */
#include <string.h>

#include "controller.h"

#define CAP_MSIX	0x40
#define CAP_PCIE	0x60

#define CC_EN		1U
#define CC_SHN		(3U << 14)
#define CSTS_RDY	1U
#define CSTS_SHST_DONE	(2U << 2)
#define CSTS_PP		(1U << 5)
#define DEVCTL_FLR	0x8000

/* MQES, CQR, weighted round robin in AMS, TO 10 s, the NVM command set */
#define CAP	((MAX_ENTRIES - 1) | 1ULL << 16 | 1ULL << 17 | 20ULL << 24 | \
		 1ULL << 37)
#define VS	0x00010400

static void put16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, 2);
}

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, 4);
}

void pci_init(struct controller *c)
{
	uint8_t *config = c->config;

	put16(config + 0x00, 0x1234);		/* nobody's */
	put16(config + 0x02, 0xfa17);
	put16(config + 0x06, 0x0010);		/* has capabilities */
	put32(config + 0x08, 0x01080201);	/* NVMe, revision 1 */
	put32(config + 0x10, 0x00000004);	/* 64-bit memory */
	put32(config + 0x20, 0x00000000);	/* 32-bit memory */
	put16(config + 0x2c, 0x1234);
	put16(config + 0x2e, 0xfa17);
	config[0x34] = CAP_MSIX;
	config[CAP_MSIX] = 0x11;
	config[CAP_MSIX + 1] = CAP_PCIE;
	put16(config + CAP_MSIX + 2, NR_VECTORS - 1);
	put32(config + CAP_MSIX + 4, 4);	/* the table: BAR 4 */
	put32(config + CAP_MSIX + 8, 0x1000 | 4);
	config[CAP_PCIE] = 0x10;
	put16(config + CAP_PCIE + 2, 0x0002);	/* an endpoint */
	put32(config + CAP_PCIE + 4, 1U << 28 | 1U << 15);	/* FLR */
	put32(config + CAP_PCIE + 12, 0x11);	/* one lane, 2.5 GT/s */
	put16(config + CAP_PCIE + 18, 0x11);
}

static void reset_controller(struct controller *c)
{
	unsigned int i;

	queue_forget(c, -1);
	memset(c->sq, 0, sizeof(c->sq));
	for (i = 0; i < NR_QUEUES; i++)
		c->cq[i] = (struct cq) {
			.was_there = c->cq[i].there || c->cq[i].was_there,
		};
	memset(c->features, 0, sizeof(c->features));
	memset(c->behaviour, 0, sizeof(c->behaviour));
	c->features[6] = 1;		/* volatile write cache */
	event_forget(c);
	c->csts = 0;
	c->stalled = false;
	c->counters.resets++;
}

static void enable_controller(struct controller *c)
{
	c->sq[0].base = c->asq & ~(PAGE_SIZE - 1);
	c->sq[0].entries = (c->aqa & 0xfff) + 1;
	c->sq[0].there = true;
	c->cq[0].base = c->acq & ~(PAGE_SIZE - 1);
	c->cq[0].entries = (c->aqa >> 16 & 0xfff) + 1;
	c->cq[0].interrupts = true;
	c->cq[0].phase = true;
	c->cq[0].nr_sqs = 1;
	c->cq[0].there = true;
	c->csts |= CSTS_RDY;
}

static void write_cc(struct controller *c, uint32_t cc)
{
	uint32_t changed = c->cc ^ cc;

	c->cc = cc;
	if (changed & CC_EN) {
		if (cc & CC_EN)
			enable_controller(c);
		else
			reset_controller(c);
	}
	if (cc & CC_SHN)
		c->csts |= CSTS_SHST_DONE;
	else
		c->csts &= ~CSTS_SHST_DONE;
}

void pci_reset(struct controller *c)
{
	reset_controller(c);
	c->cc = c->aqa = c->intms = 0;
	c->asq = c->acq = 0;
	memset(c->config + 4, 0, 2);
}

static bool gone(struct controller *c)
{
	if (c->gone_until &&
	    (now_ns() >= c->gone_until ||
	     __atomic_load_n(c->returns, __ATOMIC_RELAXED) != c->returned)) {
		/* it comes back as after power-on */
		c->gone_until = 0;
		pci_reset(c);
	}
	return c->gone_until;
}

static void read_registers(struct controller *c, uint8_t *bar)
{
	uint64_t cap = CAP;

	memcpy(bar, &cap, 8);
	put32(bar + 0x08, VS);
	put32(bar + 0x0c, c->intms);
	put32(bar + 0x10, c->intms);
	put32(bar + 0x14, c->cc);
	put32(bar + 0x1c, c->csts | (event_paused(c) ? CSTS_PP : 0));
	put32(bar + 0x24, c->aqa);
	memcpy(bar + 0x28, &c->asq, 8);
	memcpy(bar + 0x30, &c->acq, 8);
}

void pci_read(struct controller *c, unsigned int region, uint64_t offset,
	      void *data, size_t len)
{
	uint8_t bar[64] = { };

	if (gone(c)) {
		memset(data, 0xff, len);
		return;
	}
	memset(data, 0, len);
	if (region == REGION_CONFIG && offset < CONFIG_SIZE &&
	    len <= CONFIG_SIZE - offset)
		memcpy(data, c->config + offset, len);
	if (region != REGION_BAR0 || offset >= sizeof(bar) ||
	    len > sizeof(bar) - offset)
		return;
	read_registers(c, bar);
	memcpy(data, bar + offset, len);
}

static void write_register(struct controller *c, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case 0x0c:
		c->intms |= value;
		break;
	case 0x10:
		c->intms &= ~value;
		break;
	case 0x14:
		write_cc(c, value);
		break;
	case 0x24:
		c->aqa = value;
		break;
	case 0x28:
		c->asq = (c->asq & ~0xffffffffULL) | value;
		break;
	case 0x2c:
		c->asq = (c->asq & 0xffffffffULL) | (uint64_t)value << 32;
		break;
	case 0x30:
		c->acq = (c->acq & ~0xffffffffULL) | value;
		break;
	case 0x34:
		c->acq = (c->acq & 0xffffffffULL) | (uint64_t)value << 32;
		break;
	}
}

/* What of configuration space a host can write to. */
static void write_config(struct controller *c, uint64_t offset,
			 const uint8_t *data, size_t len)
{
	static const struct { uint16_t at, bits; } writable[] = {
		{ 0x04, 0x0406 }, { CAP_MSIX + 2, 0xc000 },
		{ CAP_PCIE + 8, 0x7fff },
	};
	uint8_t *config = c->config;
	uint16_t bits;
	uint64_t at;
	unsigned int i;

	for (at = offset; at < offset + len && at < CONFIG_SIZE; at++) {
		for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
			if (at >> 1 != writable[i].at >> 1)
				continue;
			bits = writable[i].bits >> 8 * (at & 1);
			config[at] &= ~bits;
			config[at] |= data[at - offset] & bits;
		}
		if (at == CAP_PCIE + 9 && data[at - offset] & DEVCTL_FLR >> 8) {
			pci_reset(c);
			return;
		}
	}
}

void pci_write(struct controller *c, unsigned int region, uint64_t offset,
	       const void *data, size_t len)
{
	uint32_t words[2];

	if (gone(c))
		return;
	if (region == REGION_CONFIG) {
		write_config(c, offset, data, len);
		return;
	}
	if (region != REGION_BAR0 || offset & 3 || (len != 4 && len != 8))
		return;
	memcpy(words, data, len);
	if (offset >= 0x1000) {
		queue_doorbell(c, (offset - 0x1000) / 4, words[0]);
		return;
	}
	write_register(c, offset, words[0]);
	if (len == 8)
		write_register(c, offset + 4, words[1]);
}
