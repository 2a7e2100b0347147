// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring NOP: what a ring costs with nothing behind it. The floor under
 * passthrough on such a ring: no module can go below.
 */
#include "bench.h"
#include "ring.h"

static void nop_submit(struct bench *b, unsigned int n)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < n; i++) {
		sqe = ring__sqe(b, 2 * sizeof(*sqe));
		sqe->opcode = IORING_OP_NOP;
		sqe->user_data = ring__tag(b->next[i], 0);
	}
	ring__submit(b, n);
}

const struct kind kind_nop = {
	.name		= "nop",
	.help		= "io_uring NOP on a ring made for passthrough: the floor",
	.ring_flags	= IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	.no_data	= true,
	.submit		= nop_submit,
};
