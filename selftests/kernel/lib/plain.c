// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "plain.h"
#include "test.h"

struct plain plain = { .gen = 1 };

void plain_begin(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};

	pt_open(&plain.ns, PT_WANT_PLAIN);
	plain.own = test_env("OWN", 0);
	steer_puppet(&plain.policy, plain.ns.ctrl, &config);
	if (!plain.own)
		steer_answer(&plain.policy, 1, 2);
}

uint64_t plain_kept(void)
{
	return steer_event(plain.ns.ctrl, plain.own ? "own_kept" : "kept");
}

uint64_t plain_routed(void)
{
	return steer_event(plain.ns.ctrl, plain.own ? "default" : "routed");
}

void *plain_map(size_t size, void *at)
{
	void *b = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	test_check(b != MAP_FAILED, "mmap: %s", strerror(errno));
	return b;
}

int plain_cmd(struct pt_ring *r, uint8_t opcode, uint64_t slba, uint32_t nlb,
	      void *addr)
{
	struct nvme_uring_cmd cmd;

	pt_rw(&cmd, &plain.ns, opcode, slba, nlb, addr, nlb << plain.ns.shift);
	return pt_do(r, plain.ns.fd, &cmd, 0, NULL);
}

void plain_out(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
	       uint64_t slba)
{
	int ret;

	pt_block_write(&plain.ns, slba - 1, nlb + 2, plain.gen);
	pt_fill(&plain.ns, see, slba, nlb, plain.gen + 1);
	ret = plain_cmd(r, PT_WRITE, slba, nlb, addr);
	test_check(!ret, "write of %u blocks: %d", nlb, ret);
	pt_block_check(&plain.ns, slba, nlb, plain.gen + 1);
	pt_block_check(&plain.ns, slba - 1, 1, plain.gen);
	pt_block_check(&plain.ns, slba + nlb, 1, plain.gen);
	plain.gen += 2;
}

void plain_in(struct pt_ring *r, void *addr, void *see, uint32_t nlb,
	      uint64_t slba)
{
	int ret;

	pt_block_write(&plain.ns, slba, nlb, plain.gen);
	memset(see, 0, nlb << plain.ns.shift);
	ret = plain_cmd(r, PT_READ, slba, nlb, addr);
	test_check(!ret, "read of %u blocks: %d", nlb, ret);
	test_check(pt_differs(&plain.ns, see, slba, nlb, plain.gen) < 0,
		   "read of %u blocks is wrong at block %ld", nlb,
		   pt_differs(&plain.ns, see, slba, nlb, plain.gen));
	plain.gen++;
}

void plain_round_trip(struct pt_ring *r, void *addr, void *see, uint32_t nlb)
{
	plain_out(r, addr, see, nlb, 64);
	plain_in(r, addr, see, nlb, 64);
}

void plain_settle(struct pt_ring *r, void *addr, uint32_t nlb)
{
	uint64_t before, end = test_now_ms() + 10000;

	do {
		test_check(test_now_ms() < end,
			   "a buffer of %u blocks is not kept", nlb);
		before = plain_kept();
		plain_round_trip(r, addr, addr, nlb);
	} while (plain_kept() - before != 2);
}

void plain_changed(struct pt_ring *r, void *addr, uint32_t nlb,
		   const char *what)
{
	uint64_t before = plain_kept();

	plain_in(r, addr, addr, nlb, 64);
	test_check(plain.own || plain_kept() == before,
		   "%s: the old mapping was used", what);
	plain_round_trip(r, addr, addr, nlb);
}
