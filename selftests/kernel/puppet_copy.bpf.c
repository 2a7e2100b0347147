// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_copy - a puppet that also answers copy(); not a test itself.
 */
#define PUPPET_COPY
#include "puppet.bpf.c"
