/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every compiled test needs: ending with a sentence and the right exit
 * code, waiting for a condition, small files, and undoing on the way out.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

#define TEST_PASS	0
#define TEST_FAIL	1
#define TEST_SKIP	4

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* End the test: failed, at a place and with a sentence. */
void test_fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
#define test_fail(...)	test_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* End the test: passed. Not by return: what is undone may be in main()'s frame */
void test_pass(void) __attribute__((noreturn));

/* End the test: what it needs is not here, and the sentence says what. */
void test_skip(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define test_check(cond, ...) \
	do { \
		if (!(cond)) \
			test_fail(__VA_ARGS__); \
	} while (0)

/*
 * Start of every test: a test that takes longer than @seconds fails, saying
 * the last step it began.
 */
void test_begin(unsigned int seconds);

/* Name the step that begins; printed at once, and again when it fails. */
void test_step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Run at the end of the test, however it ends, last one first. */
void test_at_end(void (*fn)(void *), void *arg);
/* It was done already. */
void test_not_at_end(void (*fn)(void *), void *arg);

/* A counter from the environment (COUNT, ...), or its default. */
unsigned long test_env(const char *name, unsigned long def);

uint64_t test_now_ms(void);

/* What the test draws its choices from: SEED, or else another each time. */
uint64_t test_seed(void);

/* How many times longer than usual things may take; selftests/run --slow. */
unsigned int test_slow(void);

/* Wait until @cond holds, at most @ms; the value of @cond at the end. */
#define test_wait(cond, ms) ({ \
	uint64_t __end = test_now_ms() + (uint64_t)(ms) * test_slow(); \
	bool __ok; \
	while (!(__ok = (cond)) && test_now_ms() < __end) \
		usleep(2000); \
	__ok || (cond); })

/* Small files. Return the length or 0, or -errno. */
ssize_t test_read(const char *path, char *buf, size_t size);
int test_write(const char *path, const char *text);
bool test_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Write @text to a file, and write back what was there when the test ends. */
void test_set_file(const char *path, const char *text);

/* Run a shell command; its exit code. */
int test_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Page-aligned zeroed memory, to be freed with free(). */
void *test_alloc(size_t size);

#endif /* TEST_H */
