/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Synchronisation on the way of a command. Having preemption disabled is as
 * good as rcu_read_lock() and costs a fifth, and a spinlock taken in line
 * needs no more. Lockdep, which does not know that, PREEMPT_RT, which wants to
 * be preempted, and kernels that look after their spinlocks get the usual
 * functions.
 */
#ifndef NVMESTEER_SYNC_H
#define NVMESTEER_SYNC_H

#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

/* With all that it calls, where gcc would make functions of that again. */
#define nvme_steer_inline	__always_inline __attribute__((__flatten__))

#if defined(CONFIG_PREEMPT_RT) || defined(CONFIG_DEBUG_LOCK_ALLOC) ||	\
	defined(CONFIG_DEBUG_SPINLOCK)
#define NVME_STEER_BARE	0

static inline void nvme_steer_lock(spinlock_t *lock)
{
	spin_lock(lock);
}

static inline bool nvme_steer_trylock(spinlock_t *lock)
{
	return spin_trylock(lock);
}

static inline void nvme_steer_unlock(spinlock_t *lock)
{
	spin_unlock(lock);
}

static inline void nvme_steer_lock_irq(spinlock_t *lock)
{
	spin_lock_irq(lock);
}

static inline void nvme_steer_unlock_irq(spinlock_t *lock)
{
	spin_unlock_irq(lock);
}

static inline unsigned long nvme_steer_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}

static inline void nvme_steer_unlock_irqrestore(spinlock_t *lock,
						unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}
#else
#define NVME_STEER_BARE	1

/* spin_lock() in nvme_steer_enter() */
static nvme_steer_inline void nvme_steer_lock(spinlock_t *lock)
{
	do_raw_spin_lock(&lock->rlock);
}

static nvme_steer_inline bool nvme_steer_trylock(spinlock_t *lock)
{
	return do_raw_spin_trylock(&lock->rlock);
}

static nvme_steer_inline void nvme_steer_unlock(spinlock_t *lock)
{
	do_raw_spin_unlock(&lock->rlock);
}

/* spin_lock_irq() in nvme_steer_enter() */
static nvme_steer_inline void nvme_steer_lock_irq(spinlock_t *lock)
{
	local_irq_disable();
	do_raw_spin_lock(&lock->rlock);
}

static nvme_steer_inline void nvme_steer_unlock_irq(spinlock_t *lock)
{
	do_raw_spin_unlock(&lock->rlock);
	local_irq_enable();
}

/* spin_lock_irqsave() in nvme_steer_enter(), or in another spinlock */
static nvme_steer_inline unsigned long nvme_steer_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags;

	local_irq_save(flags);
	do_raw_spin_lock(&lock->rlock);
	return flags;
}

static nvme_steer_inline void
nvme_steer_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	do_raw_spin_unlock(&lock->rlock);
	local_irq_restore(flags);
}
#endif

/* The read side of RCU. */
static inline void nvme_steer_enter(void)
{
	if (NVME_STEER_BARE)
		preempt_disable();
	else
		rcu_read_lock();
}

static inline void nvme_steer_leave(void)
{
	if (NVME_STEER_BARE)
		preempt_enable();
	else
		rcu_read_unlock();
}

/*
 * A usage reference of a namespace, as a request would hold one, on the read
 * side of RCU. Of what is written when a namespace is frozen or goes on the
 * kernel tests one bit, of a word that it reads without READ_ONCE(): at that
 * moment either answer is right.
 */
static nvme_steer_inline bool nvme_steer_use(struct percpu_ref *usage)
{
	return data_race(percpu_ref_tryget_live_rcu(usage));
}

#endif /* NVMESTEER_SYNC_H */
