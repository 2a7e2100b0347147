// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_share - a puppet that is asked about block requests and has a map
 * `shares`; not a test itself.
 */
#define PUPPET_FLAGS NVME_STEER_OPS_BLOCK
#define PUPPET_SHARES 8
#include "puppet.bpf.c"
