// SPDX-License-Identifier: GPL-2.0
/*
 * Values to text: the lines of `get`, and JSON. What is written here for a
 * value, value_parse.c reads back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "value_place.h"

uint64_t place__bits(const struct place *p, bool *is_signed)
{
	const struct btf_type *t = place__type(p);
	unsigned int bits = p->bits ? p->bits : 8 * place__size(p), i, at;
	uint64_t value = 0;

	*is_signed = btf_is_any_enum(t) ? btf_kflag(t) :
		btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED;
	if (!bits || bits > 64)
		return 0;
	for (i = 0; i < bits; i++) {
		at = p->bit_off + i;
		value |= (uint64_t)(p->data[at / 8] >> at % 8 & 1) << i;
	}
	if (*is_signed && bits < 64 && value >> (bits - 1))
		value |= ~0ULL << bits;
	return value;
}

bool place__is_zero(const struct place *p)
{
	uint32_t i, size = place__size(p);
	bool sign;

	if (p->bits)
		return !place__bits(p, &sign);
	for (i = 0; i < size; i++)
		if (p->data[i])
			return false;
	return true;
}

void place__type_name(const struct place *p, char *buf, size_t size)
{
	const struct btf_type *t = btf__type_by_id(p->btf, p->type);
	struct place inner = *p;
	char name[96];

	while (btf_is_mod(t)) {
		inner.type = t->type;
		t = btf__type_by_id(p->btf, inner.type);
	}
	if (btf_is_array(t)) {
		inner.type = btf_array(t)->type;
		place__type_name(&inner, name, sizeof(name));
		snprintf(buf, size, "%s[%u]", name, btf_array(t)->nelems);
		return;
	}
	if (btf_is_ptr(t)) {
		snprintf(buf, size, "pointer");
		return;
	}
	snprintf(name, sizeof(name), "%s",
		 btf__name_by_offset(p->btf, t->name_off));
	/* __u32 is a kernel spelling of u32. */
	snprintf(buf, size, "%s%s",
		 btf_is_struct(t) ? "struct " : btf_is_union(t) ? "union " :
		 btf_is_any_enum(t) ? "enum " : "",
		 !strncmp(name, "__u", 3) || !strncmp(name, "__s", 3) ?
		 name + 2 : name);
	if (p->bits)
		snprintf(buf + strlen(buf), size - strlen(buf), ":%u", p->bits);
}

static const char *enum_name(const struct place *p, uint64_t value)
{
	const struct btf_type *t = place__type(p);
	unsigned int i;

	for (i = 0; i < btf_vlen(t); i++) {
		if (btf_is_enum(t)) {
			if ((uint64_t)(int64_t)btf_enum(t)[i].val == value ||
			    (uint32_t)btf_enum(t)[i].val == value)
				return btf__name_by_offset(p->btf,
						btf_enum(t)[i].name_off);
		} else if (btf_enum64_value(&btf_enum64(t)[i]) == value) {
			return btf__name_by_offset(p->btf,
						   btf_enum64(t)[i].name_off);
		}
	}
	return NULL;
}

static double float_value(const struct place *p)
{
	double d = 0;
	float f = 0;

	if (place__size(p) == sizeof(d)) {
		memcpy(&d, p->data, sizeof(d));
		return d;
	}
	if (place__size(p) == sizeof(f))
		memcpy(&f, p->data, sizeof(f));
	return f;
}

static bool is_bool(const struct place *p)
{
	const struct btf_type *t = place__type(p);

	return btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL;
}

void place__leaf(const struct place *p, char *buf, size_t size)
{
	const struct btf_type *t = place__type(p);
	const char *name;
	uint64_t value;
	bool sign;

	if (place__is_string(p)) {
		snprintf(buf, size, "\"%.*s\"", (int)place__size(p),
			 (char *)p->data);
		return;
	}
	if (btf_is_float(t)) {
		snprintf(buf, size, "%.17g", float_value(p));
		return;
	}
	value = place__bits(p, &sign);
	name = btf_is_any_enum(t) ? enum_name(p, value) : NULL;
	if (name)
		snprintf(buf, size, "%s", name);
	else if (is_bool(p))
		snprintf(buf, size, "%s", value ? "true" : "false");
	else if (btf_is_ptr(t))
		snprintf(buf, size, "0x%" PRIx64, value);
	else if (sign)
		snprintf(buf, size, "%" PRId64, (int64_t)value);
	else
		snprintf(buf, size, "%" PRIu64, value);
}

static bool has_parts(const struct place *p)
{
	const struct btf_type *t = place__type(p);

	return btf_is_composite(t) ||
	       (btf_is_array(t) && !place__is_string(p));
}

void place__print(const struct place *p, const char *path, FILE *file)
{
	char text[VALUE_PATH + 64];
	unsigned int i, n = place__members(p);
	struct place member;

	if (place__is_opaque(p))
		return;
	if (!has_parts(p)) {
		place__leaf(p, text, sizeof(text));
		fprintf(file, "%s = %s\n", path, text);
		return;
	}
	for (i = 0; i < n; i++) {
		place__member(p, i, &member);
		if (btf_is_array(place__type(p)))
			snprintf(text, sizeof(text), "%s.%u", path, i);
		else if (place__is_anonymous(&member))
			snprintf(text, sizeof(text), "%s", path);
		else if (member.name[0])
			snprintf(text, sizeof(text), "%s.%s", path,
				 member.name);
		else
			continue;	/* padding */
		place__print(&member, text, file);
	}
}

static void leaf_json(const struct place *p, struct json *j, const char *key)
{
	const struct btf_type *t = place__type(p);
	char text[VALUE_PATH];
	uint64_t value;
	bool sign;

	if (place__is_string(p)) {
		snprintf(text, sizeof(text), "%.*s", (int)place__size(p),
			 (char *)p->data);
		json__str(j, key, text);
		return;
	}
	if (btf_is_float(t)) {
		json__double(j, key, float_value(p));
		return;
	}
	value = place__bits(p, &sign);
	if (btf_is_any_enum(t) && enum_name(p, value))
		json__str(j, key, enum_name(p, value));
	else if (is_bool(p))
		json__bool(j, key, value);
	else if (sign)
		json__int(j, key, value);
	else
		json__uint(j, key, value);
}

static void members_json(const struct place *p, struct json *j)
{
	unsigned int i, n = place__members(p);
	struct place member;

	for (i = 0; i < n; i++) {
		place__member(p, i, &member);
		if (btf_is_array(place__type(p)))
			place__json(&member, j, NULL);
		else if (place__is_anonymous(&member))
			members_json(&member, j);
		else if (member.name[0] && !place__is_opaque(&member))
			place__json(&member, j, member.name);
	}
}

void place__json(const struct place *p, struct json *j, const char *key)
{
	if (place__is_opaque(p)) {
		json__null(j, key);
	} else if (!has_parts(p)) {
		leaf_json(p, j, key);
	} else if (btf_is_array(place__type(p))) {
		json__array(j, key);
		members_json(p, j);
		json__array_end(j);
	} else {
		json__object(j, key);
		members_json(p, j);
		json__object_end(j);
	}
}
