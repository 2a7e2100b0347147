// SPDX-License-Identifier: GPL-2.0
/*
 * Copies for tests; see copy.h.
 */
#include <fcntl.h>
#include <linux/blkpg.h>
#include <sys/ioctl.h>

#include "copy.h"
#include "steer.h"
#include "test.h"

#define UNTOUCHED	0x7ead		/* a status no range ends with */
#define UNTOUCHED_DONE	0x5a5a5a5a5a5a5a5aULL

/* ------------------------------------------------------------------ drives */

/* On controller @x, whatever its name is: that tells when it was found. */
static bool open_nsid(struct pt_ns *ns, int x, unsigned int nsid)
{
	unsigned int n;
	char name[16];

	for (n = 1; n < 16; n++) {
		snprintf(name, sizeof(name), "%dn%u", x, n);
		if (pt_open_name(ns, name))
			continue;
		if (ns->nsid == nsid)
			return true;
		pt_close(ns);
	}
	return false;
}

void copy_open(struct pt_ns *ns, const char *serial, unsigned int nsid)
{
	char path[64], text[64];
	int x;

	for (x = 0; x < 16; x++) {
		snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/serial", x);
		if (test_read(path, text, sizeof(text)) <= 0)
			continue;
		text[strcspn(text, " \n")] = '\0';
		if (!strcmp(text, serial) && open_nsid(ns, x, nsid))
			return;
	}
	test_skip("no namespace %u of a drive '%s'", nsid, serial);
}

void copy_drives_open(struct copy_drives *d)
{
	copy_open(&d->a, "copies", 1);
	copy_open(&d->b, "copies", 2);
	copy_open(&d->small, "copies", 3);
	copy_open(&d->none, "copies", 4);
	copy_open(&d->large, "copies", 5);
	copy_open(&d->other, "nocopy", 1);
}

/* "0,2-3" as bits; 0 for "-". */
static unsigned int bits_of(const char *list)
{
	unsigned int bits = 0, from, to;
	int used;

	while (sscanf(list, "%u%n", &from, &used) == 1) {
		list += used;
		to = from;
		if (sscanf(list, "-%u%n", &to, &used) == 1)
			list += used;
		for (; from <= to; from++)
			bits |= 1U << from;
		if (*list == ',')
			list++;
	}
	return bits;
}

void copy_limits(const struct pt_ns *ns, struct copy_limits *l)
{
	char text[4096], *line, *save = NULL, formats[32];
	unsigned int nsid;
	ssize_t ret;

	ret = test_read(steer_path(ns->ctrl, "copy"), text, sizeof(text));
	test_check(ret >= 0, "cannot read %s: %s", steer_path(ns->ctrl, "copy"),
		   strerror(-ret));
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		ret = sscanf(line,
			     "%u formats=%31s mssrl=%u mcl=%u msrc=%u cross_ns=%u max_hw_bytes=%llu max_bytes=%llu",
			     &nsid, formats, &l->mssrl, &l->mcl, &l->msrc,
			     &l->cross_ns, &l->max_hw_bytes, &l->max_bytes);
		test_check(ret == 8, "line '%s' of copy", line);
		if (nsid != ns->nsid)
			continue;
		l->formats = bits_of(formats);
		return;
	}
	test_fail("no line for namespace %u in copy", ns->nsid);
}

static void set_max_bytes(const struct pt_ns *ns, unsigned long long bytes)
{
	char text[64];
	int ret;

	snprintf(text, sizeof(text), "%u %llu", ns->nsid, bytes);
	ret = test_write(steer_path(ns->ctrl, "copy_max_bytes"), text);
	test_check(!ret, "cannot write '%s' to copy_max_bytes: %s", text,
		   strerror(-ret));
}

static void unset_max_bytes(void *arg)
{
	const struct pt_ns *ns = arg;
	char text[64];

	snprintf(text, sizeof(text), "%u %llu", ns->nsid, ~0ULL);
	test_write(steer_path(ns->ctrl, "copy_max_bytes"), text);
}

void copy_max_bytes(const struct pt_ns *ns, unsigned long long bytes)
{
	test_not_at_end(unset_max_bytes, (void *)ns);
	set_max_bytes(ns, bytes);
	if (bytes != ~0ULL)
		test_at_end(unset_max_bytes, (void *)ns);
}

/* ------------------------------------------------------------------ images */

void image_refill(struct image *im, size_t at, size_t len)
{
	static uint64_t seed = 1;
	uint64_t *w = (uint64_t *)(im->want + at);
	uint64_t x = seed++ << 36 | 1;
	size_t i;

	/* no two words are alike that were ever written */
	for (i = 0; i < len / 8; i++)
		w[i] = (x + i) * 0x9e3779b97f4a7c15ULL;
	pt_block_write_from(im->ns, im->want + at,
			    (im->from + at) >> im->ns->shift,
			    len >> im->ns->shift);
}

static void image_alloc(struct image *im, struct pt_ns *ns, uint64_t from,
			size_t len)
{
	im->ns = ns;
	im->from = from;
	im->len = len;
	im->want = test_alloc(len);
	im->got = test_alloc(len);
}

void image_init(struct image *im, struct pt_ns *ns, uint64_t from, size_t len)
{
	image_alloc(im, ns, from, len);
	image_refill(im, 0, len);
}

void image_init_as_is(struct image *im, struct pt_ns *ns, uint64_t from,
		      size_t len)
{
	image_alloc(im, ns, from, len);
	image_read(im);
}

void image_free(struct image *im)
{
	free(im->want);
	free(im->got);
}

static void read_part(struct image *im, size_t at, size_t len)
{
	pt_block_read(im->ns, im->got + at, (im->from + at) >> im->ns->shift,
		      len >> im->ns->shift);
}

void image_read(struct image *im)
{
	read_part(im, 0, im->len);
	memcpy(im->want, im->got, im->len);
}

void image_check_part(struct image *im, size_t at, size_t len,
		      const char *what)
{
	size_t i;

	read_part(im, at, len);
	if (!memcmp(im->want + at, im->got + at, len))
		return;
	for (i = at; im->want[i] == im->got[i]; i++)
		;
	test_fail("%s: ng%s differs at byte %#jx (%#zx of the area of %#zx)",
		  what, im->ns->name, im->from + i, i, im->len);
}

static void change_partition(struct image *im, int op)
{
	struct blkpg_partition part = {
		.start = im->from, .length = im->len, .pno = 1,
	};
	struct blkpg_ioctl_arg arg = {
		.op = op, .datalen = sizeof(part), .data = &part,
	};

	test_check(!ioctl(im->ns->block_fd, BLKPG, &arg),
		   "cannot %s a partition: %s",
		   op == BLKPG_ADD_PARTITION ? "add" : "delete",
		   strerror(errno));
}

int image_partition(struct image *im)
{
	char path[64];
	int fd = -1;

	change_partition(im, BLKPG_ADD_PARTITION);
	snprintf(path, sizeof(path), "/dev/nvme%sp1", im->ns->name);
	test_check(test_wait((fd = open(path, O_RDWR | O_CLOEXEC)) >= 0, 5000),
		   "no %s", path);
	return fd;
}

void image_unpartition(struct image *im, int fd)
{
	close(fd);
	change_partition(im, BLKPG_DEL_PARTITION);
}

void image_check(struct image *im, const char *what)
{
	image_check_part(im, 0, im->len, what);
}

/* ------------------------------------------------------------------ copies */

void copy_init(struct copy *c, unsigned int max)
{
	memset(c, 0, sizeof(*c));
	c->max = max;
	c->range = test_alloc(max * sizeof(*c->range));
	c->src = test_alloc(max * sizeof(*c->src));
	c->src_at = test_alloc(max * sizeof(*c->src_at));
}

void copy_free(struct copy *c)
{
	free(c->range);
	free(c->src);
	free(c->src_at);
}

void copy_begin(struct copy *c, struct image *dst, size_t at,
		unsigned int flags)
{
	c->cmd = (struct nvme_steer_copy_cmd) {
		.ranges = (uintptr_t)c->range,
		.flags = flags,
		.dst = dst->from + at,
		.dst_fd = -1,
	};
	c->dst = dst;
	c->at = at;
	c->len = 0;
	c->nr = 0;
}

void copy_add_fd(struct copy *c, struct image *src, size_t at, size_t len,
		 int fd)
{
	unsigned int i = c->nr++;

	c->cmd.nr = c->nr;
	test_check(i < c->max, "more than %u ranges", c->max);
	c->range[i] = (struct nvme_steer_copy_range) {
		.fd = fd,
		.status = UNTOUCHED,
		.offset = src->from + at,
		.len = len,
		.done = UNTOUCHED_DONE,
	};
	c->src[i] = src;
	c->src_at[i] = at;
	c->len += len;
}

void copy_add(struct copy *c, struct image *src, size_t at, size_t len)
{
	copy_add_fd(c, src, at, len, src->ns->fd);
}

void copy_add_many(struct copy *c, struct image *src, unsigned int nr,
		   size_t len)
{
	size_t step = len + src->ns->block, places = src->len / step, i, at;

	test_check(places, "the area is too small for a range of %zu", len);
	for (i = 0; i < nr; i++) {
		/* back and forth */
		at = i & 1 ? places - 1 - i / 2 % places : i / 2 % places;
		copy_add(c, src, at * step, len);
	}
}

void copy_by_block(struct copy *c)
{
	unsigned int i;

	c->cmd.dst_fd = c->dst->ns->block_fd;
	for (i = 0; i < c->nr; i++)
		c->range[i].fd = c->src[i]->ns->block_fd;
}

void copy_queue(struct pt_ring *r, struct copy *c, unsigned int how,
		uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	test_check(test_wait((sqe = io_uring_get_sqe(&r->uring)), 20000),
		   "no SQE");
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = c->dst->ns->fd;
	sqe->user_data = user_data;
	sqe->cmd_op = NVME_STEER_URING_CMD_COPY;
	if (how & PT_ASYNC)
		sqe->flags = IOSQE_ASYNC;
	memcpy(sqe->cmd, &c->cmd, sizeof(c->cmd));
}

void copy_ended(struct copy *c, int res, uint64_t big_cqe)
{
	c->res = res;
	c->bytes = NVME_STEER_COPIED_BYTES(big_cqe);
	c->path = NVME_STEER_COPIED_PATH(big_cqe);
}

int copy_do(struct pt_ring *r, struct copy *c)
{
	uint64_t tag = ++r->next_tag, seen, result = 0;
	int ret;

	copy_queue(r, c, 0, tag);
	ret = io_uring_submit(&r->uring);
	test_check(ret >= 0, "io_uring_submit: %s", strerror(-ret));
	ret = pt_reap(r, &seen, &result);
	test_check(seen == tag, "completion of %ju, expected %ju", seen, tag);
	test_check(!io_uring_cq_ready(&r->uring),
		   "more than one completion of one copy");
	copy_ended(c, ret, result);
	return ret;
}

void copy_model(struct copy *c)
{
	size_t at = c->at;
	unsigned int i;

	for (i = 0; i < c->cmd.nr; i++) {
		memmove(c->dst->want + at, c->src[i]->want + c->src_at[i],
			c->range[i].len);
		at += c->range[i].len;
	}
}

const char *copy_path_name(unsigned int path)
{
	static const char * const names[] = {
		"none", "offload", "split", "emulate", "hybrid",
	};

	return path < ARRAY_LEN(names) ? names[path] : "unknown";
}

void copy_is_good(struct copy *c, unsigned int path, const char *what)
{
	unsigned int i;

	test_check(!c->res, "%s: copy of %u ranges, %zu bytes: %s%d (%#x)",
		   what, c->cmd.nr, c->len, c->res < 0 ? strerror(-c->res) : "",
		   c->res, c->res);
	test_check(c->bytes == c->len, "%s: %ju bytes copied of %zu", what,
		   c->bytes, c->len);
	test_check(!path || c->path == path, "%s: path '%s', should be '%s'",
		   what, copy_path_name(c->path), copy_path_name(path));
	test_check(c->path >= NVME_STEER_COPY_OFFLOAD &&
		   c->path <= NVME_STEER_COPY_HYBRID, "%s: path %u", what,
		   c->path);
	for (i = 0; i < c->cmd.nr; i++)
		test_check(!c->range[i].status &&
			   c->range[i].done == c->range[i].len,
			   "%s: range %u of %u: status %d, %ju of %ju bytes done",
			   what, i, c->cmd.nr, c->range[i].status,
			   (uintmax_t)c->range[i].done,
			   (uintmax_t)c->range[i].len);
}

/* The destination, and each of the sources once. */
static void check_images(struct copy *c, const char *what)
{
	struct image *seen[COPY_MAX_IMAGES] = { c->dst };
	unsigned int i, n, nr = 1;

	image_check(c->dst, what);
	for (i = 0; i < c->cmd.nr; i++) {
		for (n = 0; n < nr && seen[n] != c->src[i]; n++)
			;
		if (n < nr || nr == COPY_MAX_IMAGES)
			continue;
		seen[nr++] = c->src[i];
		image_check(c->src[i], what);
	}
}

void copy_good(struct pt_ring *r, struct copy *c, unsigned int path,
	       const char *what)
{
	copy_do(r, c);
	copy_is_good(c, path, what);
	copy_model(c);
	check_images(c, what);
}

bool copy_untouched(const struct copy *c, unsigned int i)
{
	return (c->range[i].status == UNTOUCHED || !c->range[i].status) &&
	       c->range[i].done == UNTOUCHED_DONE;
}

void copy_refused(struct pt_ring *r, struct copy *c, int error,
		  const char *what)
{
	unsigned int i;

	copy_do(r, c);
	test_check(c->res == error, "%s: %d (%s), should be %d (%s)", what,
		   c->res, c->res < 0 ? strerror(-c->res) : "status", error,
		   strerror(-error));
	test_check(!c->bytes, "%s: refused, and %ju bytes copied", what,
		   c->bytes);
	for (i = 0; i < c->nr; i++)
		test_check(copy_untouched(c, i),
			   "%s: refused, and range %u has a report", what,
			   i);
	image_check(c->dst, what);
}

/* Blocks of a range of which nothing was promised: each is old or new. */
static void either(struct copy *c, unsigned int i, size_t at, size_t done,
		   bool exact, const char *what)
{
	size_t block = c->dst->ns->block, off;
	uint8_t *want = c->dst->want + at, *got = c->dst->got + at;
	const uint8_t *src = c->src[i]->want + c->src_at[i];

	test_check(!exact || done == c->range[i].len ||
		   memcmp(got + done, src + done, block),
		   "%s: range %u says that %zu bytes are copied, those that follow are too",
		   what, i, done);
	for (off = 0; off < c->range[i].len; off += block) {
		bool new = !memcmp(got + off, src + off, block);

		test_check(new || off >= done,
			   "%s: range %u says that %zu bytes are copied, those at %zu are not",
			   what, i, done, off);
		test_check(new || !memcmp(got + off, want + off, block),
			   "%s: range %u: neither old nor new at %zu", what, i,
			   off);
		memcpy(want + off, got + off, block);
	}
}

static void check_report(struct copy *c, bool exact, const char *what)
{
	size_t at = c->at, bytes = 0;
	bool gap = false;
	unsigned int i;
	int first = 0;

	image_check_part(c->dst, 0, c->at, what);
	if (c->at + c->len < c->dst->len)
		image_check_part(c->dst, c->at + c->len,
				 c->dst->len - c->at - c->len, what);
	if (c->len)
		read_part(c->dst, c->at, c->len);
	for (i = 0; i < c->cmd.nr; i++) {
		struct nvme_steer_copy_range *r = &c->range[i];

		test_check(r->status != UNTOUCHED && r->done != UNTOUCHED_DONE,
			   "%s: range %u has no status", what, i);
		test_check(r->done <= r->len &&
			   !r->status == (r->done == r->len),
			   "%s: range %u: status %d, %ju of %ju bytes done",
			   what, i, r->status, (uintmax_t)r->done,
			   (uintmax_t)r->len);
		/*
		 * What comes after is old or new; of a range that was not
		 * tried, too: another piece may have been on its way.
		 */
		either(c, i, at, r->done, exact, what);
		if (!gap)
			bytes += r->done;
		gap |= r->status;
		if (r->status && !first)
			first = r->status;
		at += r->len;
	}
	test_check(c->bytes == bytes,
		   "%s: %ju bytes copied, the ranges say %zu", what, c->bytes,
		   bytes);
	test_check(c->res == first, "%s: it ended with %d, its first range with %d",
		   what, c->res, first);
}

void copy_check_report(struct copy *c, const char *what)
{
	check_report(c, false, what);
}

void copy_check_exact(struct copy *c, const char *what)
{
	check_report(c, true, what);
}

/* ------------------------------------------------------------------ events */

void copy_events(int ctrl, struct copy_events *e)
{
	static const char * const why[] = {
		NULL, "copy_no_copy", "copy_limits", "copy_cap", "copy_format",
		"copy_ctrl", "copy_device", "copy_metadata",
	};
	unsigned int i;

	e->offloaded = steer_event(ctrl, "copy_offloaded");
	e->split = steer_event(ctrl, "copy_split");
	e->emulated = steer_event(ctrl, "copy_emulated");
	e->hybrid = steer_event(ctrl, "copy_hybrid");
	e->failed = steer_event(ctrl, "copy_failed");
	e->refused = steer_event(ctrl, "copy_refused");
	e->offloaded_bytes = steer_event(ctrl, "copy_offloaded_bytes");
	e->split_bytes = steer_event(ctrl, "copy_split_bytes");
	e->emulated_bytes = steer_event(ctrl, "copy_emulated_bytes");
	e->hybrid_bytes = steer_event(ctrl, "copy_hybrid_bytes");
	e->failed_bytes = steer_event(ctrl, "copy_failed_bytes");
	e->wait = steer_event(ctrl, "copy_wait");
	e->why[0] = 0;
	for (i = 1; i < ARRAY_LEN(why); i++)
		e->why[i] = steer_event(ctrl, why[i]);
}

void copy_events_since(int ctrl, struct copy_events *e)
{
	struct copy_events now;
	uint64_t *before = (uint64_t *)e, *after = (uint64_t *)&now;
	size_t i;

	copy_events(ctrl, &now);
	for (i = 0; i < sizeof(now) / sizeof(*after); i++)
		before[i] = after[i] - before[i];
}

void copy_events_check(int ctrl, const struct copy_events *before,
		       const struct copy *c, const char *what)
{
	struct copy_events e = *before;

	copy_events_since(ctrl, &e);
	test_check(e.offloaded == (c->path == NVME_STEER_COPY_OFFLOAD) &&
		   e.split == (c->path == NVME_STEER_COPY_SPLIT) &&
		   e.emulated == (c->path == NVME_STEER_COPY_EMULATE) &&
		   e.hybrid == (c->path == NVME_STEER_COPY_HYBRID) &&
		   !e.failed && !e.refused,
		   "%s: path '%s', and events say %ju offloaded, %ju split, %ju emulated, %ju hybrid, %ju failed, %ju refused",
		   what, copy_path_name(c->path), e.offloaded, e.split,
		   e.emulated, e.hybrid, e.failed, e.refused);
	test_check(e.offloaded_bytes == e.offloaded * c->len &&
		   e.split_bytes == e.split * c->len &&
		   e.emulated_bytes == e.emulated * c->len &&
		   e.hybrid_bytes == e.hybrid * c->len && !e.failed_bytes,
		   "%s: events say bytes: %ju offloaded, %ju split, %ju emulated, %ju hybrid, %ju failed; of %zu, path '%s'",
		   what, e.offloaded_bytes, e.split_bytes, e.emulated_bytes,
		   e.hybrid_bytes, e.failed_bytes, c->len,
		   copy_path_name(c->path));
}

uint64_t copy_events_bytes(const struct copy_events *e)
{
	return e->offloaded_bytes + e->split_bytes + e->emulated_bytes +
	       e->hybrid_bytes + e->failed_bytes;
}

void copy_events_refused(int ctrl, const struct copy_events *before,
			 const char *what)
{
	struct copy_events e = *before;

	copy_events_since(ctrl, &e);
	test_check(e.refused == 1 && !e.offloaded && !e.split && !e.emulated &&
		   !e.hybrid && !e.failed && !copy_events_bytes(&e),
		   "%s: refused, and events say %ju refused, %ju done, %ju failed, %ju bytes",
		   what, e.refused, e.offloaded + e.split + e.emulated +
		   e.hybrid, e.failed, copy_events_bytes(&e));
}

/* ------------------------------------------------------------------- trace */

#define TRACING		"/sys/kernel/tracing/"
#define TRACE_ENABLE	TRACING "events/nvme_steer/nvme_steer_copy/enable"

static void trace_empty(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	test_check(fd >= 0, "cannot empty the trace: %s", strerror(errno));
	close(fd);
}

void copy_trace(void)
{
	static bool enabled;

	if (!enabled)
		test_set_file(TRACE_ENABLE, "1");
	enabled = true;
	trace_empty();
}

/* A word of the trace's line, or a number. */
static const char *trace_word(const char *line, const char *name)
{
	static char word[64];
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line, key);
	test_check(at, "no '%s' in the trace: %s", name, line);
	at += strlen(key);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, ", \n"), at);
	return word;
}

static uint64_t trace_number(const char *line, const char *name)
{
	return strtoull(trace_word(line, name), NULL, 0);
}

static const char *why_name(unsigned int why)
{
	static const char * const names[] = {
		"none", "no_copy", "limits", "cap", "format", "ctrl", "device",
		"metadata", "caller",
	};

	return why < ARRAY_LEN(names) ? names[why] : "unknown";
}

void copy_trace_check(const struct copy *c, int answer, unsigned int why,
		      const char *what)
{
	const struct pt_ns *ns = c->dst->ns;
	static char text[16384];
	char ctrl[24];
	bool refused = copy_untouched(c, 0);
	char *line;
	ssize_t len;

	len = test_read(TRACING "trace", text, sizeof(text));
	test_check(len > 0, "%s: cannot read the trace", what);
	line = strstr(text, "nvme_steer_copy:");
	test_check(line, "%s: no nvme_steer_copy in the trace:\n%s", what, text);
	test_check(!strstr(line + 1, "nvme_steer_copy:"),
		   "%s: more than one in the trace:\n%s", what, text);
	snprintf(ctrl, sizeof(ctrl), " nvme%d: ", ns->ctrl);
	test_check(strstr(line, ctrl) &&
		   trace_number(line, "nsid") == ns->nsid &&
		   trace_number(line, "slba") == c->cmd.dst >> ns->shift &&
		   trace_number(line, "len") == c->len &&
		   trace_number(line, "ranges") == c->cmd.nr &&
		   (int)trace_number(line, "answer") == answer,
		   "%s: answer %d, but the trace is about another copy: %s",
		   what, answer, line);
	test_check(!strcmp(trace_word(line, "path"),
			   copy_path_name(refused ? 0 : c->path)),
		   "%s: path '%s', the trace says: %s", what,
		   copy_path_name(c->path), line);
	test_check(!strcmp(trace_word(line, "why"), why_name(why)),
		   "%s: why is '%s', the trace says: %s", what, why_name(why),
		   line);
	test_check((int)trace_number(line, "status") == c->res &&
		   trace_number(line, "done") == c->bytes,
		   "%s: the completion says %d, %ju bytes, the trace: %s", what,
		   c->res, c->bytes, line);
	test_check(!trace_number(line, "ns") == refused,
		   "%s: the time it took: %s", what, line);
	trace_empty();
}
