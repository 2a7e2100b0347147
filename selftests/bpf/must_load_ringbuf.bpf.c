// SPDX-License-Identifier: GPL-2.0
/*
 * A ring buffer that tells user space about commands.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("struct_ops/ringbuf_route")
int BPF_PROG(ringbuf_route, struct nvme_steer_cmd *cmd)
{
	__u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (event) {
		*event = cmd->slba;
		bpf_ringbuf_submit(event, 0);
	}
	return NVME_STEER_DEFAULT;
}

NVME_STEER_POLICY(ringbuf,
	.route	= (void *)ringbuf_route,
);
