// SPDX-License-Identifier: GPL-2.0
/*
 * Policies come and go under copies: unloaded, switched off, ejected, replaced,
 * attached again. A copy that has begun is carried out, one that begins when
 * there is no policy is refused whole, none fails. At the end the module can be
 * unloaded and loaded.
 *
 * COUNT=   rounds of the four (default 4)
 *
 * vm: --drives copy
 */
#include "copy_load.h"
#include "steer.h"
#include "test.h"

static struct copy_drives drives;
static struct copy_load load;
static struct steer_policy policy, next;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
		  [3] = NVME_STEER_IRQ, [4] = NVME_STEER_POLL },
	.depth = { [3] = 4, [4] = 4 },
};

static void end_once(unsigned int how)
{
	static const char * const kinds[] = {
		"unload", "off", "error", "answers",
	};
	uint64_t asked;
	char word[160];
	int ret;

	policy.state->error = 0;
	policy.state->copy_answer = 0;
	policy.state->copy_route = 1 + how;
	steer_answer(&policy, 1, 2);
	if (!policy.link) {
		ret = steer_attach(&policy);
		test_check(!ret, "attach: %s", strerror(-ret));
	}
	asked = policy.state->copies;
	test_check(test_wait(policy.state->copies > asked + 8, 20000),
		   "the policy is not asked");
	switch (how) {
	case 0:
		steer_unlink(&policy);
		break;
	case 1:
		ret = test_write(steer_path(drives.a.ctrl, "off"), "1");
		test_check(!ret, "off: %s", strerror(-ret));
		break;
	case 2:
		policy.state->error = 7;
		break;
	case 3:
		policy.state->copy_answer = 14;
		break;
	}
	test_check(test_wait(({
		steer_word(drives.a.ctrl, "state", word, sizeof(word));
		!strcmp(word, "ended");
	}), 20000), "state is '%s' after %s", word, kinds[how]);
	test_check(test_wait(steer_exit(drives.a.ctrl, "kind", word,
					sizeof(word)) &&
			     !strcmp(word, kinds[how]), 5000),
		   "exit kind is '%s', not '%s'", word, kinds[how]);
	if (how)
		steer_unlink(&policy);
	test_check(test_wait(!steer_reserve(drives.a.ctrl, "used"), 20000),
		   "queues are left after %s", kinds[how]);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 4);
	struct steer_policy p;
	struct copy_stats sum;
	uint64_t asked;
	int ret;

	test_begin(80 + 10 * count);
	copy_drives_open(&drives);
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "20");
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	load.to[0] = load.to[1] = &drives.a;
	load.to[2] = &drives.b;
	load.to[3] = &drives.none;
	load.from[0] = load.from[3] = &drives.a;
	load.from[1] = &drives.b;
	load.from[2] = &drives.other;
	load.may_be_refused = true;
	copy_load_init(&load);
	copy_load_start(&load);
	test_step("%lu times four ends under copies", count);
	for (i = 0; i < 4 * count; i++)
		end_once(i % 4);

	test_step("replacements");
	policy.state->error = 0;
	policy.state->copy_answer = 0;
	policy.state->copy_route = 1;
	ret = steer_attach(&policy);
	test_check(!ret, "attach: %s", strerror(-ret));
	for (i = 0; i < 4 * count; i++) {
		ret = steer_load(&next, drives.a.ctrl, "puppet_copy", &config);
		test_check(!ret, "load: %s", strerror(-ret));
		next.state->copy_route = 1 + i % 4;
		next.state->copy_answer = i % 4;
		ret = steer_replace(&policy, &next);
		test_check(!ret, "replacement: %s", strerror(-ret));
		p = policy;
		policy = next;
		next = p;
		asked = policy.state->copies;
		test_check(test_wait(policy.state->copies > asked + 4, 20000),
			   "the new policy is not asked");
	}
	copy_load_stop(&load);
	copy_load_print(&load);
	copy_load_verify(&load, NULL);
	copy_load_sum(&load, &sum);
	test_check(!sum.failed && !sum.cancelled, "copies failed");
	test_check(sum.refused && (sum.last_errno == -ENOTTY),
		   "no copy was refused, or with %s", strerror(-sum.last_errno));
	steer_detach(&policy);

	test_step("modules");
	test_check(test_wait(!test_sh("rmmod nvmesteer 2>/dev/null"), 20000),
		   "nvmesteer cannot be unloaded");
	test_check(!test_sh("modprobe nvmesteer"), "cannot load nvmesteer");
	test_pass();
}
