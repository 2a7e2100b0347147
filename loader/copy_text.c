// SPDX-License-Identifier: GPL-2.0
/*
 * Places and sizes of a copy as text: what the user writes, and the command
 * that continues a copy.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "copy_job.h"

/* Behind a suffix, or @s itself; *@shift is what it stands for. */
static const char *suffix(const char *s, unsigned int *shift)
{
	static const char letters[] = "kmgt";
	const char *letter = *s ? strchr(letters, tolower((unsigned char)*s)) :
				  NULL;

	*shift = 0;
	if (!letter)
		return s;
	*shift = 10 * (letter - letters + 1);
	s++;
	return strncmp(s, "iB", 2) ? s : s + 2;
}

const char *copy_text__size(const char *text, uint64_t *value, char *why)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	unsigned long long n;
	unsigned int shift;
	const char *end;
	char *digits;

	errno = 0;
	n = strtoull(text, &digits, hex ? 16 : 10);
	if (!isdigit((unsigned char)*text) || (hex && digits <= text + 2)) {
		snprintf(why, COPY_WHY,
			 "'%.64s' is no number of bytes; write 4096, 0x1000 or 4k",
			 text);
		return NULL;
	}
	end = suffix(digits, &shift);
	if (errno || (n << shift) >> shift != n ||
	    n << shift > INT64_MAX) {
		snprintf(why, COPY_WHY, "'%.64s' is more than any device holds",
			 text);
		return NULL;
	}
	*value = n << shift;
	return end;
}

static bool bad_place(const char *text, bool with_len, char *why)
{
	snprintf(why, COPY_WHY, "'%.200s' is no place; write %s", text,
		 with_len ? "nvme0n1:OFFSET+LEN, for instance nvme0n1:0+64M" :
			    "nvme0n1:OFFSET, for instance nvme0n1:0");
	return false;
}

/* Paths of devices may have colons too: the last one counts. */
bool copy_text__place(const char *text, char **dev, uint64_t *offset,
		      uint64_t *len, bool *to_end, char *why)
{
	const char *colon = strrchr(text, ':'), *end;

	if (!colon || colon == text || !colon[1])
		return bad_place(text, len, why);
	end = copy_text__size(colon + 1, offset, why);
	if (!end)
		return false;
	if (len) {
		*to_end = !*end;
		*len = 0;
		if (*end == '+' && end[1]) {
			end = copy_text__size(end + 1, len, why);
			if (!end)
				return false;
		}
	}
	if (*end)
		return bad_place(text, len, why);
	*dev = strndup(text, colon - text);
	if (!*dev)
		abort();
	return true;
}

/* As a shell reads it as one word. */
static void word(const char *text, FILE *file)
{
	if (!text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789/_.:@%+,-")]) {
		fputs(text, file);
		return;
	}
	fputc('\'', file);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", file);
		fputc(*text, file);
	}
	fputc('\'', file);
}

static void command(const struct copy_job *job, uint64_t to,
		    const char *options, FILE *file)
{
	fputs(" --to ", file);
	word(job->to->arg, file);
	fprintf(file, ":%" PRIu64 "%s\n", job->to_offset + to, options);
}

static void source(const struct copy_range *r, uint64_t offset, uint64_t len,
		   FILE *file)
{
	fputs(" --from ", file);
	word(r->dev->arg, file);
	fprintf(file, ":%" PRIu64 "+%" PRIu64, offset, len);
}

void copy_text__rest(const struct copy_job *job, uint64_t copied,
		     const char *options, FILE *file)
{
	const struct copy_range *r = job->ranges, *end = r + job->nr;
	uint64_t done, to = copied;

	while (r < end && copied >= r->start + r->len)
		r++;
	if (r == end)
		return;
	done = copied - r->start;
	/* what is left of it goes elsewhere than in front of the next range */
	if (r->backwards && done) {
		fputs("nvmesteer copy", file);
		source(r, r->offset, r->len - done, file);
		command(job, r->start, options, file);
		to = r->start + r->len;
		done = 0;
		r++;
	}
	if (r == end)
		return;
	fputs("nvmesteer copy", file);
	for (; r < end; r++, done = 0)
		source(r, r->offset + done, r->len - done, file);
	command(job, to, options, file);
}
