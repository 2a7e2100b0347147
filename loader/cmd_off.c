// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer off: end the attached policy at once, through sysfs. What is
 * pinned stays for a look and is removed by the next load or unload.
 */
#include <errno.h>
#include <stdlib.h>

#include "nvmesteer.h"

struct off {
	const char *dev;
	bool all;
};

static void set_dev(void *ctx, const char *arg)
{
	((struct off *)ctx)->dev = arg;
}

static void set_all(void *ctx, const char *arg)
{
	(void)arg;
	((struct off *)ctx)->all = true;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "all", .short_name = 'a', .help = "all controllers",
	  .set = set_all },
	{ 0 },
};

static void say(struct json *j, const struct ctrl_state *s, bool ended)
{
	if (opt_json) {
		json__object(j, NULL);
		json__str(j, "controller", s->ctrl);
		json__str(j, "policy", ended ? s->policy : NULL);
		json__bool(j, "ended", ended);
		json__object_end(j);
	} else if (ended) {
		printf("%s: ended policy '%s'\n", s->ctrl, s->policy);
	} else {
		printf("%s: no policy is attached\n", s->ctrl);
	}
}

static int switch_off(const char *ctrl, struct json *j)
{
	struct ctrl_state s;
	int ret, code = EXIT_OK;

	ret = kstate__read(ctrl, &s);
	if (ret)
		return fail_code(EXIT_UNSUPPORTED,
			"%s cannot be steered: it has no steer directory in sysfs; is it a PCI controller? (%s)",
			ctrl, errno_name(ret));
	ret = kstate__write(ctrl, "off", "1");
	if (!ret || ret == -ENOENT)
		say(j, &s, !ret);
	else if (ret == -EACCES || ret == -EPERM)
		code = fail("not allowed to switch steering off; run it as root (%s)",
			    errno_name(ret));
	else
		code = fail("cannot switch steering off on %s; see 'dmesg' (%s)",
			    ctrl, errno_name(ret));
	kstate__free(&s);
	return code;
}

static int switch_these(char (*names)[32], unsigned int n)
{
	int ret, code = EXIT_OK;
	unsigned int i;
	struct json j;

	/* an object with a list, as unload prints it */
	if (opt_json) {
		json__begin(&j, stdout, "off");
		json__array(&j, "controllers");
	}
	for (i = 0; i < n; i++) {
		ret = switch_off(names[i], &j);
		if (ret)
			code = ret;
	}
	if (opt_json) {
		json__array_end(&j);
		json__end(&j);
	}
	return code;
}

static int switch_all(void)
{
	unsigned int n = 0;
	char (*names)[32];
	int ret;

	ret = kstate__list(&names, &n);
	if (ret)
		return fail("cannot list the controllers; is /sys mounted? (%s)",
			    errno_name(ret));
	ret = switch_these(names, n);
	free(names);
	return ret;
}

static int run(const struct off *o)
{
	char ctrl[1][32], why[512];
	int ret;

	ret = kstate__absent(why);
	if (ret)
		return fail_code(ret, "%s", why);
	if (o->all)
		return switch_all();
	ret = target__resolve(o->dev, ctrl[0], why);
	if (ret)
		return fail("%s (%s)", why, errno_name(ret));
	return switch_these(ctrl, 1);
}

int cmd_off(int argc, char **argv)
{
	const struct verb *verb = verb__find("off");
	struct off o = {};
	int i, ret;

	i = opts__parse(verb, opts, &o, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (i < argc && !o.dev)
		o.dev = argv[i++];
	if (i < argc || (o.all && o.dev))
		return fail_code(EXIT_USAGE,
			"off takes one controller or --all; see 'nvmesteer off --help'");
	return run(&o);
}
