// SPDX-License-Identifier: GPL-2.0
/*
 * Copies with little memory: with none but the buffers that every controller
 * with a policy has, with a MiB of them allowed for all together, and in a guest
 * whose memory somebody else takes. They wait for each other and all end well.
 * How much they had is told by copy_bytes_most: no more than copy_mb, no more
 * for a long copy than for a short one; and copy_bytes tells what is kept while
 * policies are attached, and that nothing is left without.
 *
 * vm: --drives copy --memory 384
 */
#include <sys/mman.h>

#include "copy_load.h"
#include "machine.h"
#include "steer.h"
#include "test.h"

#define MIB		(1UL << 20)
#define PARAMETERS	"/sys/module/nvmesteer/parameters/"
/* A buffer for data, and what a controller with a policy has: one of each kind. */
#define DATA		(256UL << 10)
#define LEAST		(DATA + (16UL << 10))
#define CONTROLLERS	2
#define LANES		4

static struct copy_drives drives;
static struct copy_load load;
static struct steer_policy policy, other_policy;
static struct pt_ring ring;

static unsigned long bytes(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	test_check(test_read(path, text, sizeof(text)) > 0, "cannot read %s",
		   path);
	return strtoul(text, NULL, 10);
}

/* What copies before this had may take a moment to be freed. */
static void begin_most(void)
{
	test_check(test_wait(bytes("copy_bytes") <= CONTROLLERS * LEAST, 20000),
		   "%lu bytes are still in buffers", bytes("copy_bytes"));
	test_check(!test_write(PARAMETERS "copy_bytes_most", "0"),
		   "copy_bytes_most");
}

static void allow(const char *mb)
{
	test_check(!test_write(PARAMETERS "copy_mb", mb), "copy_mb");
}

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

/*
 * So many copies, at a time as many as the load does. @most: bytes in buffers.
 * @waits: there is not enough for all.
 */
static void go(unsigned long copies, unsigned long most, bool waits,
	       const char *what)
{
	uint64_t start = test_now_ms(), waited;

	test_step("%s", what);
	waited = steer_event(drives.a.ctrl, "copy_wait") +
		 steer_event(drives.other.ctrl, "copy_wait");
	begin_most();
	copy_load_start(&load);
	test_check(copy_load_wait(&load, copies, 60000),
		   "not %lu copies within 60 s", copies);
	copy_load_stop(&load);
	copy_load_verify(&load, NULL);
	waited = steer_event(drives.a.ctrl, "copy_wait") +
		 steer_event(drives.other.ctrl, "copy_wait") - waited;
	printf("#   %lu copies in %ju ms, %ju waits for a buffer, of %lu KiB\n",
	       copies, test_now_ms() - start, waited,
	       bytes("copy_bytes_most") >> 10);
	test_check(bytes("copy_bytes_most") <= most,
		   "%lu bytes in buffers, of %lu", bytes("copy_bytes_most"),
		   most);
	test_check(bytes("copy_bytes") >= CONTROLLERS * LEAST,
		   "%lu bytes are kept", bytes("copy_bytes"));
	test_check(!waits || waited, "nobody waited for a buffer");
}

/* The most bytes in buffers during a copy of so many MiB, by some lanes. */
static unsigned long one(unsigned int mib, int answer)
{
	static struct image from, to;
	struct copy copy;
	unsigned int i;

	if (!from.len) {
		image_init(&from, &drives.b, 40 * MIB, MIB);
		/* where the last of 64 goes */
		image_init(&to, &drives.a, (100 + 63) * MIB, MIB);
	}
	copy_init(&copy, mib);
	image_refill(&to, 0, to.len);
	copy_begin(&copy, &to, 0, 0);
	copy.cmd.dst -= (mib - 1) * MIB;
	for (i = 0; i < mib; i++)
		copy_add(&copy, &from, 0, MIB);
	policy.state->copy_answer = NVME_STEER_COPY_WITH(answer, LANES, 0);
	begin_most();
	copy_do(&ring, &copy);
	copy_is_good(&copy, answer, "one copy");
	memcpy(to.want, from.want, to.len);
	image_check(&to, "one copy");
	copy_free(&copy);
	policy.state->copy_answer =
		NVME_STEER_COPY_WITH(NVME_STEER_COPY_DEFAULT, 16, 0);
	printf("#   %u MiB: %lu KiB\n", mib, bytes("copy_bytes_most") >> 10);
	return bytes("copy_bytes_most");
}

/* How much one copy takes does not follow from its length. */
static void lengths(void)
{
	unsigned long least = CONTROLLERS * LEAST, most;

	test_step("one copy, with none but the least");
	test_check(bytes("copy_bytes") == least, "%lu bytes are kept, of %lu",
		   bytes("copy_bytes"), least);
	allow("0");
	most = one(1, NVME_STEER_COPY_EMULATE);
	test_check(most == least, "%lu bytes for 1 MiB", most);
	most = one(64, NVME_STEER_COPY_EMULATE);
	test_check(most == least, "%lu bytes for 64 MiB", most);
	most = one(64, NVME_STEER_COPY_SPLIT);
	test_check(most == least, "%lu bytes for 64 MiB, split", most);
	test_check(bytes("copy_bytes") == least, "%lu bytes are kept, of %lu",
		   bytes("copy_bytes"), least);

	test_step("with a MiB");
	allow("1");
	most = one(64, NVME_STEER_COPY_EMULATE);
	test_check(most <= MIB, "%lu bytes for 64 MiB", most);

	test_step("as much as it likes");
	allow("32");
	most = one(1, NVME_STEER_COPY_EMULATE);
	test_check(most <= least + (LANES - 1) * DATA, "%lu bytes for 1 MiB",
		   most);
	most = one(64, NVME_STEER_COPY_EMULATE);
	test_check(most <= least + (LANES - 1) * DATA, "%lu bytes for 64 MiB",
		   most);
	test_check(most > least, "%lu bytes by %u lanes", most, LANES);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct copy_stats sum;

	test_begin(170);
	copy_drives_open(&drives);
	pt_ring_init(&ring, 8, 0);
	test_check(test_wait(!bytes("copy_bytes"), 20000),
		   "%lu bytes in buffers without a policy",
		   bytes("copy_bytes"));
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

	test_set_file(PARAMETERS "copy_mb", "32");
	policy.state->copy_route = 1;
	other_policy.state->copy_route = 1;
	lengths();
	/* what is idle is freed when others want it: it never comes to more */
	allow("0");
	go(20, ~0UL, false, "until there is none but the least");
	go(100, CONTROLLERS * LEAST, true, "none but the least");
	policy.state->copy_route = 0;
	other_policy.state->copy_route = 0;
	go(60, CONTROLLERS * LEAST, true,
	   "none but the least, on the driver's own path");
	policy.state->copy_route = 1;
	other_policy.state->copy_route = 1;
	allow("1");
	go(150, MIB, true, "a MiB of buffers");
	allow("32");
	policy.state->copy_route = 0;
	other_policy.state->copy_route = 0;
	go(60, 32 * MIB, false, "as much as it likes");
	take_memory(24);
	go(60, 32 * MIB, false, "memory that others have");
	policy.state->copy_route = 1;
	other_policy.state->copy_route = 2;
	go(60, 32 * MIB, false, "memory that others have, on queues");
	copy_load_sum(&load, &sum);
	test_check(!sum.failed && !sum.cancelled && !sum.refused,
		   "copies failed");
	steer_detach(&policy);
	steer_detach(&other_policy);
	test_check(test_wait(!bytes("copy_bytes"), 20000),
		   "%lu bytes in buffers without a policy",
		   bytes("copy_bytes"));
	steer_reload();
	test_pass();
}
