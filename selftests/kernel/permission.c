// SPDX-License-Identifier: GPL-2.0
/*
 * A policy never widens what a user may do. Each opcode is tried by root and
 * by a user without capabilities, through a descriptor open for reading and
 * one open for writing as well, by each kind of ring and by a worker of it, on a
 * namespace and on a multipath head, with no policy and with one that sends all
 * to a steer queue: what was refused stays refused with the same errno, and the
 * policy is not even asked about it. Nor may that user do anything with the
 * files of the steer folder but read those that are for all.
 *
 * vm: --cpus 2
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

static const uint8_t opcodes[] = {
	PT_FLUSH, PT_WRITE, PT_READ, PT_COMPARE, PT_WRITE_ZEROES, PT_DSM,
	PT_VERIFY, 0x0d, 0x7d, 0x7f, 0x80, 0xc1, 0xff,
};

#define NR_OPCODES	ARRAY_LEN(opcodes)

/* How a command comes to the driver. */
static const struct way {
	const char *name;
	unsigned int mode;	/* of the ring */
	unsigned int how;
} ways[] = {
	{ "a plain ring", 0, 0 },
	{ "a ring that polls", PT_IOPOLL, 0 },
	{ "a ring's own thread", PT_SQPOLL, 0 },
	{ "a worker", 0, PT_ASYNC },
	{ "a worker of a ring that polls", PT_IOPOLL, PT_ASYNC },
};

#define NR_WAYS		ARRAY_LEN(ways)

/* By the ways, root or not, read or write. */
struct outcome {
	int ret[NR_WAYS][2][2][NR_OPCODES];
	uint64_t asked[NR_WAYS][2][2][NR_OPCODES];
};

static struct pt_ns ns;
static struct steer_policy policy[2];	/* of a head, of each path */
static bool attached;

static bool is_head(void)
{
	return ns.ctrl2 >= 0;
}

static uint64_t calls(void)
{
	if (!attached)
		return 0;
	return policy[0].state->calls +
	       (is_head() ? policy[1].state->calls : 0);
}

static void try_way(struct outcome *o, unsigned int way, bool user, int fds[2])
{
	uint8_t *buf = test_alloc(4096);
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	uint64_t before;
	unsigned int i, w;

	pt_ring_init(&ring, 8, ways[way].mode);
	for (w = 0; w < 2; w++) {
		for (i = 0; i < NR_OPCODES; i++) {
			pt_rw(&cmd, &ns, opcodes[i], 64, 1, NULL, 0);
			if (opcodes[i] & 3) {
				cmd.addr = (uintptr_t)buf;
				cmd.data_len = ns.block;
			}
			before = calls();
			o->ret[way][user][w][i] = pt_do(&ring, fds[w], &cmd,
							ways[way].how, NULL);
			o->asked[way][user][w][i] = calls() - before;
		}
	}
	pt_ring_exit(&ring);
	free(buf);
}

static void try_all(struct outcome *o, bool user, int fds[2])
{
	unsigned int way;

	if (user && (setgid(65534) || setuid(65534)))
		test_fail("cannot become nobody");
	for (way = 0; way < NR_WAYS; way++)
		try_way(o, way, user, fds);
}

/* Run something as a process of its own, which ends well. */
static void wait_child(pid_t pid)
{
	int status;

	test_check(pid >= 0, "cannot fork");
	waitpid(pid, &status, 0);
	test_check(!status, "child ended with %#x", status);
}

static void in_child(struct outcome *o, bool user, int fds[2])
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		try_all(o, user, fds);
		_exit(0);
	}
	wait_child(pid);
}

/* One case: the same with a policy, and the same as by a plain ring. */
static void compare_case(const struct outcome *without,
			 const struct outcome *with, unsigned int way,
			 bool user, bool w, unsigned int i)
{
	int plain = without->ret[0][user][w][i];
	int a = without->ret[way][user][w][i];
	int b = with->ret[way][user][w][i];
	uint64_t asked = with->asked[way][user][w][i];

	test_check(a == b && a == plain,
		   "opcode %#x by %s for %s, by %s: %d without a policy, %d with one; %d by %s",
		   opcodes[i], user ? "nobody" : "root",
		   w ? "writing" : "reading", ways[way].name, a, b, plain,
		   ways[0].name);
	test_check((a == -EACCES) == !asked,
		   "opcode %#x by %s: %d, and the policy was asked %ju times",
		   opcodes[i], ways[way].name, b, asked);
}

/* The number denied. */
static unsigned int compare(const struct outcome *without,
			    const struct outcome *with)
{
	unsigned int way, n, i, denied = 0;

	for (way = 0; way < NR_WAYS; way++) {
		for (n = 0; n < 4; n++) {
			for (i = 0; i < NR_OPCODES; i++) {
				compare_case(without, with, way, n / 2, n % 2,
					     i);
				denied += with->ret[way][n / 2][n % 2][i] ==
					  -EACCES;
			}
		}
	}
	return denied;
}

static void commands(unsigned int want)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL },
	};
	struct outcome *without, *with;
	unsigned int denied, i;
	char path[64];
	int fds[2];

	pt_open(&ns, want);
	snprintf(path, sizeof(path), "/dev/ng%s", ns.name);
	fds[0] = open(path, O_RDONLY);
	fds[1] = open(path, O_RDWR);
	test_check(fds[0] >= 0 && fds[1] >= 0, "cannot open %s", path);
	without = mmap(NULL, 2 * sizeof(*without), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(without != MAP_FAILED, "no memory");
	with = without + 1;

	test_step("ng%s without a policy", ns.name);
	in_child(without, false, fds);
	in_child(without, true, fds);

	test_step("ng%s with one that sends all to a queue", ns.name);
	for (i = 0; i < 1u + is_head(); i++) {
		steer_puppet(&policy[i], i ? ns.ctrl2 : ns.ctrl, &config);
		steer_answer(&policy[i], 1, 2);
	}
	attached = true;
	in_child(with, false, fds);
	in_child(with, true, fds);

	denied = compare(without, with);
	printf("# %u of %zu cases denied, before and after\n", denied,
	       4 * NR_WAYS * NR_OPCODES);
	test_check(denied, "nothing was denied: is this user privileged?");

	attached = false;
	for (i = 0; i < 1u + is_head(); i++)
		steer_detach(&policy[i]);
	munmap(without, 2 * sizeof(*without));
	close(fds[0]);
	close(fds[1]);
	pt_close(&ns);
}

/* The files of a controller's steer folder, all of them. */
static const struct {
	const char *name;
	unsigned int mode;
} files[] = {
	{ "arbitration", 0444 },
	{ "copy", 0444 }, { "copy_max_bytes", 0644 }, { "dump", 0400 },
	{ "events", 0444 }, { "exit", 0444 }, { "link", 0444 },
	{ "off", 0200 }, { "path", 0444 }, { "policy", 0444 },
	{ "queue_add", 0200 }, { "queue_remove", 0200 }, { "queues", 0444 },
	{ "reserve", 0444 }, { "shares", 0444 }, { "shares_hist", 0444 },
	{ "state", 0444 }, { "watchdog", 0444 },
};

static unsigned int mode_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(files); i++)
		if (!strcmp(files[i].name, name))
			return files[i].mode;
	test_fail("%s is in the folder and not in this test: for whom is it?",
		  name);
}

/* As somebody without rights: opens what all may read, and nothing else. */
static void open_files(void)
{
	unsigned int i, k;

	if (setgid(65534) || setuid(65534))
		test_fail("cannot become nobody");
	for (i = 0; i < ARRAY_LEN(files); i++) {
		static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };

		for (k = 0; k < ARRAY_LEN(flags); k++) {
			int fd = open(steer_path(ns.ctrl, files[i].name),
				      flags[k]);
			int error = fd < 0 ? errno : 0;
			bool may = flags[k] == O_RDONLY &&
				   (files[i].mode & 0004);

			test_check(error == (may ? 0 : EACCES),
				   "%s, mode %o: opened with flags %d by nobody: %s",
				   files[i].name, files[i].mode, flags[k],
				   strerror(error));
			if (fd >= 0)
				close(fd);
		}
	}
}

static void sysfs(void)
{
	unsigned int found = 0;
	struct dirent *entry;
	struct stat st;
	pid_t pid;
	DIR *dir;

	test_step("the steer folder");
	pt_open(&ns, PT_WANT_PLAIN);
	dir = opendir(steer_path(ns.ctrl, ""));
	test_check(dir, "no folder");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		test_check(!stat(steer_path(ns.ctrl, entry->d_name), &st) &&
			   (st.st_mode & 07777) == mode_of(entry->d_name) &&
			   !st.st_uid && !st.st_gid,
			   "%s has mode %o and belongs to %u:%u, not %o and root",
			   entry->d_name, st.st_mode & 07777, st.st_uid,
			   st.st_gid, mode_of(entry->d_name));
		found++;
	}
	closedir(dir);
	test_check(found == ARRAY_LEN(files), "%u files, not %zu", found,
		   ARRAY_LEN(files));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		open_files();
		_exit(0);
	}
	wait_child(pid);
	pt_close(&ns);
}

int main(void)
{
	test_begin(120);
	commands(PT_WANT_PLAIN);
	commands(PT_WANT_HEAD);
	sysfs();
	test_pass();
}
