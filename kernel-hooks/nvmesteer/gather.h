/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Completions held back, to be delivered in batches.
 */
#ifndef NVMESTEER_GATHER_H
#define NVMESTEER_GATHER_H

#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/jump_label.h>
#include <linux/types.h>

struct nvme_steer_ctrl;
struct nvme_steer_drain;
struct nvme_steer_queue;

/**
 * struct nvme_steer_gather - completions of an interrupt queue held back
 * @timer:	when to look at the queue again, while @held
 * @since:	when the gathering began, ns
 * @told:	when completions were delivered last, ns; 0: not known
 * @interval:	mean time between completions, ns
 * @last:	completions delivered last
 * @open:	the interrupt is requested: completions may be held back
 * @held:	@timer is armed, or waits for cq_lock, and the interrupt is
 *		disabled, once, by us
 *
 * All under cq_lock; of a polled queue nothing is used. Before the interrupt is
 * freed, and the memory, nvme_steer_gather_close() ends all three.
 */
struct nvme_steer_gather {
	struct hrtimer timer;
	u64 since;
	u64 told;
	u32 interval;
	u32 last;
	bool open;
	bool held;
};

/* Some policy has batch(). */
DECLARE_STATIC_KEY_FALSE(nvme_steer_batch_key);
void nvme_steer_gather_init(struct nvme_steer_queue *q);
void nvme_steer_gather_open(struct nvme_steer_queue *q);
void nvme_steer_gather_close(struct nvme_steer_queue *q);
void nvme_steer_gather_end(struct nvme_steer_ctrl *sc);
irqreturn_t nvme_steer_gather_irq(struct nvme_steer_queue *q);
unsigned int nvme_steer_gather_poll(struct nvme_steer_queue *q,
				    struct nvme_steer_drain *drain);

#endif /* NVMESTEER_GATHER_H */
