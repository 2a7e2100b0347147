// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel says about steering: the files below
 * /sys/class/nvme/<controller>/steer, and why they may be missing. A key that
 * is not known here is skipped, so that a newer module can say more.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvmesteer.h"

#define CAP_SYS_ADMIN_BIT	21
#define BLANKS			" \t"

const char *kstate_sysfs = "/sys";

/* ------------------------------------------------------------- small files */

static bool exists(const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", kstate_sysfs, path);
	return !access(whole, F_OK);
}

static int steer_path(char path[PATH_MAX], const char *ctrl, const char *file)
{
	int len = snprintf(path, PATH_MAX, "%s/class/nvme/%s/steer/%s",
			   kstate_sysfs, ctrl, file);

	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* All of @fd as a string to be freed. */
static int slurp(int fd, char **text)
{
	size_t len = 0, size = 4096;
	char *buf = malloc(size + 1), *grown;
	ssize_t got;

	if (!buf)
		return -ENOMEM;
	while ((got = read(fd, buf + len, size - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			free(buf);
			return got;
		}
		len += got;
		if (len < size)
			continue;
		size *= 2;
		grown = realloc(buf, size + 1);
		if (!grown) {
			free(buf);
			return -ENOMEM;
		}
		buf = grown;
	}
	buf[len] = '\0';
	*text = buf;
	return 0;
}

int kstate__text(const char *ctrl, const char *file, char **text)
{
	char path[PATH_MAX];
	int fd, err;

	*text = NULL;
	err = steer_path(path, ctrl, file);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = slurp(fd, text);
	close(fd);
	return err;
}

int kstate__write(const char *ctrl, const char *file, const char *text)
{
	char path[PATH_MAX];
	ssize_t put;
	int fd, err;

	err = steer_path(path, ctrl, file);
	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* A missing file is another thing than the ENOENT of a write. */
	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	put = write(fd, text, strlen(text));
	err = put < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* ----------------------------------------------------------------- parsing */

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* "-" is absent: -1. */
static int number_or_absent(const char *text)
{
	return strcmp(text, "-") ? (int)strtol(text, NULL, 10) : -1;
}

/* The value of "key=value" when @word has this key. */
static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(word, key, len) && word[len] == '=' ?
		       word + len + 1 : NULL;
}

static void parse_reserve(struct ctrl_state *s, char *text)
{
	const struct {
		const char *key;
		unsigned int *to;
	} known[] = {
		{ "asked", &s->asked }, { "granted", &s->granted },
		{ "used", &s->used }, { "first_qid", &s->first_qid },
		{ "vectors", &s->vectors },
		{ "vectors_used", &s->vectors_used },
		{ "max_depth", &s->max_depth },
	};
	char *word, *save = NULL;
	const char *value;
	size_t i;

	for (word = strtok_r(text, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save))
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			value = value_of(word, known[i].key);
			if (value)
				*known[i].to = strtoul(value, NULL, 10);
		}
}

static void parse_weight(struct ctrl_state *s, const char *word)
{
	static const char *const keys[] = { "high", "medium", "low" };
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = value_of(word, keys[i]);
		if (value)
			s->weights[i] = strtoul(value, NULL, 10);
	}
}

/*
 * "rr [wrr] high=16 medium=8 low=1": what the controller can, in brackets what
 * is enabled, and what weights a policy has set.
 */
static void parse_arbitration(struct ctrl_state *s, char *text)
{
	char *word, *save = NULL;

	for (word = strtok_r(text, BLANKS "\n", &save); word;
	     word = strtok_r(NULL, BLANKS "\n", &save)) {
		if (*word == '[') {
			word++;
			word[strcspn(word, "]")] = '\0';
			copy(s->arbitration, sizeof(s->arbitration), word);
		}
		s->has_wrr |= !strcmp(word, "wrr");
		parse_weight(s, word);
	}
}

static void parse_queue_counter(struct queue_state *q, const char *word)
{
	const struct {
		const char *key;
		uint64_t *to;
	} known[] = {
		{ "submitted", &q->submitted }, { "completed", &q->completed },
		{ "failed", &q->failed }, { "cancelled", &q->cancelled },
		{ "inflight", &q->inflight }, { "doorbells", &q->doorbells },
		{ "sq_doorbells", &q->sq_doorbells },
		{ "cq_doorbells", &q->cq_doorbells },
		{ "interrupts", &q->interrupts },
		{ "share", &q->share }, { "waiting", &q->waiting },
	};
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		value = value_of(word, known[i].key);
		if (value)
			*known[i].to = strtoull(value, NULL, 10);
	}
}

static void parse_queue_word(struct queue_state *q, const char *word)
{
	const char *value;

	if ((value = value_of(word, "mode")))
		copy(q->mode, sizeof(q->mode), value);
	else if ((value = value_of(word, "state")))
		copy(q->state, sizeof(q->state), value);
	else if ((value = value_of(word, "owner")))
		copy(q->owner, sizeof(q->owner), value);
	else if ((value = value_of(word, "qid")))
		q->qid = number_or_absent(value);
	else if ((value = value_of(word, "depth")))
		q->depth = number_or_absent(value);
	else if ((value = value_of(word, "vector")))
		q->vector = number_or_absent(value);
	else if ((value = value_of(word, "irq")))
		q->irq = number_or_absent(value);
	else if ((value = value_of(word, "cpu")))
		copy(q->cpus, sizeof(q->cpus), strcmp(value, "-") ? value : "");
	else if ((value = value_of(word, "prio")))
		copy(q->prio, sizeof(q->prio), strcmp(value, "-") ? value : "");
	else
		parse_queue_counter(q, word);
}

/* One line of the queues file; false when it names no queue. */
static bool parse_queue(struct queue_state *q, char *line)
{
	char *word, *save = NULL;

	memset(q, 0, sizeof(*q));
	q->qid = q->depth = q->vector = q->irq = -1;
	word = strtok_r(line, BLANKS, &save);
	if (!word || !isdigit((unsigned char)word[0]))
		return false;
	q->number = strtoul(word, NULL, 10);
	while ((word = strtok_r(NULL, BLANKS, &save)))
		parse_queue_word(q, word);
	return true;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int parse_queues(struct ctrl_state *s, char *text)
{
	char *line, *save = NULL;

	s->queues = calloc(count_lines(text), sizeof(*s->queues));
	if (!s->queues)
		return -ENOMEM;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		s->nr_queues += parse_queue(&s->queues[s->nr_queues], line);
	return 0;
}

static int parse_events(struct ctrl_state *s, char *text)
{
	char *line, *value, *save = NULL;
	struct event_state *e;

	s->events = calloc(count_lines(text), sizeof(*s->events));
	if (!s->events)
		return -ENOMEM;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		e = &s->events[s->nr_events++];
		copy(e->name, sizeof(e->name), line);
		e->count = strtoull(value, NULL, 10);
	}
	return 0;
}

/* "0-1,3" as bits; "-" is none. */
static uint32_t parse_bits(const char *text)
{
	unsigned long first, last;
	uint32_t bits = 0;
	char *end;

	while (isdigit((unsigned char)*text)) {
		first = last = strtoul(text, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < 32; first++)
			bits |= 1U << first;
		text = end + (*end == ',');
	}
	return bits;
}

static void parse_copy_word(struct copy_state *c, const char *word)
{
	const struct {
		const char *key;
		unsigned int *to;
	} known[] = {
		{ "mssrl", &c->mssrl }, { "mcl", &c->mcl },
		{ "msrc", &c->msrc },
	};
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		value = value_of(word, known[i].key);
		if (value)
			*known[i].to = strtoul(value, NULL, 10);
	}
	if ((value = value_of(word, "formats")))
		c->formats = parse_bits(value);
	else if ((value = value_of(word, "cross_ns")))
		c->cross_ns = *value == '1';
	else if ((value = value_of(word, "max_hw_bytes")))
		c->max_hw_bytes = strtoull(value, NULL, 10);
	else if ((value = value_of(word, "max_bytes")))
		c->max_bytes = strtoull(value, NULL, 10);
}

/* One line of the copy file; false when it names no namespace. */
static bool parse_copy(struct copy_state *c, char *line)
{
	char *word, *save = NULL;

	memset(c, 0, sizeof(*c));
	word = strtok_r(line, BLANKS, &save);
	if (!word || !isdigit((unsigned char)word[0]))
		return false;
	c->nsid = strtoul(word, NULL, 10);
	while ((word = strtok_r(NULL, BLANKS, &save)))
		parse_copy_word(c, word);
	return true;
}

static int parse_copies(struct ctrl_state *s, char *text)
{
	char *line, *save = NULL;

	s->copies = calloc(count_lines(text), sizeof(*s->copies));
	if (!s->copies)
		return -ENOMEM;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		s->nr_copies += parse_copy(&s->copies[s->nr_copies], line);
	return 0;
}

static void parse_path(struct path_state *p, char *text)
{
	char *word, *save = NULL;
	const char *value;

	for (word = strtok_r(text, BLANKS, &save); word;
	     word = strtok_r(NULL, BLANKS, &save))
		if ((value = value_of(word, "ctrl")))
			p->ctrl = strtol(value, NULL, 10);
		else if ((value = value_of(word, "policy")))
			copy(p->policy, sizeof(p->policy), value);
		else if ((value = value_of(word, "inflight")))
			p->inflight = strtoul(value, NULL, 10);
		else if ((value = value_of(word, "latency_us")))
			p->latency_us = strtoul(value, NULL, 10);
}

static void parse_exit(struct ctrl_state *s, char *text)
{
	char *line, *value, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "kind"))
			copy(s->exit_kind, sizeof(s->exit_kind), value);
		else if (!strcmp(line, "kind_code"))
			s->exit_kind_code = strtoul(value, NULL, 10);
		else if (!strcmp(line, "code"))
			s->exit_code = strtol(value, NULL, 10);
		else if (!strcmp(line, "policy"))
			copy(s->exit_policy, sizeof(s->exit_policy), value);
		else if (!strcmp(line, "reason"))
			copy(s->exit_reason, sizeof(s->exit_reason), value);
	}
}

/* --------------------------------------------------------------- reading */

static int read_word(const char *ctrl, const char *file, char *word,
		     size_t size)
{
	char *text;
	int err = kstate__text(ctrl, file, &text);

	if (err)
		return err;
	text[strcspn(text, "\n")] = '\0';
	copy(word, size, text);
	free(text);
	return 0;
}

static int read_plain(struct ctrl_state *s)
{
	char link[24] = "";
	char *text;
	int err;

	err = read_word(s->ctrl, "state", s->state, sizeof(s->state));
	if (!err)
		err = read_word(s->ctrl, "policy", s->policy,
				sizeof(s->policy));
	if (!err)
		err = read_word(s->ctrl, "link", link, sizeof(link));
	if (!err)
		err = kstate__text(s->ctrl, "reserve", &text);
	if (err)
		return err;
	s->link_id = strtoul(link, NULL, 10);
	parse_reserve(s, text);
	free(text);
	return 0;
}

/* A module that does not say has no such file. */
static int read_arbitration(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "arbitration", &text);

	if (err == -ENOENT)
		return 0;
	if (!err) {
		parse_arbitration(s, text);
		free(text);
	}
	return err;
}

static int read_queues(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "queues", &text);

	if (!err) {
		err = parse_queues(s, text);
		free(text);
	}
	return err;
}

static int read_events(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "events", &text);

	if (!err) {
		err = parse_events(s, text);
		free(text);
	}
	return err;
}

/* A module that chooses no paths has no such file. */
static int read_path(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "path", &text);

	s->path.ctrl = -1;
	if (err == -ENOENT)
		return 0;
	if (!err) {
		parse_path(&s->path, text);
		free(text);
	}
	return err;
}

static int read_exit(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "exit", &text);

	if (!err) {
		parse_exit(s, text);
		free(text);
	}
	return err;
}

int kstate__read(const char *ctrl, struct ctrl_state *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	copy(s->ctrl, sizeof(s->ctrl), ctrl);
	err = read_plain(s);
	if (!err)
		err = read_queues(s);
	if (!err)
		err = read_events(s);
	if (!err)
		err = read_path(s);
	if (!err)
		err = read_arbitration(s);
	if (!err)
		err = read_exit(s);
	if (err)
		kstate__free(s);
	return err == -ENOENT ? -ENODEV : err;
}

/* A module that has no copies has no such file. */
int kstate__read_copies(struct ctrl_state *s)
{
	char *text;
	int err = kstate__text(s->ctrl, "copy", &text);

	if (err == -ENOENT)
		return 0;
	if (!err) {
		err = parse_copies(s, text);
		free(text);
	}
	return err;
}

void kstate__free(struct ctrl_state *s)
{
	free(s->queues);
	free(s->events);
	free(s->copies);
	s->queues = NULL;
	s->events = NULL;
	s->copies = NULL;
	s->nr_queues = s->nr_events = s->nr_copies = 0;
}

bool kstate__ejected(const struct ctrl_state *s)
{
	return s->exit_kind_code >= NVME_STEER_EXIT_ERROR;
}

/* ----------------------------------------------------------------- listing */

static int by_number(const void *a, const void *b)
{
	return strverscmp(a, b);
}

/* nvme0, but not nvme0c0n1 or nvme-subsys0. */
static bool is_ctrl(const char *name)
{
	const char *number = name + strlen("nvme");

	return !strncmp(name, "nvme", strlen("nvme")) && *number &&
	       strlen(name) < 32 &&
	       strspn(number, "0123456789") == strlen(number);
}

static int add_name(char (**names)[32], unsigned int *n, const char *name)
{
	char (*grown)[32] = reallocarray(*names, *n + 1, sizeof(**names));

	if (!grown)
		return -ENOMEM;
	*names = grown;
	copy(grown[(*n)++], sizeof(*grown), name);
	return 0;
}

static int list_dir(DIR *dir, char (**names)[32], unsigned int *n)
{
	char path[PATH_MAX];
	struct dirent *d;
	int err = 0;

	while (!err && (d = readdir(dir))) {
		if (!is_ctrl(d->d_name) ||
		    steer_path(path, d->d_name, "state") || access(path, F_OK))
			continue;
		err = add_name(names, n, d->d_name);
	}
	return err;
}

int kstate__list(char (**names)[32], unsigned int *n)
{
	char path[PATH_MAX];
	DIR *dir;
	int err;

	*names = NULL;
	*n = 0;
	snprintf(path, sizeof(path), "%s/class/nvme", kstate_sysfs);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	err = list_dir(dir, names, n);
	closedir(dir);
	if (err) {
		free(*names);
		*names = NULL;
		*n = 0;
		return err;
	}
	if (*n)
		qsort(*names, *n, sizeof(**names), by_number);
	return 0;
}

/* ----------------------------------------------------- what can be missing */

#define WHY_SIZE	256

int kstate__absent(char *why)
{
	const char *text;
	int code = EXIT_FAILED;

	if (exists("module/nvmesteer")) {
		if (exists("kernel/btf/vmlinux") &&
		    exists("kernel/btf/nvmesteer"))
			return 0;
		text = "this kernel has no BTF for itself or for module nvmesteer; use a kernel with CONFIG_DEBUG_INFO_BTF_MODULES=y and rebuild the module";
		code = EXIT_UNSUPPORTED;
	} else if (exists("module/nvme/parameters/steer_queues")) {
		text = "module nvmesteer is not loaded; 'modprobe nvmesteer' loads it";
	} else if (exists("module/nvme")) {
		text = "the distribution's own nvme driver is loaded, which cannot steer; install nvmesteer's modules and reboot";
		code = EXIT_UNSUPPORTED;
	} else {
		text = "no nvme driver is loaded; 'modprobe nvme' and 'modprobe nvmesteer' load it";
	}
	snprintf(why, WHY_SIZE, "%s", text);
	return code;
}

static bool privileged(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	if (!file)
		return geteuid() == 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(file);
	return caps >> CAP_SYS_ADMIN_BIT & 1;
}

int kstate__missing(char *why)
{
	int code = kstate__absent(why);

	if (code)
		return code;
	if (!privileged()) {
		snprintf(why, WHY_SIZE,
			 "not enough privilege: this needs CAP_SYS_ADMIN; run it as root (EPERM)");
		return EXIT_FAILED;
	}
	return 0;
}
