// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer get: what is in the attached policy's maps and variables, or
 * without a key, which there are.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "keys.h"

/* ------------------------------------------------------- maps and variables */

struct listing {
	struct table *table;
	struct json *json;
};

static const char *kind(const struct value_map *m)
{
	const char *name;

	if (m->section)
		return m->info.map_flags & BPF_F_RDONLY_PROG ? "constant" :
							       "variable";
	name = libbpf_bpf_map_type_str(m->info.type);
	return name ? name : "map";
}

static void list_map(struct listing *l, const struct value_map *m)
{
	struct place key = value_map__key(m, NULL);
	struct place value = value_map__value(m, NULL);
	char key_type[128] = "u32", type[128];

	if (m->key_type)
		place__type_name(&key, key_type, sizeof(key_type));
	place__type_name(&value, type, sizeof(type));
	if (!l->json) {
		table__cell(l->table, "%s", m->name);
		table__cell(l->table, "%s", kind(m));
		table__cell(l->table, "%u", m->info.max_entries);
		table__cell(l->table, "%s", key_type);
		table__cell(l->table, "%s", type);
		table__cell(l->table, "-");
		return;
	}
	json__object(l->json, NULL);
	json__str(l->json, "name", m->name);
	json__str(l->json, "kind", kind(m));
	json__uint(l->json, "max_entries", m->info.max_entries);
	json__str(l->json, "key_type", key_type);
	json__str(l->json, "type", type);
	json__object_end(l->json);
}

static void list_variable(void *ctx, const struct value_map *m,
			  const struct place *p)
{
	struct listing *l = ctx;
	char type[128], value[VALUE_PATH] = "-";

	place__type_name(p, type, sizeof(type));
	if (!l->json) {
		if (!place__members(p) && !place__is_opaque(p))
			place__leaf(p, value, sizeof(value));
		table__cell(l->table, "%s", p->name);
		table__cell(l->table, "%s", kind(m));
		table__cell(l->table, "-");
		table__cell(l->table, "-");
		table__cell(l->table, "%s", type);
		table__cell(l->table, "%s", value);
		return;
	}
	json__object(l->json, NULL);
	json__str(l->json, "name", p->name);
	json__str(l->json, "kind", kind(m));
	json__str(l->json, "type", type);
	place__json(p, l->json, "value");
	json__object_end(l->json);
}

static void list_maps(struct keys *k, struct listing *l)
{
	char why[VALUE_WHY];
	struct value_map m;
	unsigned int i;
	int fd;

	for (i = 0; i < k->nr; i++) {
		if (k->maps[i].name[0] == '.')
			continue;
		fd = keys__map(k, k->maps[i].name);
		if (fd < 0 || value_map__init(&m, fd, k->maps[i].name, why))
			continue;
		list_map(l, &m);
		value_map__close(&m);
	}
}

static void list(struct keys *k, struct json *j)
{
	static const char *const headers[] = {
		"NAME", "KIND", ">ENTRIES", "KEY", "TYPE", ">VALUE",
	};
	struct listing l = { .json = j };

	if (!j) {
		l.table = table__new(6, headers);
		list_maps(k, &l);
		keys__variables(k, list_variable, &l);
		table__print(l.table, stdout);
		table__free(l.table);
		return;
	}
	json__array(j, "maps");
	list_maps(k, &l);
	json__array_end(j);
	json__array(j, "variables");
	keys__variables(k, list_variable, &l);
	json__array_end(j);
}

/* ------------------------------------------------------------------ values */

static int get_one(struct keys *k, const char *path, struct json *j)
{
	char why[VALUE_WHY];
	int err;

	err = keys__check(k, path, why);
	if (!err && j) {
		json__object(j, NULL);
		json__str(j, "path", path);
	}
	if (!err) {
		err = value__get(keys__map, k, path, j, why);
		if (j)
			json__object_end(j);
	}
	if (err)
		return fail("cannot get '%s': %s (%s)", path, why,
			    errno_name(err));
	return EXIT_OK;
}

static int get_all(struct keys *k, int n, char **paths, struct json *j)
{
	int i, code = EXIT_OK;

	if (!n) {
		list(k, j);
		return EXIT_OK;
	}
	if (j)
		json__array(j, "values");
	for (i = 0; i < n && code == EXIT_OK; i++)
		code = get_one(k, paths[i], j);
	if (j)
		json__array_end(j);
	return code;
}

/* Printed when all is known: what cannot be read leaves no half an object. */
static int get_json(struct keys *k, int n, char **paths)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct json j;
	int code;

	if (!file)
		return fail("out of memory");
	json__begin(&j, file, "get");
	json__str(&j, "controller", k->state.ctrl);
	json__str(&j, "policy", k->state.policy);
	code = get_all(k, n, paths, &j);
	json__end(&j);
	fclose(file);
	if (code == EXIT_OK)
		fputs(text, stdout);
	free(text);
	return code;
}

int cmd_get(int argc, char **argv)
{
	const struct verb *verb = verb__find("get");
	int first, n, code = EXIT_OK;
	struct keys k;

	first = opts__parse(verb, NULL, NULL, argc, argv, &code);
	if (first < 0)
		return code;
	if (keys__open(&k, argv[first], &code))
		return code;
	n = argc > first ? argc - first - 1 : 0;
	if (opt_json)
		code = get_json(&k, n, argv + first + 1);
	else
		code = get_all(&k, n, argv + first + 1, NULL);
	keys__close(&k);
	return code;
}
