// SPDX-License-Identifier: GPL-2.0
/*
 * NVMe Copy commands that programs send by passthrough, unchanged: by uring_cmd
 * on rings of each kind, from plain, vectored and registered memory, and by
 * the ioctls. What the controller can do it does; what is beyond its limits,
 * or where it has no Copy, is done all the same, every byte of it; what is
 * wrong with a command is said with the status a controller says it with, and
 * DW0 is the first range that is not copied. Nobody copies what he may not
 * read.
 *
 * vm: --drives copy
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB		(1UL << 20)
#define MAX_RANGES	256
#define LIST_SIZE	(MAX_RANGES * 40)

static struct copy_drives drives;
static struct steer_policy policy;
static struct image a, a_from, b_from, small, small_from, none, none_from;
static struct pt_ring ring, poll, sqpoll;
static uint8_t *list;

/* A Copy command, and what is to become of it. */
struct cmd {
	struct image *dst;
	size_t at;
	unsigned int format;
	unsigned int nr;
	size_t len;
	struct {
		struct image *im;
		size_t at, len;
	} range[MAX_RANGES];
	struct nvme_uring_cmd nvme;
	uint32_t dw0;
};

static struct cmd cmd;

static const char * const way_names[] = {
	"uring_cmd", "uring_cmd, polled", "uring_cmd, SQ thread",
	"uring_cmd, vectored", "uring_cmd, registered", "ioctl", "ioctl64",
	"ioctl64, vectored",
};

#define WAYS		ARRAY_LEN(way_names)

static void begin(struct image *dst, size_t at, unsigned int format)
{
	memset(&cmd, 0, sizeof(cmd));
	cmd.dst = dst;
	cmd.at = at;
	cmd.format = format;
}

static void add(struct image *im, size_t at, size_t len)
{
	unsigned int i = cmd.nr++;

	test_check(i < MAX_RANGES, "too many ranges");
	cmd.range[i].im = im;
	cmd.range[i].at = at;
	cmd.range[i].len = len;
	cmd.len += len;
}

static void add_many(struct image *im, unsigned int nr, size_t len)
{
	size_t step = len + im->ns->block, places = im->len / step;
	unsigned int i;

	for (i = 0; i < nr; i++)
		add(im, (places - 1 - i * 3 % places) * step, len);
}

static uint32_t entry_size(unsigned int format)
{
	return format & 1 ? 40 : 32;
}

/* The list and the command. */
static void build(void)
{
	unsigned int i;
	uint64_t slba;
	uint16_t nlb;

	memset(list, 0, LIST_SIZE);
	for (i = 0; i < cmd.nr; i++) {
		uint8_t *e = list + i * entry_size(cmd.format);
		const struct pt_ns *ns = cmd.range[i].im->ns;

		slba = (cmd.range[i].im->from + cmd.range[i].at) >> ns->shift;
		nlb = (cmd.range[i].len >> ns->shift) - 1;
		if (cmd.format & 2)
			memcpy(e, &ns->nsid, 4);
		memcpy(e + 8, &slba, 8);
		memcpy(e + 16, &nlb, 2);
	}
	pt_rw(&cmd.nvme, cmd.dst->ns, PT_COPY,
	      (cmd.dst->from + cmd.at) >> cmd.dst->ns->shift, 1, list,
	      cmd.nr * entry_size(cmd.format));
	cmd.nvme.cdw12 = (cmd.nr - 1) | cmd.format << 8;
}

static int by_ioctl(unsigned int fd, bool vec, bool wide)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)cmd.nvme.addr, 32 },
		{ (void *)(uintptr_t)cmd.nvme.addr + 32,
		  cmd.nvme.data_len - 32 },
	};
	struct nvme_passthru_cmd64 c64 = {
		.opcode = cmd.nvme.opcode, .nsid = cmd.nvme.nsid,
		.addr = cmd.nvme.addr, .data_len = cmd.nvme.data_len,
		.cdw10 = cmd.nvme.cdw10, .cdw11 = cmd.nvme.cdw11,
		.cdw12 = cmd.nvme.cdw12, .cdw13 = cmd.nvme.cdw13,
		.cdw14 = cmd.nvme.cdw14, .cdw15 = cmd.nvme.cdw15,
	};
	struct nvme_passthru_cmd c32 = {
		.opcode = c64.opcode, .nsid = c64.nsid, .addr = c64.addr,
		.data_len = c64.data_len, .cdw10 = c64.cdw10,
		.cdw11 = c64.cdw11, .cdw12 = c64.cdw12, .cdw13 = c64.cdw13,
		.cdw14 = c64.cdw14, .cdw15 = c64.cdw15,
	};
	int ret;

	if (vec) {
		c64.addr = (uintptr_t)iov;
		c64.vec_cnt = cmd.nvme.data_len > 32 ? 2 : 1;
	}
	ret = ioctl(fd, vec ? NVME_IOCTL_IO64_CMD_VEC :
			wide ? NVME_IOCTL_IO64_CMD : NVME_IOCTL_IO_CMD,
		    wide ? (void *)&c64 : (void *)&c32);
	cmd.dw0 = wide ? c64.result : c32.result;
	return ret < 0 ? -errno : ret;
}

/* Send it; a status, or -errno. */
static int issue(unsigned int way)
{
	int fd = cmd.dst->ns->fd;
	struct nvme_uring_cmd c = cmd.nvme;
	uint64_t result = 0;
	struct iovec iov[2];
	int ret;

	switch (way) {
	case 1:
		ret = pt_do(&poll, fd, &c, 0, &result);
		break;
	case 2:
		ret = pt_do(&sqpoll, fd, &c, 0, &result);
		break;
	case 3:
		iov[0].iov_base = list;
		iov[0].iov_len = 32;
		iov[1].iov_base = list + 32;
		iov[1].iov_len = c.data_len - 32;
		c.addr = (uintptr_t)iov;
		c.data_len = c.data_len > 32 ? 2 : 1;
		ret = pt_do(&ring, fd, &c, PT_VEC, &result);
		break;
	case 4:
		ret = pt_do(&ring, fd, &c, PT_FIXED, &result);
		break;
	case 5:
	case 6:
	case 7:
		return by_ioctl(fd, way == 7, way > 5);
	default:
		ret = pt_do(&ring, fd, &c, 0, &result);
	}
	cmd.dw0 = result;
	return ret;
}

/* As a copy of the library's, for what is known of the images. */
static void model(void)
{
	size_t at = cmd.at;
	unsigned int i;

	for (i = 0; i < cmd.nr; i++) {
		memmove(cmd.dst->want + at,
			cmd.range[i].im->want + cmd.range[i].at,
			cmd.range[i].len);
		at += cmd.range[i].len;
	}
}

static void good_as_built(unsigned int way, const char *what)
{
	int ret = issue(way);

	test_check(!ret, "%s: %s, %u ranges, %zu bytes: %d (%#x), DW0 %u",
		   what, way_names[way], cmd.nr, cmd.len, ret, ret, cmd.dw0);
	model();
	image_check(cmd.dst, what);
}

static void good(unsigned int way, const char *what)
{
	build();
	good_as_built(way, what);
}

static void fails_as_built(unsigned int way, int status, int first,
			   const char *what)
{
	struct copy_events e;
	int ret;

	copy_events(cmd.dst->ns->ctrl, &e);
	ret = issue(way);
	copy_events_since(cmd.dst->ns->ctrl, &e);
	/* that is, while there is a policy */
	test_check(e.refused == steer_state_is(cmd.dst->ns->ctrl, "attached") &&
		   !e.failed && !e.offloaded && !e.split && !e.emulated,
		   "%s, %s: events say %ju refused, %ju failed", what,
		   way_names[way], e.refused, e.failed);
	test_check((ret < 0 ? ret : ret & 0x7ff) == status,
		   "%s, %s: %d (%#x), should be %#x", what, way_names[way],
		   ret, ret, status);
	test_check(first < 0 || cmd.dw0 == (uint32_t)first,
		   "%s, %s: DW0 is %u, should be %d", what, way_names[way],
		   cmd.dw0, first);
	image_check(cmd.dst, what);
}

static void fails(unsigned int way, int status, int first, const char *what)
{
	build();
	fails_as_built(way, status, first, what);
}

/* Within the limits, at them, beyond. */
static void limits(unsigned int way)
{
	unsigned int path, i;
	struct copy_events e;
	static const struct {
		unsigned int nr, blocks;
	} shapes[] = {
		{ 1, 1 }, { 2, 64 }, { 128, 1 },		/* a command */
		{ 129, 1 }, { 1, 129 }, { 256, 1 }, { 256, 5 },	/* several */
		{ 2, 1000 }, { 16, 9 }, { 3, 43 },
	};

	test_step("within the limits and beyond, %s", way_names[way]);
	for (i = 0; i < ARRAY_LEN(shapes); i++) {
		image_refill(&a, 0, a.len);
		begin(&a, 512 * (1 + i), 0);
		add_many(&a_from, shapes[i].nr, shapes[i].blocks * 512);
		copy_events(a.ns->ctrl, &e);
		good(way, "limits");
		copy_events_since(a.ns->ctrl, &e);
		path = i < 3 ? NVME_STEER_COPY_OFFLOAD : NVME_STEER_COPY_SPLIT;
		test_check(e.offloaded == (path == NVME_STEER_COPY_OFFLOAD) &&
			   e.split == (path == NVME_STEER_COPY_SPLIT) &&
			   !e.emulated && !e.failed &&
			   e.offloaded_bytes == e.offloaded * cmd.len &&
			   e.split_bytes == e.split * cmd.len,
			   "%u ranges of %u blocks: %ju offloaded, %ju split, %ju emulated, %ju and %ju bytes",
			   cmd.nr, shapes[i].blocks, e.offloaded, e.split,
			   e.emulated, e.offloaded_bytes, e.split_bytes);
		test_check(policy.state->copied.path == path &&
			   !policy.state->copied.status &&
			   policy.state->copied.done == cmd.len,
			   "copied() was told path %u, %d, %ju bytes",
			   policy.state->copied.path,
			   policy.state->copied.status,
			   (uintmax_t)policy.state->copied.done);
	}
	image_refill(&small, 0, small.len);
	begin(&small, 512, 0);
	add_many(&small_from, 100, 1536);
	good(way, "low limits");
	image_refill(&none, 0, none.len);
	begin(&none, 512, 0);
	add_many(&none_from, 100, 1536);
	copy_events(none.ns->ctrl, &e);
	good(way, "no Copy");
	copy_events_since(none.ns->ctrl, &e);
	test_check(e.emulated == 1 && e.emulated_bytes == cmd.len,
		   "%ju emulated, %ju bytes", e.emulated, e.emulated_bytes);

	/* Force Unit Access, Limited Retry */
	image_refill(&a, 0, a.len);
	begin(&a, 512, 0);
	add_many(&a_from, 200, 1024);
	build();
	cmd.nvme.cdw12 |= 3U << 30;
	good_as_built(way, "FUA and LR");
}

/* Fast copies only: by the controller, which takes any for one, or not at all. */
static void fast_only(unsigned int way, struct image *dst, unsigned int nr,
		      unsigned int path)
{
	struct copy_events e;
	int answers[] = { 0, NVME_STEER_COPY_EMULATE };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(answers); i++) {
		policy.state->copy_answer = answers[i];
		image_refill(dst, 0, dst->len);
		begin(dst, 512, 2);
		add_many(&a_from, nr, 512);
		build();
		list[(nr - 1) * 32 + 23] = 0x80;
		copy_events(dst->ns->ctrl, &e);
		if (path)
			good_as_built(way, "fast only");
		else
			fails_as_built(way, COPY_SC_FAST, 0, "fast only");
		copy_events_since(dst->ns->ctrl, &e);
		test_check(e.offloaded == (path == NVME_STEER_COPY_OFFLOAD) &&
			   e.split == (path == NVME_STEER_COPY_SPLIT) &&
			   !e.emulated_bytes, "fast only, %u ranges: %ju offloaded, %ju split, %ju bytes emulated",
			   nr, e.offloaded, e.split, e.emulated_bytes);
	}
	policy.state->copy_answer = 0;
}

/*
 * What only a controller can honour, if anyone: a directive, unknown source
 * options. This emulator takes any of them.
 */
static void controllers_own(unsigned int way, struct image *dst,
			    struct image *from, bool directive, bool has_copy)
{
	const char *what = directive ? "a directive" : "source options";
	unsigned int format = directive ? 0 : 2;
	struct copy_events e;

	policy.state->copy_answer = NVME_STEER_COPY_EMULATE;
	image_refill(dst, 0, dst->len);
	begin(dst, 512, format);
	add_many(from, 3, 512);
	build();
	if (directive)
		cmd.nvme.cdw12 |= 1U << 20;
	else
		list[32 + 22] = 1;
	copy_events(dst->ns->ctrl, &e);
	if (has_copy)
		good_as_built(way, what);
	else
		fails_as_built(way, COPY_SC_INVALID_FIELD, 0, what);
	copy_events_since(dst->ns->ctrl, &e);
	test_check(e.offloaded == has_copy && !e.emulated_bytes,
		   "%s: %ju offloaded, %ju bytes emulated", what, e.offloaded,
		   e.emulated_bytes);
	policy.state->copy_answer = 0;
}

static void options(unsigned int way)
{
	struct copy_limits l;

	copy_limits(&drives.a, &l);
	test_step("directives and options, %s", way_names[way]);
	controllers_own(way, &a, &a_from, true, true);
	controllers_own(way, &none, &none_from, true, false);
	if (l.formats & 4) {
		controllers_own(way, &a, &a_from, false, true);
		controllers_own(way, &none, &none_from, false, false);
	}
	begin(&a, 512, 0);
	add_many(&a_from, 3, 512);
	build();
	cmd.nvme.cdw12 |= 1U << 16;
	fails_as_built(way, COPY_SC_INVALID_FIELD, 0, "a command extension");
	build();
	list[32 + 18] = 1;
	fails_as_built(way, COPY_SC_INVALID_FIELD, 0, "one of a source");
	/* all that is reserved in format 0h, and a value of no extension */
	image_refill(&a, 0, a.len);
	build();
	memset(list, 0xff, 8);
	list[18] = 0xf0;
	memset(list + 19, 0xff, 5);
	good_as_built(way, "reserved bits");
}

/* Other namespaces: format 2h. */
static void several(unsigned int way)
{
	struct copy_limits l;

	copy_limits(&drives.a, &l);
	if (!(l.formats & 4)) {
		printf("# no format 2h\n");
		return;
	}
	test_step("format 2h, %s", way_names[way]);
	image_refill(&a, 0, a.len);
	begin(&a, 512, 2);
	add_many(&a_from, 10, 1024);
	add_many(&b_from, 10, 1024);
	good(way, "of two namespaces");
	image_refill(&a, 0, a.len);
	begin(&a, 512, 2);
	/* this emulator takes what comes after another's for the other's */
	add_many(&a_from, 56, 4096);
	add_many(&b_from, 200, 1536);
	good(way, "of two namespaces, long");
	image_refill(&none, 0, none.len);
	begin(&none, 512, 2);
	add_many(&b_from, 100, 512);
	add_many(&none_from, 100, 512);
	good(way, "to one without Copy");

	fast_only(way, &a, 3, NVME_STEER_COPY_OFFLOAD);
	fast_only(way, &a, 200, NVME_STEER_COPY_SPLIT);
	fast_only(way, &none, 3, 0);

	test_step("format 2h: what is wrong, %s", way_names[way]);
	begin(&a, 512, 2);
	add_many(&b_from, 4, 512);
	build();
	memcpy(list + 64, &(uint32_t){ 77 }, 4);
	test_check(issue(way) > 0, "a namespace that does not exist");
	image_check(&a, "a namespace that does not exist");
	/* an overlap within one namespace: the standard has a status for it */
	begin(&a, 512, 2);
	add(&b_from, 0, 512);
	add(&a, 0, 1024);
	fails(way, COPY_SC_OVERLAP, -1, "an overlap in format 2h");
	begin(&a, 512, 2);
	add(&a, 512, 512);
	fails(way, COPY_SC_OVERLAP, -1, "onto itself in format 2h");
}

/* Format 0h says nothing of overlaps: ranges in their order, as by memmove. */
static void overlap(unsigned int way)
{
	static const int shifts[] = { 0, 1, -1, 50, -50 };
	unsigned int i, n;

	test_step("overlaps, %s", way_names[way]);
	for (i = 0; i < ARRAY_LEN(shifts); i++) {
		for (n = 100; n < 1000; n += 800) {
			image_refill(&a, 0, a.len);
			begin(&a, (60 + shifts[i]) * 512, 0);
			add(&a, 60 * 512, n * 512);
			good(way, "a range moved");
		}
	}
	image_refill(&a, 0, a.len);
	begin(&a, 512, 0);
	for (i = 0; i < 200; i++)
		add(&a, i * 512, 512);
	good(way, "a block carried on");
}

static void wrong(unsigned int way)
{
	uint64_t size = drives.a.nr_blocks << 9;
	struct image beyond = { .ns = &drives.a, .from = size - 4096 };
	struct image last;
	unsigned int format;
	int ret;

	test_step("wrong places, %s", way_names[way]);
	begin(&a, 512, 0);
	add_many(&a_from, 3, 512);
	add(&beyond, 0, 8192);
	add_many(&a_from, 3, 512);
	build();
	ret = issue(way);
	test_check((ret & 0x7ff) == PT_SC_LBA_RANGE,
		   "from beyond the end: %#x", ret);
	test_check(cmd.dw0 <= 3, "from beyond the end: DW0 %u", cmd.dw0);
	/* those before it may have been copied, by DW0 they have been */
	cmd.nr = cmd.dw0;
	model();
	image_check_part(&a, 512, cmd.dw0 * 512, "from beyond the end");
	image_read(&a);

	image_init(&last, &drives.a, size - 8192, 8192);
	begin(&last, 4096, 0);
	add_many(&a_from, 9, 512);
	build();
	ret = issue(way);
	test_check((ret & 0x7ff) == PT_SC_LBA_RANGE,
		   "to beyond the end: %#x", ret);
	image_check(&last, "to beyond the end");
	begin(&last, 4096, 0);
	add_many(&a_from, 200, 512);
	build();
	ret = issue(way);
	test_check((ret & 0x7ff) == PT_SC_LBA_RANGE,
		   "200 ranges to beyond the end: %#x", ret);
	image_check(&last, "200 ranges to beyond the end");
	image_free(&last);
	begin(&a, 512, 0);
	add_many(&a_from, 1, 512);
	build();
	memset(list + 8, 0xff, 8);
	fails_as_built(way, PT_SC_LBA_RANGE, 0, "from the last LBA there could be");

	test_step("wrong formats, %s", way_names[way]);
	for (format = 1; format < 16; format++) {
		if (format == 2)
			continue;
		begin(&a, 512, format);
		add_many(&a_from, 2, 512);
		build();
		ret = issue(way);
		/* 1h and 3h are for other guards; see copy_meta */
		test_check((ret & 0x7ff) == COPY_SC_INVALID_FIELD ||
			   (ret & 0x7ff) == COPY_SC_INVALID_FORMAT ||
			   (ret & 0x7ff) == COPY_SC_INCOMPATIBLE,
			   "format %xh: %d (%#x)", format, ret, ret);
		image_check(&a, "a wrong format");
	}

	test_step("wrong lengths, %s", way_names[way]);
	begin(&a, 512, 0);
	add_many(&a_from, 10, 512);
	build();
	cmd.nvme.data_len = 9 * 32;
	ret = issue(way);
	test_check(ret == -EINVAL || (ret & 0x7ff) == COPY_SC_INVALID_FIELD,
		   "a list too short: %d (%#x)", ret, ret);
	image_check(&a, "a list too short");
	begin(&a, 512, 0);
	add_many(&a_from, 200, 512);
	build();
	cmd.nvme.data_len = 4096;
	ret = issue(way);
	test_check(ret == -EINVAL || (ret & 0x7ff) == COPY_SC_INVALID_FIELD,
		   "a long list too short: %d (%#x)", ret, ret);
	image_check(&a, "a long list too short");
	/* and memory that is not there */
	if (way == 3 || way == 7)
		return;
	begin(&a, 512, 0);
	add_many(&a_from, 10, 512);
	build();
	cmd.nvme.addr = 4096;
	ret = issue(way);
	test_check(ret == -EFAULT, "no memory there: %d (%#x)", ret, ret);
	image_check(&a, "no memory there");
}

/* Somebody without capabilities, who has n1 and not n2. */
static void nobody(void)
{
	static const unsigned int ways[] = { 0, 5, 6 };
	int status, ret, ro;
	struct pt_ns ns = drives.a;
	char path[64];
	unsigned int i;
	pid_t pid;

	test_step("a user without rights");
	snprintf(path, sizeof(path), "/dev/ng%s", drives.a.name);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	test_check(ro >= 0, "cannot open %s", path);
	image_refill(&a, 0, a.len);
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		pt_ring_init(&ring, 8, 0);
		for (i = 0; i < ARRAY_LEN(ways); i++) {
			/* another namespace */
			begin(&a, 512, 2);
			add(&b_from, 512, 512);
			build();
			ret = issue(ways[i]);
			printf("#   another namespace: %d\n", ret);
			if (!ret)
				_exit(3);
			begin(&a, 512, 2);
			add(&a_from, 0, 512);
			add(&b_from, 512, 512);
			build();
			if (!issue(ways[i]))
				_exit(4);
			/* to a file for reading */
			ns.fd = ro;
			a.ns = &ns;
			begin(&a, 512, 0);
			add(&a_from, 512, 512);
			build();
			ret = issue(ways[i]);
			if (ret != -EACCES) {
				printf("#   read-only: %d\n", ret);
				_exit(5);
			}
			a.ns = &drives.a;
		}
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	image_check(&a, "a user without rights");
	test_check(!status, "child ended with %#x", status);
	close(ro);
}

/*
 * Without a policy it is the controller's: its limits hold, and the formats
 * for several namespaces, which would let anybody read any, are off.
 */
static void without_policy(const char *when)
{
	unsigned int way;
	int ret;

	for (way = 0; way < WAYS; way += 5) {
		test_step("no policy %s, %s", when, way_names[way]);
		image_refill(&a, 0, a.len);
		begin(&a, 512, 0);
		add_many(&a_from, 4, 1024);
		good(way, "no policy");
		begin(&a, 512, 0);
		add_many(&a_from, 1, 129 * 512);
		fails(way, COPY_SC_SIZE, -1, "no policy, beyond the limits");
		begin(&none, 512, 0);
		add_many(&none_from, 1, 512);
		fails(way, COPY_SC_SIZE, -1, "no policy, no Copy");
		begin(&a, 512, 2);
		add(&b_from, 512, 512);
		build();
		ret = issue(way);
		test_check(ret > 0, "format 2h without a policy: %d", ret);
		image_check(&a, "format 2h without a policy");
	}
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct copy_limits l;
	struct iovec iov;
	unsigned int way;

	test_begin(120);
	copy_drives_open(&drives);
	image_init(&a, &drives.a, MIB, MIB);
	image_init(&a_from, &drives.a, 9 * MIB, 2 * MIB);
	image_init(&b_from, &drives.b, 9 * MIB, MIB);
	image_init(&small, &drives.small, MIB, MIB / 2);
	image_init(&small_from, &drives.small, 9 * MIB, MIB);
	image_init(&none, &drives.none, MIB, MIB / 2);
	image_init(&none_from, &drives.none, 9 * MIB, MIB);
	list = test_alloc(LIST_SIZE);
	pt_ring_init(&ring, 8, 0);
	pt_ring_init(&poll, 8, PT_IOPOLL);
	pt_ring_init(&sqpoll, 8, PT_SQPOLL);
	iov.iov_base = list;
	iov.iov_len = LIST_SIZE;
	test_check(!io_uring_register_buffers(&ring.uring, &iov, 1),
		   "cannot register a buffer");

	without_policy("yet");
	if (getenv("STOCK"))
		test_pass();
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	copy_limits(&drives.a, &l);
	test_check(l.cross_ns && l.formats & 4, "format 2h is not enabled");
	for (way = 0; way < WAYS; way++) {
		policy.state->copy_route = way == 1 ? 2 : way % 4 == 0;
		/* commands that are no copies go there too */
		steer_answer(&policy, 1, 2);
		limits(way);
		if (way != 3 && way != 7) {
			several(way);
			options(way);
			wrong(way);
		}
		overlap(way);
	}
	nobody();
	steer_detach(&policy);
	without_policy("any more");
	copy_limits(&drives.a, &l);
	test_check(!l.cross_ns && !(l.formats & 0xc),
		   "format 2h is disabled, and said not to be");
	test_pass();
}
