// SPDX-License-Identifier: GPL-2.0
/*
 * copyauto - whichever is quicker: the controller copies, or the kernel does.
 *
 * Copies are sorted by size and by number of ranges, and for each sort it is
 * learned how long the controller takes (NVMe Copy) and how long reading and
 * writing does. Copies take the quicker way, the controller's where they are
 * the same within 3 percent. Now and then one takes the other way, to find out
 * whether that has become quicker: one copy in explore, more of them soon
 * after the quicker way became another one, and fewer the slower the other way
 * is known to be, so that all of these together cost no more than explore_pct
 * percent of the copies' time. Two tries are made at first, whatever they
 * cost, eight copies apart at most. A sort that is new begins as the next
 * smaller size has found out until the first of them. Copies that can take
 * one way only (another controller's sources, no Copy, metadata) take that
 * one, and nothing is learned from them; nor from copies that failed, or whose
 * caller said how. Once the quicker way is well known one copy in eight is
 * learned from, later one in sixteen, unless two of these in a row took much
 * longer than before, and longer than the other way: that spares the others more
 * instructions than choosing takes.
 *
 * Does well: drives whose Copy is good at some sizes and bad at others, and
 * drives that change: busy, full, with a new firmware. Does badly: where
 * copies of one size take very different times for other reasons; and while
 * there were few copies of a sort, each way has to be tried once. It compares
 * time, not load: where the bus or processors are short, use copyoff.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   explore      one copy in so many takes the slower way, at most; 0 = none
 *                once both ways are known; 64 is the default
 *   explore_pct  percent of the copies' time that this may cost, 1 to 100; 3
 *                is the default
 *   max_depth, chunk_kib, queue_depth
 *                as in the policies copyoff and copyemu
 *
 * Maps:
 *   sorts  index = size class + 16 * ranges class (+ 80 for copies whose
 *          pieces wait for one another, or where max_depth is 1). Size class n
 *          is below 8 KiB << n, 15 is the rest; ranges classes are 1, to 7, to
 *          31, to 127, and more ranges. .offload_ns and .emulate_ns are
 *          decaying means in nanoseconds, .offloads and .emulates how many
 *          copies they come from, up to 255. Forget what is known of 4 KiB
 *          copies:
 *            nvmesteer set nvme0 sorts.0.offloads=0 sorts.0.emulates=0 \
 *              sorts.0.tries=0
 *            bpftool map update pinned \
 *              /sys/fs/bpf/nvmesteer/nvme0/copyauto/maps/sorts \
 *              key 0 0 0 0 value 0 0 0 0 0 0 0 0  0 0 0 0 0 0 0 0 \
 *              0 0 0 0  0 0 0 0  0 0 0 0  0 0 0 0  0 0 0 0  0 0 0 0 \
 *              0 0 0 0  0 0 0 0
 *
 * Creates queue 1 for copies of programs that wait for interrupts and queue 2
 * for those of programs that poll. Commands that are no copies keep the
 * driver's own path.
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/copies.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 explore = 64;
const volatile __u32 explore_pct = 3;

#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))

#define EARLY_TRY	8ULL	/* copies until one of the first two, at most */
#define LEARN_ALL	8	/* copies of a way that are all learned from */
#define LEARN_EVERY	8	/* then one in so many */
#define LEARN_MANY	64	/* until so many were learned from */
#define LEARN_SELDOM	16	/* and from then on one in so many */
#define RANGES_CLASSES	5
#define SORTS		(NVME_STEER_COPY_CLASSES * RANGES_CLASSES)

/* What is known of copies of a sort. */
struct copyauto_sort {
	__u64 offload_ns;
	__u64 emulate_ns;
	__u32 offloads;
	__u32 emulates;
	__u32 emulating;	/* reading and writing is the quicker way */
	__u32 since;		/* copies since the slower way was tried */
	__u32 tries;		/* of it, since it is the slower one */
	__u32 quiet;		/* copies to come that go as the last one did */
	__u32 unsure;		/* and that are all learned from */
	__u32 slow;		/* the last one that taught something was */
};

/*
 * Copies that begin and end on several processors at once may overwrite one
 * another's figures: one of them is then not learned from.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * SORTS);
	__type(key, __u32);
	__type(value, struct copyauto_sort);
} sorts SEC(".maps");

static __always_inline __u32 ranges_class(__u32 ranges)
{
	if (ranges < 2)
		return 0;
	if (ranges < 8)
		return 1;
	if (ranges < 32)
		return 2;
	return ranges < 128 ? 3 : 4;
}

/* What a copy is known by, before it begins and when it has ended. */
static __always_inline __u32 sort_index(__u32 size_class, __u32 ranges,
					__u32 flags)
{
	return size_class % NVME_STEER_COPY_CLASSES +
	       NVME_STEER_COPY_CLASSES * ranges_class(ranges) +
	       (copies__one_by_one(flags) ? SORTS : 0);
}

static __always_inline bool is_known(const struct copyauto_sort *sort)
{
	return sort->offloads && sort->emulates;
}

/*
 * How many copies to do the quicker way, which takes @fast, for one that takes
 * @slow.
 */
static __always_inline __u64 wait_for(__u64 fast, __u64 slow)
{
	return slow > fast ? (slow - fast) * 100 / explore_pct / (fast ?: 1) : 0;
}

/*
 * What it was like with smaller copies, or with copies of another number of
 * ranges; false: nothing is known of those either.
 */
static __always_inline bool guess(struct nvme_steer_copy *cp, __u32 index,
				  __u64 *offload, __u64 *emulate)
{
	struct copyauto_sort *sort;
	__u32 i;

	bpf_for(i, 0, cp->size_class) {
		index--;
		sort = bpf_map_lookup_elem(&sorts, &index);
		if (!sort)
			break;
		if (is_known(sort)) {
			*offload = sort->offload_ns;
			*emulate = sort->emulate_ns;
			return true;
		}
	}
	*offload = cp->offload_ns;
	*emulate = cp->emulate_ns;
	return cp->offloads && cp->emulates;
}

/* The next copies, @most of them, need no decision and teach nothing. */
static __always_inline void be_quiet(struct copyauto_sort *sort, bool emulate,
				     __u64 most)
{
	__u32 known = emulate ? sort->emulates : sort->offloads;
	__u32 every = known < LEARN_MANY ? LEARN_EVERY : LEARN_SELDOM;
	__u32 n = min(most, (__u64)every - 1);

	if (known < LEARN_ALL)
		return;
	if (sort->unsure) {
		sort->unsure--;
		return;
	}
	sort->emulating = emulate;
	__sync_fetch_and_add(&sort->since, n);
	sort->quiet = n;
}

/* Shall this copy be emulated? */
static __always_inline bool emulate(struct nvme_steer_copy *cp,
				    struct copyauto_sort *sort, __u32 index)
{
	bool known = is_known(sort), emulate;
	__u64 wait, offload_ns = 0, emulate_ns = 0;
	__u32 since, least, tries;

	if (known) {
		offload_ns = sort->offload_ns;
		emulate_ns = sort->emulate_ns;
	} else if (!guess(cp, index, &offload_ns, &emulate_ns)) {
		offload_ns = emulate_ns = 0;
	}

	/* As quick as that, it spares the bus and processors. */
	emulate = emulate_ns + emulate_ns / 32 < offload_ns;
	/* Begin with the guess, then see what the other way is like. */
	if (!known && sort->offloads)
		emulate = false;
	if (!known && sort->emulates)
		emulate = true;

	wait = emulate ? wait_for(emulate_ns, offload_ns) :
			 wait_for(offload_ns, emulate_ns);
	/* A guess may be wrong, and one copy slow for other reasons. */
	if (!known || (emulate ? sort->offloads : sort->emulates) == 1)
		wait = min(wait, EARLY_TRY);
	if (known && emulate != sort->emulating) {
		sort->emulating = emulate;
		sort->tries = 0;
	}
	tries = sort->tries;
	if (!explore && (known || tries)) {
		be_quiet(sort, emulate, LEARN_SELDOM);
		return emulate;
	}
	/* Soon after it became the slower one: that may have been a mistake. */
	least = known && tries < 8 ? 1 << tries : tries ? explore : 1;
	wait = max(wait, min(least, explore ?: 1));
	since = __sync_fetch_and_add(&sort->since, 1);
	if (since < wait) {
		be_quiet(sort, emulate, wait - since - 1);
		return emulate;
	}
	/* One of those that see it at the same time. */
	if (__sync_val_compare_and_swap(&sort->since, since + 1, 0) !=
	    since + 1)
		return emulate;
	sort->tries = tries + 1;
	return !emulate;
}

/*
 * Into a mean of a way, @other being that of the other one. Nothing makes a copy
 * quicker than its way is, while much else may hold one up: that is not to weigh
 * much. It does of the slower way, of which there are few, so that what it costs
 * to try it is known soon. The first of its kind may have had to warm something
 * up.
 */
static __always_inline void learn(struct copyauto_sort *sort, __u64 *mean,
				  __u32 *count, __u64 other, __u64 ns)
{
	__u64 old = *mean;
	bool slow = *count && ns > old + old / 2 && ns > other;

	/* It may have become the slower one, or something held this one up. */
	if (slow)
		sort->unsure = sort->slow ? LEARN_ALL : 1;
	sort->slow = slow;
	if (!*count || (*count == 1 && ns < old))
		*mean = ns ?: 1;
	else if (ns < old || old > other)
		*mean = old / 2 + min(ns, 3 * old) / 2;
	else
		*mean = old - old / 8 + min(ns, old + old / 2) / 8;
	if (*count < 255)
		(*count)++;
}

SEC("struct_ops.s/copyauto_init")
int BPF_PROG(copyauto_init, struct nvme_steer_dev *dev)
{
	if (!explore_pct || explore_pct > 100)
		return -ERANGE;
	return copies__create(dev);
}

SEC("struct_ops/copyauto_route")
int BPF_PROG(copyauto_route, struct nvme_steer_cmd *cmd)
{
	return copies__route(cmd);
}

SEC("struct_ops/copyauto_copy")
int BPF_PROG(copyauto_copy, struct nvme_steer_copy *cp)
{
	__u32 offload = NVME_STEER_COPY_DEFAULT, index, quiet;
	struct copyauto_sort *sort;

	if (cp->flags & NVME_STEER_COPY_CAN_OFFLOAD)
		offload = NVME_STEER_COPY_OFFLOAD;
	else if (cp->flags & NVME_STEER_COPY_CAN_SPLIT)
		offload = NVME_STEER_COPY_SPLIT;
	if (!offload || !(cp->flags & NVME_STEER_COPY_CAN_EMULATE) ||
	    (cp->flags & NVME_STEER_COPY_CROSS_CTRL))
		return copies__answer(cp, NVME_STEER_COPY_DEFAULT);

	index = sort_index(cp->size_class, cp->ranges, cp->flags);
	sort = bpf_map_lookup_elem(&sorts, &index);
	if (!sort)
		return copies__answer(cp, NVME_STEER_COPY_DEFAULT);
	quiet = sort->quiet;
	if (quiet) {
		sort->quiet = quiet - 1;
		return NVME_STEER_COPY_QUIET |
		       copies__answer(cp, sort->emulating ?
					  NVME_STEER_COPY_EMULATE : offload);
	}
	return copies__answer(cp, emulate(cp, sort, index) ?
				  NVME_STEER_COPY_EMULATE : offload);
}

/* What a way costs is what came of answering it, whatever that was. */
SEC("struct_ops/copyauto_copied")
void BPF_PROG(copyauto_copied, struct nvme_steer_copied *ev)
{
	__u32 how = NVME_STEER_COPY_HOW(ev->answer), index;
	struct copyauto_sort *sort;

	if (how == NVME_STEER_COPY_DEFAULT || ev->status ||
	    ev->why == NVME_STEER_COPY_WHY_CALLER)
		return;
	/* What can be emulated is, unless the caller said how. */
	if (how == NVME_STEER_COPY_EMULATE && ev->path != how)
		return;
	index = sort_index(ev->size_class, ev->ranges, ev->flags);
	sort = bpf_map_lookup_elem(&sorts, &index);
	if (!sort)
		return;
	if (how == NVME_STEER_COPY_EMULATE)
		learn(sort, &sort->emulate_ns, &sort->emulates,
		      sort->offload_ns, ev->ns);
	else
		learn(sort, &sort->offload_ns, &sort->offloads,
		      sort->emulate_ns, ev->ns);
}

NVME_STEER_POLICY(copyauto,
	.flags	= NVME_STEER_OPS_COPIES,
	.hold_ms = COPIES__HOLD_MS,
	.init	= (void *)copyauto_init,
	.route	= (void *)copyauto_route,
	.copy	= (void *)copyauto_copy,
	.copied	= (void *)copyauto_copied,
);
