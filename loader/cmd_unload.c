// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer unload: detach the policy of a controller, whoever holds its link,
 * and remove what is pinned. Done when the policy is gone with its queues.
 * Unloading where nothing is attached is no failure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nvmesteer.h"

/* Commands in flight may each take the driver's timeout and an abort. */
#define WAIT_MS		90000

struct unload {
	const char *dev;
	bool all;
};

static void set_dev(void *ctx, const char *arg)
{
	((struct unload *)ctx)->dev = arg;
}

static void set_all(void *ctx, const char *arg)
{
	(void)arg;
	((struct unload *)ctx)->all = true;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ .name = "all", .short_name = 'a', .help = "all controllers",
	  .set = set_all },
	{ 0 },
};

/* What became of a controller. */
struct outcome {
	char policy[NVME_STEER_NAME_LEN];
	bool detached;
	bool cleaned;		/* pins were removed */
};

static bool is_busy(const struct ctrl_state *s)
{
	unsigned int i;

	if (!strcmp(s->state, "attached"))
		return true;
	for (i = 0; i < s->nr_queues; i++)
		if (!strcmp(s->queues[i].owner, "policy"))
			return true;
	return false;
}

static unsigned long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000UL + t.tv_nsec / 1000000;
}

/* Until policy and queues are gone; a controller that went is done too. */
static int wait_gone(const char *ctrl)
{
	unsigned long end = now_ms() + WAIT_MS;
	struct timespec step = { .tv_nsec = 1000000 };
	struct ctrl_state s;
	bool busy;

	do {
		if (kstate__read(ctrl, &s))
			return 0;
		busy = is_busy(&s);
		kstate__free(&s);
		if (!busy)
			return 0;
		nanosleep(&step, NULL);
		if (step.tv_nsec < 50000000)
			step.tv_nsec *= 2;
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

static int unload(const char *ctrl, struct outcome *o)
{
	struct ctrl_state s, gone = {};
	enum pin_state state;
	char dir[256];
	int ret;

	memset(o, 0, sizeof(*o));
	ret = kstate__read(ctrl, &s);
	if (ret)
		return ret;
	ret = pin__state(&s, &state, dir);
	o->cleaned = !ret && (state == PIN_OURS || state == PIN_ORPHAN);
	if (!ret && s.link_id) {
		snprintf(o->policy, sizeof(o->policy), "%s", s.policy);
		ret = attached__detach(s.link_id);
		o->detached = !ret;
	}
	kstate__free(&s);
	/* the pins go even where the wait is long: nothing is attached */
	snprintf(gone.ctrl, sizeof(gone.ctrl), "%s", ctrl);
	if (!ret)
		ret = pin__clean(ctrl, &gone);
	return ret ? ret : wait_gone(ctrl);
}

static void say(struct json *j, const char *ctrl, const struct outcome *o)
{
	if (!opt_json) {
		if (o->detached)
			printf("%s: detached policy '%s'\n", ctrl, o->policy);
		else
			printf("%s: no policy is attached%s\n", ctrl,
			       o->cleaned ? "; removed leftover pins" : "");
		return;
	}
	json__object(j, NULL);
	json__str(j, "controller", ctrl);
	json__str(j, "policy", o->detached ? o->policy : NULL);
	json__bool(j, "detached", o->detached);
	json__bool(j, "pins_removed", o->cleaned);
	json__object_end(j);
}

static int complain(const char *ctrl, int ret)
{
	if (ret == -ETIMEDOUT)
		return fail("the policy of %s is detached, but commands are still in flight on its queues; the driver ends them with its timeout, see 'nvmesteer queues %s' (%s)",
			    ctrl, ctrl, errno_name(ret));
	if (ret == -ENOENT || ret == -ENODEV)
		return fail_code(EXIT_UNSUPPORTED,
			"%s cannot be steered: it has no steer directory in sysfs; is it a PCI controller? (%s)",
			ctrl, errno_name(ret));
	if (ret == -EPERM || ret == -EACCES)
		return fail("not allowed to detach the policy of %s; run it as root, or with CAP_BPF and CAP_SYS_ADMIN (%s)",
			    ctrl, errno_name(ret));
	return fail("cannot unload the policy of %s; 'nvmesteer off %s' ends it in any case (%s)",
		    ctrl, ctrl, errno_name(ret));
}

static int unload_these(char (*names)[32], unsigned int n)
{
	int ret, code = EXIT_OK;
	struct outcome o;
	unsigned int i;
	struct json j;

	if (opt_json) {
		json__begin(&j, stdout, "unload");
		json__array(&j, "controllers");
	}
	for (i = 0; i < n; i++) {
		ret = unload(names[i], &o);
		if (ret)
			code = complain(names[i], ret);
		if (!ret || o.detached)
			say(&j, names[i], &o);
	}
	if (opt_json) {
		json__array_end(&j);
		json__end(&j);
	}
	return code;
}

static int unload_all(void)
{
	unsigned int n = 0;
	char (*names)[32];
	int ret;

	ret = kstate__list(&names, &n);
	if (ret)
		return fail("cannot list the controllers; is /sys mounted? (%s)",
			    errno_name(ret));
	ret = unload_these(names, n);
	free(names);
	return ret;
}

static int run(const struct unload *u)
{
	char ctrl[1][32], why[512];
	int ret, lock;

	ret = kstate__missing(why);
	if (ret)
		return fail_code(ret, "%s", why);
	if (!u->all) {
		ret = target__resolve(u->dev, ctrl[0], why);
		if (ret)
			return fail("%s (%s)", why, errno_name(ret));
	}
	lock = pin__lock();
	if (lock < 0)
		return fail("cannot use " PIN_ROOT "; mount it with 'mount -t bpf bpf /sys/fs/bpf' and run this as root (%s)",
			    errno_name(lock));
	ret = u->all ? unload_all() : unload_these(ctrl, 1);
	close(lock);
	return ret;
}

int cmd_unload(int argc, char **argv)
{
	const struct verb *verb = verb__find("unload");
	struct unload u = {};
	int i, ret;

	i = opts__parse(verb, opts, &u, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (i < argc && !u.dev)
		u.dev = argv[i++];
	if (i < argc || (u.all && u.dev))
		return fail_code(EXIT_USAGE,
			"unload takes one controller or --all; see 'nvmesteer unload --help'");
	return run(&u);
}
