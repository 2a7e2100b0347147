// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer off: end the attached policy at once, through sysfs. What is
 * pinned stays for a look and is removed by the next load or unload.
 */
#include <errno.h>

#include "nvmesteer.h"

static void set_dev(void *ctx, const char *arg)
{
	*(const char **)ctx = arg;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ 0 },
};

static int report(const struct ctrl_state *s, bool ended)
{
	struct json j;

	if (opt_json) {
		json__begin(&j, stdout, "off");
		json__str(&j, "controller", s->ctrl);
		json__str(&j, "policy", ended ? s->policy : NULL);
		json__bool(&j, "ended", ended);
		json__end(&j);
	} else if (ended) {
		printf("%s: ended policy '%s'\n", s->ctrl, s->policy);
	} else {
		printf("%s: no policy is attached\n", s->ctrl);
	}
	return EXIT_OK;
}

static int switch_off(const char *ctrl)
{
	struct ctrl_state s;
	int ret;

	ret = kstate__read(ctrl, &s);
	if (ret)
		return fail_code(EXIT_UNSUPPORTED,
			"cannot switch steering off on %s: it has no steer directory in sysfs; 'nvmesteer status' tells why (%s)",
			ctrl, errno_name(ret));
	ret = kstate__write(ctrl, "off", "1");
	if (!ret || ret == -ENOENT)
		ret = report(&s, !ret);
	else if (ret == -EACCES || ret == -EPERM)
		ret = fail("not allowed to switch steering off; run it as root (%s)",
			   errno_name(ret));
	else
		ret = fail("cannot switch steering off on %s; see 'dmesg' (%s)",
			   ctrl, errno_name(ret));
	kstate__free(&s);
	return ret;
}

int cmd_off(int argc, char **argv)
{
	const struct verb *verb = verb__find("off");
	const char *dev = NULL;
	char ctrl[32], why[256];
	int i, ret;

	i = opts__parse(verb, opts, &dev, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (i < argc && !dev)
		dev = argv[i++];
	if (i < argc)
		return fail_code(EXIT_USAGE,
			"off takes one controller; see 'nvmesteer off --help'");
	ret = target__resolve(dev, ctrl, why);
	if (ret)
		return fail("%s (%s)", why, errno_name(ret));
	return switch_off(ctrl);
}
