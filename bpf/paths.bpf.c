// SPDX-License-Identifier: GPL-2.0
/*
 * paths - each command by the quickest path, and tenants on paths of their own.
 *
 * For a namespace that several controllers lead to (NVMe multipath). Attach it
 * to one of them; it decides for all devices of their subsystem, for block I/O
 * and for passthrough.
 *
 * The cgroup a command is charged to is looked up in the map `pins`, then its
 * parent, and so on up to the root (of block I/O: the nearest one with the io
 * controller enabled). If it is pinned to a path that can be used, it goes
 * there. All others take the path on which commands have taken the shortest
 * time lately, among the optimized ones, or where there is none that can be
 * used, among the non-optimized ones. They stay with it until another is better
 * by both margins, and for a while at least; a path that cannot be used any
 * more is left at once. Now and then one small read goes to another path, to
 * know how long that takes meanwhile.
 *
 * It is asked again for the commands of a cgroup on a CPU (and of a ring) every
 * 100 ms, or when their path cannot be used any more; where they are rarer than
 * that, not of each, but at least once a second. Whatever it notices, a changed pin
 * or knob for instance, or a better path, it notices within that.
 *
 * Does well: paths that differ, or become slow and recover: a congested link,
 * a busy controller. A path that answers nothing is found slow as well, by the
 * command it is measured by. Does badly: paths that are equally good and not
 * quick enough one by one: it does not spread a load, the kernel's round-robin
 * or queue-depth do. Loads whose commands are very different in size: their
 * times differ for that, and what a path is judged by is luck; raise the
 * margins. Reads that probe a slow path are slow.
 *
 * Tunables, set at load (nvmesteer load --set NAME=VALUE) or while it runs:
 *   margin_percent  a path has to take so much less time than the present one;
 *                   20 is the default, 100 and up is never
 *   margin_us       and so much in microseconds; 50 is the default
 *   dwell_ms        milliseconds to stay with a path; 500 is the default
 *   probe_ms        between two probes at least, milliseconds; 100 is the default, 0 is
 *                   never: then a path that was left is not returned to, unless
 *                   the one taken instead becomes even slower, or is lost
 *   probe_bytes     the longest read to probe with; 65536 is the default
 *   retry           passthrough commands that fail because of their path: 0 =
 *                   their sender is told; 1 = reads (Read, Compare, Verify) are
 *                   tried again (default); 2 = all are, which is wrong where
 *                   it matters whether one is carried out twice
 *
 * Maps:
 *   knobs   the tunables, while it runs:
 *
 *     nvmesteer set nvme4 knobs.0.margin_percent=50
 *
 *   pins    key: cgroup id, which is the inode number of its directory. Value:
 *           .ctrl, N of /dev/nvmeN
 *
 *     nvmesteer set nvme4 pins.cgroup:/orders.ctrl=5
 *
 *   state   index: namespace identifier modulo 64. The path taken, as 1 + N of
 *           /dev/nvmeN, since when, and the last probe, ns since boot; whether
 *           no command has been asked about since that
 *   counts  one set a CPU: of the commands it was asked about, those by a pin,
 *           those by a pin that could not be used and so not, and probes; and
 *           changes of the path
 *
 * Namespaces that share an index of `state` share a path while they can.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/cgroup.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 margin_percent = 20;
const volatile __u32 margin_us = 50;
const volatile __u32 dwell_ms = 500;
const volatile __u32 probe_ms = 100;
const volatile __u32 probe_bytes = 65536;
const volatile __u32 retry = 1;

#define NSEC_PER_MSEC	1000000ULL
#define PATHS_STATES	64
#define PATHS_HOLD_MS	100
#define PATHS_HOLD_MORE	7

struct paths_knobs {
	__u32 margin_percent;
	__u32 margin_us;
	__u32 dwell_ms;
	__u32 probe_ms;
	__u32 probe_bytes;
	__u32 retry;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct paths_knobs);
} knobs SEC(".maps");

struct paths_pin {
	__u32 ctrl;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct paths_pin);
} pins SEC(".maps");

/*
 * Written without a lock: CPUs that decide at the same time may each change the
 * path or probe once; any of their choices is a good one.
 */
struct paths_state {
	__u32 path;
	__u32 turn;
	__u64 since;
	__u64 probed;
	__u32 probing;		/* the last answer was a probe: not all are */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATHS_STATES);
	__type(key, __u32);
	__type(value, struct paths_state);
} state SEC(".maps");

struct paths_counts {
	__u64 pinned;
	__u64 pin_unusable;
	__u64 probes;
	__u64 changes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct paths_counts);
} counts SEC(".maps");

SEC("struct_ops.s/paths_init")
int BPF_PROG(paths_init, struct nvme_steer_dev *dev)
{
	__u32 zero = 0;
	struct paths_knobs *c = bpf_map_lookup_elem(&knobs, &zero);

	if (!c)
		return -ENOENT;
	c->margin_percent = margin_percent;
	c->margin_us = margin_us;
	c->dwell_ms = dwell_ms;
	c->probe_ms = probe_ms;
	c->probe_bytes = probe_bytes;
	c->retry = retry;
	return 0;
}

/* The quickest of the best paths that can be used, and the one taken till now. */
struct paths_choice {
	__u32 ana_state;
	int best;		/* an answer, 0: none can be used */
	__u64 best_us, now_us;	/* ~0: is not among them */
};

static __always_inline void paths_weigh(struct paths_choice *c, int taken,
					__u32 ctrl, __u32 ana_state,
					__u32 latency_us)
{
	if (c->best && ana_state > c->ana_state)
		return;
	if (!c->best || ana_state < c->ana_state) {
		c->ana_state = ana_state;
		c->best_us = c->now_us = ~0ULL;
	}
	if (NVME_STEER_PATH(ctrl) == taken)
		c->now_us = latency_us;
	if (latency_us < c->best_us) {
		c->best_us = latency_us;
		c->best = NVME_STEER_PATH(ctrl);
	}
}

#define PATHS_WEIGH(path, c, taken)					\
do {									\
	if ((path).usable)						\
		paths_weigh(c, taken, (path).ctrl, (path).ana_state,	\
			    (path).latency_us);				\
} while (0)

static __always_inline void paths_choose(struct paths_choice *c,
					 struct nvme_steer_path *p, int taken)
{
	NVME_STEER_EACH_PATH(p, PATHS_WEIGH, c, taken);
}

/* The pin that is nearest, or NULL. */
static __noinline struct paths_pin *paths_find_pin(struct nvme_steer_path *p)
{
	struct paths_pin *pin = NULL;
	__u32 up;
	__u64 id;

	bpf_for(up, 0, CGROUP_MAX_LEVEL) {
		id = bpf_nvme_steer_path_cgroup_id(p, up);
		pin = id ? bpf_map_lookup_elem(&pins, &id) : NULL;
		if (!id || pin)
			break;
	}
	return pin;
}

static __noinline bool paths_usable(struct nvme_steer_path *p, __u32 ctrl)
{
	struct nvme_steer_path_ctrl path[NVME_STEER_MAX_PATHS] = {};
	__u32 i;

	nvme_steer_read_paths(path, p);
	for (i = 0; i < NVME_STEER_MAX_PATHS && i < p->nr; i++)
		if (path[i].ctrl == ctrl)
			return path[i].usable;
	return false;
}

/* Is the path that takes @best better than that which takes @now, by far? */
static __always_inline bool paths_better(const struct paths_knobs *c,
					 __u64 best, __u64 now)
{
	return best + c->margin_us < now &&
	       best * 100 + now * c->margin_percent < now * 100;
}

/* One of the others, in turn, to see how it does; 0: there is none. */
static __noinline int paths_probe(struct nvme_steer_path *p,
				  struct paths_state *s, __u32 ana_state)
{
	struct nvme_steer_path_ctrl path[NVME_STEER_MAX_PATHS] = {};
	int other[NVME_STEER_MAX_PATHS] = {}, taken = s->path;
	__u32 i, nr = 0, turn = ++s->turn;

	nvme_steer_read_paths(path, p);
	for (i = 0; i < NVME_STEER_MAX_PATHS && i < p->nr; i++)
		if (path[i].usable && path[i].ana_state == ana_state &&
		    NVME_STEER_PATH(path[i].ctrl) != taken)
			other[nr++ % NVME_STEER_MAX_PATHS] =
				NVME_STEER_PATH(path[i].ctrl);
	return nr ? other[turn % nr % NVME_STEER_MAX_PATHS] : 0;
}

/* The path to take for all that are not pinned. */
static __always_inline int paths_best(const struct paths_choice *found,
				      const struct paths_knobs *c,
				      struct paths_state *s, __u64 now,
				      struct paths_counts *count)
{
	if (found->best == (int)s->path)
		return found->best;
	if (found->now_us != ~0ULL &&
	    (now - s->since < c->dwell_ms * NSEC_PER_MSEC ||
	     !paths_better(c, found->best_us, found->now_us)))
		return s->path;
	s->path = found->best;
	s->since = now;
	count->changes++;
	return found->best;
}

static __always_inline int paths_flags(const struct paths_knobs *c)
{
	switch (c->retry) {
	case 0:
		return 0;
	case 1:
		return NVME_STEER_PATH_RETRY;
	default:
		return NVME_STEER_PATH_REPEAT;
	}
}

SEC("struct_ops/paths_path")
int BPF_PROG(paths_path, struct nvme_steer_path *p)
{
	__u32 zero = 0, index = p->nsid % PATHS_STATES;
	struct paths_choice found = {};
	struct paths_counts *count;
	struct paths_knobs *c;
	struct paths_state *s;
	struct paths_pin *pin;
	__u64 now;
	int probe;

	count = bpf_map_lookup_elem(&counts, &zero);
	c = bpf_map_lookup_elem(&knobs, &zero);
	s = bpf_map_lookup_elem(&state, &index);
	if (!count || !c || !s)
		return NVME_STEER_PATH_OWN;
	paths_choose(&found, p, s->path);
	if (!found.best)
		return NVME_STEER_PATH_OWN;
	pin = paths_find_pin(p);
	if (pin && paths_usable(p, pin->ctrl)) {
		count->pinned++;
		return NVME_STEER_PATH(pin->ctrl) | paths_flags(c);
	}
	if (pin)
		count->pin_unusable++;
	now = bpf_ktime_get_ns();
	if (c->probe_ms && !s->probing && p->opcode == NVME_OP_READ &&
	    p->len <= c->probe_bytes &&
	    now - s->probed >= c->probe_ms * NSEC_PER_MSEC) {
		s->probed = now;
		probe = paths_probe(p, s, found.ana_state);
		if (probe) {
			s->probing = 1;
			count->probes++;
			return probe | paths_flags(c) |
			       NVME_STEER_PATH_ONCE;
		}
	}
	s->probing = 0;
	return paths_best(&found, c, s, now, count) | paths_flags(c);
}

NVME_STEER_POLICY(paths,
	.path_hold_ms = PATHS_HOLD_MS,
	.path_hold_more = PATHS_HOLD_MORE,
	.hold_by = NVME_STEER_BY_CGROUP,
	.init	= (void *)paths_init,
	.path	= (void *)paths_path,
);
