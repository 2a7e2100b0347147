/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A controller's own weighted round robin among submission queues, with urgent
 * priority class (NVM Express Base Specification 2.0, 3.4.4.2), where the driver
 * has enabled it: priority classes of queues, and weights of the classes.
 */
#ifndef NVMESTEER_WRR_H
#define NVMESTEER_WRR_H

#include <linux/types.h>

#include <nvmesteer/abi.h>

struct nvme_steer_ctrl;
struct nvme_steer_queue;

/* nvme_steer_queue.prio */
enum nvme_steer_class {
	NVME_STEER_CLASS_URGENT = NVME_STEER_PRIO_URGENT >> NVME_STEER_PRIO_SHIFT,
	NVME_STEER_CLASS_HIGH	= NVME_STEER_PRIO_HIGH >> NVME_STEER_PRIO_SHIFT,
	NVME_STEER_CLASS_MEDIUM	= NVME_STEER_PRIO_MEDIUM >> NVME_STEER_PRIO_SHIFT,
	NVME_STEER_CLASS_LOW	= NVME_STEER_PRIO_LOW >> NVME_STEER_PRIO_SHIFT,
};

/**
 * struct nvme_steer_weights - of the classes between which there is a choice
 * @high:	commands a round, 1 to NVME_STEER_MAX_WEIGHT; 0: nothing is said
 * @medium:	likewise, and not 0 where @high is not
 * @low:	likewise
 */
struct nvme_steer_weights {
	u16 high;
	u16 medium;
	u16 low;
};

#define NVME_STEER_MAX_WEIGHT	256

/**
 * struct nvme_steer_wrr - what a controller was told
 * @own:	the feature Arbitration as we have found it, where @now is set
 * @now:	the weights it has been given since it was enabled, or 0
 *
 * Under nvme_steer_ctrl.queue_lock; read without it to be told of.
 */
struct nvme_steer_wrr {
	u32 own;
	struct nvme_steer_weights now;
};

u16 nvme_steer_sq_prio(const struct nvme_steer_queue *q);
bool nvme_steer_same_prio(const struct nvme_steer_queue *q, unsigned int prio);
const char *nvme_steer_prio_name(const struct nvme_steer_queue *q);
void nvme_steer_weigh(struct nvme_steer_ctrl *sc);
void nvme_steer_weights_lost(struct nvme_steer_ctrl *sc);
int nvme_steer_print_arbitration(struct nvme_steer_ctrl *sc, char *buf);

#endif /* NVMESTEER_WRR_H */
