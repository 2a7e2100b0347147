// SPDX-License-Identifier: GPL-2.0
/*
 * Deciding how to copy takes a million turns of a loop.
 *
 * expect: kind slow
 * expect: kind_code 1027
 * expect: calls of copy() took
 */
#include "lib/turns.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	turns(1 << 20);
	return NVME_STEER_COPY_DEFAULT;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
