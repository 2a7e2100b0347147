/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_uring NVMe passthrough, as small as a test can use it: a namespace with
 * its block device for the other path, a ring in each mode, one command at a
 * time or many, and patterns that tell which block was written when.
 */
#ifndef PT_H
#define PT_H

#include <liburing.h>
#include <linux/nvme_ioctl.h>
#include <stdbool.h>
#include <stdint.h>

/* Opcodes, NVM command set. */
#define PT_FLUSH		0x00
#define PT_WRITE		0x01
#define PT_READ			0x02
#define PT_COMPARE		0x05
#define PT_WRITE_ZEROES		0x08
#define PT_DSM			0x09
#define PT_VERIFY		0x0c
#define PT_COPY			0x19

/* Status fields. */
#define PT_SC_LBA_RANGE		0x80
#define PT_SC_COMPARE_FAILED	0x285

/* A namespace. */
struct pt_ns {
	char name[16];		/* X n Y of /dev/ngXnY */
	int ctrl;		/* a controller it is on; the first for a head */
	int ctrl2;		/* of a multipath head, the second; else -1 */
	bool head;		/* it is a multipath head, maybe with one controller */
	int fd;			/* /dev/ngXnY */
	int block_fd;		/* /dev/nvmeXnY, O_DIRECT; -1 without one */
	uint32_t nsid;
	uint64_t nr_blocks;
	uint32_t block;		/* bytes of data in a logical block */
	uint32_t shift;
	uint32_t ms;		/* bytes of metadata a block */
	bool extended;		/* metadata follows the data of each block */
	uint32_t max_bytes;	/* of one command, by the block layer's limits */
};

/* What kind of namespace a test wants. */
#define PT_WANT_PLAIN		0	/* 512-byte blocks, no metadata */
#define PT_WANT_4K		1	/* 4 KiB blocks, no metadata */
#define PT_WANT_SEPARATE	2	/* metadata in a buffer of its own */
#define PT_WANT_EXTENDED	3	/* metadata behind each block */
#define PT_WANT_HEAD		4	/* two controllers, one namespace */
#define PT_WANT_LARGE		5	/* no metadata, takes 2 MiB at once */
#define PT_WANT_OTHER		6	/* plain, not on the controller of PLAIN */
#define PT_WANT_SECOND		7	/* plain, second on PLAIN's controller */

/* Open one; skips the test, with a sentence, when there is none. */
void pt_open(struct pt_ns *ns, unsigned int want);
bool pt_try_open(struct pt_ns *ns, unsigned int want);
/* Open by name, "0n1"; 0 or -errno. */
int pt_open_name(struct pt_ns *ns, const char *name);
void pt_close(struct pt_ns *ns);

/* Ring modes; 0 is interrupt-driven. */
#define PT_IOPOLL	(1U << 0)
#define PT_SQPOLL	(1U << 1)
#define PT_DEFER	(1U << 2)	/* what is to be told waits for a system call */

struct pt_ring {
	struct io_uring uring;
	unsigned int mode;
	uint64_t next_tag;
};

int pt_ring_try_init(struct pt_ring *r, unsigned int entries,
		     unsigned int mode);
void pt_ring_init(struct pt_ring *r, unsigned int entries, unsigned int mode);
void pt_ring_exit(struct pt_ring *r);
const char *pt_mode_name(unsigned int mode);

/* How the data of a command is given. */
#define PT_FIXED	(1U << 0)	/* in registered buffer 0 */
#define PT_VEC		(1U << 1)	/* addr is an iovec array, data_len its length */
#define PT_ASYNC	(1U << 2)	/* issue from io-wq */

/* A command that names blocks: nlb is the count (1 and up). */
void pt_rw(struct nvme_uring_cmd *cmd, const struct pt_ns *ns, uint8_t opcode,
	   uint64_t slba, uint32_t nlb, void *buf, uint32_t len);

/* Put a command into the ring; it is given away by the next io_uring_submit */
void pt_queue(struct pt_ring *r, int fd, const struct nvme_uring_cmd *cmd,
	      unsigned int how, uint64_t user_data);

/*
 * Submit and look at no completion, which io_uring_submit() does on a ring that
 * polls. The number submitted.
 */
int pt_submit_only(struct pt_ring *r);

/* One command, start to end: cqe->res, and DW0-1 in *result when not NULL. */
int pt_do(struct pt_ring *r, int fd, const struct nvme_uring_cmd *cmd,
	  unsigned int how, uint64_t *result);

/* Wait for one completion; fails unless it comes. The entry is seen. */
int pt_reap(struct pt_ring *r, uint64_t *user_data, uint64_t *result);

/* Fill blocks so that each differs by block and generation. */
void pt_fill(const struct pt_ns *ns, void *buf, uint64_t slba, uint32_t nlb,
	     uint64_t gen);
/* First block that is not as pt_fill() made it, counted from 0; or -1. */
long pt_differs(const struct pt_ns *ns, const void *buf, uint64_t slba,
		uint32_t nlb, uint64_t gen);
/* One block; is it as pt_fill() made it? */
bool pt_block_is(const struct pt_ns *ns, const void *block, uint64_t lba,
		 uint64_t gen);

/* By the block device, O_DIRECT: the path no policy touches. */
void pt_block_write(const struct pt_ns *ns, uint64_t slba, uint32_t nlb,
		    uint64_t gen);
void pt_block_write_from(const struct pt_ns *ns, const void *buf,
			 uint64_t slba, uint32_t nlb);
void pt_block_read(const struct pt_ns *ns, void *buf, uint64_t slba,
		   uint32_t nlb);
/* Every byte of these blocks is of @gen, or the test fails. */
void pt_block_check(const struct pt_ns *ns, uint64_t slba, uint32_t nlb,
		    uint64_t gen);

#endif /* PT_H */
