// SPDX-License-Identifier: GPL-2.0
/*
 * A process of the lowest priority that counts its own instructions, so that
 * a processor that waits does not idle: an idle guest's time stamp counter
 * jumps to the next timer. What it counted is not the waiting program's.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static volatile uint64_t *turns;
static pid_t child;

/* Three instructions a turn. */
#define TICKS_A_TURN	3

static void __attribute__((noreturn)) spin(void)
{
	struct sched_param none = {};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setscheduler(0, SCHED_IDLE, &none);
	__asm__ volatile("1: incq (%0)\n\tnop\n\tjmp 1b" : : "r"(turns)
			 : "memory");
	__builtin_unreachable();
}

void spinner__start(void)
{
	if (!turns) {
		turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (turns == MAP_FAILED)
			die("mmap", errno);
	}
	child = fork();
	if (child < 0)
		die("fork", errno);
	if (!child)
		spin();
}

void spinner__stop(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

uint64_t spinner__ticks(void)
{
	return turns ? *turns * TICKS_A_TURN : 0;
}
