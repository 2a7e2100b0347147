/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants of a drive: each keeps so many commands of a block in flight, by
 * passthrough or by the block device, and how many have ended is counted, and
 * how long they took. All in one thread.
 */
#ifndef TENANT_H
#define TENANT_H

#include "pt.h"

#define TENANT_TOOK	8192

struct tenant {
	struct pt_ns *ns;
	bool block;		/* by the block device */
	bool write;		/* else it reads */
	bool sleeps;		/* alone, until something ends: of a slow drive */
	unsigned int depth;
	uint64_t first;		/* block where its area begins */
	uint32_t nlb;		/* blocks of a command */
	/* the rest is tenant.c's */
	struct pt_ring ring;
	uint8_t *buf;
	uint64_t ended;
	uint64_t next;
	unsigned int inflight;
	bool stopped;
	uint64_t *sent;		/* us, by tag modulo 2 * depth */
	uint32_t *took;		/* us, of the last TENANT_TOOK */
};

/* Set up @t, whose first members are set. @mode: of its ring. */
void tenant_init(struct tenant *t, unsigned int mode);
/* What 99 of 100 of its last @n commands did not take longer than, us. */
unsigned int tenant_p99(const struct tenant *t, unsigned int n);
/* Submit no more, and wait for what is in flight. */
void tenant_exit(struct tenant *t);

/*
 * What has ended is counted, and as many submitted as may be in flight. Returns
 * what @n tenants have ended in all.
 */
uint64_t tenants_turn(struct tenant *t, unsigned int n);
/* Let @n tenants run until all together have ended @commands, or @us are over. */
void tenants_run(struct tenant *t, unsigned int n, uint64_t commands,
		 uint64_t us);
uint64_t tenant_now_us(void);

#endif /* TENANT_H */
