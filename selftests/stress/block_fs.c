// SPDX-License-Identifier: GPL-2.0
/*
 * File systems on a namespace whose block requests are steered, while the
 * policy is replaced, detached and attached and the controller is reset: four
 * processes create, write (through the page cache and with O_DIRECT), read,
 * cut, move, link, punch and delete files, and free blocks are discarded. Each
 * byte they read is what they wrote; in the end, on the driver's own path, the
 * file system has no fault and every file is as it was left.
 *
 * COUNT=   rounds of trouble for each file system (default 3)
 *
 * vm: --cpus 4
 * timeout: 300
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pt.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define WORKERS	4
#define FILES	12
#define BLOCKS	32		/* of a file, at most */
#define BLOCK	4096
#define SIZE	(BLOCKS * BLOCK)

/* What a file must be: a block of generation 0 is zeroes. */
struct file {
	bool exists, moved;
	uint32_t blocks, gen[BLOCKS];
};

struct shared {
	atomic_bool go, stop;
	atomic_ulong done[WORKERS];
	char why[WORKERS][160];
	struct file file[WORKERS][FILES];
};

static struct pt_ns ns;
static struct shared *sh;
static struct steer_policy policy;
static pid_t pids[WORKERS];
static char dev[64], mnt[] = "/tmp/block_fs.XXXXXX";
static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_IRQ,
		  [3] = NVME_STEER_POLL, [4] = NVME_STEER_POLL },
	.depth = { [2] = 16, [4] = 16 },
};

/* ------------------------------------------------------------------- files */

static void path_of(char *path, unsigned int w, unsigned int i)
{
	sprintf(path, "%s/%u/%s%u", mnt, w,
		sh->file[w][i].moved ? "moved" : "file", i);
}

static void fill(void *block, unsigned int w, unsigned int i, unsigned int at,
		 uint32_t gen)
{
	uint64_t *word = block, x = gen;
	unsigned int k;

	x = (x << 24 | w << 20 | i << 12 | at) * 0x9e3779b97f4a7c15ULL;
	for (k = 0; k < BLOCK / sizeof(*word); k++)
		word[k] = gen ? x ^ x >> 29 ^ k : 0;
}

/* NULL, or what is wrong with a file. */
static const char *look(unsigned int w, unsigned int i, bool direct, void *buf)
{
	const struct file *f = &sh->file[w][i];
	uint8_t want[BLOCK];
	const char *why = NULL;
	char path[80];
	unsigned int b;
	ssize_t got;
	int fd;

	path_of(path, w, i);
	fd = open(path, O_RDONLY | (direct ? O_DIRECT : 0));
	if (fd < 0)
		return f->exists || errno != ENOENT ? "cannot be opened" : NULL;
	memset(buf, 0xa5, SIZE);
	got = pread(fd, buf, SIZE, 0);
	close(fd);
	if (!f->exists)
		return "was deleted";
	if (got != (ssize_t)f->blocks * BLOCK)
		return got < 0 ? "cannot be read" : "has another size";
	for (b = 0; b < f->blocks && !why; b++) {
		fill(want, w, i, b, f->gen[b]);
		if (memcmp(want, (char *)buf + b * BLOCK, BLOCK))
			why = "is not what was written";
	}
	return why;
}

/* ----------------------------------------------------------------- workers */

#define worker_fail(w, ...)						\
	do {								\
		snprintf(sh->why[w], sizeof(sh->why[w]), __VA_ARGS__);	\
		_exit(1);						\
	} while (0)

#define works(x, i)							\
	do {								\
		if ((x) < 0)						\
			worker_fail(w, #x " of file %u: %s", i,		\
				    strerror(errno));			\
	} while (0)

/* Change one file, somehow. */
static void change(unsigned int w, unsigned int i, uint32_t *gen,
		   unsigned int *seed, void *buf)
{
	struct file *f = &sh->file[w][i];
	unsigned int op = rand_r(seed) % 12, at = rand_r(seed) % BLOCKS, b;
	unsigned int n = 1 + rand_r(seed) % (BLOCKS - at);
	char path[80], other[96];
	int fd;

	path_of(path, w, i);
	if (op > 5 && !f->exists)
		return;
	if (op <= 5) {
		fd = open(path, O_RDWR | O_CREAT | (op < 3 ? O_DIRECT : 0),
			  0600);
		works(fd, i);
		++*gen;
		for (b = at; b < at + n; b++)
			fill((char *)buf + (b - at) * BLOCK, w, i, b, *gen);
		if (pwrite(fd, buf, n * BLOCK, at * BLOCK) !=
		    (ssize_t)n * BLOCK)
			worker_fail(w, "write to file %u: %s", i,
				    strerror(errno));
		if (op % 3 == 0)
			works(fsync(fd), i);
		close(fd);
		for (b = f->blocks; b < at; b++)
			f->gen[b] = 0;
		for (b = at; b < at + n; b++)
			f->gen[b] = *gen;
		f->exists = true;
		if (f->blocks < at + n)
			f->blocks = at + n;
	} else if (op == 6) {
		works(truncate(path, at * BLOCK), i);
		for (b = f->blocks; b < at; b++)
			f->gen[b] = 0;
		f->blocks = at;
	} else if (op == 7) {
		works(unlink(path), i);
		f->exists = f->moved = false;
		f->blocks = 0;
	} else if (op == 8) {
		f->moved = !f->moved;
		path_of(other, w, i);
		works(rename(path, other), i);
	} else if (op == 9) {
		snprintf(other, sizeof(other), "%s.link", path);
		works(link(path, other), i);
		works(unlink(other), i);
	} else if (op == 10) {
		fd = open(path, O_RDWR);
		works(fd, i);
		works(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				at * BLOCK, n * BLOCK), i);
		close(fd);
		for (b = at; b < at + n; b++)
			f->gen[b] = 0;
	} else if (!w) {
		struct fstrim_range all = { .len = UINT64_MAX };

		fd = open(mnt, O_RDONLY);
		works(fd, i);
		works(ioctl(fd, FITRIM, &all), i);
		close(fd);
	}
}

static void worker(unsigned int w)
{
	void *buf = test_alloc(SIZE);
	unsigned int seed = w, i;
	uint32_t gen = 0;
	const char *why;
	char path[80];

	while (!atomic_load(&sh->go))
		usleep(10000);
	snprintf(path, sizeof(path), "%s/%u", mnt, w);
	works(mkdir(path, 0700), 0);
	while (!atomic_load(&sh->stop)) {
		i = rand_r(&seed) % FILES;
		change(w, i, &gen, &seed, buf);
		i = rand_r(&seed) % FILES;
		why = look(w, i, rand_r(&seed) & 1, buf);
		if (why)
			worker_fail(w, "file %u %s", i, why);
		atomic_fetch_add(&sh->done[w], 1);
	}
	_exit(0);
}

/* Every worker goes on. */
static void go_on(const char *after)
{
	unsigned long was;
	unsigned int w;

	for (w = 0; w < WORKERS; w++) {
		was = atomic_load(&sh->done[w]);
		test_wait(atomic_load(&sh->done[w]) >= was + 10 ||
			  *sh->why[w], 30000);
		test_check(!*sh->why[w], "worker %u: %s", w, sh->why[w]);
		test_check(atomic_load(&sh->done[w]) >= was + 10,
			   "worker %u does nothing after %s", w, after);
	}
}

static void end_workers(void *arg)
{
	unsigned int w;
	int status;

	atomic_store(&sh->stop, true);
	for (w = 0; w < WORKERS; w++) {
		if (!atomic_load(&sh->go) && pids[w] > 0)
			kill(pids[w], SIGKILL);
		if (pids[w] <= 0)
			continue;
		waitpid(pids[w], &status, 0);
		pids[w] = 0;
		if (status)
			printf("# worker %u: %s\n", w, sh->why[w]);
	}
}

/* ----------------------------------------------------------------- trouble */

static void load(struct steer_policy *p, unsigned int i)
{
	const char *name = i % 2 ? "puppet_block_once" : "puppet_block";
	int ret = steer_load(p, ns.ctrl, name, &config);

	test_check(!ret, "cannot load %s: %s", name, strerror(-ret));
	steer_answer_block(p, 1, 2, 3, 2);
}

static void attach(unsigned int i)
{
	int ret;

	load(&policy, i);
	/* a policy that was detached may still be ending */
	test_wait((ret = steer_attach(&policy)) != -EBUSY, 5000);
	test_check(!ret, "cannot attach: %s", strerror(-ret));
}

static void trouble(unsigned int i)
{
	struct steer_policy next;
	int ret;

	load(&next, i + 1);
	ret = steer_replace(&policy, &next);
	test_check(!ret, "cannot replace: %s", strerror(-ret));
	policy = next;
	go_on("a replacement");
	ret = vm_reset(ns.ctrl);
	test_check(!ret, "reset: %s", strerror(-ret));
	if (i & 1) {
		steer_detach(&policy);
		test_check(vm_wait_live(ns.ctrl, 20000), "not live");
		go_on("detaching in a reset");
		attach(i);
	}
	test_check(vm_wait_live(ns.ctrl, 20000), "not live after 20 s");
	go_on("a reset");
}

static void unmount(void *arg)
{
	umount2(mnt, MNT_DETACH);
}

static void try(const char *fs, const char *make, const char *check)
{
	unsigned int i, w, count = test_env("COUNT", 3);
	void *buf = test_alloc(SIZE);
	uint64_t steered;
	const char *why;
	int status;

	test_step("%s", fs);
	memset(sh, 0, sizeof(*sh));
	fflush(stdout);
	/* before there is a link that they would keep open */
	for (w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (!pids[w])
			worker(w);
	}
	test_at_end(end_workers, NULL);
	attach(0);
	steered = steer_event(ns.ctrl, "block");
	test_check(!test_sh("%s %s >/dev/null", make, dev), "%s %s", make, dev);
	test_check(!mount(dev, mnt, fs, 0, NULL), "mount: %s", strerror(errno));
	test_at_end(unmount, NULL);
	atomic_store(&sh->go, true);
	go_on("beginning");
	for (i = 0; i < count; i++) {
		test_step("%s: round %u", fs, i);
		trouble(i);
	}
	atomic_store(&sh->stop, true);
	for (w = 0; w < WORKERS; w++) {
		waitpid(pids[w], &status, 0);
		pids[w] = 0;
		test_check(!status, "worker %u: %s", w, sh->why[w]);
	}
	test_not_at_end(end_workers, NULL);
	test_check(!umount(mnt), "umount: %s", strerror(errno));
	test_not_at_end(unmount, NULL);
	steered = steer_event(ns.ctrl, "block") - steered;
	steer_detach(&policy);

	test_step("%s: what is there in the end", fs);
	test_check(!test_sh("%s %s >/tmp/block_fs.log 2>&1 || { cat /tmp/block_fs.log; false; }",
			    check, dev), "%s finds faults", check);
	test_check(!mount(dev, mnt, fs, 0, NULL), "mount: %s", strerror(errno));
	test_at_end(unmount, NULL);
	for (w = 0; w < WORKERS; w++) {
		for (i = 0; i < FILES; i++) {
			why = look(w, i, false, buf);
			test_check(!why, "file %u of worker %u %s", i, w, why);
		}
		printf("# worker %u: %lu changes\n", w,
		       atomic_load(&sh->done[w]));
	}
	test_check(!umount(mnt), "umount: %s", strerror(errno));
	test_not_at_end(unmount, NULL);
	printf("# %ju requests steered\n", steered);
	test_check(steered > 500, "only %ju requests were steered", steered);
	free(buf);
}

static void remove_folder(void *arg)
{
	rmdir(mnt);
}

int main(void)
{
	test_begin(280);
	pt_open(&ns, PT_WANT_PLAIN);
	snprintf(dev, sizeof(dev), "/dev/nvme%s", ns.name);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_check(sh != MAP_FAILED && mkdtemp(mnt), "no memory, no folder");
	test_at_end(remove_folder, NULL);
	try("ext4", "mkfs.ext4 -q -F", "fsck.ext4 -fn");
	/* smaller than what it likes */
	try("xfs", "mkfs.xfs -q -f --unsupported", "xfs_repair -n");
	test_pass();
}
