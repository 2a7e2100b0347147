// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer stats: the counters of a controller's queues, shares and events,
 * once or again and again. Queue 0 is the driver's own path. The keys of the
 * JSON are what scripts rely on: they are only ever added to.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nvmesteer.h"

#define WATCH_MAX_S	86400

struct request {
	const char *dev;
	const char *watch;	/* NULL: once; "": the default */
	double period_s;
	bool histograms;
};

/* The counters to show, and those shown before for the rates. */
struct sample {
	struct ctrl_state now, before;
	struct shares shares;
	bool watching, histograms;
	double interval_s;	/* 0: the first one, there is no rate yet */
};

/* ------------------------------------------------------------------- rates */

static const struct queue_state *queue_before(const struct sample *s,
					      unsigned int number)
{
	unsigned int i;

	for (i = 0; i < s->before.nr_queues; i++)
		if (s->before.queues[i].number == number)
			return &s->before.queues[i];
	return NULL;
}

/* A queue that was freed and created again starts at zero again. */
static double rate(const struct sample *s, uint64_t now, uint64_t before)
{
	if (now < before)
		before = 0;
	return (now - before) / s->interval_s;
}

/* The counters of a queue, in the order of the table, which has no sums. */
static const struct {
	const char *key, *rate_key;
	size_t at;
	bool sum;
} counters[] = {
#define COUNTER_OR_SUM(name, sum) \
	{ #name, #name "_per_s", offsetof(struct queue_state, name), sum }
#define COUNTER(name)	COUNTER_OR_SUM(name, false)
	COUNTER(submitted), COUNTER(completed), COUNTER(failed),
	COUNTER(cancelled), COUNTER_OR_SUM(doorbells, true),
	COUNTER(sq_doorbells), COUNTER(cq_doorbells), COUNTER(interrupts),
#undef COUNTER
#undef COUNTER_OR_SUM
};

#define NR_COUNTERS	(sizeof(counters) / sizeof(counters[0]))

static uint64_t counter(const struct queue_state *q, size_t i)
{
	return q ? *(const uint64_t *)((const char *)q + counters[i].at) : 0;
}

static double queue_rate(const struct sample *s, const struct queue_state *q,
			 size_t i)
{
	return rate(s, counter(q, i), counter(queue_before(s, q->number), i));
}

static double event_rate(const struct sample *s, const struct event_state *e)
{
	unsigned int i;

	for (i = 0; i < s->before.nr_events; i++)
		if (!strcmp(s->before.events[i].name, e->name))
			return rate(s, e->count, s->before.events[i].count);
	return rate(s, e->count, 0);
}

/* -------------------------------------------------------------------- JSON */

static void queue_rates(struct json *j, const struct sample *s,
			const struct queue_state *q)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++) {
		if (s->interval_s > 0)
			json__double(j, counters[i].rate_key,
				     queue_rate(s, q, i));
		else
			json__null(j, counters[i].rate_key);
	}
}

static void queue_object(struct json *j, const struct sample *s,
			 const struct queue_state *q)
{
	json__object(j, NULL);
	json__uint(j, "queue", q->number);
	json__str(j, "mode", q->mode);
	json__uint(j, "submitted", q->submitted);
	json__uint(j, "completed", q->completed);
	json__uint(j, "failed", q->failed);
	json__uint(j, "cancelled", q->cancelled);
	json__uint(j, "inflight", q->inflight);
	json__uint(j, "doorbells", q->doorbells);
	json__uint(j, "sq_doorbells", q->sq_doorbells);
	json__uint(j, "cq_doorbells", q->cq_doorbells);
	json__uint(j, "interrupts", q->interrupts);
	json__uint(j, "waiting", q->waiting);
	show__number(j, "share", q->share ? (int)q->share : -1);
	json__str(j, "state", q->state);
	json__str(j, "owner", q->owner);
	show__number(j, "qid", q->qid);
	show__number(j, "depth", q->depth);
	if (s->watching)
		queue_rates(j, s, q);
	json__object_end(j);
}

static void event_rates(struct json *j, const struct sample *s)
{
	unsigned int i;

	json__object(j, "events_per_s");
	for (i = 0; i < s->now.nr_events; i++) {
		if (s->interval_s > 0)
			json__double(j, s->now.events[i].name,
				     event_rate(s, &s->now.events[i]));
		else
			json__null(j, s->now.events[i].name);
	}
	json__object_end(j);
}

static void print_json(const struct sample *s)
{
	struct json j;
	unsigned int i;

	json__begin(&j, stdout, "stats");
	show__policy(&j, &s->now);
	json__array(&j, "queues");
	for (i = 0; i < s->now.nr_queues; i++)
		queue_object(&j, s, &s->now.queues[i]);
	json__array_end(&j);
	shares__json(&j, &s->shares, s->histograms);
	json__object(&j, "events");
	for (i = 0; i < s->now.nr_events; i++)
		json__uint(&j, s->now.events[i].name, s->now.events[i].count);
	json__object_end(&j);
	if (s->watching) {
		event_rates(&j, s);
		if (s->interval_s > 0)
			json__double(&j, "interval_s", s->interval_s);
		else
			json__null(&j, "interval_s");
	}
	json__end(&j);
}

/* ------------------------------------------------------------------ tables */

static const char *const totals[] = {
	">QUEUE", "MODE", "STATE", "OWNER", ">DEPTH", ">SHARE", ">WAITING",
	">INFLIGHT", ">SUBMITTED", ">COMPLETED", ">FAILED", ">CANCELLED",
	">SQ_DOORBELLS", ">CQ_DOORBELLS", ">INTERRUPTS",
};

static const char *const rates[] = {
	">QUEUE", "MODE", "STATE", "OWNER", ">DEPTH", ">SHARE", ">WAITING",
	">INFLIGHT", ">SUBMITTED/S", ">COMPLETED/S", ">FAILED/S", ">CANCELLED/S",
	">SQ_DOORBELLS/S", ">CQ_DOORBELLS/S", ">INTERRUPTS/S",
};

static void queue_row(struct table *t, const struct sample *s,
		      const struct queue_state *q)
{
	size_t i;

	table__cell(t, "%u", q->number);
	table__cell(t, "%s", q->mode);
	table__cell(t, "%s", q->state);
	table__cell(t, "%s", q->owner);
	if (q->depth < 0)
		table__cell(t, "%s", "");
	else
		table__cell(t, "%d", q->depth);
	/* where nothing can wait, "-" */
	if (q->share) {
		table__cell(t, "%llu", (unsigned long long)q->share);
		table__cell(t, "%llu", (unsigned long long)q->waiting);
	} else {
		table__cell(t, "%s", "");
		table__cell(t, "%s", "");
	}
	table__cell(t, "%llu", (unsigned long long)q->inflight);
	for (i = 0; i < NR_COUNTERS; i++) {
		if (counters[i].sum)
			continue;
		if (!s->watching)
			table__cell(t, "%llu",
				    (unsigned long long)counter(q, i));
		else if (s->interval_s > 0)
			table__cell(t, "%.0f", queue_rate(s, q, i));
		else
			table__cell(t, "%s", "");
	}
}

static void queue_table(const struct sample *s)
{
	struct table *t;
	unsigned int i;

	t = table__new(sizeof(totals) / sizeof(totals[0]),
		       s->watching ? rates : totals);
	for (i = 0; i < s->now.nr_queues; i++)
		queue_row(t, s, &s->now.queues[i]);
	table__print(t, stdout);
	table__free(t);
}

/* Events that never happened are left out. */
static void event_table(const struct sample *s)
{
	static const char *const headers[] = { "EVENT", ">COUNT", ">COUNT/S" };
	const struct event_state *e;
	unsigned int i, shown = 0;
	struct table *t;
	char text[24];

	t = table__new(s->watching ? 3 : 2, headers);
	for (i = 0; i < s->now.nr_events; i++) {
		e = &s->now.events[i];
		if (!e->count)
			continue;
		shown++;
		table__cell(t, "%s", e->name);
		out__count(e->name, e->count, text, sizeof(text));
		table__cell(t, "%s", text);
		*text = '\0';
		if (s->interval_s > 0)
			out__count(e->name, event_rate(s, e), text,
				   sizeof(text));
		if (s->watching)
			table__cell(t, "%s", text);
	}
	if (shown) {
		putchar('\n');
		table__print(t, stdout);
	}
	table__free(t);
}

static void print_tables(const struct sample *s)
{
	if (s->watching && isatty(STDOUT_FILENO))
		printf("\033[H\033[2J");
	if (s->now.policy[0])
		printf("%s, policy '%s'\n\n", s->now.ctrl, s->now.policy);
	else
		printf("%s, no policy attached\n\n", s->now.ctrl);
	queue_table(s);
	shares__table(&s->shares);
	event_table(s);
	if (s->histograms)
		shares__bars(&s->shares);
	if (s->watching && !isatty(STDOUT_FILENO))
		putchar('\n');
}

static void print(const struct sample *s)
{
	if (opt_json)
		print_json(s);
	else
		print_tables(s);
	fflush(stdout);
}

/* --------------------------------------------------------------- the verb */

/* Read what there is now; as show__read(). */
static int read_now(const char *dev, struct sample *s, char *why)
{
	int code = show__read(dev, &s->now, why), err;

	if (code)
		return code;
	shares__free(&s->shares);
	err = shares__read(s->now.ctrl, &s->shares);
	if (!err)
		err = shares__read_groups(&s->now, &s->shares);
	if (!err)
		return 0;
	snprintf(why, 256, "cannot read the shares of %s: %s (%s)", s->now.ctrl,
		 strerror(-err), errno_name(err));
	return EXIT_FAILED;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void wait_s(double seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	ts.tv_nsec = (seconds - ts.tv_sec) * 1e9;
	nanosleep(&ts, NULL);
}

/* The controller is resolved once: a second one does not end the watching. */
static int watch(const struct request *r, struct sample *s, char *why)
{
	double last = now_s(), now;
	char ctrl[32];
	int code;

	memcpy(ctrl, s->now.ctrl, sizeof(ctrl));
	while (!ferror(stdout)) {
		wait_s(r->period_s);
		kstate__free(&s->before);
		s->before = s->now;
		memset(&s->now, 0, sizeof(s->now));
		code = read_now(ctrl, s, why);
		if (code)
			return code;
		now = now_s();
		s->interval_s = now - last;
		last = now;
		print(s);
	}
	return EXIT_OK;
}

static int run(const struct request *r)
{
	struct sample s = {
		.watching = r->watch,
		.histograms = r->histograms,
	};
	char why[256];
	int code;

	code = read_now(r->dev, &s, why);
	if (!code) {
		print(&s);
		if (s.watching)
			code = watch(r, &s, why);
	}
	kstate__free(&s.now);
	kstate__free(&s.before);
	shares__free(&s.shares);
	return code ? fail_code(code, "%s", why) : EXIT_OK;
}

static bool parse_period(struct request *r)
{
	char *end;

	r->period_s = 1;
	if (!r->watch || !*r->watch)
		return true;
	r->period_s = strtod(r->watch, &end);
	return !*end && r->period_s >= 0.01 && r->period_s <= WATCH_MAX_S;
}

static void set_dev(void *ctx, const char *arg)
{
	((struct request *)ctx)->dev = arg;
}

static void set_watch(void *ctx, const char *arg)
{
	((struct request *)ctx)->watch = arg ? arg : "";
}

static void set_histograms(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->histograms = true;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "watch", .arg = "SECONDS", .arg_optional = true,
	  .set = set_watch,
	  .help = "show rates, again and again (default: 1)" },
	{ .name = "histogram", .set = set_histograms,
	  .help = "show how long commands of each share took" },
	{ 0 },
};

int cmd_stats(int argc, char **argv)
{
	struct request r = { 0 };
	int first, code;

	first = opts__parse(verb__find("stats"), opts, &r, argc, argv, &code);
	if (first < 0)
		return code;
	if (!show__one_dev(&r.dev, argc - first, argv + first))
		return fail_code(EXIT_USAGE,
			"stats takes one controller; see 'nvmesteer stats --help'");
	if (r.watch && r.dev && !r.dev[strspn(r.dev, "0123456789.")])
		return fail_code(EXIT_USAGE,
			"'%s' is no controller; write --watch=%s", r.dev,
			r.dev);
	if (!parse_period(&r))
		return fail_code(EXIT_USAGE,
			"'%s' is no number of seconds from 0.01 to %d; write --watch=2",
			r.watch, WATCH_MAX_S);
	return run(&r);
}
