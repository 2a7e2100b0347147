// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer list: one row for each controller that can be steered.
 */
#include "nvmesteer.h"

static const char *const headers[] = {
	"CONTROLLER", "STATE", "POLICY", ">QUEUES", "PINS", ">LINK",
};

static void row(struct table *t, const struct ctrl_state *s)
{
	enum pin_state state;
	const char *pins;
	char dir[256];

	pins = show__pins(s, &state, dir);
	table__cell(t, "%s", s->ctrl);
	table__cell(t, "%s", s->state);
	table__cell(t, "%s", s->policy);
	table__cell(t, "%u/%u", s->used, s->granted);
	table__cell(t, "%s", pins && state != PIN_NONE ? pins : "");
	if (s->link_id)
		table__cell(t, "%u", s->link_id);
	else
		table__cell(t, "%s", "");
}

static void object(struct json *j, const struct ctrl_state *s)
{
	enum pin_state state;
	const char *pins;
	char dir[256];

	pins = show__pins(s, &state, dir);
	json__object(j, NULL);
	show__policy(j, s);
	json__str(j, "state", s->state);
	json__uint(j, "queues_used", s->used);
	json__uint(j, "queues_granted", s->granted);
	json__str(j, "pins", pins);
	json__str(j, "pin_dir", dir[0] ? dir : NULL);
	if (s->link_id)
		json__uint(j, "link_id", s->link_id);
	else
		json__null(j, "link_id");
	json__object_end(j);
}

static void print_json(const struct ctrl_state *all, unsigned int n)
{
	struct json j;
	unsigned int i;

	json__begin(&j, stdout, "list");
	json__array(&j, "controllers");
	for (i = 0; i < n; i++)
		object(&j, &all[i]);
	json__array_end(&j);
	json__end(&j);
}

static void print_table(const struct ctrl_state *all, unsigned int n)
{
	struct table *t;
	unsigned int i;

	t = table__new(sizeof(headers) / sizeof(headers[0]), headers);
	for (i = 0; i < n; i++)
		row(t, &all[i]);
	table__print(t, stdout);
	table__free(t);
}

int cmd_list(int argc, char **argv)
{
	struct ctrl_state *all;
	char why[256];
	unsigned int n;
	int first, code;

	first = opts__parse(verb__find("list"), NULL, NULL, argc, argv, &code);
	if (first < 0)
		return code;
	if (first < argc)
		return fail_code(EXIT_USAGE,
			"list shows all controllers and takes no argument; 'nvmesteer status %s' shows one",
			argv[first]);
	code = show__read_all(&all, &n, why);
	if (code)
		return fail_code(code, "%s", why);
	if (opt_json)
		print_json(all, n);
	else
		print_table(all, n);
	if (!n)
		note("there is no NVMe controller on PCI");
	show__free_all(all, n);
	return EXIT_OK;
}
