// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer status: everything about one controller, or about all. It ends
 * with 1 when something needs a person: pins that hold nothing, a policy that
 * is attached without our pin, one that was ejected and not followed by
 * another, a queue that a reset lost, a load that was killed half-way. With
 * --dump it prints what was recorded when the last policy ended instead, and
 * ends with 1 if that was an ejection.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nvmesteer.h"

#define PROBLEM_LEN		512

struct request {
	const char *dev;
	bool dump;
};

/* A controller with what was found out about it. */
struct status {
	const struct ctrl_state *s;
	enum pin_state pin_state;
	const char *pins;	/* NULL: not known */
	char pin_dir[256];
};

/* ---------------------------------------------------------------- problems */

static bool ejected(const struct ctrl_state *s)
{
	return kstate__ejected(s) && !s->policy[0];
}

static const struct queue_state *lost_queue(const struct ctrl_state *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++)
		if (!strcmp(s->queues[i].state, "lost"))
			return &s->queues[i];
	return NULL;
}

/* Problem number @i as a sentence; false when there are no more. */
static bool problem(const struct status *st, unsigned int i, char *text)
{
	const struct ctrl_state *s = st->s;
	const struct queue_state *q = lost_queue(s);

	if (st->pin_state == PIN_ORPHAN && i-- == 0)
		snprintf(text, PROBLEM_LEN,
			 "%s holds the maps of a policy that has ended, for 'bpftool map dump pinned'; the next load or 'nvmesteer unload %s' removes it",
			 st->pin_dir, s->ctrl);
	else if (st->pin_state == PIN_UNFINISHED && i-- == 0)
		snprintf(text, PROBLEM_LEN,
			 "a 'nvmesteer load' was killed half-way; policy '%s' works, but the pins below " PIN_ROOT "/%s are not in order; the next 'load --replace' or 'unload' mends them",
			 s->policy, s->ctrl);
	else if (st->pins && st->pin_state == PIN_FOREIGN && i-- == 0)
		snprintf(text, PROBLEM_LEN,
			 "policy '%s' was attached by another tool, or its pin is gone; 'nvmesteer load --replace' takes its place, 'nvmesteer unload %s' ends it",
			 s->policy, s->ctrl);
	else if (ejected(s) && i-- == 0)
		snprintf(text, PROBLEM_LEN,
			 "policy '%s' was ejected (%s): %s; 'nvmesteer status --dump %s' tells what was in flight and what it had answered",
			 s->exit_policy, s->exit_kind, s->exit_reason,
			 s->ctrl);
	else if (q && i-- == 0)
		snprintf(text, PROBLEM_LEN,
			 "queue %u was lost in a reset; reset the controller again (echo 1 >/sys/class/nvme/%s/reset_controller) or load the policy anew",
			 q->number, s->ctrl);
	else
		return false;
	return true;
}

static void look(struct status *st, const struct ctrl_state *s)
{
	st->s = s;
	st->pins = show__pins(s, &st->pin_state, st->pin_dir);
}

/* -------------------------------------------------------------------- text */

static void line(const char *name, const char *value)
{
	printf("  %-10s %s\n", name, value && *value ? value : "-");
}

static void print_head(const struct ctrl_state *s)
{
	if (s->policy[0])
		printf("%s: policy '%s' is attached (link %" PRIu32 ")\n",
		       s->ctrl, s->policy, s->link_id);
	else
		printf("%s: no policy is attached\n", s->ctrl);
}

static void print_reserve(const struct ctrl_state *s)
{
	printf("  %-10s %u of %u used (%u asked for), first qid %u, depth up to %u\n",
	       "queues", s->used, s->granted, s->asked, s->first_qid,
	       s->max_depth);
	printf("  %-10s %u of %u used\n", "vectors", s->vectors_used,
	       s->vectors);
}

/* How the controller chooses among queues, and what would change it. */
static void print_arbitration(const struct ctrl_state *s)
{
	const char *name = s->arbitration;

	if (!*name)
		return;
	if (!strcmp(name, "rr"))
		name = "round robin";
	else if (!strcmp(name, "wrr"))
		name = "weighted round robin";
	printf("  %-10s %s", "arbiter", name);
	if (s->weights[0])
		printf(", high %u, medium %u, low %u", s->weights[0],
		       s->weights[1], s->weights[2]);
	puts(s->has_wrr && strcmp(s->arbitration, "wrr") ?
	     "; the controller has weighted round robin, which nvme.steer_wrr=1 enables at its next reset" :
	     "");
}

/* Per namespace, what one Copy command may copy. */
static void print_copies(const struct ctrl_state *s)
{
	const struct copy_state *c;
	char max[24], formats[32];

	for (c = s->copies; c < s->copies + s->nr_copies; c++) {
		printf("  %-10s namespace %" PRIu32 ": ", "copy", c->nsid);
		if (!c->formats) {
			puts("the controller has no Copy");
			continue;
		}
		out__bytes(c->max_bytes, max, sizeof(max));
		show__formats(c->formats, formats, sizeof(formats));
		printf("%s a command, %u ranges of %u blocks, %u in all, formats %s%s\n",
		       c->max_bytes ? max : "nothing", c->msrc, c->mssrl,
		       c->mcl, formats,
		       c->cross_ns ? ", across namespaces" : "");
	}
}

/* Whose policy chooses among this path and the others, if one does. */
static void print_path(const struct ctrl_state *s)
{
	if (s->path.ctrl < 0)
		return;
	printf("  %-10s chosen by policy '%s' of nvme%d; here %u in flight, ",
	       "paths", s->path.policy, s->path.ctrl, s->path.inflight);
	if (s->path.latency_us)
		printf("a command takes %u us\n", s->path.latency_us);
	else
		puts("no command was timed yet");
}

static void print_exit(const struct ctrl_state *s)
{
	if (!s->exit_kind[0]) {
		line("last exit", NULL);
		return;
	}
	printf("  %-10s policy '%s', %s", "last exit", s->exit_policy,
	       s->exit_kind);
	if (s->exit_code)
		printf(" (code %d)", s->exit_code);
	if (s->exit_reason[0])
		printf(": %s", s->exit_reason);
	putchar('\n');
}

/* Events that never happened are left out. */
static void print_events(const struct ctrl_state *s)
{
	const char *separator = "";
	char count[24];
	unsigned int i;

	printf("  %-10s ", "events");
	for (i = 0; i < s->nr_events; i++) {
		if (!s->events[i].count)
			continue;
		out__count(s->events[i].name, s->events[i].count, count,
			   sizeof(count));
		printf("%s%s %s", separator, s->events[i].name, count);
		separator = ", ";
	}
	printf("%s\n", *separator ? "" : "-");
}

static void print_text(const struct status *st)
{
	const struct ctrl_state *s = st->s;
	char text[PROBLEM_LEN];
	unsigned int i;

	print_head(s);
	line("state", s->state);
	line("pins", st->pin_state == PIN_NONE && st->pins ? "" :
		     st->pins ? st->pins : "not known (needs root)");
	line("pin dir", st->pin_dir);
	print_reserve(s);
	print_arbitration(s);
	print_copies(s);
	print_path(s);
	print_exit(s);
	print_events(s);
	for (i = 0; problem(st, i, text); i++)
		line("problem", text);
}

/* -------------------------------------------------------------------- JSON */

static void json_reserve(struct json *j, const struct ctrl_state *s)
{
	json__object(j, "reserve");
	json__uint(j, "queues_asked", s->asked);
	json__uint(j, "queues_granted", s->granted);
	json__uint(j, "queues_used", s->used);
	json__uint(j, "first_qid", s->first_qid);
	json__uint(j, "vectors_granted", s->vectors);
	json__uint(j, "vectors_used", s->vectors_used);
	json__uint(j, "max_depth", s->max_depth);
	json__object_end(j);
}

static void json_arbitration(struct json *j, const struct ctrl_state *s)
{
	if (!s->arbitration[0]) {
		json__null(j, "arbitration");
		return;
	}
	json__object(j, "arbitration");
	json__str(j, "enabled", s->arbitration);
	json__bool(j, "has_weighted_round_robin", s->has_wrr);
	if (s->weights[0]) {
		json__object(j, "weights");
		json__uint(j, "high", s->weights[0]);
		json__uint(j, "medium", s->weights[1]);
		json__uint(j, "low", s->weights[2]);
		json__object_end(j);
	} else {
		json__null(j, "weights");
	}
	json__object_end(j);
}

static void json_path(struct json *j, const struct ctrl_state *s)
{
	char ctrl[16];

	if (s->path.ctrl < 0) {
		json__null(j, "path");
		return;
	}
	snprintf(ctrl, sizeof(ctrl), "nvme%d", s->path.ctrl);
	json__object(j, "path");
	json__str(j, "chosen_by", ctrl);
	json__str(j, "policy", s->path.policy);
	json__uint(j, "inflight", s->path.inflight);
	json__uint(j, "latency_us", s->path.latency_us);
	json__object_end(j);
}

static void json_exit(struct json *j, const struct ctrl_state *s)
{
	if (!s->exit_kind[0]) {
		json__null(j, "last_exit");
		return;
	}
	json__object(j, "last_exit");
	json__str(j, "policy", s->exit_policy);
	json__str(j, "kind", s->exit_kind);
	json__uint(j, "kind_code", s->exit_kind_code);
	json__int(j, "code", s->exit_code);
	json__str(j, "reason", s->exit_reason);
	json__object_end(j);
}

static void json_status(struct json *j, const struct status *st)
{
	const struct ctrl_state *s = st->s;
	char text[PROBLEM_LEN];
	unsigned int i;

	json__object(j, NULL);
	show__policy(j, s);
	json__str(j, "state", s->state);
	if (s->link_id)
		json__uint(j, "link_id", s->link_id);
	else
		json__null(j, "link_id");
	json__str(j, "pins", st->pins);
	json__str(j, "pin_dir", st->pin_dir[0] ? st->pin_dir : NULL);
	json_reserve(j, s);
	json_arbitration(j, s);
	show__copies(j, s);
	json_path(j, s);
	json_exit(j, s);
	json__object(j, "events");
	for (i = 0; i < s->nr_events; i++)
		json__uint(j, s->events[i].name, s->events[i].count);
	json__object_end(j);
	json__array(j, "problems");
	for (i = 0; problem(st, i, text); i++)
		json__str(j, NULL, text);
	json__array_end(j);
	json__object_end(j);
}

/* --------------------------------------------------------------- the verb */

static int report(const struct status *st)
{
	char text[PROBLEM_LEN];
	int code = EXIT_OK;
	unsigned int i;

	for (i = 0; problem(st, i, text); i++)
		code = fail("%s: %s", st->s->ctrl, text);
	return code;
}

static int show_status(const struct ctrl_state *all, unsigned int n)
{
	struct status st;
	int code = EXIT_OK;
	unsigned int i;
	struct json j;

	if (opt_json) {
		json__begin(&j, stdout, "status");
		json__array(&j, "controllers");
	}
	for (i = 0; i < n; i++) {
		look(&st, &all[i]);
		if (opt_json)
			json_status(&j, &st);
		else
			print_text(&st);
	}
	if (opt_json) {
		json__array_end(&j);
		json__end(&j);
	}
	for (i = 0; i < n; i++) {
		look(&st, &all[i]);
		if (report(&st))
			code = EXIT_FAILED;
	}
	return code;
}

static int run(const char *dev)
{
	struct ctrl_state one, *all = NULL;
	char why[256];
	unsigned int i, n;
	int code;

	code = dev ? show__read(dev, &one, why) :
		     show__read_all(&all, &n, why);
	if (code)
		return fail_code(code, "%s", why);
	/* one that does not answer now tells no limits */
	if (dev) {
		kstate__read_copies(&one);
		code = show_status(&one, 1);
		kstate__free(&one);
		return code;
	}
	if (!n)
		note("there is no NVMe controller on PCI");
	for (i = 0; i < n; i++)
		kstate__read_copies(&all[i]);
	code = show_status(all, n);
	show__free_all(all, n);
	return code;
}

/* ---------------------------------------------------------------- the dump */

static void json_dump(const struct ctrl_state *s, const char *text)
{
	struct json j;

	json__begin(&j, stdout, "status");
	json__str(&j, "controller", s->ctrl);
	json_exit(&j, s);
	json__str(&j, "dump", *text ? text : NULL);
	json__end(&j);
}

static int print_dump(const struct ctrl_state *s)
{
	char *text;
	int ret;

	ret = kstate__text(s->ctrl, "dump", &text);
	if (ret == -EACCES || ret == -EPERM)
		return fail("not allowed to read the dump of %s, which tells of commands of all users; run it as root (%s)",
			    s->ctrl, errno_name(ret));
	if (ret)
		return fail("cannot read the dump of %s; it has gone away (%s)",
			    s->ctrl, errno_name(ret));
	if (opt_json)
		json_dump(s, text);
	else
		fputs(text, stdout);
	if (!*text && !opt_json)
		note("no policy has ended on %s yet", s->ctrl);
	free(text);
	return kstate__ejected(s) ? EXIT_FAILED : EXIT_OK;
}

static int run_dump(const char *dev)
{
	struct ctrl_state s;
	char why[256];
	int code;

	code = show__read(dev, &s, why);
	if (code)
		return fail_code(code, "%s", why);
	code = print_dump(&s);
	kstate__free(&s);
	return code;
}

static void set_dev(void *ctx, const char *arg)
{
	((struct request *)ctx)->dev = arg;
}

static void set_dump(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->dump = true;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "dump",
	  .help = "print what was recorded when its last policy ended",
	  .set = set_dump },
	{ 0 },
};

int cmd_status(int argc, char **argv)
{
	struct request r = { 0 };
	int first, code;

	first = opts__parse(verb__find("status"), opts, &r, argc, argv, &code);
	if (first < 0)
		return code;
	if (!show__one_dev(&r.dev, argc - first, argv + first))
		return fail_code(EXIT_USAGE,
			"status takes one controller; see 'nvmesteer status --help'");
	return r.dump ? run_dump(r.dev) : run(r.dev);
}
