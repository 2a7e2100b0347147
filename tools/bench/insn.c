// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions per passthrough command, in a guest whose time stamp counter
 * counts executed instructions (selftests/vm/run --icount). Submits a batch of
 * reads with one io_uring_enter(2), sleeps until the emulated device is done,
 * reaps the batch with another, and prints the median cost of each half. It
 * measures whatever path the commands take; comparing two runs is up to the
 * caller. On real hardware the figures are time stamp counter ticks.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <liburing.h>

#define MAX_BATCH	256
#define NVME_CMD_READ	0x02

struct config {
	const char *dev;
	unsigned int batch;
	unsigned int rounds;
	unsigned int bytes;
	unsigned int block;
	bool poll;
	bool fixed;
};

struct bench {
	struct config cfg;
	struct io_uring ring;
	uint32_t nsid;
	char *buffer;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "insn: %s: %s\n", what, strerror(err));
	exit(1);
}

static void usage(FILE *to)
{
	fprintf(to,
"usage: insn [--batch N] [--rounds N] [--bytes N] [--block N] [--poll]\n"
"            [--fixed] /dev/ngXnY\n"
"\n"
"Reads --bytes (default 512) per command in batches of --batch (default 1),\n"
"--rounds (default 200) times, and prints the median instructions a command\n"
"for submitting, for reaping, and for both. --block is the namespace's block\n"
"size (default 512). --poll polls for completions (IORING_SETUP_IOPOLL),\n"
"--fixed uses registered buffers. Reads only: safe on a device in use.\n"
"\n"
"Method: raw io_uring_enter(2), registered file, SINGLE_ISSUER|DEFER_TASKRUN,\n"
"rdtsc around filling and submitting a batch and around reaping it, with a\n"
"sleep in between until the device is done; medians over the rounds.\n");
}

static void setup(struct bench *b)
{
	unsigned int flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32 |
			     IORING_SETUP_SINGLE_ISSUER |
			     IORING_SETUP_DEFER_TASKRUN;
	size_t size = (size_t)b->cfg.batch * b->cfg.bytes;
	struct iovec iov;
	int fd, ret;

	fd = open(b->cfg.dev, O_RDONLY);
	if (fd < 0)
		fail(b->cfg.dev, errno);
	ret = ioctl(fd, NVME_IOCTL_ID);
	if (ret <= 0)
		fail("NVME_IOCTL_ID", errno);
	b->nsid = ret;

	if (b->cfg.poll)
		flags |= IORING_SETUP_IOPOLL;
	ret = io_uring_queue_init(MAX_BATCH, &b->ring, flags);
	if (ret)
		fail("io_uring_queue_init", -ret);
	ret = io_uring_register_files(&b->ring, &fd, 1);
	if (ret)
		fail("io_uring_register_files", -ret);
	if (posix_memalign((void **)&b->buffer, 4096, size))
		fail("posix_memalign", ENOMEM);
	memset(b->buffer, 0, size);
	iov.iov_base = b->buffer;
	iov.iov_len = size;
	ret = io_uring_register_buffers(&b->ring, &iov, 1);
	if (ret)
		fail("io_uring_register_buffers", -ret);
}

static void fill(struct bench *b, unsigned int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);
	struct nvme_uring_cmd *cmd;
	uint64_t slba = (uint64_t)i * b->cfg.bytes / b->cfg.block;

	if (!sqe)
		fail("io_uring_get_sqe", EBUSY);
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = NVME_URING_CMD_IO;
	if (b->cfg.fixed)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->user_data = i;

	cmd = (struct nvme_uring_cmd *)sqe->cmd;
	cmd->opcode = NVME_CMD_READ;
	cmd->nsid = b->nsid;
	cmd->addr = (uintptr_t)b->buffer + (uint64_t)i * b->cfg.bytes;
	cmd->data_len = b->cfg.bytes;
	cmd->cdw10 = slba;
	cmd->cdw11 = slba >> 32;
	cmd->cdw12 = b->cfg.bytes / b->cfg.block - 1;
}

static uint64_t submit(struct bench *b)
{
	uint64_t start = __rdtsc();
	unsigned int i;
	int ret;

	for (i = 0; i < b->cfg.batch; i++)
		fill(b, i);
	b->ring.sq.sqe_head = b->ring.sq.sqe_tail;
	io_uring_smp_store_release(b->ring.sq.ktail, b->ring.sq.sqe_tail);
	ret = io_uring_enter(b->ring.ring_fd, b->cfg.batch, 0, 0, NULL);
	start = __rdtsc() - start;
	if (ret != (int)b->cfg.batch)
		fail("io_uring_enter (submit)", ret < 0 ? -ret : EIO);
	return start;
}

static uint64_t reap(struct bench *b)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	uint64_t start = __rdtsc();
	int ret, bad = 0;

	ret = io_uring_enter(b->ring.ring_fd, 0, b->cfg.batch,
			     IORING_ENTER_GETEVENTS, NULL);
	io_uring_for_each_cqe(&b->ring, head, cqe) {
		bad |= cqe->res;
		n++;
	}
	io_uring_cq_advance(&b->ring, n);
	start = __rdtsc() - start;
	if (ret < 0)
		fail("io_uring_enter (reap)", -ret);
	if (bad || n != b->cfg.batch)
		fail("a command failed or is missing", EIO);
	return start;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median(uint64_t *v, unsigned int n, unsigned int batch)
{
	qsort(v, n, sizeof(*v), compare);
	return (double)v[n / 2] / batch;
}

static void run(struct bench *b)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	unsigned int i, n = b->cfg.rounds;
	uint64_t *s = calloc(n, sizeof(*s)), *r = calloc(n, sizeof(*r));
	double ms, mr;

	if (!s || !r)
		fail("calloc", ENOMEM);
	for (i = 0; i < n; i++) {
		s[i] = submit(b);
		nanosleep(&pause, NULL);
		r[i] = reap(b);
	}
	ms = median(s, n, b->cfg.batch);
	mr = median(r, n, b->cfg.batch);
	printf("batch=%u bytes=%u poll=%d fixed=%d submit=%.1f reap=%.1f total=%.1f\n",
	       b->cfg.batch, b->cfg.bytes, b->cfg.poll, b->cfg.fixed, ms, mr,
	       ms + mr);
	free(s);
	free(r);
}

static unsigned int number(const char *text, unsigned int max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	if (*end || !v || v > max) {
		fprintf(stderr, "insn: '%s' is not a number from 1 to %u\n",
			text, max);
		exit(2);
	}
	return v;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "batch", required_argument, NULL, 'b' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "bytes", required_argument, NULL, 's' },
		{ "block", required_argument, NULL, 'l' },
		{ "poll", no_argument, NULL, 'p' },
		{ "fixed", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct bench b = {
		.cfg = { .batch = 1, .rounds = 200, .bytes = 512, .block = 512 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			b.cfg.batch = number(optarg, MAX_BATCH);
			break;
		case 'r':
			b.cfg.rounds = number(optarg, 100000);
			break;
		case 's':
			b.cfg.bytes = number(optarg, 1 << 20);
			break;
		case 'l':
			b.cfg.block = number(optarg, 1 << 16);
			break;
		case 'p':
			b.cfg.poll = true;
			break;
		case 'f':
			b.cfg.fixed = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind + 1 != argc || b.cfg.bytes % b.cfg.block) {
		usage(stderr);
		return 2;
	}
	b.cfg.dev = argv[optind];
	setup(&b);
	run(&b);
	return 0;
}
