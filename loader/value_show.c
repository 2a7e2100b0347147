// SPDX-License-Identifier: GPL-2.0
/*
 * What `get` prints of maps: elements under their keys, counters of all CPUs
 * added up, other per-CPU values one by one, and nothing of what is all zero
 * in an array of several entries unless it is asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value_place.h"

/* Nothing but unsigned 64-bit integers: a counter, of which sums make sense. */
static bool is_counter(const struct place *p)
{
	unsigned int i, n = place__members(p);
	const struct btf_type *t = place__type(p);
	struct place member;

	if (!n)
		return btf_is_int(t) && t->size == 8 && !p->bits &&
		       !(btf_int_encoding(t) & BTF_INT_SIGNED);
	for (i = 0; i < n; i++) {
		place__member(p, i, &member);
		if (!is_counter(&member))
			return false;
	}
	return true;
}

/* Add the values of the other CPUs to those of the first. */
static void add_cpus(const struct value_map *m, uint64_t *element)
{
	unsigned int cpu, i, words = m->stride / 8;

	for (cpu = 1; cpu < m->cpus; cpu++)
		for (i = 0; i < words; i++)
			element[i] += element[cpu * words + i];
}

void show__place(const struct place *p, const char *path, struct json *j)
{
	if (j)
		place__json(p, j, "value");
	else
		place__print(p, path, stdout);
}

/* The value on one CPU, narrowed to the fields. */
static int on_cpu(const struct value_map *m, void *element, unsigned int cpu,
		  const char *fields, struct place *p, char *why)
{
	*p = value_map__value(m, (uint8_t *)element + cpu * m->stride);
	return place__walk(p, fields, why);
}

/* A value of each CPU: those that are not zero, as text. */
static int print_cpus(const struct value_map *m, void *element,
		      const char *path, const char *fields, char *why)
{
	char label[2 * VALUE_PATH + 32];
	unsigned int cpu;
	struct place p;
	int err;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		err = on_cpu(m, element, cpu, fields, &p, why);
		if (err)
			return err;
		if (place__is_zero(&p) && m->cpus > 1)
			continue;
		snprintf(label, sizeof(label), "%s[cpu %u]%s%s", path, cpu,
			 fields[0] ? "." : "", fields);
		place__print(&p, label, stdout);
	}
	return 0;
}

static int json_cpus(const struct value_map *m, void *element,
		     const char *fields, struct json *j, const char *name,
		     char *why)
{
	unsigned int cpu;
	struct place p;
	int err;

	err = on_cpu(m, element, 0, fields, &p, why);
	if (err)
		return err;
	json__array(j, name);
	for (cpu = 0; cpu < m->cpus; cpu++) {
		on_cpu(m, element, cpu, fields, &p, why);
		place__json(&p, j, NULL);
	}
	json__array_end(j);
	return 0;
}

/* @name: the JSON key of the element. */
static int show_named(const struct value_map *m, void *key, void *element,
		      const char *fields, struct json *j, const char *name,
		      char *why)
{
	char text[VALUE_PATH], path[2 * VALUE_PATH], label[3 * VALUE_PATH];
	struct place p = value_map__value(m, element);
	bool each = m->percpu && !is_counter(&p);
	int err;

	if (m->percpu && !each)
		add_cpus(m, element);
	if (j && each)
		return json_cpus(m, element, fields, j, name, why);
	err = place__walk(&p, fields, why);
	if (err)
		return err;
	if (j) {
		place__json(&p, j, name);
		return 0;
	}
	value_map__key_text(m, key, true, text, sizeof(text));
	snprintf(path, sizeof(path), "%s.%s", m->name, text);
	if (each)
		return print_cpus(m, element, path, fields, why);
	snprintf(label, sizeof(label), "%s%s%s", path, fields[0] ? "." : "",
		 fields);
	place__print(&p, label, stdout);
	return 0;
}

int show__element(const struct value_map *m, void *key, void *element,
		  const char *fields, struct json *j, char *why)
{
	struct place p = value_map__value(m, element);
	int err;

	if (j && m->percpu && is_counter(&p)) {
		err = json_cpus(m, element, fields, j, "per_cpu", why);
		if (err)
			return err;
	}
	return show_named(m, key, element, fields, j, "value", why);
}

/* ------------------------------------------------------------ whole maps */

struct walk {
	const struct value_map *map;
	void *key;
	void *element;
	uint32_t empty;
	uint32_t shown;
};

static bool all_zero(const struct walk *w)
{
	const uint8_t *bytes = w->element;
	size_t i, size = (size_t)w->map->cpus * w->map->stride;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static int show_next(struct walk *w, struct json *j, char *why)
{
	char text[VALUE_PATH];
	int err;

	err = value_map__read(w->map, w->key, w->element, why);
	if (err == -ENOENT)
		return 0;	/* removed meanwhile */
	if (err)
		return err;
	if (w->map->array && w->map->info.max_entries > 1 && all_zero(w)) {
		w->empty++;
		return 0;
	}
	w->shown++;
	value_map__key_text(w->map, w->key, false, text, sizeof(text));
	return show_named(w->map, w->key, w->element, "", j, text, why);
}

/*
 * Calls @fn for every key. A hash that changes meanwhile may begin anew: no
 * more steps are made than it can have entries, twice.
 */
static int each_key(struct walk *w, struct json *j, char *why,
		    int (*fn)(struct walk *w, struct json *j, char *why))
{
	uint64_t limit = 2ULL * w->map->info.max_entries;
	void *next = calloc(1, w->map->info.key_size);
	void *from = NULL;
	int err = next ? 0 : -ENOMEM;

	while (!err && limit-- &&
	       !bpf_map_get_next_key(w->map->fd, from, next)) {
		memcpy(w->key, next, w->map->info.key_size);
		from = w->key;
		err = fn(w, j, why);
	}
	free(next);
	return err;
}

static int name_cgroup(struct walk *w, struct json *j, char *why)
{
	char id[32], path[VALUE_PATH];
	uint64_t number;

	(void)why;
	memcpy(&number, w->key, sizeof(number));
	value_map__key_text(w->map, w->key, false, id, sizeof(id));
	if (!cgroup__path(number, path, sizeof(path)))
		json__str(j, id, path);
	return 0;
}

static int map_json(struct walk *w, struct json *j, char *why)
{
	int err;

	json__object(j, "value");
	err = each_key(w, j, why, show_next);
	json__object_end(j);
	if (w->map->array)
		json__uint(j, "empty_entries", w->empty);
	if (err || !w->map->cgroups)
		return err;
	json__object(j, "cgroups");
	err = each_key(w, j, why, name_cgroup);
	json__object_end(j);
	return err;
}

static int map_text(struct walk *w, char *why)
{
	int err = each_key(w, NULL, why, show_next);

	if (w->empty)
		printf("# %s: %u of %u entries are empty\n", w->map->name,
		       w->empty, w->map->info.max_entries);
	else if (!w->shown && !err)
		printf("# %s: no entries\n", w->map->name);
	return err;
}

int show__map(const struct value_map *m, struct json *j, char *why)
{
	struct walk w = {
		.map = m,
		.key = calloc(1, m->info.key_size),
		.element = value_map__alloc(m),
	};
	int err;

	if (!w.key || !w.element)
		err = value_error(why, -ENOMEM, "out of memory");
	else
		err = j ? map_json(&w, j, why) : map_text(&w, why);
	free(w.key);
	free(w.element);
	return err;
}
