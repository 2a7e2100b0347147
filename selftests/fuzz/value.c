// SPDX-License-Identifier: GPL-2.0
/*
 * "path=value" as `nvmesteer set` takes it, on the types that the unit test of
 * values has one of each: whatever the text, bytes outside of the value keep
 * what they held, and what is read back as text is taken again and is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "value_place.h"

#define GUARD	0xa5

struct sample {
	uint8_t x;
	int8_t s;
	uint32_t low : 3;
	int32_t mid : 5;
	uint64_t big;
	bool on;
	char name[8];
	int32_t color;
	uint16_t in[3];
};

static struct {
	uint8_t before[64];
	struct sample sample;
	uint8_t behind[64];
} memory;

static struct btf *btf;
static uint32_t type;

static void make_type(void)
{
	int u8, s8, u16, u32, s32, u64, on, name, color, in;

	btf = btf__new_empty();
	u8 = btf__add_int(btf, "__u8", 1, 0);
	s8 = btf__add_int(btf, "__s8", 1, BTF_INT_SIGNED);
	u16 = btf__add_int(btf, "__u16", 2, 0);
	u32 = btf__add_int(btf, "__u32", 4, 0);
	s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	u64 = btf__add_int(btf, "unsigned long", 8, 0);
	on = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	name = btf__add_array(btf, u32, btf__add_int(btf, "char", 1,
						     BTF_INT_SIGNED), 8);
	color = btf__add_enum(btf, "color", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "GREEN", 2);
	in = btf__add_array(btf, u32, u16, 3);
	type = btf__add_struct(btf, "sample", sizeof(struct sample));
#define MEMBER(m, t) \
	btf__add_field(btf, #m, t, 8 * offsetof(struct sample, m), 0)
	MEMBER(x, u8);
	MEMBER(s, s8);
	btf__add_field(btf, "low", u32, 16, 3);
	btf__add_field(btf, "mid", s32, 19, 5);
	MEMBER(big, u64);
	MEMBER(on, on);
	MEMBER(name, name);
	MEMBER(color, color);
	MEMBER(in, in);
#undef MEMBER
	assert(type);
}

static int set(const char *path, const char *text, struct place *p)
{
	char why[VALUE_WHY] = "";
	int err;

	*p = (struct place){
		.btf = btf, .type = type, .data = (uint8_t *)&memory.sample,
		.name = "sample",
	};
	err = place__walk(p, path, why);
	if (!err)
		err = place__parse(p, text, why);
	/* a refusal has its sentence */
	assert(!err == !*why);
	assert(strnlen(why, sizeof(why)) < sizeof(why));
	return err;
}

static bool is_guarded(void)
{
	size_t i;

	for (i = 0; i < sizeof(memory.before); i++)
		if (memory.before[i] != GUARD || memory.behind[i] != GUARD)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *value, *key, again[256];
	struct sample first;
	struct place p, k;

	if (!btf)
		make_type();
	memset(&memory, GUARD, sizeof(memory));
	memset(&memory.sample, 0, sizeof(memory.sample));
	value = path__cut(text, '=');
	if (value && !set(text, value, &p) && !place__members(&p)) {
		first = memory.sample;
		place__leaf(&p, again, sizeof(again));
		assert(!set(text, again, &p));
		assert(!memcmp(&first, &memory.sample, sizeof(first)));
	}
	assert(is_guarded());
	k = (struct place){ .btf = btf, .type = type, .name = "sample" };
	key = text;
	path__key(&key, &k);
	free(text);
	return 0;
}
