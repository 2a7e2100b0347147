// SPDX-License-Identifier: GPL-2.0
/*
 * What is attached, seen from its link id alone: its programs, their maps,
 * and the way to end it. Works for links that are pinned or held elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "nvmesteer.h"

/* The kernel aligns the ops in a struct_ops map's value to a cache line. */
#define OPS_OFFSET	64

/* A struct_ops map shows its programs' ids in place of the pointers. */
static const size_t op_offsets[] = {
	offsetof(struct nvme_steer_ops, init),
	offsetof(struct nvme_steer_ops, exit),
	offsetof(struct nvme_steer_ops, route),
};

#define NR_OPS	(sizeof(op_offsets) / sizeof(op_offsets[0]))

static int ops_map(uint32_t link_id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd, ret;

	fd = bpf_link_get_fd_by_id(link_id);
	if (fd < 0)
		return fd;
	ret = bpf_link_get_info_by_fd(fd, &info, &len);
	close(fd);
	return ret ? ret : bpf_map_get_fd_by_id(info.struct_ops.map_id);
}

static int read_progs(int map, __u32 progs[NR_OPS])
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	size_t i, at;
	char *value;
	int ret;

	ret = bpf_map_get_info_by_fd(map, &info, &len);
	if (ret)
		return ret;
	value = calloc(1, info.value_size);
	if (!value)
		return -ENOMEM;
	ret = bpf_map_lookup_elem(map, &zero, value);
	for (i = 0; !ret && i < NR_OPS; i++) {
		at = OPS_OFFSET + op_offsets[i];
		progs[i] = 0;
		if (at + sizeof(__u64) <= info.value_size)
			memcpy(&progs[i], value + at, sizeof(progs[i]));
	}
	free(value);
	return ret;
}

static int add_maps(__u32 prog, uint32_t *ids, int nr)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd, ret;

	fd = bpf_prog_get_fd_by_id(prog);
	if (fd < 0)
		return nr;
	info.nr_map_ids = ATTACHED_MAPS - nr;
	info.map_ids = (uintptr_t)(ids + nr);
	ret = bpf_prog_get_info_by_fd(fd, &info, &len);
	close(fd);
	if (ret)
		return nr;
	nr += info.nr_map_ids;
	return nr < ATTACHED_MAPS ? nr : ATTACHED_MAPS;
}

int attached__maps(uint32_t link_id, uint32_t ids[ATTACHED_MAPS])
{
	__u32 progs[NR_OPS] = {};
	int map, ret, nr = 0;
	size_t i;

	map = ops_map(link_id);
	if (map < 0)
		return map;
	ret = read_progs(map, progs);
	close(map);
	for (i = 0; !ret && i < NR_OPS; i++)
		if (progs[i])
			nr = add_maps(progs[i], ids, nr);
	return ret ? ret : nr;
}

static bool is_called(int fd, const char *name)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char shown[64];

	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return false;
	pin__map_name(info.name, shown, sizeof(shown));
	/* the kernel keeps 15 characters of a name */
	return !strcmp(shown, name) || !strncmp(info.name, name, 15);
}

int attached__open_map(uint32_t link_id, const char *name)
{
	uint32_t ids[ATTACHED_MAPS];
	int fd, i, nr;

	nr = attached__maps(link_id, ids);
	for (i = 0; i < nr; i++) {
		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			continue;
		if (is_called(fd, name))
			return fd;
		close(fd);
	}
	return nr < 0 ? nr : -ENOENT;
}

int attached__detach(uint32_t link_id)
{
	int fd, ret;

	fd = bpf_link_get_fd_by_id(link_id);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	ret = bpf_link_detach(fd);
	close(fd);
	/* ended by itself meanwhile */
	return ret == -ENOLINK || ret == -EINVAL ? 0 : ret;
}
