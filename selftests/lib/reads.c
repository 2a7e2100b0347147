// SPDX-License-Identifier: GPL-2.0
/*
 * Reads that may end in any way; see reads.h.
 */
#include "reads.h"
#include "test.h"

#define TAG	100	/* of the first one */

void reads_submit(struct pt_ring *r, const struct pt_ns *ns, uint8_t *buf,
		  uint64_t first, unsigned int nr, uint32_t timeout_ms)
{
	struct nvme_uring_cmd cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		pt_rw(&cmd, ns, PT_READ, first + i, 1, buf + i * ns->block,
		      ns->block);
		cmd.timeout_ms = timeout_ms;
		pt_queue(r, ns->fd, &cmd, 0, TAG + i);
	}
	ret = pt_submit_only(r);
	test_check(ret == (int)nr, "submitted %d of %u", ret, nr);
}

struct read_ends reads_reap(struct pt_ring *r, const struct pt_ns *ns,
			    const uint8_t *buf, uint64_t first,
			    unsigned int nr)
{
	struct read_ends ends = { };
	unsigned int i, seen = 0;
	uint64_t tag;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = pt_reap(r, &tag, NULL);
		test_check(tag >= TAG && tag < TAG + nr &&
			   !(seen & 1U << (tag - TAG)),
			   "completion of %ju twice or out of nowhere", tag);
		seen |= 1U << (tag - TAG);
		if (ret > 0)
			ends.failed++;
		else if (ret == -EINTR)
			ends.cancelled++;
		else if (!ret)
			ends.good++;
		else
			test_fail("a read ended with %d", ret);
		test_check(ret || pt_block_is(ns, buf + (tag - TAG) * ns->block,
					      first + tag - TAG, 1),
			   "a read ended well with wrong data");
	}
	test_check(!io_uring_cq_ready(&r->uring), "a completion too many");
	return ends;
}
