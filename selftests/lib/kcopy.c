// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of other kernel modules; see kcopy.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kcopy.h"
#include "test.h"

#include "../kernel/modules/kcopy_test.h"

static int lowest = INT_MAX;

static void unload_at_end(void *arg)
{
	if (lowest != INT_MAX)
		close_range(lowest, ~0U, 0);
	test_sh("rmmod kcopy_test 2>/dev/null");
}

void kcopy_load(void)
{
	const char *build = getenv("NVMESTEER_BUILD");
	struct utsname u;
	char path[256];

	uname(&u);
	snprintf(path, sizeof(path), "%s/selftests/modules-%s/kcopy_test.ko",
		 build ? build : "build", u.release);
	test_check(!access(path, R_OK), "no %s", path);
	test_check(!test_sh("insmod %s", path), "cannot load %s", path);
	test_at_end(unload_at_end, NULL);
}

void kcopy_unload(void)
{
	test_check(test_wait(!test_sh("rmmod kcopy_test"), 5000),
		   "cannot unload kcopy_test");
	test_not_at_end(unload_at_end, NULL);
}

int kcopy_open(void)
{
	int fd = -1;

	test_check(test_wait((fd = open("/dev/kcopy_test",
					O_RDWR | O_CLOEXEC)) >= 0, 5000),
		   "no /dev/kcopy_test");
	if (fd < lowest)
		lowest = fd;
	return fd;
}

int kcopy_start(int fd, struct copy *c)
{
	unsigned int i;

	if (c->cmd.dst_fd == -1)
		c->cmd.dst_fd = c->dst->ns->block_fd;
	for (i = 0; i < c->nr; i++)
		if (c->range[i].fd == c->src[i]->ns->fd)
			c->range[i].fd = c->src[i]->ns->block_fd;
	return ioctl(fd, KCOPY_TEST_START, &c->cmd) ? -errno : 0;
}

bool kcopy_finish(int fd, struct copy *c)
{
	struct kcopy_test_result result = { .calls = ~0U };

	test_check(!ioctl(fd, KCOPY_TEST_WAIT, &result), "waiting: %s",
		   strerror(errno));
	test_check(result.calls == 1, "done() was called %u times",
		   result.calls);
	c->res = result.status;
	c->bytes = result.copied;
	c->path = result.path;
	return result.atomic;
}
