// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer off: end the attached policy at once, through sysfs, whatever the
 * BPF file system is like; then remove what is pinned, if that can be done.
 */
#include <errno.h>
#include <unistd.h>

#include "nvmesteer.h"

/* What became of a controller. */
struct outcome {
	bool ended;
	bool cleaned;		/* pins were removed */
};

static void say(struct json *j, const struct ctrl_state *s,
		const struct outcome *o)
{
	if (opt_json) {
		json__object(j, NULL);
		json__str(j, "controller", s->ctrl);
		json__str(j, "policy", o->ended ? s->policy : NULL);
		json__bool(j, "ended", o->ended);
		json__bool(j, "pins_removed", o->cleaned);
		json__object_end(j);
	} else if (o->ended) {
		printf("%s: ended policy '%s'\n", s->ctrl, s->policy);
	} else {
		printf("%s: no policy is attached%s\n", s->ctrl,
		       o->cleaned ? "; removed leftover pins" : "");
	}
}

/* Pins of no attached policy; another load may have come meanwhile. */
static int unpin(const char *ctrl, struct outcome *o)
{
	enum pin_state state = PIN_NONE;
	struct ctrl_state s;
	char dir[256];
	int ret, lock;

	lock = pin__lock();
	if (lock < 0)
		return lock;
	ret = kstate__read(ctrl, &s);
	if (!ret) {
		ret = pin__state(&s, &state, dir);
		if (!ret)
			ret = pin__clean(ctrl, &s);
		kstate__free(&s);
	}
	close(lock);
	o->cleaned = !ret && state == PIN_ORPHAN;
	if (o->cleaned)
		tell("%s: removed the pins in %s", ctrl, dir);
	return ret;
}

static int complain(const char *ctrl, int ret)
{
	if (ret == -EACCES || ret == -EPERM)
		return fail("not allowed to switch steering off; run it as root (%s)",
			    errno_name(ret));
	return fail("cannot switch steering off on %s; see 'dmesg' (%s)", ctrl,
		    errno_name(ret));
}

static int switch_off(const char *ctrl, struct json *j)
{
	struct outcome o = {};
	struct ctrl_state s;
	int ret;

	ret = kstate__read(ctrl, &s);
	if (ret)
		return fail_code(EXIT_UNSUPPORTED,
			"%s cannot be steered: it has no steer directory in sysfs; is it a PCI controller? (%s)",
			ctrl, errno_name(ret));
	tell("%s: writing 1 to /sys/class/nvme/%s/steer/off", ctrl, ctrl);
	ret = kstate__write(ctrl, "off", "1");
	o.ended = !ret;
	if (ret && ret != -ENOENT) {
		kstate__free(&s);
		return complain(ctrl, ret);
	}
	ret = unpin(ctrl, &o);
	say(j, &s, &o);
	if (ret)
		note("cannot remove pins below " PIN_ROOT "/%s; they hold nothing but memory, and the next load or unload removes them (%s)",
		     ctrl, errno_name(ret));
	kstate__free(&s);
	return EXIT_OK;
}

int cmd_off(int argc, char **argv)
{
	return each__controller("off", kstate__absent, switch_off, argc, argv);
}
