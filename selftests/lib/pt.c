// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring NVMe passthrough, as small as a test can use it; see pt.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "pt.h"
#include "test.h"

static unsigned long long get_number(const char *fmt, const char *name)
{
	char path[256], text[64];

	snprintf(path, sizeof(path), fmt, name);
	if (test_read(path, text, sizeof(text)) <= 0)
		return 0;
	return strtoull(text, NULL, 0);
}

static int identify(struct pt_ns *ns)
{
	uint8_t *id = test_alloc(4096), *lbaf;
	struct nvme_passthru_cmd cmd = {
		.opcode = 0x06, .addr = (uintptr_t)id, .data_len = 4096,
	};
	int ret;

	ret = ioctl(ns->fd, NVME_IOCTL_ID);
	if (ret <= 0)
		goto out;
	ns->nsid = cmd.nsid = ret;
	ret = ioctl(ns->fd, NVME_IOCTL_ADMIN_CMD, &cmd);
	if (ret)
		goto out;
	memcpy(&ns->nr_blocks, id, 8);
	lbaf = id + 128 + 4 * (id[26] & 0xf);
	ns->ms = lbaf[0] | lbaf[1] << 8;
	ns->shift = lbaf[2];
	ns->block = 1U << ns->shift;
	ns->extended = ns->ms && (id[26] & 0x10);
out:
	free(id);
	return ret < 0 ? -errno : ret;
}

/*
 * Controllers of a namespace: /sys/class/nvme/nvmeC holds nvmeXnY, or, for a
 * multipath head, nvmeXcCnY.
 */
static void find_ctrls(struct pt_ns *ns)
{
	unsigned int x = 0, y = 0;
	int c;

	ns->ctrl = ns->ctrl2 = -1;
	sscanf(ns->name, "%un%u", &x, &y);
	for (c = 0; c < 32; c++) {
		bool path = test_exists("/sys/class/nvme/nvme%d/nvme%uc%dn%u",
					c, x, c, y);

		if (!path && !test_exists("/sys/class/nvme/nvme%d/nvme%s", c,
					  ns->name))
			continue;
		ns->head |= path;
		if (ns->ctrl < 0)
			ns->ctrl = c;
		else if (ns->ctrl2 < 0)
			ns->ctrl2 = c;
	}
}

int pt_open_name(struct pt_ns *ns, const char *name)
{
	char path[64];
	int ret;

	memset(ns, 0, sizeof(*ns));
	ns->block_fd = -1;
	snprintf(ns->name, sizeof(ns->name), "%s", name);
	snprintf(path, sizeof(path), "/dev/ng%s", ns->name);
	ns->fd = open(path, O_RDWR | O_CLOEXEC);
	if (ns->fd < 0)
		return -errno;
	ret = identify(ns);
	find_ctrls(ns);
	if (!ret && ns->ctrl < 0)
		ret = -ENODEV;
	if (ret) {
		close(ns->fd);
		return ret < 0 ? ret : -EIO;
	}

	snprintf(path, sizeof(path), "/dev/nvme%s", ns->name);
	ns->block_fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	ns->max_bytes = 1024 * get_number(
		"/sys/class/block/nvme%s/queue/max_hw_sectors_kb", ns->name);
	return 0;
}

void pt_close(struct pt_ns *ns)
{
	close(ns->fd);
	if (ns->block_fd >= 0)
		close(ns->block_fd);
}

static int other_ctrl = -1, second_nsid = -1;

static bool fits(const struct pt_ns *ns, unsigned int want)
{
	bool plain = !ns->ms && ns->ctrl2 < 0 && ns->shift == 9;

	switch (want) {
	case PT_WANT_PLAIN:
		return plain;
	case PT_WANT_4K:
		return !ns->ms && ns->shift == 12 && ns->ctrl2 < 0;
	case PT_WANT_SEPARATE:
		return ns->ms && !ns->extended;
	case PT_WANT_EXTENDED:
		return ns->extended;
	case PT_WANT_HEAD:
		return ns->ctrl2 >= 0;
	case PT_WANT_LARGE:
		return !ns->ms && ns->ctrl2 < 0 && ns->max_bytes >= 2 << 20;
	case PT_WANT_OTHER:
		return plain && ns->ctrl != other_ctrl;
	case PT_WANT_SECOND:
		return plain && ns->ctrl == other_ctrl &&
		       ns->nsid != (uint32_t)second_nsid;
	}
	return false;
}

static int is_ng(const struct dirent *d)
{
	return !strncmp(d->d_name, "ng", 2);
}

bool pt_try_open(struct pt_ns *ns, unsigned int want)
{
	struct dirent **list;
	bool found = false;
	int i, n;

	if (want == PT_WANT_OTHER || want == PT_WANT_SECOND) {
		if (!pt_try_open(ns, PT_WANT_PLAIN))
			return false;
		other_ctrl = ns->ctrl;
		second_nsid = ns->nsid;
		pt_close(ns);
	}
	n = scandir("/dev", &list, is_ng, alphasort);
	for (i = 0; i < n; i++) {
		if (!found && !pt_open_name(ns, list[i]->d_name + 2)) {
			found = fits(ns, want);
			if (!found)
				pt_close(ns);
		}
		free(list[i]);
	}
	free(list);
	return found;
}

void pt_open(struct pt_ns *ns, unsigned int want)
{
	static const char * const what[] = {
		"with 512-byte blocks and no metadata", "with 4 KiB blocks",
		"with separate metadata", "with metadata behind each block",
		"with two controllers", "that takes 2 MiB at once",
		"on a second controller", "second on a controller",
	};

	if (!pt_try_open(ns, want))
		test_skip("no namespace %s", what[want]);
	printf("# ng%s: controller nvme%d, %ju blocks of %u+%u bytes, at most %u KiB a command\n",
	       ns->name, ns->ctrl, ns->nr_blocks, ns->block, ns->ms,
	       ns->max_bytes / 1024);
}

int pt_ring_try_init(struct pt_ring *r, unsigned int entries,
		     unsigned int mode)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	};

	memset(r, 0, sizeof(*r));
	r->mode = mode;
	if (mode & PT_IOPOLL)
		p.flags |= IORING_SETUP_IOPOLL;
	if (mode & PT_SQPOLL) {
		p.flags |= IORING_SETUP_SQPOLL;
		p.sq_thread_idle = 50;
	}
	if (mode & PT_DEFER)
		p.flags |= IORING_SETUP_SINGLE_ISSUER |
			   IORING_SETUP_DEFER_TASKRUN;
	return io_uring_queue_init_params(entries, &r->uring, &p);
}

void pt_ring_init(struct pt_ring *r, unsigned int entries, unsigned int mode)
{
	int ret = pt_ring_try_init(r, entries, mode);

	test_check(!ret, "cannot set up a ring: %s", strerror(-ret));
}

void pt_ring_exit(struct pt_ring *r)
{
	io_uring_queue_exit(&r->uring);
}

const char *pt_mode_name(unsigned int mode)
{
	static const char * const names[] = {
		"irq", "iopoll", "sqpoll", "iopoll+sqpoll",
	};

	return names[mode & 3];
}

void pt_rw(struct nvme_uring_cmd *cmd, const struct pt_ns *ns, uint8_t opcode,
	   uint64_t slba, uint32_t nlb, void *buf, uint32_t len)
{
	memset(cmd, 0, sizeof(*cmd));
	cmd->opcode = opcode;
	cmd->nsid = ns->nsid;
	cmd->cdw10 = slba;
	cmd->cdw11 = slba >> 32;
	cmd->cdw12 = nlb - 1;
	cmd->addr = (uintptr_t)buf;
	cmd->data_len = len;
}

void pt_queue(struct pt_ring *r, int fd, const struct nvme_uring_cmd *cmd,
	      unsigned int how, uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&r->uring))) {
		int ret = io_uring_submit(&r->uring);

		test_check(ret >= 0, "io_uring_submit: %s", strerror(-ret));
	}
	/* an entry is two of the usual size here */
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->user_data = user_data;
	sqe->cmd_op = how & PT_VEC ? NVME_URING_CMD_IO_VEC : NVME_URING_CMD_IO;
	if (how & PT_FIXED)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	if (how & PT_ASYNC)
		sqe->flags = IOSQE_ASYNC;
	memcpy(sqe->cmd, cmd, sizeof(*cmd));
}

int pt_submit_only(struct pt_ring *r)
{
	unsigned int tail = r->uring.sq.sqe_tail;
	unsigned int n = tail - r->uring.sq.sqe_head;

	r->uring.sq.sqe_head = tail;
	__atomic_store_n(r->uring.sq.ktail, tail, __ATOMIC_RELEASE);
	return io_uring_enter(r->uring.ring_fd, n, 0, 0, NULL);
}

int pt_reap(struct pt_ring *r, uint64_t *user_data, uint64_t *result)
{
	struct io_uring_cqe *cqe;
	int ret;

	do {
		ret = io_uring_wait_cqe(&r->uring, &cqe);
	} while (ret == -EINTR || ret == -EAGAIN);
	test_check(!ret, "waiting for a completion: %s", strerror(-ret));
	if (user_data)
		*user_data = cqe->user_data;
	if (result)
		*result = cqe->big_cqe[0];
	ret = cqe->res;
	io_uring_cqe_seen(&r->uring, cqe);
	return ret;
}

int pt_do(struct pt_ring *r, int fd, const struct nvme_uring_cmd *cmd,
	  unsigned int how, uint64_t *result)
{
	uint64_t tag = ++r->next_tag, seen;
	int ret;

	pt_queue(r, fd, cmd, how, tag);
	ret = io_uring_submit(&r->uring);
	test_check(ret >= 0, "io_uring_submit: %s", strerror(-ret));
	ret = pt_reap(r, &seen, result);
	test_check(seen == tag, "completion of %ju, expected %ju", seen, tag);
	test_check(!io_uring_cq_ready(&r->uring),
		   "more than one completion of one command");
	return ret;
}

static uint64_t pattern(uint64_t lba, uint64_t gen)
{
	uint64_t x = lba * 0x9e3779b97f4a7c15ULL ^
		     (gen + 1) * 0xc2b2ae3d27d4eb4fULL;

	return x ^ x >> 29;
}

void pt_fill(const struct pt_ns *ns, void *buf, uint64_t slba, uint32_t nlb,
	     uint64_t gen)
{
	uint32_t i, b, words = (ns->block + (ns->extended ? ns->ms : 0)) / 8;
	uint64_t *w = buf, x;

	for (b = 0; b < nlb; b++) {
		x = pattern(slba + b, gen);
		for (i = 0; i < words; i++)
			*w++ = x + i * 0x100000001ULL;
	}
}

bool pt_block_is(const struct pt_ns *ns, const void *block, uint64_t lba,
		 uint64_t gen)
{
	uint32_t i, words = (ns->block + (ns->extended ? ns->ms : 0)) / 8;
	const uint64_t *w = block;
	uint64_t x = pattern(lba, gen);

	for (i = 0; i < words; i++)
		if (w[i] != x + i * 0x100000001ULL)
			return false;
	return true;
}

long pt_differs(const struct pt_ns *ns, const void *buf, uint64_t slba,
		uint32_t nlb, uint64_t gen)
{
	uint32_t b, size = ns->block + (ns->extended ? ns->ms : 0);

	for (b = 0; b < nlb; b++)
		if (!pt_block_is(ns, buf + (size_t)b * size, slba + b, gen))
			return b;
	return -1;
}

static void block_io(const struct pt_ns *ns, bool write, void *buf,
		     uint64_t slba, uint32_t nlb)
{
	size_t len = (size_t)nlb << ns->shift;
	off_t at = (off_t)slba << ns->shift;
	ssize_t ret;

	test_check(ns->block_fd >= 0, "no block device of ng%s", ns->name);
	while (len) {
		ret = write ? pwrite(ns->block_fd, buf, len, at) :
			      pread(ns->block_fd, buf, len, at);
		test_check(ret > 0, "%s by the block device at %jd: %s",
			   write ? "write" : "read", (intmax_t)at,
			   ret ? strerror(errno) : "end of device");
		buf += ret;
		at += ret;
		len -= ret;
	}
}

void pt_block_write(const struct pt_ns *ns, uint64_t slba, uint32_t nlb,
		    uint64_t gen)
{
	void *buf = test_alloc((size_t)nlb << ns->shift);

	pt_fill(ns, buf, slba, nlb, gen);
	block_io(ns, true, buf, slba, nlb);
	free(buf);
}

void pt_block_write_from(const struct pt_ns *ns, const void *buf,
			 uint64_t slba, uint32_t nlb)
{
	block_io(ns, true, (void *)buf, slba, nlb);
}

void pt_block_read(const struct pt_ns *ns, void *buf, uint64_t slba,
		   uint32_t nlb)
{
	block_io(ns, false, buf, slba, nlb);
}

void pt_block_check(const struct pt_ns *ns, uint64_t slba, uint32_t nlb,
		    uint64_t gen)
{
	void *buf = test_alloc((size_t)nlb << ns->shift);
	long b;

	block_io(ns, false, buf, slba, nlb);
	b = pt_differs(ns, buf, slba, nlb, gen);
	free(buf);
	test_check(b < 0, "block %ju of ng%s is not what was written (%ju)",
		   slba + b, ns->name, gen);
}
