/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only a guest of selftests/vm/run has: the emulator's monitor, to make a
 * drive slow or to unplug it; and a controller's PCI function.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is a monitor. */
bool vm_has_monitor(void);

/* Say a line to the monitor; its answer goes to @answer, unless NULL. */
void vm_monitor(const char *line, char *answer, size_t size);

/*
 * At most @iops commands a second on the drive behind /dev/ng@name; 0 is no
 * limit, and what happens at the end of the test.
 */
void vm_throttle(const char *name, unsigned int iops);

/*
 * Hold up the drive behind /dev/ng@name: it takes one command, or none, and no
 * other is answered until this ends, or a reset empties its queues.
 */
void vm_hold_up(const char *name, bool on);

/* Folder of a controller's PCI function, and its address. */
void vm_pci_path(int ctrl, char *buf, size_t size);
void vm_pci_address(int ctrl, char *buf, size_t size);

/* The controller of the function at that address, whatever its number is; or -1. */
int vm_ctrl_at(const char *address);

/* It is live, and nvmesteer knows it as a path. */
bool vm_is_path(int ctrl);

/* Let the function write to memory, or not. */
void vm_bus_master(int ctrl, bool on);

/*
 * Run on the first CPU only, or on all again. While the BARs of a function
 * move, another CPU that touches any device can make the emulator abort
 * (iotlb_to_section(), with several TCG threads).
 */
void vm_one_cpu(bool on);

/* State of a controller, "live"; empty when it is gone. */
void vm_ctrl_state(int ctrl, char *buf, size_t size);
bool vm_wait_live(int ctrl, unsigned int ms);

/* Reset it by sysfs; 0 or -errno. */
int vm_reset(int ctrl);

#endif /* VM_H */
