/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happens to a machine while it does I/O, and has nothing to do with it:
 * CPUs and namespaces go and come, and memory is short.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <sys/types.h>

/* Take a CPU offline, or bring it back. */
void machine_cpu(unsigned int cpu, bool online);

/* MiB of memory that could be had. */
unsigned long machine_memory(void);
/* A process that takes all of it but for @spare MiB; what killing it ends. */
pid_t machine_take_memory(unsigned long spare);

/* The controller of the drive with this serial number, or -1. */
int machine_controller(const char *serial);
/* Attach a namespace to it, or detach it, and wait until that is to be seen. */
void machine_namespace(int ctrl, unsigned int nsid, bool attach);

#endif /* MACHINE_H */
