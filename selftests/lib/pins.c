// SPDX-License-Identifier: GPL-2.0
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pins.h"
#include "test.h"

/* Value of a counter of /proc/vmstat. */
static long vmstat(const char *name)
{
	char line[128], word[64];
	FILE *f = fopen("/proc/vmstat", "r");
	long v = -1, n;

	test_check(f, "no /proc/vmstat");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", word, &n) == 2 &&
		    !strcmp(word, name))
			v = n;
	fclose(f);
	test_check(v >= 0, "no %s in /proc/vmstat", name);
	return v;
}

long pins_now(void)
{
	/* the counters are each CPU's until then */
	test_check(!test_write("/proc/sys/vm/stat_refresh", "1"),
		   "stat_refresh");
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

void pins_all_gone(const char *when)
{
	test_check(test_wait(!pins_now(), 10000),
		   "%ld pages are pinned %s", pins_now(), when);
}

void pins_obey_limit(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	test_check(!syscall(SYS_capget, &head, data), "capget");
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	test_check(!syscall(SYS_capset, &head, data), "capset");
}
