// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_share_once - a puppet_share that is asked once a batch; not a test
 * itself.
 */
#define PUPPET_FLAGS (NVME_STEER_OPS_BLOCK | NVME_STEER_OPS_PER_BATCH)
#define PUPPET_SHARES 8
#include "puppet.bpf.c"
