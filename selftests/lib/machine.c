// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a machine while it does I/O; see machine.h.
 */
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "machine.h"
#include "test.h"

#define ADMIN_NS_ATTACH		0x15
#define WAIT_MS			90000	/* until a namespace has gone or come */

void machine_cpu(unsigned int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online",
		 cpu);
	test_check(!test_write(path, online ? "1" : "0"),
		   "CPU %u does not go %s", cpu, online ? "online" : "offline");
}

unsigned long machine_memory(void)
{
	char text[4096], *p;

	test_read("/proc/meminfo", text, sizeof(text));
	p = strstr(text, "MemAvailable:");
	test_check(p, "no MemAvailable");
	return strtoul(p + 13, NULL, 10) / 1024;
}

pid_t machine_take_memory(unsigned long spare)
{
	unsigned long mb = machine_memory();
	size_t len = mb > spare ? (mb - spare) << 20 : 4096, at;
	uint8_t *map;
	pid_t pid;

	printf("#   all but %lu of %lu MiB\n", spare, mb);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(map != MAP_FAILED, "cannot map %zu bytes", len);
	pid = fork();
	test_check(pid >= 0, "cannot fork");
	if (!pid) {
		for (at = 0; at < len; at += 4096)
			map[at] = 1;
		for (;;)
			pause();
	}
	munmap(map, len);
	return pid;
}

int machine_controller(const char *serial)
{
	char path[64], text[64];
	int i;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/serial",
			 i);
		if (test_read(path, text, sizeof(text)) > 0 &&
		    !strncmp(text, serial, strlen(serial)))
			return i;
	}
	return -1;
}

void machine_namespace(int ctrl, unsigned int nsid, bool attach)
{
	uint16_t list[2048] = { 1 };
	struct nvme_admin_cmd cmd = {
		.opcode = ADMIN_NS_ATTACH,
		.nsid = nsid,
		.addr = (uintptr_t)list,
		.data_len = sizeof(list),
		.cdw10 = !attach,
	};
	char path[64], text[16];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/cntlid", ctrl);
	test_read(path, text, sizeof(text));
	list[1] = atoi(text);
	snprintf(path, sizeof(path), "/dev/nvme%d", ctrl);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ret = fd < 0 ? -1 : ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd);
	test_check(!ret, "namespace %u of nvme%d: %d", nsid, ctrl, ret);
	close(fd);
	test_check(test_wait(test_exists("/dev/ng%dn%u", ctrl, nsid) == attach,
			     WAIT_MS), "ng%dn%u %s", ctrl, nsid,
		   attach ? "does not come back" : "is still there");
}
