// SPDX-License-Identifier: GPL-2.0
/*
 * Example of an asynchronous copy: ranges of a namespace are copied, one
 * behind the other, to another place of it by one io_uring SQE, and the data
 * never reaches this program. Needs a policy on the controller, any will do;
 * copyauto chooses between the controller's Copy command and reading and
 * writing by which was faster lately.
 *
 * The steps an application takes are in main(): a ring with large entries, an
 * array of ranges, one SQE, one CQE, and each range's status.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/types.h>

#include <nvmesteer/abi.h>
#include <nvmesteer/copy.h>

#define MAX_RANGES	64

static void help(void)
{
	puts("usage: copy /dev/ngXnY TO FROM+LEN...\n"
	     "\n"
	     "Copies ranges of a namespace to the place TO of it, one behind the other, by\n"
	     "one SQE. All numbers are bytes, and multiples of the block size.\n"
	     "\n"
	     "  --help       this text\n"
	     "\n"
	     "Exit code: 0 all was copied, 1 not, 2 usage, 3 no copies here.");
}

static void die(const char *what, int err)
{
	fprintf(stderr, "copy: %s: %s\n", what, strerror(err));
	exit(1);
}

static void usage(void)
{
	fputs("copy: a device, TO and FROM+LEN are needed; see --help\n",
	      stderr);
	exit(2);
}

/* Behind a number that is followed by @next. */
static const char *number(const char *text, char next, __u64 *value)
{
	char *end;

	*value = strtoull(text, &end, 0);
	if (end == text || *end != next)
		usage();
	return end + 1;
}

/*
 * "FROM+LEN". The source is where the destination is; it could be any other
 * file that is an NVMe namespace.
 */
static void parse(const char *text, struct nvme_steer_copy_range *range)
{
	range->fd = -1;
	text = number(text, '+', &range->offset);
	number(text, '\0', &range->len);
}

static const char *path_name(__u32 path)
{
	switch (path) {
	case NVME_STEER_COPY_OFFLOAD:
		return "the controller, in one command";
	case NVME_STEER_COPY_SPLIT:
		return "the controller, in several commands";
	case NVME_STEER_COPY_EMULATE:
		return "reading and writing";
	case NVME_STEER_COPY_HYBRID:
		return "the controller, and reading and writing";
	}
	return "nobody";
}

/* What became of the copy, as copy.h has it. */
static int report(int res, unsigned long long big,
		  const struct nvme_steer_copy_range *ranges, unsigned int nr)
{
	unsigned int i;

	if (res == -ENOTTY) {
		fputs("copy: no policy is attached; try: nvmesteer load --dev nvme0 copyauto\n",
		      stderr);
		return 3;
	}
	printf("%llu bytes were copied by %s\n",
	       (unsigned long long)NVME_STEER_COPIED_BYTES(big),
	       path_name(NVME_STEER_COPIED_PATH(big)));
	if (!res)
		return 0;
	/* refused as a whole, or each range tells */
	if (res < 0)
		fprintf(stderr, "copy: %s\n", strerror(-res));
	for (i = 0; i < nr; i++) {
		if (ranges[i].status > 0)
			fprintf(stderr, "copy: range %u: NVMe status %#x after %llu bytes\n",
				i, ranges[i].status, ranges[i].done);
		else if (ranges[i].status < 0)
			fprintf(stderr, "copy: range %u: %s after %llu bytes\n",
				i, strerror(-ranges[i].status), ranges[i].done);
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct nvme_steer_copy_range ranges[MAX_RANGES] = { 0 };
	struct nvme_steer_copy_cmd *cmd;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int nr, i;
	int fd, ret;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		help();
		return 0;
	}
	nr = argc - 3;
	if (argc < 4 || nr > MAX_RANGES)
		usage();
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		die(argv[1], errno);

	/* NVMe passthrough wants large entries in both queues */
	ret = io_uring_queue_init(4, &ring, IORING_SETUP_SQE128 |
				  IORING_SETUP_CQE32);
	if (ret)
		die("io_uring_queue_init", -ret);

	/* the sources */
	for (i = 0; i < nr; i++)
		parse(argv[3 + i], &ranges[i]);

	/* one SQE for all of them */
	sqe = io_uring_get_sqe(&ring);
	if (!sqe)
		die("io_uring_get_sqe", EBUSY);
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
	cmd = (struct nvme_steer_copy_cmd *)sqe->cmd;
	cmd->ranges = (unsigned long)ranges;
	cmd->nr = nr;
	cmd->flags = 0;		/* the policy decides who copies */
	number(argv[2], '\0', &cmd->dst);
	cmd->dst_fd = -1;	/* the file of the SQE */
	cmd->depth = 0;		/* as the policy says */

	/* and one CQE */
	ret = io_uring_submit(&ring);
	if (ret < 0)
		die("io_uring_submit", -ret);
	ret = io_uring_wait_cqe(&ring, &cqe);
	if (ret)
		die("io_uring_wait_cqe", -ret);
	ret = report(cqe->res, cqe->big_cqe[0], ranges, nr);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	return ret;
}
