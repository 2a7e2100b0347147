// SPDX-License-Identifier: GPL-2.0
/*
 * A row's data. What is on the device is known from the block device, which
 * no policy touches: where we may write, a fresh pattern is put there first,
 * otherwise what is there is read. Buffers hold the opposite of every byte
 * before a round and are compared whole after it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define HUGE	(2UL << 20)

char *data__map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap", errno);
	return p;
}

/*
 * How contiguous a buffer is decides what large commands cost, and must not
 * depend on what ran before: it is in huge pages, ...
 */
static char *huge_pages(size_t size)
{
	char *p = data__map(size + HUGE);

	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0, size);
	return p;
}

/* ... or in small ones that are taken from the system in a random order. */
static char *scattered_pages(size_t size)
{
	size_t i, j, swap, n = (size + 4095) / 4096;
	uint32_t *order = malloc(n * sizeof(*order)), seed = 1;
	char *p = data__map(size);

	if (!order)
		die("malloc", ENOMEM);
	madvise(p, size, MADV_NOHUGEPAGE);
	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i > 0; i--) {
		seed = seed * 1664525 + 1013904223;
		j = (seed >> 8) % (i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	for (i = 0; i < n; i++)
		p[(size_t)order[i] * 4096] = 0;
	free(order);
	return p;
}

static char *huge_buffer;

static size_t huge_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kb = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb << 10;
}

void data__reserve(size_t size)
{
	if (!size)
		return;
	size = (size + HUGE - 1) & ~(HUGE - 1);
	huge_buffer = huge_pages(size);
	if (huge_bytes() < size)
		die("there are no huge pages; see /sys/kernel/mm/transparent_hugepage",
		    ENOMEM);
}

/* Each 8 bytes say where and for which row they were written. */
static void make_pattern(char *to, size_t size)
{
	static uint64_t generation;
	uint64_t i, *word = (uint64_t *)to;

	generation++;
	for (i = 0; i < size / sizeof(*word); i++)
		word[i] = (i << 3 | generation << 40) * 0x9e3779b97f4a7c15;
}

char *data__pattern(size_t size)
{
	char *p = data__map(size);

	make_pattern(p, size);
	return p;
}

void data__invert(char *to, const char *from, size_t size)
{
	const uint64_t *f = (const uint64_t *)from;
	uint64_t i, *t = (uint64_t *)to;

	for (i = 0; i < size / sizeof(*t); i++)
		t[i] = ~f[i];
}

/* Room for all that the row's commands read into or write from. */
char *data__buffer(const struct row *row)
{
	return row->huge ? huge_buffer : scattered_pages(row__room(row));
}

static void read_block(const struct bench *b, char *to)
{
	ssize_t ret = pread(b->dev->block_fd, to, b->data.size,
			    b->base);

	if (ret != (ssize_t)b->data.size)
		die("reading the block device", ret < 0 ? errno : EIO);
}

static void write_block(const struct bench *b, const char *from)
{
	ssize_t ret = pwrite(b->dev->block_fd, from, b->data.size,
			     b->base);

	if (ret != (ssize_t)b->data.size)
		die("writing the block device", ret < 0 ? errno : EIO);
}

void data__open(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return;
	if (b->row.kind->copies) {
		copies__open(b);
		return;
	}
	d->size = (size_t)b->nr_slots * b->row.bytes;
	if (b->base + d->size > b->dev->size)
		die("the namespace is smaller than one batch", EFBIG);
	d->room = (d->size + 4095) & ~4095ul;
	d->buffer = data__buffer(&b->row);
	d->want = data__map(d->size);
	d->poison = data__map(d->size);
	if (b->dev->may_write) {
		make_pattern(d->want, d->size);
		if (!b->row.write)
			write_block(b, d->want);
	} else {
		read_block(b, d->want);
	}
	data__invert(d->poison, d->want, d->size);
	/* Present before anything is measured. */
	memcpy(d->buffer, d->poison, d->size);
}

/* Of a row that writes, the place on the device is what gets poisoned. */
void data__poison(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return;
	if (b->row.kind->copies) {
		copies__poison(b);
		return;
	}
	if (b->row.write) {
		write_block(b, d->poison);
		memcpy(d->buffer, d->want, d->size);
	} else {
		memcpy(d->buffer, d->poison, d->size);
	}
}

static void differs(const struct bench *b, const char *got)
{
	size_t i = 0;

	while (got[i] == b->data.want[i])
		i++;
	fprintf(stderr,
		"nvmesteer-bench: %s: command %zu, byte %zu: got %02x, not %02x%s\n",
		b->row.text, i / b->row.bytes, i % b->row.bytes,
		(unsigned char)got[i], (unsigned char)b->data.want[i],
		got[i] == b->data.poison[i] ? " (nothing was transferred)" : "");
	exit(1);
}

uint64_t data__verify(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return 0;
	if (b->row.kind->copies)
		return copies__verify(b);
	if (b->row.write)
		read_block(b, d->buffer);
	if (memcmp(d->buffer, d->want, d->size))
		differs(b, d->buffer);
	return d->size;
}

void data__close(struct bench *b)
{
	if (b->row.kind->copies)
		copies__close(b);
	if (!b->data.size)
		return;
	if (!b->row.huge)
		munmap(b->data.buffer, row__room(&b->row));
	munmap(b->data.want, b->data.size);
	munmap(b->data.poison, b->data.size);
}
