// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_block - a puppet that is asked about block requests; not a test
 * itself.
 */
#define PUPPET_FLAGS NVME_STEER_OPS_BLOCK
#include "puppet.bpf.c"
