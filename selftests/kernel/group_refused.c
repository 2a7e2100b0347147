// SPDX-License-Identifier: GPL-2.0
/*
 * Command groups that are refused: what is malformed, not permitted, or
 * changed by another thread while it is submitted does no harm, and the array
 * says which command is why; and so does what the policy does not send to one
 * steer queue.
 *
 * COUNT=   groups whose array changes (default 3000)
 *
 * vm: --cpus 4 --beside
 * timeout: 300
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "group.h"
#include "steer.h"
#include "test.h"

#define FIRST	1024		/* block where the test's area begins */

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;

/* A group that is refused: none of it was sent, and the array says why. */
struct bad {
	const char *what;
	void (*spoil)(struct arena *a, struct nvme_steer_group *g);
	int ret;
	int at;			/* index of the command that is why; or -1 */
};

#define BAD(name, ...) \
	static void bad_##name(struct arena *a, struct nvme_steer_group *g) \
	{ __VA_ARGS__; }

BAD(nr0, g->nr = 0)
BAD(nr_huge, g->nr = NVME_STEER_GROUP_MAX + 1)
BAD(nr_max, g->nr = 0xffffffff)
BAD(flags, g->flags = 2)
BAD(rsvd, g->rsvd[2] = 1)
BAD(unaligned, g->cmds += 8)
BAD(array_before, g->cmds = (g->base & ~63UL) - 64)
BAD(array_end, g->len = g->cmds - g->base + 4 * 64 - 1)
BAD(array_wraps, g->cmds = -64UL)
BAD(len0, g->len = 0)
BAD(base_before, g->base -= 4096)
BAD(len_beyond, g->len += 1)
BAD(len_wraps, g->len = -1UL)
BAD(not_there, g->base = 4096; g->cmds = 4096)
BAD(cmd_flags, a->cmds[2].flags = 1)
BAD(cmd_psdt, a->cmds[2].flags = 0x40)
BAD(cmd_rsvd, a->cmds[2].rsvd = 1)
BAD(nsid_other, a->cmds[2].nsid++)
BAD(nsid_all, a->cmds[2].nsid = 0xffffffff)
BAD(short, a->cmds[2].data_len -= 512)
BAD(long, a->cmds[2].data_len += 512)
BAD(none, a->cmds[2].data_len = 0)
BAD(huge, a->cmds[2].data_len = 0xfffffe00; a->cmds[2].cdw12 = 0xffff)
BAD(nlb, a->cmds[2].cdw12 = 0xffff)
BAD(odd, a->cmds[2].addr += 1)
BAD(before, a->cmds[2].addr = g->base - 512)
BAD(beyond, a->cmds[2].addr = g->base + g->len - 512)
BAD(after, a->cmds[2].addr = g->base + g->len)
BAD(wraps, a->cmds[2].addr = -512UL)
BAD(region, g->len = (uintptr_t)a->data + 512 - g->base)
BAD(kernel, a->cmds[2].addr = 0xffff888000000000)
BAD(flush_data, a->cmds[2].opcode = PT_FLUSH)
BAD(zeroes_data, a->cmds[2].opcode = PT_WRITE_ZEROES)
BAD(both_ways, a->cmds[2].opcode = 0x83)
BAD(first, a->cmds[0].nsid = 0)
BAD(last, a->cmds[3].flags = 3)

static const struct bad bads[] = {
	{ "no commands", bad_nr0, -EINVAL, -1 },
	{ "too many commands", bad_nr_huge, -EINVAL, -1 },
	{ "far too many", bad_nr_max, -EINVAL, -1 },
	{ "an unknown flag", bad_flags, -EINVAL, -1 },
	{ "a reserved word", bad_rsvd, -EINVAL, -1 },
	{ "an array off its alignment", bad_unaligned, -EINVAL, -1 },
	{ "an array before the buffer", bad_array_before, -EFAULT, -1 },
	{ "an array past the part in use", bad_array_end, -EFAULT, -1 },
	{ "an array at the end of memory", bad_array_wraps, -EFAULT, -1 },
	{ "an empty part", bad_len0, -EINVAL, -1 },
	{ "a part before the buffer", bad_base_before, -EFAULT, -1 },
	{ "a part past the buffer", bad_len_beyond, -EFAULT, -1 },
	{ "a part that wraps", bad_len_wraps, -EFAULT, -1 },
	{ "a part that is not registered", bad_not_there, -EFAULT, -1 },
	{ "flags in a command", bad_cmd_flags, -EINVAL, 2 },
	{ "a data pointer type", bad_cmd_psdt, -EINVAL, 2 },
	{ "a reserved field", bad_cmd_rsvd, -EINVAL, 2 },
	{ "another namespace", bad_nsid_other, -EINVAL, 2 },
	{ "all namespaces", bad_nsid_all, -EINVAL, 2 },
	{ "a short buffer", bad_short, -EINVAL, 2 },
	{ "a long buffer", bad_long, -EINVAL, 2 },
	{ "no buffer", bad_none, -EINVAL, 2 },
	{ "a huge buffer", bad_huge, -EINVAL, 2 },
	{ "more blocks than buffer", bad_nlb, -EINVAL, 2 },
	{ "an odd address", bad_odd, -EINVAL, 2 },
	{ "data before the buffer", bad_before, -EFAULT, 2 },
	{ "data across the end", bad_beyond, -EFAULT, 2 },
	{ "data after the end", bad_after, -EFAULT, 2 },
	{ "data at the end of memory", bad_wraps, -EFAULT, 2 },
	{ "data outside the part in use", bad_region, -EFAULT, 0 },
	{ "a kernel address", bad_kernel, -EFAULT, 2 },
	{ "flush with data", bad_flush_data, -EINVAL, 2 },
	{ "write zeroes with data", bad_zeroes_data, -EINVAL, 2 },
	{ "data in both directions", bad_both_ways, -EOPNOTSUPP, 2 },
	{ "a bad first command", bad_first, -EINVAL, 0 },
	{ "a bad last command", bad_last, -EINVAL, 3 },
};

static void four_writes(struct arena *a, struct nvme_steer_group *g)
{
	unsigned int i;

	pt_block_write(&ns, FIRST, 64, gen);
	for (i = 0; i < 4; i++)
		group_set(&ns, &a->cmds[i], PT_WRITE, FIRST + 8 * i, 2,
		    a->data + 4096 * i);
	*g = group_whole(a, 4);
}

static void refused(struct pt_ring *r, int fd, struct arena *a,
		    const struct nvme_steer_group *g, unsigned int how,
		    const char *what, int expected, int at)
{
	uint64_t routed = steer_event(ns.ctrl, "routed"), result = 1;
	int i, ret;

	for (i = 0; i < 4; i++)
		a->cmds[i].status = UNTOUCHED;
	ret = group_do_how(r, fd, g, how, &result);
	test_check(ret == expected, "%s: %d, expected %d", what, ret, expected);
	test_check(!result, "%s: result %#jx", what, result);
	for (i = 0; i < 4; i++)
		test_check(a->cmds[i].status ==
				   (at < 0 ? UNTOUCHED :
				    i == at ? expected : -ECANCELED),
			   "%s: command %d has status %d", what, i,
			   a->cmds[i].status);
	test_check(steer_event(ns.ctrl, "routed") == routed,
		   "%s: something was sent", what);
	pt_block_check(&ns, FIRST, 64, gen);
}

static void malformed(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	unsigned int i, n;

	test_step("malformed groups");
	steer_answer(&policy, 1, 2);
	arena_init(&a, 64, 1 << 16);
	group_ring_init(&r, 0, &a);
	for (n = 0; n < 4; n++) {
		for (i = 0; i < ARRAY_LEN(bads); i++) {
			four_writes(&a, &g);
			bads[i].spoil(&a, &g);
			refused(&r, ns.fd, &a, &g, PT_FIXED, bads[i].what,
				bads[i].ret, bads[i].at);
		}
		/* the same, unspoilt, works: and is kept the next time */
		four_writes(&a, &g);
		group_good(&r, &ns, &g, PT_FIXED, "the group that is spoilt");
		gen++;
	}
	four_writes(&a, &g);
	refused(&r, ns.fd, &a, &g, 0, "no registered buffer", -EINVAL, -1);
	pt_ring_exit(&r);
	arena_free(&a);
}

static void answers(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r, poll;

	test_step("answers of the policy");
	arena_init(&a, 64, 1 << 16);
	group_ring_init(&r, 0, &a);
	group_ring_init(&poll, PT_IOPOLL, &a);
	four_writes(&a, &g);
	steer_answer(&policy, NVME_STEER_DEFAULT, NVME_STEER_DEFAULT);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "the driver's own path",
		-EOPNOTSUPP, 0);
	refused(&poll, ns.fd, &a, &g, PT_FIXED, "the driver's own path",
		-EOPNOTSUPP, 0);
	steer_answer(&policy, -EPERM, -EPERM);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "refused", -EPERM, 0);
	steer_answer(&policy, 2, 2);
	refused(&r, ns.fd, &a, &g, PT_FIXED,
		"a polled queue for a ring that does not poll", -EOPNOTSUPP, 0);
	steer_answer(&policy, 9, 9);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "no such queue", -EOPNOTSUPP, 0);
	steer_answer_spread(&policy, 5, 2, 5, 2);
	refused(&r, ns.fd, &a, &g, PT_FIXED, "different queues", -EXDEV, 1);
	steer_answer(&policy, 1, 2);
	group_good(&r, &ns, &g, PT_FIXED, "a fit answer");
	group_good(&poll, &ns, &g, PT_FIXED, "a fit answer");
	pt_ring_exit(&r);
	pt_ring_exit(&poll);
	arena_free(&a);
}

static void permission(void)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	char path[64];
	int fd, status;
	pid_t pid;

	test_step("permission of each command");
	snprintf(path, sizeof(path), "/dev/ng%s", ns.name);
	fd = open(path, O_RDONLY);
	test_check(fd >= 0, "cannot open %s", path);
	arena_init(&a, 64, 1 << 16);
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		group_ring_init(&r, 0, &a);
		four_writes(&a, &g);
		if (setgid(65534) || setuid(65534))
			test_fail("cannot become nobody");
		refused(&r, fd, &a, &g, PT_FIXED,
			"writes by a file open for reading", -EACCES, 0);
		a.cmds[0].opcode = PT_READ;
		a.cmds[1].opcode = PT_READ;
		refused(&r, fd, &a, &g, PT_FIXED,
			"a write among reads", -EACCES, 2);
		a.cmds[2].opcode = PT_READ;
		a.cmds[3].opcode = 0xc1;
		refused(&r, ns.fd, &a, &g, PT_FIXED,
			"a vendor's command", -EACCES, 3);
		a.cmds[3].opcode = PT_READ;
		test_check(!group_do_how(&r, fd, &g, PT_FIXED, NULL), "reads");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "child ended with %#x", status);
	close(fd);
	arena_free(&a);
}

/*
 * Another thread turns the array over and over while it is submitted. A read
 * of one block into its place is all that may ever be accepted: the memory
 * behind the place is canaries, the part of the buffer in use ends there, and
 * the device holds what it held.
 */
struct spoiler {
	struct arena *a;
	atomic_bool stop;
};

static void *spoil(void *arg)
{
	struct spoiler *s = arg;
	volatile struct nvme_steer_group_cmd *c = s->a->cmds;
	uint32_t x = 1;

	while (!s->stop) {
		uintptr_t addr;
		unsigned int i;

		x = x * 1664525 + 1013904223;
		i = x >> 29;
		addr = (uintptr_t)s->a->data + 4096 * (2 * i + 1) - 512;
		switch (x >> 8 & 7) {
		case 0:
		case 1:
			/* never a length and a count that belong together */
			if (i & 1) {
				c[i].cdw12 = 7;
				c[i].cdw12 = 0;
			} else {
				c[i].data_len = 4096;
				c[i].data_len = 512;
			}
			break;
		case 2:
			c[i].addr = addr + 1;
			c[i].addr = addr;
			break;
		case 3:
			c[i].nsid++;
			c[i].nsid--;
			break;
		case 4:
			c[i].flags = 0x40;
			c[i].flags = 0;
			break;
		case 5:
			c[i].opcode = PT_WRITE_ZEROES;
			c[i].opcode = PT_READ;
			break;
		case 6:
			c[i].rsvd = 0xffff;
			c[i].rsvd = 0;
			break;
		case 7:
			c[i].addr = -512UL;
			c[i].addr = addr;
			break;
		}
	}
	return NULL;
}

static void changing(unsigned int mode, int queue)
{
	unsigned int i, n, count = test_env("COUNT", 3000);
	unsigned int accepted = 0, rejected = 0;
	struct nvme_steer_group g;
	struct spoiler s = { };
	pthread_t thread;
	struct arena a;
	struct pt_ring r;

	test_step("an array that changes while it is submitted, %s ring",
		  pt_mode_name(mode));
	steer_answer(&policy, queue, queue);
	arena_init(&a, 8, 16 * 4096);
	group_ring_init(&r, mode, &a);
	pt_block_write(&ns, FIRST, 64, gen);
	for (i = 0; i < 8; i++)
		group_set(&ns, &a.cmds[i], PT_READ, FIRST + i, 1,
		    a.data + 4096 * (2 * i + 1) - 512);
	g = group_whole(&a, 8);
	s.a = &a;
	test_check(!pthread_create(&thread, NULL, spoil, &s), "no thread");
	/* a busy machine may take longer until it has met both */
	for (n = 0; n < count || (n < 20 * count && !(accepted && rejected));
	     n++) {
		int ret = group_do(&r, &ns, &g, NULL);

		test_check(!ret || ret == -EINVAL || ret == -EFAULT ||
			   ret == -EACCES || ret > 0, "group: %d", ret);
		if (ret)
			rejected++;
		else
			accepted++;
		for (i = 0; i < 8; i++)
			test_check(arena_canary(a.data + 4096 * (2 * i + 1), 4096),
				   "memory behind a buffer was written");
	}
	s.stop = true;
	pthread_join(thread, NULL);
	printf("# %u groups accepted, %u refused\n", accepted, rejected);
	test_check(accepted && rejected, "the array was not changed in time");
	pt_block_check(&ns, FIRST, 64, gen);
	gen++;
	pt_ring_exit(&r);
	arena_free(&a);
}

static void without(const char *what)
{
	struct nvme_steer_group g;
	struct arena a;
	struct pt_ring r;
	int ret;

	test_step("%s", what);
	arena_init(&a, 8, 1 << 16);
	group_ring_init(&r, 0, &a);
	four_writes(&a, &g);
	ret = group_do(&r, &ns, &g, NULL);
	test_check(ret == -ENOTTY, "%s: %d", what, ret);
	pt_block_check(&ns, FIRST, 64, gen);
	pt_ring_exit(&r);
	arena_free(&a);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
			  [5] = NVME_STEER_IRQ, [6] = NVME_STEER_IRQ },
	};

	test_begin(290);
	pt_open(&ns, PT_WANT_PLAIN);
	without("no policy attached");
	steer_puppet(&policy, ns.ctrl, &config);
	malformed();
	answers();
	permission();
	changing(0, 1);
	changing(PT_IOPOLL, 2);
	steer_detach(&policy);
	without("policy detached");

	printf("# a policy that is asked once a group\n");
	steer_puppet_once(&policy, ns.ctrl, &config);
	malformed();
	permission();
	changing(0, 1);
	changing(PT_IOPOLL, 2);
	steer_detach(&policy);
	pt_close(&ns);
	test_pass();
}
