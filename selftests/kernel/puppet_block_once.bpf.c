// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_block_once - likewise, once a batch; not a test itself.
 */
#define PUPPET_FLAGS (NVME_STEER_OPS_BLOCK | NVME_STEER_OPS_PER_BATCH)
#include "puppet.bpf.c"
