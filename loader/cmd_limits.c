// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer limits: how much one Copy command of each namespace may copy, as
 * its controller says, and as is set here. Copies that are longer are split;
 * where nothing may be copied by the controller the kernel does it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "copy_job.h"

struct request {
	const char *dev;
};

/* -------------------------------------------------------------------- show */

static void print_table(const struct ctrl_state *s)
{
	static const char *const headers[] = {
		">NSID", "FORMATS", ">RANGES", ">RANGE_BLOCKS", ">BLOCKS",
		"CROSS_NS", ">HARDWARE_BYTES", ">BYTES",
	};
	const struct copy_state *c;
	char formats[32];
	struct table *t;

	t = table__new(sizeof(headers) / sizeof(headers[0]), headers);
	for (c = s->copies; c < s->copies + s->nr_copies; c++) {
		table__cell(t, "%" PRIu32, c->nsid);
		show__formats(c->formats, formats, sizeof(formats));
		table__cell(t, "%s", formats);
		table__cell(t, "%u", c->msrc);
		table__cell(t, "%u", c->mssrl);
		table__cell(t, "%u", c->mcl);
		table__cell(t, "%s", c->cross_ns ? "yes" : "no");
		table__cell(t, "%" PRIu64, c->max_hw_bytes);
		table__cell(t, "%" PRIu64, c->max_bytes);
	}
	table__print(t, stdout);
	table__free(t);
}

static int show(const struct ctrl_state *s)
{
	struct json j;

	if (!s->nr_copies)
		note("%s tells no limits: it has no namespaces, or the loaded nvmesteer module has no copies",
		     s->ctrl);
	if (!opt_json) {
		print_table(s);
		return EXIT_OK;
	}
	json__begin(&j, stdout, "limits");
	json__str(&j, "controller", s->ctrl);
	show__copies(&j, s);
	json__end(&j);
	return EXIT_OK;
}

/* --------------------------------------------------------------------- set */

static const struct copy_state *find(const struct ctrl_state *s, uint32_t nsid)
{
	const struct copy_state *c;

	for (c = s->copies; c < s->copies + s->nr_copies; c++)
		if (c->nsid == nsid)
			return c;
	return NULL;
}

/* "1=64k", or "1=max": whatever the controller takes. */
static bool parse(const char *text, uint32_t *nsid, uint64_t *bytes, char *why)
{
	unsigned long n;
	const char *end;
	char *equals;

	n = strtoul(text, &equals, 10);
	if (*text < '1' || *text > '9' || *equals != '=' || n > UINT32_MAX) {
		snprintf(why, COPY_WHY,
			 "'%.64s' is not NSID=BYTES; write 1=64k, 1=0 for nothing, 1=max for as much as the controller takes",
			 text);
		return false;
	}
	*nsid = n;
	*bytes = UINT64_MAX;
	if (!strcmp(equals + 1, "max"))
		return true;
	end = copy_text__size(equals + 1, bytes, why);
	if (end && *end)
		snprintf(why, COPY_WHY,
			 "'%.64s' is no number of bytes; write 4096, 0x1000 or 4k",
			 equals + 1);
	return end && !*end;
}

static int refused(const struct ctrl_state *s, uint32_t nsid, int err)
{
	const struct copy_state *c = find(s, nsid);

	if (err == -EACCES || err == -EPERM)
		return fail("not allowed to set limits; run it as root (%s)",
			    errno_name(err));
	if (err == -ENODEV)
		return fail_code(EXIT_UNSUPPORTED,
			"the loaded nvmesteer module has no copies; install the one that this tool is from (ENODEV)");
	if (!c)
		return fail("cannot set the limit of namespace %" PRIu32 " of %s: it has none; 'nvmesteer limits %s' shows those that have (%s)",
			    nsid, s->ctrl, s->ctrl, errno_name(err));
	return fail("cannot set the limit of namespace %" PRIu32 " of %s: %s; the controller takes up to %" PRIu64 " bytes (%s)",
		    nsid, s->ctrl, strerror(-err), c->max_hw_bytes,
		    errno_name(err));
}

static int set(const struct ctrl_state *s, char **args, int n)
{
	char why[COPY_WHY], text[64];
	uint64_t bytes;
	uint32_t nsid;
	int i, err;

	for (i = 0; i < n; i++)
		if (!parse(args[i], &nsid, &bytes, why))
			return fail_code(EXIT_USAGE, "%s", why);
	for (i = 0; i < n; i++) {
		parse(args[i], &nsid, &bytes, why);
		snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu64, nsid,
			 bytes);
		err = kstate__write(s->ctrl, "copy_max_bytes", text);
		if (err)
			return refused(s, nsid, err);
	}
	return EXIT_OK;
}

/* --------------------------------------------------------------- the verb */

static void set_dev(void *ctx, const char *arg)
{
	((struct request *)ctx)->dev = arg;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "CONTROLLER",
	  .help = "the controller", .set = set_dev },
	{ 0 },
};

/* EXIT_OK, or an exit code, and why is said. */
static int read_limits(const char *dev, struct ctrl_state *s)
{
	char why[256];
	int code, err;

	code = show__read(dev, s, why);
	if (code)
		return fail_code(code, "%s", why);
	err = kstate__read_copies(s);
	if (!err)
		return EXIT_OK;
	fail("cannot read the limits of %s: %s (%s)", s->ctrl, strerror(-err),
	     errno_name(err));
	kstate__free(s);
	return EXIT_FAILED;
}

int cmd_limits(int argc, char **argv)
{
	struct request r = { 0 };
	struct ctrl_state s;
	int i, code;

	i = opts__parse(verb__find("limits"), opts, &r, argc, argv, &code);
	if (i < 0)
		return code;
	if (i < argc && !strchr(argv[i], '=') && !r.dev)
		r.dev = argv[i++];
	code = read_limits(r.dev, &s);
	if (code)
		return code;
	code = set(&s, argv + i, argc - i);
	kstate__free(&s);
	if (code || (i < argc && !opt_json))
		return code;
	code = read_limits(r.dev, &s);
	if (code)
		return code;
	code = show(&s);
	kstate__free(&s);
	return code;
}
