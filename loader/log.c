// SPDX-License-Identifier: GPL-2.0
/*
 * What a person is told besides the result: one sentence to stderr, with the
 * tool's name before it. Only verbs call this.
 */
#include <stdarg.h>
#include <string.h>

#include "nvmesteer.h"

/* The kernel's own, which libc does not know. */
#define KERNEL_ENOTSUPP		524

static void say(const char *mark, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "nvmesteer: %s", mark);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
	return EXIT_FAILED;
}

int fail_code(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
	return code;
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("note: ", format, args);
	va_end(args);
}

void tell(const char *format, ...)
{
	va_list args;

	if (!opt_verbose)
		return;
	va_start(args, format);
	say("", format, args);
	va_end(args);
}

const char *errno_name(int err)
{
	static char number[24];
	const char *name;

	if (err < 0)
		err = -err;
	if (err == KERNEL_ENOTSUPP)
		return "ENOTSUPP";
	name = strerrorname_np(err);
	if (name)
		return name;
	snprintf(number, sizeof(number), "errno %d", err);
	return number;
}
