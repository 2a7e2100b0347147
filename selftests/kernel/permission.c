// SPDX-License-Identifier: GPL-2.0
/*
 * A policy never widens what a user may do. Each opcode is tried by root and
 * by a user without capabilities, through a descriptor open for reading and
 * one open for writing as well, with no policy and with one that sends all to
 * a steer queue: what was refused stays refused with the same errno, and the
 * policy is not even asked about it.
 *
 * vm: --cpus 2
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"

static const uint8_t opcodes[] = {
	PT_FLUSH, PT_WRITE, PT_READ, PT_COMPARE, PT_WRITE_ZEROES, PT_DSM,
	PT_VERIFY, 0x0d, 0x7d, 0x7f, 0x80, 0xc1, 0xff,
};

#define NR_OPCODES	ARRAY_LEN(opcodes)

struct outcome {
	int ret[2][2][NR_OPCODES];	/* root or not, read or write */
	uint64_t asked[2][2][NR_OPCODES];
};

static struct pt_ns ns;
static struct steer_policy policy;
static bool attached;

static void try_all(struct outcome *o, bool user, int fds[2])
{
	uint8_t *buf = test_alloc(4096);
	struct nvme_uring_cmd cmd;
	struct pt_ring ring;
	uint64_t calls;
	unsigned int i, w;

	if (user && (setgid(65534) || setuid(65534)))
		test_fail("cannot become nobody");
	pt_ring_init(&ring, 8, 0);
	for (w = 0; w < 2; w++) {
		for (i = 0; i < NR_OPCODES; i++) {
			pt_rw(&cmd, &ns, opcodes[i], 64, 1, NULL, 0);
			if (opcodes[i] & 3) {
				cmd.addr = (uintptr_t)buf;
				cmd.data_len = ns.block;
			}
			calls = attached ? policy.state->calls : 0;
			o->ret[user][w][i] = pt_do(&ring, fds[w], &cmd, 0,
						   NULL);
			o->asked[user][w][i] = attached ?
				policy.state->calls - calls : 0;
		}
	}
	pt_ring_exit(&ring);
}

static void in_child(struct outcome *o, bool user, int fds[2])
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		try_all(o, user, fds);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	test_check(!status, "child ended with %#x", status);
}

int main(void)
{
	struct puppet_config config = { .mode = { [1] = NVME_STEER_IRQ } };
	struct outcome *without, *with;
	unsigned int user, w, i, denied = 0;
	char path[64];
	int fds[2];

	test_begin(60);
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(path, sizeof(path), "/dev/ng%s", ns.name);
	fds[0] = open(path, O_RDONLY);
	fds[1] = open(path, O_RDWR);
	test_check(fds[0] >= 0 && fds[1] >= 0, "cannot open %s", path);
	without = mmap(NULL, 2 * sizeof(*without), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(without != MAP_FAILED, "no memory");
	with = without + 1;

	test_step("without a policy");
	in_child(without, false, fds);
	in_child(without, true, fds);

	test_step("with one that sends all to a queue");
	steer_puppet(&policy, ns.ctrl, &config);
	steer_answer(&policy, 1, 1);
	attached = true;
	in_child(with, false, fds);
	in_child(with, true, fds);

	for (user = 0; user < 2; user++) {
		for (w = 0; w < 2; w++) {
			for (i = 0; i < NR_OPCODES; i++) {
				int a = without->ret[user][w][i];
				int b = with->ret[user][w][i];

				test_check(a == b,
					   "opcode %#x by %s for %s: %d without a policy, %d with one",
					   opcodes[i], user ? "nobody" : "root",
					   w ? "writing" : "reading", a, b);
				test_check((a == -EACCES) ==
					   !with->asked[user][w][i],
					   "opcode %#x: %d, and the policy was asked %ju times",
					   opcodes[i], b,
					   with->asked[user][w][i]);
				denied += a == -EACCES;
			}
		}
	}
	printf("# %u of %zu cases denied, before and after\n", denied,
	       4 * NR_OPCODES);
	test_check(denied, "nothing was denied: is this user privileged?");
	test_pass();
}
