// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer unset: remove entries of a hash; make entries of an array, and
 * fields, zero again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "keys.h"

static int unset_one(struct keys *k, const char *path)
{
	char why[VALUE_WHY];
	int err;

	err = keys__check(k, path, why);
	if (!err)
		err = value__unset(keys__map, k, path, why);
	if (err)
		return fail("cannot unset '%s': %s (%s)", path, why,
			    errno_name(err));
	return EXIT_OK;
}

int cmd_unset(int argc, char **argv)
{
	const struct verb *verb = verb__find("unset");
	int first, i, lock, code = EXIT_OK;
	struct keys k;

	first = opts__parse(verb, NULL, NULL, argc, argv, &code);
	if (first < 0)
		return code;
	if (argc - first < 2)
		return fail_code(EXIT_USAGE, "unset needs a controller and a "
				 "KEY; see 'nvmesteer unset --help'");
	/* fields and entries of one map: not between another's read and write */
	lock = pin__lock();
	if (!keys__open(&k, argv[first], &code)) {
		for (i = first + 1; i < argc && code == EXIT_OK; i++)
			code = unset_one(&k, argv[i]);
		keys__close(&k);
	}
	if (lock >= 0)
		close(lock);
	return code;
}
