// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer set: change entries of the attached policy's maps, and variables.
 * All are checked before the first is changed; then they are changed in the
 * order given, and the policy sees each at once. Two of us at a time wait for
 * each other, so that fields of one entry set by both are both set.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"

struct assignment {
	const char *path;
	const char *text;
};

static int failed(const struct assignment *a, const char *why, int err)
{
	return fail("cannot set '%s': %s (%s)", a->path, why, errno_name(err));
}

static int set_all(struct keys *k, const struct assignment *a, int n)
{
	char why[VALUE_WHY];
	int i, err;

	for (i = 0; i < n; i++) {
		err = keys__check(k, a[i].path, why);
		if (!err)
			err = value__check(keys__map, k, a[i].path, a[i].text,
					   why);
		if (err)
			return failed(&a[i], why, err);
	}
	for (i = 0; i < n; i++) {
		err = value__set(keys__map, k, a[i].path, a[i].text, why);
		if (err) {
			failed(&a[i], why, err);
			if (i)
				note("what was given before '%s' is set",
				     a[i].path);
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

static int split(char **args, struct assignment *a, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		a[i].path = args[i];
		a[i].text = value__split(args[i]);
		if (!a[i].text || !args[i][0])
			return fail_code(EXIT_USAGE, "'%s' is not KEY=VALUE; "
					 "see 'nvmesteer set --help'",
					 args[i]);
	}
	return EXIT_OK;
}

static int run(const char *ctrl, char **args, int n)
{
	struct assignment *a = calloc(n, sizeof(*a));
	struct keys k;
	int code, lock;

	if (!a)
		return fail("out of memory (ENOMEM)");
	code = split(args, a, n);
	/* whoever may not lock may not set either, and is told so */
	lock = code == EXIT_OK ? pin__lock() : -1;
	if (code == EXIT_OK && !keys__open(&k, ctrl, &code)) {
		code = set_all(&k, a, n);
		keys__close(&k);
	}
	if (lock >= 0)
		close(lock);
	free(a);
	return code;
}

int cmd_set(int argc, char **argv)
{
	const struct verb *verb = verb__find("set");
	int first, code = EXIT_OK;

	first = opts__parse(verb, NULL, NULL, argc, argv, &code);
	if (first < 0)
		return code;
	if (argc - first < 2)
		return fail_code(EXIT_USAGE, "set needs a controller and "
				 "KEY=VALUE; see 'nvmesteer set --help'");
	return run(argv[first], argv + first + 1, argc - first - 1);
}
