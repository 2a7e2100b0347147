// SPDX-License-Identifier: GPL-2.0
/*
 * "path=value" as `nvmesteer set` takes it, on a structure that has a member of
 * each kind, see sample.h: whatever the text, bytes outside of the value keep
 * what they held, and what is read back as text is taken again and is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/sample.h"
#include "fuzz.h"
#include "value_place.h"

#define GUARD	0xa5

static struct {
	uint8_t before[64];
	struct sample sample;
	uint8_t behind[64];
} memory;

static struct btf *btf;
static uint32_t type;

static void make_type(void)
{
	int id;

	btf = btf__new_empty();
	id = sample_type(btf);
	assert(id > 0);
	type = id;
}

static int set(const char *path, const char *text, struct place *p)
{
	char why[VALUE_WHY] = "";
	int err;

	*p = (struct place){
		.btf = btf, .type = type, .data = (uint8_t *)&memory.sample,
		.name = "sample",
	};
	err = place__walk(p, path, why);
	if (!err)
		err = place__parse(p, text, why);
	/* a refusal has its sentence */
	assert(!err == !*why);
	assert(strnlen(why, sizeof(why)) < sizeof(why));
	return err;
}

static bool is_guarded(void)
{
	size_t i;

	for (i = 0; i < sizeof(memory.before); i++)
		if (memory.before[i] != GUARD || memory.behind[i] != GUARD)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *value, *key, again[256];
	struct sample first;
	struct place p, k;

	if (!btf)
		make_type();
	memset(&memory, GUARD, sizeof(memory));
	memset(&memory.sample, 0, sizeof(memory.sample));
	value = path__cut(text, '=');
	if (value && !set(text, value, &p) && !place__members(&p)) {
		first = memory.sample;
		place__leaf(&p, again, sizeof(again));
		assert(!set(text, again, &p));
		assert(!memcmp(&first, &memory.sample, sizeof(first)));
	}
	assert(is_guarded());
	k = (struct place){ .btf = btf, .type = type, .name = "sample" };
	key = text;
	path__key(&key, &k);
	free(text);
	return 0;
}
