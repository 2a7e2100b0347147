// SPDX-License-Identifier: GPL-2.0
/*
 * -EAGAIN means something else to io_uring: not an answer.
 *
 * expect: kind answers
 * expect: the last one was -11
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

SEC("struct_ops/bad_copy")
int BPF_PROG(bad_copy, struct nvme_steer_copy *cp)
{
	return -11;
}

NVME_STEER_POLICY(bad,
	.copy	= (void *)bad_copy,
);
