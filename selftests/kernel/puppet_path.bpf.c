// SPDX-License-Identifier: GPL-2.0
/*
 * puppet_path - a puppet that also answers path(); not a test itself.
 */
#define PUPPET_PATH
#include "puppet.bpf.c"
