/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a policy that has to be too slow takes its time.
 */
#ifndef TURNS_BPF_H
#define TURNS_BPF_H

#include <nvmesteer/policy.bpf.h>

static int turn(__u32 i, void *none)
{
	return 0;
}

/* So many turns of a loop, some nanoseconds each. */
static void turns(__u32 nr)
{
	bpf_loop(nr, turn, NULL, 0);
}

#endif /* TURNS_BPF_H */
