// SPDX-License-Identifier: GPL-2.0
/*
 * The program around the controller: 'controller SOCKET' listens, serves one
 * connection, and ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller.h"

static int fail(const char *what, int error)
{
	fprintf(stderr, "controller: %s: %s\n", what, strerror(error));
	return 1;
}

/* The namespace, and after it what its controllers tell each other. */
#define SHARED_SIZE	(NAMESPACE_SIZE + PAGE_SIZE)

/*
 * The namespace: this controller's own, or that of all that are told the same
 * @file.
 */
static uint8_t *namespace(const char *file)
{
	int how = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;

	if (file) {
		how = MAP_SHARED;
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, SHARED_SIZE))
			return MAP_FAILED;
	}
	return mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, how, fd, 0);
}

int main(int argc, char **argv)
{
	static struct controller c;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener, fd, i, ret;

	if (argc < 2 || argc == 4 || argc > 5 ||
	    strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "Usage: controller SOCKET [BLOCKS [FILE ID]]\n"
			"SOCKET is a path of at most %zu bytes, BLOCKS the most of\n"
			"a range of a Copy; without it, or with 0, there is no Copy\n"
			"at first. FILE has the namespace, which others with another\n"
			"ID (from 1) have as well, as controllers of one subsystem\n",
			sizeof(address.sun_path) - 1);
		return 2;
	}
	c.blocks = namespace(argc > 3 ? argv[3] : NULL);
	if (c.blocks == MAP_FAILED)
		return fail("memory of the namespace", errno);
	c.returns = (uint32_t *)(c.blocks + NAMESPACE_SIZE);
	nvm_format(&c, FAULT_FORMAT_512);
	for (i = 0; i < NR_VECTORS; i++)
		c.vectors[i] = -1;
	pci_init(&c);
	if (argc > 2)
		c.copy_blocks = atoi(argv[2]);
	if (argc > 4)
		c.id = atoi(argv[4]);

	strcpy(address.sun_path, argv[1]);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address,
				 sizeof(address)) || listen(listener, 1))
		return fail(argv[1], errno);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return fail("accept", errno);
	ret = vfio_serve(&c, fd);
	return ret ? fail("the emulator's messages", -ret) : 0;
}
