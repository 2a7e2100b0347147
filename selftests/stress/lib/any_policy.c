// SPDX-License-Identifier: GPL-2.0
/*
 * Policies that nobody would write; see any_policy.h.
 *
 * Registers: r6 is the argument, r7 and r8 are numbers that the program plays
 * with, r9 counts turns of a loop. What is called destroys r0 to r5.
 */
#include <bpf/bpf.h>
#include <stddef.h>
#include <sys/mman.h>

#include "any.h"
#include "any_policy.h"
#include "test.h"

#define INSNS		2048
#define ARG		BPF_REG_6
#define TURNS		BPF_REG_9
#define SHARES		4
#define MOST_ERRNO	133	/* that an operation may answer */

/*
 * Arguments: the number, mode and depth of a queue, a share, the map of shares,
 * how far up, a code, a string.
 */
static const struct {
	const char *name;
	enum raw_op op;		/* where it may be called */
	const char *args;	/* after the first, one character each */
	bool is_void;
	unsigned int weight;
} kfuncs[ANY_KFUNCS] = {
	{ "bpf_nvme_steer_create_queue", RAW_INIT, "qmd", false, 6 },
	{ "bpf_nvme_steer_create_shared", RAW_INIT, "qmds", false, 4 },
	{ "bpf_nvme_steer_shares", RAW_INIT, "M", false, 4 },
	{ "bpf_nvme_steer_free_queue", RAW_INIT, "q", false, 2 },
	{ "bpf_nvme_steer_queue_depth", RAW_ROUTE, "q", false, 3 },
	{ "bpf_nvme_steer_queue_inflight", RAW_ROUTE, "q", false, 3 },
	{ "bpf_nvme_steer_ring_id", RAW_ROUTE, "", false, 3 },
	{ "bpf_nvme_steer_cgroup_id", RAW_ROUTE, "u", false, 3 },
	{ "bpf_nvme_steer_path_cgroup_id", RAW_PATH, "u", false, 3 },
	{ "bpf_nvme_steer_error", RAW_ROUTE, "cS", true, 2 },
};

const char *const any_kfunc_names[ANY_KFUNCS] = {
	"create_queue", "create_shared", "shares", "free_queue", "queue_depth",
	"queue_inflight", "ring_id", "cgroup_id", "path_cgroup_id", "error",
};

static int done_fd, text_fd;
static struct any_done *done;
static int kfunc_ids[ANY_KFUNCS];
static struct raw_field fields[RAW_OPS][RAW_FIELDS];
static unsigned int nr_fields[RAW_OPS];

/* A program in the making. */
struct code {
	uint64_t *rng;
	enum raw_op op;
	int shares_fd;
	struct bpf_insn insn[INSNS];
	unsigned int nr;
};

const volatile struct any_done *any_policy_init(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, shared, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, text, .map_flags = BPF_F_RDONLY_PROG);
	char reason[16] = "a random end";
	unsigned int i;
	__u32 zero = 0;

	done_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "done", sizeof(zero),
				 sizeof(*done), 1, &shared);
	test_check(done_fd >= 0, "a map: %s", strerror(-done_fd));
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED,
		    done_fd, 0);
	test_check(done != MAP_FAILED, "mmap of a map");
	text_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "text", sizeof(zero),
				 sizeof(reason), 1, &text);
	test_check(text_fd >= 0 &&
		   !bpf_map_update_elem(text_fd, &zero, reason, 0) &&
		   !bpf_map_freeze(text_fd), "a map for text");
	for (i = 0; i < ANY_KFUNCS; i++)
		kfunc_ids[i] = raw_kfunc(kfuncs[i].name);
	for (i = 0; i < RAW_OPS; i++)
		nr_fields[i] = raw_fields(i, fields[i]);
	return done;
}

void any_policy_exit(void)
{
	munmap(done, sizeof(*done));
	close(done_fd);
	close(text_fd);
}

/* ------------------------------------------------------------ instructions */

static void emit(struct code *c, unsigned int code, unsigned int dst,
		 unsigned int src, int off, int imm)
{
	test_check(c->nr < INSNS, "a program is too long");
	c->insn[c->nr++] = (struct bpf_insn) {
		.code = code, .dst_reg = dst, .src_reg = src, .off = off,
		.imm = imm,
	};
}

static void emit_mov(struct code *c, unsigned int dst, int imm)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void emit_mov_reg(struct code *c, unsigned int dst, unsigned int src)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void emit_load(struct code *c, unsigned int dst, unsigned int at,
		      unsigned int size)
{
	static const unsigned int sizes[] = {
		[1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW,
	};

	emit(c, BPF_LDX | BPF_MEM | sizes[size], dst, ARG, at, 0);
}

/* A map, or with @pseudo BPF_PSEUDO_MAP_VALUE a place in its first value. */
static void emit_map(struct code *c, unsigned int dst, unsigned int pseudo,
		     int fd, unsigned int at)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, pseudo, 0, fd);
	emit(c, 0, 0, 0, 0, at);
}

static void emit_count(struct code *c, unsigned int at)
{
	emit_map(c, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, done_fd, at);
	emit_mov(c, BPF_REG_2, 1);
	emit(c, BPF_STX | BPF_DW | BPF_ATOMIC, BPF_REG_1, BPF_REG_2, 0, BPF_ADD);
}

static void emit_helper(struct code *c, int helper)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* Jump over what comes next; where to is known when that is there. */
static unsigned int emit_jump(struct code *c, unsigned int code,
			      unsigned int dst, int imm)
{
	emit(c, code, dst, 0, 0, imm);
	return c->nr - 1;
}

static void land(struct code *c, unsigned int jump)
{
	c->insn[jump].off = c->nr - jump - 1;
}

/* ------------------------------------------------------------------ numbers */

/* One of those that the program plays with. */
static unsigned int a_reg(struct code *c)
{
	return BPF_REG_7 + below(c->rng, 2);
}

static int a_number(struct code *c)
{
	switch (below(c->rng, 4)) {
	case 0:
		return next(c->rng);
	case 1:
		return 1 << below(c->rng, 32);
	default:
		return below(c->rng, 17);
	}
}

static int a_fit_answer(struct code *c)
{
	uint64_t *rng = c->rng;
	int n;

	switch (c->op) {
	case RAW_ROUTE:
		n = 1 + below(rng, 4);
		return rarely(rng, 4) ? n | NVME_STEER_ONCE : n;
	case RAW_PATH:
		n = NVME_STEER_PATH(below(rng, 6));
		return n | below(rng, 8) << 16;
	case RAW_COPY:
		n = NVME_STEER_COPY_WITH(below(rng, 4), below(rng, 65),
					 below(rng, 1024));
		return rarely(rng, 3) ? n | (int)NVME_STEER_COPY_QUIET : n;
	case RAW_BATCH:
		return NVME_STEER_GATHER(1 + below(rng, 32), below(rng, 2000));
	default:
		return 0;
	}
}

static int an_answer(struct code *c)
{
	switch (below(c->rng, c->op == RAW_INIT ? 40 : 24)) {
	case 0:
		return next(c->rng);
	case 1:
		return -(int)below(c->rng, MOST_ERRNO + 8);
	case 2:
		return 0;
	default:
		return a_fit_answer(c);
	}
}

/* --------------------------------------------------------------- statements */

static void read_field(struct code *c)
{
	const struct raw_field *f = &fields[c->op][below(c->rng,
							 nr_fields[c->op])];
	unsigned int at = f->offset, size = f->size;

	if (size > 8) {
		/* an array: of characters, or of structures of words */
		size = c->op == RAW_EXIT ? 1 : 4;
		at += below(c->rng, f->size / size) * size;
	}
	if (rarely(c->rng, 60)) {
		at = below(c->rng, 1024) - 64;
		size = 1 << below(c->rng, 4);
	}
	emit_load(c, a_reg(c), at, size);
}

static void calculate(struct code *c)
{
	static const unsigned int how[] = {
		BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR, BPF_XOR, BPF_MOV,
		BPF_NEG, BPF_DIV, BPF_MOD, BPF_LSH, BPF_RSH, BPF_ARSH,
	};
	unsigned int op = how[below(c->rng, ARRAY_LEN(how))];
	bool wide = rarely(c->rng, 2);
	unsigned int dst = a_reg(c);
	int imm = a_number(c);

	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm = below(c->rng, wide ? 64 : 32);
	if (op == BPF_DIV || op == BPF_MOD)
		imm = imm ?: 3;
	if (op == BPF_NEG)
		emit(c, BPF_ALU64 | BPF_NEG, dst, 0, 0, 0);
	else if (rarely(c->rng, 3))
		emit(c, (wide ? BPF_ALU64 : BPF_ALU) | op | BPF_X, dst, a_reg(c),
		     0, 0);
	else
		emit(c, (wide ? BPF_ALU64 : BPF_ALU) | op | BPF_K, dst, 0, 0,
		     imm);
}

static void argument(struct code *c, unsigned int reg, char kind)
{
	uint64_t *rng = c->rng;
	int n = a_number(c);

	if (kind == 'S') {
		emit_map(c, reg, BPF_PSEUDO_MAP_VALUE, text_fd, 0);
		return;
	}
	if (kind == 'M') {
		emit_map(c, reg, BPF_PSEUDO_MAP_FD, c->shares_fd, 0);
		return;
	}
	if (rarely(rng, 8)) {
		emit_mov_reg(c, reg, a_reg(c));
		return;
	}
	if (!rarely(rng, 8)) {
		switch (kind) {
		case 'q':
			n = 1 + below(rng, 4);
			break;
		case 'm':
			n = 1 + below(rng, 2);
			break;
		case 'd':
			n = rarely(rng, 2) ? 0 : 2 + below(rng, 64);
			break;
		case 's':
			n = below(rng, SHARES + 1);
			break;
		case 'u':
			n = below(rng, 4);
			break;
		}
	}
	emit_mov(c, reg, n);
}

static unsigned int a_kfunc(struct code *c)
{
	unsigned int i, total = 0;
	uint64_t n;

	if (rarely(c->rng, 60))
		return below(c->rng, ANY_KFUNCS);
	for (i = 0; i < ANY_KFUNCS; i++)
		total += kfuncs[i].op == c->op ? kfuncs[i].weight : 0;
	if (!total)
		return ANY_KFUNCS;
	n = below(c->rng, total);
	for (i = 0;; i++) {
		if (kfuncs[i].op != c->op)
			continue;
		if (n < kfuncs[i].weight)
			return i;
		n -= kfuncs[i].weight;
	}
}

static void call_kfunc(struct code *c)
{
	unsigned int k = a_kfunc(c), i, over = 0;

	if (k == ANY_KFUNCS)
		return;
	if (kfuncs[k].is_void) {
		/* not the first time, or hardly any policy would last */
		emit_helper(c, BPF_FUNC_get_prandom_u32);
		emit(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 31);
		over = emit_jump(c, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0);
	}
	emit_mov_reg(c, BPF_REG_1, rarely(c->rng, 200) ? a_reg(c) : ARG);
	for (i = 0; kfuncs[k].args[i]; i++)
		argument(c, BPF_REG_2 + i, kfuncs[k].args[i]);
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, RAW_KFUNC_OFF,
	     kfunc_ids[k]);
	if (!kfuncs[k].is_void)
		emit_mov_reg(c, a_reg(c), BPF_REG_0);
	emit_count(c, offsetof(struct any_done, kfuncs[k]));
	if (kfuncs[k].is_void)
		land(c, over);
}

static void call_helper(struct code *c)
{
	static const int helpers[] = {
		BPF_FUNC_ktime_get_ns, BPF_FUNC_get_prandom_u32,
		BPF_FUNC_get_smp_processor_id, BPF_FUNC_get_numa_node_id,
		BPF_FUNC_jiffies64, BPF_FUNC_get_current_cgroup_id,
	};

	emit_helper(c, rarely(c->rng, 60) ? (int)below(c->rng, 212) :
		       helpers[below(c->rng, ARRAY_LEN(helpers))]);
	emit_mov_reg(c, a_reg(c), BPF_REG_0);
}

/*
 * Queues 1 to 4, as most policies make them: what was made otherwise, or by the
 * one before, is in the way of some.
 */
static void create_queues(struct code *c)
{
	int n;

	for (n = 1; n <= 4; n++) {
		emit_mov_reg(c, BPF_REG_1, ARG);
		emit_mov(c, BPF_REG_2, n);
		emit_mov(c, BPF_REG_3, n % 2 ? NVME_STEER_IRQ : NVME_STEER_POLL);
		emit_mov(c, BPF_REG_4, n > 2 ? 8 : 0);
		emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL,
		     RAW_KFUNC_OFF, kfunc_ids[0]);
	}
}

/* What no program may do, as a rule. */
static void misbehave(struct code *c)
{
	static const unsigned int codes[] = {
		BPF_ALU64, BPF_ALU, BPF_LDX, BPF_STX, BPF_ST,
	};
	uint64_t *rng = c->rng;

	switch (below(rng, 4)) {
	case 0:
		emit(c, BPF_STX | BPF_MEM | BPF_W, ARG, a_reg(c),
		     below(rng, 64), 0);
		break;
	case 1:
		emit_mov_reg(c, a_reg(c), below(rng, 6));
		break;
	case 2:
		emit_mov_reg(c, a_reg(c), ARG);
		break;
	default:
		/* nowhere but on: what must not be answered is behind it */
		emit(c, codes[below(rng, ARRAY_LEN(codes))] | (next(rng) & 0xf8),
		     below(rng, 6), below(rng, 11), next(rng), next(rng));
	}
}

static void answer(struct code *c);
static void statements(struct code *c, unsigned int nr, unsigned int depth);

static void decide(struct code *c, unsigned int depth)
{
	static const unsigned int how[] = {
		BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE,
		BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE,
	};
	unsigned int over;

	over = emit_jump(c, (rarely(c->rng, 2) ? BPF_JMP : BPF_JMP32) | BPF_K |
			 how[below(c->rng, ARRAY_LEN(how))], a_reg(c),
			 a_number(c));
	statements(c, 1 + below(c->rng, 3), depth + 1);
	if (rarely(c->rng, 4))
		answer(c);
	land(c, over);
}

static void repeat(struct code *c)
{
	unsigned int start;

	emit_mov(c, TURNS, 0);
	start = c->nr;
	statements(c, 1 + below(c->rng, 3), 2);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, TURNS, 0, 0, 1);
	emit(c, BPF_JMP | BPF_JLT | BPF_K, TURNS, 0, (int)start - (int)c->nr - 1,
	     2 + below(c->rng, 6));
}

static void statements(struct code *c, unsigned int nr, unsigned int depth)
{
	while (nr--) {
		switch (below(c->rng, 16)) {
		case 0 ... 3:
			read_field(c);
			break;
		case 4 ... 6:
			calculate(c);
			break;
		case 7 ... 11:
			call_kfunc(c);
			break;
		case 12:
			call_helper(c);
			break;
		case 13:
		case 14:
			if (depth < 2)
				decide(c, depth);
			break;
		default:
			if (!depth)
				repeat(c);
			else if (rarely(c->rng, 40))
				misbehave(c);
		}
	}
}

/* Answer something, and end. */
static void answer(struct code *c)
{
	unsigned int out[2];

	switch (below(c->rng, c->op == RAW_INIT ? 40 : 16)) {
	case 0:
		emit_mov_reg(c, BPF_REG_0, a_reg(c));
		break;
	case 1:
		emit_helper(c, BPF_FUNC_get_prandom_u32);
		emit(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0,
		     (1u << below(c->rng, 32)) - 1);
		emit(c, BPF_ALU | BPF_ADD | BPF_K, BPF_REG_0, 0, 0, an_answer(c));
		break;
	default:
		emit_mov(c, BPF_REG_0, an_answer(c));
	}
	if (c->op == RAW_ROUTE) {
		/* see any_policy.h */
		emit_load(c, BPF_REG_1, offsetof(struct nvme_steer_cmd, source),
			  4);
		out[0] = emit_jump(c, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1,
				   NVME_STEER_SRC_BLOCK);
		out[1] = emit_jump(c, BPF_JMP32 | BPF_JSGE | BPF_K, BPF_REG_0, 0);
		emit(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 0x7fffffff);
		land(c, out[0]);
		land(c, out[1]);
	}
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int a_program(uint64_t *rng, enum raw_op op, int shares_fd)
{
	bool sleepable = op == RAW_INIT || op == RAW_EXIT;
	static struct code c;

	c = (struct code) { .rng = rng, .op = op, .shares_fd = shares_fd };
	emit(&c, BPF_LDX | BPF_MEM | BPF_DW, ARG, BPF_REG_1, 0, 0);
	emit_mov(&c, BPF_REG_7, below(rng, 8));
	emit_mov(&c, BPF_REG_8, next(rng));
	emit_count(&c, offsetof(struct any_done, calls[op]));
	if (op == RAW_INIT && !rarely(rng, 3))
		create_queues(&c);
	statements(&c, 1 + below(rng, 16), 0);
	answer(&c);
	return raw_prog(op, c.insn, c.nr, rarely(rng, 40) ? !sleepable : sleepable);
}

/* ----------------------------------------------------------------- policies */

/* Nothing that would make commands wait for long. */
static int a_map_of_shares(uint64_t *rng)
{
	struct nvme_steer_share s;
	__u32 i;
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shares", sizeof(i), sizeof(s),
			    SHARES, NULL);
	test_check(fd >= 0, "a map of shares: %s", strerror(-fd));
	for (i = 0; i < SHARES; i++) {
		s = (struct nvme_steer_share) {
			.weight = next(rng) >> below(rng, 64),
			.depth = below(rng, 17),
			.iops = rarely(rng, 2) ? 0 : 2000 + below(rng, 100000),
			.latency_us = next(rng) >> below(rng, 64),
			.bps = rarely(rng, 2) ? 0 : 1 << 24 | next(rng) >> below(rng, 40),
			.burst_ms = next(rng) >> below(rng, 64),
		};
		test_check(!bpf_map_update_elem(fd, &i, &s, 0), "a share");
	}
	return fd;
}

static void settings(struct nvme_steer_ops *ops, uint64_t *rng, int ctrl)
{
	memset(ops, 0, sizeof(*ops));
	ops->ctrl = rarely(rng, 100) ? (int)next(rng) : ctrl;
	ops->flags = rarely(rng, 100) ? (uint32_t)next(rng) :
		     rarely(rng, 2) ? NVME_STEER_OPS_BLOCK :
		     below(rng, NVME_STEER_OPS_FLAGS + 1);
	if (rarely(rng, 8))
		ops->timeout_ms = rarely(rng, 8) ? (uint32_t)next(rng) :
				  20000 + below(rng, 10001);
	ops->abi = rarely(rng, 100) ? (uint32_t)next(rng) : below(rng, 2);
	if (rarely(rng, 2))
		ops->hold_ms = rarely(rng, 50) ? (uint32_t)next(rng) : below(rng, 200);
	if (rarely(rng, 2))
		ops->hold_by = rarely(rng, 50) ? (uint32_t)next(rng) :
			       below(rng, NVME_STEER_BY_ALL + 1);
	if (rarely(rng, 2))
		ops->path_hold_ms = rarely(rng, 50) ? (uint32_t)next(rng) :
				    below(rng, 200);
	if (rarely(rng, 2))
		ops->path_hold_more = rarely(rng, 50) ? (uint32_t)next(rng) :
				      below(rng, 256);
	if (rarely(rng, 100))
		memset(ops->name, next(rng), sizeof(ops->name));
	else
		snprintf(ops->name, sizeof(ops->name), "any%u",
			 (unsigned int)below(rng, 1000));
}

int any_policy(uint64_t seed, int ctrl, struct any_counts *counts)
{
	uint64_t rng = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	struct nvme_steer_ops ops;
	int progs[RAW_OPS], shares, map;
	unsigned int op;

	settings(&ops, &rng, ctrl);
	shares = a_map_of_shares(&rng);
	for (op = 0; op < RAW_OPS; op++) {
		progs[op] = -1;
		if (rarely(&rng, 8))
			continue;
		progs[op] = a_program(&rng, op, shares);
		if (progs[op] < 0)
			counts->refused[op]++;
		else
			counts->programs[op]++;
	}
	map = raw_policy(&ops, progs);
	for (op = 0; op < RAW_OPS; op++)
		if (progs[op] >= 0)
			close(progs[op]);
	close(shares);
	if (map < 0)
		counts->unfit++;
	else
		counts->policies++;
	return map;
}
