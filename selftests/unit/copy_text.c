// SPDX-License-Identifier: GPL-2.0
/*
 * Places and sizes of a copy as a person writes them, and the command that
 * continues a copy.
 */
#include "copy_job.h"
#include "test.h"

static void size_is(const char *text, uint64_t want, const char *rest)
{
	char why[COPY_WHY] = "";
	uint64_t got = 1;
	const char *end = copy_text__size(text, &got, why);

	test_check(end, "'%s' is refused: %s", text, why);
	test_check(got == want, "'%s' is %llu", text, (unsigned long long)got);
	test_check(!strcmp(end, rest), "'%s' leaves '%s'", text, end);
}

static void no_size(const char *text, const char *word)
{
	char why[COPY_WHY] = "";
	uint64_t got;

	test_check(!copy_text__size(text, &got, why), "'%s' is taken", text);
	test_check(strstr(why, word), "'%s': '%s' does not say '%s'", text, why,
		   word);
}

static void test_sizes(void)
{
	test_step("sizes");
	size_is("0", 0, "");
	size_is("4096+", 4096, "+");
	size_is("010", 10, "");
	size_is("0x10", 16, "");
	size_is("0XfFk", 255 << 10, "");
	size_is("4k", 4096, "");
	size_is("4K", 4096, "");
	size_is("4KiB", 4096, "");
	size_is("3M+1", 3 << 20, "+1");
	size_is("2g", 2ULL << 30, "");
	size_is("1TiB", 1ULL << 40, "");
	size_is("4kB", 4096, "B");
	size_is("9223372036854775807", INT64_MAX, "");
	no_size("", "no number");
	no_size("k", "no number");
	no_size("-1", "no number");
	no_size("+1", "no number");
	no_size(" 1", "no number");
	no_size("0x", "no number");
	no_size("0xg", "no number");
	no_size("9223372036854775808", "more than any device");
	no_size("99999999999999999999", "more than any device");
	no_size("16777216T", "more than any device");
}

static void place_is(const char *text, bool from, const char *dev,
		     uint64_t offset, uint64_t len)
{
	uint64_t got_offset = 1, got_len = 0;
	char why[COPY_WHY] = "", *got = NULL;
	bool to_end = false;

	test_check(copy_text__place(text, &got, &got_offset,
				    from ? &got_len : NULL, &to_end, why),
		   "'%s' is refused: %s", text, why);
	test_check(!strcmp(got, dev) && got_offset == offset && got_len == len,
		   "'%s' is %s at %llu, %llu", text, got,
		   (unsigned long long)got_offset,
		   (unsigned long long)got_len);
	test_check(to_end == (from && !len), "'%s': to the end?", text);
	free(got);
}

static void no_place(const char *text, bool from, const char *word)
{
	char why[COPY_WHY] = "", *dev;
	uint64_t offset, len;
	bool to_end;

	test_check(!copy_text__place(text, &dev, &offset, from ? &len : NULL,
				     &to_end, why), "'%s' is taken", text);
	test_check(strstr(why, word), "'%s': '%s' does not say '%s'", text, why,
		   word);
}

static void test_places(void)
{
	test_step("places");
	place_is("nvme0n1:0+4k", true, "nvme0n1", 0, 4096);
	place_is("/dev/ng0n1:0x200+1", true, "/dev/ng0n1", 512, 1);
	place_is("/dev/disk/by-path/pci-0000:00:02.0-nvme-1:1M+2MiB", true,
		 "/dev/disk/by-path/pci-0000:00:02.0-nvme-1", 1 << 20, 2 << 20);
	place_is("nvme0n1:8k", true, "nvme0n1", 8192, 0);
	place_is("nvme0n1:8k", false, "nvme0n1", 8192, 0);
	no_place("nvme0n1", true, "nvme0n1:0+64M");
	no_place("nvme0n1:", true, "no place");
	no_place(":0+4k", true, "no place");
	no_place("nvme0n1:0+", true, "no place");
	no_place("nvme0n1:0+4kB", true, "no place");
	no_place("nvme0n1:0-4k", true, "no place");
	no_place("nvme0n1:x+4k", true, "'x+4k' is no number");
	no_place("nvme0n1:0+4k", false, "nvme0n1:0");
	no_place("nvme0n1:0+y", true, "'y' is no number");
}

/* Two ranges, the first of which has to be moved from its end. */
static void rest_is(bool backwards, uint64_t copied, const char *want)
{
	static struct copy_dev a = { .arg = "nvme0n1" };
	static struct copy_dev b = { .arg = "/dev/it's" };
	struct copy_range ranges[] = {
		{ .dev = &a, .offset = 1000, .len = 100,
		  .backwards = backwards },
		{ .dev = &b, .offset = 0, .len = 50, .start = 100 },
	};
	struct copy_job job = { .ranges = ranges, .nr = 2, .to = &a,
				.to_offset = 5000, .len = 150 };
	char text[512] = "";
	FILE *file = fmemopen(text, sizeof(text), "w");

	copy_text__rest(&job, copied, " --fua", file);
	fclose(file);
	test_check(!strcmp(text, want), "after %llu: '%s', not '%s'",
		   (unsigned long long)copied, text, want);
}

static void test_rest(void)
{
	test_step("the command that continues");
	rest_is(false, 30,
		"nvmesteer copy --from nvme0n1:1030+70 --from '/dev/it'\\''s':0+50 --to nvme0n1:5030 --fua\n");
	rest_is(false, 100,
		"nvmesteer copy --from '/dev/it'\\''s':0+50 --to nvme0n1:5100 --fua\n");
	rest_is(false, 150, "");
	rest_is(true, 30,
		"nvmesteer copy --from nvme0n1:1000+70 --to nvme0n1:5000 --fua\n"
		"nvmesteer copy --from '/dev/it'\\''s':0+50 --to nvme0n1:5100 --fua\n");
	rest_is(true, 110,
		"nvmesteer copy --from '/dev/it'\\''s':10+40 --to nvme0n1:5110 --fua\n");
	rest_is(true, 0,
		"nvmesteer copy --from nvme0n1:1000+100 --from '/dev/it'\\''s':0+50 --to nvme0n1:5000 --fua\n");
}

int main(void)
{
	test_begin(20);
	test_sizes();
	test_places();
	test_rest();
	test_pass();
}
