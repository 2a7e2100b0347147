// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer - route NVMe passthrough I/O with BPF policies.
 *
 * Finds the verb; the verbs are in verbs.c, what they do in cmd_<verb>.c.
 */
#include <string.h>

#include "nvmesteer.h"

/* What other tools call our verbs. */
static const struct {
	const char *word;
	const char *ours;
} other_words[] = {
	{ "attach", "load" }, { "replace", "load --replace" },
	{ "reload", "load --replace" }, { "detach", "unload" },
	{ "remove", "unload" }, { "stop", "off" }, { "disable", "off" },
	{ "show", "status" }, { "dump", "get" }, { "verify", "check" },
	{ "version", "--version" }, { "-V", "--version" },
};

#define NR_WORDS	(sizeof(other_words) / sizeof(other_words[0]))

/* What was meant by @name, or NULL. */
static const char *meant(const char *name)
{
	const struct verb *v;
	struct nearest n;
	size_t i;

	for (i = 0; i < NR_WORDS; i++)
		if (!strcmp(name, other_words[i].word))
			return other_words[i].ours;
	nearest__init(&n, name);
	for (v = verbs; v->name; v++)
		nearest__try(&n, v->name);
	return n.best;
}

static void usage(FILE *file)
{
	const struct verb *v;

	fprintf(file, "Usage: nvmesteer VERB [ARGUMENT]...\n\n");
	for (v = verbs; v->name; v++)
		fprintf(file, "  %-8s %s\n", v->name, v->summary);
	fprintf(file,
		"\n'nvmesteer VERB --help' tells a verb's options. A CONTROLLER is nvme0 or one of\n"
		"its devices (/dev/ng0n1); it can be left out where there is only one.\n"
		"Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not supported here.\n");
}

static int unknown(const char *name)
{
	const char *verb = meant(name);

	if (verb)
		return fail_code(EXIT_USAGE,
			"there is no verb '%s'; did you mean '%s'? See 'nvmesteer --help'",
			name, verb);
	if (*name == '-')
		return fail_code(EXIT_USAGE,
			"the verb comes before its options such as '%s'; see 'nvmesteer --help'",
			name);
	return fail_code(EXIT_USAGE,
		"there is no verb '%s'; see 'nvmesteer --help'", name);
}

static int help(int argc, char **argv)
{
	static char arg[] = "--help";
	const struct verb *v;

	if (argc < 1) {
		usage(stdout);
		return EXIT_OK;
	}
	v = verb__find(argv[0]);
	if (!v)
		return unknown(argv[0]);
	return v->run(2, (char *[]){ argv[0], arg, NULL });
}

int main(int argc, char **argv)
{
	const struct verb *v;
	int ret;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("nvmesteer %s (policy contract %d)\n", NVMESTEER_VERSION,
		       NVME_STEER_ABI);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help"))
		return help(argc - 2, argv + 2);
	v = verb__find(argv[1]);
	if (!v)
		return unknown(argv[1]);
	ret = v->run(argc - 1, argv + 1);
	/* A result that did not reach its reader is a failure. */
	if (fflush(stdout) || ferror(stdout))
		return fail("cannot write the result: %m");
	return ret;
}
