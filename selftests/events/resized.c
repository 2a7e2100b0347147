// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace becomes half as large, and as large again, while commands are in
 * flight, by each way: they end well, and so do those after them. What begins
 * beyond its end fails as it does on the driver's own path, and goes well once
 * it is there again. Copies know of the new end as well.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "lib/copies.h"
#include "test.h"

#define LARGE	32768U		/* blocks */
#define SMALL	(LARGE / 2)
#define MS	150

static struct pt_ns *ns;
static unsigned int blocks;

static bool is_size(void)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/size", ns->name);
	return test_read(path, text, sizeof(text)) > 0 &&
	       strtoul(text, NULL, 10) == blocks;
}

static void seen(void)
{
	test_check(test_wait(is_size(), 10000), "it is not %u blocks", blocks);
}

static void shrink(void)
{
	blocks = SMALL;
	fault_change(FAULT_CHANGE_BLOCKS, blocks);
}

static void grow(void)
{
	blocks = LARGE;
	fault_change(FAULT_CHANGE_BLOCKS, blocks);
}

static void beyond(enum cell_way way, int should)
{
	int is = cell_one(way, PT_WRITE, SMALL, 8, 4096);

	test_check(is == should, "a write beyond the end of %u blocks: %d, not %d",
		   blocks, is, should);
	is = cell_one(way, PT_WRITE, SMALL - 8, 8, 4096);
	test_check(!is, "a write before the end of %u blocks: %d", blocks, is);
}

static void resize(enum cell_way way)
{
	cell_during(way, MS, shrink, seen);
	beyond(way, cell_is_block(way) ? -ENOSPC : 0x4000 | PT_SC_LBA_RANGE);
	cell_during(way, MS, grow, seen);
	beyond(way, 0);
}

static void copies(unsigned int mode)
{
	int ret;

	test_step("a copy%s", mode ? ", polled" : "");
	ret = copies_during(ns, mode, MS, shrink, true);
	test_check(!ret, "a copy ended with %d", ret);
	seen();
	copies_work(ns, "half as large");
	ret = copies_to(ns, SMALL);
	test_check(ret == -EINVAL, "a copy beyond the end: %d", ret);
	ret = copies_during(ns, mode, MS, grow, true);
	test_check(!ret, "a copy ended with %d", ret);
	seen();
	copies_work(ns, "as large again");
	ret = copies_to(ns, SMALL);
	test_check(!ret, "a copy to what is there again: %d", ret);
}

int main(void)
{
	test_begin(120);
	ns = cell_open(5000);
	cell_each_way(0, resize);
	copies(0);
	copies(PT_IOPOLL);
	test_pass();
}
