// SPDX-License-Identifier: GPL-2.0
/*
 * What a module of any version may say in its files: the input is the text of
 * queues, events, exit and shares alike, in a directory that stands for /sys.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "nvmesteer.h"

static const char *const files[] = {
	"state", "policy", "link", "reserve", "queues", "events", "copy",
	"exit", "path", "shares", "shares_hist", "arbitration",
};

static char root[] = "/tmp/nvmesteer-fuzz.XXXXXX";

static void clean_up(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	if (system(cmd))
		perror(root);
}

static void make_root(void)
{
	static const char *const dirs[] = {
		"class", "class/nvme", "class/nvme/nvme0",
		"class/nvme/nvme0/steer",
	};
	char path[128];
	size_t i;

	assert(mkdtemp(root));
	atexit(clean_up);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		assert(!mkdir(path, 0700));
	}
	kstate_sysfs = root;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctrl_state state;
	struct shares shares;
	char path[128];
	static bool made;
	unsigned int i;
	int fd;

	if (!made)
		make_root();
	made = true;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/class/nvme/nvme0/steer/%s",
			 root, files[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
		close(fd);
	}
	if (!kstate__read("nvme0", &state)) {
		for (i = 0; i < state.nr_queues; i++)
			assert(memchr(state.queues[i].mode, 0,
				      sizeof(state.queues[i].mode)));
		kstate__free(&state);
	}
	if (!shares__read("nvme0", &shares)) {
		for (i = 0; i < shares.nr; i++)
			assert(shares.share[i].wait.nr <= HISTOGRAM_BUCKETS);
		shares__free(&shares);
	}
	return 0;
}
