// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_path_share - a puppet that answers path(), is asked about block
 * requests, and has a map `shares`; not a test itself.
 */
#define PUPPET_FLAGS NVME_STEER_OPS_BLOCK
#define PUPPET_SHARES 8
#define PUPPET_PATH
#include "puppet.bpf.c"
