// SPDX-License-Identifier: GPL-2.0
/*
 * A map of maps: a whole table can be exchanged in one update.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps") = {
	.values = { &first },
};

SEC("struct_ops/inner_route")
int BPF_PROG(inner_route, struct nvme_steer_cmd *cmd)
{
	__u32 zero = 0, *queue;
	void *table;

	table = bpf_map_lookup_elem(&tables, &zero);
	if (!table)
		return NVME_STEER_DEFAULT;
	queue = bpf_map_lookup_elem(table, &zero);
	return queue ? *queue & 1 : NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(inner,
	.route	= (void *)inner_route,
);
