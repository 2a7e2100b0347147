// SPDX-License-Identifier: GPL-2.0
/*
 * The data of rows of copies: ranges that lie apart on the device, in no
 * order, and the place they are to be put together. What is there and what
 * must be there afterwards goes through the block device. Before each copy
 * its place holds the opposite of every byte, afterwards it is compared whole,
 * with its neighbours; in the end all that the row could have touched is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#include "bench.h"

/* Neighbours: larger than any logical block. */
#define GUARD	8192

/*
 * At a time: a guest that counts instructions and waits has its clock jump, and
 * what takes the emulator long would time out.
 */
#define STEP	((size_t)4 << 20)

/* Every second place, in an order that is no order. */
static void scatter(struct bench *b)
{
	unsigned int i, j, n = b->row.ranges, order[MAX_RANGES], seed = 1;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		j = (seed >> 8) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	for (i = 0; i < n; i++)
		b->copies.from[i] = 2ull * order[i] * b->row.bytes;
}

static void transfer(const struct bench *b, bool write, char *p, size_t size,
		     uint64_t at)
{
	size_t step;
	ssize_t ret;

	while (size) {
		step = MIN(size, STEP);
		ret = write ? pwrite(b->dev->block_fd, p, step, at) :
			      pread(b->dev->block_fd, p, step, at);
		if (ret <= 0)
			die("the block device", ret < 0 ? errno : EIO);
		p += ret;
		at += ret;
		size -= ret;
	}
}

void copies__open(struct bench *b)
{
	struct copies *c = &b->copies;
	unsigned int i, slot;
	char *area;
	size_t all;

	c->total = (size_t)b->row.ranges * b->row.bytes;
	c->to = 2 * c->total + GUARD;
	c->area = c->to + c->total + GUARD;
	all = c->area * b->nr_slots;
	if (b->base + all > b->dev->size)
		die("the namespace is too small for the copy", EFBIG);
	c->from = malloc(b->row.ranges * sizeof(*c->from));
	if (!c->from)
		die("malloc", ENOMEM);
	scatter(b);

	c->image = data__pattern(all);
	transfer(b, true, c->image, all, b->base);
	c->poison = data__map(c->total * b->nr_slots);
	c->got = data__map(c->total + 2 * GUARD);
	for (slot = 0; slot < b->nr_slots; slot++) {
		area = c->image + slot * c->area;
		for (i = 0; i < b->row.ranges; i++)
			memcpy(area + c->to + (size_t)i * b->row.bytes,
			       area + c->from[i], b->row.bytes);
		data__invert(c->poison + slot * c->total, area + c->to,
			     c->total);
	}
	b->data.buffer = data__buffer(&b->row);
}

void copies__poison(struct bench *b)
{
	struct copies *c = &b->copies;
	unsigned int slot;

	for (slot = 0; slot < b->nr_slots; slot++)
		transfer(b, true, c->poison + slot * c->total, c->total,
			 copies__to(b, slot));
	if (b->row.kind->buffered)
		memset(b->data.buffer, 0, row__room(&b->row));
}

static void compare(const struct bench *b, const char *got, const char *want,
		    size_t size, const char *what)
{
	size_t i = 0;

	if (!memcmp(got, want, size))
		return;
	while (got[i] == want[i])
		i++;
	fprintf(stderr, "nvmesteer-bench: %s: %s, byte %zd: got %02x, not %02x\n",
		b->row.text, what, i, (unsigned char)got[i],
		(unsigned char)want[i]);
	exit(1);
}

uint64_t copies__verify(struct bench *b)
{
	struct copies *c = &b->copies;
	const char *want;
	unsigned int slot;

	for (slot = 0; slot < b->nr_slots; slot++) {
		want = c->image + slot * c->area + c->to;
		transfer(b, false, c->got, c->total + 2 * GUARD,
			 copies__to(b, slot) - GUARD);
		compare(b, c->got + GUARD, want, c->total, "the copy");
		compare(b, c->got, want - GUARD, GUARD, "what is before it");
		compare(b, c->got + GUARD + c->total, want + c->total, GUARD,
			"what is behind it");
	}
	return c->total * b->nr_slots;
}

/* What copies were made from, and all that lies between. */
static void verify_all(struct bench *b)
{
	struct copies *c = &b->copies;
	size_t at, step, all = c->area * b->nr_slots;

	for (at = 0; at < all; at += step) {
		step = all - at < c->total + 2 * GUARD ? all - at :
							 c->total + 2 * GUARD;
		transfer(b, false, c->got, step, b->base + at);
		compare(b, c->got, c->image + at, step, "all that was used");
	}
}

void copies__close(struct bench *b)
{
	struct copies *c = &b->copies;

	verify_all(b);
	munmap(c->image, c->area * b->nr_slots);
	munmap(c->poison, c->total * b->nr_slots);
	munmap(c->got, c->total + 2 * GUARD);
	free(c->from);
	if (!b->row.huge)
		munmap(b->data.buffer, row__room(&b->row));
}
