/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policies made of BPF instructions, without an object file: programs and
 * struct_ops are handed to the kernel as they are, with what it asks for besides
 * taken from its BTF and nvmesteer's. libbpf would refuse some of them itself,
 * and it is the kernel that is to be asked.
 */
#ifndef RAW_H
#define RAW_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include <nvmesteer/abi.h>

/* Operations by their number here, in the order of the names. */
enum raw_op {
	RAW_INIT, RAW_EXIT, RAW_ROUTE, RAW_PATH, RAW_COPY, RAW_COPIED, RAW_BATCH,
	RAW_OPS
};
extern const char *const raw_op_names[RAW_OPS];

/* A member of what an operation is given. */
struct raw_field {
	unsigned int offset;
	unsigned int size;
};
#define RAW_FIELDS	32

/* Look at the types; nvmesteer must be loaded, and stay so. */
void raw_init(void);
/* Let go of the module, so that it can be unloaded. */
void raw_exit(void);

/* What operation @op is given; how many members there are in @f. */
unsigned int raw_fields(enum raw_op op, struct raw_field f[RAW_FIELDS]);

/* For the instruction that calls a kfunc: its imm, and its off. */
int raw_kfunc(const char *name);
#define RAW_KFUNC_OFF	1

/* Load a program for that operation: its descriptor, or -errno. */
int raw_prog(enum raw_op op, const struct bpf_insn *insns, unsigned int nr,
	     bool sleepable);
/* A policy, with @progs where not negative: its map, or -errno. */
int raw_policy(const struct nvme_steer_ops *ops, const int progs[RAW_OPS]);

#endif /* RAW_H */
