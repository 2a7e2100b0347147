// SPDX-License-Identifier: GPL-2.0
/*
 * What a controller is sent; see sent.h. Where its queues are is in the commands
 * that create them, which a kernel probe sees; what is there, in /proc/kcore.
 */
#include <elf.h>
#include <fcntl.h>

#include "probe.h"
#include "sent.h"
#include "test.h"
#include "vm.h"

#define CREATE_SQ	1
#define QUEUES		64

struct queue {
	uint64_t address;
	unsigned int entries;
	struct command *was;
};

static struct queue queues[QUEUES];

static void end(void *unused)
{
	unsigned int q;

	for (q = 0; q < QUEUES; q++)
		free(queues[q].was);
	memset(queues, 0, sizeof(queues));
}

/* Queues that were created since the last call. */
static void find_queues(void)
{
	FILE *f = probe_trace("create");
	unsigned int opcode, qid, last;
	char line[512], *args;
	uint64_t address;

	while (fgets(line, sizeof(line), f)) {
		args = strstr(line, "opcode=");
		if (!args || sscanf(args, "opcode=%u address=%ji qid=%u last=%u",
				    &opcode, &address, &qid, &last) != 4 ||
		    opcode != CREATE_SQ)
			continue;
		test_check(qid < QUEUES, "a queue %u", qid);
		if (queues[qid].address == address)
			continue;
		free(queues[qid].was);
		queues[qid] = (struct queue) {
			.address = address,
			.entries = last + 1,
			.was = calloc(last + 1, sizeof(struct command)),
		};
	}
	fclose(f);
}

/* Where memory is in /proc/kcore, or -1. */
static off_t in_kcore(int fd, uint64_t address, size_t len)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr p;
	unsigned int i;

	test_check(pread(fd, &ehdr, sizeof(ehdr), 0) == sizeof(ehdr),
		   "/proc/kcore: %s", strerror(errno));
	for (i = 0; i < ehdr.e_phnum; i++) {
		test_check(pread(fd, &p, sizeof(p), ehdr.e_phoff +
				 i * sizeof(p)) == sizeof(p), "/proc/kcore");
		if (p.p_type == PT_LOAD && p.p_paddr != (uint64_t)-1 &&
		    address >= p.p_paddr &&
		    address + len <= p.p_paddr + p.p_memsz)
			return p.p_offset + (address - p.p_paddr);
	}
	return -1;
}

static void read_queue(const struct queue *q, struct command *now)
{
	size_t len = q->entries * sizeof(*now);
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	off_t at;

	test_check(fd >= 0, "cannot open /proc/kcore: %s", strerror(errno));
	at = in_kcore(fd, q->address, len);
	test_check(at >= 0 && pread(fd, now, len, at) == (ssize_t)len,
		   "the queue at %#jx is not to be read", (uintmax_t)q->address);
	close(fd);
}

void sent_begin(int ctrl)
{
	probe_start("create", "nvme_submit_sync_cmd opcode=+0($arg2):u8 "
		    "address=+24($arg2):x64 qid=+40($arg2):u16 last=+42($arg2):u16");
	test_at_end(end, NULL);
	test_check(!vm_reset(ctrl) && vm_wait_live(ctrl, 20000),
		   "nvme%d does not come back", ctrl);
	find_queues();
	test_check(queues[1].address, "no queue of nvme%d was seen", ctrl);
}

void sent_mark(void)
{
	unsigned int q;

	find_queues();
	for (q = 0; q < QUEUES; q++)
		if (queues[q].address)
			read_queue(&queues[q], queues[q].was);
}

static bool is_new(const struct queue *q, const struct command *now,
		   unsigned int i)
{
	return memcmp(&q->was[i], &now[i], sizeof(*now));
}

/* The first of the new entries, which are one after the other in a ring. */
static unsigned int first_new(const struct queue *q, const struct command *now)
{
	unsigned int i, before = q->entries - 1;

	for (i = 0; i < q->entries; before = i++)
		if (is_new(q, now, i) && !is_new(q, now, before))
			break;
	return i;
}

unsigned int sent_since(uint32_t nsid, struct sent *sent, unsigned int max)
{
	unsigned int n = 0, qid, i;
	struct command *now;
	struct queue *q;

	for (qid = 1; qid < QUEUES; qid++) {
		q = &queues[qid];
		if (!q->address)
			continue;
		now = calloc(q->entries, sizeof(*now));
		read_queue(q, now);
		for (i = first_new(q, now); i != q->entries;
		     i = i + 1 == q->entries ? 0 : i + 1) {
			if (!is_new(q, now, i))
				break;
			if (now[i].nsid != nsid)
				continue;
			test_check(n < max, "more than %u commands", max);
			sent[n++] = (struct sent) { qid, now[i] };
		}
		free(now);
	}
	return n;
}

/* An SGL descriptor is an address, a length and a type, in 16 bytes. */
static bool is_list(const struct command *c)
{
	return c->flags & SENT_SGL && c->prp2 >> 60 >= 2;
}

static const char *data_differs(const struct command *a,
				const struct command *b)
{
	if (a->flags & SENT_SGL ? a->prp2 != b->prp2 : !a->prp2 != !b->prp2)
		return "length or type of the SGL, or PRP entry 2";
	if (!is_list(a) && (a->prp1 ^ b->prp1) % PAGE_SIZE)
		return "the place of the data in its page";
	return NULL;
}

const char *sent_differs(const struct command *a, const struct command *b)
{
	if (a->opcode != b->opcode)
		return "the opcode";
	if (a->flags != b->flags)
		return "flags";
	if (a->nsid != b->nsid)
		return "the namespace";
	if (a->cdw2 != b->cdw2 || a->cdw3 != b->cdw3)
		return "dwords 2 and 3";
	if (!a->mptr != !b->mptr)
		return "the metadata pointer";
	if (memcmp(&a->cdw10, &b->cdw10, sizeof(*a) - offsetof(struct command,
							       cdw10)))
		return "dwords 10 to 15";
	return data_differs(a, b);
}
