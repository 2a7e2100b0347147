// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_once - a puppet that is asked once a batch; not a test itself.
 */
#define PUPPET_FLAGS NVME_STEER_OPS_PER_BATCH
#include "puppet.bpf.c"
