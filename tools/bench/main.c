// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer-bench: measures rows on a namespace, one line of JSON each. It
 * loads no policy and compares nothing; tools/bench/run does.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_NOTES	8

struct options {
	unsigned int rounds;
	unsigned int agree;
	unsigned int first;
	double seconds;
	bool write;
	const char *profile;
	const char *beside;
	const char *beside_cgroup;
	unsigned int least;
	char *notes[MAX_NOTES];
	unsigned int nr_notes;
};

void die(const char *what, int err)
{
	fprintf(stderr, "nvmesteer-bench: %s: %s (%s)\n", what, strerror(err),
		strerrorname_np(err));
	exit(1);
}

void usage_error(const char *format, ...)
{
	va_list args;

	fputs("nvmesteer-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static void help(void)
{
	unsigned int i;

	fputs(
"usage: nvmesteer-bench [OPTION]... /dev/ngXnY ROW...\n"
"\n"
"Measures rows of I/O on a namespace and prints one JSON object a row. A ROW is\n"
"a kind and what it is asked for, KIND[,KEY=VALUE]...[,FLAG]..., for instance\n"
"passthru,batch=32,bytes=4k,poll,fixed. Kinds:\n"
"\n", stdout);
	for (i = 0; kinds[i]; i++)
		printf("  %-9s %s\n", kinds[i]->name, kinds[i]->help);
	printf(
"\n"
"Keys and flags:\n"
"  batch=N   commands submitted together, 1 to %u (default 1)\n"
"  reap=N    completions taken at a time (default: the batch)\n"
"  depth=N   commands in flight, with --seconds (default: the batch)\n"
"  bytes=N   data of a command, 512 to 2m (default 512)\n"
"  poll      IORING_SETUP_IOPOLL; otherwise interrupts\n"
"  fixed     registered buffers\n"
"  rare      a round comes 200 ms after the one before\n"
"  huge      the buffer is in huge pages, not in small ones in random order:\n"
"            what large commands cost depends on it\n"
"  write     commands write\n"
"\n"
"of the kinds that copy, which each time copy 'ranges' places of 'bytes' bytes\n"
"that lie apart to one place:\n"
"  ranges=N  1 to %u (default 1)\n"
"  how=HOW   kind copy: offload or emulate, instead of what the policy says\n"
"  merge     loops: write up to 512 KiB at once, instead of range by range\n"
"  wait      submit and wait in one system call, instead of letting the device\n"
"            be done before asking; polling, which counts, so for a device that\n"
"            needs no time (selftests/vm/run --drives instant)\n"
"\n", MAX_BATCH, MAX_RANGES);
	fputs(
"Options:\n"
"  --seconds S    measure by the wall clock, S seconds a row: I/Os a second and\n"
"                 latency percentiles\n"
"  --first N      rounds before those, not counted: for caches, and for a policy\n"
"                 that has to see some commands before it knows (default 3)\n"
"  --rounds N     rounds of a row without --seconds (default 15)\n"
"  --agree N      fewer where N of them, and most, agree within 0.2 percent\n"
"  --write        the namespace may be written to: rows with 'write', and a\n"
"                 fresh pattern before each row, DESTROY ITS DATA from the\n"
"                 start on. Refused while it is mounted or held.\n"
"  --least N      with --seconds: longer, but not ten times, until N I/Os have\n"
"                 ended\n"
"  --beside ROW   with --seconds: another process goes on with ROW meanwhile,\n"
"                 and begins in the middle of the namespace\n"
"  --beside-cgroup DIR  that one is in this cgroup\n"
"  --note KEY=TEXT  put this into each object; repeatable\n"
"  --profile LOG  no figures: have the emulator write each instruction of 3\n"
"                 rounds of one row to LOG (see tools/bench/profile)\n"
"  --help         this text\n"
"\n"
"Without --write the namespace is opened read-only and may be in use.\n"
"\n"
"Method without --seconds, for a guest whose time stamp counter counts executed\n"
"instructions (selftests/vm/run --icount). A round: fill and submit the batch\n"
"with one raw io_uring_enter(2); wait until the emulated device is done; reap it\n"
"with calls of io_uring_enter(2) that each take the number of completions asked\n"
"for. The time stamp counter is read around submitting and around reaping; the\n"
"figures are medians over the rounds, per command, user code included. The first\n"
"rounds are neither counted nor verified. A ring that polls sleeps while it\n"
"waits, and does the same once more before each round, uncounted: what a policy\n"
"has answered may not hold as long as the sleep. One that does not runs a loop\n"
"of known length: what it takes longer is the cost of the interrupts. The ioctl\n"
"sleeps in the kernel; a process of the lowest priority runs meanwhile and its\n"
"instructions are taken off. Rings: SINGLE_ISSUER, DEFER_TASKRUN, registered\n"
"file, and for nop and passthru SQE128 and CQE32. A copy that polls may have to\n"
"be polled for several times; the device is waited for before each, and what the\n"
"kernel does meanwhile counts. Instructions are not cycles: doorbell writes,\n"
"cache misses and atomic operations do not show, and are counted apart.\n"
"\n"
"Method with --seconds: 'depth' commands in flight at random places of the\n"
"namespace, up to 'batch' submitted and at least 'reap' awaited in one system\n"
"call. Latency is from just before that call to when its completion is seen. In\n"
"a guest that counts instructions a process of the lowest priority runs\n"
"meanwhile, so that its clock does not jump while all wait: a nanosecond an\n"
"instruction.\n"
"\n"
"Data: what is on the device is known from the block device. Every buffer holds\n"
"the opposite of each byte before a round (with --seconds: before and after the\n"
"timed part) and is compared whole afterwards, outside of what is timed. A\n"
"difference ends the program with exit code 1.\n"
"\n"
"Doorbells are writes to doorbells of steer queues by nvmesteer's counters, null\n"
"unless all commands were steered: nobody counts the driver's own but the drive\n"
"of --drives instant, of which all doorbells of I/O queues are told.\n", stdout);
}

static void add_note(struct options *o, char *text)
{
	char *value = strchr(text, '=');

	if (!value || o->nr_notes == MAX_NOTES)
		usage_error("--note takes KEY=TEXT, at most %u times",
			    MAX_NOTES);
	/* The key; its value follows the terminating zero. */
	*value = '\0';
	o->notes[o->nr_notes++] = text;
}

/* How many rounds. */
static unsigned int some(const char *option, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end || !n || n > 10000)
		usage_error("%s takes 1 to 10000, not '%s'", option, text);
	return n;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "agree", required_argument, NULL, 'a' },
		{ "write", no_argument, NULL, 'w' },
		{ "beside", required_argument, NULL, 'b' },
		{ "beside-cgroup", required_argument, NULL, 'c' },
		{ "least", required_argument, NULL, 'l' },
		{ "note", required_argument, NULL, 'n' },
		{ "profile", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seconds = strtod(optarg, &end);
			if (*end || o->seconds <= 0 || o->seconds > 86400)
				usage_error("--seconds takes a time, not '%s'",
					    optarg);
			break;
		case 'f':
			o->first = some("--first", optarg);
			break;
		case 'r':
			o->rounds = some("--rounds", optarg);
			break;
		case 'a':
			o->agree = some("--agree", optarg);
			break;
		case 'w':
			o->write = true;
			break;
		case 'b':
			o->beside = optarg;
			break;
		case 'c':
			o->beside_cgroup = optarg;
			break;
		case 'l':
			o->least = strtoul(optarg, &end, 0);
			if (*end || !o->least)
				usage_error("--least takes a number, not '%s'",
					    optarg);
			break;
		case 'n':
			add_note(o, optarg);
			break;
		case 'p':
			o->profile = optarg;
			break;
		case 'h':
			help();
			exit(0);
		default:
			exit(2);
		}
	}
	if (argc - optind < 2)
		usage_error("a device and at least one row are needed; see --help");
}

static void check_row(const struct row *row, const struct device *dev,
		      const struct options *o)
{
	if (row->write && !o->write)
		usage_error("a row that writes needs --write");
	if (row->kind->one_completion && !row->fixed)
		usage_error("rows of kind %s need 'fixed'", row->kind->name);
	if (row->kind->no_clock && o->seconds > 0)
		usage_error("rows of kind %s are not for --seconds",
			    row->kind->name);
	if (row->kind->copies && !o->write)
		usage_error("a row that copies needs --write");
	if (!row->kind->no_data && row->bytes % dev->block)
		usage_error("bytes=%u is not a multiple of the block size %u",
			    row->bytes, dev->block);
}

static void run_row(struct device *dev, const struct row *row,
		    const struct row *beside, const struct options *o)
{
	struct result r = {};
	struct bench b;

	bench__open(&b, dev, row);
	if (beside)
		beside__start(dev, beside, o->beside_cgroup);
	if (o->profile) {
		profile(&b, o->profile, o->first, 3);
	} else {
		if (o->seconds > 0)
			measure_clock(&b, o->seconds, o->least, &r);
		else
			measure(&b, o->first, o->rounds, o->agree, &r);
		row__print(row, beside, &r, o->notes, o->nr_notes);
	}
	if (beside)
		beside__stop();
	bench__close(&b);
}

int main(int argc, char **argv)
{
	struct options o = { .first = 3, .rounds = 15 };
	struct device dev;
	size_t size, largest = 0;
	struct row *rows, beside;
	int i, n;

	parse(argc, argv, &o);
	n = argc - optind - 1;
	rows = calloc(n, sizeof(*rows));
	if (!rows)
		die("calloc", ENOMEM);
	for (i = 0; i < n; i++)
		row__parse(&rows[i], argv[optind + 1 + i]);
	device__open(&dev, argv[optind], o.write);
	for (i = 0; i < n; i++) {
		check_row(&rows[i], &dev, &o);
		size = row__room(&rows[i]);
		if (rows[i].huge && size > largest)
			largest = size;
	}
	if (o.beside) {
		row__parse(&beside, o.beside);
		check_row(&beside, &dev, &o);
		if (o.seconds <= 0)
			usage_error("--beside is for --seconds");
	}
	if (o.seconds <= 0 && !measure__counts_instructions())
		usage_error("the time stamp counter does not count instructions here; give --seconds");
	data__reserve(largest);
	for (i = 0; i < n; i++)
		run_row(&dev, &rows[i], o.beside ? &beside : NULL, &o);
	return 0;
}
