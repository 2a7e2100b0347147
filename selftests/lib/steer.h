/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steering of a controller as a test sees it: the puppet policy (see
 * selftests/kernel/puppet.bpf.c) and any other, attached and replaced through
 * libbpf without a pin, and the files under /sys/class/nvme/nvmeN/steer/.
 */
#ifndef STEER_H
#define STEER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include <nvmesteer/abi.h>

#include "puppet.h"

struct bpf_link;
struct bpf_object;
struct bpf_map;

#define STEER_MAX_QUEUES	32

struct steer_queue {
	bool present;
	char mode[8];
	char state[12];
	char owner[12];
	char prio[8];
	unsigned int depth;	/* 0 for "-" */
	int qid, vector, irq;	/* -1 for "-" */
	uint64_t submitted, completed, failed, cancelled, inflight;
	uint64_t doorbells, sq_doorbells, cq_doorbells, interrupts;
};

struct steer_queues {
	struct steer_queue q[STEER_MAX_QUEUES];
};

/* A policy loaded, and attached once @link is set. */
struct steer_policy {
	int ctrl;
	struct bpf_object *obj;
	struct bpf_map *ops;
	struct bpf_link *link;
	struct puppet_state *state;	/* of a puppet; shared with it */
};

/* Path of a file under steer/, in a static buffer. */
const char *steer_path(int ctrl, const char *name);

/* Read queues; 0 or -errno. */
int steer_read_queues(int ctrl, struct steer_queues *qs);
/* Likewise, and what was promised of each line is checked. */
void steer_queues(int ctrl, struct steer_queues *qs);

/* Is queue @n there, and does it take commands? */
bool steer_queue_live(int ctrl, unsigned int n);

/* Sum over all queues. */
void steer_total(const struct steer_queues *qs, struct steer_queue *sum);

/* Value of an event; fails when there is no such event. */
uint64_t steer_event(int ctrl, const char *name);

/* A word of `reserve`, such as "granted". */
unsigned int steer_reserve(int ctrl, const char *word);

/* A line of `exit`, such as "kind"; false when absent. */
bool steer_exit(int ctrl, const char *word, char *buf, size_t size);

/* One of the one-word files: state, policy, link. */
void steer_word(int ctrl, const char *name, char *buf, size_t size);
/* Whether the state is that: "none", "attached", "ended". */
bool steer_state_is(int ctrl, const char *state);

/* No commands in flight on any queue, within @ms. */
bool steer_wait_idle(int ctrl, unsigned int ms);
/* Nothing stays counted as in flight on this path of a subsystem. */
void steer_path_idle(int ctrl);

/*
 * Load a policy for a controller. @name: "puppet", "puppet_batch", one of the
 * product's policies ("spread"), or a path. @config: for a puppet, may be NULL.
 * 0 or -errno, and for the _ok variants 0 or the test fails.
 */
int steer_load(struct steer_policy *p, int ctrl, const char *name,
	       const struct puppet_config *config);
int steer_attach(struct steer_policy *p);
void steer_detach(struct steer_policy *p);
/* The same, of a policy that is told, once, that its controller is gone. */
void steer_detach_gone(struct steer_policy *p);
/* Who holds nvmesteer, how often. */
unsigned long steer_references(void);
/* Unload nvmesteer, which nothing may hold any more, and load it again. */
void steer_reload(void);
/* Unload it, and say why it cannot be: 0 or -errno. Does not wait. */
int steer_rmmod(void);
/* Load it, unless it is loaded; as a test_at_end() as well. */
void steer_modprobe(void *unused);
/* End the attachment only; it can be attached again. */
void steer_unlink(struct steer_policy *p);

/* Load and attach; the test fails when that does. Detached at the end. */
void steer_puppet(struct steer_policy *p, int ctrl,
		  const struct puppet_config *config);
/* One with a batch(), which answers state->gather. */
void steer_puppet_batch(struct steer_policy *p, int ctrl,
			const struct puppet_config *config);
/* One that is asked once a batch of commands. */
void steer_puppet_once(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config);
/* One with a copy(), which answers state->copy_answer. */
void steer_puppet_copy(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config);
/* One with a path(), which answers state->path_answer. */
void steer_puppet_path(struct steer_policy *p, int ctrl,
		       const struct puppet_config *config);
/* One that is asked about block requests, each or once a batch. */
void steer_puppet_block(struct steer_policy *p, int ctrl,
			const struct puppet_config *config);
void steer_puppet_block_once(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config);
/* One that is asked about block requests, with queues that belong to shares. */
void steer_puppet_share(struct steer_policy *p, int ctrl,
			const struct puppet_config *config);
/* Likewise, asked once a batch. */
void steer_puppet_share_once(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config);
/* One like that which has a path() besides. */
void steer_puppet_path_share(struct steer_policy *p, int ctrl,
			     const struct puppet_config *config);
void steer_policy(struct steer_policy *p, int ctrl, const char *name);

/* What share @n of a policy may have. */
void steer_share(struct steer_policy *p, unsigned int n,
		 const struct nvme_steer_share *limit);
/* A word of a line of `shares`, such as "waiting"; 0 where there is no line. */
uint64_t steer_share_word(int ctrl, unsigned int n, const char *word);

/*
 * Replace what @old has attached by @new, which is loaded: @new has the link
 * then and @old is unloaded. 0 or -errno.
 */
int steer_replace(struct steer_policy *old, struct steer_policy *new);

/* Tell a puppet the answer for rings that do not poll, and for those that do */
void steer_answer(struct steer_policy *p, int irq, int poll);
/* Likewise for block requests. */
void steer_answer_block(struct steer_policy *p, int irq, int irq_count,
			int poll, int poll_count);
/* Round robin over @count queues, the first being the one given. */
void steer_answer_spread(struct steer_policy *p, int irq, int irq_count,
			 int poll, int poll_count);

#endif /* STEER_H */
