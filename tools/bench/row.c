// SPDX-License-Identifier: GPL-2.0
/*
 * A row's two texts: how it is asked for on the command line, and the line of
 * JSON that says what was measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <linux/types.h>
#include <nvmesteer/abi.h>

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

static const char *const paths[MAX_PATHS] = {
	[NVME_STEER_COPY_DEFAULT]	= "none",
	[NVME_STEER_COPY_OFFLOAD]	= "offload",
	[NVME_STEER_COPY_SPLIT]		= "split",
	[NVME_STEER_COPY_EMULATE]	= "emulate",
	[NVME_STEER_COPY_HYBRID]	= "hybrid",
};

static unsigned int path_called(const char *name)
{
	unsigned int i;

	for (i = 1; i < MAX_PATHS; i++)
		if (!strcmp(name, paths[i]))
			return i;
	usage_error("there is no path '%s' for copies", name);
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
	else if (!strcmp(key, "ranges") && value && row->kind->copies)
		row->ranges = number(key, value, MAX_RANGES);
	else if (!strcmp(key, "how") && value && row->kind->copies)
		row->how = path_called(value);
	else if (!strcmp(key, "merge") && !value && row->kind->copies)
		row->merge = true;
	else if (!strcmp(key, "wait") && !value && row->kind->copies)
		row->wait = true;
	else if (!strcmp(key, "rare") && !value)
		row->rare = true;
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
	row->ranges = 1;
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
	if (row->wait && !row->poll)
		usage_error("a row that waits as it submits is one that polls");
	free(copy);
}

size_t row__room(const struct row *row)
{
	size_t size = row->kind->extra;

	if (!row->kind->copies)
		size += ((size_t)row->depth * row->bytes + 4095) & ~4095ul;
	else if (row->kind->buffered)
		size += MIN((size_t)row->ranges * row->bytes, WINDOW_BYTES);
	else
		size *= row->depth;
	return size;
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
			   row->kind->copies ? "copy" :
			   row->write ? "write" : "read");
	json__uint(j, "batch", row->batch);
	json__uint(j, "reap", row->reap);
	json__uint(j, "depth", row->depth);
	json__uint(j, "bytes", row->kind->no_data ? 0 : row->bytes);
	json__bool(j, "poll", row->poll);
	json__bool(j, "fixed", row->fixed);
	json__bool(j, "huge_pages", row->huge);
	if (!row->kind->copies)
		return;
	json__uint(j, "ranges", row->ranges);
	json__bool(j, "merge", row->merge);
	json__bool(j, "rare", row->rare);
	json__bool(j, "wait", row->wait);
	json__str(j, "how", row->how ? paths[row->how] : NULL);
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
	json__double(j, "least_insn_per_io", r->least);
	json__double(j, "mean_insn_per_io", r->mean);
}

/* Of all commands, for copies of different sizes to be compared. */
static void by_data(struct json *j, const struct row *row,
		    const struct result *r)
{
	double mib = (double)row->ranges * row->bytes / (1 << 20);
	bool steered = r->steered > 0;
	unsigned int i;

	value(j, "insn_per_mib", r->seconds > 0 ? -1 : r->total / mib);
	value(j, "commands_per_mib",
	      steered ? r->steered / mib : r->commands ? r->commands / mib : -1);
	json__double(j, "calls_per_mib", r->calls / mib);
	json__double(j, "interrupts_per_mib", r->interrupts / mib);
	value(j, "doorbells_per_mib",
	      r->doorbells < 0 ? -1 : r->doorbells / mib);
	json__object(j, "paths");
	for (i = 1; i < MAX_PATHS; i++)
		json__uint(j, paths[i], r->paths[i]);
	json__object_end(j);
	if (!(r->seconds > 0))
		return;
	json__object(j, "path_mean_us");
	for (i = 1; i < MAX_PATHS; i++)
		value(j, paths[i], r->paths[i] ? r->path_us[i] : -1);
	json__object_end(j);
	json__object(j, "path_p50_us");
	for (i = 1; i < MAX_PATHS; i++)
		value(j, paths[i], r->paths[i] ? r->path_p50_us[i] : -1);
	json__object_end(j);
}

static void by_neighbour(struct json *j, const struct row *row,
			 const struct result *r)
{
	json__str(j, "beside", row->text);
	json__double(j, "beside_iops", r->beside_iops);
	json__double(j, "beside_mib_per_s", r->beside_iops * row->bytes *
		     (row->kind->copies ? row->ranges : 1) / (1 << 20));
}

void row__print(const struct row *row, const struct row *beside,
		const struct result *r, char *const notes[],
		unsigned int nr_notes)
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
	if (row->kind->copies)
		by_data(&j, row, r);
	if (beside)
		by_neighbour(&j, beside, r);
	json__uint(&j, "verified_bytes", r->verified);
	json__end(&j);
	fflush(stdout);
}
