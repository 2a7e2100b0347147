// SPDX-License-Identifier: GPL-2.0
/*
 * What the verbs share that act on one controller or on all of them: --dev and
 * --all, the loop, and the list in JSON. What is done to each is the verb's.
 */
#include <stdlib.h>

#include "nvmesteer.h"

struct choice {
	const char *dev;
	bool all;
};

static void set_dev(void *ctx, const char *arg)
{
	((struct choice *)ctx)->dev = arg;
}

static void set_all(void *ctx, const char *arg)
{
	(void)arg;
	((struct choice *)ctx)->all = true;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "all", .short_name = 'a', .help = "all controllers",
	  .set = set_all },
	{ 0 },
};

static int these(const char *verb, each_fn fn, char (*names)[32],
		 unsigned int n)
{
	int ret, code = EXIT_OK;
	unsigned int i;
	struct json j;

	if (opt_json) {
		json__begin(&j, stdout, verb);
		json__array(&j, "controllers");
	}
	for (i = 0; i < n; i++) {
		ret = fn(names[i], &j);
		if (ret)
			code = ret;
	}
	if (opt_json) {
		json__array_end(&j);
		json__end(&j);
	}
	return code;
}

static int all(const char *verb, each_fn fn)
{
	unsigned int n = 0;
	char (*names)[32];
	int ret;

	ret = kstate__list(&names, &n);
	if (ret)
		return fail("cannot list the controllers; is /sys mounted? (%s)",
			    errno_name(ret));
	if (!n)
		note("there is no NVMe controller on PCI");
	ret = these(verb, fn, names, n);
	free(names);
	return ret;
}

int each__controller(const char *verb, int (*missing)(char *why), each_fn fn,
		     int argc, char **argv)
{
	char ctrl[1][32], why[512];
	struct choice c = {};
	int i, ret;

	i = opts__parse(verb__find(verb), opts, &c, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (!show__one_dev(&c.dev, argc - i, argv + i) || (c.all && c.dev))
		return fail_code(EXIT_USAGE,
			"%s takes one controller or --all; see 'nvmesteer %s --help'",
			verb, verb);
	ret = missing(why);
	if (ret)
		return fail_code(ret, "%s", why);
	if (c.all)
		return all(verb, fn);
	ret = target__resolve(c.dev, ctrl[0], why);
	if (ret)
		return fail("%s (%s)", why, errno_name(ret));
	return these(verb, fn, ctrl, 1);
}
