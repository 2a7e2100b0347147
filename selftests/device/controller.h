/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An NVMe controller that does wrong when it is told to (faults.h): a PCI
 * function with registers, queues in the guest's memory, MSI-X, and one
 * namespace in memory. It is a program of its own, which QEMU's vfio-user-pci
 * presents to a guest:
 *
 *	vfio.c		the protocol of vfio-user: regions, interrupts, memory
 *	pci.c		configuration space and registers
 *	queue.c		submission and completion queues, what is due later
 *	admin.c		admin commands
 *	nvm.c		the namespace and its commands
 *	fault.c		rules, and what they do to a command
 *	event.c		what happens without the host, and asynchronous events
 *
 * Two of them can be controllers of one subsystem, whose namespace is in a file
 * that both have; rules and counters, format and size are each one's own.
 *
 * One thread does everything, one message or one thing due at a time; there is
 * no lock. It is as fast as a test needs it. It shows what a host does when a
 * controller misbehaves at its interface. It shows nothing of a PCIe link
 * (errors that are reported, resets of a port, hot unplugging: QEMU 11.1 aborts
 * at device_del of such a device), of DMA that goes astray or is seen out of
 * order, of an IOMMU, and, as a doorbell is a message, nothing of the time a
 * real one takes.
 */
#ifndef DEVICE_CONTROLLER_H
#define DEVICE_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"

#define NR_QUEUES	FAULT_QUEUES	/* with the admin queue */
#define NR_VECTORS	FAULT_QUEUES
#define MAX_ENTRIES	1024
#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define NAMESPACE_SIZE	(16UL << 20)	/* bytes, at most */
#define MAX_EVENTS	4
#define MAX_TRANSFER	(512U << 10)	/* bytes; MDTS says the same */

/* Regions of a vfio device. */
#define REGION_BAR0	0	/* registers and doorbells */
#define REGION_BAR4	4	/* MSI-X, which QEMU emulates */
#define REGION_CONFIG	7
#define NR_REGIONS	9
#define BAR0_SIZE	0x2000
#define BAR4_SIZE	0x2000
#define CONFIG_SIZE	4096

/* A command, as in a submission queue. */
struct command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};

/* A completion, as in a completion queue. */
struct completion {
	uint32_t dw0;
	uint32_t dw1;
	uint16_t sq_head;
	uint16_t sqid;
	uint16_t cid;
	uint16_t status;	/* bit 0: the phase tag */
};

/* Status fields, without the phase tag. */
#define SC_INVALID_OPCODE	0x0001
#define SC_INVALID_FIELD	0x0002
#define SC_DATA_TRANSFER	0x0004
#define SC_ABORT_REQUESTED	0x0007
#define SC_INVALID_NS		0x000b
#define SC_WRITE_PROTECTED	0x0020
#define SC_LBA_RANGE		0x0080
#define SC_CQ_INVALID		0x0100
#define SC_QID_INVALID		0x0101
#define SC_QUEUE_SIZE		0x0102
#define SC_AER_LIMIT		0x0105
#define SC_VECTOR		0x0108
#define SC_LOG_PAGE		0x0109
#define SC_INVALID_FORMAT	0x010a
#define SC_QUEUE_DELETION	0x010c
#define SC_SIZE_LIMIT		0x0183
#define SC_FAST_COPY		0x0186
#define SC_COMPARE_FAILED	0x0285
#define SC_DNR			0x4000
/* Not a status: the command is not completed yet. */
#define SC_LATER		0x10000

struct cq {
	bool there;
	bool was_there;		/* before it was deleted, or a reset */
	uint64_t base;		/* address of the entries */
	uint32_t entries;
	uint32_t head;		/* what the host has read, by its doorbell */
	uint32_t tail;		/* where the next entry goes */
	bool phase;
	bool interrupts;
	bool pending;		/* entries the host was not interrupted for */
	uint16_t vector;
	unsigned int nr_sqs;	/* that name it */
};

#define OLD_CIDS	8

/* CC.AMS, and weighted round robin with urgent priority class */
#define CC_AMS(cc)	((cc) >> 11 & 7)
#define AMS_WRR		1

struct sq {
	bool there;
	uint64_t base;
	uint32_t entries;
	uint32_t head;		/* next to be fetched */
	uint32_t tail;		/* by the host's doorbell */
	uint16_t cqid;
	unsigned int prio;	/* its class, where there are any */
	uint16_t old[OLD_CIDS];	/* ids of what completed last, a ring */
	unsigned int nr_old;
	uint8_t flying[65536 / 8];	/* ids fetched and not completed */
};

/* Something to be done later, of a queue that may be deleted meanwhile. */
struct later {
	struct later *next;
	enum { DO_COMMAND, DO_POST, DO_PHASE, DO_INTERRUPT } what;
	uint64_t due;		/* ns; UINT64_MAX: never, or not before an Abort */
	uint16_t qid;		/* of the submission queue */
	struct command command;		/* DO_COMMAND */
	struct fault_rule rule;		/* by which it is held */
	struct completion entry;	/* DO_POST, DO_PHASE */
	unsigned int how;		/* DO_POST: POST_* */
	uint64_t address;	/* DO_PHASE: of the entry */
};

struct controller {
	uint8_t config[CONFIG_SIZE];
	int vectors[NR_VECTORS];	/* eventfds, or -1 */

	/* registers */
	uint32_t cc, csts, aqa, intms;
	uint64_t asq, acq;

	struct sq sq[NR_QUEUES];
	struct cq cq[NR_QUEUES];
	struct later *later;		/* in the order they came */
	struct command events[MAX_EVENTS]; /* Asynchronous Event Requests held */
	unsigned int nr_events;
	uint32_t tell[MAX_EVENTS];	/* of what the host is to be told */
	unsigned int nr_tells;
	uint32_t features[256];

	bool stalled;
	uint64_t gone_until;		/* ns; 0: not gone */
	uint32_t returned;		/* what *returns was when it went */
	uint64_t paused_until;		/* ns; 0: not paused, CSTS.PP is 0 */
	uint64_t busy_until;		/* ns; 0: I/O commands are fetched */
	unsigned int turn;		/* the queue that was fetched from last */

	uint16_t id;			/* CNTLID; 0: the only one */
	uint8_t *blocks;		/* the namespace */
	uint32_t *returns;		/* all of it are told to come back, times */
	uint64_t nr_blocks;
	unsigned int format;		/* FAULT_FORMAT_* */
	unsigned int block_shift;
	bool read_only;
	uint16_t copy_blocks;		/* of a source range; 0: no copies */
	uint8_t behaviour[512];		/* Host Behavior Support */

	struct fault_rule rules[FAULT_RULES];
	uint32_t matched[FAULT_RULES];
	unsigned int nr_rules;
	struct fault_counters counters;
	struct fault_arrivals arrivals;
};

/* vfio.c. Serves a connection until it ends; 0 or -errno. */
int vfio_serve(struct controller *c, int socket);
/*
 * @len bytes of the guest's memory at @address, or NULL where it has none, or
 * the function must not touch it.
 */
void *dma_at(struct controller *c, uint64_t address, size_t len);
/* Copy to or from memory that PRP entries name; a status. */
uint32_t dma_prp(struct controller *c, const struct command *cmd, void *data,
		 size_t len, bool to_host);

/* pci.c */
void pci_init(struct controller *c);
void pci_read(struct controller *c, unsigned int region, uint64_t offset,
	      void *data, size_t len);
void pci_write(struct controller *c, unsigned int region, uint64_t offset,
	       const void *data, size_t len);
void pci_reset(struct controller *c);

/* queue.c */
uint64_t now_ns(void);
void queue_doorbell(struct controller *c, unsigned int index, uint32_t value);
/* Commands of all queues that wait for being fetched. */
void queue_fetch(struct controller *c);
/* Do what is due, interrupt the host; ms until more is, or -1. */
int queue_run(struct controller *c);
/*
 * Carry a command out, whose id is free then. False when it is to be completed
 * later, else @entry is its completion, for queue_post().
 */
bool queue_carry_out(struct controller *c, unsigned int qid,
		     const struct command *cmd, struct completion *entry);
/* The completion of a command that is not carried out. */
void queue_entry(struct controller *c, unsigned int qid,
		 const struct command *cmd, uint32_t status,
		 struct completion *entry);
/*
 * Post an entry to the queue that submission queue @qid names, at once or once
 * there is room. @how: POST_*; @ms: until the phase tag is right.
 */
#define POST_QUIET	1	/* without an interrupt */
#define POST_PHASE	2	/* with the wrong phase tag */
void queue_post(struct controller *c, unsigned int qid,
		const struct completion *entry, unsigned int how, uint32_t ms);
/* Put something on the list; @ms from now, or NEVER_MS. */
#define NEVER_MS	UINT32_MAX
void queue_later(struct controller *c, const struct later *what, uint32_t ms);
/* Forget what is due of a queue, or of all (qid -1). */
void queue_forget(struct controller *c, int qid);
/* Commands that are held. */
unsigned int queue_held(const struct controller *c);
/* They are due now. */
void queue_release(struct controller *c);
/* An Abort: is the command ended by it? */
bool queue_abort(struct controller *c, unsigned int qid, uint16_t cid);
bool queue_flying(const struct sq *sq, uint16_t cid);

/* admin.c, nvm.c. Carry a command out; a status. */
uint32_t admin_command(struct controller *c, const struct command *cmd,
		       uint32_t *dw0);
uint32_t nvm_command(struct controller *c, const struct command *cmd);
/* A command was fetched: for the counters, and what has arrived. */
void nvm_count(struct controller *c, const struct command *cmd);
void nvm_arrived(struct controller *c, unsigned int qid,
		 const struct command *cmd);
/* Of a Copy the first ranges; of another command nothing. */
void nvm_part(struct controller *c, const struct command *cmd,
	      unsigned int most);
/* Is any of these blocks what the I/O command is about? */
bool nvm_touches(struct controller *c, const struct command *cmd,
		 uint64_t slba, uint64_t nlb);
uint32_t nvm_identify(struct controller *c, void *page);
/* What its formats say of protection information. */
void nvm_identify_guards(void *page);
/* All blocks are zero and of this LBA format; false where there is no such. */
bool nvm_format(struct controller *c, unsigned int format);

/* event.c. An Asynchronous Event Request; what a test wants; a reset. */
uint32_t event_request(struct controller *c, const struct command *cmd);
uint32_t event_change(struct controller *c, const struct command *cmd);
void event_forget(struct controller *c);
/* Nothing is fetched or completed now; no I/O command is fetched. */
bool event_paused(struct controller *c);
bool event_busy(struct controller *c);

/*
 * fault.c. What is to become of a command that was fetched: true when the rule
 * has seen to it.
 */
bool fault_command(struct controller *c, unsigned int qid,
		   const struct command *cmd);
uint32_t fault_admin(struct controller *c, const struct command *cmd,
		     uint32_t *dw0);
uint32_t fault_granted(struct controller *c, uint32_t wanted);
/* The host did what it must not. */
void host_error(struct controller *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* DEVICE_CONTROLLER_H */
