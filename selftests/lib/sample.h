/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A structure with a member of each kind that values know, and its BTF, made
 * here: for what tests values without a kernel, the unit test and the fuzzer.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner {
	uint16_t a;
	int16_t b;
};

struct sample {
	uint8_t x;
	int8_t s;
	uint32_t low : 3;
	int32_t mid : 5;
	uint64_t big;
	bool on;
	char name[8];
	int32_t color;
	struct inner in[2];
	union {
		uint32_t left;
		uint32_t right;
	};
};

/* The type's number in @btf, which is empty; or negative. */
static inline int sample_type(struct btf *btf)
{
	int u8, s8, u16, s16, u32, s32, u64, boolean, chr, name, color, inner;
	int inners, either, sample, err = 0;

	u8 = btf__add_int(btf, "__u8", 1, 0);
	s8 = btf__add_int(btf, "__s8", 1, BTF_INT_SIGNED);
	u16 = btf__add_int(btf, "__u16", 2, 0);
	s16 = btf__add_int(btf, "__s16", 2, BTF_INT_SIGNED);
	u32 = btf__add_int(btf, "__u32", 4, 0);
	s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	u64 = btf__add_typedef(btf, "u64",
			btf__add_int(btf, "unsigned long", 8, 0));
	boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	name = btf__add_array(btf, u32, chr, 8);
	color = btf__add_enum(btf, "color", 4);
	btf__add_enum_value(btf, "RED", 1);
	btf__add_enum_value(btf, "GREEN", 2);
	inner = btf__add_struct(btf, "inner", sizeof(struct inner));
	err |= btf__add_field(btf, "a", u16, 0, 0);
	err |= btf__add_field(btf, "b", s16, 16, 0);
	inners = btf__add_array(btf, u32, inner, 2);
	either = btf__add_union(btf, NULL, 4);
	err |= btf__add_field(btf, "left", u32, 0, 0);
	err |= btf__add_field(btf, "right", u32, 0, 0);

	sample = btf__add_struct(btf, "sample", sizeof(struct sample));
#define MEMBER(m, type) \
	btf__add_field(btf, #m, type, 8 * offsetof(struct sample, m), 0)
	err |= MEMBER(x, u8);
	err |= MEMBER(s, s8);
	err |= btf__add_field(btf, "low", u32, 16, 3);
	err |= btf__add_field(btf, "mid", s32, 19, 5);
	err |= MEMBER(big, u64);
	err |= MEMBER(on, boolean);
	err |= MEMBER(name, name);
	err |= MEMBER(color, color);
	err |= MEMBER(in, inners);
#undef MEMBER
	err |= btf__add_field(btf, NULL, either,
			      8 * offsetof(struct sample, left), 0);
	return err ? -1 : sample;
}

#endif /* SAMPLE_H */
