/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps and variables of an attached policy, for get, set and unset.
 */
#ifndef NVMESTEER_KEYS_H
#define NVMESTEER_KEYS_H

#include "value_place.h"

struct keys {
	struct ctrl_state state;
	unsigned int nr;
	struct {
		char name[64];	/* ".rodata" for a section of variables */
		int fd;
	} maps[64];
};

/* The maps of the policy on the controller @arg; *@exit_code on error, when
 * why is said already. */
int keys__open(struct keys *k, const char *arg, int *exit_code);
void keys__close(struct keys *k);
/* A value_open_fn; @ctx is the struct keys. */
int keys__map(void *ctx, const char *name);
/* Is the first part of @path a map or a variable? If not, @why names all. */
int keys__check(struct keys *k, const char *path, char *why);
/* Calls @fn for every variable that a person may mean. */
void keys__variables(struct keys *k,
		     void (*fn)(void *ctx, const struct value_map *m,
				const struct place *p), void *ctx);

#endif /* NVMESTEER_KEYS_H */
