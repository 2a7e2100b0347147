// SPDX-License-Identifier: GPL-2.0
/*
 * Policies in rotation; see rotate.h.
 */
#include <dirent.h>

#include "rotate.h"
#include "test.h"

static char names[32][16];
static unsigned int nr_names;
static char cgroup[256];

static void find_policies(void)
{
	DIR *d = opendir("/usr/lib/nvmesteer/policies");
	struct dirent *e;
	char *dot;

	test_check(d, "no policies are installed");
	while ((e = readdir(d)) && nr_names < ARRAY_LEN(names)) {
		dot = strstr(e->d_name, ".bpf.o");
		if (dot && dot - e->d_name < (long)sizeof(names[0]))
			snprintf(names[nr_names++], sizeof(names[0]), "%.*s",
				 (int)(dot - e->d_name), e->d_name);
	}
	closedir(d);
	/* a folder has no order, the sequence has */
	qsort(names, nr_names, sizeof(names[0]),
	      (int (*)(const void *, const void *))strcmp);
	test_check(nr_names > 3, "only %u policies", nr_names);
}

static void find_cgroup(void)
{
	char text[512], *p;

	test_read("/proc/self/cgroup", text, sizeof(text));
	p = strstr(text, "0::");
	test_check(p, "not in a cgroup: %s", text);
	snprintf(cgroup, sizeof(cgroup), "%.*s", (int)strcspn(p + 3, "\n"),
		 p + 3);
}

void rotate_init(void)
{
	find_policies();
	find_cgroup();
}

/* The tool; what it says is shown when it fails, but with @errno_name. */
static bool try_tool(const char *line, const char *errno_name)
{
	int ret = test_sh("nvmesteer %s >/tmp/soak-tool 2>&1", line);

	if (ret && errno_name &&
	    !test_sh("grep -q '(%s)' /tmp/soak-tool", errno_name))
		return false;
	if (ret)
		test_sh("cat /tmp/soak-tool");
	test_check(!ret, "'nvmesteer %s' failed with %d", line, ret);
	return true;
}

void rotate_tool(const char *line)
{
	try_tool(line, NULL);
}

bool rotate_load(int ctrl, uint64_t (*rnd)(void))
{
	const char *name = names[rnd() % nr_names];
	/* those for copies are asked about nothing else */
	bool by_block = rnd() % 3 && strncmp(name, "copy", 4);
	unsigned int iops = rnd() % 2 ? 500 + rnd() % 4000 : 0;
	unsigned int depth = 1 + rnd() % 8, weight = 1 + rnd() % 1000;
	char line[512], unload[64];
	bool same = true;

	printf("#   nvme%d: %s%s\n", ctrl, name, by_block ? " --block" : "");
	snprintf(line, sizeof(line), "load --dev nvme%d --replace %s%s", ctrl,
		 by_block ? "--block " : "", name);
	/* the queues of the one before may be others than it wants */
	if (!try_tool(line, "EEXIST")) {
		same = false;
		snprintf(unload, sizeof(unload), "unload --dev nvme%d", ctrl);
		rotate_tool(unload);
		rotate_tool(line);
	}
	if (strcmp(name, "fair"))
		return same;
	printf("#   iops=%u depth=%u weight=%u\n", iops, depth, weight);
	snprintf(line, sizeof(line),
		 "set nvme%d groups.cgroup:%s.share=3 shares.3.iops=%u shares.3.weight=%u shares.0.depth=%u",
		 ctrl, cgroup, iops, weight, depth);
	rotate_tool(line);
	return same;
}
