// SPDX-License-Identifier: GPL-2.0
/*
 * Text to values: integers, bitfields, enumerators, booleans, strings,
 * structures and arrays, checked against the range of their BTF type. What
 * the bytes belong to is not known here.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "value_place.h"

int parse__int(const char *text, bool *negative, uint64_t *magnitude)
{
	static const char suffixes[] = "kmg";
	unsigned long long n;
	const char *suffix;
	unsigned int shift;
	char *end;

	*negative = *text == '-';
	text += *negative || *text == '+';
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno)
		return -ERANGE;
	if (*end) {
		suffix = strchr(suffixes, tolower((unsigned char)*end));
		if (!suffix || end[1])
			return -EINVAL;
		shift = 10 * (suffix - suffixes + 1);
		if (n > UINT64_MAX >> shift)
			return -ERANGE;
		n <<= shift;
	}
	*magnitude = n;
	return 0;
}

static unsigned int place_bits(const struct place *p)
{
	unsigned int bits = p->bits ? p->bits : 8 * place__size(p);

	return bits > 64 ? 64 : bits;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_is_any_enum(t))
		return btf_kflag(t);
	return btf_is_int(t) && btf_int_encoding(t) & BTF_INT_SIGNED;
}

static bool is_bool(const struct btf_type *t)
{
	return btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL;
}

/* Little endian, as BPF objects for x86 are. */
static void store_bits(const struct place *p, uint64_t value)
{
	unsigned int bits = place_bits(p), i, at;

	if (!p->bits) {
		memcpy(p->data, &value, bits / 8);
		return;
	}
	for (i = 0; i < bits; i++) {
		at = p->bit_off + i;
		p->data[at / 8] &= ~(1U << at % 8);
		p->data[at / 8] |= (value >> i & 1) << at % 8;
	}
}

static int range_error(const struct place *p, const char *text, char *why)
{
	unsigned int bits = place_bits(p);
	bool sign = is_signed(place__type(p));
	uint64_t max = UINT64_MAX >> (64 - bits + sign);
	char low[24] = "0";

	if (sign)
		snprintf(low, sizeof(low), "-%" PRIu64, max + 1);
	return value_error(why, -ERANGE, "value %.64s is out of range for "
			   "%c%u field '%s' (%s to %" PRIu64 ")", text,
			   sign ? 's' : 'u', bits, p->name, low, max);
}

static int parse_number(const struct place *p, const char *text, char *why)
{
	unsigned int bits = place_bits(p);
	bool sign = is_signed(place__type(p)), negative;
	uint64_t n, max;
	int err;

	/* A cgroup's directory stands for its id. */
	if (cgroup__is_path(text) && bits == 64 && !sign) {
		err = cgroup__id(text, &n, why);
		if (!err)
			store_bits(p, n);
		return err;
	}
	err = parse__int(text, &negative, &n);
	if (err == -EINVAL)
		return value_error(why, err, "'%.64s' is not a number for "
				   "field '%s'", text, p->name);
	max = UINT64_MAX >> (64 - bits + sign);
	if (negative && sign)
		max++;
	if (err || n > max || (negative && !sign && n))
		return range_error(p, text, why);
	store_bits(p, negative ? -n : n);
	return 0;
}

static int parse_bool(const struct place *p, const char *text, char *why)
{
	static const char *const words[] = {
		"false", "true", "off", "on", "no", "yes", "0", "1",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]))
			continue;
		store_bits(p, i & 1);
		return 0;
	}
	return value_error(why, -EINVAL, "'%.64s' is not a value for field "
			   "'%s'; use true or false", text, p->name);
}

/* The name and value of an enumerator, of either kind of enum. */
static const char *enumerator(const struct place *p, unsigned int i,
			      uint64_t *value)
{
	const struct btf_type *t = place__type(p);

	if (btf_is_enum(t)) {
		*value = (int64_t)btf_enum(t)[i].val;
		return btf__name_by_offset(p->btf, btf_enum(t)[i].name_off);
	}
	*value = btf_enum64_value(&btf_enum64(t)[i]);
	return btf__name_by_offset(p->btf, btf_enum64(t)[i].name_off);
}

static int parse_enum(const struct place *p, const char *text, char *why)
{
	unsigned int i, n = btf_vlen(place__type(p));
	struct names names;
	const char *name;
	uint64_t value;
	char say[400];

	if (isdigit((unsigned char)*text) || *text == '-')
		return parse_number(p, text, why);
	names__init(&names, text);
	for (i = 0; i < n; i++) {
		name = enumerator(p, i, &value);
		if (!strcmp(name, text)) {
			store_bits(p, value);
			return 0;
		}
		names__add(&names, name);
	}
	return value_error(why, -EINVAL, "'%.64s' is not a value of field "
			   "'%.64s'%s", text, p->name,
			   names__say(&names, "values", say, sizeof(say)));
}

static int parse_string(const struct place *p, const char *text, char *why)
{
	size_t len = strlen(text), size = place__size(p);

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	if (len >= size)
		return value_error(why, -ERANGE, "'%.64s' is too long for "
				   "field '%s' (at most %zu characters)", text,
				   p->name, size ? size - 1 : 0);
	memset(p->data, 0, size);
	memcpy(p->data, text, len);
	return 0;
}

static int parse_float(const struct place *p, const char *text, char *why)
{
	double d;
	float f;
	char *end;

	d = strtod(text, &end);
	if (end == text || *end)
		return value_error(why, -EINVAL, "'%.64s' is not a number for "
				   "field '%s'", text, p->name);
	f = d;
	if (place__size(p) == sizeof(d))
		memcpy(p->data, &d, sizeof(d));
	else if (place__size(p) == sizeof(f))
		memcpy(p->data, &f, sizeof(f));
	else
		return value_error(why, -EOPNOTSUPP, "field '%s' has a type "
				   "that cannot be set", p->name);
	return 0;
}

/* Cut at @stop outside of braces and quotes; the rest or NULL. */
static char *cut(char *text, char stop)
{
	bool quoted = false;
	int depth = 0;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*text == '{')
			depth++;
		else if (*text == '}')
			depth--;
		else if (*text == stop && !depth) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* One of a list: "field=value", or a value in its turn. */
static int parse_item(const struct place *p, unsigned int turn, char *item,
		      char *why)
{
	struct place member = *p;
	char *value = cut(item, '=');
	int err;

	if (value) {
		err = place__walk(&member, trim(item), why);
		if (err)
			return err;
		return place__parse(&member, trim(value), why);
	}
	if (turn >= place__members(p))
		return value_error(why, -ERANGE, "'%s' has only %u members, "
				   "more were given", p->name,
				   place__members(p));
	place__member(p, turn, &member);
	return place__parse(&member, item, why);
}

static int parse_list(const struct place *p, const char *text, char *why)
{
	size_t len = strlen(text);
	unsigned int turn = 0;
	char *copy, *item, *rest;
	int err = 0;

	if (len < 2 || text[0] != '{' || text[len - 1] != '}')
		return value_error(why, -EINVAL, "'%s' is a structure or an "
				   "array; name a part of it, or give all as "
				   "{a=1,b=2}", p->name);
	copy = strndup(text + 1, len - 2);
	if (!copy)
		return value_error(why, -ENOMEM, "out of memory");
	memset(p->data, 0, place__size(p));
	for (item = copy; item && !err; item = rest) {
		rest = cut(item, ',');
		item = trim(item);
		if (*item)
			err = parse_item(p, turn++, item, why);
	}
	free(copy);
	return err;
}

int place__parse(const struct place *p, const char *text, char *why)
{
	const struct btf_type *t = place__type(p);

	if (place__is_opaque(p))
		return value_error(why, -EPERM, "'%s' is the kernel's own and "
				   "cannot be set", p->name);
	if (place__is_string(p) && text[0] != '{')
		return parse_string(p, text, why);
	if (btf_is_composite(t) || btf_is_array(t))
		return parse_list(p, text, why);
	if (is_bool(t))
		return parse_bool(p, text, why);
	if (btf_is_any_enum(t))
		return parse_enum(p, text, why);
	if (btf_is_float(t))
		return parse_float(p, text, why);
	if (btf_is_int(t) && place__size(p) <= 8)
		return parse_number(p, text, why);
	return value_error(why, -EOPNOTSUPP, "'%s' has a type that cannot be "
			   "set", p->name);
}
