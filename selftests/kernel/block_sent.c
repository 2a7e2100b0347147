// SPDX-License-Identifier: GPL-2.0
/*
 * What the drive is sent for block requests: the entries of the submission
 * queues themselves, by a steer queue and by the driver's own path, are the same
 * commands in each field that matters, and each byte is what it must be by the
 * other path, as are the neighbours'. Reads, writes and readahead with their
 * data in PRPs and in SGLs; forced unit access, flushes, discards, Write Zeroes;
 * protection information, right and wrong, which the block layer makes and the
 * drive checks, or the drive does both; of a zoned namespace writes, what is done
 * to zones, and Zone Append, which is sent by the kernel's own target: nothing
 * else in this kernel but btrfs does.
 *
 * vm: --drives copy
 * timeout: 200
 */
#include <fcntl.h>
#include <glob.h>
#include <linux/blkzoned.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "copy.h"
#include "lib/sent.h"
#include "steer.h"
#include "test.h"
#include "vm.h"

#define HUGE		(2UL << 20)
#define MOST		16		/* commands of a step */
#define GUARD		16		/* blocks */
#define AT		1024		/* the block that steps begin with */
#define THRESHOLD	"/sys/module/nvme/parameters/sgl_threshold"

#define PT_ZONE_SEND	0x79
#define PT_ZONE_RECEIVE	0x7a
#define PT_ZONE_APPEND	0x7d

/* Control of a command, in the upper half of dword 12. */
#define LIMITED_RETRY	0x8000
#define FUA		0x4000
#define PRINFO		0x3c00
#define PRACT		0x2000
#define CHECK_GUARD	0x1000
#define CHECK_REF	0x0400

static struct pt_ns ns;
static struct steer_policy policy;
static uint64_t gen = 1;
static uint8_t *huge;

/* What a step does, and what of it was sent last. */
static struct step {
	void (*send)(bool steered);
	struct iovec iov[32];
	unsigned int nr_iov;
	uint64_t slba;
	uint32_t nlb;
	uint64_t now, old;		/* patterns */
	struct sent sent[2][MOST];	/* by the driver's path, steered */
	unsigned int nr;
} step;

static uint16_t control(const struct command *c)
{
	return c->cdw12 >> 16;
}

static uint16_t first_control(void)
{
	return control(&step.sent[1][0].cmd);
}

static void answer(bool steered)
{
	steer_answer_block(&policy, steered, 1, 0, 1);
}

/* By the driver's own path, whatever the answers are now. */
static void own_write(uint64_t slba, uint32_t nlb, uint64_t g)
{
	answer(false);
	pt_block_write(&ns, slba, nlb, g);
}

static void own_check(uint64_t slba, uint32_t nlb, uint64_t g)
{
	answer(false);
	pt_block_check(&ns, slba, nlb, g);
}

static bool is_steer_queue(unsigned int qid)
{
	struct steer_queues qs;

	steer_queues(ns.ctrl, &qs);
	return qs.q[1].present && qs.q[1].qid == (int)qid;
}

/* Have it sent one way; the commands are in step.sent then. */
static unsigned int send_by(bool steered)
{
	struct sent *sent = step.sent[steered];
	uint64_t was = steer_event(ns.ctrl, "block"), took;
	unsigned int i, n;

	sent_mark();
	answer(steered);
	step.send(steered);
	answer(false);
	took = steer_event(ns.ctrl, "block") - was;
	n = sent_since(ns.nsid, sent, MOST);
	test_check(took == (steered ? n : 0), "%ju of %u commands were steered",
		   took, n);
	for (i = 0; i < n; i++)
		test_check(is_steer_queue(sent[i].qid) == steered,
			   "command %u is on queue %u", i, sent[i].qid);
	return n;
}

/* It was sent both ways, and they are the same. */
static void compare(const char *what, unsigned int own)
{
	const char *differs;
	unsigned int i;

	test_check(own && step.nr == own, "%s: %u commands instead of %u", what,
		   step.nr, own);
	for (i = 0; i < own; i++) {
		differs = sent_differs(&step.sent[0][i].cmd,
				       &step.sent[1][i].cmd);
		test_check(!differs, "%s: %s of command %u differs", what,
			   differs, i);
	}
	printf("#   %s: %u of opcode %#x, flags %#x, control %#x\n", what, own,
	       step.sent[1][0].cmd.opcode, step.sent[1][0].cmd.flags,
	       first_control());
}

/* Something that moves no data of ours. */
static void both(const char *what, void (*send)(bool steered))
{
	unsigned int own;

	step.send = send;
	own = send_by(false);
	step.nr = send_by(true);
	compare(what, own);
}

/* ---------------------------------------------------------- reads and writes */

static void fill_iov(uint64_t g)
{
	uint64_t at = step.slba;
	unsigned int i;

	for (i = 0; i < step.nr_iov; i++) {
		pt_fill(&ns, step.iov[i].iov_base, at,
			step.iov[i].iov_len / ns.block, g);
		at += step.iov[i].iov_len / ns.block;
	}
}

static void check_iov(const char *what, uint64_t g)
{
	uint64_t at = step.slba;
	unsigned int i;

	for (i = 0; i < step.nr_iov; i++) {
		test_check(pt_differs(&ns, step.iov[i].iov_base, at,
				      step.iov[i].iov_len / ns.block, g) < 0,
			   "%s: piece %u was read wrong", what, i);
		at += step.iov[i].iov_len / ns.block;
	}
}

/* @nr pieces of @len bytes, @apart from one to the next, @skip into the first. */
static void pieces(unsigned int nr, size_t len, size_t apart, size_t skip)
{
	unsigned int i;

	step.slba = AT;
	step.nlb = nr * len / ns.block;
	step.nr_iov = nr;
	for (i = 0; i < nr; i++)
		step.iov[i] = (struct iovec) {
			.iov_base = huge + skip + i * apart, .iov_len = len,
		};
}

static int flags_of_writes;

static void send_write(bool steered)
{
	ssize_t ret = pwritev2(ns.block_fd, step.iov, step.nr_iov,
			       step.slba * ns.block, flags_of_writes);

	test_check(ret == (ssize_t)step.nlb * ns.block, "write: %zd, %s", ret,
		   strerror(errno));
}

static void send_read(bool steered)
{
	ssize_t ret = preadv(ns.block_fd, step.iov, step.nr_iov,
			     step.slba * ns.block);

	test_check(ret == (ssize_t)step.nlb * ns.block, "read: %zd, %s", ret,
		   strerror(errno));
}

static unsigned int write_one_way(bool steered)
{
	unsigned int n;

	step.old = gen++;
	step.now = steered ? step.now : gen++;
	own_write(step.slba - GUARD, step.nlb + 2 * GUARD, step.old);
	fill_iov(step.now);
	n = send_by(steered);
	own_check(step.slba, step.nlb, step.now);
	own_check(step.slba - GUARD, GUARD, step.old);
	own_check(step.slba + step.nlb, GUARD, step.old);
	return n;
}

static unsigned int read_one_way(const char *what, bool steered)
{
	unsigned int n;

	fill_iov(gen++);
	n = send_by(steered);
	check_iov(what, step.now);
	return n;
}

/* Written and read back by either way. */
static void rw(const char *what, bool sgl)
{
	unsigned int own;

	test_step("%s: %s", ns.name, what);
	step.send = send_write;
	own = write_one_way(false);
	step.nr = write_one_way(true);
	compare("write", own);
	test_check(!(step.sent[1][0].cmd.flags & SENT_SGL) == !sgl,
		   "%s: flags %#x", what, step.sent[1][0].cmd.flags);
	step.send = send_read;
	own = read_one_way(what, false);
	step.nr = read_one_way(what, true);
	compare("read", own);
	test_check(!(step.sent[1][0].cmd.flags & SENT_SGL) == !sgl,
		   "%s: flags %#x", what, step.sent[1][0].cmd.flags);
}

static void shapes(void)
{
	pieces(1, ns.block, 0, 512);
	rw("one block", false);
	pieces(1, 8192, 0, 0);
	rw("two pages", false);
	pieces(32, 4096, 8192, 0);
	rw("many pages, PRPs", false);
	pieces(1, 128 << 10, 0, 0);
	rw("one piece, an SGL", true);
	pieces(4, 64 << 10, 128 << 10, 0);
	rw("four pieces, an SGL", true);
	pieces(1, 1 << 20, 0, 0);
	rw("more than one command takes", true);

	test_set_file(THRESHOLD, "512");
	pieces(32, 4096, 8192, 0);
	rw("many pages, an SGL", true);
	test_write(THRESHOLD, "0");
	pieces(1, 128 << 10, 0, 0);
	rw("one piece, PRPs", false);
	pieces(4, 64 << 10, 128 << 10, 0);
	rw("four pieces, PRPs", false);
	test_write(THRESHOLD, "32768");
}

static void fua(void)
{
	test_step("%s: forced unit access", ns.name);
	pieces(1, 4096, 0, 0);
	flags_of_writes = RWF_DSYNC;
	rw("RWF_DSYNC", false);
	step.send = send_write;
	fill_iov(step.now);
	both("write", send_write);
	flags_of_writes = 0;
	test_check(first_control() & FUA, "control %#x", first_control());
}

/* ------------------------------------------------ what else is sent of blocks */

static void send_readahead(bool steered)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/nvme%s", ns.name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	test_check(fd >= 0 && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED),
		   "%s: %s", path, strerror(errno));
	test_check(!readahead(fd, AT * ns.block, 32 << 10), "readahead: %s",
		   strerror(errno));
	test_check(pread(fd, huge, 32 << 10, AT * ns.block) == 32 << 10, "read");
	close(fd);
}

static void send_flush(bool steered)
{
	test_check(!fsync(ns.block_fd), "fsync: %s", strerror(errno));
}

static unsigned long request;

static void send_range(bool steered)
{
	uint64_t range[2] = { step.slba * ns.block,
			      (uint64_t)step.nlb * ns.block };

	test_check(!ioctl(ns.block_fd, request, range), "ioctl: %s",
		   strerror(errno));
}

static bool is_zero(void)
{
	uint32_t i, words = step.nlb * ns.block / 8;

	pt_block_read(&ns, huge, step.slba, step.nlb);
	for (i = 0; i < words; i++)
		if (((uint64_t *)huge)[i])
			return false;
	return true;
}

/* @opcode empties blocks; a discard need not, but does the same either way. */
static void emptied(const char *what, unsigned long what_request,
		    uint8_t opcode)
{
	unsigned int own, steered;
	bool zero[2];

	test_step("%s: %s", ns.name, what);
	step.slba = AT;
	step.nlb = 64;
	step.send = send_range;
	request = what_request;
	for (steered = 0; steered < 2; steered++) {
		step.old = gen++;
		own_write(AT - GUARD, step.nlb + 2 * GUARD, step.old);
		own = step.nr;
		step.nr = send_by(steered);
		zero[steered] = is_zero();
		if (!zero[steered])
			own_check(AT, step.nlb, step.old);
		own_check(AT - GUARD, GUARD, step.old);
		own_check(AT + step.nlb, GUARD, step.old);
	}
	compare(what, own);
	test_check(zero[0] == zero[1] && (zero[1] || opcode == PT_DSM),
		   "%s: zero by the driver's path %d, steered %d", what,
		   zero[0], zero[1]);
	test_check(step.sent[1][0].cmd.opcode == opcode, "opcode %#x",
		   step.sent[1][0].cmd.opcode);
}

static void others(void)
{
	uint64_t was = gen++;
	unsigned int i;

	test_step("%s: readahead", ns.name);
	own_write(AT, 64, was);
	/* how many pages of the page cache are next to each other is chance */
	test_write(THRESHOLD, "0");
	both("readahead", send_readahead);
	test_write(THRESHOLD, "32768");
	test_check(pt_differs(&ns, huge, AT, 64, was) < 0, "read wrong");
	for (i = 0; i < step.nr; i++)
		if (control(&step.sent[1][i].cmd) & LIMITED_RETRY)
			break;
	test_check(i < step.nr, "no readahead was sent");
	test_step("%s: flush", ns.name);
	both("flush", send_flush);
	test_check(step.sent[1][0].cmd.opcode == PT_FLUSH, "no flush");
	emptied("discard", BLKDISCARD, PT_DSM);
	emptied("Write Zeroes", BLKZEROOUT, PT_WRITE_ZEROES);
}

/* ------------------------------------------------------ protection information */

/* Blocks with their metadata by passthrough, which the drive does not check. */
static void raw(uint8_t opcode, void *data, void *meta)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = opcode, .nsid = ns.nsid, .addr = (uintptr_t)data,
		.data_len = step.nlb * ns.block, .metadata = (uintptr_t)meta,
		.metadata_len = step.nlb * ns.ms, .cdw10 = step.slba,
		.cdw12 = step.nlb - 1,
	};
	int ret;

	answer(false);
	ret = ioctl(ns.fd, NVME_IOCTL_IO64_CMD, &cmd);
	test_check(!ret, "passthrough: %#x, %s", ret, strerror(errno));
}

/* The same data, and so the same metadata, by either way. */
static void same_metadata(uint16_t prinfo)
{
	uint8_t *meta[2] = { test_alloc(HUGE), test_alloc(HUGE) };
	uint8_t *data = test_alloc(HUGE), *none = test_alloc(HUGE);
	unsigned int own, steered;

	step.send = send_write;
	for (steered = 0; steered < 2; steered++) {
		own = step.nr;
		step.nr = write_one_way(steered);
		raw(PT_READ, data, meta[steered]);
		test_check(pt_differs(&ns, data, step.slba, step.nlb,
				      step.now) < 0, "wrong data is there");
	}
	compare("write", own);
	test_check(memcmp(meta[1], none, step.nlb * ns.ms), "no metadata");
	test_check(!memcmp(meta[0], meta[1], step.nlb * ns.ms),
		   "the metadata differs");
	test_check((first_control() & PRINFO) == prinfo,
		   "a write has control %#x", first_control());
	step.send = send_read;
	own = read_one_way("read", false);
	step.nr = read_one_way("read", true);
	compare("read", own);
	test_check((first_control() & PRINFO) == prinfo,
		   "a read has control %#x", first_control());
	free(meta[0]);
	free(meta[1]);
	free(data);
	free(none);
}

static void send_bad_read(bool steered)
{
	ssize_t ret = preadv(ns.block_fd, step.iov, step.nr_iov,
			     step.slba * ns.block);

	test_check(ret == -1 && errno == EILSEQ, "a wrong guard: %zd, %s", ret,
		   strerror(errno));
}

/* One of the blocks has another guard than its data. */
static void bad_guard(void)
{
	uint8_t *meta = test_alloc(HUGE), *data = test_alloc(HUGE);

	test_step("%s: a guard that is wrong", ns.name);
	raw(PT_READ, data, meta);
	meta[3 * ns.ms] ^= 1;
	raw(PT_WRITE, data, meta);
	both("read", send_bad_read);
	meta[3 * ns.ms] ^= 1;
	raw(PT_WRITE, data, meta);
	own_check(step.slba, step.nlb, step.now);
	free(meta);
	free(data);
}

/* Who makes and checks it: the block layer, "1", or else the drive. */
static void by_block_layer(const char *on)
{
	static const char *const file[] = { "read_verify", "write_generate" };
	char path[64];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(file); i++) {
		snprintf(path, sizeof(path), "/sys/block/nvme%s/integrity/%s",
			 ns.name, file[i]);
		test_set_file(path, on);
	}
}

static void protected(unsigned int nsid)
{
	const uint16_t check = CHECK_GUARD | CHECK_REF;

	copy_open(&ns, "copies", nsid);
	test_check(ns.ms && ns.block_fd >= 0, "ng%s has no metadata", ns.name);
	test_step("%s: protection information of a block", ns.name);
	pieces(1, ns.block, 0, 0);
	same_metadata(check);
	test_step("%s: of many, in PRPs", ns.name);
	pieces(16, 4096, 8192, 0);
	same_metadata(check);
	test_step("%s: of many, in an SGL", ns.name);
	pieces(1, 128 << 10, 0, 0);
	same_metadata(check);
	bad_guard();
	test_step("%s: which the drive makes", ns.name);
	by_block_layer("0");
	same_metadata(check | PRACT);
	by_block_layer("1");
	pt_close(&ns);
}

/* ------------------------------------------------------------------ zones */

#define TARGET	"/sys/kernel/config/nvmet"
#define ZONES	"subsystems/nvmesteer-zones"

static struct blk_zone_range zone;
static int loop = -1;
static uint64_t appended[2];

static void send_zone(bool steered)
{
	test_check(!ioctl(ns.block_fd, request, &zone), "ioctl %#lx: %s",
		   request, strerror(errno));
}

static void send_report(bool steered)
{
	struct {
		struct blk_zone_report head;
		struct blk_zone zone[4];
	} report = { .head.nr_zones = 4 };

	test_check(!ioctl(ns.block_fd, BLKREPORTZONE, &report),
		   "BLKREPORTZONE: %s", strerror(errno));
	test_check(report.head.nr_zones == 4 && !report.zone[0].start &&
		   report.zone[1].start == zone.nr_sectors, "a wrong report");
}

static void do_zone(unsigned long what)
{
	answer(false);
	request = what;
	send_zone(false);
}

static void send_append(bool steered)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = PT_ZONE_APPEND, .nsid = 1, .addr = (uintptr_t)huge,
		.data_len = step.nlb * ns.block, .cdw10 = zone.sector,
		.cdw12 = step.nlb - 1,
	};
	int ret;

	pt_fill(&ns, huge, zone.sector + steered * step.nlb, step.nlb,
		step.now);
	ret = ioctl(loop, NVME_IOCTL_IO64_CMD, &cmd);
	test_check(!ret, "Zone Append: %#x, %s", ret, strerror(errno));
	appended[steered] = cmd.result;
}

static void loop_end(void *unused)
{
	if (loop >= 0)
		close(loop);
	loop = -1;
	test_sh("nvme disconnect -n nvmesteer-zones; cd " TARGET " && "
		"rm -f ports/9/subsystems/nvmesteer-zones && rmdir ports/9 "
		ZONES "/namespaces/1 " ZONES "; modprobe -q -r nvme-loop nvmet");
}

static bool find_loop(void)
{
	char text[32], path[32];
	unsigned int i, x;
	glob_t found;

	if (glob("/sys/class/nvme/nvme*/transport", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc; i++) {
		if (test_read(found.gl_pathv[i], text, sizeof(text)) <= 0 ||
		    strncmp(text, "loop", 4) ||
		    sscanf(found.gl_pathv[i], "/sys/class/nvme/nvme%u/", &x) != 1)
			continue;
		snprintf(path, sizeof(path), "/dev/ng%un1", x);
		loop = open(path, O_RDWR | O_CLOEXEC);
	}
	globfree(&found);
	return loop >= 0;
}

/* The target of the kernel in front of the zoned namespace. */
static void open_loop(void)
{
	test_at_end(loop_end, NULL);
	test_check(!test_sh("modprobe nvme-loop && { mountpoint -q /sys/kernel/config || "
			    "mount -t configfs none /sys/kernel/config; } && "
			    "cd " TARGET " && mkdir -p ports/9 " ZONES "/namespaces/1 && "
			    "echo 1 >" ZONES "/attr_allow_any_host && "
			    "echo -n /dev/nvme%s >" ZONES "/namespaces/1/device_path && "
			    "echo 1 >" ZONES "/namespaces/1/enable && "
			    "echo loop >ports/9/addr_trtype && "
			    "ln -s " ZONES " ports/9/subsystems/ && "
			    "nvme connect -t loop -n nvmesteer-zones >/dev/null",
			    ns.name), "no loop to the zoned namespace");
	test_check(test_wait(find_loop(), 20000), "no namespace of the loop");
}

static void append(void)
{
	unsigned int own;

	test_step("%s: Zone Append", ns.name);
	open_loop();
	do_zone(BLKRESETZONE);
	step.nlb = 32;
	step.now = gen++;
	step.send = send_append;
	own = send_by(false);
	step.nr = send_by(true);
	compare("append", own);
	test_check(step.sent[1][0].cmd.opcode == PT_ZONE_APPEND, "opcode %#x",
		   step.sent[1][0].cmd.opcode);
	test_check(appended[0] == zone.sector &&
		   appended[1] == zone.sector + step.nlb,
		   "it says that it was appended at %ju and %ju", appended[0],
		   appended[1]);
	own_check(zone.sector, 2 * step.nlb, step.now);
	loop_end(NULL);
	test_not_at_end(loop_end, NULL);
}

/* Which goes through the block layer's plugs of zones. */
static void zone_write(void)
{
	unsigned int own, steered;

	test_step("%s: a sequential write", ns.name);
	pieces(1, 16 << 10, 0, 0);
	step.slba = zone.sector;
	step.send = send_write;
	for (steered = 0; steered < 2; steered++) {
		do_zone(BLKRESETZONE);
		step.now = gen++;
		fill_iov(step.now);
		own = step.nr;
		step.nr = send_by(steered);
		own_check(step.slba, step.nlb, step.now);
	}
	compare("write", own);
}

static void zoned(void)
{
	static const struct {
		const char *name;
		unsigned long request;
	} what[] = {
		{ "BLKRESETZONE", BLKRESETZONE }, { "BLKOPENZONE", BLKOPENZONE },
		{ "BLKCLOSEZONE", BLKCLOSEZONE },
		{ "BLKFINISHZONE", BLKFINISHZONE },
	};
	unsigned int i;

	copy_open(&ns, "copies", 8);
	test_step("%s: zones", ns.name);
	zone.nr_sectors = (1 << 20) / 512;
	zone.sector = 3 * zone.nr_sectors;
	do_zone(BLKRESETZONE);
	both("report", send_report);
	test_check(step.sent[1][0].cmd.opcode == PT_ZONE_RECEIVE, "opcode %#x",
		   step.sent[1][0].cmd.opcode);
	for (i = 0; i < ARRAY_LEN(what); i++) {
		request = what[i].request;
		both(what[i].name, send_zone);
		test_check(step.sent[1][0].cmd.opcode == PT_ZONE_SEND,
			   "opcode %#x", step.sent[1][0].cmd.opcode);
	}
	zone_write();
	append();
	pt_close(&ns);
}

int main(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ },
	};

	test_begin(180);
	copy_open(&ns, "copies", 1);
	huge = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(huge != MAP_FAILED, "mmap: %s", strerror(errno));
	huge = (void *)(((uintptr_t)huge + HUGE - 1) & -HUGE);
	madvise(huge, HUGE, MADV_HUGEPAGE);
	memset(huge, 0, HUGE);
	sent_begin(ns.ctrl);
	steer_puppet_block(&policy, ns.ctrl, &config);
	shapes();
	fua();
	others();
	pt_close(&ns);
	protected(6);
	protected(9);
	zoned();
	steer_detach(&policy);
	test_pass();
}
