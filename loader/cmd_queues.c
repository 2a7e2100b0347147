// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer queues: the steer queues of a controller, and creating and freeing
 * some by hand ("add", "remove"), for policies that expect queues which outlive
 * them. A queue that a policy owns is the policy's: it is not removed here.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvmesteer.h"

struct request {
	const char *dev;
	const char *number;
	const char *mode;
	const char *depth;
};

/* -------------------------------------------------------------------- show */

static const char *const headers[] = {
	">QUEUE", ">QID", "MODE", "STATE", ">DEPTH", "CPUS", ">VECTOR", ">IRQ",
	">INFLIGHT", "OWNER", "PRIORITY",
};

static void number_cell(struct table *t, int value)
{
	if (value < 0)
		table__cell(t, "%s", "");
	else
		table__cell(t, "%d", value);
}

/* Where no queue has a priority class, neither has the table. */
static bool any_prio(const struct ctrl_state *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++)
		if (*s->queues[i].prio)
			return true;
	return false;
}

static void row(struct table *t, const struct queue_state *q, bool prio)
{
	table__cell(t, "%u", q->number);
	number_cell(t, q->qid);
	table__cell(t, "%s", q->mode);
	table__cell(t, "%s", q->state);
	number_cell(t, q->depth);
	table__cell(t, "%s", q->cpus);
	number_cell(t, q->vector);
	number_cell(t, q->irq);
	table__cell(t, "%" PRIu64, q->inflight);
	table__cell(t, "%s", q->owner);
	if (prio)
		table__cell(t, "%s", q->prio);
}

static void print_table(const struct ctrl_state *s)
{
	bool prio = any_prio(s);
	struct table *t;
	unsigned int i;

	t = table__new(sizeof(headers) / sizeof(headers[0]) - !prio, headers);
	for (i = 0; i < s->nr_queues; i++)
		row(t, &s->queues[i], prio);
	table__print(t, stdout);
	table__free(t);
}

static void object(struct json *j, const struct queue_state *q)
{
	json__object(j, NULL);
	json__uint(j, "queue", q->number);
	show__number(j, "qid", q->qid);
	json__str(j, "mode", q->mode);
	json__str(j, "state", q->state);
	show__number(j, "depth", q->depth);
	json__str(j, "cpus", q->cpus[0] ? q->cpus : NULL);
	show__number(j, "vector", q->vector);
	show__number(j, "irq", q->irq);
	json__uint(j, "inflight", q->inflight);
	json__str(j, "owner", q->owner);
	json__str(j, "priority", *q->prio ? q->prio : NULL);
	json__object_end(j);
}

/* All queues, or the one that was added or removed. */
static void print_json(const struct ctrl_state *s, const struct queue_state *q)
{
	struct json j;
	unsigned int i;

	json__begin(&j, stdout, "queues");
	show__policy(&j, s);
	json__array(&j, "queues");
	for (i = 0; i < s->nr_queues; i++)
		if (!q || q->number == s->queues[i].number)
			object(&j, &s->queues[i]);
	json__array_end(&j);
	json__end(&j);
}

static int show(const struct ctrl_state *s)
{
	if (opt_json)
		print_json(s, NULL);
	else
		print_table(s);
	return EXIT_OK;
}

/* ------------------------------------------------------------ add, remove */

static const struct queue_state *find(const struct ctrl_state *s,
				      unsigned int number)
{
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++)
		if (s->queues[i].number == number)
			return &s->queues[i];
	return NULL;
}

/* The queue that @after has and @before has not. */
static const struct queue_state *added(const struct ctrl_state *before,
				       const struct ctrl_state *after,
				       unsigned int number)
{
	unsigned int i;

	if (number)
		return find(after, number);
	for (i = 0; i < after->nr_queues; i++)
		if (!strcmp(after->queues[i].owner, "admin") &&
		    !find(before, after->queues[i].number))
			return &after->queues[i];
	return NULL;
}

static bool parse_number(const char *text, unsigned int *value)
{
	unsigned long long n;
	char *end;

	*value = 0;
	if (!text)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 0);
	*value = n;
	return !*end && !errno && n <= INT_MAX;
}

/* Is there a queue that could be removed? */
static bool by_hand(const struct ctrl_state *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++)
		if (!strcmp(s->queues[i].owner, "admin"))
			return true;
	return false;
}

static int no_room(const struct ctrl_state *s, const char *mode)
{
	if (!s->granted)
		return fail("cannot create a queue on %s: no queues are reserved on it; raise nvme.steer_queues (it is %u) and reset the controller (ENOSPC)",
			    s->ctrl, s->asked);
	if (!strcmp(mode, "irq") && s->used < s->granted)
		return fail("cannot create a queue on %s: all %u reserved interrupt vectors are taken; use --mode poll, or raise nvme.steer_queues and reset the controller (ENOSPC)",
			    s->ctrl, s->vectors);
	return fail("cannot create a queue on %s: all %u reserved queues exist; %sraise nvme.steer_queues (it is %u) and reset the controller (ENOSPC)",
		    s->ctrl, s->granted,
		    by_hand(s) ? "'nvmesteer queues remove' frees one, or " : "",
		    s->asked);
}

static int refused(const struct ctrl_state *s, const char *what, int err)
{
	switch (-err) {
	case ENODEV:
		return fail("cannot %s on %s: the controller is not live, a reset may be going on or it was removed; try again when /sys/class/nvme/%s/state says live (ENODEV)",
			    what, s->ctrl, s->ctrl);
	case EIO:
		return fail("cannot %s on %s: the controller refused the command; 'dmesg' shows its answer (EIO)",
			    what, s->ctrl);
	case EACCES:
		return fail("cannot %s on %s: not enough privilege; run it as root (EACCES)",
			    what, s->ctrl);
	default:
		return fail("cannot %s on %s: %s (%s)", what, s->ctrl,
			    strerror(-err), errno_name(err));
	}
}

static int add_failed(const struct ctrl_state *s, const struct request *r,
		      unsigned int number, int err)
{
	char what[64];

	switch (-err) {
	case ENOSPC:
		return no_room(s, r->mode);
	case ERANGE:
		return fail("cannot create queue %u on %s: its numbers are 1 to %u; raise nvme.steer_queues (it is %u) and reset the controller (ERANGE)",
			    number, s->ctrl, s->granted, s->asked);
	case EEXIST:
		return fail("cannot create queue %u on %s: it exists; leave out --number for the lowest free one (EEXIST)",
			    number, s->ctrl);
	}
	if (number)
		snprintf(what, sizeof(what), "create queue %u", number);
	else
		snprintf(what, sizeof(what), "create a queue");
	return refused(s, what, err);
}

static int check_depth(const struct ctrl_state *s, const char *text,
		       unsigned int *depth)
{
	if (parse_number(text, depth) &&
	    (!*depth || (*depth >= 2 && *depth <= s->max_depth)))
		return EXIT_OK;
	return fail_code(EXIT_USAGE,
		"depth '%s' is out of range: a queue of %s has 2 to %u entries; leave out --depth for the most",
		text, s->ctrl, s->max_depth);
}

static int say_added(const struct ctrl_state *before, unsigned int number)
{
	const struct queue_state *q;
	struct ctrl_state after;
	int err;

	err = kstate__read(before->ctrl, &after);
	if (err)
		return refused(before, "see the new queue", err);
	q = added(before, &after, number);
	if (!q)
		note("the queue was added, but is gone again");
	else if (opt_json)
		print_json(&after, q);
	else
		printf("%u\n", q->number);
	kstate__free(&after);
	return EXIT_OK;
}

/* Read again under the lock, so that the new queue is known by comparison. */
static int add_locked(const char *ctrl, const struct request *r,
		      unsigned int number, unsigned int depth)
{
	struct ctrl_state before;
	char text[64];
	int err, code;

	err = kstate__read(ctrl, &before);
	if (err)
		return fail("cannot read the state of %s: %s (%s)", ctrl,
			    strerror(-err), errno_name(err));
	snprintf(text, sizeof(text), "%u %s %u", number, r->mode, depth);
	err = kstate__write(ctrl, "queue_add", text);
	code = err ? add_failed(&before, r, number, err) :
		     say_added(&before, number);
	kstate__free(&before);
	return code;
}

static int add(const struct ctrl_state *s, const struct request *r)
{
	unsigned int number, depth;
	int lock, code;

	if (!r->mode || (strcmp(r->mode, "poll") && strcmp(r->mode, "irq")))
		return fail_code(EXIT_USAGE,
			"queues add needs --mode poll (for IOPOLL rings) or --mode irq");
	if (!parse_number(r->number, &number) ||
	    number > NVME_STEER_MAX_QUEUES || (r->number && !number))
		return fail_code(EXIT_USAGE,
			"'%s' is no queue number; they are 1 to %u on %s",
			r->number, s->granted, s->ctrl);
	code = check_depth(s, r->depth, &depth);
	if (code)
		return code;
	/* Without it, two at a time only get their numbers mixed up. */
	lock = pin__lock();
	code = add_locked(s->ctrl, r, number, depth);
	if (lock >= 0)
		close(lock);
	return code;
}

static int remove_failed(const struct ctrl_state *s, unsigned int number,
			 int err)
{
	char what[64];

	switch (-err) {
	case ENOENT:
		return fail("cannot remove queue %u on %s: it does not exist; 'nvmesteer queues %s' shows those that do (ENOENT)",
			    number, s->ctrl, s->ctrl);
	case EPERM:
		return fail("cannot remove queue %u on %s: policy '%s' owns it; 'nvmesteer unload %s' frees it (EPERM)",
			    number, s->ctrl, s->policy, s->ctrl);
	}
	snprintf(what, sizeof(what), "remove queue %u", number);
	return refused(s, what, err);
}

static int remove_queue(const struct ctrl_state *s, const char *which)
{
	const struct queue_state *q;
	unsigned int number;
	char text[16];
	int err;

	parse_number(which, &number);
	if (!number)
		return fail("cannot remove queue 0 on %s: it is the driver's own path, not a steer queue",
			    s->ctrl);
	q = find(s, number);
	snprintf(text, sizeof(text), "%u", number);
	err = kstate__write(s->ctrl, "queue_remove", text);
	if (err)
		return remove_failed(s, number, err);
	if (opt_json && q)
		print_json(s, q);
	return EXIT_OK;
}

/* --------------------------------------------------------------- the verb */

static void set_dev(void *ctx, const char *arg)
{
	((struct request *)ctx)->dev = arg;
}

static void set_number(void *ctx, const char *arg)
{
	((struct request *)ctx)->number = arg;
}

static void set_mode(void *ctx, const char *arg)
{
	((struct request *)ctx)->mode = arg;
}

static void set_depth(void *ctx, const char *arg)
{
	((struct request *)ctx)->depth = arg;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "mode", .arg = "poll|irq", .set = set_mode,
	  .help = "add: how completions are found" },
	{ .name = "number", .arg = "N", .set = set_number,
	  .help = "add: its number (default: the lowest free)" },
	{ .name = "depth", .arg = "D", .set = set_depth,
	  .help = "add: its entries (default: the most)" },
	{ 0 },
};

static bool is_action(const char *arg)
{
	return !strcmp(arg, "add") || !strcmp(arg, "remove");
}

/* Neither a controller nor a path to one. */
static bool is_plain_word(const char *arg)
{
	return !strpbrk(arg, "/0123456789");
}

static int act(const char *action, const struct request *r, const char *which)
{
	struct ctrl_state s;
	char why[256];
	int code;

	code = show__read(r->dev, &s, why);
	if (code)
		return fail_code(code, "%s", why);
	if (!action)
		code = show(&s);
	else if (!strcmp(action, "add"))
		code = add(&s, r);
	else
		code = remove_queue(&s, which);
	kstate__free(&s);
	return code;
}

int cmd_queues(int argc, char **argv)
{
	const char *action = NULL, *which = NULL;
	struct request r = { 0 };
	unsigned int number;
	int first, code;

	first = opts__parse(verb__find("queues"), opts, &r, argc, argv, &code);
	if (first < 0)
		return code;
	argc -= first;
	argv += first;
	if (argc && is_action(argv[0])) {
		action = argv[0];
		argc--;
		argv++;
	}
	if (action && !strcmp(action, "remove") && argc)
		which = argv[--argc];
	if (action && *action == 'r' &&
	    (!which || !parse_number(which, &number)))
		return fail_code(EXIT_USAGE,
			"queues remove needs a queue's number; write 'nvmesteer queues remove nvme0 1'");
	if (!action && argc && is_plain_word(argv[0]))
		return fail_code(EXIT_USAGE,
			"queues has no '%s'; write 'nvmesteer queues add', 'queues remove', or 'queues nvme0' to see them",
			argv[0]);
	if (!show__one_dev(&r.dev, argc, argv))
		return fail_code(EXIT_USAGE,
			"queues takes one controller; see 'nvmesteer queues --help'");
	if ((!action || *action != 'a') && (r.mode || r.number || r.depth))
		return fail_code(EXIT_USAGE,
			"--mode, --number and --depth are for 'nvmesteer queues add'");
	return act(action, &r, which);
}
