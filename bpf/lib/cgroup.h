/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the submitting task is in the cgroup v2 hierarchy. The id of a cgroup
 * is the inode number of its directory: stat -c %i /sys/fs/cgroup/NAME.
 */
#ifndef NVMESTEER_LIB_CGROUP_H
#define NVMESTEER_LIB_CGROUP_H

/* Deeper cgroups are looked at from this many levels below the root up. */
#define CGROUP_MAX_LEVEL	31

/* Level of the submitting task's cgroup: 0 is the root. */
static __always_inline __u32 cgroup__level(void)
{
	__u32 level = bpf_get_current_task_btf()->cgroups->dfl_cgrp->level;

	return level < CGROUP_MAX_LEVEL ? level : CGROUP_MAX_LEVEL;
}

#endif /* NVMESTEER_LIB_CGROUP_H */
