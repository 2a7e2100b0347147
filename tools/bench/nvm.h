/* SPDX-License-Identifier: GPL-2.0 */
/* Of the NVM command set, what the benchmark sends. */
#ifndef NVM_H
#define NVM_H

#include <stdint.h>

#define NVM_WRITE	0x01
#define NVM_READ	0x02
#define NVM_COPY	0x19

/* A source range of Copy, descriptor format 0h. */
struct nvm_copy_range {
	uint64_t rsvd;
	uint64_t slba;
	uint16_t nlb;		/* 0's based */
	uint16_t rsvd18;
	uint32_t rsvd20;
	uint64_t tags;
};

#endif /* NVM_H */
