// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog ejects slow policies while four CPUs write and verify, and what
 * else ends or disturbs a policy happens at the same time: it is detached,
 * replaced, switched off, the controller is reset. Each policy ends once, the
 * next one can be attached at once, no command is lost or ends twice, and the
 * module can be unloaded afterwards.
 *
 * COUNT=   policies (default 16)
 *
 * vm: --cpus 4
 */
#include <bpf/libbpf.h>

#include "load.h"
#include "test.h"
#include "vm.h"

#define SPIN	30000	/* turns: half a millisecond, or more */

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL },
	.timeout_ms = 10000,
};

static struct pt_ns ns;
static struct load load;
static struct steer_policy p[2];

static void unload(void *arg)
{
	steer_detach(arg);
}

static void load_policy(struct steer_policy *p, bool slow)
{
	int ret = steer_load(p, ns.ctrl, "puppet", &config);

	test_check(!ret, "load: %s", strerror(-ret));
	steer_answer_spread(p, 1, 2, 3, 1);
	p->state->spin = slow ? SPIN : 0;
}

static bool ended(void)
{
	return steer_state_is(ns.ctrl, "ended");
}

/* Somewhere between its first commands and its ejection. */
static void a_moment(unsigned long i)
{
	usleep(100000 + 37000 * (i * 2654435761U % 64));
}

static void replace(unsigned long i)
{
	int ret;

	load_policy(&p[1], false);
	a_moment(i);
	ret = bpf_link__update_map(p[0].link, p[1].ops);
	/* the slow one was ejected before: its link is no more */
	test_check(!ret || ret == -ENOLINK || ret == -EINVAL, "replace: %s",
		   strerror(-ret));
	if (!ret)
		test_check(!ended(), "the new one was ejected for the old");
	steer_detach(&p[0]);
	steer_detach(&p[1]);
}

static void disturb(unsigned long i)
{
	int ret;

	switch (i % 5) {
	case 0:
		test_check(test_wait(ended(), 30000), "it was not ejected");
		break;
	case 1:
		a_moment(i);
		break;
	case 2:
		a_moment(i);
		ret = vm_reset(ns.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		break;
	case 3:
		a_moment(i);
		ret = test_write(steer_path(ns.ctrl, "off"), "1");
		test_check(!ret || ret == -ENOENT, "off: %s", strerror(-ret));
		break;
	default:
		replace(i);
		return;
	}
	steer_detach(&p[0]);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 16), slow = 0;
	struct load_stats sum;
	uint64_t ejected;
	char kind[32];
	int ret;

	test_begin(160);
	pt_open(&ns, PT_WANT_PLAIN);
	load_init(&load, &ns, 4, 4);
	load_mix(&load);
	load.may_fail = true;
	test_at_end(unload, &p[0]);
	test_at_end(unload, &p[1]);
	load_start(&load);

	for (i = 0; i < count; i++) {
		test_step("policy %lu", i);
		ejected = steer_event(ns.ctrl, "ejected");
		load_policy(&p[0], true);
		test_check(test_wait((ret = steer_attach(&p[0])) != -ENODEV,
				     20000) && !ret, "attach: %s",
			   strerror(-ret));
		disturb(i);
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 20000),
			   "queues are left");
		ejected = steer_event(ns.ctrl, "ejected") - ejected;
		test_check(ejected <= 1, "ejected %ju times", ejected);
		slow += ejected;
		test_check(steer_exit(ns.ctrl, "kind", kind, sizeof(kind)),
			   "no exit");
		test_check(load_wait(&load, 20, 20000), "no I/O for 20 s");
	}
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu policies, %lu of them ejected; %ju commands: %ju good, %ju failed, %ju cancelled, %ju refused\n",
	       count, slow, sum.submitted, sum.good, sum.failed, sum.cancelled,
	       sum.refused);
	test_check(slow, "nothing was ejected");
	steer_reload();
	test_pass();
}
