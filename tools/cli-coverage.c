// SPDX-License-Identifier: GPL-2.0
/*
 * Part of the nvmesteer command that counts which lines ran, and of no other:
 * what was counted is written down as well when a signal ends it, as with
 * 'nvmesteer stats --watch'.
 */
#include <signal.h>

#include <gcov.h>

static void write_down(int sig)
{
	__gcov_dump();
	signal(sig, SIG_DFL);
	raise(sig);
}

__attribute__((constructor)) static void at_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	unsigned int i;

	/* what the command does about one itself, it does later */
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signal(signals[i], write_down) == SIG_IGN)
			signal(signals[i], SIG_IGN);
}
