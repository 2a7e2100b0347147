// SPDX-License-Identifier: GPL-2.0
/*
 * Output: JSON, streamed as it is said, and tables, whose columns are sized
 * when all cells are known. Nothing here decides what is said; texts that come
 * from a policy may hold any bytes, and leave as valid JSON or plain text.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nvmesteer.h"

/* -------------------------------------------------------------------- JSON */

/* Length of the UTF-8 sequence at @s, or 0 when there is no valid one. */
static unsigned int utf8_len(const unsigned char *s)
{
	unsigned int i, len;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void json_ascii(FILE *file, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		fprintf(file, "\\%c", c);
		break;
	case '\n':
		fputs("\\n", file);
		break;
	case '\t':
		fputs("\\t", file);
		break;
	default:
		if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
}

static void json_text(FILE *file, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len;

	fputc('"', file);
	while (*s) {
		if (*s < 0x80) {
			json_ascii(file, *s++);
			continue;
		}
		len = utf8_len(s);
		if (len)
			fwrite(s, 1, len, file);
		else
			fputs("\\ufffd", file);
		s += len ? len : 1;
	}
	fputc('"', file);
}

/* The comma before a member, and its key. */
static void json_key(struct json *j, const char *key)
{
	if (j->comma[j->depth])
		fputc(',', j->file);
	j->comma[j->depth] = true;
	if (key) {
		json_text(j->file, key);
		fputc(':', j->file);
	}
}

static void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	fputc(bracket, j->file);
	if (j->depth + 1 < sizeof(j->comma) / sizeof(j->comma[0]))
		j->depth++;
	j->comma[j->depth] = false;
}

static void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->file);
	if (j->depth)
		j->depth--;
	j->comma[j->depth] = true;
}

void json__begin(struct json *j, FILE *file, const char *verb)
{
	memset(j, 0, sizeof(*j));
	j->file = file;
	fprintf(file, "{\"schema\":\"nvmesteer.%s/1\"", verb);
	j->comma[0] = true;
}

void json__end(struct json *j)
{
	fputs("}\n", j->file);
	fflush(j->file);
}

void json__object(struct json *j, const char *key)
{
	json_open(j, key, '{');
}

void json__object_end(struct json *j)
{
	json_close(j, '}');
}

void json__array(struct json *j, const char *key)
{
	json_open(j, key, '[');
}

void json__array_end(struct json *j)
{
	json_close(j, ']');
}

void json__str(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	if (value)
		json_text(j->file, value);
	else
		fputs("null", j->file);
}

void json__uint(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	fprintf(j->file, "%" PRIu64, value);
}

void json__int(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	fprintf(j->file, "%" PRId64, value);
}

void json__double(struct json *j, const char *key, double value)
{
	json_key(j, key);
	if (isfinite(value))
		fprintf(j->file, "%.10g", value);
	else
		fputs("null", j->file);
}

void json__bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	fputs(value ? "true" : "false", j->file);
}

void json__null(struct json *j, const char *key)
{
	json_key(j, key);
	fputs("null", j->file);
}

/* ----------------------------------------------------------------- numbers */

void out__bytes(double bytes, char *text, size_t size)
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
	};
	size_t i = 0;

	while (bytes >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		i++;
	}
	snprintf(text, size, "%.*f %s", i && bytes < 100 ? 1 : 0, bytes,
		 units[i]);
}

void out__count(const char *name, double count, char *text, size_t size)
{
	const char *end = strrchr(name, '_');

	if (end && !strcmp(end, "_bytes"))
		out__bytes(count, text, size);
	else
		snprintf(text, size, "%.0f", count);
}

/* ------------------------------------------------------------------ tables */

struct table {
	unsigned int columns;
	unsigned int nr_cells;
	unsigned int room;
	char **cells;		/* the header is the first row */
	bool *right;
};

/* Takes ownership of @text; NULL is a cell that could not be had. */
static void table_add(struct table *t, char *text)
{
	unsigned int room = t->room ? t->room * 2 : 64;
	char **cells;

	if (t->nr_cells == t->room) {
		cells = reallocarray(t->cells, room, sizeof(*cells));
		if (!cells) {
			free(text);
			return;
		}
		t->cells = cells;
		t->room = room;
	}
	t->cells[t->nr_cells++] = text;
}

struct table *table__new(unsigned int columns, const char *const *headers)
{
	struct table *t = calloc(1, sizeof(*t));
	unsigned int i;

	if (!t)
		return NULL;
	t->columns = columns;
	t->right = calloc(columns ? columns : 1, sizeof(*t->right));
	if (!t->right) {
		free(t);
		return NULL;
	}
	for (i = 0; i < columns; i++) {
		t->right[i] = headers[i][0] == '>';
		table_add(t, strdup(headers[i] + t->right[i]));
	}
	return t;
}

/* A control character in a text must not move the cursor. */
static void plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void table__cell(struct table *t, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (!t)
		return;
	if (format) {
		va_start(args, format);
		if (vasprintf(&text, format, args) < 0)
			text = NULL;
		va_end(args);
	}
	if (text)
		plain(text);
	table_add(t, text);
}

static const char *cell_text(const struct table *t, unsigned int i)
{
	const char *text = i < t->nr_cells ? t->cells[i] : NULL;

	return text && text[0] ? text : "-";
}

/* Width on a terminal: continuation bytes of UTF-8 take no column. */
static int text_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static int column_width(const struct table *t, unsigned int column)
{
	int width = 0, w;
	unsigned int i;

	for (i = column; i < t->nr_cells; i += t->columns) {
		w = text_width(cell_text(t, i));
		if (w > width)
			width = w;
	}
	return width;
}

static void print_row(const struct table *t, unsigned int first,
		      const int *widths, FILE *file)
{
	const char *text;
	unsigned int i;
	int pad;

	for (i = 0; i < t->columns; i++) {
		text = cell_text(t, first + i);
		pad = widths[i] - text_width(text);
		if (t->right[i])
			fprintf(file, "%*s", pad, "");
		fputs(text, file);
		if (i + 1 == t->columns)
			break;
		fprintf(file, "%*s", (t->right[i] ? 0 : pad) + 2, "");
	}
	fputc('\n', file);
}

void table__print(struct table *t, FILE *file)
{
	unsigned int i;
	int *widths;

	if (!t || !t->columns)
		return;
	widths = calloc(t->columns, sizeof(*widths));
	if (!widths)
		return;
	for (i = 0; i < t->columns; i++)
		widths[i] = column_width(t, i);
	for (i = 0; i < t->nr_cells; i += t->columns)
		print_row(t, i, widths, file);
	free(widths);
}

void table__free(struct table *t)
{
	unsigned int i;

	if (!t)
		return;
	for (i = 0; i < t->nr_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->right);
	free(t);
}
