// SPDX-License-Identifier: GPL-2.0
/*
 * What every compiled test needs; see test.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

#define MAX_AT_END	32

static char step[256] = "start";
static pid_t owner;

static struct {
	void (*fn)(void *arg);
	void *arg;
} at_end[MAX_AT_END];
static unsigned int nr_at_end;

static void run_at_end(void)
{
	/* children inherit the list and the duty stays with the parent */
	if (getpid() != owner)
		return;
	while (nr_at_end) {
		nr_at_end--;
		at_end[nr_at_end].fn(at_end[nr_at_end].arg);
	}
}

static void out_of_time(int sig)
{
	char text[320];
	int len;

	len = snprintf(text, sizeof(text),
		       "not ok: out of time during: %s\n", step);
	if (write(STDOUT_FILENO, text, len) < 0)
		_exit(TEST_FAIL);
	_exit(TEST_FAIL);
}

void test_begin(unsigned int seconds)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	owner = getpid();
	atexit(run_at_end);
	signal(SIGALRM, out_of_time);
	alarm(seconds * test_slow());
}

void test_step(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(step, sizeof(step), fmt, ap);
	va_end(ap);
	printf("# %s\n", step);
}

void test_fail_at(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	printf("not ok: %s:%d: during: %s: ", base ? base + 1 : file, line,
	       step);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(TEST_FAIL);
}

void test_pass(void)
{
	exit(TEST_PASS);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	printf("skip: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(TEST_SKIP);
}

void test_at_end(void (*fn)(void *), void *arg)
{
	test_check(nr_at_end < MAX_AT_END, "too much to undo");
	at_end[nr_at_end].fn = fn;
	at_end[nr_at_end++].arg = arg;
}

void test_not_at_end(void (*fn)(void *), void *arg)
{
	unsigned int i;

	for (i = nr_at_end; i-- > 0;) {
		if (at_end[i].fn != fn || at_end[i].arg != arg)
			continue;
		memmove(&at_end[i], &at_end[i + 1],
			(--nr_at_end - i) * sizeof(at_end[0]));
		return;
	}
}

unsigned long test_env(const char *name, unsigned long def)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : def;
}

uint64_t test_seed(void)
{
	static uint64_t seed;

	if (!seed)
		seed = test_env("SEED", 0) ?: (uint64_t)time(NULL) % 1000000 + 1;
	return seed;
}

unsigned int test_slow(void)
{
	static unsigned int slow;

	if (!slow)
		slow = test_env("NVMESTEER_SLOW", 1) ?: 1;
	return slow;
}

uint64_t test_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

ssize_t test_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0) {
			n = -errno;
			close(fd);
			return n;
		}
		len += n;
		/* sysfs gives a page at a time, and less at the end */
	} while (n == 4096 && len < size - 1);
	buf[len] = '\0';
	close(fd);
	return len;
}

int test_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

bool test_exists(const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return !access(path, F_OK);
}

struct saved_file {
	char *path;
	char text[4096];
};

static void write_back(void *arg)
{
	struct saved_file *saved = arg;

	test_write(saved->path, saved->text);
}

void test_set_file(const char *path, const char *text)
{
	struct saved_file *saved = calloc(1, sizeof(*saved));
	ssize_t ret;

	test_check(saved && (saved->path = strdup(path)), "no memory");
	ret = test_read(path, saved->text, sizeof(saved->text));
	test_check(ret >= 0, "cannot read %s: %s", path, strerror(-ret));
	test_at_end(write_back, saved);
	ret = test_write(path, text);
	test_check(!ret, "cannot write %s: %s", path, strerror(-ret));
}

int test_sh(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ret = system(text);
	return WIFEXITED(ret) ? WEXITSTATUS(ret) : 255;
}

void *test_alloc(size_t size)
{
	void *p;

	test_check(!posix_memalign(&p, 4096, size), "no memory");
	memset(p, 0, size);
	return p;
}
