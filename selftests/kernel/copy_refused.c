// SPDX-License-Identifier: GPL-2.0
/*
 * Copies that cannot be are refused with the errno the contract gives, before
 * anything is written: numbers out of their range, lengths that are no blocks,
 * memory and files that are not there or not open for it, files of other
 * kinds, users without rights, no policy. And files of all kinds that may be
 * named: the character device, the block device, a partition, the SQE's own.
 *
 * vm: --drives copy
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct steer_policy policy;
static struct image a, a_from, b_from, other;
static struct copy copy;
static struct pt_ring ring;

/* A copy that is right, to be made wrong. */
static void begin(void)
{
	copy_begin(&copy, &a, 512, 0);
	copy_add(&copy, &a_from, 512, 1024);
	copy_add(&copy, &b_from, 4096, 512);
}

#define refused(change, error) \
	do { \
		begin(); \
		change; \
		copy_refused(&ring, &copy, -error, #change); \
	} while (0)

static void numbers(void)
{
	test_step("numbers");
	refused(copy.cmd.nr = 0, EINVAL);
	refused(copy.cmd.nr = NVME_STEER_COPY_MAX_RANGES + 1, EINVAL);
	refused(copy.cmd.nr = ~0U, EINVAL);
	refused(copy.cmd.flags = 8, EINVAL);
	refused(copy.cmd.flags = ~0U, EINVAL);
	refused(copy.cmd.flags = NVME_STEER_COPY_F_OFFLOAD |
				 NVME_STEER_COPY_F_EMULATE, EINVAL);
	refused(copy.cmd.depth = 65, EINVAL);
	refused(copy.cmd.depth = ~0U, EINVAL);
	refused(copy.cmd.rsvd[0] = 1, EINVAL);
	refused(copy.cmd.rsvd[3] = 1, EINVAL);

	test_step("lengths and places");
	refused(copy.cmd.dst += 1, EINVAL);
	refused(copy.cmd.dst += 256, EINVAL);
	refused(copy.cmd.dst = ~0ULL & ~511ULL, EINVAL);
	refused(copy.cmd.dst = 1ULL << 63, EINVAL);
	refused(copy.cmd.dst = a.ns->nr_blocks << 9, EINVAL);
	refused(copy.range[0].len = 0, EINVAL);
	refused(copy.range[1].len = 0, EINVAL);
	refused(copy.range[0].len = 100, EINVAL);
	refused(copy.range[0].len = ~0ULL, EINVAL);
	refused(copy.range[0].len = ~0ULL & ~511ULL, EINVAL);
	refused(copy.range[0].len = 1ULL << 63, EINVAL);
	refused(copy.range[0].offset += 1, EINVAL);
	refused(copy.range[0].offset = ~0ULL & ~511ULL, EINVAL);
	refused(copy.range[1].offset = 1ULL << 63, EINVAL);
	refused(copy.range[1].offset = a.ns->nr_blocks << 9, EINVAL);
	/* both add up to something small */
	refused(copy.range[0].len = 1ULL << 63;
		copy.range[1].len = (1ULL << 63) + 512, EINVAL);
	refused(copy.range[0].offset = ~0ULL - 511; copy.range[0].len = 1024,
		EINVAL);
}

static void memory(void)
{
	uint8_t *ro, *map;
	int ret;

	test_step("memory");
	refused(copy.cmd.ranges = 0, EFAULT);
	refused(copy.cmd.ranges = 4096, EFAULT);
	refused(copy.cmd.ranges = ~0ULL & ~4095ULL, EFAULT);
	refused(copy.cmd.ranges = 0xffff888000000000ULL, EFAULT);

	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(map != MAP_FAILED, "mmap");
	munmap(map + 4096, 4096);
	begin();
	memcpy(map + 4096 - sizeof(*copy.range), copy.range,
	       sizeof(*copy.range));
	copy.cmd.ranges = (uintptr_t)map + 4096 - sizeof(*copy.range);
	copy_refused(&ring, &copy, -EFAULT, "an array that ends too early");

	/* not to be written to: refused, or all is copied and nothing told */
	ro = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(ro != MAP_FAILED, "mmap");
	begin();
	memcpy(ro, copy.range, 2 * sizeof(*copy.range));
	test_check(!mprotect(ro, 4096, PROT_READ), "mprotect");
	copy.cmd.ranges = (uintptr_t)ro;
	ret = copy_do(&ring, &copy);
	test_check(ret == -EFAULT, "an array for reading only: %d", ret);
	image_read(&a);
	munmap(ro, 4096);
}

static int open_dev(const char *format, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), format, name);
	fd = open(path, flags | O_CLOEXEC);
	test_check(fd >= 0, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

static void files(void)
{
	int null = open("/dev/null", O_RDWR), file = open("/tmp/copy-test",
		O_RDWR | O_CREAT | O_TRUNC, 0600);
	int pipes[2], ro, wo, rw, bro, bwo, brw, ctrl, path;
	struct copy_events e;
	char name[32];

	test_step("files that cannot be");
	test_check(null >= 0 && file >= 0 && !pipe(pipes), "files");
	ro = open_dev("/dev/ng%s", a.ns->name, O_RDONLY);
	wo = open_dev("/dev/ng%s", a.ns->name, O_WRONLY);
	rw = open_dev("/dev/ng%s", a.ns->name, O_RDWR);
	bro = open_dev("/dev/nvme%s", a.ns->name, O_RDONLY);
	bwo = open_dev("/dev/nvme%s", a.ns->name, O_WRONLY);
	brw = open_dev("/dev/nvme%s", a.ns->name, O_RDWR);
	path = open_dev("/dev/ng%s", a.ns->name, O_PATH);
	snprintf(name, sizeof(name), "%d", a.ns->ctrl);
	ctrl = open_dev("/dev/nvme%s", name, O_RDWR);

	refused(copy.range[0].fd = 12345, EBADF);
	refused(copy.range[0].fd = -2, EBADF);
	refused(copy.range[0].fd = path, EBADF);
	refused(copy.range[1].fd = wo, EBADF);
	refused(copy.range[1].fd = bwo, EBADF);
	refused(copy.cmd.dst_fd = 12345, EBADF);
	refused(copy.cmd.dst_fd = -2, EBADF);
	refused(copy.cmd.dst_fd = ro, EBADF);
	refused(copy.cmd.dst_fd = bro, EBADF);
	refused(copy.cmd.dst_fd = path, EBADF);
	refused(copy.range[0].fd = -1; copy.cmd.dst_fd = wo, EBADF);
	refused(copy.range[1].fd = -1; copy.cmd.dst_fd = bwo, EBADF);
	refused(copy.range[0].fd = null, ENODEV);
	refused(copy.range[0].fd = file, ENODEV);
	refused(copy.range[1].fd = pipes[0], ENODEV);
	refused(copy.range[1].fd = ctrl, ENODEV);
	refused(copy.range[1].fd = ring.uring.ring_fd, ENODEV);
	refused(copy.cmd.dst_fd = null, ENODEV);
	refused(copy.cmd.dst_fd = file, ENODEV);
	refused(copy.cmd.dst_fd = ctrl, ENODEV);

	test_step("what is counted");
	copy_events(a.ns->ctrl, &e);
	refused(copy.range[0].offset += 1, EINVAL);
	copy_events_refused(a.ns->ctrl, &e, "half a block");
	copy_events(a.ns->ctrl, &e);
	refused(copy.range[1].fd = null, ENODEV);
	copy_events_refused(a.ns->ctrl, &e, "a source that is no namespace");

	test_step("files that can");
#define accepted(change) \
	do { \
		image_refill(&a, 0, 8192); \
		begin(); \
		change; \
		copy_good(&ring, &copy, 0, #change); \
	} while (0)
	accepted(copy.range[0].fd = ro);
	accepted(copy.range[0].fd = bro);
	accepted(copy.range[0].fd = brw);
	accepted(copy.range[0].fd = -1);
	accepted(copy.cmd.dst_fd = rw);
	accepted(copy.cmd.dst_fd = wo);
	accepted(copy.cmd.dst_fd = bwo);
	accepted(copy.cmd.dst_fd = brw);
	accepted(copy.range[0].fd = -1; copy.cmd.dst_fd = brw);
	accepted(copy.range[0].fd = bro; copy.cmd.dst_fd = wo);
	close(ro);
	close(wo);
	close(rw);
	close(bro);
	close(bwo);
	close(brw);
	close(path);
	close(ctrl);
	close(null);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	unlink("/tmp/copy-test");
}

/* The SQE's file has no policy, or is not for writing: the destination counts. */
static void own_file(void)
{
	struct image *dst = &a;
	struct pt_ns ns = *a.ns;
	struct image via = a;
	int ro = open_dev("/dev/ng%s", a.ns->name, O_RDONLY);
	int wo = open_dev("/dev/ng%s", a.ns->name, O_WRONLY);

	test_step("the file of the SQE");
	via.ns = &ns;
	ns.fd = ro;
	copy_begin(&copy, &via, 512, 0);
	copy_add(&copy, &b_from, 512, 1024);
	copy_refused(&ring, &copy, -EBADF, "an SQE's file for reading");
	ns.fd = wo;
	copy_begin(&copy, &via, 512, 0);
	copy_add_fd(&copy, &a_from, 512, 1024, -1);
	copy_refused(&ring, &copy, -EBADF,
		     "an SQE's file for writing as a source");
	close(wo);

	/* of a namespace of another controller, without a policy */
	ns.fd = other.ns->fd;
	image_refill(dst, 0, 8192);
	copy_begin(&copy, &via, 512, 0);
	copy.cmd.dst_fd = a.ns->fd;
	copy_add(&copy, &b_from, 512, 1024);
	copy_good(&ring, &copy, 0, "an SQE's file of another drive");
	close(ro);

	copy_begin(&copy, &other, 512, 0);
	copy_add(&copy, &b_from, 512, 1024);
	copy_refused(&ring, &copy, -ENOTTY, "a destination without a policy");
}

static void partition(void)
{
	int fd;

	test_step("a partition");
	fd = image_partition(&a);

	image_refill(&a, 0, 65536);
	copy_begin(&copy, &a, 1024, 0);
	copy.cmd.dst_fd = fd;
	copy.cmd.dst = 1024;
	copy_add(&copy, &b_from, 512, 1024);
	copy_add_fd(&copy, &a, 65536, 1536, fd);
	copy.range[1].offset = 65536;
	copy_good(&ring, &copy, 0, "into a partition");

	copy_begin(&copy, &a, 512, 0);
	copy.cmd.dst_fd = fd;
	copy.cmd.dst = a.len - 512;
	copy_add(&copy, &b_from, 512, 1024);
	copy_refused(&ring, &copy, -EINVAL, "beyond a partition");
	copy_begin(&copy, &a, 512, 0);
	copy_add_fd(&copy, &a, 0, 1024, fd);
	copy.range[0].offset = a.len - 512;
	copy_refused(&ring, &copy, -EINVAL, "from beyond a partition");
	image_unpartition(&a, fd);
}

/* A copy by the files that somebody was given; without a source, of his own. */
struct given {
	int sqe, src, dst;
};

static void begin_given(const struct given *g, struct image *via)
{
	copy_begin(&copy, via, 512, 0);
	copy.cmd.dst_fd = g->dst;
	copy_add_fd(&copy, &a_from, 512, 1024, g->src < 0 ? -1 : a_from.ns->fd);
	if (g->src >= 0)
		copy_add_fd(&copy, &b_from, 512, 1024, g->src);
}

/* Become somebody without capabilities, and copy. */
static int copy_as_nobody(const struct given *g)
{
	struct pt_ns ns = *a.ns;
	struct image via = a;
	struct pt_ring r;

	if (setgid(65534) || setuid(65534))
		_exit(2);
	via.ns = &ns;
	ns.fd = g->sqe;
	pt_ring_init(&r, 8, 0);
	begin_given(g, &via);
	return copy_do(&r, &copy);
}

/*
 * Reading and writing by passthrough is his, so is a copy where the files are
 * open for it, and only there.
 */
static void nobody_copies(struct given g, int should, const char *what)
{
	int *is = mmap(NULL, sizeof(*is), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	test_check(is != MAP_FAILED, "mmap");
	image_refill(&a, 0, 8192);
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		*is = copy_as_nobody(&g);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "%s: child ended with %#x", what, status);
	test_check(*is == should, "%s: %d, not %d", what, *is, should);
	if (!should) {
		begin_given(&g, &a);
		copy_model(&copy);
	}
	image_check(&a, what);
	munmap(is, sizeof(*is));
}

static void nobody(void)
{
	int rw = open_dev("/dev/ng%s", a.ns->name, O_RDWR);
	int ro = open_dev("/dev/ng%s", a.ns->name, O_RDONLY);
	int wo = open_dev("/dev/ng%s", a.ns->name, O_WRONLY);
	int src_ro = open_dev("/dev/ng%s", b_from.ns->name, O_RDONLY);
	int src_wo = open_dev("/dev/ng%s", b_from.ns->name, O_WRONLY);
	int src_rw = open_dev("/dev/ng%s", b_from.ns->name, O_RDWR);

	test_step("a user without rights");
#define nobody_may(...)	\
	nobody_copies((struct given){ __VA_ARGS__ }, 0, #__VA_ARGS__)
#define nobody_may_not(...) \
	nobody_copies((struct given){ __VA_ARGS__ }, -EBADF, #__VA_ARGS__)
	nobody_may(.sqe = rw, .src = src_rw, .dst = rw);
	nobody_may(.sqe = rw, .src = src_ro, .dst = -1);
	nobody_may(.sqe = ro, .src = src_ro, .dst = wo);
	nobody_may(.sqe = rw, .src = -1, .dst = -1);
	nobody_may_not(.sqe = rw, .src = src_ro, .dst = ro);
	nobody_may_not(.sqe = rw, .src = src_wo, .dst = rw);
	nobody_may_not(.sqe = rw, .src = src_wo, .dst = ro);
	nobody_may_not(.sqe = ro, .src = src_ro, .dst = -1);
	nobody_may_not(.sqe = ro, .src = -1, .dst = -1);
	nobody_may_not(.sqe = wo, .src = -1, .dst = -1);
	close(rw);
	close(ro);
	close(wo);
	close(src_ro);
	close(src_wo);
	close(src_rw);
}

/* A ring without large entries: refused by the driver, as any passthrough. */
static void small_ring(void)
{
	struct io_uring uring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret;

	test_step("a ring without large entries");
	test_check(!io_uring_queue_init(8, &uring, 0), "no ring");
	sqe = io_uring_get_sqe(&uring);
	test_check(sqe, "no SQE");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = a.ns->fd;
	sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
	ret = io_uring_submit_and_wait(&uring, 1);
	test_check(ret == 1 && !io_uring_peek_cqe(&uring, &cqe), "submit");
	test_check(cqe->res < 0, "a copy by a small entry: %d", cqe->res);
	printf("#   %s\n", strerror(-cqe->res));
	io_uring_cqe_seen(&uring, cqe);
	io_uring_queue_exit(&uring);
}

int main(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };

	test_begin(100);
	copy_drives_open(&drives);
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	image_init(&a, &drives.a, MIB, MIB / 4);
	image_init(&a_from, &drives.a, 9 * MIB, MIB / 4);
	image_init(&b_from, &drives.b, 9 * MIB, MIB / 4);
	image_init(&other, &drives.other, MIB, MIB / 4);
	copy_init(&copy, 512);
	pt_ring_init(&ring, 16, 0);
	numbers();
	memory();
	files();
	own_file();
	partition();
	small_ring();
	nobody();
	pt_ring_exit(&ring);
	pt_ring_init(&ring, 16, PT_IOPOLL);
	numbers();
	files();
	test_pass();
}
