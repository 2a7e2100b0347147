// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of other kernel modules, by nvme_steer_kcopy(), which the module
 * selftests/kernel/modules/kcopy_test.c calls as it is told to: each path, of
 * ranges of one namespace and several, of other controllers, sizes of blocks,
 * partitions and paths, that overlap, are many, that fail; every errno of the
 * contract; and many at a time, whose policy is replaced and goes, whose
 * controller is reset, and whose caller is killed. done() is called once, each
 * byte and its neighbours are as they are said to be, and the modules can be
 * unloaded when the last one has ended, and not before.
 *
 * vm: --drives copy
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "copy.h"
#include "kcopy.h"
#include "modules/kcopy_test.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define MIB	(1UL << 20)

static struct copy_drives drives;
static struct steer_policy policy, next;
static struct image a, a_from, b_from, none, large, other, other_from;
static struct copy copy;
static int file;
static unsigned int ends, ends_atomic;

static const struct puppet_config config = {
	.mode = { [1] = NVME_STEER_IRQ, [2] = NVME_STEER_POLL,
		  [3] = NVME_STEER_IRQ },
	.depth = { [3] = 2 },
};

static const unsigned int all_flags[] = {
	0, NVME_STEER_COPY_F_OFFLOAD, NVME_STEER_COPY_F_EMULATE,
};

/* ------------------------------------------------------------ by the module */

static void finish(int fd, struct copy *c)
{
	ends_atomic += kcopy_finish(fd, c);
	ends++;
}

static bool under_way(int fd)
{
	return !ioctl(fd, KCOPY_TEST_ENDED);
}

static void good(unsigned int path, const char *what)
{
	struct copy_events e;
	int ctrl = copy.dst->ns->ctrl, ret;
	unsigned int i;

	copy_events(ctrl, &e);
	ret = kcopy_start(file, &copy);
	test_check(!ret, "%s: %s", what, strerror(-ret));
	finish(file, &copy);
	copy_is_good(&copy, path, what);
	copy_model(&copy);
	image_check(copy.dst, what);
	for (i = 0; i < copy.nr; i++)
		if (!i || copy.src[i] != copy.src[i - 1])
			image_check(copy.src[i], what);
	if (copy.dst->ns->ctrl2 < 0)
		copy_events_check(ctrl, &e, &copy, what);
}

static void is_refused(int error, const char *what)
{
	int ret = kcopy_start(file, &copy);

	test_check(ret == error, "%s: %d (%s), should be %d (%s)", what, ret,
		   ret ? strerror(-ret) : "begun", error, strerror(-error));
	image_check(copy.dst, what);
}

/* ------------------------------------------------------------------ refused */

static void begin(void)
{
	copy_begin(&copy, &a, 512, 0);
	copy_add(&copy, &a_from, 512, 1024);
	copy_add(&copy, &b_from, 4096, 512);
}

#define refused(change, error) \
	do { \
		begin(); \
		change; \
		is_refused(-error, #change); \
	} while (0)

static void refusals(void)
{
	uint64_t size = a.ns->nr_blocks << 9;
	struct image meta;
	struct pt_ns ns;
	int fd;

	test_step("numbers");
	refused(copy.cmd.nr = 0, EINVAL);
	refused(copy_add_many(&copy, &a_from, NVME_STEER_COPY_MAX_RANGES - 1,
			      512), EINVAL);
	refused(copy.cmd.flags = 8, EINVAL);
	refused(copy.cmd.flags = ~0U, EINVAL);
	refused(copy.cmd.flags = NVME_STEER_COPY_F_OFFLOAD |
				 NVME_STEER_COPY_F_EMULATE, EINVAL);
	refused(copy.cmd.depth = 65, EINVAL);
	refused(copy.cmd.depth = ~0U, EINVAL);

	test_step("lengths and places");
	refused(copy.cmd.dst += 1, EINVAL);
	refused(copy.cmd.dst = ~0ULL & ~511ULL, EINVAL);
	refused(copy.cmd.dst = 1ULL << 63, EINVAL);
	refused(copy.cmd.dst = size, EINVAL);
	refused(copy.cmd.dst = size - 1024, EINVAL);
	refused(copy.range[0].len = 0, EINVAL);
	refused(copy.range[0].len = 100, EINVAL);
	refused(copy.range[0].len = ~0ULL & ~511ULL, EINVAL);
	refused(copy.range[0].len = 1ULL << 63;
		copy.range[1].len = (1ULL << 63) + 512, EINVAL);
	refused(copy.range[0].offset += 1, EINVAL);
	refused(copy.range[0].offset = ~0ULL - 511; copy.range[0].len = 1024,
		EINVAL);
	refused(copy.range[1].offset = size, EINVAL);
	refused(copy.range[1].offset = size - 512; copy.range[1].len = 1024,
		EINVAL);
	refused(copy_add(&copy, &large, 512, 4096), EINVAL);

	test_step("devices");
	test_check(!test_sh("modprobe brd rd_nr=1 rd_size=65536"),
		   "no RAM disk");
	fd = open("/dev/ram0", O_RDWR | O_CLOEXEC);
	test_check(fd >= 0, "no /dev/ram0");
	refused(copy.cmd.dst_fd = fd, ENODEV);
	refused(copy.range[1].fd = fd, ENODEV);
	close(fd);
	test_sh("rmmod brd");
	test_check(!ioctl(a.ns->block_fd, BLKROSET, &(int){ 1 }), "BLKROSET");
	refused(, EACCES);
	test_check(!ioctl(a.ns->block_fd, BLKROSET, &(int){ 0 }), "BLKROSET");
	copy_begin(&copy, &other, 512, 0);
	copy_add(&copy, &b_from, 512, 1024);
	is_refused(-ENOTTY, "a destination without a policy");

	test_step("what the controller cannot");
	refused(copy.cmd.flags = NVME_STEER_COPY_F_OFFLOAD;
		copy_add(&copy, &other_from, 0, 512), EOPNOTSUPP);
	refused(copy.cmd.flags = NVME_STEER_COPY_F_OFFLOAD;
		copy_add(&copy, &large, 0, 4096), EOPNOTSUPP);
	copy_begin(&copy, &none, 512, NVME_STEER_COPY_F_OFFLOAD);
	copy_add(&copy, &b_from, 512, 1024);
	is_refused(-EOPNOTSUPP, "no Copy");
	copy_open(&ns, "copies", 6);
	image_init(&meta, &ns, MIB, 65536);
	refused(copy_add(&copy, &meta, 0, 512), EOPNOTSUPP);
	copy_begin(&copy, &meta, 512, 0);
	copy_add(&copy, &b_from, 512, 1024);
	is_refused(-EOPNOTSUPP, "to blocks with metadata");
	image_free(&meta);
	pt_close(&ns);

	test_step("by the policy");
	policy.state->copy_route = -EPERM;
	refused(, EPERM);
	policy.state->copy_route = 1;
	policy.state->copy_answer = -EDQUOT;
	refused(, EDQUOT);
	policy.state->copy_answer = 0;
	begin();
	good(0, "after those that were refused");
}

/* -------------------------------------------------------------------- paths */

static void shape(struct image *to, struct image *from, unsigned int nr,
		  unsigned int blocks, unsigned int flags, unsigned int path)
{
	char what[80];

	snprintf(what, sizeof(what), "%u ranges of %u blocks, flags %#x", nr,
		 blocks, flags);
	image_refill(to, 0, to->len);
	copy_begin(&copy, to, to->ns->block, flags);
	copy_add_many(&copy, from, nr, blocks * to->ns->block);
	good(flags & NVME_STEER_COPY_F_EMULATE ? NVME_STEER_COPY_EMULATE : path,
	     what);
}

static void paths(int route)
{
	volatile struct nvme_steer_copied *told = &policy.state->copied;
	uint64_t asked;
	unsigned int f;

	test_step("paths, queue %d", route);
	policy.state->copy_route = route;
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		unsigned int flags = all_flags[f];

		asked = policy.state->copy_routed;
		shape(&a, &a_from, 1, 1, flags, NVME_STEER_COPY_OFFLOAD);
		test_check(policy.state->copy_routed == asked + 1 &&
			   told->path == copy.path && !told->status &&
			   told->done == copy.len,
			   "the policy was asked %ju times, and told path %u, %d, %ju bytes",
			   (uintmax_t)policy.state->copy_routed - asked,
			   told->path, told->status, (uintmax_t)told->done);
		shape(&a, &a_from, 5, 4, flags, NVME_STEER_COPY_OFFLOAD);
		shape(&a, &a_from, 128, 1, flags, NVME_STEER_COPY_OFFLOAD);
		shape(&a, &b_from, 2, 64, flags, NVME_STEER_COPY_OFFLOAD);
		shape(&a, &b_from, 1, 129, flags, NVME_STEER_COPY_SPLIT);
		shape(&a, &a_from, 300, 3, flags, NVME_STEER_COPY_SPLIT);
		shape(&a, &b_from, 3, 500, flags, NVME_STEER_COPY_SPLIT);
		image_refill(&a, 0, a.len);
		copy_begin(&copy, &a, 3 * 512, flags | NVME_STEER_COPY_F_FUA);
		copy.cmd.depth = 2;
		copy_add_many(&copy, &b_from, 150, 1024);
		copy_add_many(&copy, &a_from, 50, 2048);
		good(flags & NVME_STEER_COPY_F_EMULATE ?
		     NVME_STEER_COPY_EMULATE : NVME_STEER_COPY_SPLIT,
		     "of two namespaces");
		if (flags & NVME_STEER_COPY_F_OFFLOAD)
			continue;
		shape(&none, &a_from, 50, 3, flags, NVME_STEER_COPY_EMULATE);
		/* other controllers, and one that has another size of blocks */
		shape(&a, &other_from, 100, 5, flags, NVME_STEER_COPY_EMULATE);
		shape(&large, &b_from, 40, 1, flags, NVME_STEER_COPY_EMULATE);
		image_refill(&a, 0, a.len);
		copy_begin(&copy, &a, 512, flags);
		copy_add_many(&copy, &a_from, 10, 4096);
		copy_add_many(&copy, &other_from, 10, 4096);
		copy_add_many(&copy, &b_from, 10, 4096);
		good(flags ? NVME_STEER_COPY_EMULATE : NVME_STEER_COPY_HYBRID,
		     "of two controllers");
	}
}

/* NULL is the destination: ranges that are moved. */
static void overlap(void)
{
	static const int shifts[] = { 0, 1, -1, 200, -200 };
	unsigned int i, n;

	test_step("overlaps");
	for (i = 0; i < ARRAY_LEN(shifts); i++) {
		for (n = 100; n < 1000; n += 800) {
			image_refill(&a, 0, a.len);
			copy_begin(&copy, &a, (210 + shifts[i]) * 512, 0);
			copy_add_fd(&copy, &a, 210 * 512, n * 512, -1);
			good(0, "a range moved");
		}
	}
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	for (i = 0; i < 200; i++)
		copy_add_fd(&copy, &a, i * 512, 512, i & 1 ? -1 : a.ns->fd);
	good(0, "a block carried on");
}

static void partition(void)
{
	int fd;

	test_step("a partition");
	fd = image_partition(&a);
	image_refill(&a, 0, 65536);
	copy_begin(&copy, &a, 1024, 0);
	copy.cmd.dst_fd = fd;
	copy.cmd.dst = 1024;
	copy_add(&copy, &b_from, 512, 1024);
	copy_add_fd(&copy, &a, 65536, 1536, fd);
	copy.range[1].offset = 65536;
	copy_add_fd(&copy, &a, 65536 * 2, 512, -1);
	copy.range[2].offset = 65536 * 2;
	good(0, "into a partition");

	refused(copy.cmd.dst_fd = fd; copy.cmd.dst = a.len - 1024, EINVAL);
	refused(copy.range[0].fd = fd; copy.range[0].offset = a.len - 512,
		EINVAL);
	image_unpartition(&a, fd);
}

static void head(void)
{
	struct steer_policy p[2];
	struct image to, from;
	struct pt_ns ns;
	unsigned int i;

	pt_open(&ns, PT_WANT_HEAD);
	test_step("two paths, ng%s", ns.name);
	steer_puppet_copy(&p[0], ns.ctrl, &config);
	steer_puppet_copy(&p[1], ns.ctrl2, &config);
	p[0].state->copy_route = p[1].state->copy_route = 1;
	image_init(&from, &ns, 50 * MIB, MIB);
	image_init(&to, &ns, MIB, MIB);
	for (i = 0; i < 6; i++) {
		image_refill(&to, 0, to.len);
		copy_begin(&copy, &to, 512, all_flags[i % 3]);
		copy_add_many(&copy, &from, 100, 4096);
		if (!(all_flags[i % 3] & NVME_STEER_COPY_F_OFFLOAD))
			copy_add_many(&copy, &a_from, 10, 4096);
		good(0, "a head");
	}
	steer_detach(&p[0]);
	steer_detach(&p[1]);
	copy_begin(&copy, &to, 512, 0);
	copy_add_many(&copy, &from, 10, 4096);
	is_refused(-ENOTTY, "a head without a policy");
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &from, 10, 4096);
	good(NVME_STEER_COPY_EMULATE, "from a head");
	image_free(&from);
	image_free(&to);
	pt_close(&ns);
}

/* Sectors that fail; see selftests/vm/run --help. */
static void faults(void)
{
	struct image bad_from, bad_to;
	struct steer_policy p;
	struct pt_ns ns;
	unsigned int f;

	copy_open(&ns, "faulty", 1);
	test_step("failures, ng%s", ns.name);
	steer_puppet_copy(&p, ns.ctrl, &config);
	p.state->copy_route = 1;
	image_init(&bad_to, &ns, 10 * MIB, MIB);
	/* writing is no way to know what is in these */
	bad_from = (struct image) {
		.ns = &ns, .from = (120000 - 200) * 512, .len = 200 * 512,
		.want = test_alloc(MIB), .got = test_alloc(MIB),
	};
	image_refill(&bad_from, 0, bad_from.len);
	for (f = 0; f < ARRAY_LEN(all_flags); f++) {
		copy_begin(&copy, &bad_to, 512, all_flags[f]);
		copy_add(&copy, &bad_from, 0, 512);
		copy_add(&copy, &bad_from, 1024, 150 * 512);
		/* the last one cannot be read */
		copy_add(&copy, &bad_from, 180 * 512, 21 * 512);
		copy_add(&copy, &bad_from, 2 * 512, 30 * 512);
		test_check(!kcopy_start(file, &copy), "cannot begin");
		finish(file, &copy);
		test_check((copy.res & 0x7ff) == COPY_SC_READ_ERROR,
			   "a sector that cannot be read: %d (%#x), flags %#x",
			   copy.res, copy.res, all_flags[f]);
		copy_check_report(&copy, "a sector that cannot be read");
		test_check(p.state->copied.status == copy.res &&
			   p.state->copied.done == copy.bytes,
			   "copied() was told %d, %ju bytes; done() %d, %ju",
			   p.state->copied.status,
			   (uintmax_t)p.state->copied.done, copy.res,
			   copy.bytes);
	}
	steer_detach(&p);
	image_free(&bad_from);
	image_free(&bad_to);
	pt_close(&ns);
}

/* ----------------------------------------------------------------- together */

#define NR	12
#define PLACE	(80 * 1024UL)	/* of a copy, of which it fills the most */

static struct flight {
	int fd;
	struct copy copy;
} flights[NR];

/* While no copy is under way: what the last ones held is given up after they end. */
static unsigned long references_idle(void)
{
	unsigned long now, nr = steer_references();
	unsigned int same = 0;

	while (same < 10) {
		usleep(20000);
		now = steer_references();
		same = now == nr ? same + 1 : 0;
		nr = now;
	}
	return nr;
}

/* All begun, each to a place of its own. */
static void take_off(unsigned int flags)
{
	struct image *from[] = { &a_from, &b_from, &other_from };
	unsigned int i, n;
	int ret;

	image_refill(&a, 0, a.len);
	for (i = 0; i < NR; i++) {
		struct copy *c = &flights[i].copy;

		if (!c->range) {
			copy_init(c, 64);
			flights[i].fd = kcopy_open();
		}
		copy_begin(c, &a, 512 + i * PLACE,
			   flags ? flags : all_flags[i % 2 * 2]);
		for (n = 0; n < 6; n++)
			copy_add_many(c, from[(i + n) % 3], 3, 4096);
		c->cmd.depth = i % 4;
		ret = kcopy_start(flights[i].fd, c);
		test_check(!ret, "copy %u: %s", i, strerror(-ret));
	}
}

static unsigned int in_the_air(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < NR; i++)
		nr += under_way(flights[i].fd);
	return nr;
}

static void land(const char *what)
{
	unsigned int i;

	for (i = 0; i < NR; i++) {
		finish(flights[i].fd, &flights[i].copy);
		copy_is_good(&flights[i].copy, 0, what);
		copy_model(&flights[i].copy);
	}
	image_check(&a, what);
}

static void together(void)
{
	unsigned int route;

	for (route = 0; route < 4; route++) {
		test_step("%d at a time, queue %u", NR, route);
		policy.state->copy_route = route;
		take_off(0);
		land("one of many");
	}
}

/* Copies that have begun are carried out when a policy changes or goes. */
static void policies(void)
{
	unsigned long idle = references_idle();
	unsigned int nr;
	int ret;

	test_step("a policy is replaced under copies");
	policy.state->copy_route = 1;
	ret = steer_load(&next, drives.a.ctrl, "puppet_copy", &config);
	test_check(!ret, "load: %s", strerror(-ret));
	next.state->copy_route = 3;
	vm_throttle(drives.a.name, 60);
	take_off(0);
	nr = in_the_air();
	test_check(nr > NR / 2, "only %u copies are under way", nr);
	test_check(steer_references() >= idle + nr, "%lu references, %lu before",
		   steer_references(), idle);
	ret = steer_replace(&policy, &next);
	test_check(!ret, "replacement: %s", strerror(-ret));
	policy = next;
	test_check(!policy.state->copied_calls,
		   "it was told of another's copy");
	vm_throttle(drives.a.name, 0);
	land("a policy was replaced");
	take_off(0);
	land("the next policy");
	test_check(policy.state->copies == NR, "it was asked %ju times",
		   (uintmax_t)policy.state->copies);

	test_step("a policy goes from under copies");
	vm_throttle(drives.a.name, 60);
	take_off(0);
	nr = in_the_air();
	test_check(nr > NR / 2, "only %u copies are under way", nr);
	steer_unlink(&policy);
	begin();
	ret = kcopy_start(file, &copy);
	test_check(ret == -ENOTTY, "a copy when the policy has gone: %d", ret);
	vm_throttle(drives.a.name, 0);
	land("the policy had gone");
	test_check(test_wait(!steer_reserve(drives.a.ctrl, "used"), 10000),
		   "queues are left");
	ret = steer_attach(&policy);
	test_check(!ret, "attach: %s", strerror(-ret));
}

/* This emulator may abort when a reset ends a Copy command: without those. */
static void reset(void)
{
	unsigned int route, i, cut = 0;
	struct image known;
	int ret;

	for (route = 0; route < 2; route++) {
		test_step("a reset under copies, queue %u", route);
		policy.state->copy_route = route;
		vm_throttle(drives.a.name, 60);
		take_off(NVME_STEER_COPY_F_EMULATE);
		test_check(in_the_air() > NR / 2, "too few are under way");
		ret = vm_reset(drives.a.ctrl);
		test_check(!ret, "reset: %s", strerror(-ret));
		vm_throttle(drives.a.name, 0);
		test_check(vm_wait_live(drives.a.ctrl, 20000), "not live");
		for (i = 0; i < NR; i++)
			finish(flights[i].fd, &flights[i].copy);
		for (i = 0; i < NR; i++) {
			struct copy *c = &flights[i].copy;

			/* each by itself, its neighbours on both sides too */
			known = a;
			known.from += i * PLACE;
			known.len = PLACE + 512;
			known.want += i * PLACE;
			known.got += i * PLACE;
			c->dst = &known;
			c->at = 512;
			if (c->res)
				copy_check_report(c, "a reset");
			else
				copy_is_good(c, 0, "a reset");
			if (!c->res)
				copy_model(c);
			c->dst = &a;
			cut += !!c->res;
		}
		image_check(&a, "a reset");
		take_off(0);
		land("after a reset");
	}
	printf("#   %u of %u copies were cut short\n", cut, 2 * NR);
	test_check(cut, "no reset met a copy");
}

/* A caller that is killed, and modules that a copy is under way in. */
static void modules(void)
{
	int status, pipes[2];
	unsigned long idle;
	unsigned int i;
	signed char c;
	pid_t pid;

	test_step("a caller is killed");
	for (i = 0; i < NR; i++)
		close(flights[i].fd);
	test_check(!pipe(pipes), "pipe");
	idle = references_idle();
	image_refill(&a, 0, a.len);
	copy_begin(&copy, &a, 512, 0);
	copy_add_many(&copy, &a_from, 100, 8192);
	vm_throttle(drives.a.name, 60);
	fflush(stdout);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		struct kcopy_test_result result;

		c = kcopy_start(file, &copy);
		if (write(pipes[1], &c, 1) == 1)
			ioctl(file, KCOPY_TEST_WAIT, &result);
		_exit(1);
	}
	/* the file is the child's alone */
	close(file);
	test_check(read(pipes[0], &c, 1) == 1 && !c, "start: %s",
		   strerror(-c));
	kill(pid, SIGKILL);
	test_check(steer_references() > idle, "the copy does not hold nvmesteer");
	test_check(test_sh("rmmod kcopy_test 2>/dev/null"),
		   "kcopy_test went from under a copy");
	test_check(!waitpid(pid, &status, WNOHANG),
		   "the caller did not wait for its copy");
	vm_throttle(drives.a.name, 0);
	waitpid(pid, &status, 0);
	test_check(WIFSIGNALED(status), "the caller ended with %#x", status);
	copy_model(&copy);
	image_check(&a, "the caller was killed");

	test_step("modules");
	kcopy_unload();
	steer_detach(&policy);
	test_check(test_wait(!steer_references(), 10000), "%lu references",
		   steer_references());
	steer_reload();
}

int main(void)
{
	uint64_t start_ms;

	test_begin(150);
	copy_drives_open(&drives);
	kcopy_load();
	file = kcopy_open();
	steer_puppet_copy(&policy, drives.a.ctrl, &config);
	image_init(&a, &drives.a, MIB, MIB);
	image_init(&a_from, &drives.a, 9 * MIB, 2 * MIB);
	image_init(&b_from, &drives.b, 9 * MIB, 2 * MIB);
	image_init(&none, &drives.none, MIB, MIB / 2);
	image_init(&large, &drives.large, MIB, MIB / 2);
	image_init(&other, &drives.other, MIB, MIB / 2);
	image_init(&other_from, &drives.other, 9 * MIB, MIB);
	copy_init(&copy, NVME_STEER_COPY_MAX_RANGES + 1);

	refusals();
	paths(0);
	paths(1);
	paths(2);
	overlap();
	partition();
	head();
	faults();

	test_step("as many ranges as there can be");
	start_ms = test_now_ms();
	shape(&a, &b_from, 1000, 1, NVME_STEER_COPY_F_EMULATE, 0);
	{
		struct image wide;

		image_init(&wide, &drives.b, 40 * MIB, 9 * MIB);
		shape(&wide, &a_from, NVME_STEER_COPY_MAX_RANGES, 1, 0,
		      NVME_STEER_COPY_SPLIT);
		image_free(&wide);
	}
	printf("#   %ju ms\n", test_now_ms() - start_ms);

	together();
	policies();
	reset();
	printf("# %u copies ended, %u of them in a context that cannot sleep\n",
	       ends, ends_atomic);
	test_check(ends_atomic, "no copy ended in an interrupt");
	modules();
	test_pass();
}
