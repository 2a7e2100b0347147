// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer unload: detach the policy of a controller, whoever holds its link,
 * and remove what is pinned. Done when the policy is gone with its queues.
 * Unloading where nothing is attached is no failure.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nvmesteer.h"

/* Commands in flight may each take the driver's timeout and an abort. */
#define WAIT_MS		90000

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
	o->cleaned = !ret && state != PIN_NONE &&
		     state != PIN_FOREIGN;
	if (!ret && s.link_id) {
		tell("%s: detaching policy '%s' (link %u)", ctrl, s.policy,
		     s.link_id);
		snprintf(o->policy, sizeof(o->policy), "%s", s.policy);
		ret = attached__detach(s.link_id);
		o->detached = !ret;
	}
	kstate__free(&s);
	/* the pins go even where the wait is long: nothing is attached */
	snprintf(gone.ctrl, sizeof(gone.ctrl), "%s", ctrl);
	if (!ret)
		ret = pin__clean(ctrl, &gone);
	if (!ret && o->cleaned)
		tell("%s: removed the pins in %s", ctrl, dir);
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

static int unload_one(const char *ctrl, struct json *j)
{
	struct outcome o;
	int lock, ret;

	lock = pin__lock();
	if (lock < 0)
		return fail("cannot use " PIN_ROOT "; mount it with 'mount -t bpf bpf /sys/fs/bpf' and run this as root (%s)",
			    errno_name(lock));
	ret = unload(ctrl, &o);
	close(lock);
	if (!ret || o.detached)
		say(j, ctrl, &o);
	return ret ? complain(ctrl, ret) : EXIT_OK;
}

int cmd_unload(int argc, char **argv)
{
	return each__controller("unload", kstate__missing, unload_one, argc,
				argv);
}
