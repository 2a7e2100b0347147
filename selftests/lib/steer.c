// SPDX-License-Identifier: GPL-2.0
/*
 * The steering of a controller as a test sees it; see steer.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "steer.h"
#include "test.h"

const char *steer_path(int ctrl, const char *name)
{
	static __thread char path[128];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/steer/%s", ctrl,
		 name);
	return path;
}

static bool field(const char *line, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);
	const char *p = line;

	while ((p = strstr(p, key))) {
		if ((p == line || p[-1] == ' ') && p[len] == '=') {
			p += len + 1;
			len = strcspn(p, " \n");
			snprintf(buf, size, "%.*s", (int)len, p);
			return true;
		}
		p += len;
	}
	return false;
}

static void word_of(const char *line, const char *key, char *buf, size_t size)
{
	if (!field(line, key, buf, size))
		test_fail("no '%s' in line '%s'", key, line);
}

static long long number(const char *line, const char *key)
{
	char buf[32];

	word_of(line, key, buf, sizeof(buf));
	return strcmp(buf, "-") ? strtoll(buf, NULL, 10) : -1;
}

static void parse_queue(char *line, struct steer_queue *q)
{
	long long depth = number(line, "depth");

	q->present = true;
	word_of(line, "mode", q->mode, sizeof(q->mode));
	word_of(line, "state", q->state, sizeof(q->state));
	word_of(line, "owner", q->owner, sizeof(q->owner));
	word_of(line, "prio", q->prio, sizeof(q->prio));
	q->depth = depth < 0 ? 0 : depth;
	q->qid = number(line, "qid");
	q->vector = number(line, "vector");
	q->irq = number(line, "irq");
	q->submitted = number(line, "submitted");
	q->completed = number(line, "completed");
	q->failed = number(line, "failed");
	q->cancelled = number(line, "cancelled");
	q->inflight = number(line, "inflight");
	q->doorbells = number(line, "doorbells");
	q->sq_doorbells = number(line, "sq_doorbells");
	q->cq_doorbells = number(line, "cq_doorbells");
	q->interrupts = number(line, "interrupts");
}

int steer_read_queues(int ctrl, struct steer_queues *qs)
{
	char *text = malloc(65536), *line, *save = NULL;
	ssize_t ret;

	memset(qs, 0, sizeof(*qs));
	ret = test_read(steer_path(ctrl, "queues"), text, 65536);
	if (ret >= 0) {
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			unsigned int n = strtoul(line, NULL, 10);

			if (n < STEER_MAX_QUEUES)
				parse_queue(line, &qs->q[n]);
		}
		ret = 0;
	}
	free(text);
	return ret;
}

void steer_queues(int ctrl, struct steer_queues *qs)
{
	unsigned int n;
	int ret = steer_read_queues(ctrl, qs);

	test_check(!ret, "cannot read queues of nvme%d: %s", ctrl,
		   strerror(-ret));
	test_check(qs->q[0].present, "queue 0 is missing");
	for (n = 0; n < STEER_MAX_QUEUES; n++) {
		struct steer_queue *q = &qs->q[n];

		if (!q->present)
			continue;
		test_check(q->submitted == q->completed + q->failed +
					   q->cancelled + q->inflight,
			   "queue %u: %ju submitted is not %ju + %ju + %ju + %ju",
			   n, q->submitted, q->completed, q->failed,
			   q->cancelled, q->inflight);
	}
}

bool steer_queue_live(int ctrl, unsigned int n)
{
	struct steer_queues qs;

	return !steer_read_queues(ctrl, &qs) && qs.q[n].present &&
	       !strcmp(qs.q[n].state, "live");
}

void steer_total(const struct steer_queues *qs, struct steer_queue *sum)
{
	unsigned int n;

	memset(sum, 0, sizeof(*sum));
	for (n = 0; n < STEER_MAX_QUEUES; n++) {
		const struct steer_queue *q = &qs->q[n];

		sum->submitted += q->submitted;
		sum->completed += q->completed;
		sum->failed += q->failed;
		sum->cancelled += q->cancelled;
		sum->inflight += q->inflight;
		sum->doorbells += q->doorbells;
		sum->sq_doorbells += q->sq_doorbells;
		sum->cq_doorbells += q->cq_doorbells;
		sum->interrupts += q->interrupts;
	}
}

uint64_t steer_event(int ctrl, const char *name)
{
	char text[4096], *line, *save = NULL;
	size_t len = strlen(name);
	ssize_t ret = test_read(steer_path(ctrl, "events"), text, sizeof(text));

	test_check(ret > 0, "cannot read events of nvme%d", ctrl);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	test_fail("no event '%s'", name);
}

unsigned int steer_reserve(int ctrl, const char *word)
{
	char text[256];
	ssize_t ret;

	ret = test_read(steer_path(ctrl, "reserve"), text, sizeof(text));
	test_check(ret > 0, "cannot read reserve of nvme%d", ctrl);
	return number(text, word);
}

bool steer_exit(int ctrl, const char *word, char *buf, size_t size)
{
	char text[1024], *line, *save = NULL;
	size_t len = strlen(word);

	buf[0] = '\0';
	if (test_read(steer_path(ctrl, "exit"), text, sizeof(text)) <= 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, word, len) && line[len] == ' ') {
			snprintf(buf, size, "%s", line + len + 1);
			return true;
		}
	}
	return false;
}

void steer_word(int ctrl, const char *name, char *buf, size_t size)
{
	ssize_t ret = test_read(steer_path(ctrl, name), buf, size);

	test_check(ret >= 0, "cannot read %s of nvme%d: %s", name, ctrl,
		   strerror(-ret));
	buf[strcspn(buf, "\n")] = '\0';
}

bool steer_state_is(int ctrl, const char *state)
{
	char word[32];

	steer_word(ctrl, "state", word, sizeof(word));
	return !strcmp(word, state);
}

static bool idle(int ctrl)
{
	struct steer_queues qs;
	struct steer_queue sum;

	if (steer_read_queues(ctrl, &qs))
		return false;
	steer_total(&qs, &sum);
	return !sum.inflight;
}

bool steer_wait_idle(int ctrl, unsigned int ms)
{
	return test_wait(idle(ctrl), ms);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return getenv("VERBOSE") ? vfprintf(stderr, fmt, ap) : 0;
}

/* Where the object of a policy is: installed, or beside this test's build. */
static void find_object(const char *name, char *path, size_t size)
{
	static const char * const places[] = {
		"%s/%s.bpf.o", "%s/../kernel/%s.bpf.o",
		"%s/../../bpf/%s.bpf.o", "%.0s/usr/lib/nvmesteer/policies/%s.bpf.o",
	};
	char exe[PATH_MAX] = "", *dir;
	unsigned int i;

	if (strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		return;
	}
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		test_fail("no /proc/self/exe");
	dir = dirname(exe);
	for (i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, size, places[i], dir, name);
		if (!access(path, R_OK))
			return;
	}
	test_fail("no object of policy '%s'", name);
}

/* Internal maps are named after the object, cut: look for the section. */
static void *section(struct bpf_object *obj, const char *name, size_t size)
{
	struct bpf_map *map;
	size_t got = 0;
	void *p;

	bpf_object__for_each_map(map, obj) {
		const char *dot = strrchr(bpf_map__name(map), '.');

		if (!dot || strcmp(dot, name))
			continue;
		p = bpf_map__initial_value(map, &got);
		test_check(p && got >= size, "section %s is too small", name);
		return p;
	}
	test_fail("no section %s", name);
}

int steer_load(struct steer_policy *p, int ctrl, const char *name,
	       const struct puppet_config *config)
{
	bool puppet = !strncmp(name, "puppet", 6);
	struct nvme_steer_ops *ops;
	char path[PATH_MAX];
	struct bpf_map *map;
	size_t size;
	int ret;

	libbpf_set_print(quiet);
	memset(p, 0, sizeof(*p));
	p->ctrl = ctrl;
	find_object(name, path, sizeof(path));
	p->obj = bpf_object__open_file(path, NULL);
	if (!p->obj)
		return -errno;

	bpf_object__for_each_map(map, p->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			p->ops = map;
	test_check(p->ops, "no struct_ops in %s", path);
	ops = bpf_map__initial_value(p->ops, &size);
	test_check(ops && size >= offsetof(struct nvme_steer_ops, init),
		   "%s: struct_ops of %zu bytes", path, size);
	ops->ctrl = ctrl;
	if (puppet && config) {
		ops->hold_ms = config->hold_ms;
		ops->hold_by = config->hold_by;
		ops->path_hold_ms = config->path_hold_ms;
		ops->path_hold_more = config->path_hold_more;
		ops->timeout_ms = config->timeout_ms;
		memcpy(section(p->obj, ".rodata", sizeof(*config)), config,
		       sizeof(*config));
	}

	ret = bpf_object__load(p->obj);
	if (ret) {
		bpf_object__close(p->obj);
		p->obj = NULL;
		return ret;
	}
	if (puppet)
		p->state = section(p->obj, ".bss", sizeof(*p->state));
	return 0;
}

int steer_attach(struct steer_policy *p)
{
	p->link = bpf_map__attach_struct_ops(p->ops);
	return p->link ? 0 : -errno;
}

void steer_unlink(struct steer_policy *p)
{
	bpf_link__destroy(p->link);
	p->link = NULL;
}

static void detach_at_end(void *arg)
{
	steer_detach(arg);
}

void steer_detach(struct steer_policy *p)
{
	test_not_at_end(detach_at_end, p);
	steer_unlink(p);
	bpf_object__close(p->obj);
	p->obj = NULL;
	p->state = NULL;
}

void steer_detach_gone(struct steer_policy *p)
{
	test_check(test_wait(p->state->exits, 20000), "the policy was not told");
	test_check(p->state->exits == 1, "exit() ran %ju times",
		   (uintmax_t)p->state->exits);
	test_check(p->state->exit_kind == NVME_STEER_EXIT_GONE,
		   "the policy ended with kind %u", p->state->exit_kind);
	steer_detach(p);
}

static void load_and_attach(struct steer_policy *p, int ctrl, const char *name,
			    const struct puppet_config *config)
{
	int ret;

	if (!test_exists("/sys/class/nvme/nvme%d/steer", ctrl))
		test_skip("nvme%d has no steer directory; is nvmesteer loaded?",
			  ctrl);
	ret = steer_load(p, ctrl, name, config);
	test_check(!ret, "cannot load policy '%s': %s", name, strerror(-ret));
	ret = steer_attach(p);
	test_check(!ret, "cannot attach policy '%s' to nvme%d: %s", name, ctrl,
		   strerror(-ret));
	test_at_end(detach_at_end, p);
}

void steer_puppet(struct steer_policy *p, int ctrl,
		  const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet", config);
}

void steer_puppet_batch(struct steer_policy *p, int ctrl,
			const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_batch", config);
}

void steer_puppet_once(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_once", config);
}

void steer_puppet_copy(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_copy", config);
}

int steer_rmmod(void)
{
	return syscall(SYS_delete_module, "nvmesteer", O_NONBLOCK) ? -errno : 0;
}

void steer_modprobe(void *unused)
{
	if (!test_exists("/sys/module/nvmesteer"))
		test_sh("modprobe nvmesteer");
}

void steer_path_idle(int ctrl)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "%s", steer_path(ctrl, "path"));
	test_check(test_wait(test_read(path, text, sizeof(text)) > 0 &&
			     strstr(text, " inflight=0 "), 10000),
		   "nvme%d: %s", ctrl, text);
}

unsigned long steer_references(void)
{
	char text[32];

	test_check(test_read("/sys/module/nvmesteer/refcnt", text,
			     sizeof(text)) > 0, "no count of references");
	return strtoul(text, NULL, 10);
}

void steer_reload(void)
{
	test_step("modules");
	test_check(test_wait(!test_sh("rmmod nvmesteer 2>/dev/null"), 20000),
		   "nvmesteer cannot be unloaded");
	test_check(!test_sh("modprobe nvmesteer"), "cannot load nvmesteer");
}

void steer_puppet_path(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_path", config);
}

void steer_puppet_block(struct steer_policy *p, int ctrl,
			const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_block", config);
}

void steer_puppet_block_once(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_block_once", config);
}

void steer_puppet_share(struct steer_policy *p, int ctrl,
			const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_share", config);
}

void steer_puppet_share_once(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_share_once", config);
}

void steer_puppet_path_share(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config)
{
	load_and_attach(p, ctrl, "puppet_path_share", config);
}

void steer_share(struct steer_policy *p, unsigned int n,
		 const struct nvme_steer_share *limit)
{
	struct bpf_map *map = bpf_object__find_map_by_name(p->obj, "shares");
	int ret;

	test_check(map, "the policy has no map of shares");
	ret = bpf_map__update_elem(map, &n, sizeof(n), limit, sizeof(*limit),
				   0);
	test_check(!ret, "cannot set share %u: %s", n, strerror(-ret));
}

uint64_t steer_share_word(int ctrl, unsigned int n, const char *word)
{
	char *text = malloc(65536), *line, *save = NULL;
	uint64_t value = 0;

	test_check(test_read(steer_path(ctrl, "shares"), text, 65536) >= 0,
		   "cannot read the shares of nvme%d", ctrl);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strtoul(line, NULL, 10) == n)
			value = number(line, word);
	free(text);
	return value;
}

void steer_policy(struct steer_policy *p, int ctrl, const char *name)
{
	load_and_attach(p, ctrl, name, NULL);
}

int steer_replace(struct steer_policy *old, struct steer_policy *new)
{
	int ret = bpf_link__update_map(old->link, new->ops);

	if (ret)
		return ret;
	new->link = old->link;
	old->link = NULL;
	steer_detach(old);
	return 0;
}

void steer_answer(struct steer_policy *p, int irq, int poll)
{
	steer_answer_spread(p, irq, 1, poll, 1);
}

void steer_answer_spread(struct steer_policy *p, int irq, int irq_count,
			 int poll, int poll_count)
{
	volatile struct puppet_state *s = p->state;

	s->irq.first = irq;
	s->irq.count = irq_count;
	s->poll.first = poll;
	s->poll.count = poll_count;
}

void steer_answer_block(struct steer_policy *p, int irq, int irq_count,
			int poll, int poll_count)
{
	volatile struct puppet_state *s = p->state;

	s->block.first = irq;
	s->block.count = irq_count;
	s->block_poll.first = poll;
	s->block_poll.count = poll_count;
}
