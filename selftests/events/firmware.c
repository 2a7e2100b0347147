// SPDX-License-Identifier: GPL-2.0
/*
 * A controller activates firmware, for longer than commands may take, while
 * some are in flight, by each way. It answers nothing meanwhile, and that is no
 * fault of it: no command is aborted, the controller is not reset, and the
 * watchdog leaves the policy alone, as the stock driver waits. All commands end
 * well.
 *
 * vm: --drives faults --cpus 4
 */
#include "cell.h"
#include "lib/copies.h"
#include "test.h"
#include "vm.h"

#define MS		50
#define TIMEOUT_MS	400
#define PAUSE_MS	2000

static struct pt_ns *ns;

static void activate(void)
{
	char state[32];

	fault_change(FAULT_CHANGE_PAUSE, PAUSE_MS);
	vm_ctrl_state(ns->ctrl, state, sizeof(state));
	printf("#   state %s\n", state);
}

static void nothing_else(void)
{
	struct fault_counters counters;

	fault_counters(&counters);
	test_check(!counters.aborts, "%u commands were aborted",
		   counters.aborts);
	test_check(!counters.resets, "the controller was reset");
}

static void each(enum cell_way way)
{
	uint64_t start = test_now_ms();

	cell_during(way, MS, activate, nothing_else);
	test_check(test_now_ms() - start >= PAUSE_MS, "there was no pause");
}

static void copies(unsigned int mode)
{
	int ret;

	test_step("a copy%s", mode ? ", polled" : "");
	ret = copies_during(ns, mode, MS, activate, true);
	test_check(!ret, "it ended with %d", ret);
	copies_work(ns, "with other firmware");
}

int main(void)
{
	test_begin(170);
	ns = cell_open(TIMEOUT_MS);
	cell_each_way(TIMEOUT_MS, each);
	copies(0);
	copies(PT_IOPOLL);
	cell_policy_stays();
	test_pass();
}
