// SPDX-License-Identifier: GPL-2.0
/*
 * Copies over sectors that fail, reading or writing, once or always, in the
 * source or the destination, at the beginning, in the middle and at the end of
 * a range, by the controller and by reading and writing, many pieces at a time
 * and one: what the completion and the ranges say is compared with the data,
 * block by block. So is DW0 of NVMe Copy commands. A copy beside the bad
 * sector is none the worse for it, before and after.
 *
 * vm: --drives copy
 */
#include "copy.h"
#include "steer.h"
#include "test.h"

#define MIB		(1UL << 20)

/* See selftests/vm/run --help. */
#define READ_ONCE	100000
#define WRITE_ONCE	110000
#define READ_ALWAYS	120000
#define WRITE_ALWAYS	130000
#define SECTOR(kind, i)	(((kind) + 1000UL * (i)) * 512)

/* Around a bad sector. */
#define BEFORE		(200 * 512)
#define AREA		(700 * 512)

static struct pt_ns faulty[2];		/* with a Copy and without */
static struct pt_ns plain;		/* of another controller */
static struct steer_policy policy, plain_policy;
static struct copy copy;
static struct pt_ring ring, poll;
static unsigned int failures, exact, successes;

static void ended(bool once, const char *what)
{
	volatile struct nvme_steer_copied *ev = &policy.state->copied;

	if (!copy.res) {
		test_check(once, "%s: a bad sector was copied", what);
		copy_is_good(&copy, 0, what);
		copy_model(&copy);
		image_check(copy.dst, what);
		successes++;
	} else {
		test_check((copy.res & 0x7ff) == COPY_SC_READ_ERROR ||
			   (copy.res & 0x7ff) == COPY_SC_WRITE_FAULT,
			   "%s: %d (%#x)", what, copy.res, copy.res);
		/* this emulator writes nothing of a Write that fails */
		if (copy.path == NVME_STEER_COPY_EMULATE) {
			copy_check_exact(&copy, what);
			exact++;
		} else {
			copy_check_report(&copy, what);
		}
		failures++;
	}
	if (copy.dst->ns != &plain)
		test_check(ev->status == copy.res && ev->done == copy.bytes,
			   "%s: copied() was told %d, %ju bytes; the completion says %d, %ju",
			   what, ev->status, (uintmax_t)ev->done, copy.res,
			   copy.bytes);
}

static void copy_it(struct pt_ring *r, bool once, const char *what)
{
	struct copy_events e;

	copy_events(copy.dst->ns->ctrl, &e);
	copy_trace();
	copy_do(r, &copy);
	ended(once, what);
	copy_events_since(copy.dst->ns->ctrl, &e);
	test_check(e.failed == !!copy.res &&
		   e.offloaded + e.split + e.emulated + e.hybrid == !copy.res,
		   "%s: events say %ju failed, %ju done", what, e.failed,
		   e.offloaded + e.split + e.emulated + e.hybrid);
	/* of what failed, too, bytes were copied */
	test_check(copy_events_bytes(&e) >= copy.bytes &&
		   copy_events_bytes(&e) <= copy.len &&
		   e.failed_bytes == (copy.res ? copy_events_bytes(&e) : 0),
		   "%s: events say %ju bytes, %ju of a copy that failed, the completion %ju",
		   what, copy_events_bytes(&e), e.failed_bytes, copy.bytes);
	copy_trace_check(&copy, 0, copy.dst->ns == &plain ?
			 plain_policy.state->copied.why :
			 policy.state->copied.why, what);
}

/*
 * Ranges of @src; the bad sector is at @bad. Where the controller copies, a
 * range that cannot be read must not be the first of a Copy command: this
 * emulator may abort then. That is left to the last two.
 */
static void add_ranges(struct image *src, size_t bad, unsigned int layout)
{
	unsigned int i;

	switch (layout) {
	case 0:		/* in the middle of a range */
		copy_add(&copy, src, 0, 512);
		copy_add(&copy, src, bad - 50 * 512, 101 * 512);
		break;
	case 1:		/* at its beginning, and ranges after it */
		copy_add(&copy, src, 0, 3 * 512);
		copy_add(&copy, src, 8 * 512, 17 * 512);
		copy_add(&copy, src, bad, 9 * 512);
		copy_add(&copy, src, bad + 20 * 512, 40 * 512);
		copy_add(&copy, src, bad + 80 * 512, 512);
		break;
	case 2:		/* at its end */
		copy_add(&copy, src, 0, 512);
		copy_add(&copy, src, bad - 16 * 512, 17 * 512);
		for (i = 0; i < 12; i++)
			copy_add(&copy, src, bad + (2 + 3 * i) * 512, 1024);
		break;
	case 3:		/* one block of many */
		for (i = 0; i < 150; i++)
			copy_add(&copy, src, bad - 100 * 512 + i * 512, 512);
		break;
	case 4:		/* long ones */
		copy_add(&copy, src, bad + 512, 390 * 512);
		copy_add(&copy, src, bad - 100 * 512, 300 * 512);
		copy_add(&copy, src, 0, 150 * 512);
		break;
	case 5:		/* nothing before it */
		copy_add(&copy, src, bad, 100 * 512);
		break;
	case 6:
		copy_add(&copy, src, bad - 190 * 512, 400 * 512);
		copy_add(&copy, src, 0, 150 * 512);
		break;
	}
}

#define LAYOUTS		7
#define BY_CONTROLLER	5	/* of these the controller may do */

static void reading(struct pt_ring *r, struct pt_ns *ns, unsigned int flags,
		    unsigned int kind, unsigned int i, unsigned int layout)
{
	struct image src, dst;
	char what[96];

	snprintf(what, sizeof(what),
		 "reading, %s, ng%s, flags %#x, layout %u, %s ring",
		 kind == READ_ONCE ? "once" : "always", ns->name, flags, layout,
		 pt_mode_name(r->mode));
	image_init(&src, ns, SECTOR(kind, i) - BEFORE, AREA);
	image_init(&dst, layout & 1 ? &plain : ns, 10 * MIB, MIB);
	copy_begin(&copy, &dst, 512 * 3, flags);
	copy.cmd.depth = layout == 2;
	add_ranges(&src, BEFORE, layout);
	copy_it(r, kind == READ_ONCE, what);

	/* the same without it */
	image_refill(&dst, 0, dst.len);
	copy_begin(&copy, &dst, 512 * 3, flags);
	copy_add(&copy, &src, 0, BEFORE);
	copy_add(&copy, &src, BEFORE + 512, AREA - BEFORE - 512);
	copy_do(r, &copy);
	copy_is_good(&copy, 0, what);
	copy_model(&copy);
	image_check(&dst, what);
	image_free(&src);
	image_free(&dst);
}

static void writing(struct pt_ring *r, struct pt_ns *ns, unsigned int flags,
		    unsigned int kind, unsigned int i, unsigned int layout)
{
	static const size_t before[LAYOUTS] = {
		50 * 512, 20 * 512, 0, 100 * 512, 190 * 512, 0, 100 * 512,
	};
	struct image src, dst;
	char what[96];

	snprintf(what, sizeof(what),
		 "writing, %s, ng%s, flags %#x, layout %u, %s ring",
		 kind == WRITE_ONCE ? "once" : "always", ns->name, flags,
		 layout, pt_mode_name(r->mode));
	image_init(&src, layout & 1 && !(flags & NVME_STEER_COPY_F_OFFLOAD) ?
			 &plain : ns, 10 * MIB, AREA);
	/* not written before: that is what would fail */
	image_init_as_is(&dst, ns, SECTOR(kind, i) - BEFORE, 2 * AREA);
	copy_begin(&copy, &dst, BEFORE - before[layout], flags);
	copy.cmd.depth = layout == 2;
	add_ranges(&src, BEFORE, layout);
	test_check(copy.len > before[layout], "layout %u", layout);
	copy_it(r, kind == WRITE_ONCE, what);
	image_free(&src);
	image_free(&dst);
}

/* ---------------------------------------------------------------- NVMe Copy */

static uint8_t list[128 * 32] __attribute__((aligned(4096)));

/*
 * @nr ranges of @len bytes, one of them, number @bad, with the sector; to
 * @dst. What DW0 says is compared with the data; if the data was read and
 * written, it is what could be.
 */
static void nvme_copy(struct pt_ring *r, struct image *src, struct image *dst,
		      unsigned int nr, size_t len, unsigned int bad,
		      bool emulated, const char *what)
{
	struct nvme_uring_cmd cmd;
	uint64_t result = 0, slba;
	uint16_t nlb = len / 512 - 1;
	size_t from, blocks_done;
	unsigned int i;
	int ret;

	copy_begin(&copy, dst, 512, 0);
	memset(list, 0, sizeof(list));
	for (i = 0; i < nr; i++) {
		from = i == bad ? BEFORE - 512 : BEFORE + 1024 + i * 512;
		copy_add(&copy, src, from, len);
		slba = (src->from + from) / 512;
		memcpy(list + 32 * i + 8, &slba, 8);
		memcpy(list + 32 * i + 16, &nlb, 2);
	}
	pt_rw(&cmd, dst->ns, PT_COPY, (dst->from + 512) / 512, 1, list,
	      nr * 32);
	cmd.cdw12 = nr - 1;
	ret = pt_do(r, dst->ns->fd, &cmd, 0, &result);
	test_check((ret & 0x7ff) == COPY_SC_READ_ERROR ||
		   (ret & 0x7ff) == COPY_SC_WRITE_FAULT, "%s: %d (%#x)", what,
		   ret, ret);
	test_check((uint32_t)result <= bad,
		   "%s: DW0 is %u, and range %u is not copied", what,
		   (uint32_t)result, bad);
	test_check(!emulated || (uint32_t)result == bad,
		   "%s: DW0 is %u, and %u ranges are copied", what,
		   (uint32_t)result, bad);
	printf("#   %s: DW0 %u of %u\n", what, (uint32_t)result, bad);
	blocks_done = (uint32_t)result * len;
	image_check_part(dst, 0, 512, what);
	image_check_part(dst, 512 + nr * len, dst->len - 512 - nr * len, what);
	copy_model(&copy);
	image_check_part(dst, 512, blocks_done, what);
	image_read(dst);
}

static void nvme_copies(struct pt_ring *r)
{
	unsigned int n;

	test_step("NVMe Copy, %s ring", pt_mode_name(r->mode));
	for (n = 0; n < 2; n++) {
		struct image src, dst;

		image_init(&src, &faulty[n], SECTOR(READ_ALWAYS, 3) - BEFORE,
			   AREA);
		image_init(&dst, &faulty[n], 10 * MIB, MIB);
		/* see add_ranges() */
		if (n)
			nvme_copy(r, &src, &dst, 10, 1024, 0, true,
				  "the first range");
		image_refill(&dst, 0, dst.len);
		nvme_copy(r, &src, &dst, 10, 1024, 4, n,
			  "a range in the middle");
		image_refill(&dst, 0, dst.len);
		nvme_copy(r, &src, &dst, 10, 1024, 9, n, "the last range");
		image_refill(&dst, 0, dst.len);
		nvme_copy(r, &src, &dst, 100, 4096, 61, n, "one of a hundred");
		image_refill(&dst, 0, dst.len);
		nvme_copy(r, &src, &dst, 4, 200 * 512, 2, n, "long ones");
		image_free(&src);
		image_free(&dst);
	}
}

int main(void)
{
	static const unsigned int flags[] = {
		0, NVME_STEER_COPY_F_EMULATE,
	};
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	unsigned int n, f, layout, once[2] = { };
	struct pt_ring *r;

	test_begin(150);
	copy_open(&faulty[0], "faulty", 1);
	copy_open(&faulty[1], "faulty", 2);
	copy_open(&plain, "copies", 4);
	steer_puppet_copy(&policy, faulty[0].ctrl, &config);
	steer_puppet_copy(&plain_policy, plain.ctrl, &config);
	copy_init(&copy, 512);
	pt_ring_init(&ring, 16, 0);
	pt_ring_init(&poll, 16, PT_IOPOLL);

	for (n = 0; n < 2; n++) {
		for (f = 0; f < 2; f++) {
			r = f ? &poll : &ring;
			policy.state->copy_route = f ? 2 : n;
			test_step("ng%s, flags %#x", faulty[n].name, flags[f]);
			for (layout = 0; layout < LAYOUTS; layout++) {
				writing(r, &faulty[n], flags[f], WRITE_ALWAYS,
					layout % 4, layout);
				if (!n && !f && layout >= BY_CONTROLLER)
					continue;
				reading(r, &faulty[n], flags[f], READ_ALWAYS,
					layout % 3, layout);
				if (layout > 3)
					continue;
				reading(r, &faulty[n], flags[f], READ_ONCE,
					once[n], layout);
				writing(r, &faulty[n], flags[f], WRITE_ONCE,
					once[n]++, layout);
			}
		}
	}
	printf("# %u copies failed, of %u all is known, %u that met an error once did not\n",
	       failures, exact, successes);
	test_check(exact, "no copy was read and written");
	policy.state->copy_route = 0;
	nvme_copies(&ring);
	policy.state->copy_route = 1;
	nvme_copies(&ring);
	policy.state->copy_route = 2;
	nvme_copies(&poll);
	test_pass();
}
