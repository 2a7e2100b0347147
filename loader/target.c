// SPDX-License-Identifier: GPL-2.0
/*
 * Which controller a user means: by its own name, by one of its namespaces or
 * character devices, or by being the only one. The answer is always nvmeN, the
 * name of its steer directory.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvmesteer.h"

#define CTRL_LEN	32
#define WHY_LEN		256

/* "nvme0, nvme1" of all controllers there are; "none" where there are none. */
static void name_all(char *buf, size_t size)
{
	unsigned int i, n = 0;
	char (*names)[32];
	size_t len = 0;

	snprintf(buf, size, "none");
	if (kstate__list(&names, &n))
		return;
	for (i = 0; i < n && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "",
				names[i]);
	free(names);
}

static int no_such(const char *arg, char *why)
{
	char all[128];

	name_all(all, sizeof(all));
	snprintf(why, WHY_LEN,
		 "there is no NVMe controller '%.64s'; those there are: %s",
		 arg, all);
	return -ENODEV;
}

static int only_one(char *ctrl, char *why)
{
	char (*names)[32], all[128];
	unsigned int n = 0;

	if (kstate__list(&names, &n) || !n) {
		snprintf(why, WHY_LEN,
			 "there is no NVMe controller to steer; 'ls /sys/class/nvme' shows the system's");
		return -ENODEV;
	}
	snprintf(ctrl, CTRL_LEN, "%s", names[0]);
	free(names);
	if (n == 1)
		return 0;
	name_all(all, sizeof(all));
	snprintf(why, WHY_LEN, "there are several controllers; name one: %s",
		 all);
	return -EINVAL;
}

/* Behind the digits that @s begins with; NULL where there is none. */
static const char *skip_number(const char *s)
{
	if (!isdigit((unsigned char)*s))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

static bool is_ctrl(const char *name)
{
	const char *end = NULL;
	char path[256];

	if (!strncmp(name, "nvme", 4))
		end = skip_number(name + 4);
	if (!end || *end || strlen(name) >= CTRL_LEN)
		return false;
	snprintf(path, sizeof(path), "%s/class/nvme/%s", kstate_sysfs, name);
	return !access(path, F_OK);
}

/* The controllers of the subsystem behind a multipath head. */
static unsigned int owners(const char *block, char *ctrl, char *all,
			   size_t size)
{
	unsigned int i, total = 0, n = 0;
	char (*names)[32], path[256];
	size_t len = 0;

	if (kstate__list(&names, &total))
		return 0;
	for (i = 0; i < total; i++) {
		snprintf(path, sizeof(path), "%s/class/block/%s/device/%.31s",
			 kstate_sysfs, block, names[i]);
		if (access(path, F_OK))
			continue;
		snprintf(ctrl, CTRL_LEN, "%.31s", names[i]);
		if (len < size)
			len += snprintf(all + len, size - len, "%s%s",
					n ? ", " : "", ctrl);
		n++;
	}
	free(names);
	return n;
}

/* A namespace without multipath: its device link is the controller. */
static bool owner_direct(const char *block, char *ctrl)
{
	char path[256], real[512], *last;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/class/block/%s/device", kstate_sysfs,
		 block);
	n = readlink(path, real, sizeof(real) - 1);
	if (n < 0)
		return false;
	real[n] = '\0';
	last = strrchr(real, '/');
	last = last ? last + 1 : real;
	if (!is_ctrl(last))
		return false;
	snprintf(ctrl, CTRL_LEN, "%.31s", last);
	return true;
}

/* "ng0n1" or "nvme0n1p2" to the block device "nvme0n1". */
static bool to_block(const char *name, char *block, size_t size)
{
	const char *digits, *end;

	if (!strncmp(name, "nvme", 4))
		digits = name + 4;
	else if (!strncmp(name, "ng", 2))
		digits = name + 2;
	else
		return false;
	end = skip_number(digits);
	if (!end || *end != 'n')
		return false;
	end = skip_number(end + 1);
	if (!end || (*end && *end != 'p'))
		return false;
	snprintf(block, size, "nvme%.*s", (int)(end - digits), digits);
	return true;
}

static int by_namespace(const char *name, char *ctrl, char *why)
{
	char block[32], all[128] = "";
	unsigned int n;

	if (strlen(name) > 24 || !to_block(name, block, sizeof(block)))
		return no_such(name, why);
	if (owner_direct(block, ctrl))
		return 0;
	n = owners(block, ctrl, all, sizeof(all));
	if (n == 1)
		return 0;
	if (!n)
		return no_such(name, why);
	snprintf(why, WHY_LEN,
		 "'%s' is reached through several controllers; name one: %s",
		 name, all);
	return -EINVAL;
}

int target__resolve(const char *arg, char *ctrl, char *why)
{
	const char *name = arg;
	char real[PATH_MAX];

	if (!arg)
		return only_one(ctrl, why);
	/* /dev/disk/by-id/... and other links lead to the device's own name */
	if (arg[0] == '/' && realpath(arg, real))
		name = real;
	if (!strncmp(name, "/dev/", 5))
		name += 5;
	if (!*name || strchr(name, '/')) {
		snprintf(why, WHY_LEN,
			 "'%.64s' is not the name of a controller; one looks like nvme0",
			 arg);
		return -EINVAL;
	}
	if (!is_ctrl(name))
		return by_namespace(name, ctrl, why);
	snprintf(ctrl, CTRL_LEN, "%.31s", name);
	return 0;
}
