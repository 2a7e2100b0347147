// SPDX-License-Identifier: GPL-2.0
/*
 * Which cgroups a policy gave which share, by name: the map `groups` of a
 * policy with shares (bpf/lib/shares.h), whose keys are cgroup ids and whose
 * values begin with the share.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "nvmesteer.h"
#include "value_place.h"

static int by_share_and_name(const void *a, const void *b)
{
	const struct share_group *x = a, *y = b;

	return x->share != y->share ? (x->share < y->share ? -1 : 1) :
				      strcmp(x->name, y->name);
}

static int add_group(struct shares *all, uint64_t id, uint32_t share)
{
	char path[VALUE_PATH];
	struct share_group *g;

	/* one that was removed has a number only */
	if (cgroup__path(id, path, sizeof(path)))
		snprintf(path, sizeof(path), "%" PRIu64, id);
	g = reallocarray(all->group, all->nr_groups + 1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	all->group = g;
	g += all->nr_groups;
	g->share = share;
	g->name = strdup(path);
	if (!g->name)
		return -ENOMEM;
	all->nr_groups++;
	return 0;
}

/* Is it a map as shares.h has it? Then its size of a value, else 0. */
static uint32_t value_size(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_map_get_info_by_fd(fd, &info, &len) ||
	    info.type != BPF_MAP_TYPE_HASH ||
	    info.key_size != sizeof(uint64_t) ||
	    info.value_size < sizeof(uint32_t))
		return 0;
	return info.value_size;
}

static int read_groups(struct shares *all, int fd, void *value)
{
	uint64_t id, *last = NULL;
	uint32_t share;
	int err = 0;

	while (!err && !bpf_map_get_next_key(fd, last, &id)) {
		last = &id;
		if (bpf_map_lookup_elem(fd, &id, value))
			continue;	/* removed meanwhile */
		memcpy(&share, value, sizeof(share));
		err = add_group(all, id, share);
	}
	return err;
}

int shares__read_groups(const struct ctrl_state *s, struct shares *all)
{
	uint32_t size;
	void *value;
	int fd, err;

	if (!all->nr)
		return 0;
	fd = pin__open_map(s, "groups");
	if (fd < 0)
		return 0;
	size = value_size(fd);
	value = size ? malloc(size) : NULL;
	err = !size ? 0 : value ? read_groups(all, fd, value) : -ENOMEM;
	free(value);
	close(fd);
	if (all->nr_groups)
		qsort(all->group, all->nr_groups, sizeof(*all->group),
		      by_share_and_name);
	return err;
}
