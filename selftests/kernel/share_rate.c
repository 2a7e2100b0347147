// SPDX-License-Identifier: GPL-2.0
/*
 * The rates of shares, by the guest's clock: commands a second from 1,000 to
 * 50,000, and bytes a second, within 5 %; passthrough, polled passthrough and
 * block requests; two tenants of one share together; a limit changed while
 * commands wait holds within 100 ms, a higher one set by bpftool as well; and
 * with a limit of all shares they divide it by weight.
 *
 * vm: --icount
 * timeout: 400
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pt.h"
#include "steer.h"
#include "tenant.h"
#include "test.h"

#define TIME	200000	/* us */
#define TRIES	20
#define CHANGES	5
#define DEPTH	128
#define HARDLY	2	/* commands a second */
#define SWIFTLY	10000

enum { IRQ = 1, POLL, OTHER };

static const struct puppet_config config = {
	.mode = { [IRQ] = NVME_STEER_IRQ, [POLL] = NVME_STEER_POLL,
		  [OTHER] = NVME_STEER_IRQ },
	.share = { [IRQ] = 1, [POLL] = 1, [OTHER] = 2 },
};

static struct pt_ns ns;
static struct steer_policy policy;

/*
 * How many commands of @n tenants were sent by now, and when that is: a drive
 * that is held up ends several at once, which were sent at their time. Where this
 * program is held up while it looks, what is sent meanwhile would belong to
 * another time.
 */
static uint64_t sent_by(struct tenant *t, unsigned int n, uint64_t *now)
{
	unsigned int tries = 100;
	uint64_t start, sent;

	do {
		start = tenant_now_us();
		tenants_turn(t, n);
		sent = steer_share_word(ns.ctrl, 1, "commands") +
		       steer_share_word(ns.ctrl, 2, "commands");
		*now = tenant_now_us();
	} while (*now - start > TIME / 100 && --tries);
	return sent;
}

/* Commands a second of @n tenants for TIME, once what was saved up is used. */
static uint64_t rate(struct tenant *t, unsigned int n, uint64_t settle)
{
	uint64_t start, end, before, after;

	if (settle)
		tenants_run(t, n, 0, settle);
	before = sent_by(t, n, &start);
	tenants_run(t, n, 0, TIME);
	after = sent_by(t, n, &end);
	return (after - before) * 1000000 / (end - start);
}

/*
 * The rate of @n tenants, in units of @each command, is what it should be. The
 * drive works in the machine's time, not in the guest's: on a busy machine it
 * may be too slow for a rate, so that gets some tries. Too much is too much.
 */
static void near(struct tenant *t, unsigned int n, uint64_t settle,
		 uint64_t each, uint64_t want, const char *what)
{
	unsigned int i;
	uint64_t got;

	for (i = 0; i < TRIES; i++) {
		got = rate(t, n, settle) * each;
		printf("#   %s: %ju a second instead of %ju\n", what, got,
		       want);
		test_check(got * 100 <= want * 105,
			   "%s: %ju a second instead of %ju", what, got, want);
		if (got * 100 >= want * 95)
			return;
	}
	test_fail("%s: %ju a second instead of %ju", what, got, want);
}

static void rates(bool block, unsigned int mode, const char *what)
{
	static const unsigned int iops[] = { 1000, 4000, 50000, 20000, 1500 };
	struct nvme_steer_share limit = { };
	struct tenant t = {
		.ns = &ns, .block = block, .depth = 128, .nlb = 1,
	};
	unsigned int i;

	test_step("%s", what);
	tenant_init(&t, mode);
	for (i = 0; i < ARRAY_LEN(iops); i++) {
		limit.iops = iops[i];
		steer_share(&policy, 1, &limit);
		/* whatever it was before: this is what it takes to change */
		near(&t, 1, 100000, 1, iops[i], what);
	}
	limit.iops = 0;
	steer_share(&policy, 1, &limit);
	tenant_exit(&t);
}

/* As somebody else would who has nothing but bpftool. */
static void set_by_bpftool(unsigned int share, unsigned int iops)
{
	struct nvme_steer_share limit = { .iops = iops };
	struct bpf_map *map = bpf_object__find_map_by_name(policy.obj, "shares");
	char value[5 * sizeof(limit) + 1] = "";
	struct bpf_map_info info = { };
	uint32_t size = sizeof(info);
	unsigned int i;

	test_check(!bpf_map_get_info_by_fd(bpf_map__fd(map), &info, &size),
		   "the map's id: %s", strerror(errno));
	for (i = 0; i < sizeof(limit); i++)
		sprintf(value + 5 * i, " 0x%02x", ((uint8_t *)&limit)[i]);
	test_check(!test_sh("bpftool map update id %u key %u 0 0 0 value%s",
			    info.id, share, value), "bpftool");
}

/*
 * Commands that wait for a low rate go by a higher one. That they are sent is
 * looked at, which does not depend on the drive; nothing else happens that
 * would make the arbiter look.
 */
static void raised(void)
{
	struct nvme_steer_share limit = { .iops = HARDLY };
	struct tenant t = { .ns = &ns, .depth = DEPTH, .nlb = 1 };
	uint64_t took, start;
	unsigned int i;

	test_step("a rate that is raised by bpftool");
	for (i = 0; i < CHANGES; i++) {
		steer_share(&policy, 1, &limit);
		t.stopped = false;
		t.ended = t.inflight = t.next = 0;
		tenant_init(&t, 0);
		tenants_turn(&t, 1);
		/* another time between two looks of the arbiter */
		usleep(11000 * i);
		test_check(steer_share_word(ns.ctrl, 1, "waiting") > DEPTH / 2,
			   "%ju commands wait",
			   steer_share_word(ns.ctrl, 1, "waiting"));
		set_by_bpftool(1, SWIFTLY);
		start = tenant_now_us();
		test_check(test_wait(!steer_share_word(ns.ctrl, 1, "waiting"),
				     20000), "they wait on");
		took = tenant_now_us() - start;
		printf("#   none waits after %ju us\n", took);
		test_check(took <= 100000, "they wait for %ju us", took);
		tenant_exit(&t);
	}
}

static void bytes(void)
{
	struct nvme_steer_share limit = { .bps = 20 << 20 };
	struct tenant t = { .ns = &ns, .depth = 32, .nlb = 32 };

	test_step("bytes");
	steer_share(&policy, 1, &limit);
	tenant_init(&t, 0);
	near(&t, 1, 100000, t.nlb * ns.block, limit.bps, "bytes");
	limit.bps = 0;
	steer_share(&policy, 1, &limit);
	tenant_exit(&t);
}

static void together(void)
{
	struct nvme_steer_share limit = { .iops = 5000 };
	struct tenant t[] = {
		{ .ns = &ns, .depth = 64, .nlb = 1 },
		{ .ns = &ns, .depth = 64, .nlb = 1, .block = true },
	};

	test_step("two tenants of one share");
	steer_share(&policy, 1, &limit);
	tenant_init(&t[0], 0);
	tenant_init(&t[1], 0);
	near(t, 2, 100000, 1, limit.iops, "together");
	limit.iops = 0;
	steer_share(&policy, 1, &limit);
	tenant_exit(&t[0]);
	tenant_exit(&t[1]);
}

static void divided(void)
{
	struct nvme_steer_share all = { .iops = 8000 };
	struct nvme_steer_share a = { .weight = 300 }, b = { .weight = 100 };
	struct tenant t[] = {
		{ .ns = &ns, .depth = 64, .nlb = 1 },
		{ .ns = &ns, .depth = 64, .nlb = 1, .block = true },
	};
	uint64_t ended[2];

	test_step("a rate divided by weight");
	steer_answer_block(&policy, OTHER, 1, OTHER, 1);
	steer_share(&policy, 0, &all);
	steer_share(&policy, 1, &a);
	steer_share(&policy, 2, &b);
	tenant_init(&t[0], 0);
	tenant_init(&t[1], 0);
	tenants_run(t, 2, 0, 50000);
	ended[0] = t[0].ended;
	ended[1] = t[1].ended;
	near(t, 2, 0, 1, all.iops, "all");
	ended[0] = t[0].ended - ended[0];
	ended[1] = t[1].ended - ended[1];
	printf("#   %ju to %ju\n", ended[0], ended[1]);
	test_check(ended[0] * 10 >= ended[1] * 27 &&
		   ended[0] * 10 <= ended[1] * 33,
		   "%ju to %ju instead of 3 to 1", ended[0], ended[1]);
	tenant_exit(&t[0]);
	tenant_exit(&t[1]);
}

int main(void)
{
	test_begin(380);
	pt_open(&ns, PT_WANT_PLAIN);
	steer_puppet_share(&policy, ns.ctrl, &config);
	steer_answer(&policy, IRQ, POLL);
	steer_answer_block(&policy, IRQ, 1, POLL, 1);
	raised();
	rates(false, 0, "passthrough");
	rates(false, PT_IOPOLL, "polled passthrough");
	rates(true, 0, "block requests");
	bytes();
	together();
	divided();
	test_pass();
}
