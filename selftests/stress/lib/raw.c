// SPDX-License-Identifier: GPL-2.0
/*
 * Policies made of BPF instructions; see raw.h.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "raw.h"
#include "test.h"

const char *const raw_op_names[RAW_OPS] = {
	"init", "exit", "route", "path", "copy", "copied", "batch",
};

static struct btf *vmlinux, *module;
static int module_fd = -1;		/* BTF of nvmesteer */
static struct btf *empty;		/* every map with types needs one */
static int ops_id;			/* struct nvme_steer_ops */
static int value_id;			/* what the map holds */
static unsigned int value_size, value_data;
static const struct btf_member *members[RAW_OPS];
static unsigned int member_nr[RAW_OPS];

/* BTF objects of the kernel are found by their names only. */
static int find_module_btf(void)
{
	char name[64];
	__u32 id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		struct bpf_btf_info info = {
			.name = (uintptr_t)name, .name_len = sizeof(name),
		};
		__u32 len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue;
		name[0] = '\0';
		if (!bpf_btf_get_info_by_fd(fd, &info, &len) &&
		    info.kernel_btf && !strcmp(name, "nvmesteer"))
			return fd;
		close(fd);
	}
	return -1;
}

static int type_id(const char *name, unsigned int kind)
{
	int id = btf__find_by_name_kind(module, name, kind);

	test_check(id > 0, "'%s' is not in the BTF of nvmesteer", name);
	return id;
}

static const char *string(unsigned int offset)
{
	return btf__name_by_offset(module, offset);
}

static void find_members(void)
{
	const struct btf_type *t = btf__type_by_id(module, ops_id);
	const struct btf_member *m = btf_members(t);
	unsigned int i, op;

	for (i = 0; i < btf_vlen(t); i++, m++)
		for (op = 0; op < RAW_OPS; op++)
			if (!strcmp(string(m->name_off), raw_op_names[op])) {
				members[op] = m;
				member_nr[op] = i;
			}
	for (op = 0; op < RAW_OPS; op++)
		test_check(members[op], "there is no operation '%s'",
			   raw_op_names[op]);
}

void raw_init(void)
{
	const struct btf_type *t;

	vmlinux = btf__load_vmlinux_btf();
	test_check(vmlinux, "no BTF of the kernel");
	module = btf__load_module_btf("nvmesteer", vmlinux);
	module_fd = find_module_btf();
	test_check(module && module_fd >= 0, "no BTF of nvmesteer");
	ops_id = type_id("nvme_steer_ops", BTF_KIND_STRUCT);
	value_id = type_id("bpf_struct_ops_nvme_steer_ops", BTF_KIND_STRUCT);
	t = btf__type_by_id(module, value_id);
	test_check(btf_vlen(t) == 2, "the map's value has %u members",
		   btf_vlen(t));
	value_size = t->size;
	value_data = btf_members(t)[1].offset / 8;
	find_members();
	empty = btf__new_empty();
	test_check(empty && btf__add_int(empty, "int", 4, BTF_INT_SIGNED) > 0 &&
		   !btf__load_into_kernel(empty), "cannot load BTF");
}

void raw_exit(void)
{
	close(module_fd);
	btf__free(empty);
	btf__free(module);
	btf__free(vmlinux);
}

/* The struct that the operation's argument points to. */
static const struct btf_type *argument(enum raw_op op)
{
	const struct btf_type *t = btf__type_by_id(module, members[op]->type);

	t = btf__type_by_id(module, t->type);		/* the function's type */
	test_check(btf_is_func_proto(t) && btf_vlen(t) == 1,
		   "%s() has no argument", raw_op_names[op]);
	t = btf__type_by_id(module, btf_params(t)[0].type);
	return btf__type_by_id(module, t->type);
}

unsigned int raw_fields(enum raw_op op, struct raw_field f[RAW_FIELDS])
{
	const struct btf_type *t = argument(op);
	const struct btf_member *m = btf_members(t);
	unsigned int i, nr = 0;

	for (i = 0; i < btf_vlen(t) && nr < RAW_FIELDS; i++, m++) {
		f[nr].offset = m->offset / 8;
		f[nr].size = btf__resolve_size(module, m->type);
		if (f[nr].size)
			nr++;
	}
	return nr;
}

int raw_kfunc(const char *name)
{
	return type_id(name, BTF_KIND_FUNC);
}

int raw_prog(enum raw_op op, const struct bpf_insn *insns, unsigned int nr,
	     bool sleepable)
{
	static char log[65536];
	int fds[RAW_KFUNC_OFF + 1] = { [RAW_KFUNC_OFF] = module_fd };
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = member_nr[op],
		    .attach_btf_id = ops_id,
		    .attach_btf_obj_fd = module_fd,
		    .fd_array = fds,
		    .prog_flags = sleepable ? BPF_F_SLEEPABLE : 0);
	int fd;

	if (getenv("VERBOSE")) {
		opts.log_buf = log;
		opts.log_size = sizeof(log);
		opts.log_level = 1;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_STRUCT_OPS, raw_op_names[op], "GPL",
			   insns, nr, &opts);
	if (fd < 0 && opts.log_buf)
		printf("#   %s: %s\n%s\n", raw_op_names[op], strerror(-fd), log);
	return fd;
}

int raw_policy(const struct nvme_steer_ops *ops, const int progs[RAW_OPS])
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .btf_fd = btf__fd(empty),
		    .btf_vmlinux_value_type_id = value_id,
		    .value_type_btf_obj_fd = module_fd,
		    .map_flags = BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD);
	uint8_t *value = test_alloc(value_size);
	__u32 zero = 0;
	unsigned int op;
	int map, ret;

	memcpy(value + value_data, ops, sizeof(*ops));
	for (op = 0; op < RAW_OPS; op++) {
		unsigned long *at = (void *)(value + value_data +
					     members[op]->offset / 8);

		*at = progs[op] < 0 ? 0 : progs[op];
	}
	map = bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, "any", sizeof(zero),
			     value_size, 1, &opts);
	test_check(map >= 0, "a map for a policy: %s", strerror(-map));
	ret = bpf_map_update_elem(map, &zero, value, 0);
	free(value);
	if (!ret)
		return map;
	close(map);
	return ret;
}
