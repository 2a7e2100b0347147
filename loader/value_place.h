/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of typed access (value*.c) offer each other: a place in some
 * bytes whose type BTF tells, a map with its types, a path split in its parts.
 * As everywhere, @why gets a sentence without a full stop on error.
 */
#ifndef NVMESTEER_VALUE_PLACE_H
#define NVMESTEER_VALUE_PLACE_H

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "nvmesteer.h"

#define VALUE_WHY	512	/* least size of @why */
#define VALUE_PATH	512	/* longest path */

/* Fill @why and return @err. */
int value_error(char *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A value of a known type, somewhere in memory. */
struct place {
	const struct btf *btf;
	uint32_t type;		/* as declared: may be a typedef */
	uint8_t *data;
	unsigned int bit_off;	/* of a bitfield, from *data */
	unsigned int bits;	/* of a bitfield; 0 for anything else */
	const char *name;	/* of the field or variable, for messages */
};

/* What is known by name, for a message about a name that is not. */
struct names {
	const char *wanted;
	char list[256];
	char nearest[64];
	unsigned int distance;
	unsigned int n;
	bool cut;
	bool exact;		/* it is one of them after all */
};

/* ------------------------------------------------------------ value_path.c */

void names__init(struct names *n, const char *wanted);
void names__add(struct names *n, const char *name);
/* "; fields: a, b, c" and perhaps "; did you mean 'b'?" */
const char *names__say(const struct names *n, const char *what, char *buf,
		       size_t size);

/* Its type without typedefs and qualifiers; never NULL (void at worst). */
const struct btf_type *place__type(const struct place *p);
uint32_t place__size(const struct place *p);
bool place__is_string(const struct place *p);
/* bpf_spin_lock, bpf_timer, ...: the kernel's own, never shown nor set. */
bool place__is_opaque(const struct place *p);
/* The @i'th member of a struct or union, or element of an array. */
void place__member(const struct place *p, unsigned int i, struct place *out);
/* How many of them; 0 for a value that has none. */
unsigned int place__members(const struct place *p);
/* Does a member have no name: are its own members found in its place? */
bool place__is_anonymous(const struct place *p);
/* Follow "a.b.3.c"; "" stays. @why may be NULL. */
int place__walk(struct place *p, const char *fields, char *why);

/*
 * The variable @name of a section (DATASEC) at p->data, or -ENOENT; @n, if
 * any, gets the names there are.
 */
int place__variable(const struct place *p, const char *name,
		    struct place *out, struct names *n);
/* The @i'th variable of a section; its data only where p->data is. */
void place__variable_at(const struct place *p, unsigned int i,
			struct place *out);

/*
 * Cut a text at its first @at outside of braces and quotes: @text keeps the
 * first part, returned is the rest, or NULL where there is none.
 */
char *path__cut(char *text, char at);
/* Cut a copy of a path at its first dot. */
char *path__next(char *head);
/*
 * Cut a key off: "3", "{a=1,b=2}", "\"...\"", and up to the longest path of
 * members of @value: "/sys/fs/cgroup/a.slice", "cgroup:/a.slice". Returns the
 * fields, "" for none. Quotes are taken off *@key.
 */
char *path__key(char **key, const struct place *value);

/* ----------------------------------------------------------- value_parse.c */

/* An integer with sign, 0x or 0, suffix k, m, g; -EINVAL, -ERANGE. */
int parse__int(const char *text, bool *negative, uint64_t *magnitude);
/* Write @text to a place. Structs and arrays: "{a=1,b={2,3}}", rest is 0. */
int place__parse(const struct place *p, const char *text, char *why);

/* ------------------------------------------------------------ value_text.c */

/* Value of an integer, enum, bool or bitfield, sign extended. */
uint64_t place__bits(const struct place *p, bool *is_signed);
bool place__is_zero(const struct place *p);
/* Declared name of a type: "u32"-like, "struct x", "char[16]". */
void place__type_name(const struct place *p, char *buf, size_t size);
/* A leaf as text, without a newline. */
void place__leaf(const struct place *p, char *buf, size_t size);
/* "path = value" lines, one a leaf. */
void place__print(const struct place *p, const char *path, FILE *file);
void place__json(const struct place *p, struct json *j, const char *key);

/* ---------------------------------------------------------- value_cgroup.c */

/* Does this text look like a cgroup: "/..." or "cgroup:..."? */
bool cgroup__is_path(const char *text);
/* Id of the cgroup at "/sys/fs/cgroup/a" or "cgroup:/a". */
int cgroup__id(const char *text, uint64_t *id, char *why);
/* Its directory; -errno where it cannot be found. */
int cgroup__path(uint64_t id, char *path, size_t size);

/* ------------------------------------------------------------- value_map.c */

struct value_map {
	int fd;
	struct bpf_map_info info;
	struct btf *btf;
	uint32_t key_type;
	uint32_t value_type;
	uint32_t stride;	/* bytes of one value in a look-up's answer */
	unsigned int cpus;	/* values an element has: 1 unless per CPU */
	bool array;		/* elements exist from the start, by index */
	bool percpu;
	bool section;		/* variables: .rodata, .data, .bss */
	bool cgroups;		/* the key is the id of a cgroup */
	bool locked;		/* the value has a bpf_spin_lock */
	char name[64];
};

/* Takes over @fd; closes it on error. */
int value_map__init(struct value_map *m, int fd, const char *name, char *why);
void value_map__close(struct value_map *m);
/* A place for keys or values of it at @data, which may be NULL. */
struct place value_map__key(const struct value_map *m, void *data);
struct place value_map__value(const struct value_map *m, void *data);
/* Bytes for all of an element; zeroed, freed by free(). */
void *value_map__alloc(const struct value_map *m);
int value_map__parse_key(const struct value_map *m, const char *text,
			 void *key, char *why);
/* A key as it is written in a path; @cgroup: as a directory if it is one. */
void value_map__key_text(const struct value_map *m, void *key, bool cgroup,
			 char *buf, size_t size);
/* -ENOENT without @why where there is no such element. */
int value_map__read(const struct value_map *m, const void *key, void *value,
		    char *why);
int value_map__write(const struct value_map *m, const void *key,
		     const void *value, char *why);
/* Store just the bytes of one variable, the others may be changing. */
int value_map__poke(const struct value_map *m, const void *data,
		    const struct place *p, char *why);

/* ------------------------------------------------------------ value_show.c */

/* To @j under "value", or to stdout as lines where @j is NULL. */
void show__place(const struct place *p, const char *path, struct json *j);
/* @element may be changed: counters of all CPUs are added up in it, and JSON
 * has them one by one under "per_cpu" too. */
int show__element(const struct value_map *m, void *key, void *element,
		  const char *fields, struct json *j, char *why);
/* All elements; JSON has "empty_entries" and "cgroups" beside the value. */
int show__map(const struct value_map *m, struct json *j, char *why);

#endif /* NVMESTEER_VALUE_PLACE_H */
