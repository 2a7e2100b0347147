// SPDX-License-Identifier: GPL-2.0
/*
 * Copies with little memory: with a MiB of buffers allowed for all of them
 * together, with none but the least, and in a guest whose memory somebody else
 * takes. They wait for each other and all end well.
 *
 * vm: --drives copy --memory 384
 */
#include <sys/mman.h>

#include "copy_load.h"
#include "lib/machine.h"
#include "steer.h"
#include "test.h"

static struct copy_drives drives;
static struct copy_load load;

/* Memory in use, as much as there is of it but for @spare MiB. */
static void take_memory(unsigned int spare)
{
	unsigned long free_mb = machine_memory();
	uint8_t *map;
	size_t len, i;

	printf("# %lu MiB available\n", free_mb);
	if (free_mb <= spare)
		return;
	len = (free_mb - spare) << 20;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(map != MAP_FAILED, "no memory");
	for (i = 0; i < len; i += 4096)
		map[i] = 1;
}

static void go(unsigned long copies, const char *what)
{
	uint64_t start = test_now_ms(), wait, other_wait;

	test_step("%s", what);
	wait = steer_event(drives.a.ctrl, "copy_wait");
	other_wait = steer_event(drives.other.ctrl, "copy_wait");
	copy_load_start(&load);
	test_check(copy_load_wait(&load, copies, 60000),
		   "not %lu copies within 60 s", copies);
	copy_load_stop(&load);
	copy_load_verify(&load, NULL);
	printf("#   %lu copies in %ju ms, %ju waits for a buffer\n", copies,
	       test_now_ms() - start,
	       steer_event(drives.a.ctrl, "copy_wait") - wait +
		       steer_event(drives.other.ctrl, "copy_wait") - other_wait);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	static struct steer_policy policy, other_policy;
	struct copy_stats sum;

	test_begin(170);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	steer_puppet_copy(&other_policy, drives.other.ctrl, &config);
	policy.state->copy_answer =
		NVME_STEER_COPY_WITH(NVME_STEER_COPY_DEFAULT, 16, 0);
	load.to[0] = load.to[1] = &drives.a;
	load.to[2] = &drives.other;
	load.to[3] = &drives.none;
	load.from[0] = load.from[3] = &drives.a;
	load.from[1] = &drives.b;
	load.from[2] = &drives.other;
	copy_load_init(&load);

	go(60, "as much as it likes");
	test_set_file("/sys/module/nvmesteer/parameters/copy_mb", "1");
	policy.state->copy_route = 1;
	other_policy.state->copy_route = 1;
	go(150, "a MiB of buffers");
	test_check(!test_write("/sys/module/nvmesteer/parameters/copy_mb",
			       "0"), "copy_mb");
	go(100, "none but the least");
	policy.state->copy_route = 0;
	other_policy.state->copy_route = 0;
	go(60, "none but the least, on the driver's own path");
	test_check(!test_write("/sys/module/nvmesteer/parameters/copy_mb",
			       "32"), "copy_mb");
	take_memory(24);
	go(60, "memory that others have");
	policy.state->copy_route = 1;
	other_policy.state->copy_route = 2;
	go(60, "memory that others have, on queues");
	copy_load_sum(&load, &sum);
	test_check(!sum.failed && !sum.cancelled && !sum.refused,
		   "copies failed");
	steer_detach(&policy);
	steer_detach(&other_policy);
	steer_reload();
	test_pass();
}
