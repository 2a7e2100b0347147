// SPDX-License-Identifier: GPL-2.0
/*
 * A policy's operations are timed, a few calls now and then. One that always
 * takes longer than op_budget_us is ejected, route() as well as path(), be it
 * called often or not, and can be loaded again at once; one that does for some
 * commands, or within the budget, is not. The dump tells of it, and only root may
 * read that.
 *
 * vm: --cpus 2
 */
#include <sys/stat.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

#define BUDGET	"/sys/module/nvmesteer/parameters/op_budget_us"
#define SPIN	1000000		/* turns; at least a nanosecond each */

static struct pt_ns ns;
static struct pt_ring ring;
static uint8_t *buf;

static void reads(const struct pt_ns *from, unsigned int n)
{
	struct nvme_uring_cmd cmd;

	while (n--) {
		pt_rw(&cmd, from, PT_READ, 64, 1, buf, from->block);
		test_check(!pt_do(&ring, from->fd, &cmd, 0, NULL),
			   "read failed");
	}
}

static uint64_t watched(int ctrl, const char *word)
{
	char text[256], *at;

	steer_word(ctrl, "watchdog", text, sizeof(text));
	at = strstr(text, word);
	test_check(at, "no %s in '%s'", word, text);
	return strtoull(at + strlen(word), NULL, 10);
}

/* The watchdog has looked @n times more, while there is I/O. */
static bool looks(int ctrl, const struct pt_ns *from, unsigned int n)
{
	uint64_t end = watched(ctrl, "looks=") + n;

	return test_wait(({
		reads(from, 8);
		watched(ctrl, "looks=") >= end;
	}), 30000);
}

static void ejected(int ctrl, const struct pt_ns *from, const char *op)
{
	char word[160], want[32];

	test_check(test_wait(({
		reads(from, 8);
		steer_state_is(ctrl, "ended");
	}), 30000), "it was not ejected");
	test_check(steer_exit(ctrl, "kind", word, sizeof(word)) &&
		   !strcmp(word, "slow"), "exit kind is '%s'", word);
	test_check(steer_exit(ctrl, "kind_code", word, sizeof(word)) &&
		   atoi(word) == NVME_STEER_EXIT_SLOW, "kind_code %s", word);
	snprintf(want, sizeof(want), "%s()", op);
	test_check(steer_exit(ctrl, "reason", word, sizeof(word)) &&
		   strstr(word, want) && strstr(word, "op_budget_us"),
		   "reason '%s'", word);
	printf("#   %s\n", word);
	test_check(test_wait(!steer_reserve(ctrl, "used"), 10000),
		   "queues are left");
	reads(from, 8);
}

static void bounds(void)
{
	test_step("the parameter's bounds");
	test_check(test_write(BUDGET, "0") == -EINVAL, "0 was taken");
	test_check(test_write(BUDGET, "1000001") == -EINVAL,
		   "more than a second was taken");
	test_check(test_write(BUDGET, "x") == -EINVAL, "nonsense was taken");
}

static void quick(struct steer_policy *p)
{
	test_step("a quick policy");
	reads(&ns, 32);
	test_check(looks(ns.ctrl, &ns, 4), "the watchdog does not look");
	test_check(watched(ns.ctrl, "route_ns="), "route() was not timed");
	test_check(!watched(ns.ctrl, "batch_ns="),
		   "batch(), which there is not, was timed");
	printf("#   route() takes %ju ns\n", watched(ns.ctrl, "route_ns="));

	test_step("slow for one command of eight");
	p->state->spin_every = 8;
	p->state->spin = SPIN;
	test_check(looks(ns.ctrl, &ns, 12), "the watchdog does not look");
	test_check(steer_state_is(ns.ctrl, "attached"), "it was ejected");

	test_step("slow within the budget");
	test_set_file(BUDGET, "1000000");
	p->state->spin_every = 0;
	p->state->spin = SPIN / 10;
	test_check(test_wait(({
		reads(&ns, 8);
		watched(ns.ctrl, "route_ns=") > SPIN / 100;
	}), 30000), "route() is said to take %ju ns",
		   watched(ns.ctrl, "route_ns="));
	test_check(steer_state_is(ns.ctrl, "attached"), "it was ejected");
	p->state->spin = 0;
	test_check(looks(ns.ctrl, &ns, 4), "the watchdog does not look");
}

/* Sixteen decisions, which took longer than the policy may. */
static void decided(const char *text, const struct pt_ns *ns)
{
	unsigned int n = 0, age, nsid, bytes;
	unsigned long long took, slba;
	char comm[16];
	int answer, pid;

	test_check(text, "no decisions");
	for (text = strchr(text + 1, '\n') + 1;
	     sscanf(text, "age_ms=%u op=route answer=%d took_ns=%llu source=uring opcode=0x02 nsid=%u slba=%llu bytes=%u pid=%d comm=%15s",
		    &age, &answer, &took, &nsid, &slba, &bytes, &pid,
		    comm) == 8; text = strchr(text, '\n') + 1) {
		test_check(answer == 1 && took > 50000 && nsid == ns->nsid &&
			   slba == 64 && bytes == ns->block &&
			   pid == getpid() && !strcmp(comm, "watchdog"),
			   "decision %u: %.160s", n, text);
		n++;
	}
	test_check(n == 16, "%u decisions: %.160s", n, text);
}

static void slow(struct steer_policy *p, const struct puppet_config *config)
{
	char dump[65536];
	struct stat st;

	test_step("a slow policy");
	test_check(!test_write(BUDGET, "50"), "cannot set the budget");
	p->state->spin = SPIN;
	ejected(ns.ctrl, &ns, "route");
	test_check(p->state->exits == 1 &&
		   p->state->exit_kind == NVME_STEER_EXIT_SLOW,
		   "exit() was told %u, %llu times", p->state->exit_kind,
		   p->state->exits);
	test_check(test_read(steer_path(ns.ctrl, "dump"), dump,
			     sizeof(dump)) > 0, "no dump");
	test_check(strstr(dump, "ended: slow:") && strstr(dump, "\nrings:\n1 ") &&
		   strstr(dump, " route_ns="), "the dump says: %s", dump);
	decided(strstr(dump, "\ndecisions:\n"), &ns);
	test_check(!stat(steer_path(ns.ctrl, "dump"), &st) &&
		   (st.st_mode & 0777) == 0400, "the dump's mode is %o",
		   st.st_mode & 0777);
	steer_detach(p);

	test_step("and again");
	steer_puppet(p, ns.ctrl, config);
	steer_answer(p, 1, 0);
	reads(&ns, 8);
	test_check(looks(ns.ctrl, &ns, 3) && steer_state_is(ns.ctrl, "attached"),
		   "it is not attached any more");
	steer_detach(p);
}

/* Not more are slow than are timed, and come until there is a look. */
static void seldom(struct steer_policy *p, const struct puppet_config *config)
{
	test_step("slow, and called seldom");
	steer_puppet(p, ns.ctrl, config);
	p->state->spin = SPIN;
	steer_answer(p, 1, 0);
	test_wait(({
		reads(&ns, 1);
		usleep(20000);
		steer_state_is(ns.ctrl, "ended");
	}), 30000);
	ejected(ns.ctrl, &ns, "route");
	printf("#   after %llu calls\n", p->state->calls);
	test_check(p->state->calls < 64, "it was called %llu times",
		   p->state->calls);
	steer_detach(p);
}

/* Refused answers of a policy are not its successor's, and are in the dump. */
static void refused(struct steer_policy *p, const struct puppet_config *config)
{
	char dump[65536], *at;
	unsigned int i;

	test_step("refused answers");
	test_set_file("/sys/module/nvmesteer/parameters/bad_answers", "20");
	for (i = 0; i < 3; i++) {
		steer_puppet(p, ns.ctrl, config);
		steer_answer(p, 9, 9);
		reads(&ns, 15);
		test_check(steer_state_is(ns.ctrl, "attached"),
			   "ejected for the answers of another one");
		steer_detach(p);
	}
	test_check(test_read(steer_path(ns.ctrl, "dump"), dump,
			     sizeof(dump)) > 0, "no dump");
	at = strstr(dump, "\nrefused:\n15 age_ms=");
	test_check(at && strstr(at, "op=route answer=9 why=bad_queue opcode=0x02 nsid=") &&
		   strstr(at, "\n1 age_ms="), "the dump says: %s", dump);
}

static void slow_path(void)
{
	struct steer_policy p;
	struct pt_ns head;

	if (!pt_try_open(&head, PT_WANT_HEAD)) {
		printf("# no multipath namespace: path() was not tried\n");
		return;
	}
	test_step("a slow path()");
	steer_puppet_path(&p, head.ctrl, NULL);
	p.state->path_answer = NVME_STEER_PATH_OWN;
	reads(&head, 32);
	test_check(looks(head.ctrl, &head, 3), "the watchdog does not look");
	test_check(watched(head.ctrl, "path_ns="), "path() was not timed");
	p.state->path_spin = SPIN;
	ejected(head.ctrl, &head, "path");
	steer_detach(&p);
	pt_close(&head);
}

int main(void)
{
	/* that is ten looks a second */
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ }, .timeout_ms = 400,
	};
	struct steer_policy p;

	test_begin(120);
	pt_open(&ns, PT_WANT_PLAIN);
	pt_ring_init(&ring, 8, 0);
	buf = test_alloc(4096);
	bounds();
	steer_puppet(&p, ns.ctrl, &config);
	steer_answer(&p, 1, 0);
	quick(&p);
	slow(&p, &config);
	seldom(&p, &config);
	refused(&p, &config);
	slow_path();
	test_pass();
}
