// SPDX-License-Identifier: GPL-2.0
/*
 * The kinds of map that policies keep their knobs and notes in.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} pchash SEC(".maps");

struct prefix {
	__u32 bits;
	__u32 nsid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} trie SEC(".maps");

SEC("struct_ops/maps_route")
int BPF_PROG(maps_route, struct nvme_steer_cmd *cmd)
{
	struct prefix prefix = { .bits = 32, .nsid = cmd->nsid };
	__u64 id = cmd->slba, one = 1, *value;
	__u32 zero = 0;

	value = bpf_map_lookup_elem(&percpu, &zero);
	if (value)
		(*value)++;
	bpf_map_update_elem(&hash, &id, &one, BPF_ANY);
	bpf_map_update_elem(&lru, &id, &one, BPF_ANY);
	bpf_map_update_elem(&pchash, &id, &one, BPF_ANY);
	bpf_map_update_elem(&trie, &prefix, &one, BPF_ANY);
	bpf_map_delete_elem(&hash, &id);
	value = bpf_map_lookup_elem(&array, &zero);
	return value ? *value & 1 : NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(maps,
	.route	= (void *)maps_route,
);
