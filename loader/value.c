// SPDX-License-Identifier: GPL-2.0
/*
 * What the verbs and `load --set` do with a path: find the element or the
 * variable it names, and get, set or unset it. Where the maps come from is
 * the caller's business.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "value_place.h"

/* As libbpf calls them; value_open_fn is asked for them by these names. */
static const char *const sections[] = { ".rodata", ".data", ".bss" };

#define SECTIONS	(sizeof(sections) / sizeof(sections[0]))

/* What a path names: a whole map (no key), an element or a variable. */
struct spot {
	char path[VALUE_PATH];	/* cut in its parts */
	struct value_map map;
	char *key_text;
	char *fields;
	void *key;
	void *element;
	struct place place;
	bool missing;		/* the hash has no such element yet */
};

static void spot__free(struct spot *s)
{
	if (s->map.btf)
		value_map__close(&s->map);
	free(s->key);
	free(s->element);
}

static int spot_alloc(struct spot *s, char *why)
{
	s->key = calloc(1, s->map.info.key_size);
	s->element = value_map__alloc(&s->map);
	if (!s->key || !s->element)
		return value_error(why, -ENOMEM, "out of memory");
	s->place = value_map__value(&s->map, s->element);
	return 0;
}

/* Look for @name among the variables; names of all go to @n. */
static int spot_variable(struct spot *s, value_open_fn open, void *ctx,
			 const char *name, struct names *n, char *why)
{
	struct place section;
	unsigned int i;
	int fd, err;

	for (i = 0; i < SECTIONS; i++) {
		fd = open(ctx, sections[i]);
		if (fd < 0)
			continue;
		err = value_map__init(&s->map, fd, sections[i], why);
		if (err == -EOPNOTSUPP)
			continue;
		if (err)
			return err;
		section = value_map__value(&s->map, NULL);
		if (s->map.section &&
		    !place__variable(&section, name, &s->place, n)) {
			err = spot_alloc(s, why);
			if (err)
				return err;
			section.data = s->element;
			place__variable(&section, name, &s->place, NULL);
			return value_map__read(&s->map, s->key, s->element,
					       why);
		}
		value_map__close(&s->map);
	}
	return -ENOENT;
}

static int spot_element(struct spot *s, char *rest, char *why)
{
	int err;

	err = spot_alloc(s, why);
	if (err || !rest)
		return err;
	s->key_text = rest;
	s->fields = path__key(&s->key_text, &s->place);
	err = value_map__parse_key(&s->map, s->key_text, s->key, why);
	if (err)
		return err;
	err = value_map__read(&s->map, s->key, s->element, why);
	s->missing = err == -ENOENT;
	return s->missing ? 0 : err;
}

/* Everything but the fields, which per-CPU values have several times. */
static int spot_open(struct spot *s, value_open_fn open, void *ctx,
		     const char *path, char *why)
{
	struct names names;
	char say[400], *rest;
	int fd, err;

	memset(s, 0, sizeof(*s));
	if (snprintf(s->path, sizeof(s->path), "%s", path) >=
	    (int)sizeof(s->path))
		return value_error(why, -ENAMETOOLONG, "'%.64s...' is too "
				   "long", path);
	rest = path__next(s->path);
	if (s->path[0]) {
		fd = open(ctx, s->path);
		if (fd >= 0) {
			err = value_map__init(&s->map, fd, s->path, why);
			return err ? err : spot_element(s, rest, why);
		}
		if (fd != -ENOENT)
			return value_error(why, fd, "cannot open map '%s'",
					   s->path);
	}
	names__init(&names, s->path);
	why[0] = '\0';
	err = spot_variable(s, open, ctx, s->path, &names, why);
	if (err == -ENOENT && !s->element)
		return value_error(why, err, "there is no map or variable "
				   "'%.64s'%s", s->path,
				   names__say(&names, "variables", say,
					      sizeof(say)));
	s->fields = rest ? rest : "";
	return err;
}

/* ------------------------------------------------------------ set, unset */

static int check_writable(const struct spot *s, char *why)
{
	if (s->map.section && s->map.info.map_flags & BPF_F_RDONLY_PROG)
		return value_error(why, -EROFS, "variable '%s' is read-only "
				   "once loaded; use --set at load",
				   s->path);
	if (s->map.percpu)
		return value_error(why, -EROFS, "map '%s' has a value for "
				   "each CPU and is read-only here",
				   s->path);
	if (!s->map.section && !s->key_text)
		return value_error(why, -EINVAL, "'%s' is a map; name one of "
				   "its entries, as in %s.KEY", s->path,
				   s->path);
	return 0;
}

static int spot_store(struct spot *s, char *why)
{
	if (s->map.section)
		return value_map__poke(&s->map, s->element, &s->place, why);
	return value_map__write(&s->map, s->key, s->element, why);
}

/* A bare element is called by its key in messages, not by its map. */
static int spot_walk(struct spot *s, char *why)
{
	if (s->key_text && s->fields[0] && place__members(&s->place))
		s->place.name = s->map.name;
	return place__walk(&s->place, s->fields, why);
}

static int set(value_open_fn open, void *ctx, const char *path,
	       const char *text, bool store, char *why)
{
	struct spot s;
	int err;

	err = spot_open(&s, open, ctx, path, why);
	if (!err)
		err = check_writable(&s, why);
	if (!err)
		err = spot_walk(&s, why);
	if (!err)
		err = place__parse(&s.place, text, why);
	if (!err && store)
		err = spot_store(&s, why);
	spot__free(&s);
	return err;
}

int value__check(value_open_fn open, void *ctx, const char *path,
		 const char *text, char *why)
{
	return set(open, ctx, path, text, false, why);
}

int value__set(value_open_fn open, void *ctx, const char *path,
	       const char *text, char *why)
{
	return set(open, ctx, path, text, true, why);
}

/* Without a field: a hash forgets the element, an array gets zeroes. */
static int spot_unset(struct spot *s, char *why)
{
	uint32_t size;
	int err;

	if (s->missing)
		return value_error(why, -ENOENT, "map '%s' has no entry "
				   "'%.300s'", s->path, s->key_text);
	if (!s->fields[0] && !s->map.array) {
		err = bpf_map_delete_elem(s->map.fd, s->key);
		if (err)
			return value_error(why, err, "cannot remove '%.300s' "
					   "from map '%s'", s->key_text,
					   s->path);
		return 0;
	}
	err = spot_walk(s, why);
	if (err)
		return err;
	if (s->place.bits) {
		err = place__parse(&s->place, "0", why);
		if (err)
			return err;
	} else {
		size = place__size(&s->place);
		memset(s->place.data, 0, size);
	}
	return spot_store(s, why);
}

int value__unset(value_open_fn open, void *ctx, const char *path, char *why)
{
	struct spot s;
	int err;

	err = spot_open(&s, open, ctx, path, why);
	if (!err && s.map.section)
		err = value_error(why, -EINVAL, "'%s' is a variable and always "
				  "there; use 'nvmesteer set'", s.path);
	if (!err)
		err = check_writable(&s, why);
	if (!err)
		err = spot_unset(&s, why);
	spot__free(&s);
	return err;
}

/* ------------------------------------------------------------------- get */

int value__get(value_open_fn open, void *ctx, const char *path,
	       struct json *j, char *why)
{
	struct spot s;
	int err;

	err = spot_open(&s, open, ctx, path, why);
	if (err)
		goto free;
	if (!s.map.section && !s.key_text) {
		err = show__map(&s.map, j, why);
	} else if (s.map.section) {
		err = spot_walk(&s, why);
		if (!err)
			show__place(&s.place, path, j);
	} else if (s.missing) {
		err = value_error(why, -ENOENT, "map '%s' has no entry "
				  "'%.300s'", s.path, s.key_text);
	} else {
		err = show__element(&s.map, s.key, s.element, s.fields, j,
				    why);
	}
free:
	spot__free(&s);
	return err;
}

/* ---------------------------------------------------------------- preset */

/* Is @map a section of variables, and which? */
static bool preset_section(struct bpf_object *obj, struct bpf_map *map,
			   struct place *section)
{
	const struct btf *btf = bpf_object__btf(obj);
	uint32_t type = bpf_map__btf_value_type_id(map);
	const struct btf_type *t;
	const char *name;
	size_t size;
	unsigned int i;

	if (!btf || !type || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY)
		return false;
	t = btf__type_by_id(btf, type);
	if (!t || !btf_is_datasec(t))
		return false;
	*section = (struct place){
		.btf = btf, .type = type,
		.data = bpf_map__initial_value(map, &size),
	};
	name = btf__name_by_offset(btf, t->name_off);
	for (i = 0; i < SECTIONS; i++)
		if (!strncmp(name, sections[i], strlen(sections[i])))
			return section->data;
	return false;
}

static int preset(struct bpf_object *obj, char *head, const char *fields,
		  const char *text, char *why)
{
	struct place section, place;
	struct names names;
	struct bpf_map *map;
	char say[400];
	int err;

	names__init(&names, head);
	bpf_object__for_each_map(map, obj) {
		if (!preset_section(obj, map, &section)) {
			if (!strcmp(bpf_map__name(map), head))
				return 1;
			if (!strchr(bpf_map__name(map), '.') &&
			    bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
				names__add(&names, bpf_map__name(map));
			continue;
		}
		if (place__variable(&section, head, &place, &names))
			continue;
		err = place__walk(&place, fields, why);
		return err ? err : place__parse(&place, text, why);
	}
	return value_error(why, -ENOENT, "there is no variable or map "
			   "'%.64s'%s", head,
			   names__say(&names, "variables and maps", say,
				      sizeof(say)));
}

int value__preset(struct bpf_object *obj, const char *path, const char *text,
		  char *why)
{
	char head[VALUE_PATH];
	char *fields;

	if (snprintf(head, sizeof(head), "%s", path) >= (int)sizeof(head))
		return value_error(why, -ENAMETOOLONG, "'%.64s...' is too "
				   "long", path);
	fields = path__next(head);
	return preset(obj, head, fields, text, why);
}

char *value__split(char *assignment)
{
	return path__cut(assignment, '=');
}
