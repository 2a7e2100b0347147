// SPDX-License-Identifier: GPL-2.0
/*
 * How a policy begins and ends, and what is left of it: attach refused with
 * the right errno; init() that fails frees what it created; update in place
 * keeps queues of the same shape and the old policy when the new one's init()
 * fails; each kind of end is told; the off switch works; a policy that errs is
 * ejected, and one of too many unfit answers within a second, not of as many in
 * several; the tracepoints tell; and with nothing attached no counter moves.
 *
 * vm: --cpus 2
 */
#include <bpf/libbpf.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define TRACING	"/sys/kernel/tracing/"
#define BAD_ANSWERS	10U		/* a second, and one more is too many */

static struct pt_ns ns;
static struct pt_ring ring;
static uint8_t *buf;

static int one_read(void)
{
	struct nvme_uring_cmd cmd;

	pt_rw(&cmd, &ns, PT_READ, 64, 8, buf, 8 * ns.block);
	return pt_do(&ring, ns.fd, &cmd, 0, NULL);
}

static void expect_state(const char *state)
{
	char word[32];

	test_check(test_wait(({
		steer_word(ns.ctrl, "state", word, sizeof(word));
		!strcmp(word, state);
	}), 5000), "state is '%s', not '%s'", word, state);
}

static void expect_exit(const char *kind, const char *policy)
{
	char word[160];

	test_check(steer_exit(ns.ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, kind), "exit kind is '%s', not '%s'", word,
		   kind);
	test_check(steer_exit(ns.ctrl, "policy", word, sizeof(word)) &&
		   !strcmp(word, policy), "exit policy is '%s'", word);
	test_check(steer_exit(ns.ctrl, "reason", word, sizeof(word)) && *word,
		   "no reason");
	test_check(test_read(steer_path(ns.ctrl, "dump"), word,
			     sizeof(word)) > 0, "no dump");
}

/* The dump tells of a decision, and by which function the policy's end came. */
static void expect_trace(const char *decision, const char *function)
{
	static char dump[1 << 18];
	const char *at;

	test_check(test_read(steer_path(ns.ctrl, "dump"), dump,
			     sizeof(dump)) > 0, "no dump");
	test_check(strstr(dump, decision), "the dump says: %s", dump);
	at = strstr(dump, "\ntrace:\n");
	test_check(at && strstr(at, function) &&
		   strstr(at, "io_uring_enter"), "the dump says: %s", dump);
}

static void nothing_attached(void)
{
	struct steer_queues before, after;
	char events[2][4096];
	int i;

	test_step("nothing attached");
	steer_queues(ns.ctrl, &before);
	test_read(steer_path(ns.ctrl, "events"), events[0], 4096);
	for (i = 0; i < 20; i++)
		test_check(!one_read(), "read failed");
	test_read(steer_path(ns.ctrl, "events"), events[1], 4096);
	steer_queues(ns.ctrl, &after);
	test_check(!strcmp(events[0], events[1]), "an event moved");
	test_check(before.q[0].submitted == after.q[0].submitted &&
		   before.q[0].completed == after.q[0].completed,
		   "queue 0 moved");
}

static void refusals(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	struct steer_policy first, second;
	int ret;

	test_step("refused attaches");
	steer_puppet(&first, ns.ctrl, &config);
	test_check(!steer_load(&second, ns.ctrl, "puppet", &config), "load");
	ret = steer_attach(&second);
	test_check(ret == -EBUSY, "second policy: %d", ret);
	steer_detach(&second);
	expect_state("attached");
	steer_detach(&first);
	expect_exit("unload", "puppet");

	test_check(!steer_load(&second, 31, "puppet", NULL), "load");
	ret = steer_attach(&second);
	test_check(ret == -ENODEV, "no such controller: %d", ret);
	steer_detach(&second);
}

static void failing_init(void)
{
	static const struct {
		struct puppet_config config;
		int ret;
	} cases[] = {
		{ { .mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
		    .init_ret = -77 }, -77 },
		{ { .mode = { [1] = NVME_STEER_IRQ, [2] = 9 } }, -EINVAL },
		{ { .mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
		    .depth = { [2] = 1 } }, -EINVAL },
		{ { .mode = { [1] = NVME_STEER_IRQ, [15] = NVME_STEER_POLL } },
		  -ERANGE },
		{ { .mode = { [1] = NVME_STEER_IRQ }, .init_ret = 5 },
		  -EINVAL },
	};
	struct steer_policy p;
	unsigned int i;
	int ret;

	test_step("init() that fails");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		test_check(!steer_load(&p, ns.ctrl, "puppet",
				       &cases[i].config), "load");
		ret = steer_attach(&p);
		test_check(ret == cases[i].ret, "case %u: %d", i, ret);
		test_check(!p.state->exits, "case %u: exit() was called", i);
		steer_detach(&p);
		test_check(!steer_reserve(ns.ctrl, "used") &&
			   !steer_reserve(ns.ctrl, "vectors_used"),
			   "case %u: queues are left", i);
	}
}

static void update(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct puppet_config bad = {
		.mode = { [1] = NVME_STEER_IRQ, [3] = NVME_STEER_IRQ },
		.init_ret = -99,
	};
	struct puppet_config other_shape = {
		.mode = { [1] = NVME_STEER_POLL },
	};
	struct steer_policy old, new;
	struct steer_queues qs;
	uint64_t calls;
	int ret;

	test_step("update in place");
	steer_puppet(&old, ns.ctrl, &config);
	steer_answer(&old, 1, 2);
	test_check(!one_read(), "read failed");

	/* refused: all is as it was */
	test_check(!steer_load(&new, ns.ctrl, "puppet", &bad), "load");
	ret = steer_replace(&old, &new);
	test_check(ret == -99, "update whose init() fails: %d", ret);
	steer_detach(&new);
	test_check(!steer_load(&new, ns.ctrl, "puppet", &other_shape), "load");
	ret = steer_replace(&old, &new);
	test_check(ret == -EEXIST, "queue of another shape: %d", ret);
	steer_detach(&new);
	steer_queues(ns.ctrl, &qs);
	test_check(qs.q[1].submitted == 1 && qs.q[2].present &&
		   !qs.q[3].present, "queues changed by a refused update");
	calls = old.state->calls;
	test_check(!one_read() && old.state->calls == calls + 1,
		   "the old policy is not asked any more");

	/* accepted */
	test_check(!steer_load(&new, ns.ctrl, "puppet", &config), "load");
	steer_answer(&new, 1, 2);
	ret = steer_replace(&old, &new);
	test_check(!ret, "update: %d", ret);
	expect_exit("replaced", "puppet");
	expect_state("attached");
	test_check(!one_read() && new.state->calls == 1, "not asked");
	steer_queues(ns.ctrl, &qs);
	test_check(qs.q[1].submitted == 3, "queue 1 is a new one");
	steer_detach(&new);
	steer_queues(ns.ctrl, &qs);
	test_check(!qs.q[1].present && !qs.q[2].present, "queues are left");
}

static void off(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	struct steer_policy p;
	int ret;

	test_step("the off switch");
	ret = test_write(steer_path(ns.ctrl, "off"), "1");
	test_check(ret == -ENOENT, "off with nothing attached: %d", ret);
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer(&p, 1, 1);
	test_check(!one_read(), "read failed");
	ret = test_write(steer_path(ns.ctrl, "off"), "1");
	test_check(!ret, "off: %d", ret);
	expect_state("ended");
	expect_exit("off", "puppet");
	test_check(!one_read(), "read failed afterwards");
	test_check(!steer_reserve(ns.ctrl, "used"), "queues are left");
	steer_detach(&p);
}

static void eject(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	uint64_t ejected = steer_event(ns.ctrl, "ejected");
	struct steer_policy p;
	char word[160];

	test_step("ejection");
	steer_puppet(&p, ns.ctrl, &config);
	p.state->error = 42;
	test_check(!one_read(), "read failed");
	expect_state("ended");
	expect_exit("error", "puppet");
	test_check(steer_exit(ns.ctrl, "code", word, sizeof(word)) &&
		   !strcmp(word, "42"), "code '%s'", word);
	test_check(steer_exit(ns.ctrl, "reason", word, sizeof(word)) &&
		   !strcmp(word, "the test said so"), "reason '%s'", word);
	expect_trace("op=route gave_up=42 source=uring opcode=0x02",
		     "puppet_route");
	steer_detach(&p);
	test_check(steer_event(ns.ctrl, "ejected") == ejected + 1,
		   "event ejected");
}

/* Fewer unfit answers than are too many, second for second. */
static void trickle(void)
{
	uint64_t bad = steer_event(ns.ctrl, "bad_queue"), last;
	unsigned int i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < BAD_ANSWERS - 2; i++)
			test_check(!one_read(), "read failed");
		last = test_now_ms();
		/* the second is over, on a clock that is a tick late as well */
		test_wait(test_now_ms() >= last + 1200, 5000);
		test_check(steer_state_is(ns.ctrl, "attached"),
			   "ejected for %u unfit answers in some seconds",
			   (k + 1) * (BAD_ANSWERS - 2));
	}
	bad = steer_event(ns.ctrl, "bad_queue") - bad;
	test_check(bad == k * (BAD_ANSWERS - 2), "%ju answers were unfit", bad);
}

static void unfit_answers(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	uint64_t ejected = steer_event(ns.ctrl, "ejected");
	struct steer_policy p;
	char text[16];
	unsigned int i;

	test_step("unfit answers");
	snprintf(text, sizeof(text), "%u", BAD_ANSWERS);
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", text);
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer(&p, 9, 9);
	trickle();
	for (i = 0; i < 4 * BAD_ANSWERS; i++)
		test_check(!one_read(), "read failed");
	expect_state("ended");
	expect_exit("answers", "puppet");
	expect_trace("op=route answer=9 why=bad_queue opcode=0x02",
		     "nvme_steer_bad_answer");
	test_check(!one_read(), "read failed afterwards");
	test_check(steer_event(ns.ctrl, "ejected") == ejected + 1,
		   "event ejected");
	steer_detach(&p);
}

static void tracepoints(void)
{
	static const char * const names[] = {
		"nvme_steer_route:", "nvme_steer_complete:",
		"nvme_steer_queue:", "nvme_steer_exit:",
	};
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	char *text = calloc(1, 1 << 20);
	struct steer_policy p;
	unsigned int i;

	test_step("tracepoints");
	if (!test_exists(TRACING "events/nvme_steer/enable"))
		test_fail("no trace system nvme_steer");
	test_set_file(TRACING "events/nvme_steer/enable", "1");
	test_write(TRACING "trace", "");
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer(&p, 1, 1);
	test_check(!one_read(), "read failed");
	steer_detach(&p);
	test_sh("cat " TRACING "trace > /tmp/policy_life.trace");
	{
		FILE *f = fopen("/tmp/policy_life.trace", "r");

		test_check(f, "no trace");
		if (!fread(text, 1, (1 << 20) - 1, f))
			test_fail("the trace is empty");
		fclose(f);
		unlink("/tmp/policy_life.trace");
	}
	for (i = 0; i < ARRAY_LEN(names); i++)
		test_check(strstr(text, names[i]), "no %s in the trace",
			   names[i]);
	free(text);
}

int main(void)
{
	test_begin(90);
	pt_open(&ns, PT_WANT_PLAIN);
	if (!test_exists("%s", steer_path(ns.ctrl, "state")))
		test_skip("nvmesteer is not loaded");
	pt_ring_init(&ring, 8, 0);
	buf = test_alloc(4096);
	nothing_attached();
	refusals();
	failing_init();
	update();
	off();
	eject();
	unfit_answers();
	tracepoints();
	nothing_attached();
	test_pass();
}
