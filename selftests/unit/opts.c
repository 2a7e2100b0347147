// SPDX-License-Identifier: GPL-2.0
/*
 * Options of the verbs: long and short, with and without values, in any order
 * with the arguments; the common ones; and the exit codes of --help and of
 * wrong usage.
 */
#include "nvmesteer.h"
#include "test.h"

static int run(int argc, char **argv)
{
	return 0;
}

static const struct verb paint = {
	"paint", "[COLOUR]", "Paint something", run,
};

struct seen {
	char dev[64];
	char watch[64];
	int all;
};

static void set_dev(void *ctx, const char *arg)
{
	struct seen *s = ctx;

	snprintf(s->dev + strlen(s->dev), sizeof(s->dev) - strlen(s->dev),
		 "%s;", arg);
}

static void set_watch(void *ctx, const char *arg)
{
	snprintf(((struct seen *)ctx)->watch, 64, "%s", arg ? arg : "default");
}

static void set_all(void *ctx, const char *arg)
{
	((struct seen *)ctx)->all++;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "X", .set = set_dev,
	  .help = "a device" },
	{ .name = "watch", .arg = "S", .arg_optional = true,
	  .set = set_watch, .help = "again and again" },
	{ .name = "all", .short_name = 'a', .set = set_all, .help = "all" },
	{ 0 },
};

static struct seen seen;
static char *args[16];
static int code;

/* Parse a command line of words; the index of the first argument, or -1. */
static int parse(const char *line)
{
	static char copy[256];
	int argc = 0;
	char *word;

	memset(&seen, 0, sizeof(seen));
	opt_json = false;
	opt_verbose = 0;
	code = -1;
	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		args[argc++] = word;
	args[argc] = NULL;
	return opts__parse(&paint, opts, &seen, argc, args, &code);
}

static void stops(const char *line, int wanted)
{
	test_check(parse(line) == -1, "'%s' was taken", line);
	test_check(code == wanted, "'%s' ended with %d", line, code);
}

static void test_taken(void)
{
	int first;

	test_step("options that are right");
	first = parse("paint red");
	test_check(first == 1 && !seen.dev[0] && !seen.all, "plain");
	first = parse("paint --dev one -dtwo -d three --dev=four red blue");
	test_check(!strcmp(seen.dev, "one;two;three;four;"), "dev is %s",
		   seen.dev);
	test_check(!strcmp(args[first], "red"), "the argument is %s",
		   args[first]);
	first = parse("paint red -a --all blue --json -vv");
	test_check(seen.all == 2 && opt_json && opt_verbose == 2,
		   "all %d json %d verbose %d", seen.all, opt_json,
		   opt_verbose);
	test_check(!strcmp(args[first], "red") && !strcmp(args[first + 1],
							  "blue"), "order");
	parse("paint --watch");
	test_check(!strcmp(seen.watch, "default"), "watch %s", seen.watch);
	parse("paint --watch=2");
	test_check(!strcmp(seen.watch, "2"), "watch %s", seen.watch);
	first = parse("paint -- --all");
	test_check(!seen.all && !strcmp(args[first], "--all"), "after --");
}

int main(void)
{
	test_begin(20);
	test_taken();
	test_step("options that end the verb");
	stops("paint --help", EXIT_OK);
	stops("paint -h", EXIT_OK);
	stops("paint --nonsense", EXIT_USAGE);
	stops("paint -z", EXIT_USAGE);
	stops("paint --dev", EXIT_USAGE);
	stops("paint -d", EXIT_USAGE);
	stops("paint --all=3", EXIT_USAGE);
	test_step("verbs");
	test_check(verb__find("stats")->run == cmd_stats, "stats is another");
	test_check(!verb__find("stat") && !verb__find(""), "found too much");
	test_step("no options of its own");
	parse("paint");
	test_check(opts__parse(&paint, NULL, NULL, 1, args, &code) == 1,
		   "NULL for options");
	return TEST_PASS;
}
