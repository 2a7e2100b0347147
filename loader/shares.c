// SPDX-License-Identifier: GPL-2.0
/*
 * What the shares of a policy have, wait for and had: the files shares and
 * shares_hist of a controller, as tables, bars and JSON.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmesteer.h"

#define BAR	40	/* characters of the longest one */
#define CGROUPS	120	/* and of a list of cgroups */

static const unsigned int per_mille[] = { 500, 990, 999 };

/* The numbers of a line of the file shares, as they are named there. */
static const struct {
	const char *key;
	size_t at;
} numbers[] = {
#define NUMBER(name) { #name, offsetof(struct share_state, name) }
	NUMBER(weight), NUMBER(depth), NUMBER(iops), NUMBER(bps),
	NUMBER(burst_ms), NUMBER(latency_us), NUMBER(cap), NUMBER(inflight),
	NUMBER(peak), NUMBER(waiting), NUMBER(commands), NUMBER(bytes),
	NUMBER(waits), NUMBER(missed),
#undef NUMBER
};

#define NR_NUMBERS	(sizeof(numbers) / sizeof(numbers[0]))

/* ----------------------------------------------------------------- reading */

static void parse_number(struct share_state *s, char *word)
{
	char *value = strchr(word, '=');
	size_t i;

	if (!value)
		return;
	*value++ = '\0';
	for (i = 0; i < NR_NUMBERS; i++)
		if (!strcmp(numbers[i].key, word))
			*(uint64_t *)((char *)s + numbers[i].at) =
				strtoull(value, NULL, 10);
}

static struct share_state *share_numbered(struct shares *all,
					  const char *word)
{
	unsigned int i, number = strtoul(word, NULL, 10);

	for (i = 0; i < all->nr; i++)
		if (all->share[i].number == number)
			return &all->share[i];
	return NULL;
}

static int parse_shares(struct shares *all, char *text)
{
	char *line, *word, *lines = NULL, *words;
	struct share_state *more;

	for (line = strtok_r(text, "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines)) {
		word = strtok_r(line, " ", &words);
		if (!word || !isdigit((unsigned char)*word))
			continue;
		more = realloc(all->share, (all->nr + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		all->share = more;
		more += all->nr++;
		memset(more, 0, sizeof(*more));
		more->number = strtoul(word, NULL, 10);
		while ((word = strtok_r(NULL, " ", &words)))
			parse_number(more, word);
	}
	return 0;
}

/* "3 wait 0 17 4 ...": commands that waited below 1, 2, 4, ... microseconds. */
static void parse_histograms(struct shares *all, char *text)
{
	char *line, *word, *lines = NULL, *words;
	struct share_state *s;
	struct histogram *h;

	for (line = strtok_r(text, "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines)) {
		word = strtok_r(line, " ", &words);
		s = word ? share_numbered(all, word) : NULL;
		word = s ? strtok_r(NULL, " ", &words) : NULL;
		if (!word)
			continue;
		h = strcmp(word, "wait") ? &s->device : &s->wait;
		while ((word = strtok_r(NULL, " ", &words)) &&
		       h->nr < HISTOGRAM_BUCKETS)
			h->bucket[h->nr++] = strtoull(word, NULL, 10);
	}
}

int shares__read(const char *ctrl, struct shares *all)
{
	char *text;
	int err;

	memset(all, 0, sizeof(*all));
	err = kstate__text(ctrl, "shares", &text);
	/* a module without shares */
	if (err)
		return err == -ENOENT ? 0 : err;
	err = parse_shares(all, text);
	free(text);
	if (!err && all->nr)
		err = kstate__text(ctrl, "shares_hist", &text);
	if (!err && all->nr) {
		parse_histograms(all, text);
		free(text);
	}
	if (err)
		shares__free(all);
	return err;
}

void shares__free(struct shares *all)
{
	while (all->nr_groups)
		free(all->group[--all->nr_groups].name);
	free(all->group);
	free(all->share);
	memset(all, 0, sizeof(*all));
}

/* -------------------------------------------------------------- histograms */

static uint64_t total(const struct histogram *h)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < h->nr; i++)
		sum += h->bucket[i];
	return sum;
}

/* Microseconds that a bucket's commands were below; 0: the last has no end. */
static uint64_t below_us(const struct histogram *h, unsigned int i)
{
	return i + 1 < h->nr ? 1ULL << i : 0;
}

/* The bucket of the command that so many of a thousand are no slower than. */
static unsigned int percentile(const struct histogram *h, unsigned int mille)
{
	uint64_t of = total(h), seen = 0;
	unsigned int i;

	for (i = 0; i + 1 < h->nr; i++) {
		seen += h->bucket[i];
		if (seen * 1000 >= of * mille)
			break;
	}
	return i;
}

static void percentile_cell(struct table *t, const struct histogram *h,
			    unsigned int mille)
{
	unsigned int i = percentile(h, mille);
	uint64_t below = below_us(h, i);

	if (!total(h))
		table__cell(t, "%s", "");
	else if (below)
		table__cell(t, "<%llu", (unsigned long long)below);
	else
		table__cell(t, ">=%llu", 1ULL << (i - 1));
}

static void percentiles(struct json *j, const char *what,
			const struct histogram *h)
{
	uint64_t below;
	char key[32];
	size_t i;

	for (i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++) {
		snprintf(key, sizeof(key), per_mille[i] % 10 ?
			 "%s_p%u_%u_below_us" : "%s_p%u_below_us", what,
			 per_mille[i] / 10, per_mille[i] % 10);
		below = total(h) ? below_us(h, percentile(h, per_mille[i])) : 0;
		if (below)
			json__uint(j, key, below);
		else
			json__null(j, key);
	}
}

static void buckets(struct json *j, const char *key, const struct histogram *h)
{
	unsigned int i;

	json__array(j, key);
	for (i = 0; i < h->nr; i++) {
		json__object(j, NULL);
		if (below_us(h, i))
			json__uint(j, "below_us", below_us(h, i));
		else
			json__null(j, "below_us");
		json__uint(j, "commands", h->bucket[i]);
		json__object_end(j);
	}
	json__array_end(j);
}

static void bars(const struct share_state *s, const char *what,
		 const struct histogram *h)
{
	unsigned int i, first = 0, last = h->nr;
	uint64_t most = 1;
	char text[24];

	if (!total(h))
		return;
	while (!h->bucket[first])
		first++;
	while (!h->bucket[last - 1])
		last--;
	for (i = first; i < last; i++)
		if (h->bucket[i] > most)
			most = h->bucket[i];
	printf("\nShare %u, %s, commands\n", s->number, what);
	for (i = first; i < last; i++) {
		int length = h->bucket[i] * BAR / most;

		snprintf(text, sizeof(text), below_us(h, i) ? "<%llu" : ">=%llu",
			 below_us(h, i) ? 1ULL << i : 1ULL << (i - 1));
		printf("%12s us %12llu ", text,
		       (unsigned long long)h->bucket[i]);
		while (length-- > 0)
			putchar('#');
		putchar('\n');
	}
}

/* ----------------------------------------------------------------- showing */

void shares__json(struct json *j, const struct shares *all, bool histograms)
{
	const struct share_state *s;
	size_t i;

	json__array(j, "shares");
	for (s = all->share; s < all->share + all->nr; s++) {
		json__object(j, NULL);
		json__uint(j, "share", s->number);
		for (i = 0; i < NR_NUMBERS; i++)
			json__uint(j, numbers[i].key,
				   *(const uint64_t *)((const char *)s +
						       numbers[i].at));
		json__array(j, "cgroups");
		for (i = 0; i < all->nr_groups; i++)
			if (all->group[i].share == s->number)
				json__str(j, NULL, all->group[i].name);
		json__array_end(j);
		percentiles(j, "wait", &s->wait);
		percentiles(j, "device", &s->device);
		if (histograms) {
			buckets(j, "wait_histogram", &s->wait);
			buckets(j, "device_histogram", &s->device);
		}
		json__object_end(j);
	}
	json__array_end(j);
}

/* Does it have limits or a cgroup, or had anything? */
static bool is_used(const struct shares *all, const struct share_state *s)
{
	unsigned int i;

	for (i = 0; i < all->nr_groups; i++)
		if (all->group[i].share == s->number)
			return true;
	return !s->number || s->commands || s->weight || s->depth || s->iops ||
	       s->bps || s->latency_us;
}

/* Their names side by side; what there is no room for is a number. */
static void groups_cell(struct table *t, const struct shares *all,
			const struct share_state *s)
{
	char text[CGROUPS] = "";
	size_t len = 0, i, more = 0;

	for (i = 0; i < all->nr_groups; i++) {
		const struct share_group *g = &all->group[i];

		if (g->share != s->number)
			continue;
		if (more || len + strlen(g->name) + 16 > sizeof(text))
			more++;
		else
			len += snprintf(text + len, sizeof(text) - len, "%s%s",
					len ? " " : "", g->name);
	}
	if (more)
		snprintf(text + len, sizeof(text) - len, "%s+%zu",
			 len ? " " : "", more);
	table__cell(t, "%s", text);
}

void shares__table(const struct shares *all)
{
	static const char *const headers[] = {
		">SHARE", ">WEIGHT", ">DEPTH", ">CAP", ">IOPS", ">BYTES/S",
		">INFLIGHT", ">WAITING", ">COMMANDS", ">BYTES",
		">WAIT_P50", ">P99", ">P99.9", ">DRIVE_P50", ">P99", ">P99.9",
		"CGROUPS",
	};
	const struct share_state *s;
	struct table *t;
	char text[24];
	size_t i;

	if (!all->nr)
		return;
	t = table__new(sizeof(headers) / sizeof(headers[0]), headers);
	for (s = all->share; s < all->share + all->nr; s++) {
		const uint64_t limits[] = { s->weight, s->depth, s->cap,
					    s->iops };

		if (!is_used(all, s))
			continue;
		table__cell(t, "%u", s->number);
		for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
			snprintf(text, sizeof(text), "%llu",
				 (unsigned long long)limits[i]);
			table__cell(t, "%s", limits[i] ? text : "");
		}
		*text = '\0';
		if (s->bps)
			out__bytes(s->bps, text, sizeof(text));
		table__cell(t, "%s", text);
		table__cell(t, "%llu", (unsigned long long)s->inflight);
		table__cell(t, "%llu", (unsigned long long)s->waiting);
		table__cell(t, "%llu", (unsigned long long)s->commands);
		out__bytes(s->bytes, text, sizeof(text));
		table__cell(t, "%s", text);
		for (i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++)
			percentile_cell(t, &s->wait, per_mille[i]);
		for (i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++)
			percentile_cell(t, &s->device, per_mille[i]);
		groups_cell(t, all, s);
	}
	putchar('\n');
	table__print(t, stdout);
	table__free(t);
	printf("Times are in microseconds: waiting for the share's turn, and at the drive.\n");
}

void shares__bars(const struct shares *all)
{
	const struct share_state *s;

	for (s = all->share; s < all->share + all->nr; s++) {
		bars(s, "waiting", &s->wait);
		bars(s, "at the drive", &s->device);
	}
}
