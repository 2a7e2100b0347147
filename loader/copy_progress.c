// SPDX-License-Identifier: GPL-2.0
/*
 * How far a copy is, on a terminal: one line that is written again and again,
 * and is gone when the copy has ended.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "copy_job.h"

#define PERIOD_S	0.2

double copy_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned int columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

static void time_left(double seconds, char *text, size_t size)
{
	unsigned long s;

	if (!(seconds < 1e6)) {
		snprintf(text, size, "-");
		return;
	}
	s = seconds + 0.5;
	if (s < 3600)
		snprintf(text, size, "%lu:%02lu", s / 60, s % 60);
	else
		snprintf(text, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60,
			 s % 60);
}

void copy_progress__begin(struct copy_progress *p, const char *what,
			  uint64_t len)
{
	p->shown = isatty(STDERR_FILENO);
	p->what = what;
	p->len = len;
	p->began = p->last = copy_now();
}

/* "[=====>     ]", as wide as there is room for */
static void bar(double part, int width, char *text)
{
	int full, i;

	*text = '\0';
	if (width < 12)
		return;
	if (width > 42)
		width = 42;
	full = part * (width - 3);
	*text++ = '[';
	for (i = 0; i < width - 3; i++)
		*text++ = i < full ? '=' : i == full ? '>' : ' ';
	strcpy(text, "] ");
}

void copy_progress__at(struct copy_progress *p, uint64_t bytes)
{
	double now, part = (double)bytes / p->len, rate;
	char done[16], all[16], speed[16], left[24], graph[64], line[128];
	int len, room;

	now = copy_now();
	if (!p->shown || now - p->last < PERIOD_S)
		return;
	p->last = now;
	rate = bytes / (now - p->began);
	out__bytes(bytes, done, sizeof(done));
	out__bytes(p->len, all, sizeof(all));
	out__bytes(rate, speed, sizeof(speed));
	time_left((p->len - bytes) / rate, left, sizeof(left));
	len = snprintf(line, sizeof(line), "%s%s of %s, %s/s, %s left",
		       p->what, done, all, speed, left);
	room = (int)columns() - 1;
	bar(part, room - len - 5, graph);
	fprintf(stderr, "\r%3.0f%% %s%.*s\033[K", 100 * part, graph, room - 5,
		line);
}

void copy_progress__end(struct copy_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
