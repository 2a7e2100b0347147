// SPDX-License-Identifier: GPL-2.0
/*
 * The one runner of the BPF tests: loads each object given, as its name says,
 * and reports in KTAP.
 *
 *   must_load_*    the verifier takes it, it attaches, carries a little I/O,
 *                  and ends with kind unload
 *   must_reject_*  load or attach fails, and what libbpf, the verifier or the
 *                  errno says holds the words expected
 *   must_eject_*   loads, attaches, and is thrown out under a little I/O; the
 *                  exit record holds the words expected; I/O goes on
 *
 * What is expected stands in the first comment of the test's source, one line
 * each, all of which must be found: " * expect: WORDS". A little I/O is reads,
 * and copies where the test's name has "copy" or "copied" in it.
 *
 * Needs nvmesteer.ko and a controller without a policy. It talks to libbpf
 * and sysfs only; the loader has tests of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <liburing.h>

#include <nvmesteer/copy.h>

#define BATCH		32
#define IO_BYTES	4096
#define FEW_BATCHES	2
#define EJECT_LIMIT_S	20
#define BAD_ANSWERS	"/sys/module/nvmesteer/parameters/bad_answers"
#define MAX_EXPECT	8

enum { PASS = 0, FAIL = 1, SKIP = 4 };

static unsigned int ctrl;
static const char *source_dir;

/* Everything libbpf and the verifier say about the test at hand. */
static char said[1 << 20];
static size_t said_len;

/* Why the test at hand failed. */
static char why[512];

struct expect {
	char words[MAX_EXPECT][160];
	unsigned int nr;
};

static void say(const char *fmt, va_list args)
{
	int n = vsnprintf(said + said_len, sizeof(said) - said_len, fmt, args);

	if (n < 0)
		return;
	said_len += n;
	if (said_len >= sizeof(said))
		said_len = sizeof(said) - 1;
}

static void sayf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

static int print_to_said(enum libbpf_print_level level, const char *fmt,
			 va_list args)
{
	say(fmt, args);
	return 0;
}

static int fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	return FAIL;
}

/* sysfs */

static int steer_read(const char *file, char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%u/steer/%s", ctrl,
		 file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = '\0';
	return 0;
}

static bool state_is(const char *state)
{
	char buf[64];

	if (steer_read("state", buf, sizeof(buf)))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return !strcmp(buf, state);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* An ended policy's link goes with it, shortly after its file descriptor. */
static int wait_detached(void)
{
	double limit = now() + 10;

	while (state_is("attached")) {
		if (now() > limit)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

/* I/O */

struct io {
	struct io_uring ring;
	void *buf;
	int fd;
	uint32_t nsid;
	uint32_t nlb;
	bool copies;		/* send copies, too */
	struct nvme_steer_copy_range ranges[BATCH];
};

/* Logical block size of a generic device, from its block device's sysfs. */
static unsigned int lba_bytes(const char *ng)
{
	char path[PATH_MAX];
	unsigned int bytes;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/block/nvme%s/queue/logical_block_size",
		 ng + strlen("/dev/ng"));
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &bytes) != 1)
		bytes = 0;
	fclose(file);
	return bytes;
}

static int io__open(struct io *io)
{
	unsigned int bytes;
	char pattern[64];
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	};
	glob_t found;
	int ret;

	snprintf(pattern, sizeof(pattern), "/dev/ng%un*", ctrl);
	if (glob(pattern, 0, NULL, &found))
		return -ENODEV;
	io->fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	ret = io->fd < 0 ? -errno : 0;
	bytes = lba_bytes(found.gl_pathv[0]);
	globfree(&found);
	if (ret)
		return ret;

	ret = ioctl(io->fd, NVME_IOCTL_ID);
	if (ret < 0)
		goto err_close;
	io->nsid = ret;
	ret = -ENOTBLK;
	if (!bytes || IO_BYTES % bytes)
		goto err_close;
	io->nlb = IO_BYTES / bytes;
	io->buf = aligned_alloc(IO_BYTES, BATCH * IO_BYTES);
	ret = io_uring_queue_init_params(BATCH, &io->ring, &params);
	if (!ret)
		return 0;
	free(io->buf);
err_close:
	close(io->fd);
	return ret;
}

static void io__close(struct io *io)
{
	io_uring_queue_exit(&io->ring);
	free(io->buf);
	close(io->fd);
}

static struct io_uring_sqe *io__prep(struct io *io, unsigned int i,
				     uint32_t cmd_op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);

	if (!sqe)
		return NULL;
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = io->fd;
	sqe->cmd_op = cmd_op;
	sqe->user_data = i;
	return sqe;
}

static int io__prep_read(struct io *io, unsigned int i)
{
	struct io_uring_sqe *sqe = io__prep(io, i, NVME_URING_CMD_IO);
	struct nvme_uring_cmd *cmd;

	if (!sqe)
		return -EBUSY;
	cmd = (struct nvme_uring_cmd *)sqe->cmd;
	cmd->opcode = 0x02;
	cmd->nsid = io->nsid;
	cmd->addr = (uintptr_t)io->buf + i * IO_BYTES;
	cmd->data_len = IO_BYTES;
	cmd->cdw10 = i * io->nlb;
	cmd->cdw12 = io->nlb - 1;
	return 0;
}

/* From the beginning of the namespace to what is behind that. */
static int io__prep_copy(struct io *io, unsigned int i)
{
	struct io_uring_sqe *sqe = io__prep(io, i, NVME_STEER_URING_CMD_COPY);
	struct nvme_steer_copy_cmd *cmd;

	if (!sqe)
		return -EBUSY;
	io->ranges[i] = (struct nvme_steer_copy_range){
		.fd = -1,
		.offset = (uint64_t)i * IO_BYTES,
		.len = IO_BYTES,
	};
	cmd = (struct nvme_steer_copy_cmd *)sqe->cmd;
	cmd->ranges = (uintptr_t)&io->ranges[i];
	cmd->nr = 1;
	cmd->dst = (uint64_t)(BATCH + i) * IO_BYTES;
	cmd->dst_fd = -1;
	return 0;
}

/* A batch; the first result that is not 0 is the answer. */
static int io__send(struct io *io,
		    int (*prep)(struct io *io, unsigned int i))
{
	struct io_uring_cqe *cqe;
	int ret, first = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (prep(io, i))
			return -EBUSY;
	ret = io_uring_submit_and_wait(&io->ring, BATCH);
	if (ret != BATCH)
		return ret < 0 ? ret : -EIO;
	for (i = 0; i < BATCH; i++) {
		ret = io_uring_wait_cqe(&io->ring, &cqe);
		if (ret)
			return ret;
		if (cqe->res && !first)
			first = cqe->res;
		io_uring_cqe_seen(&io->ring, cqe);
	}
	return first;
}

static int io__batch(struct io *io)
{
	int ret = io__send(io, io__prep_read);

	if (ret || !io->copies || !state_is("attached"))
		return ret;
	ret = io__send(io, io__prep_copy);
	/* Refused for want of a policy, which is being thrown out. */
	if (ret == -ENOTTY && !wait_detached())
		return 0;
	return ret;
}

/* A test's source */

static void test_name(const char *object, char *name, size_t size)
{
	const char *base = strrchr(object, '/');

	snprintf(name, size, "%s", base ? base + 1 : object);
	name[strcspn(name, ".")] = '\0';
}

static int expect__read(struct expect *e, const char *name)
{
	char path[PATH_MAX], line[256], *p;
	FILE *file;

	e->nr = 0;
	snprintf(path, sizeof(path), "%s/%s.bpf.c", source_dir, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (e->nr < MAX_EXPECT && fgets(line, sizeof(line), file)) {
		if (strstr(line, "*/"))
			break;
		p = strstr(line, "expect: ");
		if (!p)
			continue;
		p[strcspn(p, "\n")] = '\0';
		snprintf(e->words[e->nr++], sizeof(e->words[0]), "%s", p + 8);
	}
	fclose(file);
	return e->nr ? 0 : -ENOMSG;
}

static int expect__check(const struct expect *e, const char *text)
{
	unsigned int i;

	for (i = 0; i < e->nr; i++)
		if (!strstr(text, e->words[i]))
			return fail("expected '%s', not found", e->words[i]);
	return PASS;
}

/* A policy */

/* Loaded, not attached; NULL and what was said otherwise. */
static struct bpf_object *policy__load(const char *path, struct bpf_map **ops)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_level = 1);
	struct bpf_object *obj;
	struct bpf_map *map;
	void *value;
	size_t size;
	int ret;

	*ops = NULL;
	obj = bpf_object__open_file(path, &opts);
	if (!obj) {
		sayf("open: %s\n", strerrorname_np(errno));
		return NULL;
	}
	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		value = bpf_map__initial_value(map, &size);
		/* A test for a controller that does not exist says so. */
		if (value && !*(uint32_t *)value)
			*(uint32_t *)value = ctrl;
		*ops = map;
	}
	ret = bpf_object__load(obj);
	if (ret) {
		sayf("load: %s\n", strerrorname_np(-ret));
		bpf_object__close(obj);
		return NULL;
	}
	return obj;
}

static struct bpf_link *policy__attach(struct bpf_map *ops)
{
	struct bpf_link *link;

	if (!ops) {
		sayf("no nvme_steer_ops in the object\n");
		errno = ENOENT;
		return NULL;
	}
	link = bpf_map__attach_struct_ops(ops);
	if (!link)
		sayf("attach: %s\n", strerrorname_np(errno));
	return link;
}

static int must_load(const char *path, struct io *io)
{
	struct bpf_object *obj;
	struct bpf_link *link;
	struct bpf_map *ops;
	char exit_text[512];
	int i, ret = PASS;

	obj = policy__load(path, &ops);
	if (!obj)
		return fail("it does not load");
	link = policy__attach(ops);
	if (!link) {
		bpf_object__close(obj);
		return fail("it does not attach");
	}
	for (i = 0; i < FEW_BATCHES && ret == PASS; i++) {
		int res = io__batch(io);

		if (res)
			ret = fail("a command under it gave %d", res);
	}
	if (ret == PASS && !state_is("attached"))
		ret = fail("it was thrown out");
	bpf_link__destroy(link);
	bpf_object__close(obj);
	if (wait_detached())
		return fail("it is attached still after its link was closed");
	if (ret == PASS &&
	    (steer_read("exit", exit_text, sizeof(exit_text)) ||
	     !strstr(exit_text, "kind unload")))
		ret = fail("the exit record does not say unload");
	return ret;
}

static int must_reject(const char *path, const struct expect *e)
{
	struct bpf_object *obj;
	struct bpf_link *link;
	struct bpf_map *ops;

	obj = policy__load(path, &ops);
	if (obj) {
		link = policy__attach(ops);
		if (link) {
			bpf_link__destroy(link);
			bpf_object__close(obj);
			wait_detached();
			return fail("it loaded and attached");
		}
		bpf_object__close(obj);
	}
	if (state_is("attached"))
		return fail("it was refused, yet a policy is attached");
	return expect__check(e, said);
}

/*
 * How many unfit answers a second are too many, for as long as this runs: by
 * default more than there are commands a second where a kernel checks all it
 * does.
 */
static int set_bad_answers(const char *text)
{
	FILE *file = fopen(BAD_ANSWERS, "w");

	if (!file)
		return -errno;
	fputs(text, file);
	return fclose(file) ? -errno : 0;
}

static int must_eject(const char *path, const struct expect *e, struct io *io)
{
	/* a kernel that checks itself says so, see tools/debug/check */
	const char *slow = getenv("NVMESTEER_SLOW");
	int seconds = EJECT_LIMIT_S * (slow ? atoi(slow) : 1);
	double limit = now() + seconds;
	struct bpf_object *obj;
	struct bpf_link *link;
	struct bpf_map *ops;
	int res = 0, ret = PASS;
	bool out = false;

	obj = policy__load(path, &ops);
	if (!obj)
		return fail("it does not load");
	link = policy__attach(ops);
	if (!link) {
		bpf_object__close(obj);
		return fail("it does not attach");
	}
	while (!res && !out && now() < limit) {
		res = io__batch(io);
		out = !state_is("attached");
	}
	if (res)
		ret = fail("a command under it gave %d", res);
	else if (!out)
		ret = fail("it was not thrown out in %d s", seconds);
	else if (steer_read("exit", said, sizeof(said)))
		ret = fail("no exit record");
	else
		ret = expect__check(e, said);

	if (ret == PASS && io__batch(io))
		ret = fail("I/O fails after it was thrown out");
	bpf_link__destroy(link);
	bpf_object__close(obj);
	if (wait_detached())
		return fail("it is attached still after its link was closed");
	return ret;
}

/* KTAP */

static void mark(const char *name)
{
	char text[128];
	int n, fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	n = snprintf(text, sizeof(text), "nvmesteer selftest bpf/%s\n", name);
	if (write(fd, text, n) != n)
		fprintf(stderr, "cannot mark the kernel log\n");
	close(fd);
}

/* The last lines of what was said, as KTAP diagnostics. */
static void print_said(void)
{
	char *line, *save = NULL;
	size_t from = said_len > 3000 ? said_len - 3000 : 0;

	for (line = strtok_r(said + from, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		printf("# | %s\n", line);
}

static int run_one(const char *object, unsigned int number, struct io *io)
{
	struct expect e = { };
	char name[128];
	int ret;

	test_name(object, name, sizeof(name));
	mark(name);
	said_len = 0;
	said[0] = '\0';
	why[0] = '\0';
	io->copies = strstr(name, "copy") || strstr(name, "copied");

	if (!strncmp(name, "must_load_", 10))
		ret = must_load(object, io);
	else if (expect__read(&e, name))
		ret = fail("no 'expect:' in the first comment of %s/%s.bpf.c",
			   source_dir, name);
	else if (!strncmp(name, "must_reject_", 12))
		ret = must_reject(object, &e);
	else if (!strncmp(name, "must_eject_", 11))
		ret = must_eject(object, &e, io);
	else
		ret = fail("its name does not say what must happen");

	if (ret == FAIL) {
		printf("# %s: %s\n", name, why);
		print_said();
	}
	printf("%sok %u %s\n", ret == PASS ? "" : "not ", number, name);
	fflush(stdout);
	return ret;
}

static int skip_all(const char *reason)
{
	printf("KTAP version 1\n1..0 # SKIP %s\n", reason);
	return SKIP;
}

static int usage(FILE *out, int ret)
{
	fprintf(out,
		"Usage: runner [-c CTRL] [-s SOURCE_DIR] OBJECT...\n"
		"  -c  number of the controller, 0 by default\n"
		"  -s  where the tests' sources are, selftests/bpf by default\n");
	return ret;
}

int main(int argc, char **argv)
{
	int opt, i, failed = 0, ret;
	char state[64];
	struct io io;

	source_dir = "selftests/bpf";
	while ((opt = getopt(argc, argv, "c:s:h")) != -1) {
		switch (opt) {
		case 'c':
			ctrl = strtoul(optarg, NULL, 10);
			break;
		case 's':
			source_dir = optarg;
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, FAIL);
		}
	}
	if (optind == argc)
		return usage(stderr, FAIL);

	libbpf_set_print(print_to_said);
	if (steer_read("state", state, sizeof(state)))
		return skip_all("nvmesteer.ko is not loaded, or no controller");
	printf("KTAP version 1\n1..%d\n", argc - optind);
	if (state_is("attached")) {
		printf("Bail out! a policy is attached to nvme%u\n", ctrl);
		return FAIL;
	}
	ret = io__open(&io);
	if (ret) {
		printf("Bail out! cannot open a namespace of nvme%u: %s\n",
		       ctrl, strerror(-ret));
		return FAIL;
	}
	if (set_bad_answers("100")) {
		printf("Bail out! cannot write " BAD_ANSWERS "\n");
		return FAIL;
	}
	for (i = optind; i < argc; i++)
		failed += run_one(argv[i], i - optind + 1, &io) != PASS;
	set_bad_answers("1000");
	io__close(&io);
	return failed ? FAIL : PASS;
}
