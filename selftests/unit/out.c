// SPDX-License-Identifier: GPL-2.0
/*
 * What the tool prints: JSON stays valid whatever bytes a policy's texts hold,
 * and a table's columns are as wide as their contents.
 */
#include "nvmesteer.h"
#include "test.h"

static char *out;
static size_t out_len;

static FILE *start(void)
{
	free(out);
	out = NULL;
	return open_memstream(&out, &out_len);
}

static void same(FILE *file, const char *wanted)
{
	fclose(file);
	test_check(!strcmp(out, wanted), "printed:\n%s\nwanted:\n%s", out,
		   wanted);
}

static void test_nesting(void)
{
	struct json j;
	FILE *file;

	test_step("objects and arrays in each other");
	file = start();
	json__begin(&j, file, "list");
	json__str(&j, "none", NULL);
	json__array(&j, "a");
	json__array_end(&j);
	json__array(&j, "b");
	json__object(&j, NULL);
	json__uint(&j, "u", UINT64_MAX);
	json__int(&j, "i", INT64_MIN);
	json__object_end(&j);
	json__object(&j, NULL);
	json__object_end(&j);
	json__bool(&j, NULL, true);
	json__null(&j, NULL);
	json__array_end(&j);
	json__double(&j, "d", 0.5);
	json__double(&j, "nan", 0.0 / 0.0);
	json__end(&j);
	same(file, "{\"schema\":\"nvmesteer.list/1\",\"none\":null,\"a\":[],"
	     "\"b\":[{\"u\":18446744073709551615,\"i\":-9223372036854775808},"
	     "{},true,null],\"d\":0.5,\"nan\":null}\n");
}

static void string(const char *text, const char *wanted)
{
	char whole[256];
	struct json j;
	FILE *file = start();

	json__begin(&j, file, "x");
	json__str(&j, "s", text);
	json__end(&j);
	snprintf(whole, sizeof(whole),
		 "{\"schema\":\"nvmesteer.x/1\",\"s\":%s}\n", wanted);
	same(file, whole);
}

static void test_strings(void)
{
	test_step("texts of any bytes");
	string("", "\"\"");
	string("a\"b\\c\n\t/", "\"a\\\"b\\\\c\\n\\t/\"");
	string("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
	string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	       "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	string("\xff\x80\xc3", "\"\\ufffd\\ufffd\\ufffd\"");
	/* Overlong, a surrogate, beyond the last code point. */
	string("\xc0\xaf", "\"\\ufffd\\ufffd\"");
	string("\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	string("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	string("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void test_table(void)
{
	static const char *const headers[] = { "NAME", ">N", "LAST" };
	struct table *t;
	FILE *file;

	test_step("a table");
	file = start();
	t = table__new(3, headers);
	table__cell(t, "%s", "x");
	table__cell(t, "%d", 12345);
	table__cell(t, "%s", "");
	table__cell(t, "longer name");
	table__cell(t, "%d", 7);
	table__cell(t, "\033[2J");
	table__cell(t, "%s", "\xc3\xa9");
	table__cell(t, NULL);
	table__cell(t, "%s", "end");
	table__print(t, file);
	table__free(t);
	same(file,
	     "NAME             N  LAST\n"
	     "x            12345  -\n"
	     "longer name      7  ?[2J\n"
	     "\xc3\xa9                -  end\n");
}

static void bytes_are(double bytes, const char *want)
{
	char text[16];

	out__bytes(bytes, text, sizeof(text));
	test_check(!strcmp(text, want), "%g is '%s', not '%s'", bytes, text,
		   want);
}

static void count_is(const char *name, double count, const char *want)
{
	char text[24];

	out__count(name, count, text, sizeof(text));
	test_check(!strcmp(text, want), "%s %g is '%s', not '%s'", name, count,
		   text, want);
}

static void test_numbers(void)
{
	test_step("bytes, and counters of bytes");
	bytes_are(0, "0 B");
	bytes_are(1023, "1023 B");
	bytes_are(1536, "1.5 KiB");
	bytes_are(123.0 * (1 << 20), "123 MiB");
	bytes_are(2.25 * (1 << 30), "2.2 GiB");
	bytes_are(18446744073709551615.0, "16.0 EiB");
	count_is("copy_split", 1e12, "1000000000000");
	count_is("copy_split_bytes", 1e12, "931 GiB");
	count_is("bytes", 4096, "4096");
}

static void test_many_rows(void)
{
	static const char *const headers[] = { ">N" };
	struct table *t = table__new(1, headers);
	FILE *file = start();
	int i;

	test_step("many rows");
	for (i = 0; i < 1000; i++)
		table__cell(t, "%d", i);
	table__print(t, file);
	table__free(t);
	fclose(file);
	test_check(!strncmp(out, "  N\n  0\n", 8), "it begins with %.8s", out);
	test_check(out_len == 1001 * 4, "%zu bytes", out_len);
}

int main(void)
{
	test_begin(20);
	test_nesting();
	test_strings();
	test_table();
	test_many_rows();
	test_numbers();
	free(out);
	return TEST_PASS;
}
