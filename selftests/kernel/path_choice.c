// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace with two paths, and a policy that says which one each command
 * takes: block I/O, uring_cmds and ioctls go where it says, what it is told of
 * them is true, and the data is right by whichever path it is read. Answers
 * that name no usable path are the kernel's choice and counted. Of two policies
 * the one attached first decides, until it ends, and one that does nothing but
 * answer wrong is thrown out.
 *
 * vm: --cpus 4
 */
#include <sys/ioctl.h>

#include "load.h"
#include "test.h"
#include "vm.h"

#define BLOCKS	8
#define TIMES	16
#define BAD	(NVME_STEER_PATH_ONCE << 1)	/* not an answer */

static struct steer_policy policy[2];
static struct pt_ring ring;
static struct pt_ns ns;
static uint8_t *data;
static int ctrl[2];

/* Events of both controllers, and what became of them since. */
struct counts {
	uint64_t path[2], own[2], unusable[2], bad[2];
};

static void count(struct counts *c)
{
	int i;

	for (i = 0; i < 2; i++) {
		c->path[i] = steer_event(ctrl[i], "path");
		c->own[i] = steer_event(ctrl[i], "path_own");
		c->unusable[i] = steer_event(ctrl[i], "path_unusable");
		c->bad[i] = steer_event(ctrl[i], "bad_answer");
	}
}

static void counted(struct counts *c)
{
	struct counts before = *c;
	int i;

	count(c);
	for (i = 0; i < 2; i++) {
		c->path[i] -= before.path[i];
		c->own[i] -= before.own[i];
		c->unusable[i] -= before.unusable[i];
		c->bad[i] -= before.bad[i];
	}
}

enum way { BLOCK, URING, IOCTL, WAYS };

static const char *const way_name[WAYS] = { "block", "uring_cmd", "ioctl" };
static const uint32_t way_source[WAYS] = {
	NVME_STEER_SRC_BLOCK, NVME_STEER_SRC_URING, NVME_STEER_SRC_IOCTL,
};

static void ioctl_rw(uint8_t opcode, uint64_t slba)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = opcode,
		.nsid = ns.nsid,
		.addr = (uintptr_t)data,
		.data_len = BLOCKS * ns.block,
		.cdw10 = slba,
		.cdw11 = slba >> 32,
		.cdw12 = BLOCKS - 1,
	};
	int ret = ioctl(ns.fd, NVME_IOCTL_IO64_CMD, &cmd);

	test_check(!ret, "ioctl: %d %s", ret, strerror(errno));
}

static void uring_rw(uint8_t opcode, uint64_t slba)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_rw(&cmd, &ns, opcode, slba, BLOCKS, data, BLOCKS * ns.block);
	ret = pt_do(&ring, ns.fd, &cmd, 0, NULL);
	test_check(!ret, "uring_cmd: %d", ret);
}

static void write_by(enum way way, uint64_t slba, uint64_t gen)
{
	if (way == BLOCK) {
		pt_block_write(&ns, slba, BLOCKS, gen);
		return;
	}
	pt_fill(&ns, data, slba, BLOCKS, gen);
	if (way == URING)
		uring_rw(PT_WRITE, slba);
	else
		ioctl_rw(PT_WRITE, slba);
}

static void read_by(enum way way, uint64_t slba, uint64_t gen)
{
	memset(data, 0, BLOCKS * ns.block);
	if (way == BLOCK)
		pt_block_read(&ns, data, slba, BLOCKS);
	else if (way == URING)
		uring_rw(PT_READ, slba);
	else
		ioctl_rw(PT_READ, slba);
	test_check(pt_differs(&ns, data, slba, BLOCKS, gen) < 0,
		   "wrong data by %s", way_name[way]);
}

/* What the policy was told of the command asked about last. */
static void told(enum way way, uint8_t opcode, uint64_t slba)
{
	const volatile struct nvme_steer_path *p = &policy[0].state->path;
	unsigned int i, seen = 0;

	test_check(p->source == way_source[way], "source %u", p->source);
	test_check(p->opcode == opcode, "opcode %#x", p->opcode);
	test_check(!(p->flags & NVME_STEER_CMD_WRITE) == !(opcode & 1) &&
		   p->flags & NVME_STEER_CMD_RANGE, "flags %#x", p->flags);
	test_check(p->nsid == ns.nsid, "nsid %u", p->nsid);
	test_check(p->slba == slba && p->nlb == BLOCKS &&
		   p->len == BLOCKS * ns.block, "slba %ju, nlb %u, len %u",
		   (uintmax_t)p->slba, p->nlb, p->len);
	test_check(p->subsys == (uint32_t)atoi(ns.name), "subsys %u",
		   p->subsys);
	test_check(p->nr == 2 && !p->others, "%u paths, and %u", p->nr,
		   p->others);
	for (i = 0; i < 2; i++) {
		test_check(p->path[i].usable &&
			   p->path[i].ana_state == NVME_STEER_ANA_OPTIMIZED &&
			   p->path[i].distance >= 10, "path %u: %u %u %u", i,
			   p->path[i].usable, p->path[i].ana_state,
			   p->path[i].distance);
		seen |= p->path[i].ctrl == (uint32_t)ctrl[0] ? 1 :
			p->path[i].ctrl == (uint32_t)ctrl[1] ? 2 : 4;
	}
	test_check(seen == 3, "paths by nvme%u and nvme%u", p->path[0].ctrl,
		   p->path[1].ctrl);
}

/* Written by one path, read by the other one, in each way. */
static void obeyed(void)
{
	volatile struct puppet_state *s = policy[0].state;
	uint64_t slba, gen = 0;
	struct counts c;
	enum way way;
	int i, on;

	for (way = 0; way < WAYS; way++) {
		for (on = 0; on < 2; on++) {
			test_step("%s: written by nvme%d, read by nvme%d",
				  way_name[way], ctrl[on], ctrl[!on]);
			gen++;
			count(&c);
			for (i = 0; i < TIMES; i++) {
				slba = (gen * TIMES + i) * BLOCKS;
				s->path_answer = NVME_STEER_PATH(ctrl[on]);
				write_by(way, slba, gen);
				told(way, PT_WRITE, slba);
				s->path_answer = NVME_STEER_PATH(ctrl[!on]);
				read_by(way, slba, gen);
				told(way, PT_READ, slba);
			}
			counted(&c);
			test_check(c.path[0] == TIMES && c.path[1] == TIMES &&
				   !c.own[0] && !c.own[1],
				   "%ju, %ju by the policy, %ju, %ju not",
				   c.path[0], c.path[1], c.own[0], c.own[1]);
		}
	}
	test_check(s->path.path[0].latency_us && s->path.path[1].latency_us,
		   "nothing measured");
}

/* Answers that no path can be chosen by: all goes on. */
static void unfit(void)
{
	static const int answers[] = {
		NVME_STEER_PATH_OWN, NVME_STEER_PATH(77),
		NVME_STEER_PATH_MAX, BAD, -1, -5,
	};
	volatile struct puppet_state *s = policy[0].state;
	struct counts c;
	unsigned int a;
	enum way way;
	int answer;

	for (a = 0; a < ARRAY_LEN(answers); a++) {
		answer = answers[a];
		test_step("the answer %d", answer);
		s->path_answer = answer;
		count(&c);
		for (way = 0; way < WAYS; way++) {
			write_by(way, 4096 + way * BLOCKS, answer + 100);
			read_by(way, 4096 + way * BLOCKS, answer + 100);
		}
		counted(&c);
		test_check(c.own[0] + c.own[1] == 2 * WAYS && !c.path[0] &&
			   !c.path[1], "%ju, %ju own, %ju, %ju not", c.own[0],
			   c.own[1], c.path[0], c.path[1]);
		test_check(c.unusable[0] == (answer > 0 && answer <=
			   NVME_STEER_PATH_MAX ? 2 * WAYS : 0),
			   "%ju unusable", c.unusable[0]);
		test_check(c.bad[0] == (answer < 0 || answer == BAD ? 2 * WAYS : 0),
			   "%ju bad", c.bad[0]);
	}
	s->path_answer = NVME_STEER_PATH_OWN;
}

/* Which policy decides, by the file and by who is asked. */
static void decides(int which)
{
	volatile struct puppet_state *s[2] = {
		policy[0].state, policy[1].state
	};
	char text[128], want[32];
	uint64_t calls[2] = { 0, 0 };
	int i;

	for (i = 0; i < 2; i++)
		if (policy[i].link)
			calls[i] = s[i]->path_calls;
	read_by(URING, 4096, 100);
	for (i = 0; i < 2; i++)
		if (policy[i].link)
			test_check(s[i]->path_calls - calls[i] == (i == which),
				   "policy %d was asked", i);
	snprintf(want, sizeof(want), "ctrl=%d policy=%s ",
		 which < 0 ? -1 : ctrl[which], which < 0 ? "-" : "puppet");
	for (i = 0; i < 2; i++) {
		test_check(test_read(steer_path(ctrl[i], "path"), text,
				     sizeof(text)) > 0, "no file path");
		test_check(!strncmp(text, want, strlen(want)), "path: %s",
			   text);
	}
}

static void who(void)
{
	struct steer_policy next;
	volatile struct puppet_state *s;

	test_step("two policies");
	write_by(URING, 4096, 100);
	steer_puppet_path(&policy[1], ctrl[1], NULL);
	decides(0);
	steer_detach(&policy[0]);
	decides(1);
	steer_puppet_path(&policy[0], ctrl[0], NULL);
	decides(1);

	test_step("replaced, with a path() and without");
	test_check(!steer_load(&next, ctrl[1], "puppet_path", NULL), "load");
	test_check(!steer_replace(&policy[1], &next), "replace");
	policy[1] = next;
	decides(1);
	test_check(!steer_load(&next, ctrl[1], "puppet", NULL), "load");
	test_check(!steer_replace(&policy[1], &next), "replace");
	policy[1] = next;
	decides(0);
	test_check(!steer_load(&next, ctrl[1], "puppet_path", NULL), "load");
	test_check(!steer_replace(&policy[1], &next), "replace");
	policy[1] = next;
	decides(0);
	steer_detach(&policy[0]);
	decides(1);

	test_step("a reset of its controller");
	s = policy[1].state;
	s->path_answer = NVME_STEER_PATH(ctrl[0]);
	test_check(!vm_reset(ctrl[1]), "reset");
	test_check(vm_wait_live(ctrl[1], 20000), "not live");
	decides(1);
	steer_detach(&policy[1]);
	decides(-1);
}

/* Enough bad answers in a second, and it is thrown out. */
static void ejected(void)
{
	volatile struct puppet_state *s;
	char kind[32];

	test_step("nothing but bad answers");
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "50");
	steer_puppet_path(&policy[0], ctrl[0], NULL);
	s = policy[0].state;
	s->path_answer = BAD;
	while (!s->exits)
		read_by(URING, 4096, 100);
	test_check(s->path_calls > 50, "after %ju answers",
		   (uintmax_t)s->path_calls);
	test_check(test_wait(steer_exit(ctrl[0], "kind", kind, sizeof(kind)) &&
			     !strcmp(kind, "answers"), 5000),
		   "its end is '%s'", kind);
	steer_detach(&policy[0]);
	decides(-1);
}

int main(void)
{
	test_begin(120);
	pt_open(&ns, PT_WANT_HEAD);
	ctrl[0] = ns.ctrl;
	ctrl[1] = ns.ctrl2;
	data = test_alloc(BLOCKS * ns.block);
	pt_ring_init(&ring, 8, 0);
	steer_puppet_path(&policy[0], ctrl[0], NULL);
	obeyed();
	unfit();
	who();
	ejected();
	pt_ring_exit(&ring);
	test_pass();
}
