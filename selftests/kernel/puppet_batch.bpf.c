// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_batch - a puppet that also answers batch(); not a test itself.
 */
#define PUPPET_BATCH
#include "puppet.bpf.c"
