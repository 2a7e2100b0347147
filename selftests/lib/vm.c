// SPDX-License-Identifier: GPL-2.0
/*
 * What only a guest of selftests/vm/run has; see vm.h.
 */
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>

#include "steer.h"
#include "test.h"
#include "vm.h"

#define MONITOR	"/dev/virtio-ports/monitor"

bool vm_has_monitor(void)
{
	return !access(MONITOR, R_OK | W_OK);
}

void vm_monitor(const char *line, char *answer, size_t size)
{
	int fd = open(MONITOR, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[65536];
	size_t len = 0;
	ssize_t n;

	test_check(fd >= 0, "cannot open the monitor: %s", strerror(errno));
	/* what is left of an earlier answer */
	while (read(fd, text, sizeof(text)) > 0)
		;
	n = snprintf(text, sizeof(text), "%s\n", line);
	test_check(write(fd, text, n) == n, "cannot write to the monitor");
	/* it echoes the line and ends with a prompt */
	while (len < sizeof(text) - 1) {
		if (poll(&p, 1, 5000) <= 0)
			break;
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += n;
		text[len] = '\0';
		if (len >= 7 && strchr(text, '\n') &&
		    !strcmp(text + len - 7, "(qemu) "))
			break;
	}
	text[len] = '\0';
	close(fd);
	if (answer)
		snprintf(answer, size, "%s", text);
}

/* The drive's id at the emulator: by its controller's serial number. */
static void drive_id(const char *name, char *buf, size_t size)
{
	static const struct {
		const char *serial;
		unsigned int id;
	} drives[] = {
		{ "copylim", 0 }, { "nocopy", 1 }, { "meta", 2 },
		{ "blk4k", 3 }, { "copies", 0 }, { "faulty", 2 },
	};
	char path[128], serial[64];
	unsigned int x = 0, y = 0, i;

	sscanf(name, "%un%u", &x, &y);
	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%u/serial", x);
	test_read(path, serial, sizeof(serial));
	for (i = 0; i < ARRAY_LEN(drives); i++) {
		if (strncmp(serial, drives[i].serial, strlen(drives[i].serial)))
			continue;
		snprintf(buf, size, "nvme%un%u", drives[i].id, y);
		return;
	}
	test_skip("the drive behind ng%s is not one of selftests/vm/run", name);
}

static void unthrottle(void *arg)
{
	char line[128];

	snprintf(line, sizeof(line), "block_set_io_throttle %s 0 0 0 0 0 0",
		 (char *)arg);
	vm_monitor(line, NULL, 0);
}

/* At most @bps bytes and @iops commands a second. */
static void throttle(const char *name, unsigned int bps, unsigned int iops)
{
	static bool registered;
	static char id[32];
	char line[128];

	if (!vm_has_monitor())
		test_skip("no monitor of the emulator to make a drive slow");
	drive_id(name, id, sizeof(id));
	if (!registered)
		test_at_end(unthrottle, id);
	registered = true;
	snprintf(line, sizeof(line), "block_set_io_throttle %s %u 0 0 %u 0 0",
		 id, bps, iops);
	vm_monitor(line, NULL, 0);
}

void vm_throttle(const char *name, unsigned int iops)
{
	throttle(name, 0, iops);
}

void vm_hold_up(const char *name, bool on)
{
	throttle(name, on, 0);
}

void vm_pci_path(int ctrl, char *buf, size_t size)
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/sys/class/nvme/nvme%d/device", ctrl);
	test_check(realpath(link, path), "no PCI function of nvme%d", ctrl);
	snprintf(buf, size, "%s", path);
}

void vm_pci_address(int ctrl, char *buf, size_t size)
{
	char path[PATH_MAX];

	vm_pci_path(ctrl, path, sizeof(path));
	snprintf(buf, size, "%s", basename(path));
}

int vm_ctrl_at(const char *address)
{
	char pattern[128];
	int instance = -1;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*",
		 address);
	if (glob(pattern, 0, NULL, &found))
		return -1;
	sscanf(strrchr(found.gl_pathv[0], '/'), "/nvme%d", &instance);
	globfree(&found);
	return instance;
}

bool vm_is_path(int ctrl)
{
	char state[32];

	vm_ctrl_state(ctrl, state, sizeof(state));
	return !strcmp(state, "live") &&
	       test_exists("%s", steer_path(ctrl, "path"));
}

void vm_bus_master(int ctrl, bool on)
{
	char path[PATH_MAX];
	uint16_t command;
	int fd;

	vm_pci_path(ctrl, path, sizeof(path));
	strncat(path, "/config", sizeof(path) - strlen(path) - 1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	test_check(fd >= 0 && pread(fd, &command, 2, 4) == 2,
		   "cannot read %s", path);
	command = on ? command | 4 : command & ~4;
	test_check(pwrite(fd, &command, 2, 4) == 2, "cannot write %s", path);
	close(fd);
}

void vm_one_cpu(bool on)
{
	char path[64];
	int cpu;

	for (cpu = 1; cpu < 64; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/online", cpu);
		if (access(path, W_OK))
			break;
		test_check(!test_write(path, on ? "0" : "1"),
			   "cannot switch CPU %d", cpu);
	}
}

void vm_ctrl_state(int ctrl, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/state", ctrl);
	test_read(path, buf, size);
	buf[strcspn(buf, "\n")] = '\0';
}

static bool live(int ctrl)
{
	char state[32];

	vm_ctrl_state(ctrl, state, sizeof(state));
	return !strcmp(state, "live");
}

bool vm_wait_live(int ctrl, unsigned int ms)
{
	return test_wait(live(ctrl), ms);
}

int vm_reset(int ctrl)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/reset_controller",
		 ctrl);
	return test_write(path, "1");
}
