// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on beside a row that is measured by the clock: a process with a
 * row of its own, on the second half of the device. It verifies its data, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static struct {
	volatile bool stop;
	volatile uint64_t done;		/* and one, once it has begun */
} *shared;
static pid_t child;

static void enter(const char *cgroup)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	f = fopen(path, "w");
	if (!f || fputs("0", f) == EOF || fclose(f) == EOF)
		die(path, errno);
}

static void __attribute__((noreturn)) go_on(struct device *dev,
					    const struct row *row,
					    const char *cgroup)
{
	struct bench b;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cgroup)
		enter(cgroup);
	bench__open_at(&b, dev, row, dev->size / 2);
	clock__until(&b, &shared->stop, &shared->done);
	bench__close(&b);
	exit(0);
}

void beside__start(struct device *dev, const struct row *row,
		   const char *cgroup)
{
	int status;

	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED)
			die("mmap", errno);
	}
	shared->stop = false;
	shared->done = 0;
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork", errno);
	if (!child)
		go_on(dev, row, cgroup);
	while (!shared->done) {
		if (waitpid(child, &status, WNOHANG) == child)
			exit(1);
		measure__pause(1000000);
	}
}

double beside__done(void)
{
	return child ? shared->done : 0;
}

void beside__stop(void)
{
	int status;

	shared->stop = true;
	if (waitpid(child, &status, 0) != child || status)
		exit(1);
	child = 0;
}
