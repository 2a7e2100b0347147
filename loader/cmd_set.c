// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer set: change entries of the attached policy's maps, and variables,
 * in the order given; the policy sees each change at once.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

static int set_one(struct keys *k, char *assignment, unsigned int before)
{
	char *text = value__split(assignment), why[VALUE_WHY];
	int err;

	err = keys__check(k, assignment, why);
	if (!err)
		err = value__set(keys__map, k, assignment, text, why);
	if (!err)
		return EXIT_OK;
	if (before)
		note("what was given before '%s' is set", assignment);
	return fail("cannot set '%s': %s (%s)", assignment, why,
		    errno_name(err));
}

int cmd_set(int argc, char **argv)
{
	const struct verb *verb = verb__find("set");
	int first, i, code = EXIT_OK;
	struct keys k;

	first = opts__parse(verb, NULL, NULL, argc, argv, &code);
	if (first < 0)
		return code;
	if (argc - first < 2)
		return fail_code(EXIT_USAGE, "set needs a controller and "
				 "KEY=VALUE; see 'nvmesteer set --help'");
	for (i = first + 1; i < argc; i++)
		if (!strchr(argv[i], '='))
			return fail_code(EXIT_USAGE, "'%s' is not KEY=VALUE; "
					 "see 'nvmesteer set --help'",
					 argv[i]);
	if (keys__open(&k, argv[first], &code))
		return code;
	for (i = first + 1; i < argc && code == EXIT_OK; i++)
		code = set_one(&k, argv[i], i - first - 1);
	keys__close(&k);
	return code;
}
