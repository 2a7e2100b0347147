// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace becomes write protected while commands are in flight, and is not
 * any more, by each way: those in flight end well, reads go well, and writes are
 * refused as on the driver's own path: by the controller, or by the block layer
 * once that knows. A copy to it fails and says so.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "lib/copies.h"
#include "test.h"

#define MS		150
#define WRITE_PROTECTED	0x4020

static struct pt_ns *ns;
static bool read_only;

static bool is_so(void)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/ro", ns->name);
	return test_read(path, text, sizeof(text)) > 0 &&
	       *text == (read_only ? '1' : '0');
}

static void seen(void)
{
	test_check(test_wait(is_so(), 10000), "it is %sread only",
		   read_only ? "not " : "");
}

static void protect(void)
{
	read_only = true;
	fault_change(FAULT_CHANGE_READ_ONLY, 1);
}

static void unprotect(void)
{
	read_only = false;
	fault_change(FAULT_CHANGE_READ_ONLY, 0);
	seen();
}

/* cell_during() writes afterwards. */
static void refused(enum cell_way way)
{
	int should = cell_is_block(way) ? -EPERM : WRITE_PROTECTED;
	int is = cell_one(way, PT_WRITE, 64, 8, 4096);

	test_check(is == should, "a write to it: %d, not %d", is, should);
	is = cell_one(way, PT_READ, 64, 8, 4096);
	test_check(!is, "a read of it: %d", is);
}

static enum cell_way now;

static void seen_and_refused(void)
{
	seen();
	refused(now);
	unprotect();
}

static void each(enum cell_way way)
{
	now = way;
	cell_during(way, MS, protect, seen_and_refused);
}

static void copies(unsigned int mode)
{
	int ret;

	test_step("a copy%s", mode ? ", polled" : "");
	ret = copies_during(ns, mode, MS, protect, true);
	test_check(ret == WRITE_PROTECTED, "it ended with %d", ret);
	seen();
	unprotect();
	copies_work(ns, "not protected any more");
}

int main(void)
{
	test_begin(120);
	ns = cell_open(5000);
	cell_each_way(0, each);
	copies(0);
	copies(PT_IOPOLL);
	test_pass();
}
