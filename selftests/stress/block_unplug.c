// SPDX-License-Identifier: GPL-2.0
/*
 * The drive is pulled out of its slot under block I/O on steer queues, through
 * the page cache, with O_DIRECT, and polled for. Every request ends: whoever
 * does I/O is told that the device is gone, and nobody hangs. The policy ends
 * with kind "gone", the modules can be unloaded and loaded.
 *
 * vm: --cpus 4
 * spoils: nvme3
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define WORKERS	4
#define DEPTH	16
#define PAGE	4096

static struct pt_ns ns;
static atomic_ulong *done;

/* Until it fails; 0 when it is told so. */
static void worker(unsigned int w)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned int i, bad = 0;
	char path[64];
	uint8_t *buf;
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/nvme%s", ns.name);
	fd = open(path, w == 3 ? O_RDWR : O_RDWR | O_DIRECT);
	buf = mmap(NULL, DEPTH * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ret = io_uring_queue_init(DEPTH, &ring,
				  w == 1 ? IORING_SETUP_IOPOLL : 0);
	if (fd < 0 || ret || buf == MAP_FAILED)
		_exit(2);
	while (!bad) {
		if (w == 3) {
			bad = pwrite(fd, buf, PAGE, 999 * PAGE) != PAGE ||
			      fsync(fd);
			atomic_fetch_add(&done[w], 1);
			continue;
		}
		for (i = 0; i < DEPTH; i++) {
			sqe = io_uring_get_sqe(&ring);
			if (i & 1)
				io_uring_prep_read(sqe, fd, buf + i * PAGE,
						   PAGE, 3 * i * PAGE);
			else
				io_uring_prep_write(sqe, fd, buf + i * PAGE,
						    PAGE, 3 * i * PAGE);
		}
		if (io_uring_submit(&ring) < 0)
			break;
		for (i = 0; i < DEPTH; i++) {
			ret = io_uring_wait_cqe(&ring, &cqe);
			if (ret)
				_exit(3);
			bad += cqe->res != PAGE;
			io_uring_cqe_seen(&ring, cqe);
			atomic_fetch_add(&done[w], 1);
		}
	}
	_exit(0);
}

int main(void)
{
	struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
			  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	};
	static struct steer_policy policy;
	pid_t pids[WORKERS];
	unsigned int w;
	int status;

	test_begin(120);
	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to pull a drive");
	pt_open(&ns, PT_WANT_4K);
	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (!pids[w])
			worker(w);
	}
	steer_puppet_block(&policy, ns.ctrl, &config);
	steer_answer_block(&policy, 1, 2, 3, 2);
	for (w = 0; w < WORKERS; w++)
		test_check(test_wait(atomic_load(&done[w]) > 50, 20000),
			   "worker %u does not begin", w);
	test_check(test_wait(steer_event(ns.ctrl, "block") > 400, 20000),
		   "I/O is not steered");

	test_step("pulled under load");
	pt_close(&ns);
	vm_monitor("device_del nvme3", NULL, 0);
	for (w = 0; w < WORKERS; w++) {
		test_check(test_wait(waitpid(pids[w], &status, WNOHANG) ==
				     pids[w], 40000), "worker %u hangs", w);
		test_check(!status, "worker %u: %#x", w, status);
		printf("# worker %u: %lu requests\n", w,
		       atomic_load(&done[w]));
	}
	test_check(test_wait(!test_exists("/sys/class/nvme/nvme%d", ns.ctrl),
			     20000), "nvme%d is still there", ns.ctrl);
	steer_detach_gone(&policy);

	steer_reload();
	test_pass();
}
