// SPDX-License-Identifier: GPL-2.0
/*
 * Counters that others keep: steer queues' (as `nvmesteer stats` shows them)
 * and interrupts. What the driver writes to the doorbells of its own queues
 * nobody counts but the drive of selftests/device, which is asked.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../selftests/device/faults.h"
#include "bench.h"

static bool value(const char *line, const char *key, uint64_t *v)
{
	const char *at = strstr(line, key);

	if (!at)
		return false;
	*v += strtoull(at + strlen(key), NULL, 10);
	return true;
}

/* A line a queue, words of key=value; queue 0 is the driver's own path. */
static void read_steer(struct counters *c, const char *ctrl)
{
	char path[64], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/nvme/%s/steer/queues", ctrl);
	f = fopen(path, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strtoul(line, NULL, 10) == 0)
			continue;
		value(line, " submitted=", &c->steered);
		value(line, " doorbells=", &c->doorbells);
		c->split = value(line, " sq_doorbells=", &c->sq_doorbells) &&
			   value(line, " cq_doorbells=", &c->cq_doorbells);
	}
	fclose(f);
}

/* "nvme0q1" or "nvme0steer2", but not nvme0q0, the admin queue's. */
static bool is_io_queue(const char *name, const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nr_ctrls; i++) {
		size_t len = strlen(dev->ctrls[i]);

		if (strncmp(name, dev->ctrls[i], len))
			continue;
		name += len;
		if (!strncmp(name, "steer", 5))
			return true;
		return *name == 'q' && strcmp(name, "q0");
	}
	return false;
}

static void read_interrupts(struct counters *c, const struct device *dev)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char *line = NULL, *name, *at;
	size_t size = 0;

	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		name = strrchr(line, ' ');
		at = strchr(line, ':');
		if (!name || !at || !is_io_queue(name + 1, dev))
			continue;
		at++;
		while (true) {
			while (*at == ' ')
				at++;
			if (!isdigit(*at))
				break;
			c->interrupts += strtoull(at, &at, 10);
			if (*at != ' ')
				break;
		}
	}
	free(line);
	fclose(f);
}

/* All doorbells of I/O queues, whoever's they are. */
static void ask_drive(struct counters *c, const struct device *dev)
{
	struct fault_counters counters = { };
	struct nvme_passthru_cmd cmd = {
		.opcode = FAULT_ADMIN_COUNTERS,
		.addr = (uintptr_t)&counters,
		.data_len = sizeof(counters),
	};
	unsigned int i;

	if (ioctl(dev->drive_fd, NVME_IOCTL_ADMIN_CMD, &cmd))
		die("the drive's counters", errno);
	c->doorbells = 0;
	for (i = 1; i < FAULT_QUEUES; i++)
		c->doorbells += counters.doorbells[i];
	c->all = true;
}

void counters__read(struct counters *c, const struct device *dev)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < dev->nr_ctrls; i++)
		read_steer(c, dev->ctrls[i]);
	read_interrupts(c, dev);
	if (dev->drive_fd >= 0)
		ask_drive(c, dev);
}

void counters__add(struct counters *sum, const struct counters *before,
		   const struct counters *after)
{
	sum->steered += after->steered - before->steered;
	sum->doorbells += after->doorbells - before->doorbells;
	sum->sq_doorbells += after->sq_doorbells - before->sq_doorbells;
	sum->cq_doorbells += after->cq_doorbells - before->cq_doorbells;
	sum->interrupts += after->interrupts - before->interrupts;
	sum->split = after->split;
	sum->all = after->all;
}

void counters__compare(const struct counters *before,
		       const struct counters *after, double ios,
		       struct result *r)
{
	r->interrupts = (after->interrupts - before->interrupts) / ios;
	r->steered = (after->steered - before->steered) / ios;
	r->doorbells = r->sq_doorbells = r->cq_doorbells = -1;
	if (r->steered >= 1 || after->all)
		r->doorbells = (after->doorbells - before->doorbells) / ios;
	if (r->steered < 1 || !after->split)
		return;
	r->sq_doorbells = (after->sq_doorbells - before->sq_doorbells) / ios;
	r->cq_doorbells = (after->cq_doorbells - before->cq_doorbells) / ios;
}
