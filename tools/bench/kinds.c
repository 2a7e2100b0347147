// SPDX-License-Identifier: GPL-2.0
/*
 * The list of kinds of I/O; each is in a file of its own.
 */
#include <stddef.h>

#include "bench.h"

extern const struct kind kind_nop, kind_ioctl, kind_block, kind_passthru,
			 kind_group, kind_copy, kind_nvmecopy, kind_loop,
			 kind_blockloop;

const struct kind *const kinds[] = {
	&kind_nop,
	&kind_ioctl,
	&kind_block,
	&kind_passthru,
	&kind_group,
	&kind_copy,
	&kind_nvmecopy,
	&kind_loop,
	&kind_blockloop,
	NULL
};
