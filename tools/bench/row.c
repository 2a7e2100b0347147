// SPDX-License-Identifier: GPL-2.0
/*
 * A row's two texts: how it is asked for on the command line, and the line of
 * JSON that says what was measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "nvmesteer.h"

static const struct kind *find_kind(const char *name)
{
	unsigned int i;

	for (i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	usage_error("there is no kind of row '%s'", name);
}

/* 512, 4k, 1m */
static unsigned int number(const char *key, const char *text, unsigned int max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	if (*end == 'k')
		v <<= 10, end++;
	else if (*end == 'm')
		v <<= 20, end++;
	if (end == text || *end || !v || v > max)
		usage_error("%s=%s is not a number from 1 to %u", key, text,
			    max);
	return v;
}

static void set(struct row *row, const char *key, const char *value)
{
	if (!strcmp(key, "batch") && value)
		row->batch = number(key, value, MAX_BATCH);
	else if (!strcmp(key, "reap") && value)
		row->reap = number(key, value, MAX_BATCH);
	else if (!strcmp(key, "depth") && value)
		row->depth = number(key, value, MAX_BATCH);
	else if (!strcmp(key, "bytes") && value)
		row->bytes = number(key, value, MAX_BYTES);
	else if (!strcmp(key, "write") && !value)
		row->write = true;
	else if (!strcmp(key, "poll") && !value)
		row->poll = true;
	else if (!strcmp(key, "fixed") && !value)
		row->fixed = true;
	else if (!strcmp(key, "huge") && !value)
		row->huge = true;
	else
		usage_error("a row has no '%s%s%s'; see --help", key,
			    value ? "=" : "", value ? value : "");
}

void row__parse(struct row *row, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word, *value;

	if (!copy)
		die("strdup", ENOMEM);
	memset(row, 0, sizeof(*row));
	row->text = text;
	row->kind = find_kind(strsep(&rest, ","));
	row->batch = 1;
	row->bytes = 512;
	while ((word = strsep(&rest, ","))) {
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		set(row, word, value);
	}
	if (!row->depth || row->depth < row->batch)
		row->depth = row->batch;
	if (!row->reap || row->reap > row->depth)
		row->reap = row->batch;
	if (row->poll && row->kind->no_poll)
		usage_error("rows of kind %s do not poll", row->kind->name);
	free(copy);
}

static void value(struct json *j, const char *key, double v)
{
	if (v < 0)
		json__null(j, key);
	else
		json__double(j, key, v);
}

static void what(struct json *j, const struct row *row)
{
	json__str(j, "row", row->text);
	json__str(j, "kind", row->kind->name);
	json__str(j, "op", row->kind->no_data ? NULL :
			   row->write ? "write" : "read");
	json__uint(j, "batch", row->batch);
	json__uint(j, "reap", row->reap);
	json__uint(j, "depth", row->depth);
	json__uint(j, "bytes", row->kind->no_data ? 0 : row->bytes);
	json__bool(j, "poll", row->poll);
	json__bool(j, "fixed", row->fixed);
	json__bool(j, "huge_pages", row->huge);
}

static void by_clock(struct json *j, const struct result *r)
{
	static const char *const keys[5] = {
		"latency_p50_us", "latency_p90_us", "latency_p99_us",
		"latency_p999_us", "latency_max_us",
	};
	unsigned int i;

	json__double(j, "seconds", r->seconds);
	json__double(j, "iops", r->iops);
	for (i = 0; i < 5; i++)
		json__double(j, keys[i], r->latency_us[i]);
}

static void by_instructions(struct json *j, const struct row *row,
			    const struct result *r)
{
	json__uint(j, "rounds", r->rounds);
	json__double(j, "insn_per_io", r->total);
	json__double(j, "submit_insn_per_io", r->submit);
	value(j, "interrupt_insn_per_io",
	      row->poll || row->kind->no_ring ? -1 : r->wait);
	json__double(j, "reap_insn_per_io", r->reap);
	json__double(j, "spread_insn_per_io", r->spread);
}

void row__print(const struct row *row, const struct result *r,
		char *const notes[], unsigned int nr_notes)
{
	struct json j;
	unsigned int i;

	json__begin(&j, stdout, "bench-row");
	for (i = 0; i < nr_notes; i++)
		json__str(&j, notes[i], strchr(notes[i], '\0') + 1);
	what(&j, row);
	if (r->seconds > 0)
		by_clock(&j, r);
	else
		by_instructions(&j, row, r);
	json__double(&j, "calls_per_io", r->calls);
	json__double(&j, "interrupts_per_io", r->interrupts);
	json__double(&j, "steered_per_io", r->steered);
	value(&j, "doorbells_per_io", r->doorbells);
	value(&j, "sq_doorbells_per_io", r->sq_doorbells);
	value(&j, "cq_doorbells_per_io", r->cq_doorbells);
	json__uint(&j, "verified_bytes", r->verified);
	json__end(&j);
	fflush(stdout);
}
