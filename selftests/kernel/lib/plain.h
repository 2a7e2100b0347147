/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plain buffers that stay mapped from one command to the next: commands with
 * data at an address, looked at from the other side, and whether what is kept
 * was used.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "pt.h"
#include "steer.h"

#define PAGE	4096
#define CANARY	0x5a

extern struct plain {
	struct pt_ns ns;
	struct steer_policy policy;	/* queue 1 for interrupts, 2 polled */
	uint64_t gen;			/* the next pattern's */
	bool own;			/* all go by the driver's own path */
} plain;

/* With OWN=1 in the environment by the driver's own path. */
void plain_begin(void);
/* Commands whose mapping was kept from an earlier one, so far. */
uint64_t plain_kept(void);
/* All that went where they were to go. */
uint64_t plain_routed(void);
/* Private memory, at @at unless that is NULL. */
void *plain_map(size_t size, void *at);
/* One command, start to end: what it ended with. */
int plain_cmd(struct pt_ring *r, uint8_t opcode, uint64_t slba, uint32_t nlb,
	      void *addr);
/* What is at @addr, seen at @see, goes to the drive, and nothing beside it. */
void plain_out(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
	       uint64_t slba);
/* And back. */
void plain_in(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
	      uint64_t slba);
void plain_round_trip(struct pt_ring *r, void *addr, void *see, uint32_t nlb);
/* Use a buffer until it is kept. */
void plain_settle(struct pt_ring *r, void *addr, uint32_t nlb);
/*
 * The first use after the memory has changed cannot be of what is kept, unless,
 * on the driver's own path, it was kept anew for that; those after it can, but it
 * is the new memory then.
 */
void plain_changed(struct pt_ring *r, void *addr, uint32_t nlb,
		   const char *what);

#endif /* PLAIN_H */
