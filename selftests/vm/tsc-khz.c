// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how fast this machine's time stamp counter counts, in kHz. A guest
 * has the same, and must be told: its own calibration against emulated timers
 * comes out several times too low now and then on a busy machine, and its
 * clock then runs that much too fast.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

struct moment {
	uint64_t tsc, ns;
};

/* Both at once, as nearly as can be had. */
static struct moment now(void)
{
	uint64_t before, after, best = UINT64_MAX;
	struct moment m = { 0, 0 };
	struct timespec t;
	int i;

	for (i = 0; i < 100; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC, &t);
		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		m.tsc = before;
		m.ns = t.tv_sec * 1000000000ull + t.tv_nsec;
	}
	return m;
}

int main(void)
{
	struct moment from = now(), to;

	usleep(20000);
	to = now();
	printf("%.0f\n", (to.tsc - from.tsc) * 1e6 / (to.ns - from.ns));
	return 0;
}
