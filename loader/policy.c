// SPDX-License-Identifier: GPL-2.0
/*
 * A policy's object file, from opening to attaching: open, target, preset,
 * load, attach or replace, close. What libbpf says meanwhile is kept in the
 * policy's log and printed only when asked for.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "nvmesteer.h"

#define OPS_TYPE	"nvme_steer_ops"
#define LOG_LINES	10

static struct policy *logged;

static int keep_message(enum libbpf_print_level level, const char *format,
			va_list args)
{
	char *text, *all;
	int len;

	if (!logged || (level == LIBBPF_DEBUG && opt_verbose < 2))
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return 0;
	all = realloc(logged->log, logged->log_len + len + 1);
	if (all) {
		memcpy(all + logged->log_len, text, len + 1);
		logged->log = all;
		logged->log_len += len;
	}
	free(text);
	return len;
}

/* An ELF file for the BPF machine? */
static int check_elf(const char *path, char *why)
{
	Elf64_Ehdr head = {};
	ssize_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, &head, sizeof(head));
	if (len < 0)
		len = -errno;
	close(fd);
	if (len == -EISDIR) {
		snprintf(why, POLICY_WHY,
			 "'%.200s' is a directory; name a policy's .bpf.o",
			 path);
		return -EISDIR;
	}
	if (len < (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG)) {
		snprintf(why, POLICY_WHY,
			 "'%.200s' is not an object file; compile the policy with 'clang --target=bpf -g -O2 -c'",
			 path);
		return -ENOEXEC;
	}
	if (head.e_machine != EM_BPF || head.e_type != ET_REL) {
		snprintf(why, POLICY_WHY,
			 "'%.200s' is an object file for another machine than BPF; compile the policy with 'clang --target=bpf -g -O2 -c'",
			 path);
		return -ENOEXEC;
	}
	return 0;
}

/* A file, or the name of a policy that is installed. */
static int find_file(struct policy *p, const char *arg, char *why)
{
	int ret;

	snprintf(p->path, sizeof(p->path), "%s", arg);
	if (access(arg, F_OK) && !strchr(arg, '/'))
		snprintf(p->path, sizeof(p->path), "%s/%s%s",
			 NVMESTEER_POLICY_DIR, arg,
			 strstr(arg, ".bpf.o") ? "" : ".bpf.o");
	*why = '\0';
	ret = check_elf(p->path, why);
	if (!ret || *why)
		return ret;
	if (ret == -ENOENT && !strchr(arg, '/'))
		snprintf(why, POLICY_WHY,
			 "there is no file '%.200s' and no such policy in %s; give a policy's .bpf.o, or one of the names 'ls %s' shows",
			 arg, NVMESTEER_POLICY_DIR, NVMESTEER_POLICY_DIR);
	else if (ret == -ENOENT)
		snprintf(why, POLICY_WHY,
			 "there is no file '%.200s'; give a policy's .bpf.o, or the name of one in %s",
			 arg, NVMESTEER_POLICY_DIR);
	else
		snprintf(why, POLICY_WHY, "cannot read '%.200s'; %s", arg,
			 ret == -EACCES ? "check its permissions" :
					  "see the errno");
	return ret;
}

static bool is_ops_map(const struct bpf_object *obj, const struct bpf_map *map)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_type *t;
	const char *name;

	if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
		return false;
	t = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	name = t ? btf__name_by_offset(btf, t->name_off) : "";
	return !strncmp(name, OPS_TYPE, strlen(OPS_TYPE)) &&
	       (!name[strlen(OPS_TYPE)] ||
		!strncmp(name + strlen(OPS_TYPE), "___", 3));
}

static int find_ops(struct policy *p, char *why)
{
	struct bpf_map *map;
	unsigned int n = 0;

	bpf_object__for_each_map(map, p->obj) {
		if (!is_ops_map(p->obj, map))
			continue;
		p->ops = map;
		n++;
	}
	if (n == 1 && bpf_map__map_flags(p->ops) & BPF_F_LINK)
		return 0;
	if (n == 1)
		snprintf(why, POLICY_WHY,
			 "the policy in '%.200s' cannot be attached by a link; put it in SEC(\".struct_ops.link\")",
			 p->path);
	else
		snprintf(why, POLICY_WHY,
			 "'%.200s' has %s struct nvme_steer_ops; a policy has exactly one, see NVME_STEER_POLICY in policy.bpf.h",
			 p->path, n ? "more than one" : "no");
	return -EINVAL;
}

/*
 * A data member of the ops in the object, found by name. Its types are what the
 * file says: where that is no place for such a member it has none.
 */
static void *member(const struct policy *p, const char *name, size_t size)
{
	const struct btf *btf = bpf_object__btf(p->obj);
	const struct btf_type *t;
	const struct btf_member *m;
	size_t len, at;
	char *data;
	int i;

	t = btf__type_by_id(btf, bpf_map__btf_value_type_id(p->ops));
	data = bpf_map__initial_value(p->ops, &len);
	if (!t || !data || !btf_is_struct(t))
		return NULL;
	for (i = 0, m = btf_members(t); i < btf_vlen(t); i++, m++) {
		at = btf_member_bit_offset(t, i) / 8;
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name) &&
		    btf__resolve_size(btf, m->type) == (long)size &&
		    at % sizeof(uint32_t) == 0 && at <= len && size <= len - at)
			return data + at;
	}
	return NULL;
}

uint32_t policy__number(const struct policy *p, const char *name)
{
	uint32_t *n = member(p, name, sizeof(*n));

	return n ? *n : 0;
}

static void read_name(struct policy *p)
{
	char *name = member(p, "name", sizeof(p->name));

	memset(p->name, 0, sizeof(p->name));
	if (name)
		memcpy(p->name, name, sizeof(p->name) - 1);
}

static bool name_fits(const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' &&
		    name[i] != '.')
			return false;
	return len && len < NVME_STEER_NAME_LEN;
}

int policy__open(struct policy *p, const char *path, char *why)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_opts,
		.kernel_log_level = opt_verbose >= 2);
	int ret;

	memset(p, 0, sizeof(*p));
	logged = p;
	libbpf_set_print(keep_message);
	ret = find_file(p, path, why);
	if (ret)
		return ret;
	/* with -vv the verifier tells its steps, also of what it accepts */
	p->obj = bpf_object__open_file(p->path, &open_opts);
	if (!p->obj) {
		ret = -errno;
		if (p->log && strstr(p->log, "BTF is "))
			snprintf(why, POLICY_WHY,
				 "'%.200s' has no BTF; compile the policy with -g",
				 p->path);
		else
			snprintf(why, POLICY_WHY,
				 "'%.200s' is not a BPF object that libbpf understands; compile the policy again (-v shows its reason)",
				 p->path);
		return ret <= -4000 ? -ENOEXEC : ret;
	}
	ret = find_ops(p, why);
	if (!ret)
		read_name(p);
	return ret;
}

int policy__target(struct policy *p, unsigned int instance, const char *name)
{
	uint32_t *ctrl = member(p, "ctrl", sizeof(*ctrl));
	char *own = member(p, "name", sizeof(p->name));

	if (!ctrl || !own)
		return -EINVAL;
	*ctrl = instance;
	if (name) {
		if (!name_fits(name))
			return -EINVAL;
		memset(own, 0, sizeof(p->name));
		memcpy(own, name, strlen(name));
		read_name(p);
	}
	/* it becomes part of a path */
	return own[sizeof(p->name) - 1] || !name_fits(p->name) ? -EINVAL : 0;
}

int policy__flag(struct policy *p, uint32_t flag)
{
	uint32_t *flags = member(p, "flags", sizeof(*flags));

	if (!flags)
		return -ENOENT;
	*flags |= flag;
	return 0;
}

int policy__load(struct policy *p, char *why)
{
	int ret;

	ret = bpf_object__load(p->obj);
	return ret ? explain__load(p, ret, why) : 0;
}

int policy__attach(struct policy *p)
{
	p->link = bpf_map__attach_struct_ops(p->ops);
	return p->link ? 0 : -errno;
}

/*
 * The attempt to attach has filled the map before it failed; libbpf offers no
 * other way to fill it for a link that is not its own.
 */
int policy__replace(struct policy *p, int link_fd)
{
	return bpf_link_update(link_fd, bpf_map__fd(p->ops), NULL) ? -errno : 0;
}

bool policy__shows_map(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
		return false;
	if (!bpf_map__is_internal(map))
		return true;
	/* string literals and kernel settings: nothing has a name there */
	return !strstr(name, ".rodata.str") && !strstr(name, ".kconfig") &&
	       bpf_map__btf_value_type_id(map);
}

void policy__close(struct policy *p)
{
	bpf_link__destroy(p->link);
	bpf_object__close(p->obj);
	logged = NULL;
	free(p->log);
	memset(p, 0, sizeof(*p));
}

/* The last lines from @from to @to. */
static void print_tail(const char *from, const char *to)
{
	int lines = LOG_LINES;
	const char *at, *end;

	/* what it had to do is of no interest to most */
	end = memmem(from, to - from, "\nprocessed ", strlen("\nprocessed "));
	to = end ? end + 1 : to;
	for (at = to; at > from; at--)
		if (at[-1] == '\n' && --lines < 0)
			break;
	fprintf(stderr, "%s%.*s", at > from ? "  ... (all with -vv)\n" : "",
		(int)(to - at), at);
}

void policy__print_log(const struct policy *p)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
	const char *at = p->log ? p->log : "", *from, *to;

	while (opt_verbose < 2 && (from = strstr(at, begin))) {
		from += strlen(begin);
		if (opt_verbose)
			fprintf(stderr, "%.*s", (int)(from - at), at);
		to = strstr(from, "-- END PROG LOAD LOG --");
		to = to ? to : from + strlen(from);
		print_tail(from, to);
		at = to;
		if (!opt_verbose)
			return;
	}
	if (opt_verbose)
		fputs(at, stderr);
}
