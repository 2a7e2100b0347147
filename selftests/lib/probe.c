// SPDX-License-Identifier: GPL-2.0
/*
 * A probe of a function of the kernel; see probe.h. Each has a trace of its own.
 */
#include "probe.h"
#include "test.h"

#define TRACING		"/sys/kernel/tracing/"

static void probe_end(void *name)
{
	char *probe = name, path[128];

	snprintf(path, sizeof(path), TRACING "instances/%s/events/probe/%s/enable",
		 probe, probe);
	test_write(path, "0");
	snprintf(path, sizeof(path), TRACING "instances/%s", probe);
	rmdir(path);
	test_sh("echo -:probe/%s >>" TRACING "kprobe_events", probe);
}

void probe_start(const char *name, const char *what)
{
	test_check(!test_sh("mountpoint -q " TRACING " || mount -t tracefs none "
			    TRACING), "no tracefs");
	test_check(!test_sh("echo 'p:probe/%s %s' >>" TRACING "kprobe_events && mkdir "
			    TRACING "instances/%s", name, what, name),
		   "cannot probe %s", what);
	test_at_end(probe_end, (void *)name);
	test_check(!test_sh("echo 1 >" TRACING "instances/%s/events/probe/%s/enable",
			    name, name), "cannot enable the probe");
}

unsigned long probe_hits(const char *name)
{
	FILE *f = fopen(TRACING "kprobe_profile", "re");
	unsigned long n, hits = 0;
	char is[64];

	test_check(f, "no kprobe_profile: %s", strerror(errno));
	while (fscanf(f, "%63s %lu %*u", is, &n) == 2)
		if (!strcmp(is, name))
			hits = n;
	fclose(f);
	return hits;
}

FILE *probe_trace(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), TRACING "instances/%s/trace", name);
	f = fopen(path, "re");
	test_check(f, "cannot read the trace: %s", strerror(errno));
	return f;
}
