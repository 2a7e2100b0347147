// SPDX-License-Identifier: GPL-2.0
/*
 * A command line, a word a line: options of a verb that has each kind of them,
 * and the places and sizes of a copy. Nothing is carried out.
 */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "copy_job.h"
#include "fuzz.h"
#include "nvmesteer.h"

#define MAX_WORDS	32

static int run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static const struct verb verb = { "paint", "[COLOUR]", "Paint something", run };

static void seen(void *ctx, const char *arg)
{
	/* all of it can be read */
	*(size_t *)ctx += arg ? strlen(arg) : 1;
}

static const struct opt opts[] = {
	{ .name = "dev", .short_name = 'd', .arg = "X", .set = seen,
	  .help = "a device" },
	{ .name = "watch", .arg = "S", .arg_optional = true, .set = seen,
	  .help = "again and again" },
	{ .name = "all", .short_name = 'a', .set = seen, .help = "all" },
	{ 0 },
};

static void place(const char *text)
{
	char why[COPY_WHY] = "", *dev = NULL;
	uint64_t offset = 0, len = 0;
	bool to_end = false, ok;

	ok = copy_text__place(text, &dev, &offset, &len, &to_end, why);
	assert(ok == !*why);
	assert(!ok || (dev && strlen(dev) <= strlen(text) &&
		       (to_end || offset + len >= offset)));
	free(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *words[MAX_WORDS + 1], *word, *rest;
	int argc = 0, code = -1, first;
	static bool quiet;
	size_t n = 0;

	if (!quiet)
		quiet = freopen("/dev/null", "w", stdout);
	for (word = strtok_r(text, "\n", &rest); word && argc < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &rest)) {
		words[argc++] = word;
		place(word);
	}
	words[argc] = NULL;
	opt_json = false;
	opt_verbose = 0;
	first = opts__parse(&verb, opts, &n, argc, words, &code);
	assert(first >= -1 && first <= argc);
	assert(first >= 0 || code >= 0);
	free(text);
	return 0;
}
