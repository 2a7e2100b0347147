// SPDX-License-Identifier: GPL-2.0
/*
 * Paths: cutting "rules.3.queue" into its parts, following fields through
 * BTF, and saying which names there are when one is not known. Turning text
 * into values and back is not done here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "value_place.h"

int value_error(char *why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, VALUE_WHY, format, args);
	va_end(args);
	return err;
}

/* ---------------------------------------------------------------- names */

/* Letters to change, add or drop between two words (Levenshtein). */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], la = strlen(a), lb = strlen(b), i, j, left, diag;

	if (la >= 64 || lb >= 64)
		return 64;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			left = diag + (a[i - 1] != b[j - 1]);
			diag = row[j];
			if (row[j] + 1 < left)
				left = row[j] + 1;
			if (row[j - 1] + 1 < left)
				left = row[j - 1] + 1;
			row[j] = left;
		}
	}
	return row[lb];
}

void names__init(struct names *n, const char *wanted)
{
	memset(n, 0, sizeof(*n));
	n->wanted = wanted;
	n->distance = strlen(wanted) / 3 + 2;
}

void names__add(struct names *n, const char *name)
{
	size_t used = strlen(n->list);
	unsigned int d = distance(n->wanted, name);

	n->n++;
	n->exact |= !d;
	if (d < n->distance) {
		n->distance = d;
		snprintf(n->nearest, sizeof(n->nearest), "%s", name);
	}
	if (used + strlen(name) + 3 > sizeof(n->list)) {
		n->cut = true;
		return;
	}
	snprintf(n->list + used, sizeof(n->list) - used, "%s%s",
		 used ? ", " : "", name);
}

const char *names__say(const struct names *n, const char *what, char *buf,
		       size_t size)
{
	int used = snprintf(buf, size, "; ");

	if (!n->n)
		used += snprintf(buf + used, size - used, "there are none");
	else
		used += snprintf(buf + used, size - used, "%s: %s%s", what,
				 n->list, n->cut ? ", ..." : "");
	if (n->nearest[0] && (size_t)used < size)
		snprintf(buf + used, size - used, "; did you mean '%s'?",
			 n->nearest);
	return buf;
}

/* ---------------------------------------------------------------- places */

const struct btf_type *place__type(const struct place *p)
{
	int id = btf__resolve_type(p->btf, p->type);

	return btf__type_by_id(p->btf, id < 0 ? 0 : id);
}

uint32_t place__size(const struct place *p)
{
	long long size = btf__resolve_size(p->btf, p->type);

	return size < 0 ? 0 : size;
}

bool place__is_string(const struct place *p)
{
	const struct btf_type *t = place__type(p);
	struct place element = *p;

	if (!btf_is_array(t))
		return false;
	element.type = btf_array(t)->type;
	t = place__type(&element);
	/* clang gives char no encoding of its own: its name tells. */
	return btf_is_int(t) && t->size == 1 &&
	       !strcmp(btf__name_by_offset(p->btf, t->name_off), "char");
}

bool place__is_opaque(const struct place *p)
{
	const struct btf_type *t = place__type(p);
	const char *name = btf__name_by_offset(p->btf, t->name_off);

	return btf_is_composite(t) && name && !strncmp(name, "bpf_", 4);
}

unsigned int place__members(const struct place *p)
{
	const struct btf_type *t = place__type(p);

	if (btf_is_composite(t))
		return place__is_opaque(p) ? 0 : btf_vlen(t);
	if (btf_is_array(t) && !place__is_string(p))
		return btf_array(t)->nelems;
	return 0;
}

void place__member(const struct place *p, unsigned int i, struct place *out)
{
	const struct btf_type *t = place__type(p);
	struct place m = *p;
	unsigned int off;

	m.bits = 0;
	m.bit_off = 0;
	if (btf_is_array(t)) {
		m.type = btf_array(t)->type;
		if (m.data)
			m.data += (size_t)i * place__size(&m);
	} else {
		m.type = btf_members(t)[i].type;
		m.name = btf__name_by_offset(p->btf,
					     btf_members(t)[i].name_off);
		off = btf_member_bit_offset(t, i);
		m.bits = btf_member_bitfield_size(t, i);
		if (m.data)
			m.data += off / 8;
		m.bit_off = off % 8;
	}
	*out = m;
}

bool place__is_anonymous(const struct place *p)
{
	return p->name && !p->name[0] && btf_is_composite(place__type(p));
}

/* Look @name up among members, in those without a name too. */
static bool find_member(const struct place *p, const char *name,
			struct place *out, struct names *n)
{
	unsigned int i, count = place__members(p);
	struct place m;

	for (i = 0; i < count; i++) {
		place__member(p, i, &m);
		if (place__is_anonymous(&m)) {
			if (find_member(&m, name, out, n))
				return true;
			continue;
		}
		if (place__is_opaque(&m) || !m.name[0])
			continue;
		if (!strcmp(m.name, name)) {
			*out = m;
			return true;
		}
		names__add(n, m.name);
	}
	return false;
}

static int walk_index(struct place *p, const char *text, char *why)
{
	unsigned int count = place__members(p);
	uint64_t index;
	bool negative;

	if (parse__int(text, &negative, &index))
		return value_error(why, -EINVAL, "'%.64s' is not an index "
				   "of array '%s'", text, p->name);
	if (negative || index >= count)
		return value_error(why, -ERANGE, "index %.64s is out of "
				   "range for array '%s' (0 to %u)", text, p->name,
				   count - 1);
	place__member(p, index, p);
	return 0;
}

static int walk_one(struct place *p, const char *name, char *why)
{
	const struct btf_type *t = place__type(p);
	struct names names;
	char say[400];

	if (place__members(p) && btf_is_array(t))
		return walk_index(p, name, why);
	if (!btf_is_composite(t))
		return value_error(why, -ENOENT, "'%s' has no fields, so no "
				   "'%.64s'", p->name, name);
	names__init(&names, name);
	if (find_member(p, name, p, &names))
		return 0;
	return value_error(why, -ENOENT, "'%s' has no field '%.64s'%s",
			   p->name, name,
			   names__say(&names, "fields", say, sizeof(say)));
}

int place__walk(struct place *p, const char *fields, char *why)
{
	char copy[VALUE_PATH], ignored[VALUE_WHY], *part = copy, *rest;
	int err;

	if (!why)
		why = ignored;
	if (!fields || !fields[0])
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", fields) >= (int)sizeof(copy))
		return value_error(why, -ENAMETOOLONG, "the path is too long");
	for (; part; part = rest) {
		rest = path__next(part);
		err = walk_one(p, part, why);
		if (err)
			return err;
	}
	return 0;
}

void place__variable_at(const struct place *p, unsigned int i,
			struct place *out)
{
	const struct btf_var_secinfo *var = btf_var_secinfos(place__type(p)) + i;
	const struct btf_type *t = btf__type_by_id(p->btf, var->type);

	*out = (struct place){
		.btf = p->btf, .type = t->type,
		.data = p->data ? p->data + var->offset : NULL,
		.name = btf__name_by_offset(p->btf, t->name_off),
	};
}

int place__variable(const struct place *p, const char *name,
		    struct place *out, struct names *n)
{
	unsigned int i, count = btf_vlen(place__type(p));

	for (i = 0; i < count; i++) {
		place__variable_at(p, i, out);
		if (!strcmp(out->name, name))
			return 0;
		if (n)
			names__add(n, out->name);
	}
	return -ENOENT;
}

/* ----------------------------------------------------------------- paths */

char *path__cut(char *text, char at)
{
	int depth = 0;
	bool quoted = false;
	char *c;

	for (c = text; *c; c++) {
		if (*c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*c == '{')
			depth++;
		else if (*c == '}')
			depth--;
		else if (*c == at && !depth) {
			*c = '\0';
			return c + 1;
		}
	}
	return NULL;
}

char *path__next(char *head)
{
	return path__cut(head, '.');
}

char *path__key(char **key, const struct place *value)
{
	char *text = *key, *dot, *rest;
	struct place p;

	if (text[0] == '"') {
		rest = strchr(text + 1, '"');
		if (rest && (!rest[1] || rest[1] == '.')) {
			*key = text + 1;
			*rest = '\0';
			return rest[1] ? rest + 2 : rest;
		}
	}
	if (!cgroup__is_path(text)) {
		rest = path__next(text);
		return rest ? rest : text + strlen(text);
	}
	for (dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
		p = *value;
		if (!dot[1] || place__walk(&p, dot + 1, NULL))
			continue;
		*dot = '\0';
		return dot + 1;
	}
	return text + strlen(text);
}
