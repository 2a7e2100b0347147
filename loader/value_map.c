// SPDX-License-Identifier: GPL-2.0
/*
 * A map with the types of its keys and values: elements read and written
 * whole, keys in text and back, and the variables of .data and its like. Paths
 * within an element are not this file's concern.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "value_place.h"

/* Does any name on the way to the key's integer speak of cgroups? */
static bool says_cgroup(const struct value_map *m, uint32_t type)
{
	const struct btf_type *t = btf__type_by_id(m->btf, type);
	const char *name;

	while (t) {
		name = btf__name_by_offset(m->btf, t->name_off);
		if (name && strstr(name, "cgroup"))
			return true;
		if (btf_is_struct(t) && btf_vlen(t) == 1) {
			name = btf__name_by_offset(m->btf,
						   btf_members(t)[0].name_off);
			return strstr(name, "cgroup");
		}
		if (!btf_is_mod(t) && !btf_is_typedef(t))
			break;
		t = btf__type_by_id(m->btf, t->type);
	}
	return strstr(m->name, "cgroup") || strstr(m->name, "tenant");
}

static bool has_lock(const struct value_map *m)
{
	struct place value = value_map__value(m, NULL), member;
	unsigned int i, n;

	n = place__members(&value);
	if (!btf_is_struct(place__type(&value)))
		return false;
	for (i = 0; i < n; i++) {
		const struct btf_type *t;

		place__member(&value, i, &member);
		t = place__type(&member);
		if (btf_is_struct(t) &&
		    !strcmp(btf__name_by_offset(m->btf, t->name_off),
			    "bpf_spin_lock"))
			return true;
	}
	return false;
}

static bool is_array(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_percpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_typed(const struct value_map *m)
{
	switch (m->info.type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

static void fill(struct value_map *m)
{
	struct place value, key;

	m->key_type = m->info.btf_key_type_id;
	m->value_type = m->info.btf_value_type_id;
	m->array = is_array(m->info.type);
	m->percpu = is_percpu(m->info.type);
	m->stride = (m->info.value_size + 7) & ~7U;
	m->cpus = m->percpu ? libbpf_num_possible_cpus() : 1;
	value = value_map__value(m, NULL);
	key = value_map__key(m, NULL);
	m->section = btf_is_datasec(place__type(&value));
	m->cgroups = !m->array && place__size(&key) == 8 &&
		     says_cgroup(m, m->key_type);
	m->locked = has_lock(m);
}

int value_map__init(struct value_map *m, int fd, const char *name, char *why)
{
	uint32_t len = sizeof(m->info);
	int err;

	memset(m, 0, sizeof(*m));
	m->fd = fd;
	snprintf(m->name, sizeof(m->name), "%s", name);
	err = bpf_map_get_info_by_fd(fd, &m->info, &len);
	if (err) {
		value_error(why, err, "cannot ask about map '%s'", name);
		goto close;
	}
	err = -EOPNOTSUPP;
	if (!is_typed(m)) {
		value_error(why, err, "map '%s' is of a type that has no "
			    "entries to get or set; use bpftool", name);
		goto close;
	}
	if (!m->info.btf_id || !m->info.btf_value_type_id) {
		value_error(why, err, "map '%s' has no types; declare them "
			    "with __type() in the policy, or use bpftool",
			    name);
		goto close;
	}
	m->btf = btf__load_from_kernel_by_id(m->info.btf_id);
	if (!m->btf) {
		err = -errno;
		value_error(why, err, "cannot read the types of map '%s'",
			    name);
		goto close;
	}
	fill(m);
	return 0;
close:
	close(fd);
	m->fd = -1;
	return err;
}

void value_map__close(struct value_map *m)
{
	btf__free(m->btf);
	m->btf = NULL;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

struct place value_map__key(const struct value_map *m, void *data)
{
	return (struct place){
		.btf = m->btf, .type = m->key_type, .data = data,
		.name = m->name,
	};
}

struct place value_map__value(const struct value_map *m, void *data)
{
	return (struct place){
		.btf = m->btf, .type = m->value_type, .data = data,
		.name = m->name,
	};
}

void *value_map__alloc(const struct value_map *m)
{
	return calloc(m->cpus, m->stride);
}

static int parse_index(const struct value_map *m, const char *text, void *key,
		       char *why)
{
	uint64_t index;
	uint32_t i;
	bool negative;

	if (parse__int(text, &negative, &index))
		return value_error(why, -EINVAL, "'%.64s' is not an index of "
				   "map '%s'", text, m->name);
	if (negative || index >= m->info.max_entries)
		return value_error(why, -ERANGE, "index %.64s is out of range "
				   "for map '%s' (0 to %u)", text, m->name,
				   m->info.max_entries - 1);
	i = index;
	memcpy(key, &i, sizeof(i));
	return 0;
}

int value_map__parse_key(const struct value_map *m, const char *text,
			 void *key, char *why)
{
	struct place place = value_map__key(m, key);

	if (m->array)
		return parse_index(m, text, key, why);
	place.name = "key";
	return place__parse(&place, text, why);
}

/* A structure as "{a=1,b=2}". */
static void braces(const struct place *p, char *buf, size_t size)
{
	unsigned int i, n = place__members(p);
	struct place member;
	size_t used;

	if (!n) {
		place__leaf(p, buf, size);
		return;
	}
	used = snprintf(buf, size, "{");
	for (i = 0; i < n && used < size; i++) {
		place__member(p, i, &member);
		if (btf_is_composite(place__type(p)) && member.name[0])
			used += snprintf(buf + used, size - used, "%s=",
					 member.name);
		if (used >= size)
			return;
		braces(&member, buf + used, size - used);
		used += strlen(buf + used);
		used += snprintf(buf + used, size - used, "%s",
				 i + 1 < n ? "," : "}");
	}
}

void value_map__key_text(const struct value_map *m, void *key, bool cgroup,
			 char *buf, size_t size)
{
	struct place place = value_map__key(m, key);
	uint64_t id;
	uint32_t i;

	if (m->array) {
		memcpy(&i, key, sizeof(i));
		snprintf(buf, size, "%u", i);
		return;
	}
	if (cgroup && m->cgroups) {
		memcpy(&id, key, sizeof(id));
		if (!cgroup__path(id, buf, size))
			return;
	}
	braces(&place, buf, size);
}

int value_map__read(const struct value_map *m, const void *key, void *value,
		    char *why)
{
	uint64_t flags = m->locked ? BPF_F_LOCK : 0;
	int err;

	err = bpf_map_lookup_elem_flags(m->fd, key, value, flags);
	if (err && err != -ENOENT)
		value_error(why, err, "cannot read map '%s'", m->name);
	return err;
}

int value_map__write(const struct value_map *m, const void *key,
		     const void *value, char *why)
{
	uint64_t flags = m->locked ? BPF_F_LOCK : BPF_ANY;
	int err;

	err = bpf_map_update_elem(m->fd, key, value, flags);
	if (err == -E2BIG)
		return value_error(why, err, "map '%s' is full (%u entries); "
				   "remove one with 'nvmesteer unset'",
				   m->name, m->info.max_entries);
	if (err == -EPERM)
		return value_error(why, err, "map '%s' is read-only, or this "
				   "is not root", m->name);
	if (err)
		return value_error(why, err, "cannot write map '%s'",
				   m->name);
	return 0;
}

int value_map__poke(const struct value_map *m, const void *data,
		    const struct place *p, char *why)
{
	size_t offset = p->data - (const uint8_t *)data;
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = (m->stride + page - 1) / page * page;
	uint32_t zero = 0;
	uint8_t *memory;

	if (!(m->info.map_flags & BPF_F_MMAPABLE))
		return value_map__write(m, &zero, data, why);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd,
		      0);
	if (memory == MAP_FAILED)
		return value_error(why, -errno, "cannot write variables of "
				   "'%s'", m->name);
	memcpy(memory + offset, p->data, place__size(p));
	munmap(memory, size);
	return 0;
}
