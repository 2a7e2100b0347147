// SPDX-License-Identifier: GPL-2.0
/*
 * The server's side of vfio-user, version 0.1, as much of it as QEMU's client
 * uses: messages of a header and its data over a socket, files along with
 * them. The guest's memory is mapped here, from the files that DMA_MAP brings.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller.h"

enum {
	VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO,
	GET_REGION_FDS, GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE,
	DEVICE_RESET = 13,
};

#define FLAG_REPLY	0x01
#define FLAG_NO_REPLY	0x10
#define FLAG_ERROR	0x20

struct header {
	uint16_t id;
	uint16_t command;
	uint32_t size;		/* with the header */
	uint32_t flags;
	uint32_t error;
};

struct dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

struct dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[];
};

#define MAX_DATA	(64U << 10)
#define MAX_FDS		NR_VECTORS

struct message {
	struct header header;
	union {
		uint8_t data[MAX_DATA];
		struct dma_map map;
		struct dma_unmap unmap;
		struct vfio_device_info info;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
		struct vfio_irq_set set;
		struct region_access access;
	};
	size_t len;		/* of the data */
	int fds[MAX_FDS];
	unsigned int nr_fds;
};

/* ----------------------------------------------------------- the guest's memory */

#define MAX_MAPS	64

static struct {
	uint64_t address;
	uint64_t size;
	uint8_t *memory;
} maps[MAX_MAPS];
static unsigned int nr_maps;

/* Memory without a file is the firmware's, which nothing is sent to. */
static int map_memory(struct message *m)
{
	void *memory;

	if (!m->nr_fds)
		return 0;
	if (nr_maps == MAX_MAPS)
		return -ENOSPC;
	memory = mmap(NULL, m->map.size, m->map.flags & 2 ?
		      PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		      m->fds[0], m->map.offset);
	if (memory == MAP_FAILED)
		return -errno;
	maps[nr_maps].address = m->map.address;
	maps[nr_maps].size = m->map.size;
	maps[nr_maps++].memory = memory;
	return 0;
}

static int unmap_memory(struct message *m)
{
	unsigned int i = 0;

	while (i < nr_maps) {
		if (!(m->unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) &&
		    (maps[i].address < m->unmap.address ||
		     maps[i].address - m->unmap.address >= m->unmap.size)) {
			i++;
			continue;
		}
		munmap(maps[i].memory, maps[i].size);
		maps[i] = maps[--nr_maps];
	}
	return 0;
}

void *dma_at(struct controller *c, uint64_t address, size_t len)
{
	unsigned int i;

	if (!(c->config[4] & 4))	/* no bus master */
		return NULL;
	for (i = 0; i < nr_maps; i++)
		if (address >= maps[i].address &&
		    address - maps[i].address < maps[i].size &&
		    maps[i].size - (address - maps[i].address) >= len)
			return maps[i].memory + (address - maps[i].address);
	return NULL;
}

/* ------------------------------------------------------------------- interrupts */

static int set_irqs(struct controller *c, struct message *m)
{
	const struct vfio_irq_set *set = &m->set;
	unsigned int i, n;

	if (set->index != VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	if (set->start > NR_VECTORS || set->count > NR_VECTORS - set->start)
		return -EINVAL;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		n = set->count;
	else if (!set->count)		/* all off */
		n = NR_VECTORS;
	else
		return 0;
	for (i = 0; i < n; i++) {
		if (c->vectors[set->start + i] >= 0)
			close(c->vectors[set->start + i]);
		c->vectors[set->start + i] = -1;
		if (i < m->nr_fds) {
			c->vectors[set->start + i] = m->fds[i];
			m->fds[i] = -1;
		}
	}
	return 0;
}

/* --------------------------------------------------------------------- messages */

static int read_all(int fd, void *data, size_t len)
{
	ssize_t n;

	for (; len; data += n, len -= n) {
		n = read(fd, data, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EPIPE;
	}
	return 0;
}

/* The next message; -EPIPE when there is none to come. */
static int receive(int fd, struct message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))] __attribute__((aligned(8)));
	struct iovec iov = { &m->header, sizeof(m->header) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *part;
	ssize_t n;
	int ret;

	m->nr_fds = 0;
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	for (part = CMSG_FIRSTHDR(&msg); part; part = CMSG_NXTHDR(&msg, part)) {
		if (part->cmsg_type != SCM_RIGHTS)
			continue;
		m->nr_fds = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(part), m->nr_fds * sizeof(int));
	}
	ret = read_all(fd, (char *)&m->header + n, sizeof(m->header) - n);
	if (ret)
		return ret;
	if (m->header.size < sizeof(m->header) ||
	    m->header.size > sizeof(m->header) + MAX_DATA)
		return -EPROTO;
	m->len = m->header.size - sizeof(m->header);
	return read_all(fd, m->data, m->len);
}

static int reply(int fd, struct message *m, int error)
{
	const char *data = (const char *)&m->header;
	ssize_t n;

	m->header.flags = FLAG_REPLY;
	if (error) {
		m->header.flags |= FLAG_ERROR;
		m->header.error = -error;
		m->len = 0;
	}
	m->header.size = sizeof(m->header) + m->len;
	for (size_t len = m->header.size; len; data += n, len -= n) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
	}
	return 0;
}

static int get_version(struct message *m)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":8,"
		"\"max_data_xfer_size\":32768}}";

	/* major and minor stay what the client offered */
	memcpy(m->data + 4, capabilities, sizeof(capabilities));
	m->len = 4 + sizeof(capabilities);
	return 0;
}

static void get_region(struct message *m)
{
	static const uint32_t sizes[NR_REGIONS] = {
		[REGION_BAR0] = BAR0_SIZE, [REGION_BAR4] = BAR4_SIZE,
		[REGION_CONFIG] = CONFIG_SIZE,
	};
	uint32_t index = m->region.index;

	memset(&m->region, 0, sizeof(m->region));
	m->region.argsz = sizeof(m->region);
	m->region.index = index;
	if (index < NR_REGIONS)
		m->region.size = sizes[index];
	if (m->region.size)
		m->region.flags = VFIO_REGION_INFO_FLAG_READ |
				  VFIO_REGION_INFO_FLAG_WRITE;
	m->len = sizeof(m->region);
}

static int access_region(struct controller *c, struct message *m)
{
	struct region_access *a = &m->access;

	if (a->count > MAX_DATA - sizeof(*a))
		return -E2BIG;
	if (m->header.command == REGION_READ) {
		pci_read(c, a->region, a->offset, a->data, a->count);
		m->len = sizeof(*a) + a->count;
	} else {
		pci_write(c, a->region, a->offset, a->data, a->count);
		m->len = sizeof(*a);
	}
	return 0;
}

static int handle(struct controller *c, struct message *m)
{
	switch (m->header.command) {
	case VERSION:
		return get_version(m);
	case DMA_MAP:
		m->len = 0;
		return map_memory(m);
	case DMA_UNMAP:
		return unmap_memory(m);
	case GET_INFO:
		m->info.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
		m->info.num_regions = NR_REGIONS;
		m->info.num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case GET_REGION_INFO:
		get_region(m);
		return 0;
	case GET_IRQ_INFO:
		m->irq.count = 0;
		if (m->irq.index == VFIO_PCI_MSIX_IRQ_INDEX)
			m->irq.count = NR_VECTORS;
		m->irq.flags = VFIO_IRQ_INFO_EVENTFD;
		return 0;
	case SET_IRQS:
		m->len = 0;
		return set_irqs(c, m);
	case REGION_READ:
	case REGION_WRITE:
		return access_region(c, m);
	case DEVICE_RESET:
		m->len = 0;
		pci_reset(c);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int vfio_serve(struct controller *c, int fd)
{
	static struct message m;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret, timeout;

	for (;;) {
		timeout = queue_run(c);
		ret = poll(&p, 1, timeout);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret <= 0)
			continue;
		memset(m.data, 0, 64);
		ret = receive(fd, &m);
		if (ret)
			return ret == -EPIPE ? 0 : ret;
		ret = handle(c, &m);
		while (m.nr_fds)
			if (m.fds[--m.nr_fds] >= 0)
				close(m.fds[m.nr_fds]);
		if (m.header.flags & FLAG_NO_REPLY)
			continue;
		/* who waits until a doorbell is written finds all done */
		if (!ret && m.header.command == REGION_WRITE)
			queue_run(c);
		ret = reply(fd, &m, ret);
		if (ret)
			return ret;
	}
}
