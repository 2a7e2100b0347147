// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace gets blocks of another size. By Format NVM, which the driver sees:
 * commands of the new size go well by each way, with buffers that were used
 * before, and what the driver's path knows of the size nvmesteer knows.
 *
 * And by somebody else, in the middle of commands: what was checked by the old
 * size is not sent, whatever it waited for: a thaw, the round of its group
 * before, or the piece of its copy. A controller that is asked for blocks eight
 * times as large as the buffer moves data to memory that was not meant.
 *
 * vm: --drives faults --cpus 4
 */
#include <fcntl.h>
#include <sys/uio.h>

#include "cell.h"
#include "group.h"
#include "lib/copies.h"
#include "test.h"

#define HELD_MS		1000
#define HELD_BLOCK	512
#define NR		4	/* commands of a group */

static struct pt_ns *ns;

static bool has_blocks(unsigned int bytes)
{
	char path[80], text[16];

	snprintf(path, sizeof(path),
		 "/sys/block/nvme%s/queue/logical_block_size", ns->name);
	return test_read(path, text, sizeof(text)) > 0 &&
	       strtoul(text, NULL, 10) == bytes;
}

/* It has been formatted; the driver knows, and so does the test from here on. */
static void know(unsigned int bytes)
{
	test_check(test_wait(has_blocks(bytes), 20000), "no blocks of %u bytes",
		   bytes);
	cell_reopen();
	test_check(ns->block == bytes, "blocks of %u bytes, not %u", ns->block,
		   bytes);
}

static void format_nvm(unsigned int format)
{
	struct nvme_passthru_cmd cmd = {
		.opcode = 0x80, .nsid = 1, .cdw10 = format, .timeout_ms = 20000,
	};
	char path[32];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/nvme%d", ns->ctrl);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ret = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd);
	test_check(!ret, "Format NVM: %d", ret);
	close(fd);
}

static void by_format_nvm(enum cell_way way)
{
	int is;

	/* so that the end of the test knows what to undo */
	fault_change(FAULT_CHANGE_READ_ONLY, 0);
	cell_works(way);
	format_nvm(FAULT_FORMAT_4K);
	know(4096);
	cell_works(way);
	fault_host_is_good("with blocks of 4096 bytes");
	if (way >= CELL_FIRST_STEERED && !cell_is_block(way)) {
		is = cell_one(way, PT_READ, 8, 8, 4096);
		test_check(is == -EINVAL, "a buffer of one block for eight: %d",
			   is);
	}
	format_nvm(FAULT_FORMAT_512);
	know(512);
	cell_works(way);
	fault_host_is_good("with blocks of 512 bytes");
}

/* ------------------------------------------------------- in the middle of it */

static void format_4k(void)
{
	fault_change(FAULT_CHANGE_FORMAT, FAULT_FORMAT_4K);
}

static void back_to_512(void)
{
	fault_change(FAULT_CHANGE_FORMAT, FAULT_FORMAT_512);
	know(512);
}

/* A read whose completion is held; the namespace cannot thaw before it. */
static void hold(struct pt_ring *ring, uint8_t *buf)
{
	struct fault_rule rule = {
		.what = FAULT_LATE, .flags = FAULT_DONE, .ms = HELD_MS,
		.opcode = PT_READ, .last_qid = FAULT_QUEUES - 1, .first_qid = 1,
		.slba = HELD_BLOCK, .nlb = 1,
	};
	struct nvme_uring_cmd cmd;

	fault_clear();
	fault_add(&rule);
	pt_rw(&cmd, ns, PT_READ, HELD_BLOCK, 1, buf, 512);
	pt_queue(ring, ns->fd, &cmd, 0, 1);
	pt_submit_only(ring);
	test_check(test_wait(fault_done(0), 20000), "the read is not there");
}

/* A read that does not wait fails. Of a page, which is enough for any block. */
static bool is_frozen(uint8_t *page)
{
	struct iovec iov = { page, 512 };

	return preadv2(ns->block_fd, &iov, 1, 0, RWF_NOWAIT) < 0 &&
	       errno == EAGAIN;
}

/* One that comes while the namespace is frozen, and waits for it. */
static void waits(enum cell_way way)
{
	uint64_t frozen = steer_event(ns->ctrl, "frozen");
	uint8_t *page = test_alloc(4096), *buf = test_alloc(4096);
	struct pt_ring ring;
	int is;

	cell_works(way);
	pt_ring_init(&ring, 8, 0);
	hold(&ring, buf);
	format_4k();
	test_check(test_wait(is_frozen(page), HELD_MS), "it is not frozen");
	is = cell_one(way, PT_READ, 64, 8, 4096);
	test_check(is == -EINVAL, "a buffer of one block for eight: %d", is);
	test_check(steer_event(ns->ctrl, "frozen") > frozen,
		   "nothing has waited for it");
	pt_reap(&ring, NULL, NULL);
	fault_host_is_good("a command that waited");
	pt_ring_exit(&ring);
	free(page);
	free(buf);
	know(4096);
	cell_works(way);
	back_to_512();
}

static void waits_where_steered(enum cell_way way)
{
	if (way >= CELL_FIRST_STEERED && !cell_is_block(way))
		waits(way);
}

/* A group whose first command is held, and whose others go one by one. */
static void between_rounds(unsigned int mode)
{
	struct nvme_steer_group g;
	struct fault_rule rule = {
		.what = FAULT_LATE, .flags = FAULT_DONE, .ms = HELD_MS,
		.opcode = PT_READ, .last_qid = FAULT_QUEUES - 1, .first_qid = 1,
		.count = 1, .slba = 64, .nlb = 8,
	};
	struct pt_ring ring;
	struct arena arena;
	uint64_t tag;
	unsigned int i;

	test_step("between the rounds of a group%s", mode ? ", polled" : "");
	arena_init(&arena, NR, NR * 4096);
	group_ring_init(&ring, mode, &arena);
	for (i = 0; i < NR; i++)
		group_set(ns, &arena.cmds[i], PT_READ, 64 + 8 * i, 8,
			  arena.data + 4096 * i);
	g = group_whole(&arena, NR);
	g.window = 1;
	fault_clear();
	fault_add(&rule);
	group_queue(&ring, ns->fd, &g, PT_FIXED, 1);
	pt_submit_only(&ring);
	test_check(test_wait(fault_done(0), 20000), "the group is not there");
	format_4k();
	pt_reap(&ring, &tag, NULL);
	test_check(!arena.cmds[0].status, "the first ended with %d",
		   arena.cmds[0].status);
	for (i = 1; i < NR; i++)
		test_check(arena.cmds[i].status == -EAGAIN,
			   "command %u ended with %d", i, arena.cmds[i].status);
	fault_host_is_good("a group");
	pt_ring_exit(&ring);
	arena_free(&arena);
	know(4096);
	back_to_512();
}

static void between_pieces(unsigned int mode, bool own)
{
	int ret;

	test_step("between the pieces of a copy%s%s", mode ? ", polled" : "",
		  own ? ", on the driver's own path" : "");
	copies_own(own);
	ret = copies_during(ns, mode, HELD_MS, format_4k, false);
	copies_own(false);
	test_check(ret == -ESTALE, "it ended with %d", ret);
	know(4096);
	copies_work(ns, "with blocks of 4096 bytes");
	back_to_512();
	copies_work(ns, "with blocks of 512 bytes");
}

int main(void)
{
	test_begin(170);
	ns = cell_open(10000);
	cell_each_way(0, by_format_nvm);
	test_step("somebody else formats it");
	cell_each_way(0, waits_where_steered);
	between_rounds(0);
	between_rounds(PT_IOPOLL);
	between_pieces(0, false);
	between_pieces(PT_IOPOLL, false);
	between_pieces(0, true);
	between_pieces(PT_IOPOLL, true);
	test_pass();
}
