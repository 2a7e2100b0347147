// SPDX-License-Identifier: GPL-2.0
/*
 * Values by their BTF type: text to bytes and back, ranges, bitfields, enums,
 * strings, lists, fields by path, keys in paths, and what is said of mistakes.
 * Needs no kernel: the types are those of sample.h.
 */
#include "sample.h"
#include "test.h"
#include "value_place.h"

static struct btf *btf;
static uint32_t whole_type, section_type;
static struct sample sample;

static void make_types(void)
{
	int type, var;

	btf = btf__new_empty();
	test_check(btf, "no BTF");
	type = sample_type(btf);
	test_check(type > 0, "cannot make the type");
	whole_type = type;
	var = btf__add_var(btf, "limit", BTF_VAR_GLOBAL_ALLOCATED,
			   btf__find_by_name(btf, "__u32"));
	section_type = btf__add_datasec(btf, ".data", 8);
	btf__add_datasec_var_info(btf, var, 4, 4);
}

static struct place whole(void)
{
	return (struct place){
		.btf = btf, .type = whole_type, .data = (uint8_t *)&sample,
		.name = "sample",
	};
}

static int set(const char *fields, const char *text, char *why)
{
	struct place p = whole();
	int err = place__walk(&p, fields, why);

	return err ? err : place__parse(&p, text, why);
}

/* Setting works and reads back as @wanted. */
static void good(const char *fields, const char *text, const char *wanted)
{
	char why[VALUE_WHY] = "", got[128];
	struct place p = whole();
	int err = set(fields, text, why);

	test_check(!err, "%s=%s: %s", fields, text, why);
	place__walk(&p, fields, why);
	place__leaf(&p, got, sizeof(got));
	test_check(!strcmp(got, wanted), "%s=%s reads as %s, not %s", fields,
		   text, got, wanted);
}

/* Setting is refused with @wanted in the sentence, and changes nothing. */
static void bad(const char *fields, const char *text, const char *wanted)
{
	char why[VALUE_WHY] = "";
	struct sample before = sample;
	int err = set(fields, text, why);

	test_check(err < 0, "%s=%s was taken", fields, text);
	test_check(strstr(why, wanted), "%s=%s: '%s' lacks '%s'", fields, text,
		   why, wanted);
	test_check(!memcmp(&before, &sample, sizeof(sample)),
		   "%s=%s changed something", fields, text);
}

static void check_integers(void)
{
	test_step("integers");
	good("x", "255", "255");
	good("x", "0x1f", "31");
	good("x", "017", "15");
	bad("x", "300",
	    "value 300 is out of range for u8 field 'x' (0 to 255)");
	bad("x", "-1", "out of range");
	bad("x", "1k", "out of range");
	bad("x", "", "not a number");
	bad("x", "3x", "not a number");
	bad("x", "k", "not a number");
	good("s", "-128", "-128");
	good("s", "127", "127");
	bad("s", "128", "s8 field 's' (-128 to 127)");
	bad("s", "-129", "out of range");
	good("big", "18446744073709551615", "18446744073709551615");
	bad("big", "18446744073709551616", "out of range");
	bad("big", "18446744073709551615k", "out of range");
	good("big", "4k", "4096");
	good("big", "2M", "2097152");
	good("big", "1g", "1073741824");
	test_check(sample.big == 1U << 30, "big is %lu", (long)sample.big);
}

static void check_bitfields(void)
{
	test_step("bitfields");
	good("low", "7", "7");
	good("mid", "-16", "-16");
	good("low", "5", "5");
	test_check(sample.low == 5 && sample.mid == -16,
		   "the compiler sees %d and %d", sample.low, sample.mid);
	bad("low", "8", "u3 field 'low' (0 to 7)");
	bad("mid", "16", "(-16 to 15)");
	good("mid", "15", "15");
	test_check(sample.low == 5, "a neighbour changed");
}

static void check_words(void)
{
	test_step("booleans, enumerators, strings");
	good("on", "true", "true");
	good("on", "off", "false");
	good("on", "1", "true");
	bad("on", "2", "true or false");
	good("color", "GREEN", "GREEN");
	good("color", "1", "RED");
	good("color", "7", "7");
	bad("color", "GREN", "did you mean 'GREEN'?");
	good("name", "abc", "\"abc\"");
	good("name", "1234567", "\"1234567\"");
	bad("name", "12345678", "at most 7 characters");
	good("name", "\"a b\"", "\"a b\"");
}

static void check_fields(void)
{
	test_step("fields");
	good("in.1.b", "-5", "-5");
	test_check(sample.in[1].b == -5, "in[1].b is %d", sample.in[1].b);
	good("right", "9", "9");
	test_check(sample.left == 9, "left is %u", sample.left);
	bad("in.2.b", "1", "index 2 is out of range for array 'in' (0 to 1)");
	bad("in.x.b", "1", "not an index");
	bad("colour", "1", "did you mean 'color'?");
	bad("colour", "1", "x, s, low, mid, big");
	bad("x.y", "1", "has no fields");
	bad("in", "1", "is a structure or an array");
}

static void check_lists(void)
{
	char why[VALUE_WHY] = "";

	test_step("lists");
	test_check(!set("", "{x=7, name=ab,in={{1,2},{b=4}}}", why), "%s", why);
	test_check(sample.x == 7 && !strcmp(sample.name, "ab") &&
		   sample.in[0].a == 1 && sample.in[0].b == 2 &&
		   !sample.in[1].a && sample.in[1].b == 4 && !sample.big,
		   "the list was read otherwise");
	test_check(!set("", "{}", why), "%s", why);
	test_check(!sample.x && !sample.in[1].b, "not all is zero");
	test_check(set("in", "{{1,2},{3,4},{5,6}}", why) < 0,
		   "three were put in two");
	test_check(strstr(why, "has only 2 members"), "it says '%s'", why);
	bad("in", "{1", "is a structure or an array");
}

/* @path: after the map's name. */
static void key(const char *path, const char *wanted, const char *fields)
{
	char copy[128], *k = copy, *rest;
	struct place p = whole();

	snprintf(copy, sizeof(copy), "%s", path);
	rest = path__key(&k, &p);
	test_check(!strcmp(k, wanted) && !strcmp(rest, fields),
		   "%s is '%s' and '%s'", path, k, rest);
}

static void check_paths(void)
{
	test_step("paths");
	key("3", "3", "");
	key("3.in.1.a", "3", "in.1.a");
	key("{a=1.5,b=2}.x", "{a=1.5,b=2}", "x");
	key("/sys/fs/cgroup/a.slice/b.service", "/sys/fs/cgroup/a.slice/b.service",
	    "");
	key("/sys/fs/cgroup/a.slice.x", "/sys/fs/cgroup/a.slice", "x");
	key("cgroup:/a.slice.in.1.b", "cgroup:/a.slice", "in.1.b");
	key("\"/sys/fs/cgroup/a.x\".s", "/sys/fs/cgroup/a.x", "s");
	key("\"/sys/fs/cgroup/a.x\"", "/sys/fs/cgroup/a.x", "");
}

static void check_split(const char *text, const char *path, const char *value)
{
	char copy[128], *got;

	snprintf(copy, sizeof(copy), "%s", text);
	got = value__split(copy);
	test_check(value ? got && !strcmp(got, value) : !got,
		   "%s: value is '%s'", text, got ? got : "none");
	test_check(!strcmp(copy, path), "%s: path is '%s'", text, copy);
}

static void check_splits(void)
{
	test_step("assignments");
	check_split("a.1.b=2", "a.1.b", "2");
	check_split("a.{x=1,y=2}.b=3", "a.{x=1,y=2}.b", "3");
	check_split("a.1={x=1}", "a.1", "{x=1}");
	check_split("a.\"/x=y\".b=3", "a.\"/x=y\".b", "3");
	check_split("a", "a", NULL);
	check_split("a=", "a", "");
}

static void check_variables(void)
{
	uint8_t data[8] = { 0 };
	struct place section = {
		.btf = btf, .type = section_type, .data = data, .name = "",
	}, p;
	struct names names;
	char why[VALUE_WHY], say[256];

	test_step("variables");
	test_check(!place__variable(&section, "limit", &p, NULL),
		   "there is no 'limit'");
	test_check(!place__parse(&p, "258", why), "%s", why);
	test_check(data[4] == 2 && data[5] == 1, "stored elsewhere");
	names__init(&names, "limt");
	test_check(place__variable(&section, "limt", &p, &names) == -ENOENT,
		   "there is a 'limt'");
	names__say(&names, "variables", say, sizeof(say));
	test_check(strstr(say, "did you mean 'limit'?"), "it says '%s'", say);
}

static void check_lines(void)
{
	struct place p = whole();
	char *text, why[VALUE_WHY];
	size_t size;
	FILE *file = open_memstream(&text, &size);

	test_step("lines");
	set("", "{x=1,s=-1,low=2,mid=-3,color=RED,name=n,left=4}", why);
	place__print(&p, "m.3", file);
	fclose(file);
	test_check(!strcmp(text,
			   "m.3.x = 1\nm.3.s = -1\nm.3.low = 2\nm.3.mid = -3\n"
			   "m.3.big = 0\nm.3.on = false\nm.3.name = \"n\"\n"
			   "m.3.color = RED\nm.3.in.0.a = 0\nm.3.in.0.b = 0\n"
			   "m.3.in.1.a = 0\nm.3.in.1.b = 0\nm.3.left = 4\n"
			   "m.3.right = 4\n"), "it prints\n%s", text);
	free(text);
}

int main(void)
{
	test_begin(20);
	make_types();
	check_integers();
	check_bitfields();
	check_words();
	check_fields();
	check_lists();
	check_paths();
	check_splits();
	check_variables();
	check_lines();
	btf__free(btf);
	return TEST_PASS;
}
