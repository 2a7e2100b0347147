// SPDX-License-Identifier: GPL-2.0
/*
 * What the verbs that show something share: from an argument to the state of
 * a controller, with the sentence to print when there is none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmesteer.h"

#define WHY_LEN		256

static void say_error(const char *ctrl, int err, char *why)
{
	if (err == -ENODEV)
		snprintf(why, WHY_LEN,
			 "%s is not a controller that nvmesteer can steer; 'nvmesteer list' shows those that are (ENODEV)",
			 ctrl);
	else
		snprintf(why, WHY_LEN, "cannot read the state of %s: %s (%s)",
			 ctrl, strerror(-err), errno_name(err));
}

int show__read(const char *arg, struct ctrl_state *s, char *why)
{
	char ctrl[32];
	size_t len;
	int err, code;

	code = kstate__absent(why);
	if (code)
		return code;
	err = target__resolve(arg, ctrl, why);
	if (err) {
		len = strlen(why);
		snprintf(why + len, WHY_LEN - len, " (%s)", errno_name(err));
		return EXIT_FAILED;
	}
	err = kstate__read(ctrl, s);
	if (err)
		say_error(ctrl, err, why);
	return err ? EXIT_FAILED : EXIT_OK;
}

int show__read_all(struct ctrl_state **all, unsigned int *n, char *why)
{
	unsigned int i, names_n;
	char (*names)[32];
	int err, code;

	*all = NULL;
	*n = 0;
	code = kstate__absent(why);
	if (code)
		return code;
	err = kstate__list(&names, &names_n);
	if (!err) {
		*all = calloc(names_n + 1, sizeof(**all));
		err = *all ? 0 : -ENOMEM;
	}
	for (i = 0; !err && i < names_n; i++) {
		err = kstate__read(names[i], *all + *n);
		/* It left after it was listed. */
		if (err == -ENODEV)
			err = 0;
		else if (!err)
			++*n;
	}
	free(names);
	if (err) {
		say_error("the controllers", err, why);
		show__free_all(*all, *n);
	}
	return err ? EXIT_FAILED : EXIT_OK;
}

void show__free_all(struct ctrl_state *all, unsigned int n)
{
	unsigned int i;

	for (i = 0; all && i < n; i++)
		kstate__free(&all[i]);
	free(all);
}

const char *show__pins(const struct ctrl_state *s, enum pin_state *state,
		       char *dir)
{
	int err;

	*state = PIN_NONE;
	*dir = '\0';
	err = pin__state(s, state, dir);
	/* a load in its midst is not one that was killed */
	if (!err && *state == PIN_UNFINISHED) {
		if (pin__in_use())
			*state = PIN_OURS;
		else
			err = pin__state(s, state, dir);
	}
	return err ? NULL : pin_state__name(*state);
}

void show__policy(struct json *j, const struct ctrl_state *s)
{
	json__str(j, "controller", s->ctrl);
	json__str(j, "policy", s->policy[0] ? s->policy : NULL);
}

/* A number that the kernel gave as "-". */
void show__number(struct json *j, const char *key, int value)
{
	if (value < 0)
		json__null(j, key);
	else
		json__int(j, key, value);
}

void show__formats(uint32_t formats, char *text, size_t size)
{
	unsigned int i, len = 0;

	*text = '\0';
	for (i = 0; i < 32 && len < size; i++)
		if (formats >> i & 1)
			len += snprintf(text + len, size - len, "%s%u",
					len ? "," : "", i);
}

static void json_formats(struct json *j, uint32_t formats)
{
	unsigned int i;

	json__array(j, "formats");
	for (i = 0; i < 32; i++)
		if (formats >> i & 1)
			json__uint(j, NULL, i);
	json__array_end(j);
}

void show__copies(struct json *j, const struct ctrl_state *s)
{
	const struct copy_state *c;

	json__array(j, "copy");
	for (c = s->copies; c < s->copies + s->nr_copies; c++) {
		json__object(j, NULL);
		json__uint(j, "nsid", c->nsid);
		json_formats(j, c->formats);
		json__uint(j, "mssrl_blocks", c->mssrl);
		json__uint(j, "mcl_blocks", c->mcl);
		json__uint(j, "msrc", c->msrc);
		json__bool(j, "cross_ns", c->cross_ns);
		json__uint(j, "max_hw_bytes", c->max_hw_bytes);
		json__uint(j, "max_bytes", c->max_bytes);
		json__object_end(j);
	}
	json__array_end(j);
}

bool show__one_dev(const char **dev, int argc, char **argv)
{
	if (argc > 1 || (argc && *dev))
		return false;
	if (argc)
		*dev = argv[0];
	return true;
}
