// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/nvme/nvmeN/steer/: the state of steering on a controller, for
 * people and for the command line tool; adding and removing queues by hand;
 * and the off switch. Readable by all but for the dump, writable by root.
 */
#include <linux/bpf.h>
#include <linux/irq.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "path.h"
#include "share.h"

/*
 * A line of the queues file. All are as long, padded with blanks: the file is
 * printed afresh for each read, and a reader that comes back for the rest must
 * not find it moved because a counter grew a digit.
 */
#define NVME_STEER_QUEUE_LINE	448
#define NVME_STEER_QUEUES_SIZE	(NVME_STEER_QUEUE_LINE * \
				 (NVME_STEER_MAX_QUEUES + 1) + 1)

static const char * const nvme_steer_event_names[] = {
#define NVME_STEER_EVENT_NAME(name, text)	[NVME_STEER_EV_##name] = text,
	NVME_STEER_EVENTS(NVME_STEER_EVENT_NAME)
#undef NVME_STEER_EVENT_NAME
};

/*
 * An attribute of a controller's object: its functions get the object, and
 * need not care about how long it lives. @read is for what can be longer than
 * a page.
 */
struct nvme_steer_attr {
	union {
		struct device_attribute dev;
		struct bin_attribute bin;
	};
	ssize_t (*show)(struct nvme_steer_ctrl *sc, char *buf);
	ssize_t (*store)(struct nvme_steer_ctrl *sc, const char *buf,
			 size_t count);
	ssize_t (*read)(struct nvme_steer_ctrl *sc, char *buf, loff_t off,
			size_t count);
};

/* The attributes are removed before the object goes. */
static struct nvme_steer_ctrl *nvme_steer_of(struct device *dev)
{
	return nvme_steer_ctrl_get(dev_get_drvdata(dev));
}

static ssize_t nvme_steer_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct nvme_steer_ctrl *sc = nvme_steer_of(dev);
	ssize_t ret;

	if (!sc)
		return -ENODEV;
	ret = container_of(attr, struct nvme_steer_attr, dev)->show(sc, buf);
	nvme_steer_ctrl_put(sc);
	return ret;
}

static ssize_t nvme_steer_store_to(struct device *dev,
				   const struct nvme_steer_attr *attr,
				   const char *buf, size_t count)
{
	struct nvme_steer_ctrl *sc = nvme_steer_of(dev);
	ssize_t ret;

	if (!sc)
		return -ENODEV;
	ret = attr->store(sc, buf, count);
	nvme_steer_ctrl_put(sc);
	return ret;
}

static ssize_t nvme_steer_store(struct device *dev,
				struct device_attribute *attr, const char *buf,
				size_t count)
{
	return nvme_steer_store_to(dev, container_of(attr,
						     struct nvme_steer_attr,
						     dev), buf, count);
}

static ssize_t nvme_steer_read(struct file *file, struct kobject *kobj,
			       struct bin_attribute *attr, char *buf,
			       loff_t off, size_t count)
{
	struct nvme_steer_ctrl *sc = nvme_steer_of(kobj_to_dev(kobj));
	ssize_t ret;

	if (!sc)
		return -ENODEV;
	ret = container_of(attr, struct nvme_steer_attr, bin)->read(sc, buf,
								    off, count);
	nvme_steer_ctrl_put(sc);
	return ret;
}

static ssize_t nvme_steer_write(struct file *file, struct kobject *kobj,
				struct bin_attribute *attr, char *buf,
				loff_t off, size_t count)
{
	/* kernfs ends the text with a zero, as for any other attribute */
	return nvme_steer_store_to(kobj_to_dev(kobj),
				   container_of(attr, struct nvme_steer_attr,
						bin), buf, count);
}

#define NVME_STEER_ATTR_RO(name)					\
	static struct nvme_steer_attr name##_attr = {			\
		.dev  = __ATTR(name, 0444, nvme_steer_show, NULL),	\
		.show = name##_show,					\
	}
#define NVME_STEER_ATTR_WO(name)					\
	static struct nvme_steer_attr name##_attr = {			\
		.dev   = __ATTR(name, 0200, NULL, nvme_steer_store),	\
		.store = name##_store,					\
	}
#define NVME_STEER_ATTR_BIN(name, mode)					\
	static struct nvme_steer_attr name##_attr = {			\
		.bin  = __BIN_ATTR(name, mode, nvme_steer_read, NULL, 0), \
		.read = name##_read,					\
	}
/* A line or more a write; what is read can be longer than a page. */
#define NVME_STEER_ATTR_RW(name)					\
	static struct nvme_steer_attr name##_attr = {			\
		.bin   = __BIN_ATTR(name, 0644, nvme_steer_read,	\
				    nvme_steer_write, 0),		\
		.read  = name##_read,					\
		.store = name##_store,					\
	}
#define NVME_STEER_ATTR_LONG(name)	NVME_STEER_ATTR_BIN(name, 0444)
/* what not everybody may know */
#define NVME_STEER_ATTR_ROOT(name)	NVME_STEER_ATTR_BIN(name, 0400)

/* state: "none", "attached" or "ended" */
static ssize_t state_show(struct nvme_steer_ctrl *sc, char *buf)
{
	const char *state = "none";

	/* ended only once the exit file says how */
	if (rcu_access_pointer(sc->policy) || READ_ONCE(sc->ending))
		state = "attached";
	else if (READ_ONCE(sc->last_exit.kind))
		state = "ended";
	return sysfs_emit(buf, "%s\n", state);
}
NVME_STEER_ATTR_RO(state);

/* policy: the name of the attached policy, or an empty line */
static ssize_t policy_show(struct nvme_steer_ctrl *sc, char *buf)
{
	struct nvme_steer_policy *p;
	ssize_t len;

	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	len = sysfs_emit(buf, "%s\n", p ? p->name : "");
	rcu_read_unlock();
	return len;
}
NVME_STEER_ATTR_RO(policy);

/* link: the id of the attached policy's BPF link, or 0 */
static ssize_t link_show(struct nvme_steer_ctrl *sc, char *buf)
{
	struct nvme_steer_policy *p;
	struct bpf_link *link;
	u32 id = 0;

	/* a link outlives the grace period after its policy is withdrawn */
	rcu_read_lock();
	p = rcu_dereference(sc->policy);
	link = p ? READ_ONCE(p->link) : NULL;
	if (link)
		id = link->id;
	rcu_read_unlock();
	return sysfs_emit(buf, "%u\n", id);
}
NVME_STEER_ATTR_RO(link);

/* reserve: queues and vectors asked for, granted and in use */
static ssize_t reserve_show(struct nvme_steer_ctrl *sc, char *buf)
{
	unsigned int used = 0, vectors_used = 0;
	struct nvme_steer_queue *q;
	ssize_t len;

	mutex_lock(&sc->state_lock);
	list_for_each_entry(q, &sc->queue_list, entry) {
		used++;
		vectors_used += q->vector >= 0;
	}
	len = sysfs_emit(buf,
		"asked=%u granted=%u used=%u first_qid=%u vectors=%u vectors_used=%u max_depth=%u\n",
		sc->res.asked, sc->res.nr, used, sc->res.first_qid,
		sc->res.nr_vecs, vectors_used, sc->res.q_depth);
	mutex_unlock(&sc->state_lock);
	return len;
}
NVME_STEER_ATTR_RO(reserve);

/*
 * arbitration: how the controller can choose among submission queues: "rr",
 * round robin, which all can; "wrr", weighted round robin with an urgent class;
 * "vendor", its own. The one that the driver has enabled is in brackets; of wrr
 * the weights follow that the policy has set.
 */
static ssize_t arbitration_show(struct nvme_steer_ctrl *sc, char *buf)
{
	return nvme_steer_print_arbitration(sc, buf);
}
NVME_STEER_ATTR_RO(arbitration);

static void nvme_steer_sum_stats(struct nvme_steer_ctrl *sc,
				 struct nvme_steer_stats *sum)
{
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		struct nvme_steer_stats *s = per_cpu_ptr(sc->stats, cpu);

		/* ends before starts: in flight is never less than nothing */
		sum->own.completed += READ_ONCE(s->own.completed);
		sum->own.failed += READ_ONCE(s->own.failed);
		sum->own.cancelled += READ_ONCE(s->own.cancelled);
		for (i = 0; i < NVME_STEER_NR_EVENTS; i++)
			sum->events[i] += READ_ONCE(s->events[i]);
	}
	smp_rmb();
	for_each_possible_cpu(cpu)
		sum->own.submitted += READ_ONCE(per_cpu_ptr(sc->stats, cpu)->
						own.submitted);
}

const char *nvme_steer_event_name(enum nvme_steer_event ev)
{
	return nvme_steer_event_names[ev];
}

/* Print the event counters, a line each. */
int nvme_steer_print_events(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	struct nvme_steer_stats *sum;
	unsigned int i;
	int len = 0;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return 0;
	nvme_steer_sum_stats(sc, sum);
	for (i = 0; i < NVME_STEER_NR_EVENTS; i++)
		len += scnprintf(buf + len, size - len, "%s %llu\n",
				 nvme_steer_event_names[i], sum->events[i]);
	kfree(sum);
	return len;
}

static ssize_t events_show(struct nvme_steer_ctrl *sc, char *buf)
{
	return nvme_steer_print_events(sc, buf, PAGE_SIZE);
}
NVME_STEER_ATTR_RO(events);

/* exit: how the last policy ended; empty when none has */
static ssize_t exit_show(struct nvme_steer_ctrl *sc, char *buf)
{
	ssize_t len = 0;

	mutex_lock(&sc->record_lock);
	if (sc->last_exit.kind)
		len = sysfs_emit(buf,
			"kind %s\nkind_code %u\ncode %d\npolicy %s\nreason %s\n",
			nvme_steer_exit_name(sc->last_exit.kind),
			sc->last_exit.kind, sc->last_exit.code,
			sc->last_policy, sc->last_exit.reason);
	mutex_unlock(&sc->record_lock);
	return len;
}
NVME_STEER_ATTR_RO(exit);

/*
 * path: of a controller that is a path: whose policy chooses the paths of its
 * subsystem, or "-", the commands in flight here, and how long they take; zero
 * while no policy chooses any
 */
static ssize_t path_show(struct nvme_steer_ctrl *sc, char *buf)
{
	return nvme_steer_print_path(sc, buf);
}
NVME_STEER_ATTR_RO(path);

/*
 * watchdog: how often it has looked at what is attached, and how often it does;
 * the policy's timeout; of each operation the shortest of the calls that were
 * timed last, 0 where none were
 */
static ssize_t watchdog_show(struct nvme_steer_ctrl *sc, char *buf)
{
	return nvme_steer_print_watch(sc, buf, PAGE_SIZE);
}
NVME_STEER_ATTR_RO(watchdog);

/* queue_add: "NUMBER poll|irq DEPTH"; 0 is the lowest free, and the largest */
static ssize_t queue_add_store(struct nvme_steer_ctrl *sc, const char *buf,
			       size_t count)
{
	struct nvme_steer_queue *q;
	unsigned int number, depth, mode;
	ssize_t ret = count;
	char word[5], end;

	if (sscanf(buf, "%u %4s %u %c", &number, word, &depth, &end) != 3)
		return -EINVAL;
	if (!strcmp(word, "poll"))
		mode = NVME_STEER_POLL;
	else if (!strcmp(word, "irq"))
		mode = NVME_STEER_IRQ;
	else
		return -EINVAL;

	mutex_lock(&sc->queue_lock);
	q = nvme_steer_queue_create(sc, number, mode, depth, 0, NULL);
	if (IS_ERR(q))
		ret = PTR_ERR(q);
	else
		pr_info("nvme%d: steer queue %u made by hand; nvmesteer stays loaded while it exists\n",
			sc->instance, q->number);
	mutex_unlock(&sc->queue_lock);
	return ret;
}
NVME_STEER_ATTR_WO(queue_add);

/* queue_remove: "NUMBER"; waits for the commands on it */
static ssize_t queue_remove_store(struct nvme_steer_ctrl *sc, const char *buf,
				  size_t count)
{
	struct nvme_steer_queue *q = NULL;
	ssize_t ret = count;
	unsigned int number;

	if (kstrtouint(buf, 10, &number))
		return -EINVAL;

	mutex_lock(&sc->queue_lock);
	if (number <= NVME_STEER_MAX_QUEUES)
		q = rcu_dereference_protected(sc->queues[number],
				lockdep_is_held(&sc->queue_lock));
	if (!q)
		ret = -ENOENT;
	else if (q->owner)
		ret = -EPERM;
	else
		nvme_steer_queue_free(q);
	mutex_unlock(&sc->queue_lock);
	return ret;
}
NVME_STEER_ATTR_WO(queue_remove);

/* off: "1" ends the attached policy, needing nothing but this file */
static ssize_t off_store(struct nvme_steer_ctrl *sc, const char *buf,
			 size_t count)
{
	bool off;
	int ret;

	if (kstrtobool(buf, &off) || !off)
		return -EINVAL;
	ret = nvme_steer_policy_off(sc);
	return ret ?: count;
}
NVME_STEER_ATTR_WO(off);

/*
 * "live"; "draining" (being freed: takes nothing and waits for its commands, or
 * for a reset, where the controller refused to delete it); "lost" (a reset did
 * not bring it back); "down" (the controller is).
 */
static const char *nvme_steer_queue_state(struct nvme_steer_queue *q)
{
	if (nvme_steer_is_open(q))
		return "live";
	if (READ_ONCE(q->lost))
		return "lost";
	return q->started ? "draining" : "down";
}

static int nvme_steer_pad_line(char *buf, int len, size_t size)
{
	return len + scnprintf(buf + len, size - len, "%*s\n",
			       max(NVME_STEER_QUEUE_LINE - 1 - len, 0), "");
}

static int nvme_steer_print_queue(struct nvme_steer_queue *q, char *buf,
				  size_t size)
{
	u64 sq_doorbells = READ_ONCE(q->sq_doorbells);
	u64 cq_doorbells = READ_ONCE(q->cq_doorbells);
	u64 completed, failed, cancelled, submitted;
	int len = 0;

	lockdep_assert_held(&q->ctrl->state_lock);

	/* ends before starts: in flight is never less than nothing */
	completed = READ_ONCE(q->completed);
	failed = READ_ONCE(q->failed);
	cancelled = READ_ONCE(q->cancelled);
	smp_rmb();
	submitted = READ_ONCE(q->submitted);

	len += scnprintf(buf + len, size - len,
			 "%u mode=%s qid=%u state=%s depth=%u", q->number,
			 q->mode == NVME_STEER_POLL ? "poll" : "irq", q->qid,
			 nvme_steer_queue_state(q), q->depth);
	if (q->irq)
		len += scnprintf(buf + len, size - len,
				 " vector=%u irq=%d cpu=%*pbl",
				 q->ctrl->res.first_vec + q->vector, q->irq,
				 cpumask_pr_args(irq_get_effective_affinity_mask(q->irq)));
	else
		len += scnprintf(buf + len, size - len,
				 " vector=- irq=- cpu=-");
	len += scnprintf(buf + len, size - len,
			 " owner=%s submitted=%llu completed=%llu failed=%llu cancelled=%llu inflight=%llu doorbells=%llu sq_doorbells=%llu cq_doorbells=%llu interrupts=%llu share=%u waiting=%u prio=%s",
			 READ_ONCE(q->owner) ? "policy" : "admin", submitted, completed,
			 failed, cancelled,
			 submitted - completed - failed - cancelled,
			 sq_doorbells + cq_doorbells, sq_doorbells,
			 cq_doorbells, READ_ONCE(q->interrupts),
			 q->shared ? q->shared->share : 0,
			 q->shared ? READ_ONCE(q->shared->nr) +
				     READ_ONCE(q->shared->nr_behind) : 0,
			 nvme_steer_prio_name(q));
	return nvme_steer_pad_line(buf, len, size);
}

/* The queue with the lowest number above @number, or NULL. */
static struct nvme_steer_queue *
nvme_steer_queue_after(struct nvme_steer_ctrl *sc, unsigned int number)
{
	struct nvme_steer_queue *q, *next = NULL;

	lockdep_assert_held(&sc->state_lock);

	list_for_each_entry(q, &sc->queue_list, entry)
		if (q->number > number && (!next || q->number < next->number))
			next = q;
	return next;
}

/*
 * Print the driver's own path as queue 0, then the steer queues. Not under
 * queue_lock, which is held while a queue drains, and that is when people look.
 */
int nvme_steer_print_queues(struct nvme_steer_ctrl *sc, char *buf, size_t size)
{
	const struct nvme_steer_own *own;
	struct nvme_steer_stats *sum;
	struct nvme_steer_queue *q;
	int len = 0;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return 0;
	nvme_steer_sum_stats(sc, sum);
	own = &sum->own;
	len += scnprintf(buf, size,
			 "0 mode=driver qid=- state=%s depth=- vector=- irq=- cpu=- owner=driver submitted=%llu completed=%llu failed=%llu cancelled=%llu inflight=%llu doorbells=0 sq_doorbells=0 cq_doorbells=0 interrupts=0 share=0 waiting=0 prio=-",
			 READ_ONCE(sc->up) ? "live" : "down",
			 own->submitted, own->completed, own->failed,
			 own->cancelled, own->submitted - own->completed -
			 own->failed - own->cancelled);
	len = nvme_steer_pad_line(buf, len, size);
	kfree(sum);

	mutex_lock(&sc->state_lock);
	for (q = nvme_steer_queue_after(sc, 0); q;
	     q = nvme_steer_queue_after(sc, q->number))
		len += nvme_steer_print_queue(q, buf + len, size - len);
	mutex_unlock(&sc->state_lock);
	return len;
}

/* What @print makes of a controller, at most @size bytes. */
static ssize_t nvme_steer_read_text(struct nvme_steer_ctrl *sc, char *buf,
				    loff_t off, size_t count,
				    int (*print)(struct nvme_steer_ctrl *sc,
						 char *buf, size_t size),
				    size_t size)
{
	char *text = kvmalloc(size, GFP_KERNEL);
	ssize_t ret = -ENOMEM;

	if (text) {
		ret = print(sc, text, size);
		ret = memory_read_from_buffer(buf, count, &off, text, ret);
		kvfree(text);
	}
	return ret;
}

/* queues: a line each */
static ssize_t queues_read(struct nvme_steer_ctrl *sc, char *buf, loff_t off,
			   size_t count)
{
	return nvme_steer_read_text(sc, buf, off, count,
				    nvme_steer_print_queues,
				    NVME_STEER_QUEUES_SIZE);
}
NVME_STEER_ATTR_LONG(queues);

/*
 * dump: what was recorded when the last policy ended; see dump.c. For root
 * only: it tells what commands were in flight
 */
static ssize_t dump_read(struct nvme_steer_ctrl *sc, char *buf, loff_t off,
			 size_t count)
{
	ssize_t ret = 0;

	mutex_lock(&sc->record_lock);
	if (sc->dump)
		ret = memory_read_from_buffer(buf, count, &off, sc->dump,
					      strlen(sc->dump));
	mutex_unlock(&sc->record_lock);
	return ret;
}
NVME_STEER_ATTR_ROOT(dump);

#define NVME_STEER_COPY_SIZE	SZ_64K

/*
 * copy: a line for each namespace: what its controller can copy by itself, and
 * up to which length it is used for that
 */
static ssize_t copy_read(struct nvme_steer_ctrl *sc, char *buf, loff_t off,
			 size_t count)
{
	return nvme_steer_read_text(sc, buf, off, count, nvme_steer_print_copy,
				    NVME_STEER_COPY_SIZE);
}
NVME_STEER_ATTR_LONG(copy);

/* shares: the limits of each share and what became of its commands, a line each */
static ssize_t shares_read(struct nvme_steer_ctrl *sc, char *buf, loff_t off,
			   size_t count)
{
	return nvme_steer_read_text(sc, buf, off, count,
				    nvme_steer_print_shares,
				    NVME_STEER_SHARES_SIZE);
}
NVME_STEER_ATTR_LONG(shares);

/*
 * shares_hist: for each share the time that commands have waited, and that they
 * were at the device: how many below 1 us, below 2, 4, 8 and so on
 */
static ssize_t shares_hist_read(struct nvme_steer_ctrl *sc, char *buf,
				loff_t off, size_t count)
{
	return nvme_steer_read_text(sc, buf, off, count,
				    nvme_steer_print_histograms,
				    NVME_STEER_SHARES_SIZE);
}
NVME_STEER_ATTR_LONG(shares_hist);

/*
 * copy_max_bytes: "NSID BYTES", the most bytes of a Copy command of that
 * namespace, as it was written, a line for each; 18446744073709551615 is what
 * the controller can, 0 to read and write always. Written likewise, a line for
 * each that is to be another one
 */
static ssize_t copy_max_bytes_read(struct nvme_steer_ctrl *sc, char *buf,
				   loff_t off, size_t count)
{
	return nvme_steer_read_text(sc, buf, off, count, nvme_steer_print_max,
				    NVME_STEER_COPY_SIZE);
}

static ssize_t copy_max_bytes_store(struct nvme_steer_ctrl *sc, const char *buf,
				    size_t count)
{
	const char *line = buf;
	unsigned long long bytes;
	unsigned int nsid;
	int ret, end;

	do {
		end = 0;
		ret = -EINVAL;
		if (sscanf(line, "%u %llu%n", &nsid, &bytes, &end) != 2 ||
		    (line[end] && line[end] != '\n'))
			return ret;
		ret = nvme_steer_copy_set_max(sc, nsid, bytes);
		if (ret)
			return ret;
		line += end + !!line[end];
	} while (line < buf + count);
	return count;
}
NVME_STEER_ATTR_RW(copy_max_bytes);

static struct attribute *nvme_steer_attrs[] = {
	&state_attr.dev.attr,
	&policy_attr.dev.attr,
	&link_attr.dev.attr,
	&reserve_attr.dev.attr,
	&arbitration_attr.dev.attr,
	&events_attr.dev.attr,
	&exit_attr.dev.attr,
	&path_attr.dev.attr,
	&watchdog_attr.dev.attr,
	&queue_add_attr.dev.attr,
	&queue_remove_attr.dev.attr,
	&off_attr.dev.attr,
	NULL,
};

static struct bin_attribute *nvme_steer_bin_attrs[] = {
	&queues_attr.bin,
	&dump_attr.bin,
	&copy_attr.bin,
	&copy_max_bytes_attr.bin,
	&shares_attr.bin,
	&shares_hist_attr.bin,
	NULL,
};

const struct attribute_group nvme_steer_sysfs_group = {
	.name		= "steer",
	.attrs		= nvme_steer_attrs,
	.bin_attrs	= nvme_steer_bin_attrs,
};
