// SPDX-License-Identifier: GPL-2.0
/*
 * A policy needs a name and nothing else.
 */
#include <nvmesteer/policy.bpf.h>

char _license[] SEC("license") = "GPL";

NVME_STEER_POLICY(bare);
