// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer load: bring a policy from its object file onto a controller.
 *
 * All that can fail without the controller comes first; then the maps are
 * pinned; then the policy is attached; then its link is pinned, and that is
 * the step that counts: killed before it, the kernel closes the link and
 * nothing is attached. A replacement keeps the pinned link and gives it
 * another policy; pin__clean() then moves it to the new maps. A directory left
 * by a load that was killed is removed, or finished, by the next load.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nvmesteer.h"

struct load {
	const char *dev;
	const char *name;
	const char *file;
	char **set;		/* KEY=VALUE, cut at the '=' */
	bool *deferred;		/* map entries: set after load */
	unsigned int nr_set;
	bool replace;
	bool block;
	bool foreground;

	char ctrl[32];
	struct policy p;
	char replaced[NVME_STEER_NAME_LEN];
	char dir[256];
	int link_fd;
	bool attached;		/* what failed then is a pin */
	sigset_t signals;	/* blocked while it waits for the end */
};

static void set_dev(void *ctx, const char *arg)
{
	((struct load *)ctx)->dev = arg;
}

static void set_name(void *ctx, const char *arg)
{
	((struct load *)ctx)->name = arg;
}

static void set_replace(void *ctx, const char *arg)
{
	(void)arg;
	((struct load *)ctx)->replace = true;
}

static void set_block(void *ctx, const char *arg)
{
	(void)arg;
	((struct load *)ctx)->block = true;
}

static void set_foreground(void *ctx, const char *arg)
{
	(void)arg;
	((struct load *)ctx)->foreground = true;
}

static void add_set(void *ctx, const char *arg)
{
	struct load *l = ctx;
	char **set;

	set = realloc(l->set, (l->nr_set + 1) * sizeof(*set));
	if (!set)
		abort();
	l->set = set;
	l->set[l->nr_set++] = strdup(arg);
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller; needed where there are several",
	  .set = set_dev },
	{ .name = "name", .short_name = 'n', .arg = "NAME",
	  .help = "call the policy this instead of its own name",
	  .set = set_name },
	{ .name = "set", .short_name = 's', .arg = "KEY=VALUE",
	  .help = "give a tunable or a map's entry a value; repeatable",
	  .set = add_set },
	{ .name = "replace", .short_name = 'r',
	  .help = "take the place of the attached policy, without a gap",
	  .set = set_replace },
	{ .name = "block", .short_name = 'b',
	  .help = "steer block requests too, file systems' for instance",
	  .set = set_block },
	{ .name = "foreground", .short_name = 'f',
	  .help = "stay until it ends, and say why; Ctrl-C ends it",
	  .set = set_foreground },
	{ 0 },
};

/* ------------------------------------------------------------------- values */

static const char *value_of(const char *key)
{
	return key + strlen(key) + 1;
}

static int preset(struct load *l)
{
	char why[POLICY_WHY];
	unsigned int i;
	int ret;

	l->deferred = calloc(l->nr_set + 1, sizeof(*l->deferred));
	if (!l->deferred)
		return fail("not enough memory (ENOMEM)");
	for (i = 0; i < l->nr_set; i++) {
		if (!value__split(l->set[i]) || !*l->set[i])
			return fail_code(EXIT_USAGE,
				"--set takes KEY=VALUE, not '%s'", l->set[i]);
		ret = value__preset(l->p.obj, l->set[i], value_of(l->set[i]),
				    why);
		if (ret < 0)
			return fail("cannot set '%s': %s (%s)", l->set[i], why,
				    errno_name(ret));
		l->deferred[i] = ret == 1;
	}
	return EXIT_OK;
}

static int open_map(void *ctx, const char *name)
{
	const struct policy *p = ctx;
	const struct bpf_map *map;
	char shown[64];
	int fd;

	bpf_object__for_each_map(map, p->obj) {
		pin__map_name(bpf_map__name(map), shown, sizeof(shown));
		if (!policy__shows_map(map) || strcmp(shown, name))
			continue;
		fd = dup(bpf_map__fd(map));
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

static int set_entries(struct load *l)
{
	char why[POLICY_WHY];
	unsigned int i;
	int ret;

	for (i = 0; i < l->nr_set; i++) {
		if (!l->deferred[i])
			continue;
		ret = value__set(open_map, &l->p, l->set[i],
				 value_of(l->set[i]), why);
		if (ret)
			return fail("cannot set '%s': %s (%s)", l->set[i], why,
				    errno_name(ret));
	}
	return EXIT_OK;
}

/* --------------------------------------------------------------------- pins */

static int pin_maps(const struct load *l)
{
	const struct bpf_map *map;
	char path[512], name[64];

	bpf_object__for_each_map(map, l->p.obj) {
		if (!policy__shows_map(map))
			continue;
		pin__map_name(bpf_map__name(map), name, sizeof(name));
		snprintf(path, sizeof(path), "%s/maps/%s", l->dir, name);
		if (bpf_obj_pin(bpf_map__fd(map), path))
			return -errno;
	}
	return 0;
}

static int pin_link(const struct load *l, int fd)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/link", l->dir);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

static int cannot_pin(int err)
{
	return fail("cannot pin below " PIN_ROOT "; mount it with 'mount -t bpf bpf /sys/fs/bpf' and run this as root (%s)",
		    errno_name(err));
}

/* ---------------------------------------------------------------- attaching */

static int refuse(struct load *l, int err)
{
	struct ctrl_state now = {};
	char why[POLICY_WHY];

	/* what is in use now tells why; may be empty if it went away */
	if (kstate__read(l->ctrl, &now))
		memset(&now, 0, sizeof(now));
	snprintf(now.ctrl, sizeof(now.ctrl), "%s", l->ctrl);
	err = explain__attach(&l->p, &now, err, why);
	kstate__free(&now);
	err = fail_code(explain__exit_code(err), "%s (%s)", why,
			errno_name(err));
	if (opt_verbose)
		policy__print_log(&l->p);
	return err;
}

/* Take over the link of what is attached; pinned by us or not. */
static int take_over(struct load *l, const struct ctrl_state *s, bool ours)
{
	int fd, ret;

	fd = bpf_link_get_fd_by_id(s->link_id);
	if (fd < 0)
		return fd == -ENOENT ? -ENOLINK : fd;
	ret = policy__replace(&l->p, fd);
	l->attached = !ret;
	if (!ret && !ours)
		ret = pin_link(l, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	l->link_fd = fd;
	snprintf(l->replaced, sizeof(l->replaced), "%s", s->policy);
	return 0;
}

static int attach(struct load *l, const struct ctrl_state *s, bool ours)
{
	int ret;

	ret = policy__attach(&l->p);
	if (ret == -EBUSY && l->replace && s->link_id)
		return take_over(l, s, ours);
	if (ret)
		return ret;
	l->attached = true;
	l->link_fd = dup(bpf_link__fd(l->p.link));
	if (l->link_fd < 0)
		return -errno;
	return pin_link(l, l->link_fd);
}

/* With the state after attaching: link and maps into the final directory. */
static int finish(struct load *l)
{
	struct ctrl_state s;
	int ret;

	ret = kstate__read(l->ctrl, &s);
	if (ret)
		return ret;
	ret = pin__clean(l->ctrl, &s);
	kstate__free(&s);
	pin__dir(l->ctrl, l->p.name, l->dir);
	return ret;
}

static int pin_and_attach(struct load *l, const struct ctrl_state *s,
			  bool ours)
{
	int ret;

	pin__dir(l->ctrl, l->p.name, l->dir);
	if (s->link_id)
		strcat(l->dir, PIN_NEW);
	tell("%s: pinning its maps in %s", l->ctrl, l->dir);
	ret = pin__make(l->dir);
	if (!ret)
		ret = pin_maps(l);
	if (ret) {
		pin__remove_dir(l->dir);
		return cannot_pin(ret);
	}
	tell("%s: attaching it%s%s", l->ctrl, s->link_id ?
	     " in place of " : "", s->link_id ? s->policy : "");
	ret = attach(l, s, ours);
	if (ret) {
		pin__remove_dir(l->dir);
		return l->attached ? cannot_pin(ret) : refuse(l, ret);
	}
	/* ended by itself just now: its pins go with the next load */
	if (finish(l))
		note("pins below " PIN_ROOT "/%s are not in order; the next load or unload mends them",
		     l->ctrl);
	return EXIT_OK;
}

static int locked(struct load *l, struct ctrl_state *s)
{
	enum pin_state state;
	char why[POLICY_WHY];
	int ret;

	if (s->link_id && !l->replace)
		return refuse(l, -EBUSY);
	ret = pin__clean(l->ctrl, s);
	if (!ret)
		ret = pin__state(s, &state, l->dir);
	if (ret)
		return cannot_pin(ret);
	tell("%s: loading policy '%s'; the verifier checks its programs",
	     l->ctrl, l->p.name);
	ret = policy__load(&l->p, why);
	if (ret) {
		ret = fail_code(explain__exit_code(ret), "%s (%s)", why,
				errno_name(ret));
		policy__print_log(&l->p);
		return ret;
	}
	if (opt_verbose > 1)
		policy__print_log(&l->p);
	ret = set_entries(l);
	return ret ? ret : pin_and_attach(l, s, state == PIN_OURS);
}

static int with_lock(struct load *l)
{
	struct ctrl_state s;
	int lock, ret;

	lock = pin__lock();
	if (lock < 0)
		return cannot_pin(lock);
	ret = kstate__read(l->ctrl, &s);
	if (ret) {
		ret = fail_code(EXIT_UNSUPPORTED,
			"%s cannot be steered: it has no steer directory in sysfs; is it a PCI controller? (%s)",
			l->ctrl, errno_name(ret));
	} else {
		ret = locked(l, &s);
		kstate__free(&s);
	}
	close(lock);
	return ret;
}

/* ------------------------------------------------------------------- result */

static void print_maps(const struct load *l, struct json *j)
{
	const struct bpf_map *map;
	char name[64];

	json__array(j, "maps");
	bpf_object__for_each_map(map, l->p.obj) {
		if (!policy__shows_map(map))
			continue;
		pin__map_name(bpf_map__name(map), name, sizeof(name));
		json__str(j, NULL, name);
	}
	json__array_end(j);
}

static void print_json(const struct load *l, const struct ctrl_state *end)
{
	struct json j;

	json__begin(&j, stdout, "load");
	json__str(&j, "controller", l->ctrl);
	json__str(&j, "policy", l->p.name);
	json__str(&j, "replaced", *l->replaced ? l->replaced : NULL);
	json__str(&j, "pin_dir", l->dir);
	print_maps(l, &j);
	if (end) {
		json__object(&j, "exit");
		json__str(&j, "kind", end->exit_kind);
		json__uint(&j, "kind_code", end->exit_kind_code);
		json__int(&j, "code", end->exit_code);
		json__str(&j, "policy", end->exit_policy);
		json__str(&j, "reason", end->exit_reason);
		json__object_end(&j);
	}
	json__end(&j);
}

static void print_attached(const struct load *l)
{
	if (opt_json && !l->foreground) {
		print_json(l, NULL);
	} else if (!opt_json) {
		printf("%s: attached policy '%s'", l->ctrl, l->p.name);
		if (*l->replaced)
			printf(" in place of '%s'", l->replaced);
		printf("; its maps are in %s/maps\n", l->dir);
		fflush(stdout);
	}
}

/* ------------------------------------------------------------- --foreground */

/* How often to look whether another policy has got the link, ms. */
#define LOOK_MS		1000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* From here on SIGINT and SIGTERM come while it waits for the end only. */
static void catch_signals(struct load *l)
{
	struct sigaction act = { .sa_handler = stop };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &l->signals);
	sigdelset(&l->signals, SIGINT);
	sigdelset(&l->signals, SIGTERM);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

/* Is it our policy that the link attaches, still? */
static bool is_ours(const struct load *l)
{
	struct bpf_link_info link = { 0 };
	struct bpf_map_info map = { 0 };
	uint32_t link_len = sizeof(link), map_len = sizeof(map);

	return !bpf_link_get_info_by_fd(l->link_fd, &link, &link_len) &&
	       !bpf_map_get_info_by_fd(bpf_map__fd(l->p.ops), &map, &map_len) &&
	       link.struct_ops.map_id == map.id;
}

/* Detach it, and remove the pins; ended by itself meanwhile is as good. */
static int end(const struct load *l)
{
	struct ctrl_state s;
	int lock, ret;

	ret = bpf_link_detach(l->link_fd);
	if (ret && ret != -ENOLINK && ret != -EINVAL)
		return ret;
	lock = pin__lock();
	if (lock < 0)
		return lock;
	ret = kstate__read(l->ctrl, &s);
	if (!ret) {
		ret = pin__clean(l->ctrl, &s);
		kstate__free(&s);
	}
	close(lock);
	return ret;
}

/* Ejected: all that is known of it, at once. */
static int ejected(const struct load *l, const struct ctrl_state *s)
{
	char *dump;

	if (!opt_json && !kstate__text(l->ctrl, "dump", &dump)) {
		fputs(dump, stdout);
		fflush(stdout);
		free(dump);
	}
	return fail("policy '%s' was ejected from %s: %s; 'nvmesteer status --dump %s' tells what was in flight and what it had answered (%s, code %d)",
		    s->exit_policy, l->ctrl, s->exit_reason, l->ctrl,
		    s->exit_kind, s->exit_code);
}

static int tell_end(const struct load *l)
{
	struct ctrl_state s;
	int ret;

	ret = kstate__read(l->ctrl, &s);
	if (ret)
		return fail("policy '%s' ended: %s went away (%s)", l->p.name,
			    l->ctrl, errno_name(ret));
	if (opt_json)
		print_json(l, &s);
	ret = EXIT_OK;
	if (kstate__ejected(&s))
		ret = ejected(l, &s);
	else if (!opt_json)
		printf("%s: policy '%s' ended (%s): %s\n", l->ctrl,
		       s.exit_policy, s.exit_kind, s.exit_reason);
	kstate__free(&s);
	return ret;
}

/* Wait for a signal, or until the policy ends, which hangs up its link. */
static void wait_for_end(const struct load *l, struct pollfd *p)
{
	struct timespec look = { .tv_sec = LOOK_MS / 1000 };

	while (!stopped && ppoll(p, 1, &look, &l->signals) <= 0) {
		if (stopped || is_ours(l))
			continue;
		/* it may have hung up since */
		if (poll(p, 1, 0) <= 0)
			tell("%s: the link attaches another policy, or none",
			     l->ctrl);
		break;
	}
	if (p->revents)
		tell("%s: the link hung up", l->ctrl);
}

static int stay(const struct load *l)
{
	struct pollfd p = { .fd = l->link_fd };
	int ret;

	wait_for_end(l, &p);
	/* one that has taken its place is not ours to end */
	if (stopped && !p.revents && is_ours(l)) {
		ret = end(l);
		if (ret)
			return fail("cannot end policy '%s' of %s; 'nvmesteer off %s' does in any case (%s)",
				    l->p.name, l->ctrl, l->ctrl,
				    errno_name(ret));
	}
	return tell_end(l);
}

/* Have the policy asked about block requests as well. */
static int ask_about_block(struct load *l)
{
	if (policy__number(&l->p, "flags") & NVME_STEER_OPS_COPIES)
		return fail("policy '%s' is asked about copies only, not about block requests; load it without --block (%s)",
			    l->p.name, errno_name(-EINVAL));
	if (policy__flag(&l->p, NVME_STEER_OPS_BLOCK))
		return fail("policy '%s' was built before there was --block; build it again with this version's headers (%s)",
			    l->p.name, errno_name(-ENOENT));
	return EXIT_OK;
}

static int run(struct load *l)
{
	char why[POLICY_WHY];
	int ret;

	ret = kstate__missing(why);
	if (ret)
		return fail_code(ret, "%s", why);
	ret = target__resolve(l->dev, l->ctrl, why);
	if (ret)
		return fail("%s (%s)", why, errno_name(ret));
	ret = policy__open(&l->p, l->file, why);
	if (ret) {
		ret = fail("%s (%s)", why, errno_name(ret));
		if (opt_verbose)
			policy__print_log(&l->p);
		return ret;
	}
	ret = policy__target(&l->p, strtoul(l->ctrl + strlen("nvme"), NULL, 10),
			     l->name);
	if (ret)
		return fail("'%s' cannot name a policy; a name is 1 to %d characters of A-Z, a-z, 0-9, '_' and '.'; give another with --name (%s)",
			    l->name ? l->name : l->p.name,
			    NVME_STEER_NAME_LEN - 1, errno_name(ret));
	tell("policy '%s' is read from %s", l->p.name, l->p.path);
	ret = l->block ? ask_about_block(l) : EXIT_OK;
	if (!ret)
		ret = preset(l);
	if (!ret && l->foreground)
		catch_signals(l);
	if (!ret)
		ret = with_lock(l);
	if (ret)
		return ret;
	print_attached(l);
	return l->foreground ? stay(l) : EXIT_OK;
}

int cmd_load(int argc, char **argv)
{
	struct load l = { .link_fd = -1 };
	int i, ret;

	i = opts__parse(verb__find("load"), opts, &l, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (i + 1 != argc)
		return fail_code(EXIT_USAGE,
			"load takes one policy, and the controller as --dev; see 'nvmesteer load --help'");
	l.file = argv[i];
	ret = run(&l);
	if (l.link_fd >= 0)
		close(l.link_fd);
	policy__close(&l.p);
	for (i = 0; i < (int)l.nr_set; i++)
		free(l.set[i]);
	free(l.set);
	free(l.deferred);
	return ret;
}
