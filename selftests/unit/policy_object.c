// SPDX-License-Identifier: GPL-2.0
/*
 * A policy's object file whose types are not what they should be: a member of
 * the ops that is said to lie elsewhere, beyond the end for instance, is none,
 * and nothing outside of the ops is read or written.
 */
#include <bpf/btf.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "nvmesteer.h"
#include "test.h"

static uint8_t *file, *copy;
static size_t size;

static void read_policy(void)
{
	const char *build = getenv("NVMESTEER_BUILD");
	struct stat st;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/bpf/null.bpf.o",
		 build ? build : "build");
	fd = open(path, O_RDONLY);
	test_check(fd >= 0 && !fstat(fd, &st), "cannot open %s: %m", path);
	size = st.st_size;
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	copy = malloc(size);
	test_check(file != MAP_FAILED && copy, "cannot read %s: %m", path);
	close(fd);
}

/* The section .BTF of @copy. */
static uint8_t *btf_section(size_t *len)
{
	const Elf64_Ehdr *elf = (const void *)copy;
	const Elf64_Shdr *s = (const void *)(copy + elf->e_shoff);
	const char *names = (const char *)copy + s[elf->e_shstrndx].sh_offset;
	unsigned int i;

	for (i = 0; i < elf->e_shnum; i++) {
		if (strcmp(names + s[i].sh_name, ".BTF"))
			continue;
		*len = s[i].sh_size;
		return copy + s[i].sh_offset;
	}
	test_fail("no BTF");
}

/* Say that member @name of the ops is at @bits. */
static void move(const char *name, uint32_t bits)
{
	const struct btf_header *h;
	const struct btf_type *t;
	struct btf_member *m;
	struct btf *btf;
	uint8_t *raw;
	size_t len;
	int id, i;

	memcpy(copy, file, size);
	raw = btf_section(&len);
	h = (const void *)raw;
	btf = btf__new(raw, len);
	id = btf__find_by_name_kind(btf, "nvme_steer_ops", BTF_KIND_STRUCT);
	test_check(id > 0, "no ops");
	t = btf__type_by_id(btf, id);
	m = (void *)(raw + h->hdr_len + h->type_off +
		     ((const uint8_t *)btf_members(t) -
		      (const uint8_t *)btf__type_by_id(btf, 1)));
	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			break;
	test_check(i < btf_vlen(t), "no member %s", name);
	m[i].offset = bits;
	btf__free(btf);
}

/* Open @copy; policy__open()'s answer. */
static int open_copy(struct policy *p, char *why)
{
	char path[32];
	int fd = memfd_create("odd.bpf.o", 0), ret;

	test_check(fd >= 0 && write(fd, copy, size) == (ssize_t)size,
		   "memfd: %m");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = policy__open(p, path, why);
	close(fd);
	return ret;
}

int main(void)
{
	static const uint32_t places[] = {
		1 << 20, 0xfffff8, 8 * 300, 8, 8 * 4096 - 8,
	};
	char why[POLICY_WHY] = "";
	struct policy p;
	unsigned int i;

	test_begin(30);
	read_policy();
	test_step("as it is");
	memcpy(copy, file, size);
	test_check(!open_copy(&p, why), "%s", why);
	test_check(!strcmp(p.name, "null") && !policy__target(&p, 3, NULL),
		   "policy '%s'", p.name);
	test_check(!policy__flag(&p, NVME_STEER_OPS_BLOCK), "no flags");
	policy__close(&p);
	for (i = 0; i < ARRAY_LEN(places); i++) {
		test_step("members at bit %u", places[i]);
		move("flags", places[i]);
		test_check(!open_copy(&p, why), "%s", why);
		test_check(!policy__number(&p, "flags") &&
			   policy__flag(&p, 1) == -ENOENT, "flags were found");
		policy__close(&p);
		move("ctrl", places[i]);
		test_check(!open_copy(&p, why), "%s", why);
		test_check(policy__target(&p, 3, NULL) == -EINVAL,
			   "ctrl was found");
		policy__close(&p);
	}
	test_pass();
}
