// SPDX-License-Identifier: GPL-2.0
/*
 * The controller of selftests/device, by its vendor specific commands.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "copy.h"
#include "fault.h"
#include "steer.h"
#include "test.h"

static int device = -1, other = -1, ctrl;
static char name[sizeof(((struct pt_ns *)0)->name)];

static int tell(uint8_t opcode, void *data, uint32_t len, uint32_t *dw0)
{
	struct nvme_passthru_cmd cmd = {
		.opcode = opcode, .addr = (uintptr_t)data, .data_len = len,
	};
	int ret = ioctl(device, NVME_IOCTL_ADMIN_CMD, &cmd);

	if (dw0)
		*dw0 = cmd.result;
	return ret < 0 ? -errno : ret;
}

static void clear_at_end(void *arg)
{
	tell(FAULT_ADMIN_CLEAR, NULL, 0, NULL);
	if (other < 0)
		return;
	device = other;
	tell(FAULT_ADMIN_CLEAR, NULL, 0, NULL);
}

static int open_ctrl(int instance)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/nvme%d", instance);
	fd = open(path, O_RDWR | O_CLOEXEC);
	test_check(fd >= 0, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

void fault_open(struct pt_ns *ns)
{
	copy_open(ns, "faults", 1);
	strcpy(name, ns->name);
	ctrl = ns->ctrl;
	device = open_ctrl(ctrl);
	test_at_end(clear_at_end, NULL);
	fault_clear();
}

void fault_at(int instance)
{
	int was = device;

	if (instance == ctrl)
		return;
	ctrl = instance;
	device = other >= 0 ? other : open_ctrl(instance);
	other = was;
}

void fault_only(int instance)
{
	fault_at(instance);
	if (other >= 0)
		close(other);
	other = -1;
}

void fault_close(void)
{
	test_not_at_end(clear_at_end, NULL);
	close(device);
	if (other >= 0)
		close(other);
	device = other = -1;
}

void fault_clear(void)
{
	int ret = tell(FAULT_ADMIN_CLEAR, NULL, 0, NULL);

	test_check(!ret, "cannot clear the rules: %d", ret);
}

unsigned int fault_add(const struct fault_rule *rule)
{
	struct fault_rule copy = *rule;
	uint32_t number = 0;
	int ret = tell(FAULT_ADMIN_ADD, &copy, sizeof(copy), &number);

	test_check(!ret, "cannot add a rule: %d", ret);
	return number;
}

void fault_counters(struct fault_counters *counters)
{
	int ret = tell(FAULT_ADMIN_COUNTERS, counters, sizeof(*counters), NULL);

	test_check(!ret, "cannot read the counters: %d", ret);
}

void fault_arrivals(struct fault_arrivals *arrivals)
{
	int ret = tell(FAULT_ADMIN_ARRIVALS, arrivals, sizeof(*arrivals), NULL);

	test_check(!ret, "cannot read what has arrived: %d", ret);
	test_check(arrivals->nr <= FAULT_ARRIVALS, "%ju commands have arrived",
		   (uintmax_t)arrivals->nr);
}

unsigned int fault_done(unsigned int rule)
{
	struct fault_counters counters;

	fault_counters(&counters);
	return counters.done[rule];
}

static int change(uint32_t what, uint32_t value)
{
	struct fault_change change = { what, value };

	return tell(FAULT_ADMIN_CHANGE, &change, sizeof(change), NULL);
}

/* The events are handled one after the other: the last is seen by then. */
static void restore_at_end(void *arg)
{
	char *path = arg, text[16];

	change(FAULT_CHANGE_READ_ONLY, 0);
	change(FAULT_CHANGE_COPY, 0);
	change(FAULT_CHANGE_FORMAT, FAULT_FORMAT_512);
	if (!test_wait(test_read(path, text, sizeof(text)) > 0 &&
		       atoi(text) == 32768, 10000))
		printf("# the namespace is not as it was\n");
}

void fault_change(uint32_t what, uint32_t value)
{
	static char path[64];
	int ret;

	if (!*path) {
		snprintf(path, sizeof(path), "/sys/block/nvme%s/size", name);
		test_at_end(restore_at_end, path);
	}
	ret = change(what, value);
	test_check(!ret, "cannot change %u to %u: %d", what, value, ret);
}

void fault_host_is_good(const char *what)
{
	struct fault_counters counters;
	unsigned int q;

	fault_counters(&counters);
	test_check(!counters.host_errors, "%s: the host did wrong, %u times: %s",
		   what, counters.host_errors, counters.host_error);
	/* which the driver does for queues of its own */
	q = steer_reserve(ctrl, "first_qid");
	for (; q && q < FAULT_QUEUES; q++)
		test_check(!counters.late[q],
			   "%s: queue id %u was rung for once it was gone", what,
			   q);
}
