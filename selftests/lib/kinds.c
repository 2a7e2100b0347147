// SPDX-License-Identifier: GPL-2.0
#include <linux/ioprio.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nvmesteer/abi.h>

#include "kinds.h"
#include "test.h"

#define CGROUPS	"/sys/fs/cgroup"
#define CGROUP	CGROUPS "/kinds"

/* What one command differs in from another: one thing at a time. */
struct way {
	const char *name;
	uint32_t by;		/* bit of hold_by that names it */
	uint32_t besides;	/* and that which changes with it */
};

static const struct way ways[] = {
	/* there is a flag for what writes */
	{ "opcode", NVME_STEER_BY_OPCODE, NVME_STEER_BY_FLAGS },
	{ "length", NVME_STEER_BY_LEN, 0 },
	{ "flags", NVME_STEER_BY_FLAGS, 0 },
	{ "I/O priority", NVME_STEER_BY_IOPRIO, 0 },
	{ "namespace", NVME_STEER_BY_NSID, 0 },
	{ "cgroup", NVME_STEER_BY_CGROUP, 0 },
};

static const uint32_t policies[] = {
	0, NVME_STEER_BY_OPCODE, NVME_STEER_BY_LEN, NVME_STEER_BY_FLAGS,
	NVME_STEER_BY_IOPRIO, NVME_STEER_BY_NSID, NVME_STEER_BY_CGROUP,
	NVME_STEER_BY_ALL, NVME_STEER_BY_ALL & ~NVME_STEER_BY_LEN,
};

static bool has_cgroup;

unsigned int kinds_hold_ms(void)
{
	unsigned int ms = 150 * test_slow();

	return ms < NVME_STEER_HOLD_MAX_MS ? ms : NVME_STEER_HOLD_MAX_MS;
}

void kinds_expire(void)
{
	usleep((kinds_hold_ms() + 20) * 1000);
}

unsigned int kinds_policies(const uint32_t **by)
{
	*by = policies;
	return sizeof(policies) / sizeof(*policies);
}

static void leave(void *unused)
{
	test_write(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUP);
}

void kinds_begin(void)
{
	has_cgroup = !test_write(CGROUPS "/cgroup.subtree_control", "+io") &&
		     (!mkdir(CGROUP, 0755) || errno == EEXIST);
	if (has_cgroup)
		test_at_end(leave, NULL);
	else
		printf("# no io controller in cgroup v2 here\n");
}

/* Be as usual, or not as far as @by goes. */
static void be(uint32_t by, bool other)
{
	int class = other ? IOPRIO_CLASS_IDLE : IOPRIO_CLASS_BE;

	if (by == NVME_STEER_BY_IOPRIO)
		test_check(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
				    IOPRIO_PRIO_VALUE(class, 0)),
			   "ioprio_set: %s", strerror(errno));
	if (by == NVME_STEER_BY_CGROUP)
		test_check(!test_write(other ? CGROUP "/cgroup.procs" :
					       CGROUPS "/cgroup.procs", "0"),
			   "cannot enter a cgroup");
}

/*
 * The same command twice, another one twice, that differs in @way: how often
 * was the policy asked each time? False: it took too long to say anything.
 */
static bool four(const struct kinds *k, unsigned int entry,
		 const struct way *way, uint64_t calls[4])
{
	uint64_t start = test_now_ms();
	unsigned int i;

	for (i = 0; i < 4; i++) {
		be(way->by, i > 1);
		calls[i] = k->asked(entry, way->by, i > 1);
	}
	be(way->by, false);
	return test_now_ms() - start < kinds_hold_ms() / 2;
}

static void check_way(const struct kinds *k, unsigned int entry,
		      const struct way *way, uint32_t by)
{
	uint64_t calls[4];
	bool told = false;
	unsigned int i;

	for (i = 0; i < 10 && !told; i++) {
		/* or one of them is still known */
		kinds_expire();
		told = four(k, entry, way, calls) && calls[0] == 1;
	}
	test_check(told, "by %#x, %s, %s: too slow to say anything, or it holds for ever",
		   by, k->name[entry], way->name);
	test_check(!calls[1] && !calls[3] &&
		   calls[2] == !!(by & (way->by | way->besides)),
		   "by %#x, %s, another %s: asked %ju, %ju, %ju and %ju times",
		   by, k->name[entry], way->name, calls[0], calls[1], calls[2],
		   calls[3]);
}

void kinds_check(const struct kinds *k, uint32_t by)
{
	unsigned int entry, i;

	for (entry = 0; entry < k->entries; entry++) {
		for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
			if (ways[i].by == NVME_STEER_BY_CGROUP && !has_cgroup)
				continue;
			if (k->can(entry, ways[i].by))
				check_way(k, entry, &ways[i], by);
		}
	}
}
