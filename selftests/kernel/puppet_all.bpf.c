// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_all - a puppet that is asked about block requests and answers copy();
 * not a test itself.
 */
#define PUPPET_FLAGS NVME_STEER_OPS_BLOCK
#define PUPPET_COPY
#include "puppet.bpf.c"
