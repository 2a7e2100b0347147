// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces with metadata. Where it has a buffer of its own, every command
 * that moves blocks takes the driver's own path and an event says so; where it
 * follows each block, steer queues carry it, and a buffer that leaves no room
 * for it is refused.
 *
 * vm: --cpus 2
 */
#include "pt.h"
#include "steer.h"
#include "test.h"

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
};

static void separate(void)
{
	struct steer_queues before, after;
	struct steer_policy policy;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	struct pt_ns ns;
	uint8_t *buf, *meta;
	uint64_t count;
	unsigned int i;
	int ret, stock;

	if (!pt_try_open(&ns, PT_WANT_SEPARATE)) {
		printf("# no namespace with separate metadata\n");
		return;
	}
	test_step("separate metadata, ng%s", ns.name);
	steer_puppet(&policy, ns.ctrl, &config);
	pt_ring_init(&ring, 8, 0);
	buf = test_alloc(8 * ns.block);
	meta = test_alloc(4096);

	for (i = 0; i < 4; i++) {
		bool write = i & 1;

		pt_fill(&ns, buf, 64, 8, 7);
		memset(meta, 0x77, 8 * ns.ms);
		pt_rw(&cmd, &ns, write ? PT_WRITE : PT_READ, 64, 8, buf,
		      8 * ns.block);
		if (i & 2) {
			cmd.metadata = (uintptr_t)meta;
			cmd.metadata_len = 8 * ns.ms;
		}
		steer_answer(&policy, 0, 0);
		stock = pt_do(&ring, ns.fd, &cmd, 0, NULL);
		steer_answer(&policy, 1, 2);
		count = steer_event(ns.ctrl, "metadata");
		steer_queues(ns.ctrl, &before);
		ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
		steer_queues(ns.ctrl, &after);
		test_check(ret == stock, "case %u: %#x steered, %#x not", i,
			   ret, stock);
		test_check(steer_event(ns.ctrl, "metadata") == count + 1,
			   "case %u: no event", i);
		test_check(after.q[1].submitted == before.q[1].submitted,
			   "case %u: went to the steer queue", i);
		test_check(!(policy.state->flags & NVME_STEER_CMD_META) ==
			   !(i & 2), "case %u: the policy saw flags %#x", i,
			   policy.state->flags);
	}
	/* written with metadata by the last one, read back */
	memset(buf, 0, 8 * ns.block);
	memset(meta, 0, 8 * ns.ms);
	cmd.opcode = PT_READ;
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	if (!ret && !stock) {
		test_check(pt_differs(&ns, buf, 64, 8, 7) < 0, "wrong data");
		for (i = 0; i < 8 * ns.ms; i++)
			test_check(meta[i] == 0x77, "wrong metadata");
	}

	/* a flush moves no blocks */
	memset(&cmd, 0, sizeof(cmd));
	cmd.nsid = ns.nsid;
	steer_queues(ns.ctrl, &before);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	steer_queues(ns.ctrl, &after);
	test_check(!ret && after.q[1].completed == before.q[1].completed + 1,
		   "flush: %d", ret);
	pt_ring_exit(&ring);
	steer_detach(&policy);
	pt_close(&ns);
}

static void extended(unsigned int mode)
{
	struct steer_queues before, after;
	struct steer_policy policy;
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	struct pt_ns ns;
	uint32_t size, i;
	uint8_t *buf;
	int ret;

	if (!pt_try_open(&ns, PT_WANT_EXTENDED)) {
		printf("# no namespace with extended blocks\n");
		return;
	}
	test_step("extended blocks, ng%s, %s ring", ns.name,
		  pt_mode_name(mode));
	steer_puppet(&policy, ns.ctrl, &config);
	pt_ring_init(&ring, 8, mode);
	size = 16 * (ns.block + ns.ms);
	buf = test_alloc(size + 4096);

	/* steered write, stock read */
	steer_answer(&policy, 1, 2);
	steer_queues(ns.ctrl, &before);
	pt_fill(&ns, buf, 64, 16, 20 + mode);
	pt_rw(&cmd, &ns, PT_WRITE, 64, 16, buf, size);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(!ret, "write: %#x", ret);
	steer_queues(ns.ctrl, &after);
	test_check(after.q[mode ? 2 : 1].completed ==
		   before.q[mode ? 2 : 1].completed + 1, "not steered");
	steer_answer(&policy, 0, 0);
	memset(buf, 0, size);
	cmd.opcode = PT_READ;
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(!ret && pt_differs(&ns, buf, 64, 16, 20 + mode) < 0,
		   "steered write, stock read: %#x", ret);

	/* stock write, steered read */
	pt_fill(&ns, buf, 64, 16, 30 + mode);
	cmd.opcode = PT_WRITE;
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(!ret, "stock write: %#x", ret);
	steer_answer(&policy, 1, 2);
	memset(buf, 0, size + 4096);
	cmd.opcode = PT_READ;
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(!ret && pt_differs(&ns, buf, 64, 16, 30 + mode) < 0,
		   "stock write, steered read: %#x", ret);

	/* no room for the metadata */
	memset(buf, 0, size + 4096);
	cmd.data_len = 16 * ns.block;
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(ret == -EINVAL, "a buffer without room for metadata: %d",
		   ret);
	for (i = 0; i < size + 4096; i++)
		test_check(!buf[i], "byte %u was overwritten", i);
	pt_ring_exit(&ring);
	steer_detach(&policy);
	pt_close(&ns);
}

int main(void)
{
	struct pt_ns ns;

	test_begin(60);
	if (!pt_try_open(&ns, PT_WANT_SEPARATE) &&
	    !pt_try_open(&ns, PT_WANT_EXTENDED))
		test_skip("no namespace with metadata");
	separate();
	extended(0);
	extended(PT_IOPOLL);
	test_pass();
}
