// SPDX-License-Identifier: GPL-2.0
/*
 * Policies come and go under four CPUs' commands: unloaded, switched off,
 * ejected for an error and for bad answers, and attached again. Commands in
 * flight finish on the queues of the policy that goes, later ones take the
 * driver's own path, and none fails.
 *
 * COUNT=   rounds of the four (default 5)
 *
 * vm: --cpus 4
 */
#include "load.h"
#include "test.h"

static struct pt_ns ns;
static struct load load;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	.depth = { [2] = 8, [4] = 8 },
};

static void once(struct steer_policy *p, unsigned int how)
{
	static const char * const kinds[] = {
		"unload", "off", "error", "answers",
	};
	uint64_t calls;
	char word[160];
	int ret;

	/* Before the link: a command may ask as soon as it is there. */
	p->state->error = 0;
	steer_answer_spread(p, 1, 2, 3, 2);
	if (!p->link) {
		ret = steer_attach(p);
		test_check(!ret, "attach: %s", strerror(-ret));
	}
	calls = p->state->calls;
	test_check(load_wait(&load, 60, 20000), "no I/O for 20 s");
	test_check(test_wait(p->state->calls > calls, 5000), "never asked");
	switch (how) {
	case 0:
		steer_unlink(p);
		break;
	case 1:
		ret = test_write(steer_path(ns.ctrl, "off"), "1");
		test_check(!ret, "off: %s", strerror(-ret));
		break;
	case 2:
		p->state->error = 7;
		break;
	case 3:
		steer_answer(p, 1000, 1000);
		break;
	}
	test_check(test_wait(({
		steer_word(ns.ctrl, "state", word, sizeof(word));
		!strcmp(word, "ended");
	}), 20000), "state is '%s' after %s", word, kinds[how]);
	test_check(test_wait(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
			     !strcmp(word, kinds[how]), 5000),
		   "exit kind is '%s', not '%s'", word, kinds[how]);
	if (how)
		steer_unlink(p);
	test_check(test_wait(!steer_reserve(ns.ctrl, "used"), 10000),
		   "queues are left after %s", kinds[how]);
	test_check(load_wait(&load, 60, 20000), "no I/O after %s", kinds[how]);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 5);
	struct steer_policy policy;
	struct load_stats sum;

	test_begin(60 + 8 * count);
	pt_open(&ns, PT_WANT_PLAIN);
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "20");
	steer_puppet(&policy, ns.ctrl, &config);
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load_start(&load);
	test_step("%lu times four ends under load", count);
	for (i = 0; i < 4 * count; i++)
		once(&policy, i % 4);
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu policies came and went under %ju commands\n", 4 * count,
	       sum.submitted);
	test_check(sum.good == sum.submitted, "commands failed");
	test_pass();
}
