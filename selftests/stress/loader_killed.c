// SPDX-License-Identifier: GPL-2.0
/*
 * The loader is killed before each of its bpf(2) calls and each change it
 * makes to the file system, one after the other, under I/O on two CPUs.
 * Whatever it had got done: either a policy is attached and pinned, and can be
 * ended by removing the pin; or none is, and no queue is left. The next load
 * works.
 *
 * COUNT=   places, spread evenly (default 6); 0 is all of them
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "load.h"
#include "test.h"

#define PINS	"/sys/fs/bpf/nvmesteer"

static struct pt_ns ns;
static char dev[16];

/*
 * Stop at these calls only: there are forty of them among two thousand, most
 * of which read the kernel's types, and each stop takes long in a guest.
 */
static void trace_steps(void)
{
	static const int steps[] = {
		SYS_bpf, SYS_mkdir, SYS_mkdirat, SYS_unlink, SYS_unlinkat,
		SYS_rename, SYS_renameat2, SYS_rmdir,
	};
	struct sock_filter code[2 * ARRAY_LEN(steps) + 2], *c = code;
	struct sock_fprog prog = { .filter = code };
	unsigned int i;

	*c++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				offsetof(struct seccomp_data, nr));
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		*c++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						    steps[i], 0, 1);
		*c++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_TRACE);
	}
	*c++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					    SECCOMP_RET_ALLOW);
	prog.len = c - code;
	/* where this fails, nothing stops, and main() says so */
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static pid_t start_loader(void)
{
	pid_t pid;
	int null;

	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	trace_steps();
	execlp("nvmesteer", "nvmesteer", "load", "--dev", dev,
	       "/usr/lib/nvmesteer/policies/spread.bpf.o", NULL);
	_exit(127);
}

/*
 * Run the loader up to its step @kill_at and kill it there; 0: to its end.
 * The number of steps seen; its exit code in *code, -1 when killed.
 */
static unsigned int run_loader(unsigned int kill_at, int *code)
{
	pid_t pid = start_loader();
	unsigned int steps = 0;
	int status;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	for (;;) {
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			continue;
		if (++steps == kill_at) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return steps;
}

static bool attached(void)
{
	char word[32];

	steer_word(ns.ctrl, "state", word, sizeof(word));
	return !strcmp(word, "attached");
}

static void unpin(void *arg)
{
	test_sh("rm -rf %s/%s 2>/dev/null", PINS, dev);
}

int main(void)
{
	unsigned int steps, every, at, killed = 0;
	unsigned long count = test_env("COUNT", 6);
	struct load_stats sum;
	struct load load;
	int code;

	test_begin(290);
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(dev, sizeof(dev), "nvme%d", ns.ctrl);
	if (test_sh("command -v nvmesteer >/dev/null"))
		test_skip("the loader 'nvmesteer' is not installed");
	test_at_end(unpin, NULL);
	load_init(&load, &ns, 2, 2);
	load_mix(&load);

	test_step("undisturbed");
	steps = run_loader(0, &code);
	test_check(!code && attached(), "nvmesteer load: exit code %d", code);
	test_check(steps > 20, "%u steps", steps);
	unpin(NULL);
	test_check(test_wait(!attached() && !steer_reserve(ns.ctrl, "used"),
			     10000), "does not end with its pin");
	printf("#   %u steps\n", steps);

	load_start(&load);
	every = count && count < steps ? steps / count : 1;
	for (at = 1; at <= steps; at += every) {
		test_step("killed before step %u of %u", at, steps);
		run_loader(at, &code);
		test_check(code <= 0, "exit code %d", code);
		killed += code < 0;
		/* a link that nobody holds goes in its own time */
		test_check(test_wait(!attached() || test_exists(PINS "/%s",
								dev), 10000),
			   "attached, and there is no pin");
		unpin(NULL);
		test_check(test_wait(!attached() &&
				     !steer_reserve(ns.ctrl, "used"), 10000),
			   "a policy or a queue is left");
	}
	test_step("the next load");
	run_loader(0, &code);
	test_check(!code && attached(), "nvmesteer load: exit code %d", code);
	unpin(NULL);
	test_check(test_wait(!attached() && !steer_reserve(ns.ctrl, "used"),
			     10000), "does not end with its pin");
	load_stop(&load);
	load_verify(&load);
	load_sum(&load, &sum);
	test_check(sum.good == sum.submitted, "commands failed");
	printf("# killed at %u places, %ju commands meanwhile\n", killed,
	       sum.submitted);
	test_pass();
}
