// SPDX-License-Identifier: GPL-2.0
/*
 * Options of the verbs. A verb describes its own in a table; --help, --json
 * and --verbose are added here, so that they mean the same everywhere.
 */
#include <string.h>

#include "nvmesteer.h"

#define MAX_OPTS	24

bool opt_json;
int opt_verbose;

static void set_json(void *ctx, const char *arg)
{
	(void)ctx;
	(void)arg;
	opt_json = true;
}

static void set_verbose(void *ctx, const char *arg)
{
	(void)ctx;
	(void)arg;
	opt_verbose++;
}

static const struct opt common[] = {
	{ .name = "json", .help = "print JSON", .set = set_json },
	{ .name = "verbose", .short_name = 'v', .set = set_verbose,
	  .help = "say what is done; twice: all the verifier says too" },
	{ .name = "help", .short_name = 'h', .help = "print this text" },
	{ 0 },
};

static void print_option(const struct opt *o)
{
	char left[64];
	int n;

	n = snprintf(left, sizeof(left), "--%s", o->name);
	if (o->short_name)
		n = snprintf(left, sizeof(left), "-%c, --%s", o->short_name,
			     o->name);
	if (o->arg)
		snprintf(left + n, sizeof(left) - n,
			 o->arg_optional ? "[=%s]" : " %s", o->arg);
	printf("  %-22s %s\n", left, o->help);
}

static void print_help(const struct verb *verb, const struct opt *opts)
{
	const struct opt *o;

	printf("Usage: nvmesteer %s%s%s\n\n%s.\n\n", verb->name,
	       *verb->args ? " " : "", verb->args, verb->summary);
	for (o = opts; o->name; o++)
		print_option(o);
	for (o = common; o->name; o++)
		print_option(o);
}

/* What getopt_long() wants: long options, and a string of short ones. */
struct forms {
	const struct opt *opt[MAX_OPTS];
	struct option longs[MAX_OPTS + 1];
	char shorts[3 * MAX_OPTS + 2];
};

static void add_opts(struct forms *f, int *n, const struct opt *opts)
{
	char *s = f->shorts + strlen(f->shorts);
	const struct opt *o;

	for (o = opts; o->name && *n < MAX_OPTS; o++, ++*n) {
		f->opt[*n] = o;
		f->longs[*n] = (struct option){
			.name = o->name,
			.has_arg = !o->arg ? no_argument :
				   o->arg_optional ? optional_argument :
						     required_argument,
			.val = 256 + *n,
		};
		if (!o->short_name)
			continue;
		*s++ = o->short_name;
		if (o->arg)
			*s++ = ':';
		if (o->arg && o->arg_optional)
			*s++ = ':';
		*s = '\0';
	}
}

static const struct opt *find_opt(const struct forms *f, int n, int c)
{
	int i;

	if (c >= 256)
		return f->opt[c - 256];
	for (i = 0; i < n; i++)
		if (f->opt[i]->short_name == c)
			return f->opt[i];
	return NULL;
}

static int unknown(const struct verb *verb, const struct forms *f, int n,
		   const char *arg)
{
	struct nearest near;
	char name[32];
	int i;

	/* "--name=value" */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	nearest__init(&near, name + strspn(name, "-"));
	for (i = 0; i < n && !strncmp(arg, "--", 2); i++)
		nearest__try(&near, f->opt[i]->name);
	if (near.best && !near.distance)
		return fail_code(EXIT_USAGE,
			"option '%s' takes no value; see 'nvmesteer %s --help'",
			name, verb->name);
	if (near.best)
		return fail_code(EXIT_USAGE,
			"%s has no option '%s'; did you mean '--%s'? See 'nvmesteer %s --help'",
			verb->name, name, near.best, verb->name);
	return fail_code(EXIT_USAGE,
		"%s has no option '%s'; see 'nvmesteer %s --help'",
		verb->name, name, verb->name);
}

static int wrong(const struct verb *verb, const struct forms *f, int n, int c,
		 char **argv)
{
	const char *arg = argv[optind - 1];
	char letter[] = { '-', (char)optopt, '\0' };

	if (optopt > 0 && optopt < 256)
		arg = letter;
	if (c == ':')
		return fail_code(EXIT_USAGE,
			"option '%s' needs a value; see 'nvmesteer %s --help'",
			arg, verb->name);
	return unknown(verb, f, n, arg);
}

int opts__parse(const struct verb *verb, const struct opt *opts, void *ctx,
		int argc, char **argv, int *exit_code)
{
	static const struct opt none[] = { { 0 } };
	struct forms f = { .shorts = ":" };
	const struct opt *o;
	int c, n = 0;

	if (!opts)
		opts = none;
	add_opts(&f, &n, opts);
	add_opts(&f, &n, common);
	optind = 0;
	while ((c = getopt_long(argc, argv, f.shorts, f.longs, NULL)) != -1) {
		o = c == '?' || c == ':' ? NULL : find_opt(&f, n, c);
		if (!o) {
			*exit_code = wrong(verb, &f, n, c, argv);
			return -1;
		}
		if (!o->set) {
			print_help(verb, opts);
			*exit_code = EXIT_OK;
			return -1;
		}
		o->set(ctx, optarg);
	}
	return optind;
}
