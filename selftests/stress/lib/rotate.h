/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All policies that are installed, in rotation: chosen by numbers that the test
 * draws, and loaded as people do it, by the tool.
 */
#ifndef ROTATE_H
#define ROTATE_H

#include <stdbool.h>
#include <stdint.h>

void rotate_init(void);

/* Run the tool with this command line; the test fails when that does. */
void rotate_tool(const char *line);

/*
 * Load one of them, with --block or not, with limits for the test's own cgroup
 * or not, as @rnd says; what is attached is replaced, or where its queues do
 * not fit, unloaded first. Whether the controller had a policy all the time.
 */
bool rotate_load(int ctrl, uint64_t (*rnd)(void));

#endif /* ROTATE_H */
