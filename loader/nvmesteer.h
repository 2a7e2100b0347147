/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nvmesteer, the command line tool: what its files offer each other. Functions
 * return 0 or -errno and print nothing; a verb (cmd_<verb>.c) prints once, as
 * a sentence with cause and remedy. The kernel is the only truth: nothing is
 * kept in a file of our own.
 */
#ifndef NVMESTEER_LOADER_H
#define NVMESTEER_LOADER_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/types.h>

#include <nvmesteer/abi.h>

struct bpf_link;
struct bpf_map;
struct bpf_object;
struct btf;

/* Exit codes. */
#define EXIT_OK			0
#define EXIT_FAILED		1
#define EXIT_USAGE		2
#define EXIT_UNSUPPORTED	3	/* this kernel or this device cannot */

/* Where policies are pinned: PIN_ROOT/<controller>/<policy>/{link,maps/} */
#define PIN_ROOT		"/sys/fs/bpf/nvmesteer"

/* ------------------------------------------------------------ verbs.c, opts.c */

/* A verb. The table is in verbs.c; run() gets argv[0] = the verb's name. */
struct verb {
	const char *name;
	const char *args;	/* synopsis after the name */
	const char *summary;	/* one line */
	int (*run)(int argc, char **argv);
};

extern const struct verb verbs[];

/* An option of a verb; options are --long, and -short where short_name. */
struct opt {
	const char *name;
	char short_name;	/* or 0 */
	const char *arg;	/* name of its argument, NULL for none */
	bool arg_optional;
	const char *help;
	void (*set)(void *ctx, const char *arg);	/* for each occurrence */
};

/**
 * opts__parse - parse a verb's options; --help, --json, -v are known to all
 * @opts: ends with an entry without a name
 * @ctx: for opt.set
 *
 * Return: index of the first argument that is no option; or -1 when the verb
 * is to return *@exit_code at once (help was printed, or usage was wrong).
 */
int opts__parse(const struct verb *verb, const struct opt *opts, void *ctx,
		int argc, char **argv, int *exit_code);
const struct verb *verb__find(const char *name);

/* Set by opts__parse(). */
extern bool opt_json;
extern int opt_verbose;		/* -v 1, -vv 2 */

/* --------------------------------------------------------------- nearest.c */

/* The word nearest to one that does not exist. */
struct nearest {
	const char *word;
	const char *best;	/* NULL when none is near */
	unsigned int distance;
};

void nearest__init(struct nearest *n, const char *word);
void nearest__try(struct nearest *n, const char *word);	/* one that exists */

/* ------------------------------------------------------------------- log.c */

/* "nvmesteer: <sentence>" to stderr; returns EXIT_FAILED, for return fail(...) */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with another exit code. */
int fail_code(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "nvmesteer: note: <sentence>" to stderr. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without the mark, and only with -v: what is being done. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "EBUSY" for -EBUSY or EBUSY; never NULL. */
const char *errno_name(int err);

/* ------------------------------------------------------------------- out.c */

/*
 * JSON to stdout, streamed. Each object or array is opened and closed; keys
 * are NULL inside arrays. out_json_begin() writes the schema key first.
 */
struct json {
	FILE *file;
	unsigned int depth;
	bool comma[16];
};

void json__begin(struct json *j, FILE *file, const char *verb); /* {"schema":"nvmesteer.<verb>/1" */
void json__end(struct json *j);					/* }\n */
void json__object(struct json *j, const char *key);
void json__object_end(struct json *j);
void json__array(struct json *j, const char *key);
void json__array_end(struct json *j);
void json__str(struct json *j, const char *key, const char *value); /* NULL: null */
void json__uint(struct json *j, const char *key, uint64_t value);
void json__int(struct json *j, const char *key, int64_t value);
void json__double(struct json *j, const char *key, double value);
void json__bool(struct json *j, const char *key, bool value);
void json__null(struct json *j, const char *key);

/* "1.5 GiB"; @size is 16 or more. */
void out__bytes(double bytes, char *text, size_t size);
/* Of a counter, whose name tells whether it counts bytes. */
void out__count(const char *name, double count, char *text, size_t size);

/*
 * A table to stdout: columns sized to their contents, upper-case header,
 * columns whose header starts with '>' to the right (the mark is not printed),
 * NULL or "" cells as "-".
 */
struct table;
struct table *table__new(unsigned int columns, const char *const *headers);
void table__cell(struct table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));	/* next cell, row by row */
void table__print(struct table *t, FILE *file);
void table__free(struct table *t);

/* ---------------------------------------------------------------- target.c */

/**
 * target__resolve - the controller a user means
 * @arg: "nvme0", "/dev/nvme0", "nvme0n1", "/dev/ng0n1", "/dev/nvme0n1", or
 *	NULL for the only controller there is
 * @ctrl: gets "nvmeN"; at least 32 bytes
 * @why: on error gets a sentence without a full stop, naming what exists;
 *	at least 256 bytes
 *
 * A multipath head with several controllers is an error that names them.
 * Return: 0; -ENODEV (none such), -EINVAL (several, or not a name).
 */
int target__resolve(const char *arg, char *ctrl, char *why);

/* ---------------------------------------------------------------- kstate.c */

/* Directory that stands for /sys; only unit tests change it. */
extern const char *kstate_sysfs;

struct queue_state {
	unsigned int number;
	char mode[8];		/* driver, poll, irq */
	char state[12];
	char owner[12];
	int qid;		/* the rest: -1 where the kernel says "-" */
	int depth;
	int vector;
	int irq;
	char cpus[64];		/* "" where "-" */
	char prio[8];		/* priority class, "" where there are none */
	uint64_t submitted;
	uint64_t completed;
	uint64_t failed;
	uint64_t cancelled;
	uint64_t inflight;	/* those that wait for their share included */
	uint64_t share;		/* 0: none */
	uint64_t waiting;
	uint64_t doorbells;	/* writes to both, the next two */
	uint64_t sq_doorbells;
	uint64_t cq_doorbells;
	uint64_t interrupts;
};

struct event_state {
	char name[32];
	uint64_t count;
};

/* What one Copy command of a namespace may copy. */
struct copy_state {
	uint32_t nsid;
	uint32_t formats;	/* of descriptors, a bit each; 0 without Copy */
	unsigned int mssrl, mcl, msrc;
	bool cross_ns;
	uint64_t max_hw_bytes;	/* what the controller takes */
	uint64_t max_bytes;	/* and what is sent to it */
};

/* A controller as a path of its subsystem. */
struct path_state {
	int ctrl;		/* whose policy chooses the paths; -1: none */
	char policy[NVME_STEER_NAME_LEN];
	unsigned int inflight;	/* commands on this path */
	unsigned int latency_us;
};

struct ctrl_state {
	char ctrl[32];		/* nvme0 */
	char state[16];		/* none, attached, ended */
	char policy[NVME_STEER_NAME_LEN];
	uint32_t link_id;
	unsigned int asked, granted, used, first_qid;
	unsigned int vectors, vectors_used, max_depth;
	unsigned int nr_queues;
	struct queue_state *queues;
	/* between submission queues: "" where the module does not say */
	char arbitration[12];	/* rr, wrr, vendor: what is enabled */
	bool has_wrr;
	unsigned int weights[3]; /* high, medium, low; 0: the controller's own */
	unsigned int nr_events;
	struct event_state *events;
	/* by kstate__read_copies(); without, or where there are none, 0 */
	unsigned int nr_copies;
	struct copy_state *copies;
	struct path_state path;
	/* how the last policy ended; exit_kind "" when none has */
	char exit_kind[16];
	unsigned int exit_kind_code;
	int exit_code;
	char exit_policy[NVME_STEER_NAME_LEN];
	char exit_reason[128];
};

/* Controllers with a steer directory, "nvme0" first; *names freed by free(). */
int kstate__list(char (**names)[32], unsigned int *n);
/* Read everything about one; -ENODEV when it has no steer directory. */
int kstate__read(const char *ctrl, struct ctrl_state *s);
/* What its namespaces can copy, which the controller may have to be asked for:
 * not for verbs that are to work whatever the controller does. */
int kstate__read_copies(struct ctrl_state *s);
void kstate__free(struct ctrl_state *s);
/* Was the last policy that ended ejected? */
bool kstate__ejected(const struct ctrl_state *s);
/* Write a text to /sys/class/nvme/<ctrl>/steer/<file>. */
int kstate__write(const char *ctrl, const char *file, const char *text);
/* Read /sys/class/nvme/<ctrl>/steer/<file> whole; freed by free(). */
int kstate__text(const char *ctrl, const char *file, char **text);

/*
 * Why steering cannot work here at all, as a sentence with a remedy: module not
 * loaded, stock nvme loaded, no BTF, no privilege. 0 when it can; else an exit
 * code (EXIT_FAILED or EXIT_UNSUPPORTED) with @why of at least 256 bytes.
 */
int kstate__missing(char *why);
/* The same without asking for privilege: for verbs that only read. */
int kstate__absent(char *why);

/* ---------------------------------------------------------------- shares.c */

#define HISTOGRAM_BUCKETS	64

/* Commands by how long they took: bucket n below 2^n us, the last one more. */
struct histogram {
	unsigned int nr;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* A share: its limits, 0 for none, and what became of its commands. */
struct share_state {
	unsigned int number;	/* 0: all of them together */
	uint64_t weight, depth, iops, bps, burst_ms, latency_us;
	uint64_t cap;		/* depth left by others' targets; 0: any */
	uint64_t inflight, peak, waiting;
	uint64_t commands, bytes, waits, missed;
	struct histogram wait, device;
};

/* A cgroup that has a share: its directory, or where that is gone its id. */
struct share_group {
	uint32_t share;
	char *name;
};

struct shares {
	unsigned int nr;
	struct share_state *share;
	/* by shares__read_groups(), by share and name */
	unsigned int nr_groups;
	struct share_group *group;
};

/* Those of a controller; none where its policy has none. 0 or -errno. */
int shares__read(const char *ctrl, struct shares *all);
/* The cgroups of a policy's map `groups`; none where it has none, or may not
 * be read. 0 or -errno. */
int shares__read_groups(const struct ctrl_state *s, struct shares *all);
void shares__free(struct shares *all);
void shares__json(struct json *j, const struct shares *all, bool histograms);
void shares__table(const struct shares *all);
void shares__bars(const struct shares *all);

/* ------------------------------------------------------------------- pin.c */

enum pin_state {
	PIN_NONE,	/* nothing pinned by us */
	PIN_OURS,	/* our link pin is the attached policy's link */
	PIN_FOREIGN,	/* attached, but not through our pin */
	PIN_ORPHAN,	/* our pins exist, their link is not attached */
	PIN_UNFINISHED,	/* our pin is, among leftovers of a load that was killed */
};

const char *pin_state__name(enum pin_state state);
/* Of the attached policy (or of leftovers) of a controller; @dir gets the
 * policy's pin directory, at least 256 bytes, "" for none. */
int pin__state(const struct ctrl_state *s, enum pin_state *state, char *dir);
/* Pins of a controller that belong to no attached link: remove them. */
int pin__clean(const char *ctrl, const struct ctrl_state *s);
/* Remove a policy's directory with all pins in it. */
int pin__remove(const char *ctrl, const char *policy);
/* Serialise with other instances of this tool; fd to close, or -errno. */
int pin__lock(void);
/* Does another instance hold the lock at the moment? */
bool pin__in_use(void);
/* An fd of map @name of the policy attached to @ctrl, by pin, or by walking
 * the link's programs when there is no pin of ours; -ENOENT. */
int pin__open_map(const struct ctrl_state *s, const char *name);
/* A policy's final directory, 256 bytes; PIN_NEW behind it: being prepared. */
#define PIN_NEW			"+new"
void pin__dir(const char *ctrl, const char *policy, char *dir);
/* Make such a directory and its maps/; remove one with all that is in it. */
int pin__make(const char *dir);
int pin__remove_dir(const char *dir);
/* What a person and a pin call a map: "tenants.bss" is "bss". */
void pin__map_name(const char *map, char *name, size_t size);

/* -------------------------------------------------------------- attached.c */

#define ATTACHED_MAPS		64

/* Ids of the maps that the programs of an attached link use; count or -errno. */
int attached__maps(uint32_t link_id, uint32_t ids[ATTACHED_MAPS]);
/* An fd of the one with that name; -ENOENT. */
int attached__open_map(uint32_t link_id, const char *name);
/* Detach whatever holds the link; 0 where it has gone already. */
int attached__detach(uint32_t link_id);

/* ---------------------------------------------------------------- policy.c */

struct policy {
	struct bpf_object *obj;
	struct bpf_map *ops;		/* its struct_ops map */
	char name[NVME_STEER_NAME_LEN];
	char path[512];
	struct bpf_link *link;		/* after policy__attach() */
	char *log;			/* what libbpf and the verifier said */
	size_t log_len;
};

#define POLICY_WHY	512	/* size of @why below */

/**
 * policy__open - open an object file and find the policy in it
 * @p: to be closed in either case: what libbpf said stays in it
 * @why: as for target__resolve(), 512 bytes
 * Return: 0 or -errno with @why a sentence (cause and remedy).
 */
int policy__open(struct policy *p, const char *path, char *why);
/* Verify and load into the kernel; not attached. @why as above. */
int policy__load(struct policy *p, char *why);
void policy__close(struct policy *p);
/* Set before load: controller instance, and the name (NULL: as in the object). */
int policy__target(struct policy *p, unsigned int instance, const char *name);
/*
 * Set before load: a flag of the ops more, NVME_STEER_OPS_*. -ENOENT: the policy
 * was built before there were any.
 */
int policy__flag(struct policy *p, uint32_t flag);
/* A data member of the ops as the object has it, 4 bytes; 0 without one. */
uint32_t policy__number(const struct policy *p, const char *member);
/* Attach as a new link, p->link; -EBUSY when a policy is attached. */
int policy__attach(struct policy *p);
/* Take over a link after policy__attach() gave -EBUSY; no gap between. */
int policy__replace(struct policy *p, int link_fd);
/* Is it a map that a person reads and writes, under this name? */
bool policy__shows_map(const struct bpf_map *map);
/*
 * To stderr, after an error: the last lines of the verifier's log; with -v what
 * libbpf says around it too; with -vv everything, which is worth printing
 * after success as well.
 */
void policy__print_log(const struct policy *p);

/* --------------------------------------------------------------- explain.c */

/* From an error and what libbpf said to a sentence; return the errno to show. */
int explain__load(const struct policy *p, int err, char *why);
int explain__attach(const struct policy *p, const struct ctrl_state *s,
		    int err, char *why);
/* Exit code for an errno: EXIT_UNSUPPORTED where this kernel lacks it. */
int explain__exit_code(int err);

/* ----------------------------------------------------------------- value.c */

/*
 * Typed access to maps and variables through BTF. A key path is
 * MAP[.KEY[.FIELD[.FIELD]...]] or the bare name of a global variable; a key of
 * a cgroup map may be a path below the cgroup2 mount.
 *
 * @why: a sentence, at least 512 bytes, on error.
 */

/* Before load: a variable (.rodata, .data, .bss) of an opened object. Returns
 * 1 when @path names a map instead, to be set with value__set() after load. */
int value__preset(struct bpf_object *obj, const char *path, const char *text,
		  char *why);
/*
 * Where to find the maps of a loaded policy: fd of a map, to be closed, or
 * -ENOENT. Variables are in maps called ".rodata", ".data" and ".bss" here.
 */
typedef int (*value_open_fn)(void *ctx, const char *map);
/* Would value__set() work? Nothing is changed. */
int value__check(value_open_fn open, void *ctx, const char *path,
		 const char *text, char *why);
int value__set(value_open_fn open, void *ctx, const char *path,
	       const char *text, char *why);
int value__unset(value_open_fn open, void *ctx, const char *path, char *why);
/* Print what @path names: to @j under "value" when not NULL, else as text. */
int value__get(value_open_fn open, void *ctx, const char *path,
	       struct json *j, char *why);

/* Cut "PATH=VALUE" at the first '=' outside of braces and quotes; the value,
 * or NULL when there is no '='. */
char *value__split(char *assignment);

/* ------------------------------------------------------------------ show.c */

/*
 * The state of the controller that @arg names, as for target__resolve(). EXIT_OK,
 * or an exit code with @why, a sentence of at most 256 bytes.
 */
int show__read(const char *arg, struct ctrl_state *s, char *why);
/* The same of all controllers; *all freed by show__free_all(). */
int show__read_all(struct ctrl_state **all, unsigned int *n, char *why);
void show__free_all(struct ctrl_state *all, unsigned int n);
/* Name of the pin state, NULL when it cannot be known (no privilege). */
const char *show__pins(const struct ctrl_state *s, enum pin_state *state,
		       char *dir);
/* "controller" and "policy", which is null where there is none. */
void show__policy(struct json *j, const struct ctrl_state *s);
/* A number of struct queue_state; below zero is null. */
void show__number(struct json *j, const char *key, int value);
/* "0,1" of the bits of struct copy_state, "" of none; @size is 16 or more. */
void show__formats(uint32_t formats, char *text, size_t size);
/* "copy", an array: what the Copy commands of the namespaces may copy. */
void show__copies(struct json *j, const struct ctrl_state *s);
/* At most one argument, and that only without --dev; false: wrong usage. */
bool show__one_dev(const char **dev, int argc, char **argv);

/* ------------------------------------------------------------------ each.c */

/* Acts on a controller and says so, to *@j with --json; an exit code. */
typedef int (*each_fn)(const char *ctrl, struct json *j);
/*
 * A verb that takes a controller, or --all: parse, and call @fn for each.
 * @missing is kstate__missing, or kstate__absent for a verb that asks less.
 */
int each__controller(const char *verb, int (*missing)(char *why), each_fn fn,
		     int argc, char **argv);

/* -------------------------------------------------------------------- verbs */

int cmd_load(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_unset(int argc, char **argv);
int cmd_queues(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_copy(int argc, char **argv);
int cmd_limits(int argc, char **argv);
int cmd_off(int argc, char **argv);

#endif /* NVMESTEER_LOADER_H */
