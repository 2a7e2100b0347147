// SPDX-License-Identifier: GPL-2.0
/*
 * Not a test: a policy with a map or a variable of every shape that `nvmesteer
 * get` and `set` know, for getset_types.sh.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

enum typed_color { RED = 1, GREEN = 2 };

struct typed_key {
	__u16 ns;
	__u16 op;
};

struct typed_value {
	__s8 weight;
	bool on;
	__u16 low : 3;
	__u16 high : 13;
	char name[12];
	enum typed_color color;
	__u16 steps[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, struct typed_key);
	__type(value, struct typed_value);
} table SEC(".maps");

/* The kernel takes no bitfields beside a lock. */
struct typed_guarded {
	__u32 turn;
	struct bpf_spin_lock lock;
	__u64 seen;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __s32);
	__type(value, struct typed_guarded);
} guarded SEC(".maps");

struct typed_note {
	__u32 what;
	__u64 when;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct typed_note);
} notes SEC(".maps");

struct typed_config {
	__u32 mode[4];
	__u64 limit;
};

const volatile struct typed_config wish;
volatile __u64 ticks = 7;
volatile __s32 offset;
volatile __u64 fixed = 3;

SEC("struct_ops/typed_route")
int BPF_PROG(typed_route, struct nvme_steer_cmd *cmd)
{
	struct typed_key key = { .ns = cmd->nsid, .op = cmd->opcode };
	struct typed_value *value = bpf_map_lookup_elem(&table, &key);
	struct typed_guarded *guard;
	__u32 zero = 0;
	struct typed_note *note = bpf_map_lookup_elem(&notes, &zero);

	if (note) {
		note->what = cmd->len;
		note->when = wish.limit + ticks + offset + fixed;
	}
	guard = bpf_map_lookup_elem(&guarded, &zero);
	if (value && value->on && guard) {
		bpf_spin_lock(&guard->lock);
		guard->seen++;
		bpf_spin_unlock(&guard->lock);
	}
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(typed,
	.route	= (void *)typed_route,
);
