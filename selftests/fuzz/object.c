// SPDX-License-Identifier: GPL-2.0
/*
 * A policy's object file as `nvmesteer check` reads it before the kernel does:
 * the input is the file. What libbpf makes of it is libbpf's; what is found in
 * it here has a sentence when it is refused.
 */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "nvmesteer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32], why[POLICY_WHY] = "";
	struct policy p;
	int fd, err;

	fd = memfd_create("policy.bpf.o", 0);
	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = policy__open(&p, path, why);
	assert(!err == !*why);
	if (!err) {
		policy__number(&p, "flags");
		policy__target(&p, 1, "other");
	}
	policy__close(&p);
	close(fd);
	return 0;
}
