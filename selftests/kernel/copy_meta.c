// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of blocks with metadata, with protection information and without, of
 * guards of 16 and of 64 bits: they go by the controller, metadata and all, in
 * one command or several, or they are refused, since reading and writing would
 * lose it. NVMe Copy commands have the format of the guard, 0h or 1h, and 3h
 * between namespaces of 64 bits; what they say of protection information
 * reaches the controller, that of each range too. Data, metadata and neighbours
 * are compared through the driver's own path, tags one by one.
 *
 * vm: --drives copy
 */
#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB		(1UL << 20)
#define BLOCKS		256		/* of an area */
#define LIMIT		128		/* MSSRL, MCL and MSRC of the drive */
#define RANGES		256
#define AT		5		/* where in an area copies go */
#define FROM_LBA	20480
#define TO_LBA		2048

/* Bits of CDW12 of a Copy, and of a Read or Write. */
#define READ_CHECKS	(7U << 12)	/* guard, application, reference */
#define WRITE_GUARD	(4U << 26)
#define PRACT		(1U << 15 | 1U << 29)
#define RW_PRACT	(1U << 29)

#define SC_APP_CHECK	0x283
#define SC_INVALID_PI	0x181	/* type 1: the first block's tag is its LBA */

static const unsigned int all_flags[] = {
	0, NVME_STEER_COPY_F_OFFLOAD, NVME_STEER_COPY_F_EMULATE,
};

/* Kinds of namespaces of the drive. */
static const struct kind {
	const char *name;
	unsigned int nsid;
	unsigned int other;	/* of the same kind, or 0 */
	bool wide;		/* 64 bits of guard */
	bool pi;
} kinds[] = {
	{ "8 bytes", 7, 0, false, false },
	{ "16-bit guard", 6, 0, false, true },
	{ "16 bytes, 64-bit guard", 11, 12, true, false },
	{ "64-bit guard", 9, 10, true, true },
};

/* Blocks of a namespace and what they must hold. */
struct area {
	struct pt_ns ns;
	uint64_t slba;
	uint8_t data[BLOCKS * 512];
	uint8_t meta[BLOCKS * 16];
};

/* Of an NVMe Copy. */
struct tags {
	uint32_t cdw12;
	uint16_t app;		/* of what is written */
	uint64_t ref;		/* likewise, of the first block */
	uint16_t expected;	/* application tag of what is read */
	/* number of a range that expects others, counted from 1 */
	unsigned int odd_app, odd_ref;
};

struct range {
	struct area *from;
	unsigned int at, nr;	/* blocks */
};

static struct steer_policy policy;
static struct area from, other, to, got;
static struct pt_ring ring;	/* its plain commands are steered nowhere */
static struct copy copy;
static struct range ranges[RANGES];
static unsigned int nr_ranges;
static uint8_t *list;

/* ------------------------------------------------------------------- areas */

static void raw_io(struct area *a, uint8_t opcode, struct area *b)
{
	struct nvme_uring_cmd cmd;
	int ret;

	pt_rw(&cmd, &a->ns, opcode, a->slba, BLOCKS, b->data, sizeof(b->data));
	cmd.metadata = (uintptr_t)b->meta;
	cmd.metadata_len = BLOCKS * a->ns.ms;
	ret = pt_do(&ring, a->ns.fd, &cmd, 0, NULL);
	test_check(!ret, "opcode %#x of blocks with metadata: %#x", opcode,
		   ret);
}

/* What is behind the guard of a block: big endian. */
static uint8_t *tags_of(struct area *a, unsigned int block)
{
	return a->meta + block * a->ns.ms + (a->ns.ms == 8 ? 2 : 8);
}

static void put_tags(struct area *a, unsigned int block, uint16_t app,
		     uint64_t ref)
{
	uint8_t *t = tags_of(a, block);
	unsigned int i, bytes = a->ns.ms == 8 ? 4 : 6;

	t[0] = app >> 8;
	t[1] = app;
	for (i = 0; i < bytes; i++)
		t[2 + i] = ref >> 8 * (bytes - 1 - i);
}

/* New contents; the controller makes protection information. */
static void area_fill(struct area *a, const struct kind *k, uint16_t app)
{
	static uint32_t seed;
	struct nvme_uring_cmd cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(a->data); i++)
		a->data[i] = (seed = seed * 1664525 + 1013904223) >> 24;
	for (i = 0; i < sizeof(a->meta); i++)
		a->meta[i] = (seed = seed * 1664525 + 1013904223) >> 24;
	if (!k->pi) {
		raw_io(a, PT_WRITE, a);
		return;
	}
	pt_rw(&cmd, &a->ns, PT_WRITE, a->slba, BLOCKS, a->data,
	      sizeof(a->data));
	cmd.cdw12 |= RW_PRACT;
	cmd.cdw14 = a->slba;
	cmd.cdw15 = app;
	ret = pt_do(&ring, a->ns.fd, &cmd, 0, NULL);
	test_check(!ret, "a write with PRACT: %#x", ret);
	/* the guards are its word; the rest is as it was told */
	raw_io(a, PT_READ, &got);
	memcpy(a->meta, got.meta, sizeof(a->meta));
	for (i = 0; i < BLOCKS; i++)
		put_tags(a, i, app, a->slba + i);
	test_check(!memcmp(a->meta, got.meta, BLOCKS * a->ns.ms),
		   "tags that it has not been told");
}

static void area_check(struct area *a, const char *what)
{
	unsigned int i, ms = a->ns.ms;

	raw_io(a, PT_READ, &got);
	for (i = 0; i < BLOCKS; i++) {
		test_check(!memcmp(got.data + i * 512, a->data + i * 512, 512),
			   "%s: wrong data in block %u", what, i);
		test_check(!memcmp(got.meta + i * ms, a->meta + i * ms, ms),
			   "%s: wrong metadata in block %u: %02x %02x .. %02x",
			   what, i, got.meta[i * ms], got.meta[i * ms + 1],
			   got.meta[i * ms + ms - 1]);
	}
}

static void areas_open(const struct kind *k, unsigned int from_nsid)
{
	copy_open(&from.ns, "copies", from_nsid);
	copy_open(&to.ns, "copies", k->nsid);
	test_check(to.ns.ms == (k->wide ? 16 : 8) && !to.ns.extended,
		   "%u bytes of metadata", to.ns.ms);
	from.slba = FROM_LBA;
	to.slba = TO_LBA;
	area_fill(&from, k, 0x1234);
	area_fill(&to, k, 0x5678);
	nr_ranges = 0;
}

static void areas_close(void)
{
	pt_close(&from.ns);
	pt_close(&to.ns);
}

/* ------------------------------------------------------------------ copies */

/* @nr ranges of @blocks each, in no order. */
static void add(struct area *a, unsigned int nr, unsigned int blocks)
{
	unsigned int i, places = BLOCKS / blocks;

	for (i = 0; i < nr; i++)
		ranges[nr_ranges++] = (struct range){
			.from = a, .at = i * 7 % places * blocks, .nr = blocks,
		};
}

static void begin(struct area *a, unsigned int nr, unsigned int blocks)
{
	nr_ranges = 0;
	add(a, nr, blocks);
}

/* The first @nr ranges are copied; with @t tags are made anew. */
static void model(unsigned int nr, const struct tags *t)
{
	unsigned int i, j, n = AT, ms = to.ns.ms;

	for (i = 0; i < nr; i++) {
		const struct range *r = &ranges[i];

		memcpy(to.data + n * 512, r->from->data + r->at * 512,
		       r->nr * 512);
		memcpy(to.meta + n * ms, r->from->meta + r->at * ms,
		       r->nr * ms);
		for (j = 0; j < r->nr; j++, n++)
			if (t && t->cdw12 & PRACT)
				put_tags(&to, n, t->app, t->ref + n - AT);
	}
}

/* A descriptor; its length. */
static unsigned int put_desc(uint8_t *e, unsigned int nr, unsigned int format,
			     const struct tags *t)
{
	const struct range *r = &ranges[nr];
	uint64_t slba = r->from->slba + r->at;
	uint64_t ref = slba ^ (nr + 1 == t->odd_ref);
	uint16_t app = t->expected ^ (nr + 1 == t->odd_app);
	uint16_t nlb = r->nr - 1, mask = 0xffff;
	unsigned int size = format & 1 ? 40 : 32, i;

	memset(e, 0, size);
	if (format & 2)
		memcpy(e, &r->from->ns.nsid, 4);
	memcpy(e + 8, &slba, 8);
	memcpy(e + 16, &nlb, 2);
	/* the reference tag: in 1h and 3h big endian */
	if (format & 1)
		for (i = 0; i < 6; i++)
			e[30 + i] = ref >> 8 * (5 - i);
	else
		memcpy(e + 24, &ref, 4);
	memcpy(e + size - 4, &app, 2);
	memcpy(e + size - 2, &mask, 2);
	return size;
}

/* An NVMe Copy; its status. */
static int nvme_copy(unsigned int format, const struct tags *t, uint32_t *dw0)
{
	struct nvme_uring_cmd cmd;
	unsigned int i, len = 0;
	uint64_t result = 0;
	int ret;

	for (i = 0; i < nr_ranges; i++)
		len += put_desc(list + len, i, format, t);
	pt_rw(&cmd, &to.ns, PT_COPY, to.slba + AT, 1, list, len);
	cmd.cdw12 = (nr_ranges - 1) | format << 8 | t->cdw12;
	cmd.cdw3 = t->ref >> 32;
	cmd.cdw14 = t->ref;
	cmd.cdw15 = t->app;
	ret = pt_do(&ring, to.ns.fd, &cmd, 0, &result);
	*dw0 = result;
	return ret < 0 ? ret : ret & 0x7ff;
}

/* It goes by @path; reading and writing was wanted instead if @wish. */
static void good(unsigned int format, const struct tags *t, unsigned int path,
		 bool wish, const char *what)
{
	struct copy_events e;
	uint32_t dw0;
	int ret;

	policy.state->copy_answer = wish ? NVME_STEER_COPY_EMULATE : 0;
	copy_events(to.ns.ctrl, &e);
	ret = nvme_copy(format, t, &dw0);
	test_check(!ret && !dw0, "%s, format %xh, CDW12 %#x: %#x, DW0 %u", what,
		   format, t->cdw12, ret, dw0);
	copy_events_since(to.ns.ctrl, &e);
	test_check(e.offloaded == (path == NVME_STEER_COPY_OFFLOAD) &&
		   e.split == (path == NVME_STEER_COPY_SPLIT) &&
		   !e.emulated && !e.hybrid && !e.emulated_bytes,
		   "%s, format %xh: %ju offloaded, %ju split, %ju emulated",
		   what, format, e.offloaded, e.split, e.emulated);
	test_check(e.why[NVME_STEER_COPY_WHY_METADATA] == wish,
		   "%s, format %xh: copy_metadata moved by %ju", what, format,
		   e.why[NVME_STEER_COPY_WHY_METADATA]);
	policy.state->copy_answer = 0;
	model(nr_ranges, t);
	area_check(&to, what);
	area_check(&from, what);
}

/* It ends so, with the first @done ranges copied. */
static void fails(unsigned int format, const struct tags *t, int status,
		  unsigned int done, const char *what)
{
	uint32_t dw0;
	int ret;

	ret = nvme_copy(format, t, &dw0);
	test_check(ret == status && dw0 == done,
		   "%s, format %xh, CDW12 %#x: %#x, DW0 %u", what, format,
		   t->cdw12, ret, dw0);
	model(done, t);
	area_check(&to, what);
}

/* ----------------------------------------------------------- NVMe commands */

/* Each goes as far as the limits in one command; the next shape does not. */
static const struct {
	unsigned int nr, blocks;
} within[] = {
	{ 1, 1 }, { 3, 10 }, { 1, LIMIT }, { LIMIT, 1 },
}, beyond[] = {
	{ 1, LIMIT + 1 }, { LIMIT + 1, 1 }, { 3, 43 }, { 20, 9 },
};

static void no_pi(const struct kind *k)
{
	static const struct tags none;
	unsigned int i;

	test_step("%s of metadata: NVMe Copy", k->name);
	for (i = 0; i < 2 * ARRAY_LEN(within); i++) {
		begin(&from, within[i / 2].nr, within[i / 2].blocks);
		good(k->wide, &none, NVME_STEER_COPY_OFFLOAD, i & 1, "within");
	}
	for (i = 0; i < 2 * ARRAY_LEN(beyond); i++) {
		begin(&from, beyond[i / 2].nr, beyond[i / 2].blocks);
		good(k->wide, &none, NVME_STEER_COPY_SPLIT, i & 1, "beyond");
	}
	begin(&from, 2, 3);
	fails(!k->wide, &none, COPY_SC_INVALID_FORMAT, 0, "a wrong format");
}

/*
 * Protection information: made anew (PRACT), or taken along as it is, and
 * checked by what each range says. A Copy is not cut in two: either needs tags
 * of its own.
 */
static void pi(const struct kind *k, unsigned int format)
{
	static const struct tags plain;
	const struct tags make = {
		.cdw12 = PRACT, .app = 0xbeef,
		.ref = k->wide ? 0x4321fedcba98 : 0xfedcba98,
	}, check = {
		.cdw12 = READ_CHECKS | WRITE_GUARD, .expected = 0x1234,
	};
	struct tags wrong = check;
	unsigned int i;

	test_step("%s: NVMe Copy, format %xh", k->name, format);
	for (i = 0; i < ARRAY_LEN(within); i++) {
		begin(&from, within[i].nr, within[i].blocks);
		good(format, &make, NVME_STEER_COPY_OFFLOAD, i & 1, "PRACT");
		begin(&from, within[i].nr, within[i].blocks);
		good(format, &plain, NVME_STEER_COPY_OFFLOAD, i & 1, "plain");
		begin(&from, within[i].nr, within[i].blocks);
		good(format, &check, NVME_STEER_COPY_OFFLOAD, 0, "checked");
	}
	area_fill(&to, k, 0x5678);
	for (i = 0; i < ARRAY_LEN(beyond); i++) {
		begin(&from, beyond[i].nr, beyond[i].blocks);
		fails(format, i & 1 ? &make : &plain, COPY_SC_SIZE, 0,
		      "beyond");
	}
	begin(&from, 3, 10);
	wrong.odd_app = 2;
	fails(format, &wrong, SC_APP_CHECK, 1, "an application tag");
	wrong.odd_app = 0;
	wrong.odd_ref = 3;
	fails(format, &wrong, SC_INVALID_PI, 2, "a reference tag");
	begin(&from, 2, 3);
	fails(format ^ 1, &plain, COPY_SC_INVALID_FORMAT, 0, "a wrong format");
}

/* From another namespace, and from both. */
static void several(const struct kind *k)
{
	static const struct tags none;

	if (!k->other)
		return;
	areas_open(k, k->other);
	if (k->pi) {
		pi(k, 3);
		areas_close();
		return;
	}
	test_step("%s of metadata: NVMe Copy, format 3h", k->name);
	other.ns = to.ns;
	other.slba = FROM_LBA;
	area_fill(&other, k, 0);
	begin(&from, 3, 10);
	good(3, &none, NVME_STEER_COPY_OFFLOAD, false, "3h");
	begin(&other, 3, 10);
	good(3, &none, NVME_STEER_COPY_OFFLOAD, true, "3h, its own");
	begin(&other, 30, 2);
	add(&from, 30, 2);
	good(3, &none, NVME_STEER_COPY_OFFLOAD, true, "3h, of both");
	begin(&other, 50, 2);
	add(&from, 50, 2);
	good(3, &none, NVME_STEER_COPY_SPLIT, true, "3h, beyond");
	area_check(&other, "3h");
	areas_close();
}

/* ------------------------------------------------- copies of the SQE's kind */

/* Begin one of the ranges. */
static void sqe_copy(unsigned int flags, struct image *src, struct image *dst)
{
	unsigned int i;

	src->ns = &from.ns;
	dst->ns = &to.ns;
	copy_begin(&copy, dst, 0, flags);
	copy.cmd.dst = (to.slba + AT) * 512;
	for (i = 0; i < nr_ranges; i++)
		copy_add(&copy, src, (from.slba + ranges[i].at) * 512,
			 ranges[i].nr * 512);
}

/*
 * What is promised: without protection information by the controller, whatever
 * is wanted; with it nothing, since nobody says what its tags are to be.
 */
static void sqes(const struct kind *k)
{
	struct image src = { }, dst = { };
	struct copy_events e;
	unsigned int i, f;
	int ret;

	test_step("%s of metadata: copies", k->name);
	for (i = 0; i < 2 * ARRAY_LEN(all_flags); i++) {
		bool split = i & 1;
		unsigned int path = split ? NVME_STEER_COPY_SPLIT :
					    NVME_STEER_COPY_OFFLOAD;

		f = all_flags[i / 2];
		begin(&from, split ? 20 : 4, 9);
		sqe_copy(f, &src, &dst);
		copy_events(to.ns.ctrl, &e);
		ret = copy_do(&ring, &copy);
		if (k->pi) {
			test_check(ret == -EOPNOTSUPP, "flags %#x: %d", f, ret);
			area_check(&to, "refused");
			continue;
		}
		copy_is_good(&copy, path, "metadata");
		copy_events_check(to.ns.ctrl, &e, &copy, "metadata");
		copy_events_since(to.ns.ctrl, &e);
		test_check(e.why[NVME_STEER_COPY_WHY_METADATA] ==
			   !!(f & NVME_STEER_COPY_F_EMULATE),
			   "flags %#x: copy_metadata moved by %ju", f,
			   e.why[NVME_STEER_COPY_WHY_METADATA]);
		model(nr_ranges, NULL);
		area_check(&to, "metadata");
	}
}

/* To and from others, where metadata would be lost, or made up. */
static void unlike(const struct kind *k)
{
	struct image src = { }, dst = { };
	struct pt_ns own = from.ns;
	unsigned int i, f;
	int ret;

	test_step("%s of metadata, and others", k->name);
	for (i = 0; i <= ARRAY_LEN(kinds); i++) {
		if (i < ARRAY_LEN(kinds) && &kinds[i] == k)
			continue;
		copy_open(&from.ns, "copies",
			  i < ARRAY_LEN(kinds) ? kinds[i].nsid : 1);
		for (f = 0; f < ARRAY_LEN(all_flags); f++) {
			begin(&from, 3, 2);
			sqe_copy(all_flags[f], &src, &dst);
			ret = copy_do(&ring, &copy);
			test_check(ret == -EOPNOTSUPP,
				   "from n%u, flags %#x: %d", from.ns.nsid,
				   all_flags[f], ret);
		}
		if (i == ARRAY_LEN(kinds)) {
			/* to the one without */
			image_init(&dst, &from.ns, MIB, 65536);
			src.ns = &to.ns;
			copy_begin(&copy, &dst, 512, 0);
			copy_add(&copy, &src, TO_LBA * 512, 1024);
			copy_refused(&ring, &copy, -EOPNOTSUPP, "to plain");
			image_free(&dst);
		}
		pt_close(&from.ns);
	}
	from.ns = own;
	area_check(&to, "others");
}

int main(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	const struct kind *k;
	unsigned int i, route;
	struct pt_ns ns;

	test_begin(120);
	copy_open(&ns, "copies", 7);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	pt_ring_init(&ring, 8, 0);
	copy_init(&copy, RANGES);
	list = test_alloc(RANGES * 40);
	for (i = 0; i < 2 * ARRAY_LEN(kinds); i++) {
		k = &kinds[i / 2];
		route = i & 1;
		policy.state->copy_route = route;
		areas_open(k, k->nsid);
		if (k->pi)
			pi(k, k->wide);
		else
			no_pi(k);
		sqes(k);
		unlike(k);
		areas_close();
		several(k);
	}
	test_pass();
}
