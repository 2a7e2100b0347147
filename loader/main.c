// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer - route NVMe passthrough I/O with BPF policies.
 *
 * Finds the verb; the verbs are in verbs.c, what they do in cmd_<verb>.c.
 */
#include <string.h>

#include "nvmesteer.h"

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace) that turn @a into @b. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[32], i, j, above, left;

	if (strlen(a) > 31 || strlen(b) > 31)
		return 32;
	for (j = 0; j <= strlen(b); j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		above = row[0];
		row[0] = i;
		for (j = 1; b[j - 1]; j++) {
			left = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
				      above + (a[i - 1] != b[j - 1]));
			above = left;
		}
	}
	return row[strlen(b)];
}

static const struct verb *nearest(const char *name)
{
	const struct verb *v, *best = NULL;
	unsigned int d, best_d = 3;

	for (v = verbs; v->name; v++) {
		d = distance(name, v->name);
		if (d < best_d && d < strlen(v->name)) {
			best_d = d;
			best = v;
		}
	}
	return best;
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
	const struct verb *v = nearest(name);

	if (v)
		return fail_code(EXIT_USAGE,
			"there is no verb '%s'; did you mean '%s'? See 'nvmesteer --help'",
			name, v->name);
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
