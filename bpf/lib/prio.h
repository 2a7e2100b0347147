/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Priority classes of queues, on a controller that has weighted round robin of
 * its own and a driver that has enabled it (parameter steer_wrr of nvme); on all
 * others they mean nothing. Included before queues.h, by a policy that says which
 * number is PRIO__LOW: its queues are of low priority, those of number 1 of high,
 * all others of medium, as the driver's own are. Where there are fewer numbers,
 * and so one is for several purposes, all are of medium priority.
 *
 * Tunables:
 *
 *   wrr_high     commands a round that the controller takes from queues of high,
 *   wrr_medium   medium and low priority, 1 to 256. The defaults are 16, 8 and
 *   wrr_low      1. wrr_high=0: the controller keeps its own
 */
#ifndef NVMESTEER_LIB_PRIO_H
#define NVMESTEER_LIB_PRIO_H

const volatile __u32 wrr_high = 16;
const volatile __u32 wrr_medium = 8;
const volatile __u32 wrr_low = 1;

#define QUEUES__PRIO(number)						\
	((nr_irq ?: nr_poll) < PRIO__LOW ? NVME_STEER_PRIO_MEDIUM :	\
	 (number) == 1 ? NVME_STEER_PRIO_HIGH :				\
	 (number) == PRIO__LOW ? NVME_STEER_PRIO_LOW :			\
				 NVME_STEER_PRIO_MEDIUM)

/* To be called from init(), whose answer this is if it is not 0. */
static __always_inline int prio__weigh(struct nvme_steer_dev *dev)
{
	return wrr_high ? bpf_nvme_steer_weights(dev, wrr_high, wrr_medium,
						 wrr_low) : 0;
}

#endif /* NVMESTEER_LIB_PRIO_H */
