// SPDX-License-Identifier: GPL-2.0
/*
 * Example of a command group: reads blocks from all over a namespace with one
 * io_uring SQE, and writes them to standard output in order. Needs a policy
 * that sends the commands to a steer queue, for instance ring.
 *
 * The steps an application takes are in main(): a ring with large entries, a
 * registered buffer that holds the array and the data, the array, one SQE, one
 * CQE, and each command's status.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nvmesteer/group.h>

#define READ	0x02

struct options {
	const char *device;
	unsigned int nr;
	unsigned long long slba, step;
	unsigned int block;
	unsigned int window;
	bool stop, poll;
};

static void help(void)
{
	puts("usage: group [OPTION]... /dev/ngXnY >DATA\n"
	     "\n"
	     "Reads blocks of a namespace by one command group, the commands sharing one\n"
	     "submission and one completion, and writes them to standard output in order.\n"
	     "\n"
	     "  --nr N       how many blocks, a command each (default 32)\n"
	     "  --slba N     the first one (default 0)\n"
	     "  --step N     the distance between them (default 1)\n"
	     "  --block N    bytes of a logical block (default 512)\n"
	     "  --window N   at most N commands at the controller at a time; 1 is one after\n"
	     "               the other (default: as many as there is room for)\n"
	     "  --stop       send no more commands after one that failed\n"
	     "  --poll       poll for the completion instead of waiting for interrupts\n"
	     "  --help       this text\n"
	     "\n"
	     "Exit code: 0 all were read, 1 not, 2 usage, 3 no steer queue takes groups here.");
}

static unsigned long long number(const char *name, const char *text,
				 unsigned long long min, unsigned long long max)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 0);

	if (end == text || *end || v < min || v > max) {
		fprintf(stderr, "group: --%s takes a number from %llu to %llu, not '%s'\n",
			name, min, max, text);
		exit(2);
	}
	return v;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "nr", required_argument, NULL, 'n' },
		{ "slba", required_argument, NULL, 's' },
		{ "step", required_argument, NULL, 'd' },
		{ "block", required_argument, NULL, 'b' },
		{ "window", required_argument, NULL, 'w' },
		{ "stop", no_argument, NULL, 'x' },
		{ "poll", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->nr = number("nr", optarg, 1, NVME_STEER_GROUP_MAX);
			break;
		case 's':
			o->slba = number("slba", optarg, 0, 1ULL << 62);
			break;
		case 'd':
			o->step = number("step", optarg, 0, 1ULL << 48);
			break;
		case 'b':
			o->block = number("block", optarg, 512, 4096);
			break;
		case 'w':
			o->window = number("window", optarg, 0,
					   NVME_STEER_GROUP_MAX);
			break;
		case 'x':
			o->stop = true;
			break;
		case 'p':
			o->poll = true;
			break;
		case 'h':
			help();
			exit(0);
		default:
			exit(2);
		}
	}
	if (argc - optind != 1) {
		fputs("group: one device is needed; see --help\n", stderr);
		exit(2);
	}
	o->device = argv[optind];
}

static void die(const char *what, int err)
{
	fprintf(stderr, "group: %s: %s\n", what, strerror(err));
	exit(1);
}

/* What went wrong with the group as a whole, as group.h has it. */
static int report(int res, unsigned long long big,
		  const struct nvme_steer_group_cmd *cmds, unsigned int nr)
{
	unsigned int i;

	switch (res) {
	case 0:
		return 0;
	case -ENOTTY:
		fputs("group: no policy is attached; try: nvmesteer load --dev nvme0 ring\n",
		      stderr);
		return 3;
	case -EOPNOTSUPP:
	case -EXDEV:
		fprintf(stderr, "group: the policy attached sends these commands to no one steer queue (%s)\n",
			strerror(-res));
		return 3;
	}
	if (res < 0)
		fprintf(stderr, "group: %s\n", strerror(-res));
	fprintf(stderr, "group: %u of %u commands succeeded, the first that did not is number %u\n",
		NVME_STEER_GROUP_DONE(big), nr, NVME_STEER_GROUP_FIRST(big));
	for (i = 0; i < nr; i++) {
		if (cmds[i].status > 0)
			fprintf(stderr, "group: command %u: NVMe status %#x\n",
				i, cmds[i].status);
		else if (cmds[i].status < 0)
			fprintf(stderr, "group: command %u: %s\n", i,
				strerror(-cmds[i].status));
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct options o = { .nr = 32, .step = 1, .block = 512 };
	struct nvme_steer_group_cmd *cmds;
	struct nvme_steer_group *group;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct iovec buffer;
	size_t array, data;
	int fd, nsid, ret;
	unsigned int i;
	char *blocks;

	parse(argc, argv, &o);
	fd = open(o.device, O_RDONLY);
	if (fd < 0)
		die(o.device, errno);
	nsid = ioctl(fd, NVME_IOCTL_ID);
	if (nsid < 0)
		die("not an NVMe namespace", errno);

	/* NVMe passthrough wants large entries in both queues */
	ret = io_uring_queue_init(4, &ring, IORING_SETUP_SQE128 |
				  IORING_SETUP_CQE32 |
				  (o.poll ? IORING_SETUP_IOPOLL : 0));
	if (ret)
		die("io_uring_queue_init", -ret);

	/* one registered buffer: the array, then the data */
	array = (o.nr * sizeof(*cmds) + 4095) & ~4095UL;
	data = (size_t)o.nr * o.block;
	buffer.iov_len = (array + data + 4095) & ~4095UL;
	buffer.iov_base = aligned_alloc(4096, buffer.iov_len);
	if (!buffer.iov_base)
		die("no memory", ENOMEM);
	memset(buffer.iov_base, 0, buffer.iov_len);
	ret = io_uring_register_buffers(&ring, &buffer, 1);
	if (ret)
		die("io_uring_register_buffers", -ret);
	cmds = buffer.iov_base;
	blocks = (char *)buffer.iov_base + array;

	/* the commands */
	for (i = 0; i < o.nr; i++) {
		unsigned long long slba = o.slba + i * o.step;

		cmds[i] = (struct nvme_steer_group_cmd) {
			.opcode = READ,
			.nsid = nsid,
			.addr = (unsigned long)(blocks + (size_t)i * o.block),
			.data_len = o.block,
			.cdw10 = slba,
			.cdw11 = slba >> 32,
			.cdw12 = 0,	/* one block */
		};
	}

	/* one SQE for all of them */
	sqe = io_uring_get_sqe(&ring);
	if (!sqe)
		die("io_uring_get_sqe", EBUSY);
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = NVME_STEER_URING_CMD_GROUP;
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = 0;
	group = (struct nvme_steer_group *)sqe->cmd;
	group->cmds = (unsigned long)cmds;
	group->nr = o.nr;
	group->base = (unsigned long)buffer.iov_base;
	group->len = buffer.iov_len;
	group->window = o.window;
	group->flags = o.stop ? NVME_STEER_GROUP_STOP : 0;

	/* and one CQE */
	ret = io_uring_submit(&ring);
	if (ret < 0)
		die("io_uring_submit", -ret);
	ret = io_uring_wait_cqe(&ring, &cqe);
	if (ret)
		die("io_uring_wait_cqe", -ret);
	ret = report(cqe->res, cqe->big_cqe[0], cmds, o.nr);
	io_uring_cqe_seen(&ring, cqe);
	if (!ret && fwrite(blocks, 1, data, stdout) != data)
		die("standard output", errno);
	io_uring_queue_exit(&ring);
	return ret;
}
