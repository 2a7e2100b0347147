// SPDX-License-Identifier: GPL-2.0
/*
 * Being told of a copy takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of copied() took
 */
#include "lib/turns.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copied")
void BPF_PROG(bad_copied, struct nvme_steer_copied *ev)
{
	turns(1 << 20);
}

NVME_STEER_POLICY(bad,
	.copied	= (void *)bad_copied,
);
