// SPDX-License-Identifier: GPL-2.0
/*
 * Which instructions a row executes: the emulator is asked, through the
 * monitor that selftests/vm/run loops back into the guest, to write down the
 * address of every instruction while rounds run. What is in the log between
 * the marks here is the measured part; tools/bench/profile names functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* While it is being written down a turn takes microseconds. */
#define SPIN_TURNS	20000

#define MONITOR	"/dev/virtio-ports/monitor"

/* Read on until the emulator has said @text. No time limit: time jumps. */
static void expect(int fd, const char *text)
{
	size_t matched = 0;
	char c;

	while (text[matched]) {
		if (read(fd, &c, 1) != 1)
			die(MONITOR, errno);
		matched = c == text[matched] ? matched + 1 : c == text[0];
	}
}

static void monitor(int fd, const char *command)
{
	/* Its answer comes after the command has been carried out. */
	static const char sync[] = "\ninfo status\n";

	if (write(fd, command, strlen(command)) != (ssize_t)strlen(command) ||
	    write(fd, sync, strlen(sync)) != (ssize_t)strlen(sync))
		die(MONITOR, errno);
	expect(fd, "VM status: ");
	expect(fd, "(qemu) ");
}

/* Four places that the log is cut at; called, never inlined. */
void __attribute__((noinline, noclone)) mark_submit(void)
{
	__asm__ volatile("");
}

void __attribute__((noinline, noclone)) mark_submitted(void)
{
	__asm__ volatile("");
}

void __attribute__((noinline, noclone)) mark_reap(void)
{
	__asm__ volatile("");
}

void __attribute__((noinline, noclone)) mark_reaped(void)
{
	__asm__ volatile("");
}

static bool spins(const struct bench *b)
{
	return !b->row.poll || b->row.kind->copies;
}

static void one_part(struct bench *b, uint64_t ticks[2])
{
	mark_submit();
	ticks[0] += measure__submit(b);
	do {
		mark_submitted();
		/*
		 * Interrupts come into a loop: all in the kernel meanwhile is
		 * theirs.
		 */
		if (spins(b))
			measure__spin(SPIN_TURNS * b->row.ranges);
		else
			measure__pause(50 * 1000 * 1000);
		mark_reap();
		ticks[1] += measure__reap(b);
		mark_reaped();
	} while (b->left);
}

static void one_round(struct bench *b, uint64_t ticks[2])
{
	measure__before(b, !spins(b));
	do
		one_part(b, ticks);
	while (measure__next(b));
}

void profile(struct bench *b, const char *logfile, unsigned int first,
	     unsigned int rounds)
{
	int fd = open(MONITOR, O_RDWR);
	uint64_t ticks[2] = {};
	char command[512];
	unsigned int i;

	if (fd < 0)
		die(MONITOR, errno);
	for (i = 0; i < first; i++) {
		data__poison(b);
		one_round(b, ticks);
		data__verify(b);
	}
	data__poison(b);
	memset(ticks, 0, sizeof(ticks));

	snprintf(command, sizeof(command), "logfile %s", logfile);
	monitor(fd, command);
	monitor(fd, "one-insn-per-tb on");
	monitor(fd, "log exec,nochain");
	for (i = 0; i < rounds; i++)
		one_round(b, ticks);
	monitor(fd, "log none");
	monitor(fd, "one-insn-per-tb off");
	data__verify(b);
	close(fd);

	printf("marks %lx %lx %lx %lx\n", (long)mark_submit,
	       (long)mark_submitted, (long)mark_reap, (long)mark_reaped);
	printf("irq %u\n", spins(b));
	printf("ios %u\n", rounds * b->row.batch);
	printf("ticks %lu %lu\n", ticks[0], ticks[1]);
}
