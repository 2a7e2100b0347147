// SPDX-License-Identifier: GPL-2.0
/*
 * rules - steer by a table in a map: the first rule that matches decides.
 *
 * Each rule may ask for a namespace, a cgroup, a user, an opcode, a range of
 * sizes and a window of logical blocks; a field that is 0 asks for nothing.
 * All that a rule asks for must hold. The first rule in force that matches
 * sends the command to a queue, leaves it on the driver's own path, or
 * refuses it. What no rule matches keeps the driver's own path. Nothing to
 * compile: an operator writes the table with `nvmesteer set`.
 *
 * Does well: a handful of rules, the most frequent first. Does badly: long
 * tables (each rule passed over costs some twenty instructions a command, a
 * rule with a cgroup a walk to the root of the hierarchy), and as a guard: a
 * refusal is a convenience for passthrough programs, not a security boundary;
 * block I/O comes by here only with nvmesteer load --block, and a file system
 * whose writes are refused stops.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    queue numbers; 0 = as many as are reserved (default)
 *   queue_mode   0 = a number is an interrupt queue and a polled twin
 *                (default), 1 = polled only, 2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   timed        1 = count bytes and times of each queue; 0 = do not (default)
 *
 * Maps:
 *   rules   index 0..63, looked at in this order. Fields:
 *     enabled    0 = no rule, the table ends here; 1 = in force; 2 = passed
 *                over. Set it last, so that a half-written rule never matches;
 *                set it to 2 while changing a rule in the middle.
 *     queue      1..number of queues; 0 or a number above: the driver's own
 *                path. A ring that polls gets the polled twin.
 *     refuse     an errno (16 is EBUSY): refuse the command with it, whatever
 *                queue says; 0 = do not
 *     nsid       namespace identifier; 0 = any
 *     opcode     NVMe opcode (1 write, 2 read, 9 discard, ...); 0 = any, 256 =
 *                Flush, whose opcode is 0
 *     uid        user id; 0 = any, 4294967295 = root
 *     min_bytes  smallest data length; 0 = any
 *     max_bytes  largest data length; 0 = any
 *     cgroup     cgroup id (stat -c %i /sys/fs/cgroup/NAME), the cgroups below
 *                it included; 0 = any
 *     first_lba  window of logical blocks, from here ...
 *     last_lba   ... to here; 0 = to the end. Matches a command that touches
 *                any block in it. Both 0 = any command, also one that names
 *                no blocks or has them in its data (Flush, discard, Copy).
 *
 *     Reads of up to 4 KiB of namespace 1 to queue 2, as the first rule:
 *       nvmesteer set nvme0 rules.0.nsid=1 rules.0.opcode=2 \
 *         rules.0.max_bytes=4096 rules.0.queue=2 rules.0.enabled=1
 *     Move it to queue 3: nvmesteer set nvme0 rules.0.queue=3
 *     The same rule as a whole, in bytes, lowest first:
 *       bpftool map update pinned \
 *         /sys/fs/bpf/nvmesteer/nvme0/rules/maps/rules key 0 0 0 0 value \
 *         1 0 0 0  2 0 0 0  0 0 0 0  1 0 0 0  2 0 0 0  0 0 0 0 \
 *         0 0 0 0  0 16 0 0  0 0 0 0 0 0 0 0  0 0 0 0 0 0 0 0 \
 *         0 0 0 0 0 0 0 0
 *
 *   hits    index = rule, 64 = no rule matched: commands, one counter a CPU
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/queues.h"
#include "lib/cgroup.h"

char _license[] SEC("license") = "GPL";

#define RULES_MAX	64

#define RULE_END	0
#define RULE_ON		1

#define OPCODE_FLUSH	256
#define UID_ROOT	0xffffffffU

/* The answers an errno may have: see ops.h, route(). */
#ifndef EAGAIN
#define EAGAIN		11
#endif
#define ERRNO_MAX	133

struct rules_entry {
	__u32 enabled;
	__u32 queue;
	__u32 refuse;
	__u32 nsid;
	__u32 opcode;
	__u32 uid;
	__u32 min_bytes;
	__u32 max_bytes;
	__u64 cgroup;
	__u64 first_lba;
	__u64 last_lba;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULES_MAX);
	__type(key, __u32);
	__type(value, struct rules_entry);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RULES_MAX + 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __always_inline bool opcode_fits(const struct rules_entry *rule,
					__u32 opcode)
{
	if (!rule->opcode)
		return true;
	return (opcode ?: OPCODE_FLUSH) == rule->opcode;
}

static __always_inline bool uid_fits(const struct rules_entry *rule)
{
	if (!rule->uid)
		return true;
	return (nvme_steer_current_uid() ?: UID_ROOT) == rule->uid;
}

static __always_inline bool bytes_fit(const struct rules_entry *rule, __u32 len)
{
	return len >= rule->min_bytes &&
	       (!rule->max_bytes || len <= rule->max_bytes);
}

static __always_inline bool lba_fits(const struct rules_entry *rule,
				     struct nvme_steer_cmd *cmd)
{
	__u64 first, last;

	if (!rule->first_lba && !rule->last_lba)
		return true;
	if (!(cmd->flags & NVME_STEER_CMD_RANGE))
		return false;
	first = cmd->slba;
	last = first + cmd->nlb - 1;
	/* A range beyond the end of numbers: the controller refuses it. */
	if (last < first)
		last = ~0ULL;
	return last >= rule->first_lba &&
	       (!rule->last_lba || first <= rule->last_lba);
}

/* A block request may be dispatched by anybody. */
static __noinline int cgroup_fits_block(struct nvme_steer_cmd *cmd, __u64 id)
{
	__u64 at;
	__u32 up;

	bpf_for(up, 0, CGROUP_MAX_LEVEL) {
		at = bpf_nvme_steer_cgroup_id(cmd, up);
		if (at == id)
			return 1;
		if (!at)
			break;
	}
	return 0;
}

/* Not static: verified once by itself, not once a rule. */
__noinline int cgroup_fits(__u64 id)
{
	int level;

	for (level = cgroup__level(); level >= 0; level--)
		if (bpf_get_current_ancestor_cgroup_id(level) == id)
			return 1;
	return 0;
}

static __always_inline bool rule_fits(const struct rules_entry *rule,
				      struct nvme_steer_cmd *cmd)
{
	return (!rule->nsid || rule->nsid == cmd->nsid) &&
	       opcode_fits(rule, cmd->opcode) &&
	       bytes_fit(rule, cmd->len) &&
	       lba_fits(rule, cmd) &&
	       uid_fits(rule) &&
	       (!rule->cgroup || (cmd->source == NVME_STEER_SRC_BLOCK ?
				  cgroup_fits_block(cmd, rule->cgroup) :
				  cgroup_fits(rule->cgroup)));
}

static __always_inline int rule_answer(const struct rules_entry *rule,
				       struct nvme_steer_cmd *cmd)
{
	__u32 refuse = rule->refuse, number = rule->queue;

	if (refuse && refuse <= ERRNO_MAX && refuse != EAGAIN)
		return -(int)refuse;
	if (!number || number > queues__count(cmd))
		return NVME_STEER_DEFAULT;
	return queues__pick(cmd, number);
}

static __always_inline void rules_count(__u32 index)
{
	__u64 *count = bpf_map_lookup_elem(&hits, &index);

	if (count)
		(*count)++;
}

SEC("struct_ops.s/rules_init")
int BPF_PROG(rules_init, struct nvme_steer_dev *dev)
{
	return queues__create(dev);
}

SEC("struct_ops/rules_route")
int BPF_PROG(rules_route, struct nvme_steer_cmd *cmd)
{
	struct rules_entry *rule;
	__u32 i, key;

	for (i = 0; i < RULES_MAX; i++) {
		key = i;
		rule = bpf_map_lookup_elem(&rules, &key);
		if (!rule || rule->enabled == RULE_END)
			break;
		if (rule->enabled != RULE_ON || !rule_fits(rule, cmd))
			continue;
		rules_count(i);
		return rule_answer(rule, cmd);
	}
	rules_count(RULES_MAX);
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(rules,
	.init	= (void *)rules_init,
	.route	= (void *)rules_route,
);
