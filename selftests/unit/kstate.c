// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the kernel's steer files, from a directory that stands for /sys:
 * what is there, what is absent, what a newer module might add, and what is
 * said when nothing is there.
 */
#include <sys/stat.h>

#include "nvmesteer.h"
#include "test.h"

static char root[] = "/tmp/nvmesteer-kstate.XXXXXX";

static void remove_root(void *arg)
{
	test_sh("rm -rf '%s'", root);
}

static void put(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	test_check(!test_sh("mkdir -p \"$(dirname '%s')\"", whole),
		   "cannot make the directory of %s", whole);
	file = fopen(whole, "w");
	test_check(file, "cannot write %s: %m", whole);
	fputs(text, file);
	fclose(file);
}

static void put_ctrl(const char *ctrl)
{
	static const char *const files[][2] = {
		{ "state", "attached\n" },
		{ "policy", "spread\n" },
		{ "link", "17\n" },
		{ "reserve",
		  "asked=8 granted=6 used=2 first_qid=4 vectors=5 vectors_used=1 max_depth=1024 later=9\n" },
		{ "arbitration", "rr [wrr] high=16 medium=8 low=256 later=1\n" },
		{ "queues",
		  "0 mode=driver qid=- state=live depth=- vector=- irq=- cpu=- owner=driver submitted=12 completed=11 failed=1 cancelled=0 inflight=0 doorbells=0 sq_doorbells=0 cq_doorbells=0 interrupts=0   \n"
		  "3 mode=irq qid=6 state=draining depth=64 vector=9 irq=44 cpu=0-1,3 owner=admin submitted=18446744073709551615 completed=5 failed=4 cancelled=3 inflight=2 doorbells=7 sq_doorbells=4 cq_doorbells=3 interrupts=8 share=2 waiting=1 prio=urgent later=x\n" },
		{ "events", "routed 5\nbad_mode 0\nlater 3\n" },
		{ "copy",
		  "1 formats=0-1,3 mssrl=128 mcl=2048 msrc=256 cross_ns=1 max_hw_bytes=1048576 max_bytes=18446744073709551615 later=3\n"
		  "17 formats=- mssrl=0 mcl=0 msrc=0 cross_ns=0 max_hw_bytes=0 max_bytes=0\n" },
		{ "path",
		  "ctrl=5 policy=paths inflight=3 latency_us=120 later=1\n" },
		{ "exit",
		  "kind answers\nkind_code 1025\ncode -7\npolicy rules\nreason too many unfit answers: 1000\n" },
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "class/nvme/%s/steer/%s", ctrl,
			 files[i][0]);
		put(path, files[i][1]);
	}
}

#define number(a, b) \
	test_check((a) == (b), #a " is %lld", (long long)(a))
#define text(a, b) \
	test_check(!strcmp(a, b), #a " is '%s'", a)

static void check_queues(const struct ctrl_state *s)
{
	const struct queue_state *q = s->queues;

	test_step("queues");
	number(s->nr_queues, 2u);
	number(q[0].number, 0u);
	text(q[0].mode, "driver");
	number(q[0].qid, -1);
	number(q[0].irq, -1);
	number(q[0].depth, -1);
	text(q[0].cpus, "");
	number(q[0].submitted, 12u);
	number(q[1].number, 3u);
	text(q[1].mode, "irq");
	text(q[1].state, "draining");
	text(q[1].owner, "admin");
	text(q[1].prio, "urgent");
	number(q[1].qid, 6);
	number(q[1].depth, 64);
	number(q[1].vector, 9);
	number(q[1].irq, 44);
	text(q[1].cpus, "0-1,3");
	number(q[1].submitted, UINT64_MAX);
	number(q[1].completed, 5u);
	number(q[1].failed, 4u);
	number(q[1].cancelled, 3u);
	number(q[1].inflight, 2u);
	number(q[1].doorbells, 7u);
	number(q[1].sq_doorbells, 4u);
	number(q[1].cq_doorbells, 3u);
	number(q[1].interrupts, 8u);
	number(q[1].share, 2u);
	number(q[1].waiting, 1u);
	number(q[0].share, 0u);
}

static void check_copies(const struct ctrl_state *s)
{
	const struct copy_state *c = s->copies;

	test_step("limits of Copy");
	number(s->nr_copies, 2u);
	number(c[0].nsid, 1u);
	number(c[0].formats, 0xbu);
	number(c[0].mssrl, 128u);
	number(c[0].mcl, 2048u);
	number(c[0].msrc, 256u);
	number(c[0].cross_ns, true);
	number(c[0].max_hw_bytes, 1048576u);
	number(c[0].max_bytes, UINT64_MAX);
	number(c[1].nsid, 17u);
	number(c[1].formats, 0u);
	number(c[1].cross_ns, false);
}

static void test_whole(void)
{
	struct ctrl_state s;

	test_step("a controller");
	number(kstate__read("nvme1", &s), 0);
	text(s.ctrl, "nvme1");
	text(s.state, "attached");
	text(s.policy, "spread");
	number(s.link_id, 17u);
	number(s.asked, 8u);
	number(s.granted, 6u);
	number(s.used, 2u);
	number(s.first_qid, 4u);
	number(s.vectors, 5u);
	number(s.vectors_used, 1u);
	number(s.max_depth, 1024u);
	text(s.arbitration, "wrr");
	number(s.has_wrr, true);
	number(s.weights[0], 16u);
	number(s.weights[1], 8u);
	number(s.weights[2], 256u);
	check_queues(&s);
	number(s.nr_copies, 0u);
	number(kstate__read_copies(&s), 0);
	check_copies(&s);
	number(s.nr_events, 3u);
	text(s.events[2].name, "later");
	number(s.events[2].count, 3u);
	number(s.path.ctrl, 5);
	text(s.path.policy, "paths");
	number(s.path.inflight, 3u);
	number(s.path.latency_us, 120u);
	text(s.exit_kind, "answers");
	number(s.exit_kind_code, 1025u);
	number(s.exit_code, -7);
	text(s.exit_policy, "rules");
	text(s.exit_reason, "too many unfit answers: 1000");
	kstate__free(&s);
}

static void test_empty(void)
{
	struct ctrl_state s;

	test_step("a controller that never had a policy");
	put("class/nvme/nvme10/steer/state", "none\n");
	put("class/nvme/nvme10/steer/policy", "\n");
	put("class/nvme/nvme10/steer/link", "0\n");
	put("class/nvme/nvme10/steer/exit", "");
	put("class/nvme/nvme10/steer/queues", "\nnot a queue\n");
	put("class/nvme/nvme10/steer/events", "without_a_value\n");
	number(kstate__read("nvme10", &s), 0);
	text(s.policy, "");
	number(s.link_id, 0u);
	text(s.exit_kind, "");
	number(s.nr_queues, 0u);
	number(s.nr_events, 0u);
	number(s.path.ctrl, -1);
	text(s.arbitration, "");
	number(s.has_wrr, false);
	number(s.weights[0], 0u);
	number(kstate__read_copies(&s), 0);
	number(s.nr_copies, 0u);
	kstate__free(&s);
	number(kstate__read("nvme7", &s), -ENODEV);
	test_check(!s.queues && !s.events, "something is left to free");
}

static void test_list(void)
{
	char (*names)[32];
	unsigned int n;

	test_step("which controllers there are, in order of their numbers");
	put("class/nvme/nvme3/state", "live\n");
	put("class/nvme/nvme-subsys0/steer/state", "none\n");
	put("class/nvme/nvme2c0n1/steer/state", "none\n");
	number(kstate__list(&names, &n), 0);
	number(n, 3u);
	text(names[0], "nvme1");
	text(names[1], "nvme2");
	text(names[2], "nvme10");
	free(names);
}

static void test_write_text(void)
{
	char *text;

	test_step("writing");
	put("class/nvme/nvme1/steer/queue_add", "");
	number(kstate__write("nvme1", "queue_add", "0 poll 8"), 0);
	number(kstate__text("nvme1", "queue_add", &text), 0);
	text(text, "0 poll 8");
	free(text);
	number(kstate__write("nvme9", "queue_add", "0 poll 8"), -ENODEV);
}

static void absent(int code, const char *word)
{
	char why[256] = "";

	number(kstate__absent(why), code);
	test_check(strstr(why, word), "'%s' does not say '%s'", why, word);
}

static void test_absent(void)
{
	test_step("what is said when steering cannot work");
	absent(EXIT_FAILED, "modprobe nvme");
	put("module/nvme/parameters/poll_queues", "0\n");
	absent(EXIT_UNSUPPORTED, "distribution's own");
	put("module/nvme/parameters/steer_queues", "8\n");
	absent(EXIT_FAILED, "modprobe nvmesteer");
	put("module/nvmesteer/refcnt", "0\n");
	absent(EXIT_UNSUPPORTED, "BTF");
	put("kernel/btf/vmlinux", "");
	put("kernel/btf/nvmesteer", "");
	absent(0, "");
}

int main(void)
{
	test_begin(20);
	test_check(mkdtemp(root), "no temporary directory: %m");
	test_at_end(remove_root, NULL);
	kstate_sysfs = root;
	test_absent();
	put_ctrl("nvme1");
	put_ctrl("nvme2");
	put("class/nvme/nvme10/steer/reserve", "");
	test_whole();
	test_empty();
	test_list();
	test_write_text();
	exit(TEST_PASS);
}
