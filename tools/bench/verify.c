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
#include <unistd.h>

#include "bench.h"

static char *pages(size_t size)
{
	void *p;

	if (posix_memalign(&p, 4096, size))
		die("posix_memalign", ENOMEM);
	return p;
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

static void invert(char *to, const char *from, size_t size)
{
	const uint64_t *f = (const uint64_t *)from;
	uint64_t i, *t = (uint64_t *)to;

	for (i = 0; i < size / sizeof(*t); i++)
		t[i] = ~f[i];
}

static void read_block(const struct bench *b, char *to)
{
	ssize_t ret = pread(b->dev->block_fd, to, b->data.size, 0);

	if (ret != (ssize_t)b->data.size)
		die("reading the block device", ret < 0 ? errno : EIO);
}

static void write_block(const struct bench *b, const char *from)
{
	ssize_t ret = pwrite(b->dev->block_fd, from, b->data.size, 0);

	if (ret != (ssize_t)b->data.size)
		die("writing the block device", ret < 0 ? errno : EIO);
}

void data__open(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return;
	d->size = (size_t)b->nr_slots * b->row.bytes;
	if (d->size > b->dev->size)
		die("the namespace is smaller than one batch", EFBIG);
	d->buffer = pages(d->size);
	d->want = pages(d->size);
	d->poison = pages(d->size);
	if (b->dev->may_write) {
		make_pattern(d->want, d->size);
		if (!b->row.write)
			write_block(b, d->want);
	} else {
		read_block(b, d->want);
	}
	invert(d->poison, d->want, d->size);
	/* Present before anything is measured. */
	memcpy(d->buffer, d->poison, d->size);
}

/* Of a row that writes, the place on the device is what gets poisoned. */
void data__poison(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return;
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
		"nvmesteer-bench: %s, command %zu, byte %zu: got %02x, not %02x%s\n",
		b->row.kind->name, i / b->row.bytes, i % b->row.bytes,
		(unsigned char)got[i], (unsigned char)b->data.want[i],
		got[i] == b->data.poison[i] ? " (nothing was transferred)" : "");
	exit(1);
}

uint64_t data__verify(struct bench *b)
{
	struct data *d = &b->data;

	if (b->row.kind->no_data)
		return 0;
	if (b->row.write)
		read_block(b, d->buffer);
	if (memcmp(d->buffer, d->want, d->size))
		differs(b, d->buffer);
	return d->size;
}

void data__close(struct bench *b)
{
	free(b->data.buffer);
	free(b->data.want);
	free(b->data.poison);
}
