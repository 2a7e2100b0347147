// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the maps of an attached policy, whoever loaded it, and knows them by
 * name. What is in them is value.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"

#define MAPS	(sizeof(((struct keys *)0)->maps) / \
		 sizeof(((struct keys *)0)->maps[0]))

/* "tenants.bss" is ".bss"; others keep their name. */
static const char *plain_name(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot : name;
}

static bool is_known(const struct keys *k, const char *name)
{
	unsigned int i;

	for (i = 0; i < k->nr; i++)
		if (!strcmp(k->maps[i].name, name))
			return true;
	return false;
}

/* Takes over @fd. */
static void add_map(struct keys *k, int fd)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	const char *name;

	if (bpf_map_get_info_by_fd(fd, &info, &len) || k->nr == MAPS) {
		close(fd);
		return;
	}
	name = plain_name(info.name);
	if (is_known(k, name)) {
		close(fd);
		return;
	}
	snprintf(k->maps[k->nr].name, sizeof(k->maps[0].name), "%s", name);
	k->maps[k->nr++].fd = fd;
}

static int find_maps(struct keys *k)
{
	uint32_t ids[ATTACHED_MAPS];
	int i, nr, fd;

	nr = attached__maps(k->state.link_id, ids);
	for (i = 0; i < nr; i++) {
		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd >= 0)
			add_map(k, fd);
	}
	return nr < 0 ? nr : 0;
}

/* One that was ejected leaves its maps. */
static int no_policy(const struct ctrl_state *s)
{
	enum pin_state state;
	char dir[256];

	if (!pin__state(s, &state, dir) && state == PIN_ORPHAN)
		return fail("no policy is attached to %s; the maps of the one that ended are in %s/maps, for 'bpftool map dump pinned' (ENOENT)",
			    s->ctrl, dir);
	return fail("no policy is attached to %s; use 'nvmesteer load' (ENOENT)",
		    s->ctrl);
}

static int find_policy(struct keys *k, const char *arg)
{
	char ctrl[32], why[512];
	int err;

	err = kstate__missing(why);
	if (err)
		return fail_code(err, "%s", why);
	err = target__resolve(arg, ctrl, why);
	if (err)
		return fail("%s (%s)", why, errno_name(err));
	err = kstate__read(ctrl, &k->state);
	if (err)
		return fail("cannot read the state of %s (%s)", ctrl,
			    errno_name(err));
	return k->state.link_id ? EXIT_OK : no_policy(&k->state);
}

int keys__open(struct keys *k, const char *arg, int *exit_code)
{
	int err;

	memset(k, 0, sizeof(*k));
	*exit_code = find_policy(k, arg);
	if (*exit_code != EXIT_OK)
		goto close;
	err = find_maps(k);
	if (!err)
		return 0;
	*exit_code = fail("cannot find the maps of policy '%s' on %s%s (%s)",
			  k->state.policy, k->state.ctrl,
			  err == -EPERM || err == -EACCES ?
			  "; only root may" : "", errno_name(err));
close:
	keys__close(k);
	return -1;
}

void keys__close(struct keys *k)
{
	while (k->nr)
		close(k->maps[--k->nr].fd);
	kstate__free(&k->state);
}

int keys__map(void *ctx, const char *name)
{
	struct keys *k = ctx;
	unsigned int i;
	int fd;

	for (i = 0; i < k->nr; i++) {
		if (strcmp(k->maps[i].name, name))
			continue;
		fd = fcntl(k->maps[i].fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	/* A map that none of the programs uses is only known by its pin. */
	return name[0] == '.' ? -ENOENT : pin__open_map(&k->state, name);
}

static void section_variables(const struct value_map *m,
			      void (*fn)(void *ctx, const struct value_map *m,
					 const struct place *p), void *ctx)
{
	struct place section = value_map__value(m, value_map__alloc(m)), p;
	unsigned int i, n = btf_vlen(place__type(&section));
	uint32_t zero = 0;
	char why[VALUE_WHY];

	if (section.data && !value_map__read(m, &zero, section.data, why)) {
		for (i = 0; i < n; i++) {
			place__variable_at(&section, i, &p);
			/* "route.text": a constant inside of a function */
			if (!strchr(p.name, '.'))
				fn(ctx, m, &p);
		}
	}
	free(section.data);
}

void keys__variables(struct keys *k,
		     void (*fn)(void *ctx, const struct value_map *m,
				const struct place *p), void *ctx)
{
	static const char *const names[] = { ".rodata", ".data", ".bss" };
	char why[VALUE_WHY];
	struct value_map m;
	unsigned int i;
	int fd;

	for (i = 0; i < 3; i++) {
		fd = keys__map(k, names[i]);
		if (fd < 0 || value_map__init(&m, fd, names[i], why))
			continue;
		if (m.section)
			section_variables(&m, fn, ctx);
		value_map__close(&m);
	}
}

static void add_name(void *ctx, const struct value_map *m,
		     const struct place *p)
{
	(void)m;
	names__add(ctx, p->name);
}

int keys__check(struct keys *k, const char *path, char *why)
{
	char head[VALUE_PATH], say[400];
	struct names names;
	unsigned int i;
	int fd;

	snprintf(head, sizeof(head), "%s", path);
	path__next(head);
	fd = keys__map(k, head);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	names__init(&names, head);
	for (i = 0; i < k->nr; i++)
		if (k->maps[i].name[0] != '.')
			names__add(&names, k->maps[i].name);
	keys__variables(k, add_name, &names);
	if (names.exact)
		return 0;
	return value_error(why, -ENOENT, "policy '%s' has no map or variable "
			   "'%.64s'%s", k->state.policy, head,
			   names__say(&names, "it has", say, sizeof(say)));
}
