// SPDX-License-Identifier: GPL-2.0
/*
 * Policies that choose paths come and go under block I/O and passthrough
 * commands to a namespace with two paths, each choosing another way: replaced,
 * detached and attached, on both controllers, and one whose commands go to
 * steer queues as well; some have answers that hold. No command fails, and in the end nothing
 * is in flight.
 *
 * COUNT=   of changes (default 24)
 *
 * vm: --cpus 4
 */
#include "block_load.h"
#include "load.h"
#include "test.h"
#include "vm.h"

static struct block_load block;
static struct load load;
static struct pt_ns ns;

/* Each answers by turns one path, the other, both, its own, one not there. */
static void answer(struct steer_policy *p, unsigned long i, const int *ctrl)
{
	volatile struct puppet_state *s = p->state;

	s->path_second = i % 5 == 2 ? NVME_STEER_PATH(ctrl[1]) : 0;
	s->path_answer = i % 5 == 3 ? NVME_STEER_PATH_OWN :
			 i % 5 == 4 ? NVME_STEER_PATH(99) :
			 NVME_STEER_PATH(ctrl[i % 5 == 1]);
	if (i & 4)
		s->path_answer |= NVME_STEER_PATH_REPEAT;
	steer_answer(p, i % 3 ? 1 : 0, i % 3 ? 2 : 0);
}

int main(void)
{
	unsigned long i, count = test_env("COUNT", 24);
	static const struct puppet_config config[] = { {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	}, {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
		.path_hold_ms = 10,
		.hold_by = NVME_STEER_BY_CGROUP,
	}, {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
		.path_hold_ms = 10,
		.hold_by = NVME_STEER_BY_ALL,
	} };
	struct steer_policy p[2] = { }, next;
	uint64_t path = 0, own = 0;
	struct load_stats sum;
	int c, ret, ctrl[2];

	test_begin(60 + 3 * count);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	load_init(&load, &ns, 4, 8);
	load_mix(&load);
	load_start(&load);
	block_load_start(&block, &ns, ns.nr_blocks / 2);
	for (i = 0; i < count; i++) {
		c = i / 4 & 1;
		ret = steer_load(&next, ctrl[c],
				 i % 7 == 5 ? "puppet" : "puppet_path",
				 &config[i % 3]);
		test_check(!ret, "load: %s", strerror(-ret));
		if (p[c].link && i & 1) {
			ret = steer_replace(&p[c], &next);
		} else {
			if (p[c].link)
				steer_detach(&p[c]);
			ret = steer_attach(&next);
		}
		test_check(!ret, "change %lu: %s", i, strerror(-ret));
		p[c] = next;
		answer(&p[c], i, ctrl);
		test_check(block_load_wait(&block, 8, 30000), "no block I/O");
		test_check(load_wait(&load, 30, 30000), "no passthrough");
	}
	for (c = 0; c < 2; c++) {
		if (p[c].link)
			steer_detach(&p[c]);
		path += steer_event(ctrl[c], "path");
		own += steer_event(ctrl[c], "path_own");
	}
	steer_puppet_path(&p[0], ctrl[0], NULL);
	test_check(load_wait(&load, 30, 30000), "no passthrough");
	block_load_stop(&block);
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	printf("# %lu block requests, %ju commands; %ju by policies, %ju not\n",
	       atomic_load(&block.done), sum.submitted, path, own);
	test_check(sum.good == sum.submitted, "commands failed");
	test_check(path && own, "nothing was chosen");
	for (c = 0; c < 2; c++)
		steer_path_idle(ctrl[c]);
	test_pass();
}
