// SPDX-License-Identifier: GPL-2.0
/*
 * A spin lock in a map value.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct guarded {
	struct bpf_spin_lock lock;
	__u32 turn;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guarded);
} turns SEC(".maps");

SEC("struct_ops/lock_route")
int BPF_PROG(lock_route, struct nvme_steer_cmd *cmd)
{
	struct guarded *g;
	__u32 zero = 0, turn;

	g = bpf_map_lookup_elem(&turns, &zero);
	if (!g)
		return NVME_STEER_DEFAULT;
	bpf_spin_lock(&g->lock);
	turn = g->turn++;
	bpf_spin_unlock(&g->lock);
	return turn > 0xffffffff;
}

NVME_STEER_POLICY(lock,
	.route	= (void *)lock_route,
);
