// SPDX-License-Identifier: GPL-2.0
/*
 * The namespace under test: opened as passthrough and as block device, sized,
 * and refused where writing to it could hurt somebody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

/* Controllers of a namespace: those of its subsystem for a multipath head. */
static void find_controllers(struct device *dev)
{
	char link[128], path[PATH_MAX];
	struct dirent *e;
	unsigned int n;
	int end;
	DIR *dir;

	snprintf(link, sizeof(link), "/sys/block/nvme%s/..", dev->name);
	if (!realpath(link, path))
		die(link, errno);
	if (sscanf(strrchr(path, '/'), "/nvme%u%n", &n, &end) == 1 &&
	    !strrchr(path, '/')[end]) {
		snprintf(dev->ctrls[dev->nr_ctrls++], sizeof(dev->ctrls[0]),
			 "nvme%u", n);
		return;
	}
	dir = opendir(path);
	if (!dir)
		die(path, errno);
	while ((e = readdir(dir)) && dev->nr_ctrls < 4) {
		if (sscanf(e->d_name, "nvme%u%n", &n, &end) == 1 &&
		    !e->d_name[end])
			snprintf(dev->ctrls[dev->nr_ctrls++],
				 sizeof(dev->ctrls[0]), "nvme%u", n);
	}
	closedir(dir);
}

/*
 * O_EXCL on the whole device is refused while it, or a partition of it, is
 * mounted, swapped to, or held by dm, md and the like. The claim is kept.
 */
static int claim(const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_EXCL);

	if (fd < 0 && errno == EBUSY) {
		fprintf(stderr,
			"nvmesteer-bench: %s is in use (mounted, swap, or held by another device): not writing to it (EBUSY)\n",
			path);
		exit(1);
	}
	return fd;
}

/* The drive of selftests/device counts what is written to its doorbells. */
static void find_drive(struct device *dev)
{
	char path[64], serial[8] = "";
	FILE *f;

	dev->drive_fd = -1;
	snprintf(path, sizeof(path), "/sys/class/nvme/%s/serial",
		 dev->ctrls[0]);
	f = fopen(path, "r");
	if (!f)
		return;
	if (fscanf(f, "%7s", serial) == 1 && !strcmp(serial, "faults")) {
		snprintf(path, sizeof(path), "/dev/%s", dev->ctrls[0]);
		dev->drive_fd = open(path, O_RDWR);
	}
	fclose(f);
}

void device__open(struct device *dev, const char *path, bool write)
{
	char block[64];
	int ret;

	memset(dev, 0, sizeof(*dev));
	dev->may_write = write;
	if (sscanf(path, "/dev/ng%31s", dev->name) != 1 &&
	    sscanf(path, "/dev/nvme%31s", dev->name) != 1)
		usage_error("'%s' is no NVMe namespace (/dev/ngXnY)", path);
	if (strspn(dev->name, "0123456789n") != strlen(dev->name) ||
	    !strchr(dev->name, 'n'))
		usage_error("'%s' is no whole NVMe namespace (/dev/ngXnY)",
			    path);

	snprintf(block, sizeof(block), "/dev/nvme%s", dev->name);
	dev->block_fd = write ? claim(block) : open(block, O_RDONLY | O_DIRECT);
	if (dev->block_fd < 0)
		die(block, errno);
	snprintf(block, sizeof(block), "/dev/ng%s", dev->name);
	dev->ng_fd = open(block, write ? O_RDWR : O_RDONLY);
	if (dev->ng_fd < 0)
		die(block, errno);

	ret = ioctl(dev->ng_fd, NVME_IOCTL_ID);
	if (ret <= 0)
		die("NVME_IOCTL_ID", errno);
	dev->nsid = ret;
	if (ioctl(dev->block_fd, BLKSSZGET, &dev->block) ||
	    ioctl(dev->block_fd, BLKGETSIZE64, &dev->size))
		die("the namespace's size", errno);
	find_controllers(dev);
	find_drive(dev);
}
