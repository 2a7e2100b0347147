// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer check: let the kernel verify a policy, and tell what is in it.
 * Nothing is attached or pinned, no controller is needed, and all is gone when
 * this ends.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "nvmesteer.h"
#include "value_place.h"

/*
 * After load libbpf keeps a program's place in the kernel's struct
 * nvme_steer_ops as its attach type; members are only ever added at the end.
 */
static const char *op_name(const struct bpf_program *prog)
{
	static const char *const names[] = {
		[5] = "init", [6] = "exit", [7] = "route",
		[8] = "batch", [10] = "copy", [11] = "copied",
		[12] = "path",
	};
	unsigned int i = bpf_program__expected_attach_type(prog);

	if (bpf_program__type(prog) != BPF_PROG_TYPE_STRUCT_OPS ||
	    bpf_program__fd(prog) < 0)
		return NULL;
	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

/* Calls @visit for each variable that can be set before load. */
static void each_tunable(const struct policy *p,
			 void (*visit)(const struct place *v, void *arg),
			 void *arg)
{
	const struct btf *btf = bpf_object__btf(p->obj);
	const struct btf_var_secinfo *at;
	const struct btf_type *sec, *var;
	struct bpf_map *map;
	struct place v;
	size_t size;
	char *data;
	int i;

	bpf_object__for_each_map(map, p->obj) {
		if (!policy__shows_map(map) || !bpf_map__is_internal(map) ||
		    !strstr(bpf_map__name(map), ".rodata"))
			continue;
		sec = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		data = bpf_map__initial_value(map, &size);
		for (i = 0; data && i < btf_vlen(sec); i++) {
			at = btf_var_secinfos(sec) + i;
			var = btf__type_by_id(btf, at->type);
			if (btf_var(var)->linkage == BTF_VAR_STATIC)
				continue;
			v = (struct place){
				.btf = btf,
				.type = var->type,
				.data = (uint8_t *)data + at->offset,
				.name = btf__name_by_offset(btf, var->name_off),
			};
			visit(&v, arg);
		}
	}
}

static void tunable_json(const struct place *v, void *arg)
{
	struct json *j = arg;
	char type[64];

	place__type_name(v, type, sizeof(type));
	json__object(j, NULL);
	json__str(j, "name", v->name);
	json__str(j, "type", type);
	place__json(v, j, "default");
	json__object_end(j);
}

static void tunable_row(const struct place *v, void *arg)
{
	char type[64], text[128];

	place__type_name(v, type, sizeof(type));
	place__leaf(v, text, sizeof(text));
	table__cell(arg, "%s", v->name);
	table__cell(arg, "%s", type);
	table__cell(arg, "%s", text);
}

static void print_json(const struct policy *p)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	struct json j;
	char name[64];

	json__begin(&j, stdout, "check");
	json__str(&j, "policy", p->name);
	json__str(&j, "file", p->path);
	json__array(&j, "ops");
	bpf_object__for_each_program(prog, p->obj)
		if (op_name(prog))
			json__str(&j, NULL, op_name(prog));
	json__array_end(&j);
	json__array(&j, "maps");
	bpf_object__for_each_map(map, p->obj) {
		if (!policy__shows_map(map))
			continue;
		pin__map_name(bpf_map__name(map), name, sizeof(name));
		json__object(&j, NULL);
		json__str(&j, "name", name);
		json__str(&j, "type",
			  libbpf_bpf_map_type_str(bpf_map__type(map)));
		json__uint(&j, "key_bytes", bpf_map__key_size(map));
		json__uint(&j, "value_bytes", bpf_map__value_size(map));
		json__uint(&j, "max_entries", bpf_map__max_entries(map));
		json__object_end(&j);
	}
	json__array_end(&j);
	json__array(&j, "tunables");
	each_tunable(p, tunable_json, &j);
	json__array_end(&j);
	json__end(&j);
}

static void print_maps(const struct policy *p)
{
	static const char *const head[] = {
		"MAP", "TYPE", ">KEY", ">VALUE", ">ENTRIES",
	};
	struct table *t = table__new(5, head);
	struct bpf_map *map;
	unsigned int n = 0;
	char name[64];

	bpf_object__for_each_map(map, p->obj) {
		if (!policy__shows_map(map))
			continue;
		pin__map_name(bpf_map__name(map), name, sizeof(name));
		table__cell(t, "%s", name);
		table__cell(t, "%s",
			    libbpf_bpf_map_type_str(bpf_map__type(map)));
		table__cell(t, "%u", bpf_map__key_size(map));
		table__cell(t, "%u", bpf_map__value_size(map));
		table__cell(t, "%u", bpf_map__max_entries(map));
		n++;
	}
	if (n) {
		putchar('\n');
		table__print(t, stdout);
	}
	table__free(t);
}

static void count(const struct place *v, void *arg)
{
	(void)v;
	++*(unsigned int *)arg;
}

static void print_tunables(const struct policy *p)
{
	static const char *const head[] = { "TUNABLE", "TYPE", ">DEFAULT" };
	struct table *t;
	unsigned int n = 0;

	each_tunable(p, count, &n);
	if (!n)
		return;
	t = table__new(3, head);
	each_tunable(p, tunable_row, t);
	putchar('\n');
	table__print(t, stdout);
	table__free(t);
}

static void print_text(const struct policy *p)
{
	const char *comma = "";
	struct bpf_program *prog;

	printf("policy '%s' is fit to load; it implements ", p->name);
	bpf_object__for_each_program(prog, p->obj) {
		if (!op_name(prog))
			continue;
		printf("%s%s", comma, op_name(prog));
		comma = ", ";
	}
	puts(*comma ? "" : "nothing");
	print_maps(p);
	print_tunables(p);
}

static int run(struct policy *p, const char *file)
{
	char why[POLICY_WHY];
	int ret;

	ret = kstate__missing(why);
	if (ret)
		return fail_code(ret, "%s", why);
	ret = policy__open(p, file, why);
	if (ret) {
		ret = fail("%s (%s)", why, errno_name(ret));
		if (opt_verbose)
			policy__print_log(p);
		return ret;
	}
	tell("policy '%s' is read from %s; the verifier checks its programs",
	     p->name, p->path);
	ret = policy__load(p, why);
	if (ret) {
		ret = fail_code(explain__exit_code(ret), "%s (%s)", why,
				errno_name(ret));
		policy__print_log(p);
		return ret;
	}
	if (opt_verbose > 1)
		policy__print_log(p);
	if (opt_json)
		print_json(p);
	else
		print_text(p);
	return EXIT_OK;
}

int cmd_check(int argc, char **argv)
{
	struct policy p = {};
	int i, ret;

	i = opts__parse(verb__find("check"), NULL, NULL, argc, argv, &ret);
	if (i < 0)
		return ret;
	if (i + 1 != argc)
		return fail_code(EXIT_USAGE,
			"check takes one policy; see 'nvmesteer check --help'");
	ret = run(&p, argv[i]);
	policy__close(&p);
	return ret;
}
